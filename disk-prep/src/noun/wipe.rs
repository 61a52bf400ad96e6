//! What happens to the free space of a drive that was used before.

use std::fmt;

use serde::{Deserialize, Serialize};

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
