//! The initial backup into the staging path, and `seed.json`, which says what lies there and
//! where it goes. Knows nothing of drives, jobs or vaults.

mod adopt;
mod error;
mod seed;

pub use adopt::adopt;
pub use error::Error;
pub use seed::{Origin, Seed, SeedKind, SeedState, Target, Totals, journals};
