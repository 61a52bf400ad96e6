//! `vault restore` onto whatever is there already: twice, after a kill, over other kinds, onto a
//! full disk, from a damaged vault, without root; and against restic's own restore.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::kept::{Vault, last};
use support::program::said;
use support::tree::{self, Dice};

/// All that can be said of each entry below a folder: kind and mode, owner, device, size, time,
/// names, where a link leads, extended attributes, content.
fn facts(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut first = BTreeMap::new();
    let mut facts = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.unwrap();
        let (path, about) = (entry.path(), entry.metadata().unwrap());
        let below = path.strip_prefix(root).unwrap().to_owned();
        let mut fact = format!("{:o} {}:{}", about.mode(), about.uid(), about.gid());
        fact.push_str(&format!(" {}.{:09}", about.mtime(), about.mtime_nsec()));
        if about.is_file() {
            let same = first.entry(about.ino()).or_insert_with(|| below.clone());
            let content = tree::sha256_of(path);
            fact.push_str(&format!(
                " {} {} {} {content}",
                about.len(),
                about.nlink(),
                same.display()
            ));
            let mut names = vec![0; 4096];
            let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
            let names = names[..length].split(|byte| *byte == 0);
            let names: BTreeSet<&[u8]> = names.filter(|name| !name.is_empty()).collect();
            for name in names {
                let mut value = vec![0; 4096];
                let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
                fact.push_str(&format!(
                    " {}={:?}",
                    String::from_utf8_lossy(name),
                    &value[..length]
                ));
            }
        } else if about.is_symlink() {
            fact.push_str(&format!(" {}", fs::read_link(path).unwrap().display()));
        } else if !about.is_dir() {
            fact.push_str(&format!(" {:x}", about.rdev()));
        }
        facts.insert(below, fact);
    }
    facts
}

