//! A drive that was given up, in words and as a record.

use disk_prep::noun::{Serial, shell_word};
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
        let Released { serial, staging, hold } = self;
        let staging = staging.to_string_lossy();
        let staging = shell_word(&staging);
        vec![match hold {
            Hold::Claim(_) => format!(
                "The claim on drive {serial} is freed. Next: `azseed prep --staging {staging}` \
                 goes on with it"
            ),
            Hold::Place => format!(
                "Drive {serial} is given up. Next: `azseed prep --staging {staging}` with another \
                 drive"
            ),
            Hold::None => format!("Drive {serial} was given up before"),
        }]
    }

    fn json(&self) -> Vec<Value> {
        let freed = match self.hold {
            Hold::Claim(_) => "claim",
            Hold::Place => "place",
            Hold::None => "nothing",
        };
        let changed = self.hold != Hold::None;
        vec![line(&ReleasedRecord { serial: &self.serial, changed, freed })]
    }
}
