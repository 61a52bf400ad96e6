//! Opens a BitLocker volume as a stranger would: from its bytes and the recovery password only.
//! Shares nothing with the writing side but nouns and primitive crates. Takes nothing on trust:
//! every length and place is checked before it is used, damaged metadata gives way to its
//! copies, and the sealed hash must match before a sector is shown.

mod cursor;
mod error;
mod keys;
mod metadata;
mod protector;
mod sectors;
#[cfg(test)]
mod tests;
mod volume;

pub use cursor::VolumeCursor;
pub use error::Error;
pub use metadata::VolumeMetadata;
pub use protector::Protector;
pub use volume::UnlockedVolume;
