//! Jobs of a vault: list, look, cancel.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::names::MachineId;
use super::vault_id::VaultId;
use super::words::{LONG_BACKUP, LONG_RESTORE, RECOVERY, VMS_ONLY, asked, moment, seconds, word};
use crate::azure::{self, Arm};

/// How a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Under way.
    InProgress,
    /// About to end before its time.
    Cancelling,
    /// Ended before its time.
    Cancelled,
    /// Done.
    Completed,
    /// Done, and something is to be looked at.
    CompletedWithWarnings,
    /// Not done.
    Failed,
    /// Something else, in the service's word.
    Other(String),
}

impl JobState {
    fn of(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "inprogress" => JobState::InProgress,
            "cancelling" => JobState::Cancelling,
            "cancelled" | "canceled" => JobState::Cancelled,
            "completed" => JobState::Completed,
            "completedwithwarnings" => JobState::CompletedWithWarnings,
            "failed" => JobState::Failed,
            _ => JobState::Other(text.to_owned()),
        }
    }

    /// In the service's word.
    pub fn word(&self) -> &str {
        match self {
            JobState::InProgress => "InProgress",
            JobState::Cancelling => "Cancelling",
            JobState::Cancelled => "Cancelled",
            JobState::Completed => "Completed",
            JobState::CompletedWithWarnings => "CompletedWithWarnings",
            JobState::Failed => "Failed",
            JobState::Other(word) => word,
        }
    }

    /// Whether nothing more comes. A word that is not known is none of those that end a job.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            JobState::Cancelled
                | JobState::Completed
                | JobState::CompletedWithWarnings
                | JobState::Failed
        )
    }
}

/// A part of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What is done.
    pub name: String,
    /// How it stands.
    pub state: String,
}

/// What a job says that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFault {
    /// Its number.
    pub number: Option<i64>,
    /// Its title, which may be its code.
    pub title: String,
    /// In the service's words.
    pub message: String,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does: `Backup`, `ConfigureBackup`, `Restore`, ….
    pub operation: String,
    /// The machine's name.
    pub machine: String,
    /// The machine's resource group, if it is told.
    pub group: Option<String>,
    /// How it stands.
    pub state: JobState,
    /// When it began.
    pub start: Option<Timestamp>,
    /// How long it took so far, seconds.
    pub seconds: Option<u64>,
    /// Whether it can be cancelled now.
    pub is_cancellable: bool,
    /// Its parts, if it was looked at by itself.
    pub tasks: Vec<Task>,
    /// What else the service tells of it then, by name.
    pub facts: Vec<(String, String)>,
    /// What went wrong.
    pub faults: Vec<JobFault>,
}

