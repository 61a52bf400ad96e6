//! The address of every real user, `https://ACCOUNT.blob.SUFFIX/`: the program, restic and rclone,
//! told of no endpoint at all, on a machine where the names of a cloud lead to the emulator.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::clients::rclone;
use support::emulator::Emulator;
use support::program::{Machine, said};
use support::seed::{is_equal, run, shipped};

const BLOBS: [&str; 2] = ["account1.blob.core.windows.net", "account2.blob.core.windows.net"];

fn public() -> Machine {
    Machine::with_names(&["management.azure.com", "login.microsoftonline.com"], &BLOBS)
}

#[track_caller]
fn succeed(command: &mut Command) -> String {
    let said = said(command.output().unwrap());
    assert_eq!(said.code, 0, "{command:?}\n{}\n{}", said.stdout, said.stderr);
    said.stdout
}

#[test]
fn a_whole_journey_runs_over_the_names_of_the_public_cloud() {
    let machine = public();
    let emulator = Emulator::start_named(&machine, "AzureCloud");
    assert_eq!(emulator.fact("blob"), format!("https://{}", BLOBS[0]));
    shipped(&machine, &emulator);
    let docked = emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(docked[0]["status"], "Completed", "{docked:?}");
    let said = emulator.expect(&machine, 0, &["job", "show", "--json"]).stdout;
    assert!(said.contains(&format!("https://{}/", BLOBS[0])), "where the log is: {said}");
    emulator.expect(&machine, 0, &["job", "repair"]);

    // By token, by the account's key, and by a signature of its own: each way opens the vault.
    let first = run(&machine, &emulator, 0, &[]);
    assert_eq!(first["state"], "protected");
    assert_eq!(first["ingested"]["streamed"], 0, "the service made the copies: {first}");
    fs::write(machine.path("source/folder/file-2"), "changed").unwrap();
    let mut keyed = emulator.command(&machine, &["vault", "run", "--now", "--json"]);
    succeed(keyed.env("AZSEED_ACCOUNT_KEY", emulator.fact("account_key")));
    let sas = emulator.account_sas();
    let mut signed = emulator.command(&machine, &["vault", "snapshots", "--json"]);
    let listed = succeed(signed.env_remove("AZSEED_TOKEN").env("AZSEED_SAS", sas));
    assert_eq!(listed.lines().count(), 3, "{listed}");
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));

    // What is said about the endpoint goes over the cloud.
    let mut elsewhere = emulator.command(&machine, &["vault", "snapshots", "--json"]);
    let said = said_of(elsewhere.env("AZSEED_BLOB_ENDPOINT", "https://127.0.0.3:444"));
    assert_eq!((said.0, said.1["code"].as_str()), (14, Some("azure-unreachable")), "{said:?}");
}

fn said_of(command: &mut Command) -> (i32, Value) {
    let said = said(command.output().unwrap());
    let last = said.stdout.lines().last().unwrap_or_else(|| panic!("{}", said.stderr));
    (said.code, serde_json::from_str(last).unwrap())
}

#[test]
fn an_emulator_that_is_started_again_on_its_folder_is_where_it_was() {
    let machine = Machine::new();
    let facts = |emulator: &Emulator| ["arm", "blob"].map(|name| emulator.fact(name).to_owned());
    let mut first = Emulator::start(&machine);
    let before = facts(&first);
    first.kill();
    assert_eq!(facts(&Emulator::start(&machine)), before);
}

