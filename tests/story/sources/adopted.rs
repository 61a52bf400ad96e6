//! Repositories that somebody else keeps: what of them is taken, what increments cover, and what
//! stops a copy of one that changes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{PASSWORD, TARGET, codes, password, put, restic, ship, snapshots};
use crate::support::emulator::Emulator;
use crate::support::program::{Machine, Said, lives_until, said};
use crate::support::seed::run;
use crate::support::tree::Dice;
use serde_json::Value;

#[test]
fn an_adopted_repository_is_taken_without_what_is_no_part_of_it_and_what_is_covered_is_told() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let password = password(&machine);
    put(&machine, "a/file", b"x");
    put(&machine, "b/file", b"x");
    restic(&machine, "repo", &["init"]);
    restic(&machine, "repo", &["backup", "--host", "alpha", &machine.text("a")]);
    restic(&machine, "repo", &["backup", &machine.text("b")]);
    let dump = format!(
        "echo dump | restic --no-cache -q -r {} backup --stdin --stdin-filename db.sql",
        machine.text("repo")
    );
    let piped = Command::new("sh").args(["-c", &dump]).env("RESTIC_PASSWORD", PASSWORD).status();
    assert!(piped.unwrap().success());
    put(&machine, "repo/.DS_Store", b"x");
    put(&machine, "repo/@eaDir/a:b", b"x");
    symlink("config", machine.path("repo/data/link")).unwrap();
    fs::write(machine.path("contact.toml"), crate::support::CONTACT).unwrap();
    let (repo, staging) = (machine.text("repo"), machine.text("staging"));
    let contact = machine.text("contact.toml");
    let words = ["stage", "adopt", "--source", &repo, "--staging", &staging, "--contact", &contact];
    let words = [&words[..], &["--password-file", &password], &TARGET].concat();
    let told = |text: &str| {
        assert!(text.contains(&format!("cover {}", machine.text("b"))), "{text}");
        let alpha = format!("Not covered by this machine: {} of alpha", machine.text("a"));
        assert!(text.contains(&alpha), "{text}");
        assert!(text.contains("Not covered: /db.sql came from a pipe"), "{text}");
    };
    told(&machine.expect(0, &words).stdout);
    told(&ship(&machine, &emulator).stdout);
    let said = run(&machine, &emulator, 0, &[]);
    assert_eq!(codes(&said), ["source-of-other-host", "source-from-pipe"]);
    assert_eq!(said["increment"]["files"], 1);
    let last = snapshots(&machine, &emulator).pop().unwrap();
    assert_eq!(last["paths"], Value::from(vec![machine.text("b")]));
    assert_eq!(fs::read_dir(emulator.blob("seed", "repo")).unwrap().count(), 5, "no stray blob");
}

#[test]
fn a_repository_without_a_source_of_this_machine_is_told_each_time_and_is_no_success() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    put(&machine, "a/file", b"x");
    restic(&machine, "repo", &["init"]);
    restic(&machine, "repo", &["backup", "--host", "alpha", &machine.text("a")]);
    fs::write(machine.path("contact.toml"), crate::support::CONTACT).unwrap();
    let (repo, staging) = (machine.text("repo"), machine.text("staging"));
    let contact = machine.text("contact.toml");
    let words = ["stage", "adopt", "--source", &repo, "--staging", &staging, "--contact", &contact];
    machine.expect(0, &[&words[..], &TARGET].concat());
    assert!(ship(&machine, &emulator).stdout.contains("cover nothing"));
    for _ in 0..2 {
        let said = run(&machine, &emulator, 3, &[]);
        assert_eq!(codes(&said), ["source-of-other-host", "source-none"]);
    }
}

