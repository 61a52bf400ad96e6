//! What a vault's container tells whoever can read it, without the password of its repository: for
//! each machine that works on it how far it is, its schedule, its policy and its sources. A machine
//! that attaches the vault takes them over, and somebody in an office sees them. It holds no secret,
//! and nothing that a run relies on: it is input from others.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{
    Md5Digest, ResourceGroup, Schedule, Service, SubscriptionId, VaultName, plain_word,
    visible_line,
};
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::record::{KnownSource, SeedLink, Vault};
use super::remark::Remark;
use super::sources::this_host;
use crate::azure::{Container, Fenced};
use crate::policy::Retention;
use crate::repository::Choice;

/// Stands before the blob of each machine.
const MACHINES: &str = "azseed/machines/";
/// Such a blob is small; one that is not was put there by somebody else.
const MOST_BYTES: u64 = 1 << 20;
/// So many machines are looked at.
const MOST_MACHINES: usize = 200;
const VERSION: u32 = 1;

/// What one machine has told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    version: u32,
    /// The vault.
    pub vault: VaultName,
    /// The machine.
    pub host: String,
    /// When it said so.
    pub told_at: Timestamp,
    /// When increments are made.
    #[serde(default)]
    pub schedule: Schedule,
    /// Which snapshots are kept.
    #[serde(default)]
    pub retention: Retention,
    /// The service of the seed's job.
    #[serde(default)]
    pub service: Option<Service>,
    /// The subscription of the seed's job.
    #[serde(default)]
    pub subscription: Option<SubscriptionId>,
    /// The resource group of the seed's job.
    #[serde(default)]
    pub resource_group: Option<ResourceGroup>,
    /// Its seed.
    #[serde(default)]
    pub seed: Option<SeedLink>,
    /// Sources that were added to those of the seed.
    #[serde(default)]
    pub added: Vec<PathBuf>,
    /// Sources that are not backed up any more.
    #[serde(default)]
    pub removed: Vec<PathBuf>,
    /// Sources that were let go with their snapshots.
    #[serde(default)]
    pub let_go: Vec<PathBuf>,
    /// What of its sources is taken, if that was said since the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Choice>,
    /// What is known of its sources.
    #[serde(default)]
    pub sources: Vec<KnownSource>,
    /// When the seed was taken in.
    #[serde(default)]
    pub ingested_at: Option<Timestamp>,
    /// Since when its seed joins the vault, as long as it is not taken in.
    #[serde(default)]
    pub joins_since: Option<Timestamp>,
    /// When the last increment was made.
    #[serde(default)]
    pub incremented_at: Option<Timestamp>,
    /// When the imported container was cleared.
    #[serde(default)]
    pub cleaned_at: Option<Timestamp>,
}

impl Notice {
    /// What this machine says of a vault now.
    pub fn of(vault: &Vault) -> Self {
        Notice {
            version: VERSION,
            vault: vault.name.clone(),
            host: this_host(),
            told_at: Timestamp::now(),
            schedule: vault.schedule.clone(),
            retention: vault.retention,
            service: vault.service,
            subscription: vault.subscription.clone(),
            resource_group: vault.resource_group.clone(),
            seed: vault.seed.clone(),
            added: vault.added.clone(),
            removed: vault.removed.clone(),
            let_go: vault.let_go.clone(),
            filters: vault.filters.clone(),
            sources: vault.sources.clone(),
            ingested_at: vault.ingested_at,
            joins_since: vault.joins_since,
            incremented_at: vault.incremented_at,
            cleaned_at: vault.cleaned_at,
        }
    }

    fn blob(&self) -> (String, Bytes) {
        let text = serde_json::to_vec_pretty(self).expect("names and paths can be written");
        (name(&self.host), text.into())
    }
}

/// The blob of a machine.
fn name(host: &str) -> String {
    format!("{MACHINES}{}.json", plain_word(host))
}

/// Lets the container tell how far the vault is, by a run that has the lease.
pub fn tell_all(vault: &Vault, container: &Arc<dyn Fenced>) -> Result<(), Error> {
    let (name, text) = Notice::of(vault).blob();
    let md5 = Md5Digest::new(Md5::digest(&text).into());
    container.write(&name, text, md5).map_err(|source| Error::Blob { path: name, source })
}

/// The same for a vault that is new; what was told before stays.
pub fn tell_first(vault: &Vault, container: &dyn Container) -> Result<(), Error> {
    let (name, text) = Notice::of(vault).blob();
    let written = container.write_new(&name, text);
    written.map(drop).map_err(|source| Error::Blob { path: name, source })
}

/// What the machines of a vault have told, by host; what cannot be understood is named.
pub fn told_of(container: &dyn Container) -> Result<(Vec<Notice>, Vec<String>), Error> {
    let (mut all, mut foreign) = (Vec::new(), Vec::new());
    let listed = container.list(MACHINES).map_err(|source| Error::List { source })?;
    for (path, facts) in listed.into_iter().take(MOST_MACHINES) {
        let content = match facts.bytes <= MOST_BYTES {
            true => container.read(&path),
            false => Ok(None),
        };
        let content = content.map_err(|source| Error::Blob { path: path.clone(), source })?;
        let told = content.and_then(|text| serde_json::from_slice::<Notice>(&text).ok());
        // A blob that tells of another machine than its name was not written by that machine.
        match told.filter(|told| told.version <= VERSION && name(&told.host) == path) {
            Some(told) => all.push(told),
            None => foreign.push(visible_line(&path).into_owned()),
        }
    }
    all.sort_by(|one, other| one.host.cmp(&other.host));
    Ok((all, foreign))
}

/// Leaves out what concerns machines that have told of themselves: they cover their sources.
pub fn without_told(remarks: Vec<Remark>, container: &dyn Container) -> Result<Vec<Remark>, Error> {
    if !remarks.iter().any(|own| matches!(own, Remark::OtherHost { .. })) {
        return Ok(remarks);
    }
    let listed = container.list(MACHINES).map_err(|source| Error::List { source })?;
    let told: BTreeSet<String> = listed.into_keys().collect();
    let has_told = |own: &Remark| match own {
        Remark::OtherHost { host, .. } => told.contains(&name(host)),
        _ => false,
    };
    Ok(remarks.into_iter().filter(|own| !has_told(own)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hosts_blob_lies_with_the_others_whatever_the_host_is_called() {
        assert_eq!(name("web-1.office"), "azseed/machines/web-1.office.json");
        assert_eq!(name("../../repo"), "azseed/machines/..=2f..=2frepo.json");
        assert_ne!(name("a=b"), name("a=3db"));
        assert_eq!(name("ä"), "azseed/machines/=c3=a4.json");
    }
}
