//! A blob container as a repository: takes an imported seed in and says when a run is due. Knows
//! no drive and no job; what holds the blobs is behind [`Shelf`].

mod error;
mod ingest;
mod schedule;

pub use error::Error;
pub use ingest::{Held, Ingested, SeedBlob, Shelf, Spare, Taken, ingest};
pub use schedule::{Due, Schedule, due};
