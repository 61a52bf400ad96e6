//! Recovery passwords in words and as records.

use serde_json::{Value, json};

use crate::journey::job::{Key, Keys};
use crate::outcome::Outcome;

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
        let line = |key: &Key| {
            json!({
                "type": "drive-key", "version": 1, "serial": key.serial,
                "recovery_password": key.password.as_ref().map(|own| own.reveal().to_string()),
            })
        };
        self.0.iter().map(line).collect()
    }
}
