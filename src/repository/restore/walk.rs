//! The walk over a snapshot's tree: every folder is held by its handle and given its attributes when
//! all is in it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use disk_prep::sys::beneath::Kind;
use disk_prep::sys::entry::{Name, sync_all};
use rustic_core::repofile::{Node, NodeType};
use rustic_core::{Progress, TreeId};

use super::super::error::Error;
use super::attributes::Wanted;
use super::content::{Filler, is_full};
use super::destination::{Barred, Spot, draft_name};
use super::options::RestoreOptions;
use super::reading::{Listing, Reader, Unread};
use super::report::{Reason, RestoreDone};
use super::run::{Pending, Run, Work};
use super::selection::{Selection, Start};

/// Folders in folders; no path of Linux has more.
const MOST_LEVELS: usize = 2048;
/// So many levels are held open; those above are opened again when the walk comes back.
const MOST_HELD: usize = 64;

/// Restores a tree.
pub(super) fn restore(
    reader: &Reader,
    start: &Start,
    target: &Path,
    selection: &Selection,
    options: &RestoreOptions,
    kept: Vec<PathBuf>,
    progress: &Progress,
) -> Result<RestoreDone, Error> {
    let failed = |source: io::Error| match is_full(&source) {
        true => Error::TargetFull { path: target.to_owned() },
        false => Error::Target { path: target.to_owned(), source },
    };
    // A target that held nothing becomes the folder that it stands for; another one stays what it is.
    let itself = start.itself.as_ref().map(|node| Wanted::of(&node.meta, options.owners));
    let (root, is_new) = Spot::open(target, itself.is_some()).map_err(failed)?;
    let (root, wanted) = (Rc::new(root), itself.filter(|_| is_new));
    let mut run = Run {
        reader,
        target,
        options,
        selection,
        base: &start.base,
        kept,
        filler: Filler { reader, progress, written: AtomicU64::new(0) },
        root: root.clone(),
        pending: Vec::new(),
        handles: 0,
        groups: HashMap::new(),
        done: RestoreDone { folder: target.to_owned(), ..RestoreDone::default() },
    };
    run.walk(&start.tree, &root, wanted)?;
    root.end();
    // What the kernel could not write yet is an error of this call, not of nobody.
    sync_all(&root.folder).map_err(failed)?;
    run.done.bytes = run.filler.written.load(Ordering::Relaxed);
    Ok(run.done)
}

/// A folder that the walk is in.
struct Level {
    path: PathBuf,
    /// `None` while a folder far below is walked.
    spot: Option<Rc<Spot>>,
    done: Rc<std::cell::RefCell<HashSet<(u64, u64)>>>,
    nodes: std::vec::IntoIter<Node>,
    names: HashSet<OsString>,
    seen: HashSet<OsString>,
    /// The folder's own attributes, if it gets them.
    wanted: Option<Wanted>,
}

