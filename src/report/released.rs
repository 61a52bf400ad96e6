//! A drive that was given up, in words and as a record.

use disk_prep::noun::{Serial, typed};
use disk_prep::release::Hold;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::release::Released;
use crate::outcome::Outcome;

/// A drive was given up, or its claim was freed.
#[derive(Serialize, JsonSchema)]
pub(super) struct ReleasedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Whether this call changed anything.
    changed: bool,
    /// What was freed: `claim`, `place` or `nothing`.
    freed: &'a str,
}

impl Record for ReleasedRecord<'_> {
    const TYPE: &'static str = "drive-released";
}

impl Outcome for Released {
    fn lines(&self) -> Vec<String> {
        let Released { serial, job, staging, dataset, awaiting, hold } = self;
        let prep = match dataset {
            true => "the same `azseed prep`".to_owned(),
            false => {
                let staging = staging.to_string_lossy();
                format!("`{}`", typed(["azseed", "prep", "--staging", &staging]))
            }
        };
        let mut lines = vec![match hold {
            Some(Hold::Claim(_)) => {
                format!("The claim on drive {serial} is freed. Next: {prep} goes on with it")
            }
            Some(Hold::Place) => {
                format!("Drive {serial} is given up. Next: {prep} with another drive")
            }
            Some(Hold::Damaged) => format!(
                "Drive {serial} is given up, and its damaged journal put aside. Next: {prep} with \
                 another drive"
            ),
            Some(Hold::None) => format!("Drive {serial} was given up before"),
            None => format!(
                "Drive {serial} is given up, and this machine holds it for job {job} no more. If {} \
                 comes back, give it up there too",
                staging.display()
            ),
        }];
        for job in awaiting {
            let line = |word| typed(["azseed", "job", word, "--job", job.name.as_str()]);
            lines.push(format!(
                "Job {} was made with it and is {}: `{}` and `{}` end it before another drive takes \
                 its place",
                job.name,
                job.state,
                line("cancel"),
                line("delete")
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let freed = match self.hold {
            Some(Hold::Claim(_)) => "claim",
            Some(Hold::Place | Hold::Damaged) | None => "place",
            Some(Hold::None) => "nothing",
        };
        let changed = self.hold != Some(Hold::None);
        vec![line(&ReleasedRecord { serial: &self.serial, changed, freed })]
    }
}
