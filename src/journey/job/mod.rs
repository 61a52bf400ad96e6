//! The import job: made, shown, followed, shipped, ended.

mod keys;
mod target;
mod watch;

pub use keys::{Key, Keys, keys};
pub use target::{JobOptions, MeantJob, described};
pub use watch::{Changed, Ended, Seen, Unreached, watch};
