//! The custody log from outside: what each command leaves in it, and that no hand in the staging path
//! changes it unseen.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said};
use support::seed;

const DRIVE: &str = "s1.img,serial=S1,size=210M";

/// A machine with a seed on a sealed drive.
fn sealed() -> (Machine, String) {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    machine.expect(0, &["prep", "--staging", &staging, "--offline", "--drive", DRIVE]);
    (machine, staging)
}

fn log(machine: &Machine) -> PathBuf {
    machine.path("staging/reports/custody.jsonl")
}

fn records(said: &Said, kind: &str) -> Vec<Value> {
    let lines = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line["type"] == kind).collect()
}

fn show(machine: &Machine, code: i32) -> Said {
    let staging = machine.text("staging");
    machine.expect(code, &["custody", "show", "--staging", &staging, "--json"])
}

/// What was done, in the order of the log.
fn deeds(machine: &Machine) -> Vec<String> {
    let entries = records(&show(machine, 0), "custody-entry");
    entries.iter().map(|entry| entry["deed"].as_str().unwrap().to_owned()).collect()
}

/// The codes of what is wrong.
fn faults(machine: &Machine) -> Vec<String> {
    let staging = machine.text("staging");
    let said = machine.expect(5, &["custody", "verify", "--staging", &staging, "--json"]);
    assert_eq!(records(&said, "custody")[0]["whole"], false);
    let faults = records(&said, "custody-fault");
    faults.iter().map(|fault| fault["code"].as_str().unwrap().to_owned()).collect()
}

fn whole(machine: &Machine) {
    let staging = machine.text("staging");
    let said = machine.expect(0, &["custody", "verify", "--staging", &staging]);
    assert!(said.stdout.contains("is whole"), "{}", said.stdout);
}

#[test]
fn a_journey_leaves_an_entry_for_every_hand_that_a_drive_went_through() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = seed::shipped(&machine, &emulator);
    assert_eq!(deeds(&machine), ["sealed", "prepared", "shipped"]);
    let at = |words: &[&str]| {
        let words = [words, &["--staging", &staging]].concat();
        emulator.expect(&machine, 0, &words);
    };
    at(&["verify", "s1.img,serial=S1"]);
    at(&["pack", "check", "S1"]);
    emulator.expect(&machine, 4, &["pack", "check", "S1", "X9", "--staging", &staging]);
    at(&["job", "keys"]);
    at(&["job", "keys", "--reveal"]);
    at(&["job", "status"]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    at(&["job", "status"]);
    at(&["job", "status"]);
    // Told again, a parcel is still one entry.
    at(&["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"]);
    seed::run(&machine, &emulator, 0, &[]);
    at(&["job", "repair"]);
    at(&["job", "repair", "--dry-run"]);
    let all = ["sealed", "prepared", "shipped", "verified", "packed", "revealed", "received"];
    assert_eq!(deeds(&machine), [&all[..], &["ingested", "repaired"]].concat());
    whole(&machine);

    let entries = records(&show(&machine, 0), "custody-entry");
    let seal = &entries[0];
    assert_eq!((&seal["drives"][0], &seal["number"]), (&"S1".into(), &1.into()));
    let journal = fs::read_to_string(machine.path("staging/journals/S1.journal")).unwrap();
    let (_, hash) = journal.split_once("\"manifest_hash\":\"").unwrap();
    let hash = &hash[..32];
    assert!(seal["detail"].as_str().unwrap().contains(hash), "{seal}");
    assert!(entries[2]["detail"].as_str().unwrap().contains("FedEx 1Z1"), "{}", entries[2]);
    assert!(
        !seal["user"].as_str().unwrap().is_empty() && !seal["host"].as_str().unwrap().is_empty()
    );
    // Four runs have left what they printed.
    let reports: Vec<&str> = entries.iter().filter_map(|entry| entry["report"].as_str()).collect();
    for (kind, name) in ["prep", "verify", "ingest", "repair"].iter().zip(&reports) {
        let text = fs::read_to_string(machine.path(&format!("staging/reports/{name}"))).unwrap();
        assert!(name.contains(&format!("-{kind}-")), "{name}");
        support::schema::check_lines(&text);
    }
    assert_eq!(reports.len(), 4);
    let everything = fs::read_to_string(log(&machine)).unwrap();
    let keys = machine.expect(0, &["job", "keys", "--reveal", "--json", "--staging", &staging]);
    let key = records(&keys, "drive-key")[0]["recovery_password"].as_str().unwrap().to_owned();
    assert!(!everything.contains(&key) && !everything.contains(&key[..6]));

    let page = machine.text("custody.html");
    let said = machine.expect(0, &["custody", "show", "--staging", &staging, "--html", &page]);
    assert!(said.stdout.contains("sealed") && said.stdout.contains("FedEx 1Z1"), "{}", said.stdout);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("The log is whole") && page.contains(hash));
}

