//! The journey with Azurite, Microsoft's own emulator, in the place of the blob service: the dock
//! writes to it, the vault lies in it, and the official client looks at what is there.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use azure_storage_blobs::BlobContainerClient;
use futures::TryStreamExt;
use md5::{Digest, Md5};
use support::azurite::Azurite;
use support::key::container;
use support::program::Machine;
use support::seed::{is_equal, run, shipped};

/// Length and MD5, if the service has it, of all blobs below `repo/`.
async fn blobs(container: BlobContainerClient) -> BTreeMap<String, (u64, Option<Vec<u8>>)> {
    let items: Vec<_> = container.list_blobs(None).unwrap().try_collect().await.unwrap();
    let facts = items.into_iter().filter_map(|item| {
        let own = item.properties?;
        let path = item.name?.strip_prefix("repo/")?.to_owned();
        Some((path, (own.content_length?, own.content_md5)))
    });
    facts.collect()
}

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().is_file()).map(|entry| {
        let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        (path, fs::read(entry.path()).unwrap())
    });
    files.collect()
}

#[tokio::test]
async fn what_every_blob_service_does_this_one_does_too() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    support::suite::all(&container(&azurite.emulator(&machine), "suite")).await;
}

#[tokio::test]
async fn a_seed_goes_through_azurite_into_its_vault_and_comes_back_equal() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    assert_eq!(emulator.fact("blob"), azurite.endpoint);
    shipped(&machine, &emulator);
    let staged = files(&machine.path("staging/repo"));
    let docked = emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(docked[0]["status"], "Completed", "{docked:?}");
    assert!(!emulator.data().join("blobs").exists(), "the emulator keeps no blob itself");

    let imported = blobs(container(&emulator, "seed")).await;
    let lengths =
        |(path, content): (&String, &Vec<u8>)| (path.clone(), (content.len() as u64, None));
    assert_eq!(imported, staged.iter().map(lengths).collect(), "no MD5, since none was given");

    let first = run(&machine, &emulator, 0, &[]);
    assert_eq!(first["state"], "protected");
    // Azurite answers Put Blob From URL with 501.
    let counts = ["copied", "streamed", "repaired"].map(|name| first["ingested"][name].as_u64());
    assert_eq!(counts, [Some(0), Some(staged.len() as u64), Some(0)], "{first}");
    let vault = blobs(container(&emulator, "azseed-office")).await;
    for (path, content) in &staged {
        let md5 = Md5::digest(content).to_vec();
        assert_eq!(vault[path], (content.len() as u64, Some(md5)), "{path}");
    }

    fs::write(machine.path("source/folder/file-2"), "changed").unwrap();
    let increment = run(&machine, &emulator, 0, &["--now"]);
    assert_ne!(increment["increment"]["tree"], first["increment"]["tree"]);
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    assert!(blobs(container(&emulator, "seed")).await.is_empty());
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

#[test]
fn a_blob_service_that_knows_another_key_is_told_and_the_drive_can_be_docked_again() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    shipped(&machine, &emulator);
    drop(emulator);
    fs::write(machine.path("wrong.key"), "d3Jvbmcga2V5").unwrap();
    let more =
        ["--blob-endpoint", &azurite.endpoint, "--account-key-file", &machine.text("wrong.key")];
    let emulator = support::emulator::Emulator::start_with(&machine, &more);
    let data = emulator.data().to_str().unwrap();
    let dock = ["emulator", "dock", "--data", data, "s1.img,serial=S1"];
    let said = machine.run(&dock);
    assert_ne!(said.code, 0, "{}", said.stdout);
    assert!(said.stderr.contains("blob service"), "{}", said.stderr);
    drop(emulator);
    let emulator = azurite.emulator(&machine);
    let docked = emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(docked[0]["status"], "Completed", "{docked:?}");
}

#[test]
fn a_blob_endpoint_in_the_clear_is_on_this_machine_only() {
    let machine = Machine::new();
    let words = ["emulator", "--data", "azure", "--blob-endpoint", "http://example.com/"];
    let said = machine.expect(2, &words);
    assert!(said.stderr.contains("emulator-blob-endpoint"), "{}", said.stderr);
}
