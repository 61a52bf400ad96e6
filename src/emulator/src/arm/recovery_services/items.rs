//! Machines that a vault protects.

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::super::ids::id_of;
use super::names::{At, container, item_path};
use super::operations;
use super::times::told;
use super::vaults::json_of;
use crate::http::Answer;
use crate::recovery::{
    Came, Item, Job, JobState, Plan, Protection, Vault, World, back_up, failure,
};

/// So long a deleted machine can be had back.
const SOFT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// So long a point on demand is kept unless it is said.
const ON_DEMAND: SignedDuration = SignedDuration::from_hours(30 * 24);
/// So many backups on demand a day.
const A_DAY: usize = 4;
/// What a machine says that was never backed up.
const NEVER: &str = "2001-01-01T00:00:00Z";

/// An item that a call is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub at: At<'a>,
    pub group: &'a str,
    pub vm: &'a str,
}

impl Asked<'_> {
    pub fn place(&self, context: Context<'_>) -> String {
        format!("{}{}", self.at.id(context), item_path(self.group, self.vm))
    }

    pub fn find<'w>(&self, world: &'w World) -> Result<(&'w Vault, &'w Item), Fault> {
        let vault = self.at.find(world)?;
        let absent = || {
            let message = format!("The protected item {} was not found.", self.vm);
            Fault::new(404, "BMSUserErrorProtectedItemNotFound", message)
        };
        Ok((vault, vault.item(self.group, self.vm).ok_or_else(absent)?))
    }
}

fn input(message: impl Into<String>) -> Fault {
    Fault::new(400, "BMSUserErrorInvalidInput", message)
}

pub(super) fn list(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let world = context.world.read();
    let vault = at.find(&world)?;
    let value: Vec<Value> = vault.items.iter().map(|own| body(context, at, vault, own)).collect();
    Ok(Answer::json(200, &json!({ "value": value })))
}

