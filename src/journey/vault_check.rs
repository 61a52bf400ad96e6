//! `vault check`: whether the repository of a vault is whole, as far as it was asked for.

use disk_prep::noun::{ReadShare, VaultName};

use super::desk::Desk;
use super::vault::{VaultOptions, failed, open, open_container, pick};
use crate::azure::Protection;

pub use crate::azure::Deleted;
use crate::outcome::Failure;
use crate::repository::Checked;
use crate::vault::Error;

/// Checks a vault's repository; of its data, reads that share.
pub fn check(
    share: Option<ReadShare>,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<VaultChecked, Failure> {
    let vault = pick(options, &desk.state()?)?;
    let repository = open(&vault, options, desk)?;
    let failed = |source| failed(&vault, source);
    let snapshots = repository.snapshots().map_err(failed)?.len();
    let checked = repository.look_over(share).map_err(failed)?;
    let protection = open_container(&vault, options, desk)?.protection();
    let path = vault.container.to_string();
    let protection = protection.map_err(|source| Error::Blob { path, source })?;
    Ok(VaultChecked { vault: vault.name.clone(), snapshots, checked, protection })
}

/// A vault that was checked.
#[derive(Debug)]
pub struct VaultChecked {
    /// The vault.
    pub vault: VaultName,
    /// Its snapshots.
    pub snapshots: usize,
    /// What was found.
    pub checked: Checked,
    /// What keeps its blobs.
    pub protection: Protection,
}
