//! A blob container as a repository: takes an imported seed in, makes increments, says when one is
//! due, and tells what of a seed it holds. Knows no drive and no job.

mod clear;
mod error;
mod increment;
mod ingest;
mod known;
mod lease;
mod record;
mod shelf;
mod sources;

pub use crate::repository::is_repository_path;
pub use clear::{Cleared, clear};
pub use error::Error;
pub use increment::{Asked, Increment, increment};
pub use ingest::{Ingested, Spare, ingest};
pub use lease::{Clock, LOCK, Lease, Timing};
pub use record::{KnownSource, SeedLink, VERSION, Vault, VaultState};
pub use shelf::{SeedBlob, Shelf, Shelved, claim, held, is_held};
pub use sources::{Coverage, Remark, accept, coverage, covered, this_host};