#[test]
fn a_line_changed_cut_or_moved_a_report_or_the_end_gone_is_found() {
    let (machine, staging) = sealed();
    for _ in 0..2 {
        machine.expect(0, &["verify", "--staging", &staging, "s1.img,serial=S1"]);
    }
    whole(&machine);
    let right = fs::read_to_string(log(&machine)).unwrap();
    let lines: Vec<&str> = right.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 4);
    let put = |order: &[usize]| {
        let text: String = order.iter().map(|&at| lines[at]).collect();
        fs::write(log(&machine), text).unwrap();
        faults(&machine)
    };
    let has =
        |found: Vec<String>, code: &str| assert!(found.iter().any(|own| own == code), "{found:?}");
    has(put(&[0, 1, 3]), "custody-cut");
    has(put(&[0, 2, 1, 3]), "custody-order");
    has(put(&[0, 1, 1, 2, 3]), "custody-fork");
    // A chain that is whole, and shorter than what this machine saw.
    assert_eq!(put(&[0, 1]), ["custody-forgotten"]);
    has(put(&[]), "custody-unlogged");
    fs::write(log(&machine), right.replacen("\"S1\"", "\"S2\"", 1)).unwrap();
    has(faults(&machine), "custody-changed");
    fs::write(log(&machine), format!("{right}not ours\n")).unwrap();
    assert_eq!(faults(&machine), ["custody-foreign"]);
    fs::remove_file(log(&machine)).unwrap();
    has(faults(&machine), "custody-forgotten");
    // It is shown with what is wrong, too.
    assert!(records(&show(&machine, 5), "custody-fault").len() > 1);

    fs::write(log(&machine), &right).unwrap();
    whole(&machine);
    let names = fs::read_dir(machine.path("staging/reports")).unwrap();
    let names = names.map(|entry| entry.unwrap().path());
    let report = names.into_iter().find(|path| path.to_str().unwrap().contains("-prep-")).unwrap();
    let text = fs::read(&report).unwrap();
    fs::write(&report, b"{}\n").unwrap();
    assert_eq!(faults(&machine), ["custody-report"]);
    fs::write(&report, text).unwrap();
    whole(&machine);

    // A drive of the log with another manifest than its journal: a machine that never saw the log.
    fs::remove_dir_all(machine.path("state/custody")).unwrap();
    let journal = machine.path("staging/journals/S1.journal");
    let other = Machine::new();
    fs::create_dir(other.path("source")).unwrap();
    fs::write(other.path("source/file"), "another content").unwrap();
    let elsewhere = other.adopt(&other.path("source"), "seed-1");
    other.expect(0, &["prep", "--staging", &elsewhere, "--offline", "--drive", DRIVE]);
    fs::copy(other.path("staging/journals/S1.journal"), journal).unwrap();
    assert_eq!(faults(&machine), ["custody-manifest"]);
}

#[test]
fn a_seal_that_a_killed_run_did_not_tell_is_told_by_the_next() {
    let (machine, staging) = sealed();
    fs::remove_dir_all(machine.path("staging/reports")).unwrap();
    fs::remove_dir_all(machine.path("state/custody")).unwrap();
    let said = machine.expect(10, &["custody", "verify", "--staging", &staging]);
    assert!(said.stderr.contains("code: custody-none"), "{}", said.stderr);
    machine.expect(0, &["prep", "--staging", &staging, "--offline", "--drive", DRIVE]);
    whole(&machine);
    let entries = records(&show(&machine, 0), "custody-entry");
    let detail = entries[0]["detail"].as_str().unwrap();
    assert!(entries[0]["deed"] == "sealed" && detail.contains("found so by this run"), "{detail}");
}

#[test]
fn of_a_dataset_the_log_lies_with_its_journals() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    let rows = format!(
        "BasePath,DstItemPathOrPrefix,ItemType\n{}/,seed/x/,BlockBlob\n",
        machine.text("source")
    );
    fs::write(machine.path("rows.csv"), rows).unwrap();
    let words = ["prep", "--dataset", "rows.csv", "--job", "rows-1", "--offline", "--drive", DRIVE];
    machine.expect(0, &words);
    assert!(machine.path("state/jobs/rows-1/reports/custody.jsonl").exists());
    let said = machine.expect(0, &["custody", "show", "--job", "rows-1", "--json"]);
    let said = records(&said, "custody-entry");
    assert_eq!((&said[0]["deed"], &said[1]["deed"]), (&"sealed".into(), &"prepared".into()));
}

#[test]
fn what_stands_in_its_place_is_refused_before_a_drive_is_touched() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    let secret = machine.path("secret");
    fs::write(&secret, "mine").unwrap();
    fs::create_dir(machine.path("staging/reports")).unwrap();
    std::os::unix::fs::symlink(&secret, log(&machine)).unwrap();
    let words = ["prep", "--staging", &staging, "--offline", "--drive", DRIVE];
    let said = machine.expect(4, &words);
    assert!(said.stderr.contains("code: foreign-kind"), "{}", said.stderr);
    assert!(!machine.path("s1.img").exists() && fs::read(&secret).unwrap() == b"mine");
    fs::remove_file(log(&machine)).unwrap();
    machine.expect(0, &words);
    // What was done is done; that it is not in the log is told, and ends the run.
    fs::remove_file(log(&machine)).unwrap();
    std::os::unix::fs::symlink(&secret, log(&machine)).unwrap();
    let verify = ["verify", "--staging", &staging, "s1.img,serial=S1", "--json"];
    let said = machine.expect(4, &verify);
    assert_eq!(records(&said, "custody-not-written")[0]["code"], "foreign-kind");
    assert_eq!(records(&said, "verified")[0]["equal"], true);
    fs::remove_file(log(&machine)).unwrap();
    fs::File::create(log(&machine)).unwrap().set_len(65 << 20).unwrap();
    assert_eq!(
        records(&machine.expect(4, &verify), "custody-not-written")[0]["code"],
        "foreign-size"
    );
    fs::remove_dir_all(machine.path("staging/reports")).unwrap();
    fs::write(machine.path("staging/reports"), "").unwrap();
    assert_eq!(
        records(&machine.expect(4, &verify), "custody-not-written")[0]["code"],
        "foreign-kind"
    );
}
