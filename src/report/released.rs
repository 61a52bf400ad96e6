//! A drive that was given up, in words and as a record.

use disk_prep::release::Hold;
use serde_json::{Value, json};

use crate::journey::release::Released;
use crate::outcome::Outcome;

impl Outcome for Released {
    fn text(&self) -> String {
        let Released { serial, staging, hold } = self;
        let staging = staging.display();
        match hold {
            Hold::Claim(_) => format!(
                "The claim on drive {serial} is freed. Next: `azseed prep --staging {staging}` \
                 goes on with it"
            ),
            Hold::Place => format!(
                "Drive {serial} is given up. Next: `azseed prep --staging {staging}` with another \
                 drive"
            ),
            Hold::None => format!("Drive {serial} was given up before"),
        }
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
