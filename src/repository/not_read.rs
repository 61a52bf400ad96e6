//! What a backup lacks: which file, why as a code, and why in words.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a backup lacks a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It is gone or cannot be read.
    Unreadable,
    /// It became shorter each time it was read.
    Shrank,
}

impl Loss {
    /// The code; `azseed explain` knows it.
    pub fn code(&self) -> &'static str {
        match self {
            Loss::Unreadable => "file-unreadable",
            Loss::Shrank => "file-shrank",
        }
    }
}

/// Something that a backup lacks. Shown as its path, a colon, the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRead {
    /// Where it is; `None` where the reason names it.
    pub path: Option<PathBuf>,
    /// Why, for programs.
    pub loss: Loss,
    /// Why, for people.
    pub text: String,
}

impl NotRead {
    /// A file or folder.
    pub(super) fn new(path: &Path, loss: Loss, text: impl Into<String>) -> Self {
        NotRead { path: Some(path.to_owned()), loss, text: text.into() }
    }

    /// Something of a walk that could not be listed; the reason names it.
    pub(super) fn unlisted(text: String) -> Self {
        NotRead { path: None, loss: Loss::Unreadable, text }
    }
}

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.text),
            None => f.write_str(&self.text),
        }
    }
}
