//! `cleanup`: the imported container and the staging path are cleared, once the vault has all.

use std::path::{Path, PathBuf};

use disk_prep::noun::{ErrorKind, count};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::door::Door;
use super::vault::{own_seed, pick, seed_blobs, shelf, staging, staging_path};
use super::{Failure, Outcome};
use crate::azure::Removed;
use crate::cli::{CleanupArgs, Global};
use crate::exit::Exit;
use crate::staging::{Origin, Seed, SeedState};
use crate::state::State;
use crate::vault::{ContainerShelf, Error, SeedBlob, Shelf, Vault, is_held, is_repository_path};

/// Runs `cleanup`.
pub fn run(
    args: &CleanupArgs,
    global: &Global,
    door: &Door<'_>,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let mut vault = pick(&args.target, &state)?;
    let path = staging_path(&vault, &args.target).to_owned();
    if vault.cleaned_at.is_some() {
        // Its retention may have dropped blobs of the seed since.
        let vault = vault.name.to_string();
        return Ok(Box::new(Cleared { vault, staging: path, ..Cleared::default() }));
    }
    let staging = staging(&vault, &args.target, door)?;
    let seed = own_seed(&vault, &staging)?;
    let blobs = seed_blobs(&seed, &staging)?;
    let shelf = shelf(&vault, &args.target)?;
    prove(&vault, &shelf, &blobs)?;
    let mut done = Cleared { vault: vault.name.to_string(), ..Cleared::default() };
    clear_import(&vault, &shelf, &blobs, &mut done)?;
    if seed.origin == Origin::Written {
        let seed = Seed { state: SeedState::Cleared, ..seed };
        seed.save(&staging)?;
        let files = blobs.iter().filter(|blob| is_repository_path(&blob.path));
        let files = files.map(|blob| Path::new(&blob.path));
        done.files_deleted = staging.data(&seed)?.clear(files)?;
    }
    vault.cleaned_at = Some(Timestamp::now());
    state.keep_vault(&vault)?;
    done.staging = path;
    Ok(Box::new(done))
}

/// Refuses while the vault lacks a single blob of the seed.
fn prove(vault: &Vault, shelf: &ContainerShelf, blobs: &[SeedBlob]) -> Result<(), Error> {
    let held = shelf.held().map_err(|source| Error::List { source })?;
    let missing = blobs.iter().filter(|blob| !is_held(&held, blob)).count();
    if missing > 0 || blobs.is_empty() || vault.ingested_at.is_none() {
        let vault = vault.name.clone();
        return Err(Error::NotProtected { vault, missing, total: blobs.len() });
    }
    Ok(())
}

/// Deletes the imported blobs, each only as it was seen.
fn clear_import(
    vault: &Vault,
    shelf: &ContainerShelf,
    blobs: &[SeedBlob],
    done: &mut Cleared,
) -> Result<(), Error> {
    let prefix = &vault.seed.prefix;
    let seen = shelf.import.list(prefix).map_err(|source| Error::List { source })?;
    for blob in blobs {
        let name = format!("{prefix}{}", blob.path);
        let Some(facts) = seen.get(&name) else { continue };
        let removed = shelf.import.remove(&name, &facts.etag);
        match removed.map_err(|source| Error::Blob { path: name.clone(), source })? {
            Removed::Done => done.blobs_deleted += 1,
            Removed::Absent => {}
            Removed::Changed => done.blobs_left.push(name),
        }
    }
    Ok(())
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
