//! Recovery points of a machine.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::error::Error;
use super::names::MachineId;
use super::vault_id::VaultId;
use super::words::{RECOVERY, asked, moment, word};
use crate::azure::Arm;

/// A point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub time: Option<Timestamp>,
    /// `AppConsistent`, `FileSystemConsistent`, `CrashConsistent`.
    pub consistency: String,
    /// Where it lies: `InstantRP` beside the machine, `HardenedRP` in the vault, ….
    pub tiers: Vec<String>,
}

#[derive(Deserialize)]
struct Wire {
    name: String,
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    recovery_point_type: String,
    recovery_point_time: Option<String>,
    recovery_point_tier_details: Option<Vec<Tier>>,
}

#[derive(Deserialize)]
struct Tier {
    #[serde(rename = "type", default)]
    kind: Value,
    #[serde(default)]
    status: Value,
}

const KINDS: [&str; 4] = ["Invalid", "InstantRP", "HardenedRP", "ArchivedRP"];
const STATES: [&str; 5] = ["Invalid", "Valid", "Disabled", "Deleted", "Rehydrated"];

impl Wire {
    fn point(self) -> Point {
        let Wire { name, properties: own } = self;
        let is_there = |own: &Tier| ["Valid", "Rehydrated"].contains(&&*word(&own.status, &STATES));
        let tiers = own.recovery_point_tier_details.unwrap_or_default();
        Point {
            id: name,
            time: moment(own.recovery_point_time.as_deref()),
            consistency: own.recovery_point_type,
            tiers: tiers
                .iter()
                .filter(|own| is_there(own))
                .map(|own| word(&own.kind, &KINDS))
                .collect(),
        }
    }
}

/// The points of a machine, the newest first.
pub fn points(
    arm: &Arm,
    vault: &VaultId,
    machine: &MachineId,
    since: Option<Timestamp>,
) -> Result<Vec<Point>, Error> {
    let filter = match since {
        None => String::new(),
        Some(since) => {
            let day = SignedDuration::from_hours(24);
            let end = arm.now().saturating_add(day).unwrap_or(Timestamp::MAX);
            format!("?$filter=startDate eq '{}' and endDate eq '{}'", asked(since), asked(end))
        }
    };
    let path = machine.item(vault, &format!("/recoveryPoints{filter}"));
    let all: Vec<Wire> = arm.list(&path, RECOVERY)?;
    let mut all: Vec<Point> = all.into_iter().map(Wire::point).collect();
    all.sort_by_key(|own| std::cmp::Reverse(own.time));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_point_says_where_it_lies_in_words_and_in_numbers() {
        for (kind, status) in [(json!("InstantRP"), json!("Valid")), (json!(1), json!(1))] {
            let wire: Wire = serde_json::from_value(json!({
                "name": "7", "properties": {
                    "recoveryPointType": "CrashConsistent",
                    "recoveryPointTime": "2026-11-20T02:00:00.0000000Z",
                    "recoveryPointTierDetails": [
                        {"type": kind, "status": status},
                        {"type": "HardenedRP", "status": "Deleted"},
                    ],
                },
            }))
            .unwrap();
            let point = wire.point();
            assert_eq!(
                (point.tiers, point.consistency),
                (vec!["InstantRP".to_owned()], "CrashConsistent".to_owned())
            );
        }
    }
}
