//! A blob service that goes away in the middle and comes back: Azurite, ended and started again.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use jiff::Timestamp;
use serde_json::Value;
use support::azurite::Azurite;
use support::kept::{Vault, last};
use support::program::{Machine, files_below, kill_when, lives_until, said};
use support::seed::{is_equal, run, shipped};
use support::tree::Dice;

/// Bytes that Azurite has on its disk.
fn kept(machine: &Machine) -> u64 {
    let files = files_below(&machine.path("azurite"));
    files.iter().filter_map(|path| path.metadata().ok()).map(|about| about.len()).sum()
}

#[test]
fn azurite_ends_in_the_middle_of_an_ingest_and_of_an_increment_and_the_next_run_goes_on() {
    let machine = Machine::new();
    let mut azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    for (words, more_bytes) in
        [(&["vault", "run"][..], 1 << 20), (&["vault", "run", "--now"], 1 << 20)]
    {
        if words.len() > 2 {
            fs::write(machine.path("source/folder/new"), Dice(80).bytes(6 << 20)).unwrap();
        }
        let before = kept(&machine);
        let mut command = emulator.command(&machine, &[words, &["--json"]].concat());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        assert!(lives_until(&mut process, || kept(&machine) >= before + more_bytes));
        azurite = azurite.restart(&machine, || {
            let cut = said(process.wait_with_output().unwrap());
            assert_eq!(cut.code, 14, "{}{}", cut.stdout, cut.stderr);
            assert!(cut.stdout.contains("azure-unreachable"), "{}", cut.stdout);
        });
        let done = run(&machine, &emulator, 0, &words[2..]);
        assert_eq!(done["state"], "protected", "{done}");
        assert!(done["increment"]["snapshot"].is_string(), "{done}");
    }
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

/// A service that is busy for a moment is asked again, for the lease too.
#[test]
fn a_busy_service_is_asked_again_for_the_lease() {
    let machine = Machine::new();
    let emulator = support::emulator::Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    for mischief in ["retry-after-seconds:1", "burst-503:1", "burst-500:1", "reset-after:1"] {
        emulator.mischief(&machine, &["--clear", mischief]);
        run(&machine, &emulator, 0, &["--now"]);
        let struck = &emulator.mischief(&machine, &[])[0];
        assert!(struck["struck"].as_u64() >= Some(1), "{mischief}: {struck}");
    }
}

#[test]
fn azurite_ends_in_the_middle_of_a_prune_and_the_next_run_goes_on() {
    let machine = Machine::new();
    let mut azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    emulator.expect(&machine, 0, &["vault", "policy", "set", "--keep-daily", "30"]);
    for turn in 0..2 {
        fs::write(machine.path("source/folder/new"), Dice(90 + turn).bytes(3 << 20)).unwrap();
        let mut command = emulator.command(&machine, &["vault", "run", "--now", "--json"]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // What is about to go is shown before the first is removed.
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut seen = Vec::new();
        let is_shown = |line: std::io::Result<String>| {
            seen.push(line.unwrap());
            seen.last().is_some_and(|line| line.contains("policy-snapshot"))
        };
        assert!(lines.any(is_shown), "the run before it is of the same day: {seen:?}");
        azurite = azurite.restart(&machine, || {
            let cut = said(process.wait_with_output().unwrap());
            assert_eq!(cut.code, 14, "{}", cut.stderr);
        });
        let done = run(&machine, &emulator, 0, &["--now"]);
        assert!(done["increment"]["snapshot"].is_string(), "{done}");
        emulator.expect(&machine, 0, &["vault", "check", "--read-data"]);
    }
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

/// The record names the snapshot that was made before the first of the others goes.
#[test]
fn a_run_that_is_killed_while_it_lets_snapshots_go_leaves_none_that_is_said_to_be_lost() {
    let vault = Vault::of(|root| fs::write(root.join("file"), Dice(5).bytes(1 << 20)).unwrap());
    let (machine, emulator) = (&vault.machine, &vault.emulator);
    emulator.expect(machine, 0, &["vault", "policy", "set", "--keep-daily", "1"]);
    let first = run(machine, emulator, 0, &["--now"])["increment"]["snapshot"].clone();
    let record = machine.path("state/vaults/office.json");
    let mut kept: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    kept["cleaned_at"] = "2026-01-01T00:00:00Z".into();
    fs::write(&record, kept.to_string()).unwrap();
    fs::write(vault.source().join("file"), Dice(6).bytes(1 << 20)).unwrap();
    let snapshots = emulator.blob("azseed-office", "repo/snapshots");
    let old = snapshots.join(first.as_str().unwrap());
    assert!(old.is_file(), "{first}");
    let mut command = emulator.command(machine, &["vault", "run", "--now", "--json"]);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert!(kill_when(&mut process, || !old.exists()), "it was over before it was killed");
    emulator.expect(machine, 0, &["vault", "check"]);
    let status = last(&emulator.expect(machine, 0, &["vault", "run", "--json"]));
    assert_eq!(status["increment"], Value::Null, "what was made counts: {status}");
    run(machine, emulator, 0, &["--now"]);
    emulator.expect(machine, 0, &["vault", "check", "--read-data"]);
    assert_eq!(files_below(&snapshots).len(), 1);
}

/// Clocks that are wrong by a day, once between two runs: the machine's, not the service's.
#[test]
fn a_clock_that_jumps_a_day_between_two_runs_loses_nothing_and_is_right_again_afterwards() {
    let vault = Vault::of(|root| fs::write(root.join("file"), "one").unwrap());
    let (machine, emulator) = (&vault.machine, &vault.emulator);
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    assert!(fs::exists(library).unwrap(), "{library} is missing: run `tests/run --setup`");
    let call = |shift: &str, words: &[&str]| {
        let mut command = emulator.command(machine, words);
        if !shift.is_empty() {
            command.env("LD_PRELOAD", library).env("FAKETIME", shift);
            // Only what the clock on the wall says: a lease counts by one that never jumps.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        said(command.output().unwrap())
    };
    let snapshots = || -> Vec<Value> {
        let said = call("", &["vault", "snapshots", "--json"]);
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for (number, shift) in ["", "-23h", "", "+23h", "", ""].into_iter().enumerate() {
        fs::write(vault.source().join("file"), format!("of run {number}")).unwrap();
        let ran = call(shift, &["vault", "run", "--now", "--json"]);
        assert_eq!(ran.code, 0, "run {number} at {shift:?}: {}{}", ran.stdout, ran.stderr);
        let made = last(&ran)["increment"]["snapshot"].as_str().unwrap().to_owned();
        let remarks = last(&ran)["increment"]["remarks"].to_string();
        assert!(number != 4 || remarks.contains("clock-ahead"), "what is stamped ahead: {remarks}");
        let listed = snapshots();
        assert!(listed.iter().any(|own| own["id"] == made.as_str()), "run {number}: {listed:?}");
        assert_eq!(listed.len(), number + 2, "nothing was let go");
        // The next run is a day from now by the clock that is right, or due at once.
        let status = last(&call("", &["vault", "status", "--json"]));
        let due = status["next_due"].as_str().unwrap_or_else(|| panic!("{status}"));
        let hours =
            due.parse::<Timestamp>().map(|at| at.duration_since(Timestamp::now()).as_hours());
        match shift {
            "+23h" => assert_eq!(due, "now", "a last run that is still to come counts for nothing"),
            "" => assert!(matches!(hours, Ok(0..=24)), "after run {number}: {status}"),
            _ => assert!(hours.map_or(due == "now", |hours| hours <= 1), "{status}"),
        }
    }
    // The one stamped ahead is told, and does not keep the vault from its work.
    let said = call("", &["vault", "restore", "--json", "--target", "restored"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
}
