//! The only network client: sign-in and the calls to Azure's resource manager. Knows no other
//! room; of `disk_prep` only the nouns.

mod arm;
mod error;
mod sign_in;

pub use arm::{Arm, ArmOptions};
pub use error::Error;
