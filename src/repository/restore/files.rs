//! Files, links and special files of a snapshot. Files are gathered, so that their content can be
//! compared and fetched together, and finished one after another in the order of the tree.

use std::collections::HashSet;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use disk_prep::sys::attributes::AttributeHolder;
use disk_prep::sys::beneath::Kind;
use disk_prep::sys::entry::{Entry, Facts, Special};
use disk_prep::sys::handles::most_open;
use rustic_core::DataId;
use rustic_core::repofile::NodeType;
use sha2::{Digest, Sha256};

use super::super::error::Error;
use super::attributes::Wanted;
use super::content::{Content, Fault, Stopped, is_full};
use super::destination::Barred;
use super::options::{Overwrite, Owners};
use super::report::Reason;
use super::run::{Group, Leader, Pending, Run, Work, special};

/// What waits for its turn, at most, as long as there are handles for it. The more files wait, the
/// longer are the stretches of packs that are read at once.
const MOST_PENDING: usize = 1024;
/// Handles that a file may hold: what is there, its draft, its entry, its folder.
const FILE_HANDLES: usize = 4;
/// Handles of all else: of the folders that the walk is in, and of connections.
const OTHER_HANDLES: usize = 192;

/// How far a file is.
enum Stage<'a> {
    /// It is counted already.
    Over,
    /// Its content is compared or written.
    Content(Box<Content<'a>>),
    /// It is another name of a file that comes before it.
    Name(Group),
}