impl Run<'_> {
    fn walk(
        &mut self,
        tree: &TreeId,
        root: &Rc<Spot>,
        wanted: Option<Wanted>,
    ) -> Result<(), Error> {
        let mut levels = vec![self.level(root.clone(), tree, wanted)?];
        while let Some(level) = levels.last_mut() {
            let next = level.nodes.next();
            let Some(spot) = self.reach(level)? else {
                levels.pop();
                continue;
            };
            let Some(node) = next else {
                let wanted = level.wanted.take();
                levels.pop();
                if let Some(wanted) = wanted {
                    self.wait(Pending::Folder { spot, wanted })?;
                }
                continue;
            };
            let Some((name, path)) = self.name(&node, level) else { continue };
            if !self.selection.makes(&self.base.join(&path)) {
                continue;
            }
            if matches!(node.node_type, NodeType::Dir) {
                let is_deep = levels.len() == MOST_LEVELS;
                if let Some(below) = self.enter(&spot, &name, &path, &node, is_deep)? {
                    levels.push(below);
                    if let Some(above) = levels.len().checked_sub(MOST_HELD + 1) {
                        levels[above].spot = None;
                    }
                }
            } else {
                let draft = draft_name(&name, &level.names);
                self.add(Work { spot, name, draft, path, node })?;
            }
        }
        self.flush()
    }

    /// The walk's folder, opened again if need be.
    fn reach(&mut self, level: &mut Level) -> Result<Option<Rc<Spot>>, Error> {
        if level.spot.is_none() {
            match self.root.folder.folder(&level.path) {
                Ok(folder) => {
                    let (path, done) = (level.path.clone(), level.done.clone());
                    level.spot = Some(Rc::new(Spot { folder, path, done }));
                }
                Err(error) => {
                    let path = level.path.clone();
                    self.barred(&path, Barred::Io(error))?;
                }
            }
        }
        Ok(level.spot.clone())
    }

    /// What is in a folder.
    fn level(
        &mut self,
        spot: Rc<Spot>,
        tree: &TreeId,
        wanted: Option<Wanted>,
    ) -> Result<Level, Error> {
        let nodes = match self.reader.tree(tree) {
            Ok(tree) => tree,
            Err(Unread::Ended(error)) => return Err(error),
            Err(Unread::Damaged(why)) => {
                let path =
                    if spot.path.as_os_str().is_empty() { Path::new(".") } else { &spot.path };
                let why = format!("what it holds is not known: {why}");
                self.done.leave_out(Reason::Damaged, path, why);
                Listing::default()
            }
        };
        for what in nodes.unknown {
            self.done.leave_out(Reason::Special, &spot.path, what);
        }
        let nodes = nodes.nodes;
        Ok(Level {
            path: spot.path.clone(),
            done: spot.done.clone(),
            spot: Some(spot),
            names: nodes.iter().map(|node| node.name().into_owned()).collect(),
            nodes: nodes.into_iter(),
            seen: HashSet::new(),
            wanted,
        })
    }

    /// The name of a node, if it can be one in this folder, and its path below the target.
    fn name(&mut self, node: &Node, level: &mut Level) -> Option<(Name, PathBuf)> {
        let raw = node.name();
        match Name::new(&raw) {
            Ok(name) if level.seen.insert(raw.clone().into_owned()) => {
                let path = level.path.join(name.as_path());
                Some((name, path))
            }
            Ok(name) => {
                let path = level.path.join(name.as_path());
                let why = "its folder has the name more than once";
                self.done.leave_out(Reason::Name, &path, why);
                None
            }
            Err(fault) => {
                // Joined as text: such a name would change the path.
                let path = format!("{}/{}", level.path.display(), raw.display());
                self.done.leave_out(Reason::Name, Path::new(&path), fault.to_string());
                None
            }
        }
    }

    /// Goes into a folder, which is made if it is missing.
    fn enter(
        &mut self,
        spot: &Spot,
        name: &Name,
        path: &Path,
        node: &Node,
        is_deep: bool,
    ) -> Result<Option<Level>, Error> {
        if is_deep {
            self.done.leave_out(Reason::Name, path, "it lies too deep");
            return Ok(None);
        }
        let Some(tree) = node.subtree else {
            self.done.leave_out(Reason::Damaged, path, "what it holds is not known");
            return Ok(None);
        };
        let wanted = Wanted::of(&node.meta, self.options.owners);
        let there = spot.entry(name).facts().ok().flatten();
        let is_above = self.kept.iter().any(|kept| *kept == self.base.join(path));
        if is_above && there.as_ref().is_some_and(|facts| facts.kind != Kind::Folder) {
            return self.barred(path, Barred::Above).map(|()| None);
        }
        match spot.enter(name, node.meta.mode.is_some(), self.options.overwrite) {
            Ok(below) => {
                let is_kept = is_above && there.is_some();
                self.level(Rc::new(below), &tree, Some(wanted).filter(|_| !is_kept)).map(Some)
            }
            Err(why) => self.barred(path, why).map(|()| None),
        }
    }
}
