//! What the calls about disks share: the two kinds, where they are, and what is refused.

use super::super::call::Context;
use super::super::fault::Fault;
use crate::disks::Disks;

/// A disk or a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Disk,
    Snapshot,
}

impl Kind {
    pub fn of(word: &str) -> Option<Self> {
        [Kind::Disk, Kind::Snapshot].into_iter().find(|own| own.word().eq_ignore_ascii_case(word))
    }

    pub fn word(self) -> &'static str {
        match self {
            Kind::Disk => "disks",
            Kind::Snapshot => "snapshots",
        }
    }
}

/// The disks, if the blob service is the emulator's own.
pub(super) fn bench(context: Context<'_>) -> Result<Disks<'_>, Fault> {
    let Context { world, now, .. } = context;
    let blobs = context.blobs.ok_or_else(|| {
        let message = "The bytes of managed disks are in the emulator's own blob service only.";
        Fault::new(501, "NotImplemented", message)
    })?;
    Ok(Disks { pages: blobs.disks(), world, now })
}

/// There is none of this name.
pub(super) fn absent(kind: Kind, group: &str, name: &str) -> Fault {
    let message = format!(
        "The Resource 'Microsoft.Compute/{}/{name}' under resource group '{group}' was not found.",
        kind.word()
    );
    Fault::new(404, "ResourceNotFound", message)
}

/// Not as things are.
pub(super) fn conflict(message: &str) -> Fault {
    Fault::new(409, "OperationNotAllowed", message)
}

/// A word is wrong.
pub(super) fn wrong(message: &str) -> Fault {
    Fault::new(400, "InvalidParameter", message)
}
