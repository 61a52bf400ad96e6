//! What `check` is told, in the words of its journey.

use std::io;
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use crate::check::finding::Finding;
use crate::check::guest::Whose;
use crate::check::tree::Tree;
use crate::cli::{ForChoice, RootArgs};
use crate::journey::live::live;
use crate::journey::ready::Purpose;

/// What for.
pub(super) fn purpose(own: ForChoice) -> Purpose {
    match own {
        ForChoice::Import => Purpose::Import,
        ForChoice::Vault => Purpose::Vault,
        ForChoice::DiskBackup => Purpose::DiskBackup,
        ForChoice::Vm => Purpose::Vm,
        ForChoice::Restore => Purpose::Restore,
    }
}

/// A machine's files.
pub(super) fn tree(args: &RootArgs) -> Result<Tree, NoTree> {
    Tree::open(&args.root).map_err(|source| NoTree { root: args.root.clone(), source })
}

/// Whether the files are those of this machine.
fn is_this_machine(args: &RootArgs) -> bool {
    args.root == Path::new("/")
}

/// Whose files they are; only this machine is asked something.
pub(super) fn whose(args: &RootArgs, tree: &Tree) -> Whose {
    match is_this_machine(args) {
        true => Whose::ThisMachine(live(tree)),
        false => Whose::Another,
    }
}

/// What was found, with lines to type only for the machine that they are typed at.
pub(super) fn told(args: &RootArgs, found: Vec<Finding>) -> Vec<Finding> {
    match is_this_machine(args) {
        true => found,
        false => found.into_iter().map(Finding::elsewhere).collect(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("Cannot look into {}", root.display())]
pub(super) struct NoTree {
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
