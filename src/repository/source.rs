//! The sources of a backup, walked and read: what is left out for whatever reason is accounted for,
//! what is no file is never opened, and a file is given with exactly the bytes that its size says, or
//! not at all.

use std::fs::Metadata;
use std::io::{self, Read};
use std::iter::Peekable;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::{DirEntry, Walk, WalkBuilder};
use jiff::Timestamp;
use rustic_core::repofile::{Metadata as NodeMetadata, Node, NodeType};
use rustic_core::{LocalSourceSaveOptions, ReadSourceEntry};

use super::account::Account;
use super::filter::Filter;
use super::not_read::{Loss, NotRead};
use super::reads::{OpenFile, Reads};
use super::store::Store;

/// Bits of a mode as the format has it, in the form of Go: a device, one of characters.
const GO_CHARACTER_DEVICE: u32 = (1 << 26) | (1 << 21);

/// What is backed up.
pub(super) struct Sources {
    /// Folders and files, or single files to be read again.
    pub roots: Vec<PathBuf>,
    pub filter: Arc<Filter>,
    pub account: Account,
    /// All bytes, for the progress.
    pub bytes: u64,
    /// Where the backup goes: nothing more is read once it cannot be written to.
    pub store: Arc<dyn Store>,
    /// How they are read.
    pub reads: Arc<Reads>,
}

impl Sources {
    /// Walks them.
    pub fn entries(&self) -> Entries {
        Entries {
            walks: self.roots.iter().map(|root| self.filter.walk(root).peekable()).collect(),
            filter: Arc::clone(&self.filter),
            account: self.account.clone(),
            store: Arc::clone(&self.store),
            reads: Arc::clone(&self.reads),
        }
    }
}

/// Something that is backed up.
pub(super) struct Entry {
    pub path: PathBuf,
    pub node: Node,
    /// A file's.
    pub open: Option<Opening>,
}

/// Walks the sources, in the order of their paths; what lies below several comes once.
pub(super) struct Entries {
    walks: Vec<Peekable<Walk>>,
    filter: Arc<Filter>,
    account: Account,
    store: Arc<dyn Store>,
    reads: Arc<Reads>,
}

impl Entries {
    /// The next entry of all walks.
    fn step(&mut self) -> Option<Result<DirEntry, ignore::Error>> {
        let mut first: Option<(usize, PathBuf)> = None;
        for (place, walk) in self.walks.iter_mut().enumerate() {
            match walk.peek() {
                None => {}
                Some(Err(_)) => return walk.next(),
                Some(Ok(entry))
                    if first.as_ref().is_none_or(|(_, path)| entry.path() < path.as_path()) =>
                {
                    first = Some((place, entry.path().to_owned()));
                }
                Some(Ok(_)) => {}
            }
        }
        let (place, path) = first?;
        for walk in self.walks.iter_mut().skip(place + 1) {
            walk.next_if(|entry| entry.as_ref().is_ok_and(|entry| entry.path() == path));
        }
        self.walks[place].next()
    }

    /// The next entry that is backed up.
    fn found(&mut self) -> Option<Entry> {
        loop {
            let entry = match self.step()? {
                Ok(entry) => entry,
                Err(error) => {
                    self.account.lose(NotRead::unlisted(error.to_string()));
                    continue;
                }
            };
            let path = entry.path().to_owned();
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            // The root of all has no name, and so no entry of its own.
            if path.file_name().is_none()
                || (entry.depth() == 0 && !self.filter.takes(&path, is_folder))
            {
                continue;
            }
            let mut node = match LocalSourceSaveOptions::default().map_entry(entry) {
                Ok(ReadSourceEntry { node, .. }) => node,
                Err(error) => {
                    let lost = NotRead::new(&path, Loss::Unreadable, error.to_string());
                    self.account.lose(lost);
                    continue;
                }
            };
            if matches!(node.node_type, NodeType::Chardev { .. }) {
                node.meta.mode = node.meta.mode.map(|mode| mode | GO_CHARACTER_DEVICE);
            }
            if node.is_dir() {
                return Some(Entry { path, node, open: None });
            }
            let is_file = node.node_type == NodeType::File;
            self.account.take(&path, if is_file { node.meta.size } else { 0 });
            let open = is_file.then(|| Opening {
                seen: Seen::of_node(&node),
                path: path.clone(),
                account: self.account.clone(),
                store: Arc::clone(&self.store),
                reads: Arc::clone(&self.reads),
            });
            return Some(Entry { path, node, open });
        }
    }
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if self.store.is_broken() { None } else { self.found() }
    }
}