/// Of everything that a folder can hold, something.
fn everything(root: &Path) {
    let mut dice = Dice(9);
    for (path, length) in [("a/x", 100), ("a/big", 5 << 20), ("a/b/c/deep", 70_000), ("empty", 0)] {
        let content = dice.bytes(length);
        tree::write(root, path, &content, &mut dice);
    }
    fs::hard_link(root.join("a/x"), root.join("b")).unwrap();
    fs::hard_link(root.join("a/x"), root.join("a/b/x")).unwrap();
    symlink("a/x", root.join("link")).unwrap();
    symlink("nowhere/at all", root.join("a/dangling")).unwrap();
    let mode = |path: &str, mode| {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    let own = |path: &str, uid, gid| {
        std::os::unix::fs::lchown(root.join(path), Some(uid), Some(gid)).unwrap();
    };
    own("empty", 1234, 5678);
    own("link", 4321, 8765);
    fs::write(root.join("program"), "#!").unwrap();
    own("program", 77, 88);
    mode("program", 0o6755);
    mode("a/b", 0o2770);
    mode("empty", 0o000);
    mode("a/b/c", 0o500);
    for (name, value) in [("user.note", &b"kept"[..]), ("user.empty", b"")] {
        rustix::fs::setxattr(root.join("a/big"), name, value, XattrFlags::empty()).unwrap();
    }
    let make = |name: &str, kind, device| {
        let mode = Mode::from_raw_mode(0o640);
        rustix::fs::mknodat(CWD, root.join(name), kind, mode, device).unwrap();
    };
    make("fifo", FileType::Fifo, 0);
    make("null", FileType::CharacterDevice, rustix::fs::makedev(1, 3));
    for (path, seconds) in [("a/b/c", 1), ("a", -86_400), ("", 2_000_000_000)] {
        let time = filetime::FileTime::from_unix_time(seconds, 123_456_789);
        filetime::set_file_mtime(root.join(path), time).unwrap();
    }
}

#[test]
fn the_second_restore_finds_all_done_and_brings_back_what_was_changed_meanwhile() {
    let vault = Vault::of(everything);
    let first = vault.restore(0, "back", &[]);
    let there = || facts(&vault.copy("back", ""));
    assert_eq!(there(), facts(&vault.source()));
    assert_eq!((&first["left_out"], &first["replaced"]), (&Value::Array(Vec::new()), &0.into()));
    let changed = |path: &str| fs::symlink_metadata(vault.copy("back", path)).unwrap().ctime_nsec();
    let before = ["a/x", "link", "fifo", "a/big"].map(changed);
    let second = vault.restore(0, "back", &[]);
    assert_eq!((&second["bytes"], &second["written"]), (&0.into(), &0.into()), "{second}");
    assert_eq!((&second["replaced"], &second["adjusted"]), (&0.into(), &0.into()), "{second}");
    assert_eq!(second["unchanged"], first["written"]);
    assert_eq!(["a/x", "link", "fifo", "a/big"].map(changed), before, "nothing was touched");

    fs::remove_file(vault.copy("back", "program")).unwrap();
    fs::remove_file(vault.copy("back", "link")).unwrap();
    fs::remove_file(vault.copy("back", "b")).unwrap();
    fs::set_permissions(vault.copy("back", "a/b/c/deep"), fs::Permissions::from_mode(0o777))
        .unwrap();
    rustix::fs::removexattr(vault.copy("back", "a/big"), "user.note").unwrap();
    // Another content of the same length and time.
    let big = vault.copy("back", "a/big");
    let time = filetime::FileTime::from_last_modification_time(&fs::metadata(&big).unwrap());
    let mut content = fs::read(&big).unwrap();
    content[1_000_000] ^= 1;
    fs::write(&big, content).unwrap();
    filetime::set_file_mtime(&big, time).unwrap();
    let third = vault.restore(0, "back", &[]);
    assert_eq!(there(), facts(&vault.source()));
    assert_eq!(
        (&third["written"], &third["replaced"], &third["adjusted"]),
        (&3.into(), &1.into(), &1.into())
    );
    let litter = there().into_keys().filter(|path| path.to_string_lossy().contains(".part"));
    assert_eq!(litter.count(), 0);
}

#[test]
fn a_restore_by_restic_is_the_same_attribute_by_attribute() {
    let vault = Vault::of(everything);
    // Of a snapshot that restic made itself, too.
    let source = vault.source();
    vault.restic(&["backup", source.to_str().unwrap()]);
    vault.restic(&["restore", "latest", "--target", &vault.machine.text("by-restic")]);
    vault.restore(0, "back", &[]);
    assert_eq!(facts(&vault.copy("back", "")), facts(&vault.copy("by-restic", "")));
    assert_eq!(facts(&vault.copy("back", "")), facts(&source));
}

#[test]
fn a_restore_that_is_killed_leaves_nothing_that_passes_for_whole_and_goes_on() {
    const BYTES: usize = 48 << 20;
    let vault = Vault::of(|root| {
        let mut dice = Dice(3);
        let content = dice.bytes(BYTES);
        tree::write(root, "big", &content, &mut dice);
        tree::write(root, "small", b"small", &mut dice);
    });
    let mut process = vault
        .emulator
        .command(&vault.machine, &Vault::words("back", &[]))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let folder = vault.copy("back", "");
    let is_begun = || {
        let names = fs::read_dir(&folder).into_iter().flatten().flatten();
        names.into_iter().any(|own| {
            let is_draft = own.file_name().to_string_lossy().ends_with(".part");
            is_draft && own.metadata().is_ok_and(|about| about.blocks() > 8192)
        })
    };
    while !is_begun() {
        assert_eq!(process.try_wait().unwrap(), None, "it ended before it could be killed");
        std::thread::yield_now();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(
        !vault.copy("back", "big").exists(),
        "a file in the making has the name of a whole one"
    );
    let done = vault.restore(0, "back", &[]);
    assert_eq!(facts(&vault.copy("back", "")), facts(&vault.source()));
    let bytes = done["bytes"].as_u64().unwrap();
    assert!(bytes < BYTES as u64, "{bytes} bytes were written again");
}

/// What may stand where a file, a folder or a link must go.
const STANDING: [&str; 8] = ["file", "link", "away", "empty", "full", "fifo", "device", "hard"];

fn stand(what: &str, path: &Path, outside: &Path) {
    let make = |kind, device| {
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, path, kind, mode, device).unwrap();
    };
    match what {
        "file" => fs::write(path, "mine").unwrap(),
        "link" => symlink("nowhere", path).unwrap(),
        "away" => symlink(outside, path).unwrap(),
        "empty" => fs::create_dir(path).unwrap(),
        "full" => {
            fs::create_dir_all(path.join("deep")).unwrap();
            fs::write(path.join("deep/mine"), "mine").unwrap();
            symlink(outside, path.join("deep/away")).unwrap();
        }
        "fifo" => make(FileType::Fifo, 0),
        "device" => make(FileType::CharacterDevice, rustix::fs::makedev(1, 7)),
        "hard" => fs::hard_link(outside.join("secret"), path).unwrap(),
        _ => unreachable!(),
    }
}

#[test]
fn of_every_kind_in_the_way_what_can_be_lost_is_named_and_nothing_outside_is_touched() {
    let kinds = ["file", "folder", "link"];
    let vault = Vault::of(|root| {
        for what in STANDING {
            fs::write(root.join(format!("file-{what}")), "theirs").unwrap();
            fs::create_dir(root.join(format!("folder-{what}"))).unwrap();
            fs::write(root.join(format!("folder-{what}/in")), "theirs").unwrap();
            symlink("theirs", root.join(format!("link-{what}"))).unwrap();
        }
    });
    let outside = vault.machine.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let before = facts(&outside);
    let here = vault.copy("back", "");
    fs::create_dir_all(&here).unwrap();
    for what in STANDING {
        for kind in kinds {
            stand(what, &here.join(format!("{kind}-{what}")), &outside);
        }
    }
    let outside_is_as_it_was = |names: u64| {
        let now: Vec<String> = facts(&outside).into_values().collect();
        let shift = |fact: &String| fact.replacen(" 6 1 secret", &format!(" 6 {names} secret"), 1);
        assert_eq!(now, before.values().map(shift).collect::<Vec<_>>());
    };
    let done = vault.restore(3, "back", &[]);
    outside_is_as_it_was(3);
    // A file replaces a file; links and empty folders hold nothing.
    let is_replaced = |kind: &str, what: &str| {
        matches!(what, "link" | "away" | "empty")
            || (kind == "file" && matches!(what, "file" | "hard"))
    };
    let is_whole = |kind: &str, what: &str| {
        let path = here.join(format!("{kind}-{what}"));
        match kind {
            "file" => path.is_file() && !path.is_symlink() && fs::read(&path).unwrap() == b"theirs",
            "folder" => {
                !path.is_symlink()
                    && path.is_dir()
                    && fs::read(path.join("in")).ok() == Some(b"theirs".into())
            }
            _ => fs::read_link(&path).is_ok_and(|target| target == Path::new("theirs")),
        }
    };
    let left = &done["left_out"][0];
    assert_eq!(
        (&left["code"], done["left_out"].as_array().unwrap().len()),
        (&"restore-in-the-way".into(), 1)
    );
    let named: Vec<&str> =
        left["named"].as_array().unwrap().iter().map(|own| own["path"].as_str().unwrap()).collect();
    for what in STANDING {
        for kind in kinds {
            let is_named = named.iter().any(|path| path.ends_with(&format!("/{kind}-{what}")));
            // A folder is no other kind than a folder.
            let is_replaced = is_replaced(kind, what) || (kind == "folder" && what == "full");
            assert_eq!(is_whole(kind, what), is_replaced, "{kind} over {what}: {done}");
            assert_eq!(is_named, !is_replaced, "{kind} over {what}: {done}");
        }
    }
    for kind in ["file", "link"] {
        assert_eq!(fs::read(here.join(format!("{kind}-full/deep/mine"))).unwrap(), b"mine");
    }
    assert_eq!(fs::read(here.join("link-file")).unwrap(), b"mine");
    vault.restore(0, "back", &["--overwrite"]);
    outside_is_as_it_was(1);
    for what in STANDING {
        for kind in kinds {
            assert!(is_whole(kind, what), "{kind} over {what}");
        }
    }
}

#[test]
fn no_link_in_the_target_leads_a_restore_out_of_it() {
    let vault = Vault::of(|root| {
        fs::create_dir_all(root.join("d/e")).unwrap();
        fs::write(root.join("d/e/in"), "in").unwrap();
    });
    let outside = vault.machine.path("outside");
    fs::create_dir_all(outside.join("d/e")).unwrap();
    let source = vault.source();
    let first = source.strip_prefix("/").unwrap().components().next().unwrap();
    let places =
        [vault.machine.path("back").join(first), vault.copy("back", "d"), vault.copy("back", "")];
    for place in places {
        if place.exists() {
            fs::remove_dir_all(&place).unwrap();
        }
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(&outside, &place).unwrap();
        vault.restore(0, "back", &[]);
        assert_eq!(fs::read(vault.copy("back", "d/e/in")).unwrap(), b"in");
        let found: Vec<PathBuf> = facts(&outside).into_keys().collect();
        assert_eq!(found, ["", "d", "d/e"].map(PathBuf::from), "{}", place.display());
    }
    // A target that is no folder is left alone.
    fs::write(vault.machine.path("file"), "mine").unwrap();
    assert_eq!(vault.restore(1, "file", &[])["code"], "restore-target");
    assert_eq!(fs::read(vault.machine.path("file")).unwrap(), b"mine");
    // The path that the person named may lead through a link.
    fs::create_dir(vault.machine.path("real")).unwrap();
    symlink("real", vault.machine.path("alias")).unwrap();
    vault.restore(0, "alias", &[]);
    assert_eq!(fs::read(vault.copy("real", "d/e/in")).unwrap(), b"in");
}

struct Mounted(PathBuf);

impl Mounted {
    fn mount(&self, options: &str) {
        let said = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&self.0)
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg("-l").arg(&self.0).status().unwrap().success());
    }
}

