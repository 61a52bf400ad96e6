//! The import job: made, shown, packed, followed, shipped, ended.

mod back;
mod calendar;
mod custody;
mod ends;
mod file;
mod held;
mod keys;
mod own_drives;
mod pack;
mod parcel_file;
mod parcels;
mod remembered;
mod ship;
mod sight;
mod slip;
mod target;
mod tool_journals;
mod watch;

pub use back::{AddressOptions, CarrierOptions, set_return, set_return_carrier};
pub use calendar::write_calendar;
pub use custody::{home_of, note_arrival};
pub use ends::{cancel, create, delete, list, locations};
pub use file::{Exported, export};
pub use keys::{Key, Keys, Proofs, keys, prove_keys};
pub use own_drives::{expect_own, meant};
pub use pack::{Packed, check as check_pack, label};
pub use parcel_file::read as read_parcel;
pub use parcels::{Shipped, foresee_all, ship_all};
pub use remembered::Remembered;
pub use ship::{ParcelForeseen, ParcelsForeseen, ShipOptions, Way, foresee_ship, moment, ship};
pub use sight::{job_proven, jobs_proven, made, seen};
#[cfg(test)]
pub use slip::DriveFacts;
pub use slip::{Slip, SlipDrive, Slips, Stretch, slips};
pub use target::{JobOptions, MeantJob, exact};
pub use tool_journals::{JournalsExported, create_from, export_journals};
pub use watch::{Changed, Ended, Seen, Unreached, watch};