pub(super) fn one(context: Context<'_>, asked: Asked<'_>) -> Result<Answer, Fault> {
    match context.call.method {
        Method::GET => show(context, asked),
        Method::PUT => put(context, asked),
        Method::DELETE => delete(context, asked),
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}

/// One look at what came of a call about it.
pub(super) fn result(context: Context<'_>, asked: Asked<'_>, id: &str) -> Result<Answer, Fault> {
    operations::result(context, id, |_| show(context, asked).unwrap_or_else(|_| Answer::empty(204)))
}

fn show(context: Context<'_>, asked: Asked<'_>) -> Result<Answer, Fault> {
    let world = context.world.read();
    let (vault, item) = asked.find(&world)?;
    Ok(Answer::json(200, &body(context, asked.at, vault, item)))
}

fn put(context: Context<'_>, asked: Asked<'_>) -> Result<Answer, Fault> {
    let sent = json_of(context)?;
    let own = &sent["properties"];
    let id = context.world.change(|world| {
        let now = context.now;
        if own["protectionState"] == "ProtectionStopped" {
            return stop(world, asked, own["isRehydrate"] == true, now);
        }
        let policy = own["policyId"].as_str().and_then(|id| id.rsplit('/').next());
        let policy = policy.ok_or_else(|| input("policyId is missing."))?;
        let vault = asked.at.find(world)?;
        let found = vault.policy(policy).cloned().ok_or_else(|| {
            let message = format!("The policy {policy} was not found.");
            Fault::new(400, "BMSUserErrorPolicyNotFound", message)
        })?;
        let plan = Plan::of(&found.properties).map_err(input)?;
        if let Some(failed) = check(context, world, asked, own["sourceResourceId"].as_str())? {
            return Ok(world.begin(failed, 1, now));
        }
        let vm = world.vm(asked.group, asked.vm);
        let source = vm.map(|vm| id_of(context, vm)).unwrap_or_default();
        let due = plan.next(now);
        let vault = asked.at.find_mut(world)?;
        match vault.item_mut(asked.group, asked.vm) {
            Some(item) => {
                if item.deleted_until.is_some() {
                    let message = "The item is soft-deleted; undelete it first.";
                    return Err(Fault::new(400, "BMSUserErrorItemInSoftDeletedState", message));
                }
                item.policy = Some(found.name);
                item.due = due;
                if item.state == Protection::Stopped {
                    let is_new = item.points.is_empty();
                    item.state = if is_new { Protection::IRPending } else { Protection::Protected };
                }
            }
            None => vault.items.push(Item {
                group: asked.group.to_owned(),
                vm: asked.vm.to_owned(),
                source,
                policy: Some(found.name),
                state: Protection::IRPending,
                due,
                last: None,
                points: Vec::new(),
                deleted_until: None,
            }),
        }
        let job = vault.note("ConfigureBackup", (asked.group, asked.vm), now);
        Ok(world.begin(Came::Job(Some(job)), 1, now))
    })?;
    let place = asked.place(context);
    Ok(operations::accepted(context, &place, ("operationsStatus", "operationResults"), &id))
}

/// Whether a machine can be protected: what the call refuses, or what its operation ends with.
fn check(
    context: Context<'_>,
    world: &World,
    asked: Asked<'_>,
    source: Option<&str>,
) -> Result<Option<Came>, Fault> {
    let vault = asked.at.find(world)?;
    // Protected already: only the policy changes, and the machine may be gone.
    if vault.item(asked.group, asked.vm).is_some() {
        return Ok(None);
    }
    let failed = |code: &str, message: &str| {
        Ok(Some(Came::Failed { code: code.to_owned(), message: message.to_owned() }))
    };
    let Some(vm) = world.vm(asked.group, asked.vm) else {
        return failed("BCMV2VMNotFound", "The virtual machine does not exist.");
    };
    if !source.is_some_and(|source| source.eq_ignore_ascii_case(&id_of(context, vm))) {
        return Err(input("sourceResourceId is not the machine that the path names."));
    }
    if vm.is_classic {
        return Err(input("The machine is a classic one."));
    }
    if vm.region != vault.location {
        let message =
            format!("The vault is in {} and the machine in {}.", vault.location, vm.region);
        return Err(Fault::new(400, "BMSUserErrorDatasourceNotInVaultRegion", message));
    }
    if world.vaults.iter().any(|own| own.item(asked.group, asked.vm).is_some()) {
        let message = "Another vault protects the machine.";
        return Err(Fault::new(400, "BMSUserErrorContainerAlreadyInAnotherVault", message));
    }
    match vm.failing.as_ref().filter(|own| own.at == "protect") {
        Some(failing) => {
            let known = failure(&failing.code);
            failed(&failing.code, known.map_or("", |known| known.message))
        }
        None => Ok(None),
    }
}

/// No more backups; points stay. What was deleted comes back to this state.
fn stop(
    world: &mut World,
    asked: Asked<'_>,
    is_rehydrate: bool,
    now: Timestamp,
) -> Result<String, Fault> {
    asked.find(world)?;
    let vault = asked.at.find_mut(world)?;
    if let Some(item) = vault.item_mut(asked.group, asked.vm) {
        if item.deleted_until.is_some() != is_rehydrate {
            return Err(input("isRehydrate is for what is soft-deleted."));
        }
        item.state = Protection::Stopped;
        item.due = None;
        item.policy = None;
        item.deleted_until = None;
    }
    let word = if is_rehydrate { "Undelete" } else { "DisableBackup" };
    let job = vault.note(word, (asked.group, asked.vm), now);
    Ok(world.begin(Came::Job(Some(job)), 1, now))
}

fn delete(context: Context<'_>, asked: Asked<'_>) -> Result<Answer, Fault> {
    let id = context.world.change(|world| {
        let until = context.now.saturating_add(SOFT).unwrap_or(Timestamp::MAX);
        let vault = asked.at.find_mut(world)?;
        let Some(item) = vault.item_mut(asked.group, asked.vm) else { return Ok(None) };
        item.state = Protection::Stopped;
        item.due = None;
        item.policy = None;
        item.deleted_until.get_or_insert(until);
        let job = vault.note("DeleteBackupData", (asked.group, asked.vm), context.now);
        Ok::<_, Fault>(Some(world.begin(Came::Job(Some(job)), 1, context.now)))
    })?;
    let Some(id) = id else { return Ok(Answer::empty(204)) };
    let place = asked.at.id(context);
    let words = ("backupOperations", "backupOperationResults");
    Ok(operations::accepted(context, &place, words, &id))
}

/// Begins a backup now.
pub(super) fn trigger(context: Context<'_>, asked: Asked<'_>) -> Result<Answer, Fault> {
    let sent = json_of(context)?;
    let own = &sent["properties"];
    if own["objectType"] != "IaasVMBackupRequest" {
        return Err(input("objectType is not IaasVMBackupRequest."));
    }
    let until = match own["recoveryPointExpiryTimeInUTC"].as_str() {
        Some(text) => {
            text.parse().map_err(|_| input("recoveryPointExpiryTimeInUTC is no time."))?
        }
        None => context.now.saturating_add(ON_DEMAND).unwrap_or(Timestamp::MAX),
    };
    if until <= context.now {
        return Err(input("recoveryPointExpiryTimeInUTC is over."));
    }
    let id = context.world.change(|world| {
        let now = context.now;
        let (vault, item) = asked.find(world)?;
        if item.deleted_until.is_some() || item.policy.is_none() {
            return Err(input("The protection of the item is stopped."));
        }
        if vault.running(asked.group, asked.vm, "Backup").is_some() {
            let message = "A backup of the item is in progress.";
            return Err(Fault::new(409, "UserErrorBackupOperationInProgress", message));
        }
        let day = now.saturating_add(SignedDuration::from_hours(-24)).unwrap_or(now);
        let of_day = vault.jobs.iter().filter(|own| {
            let is_meant = !matches!(own.state, JobState::Cancelling | JobState::Cancelled);
            own.is_of(asked.group, asked.vm) && own.is_on_demand && is_meant && own.start > day
        });
        if of_day.count() >= A_DAY {
            let message = "The limit of backups on demand of a day is reached.";
            return Err(Fault::new(400, "UserErrorOnDemandBackupLimitReached", message));
        }
        let item = item.clone();
        let job = back_up(&item, &mut world.vms, now, until, 2);
        let job = Job { is_on_demand: true, ..job };
        let id = job.id.clone();
        asked.at.find_mut(world)?.jobs.push(job);
        Ok(world.begin(Came::Job(Some(id)), 1, now))
    })?;
    let place = asked.place(context);
    Ok(operations::accepted(context, &place, ("operationsStatus", "operationResults"), &id))
}

fn body(context: Context<'_>, at: At<'_>, vault: &Vault, item: &Item) -> Value {
    let name = container(&item.group, &item.vm);
    let times = || item.points.iter().map(|point| point.time);
    let (at_last, ended) = match &item.last {
        Some((time, word)) => (told(*time), word.as_str()),
        None => (NEVER.to_owned(), ""),
    };
    let is_bad = ended == "Failed";
    let last_job = vault.jobs.iter().rev().find(|own| {
        own.is_of(&item.group, &item.vm) && own.operation == "Backup" && own.failure.is_some()
    });
    let health: Vec<Value> = last_job
        .filter(|_| is_bad)
        .and_then(|job| failure(job.failure.as_deref()?))
        .map(|known| {
            json!({"code": known.number, "title": known.code, "message": known.message,
                   "recommendations": []})
        })
        .into_iter()
        .collect();
    let policy = item.policy.as_ref();
    let mut properties = json!({
        "protectedItemType": "Microsoft.Compute/virtualMachines",
        "backupManagementType": "AzureIaasVM", "workloadType": "VM",
        "friendlyName": item.vm, "virtualMachineId": item.source, "sourceResourceId": item.source,
        "containerName": name, "protectionState": item.state.word(),
        "protectionStatus": if is_bad { "Unhealthy" } else { "Healthy" },
        "healthStatus": if is_bad { "ActionRequired" } else { "Passed" },
        "healthDetails": health,
        "lastBackupStatus": ended, "lastBackupTime": at_last,
        "isScheduledForDeferredDelete": item.deleted_until.is_some(),
        "extendedInfo": { "recoveryPointCount": item.points.len(), "policyInconsistent": false },
    });
    if let Some(policy) = policy {
        properties["policyId"] = format!("{}/backupPolicies/{policy}", at.id(context)).into();
        properties["policyName"] = policy.as_str().into();
    }
    if let Some(until) = item.deleted_until {
        let since = until.saturating_add(SignedDuration::from_hours(-14 * 24)).unwrap_or(until);
        properties["deferredDeleteTimeInUTC"] = told(since).into();
        properties["softDeleteRetentionPeriodInDays"] = 14.into();
    }
    if let (Some(first), Some(last)) = (times().min(), times().max()) {
        properties["lastRecoveryPoint"] = told(last).into();
        properties["extendedInfo"]["oldestRecoveryPoint"] = told(first).into();
    }
    json!({
        "id": format!("{}{}", at.id(context), item_path(&item.group, &item.vm)),
        "name": format!("VM;{name}"),
        "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems",
        "properties": properties,
    })
}
