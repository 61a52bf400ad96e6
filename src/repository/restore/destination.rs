//! The folder that is restored to, and those in it: held by handle, so that nothing outside of it
//! is reached. What stands where something else must go is taken away only if nothing is lost by
//! it, or if the caller said so.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::{self, DirBuilder, TryLockError};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use disk_prep::sys::attributes::AttributeHolder;
use disk_prep::sys::beneath::{Folder, Kind};
use disk_prep::sys::entry::{Entry, Facts, Name};
use sha2::{Digest, Sha256};

use super::content::Draft;
use super::options::Overwrite;

/// Folders in folders that are removed; each level needs a handle.
const MOST_LEVELS: usize = 256;
const OWNER_MAY_ALL: u32 = 0o700;
/// Marks a target that is to become the folder that it stands for, until all is in it.
const BEGUN: &CStr = c"user.azseed.restore";
const SPECIAL: &str = "a FIFO, a socket or a device is there";
const FULL: &str = "a folder that is not empty is there";

/// A folder of the target.
#[derive(Debug)]
pub(super) struct Spot {
    pub folder: Folder,
    /// Below the target.
    pub path: PathBuf,
    /// Device and inode of what this run has put there.
    pub done: Rc<RefCell<HashSet<(u64, u64)>>>,
}

/// Why something cannot be made where it belongs.
#[derive(Debug)]
pub(super) enum Barred {
    /// Something of another kind is there.
    InTheWay(&'static str),
    /// What is there takes the place of a folder above what was backed up.
    Above,
    /// Another entry of the same snapshot is there.
    Twin,
    Io(io::Error),
}

impl From<io::Error> for Barred {
    fn from(error: io::Error) -> Self {
        Barred::Io(error)
    }
}

impl Spot {
    /// Opens the target, which is made if it is missing, for its owner alone if `is_closed`; and
    /// whether nothing was in it, now or when a run began that did not come to its end.
    pub(super) fn open(target: &Path, is_closed: bool) -> io::Result<(Self, bool)> {
        if let Some(above) = target.parent() {
            fs::create_dir_all(above)?;
        }
        let mode = if is_closed { OWNER_MAY_ALL } else { 0o777 };
        match DirBuilder::new().mode(mode).create(target) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made?,
        }
        let folder = Folder::open(target)?;
        let held = AttributeHolder::Open(folder.handle());
        let is_empty = folder.names()?.is_empty();
        if is_empty && is_closed {
            // Where there are no attributes, a run that is killed leaves the folder as it made it.
            let _ = held.set_extended(BEGUN, b"1");
        }
        let is_begun =
            held.extended_names().is_ok_and(|names| names.iter().any(|own| *own == *BEGUN));
        Ok((Spot { folder, path: PathBuf::new(), done: Rc::default() }, is_empty || is_begun))
    }

    /// The target is restored whole: it is like any other folder now.
    pub(super) fn end(&self) {
        // One that never had the mark has nothing to lose.
        let _ = AttributeHolder::Open(self.folder.handle()).remove_extended(BEGUN);
    }

    pub(super) fn entry<'a>(&'a self, name: &'a Name) -> Entry<'a> {
        Entry::new(&self.folder, name)
    }

