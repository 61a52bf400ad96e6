//! The walk as steps into folders, out of them, and past what lies in them.

use std::ffi::OsStr;
use std::iter::Peekable;
use std::path::{Component, PathBuf};

use rustic_core::TreeId;
use rustic_core::repofile::{Metadata, Node, NodeType};

use super::super::source::{Entries, Entry, Opening, folder_node};
use super::former::{Former, Was};
use super::known::Ids;

/// A folder that cannot be looked at can be entered when it is restored.
const MODE_ABOVE: u32 = 0o755;

/// A step.
pub(super) enum Step {
    /// Into a folder; its tree if it was the same before.
    Enter(Node, Was<TreeId>),
    /// Out of it.
    Leave,
    /// Past something in it, which is still to be read if it can be opened.
    Pass(Node, Option<Opening>, Was<()>),
    /// Past what could not be read.
    Lost,
}

/// All steps of a walk.
pub(super) struct Steps<'a> {
    entries: Peekable<Entries>,
    /// The folder that it is in.
    folder: PathBuf,
    former: Former<'a>,
    held: &'a Ids,
}

impl<'a> Steps<'a> {
    /// Those of a walk; what is held of files that were not changed is used again.
    pub fn new(entries: Entries, former: Former<'a>, held: &'a Ids) -> Self {
        Steps { entries: entries.peekable(), folder: PathBuf::new(), former, held }
    }

    fn leave(&mut self) -> Option<Step> {
        let is_inside = self.folder.file_name().is_some();
        self.folder.pop();
        is_inside.then(|| {
            self.former.leave();
            Step::Leave
        })
    }

    fn enter(&mut self, node: Node) -> Step {
        let was = match self.former.find(&node) {
            Was::New => Was::New,
            Was::Same(Node { subtree: Some(tree), .. }) => Was::Same(*tree),
            _ => Was::Changed,
        };
        self.former.enter(&node.name);
        Step::Enter(node, was)
    }

    fn pass(&mut self, Entry { mut node, open, .. }: Entry) -> Step {
        let was = match self.former.find(&node) {
            Was::New => Was::New,
            Was::Changed => Was::Changed,
            Was::Same(own) if own.content.iter().flatten().all(|id| self.held.has(id)) => {
                node.content.clone_from(&own.content);
                return Step::Pass(node, None, Was::Same(()));
            }
            // The repository has lost something of it.
            Was::Same(_) => Was::New,
        };
        Step::Pass(node, open, was)
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let Some(entry) = self.entries.peek() else { return self.leave() };
        let into =
            if entry.node.is_dir() { Some(entry.path.as_path()) } else { entry.path.parent() };
        let into = into.map(PathBuf::from).unwrap_or_default();
        let Ok(missing) = into.strip_prefix(&self.folder) else { return self.leave() };
        for part in missing.components() {
            self.folder.push(part);
            let Component::Normal(name) = part else { continue };
            let is_itself = self.folder == into;
            let itself = self.entries.next_if(|entry| entry.node.is_dir() && is_itself);
            let node = itself.map(|entry| entry.node).or_else(|| folder_node(&self.folder));
            return Some(self.enter(node.unwrap_or_else(|| above(name))));
        }
        let entry = self.entries.next()?;
        Some(self.pass(entry))
    }
}

/// A folder above the sources that nobody can look at.
fn above(name: &OsStr) -> Node {
    let meta = Metadata { mode: Some(MODE_ABOVE), ..Metadata::default() };
    Node::new_node(name, NodeType::Dir, meta)
}