#[test]
fn a_cloud_that_a_file_tells_of_is_found_and_no_other() {
    let machine = Machine::with_names(
        &["arm.cloud.test", "login.cloud.test"],
        &["account1.blob.core.cloud.test"],
    );
    let file = machine.text("cloud.toml");
    let text = "arm-endpoint = \"https://arm.cloud.test\"\nauthority = \"https://login.cloud.test\"\n\
                blob-suffix = \"core.cloud.test\"\n";
    fs::write(&file, text).unwrap();
    let emulator = Emulator::start_named(&machine, &file);
    // Signed in at the cloud's own authority.
    let mut listed = emulator.command(&machine, &["subscriptions", "list", "--json"]);
    listed.env_remove("AZSEED_TOKEN").env("AZURE_TENANT_ID", "tenant");
    listed.env("AZURE_CLIENT_ID", "client").env("AZURE_CLIENT_SECRET", "secret");
    assert!(succeed(&mut listed).contains(emulator.fact("subscription")));
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "protected");

    let mut public = emulator.command(&machine, &["job", "list", "--json"]);
    let (code, error) = said_of(public.env("AZSEED_CLOUD", "AzureUSGovernment"));
    assert_eq!((code, error["code"].as_str()), (14, Some("azure-unreachable")), "{error}");
    fs::write(&file, text.replace("authority", "autority")).unwrap();
    let (code, error) = said_of(&mut emulator.command(&machine, &["job", "list", "--json"]));
    assert_eq!((code, error["code"].as_str()), (2, Some("cloud-file")), "{error}");
}

/// Files, one of them larger than what is sent in one piece.
fn files(machine: &Machine) {
    fs::create_dir_all(machine.path("files/folder")).unwrap();
    fs::write(machine.path("files/folder/small file"), "content").unwrap();
    let large: Vec<u8> = (0..9_000_000u32).map(|at| (at % 251) as u8).collect();
    fs::write(machine.path("files/large"), large).unwrap();
}

#[test]
fn restic_keeps_a_repository_over_its_own_azure_back_end() {
    let machine = public();
    let emulator = Emulator::start_named(&machine, "AzureCloud");
    files(&machine);
    let restic = |words: &[&str]| {
        let mut command = machine.other(Path::new("/usr/bin/restic"));
        command.args(["-r", "azure:restic:/repo", "--no-cache", "--quiet"]).args(words);
        command.env("AZURE_ACCOUNT_NAME", "account1").env("RESTIC_PASSWORD", "only in a test");
        command.env("AZURE_ACCOUNT_KEY", emulator.fact("account_key"));
        succeed(command.env("SSL_CERT_FILE", emulator.fact("ca_file")))
    };
    restic(&["init"]);
    restic(&["backup", "files"]);
    restic(&["check", "--read-data"]);
    restic(&["restore", "latest", "--target", "back"]);
    assert!(emulator.blob("restic", "repo/config").exists());
    let back = fs::read(machine.path("back").join("files/large"));
    assert_eq!(back.unwrap(), fs::read(machine.path("files/large")).unwrap());
    restic(&["forget", "--prune", "--keep-last", "1"]);
}

#[test]
fn rclone_writes_and_reads_over_its_own_azure_back_end_by_key_and_by_signature() {
    let machine = public();
    let emulator = Emulator::start_named(&machine, "AzureCloud");
    files(&machine);
    let program = rclone();
    let call = |words: &[&str], by: (&str, &str)| {
        let mut command = machine.other(&program);
        command.args(["--config", "", "--azureblob-chunk-size", "4M"]).args(words);
        command.env("RCLONE_AZUREBLOB_ACCOUNT", "account1").env(by.0, by.1);
        succeed(command.env("SSL_CERT_FILE", emulator.fact("ca_file")))
    };
    let sas = format!("https://{}/?{}", BLOBS[0], emulator.account_sas());
    let (key, sas) = (
        ("RCLONE_AZUREBLOB_KEY", emulator.fact("account_key")),
        ("RCLONE_AZUREBLOB_SAS_URL", &*sas),
    );
    for (by, place) in [(key, ":azureblob:box/key"), (sas, ":azureblob:box/sas")] {
        call(&["copy", "files", place], by);
        call(&["check", "--download", "files", place], by);
        let listed = call(&["lsf", "-R", place], by);
        let mut listed: Vec<&str> = listed.lines().collect();
        listed.sort_unstable();
        assert_eq!(listed, ["folder/", "folder/small file", "large"]);
        call(&["copy", &format!("{place}/large"), &format!("{place}/again")], by);
    }
    let again = fs::read(emulator.blob("box", "key/again/large")).unwrap();
    assert_eq!(again, fs::read(machine.path("files/large")).unwrap());
    call(&["purge", ":azureblob:box"], key);
    assert!(!emulator.blob("box", "key/large").exists());
}
