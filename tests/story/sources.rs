//! What of its sources a backup takes, and what never passes for one: seen from outside, with
//! restic as the judge.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]

use crate::support;
mod adopted;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said};
use support::seed::run;
use support::tree::Dice;

const PASSWORD: &str = "a password of many letters";
/// The vault's repository as files.
const VAULT: &str = "azure/blobs/account1/azseed-office/repo";
const TARGET: [&str; 10] = [
    "--job",
    "seed-1",
    "--storage-account",
    "account1",
    "--container",
    "seed",
    "--subscription",
    "11111111-2222-4333-8444-555555555555",
    "--resource-group",
    "rg",
];

fn password(machine: &Machine) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = machine.path("pw");
    fs::write(&path, PASSWORD).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    machine.text("pw")
}

fn put(machine: &Machine, path: &str, content: &[u8]) {
    let path = machine.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Stages with these words into the folder `staging`.
fn stage(machine: &Machine, code: i32, words: &[&str]) -> Said {
    let (staging, password) = (machine.text("staging"), password(machine));
    let own = ["stage", "--staging", &staging, "--password-file", &password];
    machine.expect(code, &[&own[..], &TARGET, words].concat())
}

/// restic on a repository below the machine.
fn restic(machine: &Machine, repository: &str, words: &[&str]) -> String {
    let said = Command::new("restic")
        .args(["--no-cache", "-r", &machine.text(repository)])
        .args(words)
        .env("RESTIC_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(said.status.success(), "{words:?} {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).into_owned()
}

/// The paths of the newest snapshot, at or below a folder.
fn listed(machine: &Machine, repository: &str, below: &str) -> BTreeSet<String> {
    let all = restic(machine, repository, &["ls", "latest"]);
    all.lines().filter(|line| line.starts_with(below)).map(str::to_owned).collect()
}

/// Something mounted, gone with the value.
struct Mounted(PathBuf);

impl Mounted {
    fn memory(path: PathBuf) -> Self {
        fs::create_dir_all(&path).unwrap();
        let words = ["-t", "tmpfs", "-o", "size=8m", "none"];
        let status = Command::new("mount").args(words).arg(&path).status().unwrap();
        assert!(status.success());
        Mounted(path)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(&self.0).status().unwrap().success());
    }
}

#[test]
fn patterns_mean_what_they_mean_to_restic() {
    let machine = Machine::new();
    for path in [
        "app/cache/one",
        "app/cache/deep/two",
        "app/keep/cache2/x",
        "other/app/cache/three",
        "logs/a.log",
        "logs/keep.log",
        "logs/a.log.1",
        "set/b1",
        "set/d1",
        "set/^1",
        "star/*real",
        "star/areal",
        "brace/{a,b}",
        "brace/a",
        "wide/ä",
        "wide/ää",
        "rooted/x",
        "far/a/b/c/end/y",
        "far/end/y",
        "blank/a b",
        "many/node_modules/p/q",
        "many/x/node_modules/p",
        ".hidden/file",
    ] {
        put(&machine, &format!("source/{path}"), b"x");
    }
    let source = machine.text("source");
    let rooted = format!("{source}/rooted");
    let far = format!("{source}/far/**/end");
    let cases: [&[&str]; 5] = [
        &["app/cache", "*.log", "!keep.log", "set/[a-c]?", "star/\\*real", "brace/{a,b}", "wide/?"],
        &[&rooted, &far, "/app", "a b", "node_modules/*", ".hid*", "set/[^a-z]1"],
        &["./app/cache", "logs//a.log/", "other/../star", "**/keep", "far/**", "ache"],
        &["app/*/deep", "logs/*", "!logs/keep.log", "wide/[ä]", "many/**/p"],
        &["source/*/cache", "x", "[*]real", "cache/*"],
    ];
    let words = ["init", "--repository-version", "2"];
    restic(&machine, "judge", &words);
    for patterns in cases {
        let words: Vec<&str> = patterns.iter().flat_map(|own| ["--exclude", own]).collect();
        let by_restic = [&["backup", "--force", &source][..], &words].concat();
        restic(&machine, "judge", &by_restic);
        fs::remove_dir_all(machine.path("staging"))
            .or_else(|_| fs::metadata("/").map(drop))
            .unwrap();
        stage(&machine, 0, &[&["--source", &source][..], &words].concat());
        let ours = listed(&machine, "staging/repo", &source);
        assert_eq!(ours, listed(&machine, "judge", &source), "{patterns:?}");
        assert!(ours.len() > 10, "{ours:?}");
    }
}

#[test]
fn what_would_leave_nothing_is_refused_and_nothing_is_made() {
    let machine = Machine::new();
    put(&machine, "source/d/file", b"x");
    put(&machine, "also/file", b"x");
    fs::create_dir_all(machine.path("empty/folder")).unwrap();
    let (source, also, empty) =
        (machine.text("source"), machine.text("also"), machine.text("empty"));
    let missing = machine.text("missing");
    let cases: [(&[&str], &str); 12] = [
        (&["--source", &source, "--exclude", ""], "exclude-invalid"),
        (&["--source", &source, "--exclude", "  "], "exclude-invalid"),
        (&["--source", &source, "--exclude", "a[", "--exclude", "b"], "exclude-invalid"),
        (&["--source", &source, "--exclude", "*"], "exclude-everything"),
        (&["--source", &source, "--exclude", "**"], "exclude-everything"),
        (&["--source", &source, "--exclude", "source"], "exclude-everything"),
        (&["--source", &source, "--source", &also, "--exclude", "d"], "exclude-everything"),
        (&["--source", &missing], "source-missing"),
        (&["--source", &source, "--source", &missing], "source-missing"),
        (&["--source", &empty], "source-empty"),
        (&["--source", &empty, "--exclude", "folder"], "source-empty"),
        (&["--source", &source, "--pack-size", "129Mi"], "128Mi"),
    ];
    for (words, code) in cases {
        let said = stage(&machine, 2, words);
        assert!(said.stderr.contains(code), "{words:?}: {}", said.stderr);
        assert!(!machine.path("staging").exists(), "{words:?}");
        assert!(!machine.path("state/passwords").exists(), "{words:?}");
    }
}

#[test]
fn an_empty_source_among_others_and_an_idle_pattern_are_told_once() {
    let machine = Machine::new();
    put(&machine, "source/file", b"x");
    fs::create_dir_all(machine.path("empty")).unwrap();
    let (source, empty) = (machine.text("source"), machine.text("empty"));
    let words = ["--source", &source, "--source", &empty, "--exclude", "*.tmp", "--exclude", "x*"];
    let said = stage(&machine, 0, &words);
    for told in [
        format!("warning: The source {empty} holds no file"),
        "warning: --exclude *.tmp leaves nothing out".to_owned(),
        "warning: --exclude x* leaves nothing out".to_owned(),
    ] {
        assert_eq!(said.stderr.matches(&told).count(), 1, "{}", said.stderr);
    }
    let again = stage(&machine, 0, &words);
    assert!(!again.stderr.contains("warning"), "{}", again.stderr);
}

#[test]
fn special_files_are_recorded_as_restic_does_and_a_fifo_is_never_opened() {
    let machine = Machine::new();
    put(&machine, "source/file", b"x");
    let at = |name: &str| machine.path("source").join(name);
    for words in [["fifo", "p", "", ""], ["tty", "c", "5", "0"], ["disk", "b", "7", "99"]] {
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let status = Command::new("mknod").arg(at(words[0])).args(&words[1..]).status().unwrap();
        assert!(status.success());
    }
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    symlink("nowhere", at("link")).unwrap();
    let source = machine.text("source");
    let said = stage(&machine, 0, &["--source", &source, "--json"]);
    let line: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&line["unreadable_files"], &line["source_files"]), (&0.into(), &6.into()));
    restic(&machine, "judge", &["init"]);
    restic(&machine, "judge", &["backup", &source]);
    let facts = |repository: &str| -> Vec<String> {
        let all = restic(&machine, repository, &["ls", "--json", "latest", &source]);
        let nodes = all.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
        let below = nodes.filter(|node| node["path"].as_str().unwrap().contains("/source/"));
        below.map(|node| format!("{} {} {}", node["path"], node["type"], node["mode"])).collect()
    };
    let mut ours = facts("staging/repo");
    let sockets = ours.extract_if(.., |own| own.contains("\"socket\" ")).count();
    assert_eq!((sockets, ours), (1, facts("judge")), "restic passes sockets over");
}