#[test]
fn a_repository_that_its_owner_prunes_between_two_drives_or_works_on_stops_prep() {
    let machine = Machine::new();
    for number in 0..3 {
        put(&machine, &format!("a/{number}"), &Dice(number).bytes(60 << 20));
    }
    restic(&machine, "repo", &["init"]);
    restic(&machine, "repo", &["backup", &machine.text("a")]);
    let staging = machine.adopt(&machine.path("repo"), "seed-1");
    let first = "s1.img,serial=S1,size=210M";
    let second = "s2.img,serial=S2,size=400M";
    let lock = machine.path("repo/locks").join("a".repeat(64));
    fs::write(&lock, b"x").unwrap();
    let prep = |code, drives: &[&str]| {
        let words = ["prep", "--staging", &staging, "--offline"];
        let drives: Vec<&str> = drives.iter().flat_map(|own| ["--drive", own]).collect();
        machine.expect(code, &[&words[..], &drives].concat())
    };
    let said = prep(4, &[first]);
    assert!(said.stderr.contains("repository-locked"), "{}", said.stderr);
    assert!(!machine.path("s1.img").exists());
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(31 * 60);
    fs::File::open(&lock).unwrap().set_modified(old).unwrap();
    prep(6, &[first]);
    assert!(machine.path("s1.img").exists());
    let packs = walkdir::WalkDir::new(machine.path("repo/data")).into_iter().flatten();
    let pack = packs.into_iter().find(|entry| entry.file_type().is_file()).unwrap().into_path();
    fs::rename(&pack, machine.path("aside")).unwrap();
    let said = prep(4, &[first, second]);
    assert!(said.stderr.contains("repository-changed"), "{}", said.stderr);
    assert!(!machine.path("s2.img").exists());
    fs::rename(machine.path("aside"), &pack).unwrap();
    prep(0, &[first, second]);
}

/// Makes what is no plain file at a path, or a second name of a file elsewhere.
fn special(machine: &Machine, kind: &str, path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let node = |kind, device| mknodat(CWD, path, kind, Mode::from(0o600), device).unwrap();
    match kind {
        "fifo" => node(FileType::Fifo, 0),
        // Reads as endless zeros.
        "device" => node(FileType::CharacterDevice, rustix::fs::makedev(1, 5)),
        "socket" => node(FileType::Socket, 0),
        "link" => symlink(machine.path("plain"), path).unwrap(),
        "hard link" => fs::hard_link(machine.path("plain"), path).unwrap(),
        other => panic!("{other}"),
    }
}

/// A run that may not take longer than a minute.
fn timed(machine: &Machine, words: &[&str]) -> Said {
    let command = machine.command(words);
    let mut timed = Command::new("timeout");
    timed.args(["--kill-after", "1", "60"]).arg(command.get_program()).args(command.get_args());
    timed.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", machine.path(""));
    said(timed.current_dir(machine.path("")).output().unwrap())
}

