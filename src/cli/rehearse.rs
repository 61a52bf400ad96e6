//! Arguments of `rehearse`.

use std::path::PathBuf;

use clap::Args;
use disk_prep::noun::ByteSize;

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  azseed rehearse --source /usr/share/doc\n\n\
    Nothing leaves this machine and no drive is touched: the drives are files, Azure \
    and the datacenter are the built-in emulator.")]
pub struct RehearseArgs {
    /// What to back up; repeat for more
    #[arg(long = "source", value_name = "PATH", required = true)]
    pub sources: Vec<PathBuf>,
    /// How many drives there are
    #[arg(long, value_name = "COUNT", default_value = "2")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub drives: u16,
    /// Size of each; what the data needs if not said
    #[arg(long, value_name = "SIZE")]
    pub drive_size: Option<ByteSize>,
    /// Work here and keep it, and go on with what is there; a temporary folder
    /// if not said
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Keep the temporary folder
    #[arg(long)]
    pub keep: bool,
    /// A file with the repository's password; without it one is made
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Accept a password of fewer than 16 characters
    #[arg(long)]
    pub weak_password: bool,
}
