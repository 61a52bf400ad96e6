//! Restores: what the service would say of one, and one that begins.

use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::super::network::networks;
use super::super::storage;
use super::items::Asked;
use super::names::At;
use super::operations;
use super::vaults::json_of;
use crate::http::Answer;
use crate::recovery::{Came, Point, Restore, RestoreKind, Vault, World, failure, restore};

/// A code of the service, and the sentence that comes with it.
type Said = (&'static str, String);

fn input(message: impl Into<String>) -> Fault {
    Fault::new(400, "BMSUserErrorInvalidInput", message)
}

/// Begins a restore.
pub(super) fn trigger(
    context: Context<'_>,
    asked: Asked<'_>,
    point: &str,
) -> Result<Answer, Fault> {
    let sent = json_of(context)?;
    let own = sent["properties"].clone();
    let id = context.world.change(|world| {
        let (vault, item) = asked.find(world)?;
        let point = item.points.iter().find(|own| own.id == point).cloned();
        let point = point.ok_or_else(|| {
            Fault::new(404, "BMSUserErrorRecoveryPointNotFound", "The point was not found.")
        })?;
        if vault.running(asked.group, asked.vm, "Restore").is_some() {
            let message = "A restore of the item is in progress.";
            return Err(Fault::new(409, "UserErrorRestoreOperationInProgress", message));
        }
        let item = item.clone();
        let made = match read(context, world, (vault, asked), &own)? {
            Ok(made) => made,
            Err(faults) => {
                let (code, message) = faults.into_iter().next().unwrap_or_default();
                let failed = Came::Failed { code: code.to_owned(), message };
                return Ok(world.begin(failed, 1, context.now));
            }
        };
        let job = restore(&item, point, made, &mut world.vms, context.now);
        let id = job.id.clone();
        asked.at.find_mut(world)?.jobs.push(job);
        Ok(world.begin(Came::Job(Some(id)), 1, context.now))
    })?;
    let place = asked.place(context);
    Ok(operations::accepted(context, &place, ("operationsStatus", "operationResults"), &id))
}

/// Says what would become of a restore; nothing is begun.
pub(super) fn validate(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let sent = json_of(context)?;
    let own = &sent["properties"];
    let is_own = own["objectType"] == "ValidateIaasVMRestoreOperationRequest";
    if !is_own {
        return Err(input("objectType is not ValidateIaasVMRestoreOperationRequest."));
    }
    let id = context.world.change(|world| {
        let vault = at.find(world)?;
        let source = own["restoreRequest"]["sourceResourceId"].as_str().unwrap_or_default();
        let item = vault.items.iter().find(|item| item.source.eq_ignore_ascii_case(source));
        let item = item.ok_or_else(|| input("sourceResourceId is no protected item."))?;
        let asked = Asked { at, group: &item.group, vm: &item.vm };
        let faults = match read(context, world, (vault, asked), &own["restoreRequest"])? {
            Ok(_) => Vec::new(),
            Err(faults) => faults,
        };
        let said = faults.into_iter().map(|(code, message)| (code.to_owned(), message)).collect();
        Ok::<_, Fault>(world.begin(Came::Validated(said), 1, context.now))
    })?;
    let place = at.id(context);
    let words = ("backupValidateOperationsStatuses", "backupValidateOperationResults");
    Ok(operations::accepted(context, &place, words, &id))
}

/// What a request asks for, or all that the service would say against it.
fn read(
    context: Context<'_>,
    world: &World,
    (vault, asked): (&Vault, Asked<'_>),
    own: &Value,
) -> Result<Result<Restore, Vec<Said>>, Fault> {
    if own["objectType"] != "IaasVMRestoreRequest" {
        return Err(input("objectType is not IaasVMRestoreRequest."));
    }
    let known: Option<&Point> = vault.item(asked.group, asked.vm).and_then(|item| {
        item.points.iter().find(|point| own["recoveryPointId"] == point.id.as_str())
    });
    let Some(point) = known else { return Err(input("recoveryPointId is not of the item.")) };
    let mut faults: Vec<Said> = Vec::new();
    let mut say = |code: &'static str| {
        faults.push((code, failure(code).map_or("", |known| known.message).to_owned()));
    };
    let region = own["region"].as_str().unwrap_or_default();
    if !region.eq_ignore_ascii_case(&vault.location) {
        return Err(input("region is not the vault's."));
    }
    let account = own["storageAccountId"].as_str().and_then(|id| id.rsplit('/').next());
    let account = account.unwrap_or_default().to_lowercase();
    match storage::facts(context, world, &account) {
        None => say("restore-storage-account-unsupported"),
        Some(facts) => {
            if facts.region.as_ref().is_some_and(|own| *own != vault.location) {
                say("restore-region-mismatch");
            }
            let is_fit = ["Standard_LRS", "Standard_GRS", "Standard_RAGRS"];
            if !is_fit.contains(&facts.sku.as_str()) {
                say("restore-storage-account-unsupported");
            }
        }
    }
    let luns = own["restoreDiskLunList"].as_array().map(|all| {
        all.iter().filter_map(|lun| lun.as_u64().and_then(|lun| lun.try_into().ok())).collect()
    });
    let luns: Option<Vec<u32>> = luns;
    let has = |lun: &u32| point.disks.iter().flatten().any(|disk| disk.lun == Some(*lun));
    if luns.as_ref().is_some_and(|luns| !luns.iter().all(has)) {
        return Err(input("restoreDiskLunList names a disk that the point does not have."));
    }
    let kind = match own["recoveryType"].as_str() {
        Some("RestoreDisks") => {
            let group = own["targetResourceGroupId"].as_str().and_then(|id| id.rsplit('/').next());
            if let Some(group) = group
                && world.gone_groups.iter().any(|own| own.eq_ignore_ascii_case(group))
            {
                say("restore-resource-group-quota");
            }
            RestoreKind::Disks(group.map(str::to_owned))
        }
        Some("OriginalLocation") => {
            if world.vm(asked.group, asked.vm).is_none() {
                say("BCMV2VMNotFound");
            }
            RestoreKind::Replace
        }
        Some("AlternateLocation") => new(context, world, own, &mut say)?,
        _ => return Err(input("recoveryType is not known.")),
    };
    let container = uuid::Uuid::new_v4().to_string();
    let made = Restore { kind, account, container, luns, is_given: false };
    Ok(if faults.is_empty() { Ok(made) } else { Err(faults) })
}

/// The new machine of a request.
fn new(
    context: Context<'_>,
    world: &World,
    own: &Value,
    say: &mut impl FnMut(&'static str),
) -> Result<RestoreKind, Fault> {
    let text = |name: &str| own[name].as_str().ok_or_else(|| input(format!("{name} is missing.")));
    let group = text("targetResourceGroupId")?.rsplit('/').next().unwrap_or_default();
    let name = text("targetVirtualMachineId")?.rsplit('/').next().unwrap_or_default();
    let (network, subnet) = (text("virtualNetworkId")?, text("subnetId")?);
    if !crate::recovery::is_name(name) || !crate::recovery::is_name(group) {
        return Err(input("targetVirtualMachineId is no id of a machine."));
    }
    if world.gone_groups.iter().any(|own| own.eq_ignore_ascii_case(group)) {
        say("restore-resource-group-quota");
    }
    if world.vm(group, name).is_some() {
        return Err(input(format!("A virtual machine {name} exists already.")));
    }
    let all = networks(world);
    let found = all.iter().find(|own| own.id(context).eq_ignore_ascii_case(network));
    let part = subnet.rsplit('/').next().unwrap_or_default();
    let is_below = subnet.to_lowercase().starts_with(&network.to_lowercase());
    match found {
        None => say("restore-vnet-incorrect"),
        Some(found) => {
            let has = found.subnets.iter().any(|own| own.eq_ignore_ascii_case(part));
            if !has || !is_below {
                say("restore-subnet-missing");
            }
        }
    }
    let network = network.rsplit('/').next().unwrap_or_default();
    Ok(RestoreKind::New {
        group: group.to_owned(),
        name: name.to_owned(),
        subnet: format!("{network}/{part}"),
    })
}

/// What a job says of what it made.
pub(super) fn facts(own: &Restore, point: &Point) -> Value {
    let kind = match &own.kind {
        RestoreKind::Disks(_) => "Recover disks",
        RestoreKind::New { .. } => "Create new virtual machine",
        RestoreKind::Replace => "Replace disks",
    };
    let mut facts = json!({
        "Job Type": kind, "Recovery point time": super::times::told(point.time),
        "Target Storage Account Name": own.account,
    });
    match &own.kind {
        RestoreKind::Disks(Some(group)) => {
            facts["Target resource group"] = group.as_str().into();
        }
        RestoreKind::Disks(None) => {
            facts["Config Blob Container Name"] = own.container.as_str().into();
            facts["Config Blob Name"] = "vmconfig.json".into();
        }
        RestoreKind::New { group, name, .. } => {
            facts["Target virtual machine"] = name.as_str().into();
            facts["Target resource group"] = group.as_str().into();
        }
        RestoreKind::Replace => {}
    }
    facts
}
