//! Several runs of `prep` on one staging path, on one machine or on two, and a person who brings
//! drives: no file is taken twice, and the claims of the dead are told from those of the living.
#![allow(clippy::disallowed_methods, reason = "tests start programs")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::program::{Machine, Said, said};
use support::tree::{self, Dice};

/// A staging path with files that need two drives of 270 MB.
fn stage(machine: &Machine) -> (String, usize) {
    let (source, mut dice) = (machine.path("source"), Dice(11));
    let files = 14;
    for number in 0..files {
        let content = dice.bytes(12 << 20);
        tree::write(&source, &format!("file {number}"), &content, &mut dice);
    }
    (machine.adopt(&source, "together"), files)
}

fn drive(machine: &Machine, serial: &str) -> String {
    format!("{},serial={serial},size=270M", machine.text(&format!("{serial}.img")))
}

fn lines(said: &Said, kind: &str) -> Vec<Value> {
    let lines = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == kind).collect()
}

/// As a command of another machine that shares the staging path: only its name differs, since
/// locks reach as far as the kernel's.
fn elsewhere(command: &Command) -> Command {
    let mut other = Command::new("unshare");
    other.args(["--uts", "sh", "-c", "hostname elsewhere && exec \"$0\" \"$@\""]);
    other.arg(command.get_program()).args(command.get_args()).env_clear();
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    other
}

#[test]
fn two_machines_share_the_files_and_the_last_has_the_whole() {
    let machine = Machine::new();
    let (staging, files) = stage(&machine);
    let [one, two] = ["ONE", "TWO"].map(|serial| {
        let drive = drive(&machine, serial);
        machine.command(&["--json", "prep", "--offline", "--staging", &staging, "--drive", &drive])
    });
    let mut runs = [one, elsewhere(&two)]
        .map(|mut command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    while machine.path("staging/journals/ONE.claim").exists()
        && machine.path("staging/journals/TWO.claim").exists()
    {
        std::thread::yield_now();
    }
    let ended = runs.each_mut().map(|run| run.wait().unwrap());
    assert!(ended.iter().all(|status| status.success()), "{ended:?}");
    let said = runs.map(|run| said(run.wait_with_output().unwrap()));
    let newly = said.each_ref().map(|said| lines(said, "prepared")[0]["newly_sealed"].clone());
    assert_eq!(newly, [1, 1], "{said:?}");
    let (one, two) = (drive(&machine, "ONE"), drive(&machine, "TWO"));
    let all = ["--json", "prep", "--offline", "--staging", &staging, "--drive", &one];
    let last = machine.expect(0, &[&all[..], &["--drive", &two]].concat());
    let sealed = lines(&last, "drive-sealed");
    let on_drives: u64 = sealed.iter().map(|line| line["files"].as_u64().unwrap()).sum();
    assert_eq!((sealed.len(), on_drives), (2, files as u64));
    machine.expect(0, &["verify", "--staging", &staging, &one, &two]);
}

#[test]
fn a_claim_of_another_machine_is_kept_until_a_person_calls_its_run_dead() {
    let machine = Machine::new();
    let (staging, _) = stage(&machine);
    let drives = ["ONE", "TWO"].map(|serial| drive(&machine, serial));
    let prep = ["prep", "--offline", "--staging", &staging, "--drive", &drives[0], "--drive"];
    let prep = [&prep[..], &[&drives[1]]].concat();
    let mut run = elsewhere(&machine.command(&prep));
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let claim = machine.path("staging/journals/ONE.claim");
    let images = || ["ONE.img", "TWO.img"].iter().all(|name| machine.path(name).exists());
    // It has chosen its files, and fills.
    let planning = machine.path("staging/journals/.planning.claim");
    let held = || images() && claim.exists() && !planning.exists();
    while !held() {
        assert!(run.try_wait().unwrap().is_none(), "it ended before it was killed");
    }
    run.kill().unwrap();
    run.wait().unwrap();
    // What the run began was remembered before.
    let records = std::fs::read_dir(machine.path("state/seeds")).unwrap();
    let record = std::fs::read(records.flatten().next().unwrap().path()).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert!(["ONE", "TWO"].iter().all(|own| record["disks"][own].is_string()), "{record}");
    // All files are with that run: another drive has nothing to do, and that is no end.
    let three = drive(&machine, "THREE");
    let third = ["prep", "--offline", "--staging", &staging, "--drive", &three];
    let idle = machine.expect(11, &[&["-q"], &third[..]].concat()).stdout;
    for told in ["on elsewhere since", "if it is dead, `azseed drive release ONE`"] {
        assert!(idle.contains(told), "{told}: {idle}");
    }
    let idle = machine.expect(11, &[&["--json"], &third[..]].concat());
    let claims = &lines(&idle, "prepared")[0]["claims"];
    assert_eq!((&claims[0]["serial"], &claims[0]["host"]), (&"ONE".into(), &"elsewhere".into()));
    assert_eq!(claims[0]["release"], "azseed drive release ONE");
    assert!(!machine.path("THREE.img").exists());
    let refused = machine.expect(11, &prep).stderr;
    assert!(refused.contains("claimed by process") && refused.contains("elsewhere"), "{refused}");
    for serial in ["ONE", "TWO"] {
        let release = ["drive", "release", serial, "--staging", &staging];
        let freed = machine.expect(0, &[&["--json"], &release[..]].concat());
        assert_eq!(lines(&freed, "drive-released")[0]["freed"], "claim", "{freed:?}");
    }
    machine.expect(0, &prep);
    machine.expect(0, &["verify", "--staging", &staging, &drives[0], &drives[1]]);
    let none = std::fs::read_dir(machine.path("staging/journals")).unwrap();
    let claims = none.flatten().filter(|entry| entry.path().extension() == Some("claim".as_ref()));
    assert_eq!(claims.count(), 0);
}

/// Runs a command at a terminal of its own and types lines there.
fn at_a_terminal(command: &Command, typed: &[&str]) -> Said {
    let quote = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
    let words: Vec<String> =
        [command.get_program()].into_iter().chain(command.get_args()).map(quote).collect();
    let mut run = Command::new("script")
        .args(["--quiet", "--return", "--flush", "--command", &words.join(" "), "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = run.stdin.take().unwrap();
    keyboard.write_all(typed.join("\n").as_bytes()).unwrap();
    keyboard.write_all(b"\n").unwrap();
    drop(keyboard);
    said(run.wait_with_output().unwrap())
}

#[test]
fn at_a_terminal_full_drives_are_followed_by_the_next_one() {
    let machine = Machine::new();
    let (staging, files) = stage(&machine);
    let first = drive(&machine, "ONE");
    let image = |name, bytes| std::fs::File::create(machine.path(name)).unwrap().set_len(bytes);
    image("OLD.img", 260 << 20).unwrap();
    image("ODD.img", 270_000_001).unwrap();
    image("SMALL.img", 9).unwrap();
    let prep = ["prep", "--offline", "--staging", &staging, "--drive", &first, "--verify"];
    let [small, odd, old] = ["SMALL.img", "ODD.img", "OLD.img"].map(|name| machine.text(name));
    let typed = ["", &small, &odd, "ODD", &old, "NEW", &old, "OLD"];
    let said = at_a_terminal(&machine.command(&prep), &typed);
    assert_eq!(said.code, 0, "{}", said.stdout);
    for told in [
        "found no room; 1 more drive of",
        "the smallest we prepare has",
        "is not whole sectors",
        "OLD at",
        "Drive OLD is not used",
        "Drive OLD is sealed",
    ] {
        assert!(said.stdout.contains(told), "{told}: {}", said.stdout);
    }
    let all = ["--json", "prep", "--offline", "--staging", &staging, "--drive", &first];
    let sealed = lines(&machine.expect(0, &all), "drive-sealed");
    let on_drives: u64 = sealed.iter().map(|line| line["files"].as_u64().unwrap()).sum();
    assert_eq!((sealed.len(), on_drives), (2, files as u64));
}

#[test]
fn a_rehearsal_asks_nothing_at_a_terminal_either() {
    let machine = Machine::new();
    stage(&machine);
    let (source, dir) = (machine.text("source"), machine.text("rehearsal"));
    let few = ["rehearse", "--source", &source, "--dir", &dir, "--drive-size", "250M"];
    let said = at_a_terminal(&machine.command(&[&few[..], &["--drives", "1"]].concat()), &[]);
    assert_eq!(said.code, 6, "{}", said.stdout);
    let is_told = said.stdout.contains("found no room") && !said.stdout.contains("Plug in");
    assert!(is_told, "{}", said.stdout);
}

/// A file system in memory that is full before a drive's image on it is.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(path: std::path::PathBuf) -> Self {
        std::fs::create_dir(&path).unwrap();
        let words = ["-t", "tmpfs", "-o", "size=60m", "none", path.to_str().unwrap()];
        assert!(Command::new("mount").args(words).status().unwrap().success());
        Small(path)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(&self.0).status().unwrap().success());
    }
}

