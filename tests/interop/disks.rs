//! A disk's backup where the service is Azurite, which answers a difference with all pages and whose
//! copies share pages with their source: the product finds out by itself and compares instead.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::process::Command;

use serde_json::Value;
use support::azurite::Azurite;
use support::disk::{self, Disk, PAGE};
use support::emulator::Emulator;
use support::key::container;
use support::program::Machine;

#[tokio::test]
async fn a_disk_is_backed_up_on_azurite_by_comparing_and_every_point_is_the_disk_as_it_was() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    let client = container(&emulator, "disks");
    client.create(None).await.unwrap();
    let mut disk = Disk::create(&client, "os.vhd", 8 << 20).await;
    disk.write(0, &vec![1; 5 << 20]).await;
    let told = |words: &[&str], kind: &str| -> Vec<Value> {
        let said = emulator.expect(&machine, 0, &[words, &["--json"]].concat());
        let all = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|own| own["type"] == kind).collect()
    };
    let (source, to) = ("page-blob:account1/disks/os.vhd", "account1/disks/backup.vhd");
    let protect = ["disk-backup", "protect", "os", "--source", source, "--to", to];
    // What it has not is refused before anything is made.
    for more in [["--transfer", "server"], ["--engine", "incremental-copy"]] {
        let said = emulator.expect(&machine, 13, &[&protect[..], &more, &["--json"]].concat());
        assert!(said.stdout.contains("disk-service-without"), "{}", said.stdout);
        assert!(disk::snapshots(&client, "os.vhd").await.is_empty());
        assert!(!machine.state().join("disk-backups").exists());
    }
    let first = told(&protect, "disk-round");
    assert_eq!(first[0]["changed_bytes"], 5 << 20, "it goes through this machine");
    let mut models = vec![disk.model.clone()];
    disk.write(2 << 20, &[2; PAGE]).await;
    disk.write(3 << 20, &[1; PAGE]).await;
    disk.clear(4096, 4096).await;
    models.push(disk.model.clone());
    let round = told(&["disk-backup", "run", "os", "--now", "--verify", "full"], "disk-round");
    assert_eq!(round[0]["changed_bytes"], PAGE as u64, "what was written back did not change");
    assert_eq!(round[0]["cleared_bytes"], 4096);
    let points = told(&["disk-backup", "list", "os"], "disk-point");
    assert_eq!(points.len(), 2);
    for (point, model) in points.iter().zip(&models) {
        let id = point["backup_snapshot"].as_str().unwrap();
        assert!(disk::read(&client, "backup.vhd", Some(id)).await == *model, "{point}");
    }
}

/// Its own copies share pages with their source, so whole copies go through this machine.
#[tokio::test]
async fn whole_copies_of_a_disk_on_azurite_are_what_the_disk_was() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    let client = container(&emulator, "disks");
    client.create(None).await.unwrap();
    let mut disk = Disk::create(&client, "os.vhd", 4 << 20).await;
    let (source, to) = ("page-blob:account1/disks/os.vhd", "account1/disks/backup.vhd");
    let protect = ["disk-backup", "protect", "os", "--source", source, "--to", to];
    let mut models = Vec::new();
    for byte in 1..4 {
        disk.write(usize::from(byte) << 20, &[byte; 3 * PAGE]).await;
        disk.clear((usize::from(byte) << 20) + PAGE, PAGE).await;
        models.push(disk.model.clone());
        match byte {
            1 => emulator.expect(&machine, 0, &[&protect[..], &["--engine", "full-copy"]].concat()),
            _ => emulator.expect(&machine, 0, &["disk-backup", "run", "os", "--now"]),
        };
    }
    let said = emulator.expect(&machine, 0, &["disk-backup", "list", "os", "--json"]);
    let points = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let points: Vec<Value> = points.filter(|own| own["type"] == "disk-point").collect();
    assert_eq!(points.len(), 3);
    for (point, model) in points.iter().zip(&models) {
        let copy = point["copy"].as_str().unwrap();
        assert!(disk::read(&client, copy, None).await == *model, "{point}");
    }
    assert!(disk::read(&client, "os.vhd", None).await == disk.model);
}

fn qemu(words: &[&str]) -> String {
    let said = Command::new("qemu-img").args(words).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&said.stderr));
    text
}

/// A fixed VHD that qemu-img has made goes up, is backed up, and comes back as one that it opens.
#[tokio::test]
async fn a_restored_image_is_to_qemu_img_what_the_disk_was() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine).by_key();
    let client = container(&emulator, "disks");
    client.create(None).await.unwrap();
    let (raw, vhd) = (machine.text("disk.raw"), machine.text("disk.vhd"));
    let mut content = vec![0_u8; 16 << 20];
    content[512..1024].fill(1);
    content[9 << 20..12 << 20].fill(2);
    std::fs::write(&raw, &content).unwrap();
    let fixed = "subformat=fixed,force_size=on";
    qemu(&["convert", "-f", "raw", "-O", "vpc", "-o", fixed, &raw, &vhd]);
    let content = std::fs::read(&vhd).unwrap();
    let mut disk = Disk::create(&client, "os.vhd", content.len()).await;
    for (number, piece) in content.chunks(1 << 20).enumerate() {
        if piece.iter().any(|byte| *byte != 0) {
            disk.write(number << 20, piece).await;
        }
    }
    let (source, to) = ("page-blob:account1/disks/os.vhd", "account1/disks/backup.vhd");
    emulator.expect(&machine, 0, &["disk-backup", "protect", "os", "--source", source, "--to", to]);
    disk.write(4 << 20, &[7; 8 * PAGE]).await;
    emulator.expect(&machine, 0, &["disk-backup", "run", "os", "--now"]);
    std::fs::write(&vhd, &disk.model).unwrap();
    let image = machine.text("restored.vhd");
    let image_to = format!("image:{image}");
    let at = jiff::Timestamp::now().to_string();
    let restore = ["disk-backup", "restore", "os", "--at", &at, "--to", &image_to];
    emulator.expect(&machine, 0, &restore);
    let said = qemu(&["compare", "-f", "vpc", "-F", "vpc", &vhd, &image]);
    println!("{said}");
    assert!(said.contains("identical"), "{said}");
    let info = qemu(&["info", "-f", "vpc", &image]);
    assert!(info.contains("virtual size: 16 MiB"), "{info}");
}
