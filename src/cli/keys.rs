//! Arguments of commands that need recovery passwords.

use std::path::PathBuf;

use clap::Args;

/// What opens recovery passwords that a journal holds only sealed; not needed on the machine that
/// sealed them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sealed keys")]
pub struct KeyArgs {
    /// A file with the repository's password
    #[arg(long, value_name = "FILE", env = "AZSEED_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// A file with an age identity
    #[arg(long, value_name = "FILE", env = "AZSEED_IDENTITY")]
    pub identity: Option<PathBuf>,
}
