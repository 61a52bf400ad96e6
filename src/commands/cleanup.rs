//! `cleanup`: the imported container and the staging path are cleared, once the vault has all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use disk_prep::noun::{ErrorKind, count};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::vault::{Writer, open_containers, pick, seed_blobs, staging};
use super::{Failure, Outcome};
use crate::azure::{Container, Fenced, Removed};
use crate::cli::{CleanupArgs, Global};
use crate::exit::Exit;
use crate::staging::{Error as StagingError, Origin, Seed, SeedState};
use crate::state::State;
use crate::ui::Ui;
use crate::vault::{Error, SeedBlob, Vault, held, is_held, is_repository_path};

/// Runs `cleanup`.
pub fn run(args: &CleanupArgs, global: &Global, ui: &Ui) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let vault = pick(&args.target, &state)?;
    let path = staging(&vault, &args.target).to_owned();
    if vault.cleaned_at.is_some() {
        // Its retention may have dropped blobs of the seed since.
        let vault = vault.name.to_string();
        return Ok(Box::new(Cleared { vault, staging: path, ..Cleared::default() }));
    }
    let seed = Seed::open(&path)?;
    if seed.id != vault.seed.id {
        return Err(Error::OtherSeed { vault: vault.name, path }.into());
    }
    let is_shared = vault.container == vault.seed.container
        && (vault.prefix.starts_with(&vault.seed.prefix)
            || vault.seed.prefix.starts_with(&vault.prefix));
    if is_shared {
        return Err(Error::SharedContainer { container: vault.container }.into());
    }
    let blobs = seed_blobs(&seed, &path)?;
    let (container, import) = open_containers(&vault, &args.target)?;
    // Looked at and asked before anything is sent that changes something.
    prove(&vault, &container, &blobs)?;
    let in_staging = if seed.origin == Origin::Written { path.as_path() } else { Path::new("") };
    if let Some(what) = what_would_go(&vault, &import, &blobs, in_staging)? {
        ui.consent(global, &what)?;
    }
    let mut writer = Writer::hold(&vault, &state)?;
    let lease = writer.lease(&container)?;
    let mut done = Cleared { vault: writer.vault.name.to_string(), ..Cleared::default() };
    if writer.vault.cleaned_at.is_none() {
        // Another run may have changed the vault since.
        prove(&writer.vault, &container, &blobs)?;
        clear_import(&writer.vault, &lease.guard(import), &blobs, &mut done)?;
        lease.check()?;
        if seed.origin == Origin::Written {
            let seed = Seed { state: SeedState::Cleared, ..seed };
            seed.save(&path)?;
            done.files_deleted = clear_staging(&seed.data_root(&path), &blobs)?;
        }
        writer.record(|own| own.cleaned_at = Some(Timestamp::now()))?;
    }
    done.staging = path;
    Ok(Box::new(done))
}

/// Refuses while the vault lacks a single blob of the seed.
fn prove(vault: &Vault, container: &Container, blobs: &[SeedBlob]) -> Result<(), Error> {
    let held = held(container, &vault.prefix).map_err(|source| Error::List { source })?;
    let missing = blobs.iter().filter(|blob| !is_held(&held, blob)).count();
    if missing > 0 || blobs.is_empty() || vault.ingested_at.is_none() {
        let vault = vault.name.clone();
        return Err(Error::NotProtected { vault, missing, total: blobs.len() });
    }
    Ok(())
}

/// What would be deleted, in a sentence; `None` if nothing is left. Of an adopted seed nothing is
/// deleted below the staging path, which then is empty.
fn what_would_go(
    vault: &Vault,
    import: &Container,
    blobs: &[SeedBlob],
    staging: &Path,
) -> Result<Option<String>, Error> {
    let prefix = &vault.seed.prefix;
    let seen = import.list(prefix).map_err(|source| Error::List { source })?;
    let is_there = |blob: &&SeedBlob| seen.contains_key(&format!("{prefix}{}", blob.path));
    let imported = blobs.iter().filter(is_there).count();
    let container = format!("{}/{}/{prefix}", vault.storage_account, vault.seed.container);
    let repository = staging.join("repo");
    let has_files = !staging.as_os_str().is_empty() && repository.exists();
    let imported = format!("{} of {container}", count(imported, "blob"));
    Ok(match (blobs.iter().any(|blob| is_there(&blob)), has_files) {
        (false, false) => None,
        (true, false) => Some(format!("Would delete {imported}")),
        (_, true) => {
            let files = format!("the repository in {}", repository.display());
            Some(format!("Would delete {imported} and {files}"))
        }
    })
}

/// Deletes the imported blobs, each only as it was seen, and only what can be the seed's: one that
/// says another length or another MD5 was put there by somebody, and stays.
fn clear_import(
    vault: &Vault,
    import: &Fenced,
    blobs: &[SeedBlob],
    done: &mut Cleared,
) -> Result<(), Error> {
    let prefix = &vault.seed.prefix;
    let seen = import.list(prefix).map_err(|source| Error::List { source })?;
    for blob in blobs {
        let name = format!("{prefix}{}", blob.path);
        let Some(facts) = seen.get(&name) else { continue };
        if facts.bytes != blob.bytes || facts.md5.is_some_and(|md5| md5 != blob.md5) {
            done.blobs_left.push(name);
            continue;
        }
        let removed = import.remove(&name, &facts.etag);
        match removed.map_err(|source| Error::Blob { path: name.clone(), source })? {
            Removed::Done => done.blobs_deleted += 1,
            Removed::Absent => {}
            Removed::Changed => done.blobs_left.push(name),
        }
    }
    Ok(())
}

/// Deletes the files of the seed and folders that are empty then; returns how many files.
fn clear_staging(root: &Path, blobs: &[SeedBlob]) -> Result<u64, StagingError> {
    let mut deleted = 0;
    for blob in blobs.iter().filter(|blob| is_repository_path(&blob.path)) {
        let path = root.join(&blob.path);
        match fs::remove_file(&path) {
            Ok(()) => deleted += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StagingError::Io { path, source }),
        }
    }
    let folders = walkdir::WalkDir::new(root).contents_first(true).into_iter().flatten();
    for folder in folders.filter(|entry| entry.file_type().is_dir()) {
        // One that holds somebody's file stays.
        let _ = fs::remove_dir(folder.path());
    }
    Ok(deleted)
}

/// What was cleared.
#[derive(Default)]
struct Cleared {
    vault: String,
    staging: PathBuf,
    blobs_deleted: u64,
    blobs_left: Vec<String>,
    files_deleted: u64,
}

impl Outcome for Cleared {
    fn text(&self) -> String {
        let Cleared { vault, staging, blobs_deleted, files_deleted, .. } = self;
        let mut lines = vec![match (blobs_deleted, files_deleted) {
            (0, 0) => format!("Vault {vault} has all of the seed. Nothing was left to delete"),
            _ => format!(
                "Vault {vault} has all of the seed. Deleted: {}, {} of {}",
                count(*blobs_deleted, "imported blob"),
                count(*files_deleted, "file"),
                staging.display()
            ),
        }];
        for name in &self.blobs_left {
            lines.push(format!("Left alone, since somebody changed it: {name}"));
        }
        lines.join("\n")
    }

    fn json(&self) -> Vec<Value> {
        vec![json!({
            "type": "cleanup", "version": 1, "vault": self.vault, "staging": self.staging,
            "blobs_deleted": self.blobs_deleted, "blobs_left": self.blobs_left,
            "files_deleted": self.files_deleted,
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of((!self.blobs_left.is_empty()).then_some(ErrorKind::LeftOut))
    }
}
