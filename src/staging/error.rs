//! What can go wrong with a staging path.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Hint, VaultName, shell_word, typed};
use disk_prep::sys::beneath::Unexpected;
use jiff::Timestamp;
use uuid::Uuid;

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    #[error("{path} is not a staging path of azseed")]
    NotStaging { path: PathBuf },
    #[error("{path} holds other files, so it cannot become a staging path")]
    NotEmpty { path: PathBuf },
    #[error("{path} is damaged")]
    Damaged {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{path} says that its data is in {data}, where none of that seed can be")]
    DataPlace { path: PathBuf, data: PathBuf },
    #[error("{path} has a value in {field} that no seed has")]
    Field { path: PathBuf, field: &'static str },
    #[error("{path} has version {version}; this program knows versions up to {known}")]
    Newer { path: PathBuf, version: u32, known: u32 },
    #[error("{path} holds the seed of job {held}, not {asked}")]
    OtherSeed { path: PathBuf, held: String, asked: String },
    #[error("The seed in {path} joins {held}, and the call asks for {asked}")]
    OtherVault { path: PathBuf, held: String, asked: String },
    #[error("The repository in {path} is not that of the vault which its seed joins{}", named(vault.as_ref()))]
    NotOfVault { path: PathBuf, vault: Option<VaultName> },
    #[error("{path} holds the seed {held}, not {asked}")]
    AnotherSeed { path: PathBuf, held: String, asked: String },
    #[error("Cannot use {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("The staging path {path} is full")]
    Full { path: PathBuf },
    #[error("{path} holds no *.AIBBlob and no *.BaseBlob, so it is no staging folder of an agent")]
    NoAgentBlobs { path: PathBuf },
    #[error("The backup of a system's state cannot be sent on drives")]
    SystemState,
    #[error("{path} was adopted as {held}, not as {asked}")]
    OtherWorkload { path: PathBuf, held: String, asked: String },
    #[error("There is nothing to back up at {path}")]
    NoSource { path: PathBuf },
    #[error("Every file of {} is excluded", listed(paths))]
    AllExcluded { paths: Vec<PathBuf> },
    #[error("There is no file in {}", listed(paths))]
    EmptySource { paths: Vec<PathBuf> },
    #[error("{path} has {free} free, and the sources hold {source_bytes}")]
    LittleRoom { path: PathBuf, free: ByteSize, source_bytes: ByteSize },
    #[error("The repository in {path} is locked by a running restic")]
    Locked { path: PathBuf },
    #[error("The repository in {path} is not as it was staged: {what}")]
    Changed { path: PathBuf, what: String, is_adopted: bool },
    #[error("{path} has less than when it was staged: {what}")]
    Shrank { path: PathBuf, what: String, is_adopted: bool },
    #[error(
        "{} is a staging path in the folder {}: its journals have recovery passwords, and would go along",
        path.display(), source_path.display()
    )]
    Within { path: PathBuf, source_path: PathBuf },
    #[error("{} has what opens drives or backups of azseed, and would go along", path.display())]
    Secrets { path: PathBuf },
    #[error("{path} is a repository in the old S3 layout")]
    OldLayout { path: PathBuf },
    #[error("The source {path} went away while it was backed up")]
    SourceGone { path: PathBuf },
    #[error("The repository in {path} is unreadable, as it lacks {missing}")]
    Incomplete { path: PathBuf, missing: String },
    #[error("The vault {vault} has all that the seed in {path} was to bring")]
    BringsNothing { path: PathBuf, vault: VaultName, id: Uuid },
    #[error("{path} is not finished yet{}", told(hosts))]
    Unfinished { path: PathBuf, hosts: Vec<String> },
    #[error("A machine has added to the seed in {path} since this run looked at it")]
    Grown { path: PathBuf },
    #[error("{host} works on {path}, since {since:.0}")]
    BusyHost { path: PathBuf, host: String, since: Timestamp },
    #[error("{host} was released from the staging path {path} while it staged")]
    Released { path: PathBuf, host: String },
    #[error("{host} has nothing in {path} that it has not ended")]
    NoStager { path: PathBuf, host: String },
    #[error("The data of {path} was cleared, since it is where it was sent to")]
    Cleared { path: PathBuf },
    #[error("Another run works on {path}")]
    Busy { path: PathBuf },
    #[error("The seed in {} is closed, since drives of it are begun: {host} cannot add to it", path.display())]
    Closed { path: PathBuf, host: String },
    #[error("The password of the repository in {path} is not known on this machine")]
    NoPassword { path: PathBuf },
    #[error(transparent)]
    Journals { source: Box<disk_prep::journal::Error> },
    #[error("The repository in {path} cannot be worked on")]
    Repository {
        path: PathBuf,
        #[source]
        source: crate::repository::Error,
    },
}

