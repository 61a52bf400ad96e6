//! What is written, beside what the library of this format writes of the same source.

use std::fs;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use disk_prep::monitor::VoidMonitor;
use proptest::prelude::*;
use rustic_core::repofile::{ConfigFile, MasterKey, SnapshotFile};
use rustic_core::{
    BackupOptions, BytesList, FileType, Id, ReadBackend, ReadSource, ReadSourceEntry, RusticError,
    RusticResult, SnapshotOptions, TreeId, WriteBackend,
};
use secrecy::SecretString;

use super::archive;
use super::cutter::Cutter;
use super::sealer::Sealer;
use crate::repository::account::{Account, Closed};
use crate::repository::filter::Filter;
use crate::repository::reads::{Disk, Reads};
use crate::repository::source::{Entry, Sources};
use crate::repository::{BackupPlan, FolderStore, Repository, Settings};

const PASSWORD: &str = "of a test";

/// A repository in a folder of its own.
struct Rig {
    folder: tempfile::TempDir,
}

impl Rig {
    fn new(settings: Settings) -> Self {
        let rig = Rig { folder: tempfile::tempdir().unwrap() };
        let password = SecretString::from(PASSWORD);
        Repository::create(rig.store(), &password, settings, Arc::new(VoidMonitor)).unwrap();
        fs::create_dir(rig.source()).unwrap();
        rig
    }

    fn store(&self) -> Arc<FolderStore> {
        Arc::new(FolderStore::of(self.folder.path(), "repo"))
    }

    fn store_path(&self, name: &str) -> PathBuf {
        self.folder.path().join("repo").join(name)
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    fn open(&self) -> Repository {
        let password = SecretString::from(PASSWORD);
        Repository::open(self.store(), &password, Arc::new(VoidMonitor)).unwrap()
    }

    fn ours(&self) -> SnapshotFile {
        let plan = BackupPlan { sources: vec![self.source()], ..BackupPlan::default() };
        let done = self.open().back_up(&plan).unwrap();
        let all = self.open().inner.get_all_snapshots().unwrap();
        all.into_iter().find(|own| own.id.to_hex().as_str() == done.snapshot).unwrap()
    }

    /// The library's, of the same walk, all read anew.
    fn theirs(&self) -> SnapshotFile {
        let mut options = BackupOptions::default();
        options.parent_opts.force = true;
        let about = SnapshotOptions::default().to_snapshot().unwrap();
        let inner = self.open().inner.to_indexed_ids().unwrap();
        inner.archive(&options, &Walked(self.source()), about, &[self.source()]).unwrap()
    }

    /// Ours, of files that this disk reads; and what is told of them.
    fn read_by(&self, disk: impl Disk + 'static) -> (SnapshotFile, Closed) {
        let own = self.open();
        let account = Account::of(&[self.source()]);
        let reads = Arc::new(Reads::of(Box::new(disk)));
        let sources = Sources { account: account.clone(), reads, ..walk_of(&self.source()) };
        let about = SnapshotOptions::default().to_snapshot().unwrap();
        let made = archive(&own.inner, (own.ahead.as_ref(), 1), &sources, &[], about).unwrap();
        (made, account.close())
    }

    /// What a snapshot holds of the source itself.
    fn tree_of_source(&self, snapshot: &SnapshotFile) -> Option<TreeId> {
        let inner = self.open().inner.to_indexed().unwrap();
        inner.node_from_path(snapshot.tree, &self.source()).unwrap().subtree
    }

    /// What a snapshot holds of a file of the source.
    fn held(&self, snapshot: &SnapshotFile, name: &str) -> Option<Vec<u8>> {
        let inner = self.open().inner.to_indexed().unwrap();
        let path = self.source().join(name);
        let node = inner.node_from_path(snapshot.tree, &path).ok()?;
        let mut content = Vec::new();
        inner.dump(&node, &mut content).unwrap();
        Some(content)
    }

    fn check(&self) {
        let options = rustic_core::CheckOptions::default().read_data(true);
        self.open().inner.check(options).unwrap().is_ok().unwrap();
    }
}

/// The walk, for the library.
struct Walked(PathBuf);

impl ReadSource for Walked {
    type Open = Cursor<Vec<u8>>;
    type Iter = std::vec::IntoIter<RusticResult<ReadSourceEntry<Self::Open>>>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Self::Iter {
        let entry = |Entry { path, node, open }: Entry| {
            let open = open.map(|_| Cursor::new(fs::read(&path).unwrap()));
            Ok(ReadSourceEntry { path, node, open })
        };
        walk_of(&self.0).entries().map(entry).collect::<Vec<_>>().into_iter()
    }
}

fn walk_of(source: &Path) -> Sources {
    Sources {
        roots: vec![source.to_owned()],
        filter: Arc::new(Filter::everything()),
        account: Account::of(&[]),
        bytes: 0,
        store: Arc::new(FolderStore::of(Path::new("/"), "nowhere")),
        reads: Arc::default(),
    }
}

/// A disk on which files of whole thousands of bytes become shorter by one when they are read, so
/// often.
struct Shrinking(AtomicUsize);

impl Disk for Shrinking {
    fn read(&self, file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
        let about = file.metadata()?;
        let is_left = |left: usize| left.checked_sub(1);
        if about.len() % 1000 == 0
            && !buffer.is_empty()
            && self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_left).is_ok()
        {
            let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
            File::options().write(true).open(path)?.set_len(about.len() - 1000)?;
        }
        file.read(buffer)
    }
}