    /// Opens a folder in this one and makes it if it is missing, for its owner alone if
    /// `is_closed`.
    pub(super) fn enter(
        &self,
        name: &Name,
        is_closed: bool,
        overwrite: Overwrite,
    ) -> Result<Spot, Barred> {
        let entry = self.entry(name);
        let found = entry.facts()?;
        match found {
            Some(facts) if self.is_twin(name, &facts)? => return Err(Barred::Twin),
            Some(facts) if facts.kind == Kind::Folder => {}
            found => {
                if let Some(facts) = found {
                    clear(&entry, &facts, overwrite)?;
                }
                entry.make_folder(if is_closed { OWNER_MAY_ALL } else { 0o777 })?;
            }
        }
        let folder = match entry.folder() {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                AttributeHolder::Named(entry).set_mode(OWNER_MAY_ALL)?;
                entry.folder()?
            }
            opened => opened?,
        };
        let held = AttributeHolder::Open(folder.handle());
        let facts = held.facts()?;
        let is_root = rustix::process::geteuid().is_root();
        if !is_root && facts.mode & OWNER_MAY_ALL != OWNER_MAY_ALL {
            // Its own mode comes when all is in it.
            held.set_mode(facts.mode | OWNER_MAY_ALL)?;
        }
        self.done.borrow_mut().insert(facts.id);
        Ok(Spot { folder, path: self.path.join(name.as_path()), done: Rc::default() })
    }

    /// What has a name, if what is no folder may be given the name instead; nothing is changed.
    pub(super) fn look(&self, name: &Name, overwrite: Overwrite) -> Result<Option<Facts>, Barred> {
        let entry = self.entry(name);
        let Some(facts) = entry.facts()? else { return Ok(None) };
        if self.is_twin(name, &facts)? {
            return Err(Barred::Twin);
        }
        if overwrite == Overwrite::Nothing {
            match facts.kind {
                Kind::Special => return Err(Barred::InTheWay(SPECIAL)),
                Kind::Folder if !entry.folder()?.names()?.is_empty() => {
                    return Err(Barred::InTheWay(FULL));
                }
                _ => {}
            }
        }
        Ok(Some(facts))
    }

    /// Gives the name to a draft of this folder; returns what had it.
    pub(super) fn settle(
        &self,
        draft: &Name,
        name: &Name,
        id: (u64, u64),
        overwrite: Overwrite,
    ) -> Result<Option<Facts>, Barred> {
        let found = self.look(name, overwrite)?;
        // Files and links are replaced in the moment in which the name is given.
        if let Some(facts) = found.filter(|own| matches!(own.kind, Kind::Folder | Kind::Special)) {
            clear(&self.entry(name), &facts, overwrite)?;
        }
        self.entry(draft).rename(name)?;
        self.done.borrow_mut().insert(id);
        Ok(found)
    }

    /// Whether a name leads to what this run has put there under another one, in a file system
    /// for which the two are the same.
    fn is_twin(&self, name: &Name, facts: &Facts) -> io::Result<bool> {
        let is_done = self.done.borrow().contains(&facts.id);
        Ok(is_done && !self.folder.names()?.iter().any(|own| own == name.as_os_str()))
    }

    /// Opens the draft that an earlier run left, if it is ours alone, or makes it anew.
    pub(super) fn draft(&self, draft: &Name) -> io::Result<Draft> {
        let entry = self.entry(draft);
        if let Some(facts) = entry.facts()? {
            let uid = rustix::process::geteuid().as_raw();
            let is_ours = |facts: &Facts| {
                facts.uid == uid && facts.link_count == 1 && facts.mode & 0o077 == 0
            };
            if facts.kind == Kind::File && is_ours(&facts) {
                let file = entry.open_writable()?;
                lock(&file)?;
                let facts = Facts::of_open(file.as_fd())?;
                // While the lock was waited for, the other run may have given it its name.
                if entry.facts()?.is_some_and(|now| now.id == facts.id) && is_ours(&facts) {
                    return Ok(Draft { file, is_used: true });
                }
                return Err(taken());
            }
            self.remove_draft(draft)?;
        }
        let file = entry.create()?;
        lock(&file)?;
        Ok(Draft { file, is_used: false })
    }

    /// Removes a draft, whatever it is; a folder only if it is empty.
    pub(super) fn remove_draft(&self, draft: &Name) -> io::Result<()> {
        let entry = self.entry(draft);
        match entry.facts()?.map(|facts| facts.kind) {
            None => Ok(()),
            Some(Kind::Folder) => entry.remove_folder(),
            Some(_) => entry.remove(),
        }
    }
}

fn lock(file: &fs::File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(taken()),
        // Some network file systems have no locks.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(()),
    }
}

fn taken() -> io::Error {
    io::Error::new(ErrorKind::ResourceBusy, "another restore is writing it")
}

/// Takes away what is there: a link and an empty folder always, all else if that was said.
fn clear(entry: &Entry<'_>, facts: &Facts, overwrite: Overwrite) -> Result<(), Barred> {
    let may = overwrite == Overwrite::Kinds;
    match facts.kind {
        Kind::Link => Ok(entry.remove()?),
        Kind::File if may => Ok(entry.remove()?),
        Kind::Special if may => Ok(entry.remove()?),
        Kind::File => Err(Barred::InTheWay("a file is there")),
        Kind::Special => Err(Barred::InTheWay(SPECIAL)),
        Kind::Folder => match entry.remove_folder() {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty && may => {
                empty(&entry.folder()?, facts.id.0, 0)?;
                Ok(entry.remove_folder()?)
            }
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                Err(Barred::InTheWay(FULL))
            }
            Err(error) => Err(error.into()),
        },
    }
}

/// Removes all that is in a folder. What is mounted in it stays, and is an error.
fn empty(folder: &Folder, device: u64, level: usize) -> io::Result<()> {
    if level == MOST_LEVELS {
        return Err(io::Error::other("there are too many folders in one another"));
    }
    for name in folder.names()? {
        let name = Name::new(&name).map_err(io::Error::other)?;
        let entry = Entry::new(folder, &name);
        match entry.facts()? {
            None => {}
            Some(facts) if facts.id.0 != device => {
                let text = "a folder in it is of another file system";
                return Err(io::Error::new(ErrorKind::CrossesDevices, text));
            }
            Some(facts) if facts.kind == Kind::Folder => {
                empty(&entry.folder()?, device, level + 1)?;
                entry.remove_folder()?;
            }
            Some(_) => entry.remove()?,
        }
    }
    Ok(())
}

