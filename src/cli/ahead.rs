//! Arguments of `plan` before anything is staged.

use std::path::PathBuf;

use clap::Args;
use disk_prep::noun::Rate;

use super::filters::LeftOutArgs;

/// What `plan` looks at before anything is staged.
#[derive(Debug, Args)]
#[command(next_help_heading = "Before anything is staged")]
pub struct AheadArgs {
    /// What would be backed up, instead of a staging path; repeat for more
    #[arg(long = "source", value_name = "PATH", env = "AZSEED_SOURCE")]
    pub sources: Vec<PathBuf>,
    /// How fast the line to Azure is, such as 100Mbit, to compare it with a parcel
    #[arg(long, value_name = "RATE", env = "AZSEED_UPLINK")]
    pub uplink: Option<Rate>,
    /// What of it is left out.
    #[command(flatten)]
    pub filters: LeftOutArgs,
}

/// Flags that say nothing without `--source`, by their ids.
pub const AHEAD_FLAGS: [(&str, &str); 8] = [
    ("uplink", "--uplink"),
    ("exclude", "--exclude"),
    ("iexclude", "--iexclude"),
    ("exclude_file", "--exclude-file"),
    ("exclude_if_present", "--exclude-if-present"),
    ("exclude_larger_than", "--exclude-larger-than"),
    ("exclude_caches", "--exclude-caches"),
    ("one_file_system", "--one-file-system"),
];

/// Flags that say nothing of sources that are not staged, by their ids.
pub const STAGED_FLAGS: [(&str, &str); 8] = [
    ("staging", "--staging"),
    ("dataset", "--dataset"),
    ("job", "--job"),
    ("storage_account", "--storage-account"),
    ("container", "--container"),
    ("subscription", "--subscription"),
    ("resource_group", "--resource-group"),
    ("service", "--service"),
];
