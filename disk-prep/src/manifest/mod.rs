//! The drive manifest: the drive's table of contents, on the drive, in the service's own XML
//! (`azure-import-export` 4). Written in a fixed form, so that its length is known before the
//! first digest is.

mod read;
mod write;

pub use read::{Manifest, ManifestBlob, ManifestError, ManifestRange, parse};
pub use write::{Entry, ManifestWriter, Profile, frame_bytes, length_bytes};