/// The name under which a file is written until it is whole; the same for the same name, and none
/// that the snapshot has in this folder.
pub(super) fn draft_name(name: &Name, taken: &HashSet<OsString>) -> Name {
    let mut digest = Sha256::digest(name.as_os_str().as_encoded_bytes());
    loop {
        let hex: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let draft = OsString::from(format!(".azseed-{hex}.part"));
        if !taken.contains(OsStr::new(&draft)) {
            return Name::new(&draft).expect("a short name without a slash is one");
        }
        digest = Sha256::digest(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn name(text: &str) -> Name {
        Name::new(OsStr::new(text)).unwrap()
    }

    #[test]
    fn only_links_and_empty_folders_go_without_being_asked() {
        let outer = tempfile::tempdir().unwrap();
        let at = |name: &str| outer.path().join("in").join(name);
        let (spot, is_empty) = Spot::open(&outer.path().join("in"), false).unwrap();
        assert!(is_empty);
        fs::create_dir_all(at("full/deep")).unwrap();
        fs::create_dir(at("empty")).unwrap();
        fs::write(at("file"), b"mine").unwrap();
        symlink("../outside", at("link")).unwrap();
        fs::create_dir(outer.path().join("outside")).unwrap();
        fs::write(outer.path().join("outside/secret"), b"secret").unwrap();
        let settled = |text: &str, overwrite| {
            drop(spot.draft(&name("draft")).unwrap());
            spot.settle(&name("draft"), &name(text), (0, 0), overwrite).is_ok()
        };
        assert!(settled("empty", Overwrite::Nothing) && at("empty").is_file());
        assert!(!settled("full", Overwrite::Nothing) && at("full/deep").exists());
        assert!(spot.enter(&name("file"), true, Overwrite::Nothing).is_err());
        assert_eq!(fs::read(at("file")).unwrap(), b"mine");
        let entered = spot.enter(&name("link"), true, Overwrite::Nothing).unwrap();
        fs::write(at("link/x"), b"x").unwrap();
        assert!(entered.folder.names().unwrap() == ["x"] && at("link").is_dir());
        symlink("../../../outside", at("full/deep/way")).unwrap();
        assert!(settled("full", Overwrite::Kinds) && at("full").is_file());
        assert!(spot.enter(&name("file"), true, Overwrite::Kinds).is_ok());
        assert_eq!(fs::read(outer.path().join("outside/secret")).unwrap(), b"secret");
    }

    #[test]
    fn a_name_is_anothers_only_if_the_folder_does_not_list_it() {
        let outer = tempfile::tempdir().unwrap();
        let (spot, _) = Spot::open(outer.path(), false).unwrap();
        fs::write(outer.path().join("one"), b"").unwrap();
        fs::hard_link(outer.path().join("one"), outer.path().join("two")).unwrap();
        let facts = spot.entry(&name("one")).facts().unwrap().unwrap();
        spot.done.borrow_mut().insert(facts.id);
        assert!(!spot.is_twin(&name("two"), &facts).unwrap());
        assert!(spot.is_twin(&name("ONE"), &facts).unwrap());
    }

    #[test]
    fn a_draft_is_taken_up_only_if_it_is_ours_alone() {
        let outer = tempfile::tempdir().unwrap();
        let (spot, _) = Spot::open(outer.path(), false).unwrap();
        let draft = draft_name(&name("file"), &HashSet::new());
        let path = outer.path().join(draft.as_path());
        let open = || spot.draft(&draft).unwrap().is_used;
        assert!(!open() && open());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(!open(), "others could read it");
        fs::hard_link(&path, outer.path().join("other")).unwrap();
        assert!(!open(), "it has another name");
        fs::remove_file(&path).unwrap();
        symlink("other", &path).unwrap();
        assert!(!open(), "it is a link");
        let held = spot.draft(&draft).unwrap();
        let error = spot.draft(&draft).err().expect("another writes it");
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        drop(held);
        assert!(open());
    }

    #[test]
    fn a_draft_has_no_name_of_the_snapshot() {
        let first = draft_name(&name("file"), &HashSet::new());
        assert_eq!(first, draft_name(&name("file"), &HashSet::new()));
        let taken = HashSet::from([first.as_os_str().to_owned()]);
        assert_ne!(first, draft_name(&name("file"), &taken));
    }
}
