//! Disks whose bytes the service carries, whose points it makes by itself, and whose points are whole
//! copies: every point is the disk as it was, and all that is done with points works with them. Seen from
//! outside, on the emulator.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::disk_rig::{PROTECT, Rig};
use crate::support;

use std::fs;

use serde_json::Value;
use support::disk::{self, Disk, PAGE};

fn text<'a>(told: &'a Value, field: &str) -> &'a str {
    told[field].as_str().unwrap()
}

fn list(rig: &Rig) -> Vec<Value> {
    rig.told(0, &["disk-backup", "list", "os"], "disk-point")
}

/// Every point is what the disk was.
async fn check(rig: &Rig, models: &[Vec<u8>]) -> Vec<Value> {
    let points = list(rig);
    assert_eq!(points.len(), models.len(), "{points:?}");
    for (point, model) in points.iter().zip(models) {
        let (copy, id) = (text(point, "copy"), text(point, "backup_snapshot"));
        assert!(disk::read(&rig.container, copy, Some(id)).await == *model, "{point}");
    }
    points
}

/// A disk that was backed up, and three rounds more: with writes, with pages that were cleared, written
/// with zeros and cleared and written again, and of another length.
async fn rounds(rig: &Rig, more: &[&str]) -> (Disk, Vec<Vec<u8>>, Vec<Value>) {
    let mut disk = Disk::create(&rig.container, "os.vhd", 8 << 20).await;
    disk.write(0, &vec![1; 5 << 20]).await;
    let first = rig.told(0, &[&PROTECT[..], more].concat(), "disk-round").remove(0);
    let (mut models, mut told) = (vec![disk.model.clone()], vec![first]);
    disk.write((4 << 20) - PAGE, &[2; 3 * PAGE]).await;
    disk.write(6 << 20, &[3; PAGE]).await;
    disk.clear(4096, 4096).await;
    told.push(rig.round(&[]));
    models.push(disk.model.clone());
    disk.write(4096, &[4; PAGE]).await;
    disk.write(8192, &[0; PAGE]).await;
    told.push(rig.round(&["--verify", "full"]));
    models.push(disk.model.clone());
    disk.resize(9 << 20).await;
    disk.write((9 << 20) - PAGE, &[5; PAGE]).await;
    told.push(rig.round(&["--verify", "changed"]));
    models.push(disk.model.clone());
    (disk, models, told)
}

/// What is done with points: restored, proven, put over the disk, counted.
async fn use_points(rig: &Rig, disk: &mut Disk, models: &[Vec<u8>]) {
    let points = check(rig, models).await;
    let second = text(&points[1], "source_snapshot").to_owned();
    let to = "page-blob:account1/disks/restored.vhd";
    let restore = ["disk-backup", "restore", "os", "--at", &second, "--to", to];
    let made = rig.told(0, &[&restore[..], &["--verify", "full"]].concat(), "disk-restored");
    assert_eq!(made[0]["backup_name"], "os-r1", "{}", made[0]);
    assert!(disk::read(&rig.container, "restored.vhd", None).await == models[1]);
    let blob = rig.container.blob_client("restored.vhd");
    let mut new = Disk { blob, model: models[1].clone() };
    new.write(7 << 20, &[7; PAGE]).await;
    let now = ["disk-backup", "run", "os-r1", "--now", "--verify", "full"];
    let round = rig.told(0, &now, "disk-round").remove(0);
    assert_eq!(round["changed_bytes"], PAGE as u64, "it is backed up by what changed: {round}");
    let image = rig.machine.path("os.img");
    let to = format!("image:{}", image.display());
    let restore = ["disk-backup", "restore", "os", "--at", &second, "--to", &to];
    rig.told(0, &restore, "disk-restored");
    assert!(fs::read(&image).unwrap() == models[1]);

    let proven = rig.told(0, &["disk-backup", "verify", "os"], "disk-verified").remove(0);
    assert_eq!((&proven["equal"], &proven["proven_by"]), (&true.into(), &"source".into()));
    let third = text(&points[2], "source_snapshot");
    let at = ["disk-backup", "verify", "os", "--at", third];
    let proven = rig.told(0, &at, "disk-verified").remove(0);
    assert_eq!((&proven["equal"], &proven["proven_by"]), (&true.into(), &"table".into()));

    let promote = ["disk-backup", "promote", "os", "--at", &second, "--overwrite", "os"];
    rig.told(0, &promote, "disk-promoted");
    disk.model = models[1].clone();
    assert!(disk::read(&rig.container, "os.vhd", None).await == disk.model);
    rig.round(&["--verify", "full"]);
    let point = list(rig).pop().unwrap();
    let (copy, id) = (text(&point, "copy"), text(&point, "backup_snapshot"));
    assert!(disk::read(&rig.container, copy, Some(id)).await == disk.model);
    let status = rig.told(0, &["disk-backup", "status", "os"], "disk-status").remove(0);
    let same = (&status["baseline"], &status["has_baseline"], &status["points"]);
    assert_eq!(same, (&point["source_snapshot"], &true.into(), &(models.len() + 1).into()));
    assert!(status["copy_bytes"].as_u64().unwrap() > 1 << 20, "{status}");
    assert_eq!(status["leased"], false);
}

