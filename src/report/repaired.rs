//! What was repaired and what a container holds, in words and as records.

use disk_prep::noun::{ErrorKind, count};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::cleanup_files::{command, send_them};
use crate::journey::reconcile::{Difference, Reconciled, Unlike};
use crate::journey::repair::{Deed, Fault, Left, Mended, Mode, Remark, Repaired};
use crate::outcome::{Exit, Outcome};

/// A blob that was looked at, since a log or a journal says that its drive did not bring it.
#[derive(Serialize, JsonSchema)]
pub(super) struct RepairBlobRecord<'a> {
    /// Container and name.
    blob: &'a str,
    /// The drive that was to bring it.
    serial: &'a str,
    /// Why it was looked at: `missing`, `damaged`, `failed`, `renamed`, `kept`, `unknown`,
    /// `drive-not-read`, `left-out` or, with `--all`, `listed`.
    fault: &'static str,
    /// What the log says beside that; null if nothing.
    detail: Option<&'a str>,
    /// What came of it: `there`, `sent`, `would-send` or `left`.
    deed: &'static str,
    /// Why it was left: `source-changed`, `source-unreadable`, `labels-unreadable`,
    /// `blob-of-others`, `blob-changed` or `not-proven`; null if it was not.
    left: Option<&'static str>,
    /// The same as a sentence.
    message: Option<String>,
    /// Its length.
    bytes: u64,
}

impl Record for RepairBlobRecord<'_> {
    const TYPE: &'static str = "repair-blob";
}

/// What came of repairing a job.
#[derive(Serialize, JsonSchema)]
pub(super) struct RepairRecord<'a> {
    /// The job.
    job: &'a str,
    /// Whether nothing was to be sent.
    dry_run: bool,
    /// Blobs that were looked at.
    looked_at: usize,
    /// Blobs that were there already.
    there: usize,
    /// Blobs that were sent and are proven.
    sent: usize,
    /// Bytes of those.
    sent_bytes: u64,
    /// Blobs that would be sent.
    would_send: usize,
    /// Blobs that were left as they are.
    left: usize,
    /// What could not be looked at.
    remarks: &'a [String],
}

impl Record for RepairRecord<'_> {
    const TYPE: &'static str = "repair";
}

/// A blob that differs from the journals.
#[derive(Serialize, JsonSchema)]
pub(super) struct DifferenceRecord<'a> {
    /// Container and name.
    blob: &'a str,
    /// How: `missing`, `length`, `md5` or `extra`.
    unlike: &'static str,
    /// Length by the journal; null if it is not what differs.
    expected_bytes: Option<u64>,
    /// Length of the blob; null if it is not what differs.
    found_bytes: Option<u64>,
    /// MD5 by the journal; null if it is not what differs.
    expected_md5: Option<String>,
    /// MD5 of the blob; null if it is not what differs.
    found_md5: Option<String>,
}

impl Record for DifferenceRecord<'_> {
    const TYPE: &'static str = "blob-difference";
}

/// How the container of a job compares with the journals. Counts of blobs.
#[derive(Serialize, JsonSchema)]
pub(super) struct ReconciledRecord<'a> {
    /// The job.
    job: &'a str,
    /// Equal in length and MD5.
    equal: u64,
    /// Equal in length; the service has no MD5 of them.
    unproven: u64,
    /// Not there.
    missing: u64,
    /// Of another length or MD5.
    other: u64,
    /// Of no journal.
    extra: u64,
}

impl Record for ReconciledRecord<'_> {
    const TYPE: &'static str = "reconciled";
}

/// The word of records, and how it stands in a list.
fn deed(deed: &Deed) -> (&'static str, &'static str) {
    match deed {
        Deed::There => ("there", "is there"),
        Deed::Sent => ("sent", "sent"),
        Deed::WouldSend => ("would-send", "would send"),
        Deed::Left(_) => ("left", "left"),
    }
}

fn left(deed: &Deed) -> Option<&Left> {
    match deed {
        Deed::Left(left) => Some(left),
        Deed::There | Deed::Sent | Deed::WouldSend => None,
    }
}

impl Repaired {
    fn of(&self, is_meant: impl Fn(&Deed) -> bool) -> (usize, u64) {
        let meant = self.blobs.iter().filter(|own| is_meant(&own.deed));
        meant.fold((0, 0), |(count, bytes), own| (count + 1, bytes + own.item.bytes))
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.iter().map(Remark::to_string).collect()
    }
}

fn mended(own: &Mended) -> Option<String> {
    let Mended { item, reason, deed: own, .. } = own;
    // With all looked at, what is in order is not told one by one.
    if reason.fault == Fault::Listed && *own == Deed::There {
        return None;
    }
    let said = match (reason.fault, reason.detail.as_str()) {
        (Fault::Renamed, "") => "it arrived under another name".to_owned(),
        (Fault::Renamed, to) => format!("it arrived as {to}"),
        (fault, "") => fault.name().replace('-', " "),
        (fault, detail) => format!("{}, {detail}", fault.name().replace('-', " ")),
    };
    let why = left(own).map_or(String::new(), |left| format!("; {}", left.text()));
    Some(format!("{:<12} {} ({said}){why}", deed(own).1, item.blob))
}

