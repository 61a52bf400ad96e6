//! `vm discover`, `list`, `status`, `protect`, `unprotect`: many machines side by side, one job a
//! machine.

use std::path::PathBuf;
use std::sync::Mutex;

use disk_prep::limits::MACHINE_DATA_DISKS;
use disk_prep::noun::{Diagnose, ErrorKind, count};
use disk_prep::sys::hold::hold;
use jiff::{Timestamp, Zoned};

use super::desk::Desk;
use super::vm::{Office, VmOptions};
use super::vm_vault::{read, set};
use crate::azure::{Error as AzureError, each_of};
use crate::outcome::{Failure, MissingFlags, chain};
use crate::schedule::turns;
use crate::vm_backup::{
    Error, Item, Machine, MachineId, PolicyFacts, Protection, RecoveryVault, Stop, VaultId,
    discover, items, machines, policies, protect, revive, unprotect,
};

/// So many machines side by side.
pub(super) const AT_ONCE: usize = 8;
/// The policy that every vault has.
pub const DEFAULT_POLICY: &str = "DefaultPolicy";

/// Which machines a call is about.
#[derive(Debug, Clone, Default)]
pub struct Machines {
    /// As they were typed.
    pub words: Vec<String>,
    /// All that can be meant.
    pub is_all: bool,
}

/// What was done to a machine, or not.
#[derive(Debug)]
pub struct Deed {
    /// The machine.
    pub machine: MachineId,
    /// What came of it.
    pub came: Came,
    /// The job that the service made, if any.
    pub job: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub enum Came {
    /// It was done, in a word or two.
    Done(&'static str),
    /// It was so already.
    Unchanged(&'static str),
    /// It could not be done.
    Failed {
        /// In a sentence.
        message: String,
        /// Our code.
        code: &'static str,
        /// What it is to a script.
        kind: ErrorKind,
        /// The service's own code, if it said one.
        said: Option<String>,
        /// What to do.
        hint: String,
    },
}

/// All of it.
#[derive(Debug)]
pub struct Deeds {
    /// The vault.
    pub vault: VaultId,
    /// One for each machine.
    pub all: Vec<Deed>,
    /// The next command to type, if all went well.
    pub next: Option<String>,
}

fn failed(error: &Error, machine: &MachineId, vault: &VaultId) -> Came {
    let said = match error {
        Error::Azure(
            AzureError::OperationFailed { code, .. }
            | AzureError::Refused { code, .. }
            | AzureError::NotAllowed { code, .. },
        ) => Some(code.clone()),
        _ => None,
    };
    let short = machine.short();
    let look = vault.line(["preflight", short.as_str()]);
    let look = || format!("`{look}` looks at what stands in the way");
    let hint = error.hint().map_or_else(look, |own| own.to_string());
    Came::Failed { message: chain(error), code: error.code(), kind: error.kind(), said, hint }
}

/// Does the work on each machine, several at once; one that fails stops no other.
pub(super) fn side_by_side(
    (all, vault): (&[MachineId], &VaultId),
    work: impl Fn(&MachineId) -> Result<(Came, Option<String>), Error> + Sync,
) -> Vec<Deed> {
    let deeds: Mutex<Vec<(usize, Deed)>> = Mutex::new(Vec::new());
    let one = |at: usize| {
        let machine = all[at].clone();
        let (came, job) =
            work(&machine).unwrap_or_else(|error| (failed(&error, &machine, vault), None));
        hold(&deeds).push((at, Deed { machine, came, job }));
        Ok::<(), std::convert::Infallible>(())
    };
    let Ok(()) = each_of(0..all.len(), AT_ONCE, one);
    let mut deeds = std::mem::take(&mut *hold(&deeds));
    deeds.sort_by_key(|(at, _)| *at);
    deeds.into_iter().map(|(_, deed)| deed).collect()
}

/// How machines are to be protected.
#[derive(Debug, Default)]
pub struct ProtectOptions {
    /// The policy's name.
    pub policy: Option<String>,
    /// A file of which the policy is made first.
    pub new_policy: Option<PathBuf>,
}

/// Protects machines by a policy of a vault in their region.
pub fn protect_all(
    asked: &Machines,
    how: &ProtectOptions,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<Deeds, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let named = some(&office, asked)?;
    let vault = office.vault(options, named.first().map(|own| own.region.as_str()))?;
    let held = items(&office.arm, &vault.id)?;
    let named = match asked.is_all {
        true => bare(named, &vault, &held, desk),
        false => named,
    };
    in_region(&named, &vault)?;
    let policy = policy_of(how, &office, &vault.id, desk)?;
    let changes: Vec<String> = held
        .iter()
        .filter(|item| !item.is_ended() && named.iter().any(|own| own.id == item.machine))
        .filter_map(|item| {
            let old = item.policy.as_ref().filter(|old| !old.eq_ignore_ascii_case(&policy))?;
            Some(format!("{} from {old}", item.machine.short()))
        })
        .collect();
    if !changes.is_empty() {
        let what = format!(
            "A machine has one policy at a time: {policy} would take the place of another for {}",
            changes.join(", ")
        );
        desk.attendant.consent(&what)?;
    }
    let all: Vec<MachineId> = named.iter().map(|own| own.id.clone()).collect();
    let deeds = side_by_side((&all, &vault.id), |machine| {
        let own = held.iter().find(|item| item.machine == *machine);
        let is_so = own.filter(|own| !own.is_ended()).is_some_and(|item| {
            item.policy.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&policy))
        });
        if is_so {
            return Ok((Came::Unchanged("protected already"), None));
        }
        few_disks(machine, &named)?;
        if own.is_some_and(|own| matches!(own.protection, Protection::Deleted(_))) {
            revive(&office.arm, &vault.id, machine)?;
        }
        let job = protect(&office.arm, &vault.id, machine, &policy)?;
        Ok((Came::Done(done(own)), job))
    });
    let next = vault.id.line(["backup", "--all"]);
    Ok(Deeds { vault: vault.id, all: deeds, next: Some(next) })
}

/// Of all machines those that the vault could protect and does not have. Whose protection somebody ended
/// is left out, and told.
fn bare(all: Vec<Machine>, vault: &RecoveryVault, held: &[Item], desk: &Desk<'_>) -> Vec<Machine> {
    let of = |own: &Machine| held.iter().find(|item| item.machine == own.id);
    for own in all.iter().filter_map(of).filter(|own| own.is_ended()) {
        let (name, told) = (own.machine.short(), own.protection.told());
        desk.attendant.say(&format!("{name} is left out, name it to protect it again: {told}"));
    }
    all.into_iter().filter(|own| own.region == vault.region && of(own).is_none()).collect()
}

/// What protecting a machine comes to, by how it stood before.
fn done(before: Option<&Item>) -> &'static str {
    match before.map(|own| (&own.protection, own.newest.is_some())) {
        Some((Protection::Deleted(_), true)) => "had back with its points, and protected again",
        Some((Protection::Stopped, true)) => "protected again, its points are there",
        Some((_, true)) => "protected by this policy now, its points stay",
        Some((_, false)) | None => "protected, first backup to come",
    }
}

