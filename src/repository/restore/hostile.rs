//! Snapshots that no honest program makes, and what stands where they must go.

use std::ffi::OsString;
use std::fs;
use std::io::Cursor;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::monitor::VoidMonitor;
use rustic_core::repofile::{Metadata, Node, NodeType, SnapshotFile};
use rustic_core::{
    BackupOptions, PathList, ReadSource, ReadSourceEntry, RusticResult, SnapshotOptions,
};
use secrecy::SecretString;
use tempfile::TempDir;

use super::super::folder_store::FolderStore;
use super::super::repo::{Repository, Settings};
use super::options::{Overwrite, Owners, RestoreOptions, Whereto};
use super::report::{Reason, RestoreDone};

/// Entries of a source that never was.
#[derive(Clone, Default)]
struct Made(Vec<(PathBuf, Node, Option<Vec<u8>>)>);

impl ReadSource for Made {
    type Open = Cursor<Vec<u8>>;
    type Iter = std::vec::IntoIter<RusticResult<ReadSourceEntry<Self::Open>>>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Self::Iter {
        let entry = |(path, node, content): (PathBuf, Node, Option<Vec<u8>>)| {
            Ok(ReadSourceEntry { path, node, open: content.map(Cursor::new) })
        };
        self.0.iter().cloned().map(entry).collect::<Vec<_>>().into_iter()
    }
}

impl Made {
    /// A node at a path; its name need not be the path's.
    fn node(mut self, path: &str, name: &[u8], kind: NodeType, about: Metadata) -> Self {
        let node = Node::new_node(&OsString::from_vec(name.to_vec()), kind, about);
        self.0.push((path.into(), node, None));
        self
    }

    fn file(self, path: &str, content: &[u8]) -> Self {
        let name = Path::new(path).file_name().unwrap().to_os_string().into_vec();
        self.file_named(path, &name, content, |_| {})
    }

    fn file_named(
        self,
        path: &str,
        name: &[u8],
        content: &[u8],
        change: impl FnOnce(&mut Metadata),
    ) -> Self {
        let mut about =
            Metadata { size: content.len() as u64, mode: Some(0o644), ..Metadata::default() };
        change(&mut about);
        let mut made = self.node(path, name, NodeType::File, about);
        made.0.last_mut().unwrap().2 = Some(content.to_vec());
        made
    }
}

struct World {
    folder: TempDir,
}

