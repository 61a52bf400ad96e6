//! Codes of refusals that no story meets: each by one command, with its exit code, and that nothing
//! was made. Every code of the table is met by some test, here or elsewhere.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

mod emulator;
mod journal;
mod places;
mod process;
mod terminal;
mod vault;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};
use support::emulator::Emulator;
use support::program::{Machine, Said, said};

const TARGET: &str = "--job job-1 --storage-account account1 --container seed --subscription \
                      11111111-2222-4333-8444-555555555555 --resource-group rg";
const GROUP: &str = "--subscription 11111111-2222-4333-8444-555555555555 --resource-group rg";

/// A machine with a seed of each kind, and files that are no good.
fn machine() -> Machine {
    let machine = Machine::new();
    for (name, text) in [
        ("source/file", "x"),
        ("plain/file", "y"),
        ("old/config", "c"),
        ("old/key/k", "k"),
        ("broken.toml", "bad = ["),
        ("unknown.toml", "no-such-key = 1"),
        ("contact.toml", "x = 1"),
        ("empty", ""),
        ("digits", "123"),
        // It keeps the rules, and is a published example.
        ("foreign", "238810-662376-448998-450120-652806-203390-606320-483076"),
        ("torn.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        let path = machine.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let rows = format!(
        "BasePath,DstItemPathOrPrefix,ItemType\n{}/,cont/x/,BlockBlob\n",
        machine.text("plain")
    );
    fs::write(machine.path("rows.csv"), rows).unwrap();
    machine.expect(0, &words(&format!("stage --source source --staging seed {TARGET}")));
    machine.expect(0, &words(&format!("stage adopt --source plain --staging files {TARGET}")));
    machine
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn copy(machine: &Machine, from: &str, to: &str) {
    let mut copy = Command::new("cp");
    copy.arg("-a").args([machine.path(from), machine.path(to)]);
    assert!(copy.status().unwrap().success());
}

/// What a file holds; of a drive's image its length, its blocks and when it was written last.
fn content(path: &Path) -> Option<Vec<u8>> {
    let about = fs::symlink_metadata(path).ok()?;
    if path.extension().is_none_or(|ending| ending != "img") {
        return fs::read(path).ok();
    }
    let facts = [about.size(), about.blocks(), about.mtime() as u64, about.mtime_nsec() as u64];
    Some(facts.iter().flat_map(|fact| fact.to_le_bytes()).collect())
}

/// Every file and folder, with its bytes, but for the state directory's empty folders and locks.
fn everything(machine: &Machine) -> BTreeSet<(PathBuf, Option<Vec<u8>>)> {
    let entries = walkdir::WalkDir::new(machine.path("")).into_iter().flatten();
    let state = machine.path("state");
    let is_kept = |path: &Path| {
        !path.starts_with(&state) || path.extension().is_some_and(|ending| ending == "json")
    };
    entries
        .map(|entry| entry.into_path())
        .filter(|path| is_kept(path))
        .map(|path| (path.clone(), content(&path)))
        .collect()
}

/// That nothing was made, changed or taken away since.
#[track_caller]
fn nothing_changed(machine: &Machine, before: &BTreeSet<(PathBuf, Option<Vec<u8>>)>) {
    let after = everything(machine);
    let changed: Vec<_> = after.symmetric_difference(before).map(|(path, _)| path).collect();
    assert!(changed.is_empty(), "{changed:?}");
}

fn is_refused(said: &Said, exit: i32, code: &str, what: &str) {
    assert!(said.stderr.contains(&format!("code: {code} ")), "{what}\n{}", said.stderr);
    assert_eq!(said.code, exit, "{what}\n{}", said.stderr);
}

#[test]
fn each_refusal_has_its_code_and_makes_nothing() {
    let machine = machine();
    let seeds = [
        ("newer", "\"version\": 1", "\"version\": 9"),
        ("unfinished", "\"finished\"", "\"unfinished\""),
        ("cleared", "\"finished\"", "\"cleared\""),
    ];
    for (name, from, to) in seeds {
        let seed = fs::read_to_string(machine.path("seed/seed.json")).unwrap();
        fs::create_dir(machine.path(name)).unwrap();
        fs::write(machine.path(name).join("seed.json"), seed.replace(from, to)).unwrap();
    }
    // One that a power cut hit badly.
    copy(&machine, "seed", "torn");
    fs::copy(machine.path("unfinished/seed.json"), machine.path("torn/seed.json")).unwrap();
    fs::remove_file(machine.path("torn/repo/config")).unwrap();
    let rows = [
        (2, "ca-file", format!("job list {GROUP} --ca-file none.pem")),
        (2, "ca-file", format!("job list {GROUP} --ca-file empty")),
        (2, "ca-file", format!("job list {GROUP} --ca-file torn.pem")),
        (12, "not-signed-in", format!("job list {GROUP}")),
        (
            2,
            "contact-invalid",
            format!("stage adopt --source plain --staging new {TARGET} --contact contact.toml"),
        ),
        (
            2,
            "contact-unreadable",
            format!("stage adopt --source plain --staging new {TARGET} --contact none.toml"),
        ),
        (
            2,
            "csv-unreadable",
            format!(
                "plan --dataset none.csv --job j1 --storage-account account1 {GROUP} --drive-size 300M"
            ),
        ),
        (
            2,
            "flag-without-staging",
            format!(
                "plan --dataset rows.csv --job j1 --storage-account account1 {GROUP} --drive-size 300M --shared-staging"
            ),
        ),
        (2, "word-of-another-tool", "prep s:files p:azure.publishsettings".to_owned()),
        (14, "emulator-not-running", "emulator clock +1d --data none".to_owned()),
        (1, "emulator-listen", "emulator --listen 203.0.113.7:1 --data plain/none".to_owned()),
        (1, "emulator-folder", "emulator --data /proc/none".to_owned()),
        (1, "man-pages", "man /proc/none".to_owned()),
        (1, "rehearsal-folder", "rehearse --source source --dir /proc/none".to_owned()),
        (10, "no-drives-known", "job keys --reveal --staging files".to_owned()),
        (10, "drive-unknown", "drive release S77".to_owned()),
        (4, "repository-old-layout", format!("stage adopt --source old --staging new {TARGET}")),
        (
            2,
            "password-empty",
            format!("stage --source source --staging new {TARGET} --password-file empty"),
        ),
        (
            2,
            "password-missing",
            format!("stage --source source --staging seed {TARGET} --state other"),
        ),
        (5, "repository-damaged", format!("stage --source source --staging torn {TARGET}")),
        (2, "invalid-name", "vault create --vault a--b --staging seed".to_owned()),
        (2, "vault-plain-files", "vault create --vault office --staging files".to_owned()),
        (
            2,
            "vault-container-shared",
            "vault create --vault office --staging seed --vault-container seed".to_owned(),
        ),
        (10, "vault-missing", "vault status --vault none".to_owned()),
        (1, "seed-newer", "stage status --staging newer".to_owned()),
        (6, "staging-unfinished", "plan --staging unfinished --drive-size 300M".to_owned()),
        (10, "staging-cleared", "plan --staging cleared --drive-size 300M".to_owned()),
    ];
    let before = everything(&machine);
    for (exit, code, command) in &rows {
        is_refused(&machine.run(&words(command)), *exit, code, command);
        let now = everything(&machine);
        let new: Vec<_> = now.symmetric_difference(&before).collect();
        assert!(new.is_empty(), "{command}: {new:?}");
    }
}

#[test]
fn what_is_set_and_cannot_be_is_told_before_anything_is_done() {
    let machine = machine();
    let before = everything(&machine);
    let create = "vault create --vault office --staging seed --blob-endpoint https://127.0.0.1:1/b";
    for (exit, code, variable, value, command) in [
        (2, "config-invalid", "AZSEED_CONFIG", "broken.toml", "config show"),
        (2, "config-unknown-key", "AZSEED_CONFIG", "unknown.toml", "config show"),
        (2, "account-key-malformed", "AZSEED_ACCOUNT_KEY", "###", create),
    ] {
        let command = words(command);
        let told = said(machine.command(&command).env(variable, value).output().unwrap());
        is_refused(&told, exit, code, variable);
        assert!(!told.stderr.contains("###"), "{}", told.stderr);
    }
    nothing_changed(&machine, &before);
    // Nobody says where the state directory is.
    let own = machine.command(&["job", "list"]);
    let mut command = Command::new(own.get_program());
    let told =
        said(command.env_clear().args(["job", "list"]).uid(65534).gid(65534).output().unwrap());
    is_refused(&told, 2, "state-no-home", "no HOME");
    assert!(told.stderr.contains("`--state`"), "{}", told.stderr);
}

#[test]
fn a_source_whose_name_is_no_text_is_refused_before_anything_is_made() {
    let machine = machine();
    let name = std::ffi::OsStr::from_bytes(b"odd-\xff");
    fs::create_dir(machine.path("").join(name)).unwrap();
    fs::write(machine.path("").join(name).join("file"), "x").unwrap();
    let before = everything(&machine);
    let mut command = machine.command(&words(&format!("stage --staging new {TARGET} --source")));
    is_refused(&said(command.arg(name).output().unwrap()), 2, "source-name", "stage");
    nothing_changed(&machine, &before);
    for call in [
        format!("stage --source source {TARGET} --staging"),
        format!("stage adopt --source plain {TARGET} --staging"),
        "rehearse --source source --dir".to_owned(),
    ] {
        let mut command = machine.command(&words(&call));
        let new = machine.path("").join(name).join("new");
        is_refused(&said(command.arg(new).output().unwrap()), 2, "path-not-text", &call);
        nothing_changed(&machine, &before);
    }
}

#[test]
fn a_staging_path_that_another_run_works_on_is_left_to_it() {
    let machine = machine();
    let path = machine.path("seed/seed.json");
    let seed = fs::read_to_string(&path).unwrap().replace("\"finished\"", "\"unfinished\"");
    fs::write(&path, seed).unwrap();
    // A run of this machine that stages right now.
    let host = rustix::system::uname().nodename().to_str().unwrap().to_owned();
    let claim = machine.path(&format!("seed/.stage-{host}.claim"));
    fs::write(&claim, "").unwrap();
    let lock = fs::File::open(&claim).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    let before = everything(&machine);
    let stage = format!("stage --source source --staging seed {TARGET}");
    is_refused(&machine.run(&words(&stage)), 11, "staging-busy", &stage);
    nothing_changed(&machine, &before);
    drop(lock);
    machine.expect(0, &words(&stage));
}

#[test]
fn a_password_that_nobody_knows_and_one_that_is_none_open_nothing() {
    let machine = machine();
    let prep = format!(
        "prep --dataset rows.csv --job job-9 --storage-account account1 {GROUP} --offline --drive \
         image:d.img,serial=D1,size=210M"
    );
    machine.expect(0, &words(&prep));
    let look = |file: &str| {
        let command = format!("inspect image:d.img,serial=D1 --recovery-password-file {file}");
        machine.run(&words(&command))
    };
    is_refused(&look("none"), 2, "recovery-password-file", "none");
    is_refused(&look("digits"), 2, "recovery-password-malformed", "digits");
    let verify = "verify image:d.img,serial=D1 --state other --recovery-password-file foreign";
    is_refused(&machine.run(&words(verify)), 12, "volume-wrong-password", verify);
    // A drive that is only begun, by its journal.
    let journal = machine.path("state/jobs/job-9/journals/D1.journal");
    let sealed = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, format!("{}\n", sealed.lines().next().unwrap())).unwrap();
    let verify = words("verify image:d.img,serial=D1 --staging state/jobs/job-9");
    is_refused(&machine.run(&verify), 4, "drive-not-sealed", "begun");
    fs::write(&journal, sealed).unwrap();
    // Another drive under its serial is no drive of the job, and is left as it is.
    fs::remove_file(machine.path("d.img")).unwrap();
    fs::File::create(machine.path("d.img")).unwrap().set_len(220 << 20).unwrap();
    let before = everything(&machine);
    is_refused(&machine.run(&words(&prep.replace(",size=210M", ""))), 4, "wrong-drive", "prep");
    nothing_changed(&machine, &before);
    // An image that has no partition table any more, under the name of a drive that is sealed.
    fs::remove_file(machine.path("d.img")).unwrap();
    fs::File::create(machine.path("d.img")).unwrap().set_len(210 << 20).unwrap();
    is_refused(&machine.run(&verify), 5, "partition-table-unreadable", "verify");
    fs::remove_dir_all(machine.path("state/passwords")).unwrap();
    let create = machine.run(&words("vault create --vault office --staging seed"));
    is_refused(&create, 2, "vault-password", "vault create");
}

#[test]
fn an_emulators_folder_is_one_emulators_and_a_damaged_one_nobodys() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let again = machine.run(&["emulator", "--data", emulator.data().to_str().unwrap()]);
    is_refused(&again, 11, "emulator-running", "a second one");
    let account = emulator.data().join("meta/account.json");
    drop(emulator);
    fs::write(&account, "{").unwrap();
    let again = machine.run(&["emulator", "--data", machine.path("azure").to_str().unwrap()]);
    is_refused(&again, 1, "emulator-damaged", "half a record");
    assert_eq!(fs::read_to_string(&account).unwrap(), "{");
}
