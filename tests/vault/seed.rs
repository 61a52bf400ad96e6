//! A seed in its vault: taken in, gone on with, given back, cleared behind it.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, files_below, kill_when, lives_until};
use support::seed::{is_equal, run, shipped, shipped_with};
use support::tree::Dice;

/// The vault's container as files, read by restic itself.
fn restic(machine: &Machine, emulator: &Emulator, words: &[&str]) -> String {
    support::seed::restic(machine, emulator, "azseed-office", words)
}

#[test]
fn a_seed_is_taken_in_goes_on_and_comes_back_equal() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = shipped(&machine, &emulator);
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "seed-in-transit");
    emulator.expect(&machine, 4, &["cleanup"]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let first = run(&machine, &emulator, 0, &[]);
    assert_eq!(first["state"], "protected");
    assert!(first["ingested"]["copied"].as_u64().unwrap() > 8, "{first}");
    assert_eq!(first["ingested"]["repaired"], 0);
    let again = run(&machine, &emulator, 0, &[]);
    assert_eq!((&again["ingested"], &again["increment"]), (&Value::Null, &Value::Null));

    fs::write(machine.path("source/folder/file-2"), "changed").unwrap();
    let increment = run(&machine, &emulator, 0, &["--now"]);
    assert_ne!(increment["increment"]["tree"], first["increment"]["tree"]);
    let listed = emulator.expect(&machine, 0, &["vault", "snapshots", "--json"]).stdout;
    // The seed's, one of when it travelled, and two since.
    assert_eq!(listed.lines().count(), 4, "{listed}");

    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    assert!(!machine.path("staging/repo").exists());
    assert!(machine.path("staging/seed.json").exists());
    assert!(machine.path("staging/journals/S1.journal").exists());
    assert!(!emulator.blob("seed", "repo/config").exists());
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    assert_eq!(machine.run(&["plan", "--staging", &staging, "--drive-size", "1T"]).code, 10);

    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));

    assert!(
        restic(&machine, &emulator, &["check", "--read-data"]).contains("no errors were found")
    );
    let target = machine.text("by-restic");
    restic(&machine, &emulator, &["restore", "latest", "--target", &target]);
    assert!(is_equal(&machine, "by-restic"));
}

#[test]
fn what_the_import_lost_comes_from_staging_and_without_it_the_run_stops_before_a_snapshot() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let packs = emulator.blob("seed", "repo/data");
    let pack = walkdir::WalkDir::new(&packs).into_iter().flatten();
    let pack = pack.into_iter().find(|entry| entry.file_type().is_file()).unwrap().into_path();
    let mut bytes = fs::read(&pack).unwrap();
    bytes[100] ^= 1;
    fs::write(&pack, bytes).unwrap();
    fs::remove_file(emulator.blob("seed", "repo/config")).unwrap();

    let spare = machine.path("staging/repo/config");
    fs::rename(&spare, machine.path("config.aside")).unwrap();
    let said = run(&machine, &emulator, 6, &[]);
    assert_eq!(said["code"], "seed-blobs-missing", "{said}");
    assert!(!emulator.blob("azseed-office", "repo/snapshots").exists());
    fs::rename(machine.path("config.aside"), &spare).unwrap();
    let done = run(&machine, &emulator, 0, &[]);
    assert_eq!((&done["state"], &done["ingested"]["repaired"]), (&"protected".into(), &1.into()));
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

#[test]
fn a_run_that_is_killed_goes_on() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let container = emulator.blob("azseed-office", "");
    let mut killed = 0;
    for more in [0, 1, 3, 2, 4] {
        let enough = files_below(&container).len() + more;
        let mut process = emulator.command(&machine, &["vault", "run", "--quiet"]).spawn().unwrap();
        killed += u32::from(kill_when(&mut process, || files_below(&container).len() >= enough));
    }
    assert!(killed > 2, "it was killed {killed} times");
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "protected");
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

#[test]
fn an_account_key_and_the_token_both_open_the_vault_and_a_wrong_one_does_not() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let by_key = |key: &str| {
        let mut command = emulator.command(&machine, &["vault", "run", "--json"]);
        command.env("AZSEED_ACCOUNT_KEY", key).output().unwrap()
    };
    let wrong = by_key("d3Jvbmcga2V5");
    assert_eq!(wrong.status.code(), Some(12), "{}", String::from_utf8_lossy(&wrong.stdout));
    let right = by_key(emulator.fact("account_key"));
    assert_eq!(right.status.code(), Some(0), "{}", String::from_utf8_lossy(&right.stdout));
    let said = String::from_utf8_lossy(&right.stdout).into_owned();
    let line: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(line["ingested"]["streamed"], 0, "a signed source was copied by the service");
}