impl Outcome for Repaired {
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.blobs.iter().filter_map(mended).collect();
        lines.extend(self.remarks());
        let job = &self.job;
        let blobs = |count: usize| disk_prep::noun::count(count, "blob");
        let (there, _) = self.of(|deed| *deed == Deed::There);
        let (sent, _) = self.of(|deed| *deed == Deed::Sent);
        let (would, _) = self.of(|deed| *deed == Deed::WouldSend);
        let (left, _) = self.of(|deed| left(deed).is_some());
        lines.push(match (self.mode, self.blobs.len()) {
            (_, 0) => format!("Job {job}: there is nothing to repair"),
            (Mode::Look, _) => format!(
                "Job {job}: would send {}, {there} there already, {left} would be left",
                blobs(would)
            ),
            (Mode::Send, _) => {
                format!("Job {job}: sent {}, {there} there already, {left} left", blobs(sent))
            }
        });
        if self.mode == Mode::Send && left == 0 && self.remarks.is_empty() {
            let line = command(&["job", "reconcile"], &self.which);
            lines.push(format!("Next: `{line}` compares all of it"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Mended| {
            let left = left(&own.deed);
            line(&RepairBlobRecord {
                blob: &own.item.blob.to_string(),
                serial: &own.serial,
                fault: own.reason.fault.name(),
                detail: Some(own.reason.detail.as_str()).filter(|detail| !detail.is_empty()),
                deed: deed(&own.deed).0,
                left: left.map(Left::name),
                message: left.map(Left::text),
                bytes: own.item.bytes,
            })
        };
        let mut all: Vec<Value> = self.blobs.iter().map(record).collect();
        let (sent, sent_bytes) = self.of(|deed| *deed == Deed::Sent);
        all.push(line(&RepairRecord {
            job: self.job.as_str(),
            dry_run: self.mode == Mode::Look,
            looked_at: self.blobs.len(),
            there: self.of(|deed| *deed == Deed::There).0,
            sent,
            sent_bytes,
            would_send: self.of(|deed| *deed == Deed::WouldSend).0,
            left: self.of(|deed| left(deed).is_some()).0,
            remarks: &self.remarks(),
        }));
        all
    }

    fn exit(&self) -> Exit {
        let is_left = self.blobs.iter().any(|own| left(&own.deed).is_some());
        Exit::of((is_left || !self.remarks.is_empty()).then_some(ErrorKind::LeftOut))
    }
}

impl Outcome for Difference {
    fn lines(&self) -> Vec<String> {
        let said = match &self.unlike {
            Unlike::Missing => "is missing".to_owned(),
            Unlike::Length { expected, found } => {
                format!("has {found} bytes, and the journal says {expected}")
            }
            Unlike::Md5 { expected, found } => {
                format!("has the MD5 {found}, and the journal says {expected}")
            }
            Unlike::Extra { bytes } => format!("is of no journal; it has {bytes} bytes"),
        };
        vec![format!("{} {said}", self.blob)]
    }

    fn json(&self) -> Vec<Value> {
        let mut record = DifferenceRecord {
            blob: &self.blob,
            unlike: "missing",
            expected_bytes: None,
            found_bytes: None,
            expected_md5: None,
            found_md5: None,
        };
        match &self.unlike {
            Unlike::Missing => {}
            Unlike::Length { expected, found } => {
                record.unlike = "length";
                (record.expected_bytes, record.found_bytes) = (Some(*expected), Some(*found));
            }
            Unlike::Md5 { expected, found } => {
                record.unlike = "md5";
                record.expected_md5 = Some(expected.to_string());
                record.found_md5 = Some(found.to_string());
            }
            Unlike::Extra { bytes } => {
                (record.unlike, record.found_bytes) = ("extra", Some(*bytes));
            }
        }
        vec![line(&record)]
    }
}

impl Outcome for Reconciled {
    fn lines(&self) -> Vec<String> {
        let Reconciled { job, which, equal, unproven, missing, other, extra, .. } = self;
        let held = equal.saturating_add(*unproven);
        let mut lines = Vec::new();
        if self.differences() == 0 {
            lines.push(format!("Job {job}: {} there, nothing missing", count(held, "blob")));
        } else {
            lines.push(format!(
                "Job {job}: {} there, {missing} missing, {other} different, {extra} of no journal",
                count(held, "blob")
            ));
        }
        if *unproven > 0 {
            lines.push(format!(
                "Unproven: {}, of which the service has no MD5; only the length was compared",
                count(*unproven, "blob")
            ));
        }
        lines.extend(match (self.differences(), self.is_repository) {
            (0, true) => Some("Next: `azseed status` says what takes the seed in".to_owned()),
            (0, false) => Some(format!(
                "All that the drives held is in Azure. Next: `{}` ends the job and frees its drives",
                command(&["cleanup"], which)
            )),
            (_, true) if missing.saturating_add(*other) > 0 => {
                let line = command(&["job", "repair", "--all"], which);
                Some(format!(
                    "Next: once its drives are read, `{line}` sends what is missing or different"
                ))
            }
            (_, false) if missing.saturating_add(*other) > 0 => {
                Some(format!("Next: {}", send_them(which, *other)))
            }
            _ => None,
        });
        lines
    }

    fn json(&self) -> Vec<Value> {
        let Reconciled { job, equal, unproven, missing, other, extra, .. } = self.clone();
        let job = &job;
        vec![line(&ReconciledRecord { job, equal, unproven, missing, other, extra })]
    }

    fn exit(&self) -> Exit {
        Exit::of((self.differences() > 0).then_some(ErrorKind::Difference))
    }
}
