//! How a snapshot is restored.

use std::path::{Path, PathBuf};

/// Whether what is of another kind than the snapshot has it is replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// Links and empty folders only.
    #[default]
    Nothing,
    /// Whatever it is, a folder with all that is in it.
    Kinds,
}

/// Whose the files are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Owners {
    /// As the snapshot has it.
    #[default]
    Restored,
    /// Whoever restores.
    Kept,
}

/// Where a snapshot is restored to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereto<'a> {
    /// Below a folder; what is restored begins there.
    Folder(&'a Path),
    /// Where it was backed up.
    InPlace,
}

/// How a snapshot is restored.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// What may be replaced.
    pub overwrite: Overwrite,
    /// Whether owners are set.
    pub owners: Owners,
    /// The folder or file of the snapshot that is meant; all if not said.
    pub below: Option<PathBuf>,
    /// Patterns of what is taken; all if there is none.
    pub include: Vec<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
}