impl Run<'_> {
    /// Takes up a node that is no folder.
    pub(super) fn add(&mut self, work: Work) -> Result<(), Error> {
        if matches!(work.node.node_type, NodeType::File) {
            return self.wait(Pending::File(Box::new(work)));
        }
        let made = match special(&work.node) {
            Some(special) => self.make_special(&work, special),
            None => self.make_link(&work),
        };
        match made {
            Ok(()) => Ok(()),
            Err(Stopped::Ended(error)) => Err(error),
            Err(Stopped::Full(_)) => Err(self.full(&work.path)),
        }
    }

    /// Lets it wait with others; if there is no room for more, all of them get their turn.
    pub(super) fn wait(&mut self, pending: Pending) -> Result<(), Error> {
        self.handles += if matches!(pending, Pending::File(_)) { FILE_HANDLES } else { 1 };
        self.pending.push(pending);
        let room = most_open().saturating_sub(OTHER_HANDLES);
        let is_many = self.pending.len() >= MOST_PENDING || self.handles + FILE_HANDLES > room;
        if is_many { self.flush() } else { Ok(()) }
    }

    /// Does all that waits.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        let pending = std::mem::take(&mut self.pending);
        self.handles = 0;
        let works: Vec<&Work> = pending.iter().filter_map(file).collect();
        let mut stages = self.content_of(&works, Grouped::Yes)?.into_iter();
        for own in &pending {
            match own {
                Pending::Folder { spot, wanted } => {
                    let held = AttributeHolder::Open(spot.folder.handle());
                    self.dress(&spot.path, &held, wanted)?;
                }
                Pending::File(work) => {
                    let stage = stages.next().unwrap_or(Stage::Over);
                    self.finish(work, stage)?;
                }
            }
        }
        Ok(())
    }

    /// Compares and writes the content of files.
    fn content_of<'w>(
        &mut self,
        works: &[&'w Work],
        grouped: Grouped,
    ) -> Result<Vec<Stage<'w>>, Error> {
        let mut coming = HashSet::new();
        let mut stages = Vec::with_capacity(works.len());
        let mut contents = Vec::new();
        for work in works {
            let group = group(work).filter(|_| grouped == Grouped::Yes);
            let is_known =
                |group: &Group| self.groups.contains_key(group) || coming.contains(group);
            match group {
                Some(group) if is_known(&group) => stages.push(Some(Stage::Name(group))),
                group => match self.prepare(work)? {
                    None => stages.push(Some(Stage::Over)),
                    Some(content) => {
                        coming.extend(group);
                        contents.push(content);
                        stages.push(None);
                    }
                },
            }
        }
        self.filler.compare(&contents);
        let owners: Vec<&Work> =
            works.iter().zip(&stages).filter(|own| own.1.is_none()).map(|own| *own.0).collect();
        for (work, content) in owners.iter().zip(&mut contents) {
            if content.same().is_some() {
                continue;
            }
            if let Err(error) = work.spot.draft(&work.draft).and_then(|own| content.write_to(own)) {
                self.barred(&work.path, Barred::Io(error))?;
                content.give_up();
            }
        }
        match self.filler.fill(&contents) {
            Ok(()) => {}
            Err(Stopped::Ended(error)) => return Err(error),
            Err(Stopped::Full(number)) => return Err(self.full(&owners[number].path)),
        }
        let mut contents = contents.into_iter();
        let mut next = || contents.next().map_or(Stage::Over, |own| Stage::Content(Box::new(own)));
        Ok(stages.into_iter().map(|stage| stage.unwrap_or_else(&mut next)).collect())
    }

    /// Looks at what is there.
    fn prepare<'w>(&mut self, work: &'w Work) -> Result<Option<Content<'w>>, Error> {
        let ids: &[DataId] = work.node.content.as_deref().unwrap_or_default();
        let bytes = match self.filler.measure(ids) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.done.leave_out(Reason::Damaged, &work.path, why);
                return Ok(None);
            }
        };
        let found = match work.spot.look(&work.name, self.options.overwrite) {
            Ok(found) => found.filter(|facts| facts.kind == Kind::File),
            Err(why) => return self.barred(&work.path, why).map(|()| None),
        };
        // What cannot be read is only replaced.
        let old = found.and_then(|facts| Some((work.entry().open().ok()?, facts)));
        let wanted = self.wanted(work);
        let may_stay = old.as_ref().is_some_and(|(file, facts)| {
            let most_links = work.node.meta.links.max(1);
            let differs = || wanted.differs(&AttributeHolder::Open(file.as_fd())).unwrap_or(true);
            // Through another name it would be changed elsewhere, and a stranger may hold it open.
            facts.link_count <= most_links
                && !wanted.is_of_a_stranger(facts)
                && !(facts.link_count > 1 && differs())
        });
        Ok(Some(Content::new(ids, bytes, old.map(|own| own.0), may_stay)))
    }

    fn finish(&mut self, work: &Work, stage: Stage<'_>) -> Result<(), Error> {
        match stage {
            Stage::Over => Ok(()),
            Stage::Content(content) => self.finish_content(work, &content),
            Stage::Name(group) => self.finish_name(work, group),
        }
    }

    fn finish_content(&mut self, work: &Work, content: &Content<'_>) -> Result<(), Error> {
        match content.take_fault() {
            None => {}
            Some(Fault::Io(error)) => {
                work.remove_draft();
                return self.barred(&work.path, Barred::Io(error));
            }
            Some(Fault::Damaged(why)) => {
                let draft = work.draft.as_path().display();
                let why = format!("{why}; what could be read is in {draft}");
                self.done.leave_out(Reason::Damaged, &work.path, why);
                return Ok(());
            }
        }
        let wanted = self.wanted(work);
        let settled = if let Some(old) = content.same() {
            let held = AttributeHolder::Open(old.as_fd());
            let facts = match self.still_there(work, &held) {
                Ok(facts) => facts,
                Err(error) => return self.barred(&work.path, Barred::Io(error)),
            };
            work.remove_draft();
            let is_adjusted = self.dress(&work.path, &held, &wanted)?;
            *(if is_adjusted { &mut self.done.adjusted } else { &mut self.done.unchanged }) += 1;
            work.spot.done.borrow_mut().insert(facts.id);
            facts.id
        } else if let Some(draft) = content.draft() {
            let held = AttributeHolder::Open(draft.as_fd());
            self.dress(&work.path, &held, &wanted)?;
            let id = match held.facts() {
                Ok(facts) => facts.id,
                Err(error) => return self.barred(&work.path, Barred::Io(error)),
            };
            match work.spot.settle(&work.draft, &work.name, id, self.options.overwrite) {
                Ok(None) => self.done.written += 1,
                Ok(Some(_)) => self.done.replaced += 1,
                Err(why) => {
                    work.remove_draft();
                    return self.barred(&work.path, why);
                }
            }
            id
        } else {
            return Ok(());
        };
        let (size, holds) = (work.node.meta.size, content.bytes());
        if size != holds {
            let why = format!("it has {holds} bytes, where the snapshot says {size}");
            self.done.leave_out(Reason::Size, &work.path, why);
        }
        if let Some(group) = group(work) {
            let left = work.node.meta.links - 1;
            let (folder, name) = (work.spot.path.clone(), work.name.clone());
            self.groups.insert(group, Leader { folder, name, id: settled, left });
        }
        Ok(())
    }

    /// What is open, if it still has the name.
    fn still_there(&self, work: &Work, held: &AttributeHolder<'_>) -> io::Result<Facts> {
        let facts = held.facts()?;
        match work.entry().facts()? {
            Some(now) if now.id == facts.id => Ok(facts),
            _ => Err(io::Error::other("it was changed meanwhile")),
        }
    }

    /// Gives a file that is there one more name; where the file system cannot, its own copy.
    fn finish_name(&mut self, work: &Work, group: Group) -> Result<(), Error> {
        let linked = self.groups.get(&group).map(|leader| {
            let folder = self.root.folder.folder(&leader.folder)?;
            self.link(work, &Entry::new(&folder, &leader.name), leader.id)
        });
        match linked {
            Some(Ok(Linked::Was)) => self.done.unchanged += 1,
            Some(Ok(Linked::Made)) => self.done.written += 1,
            Some(Ok(Linked::Replaced)) => self.done.replaced += 1,
            Some(Err(Barred::Io(error))) if is_full(&error) => {
                return Err(self.full(&work.path));
            }
            Some(Err(why @ (Barred::InTheWay(_) | Barred::Above | Barred::Twin))) => {
                return self.barred(&work.path, why);
            }
            None | Some(Err(Barred::Io(_))) => {
                let stages = self.content_of(&[work], Grouped::No)?;
                for stage in stages {
                    self.finish(work, stage)?;
                }
                return Ok(());
            }
        }
        if let Some(leader) = self.groups.get_mut(&group) {
            leader.left = leader.left.saturating_sub(1);
            if leader.left == 0 {
                self.groups.remove(&group);
            }
        }
        Ok(())
    }

    fn link(&self, work: &Work, first: &Entry<'_>, id: (u64, u64)) -> Result<Linked, Barred> {
        let is_first = |facts: Option<Facts>| facts.is_some_and(|facts| facts.id == id);
        if is_first(work.entry().facts()?) {
            work.remove_draft();
            return Ok(Linked::Was);
        }
        work.spot.remove_draft(&work.draft)?;
        let draft = Entry::new(&work.spot.folder, &work.draft);
        draft.link_to(first)?;
        if !is_first(draft.facts()?) {
            draft.remove()?;
            return Err(io::Error::other("it was changed meanwhile").into());
        }
        match work.spot.settle(&work.draft, &work.name, id, self.options.overwrite) {
            Ok(None) => Ok(Linked::Made),
            Ok(Some(_)) => Ok(Linked::Replaced),
            Err(why) => {
                work.remove_draft();
                Err(why)
            }
        }
    }

    fn make_link(&mut self, work: &Work) -> Result<(), Stopped> {
        let target = match &work.node.node_type {
            NodeType::Symlink { .. } => work.node.node_type.to_link(),
            _ => return Ok(()),
        };
        let is_same = || -> io::Result<bool> {
            let found = work.entry().facts()?.is_some_and(|facts| facts.kind == Kind::Link);
            Ok(found && work.entry().link_target()? == target)
        };
        self.make(work, is_same, |entry| entry.make_link(target))
    }

    fn make_special(&mut self, work: &Work, special: Special) -> Result<(), Stopped> {
        let found = work.entry().facts();
        let is_same = matches!(found, Ok(Some(facts)) if facts.special == Some(special));
        // A FIFO or a socket that nobody serves does no harm and needs no right; a device does.
        let is_device = matches!(special, Special::Block(_) | Special::Character(_));
        if !is_same && is_device && !rustix::process::geteuid().is_root() {
            let why = "it is a device, which only root can make";
            self.done.leave_out(Reason::Special, &work.path, why);
            return Ok(());
        }
        self.make(work, || Ok(is_same), |entry| entry.make_special(special))
    }

    /// Makes what has no content.
    fn make(
        &mut self,
        work: &Work,
        is_same: impl FnOnce() -> io::Result<bool>,
        make: impl FnOnce(&Entry<'_>) -> io::Result<()>,
    ) -> Result<(), Stopped> {
        let entry = work.entry();
        let made = (|| {
            if is_same()? {
                return Ok(None);
            }
            // A file must not be lost to what is none.
            if let Some(facts) = entry.facts()?
                && facts.kind == Kind::File
                && self.options.overwrite == Overwrite::Nothing
            {
                return Err(Barred::InTheWay("a file is there"));
            }
            work.spot.remove_draft(&work.draft)?;
            let draft = Entry::new(&work.spot.folder, &work.draft);
            make(&draft)?;
            let id = draft.facts()?.map_or((0, 0), |facts| facts.id);
            let overwrite = self.options.overwrite;
            let settled = work.spot.settle(&work.draft, &work.name, id, overwrite);
            if settled.is_err() {
                work.remove_draft();
            }
            Ok(Some(settled?))
        })();
        let made = match made {
            Ok(made) => made,
            Err(why) => return self.barred(&work.path, why).map_err(Stopped::Ended),
        };
        let wanted = self.wanted(work);
        let is_adjusted = self
            .dress(&work.path, &AttributeHolder::Named(entry), &wanted)
            .map_err(Stopped::Ended)?;
        let counter = match made {
            Some(None) => &mut self.done.written,
            Some(Some(_)) => &mut self.done.replaced,
            None if is_adjusted => &mut self.done.adjusted,
            None => &mut self.done.unchanged,
        };
        *counter += 1;
        Ok(())
    }

    fn wanted(&self, work: &Work) -> Wanted {
        Wanted::of(&work.node.meta, self.options.owners)
    }

    fn full(&self, path: &Path) -> Error {
        Error::TargetFull { path: self.target.join(path) }
    }
}

