//! Texts that go to standard output as they are, and the list of settings.

use disk_prep::noun::visible_line;
use serde_json::{Value, json};

use crate::outcome::Outcome;

/// A text.
#[derive(Debug)]
pub struct Text {
    /// The record's type.
    pub kind: &'static str,
    /// The text.
    pub text: String,
}

impl Outcome for Text {
    fn lines(&self) -> Vec<String> {
        self.text.lines().map(str::to_owned).collect()
    }
    fn json(&self) -> Vec<Value> {
        vec![json!({"type": self.kind, "version": 1, "text": self.text})]
    }
}

/// Keys, their values, and where each comes from.
#[derive(Debug)]
pub struct SettingList(pub Vec<(String, Option<String>, String)>);

impl Outcome for SettingList {
    fn lines(&self) -> Vec<String> {
        let line = |(key, value, source): &(String, Option<String>, String)| {
            let value = visible_line(value.as_deref().unwrap_or("-"));
            format!("{key:<24} {value:<28} {source}")
        };
        self.0.iter().map(line).collect()
    }

    fn json(&self) -> Vec<Value> {
        let line = |(key, value, source): &(String, Option<String>, String)| json!({"type": "setting", "version": 1, "key": key, "value": value, "source": source});
        self.0.iter().map(line).collect()
    }
}
