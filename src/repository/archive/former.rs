//! What an earlier backup holds of the folders that the walk is in: a file that has not changed since
//! is not read again.

use std::collections::HashMap;

use rustic_core::repofile::{Node, Tree};
use rustic_core::{Id, TreeId};
use tracing::warn;

use super::super::repo::Library;

/// How something was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Was<T> {
    New,
    Changed,
    Same(T),
}

/// Reads a tree of the repository.
type ReadTree<'a> = Box<dyn Fn(&Id) -> Library<Tree> + Send + 'a>;

/// Folders of earlier backups, the one that the walk is in as the last; each of as many backups as
/// are compared with.
pub(super) struct Former<'a> {
    read: ReadTree<'a>,
    folders: Vec<Vec<HashMap<String, Node>>>,
}

impl<'a> Former<'a> {
    /// Begins at the roots of these backups.
    pub fn new(roots: &[TreeId], read: impl Fn(&Id) -> Library<Tree> + Send + 'a) -> Self {
        let mut former = Former { read: Box::new(read), folders: Vec::new() };
        let roots = former.nodes(roots);
        former.folders.push(roots);
        former
    }

    /// The nodes of each tree. One that cannot be read is no reason to back nothing up: what it would
    /// have told is read again.
    fn nodes(&self, trees: &[TreeId]) -> Vec<HashMap<String, Node>> {
        let read = |id: &TreeId| match (self.read)(id) {
            Ok(tree) => {
                Some(tree.nodes.into_iter().map(|node| (node.name.clone(), node)).collect())
            }
            Err(error) => {
                warn!(%error, tree = %id, "a folder of an earlier backup cannot be read");
                None
            }
        };
        trees.iter().filter_map(read).collect()
    }

    /// How something in this folder was, and what is held of it if it is the same.
    pub fn find(&self, node: &Node) -> Was<&Node> {
        let all = || self.folders.last().into_iter().flatten();
        let is_same = |own: &&Node| {
            own.node_type == node.node_type
                && own.meta.size == node.meta.size
                && own.meta.mtime == node.meta.mtime
                && own.meta.ctime.zip(node.meta.ctime).is_none_or(|(own, other)| own == other)
        };
        let mut named = all().filter_map(|nodes| nodes.get(&node.name)).peekable();
        match named.peek() {
            None => Was::New,
            Some(_) => named.find(is_same).map_or(Was::Changed, Was::Same),
        }
    }

    /// Goes into a folder.
    pub fn enter(&mut self, name: &str) {
        let here = self.folders.last().into_iter().flatten();
        let named = here.filter_map(|nodes| nodes.get(name)?.subtree);
        let mut trees: Vec<TreeId> = named.collect();
        trees.sort_unstable();
        trees.dedup();
        let nodes = self.nodes(&trees);
        self.folders.push(nodes);
    }

    /// Goes back to the folder above.
    pub fn leave(&mut self) {
        self.folders.pop();
    }
}