/// Bytes that repeat after so many, or never.
fn bytes(seed: u64, count: usize, period: usize) -> Vec<u8> {
    let mut state = (seed << 1) | 1;
    let mut all: Vec<u8> = Vec::with_capacity(count);
    for place in 0..count {
        if period > 0 && place >= period {
            all.push(all[place - period]);
        } else {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            all.push(state as u8);
        }
    }
    all
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Sizes around what is one piece, and bytes in which a place to cut comes often or never.
    #[test]
    fn files_are_cut_and_folders_written_as_the_library_does(
        seed in any::<u64>(),
        sizes in prop::collection::vec(
            prop_oneof![0_usize..70_000, 524_200_usize..524_600, 0_usize..12_000_000], 1..4),
        period in prop_oneof![Just(0_usize), Just(1), 2_usize..3000, 500_000_usize..600_000],
    ) {
        let rig = Rig::new(Settings::default());
        for (place, size) in sizes.iter().enumerate() {
            let content = bytes(seed.wrapping_add(place as u64), *size, period);
            write(&rig.source().join(format!("a folder/{}/file", place % 2)).with_extension(place.to_string()), &content);
        }
        let theirs = rig.theirs();
        let ours = rig.ours();
        // The library knows nothing of folders above the source.
        prop_assert_eq!(rig.tree_of_source(&ours), rig.tree_of_source(&theirs));
        let summary = ours.summary.unwrap();
        let former = theirs.summary.unwrap();
        let above = rig.source().ancestors().count() as u64;
        prop_assert!(summary.data_blobs == 0 && summary.tree_blobs <= above);
        prop_assert_eq!(summary.total_files_processed, former.total_files_processed);
        prop_assert_eq!(summary.total_bytes_processed, former.total_bytes_processed);
        prop_assert_eq!(summary.total_dirs_processed, former.total_dirs_processed);
    }
}

#[test]
fn a_large_file_is_read_in_groups_and_is_what_the_library_makes_of_it() {
    let settings = Settings { compression: 3, pack_bytes: 8 << 20 };
    let (one, other) = (Rig::new(settings), Rig::new(settings));
    for rig in [&one, &other] {
        let mut content = bytes(7, 75 << 20, 0);
        // A stretch in which no place to cut comes, longer than the longest piece.
        content[20 << 20..45 << 20].fill(0);
        write(&rig.source().join("large"), &content);
        write(&rig.source().join("small"), &content[..3000]);
    }
    let ours = one.ours();
    one.check();
    assert_eq!(one.theirs().summary.unwrap().data_blobs, 0);
    let (ours, theirs) = (ours.summary.unwrap(), other.theirs().summary.unwrap());
    assert!(ours.data_added_files_packed <= theirs.data_added_files_packed * 101 / 100);
}

