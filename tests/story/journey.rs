//! The whole way of a seed, step by step, with the program alone: from a folder onto drives,
//! through the emulated datacenter, to blobs.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use support::emulator::Emulator;
use support::program::Machine;
use support::tree::{self, Dice};

const SHIP: [&str; 5] = ["job", "ship", "--carrier", "FedEx", "--tracking-number"];

/// Five files of 3 MiB on one sealed drive S1, with its job.
fn prepared(machine: &Machine, emulator: &Emulator, service: &str) -> String {
    for number in 0..5u64 {
        let mut dice = Dice(number);
        let content = dice.bytes(3 << 20);
        tree::write(&machine.path("source"), &format!("file-{number}"), &content, &mut dice);
    }
    let staging = machine.adopt_for(&machine.path("source"), "seed-1", service);
    let drive = "s1.img,serial=S1,size=210M";
    machine.expect(0, &["prep", "--staging", &staging, "--offline", "--drive", drive]);
    let create = ["job", "create", "--staging", &staging, "--location", "westus", "--json"];
    emulator.expect(machine, 0, &create);
    staging
}

/// The same, on its way.
fn shipped(machine: &Machine, emulator: &Emulator) -> String {
    shipped_by(machine, emulator, "data-box")
}

fn shipped_by(machine: &Machine, emulator: &Emulator, service: &str) -> String {
    let staging = prepared(machine, emulator, service);
    let ship: Vec<&str> = SHIP.iter().copied().chain(["1Z1", "--staging", &staging]).collect();
    emulator.expect(machine, 0, &ship);
    staging
}

fn state(machine: &Machine, emulator: &Emulator, staging: &str) -> serde_json::Value {
    let said = emulator.expect(machine, 0, &["job", "show", "--staging", staging, "--json"]);
    serde_json::from_str(said.stdout.lines().next().unwrap()).unwrap()
}

#[test]
fn files_become_blobs_and_the_job_is_completed() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = shipped(&machine, &emulator);
    assert_eq!(state(&machine, &emulator, &staging)["stage"], "shipped");
    let said = emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(said[0]["status"], "Completed", "{said:?}");
    let job = state(&machine, &emulator, &staging);
    assert_eq!((&job["stage"], &job["percent"]), (&"completed".into(), &100.into()), "{job}");
    for number in 0..5 {
        let name = format!("file-{number}");
        let blob = std::fs::read(emulator.blob("seed", &name)).unwrap();
        assert_eq!(blob, std::fs::read(machine.path("source").join(&name)).unwrap());
    }
}

#[test]
fn what_this_machine_remembers_need_not_be_said_again() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    for words in [&["job", "status"][..], &["job", "status", "--job", "seed-1"], &["job", "list"]] {
        let said = emulator.expect(&machine, 0, words);
        assert!(said.stdout.contains("ShippedToAzureDC"), "{}", said.stdout);
    }
    let said = machine.expect(0, &["verify", "s1.img,serial=S1"]);
    assert!(said.stdout.contains("journal and manifest"), "{}", said.stdout);
    let said = machine.expect(0, &["inspect", "s1.img,serial=S1"]);
    assert!(said.stdout.contains("file-1"), "{}", said.stdout);
    machine.expect(2, &["job", "status", "--job", "unknown"]);
}

#[test]
fn a_program_signs_in_by_its_secret_or_its_token_file() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let file = machine.text("federated");
    std::fs::write(&file, "a token of the cluster").unwrap();
    let asked = |more: &[(&str, &str)]| {
        let mut command = emulator.command(&machine, &["job", "status", "--json"]);
        command.env_remove("AZSEED_TOKEN").envs(more.iter().copied());
        command.env("AZURE_TENANT_ID", "tenant").env("AZURE_CLIENT_ID", "client");
        let said = command.output().unwrap();
        (said.status.code().unwrap(), String::from_utf8_lossy(&said.stdout).into_owned())
    };
    assert_eq!(asked(&[("AZURE_CLIENT_SECRET", "secret")]).0, 0);
    assert_eq!(asked(&[("AZURE_FEDERATED_TOKEN_FILE", file.as_str())]).0, 0);
    let (code, text) = asked(&[("AZURE_CLIENT_SECRET", "x"), ("AZSEED_TOKEN", "zz-not-a-token")]);
    assert_eq!(code, 12, "{text}");
    assert!(!text.contains("zz-not"), "a token is never shown: {text}");
}

#[test]
fn a_flipped_bit_costs_its_block_and_no_other_file() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = shipped_by(&machine, &emulator, "import-export");
    let image = machine.path("s1.img");
    let mut bytes = std::fs::read(&image).unwrap();
    // The volume begins at 129 MiB with three of metadata; the files lie one behind the other.
    let at = 140 << 20;
    assert_ne!(bytes[at..at + 4096], [0; 4096]);
    bytes[at] ^= 0x10;
    std::fs::write(&image, bytes).unwrap();
    let said = emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(said[0]["status"], "CompletedWithErrors", "{said:?}");
    let job = state(&machine, &emulator, &staging);
    assert_eq!(job["drives"][0]["state"], "CompletedMoreInfo", "{job}");
    assert_eq!(job["state"], "Closed");
    let log = said[0]["error_log"].as_str().unwrap();
    let name = log.split("waimportexport/").nth(1).unwrap();
    let log = std::fs::read_to_string(emulator.blob("waimportexport", name)).unwrap();
    assert_eq!(log.matches("<Block ").count(), 1, "{log}");
    assert!(log.contains("Status=\"Corrupted\""), "{log}");
    let left = (0..5).filter(|number| emulator.blob("seed", &format!("file-{number}")).exists());
    assert_eq!(left.count(), 4);
}

#[test]
fn a_job_that_is_not_shipped_is_deleted_after_two_weeks() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = prepared(&machine, &emulator, "data-box");
    emulator.forward(&machine, "+13d");
    assert_eq!(state(&machine, &emulator, &staging)["stage"], "waiting");
    emulator.forward(&machine, "+1d");
    emulator.expect(&machine, 10, &["job", "status", "--staging", &staging]);
}

#[test]
fn a_parcel_that_never_comes_is_told_after_two_weeks() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = shipped(&machine, &emulator);
    emulator.forward(&machine, "+14d");
    let job = state(&machine, &emulator, &staging);
    assert_eq!(job["drives"][0]["stage"], "missing", "{job}");
    let said = emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(said[0]["status"], "Completed", "operators found it after all: {said:?}");
}

#[test]
fn an_emulator_that_was_killed_knows_its_jobs_and_blobs_again() {
    let machine = Machine::new();
    let mut emulator = Emulator::start(&machine);
    let staging = shipped(&machine, &emulator);
    emulator.kill();
    let said = emulator.run(&machine, &["job", "status", "--staging", &staging]);
    assert_eq!(said.code, 14, "{}", said.stderr);
    let emulator = Emulator::start(&machine);
    assert_eq!(state(&machine, &emulator, &staging)["stage"], "shipped");
    assert_eq!(emulator.dock(&machine, &["s1.img,serial=S1"])[0]["status"], "Completed");
}