impl Error {
    /// What to do, with the command as it is typed.
    fn next_command(&self) -> Option<String> {
        let on = |path: &Path| shell_word(&path.to_string_lossy()).into_owned();
        Some(match self {
            Error::Unfinished { hosts, path } if !hosts.is_empty() => format!(
                "wait until it has ended; if it has stopped, run its `azseed stage` again, or go on \
                 without it by `azseed stage release HOST --staging {}`",
                on(path)
            ),
            Error::BusyHost { path, host, .. } => format!(
                "wait until it has ended; if that machine is dead, `azseed stage release {} --staging \
                 {}` frees what it holds",
                shell_word(host),
                on(path)
            ),
            Error::NoStager { path, .. } => {
                format!("`azseed stage status --staging {}` names those that have", on(path))
            }
            _ => return None,
        })
    }
}

fn told(hosts: &[String]) -> String {
    if hosts.is_empty() { String::new() } else { format!(": {}", hosts.join("; ")) }
}

fn named(vault: Option<&VaultName>) -> String {
    vault.map_or(String::new(), |vault| format!(", {vault}"))
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// A full disk is an error of its own.
    pub(super) fn of_io(path: PathBuf, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Error::Full { path }
            }
            _ => Error::Io { path, source },
        }
    }
}

/// What stands where a plain file or folder must be, if that is why it could not be used.
fn unexpected(error: &Error) -> Option<&Unexpected> {
    match error {
        Error::Io { source, .. } => Unexpected::of(source),
        _ => None,
    }
}

/// Whether a path is one of Windows: `D:\x`, or a share, `\\server\x`.
fn is_of_windows(path: &Path) -> bool {
    let path = path.as_os_str().as_bytes();
    path.starts_with(br"\\") || matches!(path, [letter, b':', ..] if letter.is_ascii_alphabetic())
}

