//! The initial backup into the staging path, and `seed.json`, which says what lies there and
//! where it goes. Knows nothing of drives, jobs or vaults.

mod adopt;
mod error;
mod password;
mod seed;
mod write;

pub use adopt::{Contents, adopt, check_unchanged, stale_locks};
pub use error::Error;
pub use password::{Weak, generate, read_password};
pub use seed::{Origin, Seed, SeedKind, SeedState, Target, Totals, journals};
pub use write::{Looked, StageOptions, Staged, begin, look, stage};
