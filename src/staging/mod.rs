//! The initial backup into the staging path, and `seed.json`, which says what lies there and
//! where it goes. Knows nothing of drives, jobs or vaults.

mod adopt;
mod agent;
mod contents;
mod door;
mod error;
mod hosts;
mod joined;
mod known;
mod owner;
mod pin;
mod pin_book;
mod probe;
mod seed;
mod stage;
mod stagers;
mod write;

pub use adopt::{
    adopt, check_apart, check_no_journal, check_source, check_unchanged, check_whole, expect_there,
    stale_locks,
};
pub use agent::{Workload, is_of_agent};
pub use contents::Contents;
pub use door::{Data, Memory, Staging, has_record};
pub use error::Error;
pub use hosts::{StagedHost, Stager};
pub use joined::Drives;
pub use known::{DriveHome, HeldDrive, drives_of};
pub use owner::{Stranger, Why, strangers};
pub use pin::{Change, Intended, Pin, SeedPin, Sight};
pub use pin_book::{PinBook, PinWriter};
pub use probe::probe_name;
pub use seed::{Destination, Origin, ParcelSent, Seed, SeedKind, SeedState, Totals};
pub use stage::{StageOptions, Staged, stage};
pub use stagers::{AtWork, HeldRecord};
pub use write::{Looked, Room, begin, expect_room, find_own, free_bytes, look};
