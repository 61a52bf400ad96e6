//! The story of a disk on premium storage, round after round every twelve hours, and each of its points
//! made a disk and an image again.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use support::disk::{self, Disk, PAGE};
use support::emulator::Emulator;
use support::key::{container, container_of};
use support::program::Machine;
use support::tree::Dice;

const MIB: usize = 1 << 20;

/// What a machine does to its disk in twelve hours.
async fn live(disk: &mut Disk, dice: &mut Dice) {
    for _ in 0..30 {
        let pages = disk.model.len() / PAGE;
        let at = dice.below(pages as u64 - 16) as usize * PAGE;
        let bytes = (1 + dice.below(16) as usize) * PAGE;
        match dice.below(4) {
            0 => disk.clear(at, bytes).await,
            1 => {
                disk.clear(at, bytes).await;
                disk.write(at, &vec![dice.below(256) as u8; bytes]).await;
            }
            _ => disk.write(at, &vec![dice.below(4) as u8; bytes]).await,
        }
    }
}

#[tokio::test]
async fn every_twelve_hours_a_point_of_a_premium_disk_and_each_comes_back() {
    let machine = Machine::new();
    let emulator = Emulator::start_with(&machine, &["--account", "account2"]);
    let data = emulator.data().to_str().unwrap().to_owned();
    let premium = ["emulator", "account", "account1", "--data", &data, "--sku", "Premium_LRS"];
    machine.expect(0, &premium);
    let source = container(&emulator, "vhds");
    source.create(None).await.unwrap();
    let copies = container_of(&emulator, emulator.key_of("account2"), "backup");
    copies.create(None).await.unwrap();
    let mut disk = Disk::create(&source, "disk.vhd", 8 * MIB).await;
    let mut dice = Dice(3);
    live(&mut disk, &mut dice).await;

    let keys = ["account1", "account2"].map(|account| {
        let path = machine.path(&format!("{account}.key"));
        fs::write(&path, BASE64_STANDARD.encode(&emulator.key_of(account).key)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let told = |code: i32, words: &[&str], kind: &str| -> Vec<Value> {
        let by = ["--source-account-key-file", &keys[0], "--account-key-file", &keys[1], "--json"];
        let said = emulator.expect(&machine, code, &[words, &by].concat());
        let all = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
        all.filter(|own: &Value| own["type"] == kind).collect()
    };
    let mut models = vec![disk.model.clone()];
    let protect = ["disk-backup", "protect", "os", "--source", "page-blob:account1/vhds/disk.vhd"];
    told(
        0,
        &[&protect[..], &["--to", "account2/backup", "--first", "copy"]].concat(),
        "disk-round",
    );
    let run = ["disk-backup", "run", "os", "--now", "--verify", "changed"];
    // One snapshot in ten minutes is the rule of its storage.
    let refused = told(13, &run, "error");
    assert_eq!(refused[0]["code"], "disk-snapshot-rate", "{}", refused[0]);
    for turn in 0..4 {
        live(&mut disk, &mut dice).await;
        match turn {
            1 => disk.resize(10 * MIB).await,
            2 => disk.resize(7 * MIB).await,
            _ => {}
        }
        live(&mut disk, &mut dice).await;
        emulator.forward(&machine, "+12h");
        models.push(disk.model.clone());
        let round = told(0, &run, "disk-round");
        assert!(round[0]["changed_bytes"].as_u64().unwrap() < 2 * MIB as u64, "{}", round[0]);
        assert_eq!(disk::snapshots(&source, "disk.vhd").await.len(), 1, "the older one is deleted");
    }

    let points = told(0, &["disk-backup", "list", "os"], "disk-point");
    assert_eq!(points.len(), models.len());
    for (number, (point, model)) in points.iter().zip(&models).enumerate() {
        let id = point["backup_snapshot"].as_str().unwrap();
        assert!(disk::read(&copies, "os.vhd", Some(id)).await == *model, "{point}");
        let at = point["source_snapshot"].as_str().unwrap();
        let (blob, image) = (format!("r{number}.vhd"), machine.text(&format!("r{number}.img")));
        let restore = ["disk-backup", "restore", "os", "--at", at, "--to"];
        let to = format!("page-blob:account2/backup/{blob}");
        told(0, &[&restore[..], &[&to, "--verify", "full"]].concat(), "disk-restored");
        assert!(disk::read(&copies, &blob, None).await == *model, "{point}");
        told(0, &[&restore[..], &[&format!("image:{image}")]].concat(), "disk-restored");
        assert!(fs::read(&image).unwrap() == *model, "{point}");
        // The new disk goes on from there: only what changes is sent.
        let mut new = Disk { blob: copies.blob_client(&blob), model: model.clone() };
        new.write(MIB, &[0xEE; PAGE]).await;
        let name = format!("os-r{}", number + 1);
        let own = ["disk-backup", "run", &name, "--now", "--source-account-key-file", &keys[1]];
        let by = ["--account-key-file", &keys[1], "--json"];
        let said = emulator.expect(&machine, 0, &[&own[..], &by].concat()).stdout;
        let round: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!(round["changed_bytes"], PAGE as u64, "{round}");
    }
}
