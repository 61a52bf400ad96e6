//! What the vaults of a subscription hold, counted side by side. Asks only what reads.

use std::collections::BTreeMap;
use std::sync::Mutex;

use disk_prep::noun::SubscriptionId;
use disk_prep::sys::hold::hold;

use super::answered::{answer, failed};
use crate::azure::{Arm, each_of};
use crate::check::azure::Answer;
use crate::check::vault_limits::{Counts, VaultCounts};
use crate::vm_backup::{Error, RecoveryVault, items, policies, vaults};

/// So many vaults side by side.
const AT_ONCE: usize = 8;

/// Counts.
pub(super) fn counts(arm: &Arm, subscription: &SubscriptionId) -> Answer<Counts> {
    match counted(arm, subscription) {
        Ok(counts) => answer(Ok(Some(counts))),
        Err(Error::Azure(error)) => failed(&error),
        Err(error) => Answer::Unknown(error.to_string()),
    }
}

fn counted(arm: &Arm, subscription: &SubscriptionId) -> Result<Counts, Error> {
    let all = vaults(arm, subscription)?;
    let mut regions: BTreeMap<String, usize> = BTreeMap::new();
    for own in &all {
        *regions.entry(own.region.clone()).or_default() += 1;
    }
    let held: Mutex<Vec<VaultCounts>> = Mutex::default();
    each_of(0..all.len(), AT_ONCE, |at| {
        let counts = of_vault(arm, &all[at])?;
        hold(&held).push(counts);
        Ok::<(), Error>(())
    })?;
    let mut vaults = std::mem::take(&mut *hold(&held));
    vaults.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Counts { regions: regions.into_iter().collect(), vaults })
}

fn of_vault(arm: &Arm, vault: &RecoveryVault) -> Result<VaultCounts, Error> {
    Ok(VaultCounts {
        name: format!("{}/{}", vault.id.group, vault.id.name),
        machines: items(arm, &vault.id)?.len(),
        policies: policies(arm, &vault.id)?.len(),
    })
}
