//! What the datacenter tells of a drive that it has read: the classic log
//! (`azure-import-export` 7.1) and the log of Data Box, elements without a root around them (7.2).
//! Pure over bytes, which may be anybody's: nothing that a log says is a place to go to. What was
//! read before a log broke off counts, and that it broke off is told.

mod classic;
mod element;
mod fragments;
mod model;

use self::classic::Classic;
use self::element::{Form, walk};
use self::fragments::Fragments;

pub use self::model::{BlobEnd, CopyLog, Cut, Entry, PARTS, Part};

/// Bytes that are read of one log, at most; millions of entries.
pub const LOG_BYTES: u64 = 64 << 20;
impl CopyLog {
    /// Reads the first [`LOG_BYTES`] of a log at most; never fails, since what it has is told even
    /// when the rest cannot be read.
    pub fn parse(bytes: &[u8]) -> Self {
        let most = usize::try_from(LOG_BYTES).unwrap_or(usize::MAX);
        let (own, is_longer) = match bytes.get(..most) {
            Some(own) if bytes.len() > most => (own, true),
            _ => (bytes, false),
        };
        let mut log = if is_classic(own) { read::<Classic>(own) } else { read::<Fragments>(own) };
        if is_longer {
            log.cut = Some(Cut::TooLong);
        }
        log
    }
}

fn read<F: Form>(bytes: &[u8]) -> CopyLog {
    let mut form = F::default();
    let cut = walk(bytes, &mut form).err();
    form.finish(cut)
}

/// The classic form has a root; it stands near the beginning.
fn is_classic(bytes: &[u8]) -> bool {
    let head = bytes.get(..4096).unwrap_or(bytes);
    let root = b"<DriveLog";
    // The other form has an element whose name only begins so.
    let is_whole = |after: Option<&u8>| after.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let is_root = |at: usize| {
        head[at..].starts_with(root) && is_whole(head.get(at.saturating_add(root.len())))
    };
    (0..head.len()).any(is_root)
}

#[cfg(test)]
mod tests;
