//! The import job: made, shown, followed, shipped, ended.

mod keys;
mod ship;
mod target;
mod watch;

pub use keys::{Key, Keys, keys};
pub use ship::ship;
pub use target::{JobOptions, MeantJob, described, known};
pub use watch::{Changed, Ended, Seen, Unreached, watch};