fn is_block_device(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|own| own.file_type().is_block_device())
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        if let Some(unexpected) = unexpected(self) {
            return unexpected.code();
        }
        match self {
            Error::NotStaging { .. } => "not-a-staging-path",
            Error::NotEmpty { .. } => "staging-not-empty",
            Error::Damaged { .. } => "seed-damaged",
            Error::DataPlace { .. } => "seed-data-place",
            Error::Field { .. } => "seed-invalid",
            Error::Newer { .. } => "seed-newer",
            Error::OtherSeed { .. } | Error::AnotherSeed { .. } | Error::OtherWorkload { .. } => {
                "staging-other-seed"
            }
            Error::OtherVault { .. } => "staging-other-vault",
            Error::NotOfVault { .. } => "vault-other-repository",
            Error::NoAgentBlobs { .. } => "workload-no-blobs",
            Error::SystemState => "workload-unsupported",
            Error::Io { .. } => "staging-io",
            Error::Full { .. } => "staging-full",
            Error::NoSource { .. } => "source-missing",
            Error::AllExcluded { .. } => "exclude-everything",
            Error::EmptySource { .. } => "source-empty",
            Error::LittleRoom { .. } => "staging-little-room",
            Error::Locked { .. } => "repository-locked",
            Error::Changed { .. } => "repository-changed",
            Error::Shrank { .. } => "data-shrank",
            Error::Within { .. } => "staging-in-source",
            Error::Secrets { .. } => "keys-in-source",
            Error::OldLayout { .. } => "repository-old-layout",
            Error::SourceGone { .. } => "source-gone",
            Error::Incomplete { .. } => "repository-incomplete",
            Error::BringsNothing { .. } => "seed-brings-nothing",
            Error::Unfinished { .. } => "staging-unfinished",
            Error::Cleared { .. } => "staging-cleared",
            Error::Grown { .. } => "staging-grew",
            Error::Released { .. } => "stager-released",
            Error::NoStager { .. } => "stager-unknown",
            Error::Busy { .. } | Error::BusyHost { .. } => "staging-busy",
            Error::Closed { .. } => "staging-closed",
            Error::NoPassword { .. } => "password-missing",
            Error::Journals { source } => source.code(),
            Error::Repository { source, .. } => source.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        if let Some(unexpected) = unexpected(self) {
            return unexpected.kind();
        }
        match self {
            Error::NotStaging { .. } | Error::Cleared { .. } | Error::NoStager { .. } => {
                ErrorKind::NotFound
            }
            Error::SystemState => ErrorKind::Refused,
            Error::NoAgentBlobs { .. } | Error::OtherVault { .. } => ErrorKind::Usage,
            Error::NotEmpty { .. }
            | Error::OtherWorkload { .. }
            | Error::OtherSeed { .. }
            | Error::NotOfVault { .. }
            | Error::AnotherSeed { .. }
            | Error::OldLayout { .. }
            | Error::Incomplete { .. }
            | Error::BringsNothing { .. }
            | Error::DataPlace { .. }
            | Error::Field { .. }
            | Error::LittleRoom { .. }
            | Error::Locked { .. }
            | Error::Changed { .. }
            | Error::Shrank { .. }
            | Error::Within { .. }
            | Error::Secrets { .. } => ErrorKind::Guard,
            Error::NoSource { .. } | Error::AllExcluded { .. } | Error::EmptySource { .. } => {
                ErrorKind::Usage
            }
            Error::NoPassword { .. } => ErrorKind::Usage,
            Error::Busy { .. } | Error::BusyHost { .. } => ErrorKind::Busy,
            Error::Closed { .. } => ErrorKind::Usage,
            Error::Full { .. }
            | Error::SourceGone { .. }
            | Error::Grown { .. }
            | Error::Released { .. }
            | Error::Unfinished { .. } => ErrorKind::Resumable,
            Error::Journals { source } => source.kind(),
            Error::Repository { source, .. } => source.kind(),
            Error::Damaged { .. } | Error::Newer { .. } | Error::Io { .. } => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Hint> {
        if let Some(unexpected) = unexpected(self) {
            return unexpected.hint();
        }
        if let Some(text) = self.next_command() {
            return Some(Hint::new(text));
        }
        let text = match self {
            Error::OtherVault { .. } => {
                "make a seed of its own with another `--staging` and `--job`"
            }
            Error::NotOfVault { .. } => {
                "what lies in the container was replaced since; make a new seed with another `--staging`"
            }
            Error::NotStaging { path } if is_of_windows(path) => {
                "a share is mounted first, and named by the folder where it is mounted"
            }
            Error::NotStaging { .. } => {
                "see that its disk or share is mounted; `azseed stage` writes a new backup"
            }
            Error::NotEmpty { .. } => "name an empty or a new folder with `--staging`",
            Error::Full { .. } => return Some(Hint::FreeSpace),
            Error::OtherSeed { .. } | Error::AnotherSeed { .. } | Error::OtherWorkload { .. } => {
                "name another folder with `--staging`"
            }
            Error::NoAgentBlobs { .. } => {
                "name the Staging Location of the agent's wizard; its first backup must have ended"
            }
            Error::SystemState => {
                "Microsoft's agents send it over the network only; files and folders can go on drives"
            }
            Error::SourceGone { .. } => return Some(Hint::BringBack),
            Error::Locked { .. } => "wait until it has ended, or run `restic unlock`",
            Error::BringsNothing { vault, id, .. } => {
                let (vault, id) = (vault.as_str(), id.to_string());
                let line = typed(["azseed", "vault", "forget", "--seed", &id, "--vault", vault]);
                return Some(Hint::new(format!(
                    "no drive is needed: `{line}` gives it up, and increments go on"
                )));
            }
            Error::Incomplete { .. } => "bring back what is missing, or stage anew elsewhere",
            Error::Changed { is_adopted: false, .. } => {
                "bring the files back from a copy, or stage anew with another `--staging` and `--job`"
            }
            Error::Changed { .. } => {
                "bring the files back, or begin a new seed of it with `azseed stage adopt` and \
                 another `--staging` and `--job`"
            }
            Error::Shrank { is_adopted: true, .. } => {
                "bring back what is missing, as a folder that is not mounted; the same `azseed stage \
                 adopt` again takes what is there now"
            }
            Error::Shrank { .. } => "bring back what is missing, or stage anew elsewhere",
            Error::Within { .. } => {
                "name a folder outside of it with `--staging`, and adopt folders without a staging path"
            }
            Error::Secrets { .. } => "name folders that it does not lie in",
            Error::AllExcluded { .. } => "name fewer patterns with `--exclude`, or fewer sources",
            Error::EmptySource { paths } if paths.iter().any(|own| is_block_device(own)) => {
                "a disk itself is backed up as `azseed disk-backup protect --help` says; `stage` takes \
                 files and folders"
            }
            Error::EmptySource { .. } => "see that its disk is mounted and the path is right",
            Error::LittleRoom { .. } => {
                "name a folder on a larger disk with `--staging`, or add `--allow-small` if the data \
                 can be compressed"
            }
            Error::OldLayout { .. } => "convert it first with `restic migrate s3_layout`",
            Error::Closed { .. } => {
                "make the next seed: the same `azseed stage` with another `--staging` and `--job`"
            }
            Error::Grown { .. } => "run the same command again; it takes all of it",
            Error::Released { .. } => "run the same `azseed stage` again",
            Error::Unfinished { .. } => "run the same `azseed stage` again; it goes on",
            Error::NoPassword { .. } => return Some(Hint::PasswordFile),
            Error::Damaged { .. } => "restore the file from a copy, or stage anew elsewhere",
            Error::DataPlace { .. } | Error::Field { .. } => {
                "find out who changed it; azseed did not write it so"
            }
            Error::Journals { source } => return source.hint(),
            Error::Repository { source, .. } => return source.hint(),
            _ => return None,
        };
        Some(Hint::new(text))
    }
}