#[test]
fn what_has_not_changed_is_not_read_and_what_the_repository_lost_is() {
    let rig = Rig::new(Settings::default());
    write(&rig.source().join("a/same"), b"the same");
    write(&rig.source().join("b/other"), b"another");
    let first = rig.ours();
    let counts = |own: &SnapshotFile| {
        let own = own.summary.as_ref().unwrap();
        let files = (own.files_new, own.files_changed, own.files_unmodified);
        (files, (own.dirs_new, own.dirs_changed, own.dirs_unmodified), own.data_blobs)
    };
    assert_eq!((counts(&first).0, counts(&first).2), ((2, 0, 0), 2));
    write(&rig.source().join("b/other"), b"another one");
    let second = rig.ours();
    assert_eq!((counts(&second).0, counts(&second).2), ((0, 1, 1), 1));
    assert_eq!(second.parent, Some(first.id));
    // All is lost but what the snapshots say of it: it is read and written again.
    for file in ["index", "data"].iter().flat_map(|name| files_below(&rig.store_path(name))) {
        fs::remove_file(file).unwrap();
    }
    let third = rig.ours();
    assert_eq!((counts(&third).0, counts(&third).2), ((2, 0, 0), 2));
    assert_eq!(third.tree, second.tree);
    rig.open().forget(&[first.id.to_hex().to_string(), second.id.to_hex().to_string()]).unwrap();
    rig.check();
    assert_eq!(rig.held(&third, "b/other").unwrap(), b"another one");
}

/// A store on which a pack takes its time, and on which one may not be written.
struct Line {
    store: Arc<dyn WriteBackend>,
    fails_at: usize,
    packs: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl ReadBackend for Line {
    fn location(&self) -> String {
        self.store.location()
    }
    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        self.store.list_with_size(kind)
    }
    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        self.store.read_full(kind, id)
    }
    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        is_kept: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.store.read_partial(kind, id, is_kept, offset, length)
    }
    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.store.warmup_path(kind, id)
    }
}

impl WriteBackend for Line {
    fn create(&self) -> RusticResult<()> {
        self.store.create()
    }
    fn write_bytes(
        &self,
        kind: FileType,
        id: &Id,
        is_kept: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        if kind != FileType::Pack {
            return self.store.write_bytes(kind, id, is_kept, content);
        }
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(30));
        let number = self.packs.fetch_add(1, Ordering::SeqCst);
        let written = match number == self.fails_at {
            true => Err(RusticError::new(rustic_core::ErrorKind::Backend, "it is out of order")),
            false => self.store.write_bytes(kind, id, is_kept, content),
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        written
    }
    fn remove(&self, kind: FileType, id: &Id, is_kept: bool) -> RusticResult<()> {
        self.store.remove(kind, id, is_kept)
    }
}

#[test]
fn so_many_packs_are_on_the_line_at_once_and_after_a_fault_no_more_are_sent() {
    for (at_once, fails_at) in [(1, usize::MAX), (3, usize::MAX), (3, 2), (1, 0)] {
        let rig = Rig::new(Settings { compression: 0, pack_bytes: 100_000 });
        for place in 0_u64..1200 {
            write(&rig.source().join(format!("{}/{place}", place % 7)), &bytes(place, 1500, 0));
        }
        let own = rig.open();
        let line = Line {
            store: own.ahead.clone(),
            fails_at,
            packs: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        };
        let about = SnapshotOptions::default().to_snapshot().unwrap();
        let sources = walk_of(&rig.source());
        let made = archive(&own.inner, (&line, at_once), &sources, &[], about);
        let (packs, most) = (line.packs.into_inner(), line.most.into_inner());
        assert_eq!(most, at_once);
        if fails_at == usize::MAX {
            made.unwrap();
            rig.check();
            assert_eq!(rig.theirs().summary.unwrap().data_blobs, 0);
            // Those of several at once are half as large.
            let expected = if at_once == 1 { 14..20 } else { 28..40 };
            assert!(expected.contains(&packs), "{packs}");
        } else {
            let error = made.unwrap_err().to_string();
            assert!(error.contains("out of order"), "{error}");
            assert!(packs <= fails_at + 2 * at_once, "{packs}");
            assert!(own.inner.get_all_snapshots().unwrap().is_empty());
        }
    }
}

/// All files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).into_iter().flatten();
    entries.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

