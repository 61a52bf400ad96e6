//! What keeps a vault usable: its keys, its place, its check, and what an office sees of it without
//! the repository's password.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::kept::{Vault, copy, last};
use support::program::{Machine, files_below};
use support::{schema, tree};

fn small(root: &Path) {
    tree::varied(root, 5);
}

fn run(vault: &Vault, machine: &Machine, code: i32, words: &[&str]) -> Vec<Value> {
    let said = vault.emulator.expect(machine, code, words);
    schema::check_lines(&said.stdout);
    let all = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|line| line["type"] != "stage-progress").collect()
}

fn end(vault: &Vault, code: i32, words: &[&str]) -> Value {
    run(vault, &vault.machine, code, words).pop().unwrap()
}

fn write_secret(machine: &Machine, name: &str, text: &str) -> String {
    use std::os::unix::fs::OpenOptionsExt;
    let path = machine.text(name);
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    path
}

const NEW: &str = "another password of more than sixteen letters";

#[test]
fn a_key_is_added_and_removed_and_never_the_last_or_the_one_that_is_used() {
    let vault = Vault::of(small);
    let keys = |code: i32, words: &[&str]| {
        end(&vault, code, &[&["vault", "key", words[0], "--json"], &words[1..]].concat())
    };
    let first = keys(0, &["list"]);
    assert_eq!((&first["type"], &first["used"]), (&"vault-key".into(), &true.into()));
    let first = first["id"].as_str().unwrap();
    assert_eq!(keys(4, &["remove", first])["code"], "key-last");
    let short = write_secret(&vault.machine, "short", "short");
    assert_eq!(keys(2, &["add", "--new-password-file", &short])["code"], "password-weak");
    let new = write_secret(&vault.machine, "new", NEW);
    let added = keys(0, &["add", "--new-password-file", &new]);
    assert_eq!(added["changed"], true);
    let second = added["added"].as_str().unwrap();
    assert_ne!(first, second);
    let again = keys(0, &["add", "--new-password-file", &new]);
    assert_eq!((&again["changed"], &again["added"]), (&false.into(), &second.into()));
    let listed = run(&vault, &vault.machine, 0, &["vault", "key", "list", "--json"]);
    let made = listed.iter().find(|own| own["id"] == second).unwrap();
    assert!(made["created"].is_string() && made["host"].is_string(), "{made}");
    assert_eq!((listed.len(), &made["used"]), (2, &false.into()));

    assert_eq!(keys(2, &["remove", first])["code"], "key-in-use");
    assert_eq!(keys(10, &["remove", "zz"])["code"], "key-missing");
    assert_eq!(keys(2, &["remove", ""])["code"], "key-ambiguous");
    assert_eq!(files_below(&vault.emulator.blob("azseed-office", "repo/keys")).len(), 2);
    assert_eq!(keys(0, &["remove", &second[..12]])["removed"], second);
    assert_eq!(files_below(&vault.emulator.blob("azseed-office", "repo/keys")).len(), 1);
}

#[test]
fn a_rotated_password_opens_everything_the_old_one_nothing_and_restic_agrees() {
    let vault = Vault::of(small);
    let (new, old) = (write_secret(&vault.machine, "new", NEW), vault.password());
    let rotate = |code: i32, file: &str| {
        let words = ["vault", "key", "rotate", "--json", "--new-password-file", file];
        end(&vault, code, &words)
    };
    assert_eq!(rotate(2, old.to_str().unwrap())["code"], "password-same");
    // As a call that was killed before the old key went: the new one is there already.
    end(&vault, 0, &["vault", "key", "add", "--json", "--new-password-file", &new]);
    let done = rotate(0, &new);
    assert!(done["added"].is_string() && done["removed"].is_string(), "{done}");
    assert_eq!(end(&vault, 0, &["vault", "snapshots", "--json"])["type"], "snapshot");
    assert_eq!(run(&vault, &vault.machine, 0, &["vault", "key", "list", "--json"]).len(), 1);

    let other = Machine::new();
    let attach = |password: &str, code: i32| {
        let mut words = vec!["vault", "attach", "--json", "--vault", "office", "--container"];
        words.extend(["azseed-office", "--storage-account", "account1", "--password-file"]);
        words.push(password);
        run(&vault, &other, code, &words).pop().unwrap()
    };
    assert_eq!(attach(old.to_str().unwrap(), 12)["code"], "repository-password");
    attach(&new, 0);
    let restic = |password: &Path| {
        let mut command = std::process::Command::new("restic");
        command.args(["--no-cache", "--no-lock", "-r"]);
        command.arg(vault.emulator.blob("azseed-office", "repo")).arg("--password-file");
        command.arg(password).arg("snapshots").output().unwrap().status.success()
    };
    assert!(restic(Path::new(&new)) && !restic(&old));
    // The other machine is told, and its next call with the old password says what to do.
    let newer = write_secret(&vault.machine, "newer", "the third password of this repository");
    rotate(0, &newer);
    let late = run(&vault, &other, 12, &["vault", "snapshots", "--json"]).pop().unwrap();
    assert_eq!(late["code"], "repository-password");
    let set = |code: i32, file: &str| {
        let words = ["vault", "set", "--json", "--password-file", file];
        run(&vault, &other, code, &words).pop().unwrap()
    };
    assert_eq!(set(12, old.to_str().unwrap())["code"], "repository-password");
    assert_eq!(set(0, &newer)["changed"], true);
    assert_eq!(set(0, &newer)["changed"], false);
    run(&vault, &other, 0, &["vault", "snapshots", "--json"]);
}

