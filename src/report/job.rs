//! Jobs as a person and a script see them.

use disk_prep::noun::{JobName, Serial};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::import_job::{DriveState, Job, JobStage, JobState, Location, Turn, Written};
use crate::journey::job::{Exported, JournalsExported, Shipped};
use crate::outcome::Outcome;

/// A drive of a job, as the service sees it.
#[derive(Serialize, JsonSchema)]
pub(super) struct DriveOfJob<'a> {
    /// Serial number.
    serial: &'a str,
    /// The service's word for its state.
    #[schemars(with = "String")]
    state: &'a DriveState,
    /// How far it is, in percent.
    percent: u8,
    /// Where its error log is; null if there is none.
    error_log: Option<&'a str>,
    /// How far it is, in a word that both services share: `named`, `received`, `missing`,
    /// `copying`, `copied`, `incomplete`, `returned` or `unknown`.
    stage: &'static str,
    /// Where the log of all that was copied is; null if there is none.
    verbose_log: Option<&'a str>,
}

/// An import job.
#[derive(Serialize, JsonSchema)]
pub(super) struct JobRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Its region.
    location: &'a str,
    /// The service's word for its state.
    #[schemars(with = "String")]
    state: &'a JobState,
    /// How far all drives are, in percent.
    percent: u8,
    /// Whether somebody asked to cancel it.
    cancel_requested: bool,
    /// When it was made; null if the service does not say.
    created: Option<Timestamp>,
    /// Whole days until the deadline, negative when it has passed; null when no clock runs.
    days_left: Option<i64>,
    /// Who brings the parcel; null if it is not shipped.
    carrier: Option<&'a str>,
    /// Tracking number of the parcel; null if it is not shipped.
    tracking_number: Option<&'a str>,
    /// The datacenter's address, line by line; null while there is none.
    ship_to: Option<&'a [String]>,
    /// Its drives.
    drives: Vec<DriveOfJob<'a>>,
    /// Whether this call changed the job; missing in lists and while watching.
    #[schemars(with = "bool")]
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    /// When the clock that runs has run out; null when none does.
    deadline: Option<Timestamp>,
    /// The subscription; null if the service does not say.
    subscription: Option<&'a str>,
    /// The resource group; null if the service does not say.
    resource_group: Option<&'a str>,
    /// The storage account; null if the service does not say.
    account: Option<&'a str>,
    /// The service that has it: `data-box` or `import-export`.
    service: &'static str,
    /// How far it is, in a word that both services share: `waiting`, `shipped`, `received`,
    /// `copying`, `returning`, `completed`, `incomplete`, `cancelled` or `unknown`.
    stage: &'static str,
    /// Its resource id.
    id: &'a str,
    /// Where the drives go back to, line by line; null while the service does not know it.
    return_to: Option<&'a [String]>,
    /// Who brings the drives back; null if the service does not say.
    return_carrier: Option<&'a str>,
    /// When the parcel was handed over, as it was said; null if nobody said it or it is not kept.
    ship_date: Option<&'a str>,
    /// What the deadline is of: `tracking`, `arrival`, `work` (an aim of the service) or
    /// `retention`; null when no clock runs.
    clock: Option<&'static str>,
    /// The service's time when it told this; days are counted by it.
    told_at: Timestamp,
}

impl Record for JobRecord<'_> {
    const TYPE: &'static str = "job";
}

/// A job is gone.
#[derive(Serialize, JsonSchema)]
pub(super) struct DeletedRecord<'a> {
    /// Its name.
    #[schemars(with = "String")]
    name: &'a JobName,
    /// Whether this call deleted it; if not, there was none.
    changed: bool,
}

impl Record for DeletedRecord<'_> {
    const TYPE: &'static str = "job-deleted";
}

/// A region, and where its drives are sent.
#[derive(Serialize, JsonSchema)]
pub(super) struct LocationRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Where parcels go, line by line.
    address: &'a [String],
    /// Carriers that bring drives back.
    carriers: &'a [String],
    /// Regions that take the drives instead, if this one takes none.
    alternates: &'a [String],
}

impl Record for LocationRecord<'_> {
    const TYPE: &'static str = "location";
}

/// Jobs, each with whether this run changed it.
#[derive(Debug)]
pub struct Said {
    pub jobs: Vec<(Job, Written)>,
}

