//! The custody log of a staging path: who did what with which drive, and when, one line after the
//! other, each bound to the line before it. It is only ever added to. A chain that was changed, cut,
//! put in another order or forks is shown as it is and never mended. `docs/formats.md` describes it.

mod anchor;
mod chain;
mod entry;
mod error;
mod log;

pub use chain::{Chain, Fault, Link, parse};
pub use entry::{Deed, Entry, ProvenBy, Report, Who};
pub use error::Error;
pub use log::{Appended, CustodyLog};
