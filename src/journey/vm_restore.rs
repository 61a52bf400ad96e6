//! `vm restore`: disks, a new machine or other disks for a machine, of a recovery point. All that the
//! service would refuse is told at once, before it is asked; then it is asked whether it would, and
//! only then to do it.

use disk_prep::noun::{AccountId, AccountName, ResourceGroup};
use jiff::Timestamp;

use super::desk::Desk;
use super::ready_rights::missing_at;
use super::vm::{Office, VmOptions};
use super::vm_begun::{is_of, note};
use super::vm_look::cards;
use super::vm_protect::{Machines, protected};
use crate::azure::StorageAccount;
use crate::check::rights::{DISKS_AS_BLOBS, NEW_DISKS, NEW_MACHINE, OTHER_DISKS, roles};
use crate::check::vm::hard_to_restore;
use crate::outcome::Failure;
use crate::vm_backup::{
    Error, Item, Machine, MachineId, Network, Point, Protection, RecoveryVault, Restore,
    RestoreFault, RestoreTarget, VaultId, items, machines, name_rule, networks, points, restore,
    validate,
};

/// The storage that restores go to (`error-catalogue`, restore).
const SKUS: [&str; 3] = ["Standard_LRS", "Standard_GRS", "Standard_RAGRS"];

/// Which point is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointWord {
    /// The newest.
    Latest,
    /// The newest that is not after this moment.
    At(Timestamp),
    /// By its id.
    Id(String),
}

impl PointWord {
    /// As it was typed. A time says its zone: the point of another hour is another one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.eq_ignore_ascii_case("latest") {
            return Ok(PointWord::Latest);
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(PointWord::At(time));
        }
        let is_id = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        // A day looks like an id and is none.
        if is_id && text.parse::<jiff::civil::Date>().is_err() {
            return Ok(PointWord::Id(text.to_owned()));
        }
        Err(Error::PointWord { word: text.to_owned() })
    }
}

/// What is to be restored.
#[derive(Debug)]
pub struct RestoreOptions {
    /// The machine, as it was typed.
    pub machine: String,
    /// The point.
    pub at: PointWord,
    /// The storage account.
    pub account: AccountName,
    /// The group of what is made.
    pub group: Option<ResourceGroup>,
    /// The data disks that are meant; all without it.
    pub luns: Option<Vec<u32>>,
    /// What is made.
    pub kind: RestoreKind,
    /// Nothing is begun.
    pub is_dry: bool,
}