#[test]
fn other_file_systems_below_a_source_are_left_out_when_asked_unless_they_are_sources() {
    let machine = Machine::new();
    put(&machine, "source/file", b"x");
    let _other = Mounted::memory(machine.path("source/other"));
    let _third = Mounted::memory(machine.path("source/third"));
    put(&machine, "source/other/far", b"x");
    put(&machine, "source/third/near", b"x");
    let (source, third) = (machine.text("source"), machine.text("source/third"));
    let words = ["--one-file-system", "--source", &source, "--source", &third];
    stage(&machine, 0, &words);
    let seen = listed(&machine, "staging/repo", &format!("{source}/"));
    let expected = ["file", "other", "third", "third/near"];
    assert_eq!(seen, expected.iter().map(|name| format!("{source}/{name}")).collect());
    let seed = fs::read_to_string(machine.path("staging/seed.json")).unwrap();
    assert!(seed.contains("\"one_file_system\": true"), "{seed}");
    restic(&machine, "staging/repo", &["check"]);
}

/// Where a process stands in a file that it has open.
fn position(process: u32, path: &Path) -> Option<u64> {
    for entry in fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target == path) {
            let number = entry.file_name().into_string().ok()?;
            let about = fs::read_to_string(format!("/proc/{process}/fdinfo/{number}")).ok()?;
            return about.lines().next()?.split_whitespace().nth(1)?.parse().ok();
        }
    }
    None
}

