//! What can go wrong with a vault.

use std::io;
use std::path::PathBuf;

use disk_prep::noun::{
    AccountName, ByteSize, ContainerName, Diagnose, ErrorKind, Hint, JobName, Sha256Digest,
    VaultName, count, typed,
};
use uuid::Uuid;

use crate::policy::Policy;
use crate::{azure, repository};

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    #[error("{path} is no file of a repository, so it cannot be part of a seed")]
    ForeignBlob { path: String },
    #[error("{path} is listed twice in the seed")]
    ListedTwice { path: String },
    #[error("{path} of the seed has the SHA-256 {sha256}, which is not its name")]
    Misnamed { path: String, sha256: Sha256Digest },
    #[error("The import lacks {}, {}, more than the {} that may be sent from the staging path", count(*blobs, "blob"), ByteSize(*bytes), ByteSize(*limit_bytes))]
    RepairLimit { blobs: u64, bytes: u64, limit_bytes: u64 },
    #[error("Nowhere to be had: {} of the seed, the first is {}", count(paths.len(), "blob"), first(paths))]
    Missing { paths: Vec<String> },
    #[error("Written to the vault and not there as written: {}, the first is {}", count(paths.len(), "blob"), first(paths))]
    NotHeld { paths: Vec<String> },
    #[error("Cannot use blob {path}")]
    Blob {
        path: String,
        #[source]
        source: azure::Error,
    },
    #[error("{path} in the vault's container is not of the form that this program writes")]
    Control {
        path: String,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "What opens the vault's account does not open {account}, which the seed is imported to"
    )]
    SeedClosed { account: AccountName },
    #[error("The container {container} has a repository that is not the seed's")]
    OtherRepository { container: ContainerName },
    #[error("{} of restic in the container {container}: a client may be at work", count(*locks, "lock"))]
    ClientLocked { container: ContainerName, locks: usize },
    #[error("Vault {vault} is needed as it is by seeds that are on their way to it: {}", seeds.join(", "))]
    SeedsJoin { vault: VaultName, seeds: Vec<String> },
    #[error("Vault {vault} has no repository that a seed could join: it awaits its first one")]
    AwaitsSeed { vault: VaultName },
    #[error("A seed of this machine is on its way to vault {vault} already: job {job}")]
    JoinsAlready { vault: VaultName, job: JobName },
    #[error("The last seed of this machine for vault {vault} was not cleared yet: job {job}")]
    SeedNotCleared { vault: VaultName, job: JobName },
    #[error(
        "Vault {vault} leaves out of this machine's sources what the call does not, or the other way: {held}, not {asked}"
    )]
    OtherChoice { vault: VaultName, held: String, asked: String },
    #[error("{flag} is settled by the repository of vault {vault}, which the seed joins")]
    RepositorySettled { vault: VaultName, flag: &'static str },
    #[error("What the seed shared with vault {vault} is not there any more: {}, the first is {}", count(faults.len(), "fault"), first(faults))]
    BaseGone { vault: VaultName, faults: Vec<String> },
    #[error("No seed {seed} of this machine is on its way to vault {vault}")]
    NoSuchSeed { vault: VaultName, seed: Uuid },
    #[error("Vault {vault} backs {} up already", path.display())]
    SourceKnown { vault: VaultName, path: PathBuf },
    #[error("{} is not on this machine, so it cannot be backed up", path.display())]
    SourceAbsent { path: PathBuf },
    #[error("Vault {vault} would have no source left on this machine")]
    LastSource { vault: VaultName },
    #[error("The seed of vault {vault} was not cleared yet, and until then nothing is forgotten")]
    NotCleared { vault: VaultName },
    #[error("Cannot list the vault")]
    List {
        #[source]
        source: azure::Error,
    },
    #[error("A policy of {policy} would keep nothing")]
    KeepsNothing { policy: Policy },
    #[error("The container {container} belongs to {vault}")]
    Claimed { container: ContainerName, vault: String },
    #[error("Another run works on the container {container}")]
    Locked { container: ContainerName },
    /// What was asked of a vault's repository cannot be had.
    #[error(transparent)]
    Asked { source: repository::Error },
    #[error("Cannot use the repository of vault {vault}")]
    Repository {
        vault: VaultName,
        #[source]
        source: repository::Error,
    },
    #[error("Vault {vault} has no source {}; it has {}", path.display(), listed(sources))]
    NoSuchSource { vault: VaultName, path: PathBuf, sources: Vec<PathBuf> },
    #[error("Vault {vault} has no repository yet: its seed was not taken in")]
    NoRepository { vault: VaultName },
    #[error("This machine knows no seed of vault {vault}: it was attached")]
    NoSeed { vault: VaultName },
    #[error("There is no repository at {place}")]
    NothingThere { place: String },
    #[error("What lies in the container {container} is the vault {there}, not {asked}")]
    OtherName { container: ContainerName, there: VaultName, asked: VaultName },
    #[error("This machine knows what lies there as the vault {known}")]
    KnownAs { known: VaultName },
    #[error("Vault {vault} is attached already, and otherwise: {}", differences.join("; "))]
    OtherwiseAttached { vault: VaultName, differences: Vec<String> },
    #[error("Vault {vault} has no snapshot {wanted}")]
    NoSnapshot { vault: VaultName, wanted: String },
    #[error("\"{wanted}\" may be any of {count} snapshots of vault {vault}")]
    ManySnapshots { vault: VaultName, wanted: String, count: usize },
    #[error("Vault {vault} has snapshots of several machines: {}", choices.join("; "))]
    WhichSnapshot { vault: VaultName, choices: Vec<String> },
    #[error("The path is {} behind the snapshot, and {} with --path", one.display(), other.display())]
    TwoPaths { one: PathBuf, other: PathBuf },
    #[error("Vault {vault} has no key {wanted}")]
    NoKey { vault: VaultName, wanted: String },
    #[error("{wanted} may be several keys of vault {vault}")]
    ManyKeys { vault: VaultName, wanted: String },
    #[error("It is the only key of vault {vault}: without it nobody could read the repository")]
    LastKey { vault: VaultName },
    #[error("{} holds the password that vault {vault} has already", path.display())]
    SamePassword { vault: VaultName, path: PathBuf },
    #[error("The new key {id} of vault {vault} does not open its repository")]
    KeyNotProven { vault: VaultName, id: String },
    #[error("What lies at {place} is another repository than that of vault {vault}")]
    MovedElsewhere { vault: VaultName, place: String },
    #[error("There is no vault {name} on this machine")]
    NoVault { name: String },
    #[error("There are several vaults, {}; name one with --vault", vaults.join(", "))]
    WhichVault { vaults: Vec<String> },
    #[error("Vault {vault} does not have all of the seed: {missing} of {total} blobs are missing")]
    NotProtected { vault: VaultName, missing: usize, total: usize },
    #[error(
        "Vault {vault} does not have all of the seed as it was staged: {wrong} of {total} blobs are missing or differ"
    )]
    SeedDiffers { vault: VaultName, wrong: usize, total: usize },
    #[error("Vault {vault} is protected since {since:.0}, which is less than {} ago", count(u64::from(*days), "day"))]
    TooYoung { vault: VaultName, since: jiff::Timestamp, days: u16 },
    #[error("Vault {vault} of this machine waits for the same seed")]
    SeedAwaited { vault: VaultName },
    #[error("Somebody goes on with the repository in {place}, {who}: nothing of it is cleared")]
    ImportUsed { place: String, who: String },
    #[error("Vault {vault} has its repository in {place}: what is sent there writes over it")]
    SeedOver { vault: VaultName, place: String },
    #[error("Seed and vault would share the container {container}")]
    SharedContainer { container: ContainerName },
    #[error("The staging path {} holds plain files; only a repository goes into a vault", path.display())]
    PlainFiles { path: PathBuf },
    #[error("{place} has a repository already, so no seed begins it")]
    HasRepository { place: String },
    #[error("There is a vault {name} already, and otherwise: {}", differences.join("; "))]
    Exists { name: VaultName, differences: Vec<String> },
    #[error("Nobody knows the password of the seed in {}", path.display())]
    NoPassword { path: PathBuf },
    #[error("Cannot read {path} from the staging path")]
    Spare {
        path: String,
        #[source]
        source: io::Error,
    },
}

