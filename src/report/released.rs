//! A drive that was given up, in words and as a record.

use disk_prep::noun::shell_word;
use disk_prep::release::Hold;
use serde_json::{Value, json};

use crate::journey::release::Released;
use crate::outcome::Outcome;

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
        vec![json!({
            "type": "drive-released", "version": 1, "serial": self.serial,
            "changed": self.hold != Hold::None, "freed": freed,
        })]
    }
}
