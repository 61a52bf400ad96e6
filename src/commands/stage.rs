//! `stage`: the seed of a staging path.

use std::path::Path;

use disk_prep::noun::{ByteSize, Contact};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::cli::{AdoptArgs, SeedArgs, StageArgs, StageCommand};
use crate::staging::{Origin, Seed, SeedKind, SeedState, Target, adopt};

/// Runs `stage`.
pub fn run(args: &StageArgs) -> Result<Box<dyn Outcome>, Failure> {
    match &args.command {
        StageCommand::Adopt(AdoptArgs { source, seed }) => {
            let staging = seed.staging.clone();
            let seed = adopt(source, &staging, target(seed)?, Timestamp::now())?;
            Ok(Box::new(Staged { seed, staging }))
        }
        StageCommand::Status(args) => {
            let seed = Seed::open(&args.staging)?;
            Ok(Box::new(Staged { seed, staging: args.staging.clone() }))
        }
    }
}

fn target(args: &SeedArgs) -> Result<Target, Failure> {
    Ok(Target {
        job: args.job.clone(),
        storage_account: args.storage_account.clone(),
        container: args.container.clone(),
        prefix: String::new(),
        subscription: args.subscription.clone(),
        resource_group: args.resource_group.clone(),
        location: args.location.clone(),
        vault: args.vault.clone(),
        contact: args.contact.as_deref().map(contact).transpose()?,
    })
}

/// A contact file that cannot be used.
#[derive(Debug, thiserror::Error)]
enum ContactError {
    #[error("Cannot read {path}")]
    Read {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not a contact file")]
    Form {
        path: std::path::PathBuf,
        #[source]
        source: toml::de::Error,
    },
    #[error(transparent)]
    Noun(#[from] disk_prep::noun::InvalidNoun),
}

impl disk_prep::noun::Diagnose for ContactError {
    fn code(&self) -> &'static str {
        match self {
            ContactError::Read { .. } => "contact-unreadable",
            ContactError::Form { .. } | ContactError::Noun(_) => "contact-invalid",
        }
    }
    fn kind(&self) -> disk_prep::noun::ErrorKind {
        disk_prep::noun::ErrorKind::Usage
    }
}

fn contact(path: &Path) -> Result<Contact, ContactError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ContactError::Read { path: path.to_owned(), source })?;
    let contact: Contact = toml::from_str(&text)
        .map_err(|source| ContactError::Form { path: path.to_owned(), source })?;
    contact.check()?;
    Ok(contact)
}

struct Staged {
    seed: Seed,
    staging: std::path::PathBuf,
}

impl Outcome for Staged {
    fn text(&self) -> String {
        let Seed { kind, origin, state, totals, target, .. } = &self.seed;
        let what = match (kind, origin) {
            (SeedKind::Repository, Origin::Written) => "a repository, written by azseed",
            (SeedKind::Repository, Origin::Adopted) => "a repository, taken as it stands",
            (SeedKind::Files, _) => "files, taken as they stand",
        };
        let state = match state {
            SeedState::Finished => "finished",
            SeedState::Unfinished => "not finished: run the same `azseed stage` again",
        };
        format!(
            "Staging path  {}\nSeed          {what}\nData          {}\nState         {state}\n\
             To ship       {} files, {}\nJob           {}\nDestination   {}/{}/{}",
            self.staging.display(),
            self.seed.data_root(&self.staging).display(),
            totals.files,
            ByteSize(totals.bytes),
            target.job,
            target.storage_account,
            target.container,
            target.prefix
        )
    }

    fn json(&self) -> Vec<Value> {
        let Seed { id, kind, origin, state, totals, target, .. } = &self.seed;
        vec![json!({
            "type": "seed", "version": 1, "id": id, "kind": kind, "origin": origin, "state": state,
            "staging": self.staging, "job": target.job, "storage_account": target.storage_account,
            "container": target.container, "prefix": target.prefix, "files": totals.files,
            "bytes": totals.bytes,
        })]
    }
}
