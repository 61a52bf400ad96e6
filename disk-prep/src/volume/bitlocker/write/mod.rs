//! The writing side of a BitLocker volume: where its metadata lies, its keys, the metadata block
//! and the first 8 KiB as bytes, and the volume key regained from them. Writes nothing itself,
//! draws no randomness and reads no clock: all that is handed in.

mod boxes;
mod error;
mod keys;
mod metadata;
mod placement;
mod regain;
#[cfg(test)]
mod vectors;

pub use error::Error;
pub use keys::{StretchedKey, VolumeKey, VolumeSecrets, stretch, stretch_all};
pub use metadata::{VolumeForm, encode_first_8k, encode_metadata};
pub use placement::{FIRST_BYTES, METADATA_BYTES, PinnedFile, Placement};
pub use regain::regain;
