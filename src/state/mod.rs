//! The state directory of this machine: a convenience that remembers staging paths, so that a
//! drive of one seed is never taken for another. Written durably.

mod directory;
mod error;
mod keys;
mod locks;
mod pins;
mod seeds;
mod vaults;

pub use directory::State;
pub use error::StateError;
pub use locks::Lock;
pub use pins::{PinBook, PinWriter};
pub use seeds::drives_of;
