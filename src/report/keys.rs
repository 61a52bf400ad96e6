//! Recovery passwords in words and as records.

use disk_prep::noun::Serial;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::job::{Key, Keys};
use crate::outcome::Outcome;

/// What opens a drive of a job.
#[derive(Serialize, JsonSchema)]
pub(super) struct KeyRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// The recovery password, 48 digits; null unless it was asked for with `--reveal`.
    recovery_password: Option<String>,
}

impl Record for KeyRecord<'_> {
    const TYPE: &'static str = "drive-key";
}

impl Outcome for Keys {
    fn lines(&self) -> Vec<String> {
        let line = |key: &Key| {
            let password = key
                .password
                .as_ref()
                .map_or("hidden; add `--reveal`".to_owned(), |own| own.reveal().to_string());
            format!("{:<24} {:<24} {password}", key.serial.as_str(), key.job.as_str())
        };
        self.0.iter().map(line).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |key: &Key| {
            let recovery_password = key.password.as_ref().map(|own| own.reveal().to_string());
            line(&KeyRecord { serial: &key.serial, recovery_password })
        };
        self.0.iter().map(record).collect()
    }
}
