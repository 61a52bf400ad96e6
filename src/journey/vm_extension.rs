//! `vm extension` and `vm register`: the extension that a backup brings into a machine, and whether a
//! vault knows the machine.

use disk_prep::noun::typed;

use super::desk::Desk;
use super::vm::{Office, VmOptions};
use super::vm_protect::{Machines, some};
use crate::azure::ExtensionFacts;
use crate::outcome::Failure;
use crate::vm_backup::{Error, MachineId, VaultId, jobs_under_way, protecting, registered};

/// What became of an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtensionCame {
    /// It was only looked at.
    Seen,
    /// It was taken out.
    Removed,
}

/// The backup extension of a machine.
#[derive(Debug)]
pub struct BackupExtension {
    /// The machine.
    pub machine: MachineId,
    /// The extension; `None` if none is in it.
    pub own: Option<ExtensionFacts>,
    /// What became of it.
    pub came: ExtensionCame,
}

/// Shows the backup extension of a machine.
pub fn show(word: &str, options: &VmOptions, desk: &Desk<'_>) -> Result<BackupExtension, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let machine = office.named(&[word.to_owned()])?.remove(0).id;
    let own = of_backup(&office, &machine)?;
    Ok(BackupExtension { machine, own, came: ExtensionCame::Seen })
}

fn of_backup(office: &Office, machine: &MachineId) -> Result<Option<ExtensionFacts>, Failure> {
    let all = office.arm.machine_extensions(&machine.to_string())?;
    Ok(all.into_iter().find(ExtensionFacts::is_of_backup))
}

/// Takes it out, so that the next backup puts it in anew; not while the service is at work on the
/// machine.
pub fn remove(
    word: &str,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<BackupExtension, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let found = office.named(&[word.to_owned()])?.remove(0);
    let machine = found.id;
    let Some(own) = of_backup(&office, &machine)? else {
        return Ok(BackupExtension { machine, own: None, came: ExtensionCame::Removed });
    };
    if let Some(vault) = protecting(&office.arm, &found.region, &machine)?
        && let Some(job) = jobs_under_way(&office.arm, &vault, &machine)?.into_iter().next()
    {
        let (machine, vault) = (machine.short(), Box::new(vault));
        return Err(Error::JobUnderWay { machine, id: job.id, vault }.into());
    }
    desk.attendant.consent(&format!(
        "The backup extension {} would be taken out of {}; the next backup puts it in anew",
        own.name,
        machine.short()
    ))?;
    office.arm.remove_machine_extension(&machine.to_string(), &own.name)?;
    Ok(BackupExtension { machine, own: Some(own), came: ExtensionCame::Removed })
}

/// Whether a vault knows a machine.
#[derive(Debug)]
pub struct Registration {
    /// The machine.
    pub machine: MachineId,
    /// The vault that it is registered with, if it is with any.
    pub vault: Option<VaultId>,
}

/// Machines, and the vaults that know them.
#[derive(Debug)]
pub struct Registrations {
    /// One for each machine.
    pub all: Vec<Registration>,
    /// The line that registers those that are not.
    pub next: Option<String>,
}

/// Tells which machines are registered. Of today's machines nothing else is to be done for that than
/// to protect them.
pub fn registrations(
    asked: &Machines,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<Registrations, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let machines = some(&office, asked)?;
    let mut known: Vec<(VaultId, Vec<MachineId>)> = Vec::new();
    let vaults = office.all_vaults()?;
    options.of(vaults.clone())?;
    for vault in vaults {
        let own = registered(&office.arm, &vault.id)?;
        known.push((vault.id, own));
    }
    let of = |machine: MachineId| {
        let vault = known.iter().find(|(_, all)| all.contains(&machine));
        Registration { vault: vault.map(|(vault, _)| vault.clone()), machine }
    };
    let all: Vec<Registration> = machines.into_iter().map(|own| of(own.id)).collect();
    let names: Vec<String> =
        all.iter().filter(|own| own.vault.is_none()).map(|own| own.machine.short()).collect();
    let next = (!names.is_empty()).then(|| {
        let names = names.iter().map(String::as_str);
        typed(["azseed", "vm", "protect"].into_iter().chain(names))
    });
    Ok(Registrations { all, next })
}
