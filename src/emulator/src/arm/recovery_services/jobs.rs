//! Jobs of a vault.

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::names::At;
use super::operations;
use super::restore;
use super::times::{asked, duration, moment, told};
use crate::http::Answer;
use crate::recovery::{Came, Job, JobState, failure};

/// So long a job takes to be cancelled.
const CANCELLING: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn list(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let world = context.world.read();
    let vault = at.find(&world)?;
    let filter = context.call.parameter("$filter").unwrap_or_default();
    let wrong = |text: &str| {
        Fault::new(400, "BMSUserErrorInvalidInput", format!("{text} of the filter is no time."))
    };
    let time = |field: &str| match asked(filter, field) {
        Some(text) => moment(text).map(Some).ok_or_else(|| wrong(field)),
        None => Ok(None),
    };
    let (from, to) = (time("startTime")?, time("endTime")?);
    let is_word = |field: &str, own: &str| {
        asked(filter, field).is_none_or(|word| word.eq_ignore_ascii_case(own))
    };
    let is_asked = |own: &&Job| {
        is_word("operation", &own.operation)
            && is_word("status", own.state.word())
            && from.is_none_or(|from| own.start >= from)
            && to.is_none_or(|to| own.start <= to)
    };
    let newest_first = vault.jobs.iter().rev().filter(is_asked);
    let value: Vec<Value> = newest_first.map(|own| body(context, at, own, Depth::Short)).collect();
    Ok(Answer::json(200, &json!({ "value": value })))
}

fn absent(id: &str) -> Fault {
    Fault::new(404, "BMSUserErrorJobNotFound", format!("The job {id} was not found."))
}

pub(super) fn one(context: Context<'_>, at: At<'_>, id: &str) -> Result<Answer, Fault> {
    if context.call.method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."));
    }
    let world = context.world.read();
    let job = at.find(&world)?.jobs.iter().find(|own| own.id.eq_ignore_ascii_case(id));
    let job = job.ok_or_else(|| absent(id))?;
    Ok(Answer::json(200, &body(context, at, job, Depth::Whole)))
}

/// Cancels a job, if that can be done now.
pub(super) fn cancel(context: Context<'_>, at: At<'_>, id: &str) -> Result<Answer, Fault> {
    let operation = context.world.change(|world| {
        let now = context.now;
        let vault = at.find_mut(world)?;
        let job = vault.jobs.iter_mut().find(|own| own.id.eq_ignore_ascii_case(id));
        let job = job.ok_or_else(|| absent(id))?;
        if job.state != JobState::InProgress {
            let message = "Backup cannot cancel the job because it is not in progress.";
            return Err(Fault::new(400, "BMSUserErrorJobNotInProgress", message));
        }
        if !job.is_cancellable(now) {
            let message = "The job is not in a cancelable state.";
            return Err(Fault::new(400, "BMSUserErrorJobNotCancelable", message));
        }
        job.state = JobState::Cancelling;
        job.end = now.saturating_add(CANCELLING).unwrap_or(Timestamp::MAX);
        Ok(world.begin(Came::Job(None), 1, now))
    })?;
    let place = format!("{}/backupJobs/{id}", at.id(context));
    Ok(operations::accepted(context, &place, ("", "operationResults"), &operation))
}

/// How much of a job is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Short,
    Whole,
}

fn body(context: Context<'_>, at: At<'_>, job: &Job, depth: Depth) -> Value {
    let is_over = job.state.is_over();
    let until = if is_over { job.end } else { context.now };
    let failed = job.failure.as_deref().and_then(failure).filter(|_| is_over);
    let errors: Vec<Value> = failed
        .iter()
        .filter(|_| job.state != JobState::Cancelled)
        .map(|known| {
            json!({"errorCode": known.number, "errorTitle": known.code,
                   "errorString": known.message, "recommendations": []})
        })
        .collect();
    let actions: Vec<&str> = match (job.is_cancellable(context.now), job.state) {
        (true, _) => vec!["Cancellable"],
        (false, JobState::Failed) => vec!["Retriable"],
        _ => Vec::new(),
    };
    let mut properties = json!({
        "jobType": "AzureIaaSVMJob", "entityFriendlyName": job.vm,
        "backupManagementType": "AzureIaasVM", "operation": job.operation,
        "status": job.state.word(), "startTime": told(job.start),
        "duration": duration(until.duration_since(job.start)), "actionsInfo": actions,
        "activityId": job.id, "virtualMachineVersion": "Compute",
        "containerName": super::names::container(&job.group, &job.vm),
    });
    if is_over {
        properties["endTime"] = told(job.end).into();
    }
    if !errors.is_empty() {
        properties["errorDetails"] = errors.into();
    }
    if depth == Depth::Whole {
        properties["extendedInfo"] = json!({
            "tasksList": tasks(job, context.now),
            "propertyBag": { "VM Name": job.vm }, "dynamicErrorMessage": "",
        });
        if let (Some(own), Some(point)) = (&job.restore, &job.point) {
            properties["extendedInfo"]["propertyBag"] = restore::facts(own, point);
        }
    }
    json!({
        "id": format!("{}/backupJobs/{}", at.id(context), job.id), "name": job.id,
        "type": "Microsoft.RecoveryServices/vaults/backupJobs", "properties": properties,
    })
}

/// What a backup does, one after the other.
fn tasks(job: &Job, now: Timestamp) -> Vec<Value> {
    let task = |name: &str, status: &str, from: Timestamp, to: Timestamp| json!({"taskId": name, "status": status, "duration": duration(to.duration_since(from))});
    let state = if job.state.is_over() { job.state.word() } else { "InProgress" };
    if job.restore.is_some() {
        let until = if job.state.is_over() { job.end } else { now };
        return vec![task("Transfer data from vault", state, job.start, until)];
    }
    let Some(snapshot) = job.snapshot else { return Vec::new() };
    let taken = "Take Snapshot";
    if job.state.is_over() && job.end <= snapshot {
        return vec![task(taken, job.state.word(), job.start, job.end)];
    }
    if now < snapshot {
        return vec![task(taken, "InProgress", job.start, now)];
    }
    let (word, until) = match job.state.is_over() {
        true => (job.state.word(), job.end),
        false => ("InProgress", now),
    };
    vec![
        task(taken, "Completed", job.start, snapshot),
        task("Transfer data to vault", word, snapshot, until),
    ]
}