/// What is made.
#[derive(Debug)]
pub enum RestoreKind {
    /// The disks.
    Disks,
    /// A new machine.
    New {
        /// Its name.
        name: String,
        /// Its network.
        network: String,
        /// Its subnet.
        subnet: String,
    },
    /// Disks in the place of the machine's own.
    Replace,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreCame {
    /// It could be begun, and was not.
    Planned,
    /// It was begun.
    Begun,
    /// It was under way already.
    UnderWay,
}

/// A restore that was begun, or could be.
#[derive(Debug)]
pub struct RestoreDeed {
    /// The vault.
    pub vault: RecoveryVault,
    /// The restore.
    pub restore: Restore,
    /// How it ended.
    pub came: RestoreCame,
    /// Its job.
    pub job: Option<String>,
}

/// Restores, or says what would be restored.
pub fn bring_back(
    asked: &RestoreOptions,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<RestoreDeed, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?;
    let held = items(&office.arm, &vault.id)?;
    let word = Machines { words: vec![asked.machine.clone()], is_all: false };
    let machine = protected(&word, &vault.id, &held)?.remove(0);
    let is_deleted = |own: &&Item| matches!(own.protection, Protection::Deleted(_));
    if let Some(own) = held.iter().filter(is_deleted).find(|own| own.machine == machine) {
        return Err(own.ended(&vault.id).into());
    }
    let all = points(&office.arm, &vault.id, &machine, None)?;
    let point = point_of(&asked.at, &machine, &vault.id, all)?;
    let restore = planned(asked, (machine, point), &vault, &office)?;
    if matches!(restore.target, RestoreTarget::New { .. }) {
        warn_of_network(&office, &restore.machine, desk);
    }
    let faults = validate(&office.arm, &vault, &restore)?;
    if !faults.is_empty() {
        return Err(Error::Restore { faults }.into());
    }
    if asked.is_dry {
        return Ok(RestoreDeed { vault, restore, came: RestoreCame::Planned, job: None });
    }
    if restore.target == RestoreTarget::Replace {
        let time = restore.point.time.map(|time| format!(" of {time:.0}")).unwrap_or_default();
        let what =
            format!("The disks of {} would be replaced by those{time}", restore.machine.short());
        desk.attendant.consent(&what)?;
    }
    let (job, is_new) = self::restore(&office.arm, &vault, &restore)?;
    let came = if is_new { RestoreCame::Begun } else { RestoreCame::UnderWay };
    if let Some(job) = &job {
        same_disks(job, &restore, (came, &vault.id), desk)?;
    }
    Ok(RestoreDeed { vault, restore, came, job })
}

/// Refuses to take a restore that is under way for this one if it brings other disks. The service does
/// not tell which, so that those of a restore are noted when it is begun.
fn same_disks(
    job: &str,
    restore: &Restore,
    (came, vault): (RestoreCame, &VaultId),
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let Ok(state) = desk.state() else { return Ok(()) };
    let (machine, luns) = (restore.machine.short(), &restore.luns);
    match (came, is_of(&state, job, luns)) {
        (RestoreCame::Begun, _) => {
            if let Err(error) = note(&state, job, luns) {
                desk.attendant.warn(&format!("Which disks job {job} brings is not noted: {error}"));
            }
        }
        (_, Some(false)) => {
            let (id, vault) = (job.to_owned(), Box::new(vault.clone()));
            return Err(Error::OtherRestore { machine, id, vault }.into());
        }
        (_, None) if luns.is_some() => desk.attendant.warn(&format!(
            "A restore of {machine} is under way (job {job}) that this machine did not begin; \
             whether it brings the same disks is not told"
        )),
        _ => {}
    }
    Ok(())
}

/// The point that is meant, the newest first.
fn point_of(
    word: &PointWord,
    machine: &MachineId,
    vault: &VaultId,
    all: Vec<Point>,
) -> Result<Point, Error> {
    let line = |own: &Point| {
        let time = own.time.map(|time| format!("{time:.0}")).unwrap_or_default();
        format!("{}  {time}", own.id)
    };
    let near: Vec<String> = all.iter().take(5).map(line).collect();
    let found = all.into_iter().find(|own| match word {
        PointWord::Latest => true,
        PointWord::At(at) => own.time.is_some_and(|time| time <= *at),
        PointWord::Id(id) => own.id.eq_ignore_ascii_case(id),
    });
    let word = match word {
        PointWord::Latest => "at all".to_owned(),
        PointWord::At(at) => format!("not after {at:.0}"),
        PointWord::Id(id) => id.clone(),
    };
    let (machine, vault) = (machine.short(), Box::new(vault.clone()));
    found.ok_or(Error::NoPoint { word, machine, vault, near })
}

/// The restore that is asked for, if nothing speaks against it.
fn planned(
    asked: &RestoreOptions,
    (machine, point): (MachineId, Point),
    vault: &RecoveryVault,
    office: &Office,
) -> Result<Restore, Failure> {
    let mut faults = Vec::new();
    let is_readable = |tier: &String| ["InstantRP", "HardenedRP"].contains(&tier.as_str());
    if !point.tiers.is_empty() && !point.tiers.iter().any(is_readable) {
        faults.push(RestoreFault::Point(point.tiers.join(", ")));
    }
    let there = machines(&office.arm, &office.subscription)?;
    let own = there.iter().find(|own| own.id == machine);
    let luns = asked.luns.iter().flatten();
    let no_disk = |lun: &u32| {
        let own = own.filter(|own| !own.luns.contains(lun))?;
        Some(RestoreFault::NoDisk(*lun, own.luns.clone()))
    };
    faults.extend(luns.filter_map(no_disk));
    let accounts = office.arm.storage_accounts(&office.subscription)?;
    let account = accounts.into_iter().find(|(id, _)| id.account == asked.account);
    match &account {
        None => faults.push(RestoreFault::NoAccount(asked.account.to_string())),
        Some((_, facts)) => faults.extend(unfit(&asked.account, facts, vault)),
    }
    if let Some(group) = &asked.group
        && !office.arm.has_group(&office.subscription, group)?
    {
        faults.push(RestoreFault::NoGroup(group.to_string()));
    }
    let target = match &asked.kind {
        RestoreKind::Disks => Some(RestoreTarget::Disks(asked.group.clone())),
        RestoreKind::Replace => {
            faults.extend(own.is_none().then(|| RestoreFault::Gone(machine.short())));
            Some(RestoreTarget::Replace)
        }
        RestoreKind::New { name, network, subnet } => {
            let group = asked.group.as_ref().map_or(machine.group.as_str(), ResourceGroup::as_str);
            let (subscription, group) = (machine.subscription.clone(), group.to_owned());
            let id = MachineId { subscription, group, name: name.clone() };
            faults.extend(unfree(&id, &there));
            let all = networks(&office.arm, &office.subscription)?;
            let found = place(&all, (network, subnet), vault).map_err(|fault| faults.push(fault));
            found.ok().map(|(network, subnet)| RestoreTarget::New { machine: id, network, subnet })
        }
    };
    if let (Some((account, _)), Some(target)) = (&account, &target) {
        faults.extend(barred(office, (&machine, account), target));
    }
    match (faults.is_empty(), account, target) {
        (true, Some((account, _)), Some(target)) => {
            Ok(Restore { machine, point, account, luns: asked.luns.clone(), target })
        }
        _ => Err(Error::Restore { faults }.into()),
    }
}

/// What whoever is signed in may not do where the restore would make something.
fn barred(
    office: &Office,
    (machine, account): (&MachineId, &AccountId),
    target: &RestoreTarget,
) -> Option<RestoreFault> {
    let group = |subscription: &str, group: &str| {
        format!("/subscriptions/{subscription}/resourceGroups/{group}")
    };
    let (scope, needed) = match target {
        RestoreTarget::New { machine, .. } => {
            (group(&machine.subscription, &machine.group), NEW_MACHINE)
        }
        RestoreTarget::Disks(Some(own)) => (group(&machine.subscription, own.as_str()), NEW_DISKS),
        RestoreTarget::Disks(None) => (account.to_string(), DISKS_AS_BLOBS),
        RestoreTarget::Replace => (machine.to_string(), OTHER_DISKS),
    };
    let missing = missing_at(&office.arm, &scope, needed);
    let names = missing.iter().map(|own| own.name().to_owned()).collect();
    let roles = roles(&missing).into_iter().filter_map(|(role, _)| role);
    let roles = roles.map(|own| own.name.to_owned()).collect();
    (!missing.is_empty()).then_some(RestoreFault::Rights(scope, names, roles))
}

/// What a new machine of a point will not have of the network of the one that it is of.
fn warn_of_network(office: &Office, machine: &MachineId, desk: &Desk<'_>) {
    let Ok(Some(facts)) = office.arm.machine(&machine.to_string()) else { return };
    let odd = hard_to_restore(&cards(&office.arm, &facts.cards).unwrap_or_default());
    if !odd.is_empty() {
        desk.attendant.warn(&format!(
            "{} has {}, and the new machine will not: to build it as it was, restore its disks with \
             `azseed vm restore disks` and build the machine of them",
            machine.short(),
            odd.join(", ")
        ));
    }
}

/// What speaks against an account.
fn unfit(name: &AccountName, facts: &StorageAccount, vault: &RecoveryVault) -> Vec<RestoreFault> {
    let mut faults = Vec::new();
    let region = facts.location.as_deref().unwrap_or_default().to_lowercase().replace(' ', "");
    if !region.is_empty() && region != vault.region {
        faults.push(RestoreFault::AccountRegion(name.to_string(), region, vault.region.clone()));
    }
    let sku = facts.sku();
    if !sku.is_empty() && !SKUS.iter().any(|own| own.eq_ignore_ascii_case(sku)) {
        faults.push(RestoreFault::AccountKind(name.to_string(), sku.to_owned()));
    }
    faults
}

/// What speaks against the name of a new machine.
fn unfree(id: &MachineId, there: &[Machine]) -> Vec<RestoreFault> {
    let rule = name_rule(&id.name).map(|rule| RestoreFault::Name(id.name.clone(), rule));
    let is_taken = there.iter().any(|own| own.id == *id);
    let taken = is_taken.then(|| RestoreFault::NameTaken(id.short()));
    rule.into_iter().chain(taken).collect()
}

/// Network and subnet that are meant, by their resource ids.
fn place(
    all: &[Network],
    (network, subnet): (&str, &str),
    vault: &RecoveryVault,
) -> Result<(String, String), RestoreFault> {
    let here = || all.iter().filter(|own| own.region == vault.region);
    let named = || all.iter().find(|own| own.is(network));
    // Of several that have one name the one that can be meant.
    let Some(own) = here().find(|own| own.is(network)).or_else(named) else {
        let near = here().map(|own| format!("{}/{}", own.group, own.name)).collect();
        return Err(RestoreFault::NoNetwork(network.to_owned(), near));
    };
    if own.region != vault.region {
        let (name, region) = (own.name.clone(), own.region.clone());
        return Err(RestoreFault::NetworkRegion(name, region, vault.region.clone()));
    }
    let found = own
        .subnets
        .iter()
        .find(|(name, id)| name.eq_ignore_ascii_case(subnet) || id.eq_ignore_ascii_case(subnet));
    let absent = || {
        let names = own.subnets.iter().map(|(name, _)| name.clone()).collect();
        RestoreFault::NoSubnet(own.name.clone(), subnet.to_owned(), names)
    };
    let (_, id) = found.ok_or_else(absent)?;
    Ok((own.id.clone(), id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_typed_as_its_id_as_a_time_with_its_zone_or_as_the_newest() {
        let read = |text: &str| PointWord::parse(text).map_err(|error| error.to_string());
        assert_eq!(read("Latest"), Ok(PointWord::Latest));
        assert_eq!(read("1790123456"), Ok(PointWord::Id("1790123456".to_owned())));
        let at = PointWord::At("2026-11-20T01:00:00Z".parse().unwrap());
        assert_eq!(read("2026-11-20T02:00:00+01:00"), Ok(at));
        for wrong in ["", "2026-11-20T02:00:00", "2026-11-20", "yesterday noon", "../x", "a?b"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_means_the_newest_point_that_is_not_after_it() {
        let point = |hour: u8| Point {
            id: hour.to_string(),
            time: Some(format!("2026-11-20T{hour:02}:00:00Z").parse().unwrap()),
            consistency: String::new(),
            tiers: Vec::new(),
        };
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m";
        let machine = MachineId::parse(id).unwrap();
        let id = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/g/providers/\
                  Microsoft.RecoveryServices/vaults/prod";
        let vault = VaultId::parse(id).unwrap();
        let found = |word: PointWord| {
            let all = vec![point(9), point(5), point(2)];
            point_of(&word, &machine, &vault, all).map(|own| own.id)
        };
        let at = |text: &str| PointWord::At(text.parse().unwrap());
        assert_eq!(found(PointWord::Latest).unwrap(), "9");
        assert_eq!(found(at("2026-11-20T08:59:59Z")).unwrap(), "5");
        assert_eq!(found(at("2026-11-20T05:00:00Z")).unwrap(), "5");
        assert_eq!(found(PointWord::Id("2".to_owned())).unwrap(), "2");
        let none = found(at("2026-11-20T01:00:00Z")).unwrap_err();
        assert!(none.to_string().contains("2026-11-20T09:00:00Z"), "{none}");
    }
}