#[test]
fn a_full_disk_stops_it_and_with_room_the_same_command_goes_on() {
    let vault = Vault::of(|root| {
        let mut dice = Dice(5);
        for number in 0..16 {
            let content = dice.bytes(1 << 18);
            tree::write(root, &format!("file-{number}"), &content, &mut dice);
        }
        for number in 0..300 {
            tree::write(root, &format!("many/small-{number}"), b"", &mut dice);
        }
    });
    let mounted = Mounted(vault.machine.path("mounted"));
    fs::create_dir(&mounted.0).unwrap();
    mounted.mount("size=2m");
    let said = vault.restore(6, "mounted", &[]);
    assert_eq!((&said["type"], &said["code"]), (&"error".into(), &"restore-full".into()), "{said}");
    mounted.mount("remount,size=20m");
    let done = vault.restore(0, "mounted", &[]);
    assert_eq!(facts(&vault.copy("mounted", "")), facts(&vault.source()));
    assert!(done["bytes"].as_u64().unwrap() < 4 << 20, "what was there was written again: {done}");
    // No room for names either.
    fs::remove_dir_all(vault.copy("mounted", "many")).unwrap();
    mounted.mount("remount,nr_inodes=100");
    assert_eq!(vault.restore(6, "mounted", &[])["code"], "restore-full");
    mounted.mount("remount,nr_inodes=1000");
    vault.restore(0, "mounted", &[]);
    assert_eq!(facts(&vault.copy("mounted", "")), facts(&vault.source()));
}

