//! What is on the packing table, in words and as a record.

use disk_prep::noun::ErrorKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::job::Packed;
use crate::outcome::{Exit, Outcome};

/// The drives on the packing table against those of a job.
#[derive(Serialize, JsonSchema)]
pub(super) struct PackRecord<'a> {
    /// The job whose parcel is packed.
    job: &'a str,
    /// Its drives that are there.
    present: &'a [String],
    /// Its drives that are not.
    missing: &'a [String],
    /// Its drives that were scanned more than once.
    twice: &'a [String],
    /// Drives that are not of this parcel.
    foreign: Vec<ForeignDrive<'a>>,
}

impl Record for PackRecord<'_> {
    const TYPE: &'static str = "pack";
}

/// A drive that is not of this parcel.
#[derive(Serialize, JsonSchema)]
struct ForeignDrive<'a> {
    /// As it was scanned.
    serial: &'a str,
    /// The job that has it; null if none is known.
    job: Option<&'a str>,
}

impl Outcome for Packed {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (serial, owner) in &self.foreign {
            lines.push(match owner {
                Some(job) => format!("WRONG        {serial} belongs to job {job}: take it out"),
                None => format!("WRONG        {serial} is of no job that is known: take it out"),
            });
        }
        let told = |word: &'static str, all: &[String], what: &'static str| -> Vec<String> {
            all.iter().map(|serial| format!("{word:<12} {serial}{what}")).collect()
        };
        lines.extend(told("TWICE", &self.twice, " was scanned more than once: count again"));
        lines.extend(told("MISSING", &self.missing, " is not in the parcel"));
        lines.extend(told("Present", &self.present, ""));
        let all = self.present.len() + self.missing.len();
        lines.push(match self.exit() {
            Exit::Done => format!("All {all} of job {} are there, and nothing else", self.job),
            Exit::Failed(_) => format!("Do not close the parcel of job {}", self.job),
        });
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&PackRecord {
            job: &self.job,
            present: &self.present,
            missing: &self.missing,
            twice: &self.twice,
            foreign: self.foreign.iter().map(foreign).collect(),
        })]
    }

    /// A wrong drive would leave the house, and of one that was scanned twice nobody knows which
    /// other was not: a guard says no. A missing one is data left out.
    fn exit(&self) -> Exit {
        if !self.foreign.is_empty() || !self.twice.is_empty() {
            Exit::Failed(ErrorKind::Guard)
        } else if !self.missing.is_empty() {
            Exit::Failed(ErrorKind::LeftOut)
        } else {
            Exit::Done
        }
    }
}

fn foreign((serial, job): &(String, Option<String>)) -> ForeignDrive<'_> {
    ForeignDrive { serial, job: job.as_deref() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_drive_weighs_more_than_a_missing_one() {
        let code = |foreign: bool, is_twice: bool, is_missing: bool| {
            let one = |is_there: bool| vec!["S1".to_owned(); usize::from(is_there)];
            let foreign = vec![("X".to_owned(), None); usize::from(foreign)];
            let (twice, missing) = (one(is_twice), one(is_missing));
            let job = "seed-1".to_owned();
            Packed { job, present: Vec::new(), foreign, twice, missing }.exit().code()
        };
        assert_eq!(code(false, false, false), 0);
        assert_eq!(code(false, false, true), 3);
        assert_eq!((code(true, false, true), code(false, true, true)), (4, 4));
    }
}
