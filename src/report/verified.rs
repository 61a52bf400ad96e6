//! Drives that were read back, in words and as records.

use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Serial, count};
use disk_prep::verify::{VerifyReport, Yardstick};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::verify::Verified;
use crate::outcome::{Exit, Outcome, chain};

/// Things that were added, named one by one up to this many.
const MOST_ADDED: usize = 20;

/// A drive was read back and compared.
#[derive(Serialize, JsonSchema)]
pub(super) struct VerifiedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// How its volume is encrypted.
    cipher: String,
    /// Files that were compared.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Whether it was compared with its journal too, and not with its own manifest only.
    against_journal: bool,
    /// Whether nothing differs.
    equal: bool,
    /// What differs.
    differences: Vec<String>,
    /// What another system has left on the drive since it was sealed.
    added: &'a [String],
}

impl Record for VerifiedRecord<'_> {
    const TYPE: &'static str = "verified";
}

/// A drive could not be verified.
#[derive(Serialize, JsonSchema)]
pub(super) struct NotVerifiedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Why; `azseed explain` knows it.
    code: &'a str,
    /// What failed and why.
    message: String,
}

impl Record for NotVerifiedRecord<'_> {
    const TYPE: &'static str = "not-verified";
}

impl Outcome for Verified {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for report in &self.reports {
            let against = match report.against {
                Yardstick::Journal => "journal and manifest",
                Yardstick::Manifest => "its own manifest only: no journal was found",
            };
            let serial = &report.drive.serial;
            let verdict = match report.differences.len() {
                0 => "equal".to_owned(),
                differences => count(differences, "difference"),
            };
            lines.push(format!(
                "Drive {serial}: {}, {}, compared with {against}: {verdict}",
                count(report.files, "file"),
                ByteSize(report.bytes)
            ));
            lines.extend(report.differences.iter().map(|difference| format!("  {difference}")));
            if !report.added.is_empty() {
                lines.push(format!(
                    "  Another system has used the drive since it was sealed and left {} beside \
                     what was shipped{}",
                    count(report.added.len(), "thing"),
                    if report.differences.is_empty() { "; the data is whole" } else { "" },
                ));
                let told = report.added.iter().take(MOST_ADDED);
                lines.extend(told.map(|added| format!("    {added}")));
                if report.added.len() > MOST_ADDED {
                    lines.push("    …".to_owned());
                }
            }
            if !report.differences.is_empty() {
                lines.push(format!(
                    "  Do not ship it. Next: `azseed drive release {serial}`, then `azseed prep` \
                     with another drive"
                ));
            }
        }
        for (serial, error) in &self.failed {
            let (why, code) = (chain(error), error.code());
            lines.push(format!(
                "Drive {serial}: could not be verified: {why} (see `azseed explain {code}`)"
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let report = |report: &VerifyReport| {
            let differences: Vec<String> =
                report.differences.iter().map(ToString::to_string).collect();
            line(&VerifiedRecord {
                serial: &report.drive.serial,
                cipher: report.cipher.to_string(),
                files: report.files,
                bytes: report.bytes,
                against_journal: report.against == Yardstick::Journal,
                equal: differences.is_empty(),
                differences,
                added: &report.added,
            })
        };
        let failure = |(serial, error): &(Serial, disk_prep::Error)| {
            line(&NotVerifiedRecord { serial, code: error.code(), message: chain(error) })
        };
        let reports = self.reports.iter().map(report);
        reports.chain(self.failed.iter().map(failure)).collect()
    }

    fn exit(&self) -> Exit {
        let differs = self.reports.iter().any(|report| !report.differences.is_empty());
        let failed = self.failed.iter().map(|(_, error)| error.kind());
        Exit::of(differs.then_some(ErrorKind::Difference).into_iter().chain(failed))
    }
}