/// The machines that are named, or all of the subscription.
pub(super) fn some(office: &Office, asked: &Machines) -> Result<Vec<Machine>, Failure> {
    match (asked.is_all, asked.words.is_empty()) {
        (true, _) => Ok(machines(&office.arm, &office.subscription)?),
        (false, true) => Err(MissingFlags::one("The name of a machine, or --all").into()),
        (false, false) => office.named(&asked.words),
    }
}

/// What the service would only find out when it makes the first backup.
fn few_disks(machine: &MachineId, all: &[Machine]) -> Result<(), Error> {
    let disks = all.iter().find(|own| own.id == *machine).map_or(0, |own| own.luns.len());
    match disks > MACHINE_DATA_DISKS {
        true => Err(Error::ManyDisks { machine: machine.short(), disks }),
        false => Ok(()),
    }
}

/// A vault protects machines of its own region only.
fn in_region(all: &[Machine], vault: &RecoveryVault) -> Result<(), Error> {
    let others = all.iter().filter(|own| own.region != vault.region);
    let told = others.map(|own| Error::OtherRegion {
        machine: own.id.short(),
        region: own.region.clone(),
        vault: vault.id.name.clone(),
        own: vault.region.clone(),
    });
    Error::of_all(told.collect())
}

fn policy_of(
    how: &ProtectOptions,
    office: &Office,
    vault: &VaultId,
    desk: &Desk<'_>,
) -> Result<String, Failure> {
    let name = how.policy.as_deref();
    if let Some(file) = &how.new_policy {
        let policy = read(file, desk.attendant)?;
        let name = name.ok_or(MissingFlags::one("--policy, the name of the new policy,"))?;
        set(office, vault, name, &policy, desk)?;
        return Ok(name.to_owned());
    }
    let name = name.unwrap_or(DEFAULT_POLICY);
    let all = policies(&office.arm, vault)?;
    let found = all.into_iter().find(|own| own.name.eq_ignore_ascii_case(name));
    let none = || Error::NoPolicy { name: name.to_owned(), vault: vault.name.clone() };
    Ok(found.ok_or_else(none)?.name)
}