#[test]
fn a_vault_that_was_moved_is_followed_and_another_repository_is_not_taken_for_it() {
    let vault = Vault::of(small);
    let set = |code: i32, words: &[&str]| {
        end(&vault, code, &[&["vault", "set", "--json"], words].concat())
    };
    let record = || fs::read_to_string(vault.machine.path("state/vaults/office.json")).unwrap();
    let before = record();
    assert_eq!(set(2, &[])["code"], "flag-missing");
    assert_eq!(set(10, &["--container", "moved-office"])["code"], "repository-missing");
    let moved = vault.emulator.blob("moved-office", "repo");
    copy(&vault.emulator.blob("azseed-office", "repo"), &moved);
    let other = vault.emulator.blob("other-office", "repo");
    let made = std::process::Command::new("restic")
        .args(["--no-cache", "-r", other.to_str().unwrap(), "init", "--password-file"])
        .arg(vault.password())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    assert_eq!(set(2, &["--container", "other-office"])["code"], "repository-other");
    assert_eq!(record(), before, "nothing of a refused call is kept");

    let done = set(0, &["--container", "moved-office"]);
    assert_eq!(done["differences"].as_array().unwrap().len(), 1, "{done}");
    fs::remove_dir_all(vault.emulator.blob("azseed-office", "repo")).unwrap();
    assert_eq!(end(&vault, 0, &["vault", "snapshots", "--json"])["type"], "snapshot");
    end(&vault, 0, &["vault", "run", "--json", "--now"]);
    // A variable is a setting and moves nothing.
    let mut command = vault.emulator.command(&vault.machine, &["vault", "set", "--json"]);
    let said = support::program::said(command.env("AZSEED_CONTAINER", "x-y-z").output().unwrap());
    assert_eq!((said.code, &last(&said)["code"]), (2, &"flag-missing".into()));
}

#[test]
fn a_check_finds_what_is_missing_and_with_the_data_what_was_changed() {
    let vault = Vault::of(small);
    let check = |code: i32, words: &[&str]| {
        end(&vault, code, &[&["vault", "check", "--json"], words].concat())
    };
    let whole = check(0, &[]);
    assert_eq!((&whole["read_bytes"], &whole["snapshots"]), (&0.into(), &1.into()));
    let read = check(0, &["--read-data"]);
    assert_eq!(read["read_bytes"], read["bytes"]);
    assert!(read["bytes"].as_u64().unwrap() > 1000, "{read}");
    assert_eq!(check(2, &["--read-data=0%"])["code"], "usage");

    let packs = files_below(&vault.emulator.blob("azseed-office", "repo/data"));
    let largest = packs.iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let content = fs::read(largest).unwrap();
    let mut changed = content.clone();
    changed[100] ^= 1;
    fs::write(largest, &changed).unwrap();
    assert_eq!(check(0, &[])["faults"], Value::Array(Vec::new()), "its structure is whole");
    // A share that is smaller than a pack still reads one.
    let found = check(5, &["--read-data=1%"]);
    assert!(!found["faults"].as_array().unwrap().is_empty(), "{found}");
    fs::remove_file(largest).unwrap();
    let name = largest.file_name().unwrap().to_str().unwrap();
    let found = check(5, &[]);
    assert!(found["faults"].to_string().contains(&name[..8]), "{found}");
}

#[test]
fn an_office_sees_how_far_a_vault_is_without_the_password_of_its_repository() {
    let vault = Vault::of(small);
    end(&vault, 0, &["vault", "run", "--json"]);
    let office = Machine::new();
    let password = office.text("password");
    fs::copy(vault.password(), &password).unwrap();
    let mut words = vec!["vault", "attach", "--json", "--vault", "office", "--container"];
    words.extend(["azseed-office", "--storage-account", "account1", "--password-file", &password]);
    run(&vault, &office, 0, &words);
    fs::remove_file(&password).unwrap();
    let seen = run(&vault, &office, 0, &["vault", "status", "--json"]);
    assert_eq!((&seen[0]["type"], seen.len()), (&"vault".into(), 1), "{seen:?}");
    assert_eq!(seen[0]["state"], "protected");
    let machine = &seen[0]["machines"][0];
    assert!(machine["incremented_at"].is_string(), "{seen:?}");
    assert_eq!(machine["sources"][0], vault.source().to_str().unwrap());

    // Many vaults, one of which cannot be asked for.
    let path = office.path("state/vaults/office.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["name"] = "waiting".into();
    for field in ["attached_at", "ingested_at"] {
        record.as_object_mut().unwrap().remove(field);
    }
    record["resource_group"] = Value::Null;
    fs::write(path.with_file_name("waiting.json"), record.to_string()).unwrap();
    let listed = run(&vault, &office, 3, &["vault", "list", "--json"]);
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&"Office".into(), &"protected".into()));
    assert_eq!(listed[1]["name"], "waiting");
    assert!(listed[1]["unknown"].as_str().unwrap().contains("--resource-group"), "{listed:?}");
}
