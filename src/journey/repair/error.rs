//! What keeps a job from being repaired at all.

use disk_prep::noun::{AccountName, Diagnose, ErrorKind, Hint, JobName, Serial};

use crate::import_job::JobState;

/// Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Job {job} is {state}; there is nothing to repair before its drives were read")]
    NotRead { job: JobName, state: JobState },
    #[error("No journal of a sealed drive of job {job} is here")]
    NoJournals { job: JobName },
    #[error("Job {job} is for the account {account}, and its seed for {seed}")]
    OtherAccount { job: JobName, account: String, seed: AccountName },
    #[error("Job {job} does not say for which storage account it is")]
    NoAccount { job: JobName },
    #[error("The log of drive {serial} is said to be at {link}, which is not in {account}")]
    LogElsewhere { serial: Serial, link: String, account: AccountName },
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::NotRead { .. } => "job-not-read",
            Error::NoJournals { .. } => "no-journals",
            Error::OtherAccount { .. } => "job-other-account",
            Error::NoAccount { .. } => "job-without-account",
            Error::LogElsewhere { .. } => "copy-log-elsewhere",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::NoJournals { .. } => ErrorKind::NotFound,
            Error::OtherAccount { .. } | Error::LogElsewhere { .. } => ErrorKind::Guard,
            Error::NotRead { .. } | Error::NoAccount { .. } => ErrorKind::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::NotRead { .. } => "see how far it is with `azseed job status`",
            Error::NoJournals { .. } => {
                "name the staging path with `--staging`, or run it where the drives were prepared"
            }
            Error::LogElsewhere { .. } => "check the endpoint given with `--blob-endpoint`",
            Error::OtherAccount { .. } | Error::NoAccount { .. } => return None,
        };
        Some(Hint::new(text))
    }
}
