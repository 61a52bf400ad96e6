//! Texts that go to standard output as they are, and the list of settings.

use disk_prep::noun::visible_line;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::outcome::Outcome;

/// Where the man pages are.
#[derive(Serialize, JsonSchema)]
pub(super) struct ManRecord<'a> {
    /// One sentence that says it.
    text: &'a str,
}

impl Record for ManRecord<'_> {
    const TYPE: &'static str = "man";
}

/// Completions for a shell.
#[derive(Serialize, JsonSchema)]
pub(super) struct CompletionsRecord<'a> {
    /// The script that the shell reads.
    text: &'a str,
}

impl Record for CompletionsRecord<'_> {
    const TYPE: &'static str = "completions";
}

/// A setting of this call.
#[derive(Serialize, JsonSchema)]
pub(super) struct SettingRecord<'a> {
    /// Its key, as in a configuration file.
    key: &'a str,
    /// Its value; null if it has none.
    value: Option<&'a str>,
    /// Where the value comes from.
    source: &'a str,
}

impl Record for SettingRecord<'_> {
    const TYPE: &'static str = "setting";
}

/// A text.
#[derive(Debug)]
pub enum Text {
    /// Where the man pages are.
    Man(String),
    /// Completions for a shell.
    Completions(String),
}

impl Outcome for Text {
    fn lines(&self) -> Vec<String> {
        let (Text::Man(text) | Text::Completions(text)) = self;
        text.lines().map(str::to_owned).collect()
    }
    fn json(&self) -> Vec<Value> {
        vec![match self {
            Text::Man(text) => line(&ManRecord { text }),
            Text::Completions(text) => line(&CompletionsRecord { text }),
        }]
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
        let record = |(key, value, source): &(String, Option<String>, String)| {
            line(&SettingRecord { key, value: value.as_deref(), source })
        };
        self.0.iter().map(record).collect()
    }
}
