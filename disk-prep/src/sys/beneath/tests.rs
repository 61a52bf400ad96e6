//! Folders of strangers, as they may be set up.

use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A folder beside a secret that nothing below may lead to.
fn trap() -> (tempfile::TempDir, Folder) {
    let outer = tempfile::tempdir().unwrap();
    fs::create_dir_all(outer.path().join("in/deep")).unwrap();
    fs::create_dir(outer.path().join("out")).unwrap();
    fs::write(outer.path().join("out/secret"), b"secret").unwrap();
    symlink("../out", outer.path().join("in/link")).unwrap();
    symlink("../out/secret", outer.path().join("in/file")).unwrap();
    let folder = Folder::open(&outer.path().join("in")).unwrap();
    (outer, folder)
}

fn expected<T: std::fmt::Debug>(result: io::Result<T>) -> Unexpected {
    let error = result.unwrap_err();
    let inner = error.into_inner().expect("a reason of this room");
    *inner.downcast().expect("a reason of this room")
}

#[test]
fn no_way_leads_out_of_the_folder() {
    let (outer, folder) = trap();
    let way = Path::new;
    for path in ["link/secret", "file", "../out/secret", "/etc/hostname", "deep/../../out/x"] {
        assert!(folder.file(way(path)).is_err(), "{path}");
        assert!(folder.write(way(path), b"mine", Access::Public).is_err() || path == "file");
        assert!(folder.remove_file(way(path)).is_err() || path == "file", "{path}");
        assert!(folder.create_new(way(path), Access::Public).is_err() || path == "file");
    }
    assert!(folder.folder(way("link")).is_err());
    assert!(folder.make_folder(way("link/new"), 0o755).is_err());
    assert!(folder.make_folder(way("../new"), 0o755).is_err());
    for path in ["..", "../out/secret", "/etc/hostname", "deep/../x", ""] {
        assert_eq!(expected(folder.remove_file(way(path))).code(), "foreign-path", "{path}");
        let file = expected(folder.file(way(path)));
        assert!(path.is_empty() || file.code() == "foreign-path", "{path}: {file}");
    }
    assert_eq!(fs::read(outer.path().join("out/secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(outer.path().join("out")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 2);
}

#[test]
fn what_is_no_plain_file_with_one_name_is_refused_without_waiting() {
    let (outer, folder) = trap();
    let inner = outer.path().join("in");
    rustix::fs::mknodat(CWD, inner.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    fs::write(inner.join("one"), b"1").unwrap();
    fs::hard_link(inner.join("one"), inner.join("two")).unwrap();
    let kind = |name: &str| match expected(folder.file(Path::new(name))) {
        Unexpected::Kind { found, .. } => found,
        other => panic!("{other}"),
    };
    assert_eq!(kind("fifo"), Kind::Special);
    assert_eq!(kind("file"), Kind::Link);
    assert_eq!(kind("deep"), Kind::Folder);
    let links = expected(folder.file(Path::new("one")));
    assert!(matches!(links, Unexpected::Links { link_count: 2 }), "{links}");
    let link = expected(folder.folder(Path::new("link")));
    assert!(matches!(link, Unexpected::Kind { found: Kind::Link, .. }), "{link}");
}

#[test]
fn files_are_written_whole_read_within_bounds_and_listed() {
    let (outer, folder) = trap();
    let path = Path::new("deep/name");
    folder.write(path, b"one", Access::Public).unwrap();
    folder.write(path, b"three", Access::Private).unwrap();
    assert_eq!(folder.read(path, 5).unwrap(), b"three");
    let large = expected(folder.read(path, 4));
    assert!(matches!(large, Unexpected::Large { bytes: 5, most: 4 }), "{large}");
    let mode = fs::metadata(outer.path().join("in/deep/name")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let deep = folder.folder(Path::new("deep")).unwrap();
    assert_eq!(deep.names().unwrap(), ["name"]);
    assert_eq!(deep.names().unwrap(), ["name"], "a second look sees the same");
    assert!(deep.find(Path::new("none")).unwrap().is_none());
    let made = folder.make_folder(Path::new("a/b"), 0o700).unwrap();
    assert_eq!(made.about(Path::new("")).unwrap().mode, 0o700);
    folder.rename(path, Path::new("a/b/moved")).unwrap();
    assert_eq!(made.names().unwrap(), ["moved"]);
    folder.remove_file(Path::new("a/b/moved")).unwrap();
    folder.remove_folder(Path::new("a/b")).unwrap();
    assert_eq!(folder.folder(Path::new("a")).unwrap().names().unwrap().len(), 0);
}

#[test]
fn the_way_by_steps_is_as_strict_as_the_kernels() {
    let (_outer, folder) = trap();
    let step = |path: &str| {
        let names = plain_names(Path::new(path)).unwrap();
        let names: Vec<&OsStr> = names.into_iter().collect();
        folder.reach_by_steps(&names, OFlags::RDONLY | OFlags::NOFOLLOW, Mode::empty())
    };
    assert!(step("deep").is_ok());
    assert!(step("link/secret").is_err());
    assert!(step("file").is_err());
}

#[test]
fn a_held_folder_is_reached_by_its_handle_when_a_link_stands_at_its_name() {
    let (outer, folder) = trap();
    let held = folder.folder(Path::new("deep")).unwrap();
    fs::write(outer.path().join("in/deep/mine"), b"mine").unwrap();
    fs::rename(outer.path().join("in/deep"), outer.path().join("in/aside")).unwrap();
    symlink("../out", outer.path().join("in/deep")).unwrap();
    let again = Folder::open(&held.handle_path()).unwrap();
    assert_eq!(again.names().unwrap(), ["mine"]);
    let real = fs::canonicalize(outer.path().join("in/aside")).unwrap();
    assert_eq!(named(&held.handle_path()), real);
    assert_eq!(named(Path::new("/any/other")), Path::new("/any/other"));
}