#[test]
fn a_sign_in_that_is_refused_is_told_as_such_and_not_as_a_lost_network() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    let asked = |words: &[&str]| {
        let mut command = emulator.command(&machine, words);
        command.env_remove("AZSEED_TOKEN").env("AZURE_TENANT_ID", "tenant");
        command.env("AZURE_CLIENT_ID", "client").env("AZURE_FEDERATED_TOKEN_FILE", "/nowhere");
        let said = command.output().unwrap();
        (said.status.code(), String::from_utf8_lossy(&said.stdout).into_owned())
    };
    let (code, text) = asked(&["vault", "snapshots", "--json"]);
    assert!(text.contains("secret-file-unreadable"), "{text}");
    assert_eq!(code, Some(2), "{text}");
}

#[test]
fn an_azure_that_goes_away_in_mid_call_is_told_and_the_next_run_goes_on() {
    let machine = Machine::new();
    let mut emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let mut process = emulator
        .command(&machine, &["vault", "run", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let container = emulator.blob("azseed-office", "");
    let enough = files_below(&container).len() + 2;
    assert!(lives_until(&mut process, || files_below(&container).len() >= enough));
    emulator.kill();
    let said = process.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said.status.code(), Some(14), "{text}");
    assert!(text.contains("azure-unreachable"), "{text}");
    let emulator = Emulator::start(&machine);
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "protected");
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

#[test]
fn after_the_cleanup_the_retention_drops_what_no_snapshot_needs_whatever_is_killed() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped_with(&machine, &emulator, &["--keep-daily", "1"]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let first = run(&machine, &emulator, 0, &[]);
    assert_eq!(first["increment"]["forgotten"], Value::Array(Vec::new()), "{first}");
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    let packs = || -> Vec<String> {
        let data = walkdir::WalkDir::new(emulator.blob("azseed-office", "repo/data"));
        let files = data.into_iter().flatten().filter(|entry| entry.file_type().is_file());
        files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let seeded = packs();
    for number in 0..5 {
        let path = machine.path(&format!("source/folder/file-{number}"));
        fs::write(path, Dice(100 + number).bytes(200_000)).unwrap();
    }
    let second = run(&machine, &emulator, 0, &["--now"]);
    assert_eq!(second["increment"]["forgotten"].as_array().unwrap().len(), 2, "{second}");
    let is_there = |pack: &String| packs().contains(pack);
    assert!(seeded.iter().all(is_there), "a reader may be using them");
    let whole = || {
        assert!(
            restic(&machine, &emulator, &["check", "--read-data"]).contains("no errors were found")
        );
    };
    whole();
    let (container, mut killed) = (emulator.blob("azseed-office", "repo"), 0);
    for round in 0..8_usize {
        fs::write(machine.path("source/folder/new"), Dice(200 + round as u64).bytes(300_000))
            .unwrap();
        let mut process =
            emulator.command(&machine, &["vault", "run", "--now", "--quiet"]).spawn().unwrap();
        // Packs, index and snapshot come, snapshots and packs go: after so many of that.
        let before = files_below(&container);
        let is_seen = || files_below(&container).symmetric_difference(&before).count() >= round;
        killed += u32::from(kill_when(&mut process, is_seen));
        whole();
    }
    assert!(killed > 4, "it was killed {killed} times");
    run(&machine, &emulator, 0, &["--now"]);
    run(&machine, &emulator, 0, &["--now"]);
    // Killed runs leave packs of their own, which the next prunes find.
    assert!(!seeded.iter().all(is_there), "nothing of the seed was dropped");
    whole();
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
}

#[test]
fn a_vault_keeps_its_schedule_and_what_it_keeps_as_they_were_said() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let more = ["--schedule", "weekly@mon@03:30", "--keep-daily", "7", "--keep-weekly", "5"];
    let more = [&more[..], &["--keep-monthly", "12", "--keep-yearly", "3"]].concat();
    shipped_with(&machine, &emulator, &more);
    let said = emulator.expect(&machine, 0, &["vault", "show", "--json"]);
    let vault: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let right = serde_json::json!({"daily": 7, "weekly": 5, "monthly": 12, "yearly": 3});
    assert_eq!(vault["retention"], right, "{vault}");
    assert_eq!(
        (&vault["schedule"]["every"], &vault["schedule"]["on"]),
        (&"week".into(), &1.into())
    );
    assert_eq!(vault["schedule"]["at"], "03:30:00");
}