/// A folder above the sources, with its rights and owners alone: it changes when anything beside the
/// sources does, and they have not. `None` if it cannot be looked at.
pub fn folder_node(path: &Path) -> Option<Node> {
    let entry = WalkBuilder::new(path).max_depth(Some(0)).build().next()?.ok()?;
    let found = LocalSourceSaveOptions::default().map_entry(entry).ok()?;
    let mut node = Some(found.node).filter(Node::is_dir)?;
    let NodeMetadata { mode, uid, gid, user, group, .. } = std::mem::take(&mut node.meta);
    node.meta = NodeMetadata { mode, uid, gid, user, group, ..NodeMetadata::default() };
    Some(node)
}

/// How a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    modified: Option<Timestamp>,
    changed: Option<Timestamp>,
}

impl Seen {
    fn of_node(node: &Node) -> Self {
        let meta = &node.meta;
        Seen { bytes: meta.size, modified: meta.mtime, changed: meta.ctime }
    }

    fn of_file(about: &Metadata) -> Self {
        let ctime = i32::try_from(about.ctime_nsec()).unwrap_or(0);
        Seen {
            bytes: about.len(),
            modified: about.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
            changed: Timestamp::new(about.ctime(), ctime).ok(),
        }
    }
}

/// A file about to be read.
pub(super) struct Opening {
    path: PathBuf,
    seen: Seen,
    account: Account,
    store: Arc<dyn Store>,
    reads: Arc<Reads>,
}

impl Opening {
    /// Bytes that it has as it was found.
    pub fn bytes(&self) -> u64 {
        self.seen.bytes
    }

    /// Opens it; that it cannot be is told to the account.
    pub fn open(&self) -> Option<Reading<'_>> {
        match OpenFile::open(&self.reads, &self.path) {
            Ok(file) => {
                let (left, end) = (self.seen.bytes, End::Ahead);
                Some(Reading { of: self, file, left, end })
            }
            Err(error) => {
                self.account.lose_file(&self.path, self.seen.bytes, &error);
                None
            }
        }
    }

    /// Finds it anew, since it became shorter while it was read; not if it is no file any more.
    pub fn look_again(&mut self, node: &mut Node) -> bool {
        let Ok(about) = self.path.symlink_metadata() else { return false };
        if !about.is_file() {
            return false;
        }
        self.seen = Seen::of_file(&about);
        self.account.take(&self.path, self.seen.bytes);
        let meta = &mut node.meta;
        (meta.size, meta.inode) = (self.seen.bytes, about.ino());
        (meta.mtime, meta.atime, meta.ctime) =
            (self.seen.modified, self.seen.modified, self.seen.changed);
        true
    }

    /// Tells that what is held is not what was found first.
    pub fn tell_change(&self) {
        self.account.change(&self.path, self.seen.bytes);
    }

    /// Tells that it became shorter each time.
    pub fn give_up(&self) {
        let text = "became shorter each time it was read";
        self.account.lose(NotRead::new(&self.path, Loss::Shrank, text));
    }
}

/// How far the end of a file is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Ahead,
    Told,
    /// It came before all was read that was expected.
    Early,
}

/// A file being read.
pub(super) struct Reading<'a> {
    of: &'a Opening,
    file: OpenFile,
    /// Bytes that are still expected.
    left: u64,
    end: End,
}

