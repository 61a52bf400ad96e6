//! A vault whose seed travels, is lost in the mail, lies in another account, or stays where it was
//! imported.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, files_below, kill_when};
use support::seed::{is_equal, restic, run, shipped, shipped_with};
use support::tree::Dice;

fn bytes_below(folder: &std::path::Path) -> u64 {
    files_below(folder).iter().map(|path| path.metadata().unwrap().len()).sum()
}

fn whole(machine: &Machine, emulator: &Emulator, container: &str) {
    let check = restic(machine, emulator, container, &["check", "--read-data"]);
    assert!(check.contains("no errors were found"), "{check}");
}

fn staged_files(machine: &Machine) -> u64 {
    files_below(&machine.path("staging/repo")).len() as u64
}

fn status(machine: &Machine, emulator: &Emulator) -> Value {
    let said = emulator.expect(machine, 0, &["vault", "status", "--json"]);
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn increments_go_on_while_the_parcel_travels_and_can_be_restored_once_it_is_taken_in() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let vault = |name: &str| emulator.blob("azseed-office", name);
    let staged = files_below(&machine.path("staging/repo"));
    let first = run(&machine, &emulator, 0, &[]);
    assert_eq!((&first["state"], &first["kept_aside"]), (&"seed-in-transit".into(), &1.into()));
    assert!(first["increment"]["snapshot"].is_string(), "{first}");
    assert!(bytes_below(&vault("repo/data")) < 200_000, "nothing has changed, nothing is sent");
    let again = run(&machine, &emulator, 0, &[]);
    assert_eq!(again["increment"], Value::Null, "none is due: {again}");
    assert!(again["next_due"].is_string(), "it says when to look again: {again}");

    // A run that is killed in the middle; what it has sent is used.
    fs::write(machine.path("source/folder/file-2"), Dice(70).bytes(3 << 20)).unwrap();
    let enough = files_below(&vault("repo/data")).len() + 2;
    let mut process =
        emulator.command(&machine, &["vault", "run", "--now", "--quiet"]).spawn().unwrap();
    assert!(kill_when(&mut process, || files_below(&vault("repo/data")).len() >= enough));
    assert_eq!(files_below(&vault("azseed/aside")).len(), 1);
    let second = run(&machine, &emulator, 0, &["--now"]);
    assert_eq!(second["kept_aside"], 2, "{second}");
    let sent = bytes_below(&vault("repo/data"));
    assert!((3 << 20..6 << 20).contains(&sent), "only what is new was sent: {sent}");
    for name in ["repo/config", "repo/keys", "repo/snapshots"] {
        assert!(!vault(name).exists(), "{name} would pass for a repository");
    }
    assert_eq!(files_below(&machine.path("staging/repo")), staged, "what was staged is untouched");
    let said = status(&machine, &emulator);
    assert_eq!((&said["kept_aside"], &said["restorable_until"]), (&2.into(), &Value::Null));
    let said = emulator.expect(&machine, 0, &["vault", "status"]).stdout;
    assert!(said.contains("2 increments in Azure since the seed was staged"), "{said}");
    emulator.expect(&machine, 10, &["vault", "restore", "--target", "early"]);

    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let before = files_below(&vault("repo/data"));
    let taken = run(&machine, &emulator, 0, &[]);
    assert_eq!((&taken["state"], &taken["kept_aside"]), (&"protected".into(), &0.into()));
    assert_eq!(taken["ingested"]["copied"].as_u64(), Some(staged.len() as u64), "{taken}");
    assert!(before.is_subset(&files_below(&vault("repo/data"))));
    assert!(files_below(&vault("azseed/aside")).is_empty(), "nothing is aside any more");
    assert!(status(&machine, &emulator)["restorable_until"].is_string());
    let listed = emulator.expect(&machine, 0, &["vault", "snapshots", "--json"]).stdout;
    for own in [&first, &second, &taken] {
        let id = own["increment"]["snapshot"].as_str().unwrap();
        assert!(listed.contains(id), "{id} in {listed}");
    }
    assert_eq!(listed.lines().count(), 4, "{listed}");
    whole(&machine, &emulator, "azseed-office");
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

#[test]
fn a_seed_that_was_lost_in_the_mail_is_sent_and_nothing_of_it_twice() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    fs::write(machine.path("source/folder/new"), Dice(71).bytes(1 << 20)).unwrap();
    run(&machine, &emulator, 0, &[]);
    let repo = emulator.blob("azseed-office", "repo");
    let enough = files_below(&repo).len() + 3;
    let words = ["vault", "run", "--without-seed", "--quiet"];
    let mut process = emulator.command(&machine, &words).spawn().unwrap();
    assert!(kill_when(&mut process, || files_below(&repo).len() >= enough));
    let there = files_below(&repo);
    assert!(!emulator.blob("azseed-office", "repo/snapshots").exists());
    let times = |path: &std::path::PathBuf| path.metadata().unwrap().modified().unwrap();
    let before: Vec<_> = there.iter().map(times).collect();

    let sent = run(&machine, &emulator, 0, &["--without-seed"]);
    assert_eq!((&sent["state"], &sent["kept_aside"]), (&"protected".into(), &0.into()));
    let count = |name: &str| sent["ingested"][name].as_u64().unwrap();
    assert!(count("unchanged") >= 3, "{sent}");
    assert_eq!(count("unchanged") + count("repaired"), staged_files(&machine), "{sent}");
    assert_eq!((count("copied"), count("streamed")), (0, 0), "{sent}");
    assert_eq!(there.iter().map(times).collect::<Vec<_>>(), before, "none was sent twice");
    assert!(!emulator.blob("seed", "").exists(), "nothing was imported");
    let again = run(&machine, &emulator, 0, &["--without-seed"]);
    assert_eq!((&again["ingested"], &again["increment"]), (&Value::Null, &Value::Null));
    whole(&machine, &emulator, "azseed-office");
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

#[test]
fn a_seed_can_stay_in_the_container_that_it_was_imported_to() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped_with(&machine, &emulator, &["--adopt"]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let broken = files_below(&emulator.blob("seed", "repo/data")).into_iter().next().unwrap();
    let mut content = fs::read(&broken).unwrap();
    content[100] ^= 1;
    fs::write(&broken, content).unwrap();
    let first = run(&machine, &emulator, 0, &[]);
    let count = |name: &str| first["ingested"][name].as_u64().unwrap();
    assert_eq!((count("copied"), count("repaired")), (0, 1), "{first}");
    assert_eq!(count("streamed"), staged_files(&machine) - 1, "each was read once: {first}");
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    assert!(!machine.path("staging/repo").exists());
    assert!(emulator.blob("seed", "repo/config").exists(), "it is the vault's own");
    fs::write(machine.path("source/folder/file-2"), "changed").unwrap();
    run(&machine, &emulator, 0, &["--now"]);
    whole(&machine, &emulator, "seed");
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

#[test]
fn a_seed_in_another_account_is_copied_by_the_service_by_token_or_by_a_signature_for_it() {
    for by_key in [false, true] {
        let machine = Machine::new();
        let emulator = Emulator::start_with(&machine, &["--account", "account2"]);
        shipped_with(&machine, &emulator, &["--vault-account", "account2"]);
        emulator.dock(&machine, &["s1.img,serial=S1"]);
        let key = BASE64_STANDARD.encode(emulator.key_of("account2").key);
        let run = |code: i32, more: &[&str]| {
            let words = [&["vault", "run", "--json"], more].concat();
            let mut command = emulator.command(&machine, &words);
            if by_key {
                command.env("AZSEED_ACCOUNT_KEY", &key);
            }
            let said = support::program::said(command.output().unwrap());
            assert_eq!(said.code, code, "{}{}", said.stdout, said.stderr);
            serde_json::from_str::<Value>(said.stdout.lines().last().unwrap()).unwrap()
        };
        fs::write(machine.path("sas"), emulator.account_sas()).unwrap();
        fs::set_permissions(machine.path("sas"), PermissionsExt::from_mode(0o600)).unwrap();
        let more = ["--seed-sas-file", "sas"];
        if by_key {
            assert_eq!(run(12, &[])["code"], "vault-seed-closed");
        }
        let first = run(0, if by_key { &more } else { &[] });
        let count = |name: &str| first["ingested"][name].as_u64().unwrap();
        assert_eq!((count("copied"), count("streamed")), (staged_files(&machine), 0), "{first}");
        let own = emulator.data().join("blobs/account2/azseed-office/repo/config");
        assert!(own.exists() && !emulator.blob("azseed-office", "repo/config").exists());
    }
}

#[test]
fn an_import_that_lacks_more_than_may_be_sent_stops_before_anything_is_written() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    for path in files_below(&emulator.blob("seed", "repo/data")).into_iter().take(2) {
        fs::remove_file(path).unwrap();
    }
    let refused = run(&machine, &emulator, 6, &["--repair-up-to", "100K"]);
    assert_eq!(refused["code"], "ingest-repair-limit", "{refused}");
    assert!(!emulator.blob("azseed-office", "repo").exists());
    let said = emulator.expect(&machine, 0, &["vault", "run", "--json", "--repair-up-to", "10M"]);
    let lines: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_it = |own: &&Value| own["type"] == "ingest-estimate";
    let estimate = lines.iter().find(is_it).unwrap();
    assert_eq!(estimate["from_staging"], 2, "{estimate}");
    assert_eq!(estimate["write_operations"], staged_files(&machine), "{estimate}");
    assert_eq!(lines.last().unwrap()["ingested"]["repaired"], 2);
}

#[test]
fn a_vault_that_says_something_else_of_its_seed_is_told() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    let mut control = files_below(&emulator.blob("azseed-office", "azseed/seeds"));
    control.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    let [control] = &control.into_iter().collect::<Vec<_>>()[..] else { panic!() };
    // Another machine that has the vault's record as it was before the ingest.
    let record = machine.path("state/vaults/office.json");
    let mut vault: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    vault["ingested_at"] = Value::Null;
    fs::write(&record, serde_json::to_vec(&vault).unwrap()).unwrap();
    let followed = run(&machine, &emulator, 0, &["--now"]);
    assert_eq!((&followed["state"], &followed["ingested"]), (&"protected".into(), &Value::Null));

    fs::write(&record, serde_json::to_vec(&vault).unwrap()).unwrap();
    fs::write(control, "{}").unwrap();
    let said = run(&machine, &emulator, 1, &["--now"]);
    assert_eq!(said["code"], "vault-control-damaged", "{said}");
    fs::remove_file(control).unwrap();
    let config = emulator.blob("azseed-office", "repo/config");
    let own = fs::read(&config).unwrap();
    fs::remove_file(&config).unwrap();
    support::seed::put(&emulator, "azseed-office", "repo/config", b"of another repository");
    let said = run(&machine, &emulator, 4, &["--now"]);
    assert_eq!(said["code"], "vault-other-repository", "{said}");
    assert_ne!(fs::read(&config).unwrap(), own, "it was left as it is");
}