#[test]
fn what_is_no_plain_file_in_an_adopted_source_is_refused_by_name_and_never_waited_for() {
    let machine = Machine::new();
    let password = password(&machine);
    put(&machine, "plain", b"the content of a plain file");
    put(&machine, "a/file", b"x");
    restic(&machine, "repo", &["init"]);
    restic(&machine, "repo", &["backup", &machine.text("a")]);
    fs::write(machine.path("contact.toml"), crate::support::CONTACT).unwrap();
    let (taken, staging, contact) =
        (machine.text("taken"), machine.text("staging"), machine.text("contact.toml"));
    let drive = "s1.img,serial=S1,size=210M";
    for kind in ["fifo", "device", "socket", "link", "hard link"] {
        for place in ["a", "config", "keys", "index", "snapshots", "data"] {
            for folder in ["taken", "staging", "s1.img", "state"] {
                let path = machine.path(folder);
                if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.ok();
            }
            let origin = machine.path(if place == "a" { "a" } else { "repo" });
            let copied =
                Command::new("cp").arg("-a").args([&origin, &machine.path("taken")]).status();
            assert!(copied.unwrap().success());
            let path = match place {
                "a" => machine.path("taken/special"),
                place => {
                    let files = walkdir::WalkDir::new(machine.path("taken").join(place));
                    let file = files.into_iter().flatten().find(|own| own.file_type().is_file());
                    let path = file.unwrap().into_path();
                    fs::rename(&path, machine.path("plain")).unwrap();
                    path
                }
            };
            special(&machine, kind, &path);
            let adopt = ["stage", "adopt", "--source", &taken, "--staging", &staging];
            let adopt = [&adopt[..], &["--contact", &contact], &TARGET].concat();
            let with_password = ["--password-file", &password];
            let own = if place == "a" { &[][..] } else { &with_password };
            let adopted = timed(&machine, &[&adopt[..], own].concat());
            let planned = timed(&machine, &["plan", "--staging", &staging, "--drive-size", "4T"]);
            let words = ["prep", "--staging", &staging, "--offline", "--drive", drive];
            let filled = timed(&machine, &words);
            let what = format!("{kind} in {place}: {adopted:?} {planned:?} {filled:?}");
            if kind == "hard link" {
                // A repository that somebody keeps may be a copy made of links.
                assert_eq!([adopted.code, planned.code, filled.code], [0; 3], "{what}");
                let words = ["verify", "--staging", &staging, "s1.img,serial=S1"];
                assert_eq!(timed(&machine, &words).code, 0, "{what}");
                continue;
            }
            assert!([0, 2, 4].contains(&adopted.code), "{what}");
            assert!([2, 4, 10].contains(&planned.code), "{what}");
            assert!([2, 4, 10].contains(&filled.code), "{what}");
            assert!(!machine.path("s1.img").exists(), "{what}");
            let name = path.file_name().unwrap().to_str().unwrap();
            let told = format!("{}{}", adopted.stderr, planned.stderr);
            let folder = format!("taken/{place}\n");
            assert!(told.contains(name) || told.contains(&folder), "it is named: {what}");
            if adopted.code != 0 {
                assert!(!machine.path("staging/seed.json").exists(), "{what}");
            }
        }
    }
}

#[test]
fn a_repository_that_its_owner_writes_to_while_a_drive_is_filled_is_not_sealed() {
    use std::os::unix::fs::MetadataExt;
    let machine = Machine::new();
    for number in 0..3 {
        put(&machine, &format!("a/{number}"), &Dice(number).bytes(80 << 20));
    }
    restic(&machine, "repo", &["init"]);
    restic(&machine, "repo", &["backup", &machine.text("a")]);
    let staging = machine.adopt(&machine.path("repo"), "seed-1");
    let drive = "s1.img,serial=S1,size=500M";
    let words = ["prep", "--staging", &staging, "--offline", "--drive", drive];
    let image = machine.path("s1.img");
    let is_begun = || fs::metadata(&image).is_ok_and(|about| about.blocks() * 512 > 10 << 20);
    let mut child = machine.command(&words).stderr(std::process::Stdio::piped()).spawn().unwrap();
    assert!(lives_until(&mut child, is_begun));
    let added = machine.path("repo/snapshots").join("a".repeat(64));
    fs::write(&added, b"a backup by its owner").unwrap();
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.stderr.contains("repository-changed"), "{said:?}");
    let journal = fs::read_to_string(machine.path("staging/journals/S1.journal")).unwrap();
    assert!(journal.contains("\"filled\"") && !journal.contains("\"sealed\""), "it is not sealed");
    assert_eq!(machine.run(&["verify", "--staging", &staging, "s1.img,serial=S1"]).code, 4);
    // Nor by the next run, until the repository is what it was.
    let again = machine.expect(4, &words[..]);
    assert!(again.stderr.contains("repository-changed"), "{}", again.stderr);
    fs::remove_file(&added).unwrap();
    machine.expect(0, &words[..]);
    machine.expect(0, &["verify", "--staging", &staging, "s1.img,serial=S1"]);
}