impl Reading<'_> {
    /// Whether it ended early.
    pub fn is_short(&self) -> bool {
        self.end == End::Early
    }

    /// All that was expected is read: says so if the file is another by now, or if the kernel
    /// makes up its content and says that it has none.
    fn finish(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.end, End::Told) == End::Told {
            return Ok(());
        }
        let seen = self.of.seen;
        let is_silent = seen.bytes > 0 || self.read_some(&mut [0])? == 0;
        let is_same = self.file.metadata().is_ok_and(|now| Seen::of_file(&now) == seen);
        if !(is_silent && is_same) {
            self.of.tell_change();
        }
        Ok(())
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).inspect_err(|error| {
            // An interrupted call is repeated by the caller; any other ends the file.
            if error.kind() != io::ErrorKind::Interrupted {
                self.of.account.lose_file(&self.of.path, self.of.seen.bytes, error);
            }
        })
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.of.store.is_broken() {
            return Err(io::Error::other("what was read cannot be written"));
        }
        if self.left == 0 {
            return self.finish().map(|()| 0);
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.read_some(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            // An error leaves it out of the backup, where its size would promise more.
            self.of.account.give_back(&self.of.path, self.of.seen.bytes);
            self.end = End::Early;
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        self.left -= count as u64;
        if self.left == 0 {
            self.finish()?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    use rustix::fs::Mode;

    use crate::repository::{Choice, FolderStore};

    fn sources(paths: &[PathBuf]) -> Sources {
        Sources {
            roots: paths.to_vec(),
            filter: Arc::new(Filter::new(&Choice::default(), &[]).unwrap()),
            account: Account::of(paths),
            bytes: 0,
            store: Arc::new(FolderStore::of(Path::new("/"), "nowhere")),
            reads: Arc::default(),
        }
    }

    fn read(open: &Opening) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        open.open()?.read_to_end(&mut content).ok()?;
        Some(content)
    }

    fn lost_of(paths: &[PathBuf]) -> Vec<String> {
        let sources = sources(paths);
        for entry in sources.entries() {
            entry.open.as_ref().and_then(read);
        }
        sources.account.close().lost.iter().map(NotRead::to_string).collect()
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_once_and_a_readable_one_is_not() {
        // The kernel opens this file for reading and then refuses to read it, to root as well.
        let unreadable = fs::canonicalize("/proc/self").unwrap().join("clear_refs");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("readable"), b"x").unwrap();
        let lost = lost_of(&[folder.path().to_owned(), unreadable.clone()]);
        let [only] = lost.as_slice() else { panic!("{lost:?}") };
        assert!(only.starts_with(&format!("{}: Invalid argument", unreadable.display())), "{only}");
    }

    #[test]
    fn a_file_that_went_away_or_became_another_thing_between_listing_and_reading_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone");
        let become_fifo = |path: &Path| {
            rustix::fs::mkfifoat(rustix::fs::CWD, path, Mode::from_raw_mode(0o600)).unwrap();
        };
        let become_link = |path: &Path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
        type Change<'a> = &'a dyn Fn(&Path);
        let changes: [Change<'_>; 3] = [&|_| (), &become_fifo, &become_link];
        let reasons =
            ["No such file", "it is no file any more", "Too many levels of symbolic links"];
        for (becomes, reason) in changes.into_iter().zip(reasons) {
            fs::write(&path, b"x").unwrap();
            let sources = sources(std::slice::from_ref(&path));
            let entry = sources.entries().next().unwrap();
            fs::remove_file(&path).unwrap();
            becomes(&path);
            assert!(entry.open.unwrap().open().is_none());
            let closed = sources.account.close();
            assert!(
                closed.lost[0].to_string().starts_with(&format!("{}: {reason}", path.display()))
            );
            assert_eq!((closed.lost.len(), closed.sources[0].files), (1, 0));
            fs::remove_file(&path).or_else(|_| fs::metadata("/").map(drop)).unwrap();
        }
    }

    #[test]
    fn a_file_is_given_with_the_bytes_that_its_size_says_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let entry_of = |sources: &Sources| sources.entries().next().unwrap();
        fs::write(&path, b"four").unwrap();
        let all = sources(std::slice::from_ref(&path));
        let (same, grown) = (entry_of(&all).open.unwrap(), entry_of(&all).open.unwrap());
        let Entry { mut node, open: Some(mut cut), .. } = entry_of(&all) else { panic!() };
        assert_eq!(read(&same).unwrap(), b"four");
        fs::write(&path, b"four and more").unwrap();
        assert_eq!(read(&grown).unwrap(), b"four", "what it was when it was listed");
        fs::write(&path, b"fo").unwrap();
        let mut reading = cut.open().unwrap();
        assert!(reading.read_to_end(&mut Vec::new()).is_err() && reading.is_short());
        assert!(cut.look_again(&mut node));
        assert_eq!((read(&cut).unwrap(), node.meta.size), (b"fo".to_vec(), 2));
        cut.tell_change();
        fs::remove_file(&path).unwrap();
        assert!(!cut.look_again(&mut node));
        let closed = all.account.close();
        let held = format!("{}: changed while it was read; 2 bytes are held", path.display());
        assert_eq!(closed.changed, [held]);
        assert_eq!((closed.sources[0].files, closed.sources[0].bytes), (3, 10));
    }

    #[test]
    fn content_that_the_kernel_makes_up_behind_a_size_of_nothing_is_told() {
        let path = PathBuf::from("/proc/version");
        let sources = sources(std::slice::from_ref(&path));
        let open = sources.entries().next().unwrap().open.unwrap();
        assert_eq!(read(&open).unwrap(), b"");
        let changed = sources.account.close().changed;
        assert_eq!(changed, ["/proc/version: changed while it was read; 0 bytes are held"]);
    }

    #[test]
    fn what_is_no_file_is_listed_and_never_opened() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::from_raw_mode(0o600)).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let sources = sources(&[folder.path().to_owned()]);
        let kinds: Vec<_> =
            sources.entries().map(|entry| (entry.node.node_type, entry.open.is_some())).collect();
        let expected = [(NodeType::Dir, false), (NodeType::Fifo, false), (NodeType::Socket, false)];
        assert_eq!(kinds, expected);
        assert_eq!(sources.account.close().sources[0].files, 2);
    }

    #[test]
    fn sources_inside_each_other_come_once_and_the_root_of_all_has_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        for path in [folder.path().join("a"), inner.join("b"), folder.path().join("z")] {
            fs::write(path, b"x").unwrap();
        }
        let sources = sources(&[folder.path().to_owned(), inner.clone()]);
        let paths: Vec<_> = sources.entries().map(|entry| entry.path).collect();
        let expected =
            [folder.path().to_owned(), folder.path().join("a"), inner.clone(), inner.join("b")];
        assert_eq!(paths, [&expected[..], &[folder.path().join("z")]].concat());
        let totals = sources.account.close().sources;
        assert_eq!((totals[0].files, totals[1].files), (3, 1));
        let root = super::tests::sources(&[PathBuf::from("/")]);
        let first = root.entries().next().unwrap().path;
        assert_ne!(first, Path::new("/"));
    }

    #[test]
    fn a_source_that_is_not_there_is_named() {
        let lost = lost_of(&[PathBuf::from("/nowhere/at/all")]);
        assert!(lost.len() == 1 && lost[0].contains("/nowhere/at/all"), "{lost:?}");
    }

    #[test]
    fn nothing_more_is_read_once_a_write_has_failed() {
        use rustic_core::{FileType, Id, WriteBackend};
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            fs::write(folder.path().join(name), vec![7; 100_000]).unwrap();
        }
        let store = Arc::new(FolderStore::of(Path::new("/proc"), "no/repository"));
        let sources = Sources { store: store.clone(), ..sources(&[folder.path().to_owned()]) };
        let mut entries = sources.entries().skip(1);
        let open = entries.next().unwrap().open.unwrap();
        let mut file = open.open().unwrap();
        let mut some = [0; 1000];
        assert_eq!(file.read(&mut some).unwrap(), 1000);
        let nothing = bytes::Bytes::from_static(b"x").into();
        assert!(store.write_bytes(FileType::Pack, &Id::default(), false, nothing).is_err());
        assert!(file.read(&mut some).is_err());
        assert!(entries.next().is_none());
        let closed = sources.account.close();
        assert_eq!((closed.lost, closed.changed), (Vec::new(), Vec::new()));
    }
}
