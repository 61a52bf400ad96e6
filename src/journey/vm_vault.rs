//! `vm vault` and `vm policy`: Recovery Services vaults, and when their backups are made and how long
//! they are kept.

use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, VaultName, visible_line};
use disk_prep::sys::given;
use jiff::civil::{Date, Time};
use jiff::{ToSpan, Zoned};

use super::desk::Desk;
use super::vault_policy::{PolicyError, TriedPolicy};
use super::vm::{Office, VmOptions};
use crate::outcome::{Attendant, Failure, MissingFlags};
use crate::policy::{Policy, simulate};
use crate::schedule::turns;
use crate::vm_backup::{
    Error, PolicyFacts, RecoveryVault, Redundancy, VaultId, VmPolicy, create, has_default_policy,
    policies, set_policy,
};

/// A policy file is small, bytes.
const MOST_BYTES: u64 = 1 << 20;

/// What a vault is to be.
#[derive(Debug, Clone)]
pub struct NewVault {
    /// Its name.
    pub name: VaultName,
    /// Its region.
    pub region: String,
    /// How many copies of the points there are.
    pub redundancy: Redundancy,
    /// Whether that was said.
    pub is_chosen: bool,
}

/// A vault that was made, or was there.
#[derive(Debug)]
pub struct MadeVault {
    /// The vault.
    pub vault: RecoveryVault,
    /// Whether it was there already, as it was asked for.
    pub was_there: bool,
    /// Whether a policy is there that machines can be protected by at once.
    pub has_policy: bool,
    /// Another vault of this name in the subscription.
    pub namesake: Option<VaultId>,
}

/// Makes a vault, or finds that it is there as it should be.
pub fn make(asked: &NewVault, options: &VmOptions, desk: &Desk<'_>) -> Result<MadeVault, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let group = options.group.clone().ok_or(MissingFlags::unseeded("--resource-group"))?;
    let region = asked.region.to_lowercase().replace(' ', "");
    let regions = office.arm.regions(&office.subscription)?;
    if !regions.contains(&region) {
        return Err(Error::NoRegion { region }.into());
    }
    let id = VaultId { subscription: office.subscription.clone(), group, name: asked.name.clone() };
    let any = VmOptions { group: None, vault: Some(asked.name.clone()), ..options.clone() };
    let mut all = office.all_vaults()?;
    all.retain(|own| any.is_about(&own.id));
    let is_own =
        |own: &&RecoveryVault| own.id.group.as_str().eq_ignore_ascii_case(id.group.as_str());
    let namesake = all.iter().find(|own| !is_own(own)).map(|own| own.id.clone());
    let held = all.iter().find(is_own);
    if let Some(held) = held {
        same(held, asked, &region)?;
    }
    let (vault, was_there) = match held {
        Some(held) => (held.clone(), true),
        None => (create(&office.arm, &id, &region, asked.redundancy)?, false),
    };
    let has_policy = has_default_policy(&office.arm, &vault.id)?;
    Ok(MadeVault { vault, was_there, has_policy, namesake })
}

/// What is asked of a vault that is there is what it is.
fn same(held: &RecoveryVault, asked: &NewVault, region: &str) -> Result<(), Error> {
    let other = |what, held: &str, wanted: &str| Error::OtherVault {
        name: asked.name.clone(),
        what,
        held: held.to_owned(),
        asked: wanted.to_owned(),
    };
    if held.region != region {
        return Err(other("region", &held.region, region));
    }
    let redundancy = held.redundancy.as_deref().unwrap_or_default();
    if asked.is_chosen && !redundancy.is_empty() && redundancy != asked.redundancy.word() {
        return Err(other("redundancy", redundancy, asked.redundancy.word()));
    }
    Ok(())
}

/// Vaults.
#[derive(Debug)]
pub struct RecoveryVaults {
    /// The vaults.
    pub all: Vec<RecoveryVault>,
    /// Whether one was asked for, and what can be done with it is told.
    pub is_one: bool,
}

/// Lists the vaults of the subscription.
pub fn list(options: &VmOptions, desk: &Desk<'_>) -> Result<RecoveryVaults, Failure> {
    let all = Office::open(options, desk.attendant)?.vaults(options)?;
    Ok(RecoveryVaults { all, is_one: false })
}

/// Shows one vault.
pub fn show(options: &VmOptions, desk: &Desk<'_>) -> Result<RecoveryVaults, Failure> {
    let vault = Office::open(options, desk.attendant)?.vault(options, None)?;
    Ok(RecoveryVaults { all: vec![vault], is_one: true })
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("Cannot read the policy in {}", path.display())]
pub struct PolicyFile {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Diagnose for PolicyFile {
    fn code(&self) -> &'static str {
        "vm-policy-file"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("`azseed vm policy set --help` shows its form"))
    }
}

