//! A restore under way: what it works with, what waits for its turn, and how what cannot be done is
//! counted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use disk_prep::sys::attributes::AttributeHolder;
use disk_prep::sys::entry::{Name, Special};
use rustic_core::repofile::{Node, NodeType};

use super::super::error::Error;
use super::attributes::Wanted;
use super::content::{Filler, is_full};
use super::destination::{Barred, Spot};
use super::options::RestoreOptions;
use super::reading::Reader;
use super::report::{Reason, RestoreDone};
use super::selection::Selection;

pub(super) struct Run<'a> {
    pub reader: &'a Reader,
    pub target: &'a Path,
    pub options: &'a RestoreOptions,
    pub selection: &'a Selection,
    /// The folder of the snapshot that the target stands for.
    pub base: &'a Path,
    /// Folders above what was backed up, when it is put in its place: those that are there keep their
    /// attributes, and what stands there instead of one stays.
    pub kept: Vec<PathBuf>,
    pub filler: Filler<'a>,
    pub root: Rc<Spot>,
    pub pending: Vec<Pending>,
    /// Handles that they hold, at most.
    pub handles: usize,
    pub groups: HashMap<Group, Leader>,
    pub done: RestoreDone,
}

/// A file, link or special file that is to be made.
pub(super) struct Work {
    pub spot: Rc<Spot>,
    pub name: Name,
    /// The name until it is whole.
    pub draft: Name,
    /// Below the target.
    pub path: PathBuf,
    pub node: Node,
}

/// What waits for its turn.
pub(super) enum Pending {
    File(Box<Work>),
    /// All is in it.
    Folder {
        spot: Rc<Spot>,
        wanted: Wanted,
    },
}

/// Names of one file have the same device, inode, content and attributes in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub file: (u64, u64),
    pub digest: [u8; 32],
}

/// The first name of a file, for the others.
pub(super) struct Leader {
    pub folder: PathBuf,
    pub name: Name,
    pub id: (u64, u64),
    /// Names that the snapshot's machine had and that have not come yet.
    pub left: u64,
}

impl Run<'_> {
    /// Counts what could not be made; a full disk ends the run.
    pub fn barred(&mut self, path: &Path, why: Barred) -> Result<(), Error> {
        match why {
            Barred::InTheWay(what) => {
                let why = format!("{what}, and is replaced only with `--overwrite`");
                self.done.leave_out(Reason::InTheWay, path, why);
            }
            Barred::Above => {
                let why = "it was a folder above what was backed up and is none here, as a link to \
                           another; it is left as it is, so restore with `--target`";
                self.done.leave_out(Reason::InTheWay, path, why);
            }
            Barred::Twin => {
                let why = "the file system takes its name for that of another";
                self.done.leave_out(Reason::Name, path, why);
            }
            Barred::Io(error) if is_full(&error) => {
                return Err(Error::TargetFull { path: self.target.join(path) });
            }
            Barred::Io(error) => {
                self.done.leave_out(Reason::Unwritable, path, error.to_string());
            }
        }
        Ok(())
    }

    /// Gives attributes; whether any was to be given.
    pub fn dress(
        &mut self,
        path: &Path,
        held: &AttributeHolder<'_>,
        wanted: &Wanted,
    ) -> Result<bool, Error> {
        let given = wanted.differs(held).and_then(|differs| {
            Ok((differs, if differs { wanted.give(held) } else { wanted.look(held) }?))
        });
        match given {
            Ok((differs, missing)) => {
                for (reason, why) in missing {
                    self.done.leave_out(reason, path, why);
                }
                Ok(differs)
            }
            Err(error) => self.barred(path, Barred::Io(error)).map(|()| false),
        }
    }
}

/// What special file a node is, if it is one.
pub(super) fn special(node: &Node) -> Option<Special> {
    match node.node_type {
        NodeType::Fifo => Some(Special::Fifo),
        NodeType::Socket => Some(Special::Socket),
        NodeType::Dev { device } => Some(Special::Block(device)),
        NodeType::Chardev { device } => Some(Special::Character(device)),
        NodeType::File | NodeType::Dir | NodeType::Symlink { .. } => None,
    }
}