#[test]
fn a_file_that_is_cut_off_while_it_is_read_is_named_and_the_snapshot_says_what_it_holds() {
    let machine = Machine::new();
    put(&machine, "source/a", b"before");
    put(&machine, "source/z/last", b"after");
    let big = machine.path("source/log \"1\"/big");
    put(&machine, "source/log \"1\"/big", &Dice(1).bytes(250 << 20));
    put(&machine, "source/log \"1\"/small", b"beside");
    let (source, staging, password) =
        (machine.text("source"), machine.text("staging"), password(&machine));
    let words = ["stage", "--json", "--source", &source, "--staging", &staging];
    let words = [&words[..], &["--password-file", &password], &TARGET].concat();
    let mut command = machine.command(&words);
    let process = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    while position(process.id(), &big).is_none_or(|at| at < 1_000_000) {
        assert!(
            fs::metadata(format!("/proc/{}/exe", process.id())).is_ok(),
            "it ended before the file was cut off"
        );
        std::thread::yield_now();
    }
    fs::OpenOptions::new().write(true).open(&big).unwrap().set_len(1000).unwrap();
    let said = process.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said.status.code(), Some(3), "{text}");
    let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let held = format!("{}: changed while it was read; 1000 bytes are held", big.display());
    assert_eq!(line["changed"], Value::from(vec![held]), "{line}");
    assert_eq!((&line["source_files"], &line["source_bytes"]), (&4.into(), &1017.into()));
    restic(&machine, "staging/repo", &["check", "--read-data"]);
    let snapshots = restic(&machine, "staging/repo", &["snapshots", "--json"]);
    let snapshots: Value = serde_json::from_str(&snapshots).unwrap();
    assert_eq!(snapshots.as_array().unwrap().len(), 1, "{snapshots}");
    let target = machine.text("back");
    restic(&machine, "staging/repo", &["restore", "latest", "--target", &target]);
    let back = machine.path("back").join(machine.path("source").strip_prefix("/").unwrap());
    assert_eq!(fs::read(back.join("log \"1\"/big")).unwrap(), fs::read(&big).unwrap());
    assert_eq!(fs::read(back.join("z/last")).unwrap(), b"after");
    let said =
        Command::new("diff").arg("-r").args([machine.path("source"), back]).status().unwrap();
    assert!(said.success());
}

#[test]
fn packs_are_at_most_as_large_as_restic_makes_them() {
    let machine = Machine::new();
    put(&machine, "source/big", &Dice(2).bytes(150 << 20));
    stage(&machine, 0, &["--source", &machine.text("source"), "--pack-size", "128Mi"]);
    let packs = walkdir::WalkDir::new(machine.path("staging/repo/data"));
    let sizes = packs.into_iter().map(|entry| entry.unwrap().metadata().unwrap().len());
    let largest = sizes.max().unwrap();
    assert!((100 << 20..=128 << 20).contains(&largest), "{largest}");
}

/// Two sources staged, shipped, imported and taken in by the vault `Office`.
fn vault(machine: &Machine, emulator: &Emulator, words: &[&str]) {
    let (one, two) = (machine.text("one"), machine.text("two"));
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let contact = machine.text("contact.toml");
    let all = ["--source", &one, "--source", &two, "--contact", &contact];
    stage(machine, 0, &[&all[..], words].concat());
    ship(machine, emulator);
    assert_eq!(run(machine, emulator, 0, &[])["state"], "protected");
}

