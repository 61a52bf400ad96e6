//! What is done with vaults and policies beside making them: their redundancy, regions without a
//! vault, policies known by a name, and letting go what nothing needs.

use std::collections::BTreeMap;

use disk_prep::noun::{InvalidNoun, VaultName, count};

use super::desk::Desk;
use super::vault_policy::template;
use super::vm::{Office, VmOptions};
use super::vm_vault::{NewVault, make};
use crate::outcome::Failure;
use crate::vm_backup::{
    Error, Protection, RecoveryVault, Redundancy, Storage, VmPolicy, delete_policy, delete_vault,
    items, machines, policies, set_storage, storage,
};

/// How the redundancy of a vault stands.
#[derive(Debug)]
pub struct VaultStorage {
    /// The vault.
    pub vault: RecoveryVault,
    /// Its redundancy.
    pub storage: Storage,
    /// Whether it was changed; `None` if it was only looked at.
    pub changed: Option<bool>,
}

/// Shows the redundancy of a vault, or changes it while that can be done.
pub fn redundancy(
    asked: Option<Redundancy>,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<VaultStorage, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?;
    let held = storage(&office.arm, &vault.id)?;
    let Some(wanted) = asked else {
        return Ok(VaultStorage { vault, storage: held, changed: None });
    };
    if held.redundancy.eq_ignore_ascii_case(wanted.word()) {
        return Ok(VaultStorage { vault, storage: held, changed: Some(false) });
    }
    if held.is_locked {
        return Err(Error::Locked { vault: vault.id.name, held: held.redundancy }.into());
    }
    let storage = set_storage(&office.arm, &vault.id, wanted)?;
    Ok(VaultStorage { vault, storage, changed: Some(true) })
}

/// A region, its machines and its vaults.
#[derive(Debug, PartialEq, Eq)]
pub struct PlannedRegion {
    /// The region.
    pub region: String,
    /// How many machines it has.
    pub machines: usize,
    /// Its vaults.
    pub vaults: Vec<String>,
}

/// Regions with machines.
#[derive(Debug)]
pub struct VaultPlan(pub Vec<PlannedRegion>);

/// Tells the regions that have machines, and which of them have no vault.
pub fn plan(options: &VmOptions, desk: &Desk<'_>) -> Result<VaultPlan, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vaults = office.all_vaults()?;
    options.of(vaults.clone())?;
    let mut regions: BTreeMap<String, usize> = BTreeMap::new();
    for machine in machines(&office.arm, &office.subscription)? {
        *regions.entry(machine.region).or_default() += 1;
    }
    let planned = |(region, machines): (String, usize)| {
        let own = vaults.iter().filter(|own| own.region == region);
        let vaults = own.map(|own| own.id.name.to_string()).collect();
        PlannedRegion { region, machines, vaults }
    };
    Ok(VaultPlan(regions.into_iter().map(planned).collect()))
}

/// Vaults that were made, one after the other.
#[derive(Debug)]
pub struct PerRegion {
    /// How many.
    pub made: usize,
}

/// Makes a vault in each region that has machines and none, one after the other; each is told when
/// it is there.
pub fn make_per_region(
    asked: &NewVault,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<PerRegion, Failure> {
    let bare = |region: &&PlannedRegion| region.vaults.is_empty();
    let all = VmOptions { group: None, vault: None, ..options.clone() };
    let planned = plan(&all, desk)?;
    let mut made = 0;
    // All names are looked at before the first vault is made.
    let named = planned.0.iter().filter(bare).map(|own| {
        let name: VaultName = format!("{}-{}", asked.name, own.region).parse()?;
        Ok::<_, InvalidNoun>(NewVault { name, region: own.region.clone(), ..asked.clone() })
    });
    for own in named.collect::<Result<Vec<_>, _>>()? {
        let vault = make(&own, options, desk)?;
        desk.attendant.show(&vault);
        made += 1;
    }
    Ok(PerRegion { made })
}

/// Something that is no more.
#[derive(Debug)]
pub struct LetGo {
    /// What it was: `vault` or `policy`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// The vault that it was in, if it was no vault.
    pub vault: Option<VaultName>,
}

/// Deletes a vault that holds nothing any more.
pub fn let_vault_go(options: &VmOptions, desk: &Desk<'_>) -> Result<LetGo, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let held = items(&office.arm, &vault)?;
    if !held.is_empty() {
        let line = |item: &crate::vm_backup::Item| {
            format!("{}  {}", item.machine.short(), item.protection.told())
        };
        let are_deleted = held.iter().all(|own| matches!(own.protection, Protection::Deleted(_)));
        let held = held.iter().map(line).collect();
        return Err(Error::NotEmpty { vault: vault.name, held, are_deleted }.into());
    }
    desk.attendant.consent(&format!("The vault {} would be deleted", vault.name))?;
    delete_vault(&office.arm, &vault)?;
    Ok(LetGo { what: "vault", name: vault.name.to_string(), vault: None })
}

/// Deletes a policy that no machine has.
pub fn let_policy_go(name: &str, options: &VmOptions, desk: &Desk<'_>) -> Result<LetGo, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let all = policies(&office.arm, &vault)?;
    let found = all.into_iter().find(|own| own.name.eq_ignore_ascii_case(name));
    let none = || {
        let name = disk_prep::noun::visible_line(name).into_owned();
        Error::NoPolicy { name, vault: vault.name.clone() }
    };
    let found = found.ok_or_else(none)?;
    let has_it = |own: &&crate::vm_backup::Item| {
        own.policy.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&found.name))
    };
    let users: Vec<String> =
        items(&office.arm, &vault)?.iter().filter(has_it).map(|own| own.machine.short()).collect();
    if found.users > 0 || !users.is_empty() {
        let users = if users.is_empty() { vec![count(found.users, "machine")] } else { users };
        return Err(Error::PolicyUsed { name: found.name, users }.into());
    }
    desk.attendant.consent(&format!("The policy {} would be deleted", found.name))?;
    delete_policy(&office.arm, &vault, &found.name)?;
    Ok(LetGo { what: "policy", name: found.name, vault: Some(vault.name) })
}

/// A policy that is known by a name, as a file for `vm policy set`.
#[derive(Debug)]
pub struct VmTemplate {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What it says.
    pub policy: VmPolicy,
}

/// The template of this name; it asks nobody.
pub fn policy_template(name: &str) -> Result<VmTemplate, Failure> {
    let own = template(name)?;
    let policy = VmPolicy::plain(own.policy().rules);
    Ok(VmTemplate { name: own.name, about: own.about, policy })
}
