//! Which part of a snapshot is meant: a folder or one entry of it, and patterns of what is taken and
//! what is left out, laid against the whole paths of the snapshot.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use disk_prep::sys::entry::Name;
use rustic_core::TreeId;
use rustic_core::repofile::{Node, NodeType};

use super::super::error::Error;
use super::super::pattern::{InvalidPattern, Pattern};
use super::options::RestoreOptions;
use super::reading::{Reader, Unread};

/// No path of Linux has more folders.
const MOST_LEVELS: usize = 2048;

/// What is taken.
#[derive(Debug, Default)]
pub(super) struct Selection {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    /// The only entry of the folder that is meant.
    only: Option<PathBuf>,
    /// Folders that lead to something that is taken; known after [`Selection::look`].
    leading: HashSet<PathBuf>,
    /// Whether what is left out is all there is; known after [`Selection::look`].
    leaves_nothing: bool,
}

/// The folder of a snapshot that a walk begins in.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub tree: TreeId,
    /// Its path in the snapshot.
    pub base: PathBuf,
    /// The folder itself; none for the root of all, and if an entry of it is meant.
    pub itself: Option<Node>,
    /// The only entry of it that is meant.
    pub only: Option<Node>,
}

/// Whether the last pattern that matches takes.
fn said(patterns: &[Pattern], path: &Path) -> bool {
    let last = patterns.iter().rev().find(|pattern| pattern.matches(path));
    last.is_some_and(|pattern| !pattern.is_negated())
}

impl Selection {
    pub(super) fn new(include: &[String], exclude: &[String]) -> Result<Self, InvalidPattern> {
        let parse = |texts: &[String]| -> Result<Vec<_>, _> {
            texts.iter().map(|text| Pattern::parse(text)).collect()
        };
        let (include, exclude) = (parse(include)?, parse(exclude)?);
        Ok(Selection { include, exclude, ..Selection::default() })
    }

    /// The same of one entry of a folder.
    pub(super) fn only(self, start: &Start) -> Self {
        let only = start.only.as_ref().map(|node| start.base.join(node.name()));
        Selection { only, ..self }
    }

    /// Whether all of the snapshot is taken.
    pub(super) fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.only.is_none()
    }

    /// That nothing of the snapshot is taken, once it was looked at.
    pub(super) fn nothing(&self, options: &RestoreOptions) -> Option<Error> {
        if self.leaves_nothing {
            return Some(Error::AllExcluded { patterns: options.exclude.join(", ") });
        }
        let is_nothing = !self.include.is_empty() && self.leading.is_empty();
        is_nothing.then(|| Error::NoPath { path: options.include.join(", ").into() })
    }

    /// Whether something is taken for itself, not only as a folder above something.
    pub(super) fn takes(&self, path: &Path) -> bool {
        self.only.as_ref().is_none_or(|only| path.starts_with(only))
            && !said(&self.exclude, path)
            && (self.include.is_empty() || said(&self.include, path))
    }

    /// Whether something is made, as itself or on the way to something.
    pub(super) fn makes(&self, path: &Path) -> bool {
        self.takes(path) || self.leading.contains(path)
    }

    /// Whether something below a folder may be taken.
    fn may_lead(&self, path: &Path) -> bool {
        !said(&self.exclude, path)
            && self.only.as_ref().is_none_or(|only| path.starts_with(only))
            && self.include.iter().any(|pattern| pattern.may_match_below(path))
    }

    /// Finds the folders that lead to what is taken, so that no other is made.
    pub(super) fn look(&mut self, reader: &Reader, start: &Start) -> Result<(), Error> {
        if self.include.is_empty() {
            self.leaves_nothing = !self.exclude.is_empty() && self.takes_none(reader, start)?;
            return Ok(());
        }
        let mut leading = HashSet::new();
        let mut folders = vec![(start.base.clone(), start.tree)];
        while let Some((path, tree)) = folders.pop() {
            let listing = match reader.tree(&tree) {
                Ok(listing) => listing,
                Err(Unread::Ended(error)) => return Err(error),
                // Nobody knows what it holds; the restore tells it.
                Err(Unread::Damaged(_)) => {
                    lead(&mut leading, &path, &start.base);
                    continue;
                }
            };
            for node in listing.nodes {
                let Ok(name) = Name::new(&node.name()) else { continue };
                let own = path.join(name.as_path());
                if self.takes(&own) {
                    lead(&mut leading, &path, &start.base);
                } else if matches!(node.node_type, NodeType::Dir)
                    && self.may_lead(&own)
                    && own.components().count() < MOST_LEVELS
                {
                    folders.extend(node.subtree.map(|tree| (own, tree)));
                }
            }
        }
        self.leading = leading;
        Ok(())
    }
}