/// Reads a policy of a file; warns of what the service may refuse.
pub(super) fn read(path: &Path, attendant: &dyn Attendant) -> Result<VmPolicy, Failure> {
    let text = given::read_text_within(path, MOST_BYTES);
    let text = text.map_err(|source| PolicyFile { path: path.to_owned(), source })?;
    let policy = VmPolicy::from_toml(&text).map_err(|faults| Error::Policy { faults })?;
    policy.doubts().iter().for_each(|doubt| attendant.warn(doubt));
    Ok(policy)
}

/// Policies of a vault.
#[derive(Debug)]
pub struct VmPolicies {
    /// The vault.
    pub vault: VaultId,
    /// The policies.
    pub all: Vec<PolicyFacts>,
    /// Whether one is shown whole.
    pub is_one: bool,
    /// What came of setting one; `None` if it was only looked at.
    pub set: Option<SetPolicy>,
}

/// What came of setting a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetPolicy {
    /// It is new.
    Made,
    /// It was another.
    Changed,
    /// It was the same.
    Unchanged,
}

/// The policies of a vault.
pub fn policy_list(options: &VmOptions, desk: &Desk<'_>) -> Result<VmPolicies, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let all = policies(&office.arm, &vault)?;
    Ok(VmPolicies { vault, all, is_one: false, set: None })
}

/// One policy.
pub fn policy_show(
    name: &str,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<VmPolicies, Failure> {
    let mut own = policy_list(options, desk)?;
    own.all.retain(|facts| facts.name.eq_ignore_ascii_case(name));
    if own.all.is_empty() {
        let (name, vault) = (visible_line(name).into_owned(), own.vault.name.clone());
        return Err(Error::NoPolicy { name, vault }.into());
    }
    Ok(VmPolicies { is_one: true, ..own })
}

/// Makes a policy of a file, or changes one; who would be hit by a change is told and asked.
pub fn policy_set(
    name: &str,
    file: &Path,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<VmPolicies, Failure> {
    let policy = read(file, desk.attendant)?;
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let set = set(&office, &vault, name, &policy, desk)?;
    let mut all = policies(&office.arm, &vault)?;
    all.retain(|facts| facts.name.eq_ignore_ascii_case(name));
    Ok(VmPolicies { vault, all, is_one: true, set: Some(set) })
}

/// Makes or changes a policy of a vault.
pub(super) fn set(
    office: &Office,
    vault: &VaultId,
    name: &str,
    policy: &VmPolicy,
    desk: &Desk<'_>,
) -> Result<SetPolicy, Failure> {
    let all = policies(&office.arm, vault)?;
    let held = all.iter().find(|own| own.name.eq_ignore_ascii_case(name));
    match held {
        Some(held) if held.says(policy) => return Ok(SetPolicy::Unchanged),
        Some(held) if held.users > 0 => {
            let users = disk_prep::noun::count(held.users, "machine");
            let what = format!("The policy {} would change for {users}", held.name);
            desk.attendant.consent(&what)?;
        }
        _ => {}
    }
    let name = held.map_or(name, |held| &held.name);
    set_policy(&office.arm, vault, name, policy)?;
    Ok(if held.is_some() { SetPolicy::Changed } else { SetPolicy::Made })
}

/// Lets a policy go over the backups that it would make: one of a file, or of a vault.
pub fn policy_simulate(
    (file, name): (Option<&Path>, Option<&str>),
    (from, years): (Option<Date>, u8),
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<TriedPolicy, Failure> {
    let own = match (file, name) {
        (Some(file), _) => read(file, desk.attendant)?,
        (None, Some(name)) => {
            let facts = policy_show(name, options, desk)?;
            let own = facts.all.into_iter().next().and_then(|facts| facts.policy);
            own.ok_or_else(|| Error::NoPolicy { name: name.to_owned(), vault: facts.vault.name })?
        }
        (None, None) => return Err(MissingFlags::one("--file").into()),
    };
    let zone = own.zone.zone().unwrap_or(jiff::tz::TimeZone::UTC);
    let from = from.unwrap_or_else(|| Zoned::now().with_time_zone(zone.clone()).date());
    let span = |from: Date| -> Result<(Zoned, Zoned), jiff::Error> {
        let start = from.to_zoned(zone.clone())?;
        let last = from.checked_add(i64::from(years).years())?.yesterday()?;
        let end = last.to_datetime(Time::MAX).to_zoned(zone.clone())?;
        Ok((start.checked_sub(1.nanosecond())?, end))
    };
    let (before, end) = span(from).map_err(|_| PolicyError::NoCalendar { from, years })?;
    let policy = Policy { rules: own.rules.clone(), ..Policy::default() };
    let simulation = simulate(&policy, turns(&own.schedule, &before), &end);
    let to = end.date();
    Ok(TriedPolicy { policy, schedule: own.schedule, from, to, zone, simulation })
}