#[test]
fn many_small_files_fill_several_packs_and_indexes_name_all_of_them() {
    let rig = Rig::new(Settings { compression: 0, pack_bytes: 100_000 });
    for place in 0_u64..600 {
        write(&rig.source().join(format!("{}/{place}", place % 7)), &bytes(place, 1500, 0));
    }
    // One content in many files is held once, whoever comes first.
    for place in 0..50 {
        write(&rig.source().join(format!("same/{place}")), &bytes(9999, 40_000, 0));
    }
    let ours = rig.ours().summary.unwrap();
    assert_eq!((ours.total_files_processed, ours.data_blobs), (650, 601));
    rig.check();
    assert_eq!(rig.theirs().summary.unwrap().data_blobs, 0);
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_is_held_as_it_was_then_or_not_at_all() {
    // A small one, and one that is read in groups.
    for (count, times) in [(20_000, 1), (20_000, 3), (80_000_000, 2)] {
        let rig = Rig::new(Settings::default());
        let content = bytes(3, count, 0);
        write(&rig.source().join("log"), &content);
        write(&rig.source().join("other"), b"not one of them");
        let (made, told) = rig.read_by(Shrinking(times.into()));
        let left = count - times * 1000;
        assert!(rig.held(&made, "log").unwrap() == content[..left], "{count} bytes, {times} times");
        assert_eq!(rig.held(&made, "other").unwrap(), b"not one of them");
        assert_eq!(told.lost, []);
        let end = format!("log: changed while it was read; {left} bytes are held");
        assert!(told.changed.len() == 1 && told.changed[0].ends_with(&end), "{:?}", told.changed);
        assert_eq!((told.sources[0].files, told.sources[0].bytes), (2, left as u64 + 15));
    }
    let rig = Rig::new(Settings::default());
    write(&rig.source().join("log"), &bytes(3, 20_000, 0));
    write(&rig.source().join("other"), b"not one of them");
    let (made, told) = rig.read_by(Shrinking(100.into()));
    assert_eq!(
        (rig.held(&made, "log"), rig.held(&made, "other").map(|own| own.len())),
        (None, Some(15))
    );
    assert_eq!((told.lost.len(), told.lost[0].loss.code()), (1, "file-shrank"));
    assert_eq!((told.sources[0].files, told.changed.len()), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_place_to_cut_is_found_however_often_one_has_looked(
        seed in any::<u64>(),
        mut looks in prop::collection::vec(0_usize..3_000_000, 0..4),
    ) {
        let config = ConfigFile::new(2, Id::default().into(), 0x003d_a335_8b4d_c173);
        let cutter = Cutter::of(&config).unwrap();
        let data = bytes(seed, 3_000_000, 0);
        let whole = cutter.cut(&data, 0);
        looks.sort_unstable();
        let mut seen = 0;
        for look in looks {
            let found = cutter.cut(&data[..look], seen);
            prop_assert_eq!(found, whole.filter(|place| *place <= look));
            if found.is_some() {
                return Ok(());
            }
            seen = look;
        }
        prop_assert_eq!(cutter.cut(&data, seen), whole);
    }

    #[test]
    fn a_blob_is_opened_only_if_nothing_of_it_changed(
        content in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3000),
            prop::collection::vec(0_u8..4, 0..3000),
        ],
        level in prop_oneof![Just(None), Just(Some(0)), Just(Some(3)), Just(Some(-7))],
        place in any::<prop::sample::Index>(),
    ) {
        let mut config = ConfigFile::new(2, Id::default().into(), 0);
        config.compression = level;
        let sealer = Sealer::of(&MasterKey::new(), &config).unwrap();
        let mut sealed = sealer.blob(&content).unwrap();
        prop_assert!(sealed.bytes.len() <= content.len() + 32, "it never grows by compression");
        prop_assert!(level != Some(0) || sealed.unpacked.is_none());
        prop_assert_eq!(&sealer.open(&sealed.bytes, sealed.unpacked).unwrap(), &content);
        let place = place.index(sealed.bytes.len());
        sealed.bytes[place] ^= 1;
        prop_assert!(sealer.open(&sealed.bytes, sealed.unpacked).is_err());
    }
}
