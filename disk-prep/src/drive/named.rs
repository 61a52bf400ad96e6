//! A drive that was found, and the name by which the guard looks at it once more.

use super::error::Error;
use super::find::{Drive, find};
use super::name::DriveName;

/// A drive as it was found, carried from there on. Only the guard looks again, by its name, right
/// before it is written: what was shown and consented to must still be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDrive {
    /// How it is found again.
    pub name: DriveName,
    /// What was found.
    pub drive: Drive,
}

impl NamedDrive {
    /// Finds the drive of that name.
    pub fn find(name: &DriveName) -> Result<Self, Error> {
        Ok(NamedDrive { name: name.clone(), drive: find(name)? })
    }
}
