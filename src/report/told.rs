//! Events as hooks read them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::job::{JobRecord, record};
use super::record::{Record, line};
use crate::journey::hooks::{Event, Subject};
use crate::outcome::Outcome;

/// Something happened. It is not printed: a hook finds it on its standard input, and its word in
/// `AZSEED_EVENT`.
#[derive(Serialize, JsonSchema)]
pub(super) struct EventRecord<'a> {
    /// What: `job-made`, `job-changed`, `job-deadline`, `drive-sealed`, `drive-failed`,
    /// `prep-ended`, `vault-run-begins`, `vault-run-ended` or `vault-run-failed`.
    event: &'static str,
    /// When; of a job by its service's time.
    at: Timestamp,
    /// In a sentence.
    message: &'a str,
    /// The code of what went wrong; null if nothing did.
    code: Option<&'static str>,
    /// Name of the job, or of the preparation; null if it is of none.
    name: Option<&'a str>,
    /// Serial number of the drive; null if it is of none.
    serial: Option<&'a str>,
    /// The vault; null if it is of none.
    vault: Option<&'a str>,
    /// The job as it stands now; null if it is of none.
    job: Option<JobRecord<'a>>,
}

impl Record for EventRecord<'_> {
    const TYPE: &'static str = "event";
}

impl Outcome for Event {
    fn lines(&self) -> Vec<String> {
        vec![self.message.clone()]
    }

    fn json(&self) -> Vec<Value> {
        let (mut name, mut serial, mut vault, mut job) = (None, None, None, None);
        match &self.subject {
            Subject::Job(own) => {
                name = Some(own.name.as_str());
                job = Some(record(own, None));
            }
            Subject::Drive(own) => serial = Some(own.as_str()),
            Subject::Seed(own) => name = Some(own.as_str()),
            Subject::Vault(own) => vault = Some(own.as_str()),
        }
        vec![line(&EventRecord {
            event: self.kind.name(),
            at: self.at,
            message: &self.message,
            code: self.code,
            name,
            serial,
            vault,
            job,
        })]
    }
}