impl Selection {
    /// Whether a folder has entries, and none of them is taken. One that cannot be read is told by the
    /// restore.
    fn takes_none(&self, reader: &Reader, start: &Start) -> Result<bool, Error> {
        let nodes = match reader.tree(&start.tree) {
            Ok(listing) => listing.nodes,
            Err(Unread::Ended(error)) => return Err(error),
            Err(Unread::Damaged(_)) => return Ok(false),
        };
        let is_taken = |node: &Node| self.takes(&start.base.join(node.name()));
        Ok(!nodes.is_empty() && !nodes.iter().any(is_taken))
    }
}

/// Marks a folder and those above it, up to the base.
fn lead(leading: &mut HashSet<PathBuf>, path: &Path, base: &Path) {
    for folder in path.ancestors().take_while(|folder| folder.starts_with(base)) {
        if !leading.insert(folder.to_owned()) {
            return;
        }
    }
}

/// Finds a path in a snapshot: the folder, or the folder that has the entry.
pub(super) fn find(reader: &Reader, tree: TreeId, path: &Path) -> Result<Start, Error> {
    let none = || Error::NoPath { path: path.to_owned() };
    let mut start = Start { tree, base: PathBuf::from("/"), itself: None, only: None };
    for part in path.components() {
        let name = match part {
            Component::RootDir | Component::CurDir => continue,
            Component::Normal(name) => name,
            Component::ParentDir | Component::Prefix(_) => return Err(none()),
        };
        if let Some(above) = start.only.take() {
            start.base.push(above.name());
            start.tree = above.subtree.ok_or_else(none)?;
        }
        let listing = match reader.tree(&start.tree) {
            Ok(listing) => listing,
            Err(Unread::Ended(error)) => return Err(error),
            Err(Unread::Damaged(why)) => {
                let remarks = vec![format!("{}: {why}", start.base.display())];
                return Err(Error::Damaged { remarks });
            }
        };
        let found = listing.nodes.into_iter().find(|node| *node.name() == *name);
        start.only = Some(found.ok_or_else(none)?);
    }
    if let Some(tree) = start.only.as_ref().and_then(|node| node.subtree) {
        let folder = start.only.take().ok_or_else(none)?;
        start.base.push(folder.name());
        (start.tree, start.itself) = (tree, Some(folder));
    }
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(include: &[&str], exclude: &[&str]) -> Selection {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Selection::new(&own(include), &own(exclude)).unwrap()
    }

    #[test]
    fn what_is_left_out_goes_before_what_is_taken_and_the_last_pattern_counts() {
        let takes = |include: &[&str], exclude: &[&str], path: &str| {
            selection(include, exclude).takes(Path::new(path))
        };
        assert!(takes(&[], &[], "/srv/a"));
        assert!(takes(&["*.txt"], &[], "/srv/a.txt") && !takes(&["*.txt"], &[], "/srv/a.log"));
        assert!(takes(&["/srv"], &[], "/srv/deep/in/it"));
        assert!(!takes(&["/srv"], &["deep"], "/srv/deep/in/it"));
        assert!(!takes(&[], &["*.log"], "/srv/a.log"));
        assert!(takes(&[], &["*.log", "!a.log"], "/srv/a.log"));
        assert!(!takes(&["/srv", "!/srv/x"], &[], "/srv/x/y"));
    }

    #[test]
    fn only_folders_that_a_rooted_pattern_can_lead_through_are_looked_into() {
        let leads =
            |include: &str, path: &str| selection(&[include], &["never"]).may_lead(Path::new(path));
        assert!(leads("/srv/app/x", "/srv") && leads("/srv/app/x", "/srv/app"));
        assert!(!leads("/srv/app/x", "/opt") && !leads("/srv/app/x", "/srv/web"));
        assert!(leads("/srv/**/x", "/srv/a/b/c") && leads("x", "/any/where"));
        assert!(!leads("x", "/any/never"));
    }
}
