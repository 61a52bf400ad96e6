//! Points of a disk's backup that were proven, as a person and a script see them.

use disk_prep::noun::{ByteSize, ErrorKind, VaultName, count};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::disk_backup::moment;
use super::record::{Record, line};
use crate::disk_backup::ProvenBy;
use crate::journey::disk_verify::{DiskVerified, Found, PointFound};
use crate::outcome::{Exit, Outcome, chain};

/// What came of comparing a point.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskVerifiedRecord<'a> {
    /// The backup's name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The source's snapshot.
    source_snapshot: &'a str,
    /// The copy's snapshot.
    backup_snapshot: &'a str,
    /// Whether nothing differs; null if there is nothing to compare it with.
    equal: Option<bool>,
    /// Whether its digest table is damaged, so that nothing proves it.
    table_damaged: bool,
    /// Bytes that were compared.
    compared_bytes: u64,
    /// The first ten stretches that differ.
    differences: Vec<DiskStretchRecord>,
    /// How many there are.
    difference_count: usize,
    /// The length of the source's snapshot, or as the table has it; null if the point's is the same.
    source_bytes: Option<u64>,
    /// The length of the point; null if the source's is the same.
    point_bytes: Option<u64>,
    /// With what it was compared: `source` or `table`; null if with nothing.
    proven_by: Option<&'a str>,
    /// Whether all of it was, and not a share.
    whole: bool,
}

/// A stretch that differs.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskStretchRecord {
    /// First byte.
    start: u64,
    /// The byte behind the last one.
    end: u64,
}

impl Record for DiskVerifiedRecord<'_> {
    const TYPE: &'static str = "disk-verified";
}

/// So many differences are shown.
const SHOWN: usize = 10;

fn stretch(span: &(u64, u64)) -> DiskStretchRecord {
    DiskStretchRecord { start: span.0, end: span.1 }
}

fn one_lines(name: &VaultName, own: &PointFound) -> Vec<String> {
    let point = moment(&own.point.source_snapshot);
    let (by, difference) = match &own.found {
        Found::Compared(by, difference) => (by, difference),
        Found::NoTable => {
            return vec![format!("{name} at {point} was not proven: it has no digest table")];
        }
        Found::BadTable(error) => {
            return vec![
                format!("{name} at {point} was not proven: {}", chain(error)),
                "Nothing was mended; delete the table, and restore the point to look at it"
                    .to_owned(),
            ];
        }
    };
    let what = match by {
        ProvenBy::Source => "its source",
        ProvenBy::Table => "its digest table",
    };
    if difference.is_none() {
        let bytes = ByteSize(difference.compared_bytes);
        return vec![format!("{name} at {point} is equal to {what}: {bytes} compared")];
    }
    let all = count(difference.spans.len(), "stretch");
    let mut lines = vec![format!("{name} at {point} differs from {what}: {all}")];
    if let Some((own, theirs)) = difference.lengths {
        lines.push(format!("  {what} has {own} bytes, the point {theirs}"));
    }
    let one = |(start, end): &(u64, u64)| format!("  bytes {start} to {end}");
    lines.extend(difference.spans.iter().take(SHOWN).map(one));
    lines.push(match by {
        ProvenBy::Source => "Nothing was mended; a whole new copy is made by `--full`".to_owned(),
        ProvenBy::Table => "Nothing was mended; restore another point".to_owned(),
    });
    lines
}

impl Outcome for DiskVerified {
    fn lines(&self) -> Vec<String> {
        self.all.iter().flat_map(|own| one_lines(&self.name, own)).collect()
    }

    fn json(&self) -> Vec<Value> {
        let one = |own: &PointFound| {
            let compared = match &own.found {
                Found::Compared(by, difference) => Some((by, difference)),
                Found::NoTable | Found::BadTable(_) => None,
            };
            let difference = compared.map(|(_, difference)| difference);
            let spans = difference.map_or(&[][..], |own| &own.spans);
            let lengths = difference.and_then(|own| own.lengths);
            line(&DiskVerifiedRecord {
                name: &self.name,
                source_snapshot: &own.point.source_snapshot,
                backup_snapshot: &own.point.backup_snapshot,
                equal: difference.map(|own| own.is_none()),
                table_damaged: matches!(own.found, Found::BadTable(_)),
                compared_bytes: difference.map_or(0, |own| own.compared_bytes),
                differences: spans.iter().take(SHOWN).map(stretch).collect(),
                difference_count: spans.len(),
                source_bytes: lengths.map(|(own, _)| own),
                point_bytes: lengths.map(|(_, theirs)| theirs),
                proven_by: compared.map(|(by, _)| by.word()),
                whole: !self.is_share,
            })
        };
        self.all.iter().map(one).collect()
    }

    fn exit(&self) -> Exit {
        let kind = |own: &PointFound| match &own.found {
            Found::NoTable => Some(ErrorKind::LeftOut),
            Found::BadTable(_) => Some(ErrorKind::Difference),
            Found::Compared(_, difference) => {
                (!difference.is_none()).then_some(ErrorKind::Difference)
            }
        };
        Exit::of(self.all.iter().filter_map(kind))
    }
}
