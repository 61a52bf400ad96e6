//! Where the password of a vault's repository is.

use std::path::PathBuf;

use clap::Args;
use disk_prep::noun::ProgramLine;

/// Where the password is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Password")]
pub struct PasswordArgs {
    /// A file (0600) with the repository's password
    #[arg(long, value_name = "FILE", env = "AZSEED_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// A program that prints it: its whole path and its arguments, quoted where
    /// they have blanks; no shell is asked
    #[arg(long, value_name = "WORDS", env = "AZSEED_PASSWORD_COMMAND")]
    pub password_command: Option<ProgramLine>,
    /// An open file that it is read from, for this call only; 0 is standard input
    #[arg(long, value_name = "NUMBER", env = "AZSEED_PASSWORD_FD")]
    pub password_fd: Option<u32>,
}