/// The same backup, known to another machine by what lies beside the copy, and by the copy alone.
async fn go_on_elsewhere(rig: &Rig, disk: &mut Disk, more: &[&str]) {
    let own = rig.told(0, &["disk-backup", "list"], "disk-backup").remove(0);
    let points = list(rig).len();
    let release = || {
        rig.told(0, &["disk-backup", "release", "os"], "disk-released");
    };
    release();
    let again = rig.told(0, &PROTECT, "disk-backup").remove(0);
    assert_eq!(again, own, "nothing was forgotten");
    disk.write(0, &[11; PAGE]).await;
    rig.round(&["--verify", "full"]);
    assert_eq!(list(rig).len(), points + 1);
    release();
    fs::remove_file(rig.emulator.blob("disks", "azseed/disks/os/record.json")).unwrap();
    let again = rig.told(0, &[&PROTECT[..], more].concat(), "disk-backup").remove(0);
    assert_eq!((&again["id"], list(rig).len()), (&own["id"], points + 1));
    disk.write(0, &[12; PAGE]).await;
    rig.round(&["--verify", "full"]);
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 2, "one is promote's");
}

#[tokio::test]
async fn what_changed_is_carried_by_the_service_and_no_byte_passes_this_machine() {
    let rig = Rig::new().await;
    let more = ["--transfer", "server"];
    let (mut disk, models, told) = rounds(&rig, &more).await;
    let round = &told[1];
    assert_eq!((&round["read_bytes"], &round["cleared_bytes"]), (&0.into(), &4096.into()));
    assert_eq!(round["changed_bytes"], 4 * PAGE as u64, "gaps are left: {round}");
    assert!(told[2]["proven_bytes"].as_u64().unwrap() >= 5 << 20);
    assert!(told[3]["read_bytes"].as_u64().unwrap() > 0, "read back, and compared with the disk");
    use_points(&rig, &mut disk, &models).await;
    go_on_elsewhere(&rig, &mut disk, &more).await;

    // Asked differently: told, and not dropped.
    let client = [&PROTECT[..], &["--transfer", "client"]].concat();
    assert_eq!(rig.code(2, &client), "disk-backup-other");
    let mut run = rig.emulator.command(&rig.machine, &PROTECT);
    let said = run.env("AZSEED_TRANSFER", "client").output().unwrap();
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success(), "{stderr}");
    assert!(
        stderr.contains("AZSEED_TRANSFER is not used: the backup's record has server"),
        "{stderr}"
    );
    let image =
        ["disk-backup", "protect", "im", "--source", "image:/srv/x", "--to", "account1/disks"];
    assert_eq!(rig.code(2, &[&image[..], &more].concat()), "flag-without-meaning");
}

#[tokio::test]
async fn a_first_copy_and_a_comparison_here_go_by_the_service_too() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 8 << 20).await;
    disk.write(0, &vec![1; 5 << 20]).await;
    // Snapshots that cannot be read are no hindrance: nobody here reads them.
    rig.emulator.mischief(&rig.machine, &["unread-snapshots"]);
    let words = ["--transfer", "server", "--first", "copy"];
    rig.told(0, &[&PROTECT[..], &words].concat(), "disk-round");
    disk.write(2 << 20, &[2; PAGE]).await;
    let round = rig.round(&[]);
    assert_eq!((&round["read_bytes"], &round["changed_bytes"]), (&0.into(), &512.into()));
    rig.emulator.mischief(&rig.machine, &["--clear"]);
    let second = rig.emulator.data().join("blobs/account1/disks/second.vhd");
    let protect = ["disk-backup", "protect", "two", "--source", PROTECT[4], "--to"];
    let words = ["account1/disks/second.vhd", "--transfer", "server", "--diff", "client"];
    rig.told(0, &[&protect[..], &words].concat(), "disk-round");
    // What was written back did not change, and is not written.
    disk.write(0, &[1; PAGE]).await;
    disk.write(3 << 20, &[9; 2 * PAGE]).await;
    let now = ["disk-backup", "run", "two", "--now", "--verify", "full"];
    let round = rig.told(0, &now, "disk-round").remove(0);
    assert_eq!(round["changed_bytes"], 2 * PAGE as u64, "{round}");
    assert!(fs::read(second).unwrap() == disk.model);
}

