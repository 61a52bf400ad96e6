//! A blob container as a repository: takes an imported seed in, makes increments, says when one is
//! due, and tells what of a seed it holds. Knows no drive and no job.

mod arrival;
mod aside;
mod clear;
mod error;
mod foreign_locks;
mod increment;
mod ingest;
mod joining;
mod known;
mod lease;
mod points;
mod record;
mod remark;
mod removal;
mod retention;
mod seed_list;
mod settings;
mod shelf;
mod sources;
mod taken;
mod told;
mod versions;
#[cfg(test)]
mod worlds;

pub use crate::repository::is_repository_path;
pub use arrival::Arrival;
pub use aside::{asides, drop_asides};
pub use clear::{Cleared, clear, expect_unused};
pub use error::Error;
pub use foreign_locks::{expect_no_locks, live_locks};
pub use increment::{Asked, Home, Increment, increment};
pub use ingest::{Estimate, Ingested, Spare, Taking, ingest};
pub use joining::{is_joining, join, joining, leave};
pub use lease::{Clock, LOCK, Lease, Timing};
pub use points::points;
pub use record::{KnownSource, LastRun, SeedLink, Vault, VaultState};
pub use remark::Remark;
pub use removal::remove_snapshots;
pub use retention::retain;
pub use seed_list::{Marks, SeedBlob, SeedList};
pub use settings::{Newer, Settings};
pub use shelf::{Import, Shelf, claim, claimed};
pub use sources::{Coverage, accept, covered, this_host, vault_coverage};
pub use taken::{cleared, mark_cleared, taken_in};
pub use told::{Notice, tell_all, tell_first, told_of, without_told};
pub use versions::Versions;
