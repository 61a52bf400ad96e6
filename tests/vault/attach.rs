//! A vault on a machine that knows nothing of it: made known by account, container and password,
//! and forgotten again.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use support::kept::{Vault, last};
use support::program::{Machine, files_below, said};
use support::tree;

const ATTACH: [&str; 8] = [
    "vault",
    "attach",
    "--json",
    "--vault",
    "office",
    "--storage-account",
    "account1",
    "--container",
];

fn attach<'a>(password: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&ATTACH[..], &["azseed-office", "--password-file", password], more].concat()
}

/// Another machine, with a copy of the password and nothing else.
fn elsewhere(vault: &Vault) -> (Machine, String) {
    let other = Machine::new();
    fs::copy(vault.password(), other.path("password")).unwrap();
    let password = other.text("password");
    (other, password)
}

fn records(machine: &Machine) -> usize {
    fs::read_dir(machine.path("state/vaults")).map_or(0, |folder| folder.count())
}

fn small(root: &Path) {
    tree::varied(root, 3);
}

#[test]
fn a_machine_that_has_nothing_else_attaches_a_vault_and_forgets_it_again() {
    let vault = Vault::of(small);
    let (other, password) = elsewhere(&vault);
    let run = |code: i32, words: &[&str]| last(&vault.emulator.expect(&other, code, words));
    let before = files_below(&vault.emulator.blob("azseed-office", ""));

    let done = run(0, &attach(&password, &[]));
    assert_eq!((&done["name"], &done["state"]), (&"Office".into(), &"protected".into()));
    assert_eq!((&done["changed"], &done["snapshots"]), (&true.into(), &1.into()));
    assert_eq!(done["hosts"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(done["prefix"], "repo/");
    let again = run(0, &attach(&password, &["--prefix", "/repo"]));
    assert_eq!(again["changed"], false);

    let listed = run(0, &["vault", "snapshots", "--json"]);
    assert_eq!(listed["type"], "snapshot");
    run(0, &["vault", "restore", "--json", "--target", "back"]);
    let source = vault.source();
    let back = other.path("back").join(source.strip_prefix("/").unwrap());
    let differences = tree::expected(&back, "").differences(&tree::expected(&source, ""));
    assert_eq!(differences, Vec::<String>::new());

    assert_eq!(run(2, &["vault", "detach", "--json"])["code"], "needs-yes");
    assert_eq!(records(&other), 1);
    let forgotten = run(0, &["vault", "detach", "--json", "--yes"]);
    assert_eq!((&forgotten["type"], records(&other)), (&"vault-detached".into(), 0));
    assert_eq!(run(10, &["vault", "detach", "--json", "--yes"])["code"], "vault-missing");
    assert_eq!(files_below(&vault.emulator.blob("azseed-office", "")), before);
    assert!(Path::new(&password).exists());
}

/// Who can write to the container cannot keep the owner of its password from it.
#[test]
fn what_a_stranger_says_of_a_container_keeps_nobody_from_the_vault() {
    let vault = Vault::of(small);
    let (other, password) = elsewhere(&vault);
    support::seed::put(&vault.emulator, "azseed-office", "azseed/vault.json", b"no claim");
    let done = last(&vault.emulator.expect(&other, 0, &attach(&password, &[])));
    assert_eq!((&done["changed"], &done["snapshots"]), (&true.into(), &1.into()), "{done}");
    vault.emulator.expect(&other, 0, &["vault", "restore", "--target", "back"]);
}

#[test]
fn what_cannot_be_attached_is_told_with_its_code_and_nothing_is_kept_of_it() {
    let vault = Vault::of(small);
    let (other, password) = elsewhere(&vault);
    let wrong = other.text("wrong");
    fs::copy(&password, &wrong).unwrap();
    fs::write(&wrong, "another password of more than sixteen letters").unwrap();
    let named = |name: &'static str, container: &'static str| {
        let mut words = attach(&password, &[]);
        (words[4], words[8]) = (name, container);
        words
    };
    let without: Vec<&str> = attach(&password, &[])[..9].to_vec();
    for (code, word, words) in [
        (12, "repository-password", attach(&wrong, &[])),
        (10, "repository-missing", attach(&password, &["--prefix", "/"])),
        (10, "repository-missing", named("office", "azseed-others")),
        (2, "vault-other-name", named("cellar", "azseed-office")),
        (2, "flag-missing", without),
        (2, "password-twice", attach(&password, &["--password-fd", "0"])),
        (1, "password-program", {
            let mut words = attach("/bin/false", &[]);
            words[9] = "--password-command";
            words
        }),
    ] {
        let done = last(&vault.emulator.expect(&other, code, &words));
        assert_eq!((&done["code"], records(&other)), (&word.into(), 0), "{done}");
    }

    vault.emulator.expect(&other, 0, &attach(&password, &[]));
    let mut other_name = attach(&password, &[]);
    other_name[4] = "cellar";
    let mut moved = attach(&wrong, &["--prefix", "deeper"]);
    moved[6] = "account2";
    for (words, word, told) in [
        (other_name, "vault-known-as", &["the vault Office"][..]),
        (moved, "vault-otherwise", &["account1, not account2", "deeper", "wrong"]),
    ] {
        let done = last(&vault.emulator.expect(&other, 2, &words));
        assert_eq!(done["code"], word, "{done}");
        let message = done["message"].as_str().unwrap();
        assert!(told.iter().all(|part| message.contains(part)), "{message}");
    }
    assert_eq!(records(&other), 1);
}

#[test]
fn the_password_comes_from_a_program_or_an_open_file_and_stands_in_no_record() {
    let vault = Vault::of(small);
    let (other, password) = elsewhere(&vault);
    let secret = fs::read_to_string(&password).unwrap();
    let program = format!("/bin/cat {password}");
    let mut words = attach(&program, &[]);
    words[9] = "--password-command";
    vault.emulator.expect(&other, 0, &words);
    vault.emulator.expect(&other, 0, &["vault", "snapshots", "--json"]);
    let contradicted = ["vault", "snapshots", "--json", "--password-file", &password];
    assert_eq!(last(&vault.emulator.expect(&other, 2, &contradicted))["code"], "seed-contradicted");
    vault.emulator.expect(&other, 0, &["vault", "detach", "--yes"]);

    let by_pipe = |words: &[&str], file: &str| {
        let mut command = vault.emulator.command(&other, words);
        command.stdin(Stdio::from(fs::File::open(file).unwrap()));
        said(command.output().unwrap())
    };
    let mut words = attach("0", &[]);
    words[9] = "--password-fd";
    assert_eq!(by_pipe(&words, &password).code, 0);
    let record = other.path("state/vaults/office.json");
    let text = fs::read_to_string(&record).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    assert!(kept.get("password_file").is_none() && !text.contains(secret.trim()), "{kept}");
    let unknown = last(&vault.emulator.expect(&other, 2, &["vault", "snapshots", "--json"]));
    assert_eq!(unknown["code"], "flag-missing");
    let again = ["vault", "snapshots", "--json", "--password-fd", "0"];
    assert_eq!(by_pipe(&again, &password).code, 0);
    assert_eq!(by_pipe(&again, "/dev/null").code, 2);
    assert_eq!(vault.emulator.run(&other, &["vault", "snapshots", "--password-fd", "9"]).code, 2);
}

#[test]
fn a_rebuilt_machine_goes_on_with_its_own_sources_and_another_takes_only_the_policy() {
    let vault = Vault::of(small);
    let (other, password) = elsewhere(&vault);
    vault.emulator.expect(&vault.machine, 0, &["vault", "run"]);
    let folder = vault.emulator.blob("azseed-office", "azseed/machines");
    let told = files_below(&folder).into_iter().next().unwrap();
    let mut content: Value = serde_json::from_slice(&fs::read(&told).unwrap()).unwrap();
    assert!(content["incremented_at"].is_string(), "the run has told: {content}");
    assert!(!content.to_string().contains("password"), "{content}");
    let claim = vault.emulator.blob("azseed-office", "azseed/vault.json");
    let mut settings: Value = serde_json::from_slice(&fs::read(&claim).unwrap()).unwrap();
    settings["settings"]["retention"]["daily"] = 9.into();
    fs::write(&claim, settings.to_string()).unwrap();

    let done = last(&vault.emulator.expect(&other, 0, &attach(&password, &[])));
    assert_eq!((&done["retention"]["daily"], &done["job"]), (&9.into(), &"seed-1".into()));
    fs::write(vault.source().join("new"), "new").unwrap();
    let ran = last(&vault.emulator.expect(&other, 0, &["vault", "run", "--json", "--now"]));
    assert_eq!(ran["increment"]["unreadable"].as_array().map(Vec::len), Some(0), "{ran}");
    vault.emulator.expect(&other, 0, &["vault", "detach", "--yes"]);

    let host = content["host"].as_str().unwrap().to_owned();
    content["host"] = "elsewhere".into();
    fs::remove_file(&told).unwrap();
    fs::write(told.with_file_name("elsewhere.json"), content.to_string()).unwrap();
    // One that says it is of another machine than its name does is believed by nobody.
    fs::write(told.with_file_name(format!("{host}.json")), content.to_string()).unwrap();
    let done = vault.emulator.expect(&other, 0, &attach(&password, &[]));
    let done = last(&done);
    assert_eq!((&done["retention"]["daily"], &done["job"]), (&9.into(), &Value::Null));
    let record = fs::read_to_string(other.path("state/vaults/office.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert!(record.get("seed").is_none() && record.get("sources").is_none(), "{record}");
    // What concerns a seed is none of its business.
    let refused = last(&vault.emulator.expect(&other, 2, &["cleanup", "--json", "--yes"]));
    assert_eq!(refused["code"], "vault-attached");
}

#[test]
fn without_root_and_without_a_staging_path_all_of_it_works() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let vault = Vault::of(small);
    let (other, password) = elsewhere(&vault);
    fs::set_permissions(other.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    for folder in ["state", "back"] {
        fs::create_dir(other.path(folder)).unwrap();
        chown(other.path(folder), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    chown(&password, Some(NOBODY), Some(NOBODY)).unwrap();
    let authority = other.path("ca.pem");
    fs::copy(vault.emulator.fact("ca_file"), &authority).unwrap();
    fs::set_permissions(&authority, fs::Permissions::from_mode(0o644)).unwrap();
    let run = |code: i32, words: &[&str]| {
        let mut command = vault.emulator.command(&other, words);
        command.env("AZSEED_CA_FILE", &authority).uid(NOBODY).gid(NOBODY);
        let said = said(command.output().unwrap());
        assert_eq!(said.code, code, "{words:?}\n{}\n{}", said.stdout, said.stderr);
        last(&said)
    };
    assert_eq!(run(0, &attach(&password, &[]))["changed"], true);
    assert_eq!(run(0, &["vault", "snapshots", "--json"])["type"], "snapshot");
    assert_eq!(run(0, &["vault", "find", "--json", "sizes"])["found"], 1);
    run(0, &["vault", "check", "--json"]);
    let done = run(0, &["vault", "restore", "--json", "--target", "back", "--ignore", "owner"]);
    assert!(done["written"].as_u64().unwrap() > 10, "{done}");
    let again = run(0, &["vault", "restore", "--json", "--target", "back", "--no-owner"]);
    assert_eq!((&again["written"], &again["bytes"]), (&0.into(), &0.into()), "{again}");
    run(0, &["vault", "detach", "--json", "--yes"]);
}