/// A job for a person.
pub(super) fn lines(job: &Job) -> Vec<String> {
    let mut lines = vec![
        format!("Job          {}", job.name),
        format!("Service      {}", job.service),
        format!("State        {}, {} %", job.state, job.percent),
        format!("Region       {}", job.location),
    ];
    if job.cancel_requested {
        lines.push("Cancel       asked for".to_owned());
    }
    if let Some(deadline) = job.deadline() {
        lines.push(format!("Deadline     {deadline}"));
    }
    for drive in &job.drives {
        lines.push(format!(
            "Drive        {:<20} {}, {} %",
            drive.serial, drive.state, drive.percent
        ));
    }
    match &job.delivery {
        Some(parcel) => {
            lines.push(format!("Parcel       {} {}", parcel.carrier, parcel.tracking_number));
        }
        None if job.cancel_requested || job.state.stage == JobStage::Cancelled => {}
        None => lines.push("Parcel       not shipped: `azseed job ship` says with whom".to_owned()),
    }
    if let Some(address) = &job.return_to {
        lines.push(format!("Return to    {}", address.lines.join(", ")));
    }
    if let Some(carrier) = &job.return_carrier {
        lines.push(format!("Return by    {carrier}"));
    }
    match Turn::of(job) {
        // The line above says it.
        Turn::Ours(_) if job.delivery.is_none() && !job.cancel_requested => {}
        Turn::Ours(what) | Turn::DoneWithErrors(what) => lines.push(format!("Next         {what}")),
        Turn::Done => lines.push(
            "Next         `azseed status` shows what its seed is for, and what comes then"
                .to_owned(),
        ),
        Turn::Service => {}
    }
    if let Some(address) = job.shipping.as_ref().filter(|_| job.delivery.is_none()) {
        lines.push("Ship to".to_owned());
        lines.extend(address.lines.iter().map(|line| format!("             {line}")));
        let last = format!("{} {}", address.phone, address.remark);
        lines
            .extend((!last.trim().is_empty()).then(|| format!("             {}", last.trim_end())));
    }
    lines
}

/// A job for a script; `written` says whether this call changed it.
pub(super) fn value(job: &Job, written: Option<Written>) -> Value {
    line(&record(job, written))
}

/// Its record.
pub(super) fn record(job: &Job, written: Option<Written>) -> JobRecord<'_> {
    let drives = job.drives.iter().map(|drive| DriveOfJob {
        serial: &drive.serial,
        state: &drive.state,
        percent: drive.percent,
        error_log: drive.error_log.as_deref().map(bare),
        stage: drive.state.stage.name(),
        verbose_log: drive.verbose_log.as_deref().map(bare),
    });
    let deadline = job.deadline();
    JobRecord {
        name: &job.name,
        location: &job.location,
        state: &job.state,
        percent: job.percent,
        cancel_requested: job.cancel_requested,
        created: job.created,
        days_left: deadline.map(|deadline| deadline.days_left),
        carrier: job.delivery.as_ref().map(|parcel| parcel.carrier.as_str()),
        tracking_number: job.delivery.as_ref().map(|parcel| parcel.tracking_number.as_str()),
        ship_to: job.shipping.as_ref().map(|address| address.lines.as_slice()),
        drives: drives.collect(),
        changed: written.map(|written| written == Written::Changed),
        deadline: deadline.map(|deadline| deadline.at),
        subscription: part(&job.id, "subscriptions"),
        resource_group: part(&job.id, "resourceGroups"),
        account: job.account_id.as_deref().and_then(|id| part(id, "storageAccounts")),
        service: job.service.name(),
        stage: job.state.stage.name(),
        id: &job.id,
        return_to: job.return_to.as_ref().map(|address| address.lines.as_slice()),
        return_carrier: job.return_carrier.as_deref(),
        ship_date: job.delivery.as_ref().and_then(|parcel| parcel.ship_date.as_deref()),
        clock: deadline.map(|deadline| deadline.clock.name()),
        told_at: job.told_at,
    }
}

/// A link without its query, which may be a secret.
fn bare(link: &str) -> &str {
    link.split(['?', '#']).next().unwrap_or_default()
}

/// What follows this word in a resource id; Azure does not mind the case.
fn part<'a>(id: &'a str, word: &str) -> Option<&'a str> {
    let mut parts = id.split('/');
    parts.find(|part| part.eq_ignore_ascii_case(word))?;
    parts.next().filter(|part| !part.is_empty())
}

impl Outcome for Said {
    fn lines(&self) -> Vec<String> {
        let shown: Vec<_> = self.jobs.iter().map(|(job, _)| lines(job)).collect();
        shown.join(&String::new())
    }

    fn json(&self) -> Vec<Value> {
        let record = |(job, written): &(Job, Written)| value(job, Some(*written));
        self.jobs.iter().map(record).collect()
    }
}

/// All jobs, one a line.
#[derive(Debug)]
pub struct JobList {
    pub jobs: Vec<Job>,
}

