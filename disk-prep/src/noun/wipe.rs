//! What happens to the free space of a drive that was used before.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;

/// What happens to the free space of a drive that was not blank (`design` 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wipe {
    /// Overwritten with zeros, free clusters with encrypted zeros.
    Zero,
    /// Given back to the drive, which guarantees that it reads as zeros then.
    Discard,
    /// Left as it is.
    None,
}

impl fmt::Display for Wipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wipe::Zero => "zero",
            Wipe::Discard => "discard",
            Wipe::None => "none",
        })
    }
}

impl FromStr for Wipe {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        [Wipe::Zero, Wipe::Discard, Wipe::None]
            .into_iter()
            .find(|wipe| wipe.to_string() == text)
            .ok_or_else(|| InvalidNoun::new("wipe", text, "it is zero, discard or none"))
    }
}
