//! `cleanup`: the imported container and the staging path are cleared, once the vault has all.

use std::path::{Path, PathBuf};

use disk_prep::noun::{ErrorKind, count};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::door::Door;
use super::vault::{Writer, open_containers, own_seed, pick, seed_blobs, staging, staging_path};
use super::{Failure, Outcome};
use crate::azure::Container;
use crate::cli::{CleanupArgs, Global};
use crate::exit::Exit;
use crate::staging::{Origin, Seed, SeedState};
use crate::state::State;
use crate::ui::Ui;
use crate::vault::{Error, SeedBlob, Vault, clear, held, is_held, is_repository_path};

/// Runs `cleanup`.
pub fn run(
    args: &CleanupArgs,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let vault = pick(&args.target, &state)?;
    let path = staging_path(&vault, &args.target).to_owned();
    if vault.cleaned_at.is_some() {
        // Its retention may have dropped blobs of the seed since.
        let vault = vault.name.to_string();
        return Ok(Box::new(Cleared { vault, staging: path, ..Cleared::default() }));
    }
    let staging = staging(&vault, &args.target, door)?;
    let seed = own_seed(&vault, &staging)?;
    let is_shared = vault.container == vault.seed.container
        && (vault.prefix.starts_with(&vault.seed.prefix)
            || vault.seed.prefix.starts_with(&vault.prefix));
    if is_shared {
        return Err(Error::SharedContainer { container: vault.container }.into());
    }
    let blobs = seed_blobs(&seed, &staging)?;
    let (container, import) = open_containers(&vault, &args.target)?;
    // Looked at and asked before anything is sent that changes something.
    prove(&vault, &container, &blobs)?;
    let is_ours = seed.origin == Origin::Written;
    let repository = is_ours.then(|| path.join("repo")).filter(|repository| repository.exists());
    if let Some(what) = what_would_go(&vault, &import, &blobs, repository.as_deref())? {
        ui.consent(global, &what)?;
    }
    let mut writer = Writer::hold(&vault, &state)?;
    let lease = writer.lease(&container)?;
    let mut done = Cleared { vault: writer.vault.name.to_string(), ..Cleared::default() };
    if writer.vault.cleaned_at.is_none() {
        // Another run may have changed the vault since.
        prove(&writer.vault, &container, &blobs)?;
        let cleared = clear(&lease.guard(import), &writer.vault.seed.prefix, &blobs)?;
        (done.blobs_deleted, done.blobs_left) = (cleared.deleted, cleared.left);
        lease.check()?;
        if seed.origin == Origin::Written {
            let seed = Seed { state: SeedState::Cleared, ..seed };
            seed.save(&staging)?;
            let files = blobs.iter().filter(|blob| is_repository_path(&blob.path));
            // Whoever has the lease by then may still need them.
            let mut lost = Ok(());
            let files = files.map_while(|blob| {
                lost = lease.check();
                lost.is_ok().then(|| Path::new(&blob.path))
            });
            done.files_deleted = staging.data(&seed)?.clear(files)?;
            lost?;
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

/// What would be deleted, in a sentence; `None` if nothing is left.
fn what_would_go(
    vault: &Vault,
    import: &Container,
    blobs: &[SeedBlob],
    repository: Option<&Path>,
) -> Result<Option<String>, Error> {
    let prefix = &vault.seed.prefix;
    let seen = import.list(prefix).map_err(|source| Error::List { source })?;
    let is_there = |blob: &&SeedBlob| seen.contains_key(&format!("{prefix}{}", blob.path));
    let imported = blobs.iter().filter(is_there).count();
    let container = format!("{}/{}/{prefix}", vault.storage_account, vault.seed.container);
    let what = format!("Would delete {} of {container}", count(imported, "imported blob"));
    Ok(match repository {
        Some(path) => Some(format!("{what} and the repository in {}", path.display())),
        None => (imported > 0).then_some(what),
    })
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
    fn lines(&self) -> Vec<String> {
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
        lines
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
