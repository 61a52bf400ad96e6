//! What is refused before a call that changes anything, and what the service says.

use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, Serial, Service, lines, typed};
use jiff::civil::Date;

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    #[error("A job takes at most {DRIVES_PER_JOB} drives, not {drives}")]
    TooManyDrives { drives: usize },
    #[error("There is no drive for job {job}")]
    NoDrives { job: JobName },
    #[error("No job {job} was made, as nobody can read the repository without{}", lines(missing))]
    RepositoryIncomplete { job: JobName, missing: Vec<String> },
    #[error("The ship date {date} is no moment that can be sent")]
    ShipDate {
        date: Date,
        #[source]
        source: jiff::Error,
    },
    #[error("{text} is no day; write it as YEAR-MONTH-DAY")]
    NoDay { text: String },
    #[error("The parcel cannot hold {asked} drives; job {job} has {drives}")]
    DriveCount { job: JobName, asked: usize, drives: usize },
    #[error("The parcel has no {what}, or one that cannot be typed")]
    ShipmentBlank { what: &'static str },
    #[error("A parcel of job {job} cannot have been handed over on {date}: that is {why}")]
    ShipDateRefused { job: JobName, date: String, why: &'static str },
    #[error("Job {job} is cancelled, so no parcel can be sent for it")]
    Cancelled { job: JobName },
    #[error("Job {job} is on its way already, with {carrier} {number}; Data Box takes one number")]
    ShippedAlready { job: JobName, carrier: String, number: String },
    #[error("Job {job} is {state}, too late for another parcel")]
    TooLateToShip { job: JobName, state: String },
    #[error("{name} is no name that {service} takes: {rule}")]
    Name { name: JobName, service: Service, rule: &'static str },
    #[error("The manifests of drive {serial} are in the modern form, which Data Box does not take")]
    ModernProfile { serial: Serial },
    #[error("Job {job} waits for its parcel; Data Box deletes only what has ended")]
    CancelFirst { job: JobName },
    #[error("Data Box tells its addresses region by region")]
    WhichRegion,
    #[error("There is no job {job}")]
    NoSuchJob { job: JobName },
    #[error("Both services have a job {job}")]
    InBothServices { job: JobName },
    #[error("The seed has several jobs: {}", jobs.join(", "))]
    SeveralJobs { jobs: Vec<String> },
    #[error("Job {job} exists already with other drives: {}", serials(drives))]
    OtherDrives { job: JobName, drives: Vec<Serial> },
    #[error("Job {job} exists already for the account {held}, and {asked} is asked for")]
    OtherAccount { job: JobName, held: String, asked: String },
    #[error(
        "The tracking number {number} belongs to job {other} already; each job is a parcel of its own"
    )]
    TrackingNumberTaken { number: String, other: String },
    #[error("Job {job} has no return address")]
    NoReturnAddress { job: JobName },
    #[error("Job {job} is {state}, too late to be cancelled")]
    TooLateToCancel { job: JobName, state: String },
    #[error(
        "Job {job} is {state}; only a job that waits for its parcel or has ended can be deleted"
    )]
    NotDeletable { job: JobName, state: String },
    #[error(transparent)]
    Azure(#[from] crate::azure::Error),
}

fn serials(drives: &[Serial]) -> String {
    drives.iter().map(Serial::as_str).collect::<Vec<_>>().join(", ")
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::TooManyDrives { .. } => "job-too-many-drives",
            Error::NoDrives { .. } => "job-no-drives",
            Error::RepositoryIncomplete { .. } => "repository-incomplete",
            Error::ShipDate { .. } | Error::NoDay { .. } => "ship-date",
            Error::DriveCount { .. } => "drive-count",
            Error::ShipmentBlank { .. } => "shipment-blank",
            Error::ShipDateRefused { .. } => "ship-date-refused",
            Error::Cancelled { .. } => "job-cancelled",
            Error::ShippedAlready { .. } => "job-shipped-already",
            Error::TooLateToShip { .. } => "job-too-late-to-ship",
            Error::Name { .. } => "job-name-refused",
            Error::ModernProfile { .. } => "job-profile-refused",
            Error::CancelFirst { .. } => "job-cancel-first",
            Error::WhichRegion => "which-region",
            Error::NoSuchJob { .. } => "no-such-job",
            Error::InBothServices { .. } => "which-service",
            Error::SeveralJobs { .. } => "which-job",
            Error::OtherDrives { .. } => "job-other-drives",
            Error::OtherAccount { .. } => "job-other-account",
            Error::TrackingNumberTaken { .. } => "tracking-number-taken",
            Error::NoReturnAddress { .. } => "no-return-address",
            Error::TooLateToCancel { .. } => "job-too-late-to-cancel",
            Error::NotDeletable { .. } => "job-not-deletable",
            Error::Azure(error) => error.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::NoSuchJob { .. } => ErrorKind::NotFound,
            Error::RepositoryIncomplete { .. } => ErrorKind::Guard,
            Error::NoDrives { .. }
            | Error::OtherAccount { .. }
            | Error::SeveralJobs { .. }
            | Error::InBothServices { .. }
            | Error::WhichRegion
            | Error::ShipmentBlank { .. }
            | Error::ShipDateRefused { .. }
            | Error::Name { .. }
            | Error::ModernProfile { .. }
            | Error::ShipDate { .. }
            | Error::NoDay { .. }
            | Error::DriveCount { .. } => ErrorKind::Usage,
            Error::Azure(error) => error.kind(),
            _ => ErrorKind::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::NoReturnAddress { .. } => {
                "set it with `azseed job return-address --contact FILE`"
            }
            Error::Cancelled { job } => {
                let line = typed(["azseed", "job", "delete", "--job", job.as_str()]);
                return Some(Hint::new(format!(
                    "`{line}` ends it, and `azseed job create` makes it anew"
                )));
            }
            Error::OtherDrives { job, .. } => {
                let line = |word| typed(["azseed", "job", word, "--job", job.as_str()]);
                return Some(Hint::new(format!(
                    "if they were given up, end it with `{}` and `{}`, then run this again; else \
                     take another `--job`",
                    line("cancel"),
                    line("delete")
                )));
            }
            Error::NoSuchJob { .. } => "list them with `azseed job list`",
            Error::RepositoryIncomplete { .. } => {
                "seal the drives that hold the rest with `azseed prep`, or add one with it"
            }
            Error::ShipDate { .. } => "give the day as YEAR-MONTH-DAY, or leave it out for today",
            Error::NoDrives { .. } => "seal drives first with `azseed prep`",
            Error::SeveralJobs { .. } => "name one with `--job`; each is a parcel of its own",
            Error::CancelFirst { .. } => "cancel it first with `azseed job cancel`",
            Error::WhichRegion => "name one with `--location`",
            Error::InBothServices { .. } => {
                "say which with `--service data-box` or `--service import-export`"
            }
            Error::ShippedAlready { .. } => {
                "if the number is wrong, write to Azure's support with job and both numbers"
            }
            Error::ShipDateRefused { .. } => "check the date; left out it is today",
            Error::ModernProfile { .. } => {
                "send it with `--service import-export`, or prepare it again with `--profile legacy`"
            }
            Error::TrackingNumberTaken { .. } => {
                "if the jobs share a label, append -1, -2 to the number"
            }
            Error::Azure(error) => return error.hint(),
            _ => return None,
        };
        Some(Hint::new(text))
    }
}
