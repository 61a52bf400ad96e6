//! Arguments of the commands that keep a vault usable: its place and password, its check, its keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::noun::{ReadShare, RepositoryPrefix};

use super::filters::{FILTER_FLAGS, LeftOutArgs};
use super::vault_attach::VaultAttach;
use super::vault_password::PasswordArgs;

/// Commands of `vault` that keep it usable.
#[derive(Debug, Subcommand)]
pub enum VaultKeepCommand {
    /// Make a vault known on this machine that lies in Azure
    #[command(
        after_help = "Example:\n  azseed vault attach --vault office --storage-account acct \\\n    \
                            --container azseed-office --password-file /root/vault.password"
    )]
    Attach(VaultAttach),
    /// Change where a vault lies, where its password is, or what is left out
    #[command(
        after_help = "Examples:\n  azseed vault set --vault office --password-file /root/new.password\n  \
                      azseed vault set --vault office --exclude '*.tmp' --exclude-caches"
    )]
    Set(VaultSet),
    /// Forget a vault on this machine, and leave what lies in Azure
    Detach,
    /// See whether the repository is whole
    #[command(after_help = "Examples:\n  azseed vault check --vault office\n  \
                      azseed vault check --vault office --read-data=5%\n  \
                      azseed vault check --vault office --read-data --repair \\\n    \
                        --staging /srv/staging")]
    Check(VaultCheck),
    /// See and change the passwords that open the repository
    Key(VaultKey),
}

impl VaultKeepCommand {
    /// Where the call says the password is.
    pub fn password(&self) -> Option<&PasswordArgs> {
        match self {
            VaultKeepCommand::Attach(VaultAttach { password, .. })
            | VaultKeepCommand::Set(VaultSet { password, .. })
            | VaultKeepCommand::Check(VaultCheck { password, .. }) => Some(password),
            VaultKeepCommand::Key(key) => Some(key.command.password()),
            VaultKeepCommand::Detach => None,
        }
    }
}

/// Arguments of `vault set`.
#[derive(Debug, Args)]
pub struct VaultSet {
    /// What stands before its blobs in the container; / for the container itself
    #[arg(long, value_name = "PREFIX", env = "AZSEED_PREFIX")]
    pub prefix: Option<RepositoryPrefix>,
    /// What of the sources is left out from now on, all of it said anew.
    #[command(flatten)]
    pub filters: LeftOutArgs,
    /// Leave out nothing from now on
    #[arg(long, conflicts_with_all = FILTER_FLAGS)]
    pub exclude_nothing: bool,
    /// Where the password is from now on.
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// Arguments of `vault check`.
#[derive(Debug, Args)]
pub struct VaultCheck {
    /// Read the data too and prove it: all of it, or a share such as 5% or 10G
    /// that is drawn anew each time
    #[arg(long, value_name = "SHARE", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "100%", env = "AZSEED_READ_DATA")]
    pub read_data: Option<ReadShare>,
    /// Bring back what is damaged from the staging path of the seed; what is
    /// not there is moved aside, so that the next run sends it again
    #[arg(long)]
    pub repair: bool,
    /// Where the password is.
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// Arguments of `vault key`.
#[derive(Debug, Args)]
pub struct VaultKey {
    /// What to do.
    #[command(subcommand)]
    pub command: VaultKeyCommand,
}

/// `vault key`.
#[derive(Debug, Subcommand)]
pub enum VaultKeyCommand {
    /// List the keys of the repository
    List {
        /// Where the password is.
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Add a key under a new password
    Add(NewKeyArgs),
    /// Remove a key; never the last, nor the one that is used
    Remove {
        /// The key, by the beginning of its id
        #[arg(value_name = "ID")]
        id: String,
        /// Where the password is.
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Give the vault a new password, and remove the key that was used until then
    #[command(after_help = "Example:\n  azseed vault key rotate --vault office \\\n    \
                      --new-password-file /root/vault-2027.password")]
    Rotate(NewKeyArgs),
}

/// A new password.
#[derive(Debug, Args)]
pub struct NewKeyArgs {
    /// A file (0600) with the new password; keep a copy of it elsewhere
    #[arg(long, value_name = "FILE")]
    pub new_password_file: PathBuf,
    /// Take a new password of less than 16 characters
    #[arg(long)]
    pub weak_password: bool,
    /// Where the password is.
    #[command(flatten)]
    pub password: PasswordArgs,
}

impl VaultKeyCommand {
    /// Where the call says the password is.
    pub fn password(&self) -> &PasswordArgs {
        match self {
            VaultKeyCommand::List { password } | VaultKeyCommand::Remove { password, .. } => {
                password
            }
            VaultKeyCommand::Add(own) | VaultKeyCommand::Rotate(own) => &own.password,
        }
    }
}
