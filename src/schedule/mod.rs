//! When a run is due: rules over times, and the units that call it. Knows no story.

mod due;
mod systemd;
mod turns;
mod units;

pub use due::{Due, due, is_ahead};
pub use systemd::{Elapse, elapse};
pub use turns::turns;
pub use units::{Hooked, Service, UnfitWord, UnitForm, UnitOf, disk_times, service, timer, times};