impl Job {
    /// The entry of the catalogue about a backup or a restore that takes longer than it should.
    pub fn is_long(&self) -> Option<&'static str> {
        let (long, entry) = match self.operation.as_str() {
            "Backup" => (LONG_BACKUP, "backup-over-12h"),
            "Restore" => (LONG_RESTORE, "restore-over-6h"),
            _ => return None,
        };
        let long = u64::try_from(long.as_secs()).unwrap_or(u64::MAX);
        self.seconds.is_some_and(|secs| secs > long).then_some(entry)
    }

    /// Whether it is about a machine. Not every answer tells the group.
    pub(super) fn is_of(&self, machine: &MachineId) -> bool {
        self.machine.eq_ignore_ascii_case(&machine.name)
            && self.group.as_ref().is_none_or(|group| group.eq_ignore_ascii_case(&machine.group))
    }

    /// What the service tells under a name.
    pub fn fact(&self, name: &str) -> Option<&str> {
        let found = self.facts.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Which jobs are asked for.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only of this operation.
    pub operation: Option<String>,
    /// Only in this state.
    pub status: Option<String>,
    /// Only those that began since.
    pub since: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Wire {
    name: String,
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    operation: String,
    status: String,
    entity_friendly_name: String,
    container_name: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    duration: Option<Value>,
    actions_info: Option<Vec<Value>>,
    error_details: Option<Vec<Fault>>,
    extended_info: Option<Extended>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    #[serde(default)]
    error_code: Option<i64>,
    #[serde(default)]
    error_title: Option<String>,
    #[serde(default)]
    error_string: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extended {
    #[serde(default)]
    tasks_list: Option<Vec<TaskWire>>,
    #[serde(default)]
    property_bag: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskWire {
    #[serde(default)]
    task_id: String,
    #[serde(default)]
    status: String,
}

impl Wire {
    fn job(self) -> Job {
        let Wire { name, properties: own } = self;
        let start = moment(own.start_time.as_deref());
        let took = || {
            let end = moment(own.end_time.as_deref())?;
            u64::try_from(end.duration_since(start?).as_secs()).ok()
        };
        let actions = own.actions_info.unwrap_or_default();
        let known = ["Invalid", "Cancellable", "Retriable"];
        let (tasks, bag) = match own.extended_info {
            Some(own) => (own.tasks_list.unwrap_or_default(), own.property_bag.unwrap_or_default()),
            None => (Vec::new(), BTreeMap::new()),
        };
        let fact = |(name, value): (String, Value)| {
            let value = value.as_str().filter(|own| !own.is_empty())?;
            Some((name.trim().to_owned(), value.to_owned()))
        };
        let group = own.container_name.as_deref().and_then(|name| name.rsplit(';').nth(1));
        let fault = |own: Fault| JobFault {
            number: own.error_code,
            title: own.error_title.unwrap_or_default(),
            message: own.error_string.unwrap_or_default(),
        };
        Job {
            id: name,
            operation: own.operation,
            machine: own.entity_friendly_name,
            group: group.map(str::to_owned),
            state: JobState::of(&own.status),
            start,
            seconds: seconds(own.duration.as_ref().and_then(Value::as_str)).or_else(took),
            is_cancellable: actions.iter().any(|own| word(own, &known) == known[1]),
            tasks: tasks
                .into_iter()
                .map(|own| Task { name: own.task_id, state: own.status })
                .collect(),
            facts: bag.into_iter().filter_map(fact).collect(),
            faults: own.error_details.into_iter().flatten().map(fault).collect(),
        }
    }
}

/// The jobs of a vault, the newest first.
pub fn jobs(arm: &Arm, vault: &VaultId, filter: &JobFilter) -> Result<Vec<Job>, Error> {
    let mut asked_for = vec![VMS_ONLY.to_owned()];
    if let Some(operation) = &filter.operation {
        asked_for.push(format!("operation eq '{operation}'"));
    }
    if let Some(status) = &filter.status {
        asked_for.push(format!("status eq '{status}'"));
    }
    if let Some(since) = filter.since {
        // The service takes both ends or none.
        let day = SignedDuration::from_hours(24);
        let end = arm.now().saturating_add(day).unwrap_or(Timestamp::MAX);
        asked_for.push(format!("startTime eq '{}'", asked(since)));
        asked_for.push(format!("endTime eq '{}'", asked(end)));
    }
    let list = format!("backupJobs?$filter={}", asked_for.join(" and "));
    let all: Vec<Wire> = arm.list(&vault.path(&list), RECOVERY)?;
    let mut all: Vec<Job> = all.into_iter().map(Wire::job).collect();
    all.sort_by_key(|own| std::cmp::Reverse(own.start));
    Ok(all)
}

/// What is done to a machine and is not over.
pub(super) fn under_way(
    arm: &Arm,
    vault: &VaultId,
    machine: &MachineId,
    operation: &str,
) -> Result<Option<Job>, Error> {
    let filter = JobFilter { operation: Some(operation.to_owned()), ..JobFilter::default() };
    let is_own = |own: &Job| {
        own.is_of(machine) && matches!(own.state, JobState::InProgress | JobState::Cancelling)
    };
    Ok(jobs(arm, vault, &filter)?.into_iter().find(is_own))
}

/// All jobs of a machine that are under way.
pub fn jobs_under_way(arm: &Arm, vault: &VaultId, machine: &MachineId) -> Result<Vec<Job>, Error> {
    let all = jobs(arm, vault, &JobFilter::default())?;
    let is_own = |own: &Job| own.is_of(machine) && !own.state.is_over();
    Ok(all.into_iter().filter(is_own).collect())
}

/// An id that goes into a path: no other sign is in one.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// One job with its parts.
pub fn job(arm: &Arm, vault: &VaultId, id: &str) -> Result<Job, Error> {
    let absent = || Error::NoJob { id: id.to_owned(), vault: vault.name.clone() };
    if !is_id(id) {
        return Err(absent());
    }
    let found: Option<Wire> = arm.get(&vault.path(&format!("backupJobs/{id}")), RECOVERY)?;
    Ok(found.ok_or_else(absent)?.job())
}

#[derive(Serialize)]
struct Nothing {}

/// Cancels a job that can be cancelled; one that is, or is about to be, is left alone.
pub fn cancel(arm: &Arm, vault: &VaultId, id: &str) -> Result<Job, Error> {
    let own = job(arm, vault, id)?;
    let refused =
        |state: &str| Error::NotCancellable { id: id.to_owned(), state: state.to_owned() };
    if matches!(own.state, JobState::Cancelling | JobState::Cancelled) {
        return Ok(own);
    }
    if own.state.is_over() || !own.is_cancellable {
        let told = match own.state {
            JobState::InProgress => "under way, and past the point where it can be stopped",
            _ => own.state.word(),
        };
        return Err(refused(told));
    }
    match arm.post_job(&vault.path(&format!("backupJobs/{id}/cancel")), RECOVERY, &Nothing {}) {
        Ok(_) => job(arm, vault, id),
        // It went on in the meantime.
        Err(azure::Error::Refused { message, .. }) => Err(refused(&message)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_is_read_in_both_forms_and_an_unknown_word_is_kept() {
        let read = |properties: Value| -> Job {
            let wire: Wire =
                serde_json::from_value(json!({"name": "j", "properties": properties})).unwrap();
            wire.job()
        };
        let new = read(json!({
            "operation": "Backup", "status": "InProgress", "entityFriendlyName": "web",
            "startTime": "2026-11-20T02:00:00.0000000Z", "duration": "PT13H",
            "actionsInfo": ["Cancellable"], "containerName": "iaasvmcontainerv2;rg;web",
            "extendedInfo": {"tasksList": [{"taskId": "Take Snapshot", "status": "InProgress"}]},
        }));
        let old = read(json!({
            "operation": "Backup", "status": "InProgress", "entityFriendlyName": "web",
            "startTime": "2026-11-20T02:00:00Z", "duration": "13:00:00.0896697",
            "actionsInfo": [1], "errorDetails": null, "extendedInfo": null,
        }));
        for own in [&new, &old] {
            assert!(own.is_cancellable && own.state == JobState::InProgress);
            assert_eq!(own.is_long(), Some("backup-over-12h"));
            assert_eq!(own.seconds, Some(46_800));
        }
        assert_eq!((new.group.as_deref(), new.tasks.len()), (Some("rg"), 1));
        let restore = read(json!({
            "operation": "Restore", "status": "InProgress", "duration": "PT7H",
            "extendedInfo": {"propertyBag": {
                "Recovery point time ": "2026-11-20T02:00:00Z", "Empty": "", "Odd": 7,
            }},
        }));
        assert_eq!(restore.is_long(), Some("restore-over-6h"));
        assert_eq!(restore.fact("recovery point time"), Some("2026-11-20T02:00:00Z"));
        assert_eq!(restore.facts.len(), 1);
        let odd = read(json!({"status": "Pondering", "operation": "Dance"}));
        assert_eq!((odd.state.word(), odd.state.is_over()), ("Pondering", false));
        let ended = read(json!({
            "status": "Canceled", "startTime": "2026-11-20T02:00:00Z",
            "endTime": "2026-11-20T02:01:00Z",
            "errorDetails": [{"errorCode": 320001, "errorTitle": "X", "errorString": "gone"}],
        }));
        assert_eq!((ended.state, ended.seconds), (JobState::Cancelled, Some(60)));
        assert_eq!(ended.faults[0].number, Some(320_001));
        assert!(is_id("a-1") && !is_id("../x") && !is_id("") && !is_id("a?b"));
    }
}
