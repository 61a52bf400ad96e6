//! What a vault backs up: sources that are added, removed and let go.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, files_below};
use support::seed::{restic, run, shipped_with};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sources(machine: &Machine, emulator: &Emulator) -> BTreeMap<String, Value> {
    let said = emulator.expect(machine, 0, &["vault", "source", "list", "--json"]).stdout;
    let path = |own: &Value| own["path"].as_str().unwrap().to_owned();
    lines(&said).into_iter().map(|own| (path(&own), own["files"].clone())).collect()
}

/// Paths of all snapshots, the oldest first.
fn paths(machine: &Machine, emulator: &Emulator) -> Vec<Value> {
    let listed = restic(machine, emulator, "azseed-office", &["snapshots", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    listed.as_array().unwrap().iter().map(|own| own["paths"].clone()).collect()
}

#[test]
fn sources_are_added_removed_and_let_go_and_a_client_at_work_is_heeded() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped_with(&machine, &emulator, &["--keep-daily", "1"]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    let (source, more) = (machine.text("source"), machine.text("more"));
    let refuses = |exit: i32, code: &str, words: &[&str]| {
        // Whoever asks for the lease is written down first.
        let record = || {
            let text = fs::read(machine.path("state/vaults/office.json")).unwrap();
            let mut record: Value = serde_json::from_slice(&text).unwrap();
            (record["leases"], record["generation"]) = (Value::Null, Value::Null);
            record
        };
        let before = record();
        let blobs = files_below(&emulator.blob("azseed-office", "repo"));
        let said = emulator.expect(&machine, exit, &[words, &["--json"]].concat());
        assert_eq!(lines(&said.stdout).last().unwrap()["code"], code, "{}", said.stdout);
        assert_eq!(record(), before);
        assert_eq!(files_below(&emulator.blob("azseed-office", "repo")), blobs);
    };
    let forget = ["vault", "forget", "--all", "--source"];
    let forget = |path: &'static str| [&forget[..], &[path]].concat();
    refuses(4, "vault-not-cleared", &forget("more"));
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);

    refuses(2, "vault-source-absent", &["vault", "source", "add", &more]);
    refuses(2, "vault-source-known", &["vault", "source", "add", &machine.text("source/folder")]);
    refuses(2, "vault-source-last", &["vault", "source", "remove", &source]);
    refuses(10, "vault-source-unknown", &["vault", "source", "remove", "/nowhere"]);
    // The same by the path from here.
    refuses(2, "vault-source-last", &["vault", "source", "remove", "source"]);
    fs::create_dir(machine.path("more")).unwrap();
    fs::write(machine.path("more/letter"), "a letter").unwrap();
    emulator.expect(&machine, 0, &["vault", "source", "add", &more]);
    // What is there stays.
    emulator.expect(&machine, 0, &["vault", "source", "add", &more]);
    emulator.expect(&machine, 0, &["vault", "source", "add", &source]);
    assert_eq!(sources(&machine, &emulator)[&more], Value::Null, "not backed up yet");
    run(&machine, &emulator, 0, &["--now"]);
    assert_eq!(sources(&machine, &emulator)[&more], 1);
    assert_eq!(*paths(&machine, &emulator).last().unwrap(), serde_json::json!([more, source]));

    // Alone, then removed: its snapshots stay whatever the policy says.
    emulator.expect(&machine, 0, &["vault", "source", "remove", &source]);
    run(&machine, &emulator, 0, &["--now"]);
    emulator.expect(&machine, 0, &["vault", "source", "add", &source]);
    emulator.expect(&machine, 0, &["vault", "source", "remove", &more]);
    assert_eq!(sources(&machine, &emulator).keys().collect::<Vec<_>>(), [&source]);
    fs::remove_dir_all(machine.path("more")).unwrap();
    run(&machine, &emulator, 0, &["--now"]);
    let alone = |all: &[Value]| all.iter().filter(|own| **own == serde_json::json!([more])).count();
    assert_eq!(alone(&paths(&machine, &emulator)), 1);

    // A client of restic holds the repository: the retention waits, and so does the letting go.
    let lock = format!("repo/locks/{}", "ab".repeat(32));
    support::seed::put(&emulator, "azseed-office", &lock, b"a lock that nobody can read");
    let held = run(&machine, &emulator, 3, &["--now"]);
    assert_eq!(held["increment"]["remarks"][0]["code"], "vault-client-lock", "{held}");
    let words = [&forget("MORE")[..4], &[more.as_str()]].concat();
    let yes = [&words[..], &["--yes"]].concat();
    refuses(11, "vault-client-lock", &yes);
    fs::remove_file(emulator.blob("azseed-office", &lock)).unwrap();

    refuses(2, "needs-yes", &words);
    let said = emulator.expect(&machine, 0, &[&yes[..], &["--json"]].concat()).stdout;
    assert_eq!(lines(&said)[0]["forgotten"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(alone(&paths(&machine, &emulator)), 0);
    // Whoever attaches the vault before the next run does not bring it back.
    let told = files_below(&emulator.blob("azseed-office", "azseed/machines"));
    let told: Value = serde_json::from_slice(&fs::read(told.first().unwrap()).unwrap()).unwrap();
    assert_eq!(told["let_go"], serde_json::json!([more]), "{told}");
    let again = emulator.expect(&machine, 0, &[&yes[..], &["--json"]].concat()).stdout;
    assert!(lines(&again)[0]["forgotten"].as_array().unwrap().is_empty(), "{again}");
    refuses(10, "vault-source-unknown", &[&forget("/nowhere")[..], &["--yes"]].concat());
    run(&machine, &emulator, 0, &["--now"]);
    let check = restic(&machine, &emulator, "azseed-office", &["check", "--read-data"]);
    assert!(check.contains("no errors were found"), "{check}");
}
