//! Runs of `prune` and of the way round unreadable snapshots, killed anywhere, on the emulator: the same
//! command goes on, no point is wrong, nothing is left behind.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::disk_rig::{PROTECT, Rig};
use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::disk::{self, Disk, PAGE};

/// Runs a command and kills it once it is as far as that; whether it was killed.
fn killed(rig: &Rig, words: &[&str], is_far: impl Fn() -> bool) -> bool {
    let mut run = rig.emulator.command(&rig.machine, words);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while run.try_wait().unwrap().is_none() && !is_far() {
        std::hint::spin_loop();
    }
    run.kill().unwrap();
    let was_killed = !run.wait().unwrap().success();
    // The lease of a run that was killed ends.
    rig.emulator.forward(&rig.machine, "2m");
    was_killed
}

fn text<'a>(told: &'a Value, field: &str) -> &'a str {
    told[field].as_str().unwrap()
}

/// Every point is the disk as it was at some time, and the newest as it is now.
async fn check(rig: &Rig, models: &[Vec<u8>]) -> Vec<Value> {
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    for point in &points {
        let id = text(point, "backup_snapshot");
        let content = disk::read(&rig.container, "backup.vhd", Some(id)).await;
        assert!(models.contains(&content), "{point} was never so");
    }
    points
}

#[tokio::test]
async fn a_killed_prune_is_gone_on_with_and_leaves_no_table_without_its_point() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 4 << 20).await;
    disk.write(0, &[1; 8 * PAGE]).await;
    rig.told(0, &[&PROTECT[..], &["--keep-last", "2"]].concat(), "disk-round");
    let mut models = vec![disk.model.clone()];
    let prune = ["disk-backup", "prune", "os", "--yes"];
    let folder = rig.emulator.data().join("blobs/account1/disks/azseed/disks/os/points");
    let tables = || -> BTreeSet<String> {
        let all = fs::read_dir(&folder).unwrap().map(|own| own.unwrap().file_name());
        all.map(|own| own.into_string().unwrap()).collect()
    };
    let mut kills = 0;
    for kill in 0..8_u8 {
        for part in 0..3 {
            disk.write(usize::from(kill * 3 + part) * 8 * PAGE, &[kill + 2; PAGE]).await;
            models.push(disk.model.clone());
            rig.round(&["--verify", "full"]);
        }
        // As soon as so many tables are gone, so that points are left to go.
        let enough = tables().len() - 1 - usize::from(kill % 2);
        kills += u32::from(killed(&rig, &prune, || tables().len() <= enough));
        let points = check(&rig, &models).await;
        assert!(points.len() >= 2, "the newest stay: {points:?}");
        let id = text(points.last().unwrap(), "backup_snapshot");
        assert!(disk::read(&rig.container, "backup.vhd", Some(id)).await == disk.model);
    }
    rig.emulator.expect(&rig.machine, 0, &prune);
    let points = check(&rig, &models).await;
    assert_eq!(points.len(), 2);
    let own = points.iter().map(|own| format!("{}.sha256", text(own, "source_snapshot")));
    assert_eq!(tables(), own.collect());
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1, "the baseline");
    rig.round(&["--verify", "full"]);
    println!("{kills} kills of prune");
    assert!(kills >= 2, "{kills}");
}

#[tokio::test]
async fn a_killed_run_by_a_copy_beside_the_disk_leaves_no_copy_behind() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 8 << 20).await;
    disk.write(0, &vec![9; 4 << 20]).await;
    rig.told(0, &PROTECT, "disk-round");
    rig.emulator.mischief(&rig.machine, &["unread-snapshots"]);
    let mut models = vec![disk.model.clone()];
    let began = Instant::now();
    rig.round(&[]);
    let whole = began.elapsed();
    let now = ["disk-backup", "run", "os", "--now"];
    let mut kills = 0;
    for kill in 0..8_u8 {
        for page in 0..6 {
            let at = (usize::from(kill) * 37 + page * 211) % 16_000 * PAGE;
            disk.write(at, &[kill + 1; PAGE]).await;
        }
        models.push(disk.model.clone());
        let end = Instant::now() + whole * u32::from(kill + 1) / 10;
        kills += u32::from(killed(&rig, &now, || {
            std::thread::sleep(Duration::from_millis(1));
            Instant::now() >= end
        }));
        let left = disk::snapshots(&rig.container, "os.vhd").await;
        assert!((1..=2).contains(&left.len()), "at most one too many: {left:?}");
    }
    rig.round(&[]);
    let last = rig.round(&[]);
    rig.emulator.mischief(&rig.machine, &["--clear"]);
    check(&rig, &models).await;
    let id = text(&last, "backup_snapshot");
    assert!(disk::read(&rig.container, "backup.vhd", Some(id)).await == disk.model);
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1);
    let record = fs::read_to_string(rig.machine.state().join("disk-backups/os.json")).unwrap();
    let id = serde_json::from_str::<Value>(&record).unwrap()["id"].as_str().unwrap().to_owned();
    let scratch = rig.emulator.blob("disks", &format!("azseed/scratch-{id}"));
    assert!(!scratch.exists(), "the copy goes with the round");
    println!("{kills} kills of the way round");
    assert!(kills >= 2, "{kills}");
}
