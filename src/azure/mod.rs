//! The only network client: sign-in, the calls to Azure's resource manager, blobs. Knows no other
//! room; of `disk_prep` only the nouns.

mod arm;
mod blobs;
mod error;
mod fenced;
mod network;
mod shared_key;
mod sign_in;
mod signer;
mod trace;

pub use arm::{Arm, ArmOptions};
pub use blobs::{BlobCredential, BlobFacts, BlobOptions, Container, Copied, Made, Removed};
pub use error::{Error, Lost};
pub use fenced::{Fence, Fenced};
pub use network::Network;
