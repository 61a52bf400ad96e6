//! Why a file is not on its drive and why a drive is set aside: a code that programs decide by, and
//! the sentence for people, as they stand in a journal.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::noun::Diagnose;

/// What happened to a source file that its drive lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FileChange {
    /// It is gone or cannot be read.
    FileUnreadable,
    /// It ended before its planned length while it was read.
    FileShrank,
    /// It has another length than planned.
    FileResized,
    /// It was modified after it was planned.
    FileModified,
    /// Another file took its place while it was read.
    FileReplaced,
    /// It is no regular file any more.
    FileNotRegular,
    /// It is there, but what an earlier run knew of it cannot be gone on with.
    StreamLost,
    /// A journal of an earlier program says it in words only, or of a later one in a new code.
    #[default]
    #[serde(other)]
    Unsaid,
}

impl FileChange {
    /// The code; `azseed explain` knows it.
    pub fn code(&self) -> &'static str {
        match self {
            FileChange::FileUnreadable => "file-unreadable",
            FileChange::FileShrank => "file-shrank",
            FileChange::FileResized => "file-resized",
            FileChange::FileModified => "file-modified",
            FileChange::FileReplaced => "file-replaced",
            FileChange::FileNotRegular => "file-not-regular",
            FileChange::StreamLost => "stream-lost",
            FileChange::Unsaid => "unsaid",
        }
    }
}

/// Why a file is left out of its drive's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What happened, for programs.
    #[serde(rename = "code", default)]
    pub change: FileChange,
    /// What happened, for people.
    #[serde(rename = "reason")]
    pub text: String,
}

impl LeftOut {
    /// A change and its sentence.
    pub fn new(change: FileChange, text: impl Into<String>) -> Self {
        LeftOut { change, text: text.into() }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a drive is set aside for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// The code of the error; a journal of an earlier program has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its sentence.
    #[serde(rename = "reason")]
    pub text: String,
}

impl SetAside {
    /// For this error.
    pub fn of(error: &impl Diagnose) -> Self {
        SetAside { code: Some(error.code().to_owned()), text: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_journal_said_in_words_is_read_and_a_later_code_does_no_harm() {
        let read = |text: &str| serde_json::from_str::<LeftOut>(text).unwrap();
        let older = read(r#"{"reason":"it was modified after it was planned"}"#);
        assert_eq!(older.change, FileChange::Unsaid);
        assert_eq!(older.to_string(), "it was modified after it was planned");
        let later = read(r#"{"code":"file-melted","reason":"x"}"#);
        assert_eq!(later.change.code(), "unsaid");
        let aside: SetAside = serde_json::from_str(r#"{"reason":"x"}"#).unwrap();
        assert_eq!(aside.code, None);
    }

    #[test]
    fn a_code_is_written_as_it_is_told() {
        use FileChange as C;
        for change in [
            C::FileUnreadable,
            C::FileShrank,
            C::FileResized,
            C::FileModified,
            C::FileReplaced,
            C::FileNotRegular,
            C::StreamLost,
            C::Unsaid,
        ] {
            let written = serde_json::to_value(LeftOut::new(change, "x")).unwrap();
            assert_eq!(written["code"], change.code());
            assert_eq!(serde_json::from_value::<LeftOut>(written).unwrap().change, change);
        }
    }
}
