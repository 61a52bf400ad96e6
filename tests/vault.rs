//! A seed in its vault: taken in, gone on with, given back, cleared behind it.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::Machine;
use support::tree::{self, Dice};

/// Small packs, so that there are many.
const STAGE: [&str; 10] = [
    "--job",
    "seed-1",
    "--storage-account",
    "account1",
    "--container",
    "seed",
    "--resource-group",
    "rg",
    "--pack-size",
    "1Mi",
];
const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";

/// A source with files, a folder, a symbolic link and a mode.
fn source(machine: &Machine) -> String {
    let root = machine.path("source");
    for number in 0..6u64 {
        let mut dice = Dice(number);
        let content = dice.bytes(1 << 20);
        tree::write(&root, &format!("folder/file-{number}"), &content, &mut dice);
    }
    symlink("folder/file-1", root.join("link")).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::write(root.join("script"), "#!/bin/sh\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o750);
    fs::set_permissions(root.join("script"), mode).unwrap();
    machine.text("source")
}

/// A staged seed on a shipped drive S1, and a vault that waits for it.
fn shipped(machine: &Machine, emulator: &Emulator) -> String {
    let (source, staging) = (source(machine), machine.text("staging"));
    let contact = machine.text("contact.toml");
    fs::write(&contact, support::CONTACT).unwrap();
    let mut words = vec!["stage", "--source", &source, "--staging", &staging];
    words.extend(STAGE);
    words.extend(["--subscription", SUBSCRIPTION, "--contact", &contact]);
    machine.expect(0, &words);
    let drive = "s1.img,serial=S1,size=210M";
    machine.expect(0, &["prep", "--staging", &staging, "--offline", "--drive", drive]);
    emulator.expect(machine, 0, &["job", "create", "--staging", &staging, "--location", "westus"]);
    emulator.expect(machine, 0, &["vault", "create", "--vault", "Office", "--staging", &staging]);
    let ship = ["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1", "--staging"];
    let ship: Vec<&str> = ship.iter().copied().chain([staging.as_str()]).collect();
    emulator.expect(machine, 0, &ship);
    staging
}

fn run(machine: &Machine, emulator: &Emulator, code: i32, words: &[&str]) -> Value {
    let mut all = vec!["vault", "run", "--json"];
    all.extend(words);
    let said = emulator.expect(machine, code, &all);
    let last = said.stdout.lines().last().unwrap_or_else(|| panic!("{}", said.stderr));
    serde_json::from_str(last).unwrap()
}

fn is_equal(machine: &Machine, target: &str) -> bool {
    let source = machine.path("source");
    let copy = machine.path(target).join(source.strip_prefix("/").unwrap());
    let said = Command::new("diff")
        .args(["-r", "--no-dereference"])
        .args([&source, &copy])
        .output()
        .unwrap();
    let facts = |root: &Path| {
        let mut facts: Vec<String> = walkdir::WalkDir::new(root)
            .into_iter()
            .map(|entry| {
                use std::os::unix::fs::MetadataExt;
                let entry = entry.unwrap();
                let about = entry.metadata().unwrap();
                let path = entry.path().strip_prefix(root).unwrap().display().to_string();
                format!("{path} {:o} {}.{:09}", about.mode(), about.mtime(), about.mtime_nsec())
            })
            .collect();
        facts.sort();
        facts
    };
    assert_eq!(facts(&source), facts(&copy));
    said.status.success()
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
    assert_eq!(listed.lines().count(), 3, "{listed}");

    emulator.expect(&machine, 0, &["cleanup"]);
    assert!(!machine.path("staging/repo").exists());
    assert!(machine.path("staging/seed.json").exists());
    assert!(machine.path("staging/journals/S1.journal").exists());
    assert!(!emulator.blob("seed", "repo/config").exists());
    emulator.expect(&machine, 0, &["cleanup"]);
    assert_eq!(machine.run(&["plan", "--staging", &staging, "--drive-size", "1T"]).code, 10);

    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));

    // The container as files, read by restic itself.
    let id = fs::read_dir(machine.path("state/passwords")).unwrap().next().unwrap().unwrap();
    let repository = emulator.blob("azseed-office", "repo");
    let restic = |words: &[&str]| {
        let said = Command::new("restic")
            .args(["--no-cache", "--no-lock", "-r"])
            .arg(&repository)
            .arg("--password-file")
            .arg(id.path())
            .args(words)
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    assert!(restic(&["check", "--read-data"]).contains("no errors were found"));
    let target = machine.text("by-restic");
    restic(&["restore", "latest", "--target", &target]);
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
    for millis in [40, 80, 120, 200] {
        let mut process = emulator.command(&machine, &["vault", "run", "--quiet"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        let _ = process.kill();
        process.wait().unwrap();
    }
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
    let process = emulator
        .command(&machine, &["vault", "run", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(60));
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