impl Outcome for JobList {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<24} {:<13} {:<24} {:>6} {:>9}",
            "JOB", "SERVICE", "STATE", "DRIVES", "DAYS LEFT"
        )];
        for job in &self.jobs {
            let left = job.deadline().map_or("-".to_owned(), |own| own.days_left.to_string());
            lines.push(format!(
                "{:<24} {:<13} {:<24} {:>6} {left:>9}",
                job.name,
                job.service,
                job.state,
                job.drives.len()
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        self.jobs.iter().map(|job| value(job, None)).collect()
    }
}

impl Outcome for Shipped {
    fn lines(&self) -> Vec<String> {
        let parcel = self.job.delivery.as_ref();
        let (carrier, number) =
            parcel.map_or(("", ""), |own| (own.carrier.as_str(), own.tracking_number.as_str()));
        let said = match self.written {
            Written::Changed => "told now",
            Written::Unchanged => "known already",
        };
        let name = &self.job.name;
        vec![format!("{name:<24} {carrier} {number}  {}, {said}", self.job.state)]
    }

    fn json(&self) -> Vec<Value> {
        vec![value(&self.job, Some(self.written))]
    }
}

/// A file says which job it is and where.
#[derive(Serialize, JsonSchema)]
pub(super) struct ExportedRecord<'a> {
    /// Its name.
    #[schemars(with = "String")]
    name: &'a JobName,
    /// Its resource id.
    id: String,
    /// The file.
    file: String,
}

impl Record for ExportedRecord<'_> {
    const TYPE: &'static str = "job-exported";
}

impl Outcome for Exported {
    fn lines(&self) -> Vec<String> {
        let (job, path) = (&self.id.job, self.path.display());
        vec![
            format!("Job {job} stands in {path}, without a secret"),
            format!("Use it as `azseed job status --job-file {path}`"),
        ]
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&ExportedRecord {
            name: &self.id.job,
            id: self.id.to_string(),
            file: self.path.display().to_string(),
        })]
    }
}

/// Journals in the form of Microsoft's tool were written.
#[derive(Serialize, JsonSchema)]
pub(super) struct ToolJournalsRecord<'a> {
    /// Name of the job.
    #[schemars(with = "String")]
    job: &'a JobName,
    /// Serial numbers of its drives.
    #[schemars(with = "Vec<String>")]
    drives: &'a [Serial],
    /// The files.
    files: Vec<String>,
}

impl Record for ToolJournalsRecord<'_> {
    const TYPE: &'static str = "tool-journals-exported";
}

impl Outcome for JournalsExported {
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.paths.iter().map(|path| format!("Written      {}", path.display())).collect();
        lines.push(
            "They hold the recovery passwords: remove them once the portal has them".to_owned(),
        );
        lines
    }

    fn json(&self) -> Vec<Value> {
        let files = self.paths.iter().map(|path| path.display().to_string()).collect();
        vec![line(&ToolJournalsRecord { job: &self.job, drives: &self.drives, files })]
    }
}

/// A job that is gone.
#[derive(Debug)]
pub struct Deleted {
    pub job: JobName,
    pub written: Written,
}

impl Outcome for Deleted {
    fn lines(&self) -> Vec<String> {
        vec![match self.written {
            Written::Changed => format!("Job {} is deleted", self.job),
            Written::Unchanged => format!("There was no job {}", self.job),
        }]
    }

    fn json(&self) -> Vec<Value> {
        let changed = self.written == Written::Changed;
        vec![line(&DeletedRecord { name: &self.job, changed })]
    }
}

/// The regions.
#[derive(Debug)]
pub struct Locations(pub Vec<Location>);

impl Outcome for Locations {
    fn lines(&self) -> Vec<String> {
        let lines = |location: &Location| {
            let Location { name, address, carriers, alternates } = location;
            let mut lines = vec![
                name.clone(),
                format!("  {}", address.lines.join(", ")),
                format!("  carriers: {}", carriers.join(", ")),
            ];
            if !alternates.is_empty() {
                lines.push(format!("  takes drives at: {}", alternates.join(", ")));
            }
            lines
        };
        self.0.iter().flat_map(lines).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |Location { name, address, carriers, alternates }: &Location| {
            line(&LocationRecord { name, address: &address.lines, carriers, alternates })
        };
        self.0.iter().map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_id_says_subscription_and_group_in_any_case() {
        let id = "/subscriptions/1-2/resourcegroups/backup/providers/Microsoft.ImportExport/jobs/a";
        assert_eq!(part(id, "subscriptions"), Some("1-2"));
        assert_eq!(part(id, "resourceGroups"), Some("backup"));
        assert_eq!((part(id, "storageAccounts"), part("", "subscriptions")), (None, None));
        assert_eq!(part("/subscriptions/", "subscriptions"), None);
    }
}
