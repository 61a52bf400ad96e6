//! A disk's backup where the service is Azurite, which answers a difference with all pages and whose
//! copies share pages with their source: the product finds out by itself and compares instead.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use serde_json::Value;
use support::azurite::Azurite;
use support::disk::{self, Disk, PAGE};
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
