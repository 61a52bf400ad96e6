//! The staging folders of Microsoft's backup agents: shipped whole as page blobs, or refused before
//! anything is made.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use azure_storage_blobs::models::{BlobClientGetPropertiesResultHeaders, BlobType};
use serde_json::Value;
use support::emulator::Emulator;
use support::key::container;
use support::program::{Machine, Said};

const TARGET: &str = "--job seed-1 --storage-account account1 --container seed --resource-group rg \
                      --subscription 11111111-2222-4333-8444-555555555555 --location westus";

/// A machine with the folder that an agent has left.
fn machine() -> Machine {
    let machine = Machine::new();
    for (name, bytes) in [
        ("WIN-1/0001.AIBBlob", 3 << 20),
        ("WIN-1/deep/0002.BaseBlob", 512),
        ("WIN-1/list.xml", 1024),
        ("empty.dat", 0),
    ] {
        let path = machine.path("agent").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![7; bytes]).unwrap();
    }
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    machine
}

fn adopt(machine: &Machine, code: i32, more: &str) -> Said {
    let words = format!(
        "stage adopt --source agent --staging staging {TARGET} --contact contact.toml {more}"
    );
    machine.expect(code, &words.split_whitespace().collect::<Vec<_>>())
}

fn refused(machine: &Machine, code: i32, name: &str, more: &str) {
    let said = adopt(machine, code, more);
    assert!(said.stderr.contains(&format!("code: {name}")), "{name}: {}", said.stderr);
    assert!(!machine.path("staging").exists(), "nothing was made");
}

#[test]
fn all_of_the_folder_arrives_as_page_blobs_with_its_tree() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    let said = adopt(&machine, 0, "--workload mars");
    for part in
        ["of a backup agent", "wizard of the Recovery Services agent", "Not known", "Not needed"]
    {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    let status = machine.expect(0, &["stage", "status", "--staging", "staging", "--json"]).stdout;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["workload"], &status["files"]), (&"mars".into(), &4.into()));
    // The same again is done; as another's folder it is another seed.
    adopt(&machine, 0, "--workload mars");
    adopt(&machine, 0, "");
    let said = adopt(&machine, 4, "--workload dpm");
    assert!(said.stderr.contains("code: staging-other-seed"), "{}", said.stderr);

    let prep =
        ["prep", "--staging", "staging", "--drive", "s1.img,serial=S1,size=210M", "--verify"];
    emulator.expect(&machine, 0, &prep);
    let ship =
        ["job", "ship", "--staging", "staging", "--carrier", "FedEx", "--tracking-number", "1Z1"];
    emulator.expect(&machine, 0, &ship);
    let said = emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(said[0]["status"], "Completed", "{said:?}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for name in ["WIN-1/0001.AIBBlob", "WIN-1/deep/0002.BaseBlob", "WIN-1/list.xml", "empty.dat"] {
        let blob = fs::read(emulator.blob("seed", name)).unwrap();
        assert!(blob == fs::read(machine.path("agent").join(name)).unwrap(), "{name}");
        let client = container(&emulator, "seed").blob_client(name);
        let told = runtime.block_on(client.get_properties(None)).unwrap();
        assert_eq!(told.blob_type().unwrap(), Some(BlobType::PageBlob), "{name}");
    }
    emulator.expect(&machine, 0, &["job", "reconcile", "--staging", "staging"]);
}

#[test]
fn half_a_page_a_system_state_and_a_folder_of_no_agent_are_refused() {
    let machine = machine();
    refused(&machine, 13, "workload-unsupported", "--workload system-state");
    fs::write(machine.path("agent/odd"), [1; 513]).unwrap();
    fs::write(machine.path("agent/odder"), [1; 100]).unwrap();
    let said = adopt(&machine, 2, "");
    assert!(said.stderr.contains("odd: it has 513 bytes"), "{}", said.stderr);
    assert!(said.stderr.contains("odder: it has 100 bytes"), "{}", said.stderr);
    assert!(!machine.path("staging").exists());
    fs::remove_dir_all(machine.path("agent/WIN-1")).unwrap();
    refused(&machine, 2, "workload-no-blobs", "--workload mabs");
    // Without the ending it is a folder like any other.
    adopt(&machine, 0, "");
    let status = machine.expect(0, &["stage", "status", "--staging", "staging", "--json"]).stdout;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["workload"], Value::Null);
}

#[test]
fn a_file_that_grows_by_half_a_page_after_the_adoption_is_refused_before_a_drive_is_touched() {
    let machine = machine();
    adopt(&machine, 0, "");
    fs::write(machine.path("agent/WIN-1/0001.AIBBlob"), vec![7; 1000]).unwrap();
    let prep =
        ["prep", "--staging", "staging", "--offline", "--drive", "s1.img,serial=S1,size=210M"];
    let said = machine.expect(2, &prep);
    assert!(said.stderr.contains("a multiple of 512"), "{}", said.stderr);
    assert!(!machine.path("s1.img").exists());
}