#[tokio::test]
async fn the_service_makes_the_points_by_incremental_copies() {
    let rig = Rig::new().await;
    let more = ["--engine", "incremental-copy"];
    let (mut disk, models, told) = rounds(&rig, &more).await;
    assert!(told.iter().all(|round| round["requests"] == 1), "{told:?}");
    let second = (&told[1]["changed_bytes"], &told[1]["cleared_bytes"], &told[1]["read_bytes"]);
    assert_eq!(second, (&(4 * PAGE).into(), &4096.into(), &0.into()));
    use_points(&rig, &mut disk, &models).await;
    go_on_elsewhere(&rig, &mut disk, &more).await;
    for (word, value) in [("--diff", "client"), ("--transfer", "server"), ("--first", "copy")] {
        let other = ["disk-backup", "protect", "other", "--source", PROTECT[4], "--to"];
        let words = [&other[..], &["account1/disks/other.vhd", word, value], &more].concat();
        assert_eq!(rig.code(2, &words), "flag-without-meaning", "{word}");
    }
    let other = [&PROTECT[..], &["--engine", "diff"]].concat();
    assert_eq!(rig.code(2, &other), "disk-backup-other");
    let id = "managed-disk:/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/\
              providers/Microsoft.Compute/disks/os";
    let managed = ["disk-backup", "protect", "managed", "--source", id, "--to", "account1/disks"];
    assert_eq!(rig.code(2, &[&managed[..], &more].concat()), "disk-engine-source");

    // What no rule keeps goes, and the service goes on.
    rig.told(0, &["disk-backup", "set", "os", "--keep-last", "2"], "disk-backup");
    let gone = rig.told(0, &["disk-backup", "prune", "os", "--yes"], "disk-pruned").remove(0);
    assert_eq!((&gone["kept"], list(&rig).len()), (&2.into(), 2), "{gone}");
    disk.write(PAGE, &[13; PAGE]).await;
    rig.emulator.mischief(&rig.machine, &["pending-copies:3"]);
    rig.round(&["--verify", "full"]);

    // A run by hand in between, or a snapshot that is gone, is told; a whole new copy goes on.
    let now = ["disk-backup", "run", "os", "--now"];
    let kept = text(&list(&rig)[2], "source_snapshot").to_owned();
    disk::drop_snapshot(&rig.container, "os.vhd", &kept).await;
    assert_eq!(rig.code(6, &now), "disk-baseline-lost");
    rig.round(&["--full", "--verify", "full"]);
    let points = list(&rig);
    assert_eq!(text(&points[3], "copy"), "backup.g2.vhd");
    let id = text(&points[3], "backup_snapshot");
    assert!(disk::read(&rig.container, "backup.g2.vhd", Some(id)).await == disk.model);
    // Asked for of a copy that is sound, it is what the disk is now, and not what it was.
    disk.write(3 * PAGE, &[14; PAGE]).await;
    let before = disk::snapshots(&rig.container, "os.vhd").await;
    let made = rig.round(&["--full", "--verify", "full"]);
    let id = text(&made, "backup_snapshot");
    assert!(disk::read(&rig.container, "backup.g3.vhd", Some(id)).await == disk.model);
    let after = disk::snapshots(&rig.container, "os.vhd").await;
    assert_eq!(after.last().unwrap(), text(&made, "source_snapshot"));
    assert_eq!(after.len(), before.len(), "no baseline too many");
}

