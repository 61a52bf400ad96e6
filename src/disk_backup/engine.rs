//! What makes a point of a disk, and who carries its bytes: chosen once, by `protect`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What makes a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// What changed is found out and written into the copy, which gets a snapshot.
    #[default]
    Diff,
    /// The service does all of that by itself ("Incremental Copy Blob").
    IncrementalCopy,
    /// Every point is a whole copy, a blob of its own.
    FullCopy,
}

/// Who carries what is written into a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// It goes through this machine, which sees every byte.
    #[default]
    Client,
    /// The service reads it where it is ("Put Page From URL").
    Server,
}

impl Engine {
    /// The word for a person and a script.
    pub fn word(self) -> &'static str {
        match self {
            Engine::Diff => "diff",
            Engine::IncrementalCopy => "incremental-copy",
            Engine::FullCopy => "full-copy",
        }
    }
}

impl Via {
    /// The word for a person and a script.
    pub fn word(self) -> &'static str {
        match self {
            Via::Client => "client",
            Via::Server => "server",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
