//! What a dry run says of `stage` and of `job ship`, in words and as records.

use disk_prep::noun::{ByteSize, JobName, VaultName, count};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::{PathText, PathTexts};
use super::record::{Record, line};
use crate::journey::job::{ParcelForeseen, ParcelsForeseen, Way};
use crate::journey::stage_foreseen::StageForeseen;
use crate::outcome::Outcome;

/// What `stage` would do.
#[derive(Serialize, JsonSchema)]
pub(super) struct StageForeseenRecord<'a> {
    /// Where it would be written.
    staging: PathText<'a>,
    /// The import job.
    #[schemars(with = "String")]
    job: &'a JobName,
    /// What would be read.
    sources: PathTexts<'a>,
    /// Files and links of it.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// What would be left out, a sentence each.
    left_out: &'a [String],
    /// Bytes that are free there; null if the file system does not say.
    free_bytes: Option<u64>,
    /// The vault that it would join; null if it begins one.
    #[schemars(with = "Option<String>")]
    vault: Option<&'a VaultName>,
    /// Whether all of it is staged already.
    done: bool,
}

impl Record for StageForeseenRecord<'_> {
    const TYPE: &'static str = "stage-foreseen";
}

impl Outcome for StageForeseen {
    fn lines(&self) -> Vec<String> {
        let place = self.staging.display();
        if self.is_done {
            return vec![format!("All of it is staged in {place}: nothing would be done")];
        }
        let sources: Vec<String> =
            self.sources.iter().map(|path| path.display().to_string()).collect();
        let (files, bytes) = (count(self.files, "file"), ByteSize(self.bytes));
        let free = self.free_bytes.map(|bytes| format!(", where {} are free", ByteSize(bytes)));
        let target = &self.target;
        let mut lines = vec![
            format!("Would read {files}, {bytes}, of {}", sources.join(", ")),
            format!("Would write it to {place}{}", free.unwrap_or_default()),
            format!(
                "It would go to {}/{}, with job {}",
                target.storage_account, target.container, target.job
            ),
        ];
        lines.extend(self.vault.iter().map(|vault| format!("It would join vault {vault}")));
        lines.extend(self.left_out.iter().map(|text| format!("Would leave out {text}")));
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&StageForeseenRecord {
            staging: PathText(&self.staging),
            job: &self.target.job,
            sources: PathTexts(&self.sources),
            files: self.files,
            bytes: self.bytes,
            left_out: &self.left_out,
            free_bytes: self.free_bytes,
            vault: self.vault.as_ref(),
            done: self.is_done,
        })]
    }
}

/// What `job ship` would tell the service of a job.
#[derive(Serialize, JsonSchema)]
pub(super) struct ParcelForeseenRecord<'a> {
    /// The job.
    job: &'a str,
    /// Who brings the parcel.
    carrier: &'a str,
    /// Its tracking number.
    tracking_number: &'a str,
    /// When it was handed over.
    #[schemars(with = "Timestamp")]
    ship_date: Timestamp,
    /// `first` if the job has no parcel, `replace` if it has another, `known` if it has this one.
    way: &'static str,
}

impl Record for ParcelForeseenRecord<'_> {
    const TYPE: &'static str = "parcel-foreseen";
}

impl ParcelForeseen {
    fn line(&self) -> String {
        let ParcelForeseen { job, step } = self;
        let parcel = &step.shipment;
        let (carrier, number) = (&parcel.carrier, &parcel.tracking_number);
        let day = parcel.ship_date.strftime("%Y-%m-%d");
        match step.way {
            Way::First => {
                format!("Would say of job {}: {carrier} {number}, handed over {day}", job.name)
            }
            Way::Replace => format!("Would replace {}", step.described(job)),
            Way::Known => {
                format!("Job {} has {carrier} {number}: nothing would be sent", job.name)
            }
        }
    }
}

impl Outcome for ParcelsForeseen {
    fn lines(&self) -> Vec<String> {
        self.0.iter().map(ParcelForeseen::line).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &ParcelForeseen| {
            let parcel = &own.step.shipment;
            line(&ParcelForeseenRecord {
                job: &own.job.name,
                carrier: &parcel.carrier,
                tracking_number: &parcel.tracking_number,
                ship_date: parcel.ship_date,
                way: match own.step.way {
                    Way::First => "first",
                    Way::Known => "known",
                    Way::Replace => "replace",
                },
            })
        };
        self.0.iter().map(record).collect()
    }
}