#[tokio::test]
async fn what_is_no_incremental_copy_of_this_disk_is_left_alone() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    let other = Disk::create(&rig.container, "backup.vhd", 1 << 20).await;
    let words = [&PROTECT[..], &["--engine", "incremental-copy"]].concat();
    assert_eq!(rig.code(4, &words), "disk-target-foreign");
    assert!(disk::snapshots(&rig.container, "os.vhd").await.is_empty(), "nothing was made");
    assert!(!rig.machine.state().join("disk-backups").exists());
    other.blob.delete(None).await.unwrap();
    rig.told(0, &words, "disk-round");
    // Another disk is not copied into it.
    rig.told(0, &["disk-backup", "release", "os"], "disk-released");
    let mut second = Disk::create(&rig.container, "second.vhd", 1 << 20).await;
    second.write(0, &[2; PAGE]).await;
    let mut words = words;
    words[4] = "page-blob:account1/disks/second.vhd";
    assert_eq!(rig.code(4, &words), "disk-target-foreign");
}

#[tokio::test]
async fn every_point_is_a_whole_copy_and_its_price_is_told_first() {
    let rig = Rig::new().await;
    let mut price = Disk::create(&rig.container, "large.vhd", 8 << 20).await;
    price.write(0, &vec![1; 3 << 20]).await;
    let protect = ["disk-backup", "protect", "price", "--source"];
    let words =
        ["page-blob:account1/disks/large.vhd", "--to", "account1/disks", "--engine", "full-copy"];
    let words = [&protect[..], &words].concat();
    let told = rig.emulator.expect(&rig.machine, 0, &words);
    assert!(told.stdout.contains("is a whole copy: 3.15 MB of 8.39 MB"), "{}", told.stdout);
    assert!(told.stdout.contains("every 12h"), "{}", told.stdout);

    let more = ["--engine", "full-copy"];
    let (mut disk, models, told) = rounds(&rig, &more).await;
    assert_eq!(told[1]["changed_bytes"], (5 << 20) + PAGE as u64 - 4096, "all of it: {}", told[1]);
    let points = check(&rig, &models).await;
    for point in &points {
        let time = text(point, "source_snapshot").replace(['-', ':'], "");
        assert_eq!(text(point, "copy"), format!("backup.{time}.vhd"));
    }
    assert!(!rig.emulator.blob("disks", "backup.vhd").exists(), "there is no copy beside them");
    use_points(&rig, &mut disk, &models).await;
    go_on_elsewhere(&rig, &mut disk, &more).await;
    rig.told(0, &["disk-backup", "set", "os", "--keep-last", "1"], "disk-backup");
    let gone = rig.told(0, &["disk-backup", "prune", "os", "--yes"], "disk-pruned").remove(0);
    assert_eq!((&gone["kept"], list(&rig).len()), (&1.into(), 1), "{gone}");
    assert!(gone["gone"][0]["freed_bytes"].as_u64().unwrap() > 4 << 20, "{gone}");
    for point in &points {
        assert!(!rig.emulator.blob("disks", text(point, "copy")).exists(), "the blob goes too");
    }
    // Without the snapshot that the last point is of, a whole copy goes on all the same.
    let kept = text(&list(&rig)[0], "source_snapshot").to_owned();
    disk::drop_snapshot(&rig.container, "os.vhd", &kept).await;
    rig.round(&["--verify", "full"]);
    rig.emulator.mischief(&rig.machine, &["failed-copies:1"]);
    assert_eq!(rig.code(13, &["disk-backup", "run", "os", "--now"]), "disk-copy-failed");
    rig.round(&["--verify", "full"]);
    let idle = [&PROTECT[..], &["--engine", "full-copy", "--diff", "client"]].concat();
    assert_eq!(rig.code(2, &idle), "flag-without-meaning");
}

#[tokio::test]
async fn a_copy_is_not_put_into_an_account_that_cannot_keep_its_points() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    let data = rig.emulator.data().to_str().unwrap().to_owned();
    let account = |words: &[&str]| {
        let own = ["emulator", "account", "account1", "--data", &data];
        rig.machine.expect(0, &[&own[..], words].concat());
    };
    for (words, code) in [
        (["--rule", "folders=on"], "disk-target-folders"),
        (["--sku", "Premium_LRS"], "disk-target-premium"),
    ] {
        account(&words);
        assert_eq!(rig.code(4, &PROTECT), code);
        assert!(disk::snapshots(&rig.container, "os.vhd").await.is_empty(), "nothing was made");
        assert!(!rig.machine.state().join("disk-backups").exists());
        account(&["--rule", "folders=off"]);
    }
    account(&["--sku", "Standard_LRS"]);
    rig.told(0, &PROTECT, "disk-round");
}
