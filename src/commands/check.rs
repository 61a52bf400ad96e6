//! `check`: whether everything is in place.

use std::io;
use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use super::call::Call;
use super::flags::{azure, blobs};
use crate::check::finding::Checked;
use crate::check::tree::Tree;
use crate::check::{filesystems, guest, host};
use crate::cli::{CheckArgs, CheckAzureArgs, CheckCommand, ForChoice, RootArgs};
use crate::journey::ready::{self, Purpose, ReadyOptions};
use crate::outcome::Ended;

/// Runs `check`.
pub fn run(args: &CheckArgs, call: &Call<'_>) -> Ended {
    match &args.command {
        CheckCommand::Host => Ok(Box::new(host::check(call.desk().state()?.folder()))),
        CheckCommand::Guest(args) => {
            let tree = tree(args)?;
            let mut found = guest::look(&tree);
            found.extend(filesystems::look(&tree));
            Ok(Box::new(Checked(found)))
        }
        CheckCommand::Filesystems(args) => Ok(Box::new(Checked(filesystems::look(&tree(args)?)))),
        CheckCommand::Azure(args) => Ok(Box::new(ready::check(options(args, call), &call.desk())?)),
    }
}

fn tree(args: &RootArgs) -> Result<Tree, NoTree> {
    Tree::open(&args.root).map_err(|source| NoTree { root: args.root.clone(), source })
}

#[derive(Debug, thiserror::Error)]
#[error("Cannot look into {}", root.display())]
struct NoTree {
    root: PathBuf,
    source: io::Error,
}

impl Diagnose for NoTree {
    fn code(&self) -> &'static str {
        "tree-unreadable"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name the folder that the machine's files lie in with `--root`"))
    }
}

fn options(args: &CheckAzureArgs, call: &Call<'_>) -> ReadyOptions {
    ReadyOptions {
        purpose: match args.purpose {
            ForChoice::Import => Purpose::Import,
            ForChoice::Vault => Purpose::Vault,
        },
        staging: args.staging.clone(),
        job: args.job.clone(),
        service: call.given("service", args.service),
        subscription: call.given("subscription", args.subscription.clone()),
        resource_group: call.given("resource_group", args.resource_group.clone()),
        storage_account: call.given("storage_account", args.storage_account.clone()),
        container: call.given("container", args.container.clone()),
        location: call.given("location", args.location.clone()),
        contact: args.contact.clone(),
        azure: azure(&args.azure),
        blobs: blobs(&args.blobs),
    }
}