#[test]
fn a_drive_that_fails_is_set_aside_and_told_of_again_by_the_same_command() {
    let machine = Machine::new();
    let (staging, files) = stage(&machine);
    let small = Small::mount(machine.path("small"));
    let bad = format!("{},serial=BAD,size=270M", small.0.join("BAD.img").display());
    let drives = [bad, drive(&machine, "ONE"), drive(&machine, "TWO")];
    let mut prep = vec!["--json", "prep", "--offline", "--staging", &staging];
    prep.extend(drives.iter().flat_map(|drive| ["--drive", drive]));
    let first = machine.expect(3, &prep);
    let failed = lines(&first, "drive-failed");
    assert_eq!((&failed[0]["serial"], &failed[0]["set_aside"]), (&"BAD".into(), &true.into()));
    let again = machine.expect(0, &prep);
    assert_eq!(lines(&again, "prepared")[0]["set_aside_before"], serde_json::json!(["BAD"]));
    let erased = machine.expect(0, &[&prep[..], &["--erase", "BAD", "--wipe", "none"]].concat());
    assert_eq!(lines(&erased, "prepared")[0]["newly_sealed"], 0, "consent is spent");
    std::fs::remove_file(small.0.join("BAD.img")).unwrap();
    prep.retain(|word| !word.contains("size=270M") || !word.contains("BAD"));
    let bad = prep.iter().position(|word| *word == "--drive").unwrap();
    prep.insert(bad + 1, "BAD");
    let gone = machine.expect(0, &prep);
    let on_drives = lines(&gone, "drive-sealed");
    let on_drives: u64 = on_drives.iter().map(|line| line["files"].as_u64().unwrap()).sum();
    assert_eq!(on_drives, files as u64);
    let release = ["drive", "release", "BAD", "--staging", &staging];
    machine.expect(0, &release);
    machine.expect(10, &prep);
}
