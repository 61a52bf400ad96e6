//! How a snapshot is restored.

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

/// How a snapshot is restored.
#[derive(Debug, Clone, Copy, Default)]
pub struct RestoreOptions {
    /// What may be replaced.
    pub overwrite: Overwrite,
    /// Whether owners are set.
    pub owners: Owners,
}