#[test]
fn holes_stay_holes_and_what_was_there_does_not_shine_through() {
    let vault = Vault::of(|root| {
        let file = fs::File::create(root.join("disk.img")).unwrap();
        file.set_len(200 << 20).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"x", 100_000_000).unwrap();
    });
    let path = vault.copy("back", "disk.img");
    let is_right = || {
        let used = fs::metadata(&path).unwrap().blocks() * 512;
        assert!(used < 1 << 20, "{used} bytes are used");
        let content = fs::read(&path).unwrap();
        assert_eq!(content.len(), 200 << 20);
        let set: Vec<usize> = (0..content.len()).filter(|at| content[*at] != 0).collect();
        assert_eq!((set.as_slice(), content[100_000_000]), (&[100_000_000][..], b'x'));
    };
    vault.restore(0, "back", &[]);
    is_right();
    let file = fs::File::options().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[7; 3_000_000], 50_000_000).unwrap();
    vault.restore(0, "back", &[]);
    is_right();
}

/// Folders keep a handle until their attributes are given, and files until they are whole.
#[test]
fn a_restore_gets_by_with_the_handles_that_it_is_given() {
    let vault = Vault::of(|root| {
        for number in 0..700 {
            let folder = root.join(format!("folders/{number}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(root.join(format!("{number}")), format!("{number} is not like another"))
                .unwrap();
        }
        let deep = root.join("down/".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "far below").unwrap();
    });
    let meant = vault.emulator.command(&vault.machine, &Vault::words("back", &[]));
    let mut limited = Command::new("prlimit");
    limited.arg("--nofile=250:250").arg(meant.get_program()).args(meant.get_args());
    limited.envs(meant.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.current_dir(vault.machine.path(""));
    let said = said(limited.output().unwrap());
    assert_eq!(said.code, 0, "{}", said.stdout);
    assert!(facts(&vault.copy("back", "")) == facts(&vault.source()));
}

#[test]
fn without_root_owners_and_devices_are_told_and_all_else_is_restored() {
    let vault = Vault::of(everything);
    let folder = vault.machine.path("");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(vault.machine.path("back")).unwrap();
    let all = walkdir::WalkDir::new(vault.machine.path("state")).into_iter().flatten();
    for path in all.map(walkdir::DirEntry::into_path).chain([vault.machine.path("back")]) {
        std::os::unix::fs::lchown(path, Some(65_534), Some(65_534)).unwrap();
    }
    let authority = vault.machine.path("ca.pem");
    fs::copy(vault.emulator.fact("ca_file"), &authority).unwrap();
    fs::set_permissions(&authority, fs::Permissions::from_mode(0o644)).unwrap();
    let restore = |more: &[&str]| {
        use std::os::unix::process::CommandExt;
        let mut command = vault.emulator.command(&vault.machine, &Vault::words("back", more));
        command.env("AZSEED_CA_FILE", &authority);
        let said = said(command.uid(65_534).gid(65_534).output().unwrap());
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
        (said.code, last(&said))
    };
    for round in 0..2 {
        let (code, done) = restore(&[]);
        assert_eq!(code, 3, "{done}");
        let codes: Vec<&str> = done["left_out"]
            .as_array()
            .unwrap()
            .iter()
            .map(|own| own["code"].as_str().unwrap())
            .collect();
        assert_eq!(
            codes,
            ["restore-special", "restore-owner", "restore-mode"],
            "round {round}: {done}"
        );
        assert_eq!(done["left_out"][0]["count"], 1);
    }
    let mode = |path: &str| fs::metadata(vault.copy("back", path)).unwrap().mode() & 0o7777;
    assert_eq!(mode("program"), 0o755, "it would run as somebody else");
    assert_eq!((mode("a/b/c"), mode("empty")), (0o500, 0));
    assert!(
        fs::read(vault.copy("back", "a/big")).unwrap()
            == fs::read(vault.source().join("a/big")).unwrap()
    );
    let (_, done) = restore(&["--no-owner"]);
    let codes: Vec<&Value> =
        done["left_out"].as_array().unwrap().iter().map(|own| &own["code"]).collect();
    assert_eq!(codes, ["restore-special"], "{done}");
}

#[test]
fn a_damaged_vault_is_told_with_a_code_and_never_restored_as_whole() {
    let vault = Vault::of(|root| {
        let mut dice = Dice(8);
        for number in 0..3 {
            let content = dice.bytes(600_000);
            tree::write(root, &format!("file-{number}"), &content, &mut dice);
        }
    });
    let repository = vault.emulator.blob("azseed-office", "repo");
    let files = |place: &str| -> Vec<PathBuf> {
        let all = walkdir::WalkDir::new(repository.join(place)).into_iter().flatten();
        all.filter(|own| own.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
    };
    type Damage = (&'static str, fn(&mut Vec<u8>));
    let damages: [Damage; 3] = [
        ("half", |bytes| bytes.truncate(bytes.len() / 2)),
        ("empty", Vec::clear),
        ("middle", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
        }),
    ];
    for place in ["data", "index", "snapshots", "config", "keys"] {
        for (name, damage) in std::iter::once(("gone", None))
            .chain(damages.iter().map(|(name, damage)| (*name, Some(damage))))
        {
            let kept: Vec<(PathBuf, Vec<u8>)> = files(place)
                .into_iter()
                .map(|path| (path.clone(), fs::read(path).unwrap()))
                .collect();
            assert!(!kept.is_empty(), "{place}");
            for (path, bytes) in &kept {
                match damage {
                    None => fs::remove_file(path).unwrap(),
                    Some(damage) => {
                        let mut bytes = bytes.clone();
                        damage(&mut bytes);
                        fs::write(path, bytes).unwrap();
                    }
                }
            }
            let target = format!("back-{place}-{name}");
            for words in [vec!["vault", "snapshots", "--json"], Vault::words(&target, &[])] {
                // A list of snapshots needs neither of the two.
                if words[1] == "snapshots" && matches!(place, "data" | "index") {
                    continue;
                }
                let said = vault.emulator.run(&vault.machine, &words);
                let case =
                    format!("{place} {name}, {}: {}\n{}", words[1], said.stdout, said.stderr);
                assert!(!said.stderr.contains("panicked"), "{case}");
                let may: &[i32] = match (place, words[1]) {
                    ("data", _) => &[5],
                    ("index", _) => &[1, 5],
                    ("snapshots", "snapshots") => &[0, 1, 5],
                    ("snapshots", _) => &[1, 5, 10],
                    _ => &[1, 5, 10, 12],
                };
                assert!(may.contains(&said.code), "exit {}: {case}", said.code);
                if words[1] == "snapshots" {
                    continue;
                }
                assert_ne!(said.code, 0, "{case}");
                let line = last(&said);
                let codes = line["left_out"].as_array().map(Vec::len).unwrap_or_default();
                assert!(codes > 0 || line["code"].is_string(), "{case}");
                for number in 0..3 {
                    let file = format!("file-{number}");
                    if let Ok(content) = fs::read(vault.copy(&target, &file)) {
                        assert!(content == fs::read(vault.source().join(&file)).unwrap(), "{case}");
                    }
                }
            }
            for (path, bytes) in kept {
                fs::write(path, bytes).unwrap();
            }
        }
    }
    // A key file of which the library would make an endless or impossible computation.
    let key = files("keys").pop().unwrap();
    let text = fs::read_to_string(&key).unwrap();
    let snapshots = |code: i32| {
        let said = vault.emulator.run(&vault.machine, &["vault", "snapshots", "--json"]);
        assert!(said.code == code && !said.stderr.contains("panicked"), "{}", said.stdout);
        last(&said)["code"].clone()
    };
    let config = vault.emulator.blob("azseed-office", "repo/config");
    let whole = fs::read(&config).unwrap();
    fs::write(&config, vec![0; whole.len()]).unwrap();
    assert_eq!(snapshots(1), "repository-failed");
    fs::write(&config, whole).unwrap();
    for number in ["0", "1", "2147483648"] {
        let forged = text.replacen("\"N\":", &format!("\"N\":{number},\"M\":"), 1);
        assert_ne!(forged, text);
        fs::write(&key, &forged).unwrap();
        assert_eq!(snapshots(5), "repository-blob-changed");
        // Under its right name it is refused for what it says.
        fs::remove_file(&key).unwrap();
        let digest = Sha256::digest(&forged);
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let renamed = key.with_file_name(name);
        fs::write(&renamed, &forged).unwrap();
        assert_eq!(snapshots(5), "repository-no-key");
        // Beside the key itself it is in nobody's way.
        fs::write(&key, &text).unwrap();
        assert_eq!(snapshots(0), Value::Null);
        fs::remove_file(&key).unwrap();
        fs::remove_file(&renamed).unwrap();
    }
    assert_eq!(snapshots(5), "repository-no-key");
}

#[test]
fn a_name_of_any_bytes_is_told_in_json() {
    let name = OsStr::from_bytes(b"bad\xffname");
    let vault = Vault::of(|root| fs::write(root.join(name), "text").unwrap());
    let target = vault.machine.text("restored");
    for words in [
        &["vault", "find", "bad*"][..],
        &["vault", "restore", "--target", &target, "--dry-run"],
        &["vault", "restore", "--target", &target],
    ] {
        let words = [words, &["--json"]].concat();
        let said = vault.emulator.expect(&vault.machine, 0, &words);
        let is_told = said.stdout.contains("bad\u{fffd}name");
        assert!(is_told || !words.contains(&"find"), "{words:?}: {}", said.stdout);
    }
    let restored = support::program::files_below(&vault.machine.path("restored"));
    assert!(restored.iter().any(|path| path.file_name() == Some(name)), "{restored:?}");
}
