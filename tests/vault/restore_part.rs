//! Parts of a snapshot, listed, searched and restored: elsewhere, in place, looked at beforehand,
//! by a machine that has nothing but the vault's address and password.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::kept::{Vault, last};
use support::program::Said;
use support::schema;

/// Folders with files that patterns tell apart, a hole, a link, and a file of another owner.
fn office(root: &Path) {
    for (path, content) in [
        ("letters/one.txt", "one"),
        ("letters/two.txt", "two"),
        ("letters/two.bak", "old two"),
        ("books/2025/sum.ods", "2025"),
        ("books/2026/sum.ods", "2026"),
        ("books/2026/notes.txt", "notes"),
    ] {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), content).unwrap();
    }
    fs::set_permissions(root.join("books"), fs::Permissions::from_mode(0o751)).unwrap();
    symlink("one.txt", root.join("letters/link")).unwrap();
    let hole = fs::File::create(root.join("books/hole")).unwrap();
    hole.set_len(8 << 20).unwrap();
    for name in ["letters/one.txt", "letters"] {
        std::os::unix::fs::chown(root.join(name), Some(12_345), Some(12_345)).unwrap();
    }
    fs::set_permissions(root.join("letters"), fs::Permissions::from_mode(0o700)).unwrap();
}

fn lines(said: &Said) -> Vec<Value> {
    schema::check_lines(&said.stdout);
    let all = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|line| line["type"] != "stage-progress").collect()
}

fn run(vault: &Vault, code: i32, words: &[&str]) -> Vec<Value> {
    lines(&vault.emulator.expect(&vault.machine, code, words))
}