/// The machines of a vault that are meant. A machine that is gone is still known to its vault.
pub(super) fn protected(
    asked: &Machines,
    vault: &VaultId,
    held: &[Item],
) -> Result<Vec<MachineId>, Failure> {
    let is_there = |own: &&Item| !matches!(own.protection, Protection::Deleted(_));
    if asked.is_all {
        let has_policy = held.iter().filter(is_there).filter(|own| own.policy.is_some());
        return Ok(has_policy.map(|own| own.machine.clone()).collect());
    }
    if asked.words.is_empty() {
        return Err(MissingFlags::one("The name of a machine, or --all").into());
    }
    let (mut found, mut faults) = (Vec::<MachineId>::new(), Vec::new());
    for text in &asked.words {
        let word: crate::vm_backup::MachineWord = text.parse()?;
        let meant: Vec<&MachineId> =
            held.iter().map(|own| &own.machine).filter(|own| word.is(own)).collect();
        match meant.as_slice() {
            [one] if found.contains(one) => {}
            [one] => found.push((*one).clone()),
            [] => {
                let (machine, vault) = (word.to_string(), Box::new(vault.clone()));
                faults.push(Error::NotProtected { machine, vault });
            }
            several => {
                let all = several.iter().map(ToString::to_string).collect();
                faults.push(Error::Ambiguous { word: word.to_string(), all });
            }
        }
    }
    Error::of_all(faults)?;
    Ok(found)
}

/// Ends the protection of machines.
pub fn unprotect_all(
    asked: &Machines,
    stop: Stop,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<Deeds, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let held = items(&office.arm, &vault)?;
    let all = protected(asked, &vault, &held)?;
    if stop == Stop::KeepData {
        // Nothing is left to be kept, unless it is had back first.
        let is_deleted = |own: &&Item| matches!(own.protection, Protection::Deleted(_));
        let gone = held.iter().filter(is_deleted).filter(|own| all.contains(&own.machine));
        Error::of_all(gone.map(|own| own.ended(&vault)).collect())?;
    }
    let short: Vec<String> = all.iter().map(MachineId::short).collect();
    let named = format!("{} ({})", count(all.len(), "machine"), short.join(", "));
    let what = match stop {
        Stop::KeepData => format!("No more backups of {named} would be made; the points stay"),
        Stop::DeleteData => format!(
            "No more backups of {named} would be made, and all points would go; for 14 days the \
             service can bring them back"
        ),
    };
    desk.attendant.consent(&what)?;
    let deeds = side_by_side((&all, &vault), |machine| {
        let own = held.iter().find(|item| item.machine == *machine).map(|own| &own.protection);
        match (stop, own) {
            (Stop::KeepData, Some(Protection::Stopped)) => {
                Ok((Came::Unchanged("protection was stopped already"), None))
            }
            (_, Some(Protection::Deleted(_))) => {
                Ok((Came::Unchanged("its points were deleted already"), None))
            }
            _ => {
                let job = unprotect(&office.arm, &vault, machine, stop)?;
                let word = match stop {
                    Stop::KeepData => "protection stopped, points kept",
                    Stop::DeleteData => "protection stopped, points deleted",
                };
                Ok((Came::Done(word), job))
            }
        }
    });
    Ok(Deeds { vault, all: deeds, next: None })
}

/// A machine, and how it stands in a vault.
#[derive(Debug)]
pub struct Standing {
    /// The machine.
    pub machine: MachineId,
    /// Its region, if the machine is there.
    pub region: Option<String>,
    /// How it stands in a vault; `None` if no vault has it.
    pub item: Option<Item>,
    /// That vault.
    pub vault: Option<VaultId>,
    /// When its policy makes the next backup, if the policy can be read.
    pub next: Option<Zoned>,
}