impl World {
    fn of(made: &Made) -> Self {
        let world = World { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(world.at("outside")).unwrap();
        fs::write(world.at("outside/secret"), b"secret").unwrap();
        let settings = Settings { compression: 0, pack_bytes: 1 << 20 };
        let store = Arc::new(FolderStore::of(world.folder.path(), "repo"));
        let password = SecretString::from("a password of a test");
        let repository =
            Repository::create(store, &password, settings, Arc::new(VoidMonitor)).unwrap();
        let snapshot: SnapshotFile = SnapshotOptions::default().to_snapshot().unwrap();
        let paths = PathList::from_iter([PathBuf::from("/")]);
        let indexed = repository.inner.to_indexed_ids().unwrap();
        indexed.archive(&BackupOptions::default(), made, snapshot, &paths.paths()).unwrap();
        world
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn repository(&self) -> Repository {
        let store = Arc::new(FolderStore::of(self.folder.path(), "repo"));
        let password = SecretString::from("a password of a test");
        Repository::open(store, &password, Arc::new(VoidMonitor)).unwrap()
    }

    fn restore(&self, overwrite: Overwrite) -> RestoreDone {
        let repository = self.repository();
        let snapshot = repository.snapshots().unwrap().pop().unwrap();
        let options =
            RestoreOptions { overwrite, owners: Owners::Restored, ..RestoreOptions::default() };
        let done =
            repository.restore(&snapshot, Whereto::Folder(&self.at("target")), &options).unwrap();
        assert_eq!(fs::read(self.at("outside/secret")).unwrap(), b"secret");
        assert_eq!(fs::read_dir(self.at("outside")).unwrap().count(), 1);
        let here = fs::read_dir(self.folder.path()).unwrap().count();
        assert_eq!(here, 3, "repo, outside and target; nothing beside them");
        done
    }
}

fn named(done: &RestoreDone, reason: Reason) -> Vec<String> {
    let named = done.left_out.get(&reason).map(|own| own.named.clone()).unwrap_or_default();
    named.into_iter().map(|(path, _)| path).collect()
}

#[test]
fn names_that_lead_elsewhere_are_refused_and_the_others_come_back() {
    let mut made = Made::default().file("/a", b"good");
    let names: [&[u8]; 8] =
        [b"..", b".", b"", b"../outside/x", b"/etc/azseed-x", b"a/b", b"n\0l", &[b'x'; 300]];
    for (number, name) in names.iter().enumerate() {
        made = made.file_named(&format!("/b{number}"), name, b"evil", |_| {});
    }
    made = made.file_named("/c", b"a", b"a second one of the name", |_| {});
    let folder = Metadata { mode: Some(0o755), ..Metadata::default() };
    made = made.node("/d", b"../outside", NodeType::Dir, folder).file("/d/in", b"evil");
    let world = World::of(&made);
    let done = world.restore(Overwrite::Kinds);
    assert_eq!(done.left_out[&Reason::Name].count, 10, "{done:?}");
    assert_eq!(fs::read(world.at("target/a")).unwrap(), b"good");
    assert_eq!(fs::read_dir(world.at("target")).unwrap().count(), 1);
    assert!(!Path::new("/etc/azseed-x").exists());
}

#[test]
fn a_size_that_the_content_does_not_have_is_named_whichever_is_larger() {
    let mut made = Made::default().file("/equal", b"0123");
    for (name, size) in [("/larger", 2), ("/smaller", u64::MAX), ("/zero", 0)] {
        let base = name.trim_start_matches('/').as_bytes();
        made = made.file_named(name, base, b"0123", |about| about.size = size);
    }
    let world = World::of(&made);
    for _ in 0..2 {
        let done = world.restore(Overwrite::Nothing);
        assert_eq!(named(&done, Reason::Size), ["larger", "smaller", "zero"]);
        for name in ["equal", "larger", "smaller", "zero"] {
            assert_eq!(fs::read(world.at("target").join(name)).unwrap(), b"0123");
        }
    }
}

#[test]
fn a_link_of_the_snapshot_is_never_followed_by_what_comes_after_it() {
    let link = NodeType::from_link(Path::new("../outside"));
    let far = NodeType::from_link(Path::new("/a/b\u{1}c"));
    let folder = Metadata { mode: Some(0o755), ..Metadata::default() };
    let made = Made::default()
        .node("/l", b"l", link, Metadata::default())
        .node("/m", b"l", NodeType::Dir, folder)
        .file("/m/secret", b"changed")
        .node("/n", b"n", far, Metadata::default());
    let world = World::of(&made);
    let done = world.restore(Overwrite::Kinds);
    assert_eq!(named(&done, Reason::Name), ["l"]);
    assert_eq!(fs::read_link(world.at("target/l")).unwrap(), Path::new("../outside"));
    assert_eq!(fs::read_link(world.at("target/n")).unwrap(), Path::new("/a/b\u{1}c"));
}

#[test]
fn names_of_one_inode_with_other_content_are_files_of_their_own() {
    let several = |about: &mut Metadata| {
        (about.links, about.inode, about.device_id) = (3, 7, 7);
    };
    let made = Made::default()
        .file_named("/a", b"a", b"one", several)
        .file_named("/b", b"b", b"two", several)
        .file_named("/c", b"c", b"one", several);
    let world = World::of(&made);
    for round in 0..3 {
        let done = world.restore(Overwrite::Nothing);
        let read = |name: &str| fs::read(world.at("target").join(name)).unwrap();
        assert_eq!(
            (read("a"), read("b"), read("c")),
            (b"one".into(), b"two".into(), b"one".into())
        );
        let inode = |name: &str| fs::metadata(world.at("target").join(name)).unwrap().ino();
        assert!(inode("a") == inode("c") && inode("a") != inode("b"));
        assert!(done.left_out.is_empty(), "{done:?}");
        assert_eq!((done.unchanged, done.written), if round == 0 { (0, 3) } else { (3, 0) });
    }
}

#[test]
fn a_file_that_has_another_name_outside_is_replaced_and_not_changed_there() {
    let world = World::of(&Made::default().file("/a", b"0123").file("/b", b"secret"));
    fs::create_dir(world.at("target")).unwrap();
    let before = fs::metadata(world.at("outside/secret")).unwrap();
    for name in ["a", "b"] {
        fs::hard_link(world.at("outside/secret"), world.at("target").join(name)).unwrap();
    }
    let done = world.restore(Overwrite::Nothing);
    assert_eq!((done.replaced, done.unchanged), (2, 0), "{done:?}");
    assert_eq!(fs::read(world.at("target/a")).unwrap(), b"0123");
    assert_eq!(fs::read(world.at("target/b")).unwrap(), b"secret");
    let after = fs::metadata(world.at("outside/secret")).unwrap();
    assert_eq!((after.mode(), after.nlink()), (before.mode(), 1));
    assert_eq!(after.modified().unwrap(), before.modified().unwrap());
}

#[test]
fn a_blob_that_is_gone_or_changed_leaves_out_its_file_and_what_is_there_stays() {
    let content = |seed: u8| -> Vec<u8> { (0..100_000).map(|at| seed ^ at as u8).collect() };
    let made = Made::default().file("/a", &content(1)).file("/b", &content(2));
    for damage in [|bytes: &mut Vec<u8>| bytes[50] ^= 1, |bytes: &mut Vec<u8>| bytes.truncate(20)] {
        let world = World::of(&made);
        fs::create_dir(world.at("target")).unwrap();
        fs::write(world.at("target/a"), b"older").unwrap();
        let packs = walkdir::WalkDir::new(world.at("repo/data")).into_iter().flatten();
        let largest = packs.max_by_key(|own| own.metadata().unwrap().len()).unwrap();
        let mut bytes = fs::read(largest.path()).unwrap();
        damage(&mut bytes);
        fs::write(largest.path(), bytes).unwrap();
        let done = world.restore(Overwrite::Nothing);
        let named = named(&done, Reason::Damaged);
        assert!(!named.is_empty() && done.written + done.replaced + named.len() as u64 == 2);
        for (name, number) in [("a", 1), ("b", 2)] {
            let there = fs::read(world.at("target").join(name)).unwrap_or_default();
            let is_named = named.iter().any(|own| own == name);
            let older: &[u8] = if name == "a" { b"older" } else { b"" };
            assert!(there == if is_named { older.to_vec() } else { content(number) }, "{name}");
        }
    }
}

#[test]
fn what_a_run_left_half_written_is_taken_up_and_not_written_again() {
    let content: Vec<u8> =
        (0..3_000_000_u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let world = World::of(&Made::default().file("/a", &content));
    fs::create_dir(world.at("target")).unwrap();
    let name = disk_prep::sys::entry::Name::new("a".as_ref()).unwrap();
    let draft = super::destination::draft_name(&name, &Default::default());
    let draft = world.at("target").join(draft.as_path());
    let mut half = content.clone();
    // A chunk has 512 KiB to 8 MiB, wherever this repository cuts them: the first one is whole.
    half[11_000_000..].fill(9);
    half.extend([1; 5000]);
    fs::write(&draft, half).unwrap();
    fs::set_permissions(&draft, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let done = world.restore(Overwrite::Nothing);
    assert!(fs::read(world.at("target/a")).unwrap() == content);
    assert!(!draft.exists());
    assert!((1_000_000..11_500_000).contains(&done.bytes), "{done:?}");
    symlink("a", &draft).unwrap();
    let again = world.restore(Overwrite::Nothing);
    assert_eq!((again.bytes, again.unchanged), (0, 1));
    assert!(fs::symlink_metadata(&draft).is_err(), "a draft that is not needed goes");
}

#[test]
fn what_the_system_refuses_is_named_with_its_reason_and_the_rest_comes_back() {
    let nowhere = NodeType::Symlink { linktarget: String::new(), linktarget_raw: None };
    let about =
        r#"{"mode":420,"size":2,"extended_attributes":[{"name":"nonsense","value":"eA=="}]}"#;
    let about: Metadata = serde_json::from_str(about).unwrap();
    let far = jiff::Timestamp::MAX;
    let made = Made::default()
        .node("/a", b"a", nowhere, Metadata::default())
        .file_named("/b", b"b", b"in", |own| *own = about)
        .file_named("/c", b"c", b"in", |own| own.mtime = Some(far))
        .file("/d", b"in");
    let world = World::of(&made);
    let done = world.restore(Overwrite::Nothing);
    assert_eq!(named(&done, Reason::Unwritable), ["a"], "{done:?}");
    assert_eq!(named(&done, Reason::Extended), ["b"], "{done:?}");
    assert_eq!(done.written, 3);
    for name in ["b", "c", "d"] {
        assert_eq!(fs::read(world.at("target").join(name)).unwrap(), b"in");
    }
    let codes: Vec<&str> = done.left_out.keys().map(Reason::code).collect();
    assert_eq!(codes[..2], ["restore-unwritable", "restore-attributes"]);
}
