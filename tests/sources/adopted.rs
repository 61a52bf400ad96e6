//! Repositories that somebody else keeps: what of them is taken, what increments cover, and what
//! stops a copy of one that changes.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::emulator::Emulator;
use crate::support::program::Machine;
use crate::support::seed::run;
use crate::support::tree::Dice;
use crate::{PASSWORD, TARGET, codes, password, put, restic, ship, snapshots, support};
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
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
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
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
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