/// Machines.
#[derive(Debug)]
pub struct Standings {
    /// The machines.
    pub all: Vec<Standing>,
    /// The next command to type.
    pub next: Option<String>,
}

/// Which machines are listed.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Only of this region.
    pub region: Option<String>,
    /// Only those that no vault protects.
    pub is_unprotected: bool,
}

/// Has the service look for machines, and tells those that a vault could protect.
pub fn discover_all(options: &VmOptions, desk: &Desk<'_>) -> Result<Standings, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?;
    let standing = |machine: MachineId| Standing {
        machine,
        region: Some(vault.region.clone()),
        item: None,
        vault: None,
        next: None,
    };
    let all: Vec<Standing> = discover(&office.arm, &vault.id)?.into_iter().map(standing).collect();
    let next = (!all.is_empty()).then(|| vault.id.line(["protect", "--all"]));
    Ok(Standings { all, next })
}

/// Lists machines with the vaults that have them.
pub fn list(
    wish: &ListOptions,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<Standings, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let mut all = standings(&office, options)?;
    let is_meant = |vault: &VaultId| options.is_about(vault);
    all.retain(|own| own.vault.as_ref().is_none_or(is_meant));
    let region = wish.region.as_ref().map(|own| own.to_lowercase().replace(' ', ""));
    all.retain(|own| region.is_none() || own.region == region);
    let is_bare = |own: &Standing| own.item.as_ref().is_none_or(Item::is_ended);
    all.retain(|own| !wish.is_unprotected || is_bare(own));
    Ok(Standings { all, next: None })
}

/// How machines stand: those that are named, or all that a vault has.
pub fn status(
    asked: &Machines,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<Standings, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let mut all = standings(&office, options)?;
    if asked.words.is_empty() {
        all.retain(|own| own.vault.as_ref().is_some_and(|vault| options.is_about(vault)));
        return Ok(Standings { all, next: None });
    }
    let mut meant = Vec::new();
    for text in &asked.words {
        let word: crate::vm_backup::MachineWord = text.parse()?;
        let (own, rest): (Vec<Standing>, Vec<Standing>) =
            all.into_iter().partition(|own| word.is(&own.machine));
        all = rest;
        if own.is_empty() {
            // Tells whether it is a classic one.
            office.named(std::slice::from_ref(text))?;
        }
        meant.extend(own);
    }
    Ok(Standings { all: meant, next: None })
}

/// All machines, also those that are gone and of which a vault has points. Every vault is asked: of a
/// machine that another one has than the one that is meant it is not said that none has it.
fn standings(office: &Office, options: &VmOptions) -> Result<Vec<Standing>, Failure> {
    let vaults = office.all_vaults()?;
    options.of(vaults.clone())?;
    let machines = machines(&office.arm, &office.subscription)?;
    let now = office.arm.now();
    let mut all: Vec<Standing> = machines
        .into_iter()
        .map(|own| Standing {
            machine: own.id,
            region: Some(own.region),
            item: None,
            vault: None,
            next: None,
        })
        .collect();
    for vault in vaults {
        let policies = policies(&office.arm, &vault.id)?;
        for item in items(&office.arm, &vault.id)? {
            let next = next(&item, &policies, now);
            let (machine, own) = (item.machine.clone(), Some(vault.id.clone()));
            match all.iter_mut().find(|own| own.machine == machine) {
                Some(standing) => {
                    standing.next = next;
                    standing.item = Some(item);
                    standing.vault = own;
                }
                None => {
                    all.push(Standing { machine, region: None, item: Some(item), vault: own, next })
                }
            }
        }
    }
    Ok(all)
}

/// When the policy of a machine makes the next backup.
fn next(item: &Item, policies: &[PolicyFacts], now: Timestamp) -> Option<Zoned> {
    let name = item.policy.as_ref()?;
    let policy = policies.iter().find(|own| own.name.eq_ignore_ascii_case(name))?;
    let own = policy.policy.as_ref()?;
    let zone = own.zone.zone()?;
    turns(&own.schedule, &now.to_zoned(zone)).next()
}