fn listed(paths: &[PathBuf]) -> String {
    match paths {
        [] => "none".to_owned(),
        paths => paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
    }
}

fn first(paths: &[String]) -> &str {
    paths.first().map_or("unknown", String::as_str)
}

impl Error {
    /// The code of a vault that another run works on.
    pub const LOCKED: &str = "vault-locked";
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::ForeignBlob { .. } => "seed-foreign-blob",
            Error::ListedTwice { .. } => "seed-listed-twice",
            Error::Misnamed { .. } => "seed-blob-misnamed",
            Error::RepairLimit { .. } => "ingest-repair-limit",
            Error::Missing { .. } => "seed-blobs-missing",
            Error::NotHeld { .. } => "vault-blobs-differ",
            Error::ClientLocked { .. } => "vault-client-lock",
            Error::SeedsJoin { .. } => "vault-seed-joins",
            Error::AwaitsSeed { .. } => "vault-awaits-seed",
            Error::JoinsAlready { .. } => "vault-joins-already",
            Error::SeedNotCleared { .. } => "vault-seed-not-cleared",
            Error::OtherChoice { .. } => "vault-other-choice",
            Error::RepositorySettled { .. } => "repository-settled",
            Error::BaseGone { .. } => "seed-base-gone",
            Error::NoSuchSeed { .. } => "vault-seed-unknown",
            Error::SourceKnown { .. } => "vault-source-known",
            Error::SourceAbsent { .. } => "vault-source-absent",
            Error::LastSource { .. } => "vault-source-last",
            Error::NotCleared { .. } => "vault-not-cleared",
            Error::Control { .. } => "vault-control-damaged",
            Error::OtherRepository { .. } => "vault-other-repository",
            Error::SeedClosed { .. } => "vault-seed-closed",
            Error::Blob { source, .. } | Error::List { source } => source.code(),
            Error::Spare { .. } => "staging-read",
            Error::KeepsNothing { .. } => "vault-keeps-nothing",
            Error::Claimed { .. } => "vault-container-taken",
            Error::Locked { .. } => "vault-locked",
            Error::Asked { source } | Error::Repository { source, .. } => source.code(),
            Error::NoSuchSource { .. } => "vault-source-unknown",
            Error::NoRepository { .. } => "vault-without-seed",
            Error::NoSeed { .. } => "vault-attached",
            Error::NothingThere { .. } => "repository-missing",
            Error::OtherName { .. } => "vault-other-name",
            Error::KnownAs { .. } => "vault-known-as",
            Error::OtherwiseAttached { .. } => "vault-otherwise",
            Error::NoSnapshot { .. } => "snapshot-missing",
            Error::ManySnapshots { .. } => "snapshot-ambiguous",
            Error::WhichSnapshot { .. } => "snapshot-of-which",
            Error::TwoPaths { .. } => "snapshot-path-twice",
            Error::NoKey { .. } => "key-missing",
            Error::ManyKeys { .. } => "key-ambiguous",
            Error::LastKey { .. } => "key-last",
            Error::SamePassword { .. } => "password-same",
            Error::KeyNotProven { .. } => "key-not-proven",
            Error::MovedElsewhere { .. } => "repository-other",
            Error::NoVault { .. } => "vault-missing",
            Error::WhichVault { .. } => "vault-ambiguous",
            Error::NotProtected { .. } | Error::SeedDiffers { .. } => "vault-incomplete",
            Error::TooYoung { .. } => "cleanup-too-early",
            Error::SeedAwaited { .. } => "cleanup-other-vault",
            Error::ImportUsed { .. } => "cleanup-import-used",
            Error::SeedOver { .. } => "seed-over-vault",
            Error::SharedContainer { .. } => "vault-container-shared",
            Error::PlainFiles { .. } => "vault-plain-files",
            Error::HasRepository { .. } => "vault-has-repository",
            Error::Exists { .. } => "vault-exists",
            Error::NoPassword { .. } => "vault-password",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::ForeignBlob { .. } | Error::ListedTwice { .. } => ErrorKind::Failed,
            Error::Missing { .. } | Error::Spare { .. } | Error::RepairLimit { .. } => {
                ErrorKind::Resumable
            }
            Error::NotHeld { .. } | Error::Misnamed { .. } | Error::BaseGone { .. } => {
                ErrorKind::Difference
            }
            Error::Control { .. } => ErrorKind::Failed,
            Error::SeedClosed { .. } => ErrorKind::NotAllowed,
            Error::Blob { source, .. } | Error::List { source } => source.kind(),
            Error::KeepsNothing { .. } | Error::Claimed { .. } => ErrorKind::Usage,
            Error::Locked { .. } | Error::ClientLocked { .. } => ErrorKind::Busy,
            Error::Asked { source } | Error::Repository { source, .. } => source.kind(),
            Error::NoSuchSource { .. }
            | Error::NoSuchSeed { .. }
            | Error::NoKey { .. }
            | Error::NoRepository { .. }
            | Error::NothingThere { .. }
            | Error::NoSnapshot { .. }
            | Error::NoVault { .. } => ErrorKind::NotFound,
            Error::ManySnapshots { .. }
            | Error::ManyKeys { .. }
            | Error::SamePassword { .. }
            | Error::AwaitsSeed { .. }
            | Error::JoinsAlready { .. }
            | Error::SeedNotCleared { .. }
            | Error::OtherChoice { .. }
            | Error::RepositorySettled { .. }
            | Error::MovedElsewhere { .. }
            | Error::WhichSnapshot { .. }
            | Error::TwoPaths { .. }
            | Error::NoSeed { .. }
            | Error::OtherName { .. }
            | Error::KnownAs { .. }
            | Error::OtherwiseAttached { .. }
            | Error::WhichVault { .. }
            | Error::SharedContainer { .. }
            | Error::PlainFiles { .. }
            | Error::Exists { .. }
            | Error::HasRepository { .. }
            | Error::NoPassword { .. } => ErrorKind::Usage,
            Error::NotProtected { .. }
            | Error::SeedDiffers { .. }
            | Error::TooYoung { .. }
            | Error::SeedAwaited { .. }
            | Error::ImportUsed { .. }
            | Error::SeedOver { .. }
            | Error::LastKey { .. }
            | Error::OtherRepository { .. }
            | Error::SeedsJoin { .. }
            | Error::NotCleared { .. } => ErrorKind::Guard,
            Error::KeyNotProven { .. } => ErrorKind::Failed,
            Error::SourceKnown { .. } | Error::SourceAbsent { .. } | Error::LastSource { .. } => {
                ErrorKind::Usage
            }
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::Missing { .. } => "name the staging path of the seed with `--staging`",
            Error::RepairLimit { .. } => {
                "have the drives imported whole, or say how much may be sent with `--repair-up-to SIZE`"
            }
            Error::ClientLocked { .. } => {
                "wait for it to end; `restic unlock` removes the lock of one that is gone"
            }
            Error::SeedsJoin { .. } => {
                "take them in with `azseed vault run`, or give one up with `azseed vault forget --seed ID`"
            }
            Error::AwaitsSeed { .. } => {
                "stage into the staging path of its seed, or run `azseed vault run` once the import is done"
            }
            Error::JoinsAlready { .. } => {
                "take it in with `azseed vault run`, or give it up with `azseed vault forget --seed ID`"
            }
            Error::SeedNotCleared { .. } => "run `azseed cleanup` first",
            Error::OtherChoice { .. } => "stage it with the same exclusions",
            Error::BaseGone { .. } => {
                "give the seed up with `azseed vault forget --seed ID`; the next `azseed vault run` uses \
                 what has come and sends the rest"
            }
            Error::SourceKnown { .. } => "see them with `azseed vault source list`",
            Error::LastSource { .. } => "add another one first with `azseed vault source add PATH`",
            Error::NotCleared { .. } => "run `azseed cleanup` first",
            Error::OtherRepository { .. } => {
                "see whose it is; make the vault anew in another container with `--vault-container`"
            }
            Error::SeedClosed { .. } => {
                "give a shared access signature for it with `--seed-sas-file FILE`, or sign in"
            }
            Error::Misnamed { .. } => {
                "the file was damaged before it was sent; check the staged repository, and stage anew"
            }
            Error::Blob { source, .. } | Error::List { source } => return source.hint(),
            Error::Asked { source } => return source.hint(),
            Error::Repository { vault, source } => {
                let check = typed(["azseed", "vault", "check", "--vault", vault.as_str()]);
                let look = || Hint::new(format!("`{check}` says whether it lacks something"));
                return source.hint().or_else(|| Some(look()));
            }
            Error::Claimed { vault, .. } => {
                let stage = typed(["azseed", "stage", "--vault", vault]);
                return Some(Hint::new(format!(
                    "name another container with `--vault-container`; a further seed of that vault \
                     is staged with `{stage}`"
                )));
            }
            Error::HasRepository { .. } => {
                "`azseed vault attach` makes it known here; then stage the seed with `azseed stage --vault NAME`"
            }
            Error::OtherName { there, .. } => {
                return Some(Hint::new(format!("attach it with `--vault {there}`")));
            }
            Error::NothingThere { .. } => "look at account, container and `--prefix`",
            Error::NoSeed { .. } => "do this on the machine that made the vault",
            Error::KnownAs { known } => {
                let line = typed(["azseed", "vault", "detach", "--vault", known.as_str()]);
                return Some(Hint::new(format!("use that name, or forget it with `{line}`")));
            }
            Error::OtherwiseAttached { .. } => {
                "`azseed vault set` changes it; `azseed vault detach` forgets it on this machine"
            }
            Error::KeepsNothing { .. } => {
                "keep at least one of a span, such as `--keep-daily 7`; without any, every snapshot is kept"
            }
            Error::Locked { .. } => "wait for the other run to end",
            Error::NoSnapshot { .. } | Error::ManySnapshots { .. } => {
                "list them with `azseed vault snapshots`"
            }
            Error::NoKey { .. } | Error::ManyKeys { .. } => {
                "list them with `azseed vault key list`"
            }
            Error::LastKey { .. } => {
                "give it a new one with `azseed vault key rotate --new-password-file FILE`"
            }
            Error::SamePassword { .. } => "write a new password into a file of its own",
            Error::KeyNotProven { .. } => {
                "the keys that were there stay; remove this one with `azseed vault key remove ID`"
            }
            Error::MovedElsewhere { .. } => "attach it as a vault of its own",
            Error::WhichSnapshot { .. } => "name one of these, or the snapshot by its id",
            Error::NoRepository { .. } => {
                "`azseed vault run` takes it in once the job is completed"
            }
            Error::NoVault { .. } => "list them with `azseed vault list`",
            Error::NotProtected { vault, .. } => {
                let line = typed(["azseed", "vault", "run", "--vault", vault.as_str()]);
                return Some(Hint::new(format!("run `{line}` until it says protected")));
            }
            Error::SeedDiffers { vault, .. } => {
                let check = ["azseed", "vault", "check", "--repair", "--read-data", "--vault"];
                let line = typed(check.into_iter().chain([vault.as_str()]));
                return Some(Hint::new(format!(
                    "mend it with `{line}`, and `--staging` where the seed was staged"
                )));
            }
            Error::SeedAwaited { .. } => {
                "let it take the seed in with `azseed vault run`, or forget it with `azseed vault detach`"
            }
            Error::SeedOver { .. } => {
                "send it to another container; a vault that is not there any more is forgotten with \
                 `azseed vault detach`"
            }
            Error::ImportUsed { .. } => {
                "without the seed's files nobody could read what was added there: keep it, or \
                 delete that first and forget its vault with `azseed vault detach`"
            }
            Error::TooYoung { .. } => {
                "run it again when that time is over, or name fewer days with `--older-than`"
            }
            Error::SharedContainer { .. } => {
                "name another container: `--vault-container` for a vault that is made, `--container` \
                 for a seed that joins one"
            }
            Error::NoPassword { .. } => return Some(Hint::PasswordFile),
            Error::NotHeld { .. } => "see that nobody else writes to the vault, then run it again",
            _ => return None,
        };
        Some(Hint::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_written_and_opens_nothing_is_a_failure_that_names_it() {
        let vault: VaultName = "office".parse().expect("a name");
        let error = Error::KeyNotProven { vault, id: "ab12".to_owned() };
        assert_eq!((error.code(), error.kind()), ("key-not-proven", ErrorKind::Failed));
        assert!(error.to_string().contains("ab12"));
        assert!(error.hint().is_some_and(|hint| hint.to_string().contains("key remove")));
    }
}
