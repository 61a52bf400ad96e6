//! What happens to the free space of a drive that was used before.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happens to the free space of a drive that was not blank (`design` 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wipe {
    /// Overwritten with zeros, free clusters with encrypted zeros.
    Zero,
    /// Left as it is.
    None,
}

impl fmt::Display for Wipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wipe::Zero => "zero",
            Wipe::None => "none",
        })
    }
}
