//! Texts that go to standard output as they are, and the list of settings.

use disk_prep::noun::visible_line;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::outcome::Outcome;

/// Columns of a page.
const COLUMNS: usize = 80;
/// Columns of the words before a text.
const LABEL: usize = 13;

/// A label and its text, in lines of a page; a command between back quotes stays in one piece.
pub(super) fn wrapped(label: &str, text: &str) -> Vec<String> {
    let text = visible_line(text);
    let mut lines = vec![format!("{label:<LABEL$}")];
    let mut is_quoted = false;
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match words.last_mut() {
            Some(last) if is_quoted => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        is_quoted ^= word.matches('`').count() % 2 == 1;
    }
    for word in words {
        let line = lines.last_mut().expect("there is a first line");
        let used = line.chars().count();
        if used > LABEL && used + 1 + word.chars().count() > COLUMNS {
            lines.push(format!("{:LABEL$}{word}", ""));
        } else {
            line.push_str(if used > LABEL { " " } else { "" });
            line.push_str(&word);
        }
    }
    lines
}

/// Where the man pages are.
#[derive(Serialize, JsonSchema)]
pub(super) struct ManRecord<'a> {
    /// One sentence that says it.
    text: &'a str,
}

impl Record for ManRecord<'_> {
    const TYPE: &'static str = "man";
}

/// An example of a configuration file, or where it was written.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConfigRecord<'a> {
    /// The example itself, or one sentence that says where it is.
    text: &'a str,
}

impl Record for ConfigRecord<'_> {
    const TYPE: &'static str = "config";
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
    /// An example of a configuration file.
    Example(String),
    /// Where that file is.
    Config(String),
}

impl Outcome for Text {
    fn lines(&self) -> Vec<String> {
        let (Text::Man(text) | Text::Completions(text) | Text::Example(text) | Text::Config(text)) =
            self;
        text.lines().map(str::to_owned).collect()
    }
    fn json(&self) -> Vec<Value> {
        vec![match self {
            Text::Man(text) => line(&ManRecord { text }),
            Text::Completions(text) => line(&CompletionsRecord { text }),
            Text::Example(text) | Text::Config(text) => line(&ConfigRecord { text }),
        }]
    }
}

/// A setting that holds.
#[derive(Debug)]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// Its value, if it has one.
    pub value: Option<String>,
    /// Where that comes from.
    pub source: String,
}

/// Keys, their values, and where each comes from.
#[derive(Debug)]
pub struct SettingList(pub Vec<Setting>);

impl Outcome for SettingList {
    fn lines(&self) -> Vec<String> {
        let line = |Setting { key, value, source }: &Setting| {
            let value = visible_line(value.as_deref().unwrap_or("-"));
            format!("{key:<24} {value:<28} {source}")
        };
        self.0.iter().map(line).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |Setting { key, value, source }: &Setting| {
            line(&SettingRecord { key, value: value.as_deref(), source })
        };
        self.0.iter().map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_to_the_page_and_a_command_to_its_line() {
        let command = "`azseed job ship --staging '/mnt/the staging path' --carrier NAME`";
        let text = format!("{}then {command} and more", "word ".repeat(40));
        let lines = wrapped("Next", &text);
        assert!(lines[0].starts_with("Next         word word"), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains(command)), "{lines:#?}");
        for line in &lines {
            assert!(line.chars().count() <= 80, "{line}");
            assert!(line.starts_with("Next ") || line.starts_with("             "), "{line}");
        }
        let joined = lines.join(" ").split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
        assert_eq!(joined, text);
        assert_eq!(wrapped("", "x\ny")[0].trim(), "x\\ny");
    }
}