/// What is staged goes to the datacenter, and a vault waits for it; what `vault create` said.
fn ship(machine: &Machine, emulator: &Emulator) -> Said {
    let (staging, password) = (machine.text("staging"), password(machine));
    let drive = "s1.img,serial=S1,size=210M";
    machine.expect(0, &["prep", "--staging", &staging, "--offline", "--drive", drive]);
    emulator.expect(machine, 0, &["job", "create", "--staging", &staging, "--location", "westus"]);
    let create = ["vault", "create", "--vault", "Office", "--staging", &staging];
    let create = [&create[..], &["--password-file", &password]].concat();
    let said = emulator.expect(machine, 0, &create);
    let ship = ["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1", "--staging"];
    emulator.expect(machine, 0, &[&ship[..], &[&staging]].concat());
    emulator.dock(machine, &["s1.img,serial=S1"]);
    said
}

fn codes(line: &Value) -> Vec<&str> {
    let remarks = line["increment"]["remarks"].as_array().unwrap_or_else(|| panic!("{line}"));
    remarks.iter().map(|own| own["code"].as_str().unwrap()).collect()
}

fn snapshots(machine: &Machine, emulator: &Emulator) -> Vec<Value> {
    let said = emulator.expect(machine, 0, &["vault", "snapshots", "--json"]);
    said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_source_that_is_not_as_it_was_passes_for_no_backup_and_the_others_go_on() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    for number in 0..120 {
        put(&machine, &format!("one/{number}"), b"x");
    }
    put(&machine, "two/file", &Dice(3).bytes(100_000));
    put(&machine, "two/skip.tmp", b"x");
    vault(&machine, &emulator, &["--exclude", "*.tmp"]);
    let (one, two) = (machine.text("one"), machine.text("two"));
    let paths = |line: &Value| line["paths"].clone();

    // Missing, then emptied, then below another mount point.
    fs::rename(machine.path("two"), machine.path("away")).unwrap();
    let said = run(&machine, &emulator, 3, &["--now"]);
    assert_eq!(codes(&said), ["source-missing"]);
    assert_eq!(paths(snapshots(&machine, &emulator).last().unwrap()), Value::from(vec![&*one]));
    fs::create_dir(machine.path("two")).unwrap();
    fs::write(machine.path("two/skip.tmp"), b"only what is left out").unwrap();
    assert_eq!(codes(&run(&machine, &emulator, 3, &["--now"])), ["source-emptied"]);
    {
        let _disk = Mounted::memory(machine.path("two"));
        put(&machine, "two/file", b"another disk");
        assert_eq!(codes(&run(&machine, &emulator, 3, &["--now"])), ["source-moved"]);
    }
    fs::remove_dir_all(machine.path("two")).unwrap();
    fs::rename(machine.path("away"), machine.path("two")).unwrap();
    let said = run(&machine, &emulator, 0, &["--now"]);
    assert_eq!(codes(&said), Vec::<&str>::new());
    assert_eq!(said["increment"]["files"], 121, "the pattern of the seed holds");
    let last = snapshots(&machine, &emulator).pop().unwrap();
    assert_eq!(paths(&last), Value::from(vec![&*one, &*two]));

    // Nothing is there at all: no snapshot, and the next run is due at once.
    let count = snapshots(&machine, &emulator).len();
    for name in ["one", "two"] {
        fs::rename(machine.path(name), machine.path(&format!("{name}-away"))).unwrap();
    }
    let said = run(&machine, &emulator, 3, &["--now"]);
    assert_eq!(said["increment"]["snapshot"], Value::Null);
    assert_eq!(snapshots(&machine, &emulator).len(), count);
    for name in ["one", "two"] {
        fs::rename(machine.path(&format!("{name}-away")), machine.path(name)).unwrap();
    }

    // Most files of one are gone.
    for number in 0..61 {
        fs::remove_file(machine.path(&format!("one/{number}"))).unwrap();
    }
    let tags = |id: &str| {
        let listed = restic(&machine, VAULT, &["--no-lock", "snapshots", "--json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let own = listed.as_array().unwrap().iter().find(|own| own["id"] == id).cloned();
        own.unwrap_or_else(|| panic!("{id} in {listed}"))["tags"].clone()
    };
    let id = |line: &Value| line["increment"]["snapshot"].as_str().unwrap().to_owned();
    let said = run(&machine, &emulator, 3, &["--now"]);
    assert_eq!(codes(&said), ["source-shrunk"]);
    let shrunk = Value::from(vec!["azseed-shrunk"]);
    assert_eq!(tags(&id(&said)), shrunk);
    let again = run(&machine, &emulator, 3, &["--now"]);
    assert_eq!((codes(&again), tags(&id(&again))), (vec!["source-shrunk"], shrunk));
    let unknown = emulator.expect(&machine, 10, &["vault", "source", "accept", "/other"]);
    assert!(unknown.stderr.contains("vault-source-unknown"), "{}", unknown.stderr);
    emulator.expect(&machine, 0, &["vault", "source", "accept", &one]);
    let said = run(&machine, &emulator, 0, &["--now"]);
    assert_eq!((codes(&said), tags(&id(&said))), (vec![], Value::Null));
    let listed = restic(
        &machine,
        "azure/blobs/account1/azseed-office/repo",
        &["--no-lock", "snapshots", "--tag", "azseed-shrunk", "--json"],
    );
    assert!(listed.trim() == "[]" || listed.trim() == "null", "{listed}");

    // Asked for in the same call.
    for number in 100..120 {
        put(&machine, &format!("one/new-{number}/a"), b"x");
        put(&machine, &format!("one/new-{number}/b"), b"x");
        put(&machine, &format!("one/new-{number}/c"), b"x");
    }
    run(&machine, &emulator, 0, &["--now"]);
    for number in 100..120 {
        fs::remove_dir_all(machine.path(&format!("one/new-{number}"))).unwrap();
    }
    for number in 61..100 {
        fs::remove_file(machine.path(&format!("one/{number}"))).unwrap();
    }
    let said = run(&machine, &emulator, 0, &["--now", "--allow-shrink"]);
    assert_eq!((codes(&said), tags(&id(&said))), (vec![], Value::Null));

    // Gone for good, and said so.
    fs::remove_dir_all(machine.path("two")).unwrap();
    assert_eq!(codes(&run(&machine, &emulator, 3, &["--now"])), ["source-missing"]);
    emulator.expect(&machine, 0, &["vault", "source", "accept", &two]);
    let said = run(&machine, &emulator, 0, &["--now"]);
    assert_eq!(codes(&said), ["source-missing"]);
}

#[test]
fn a_last_run_of_the_future_is_told_and_an_increment_is_made() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    put(&machine, "one/file", b"x");
    put(&machine, "two/file", b"x");
    vault(&machine, &emulator, &[]);
    let path = machine.path("state/vaults/office.json");
    let path = if path.exists() { path } else { machine.path("state/vaults/Office.json") };
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["incremented_at"] = "2037-01-01T00:00:05Z".into();
    fs::write(&path, record.to_string()).unwrap();
    let said = emulator.expect(&machine, 0, &["vault", "run"]);
    assert!(said.stdout.contains("Snapshot "), "{}", said.stdout);
    let all = format!("{}{}", said.stdout, said.stderr);
    assert!(all.contains("2037-01-01T00:00:05Z"), "{all}");
    let record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let stamp: jiff::Timestamp = record["incremented_at"].as_str().unwrap().parse().unwrap();
    assert!(stamp <= jiff::Timestamp::now());
    let said = emulator.expect(&machine, 0, &["vault", "run"]);
    assert!(!said.stdout.contains("Snapshot "), "{}", said.stdout);
}

#[test]
fn other_file_systems_below_a_source_are_left_out_of_increments_too() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    put(&machine, "one/file", b"x");
    put(&machine, "two/file", b"x");
    let _first = Mounted::memory(machine.path("one/first"));
    put(&machine, "one/first/far", b"x");
    vault(&machine, &emulator, &["--one-file-system"]);
    // One more is mounted below the source since.
    let _second = Mounted::memory(machine.path("one/second"));
    put(&machine, "one/second/far", b"x");
    put(&machine, "one/new", b"x");
    let said = run(&machine, &emulator, 0, &["--now"]);
    assert_eq!((codes(&said), &said["increment"]["files"]), (vec![], &3.into()), "{said}");
    let one = machine.text("one");
    let all = restic(&machine, VAULT, &["--no-lock", "ls", "latest"]);
    let seen: BTreeSet<&str> = all.lines().filter_map(|line| line.strip_prefix(&one)).collect();
    assert_eq!(seen, ["", "/file", "/first", "/new", "/second"].into());
}