/// Files and links below a folder.
fn below(root: &Path) -> BTreeSet<String> {
    let all = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.unwrap());
    let files = all.filter(|entry| !entry.file_type().is_dir());
    files.map(|own| own.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_snapshot_is_listed_from_its_sources_down_and_searched_by_patterns() {
    let vault = Vault::of(office);
    let source = vault.source();
    let paths = |listed: &[Value]| -> BTreeSet<String> {
        let of = |own: &Value| {
            let path = Path::new(own["path"].as_str()?);
            Some(path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned())
        };
        listed.iter().filter_map(of).collect()
    };
    let top = run(&vault, 0, &["vault", "ls", "--json", "latest"]);
    assert_eq!((paths(&top), &top[0]["kind"]), (set(&[""]), &"folder".into()));
    let books = format!("latest:{}", source.join("books").display());
    let listed = run(&vault, 0, &["vault", "ls", "--json", &books]);
    assert_eq!(paths(&listed), set(&["books/2025", "books/2026", "books/hole"]));
    let hole = listed.iter().find(|own| own["path"].as_str().unwrap().ends_with("hole")).unwrap();
    assert_eq!(hole["bytes"], 8 << 20);
    let all = run(&vault, 0, &["vault", "ls", "--json", "-r", "latest"]);
    assert_eq!(paths(&all).len(), 13, "{all:?}");
    let one = all.iter().find(|own| own["path"].as_str().unwrap_or("").ends_with("one.txt"));
    assert_eq!((&one.unwrap()["uid"], &one.unwrap()["mode"]), (&12_345.into(), &"0644".into()));
    let link = all.iter().find(|own| own["kind"] == "link").unwrap();
    assert_eq!(link["link_target"], "one.txt");

    let found = run(&vault, 0, &["vault", "find", "--json", "*.ods", "letters/t*"]);
    let expected =
        ["books/2025/sum.ods", "books/2026/sum.ods", "letters/two.bak", "letters/two.txt"];
    assert_eq!(paths(&found), set(&expected));
    assert_eq!(last_of(&found)["found"], 4);
    let rooted = source.join("books/*/notes.*");
    let found = run(&vault, 0, &["vault", "find", "--json", rooted.to_str().unwrap()]);
    assert_eq!(paths(&found), set(&["books/2026/notes.txt"]));
    assert_eq!(run(&vault, 0, &["vault", "find", "--json", "nothing"])[0]["found"], 0);
    for (code, word, words) in [
        (10, "snapshot-path-missing", &["vault", "ls", "--json", "latest:/no/such"][..]),
        (10, "snapshot-missing", &["vault", "ls", "--json", "ffffff"]),
        (10, "snapshot-missing", &["vault", "find", "--json", "x", "--host", "nobody"]),
        (2, "exclude-invalid", &["vault", "find", "--json", "[a"]),
        (2, "usage", &["vault", "ls", "--json", "latest:srv"]),
    ] {
        assert_eq!(last_of(&run(&vault, code, words))["code"], word, "{words:?}");
    }
}

fn last_of(all: &[Value]) -> &Value {
    all.last().unwrap()
}

#[test]
fn only_what_is_meant_is_restored_and_no_folder_that_leads_to_nothing() {
    let vault = Vault::of(office);
    let source = vault.source();
    let books = source.join("books");
    let restored = |target: &str, more: &[&str]| {
        vault.restore(0, target, more);
        below(&vault.machine.path(target))
    };
    let whole = |names: &[&str]| -> BTreeSet<String> {
        let inner = source.strip_prefix("/").unwrap();
        names.iter().map(|name| inner.join(name).to_str().unwrap().to_owned()).collect()
    };
    let ods = restored("ods", &["--include", "*.ods", "--exclude", "2025"]);
    assert_eq!(ods, whole(&["books/2026/sum.ods"]));
    let root = vault.copy("ods", "");
    assert!(!root.join("letters").exists() && !root.join("books/2025").exists());
    let time = |path: &Path| fs::metadata(path).unwrap().mtime_nsec();
    assert_eq!(time(&root.join("books")), time(&books), "a folder on the way has its own time");

    // What leads to the source is as it was there, and what the target stands for too, where it held
    // nothing.
    let facts = |path: &Path| {
        let about = fs::metadata(path).unwrap();
        (about.mode(), about.uid(), about.mtime())
    };
    let above = source.parent().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode();
    assert_eq!(mode(root.parent().unwrap()), mode(above));
    let letters = source.join("letters");
    let own = ["--path", letters.to_str().unwrap()];
    restored("letters", &own);
    let target = vault.machine.path("letters");
    assert_eq!((facts(&target), facts(&target).1), (facts(&letters), 12_345));
    fs::create_dir(vault.machine.path("used")).unwrap();
    fs::write(vault.machine.path("used/file"), "used").unwrap();
    let before = mode(&vault.machine.path("used"));
    restored("used", &own);
    assert_eq!(mode(&vault.machine.path("used")), before, "it stays what it is");

    // A run that is killed while it writes is gone on with to the same end.
    let path = books.to_str().unwrap();
    let cut = vault.machine.path("cut");
    let words = ["vault", "restore", "--path", path, "--target", cut.to_str().unwrap()];
    let whole_run = vault.emulator.command(&vault.machine, &words);
    let mut killed = Command::new("prlimit");
    killed.args(["--fsize=1048576", "--core=0"]).arg(whole_run.get_program());
    killed.args(whole_run.get_args()).current_dir(vault.machine.path(""));
    killed.envs(whole_run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(killed.status().unwrap().signal(), Some(25), "its files were to become too large");
    assert_eq!(mode(&cut) & 0o777, 0o700);
    restored("cut", &["--path", path]);
    assert_eq!(facts(&cut), facts(&books));

    let part = restored("part", &["--path", path]);
    assert_eq!(part, set(&["2025/sum.ods", "2026/notes.txt", "2026/sum.ods", "hole"]));
    let hole = fs::metadata(vault.machine.path("part/hole")).unwrap();
    assert_eq!((hole.len(), hole.blocks()), (8 << 20, 0), "a hole stays one");
    let file = format!("latest:{path}/2026/notes.txt");
    assert_eq!(restored("file", &["--snapshot", &file]), set(&["notes.txt"]));
    let both = restored("both", &["--path", path, "--include", "notes.txt", "--include", "hole"]);
    assert_eq!(both, set(&["2026/notes.txt", "hole"]));

    for (code, word, more) in [
        (10, "snapshot-path-missing", &["--path", "/no/such"][..]),
        (10, "snapshot-path-missing", &["--include", "*.odt", "--include", "no such*"]),
        (2, "exclude-invalid", &["--include", ""]),
        (2, "exclude-everything", &["--exclude", "*"]),
        (2, "exclude-everything", &["--path", path, "--exclude", "20*", "--exclude", "hole"]),
        (2, "snapshot-path-twice", &["--snapshot", &file, "--path", "/other"]),
    ] {
        assert_eq!(vault.restore(code, "none", more)["code"], word);
        assert!(!vault.machine.path("none").exists(), "{word}");
    }
}

#[test]
fn in_place_what_differs_is_listed_first_then_brought_back_and_what_is_more_stays() {
    let vault = Vault::of(office);
    let source = vault.source();
    let words = |more: &[&'static str]| -> Vec<&'static str> {
        [&["vault", "restore", "--json", "--in-place"], more].concat()
    };
    let (letters, parent) = (source.join("letters"), source.parent().unwrap().to_owned());
    fs::write(letters.join("two.txt"), "too").unwrap();
    fs::remove_file(letters.join("two.bak")).unwrap();
    fs::write(letters.join("new.txt"), "new").unwrap();
    fs::set_permissions(source.join("books/2025/sum.ods"), fs::Permissions::from_mode(0o600))
        .unwrap();
    fs::remove_dir_all(source.join("books/2026")).unwrap();
    fs::write(source.join("books/2026"), "a file").unwrap();
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o711)).unwrap();
    let stands = || -> Vec<(String, u32, Vec<u8>)> {
        let read = |name: &String| {
            let path = source.join(name);
            let mode = fs::symlink_metadata(&path).unwrap().mode();
            (name.clone(), mode, fs::read(&path).unwrap())
        };
        below(&source).iter().map(read).collect()
    };
    let before = stands();
    let looked = run(&vault, 3, &words(&["--dry-run"]));
    let changes: BTreeSet<(String, String)> = looked[..looked.len() - 1]
        .iter()
        .map(|own| {
            let path = Path::new("/").join(own["path"].as_str().unwrap());
            let path = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            (path, own["change"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        ("books/2025/sum.ods", "adjusted"),
        ("books/2026", "in-the-way"),
        ("letters/two.bak", "written"),
        ("letters/two.txt", "replaced"),
    ];
    let expected = expected.map(|(path, change)| (path.to_owned(), change.to_owned()));
    assert_eq!(changes, BTreeSet::from(expected));
    let end = last_of(&looked);
    assert_eq!((&end["dry_run"], &end["bytes"]), (&true.into(), &10.into()), "{end}");
    assert_eq!(stands(), before, "nothing was touched");

    assert_eq!(last_of(&run(&vault, 2, &words(&[])))["code"], "needs-yes");
    assert_eq!(stands(), before);
    let done = run(&vault, 3, &words(&["--yes"]));
    let end = last_of(&done);
    assert_eq!(
        (&end["written"], &end["replaced"], &end["adjusted"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(end["left_out"][0]["code"], "restore-in-the-way");
    let done = run(&vault, 0, &words(&["--yes", "--overwrite"]));
    assert_eq!((&last_of(&done)["written"], &last_of(&done)["replaced"]), (&2.into(), &0.into()));
    assert_eq!(fs::read(letters.join("two.txt")).unwrap(), b"two");
    assert_eq!(fs::read(letters.join("new.txt")).unwrap(), b"new", "what is more stays");
    assert_eq!(fs::metadata(&parent).unwrap().mode() & 0o777, 0o711, "not of the snapshot");
    let again = run(&vault, 0, &words(&["--dry-run"]));
    assert_eq!((again.len(), &again[0]["unchanged"]), (1, &8.into()), "{again:?}");
}

#[test]
fn a_link_in_the_place_of_a_folder_above_a_source_stays_whatever_is_asked() {
    let vault = Vault::of(office);
    let (real, aside) = (vault.machine.path("real"), vault.machine.path("aside"));
    fs::create_dir_all(real.join("home")).unwrap();
    fs::write(real.join("home/file"), "mine").unwrap();
    run(&vault, 0, &["vault", "source", "add", "--json", real.join("home").to_str().unwrap()]);
    run(&vault, 0, &["vault", "run", "--now", "--json"]);
    fs::rename(&real, &aside).unwrap();
    fs::remove_file(aside.join("home/file")).unwrap();
    fs::write(aside.join("other"), "of somebody").unwrap();
    symlink(&aside, &real).unwrap();
    for more in [&["--dry-run"][..], &["--dry-run", "--overwrite"], &["--yes", "--overwrite"]] {
        let words = [&["vault", "restore", "--json", "--in-place"], more].concat();
        let end = run(&vault, 3, &words);
        assert_eq!(last_of(&end)["left_out"][0]["code"], "restore-in-the-way", "{end:?}");
        assert!(fs::symlink_metadata(&real).unwrap().is_symlink());
    }
    assert_eq!(below(&aside), set(&["other"]));
}

#[test]
fn without_root_what_cannot_be_held_is_told_once_and_can_be_ignored() {
    let vault = Vault::of(office);
    let machine = &vault.machine;
    fs::set_permissions(machine.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(machine.path("back")).unwrap();
    let state = walkdir::WalkDir::new(machine.path("state")).into_iter().flatten();
    for path in state.map(walkdir::DirEntry::into_path).chain([machine.path("back")]) {
        std::os::unix::fs::lchown(path, Some(65_534), Some(65_534)).unwrap();
    }
    let authority = machine.path("ca.pem");
    fs::copy(vault.emulator.fact("ca_file"), &authority).unwrap();
    fs::set_permissions(&authority, fs::Permissions::from_mode(0o644)).unwrap();
    let restore = |words: &[&str]| {
        use std::os::unix::process::CommandExt;
        let mut command = vault.emulator.command(machine, words);
        command.env("AZSEED_CA_FILE", &authority).uid(65_534).gid(65_534);
        support::program::said(command.output().unwrap())
    };
    let said = restore(&["vault", "restore", "--target", "back"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    let told = said.stdout.lines().filter(|line| line.starts_with("Not as it was: ")).count();
    assert_eq!(told, 2, "one by name, the others by number: {}", said.stdout);
    assert!(said.stdout.contains("--ignore owner"), "{}", said.stdout);
    let some = restore(&Vault::words("back", &["--ignore", "xattr,times"]));
    assert_eq!(some.code, 3);
    let said = restore(&Vault::words("back", &["--ignore", "owner"]));
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let done = last(&said);
    assert_eq!((&done["written"], &done["replaced"]), (&0.into(), &0.into()), "{done}");
    assert_eq!(done["left_out"][0]["code"], "restore-owner");
    assert!(done["left_out"][0]["count"].as_u64().unwrap() > 1);
    assert_eq!(done["ignored"], Value::from(vec!["restore-owner"]));
}

#[test]
fn where_several_machines_have_snapshots_the_newest_is_never_guessed() {
    let vault = Vault::of(office);
    let other = vault.machine.path("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("of-another"), "x").unwrap();
    vault.restic(&["backup", "--host", "another", other.to_str().unwrap()]);
    let asked = vault.restore(2, "back", &[]);
    assert_eq!(asked["code"], "snapshot-of-which", "{asked}");
    let message = asked["message"].as_str().unwrap();
    assert!(message.contains("--host another (newest"), "{message}");
    assert_eq!(message.matches("--host").count(), 2, "{message}");
    assert!(!vault.machine.path("back").exists());
    vault.restore(0, "back", &["--host", "another"]);
    let inner: PathBuf = other.strip_prefix("/").unwrap().join("of-another");
    assert_eq!(below(&vault.machine.path("back")), set(&[inner.to_str().unwrap()]));
    let source = vault.source();
    vault.restore(0, "own", &["--source", source.to_str().unwrap()]);
    assert!(vault.copy("own", "letters/one.txt").exists());
    let listed = run(&vault, 0, &["vault", "snapshots", "--json", "--host", "another"]);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        run(&vault, 10, &["vault", "snapshots", "--json", "--host", "x"])[0]["code"],
        "snapshot-missing"
    );
}