/// Whether names of one file are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouped {
    Yes,
    No,
}

enum Linked {
    Was,
    Made,
    Replaced,
}

impl Work {
    fn entry(&self) -> Entry<'_> {
        self.spot.entry(&self.name)
    }

    /// Removes a draft that is not needed; if that fails it is only litter, and the next run
    /// tries again.
    fn remove_draft(&self) {
        if let Err(error) = self.spot.remove_draft(&self.draft) {
            tracing::debug!("a draft stays: {error}");
        }
    }
}

fn file(pending: &Pending) -> Option<&Work> {
    match pending {
        Pending::File(work) => Some(work),
        Pending::Folder { .. } => None,
    }
}

/// The group of a file that has several names in the snapshot's machine.
fn group(work: &Work) -> Option<Group> {
    let about = &work.node.meta;
    if about.links < 2 || about.inode == 0 || about.device_id == 0 {
        return None;
    }
    let mut digest = Sha256::new();
    for id in work.node.content.iter().flatten() {
        digest.update(id.to_hex().as_str());
    }
    // Of one file all is the same, or it changed while the snapshot was made.
    let wanted = Wanted::of(about, Owners::Restored);
    digest.update(format!("{wanted:?}"));
    Some(Group { file: (about.device_id, about.inode), digest: digest.finalize().into() })
}
