//! Which points of a disk's backup are kept, what goes, and the timer: seen from outside, on the
//! emulator.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::disk_rig::{PROTECT, Rig};
use crate::support;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use azure_storage_blobs::models::{
    BlobClientCreateSnapshotOptions, BlobClientCreateSnapshotResultHeaders,
    BlobClientGetPropertiesResultHeaders,
};
use serde_json::Value;
use support::disk::{self, Disk, PAGE};

fn times(points: &[Value]) -> Vec<String> {
    points.iter().map(|own| own["source_snapshot"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_no_rule_keeps_goes_once_that_is_said_and_never_the_newest() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 4 << 20).await;
    disk.write(0, &[1; 8 * PAGE]).await;
    let protect = [&PROTECT[..], &["--keep-last", "2"]].concat();
    rig.told(0, &protect, "disk-round");
    for at in 0..3 {
        // The same four pages each time, and one that stays as it is written.
        disk.write(16 * PAGE, &[at + 2; 4 * PAGE]).await;
        disk.write((32 + usize::from(at)) * PAGE, &[9; PAGE]).await;
        rig.round(&["--verify", "full"]);
    }
    let list = || rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    let before = times(&list());
    assert_eq!(before.len(), 4);
    let told = rig.told(0, &["disk-backup", "prune", "--dry-run"], "disk-pruned").remove(0);
    assert_eq!((&told["kept"], &told["done"]), (&2.into(), &false.into()));
    assert_eq!(times(told["gone"].as_array().unwrap()), before[..2]);
    // The first holds nothing alone; the second the four pages that were written again later.
    let freed: Vec<_> =
        told["gone"].as_array().unwrap().iter().map(|own| own["freed_bytes"].as_u64()).collect();
    assert_eq!(freed, [Some(0), Some(4 * PAGE as u64)], "{told}");
    assert_eq!(times(&list()), before, "nothing went");
    assert_eq!(rig.code(2, &["disk-backup", "prune", "os"]), "needs-yes");
    assert_eq!(times(&list()), before, "nothing went");

    // What a killed run has left goes too: the copy says already that it holds the next snapshot. A
    // snapshot of somebody else does not.
    let record = fs::read_to_string(rig.machine.state().join("disk-backups/os.json")).unwrap();
    let id = serde_json::from_str::<Value>(&record).unwrap()["id"].as_str().unwrap().to_owned();
    let old = disk::snapshots(&rig.container, "os.vhd").await;
    let owner = HashMap::from([("bk_owner".to_owned(), id)]);
    let options = BlobClientCreateSnapshotOptions { metadata: Some(owner), ..Default::default() };
    let next = disk.blob.create_snapshot(Some(options)).await.unwrap().snapshot().unwrap().unwrap();
    disk.blob.create_snapshot(None).await.unwrap();
    let copy = rig.container.blob_client("backup.vhd");
    let mut says = copy.get_properties(None).await.unwrap().metadata().unwrap();
    says.insert("bk_baseline".to_owned(), next.clone());
    copy.set_metadata(&says, None).await.unwrap();
    let tables = rig.emulator.data().join("blobs/account1/disks/azseed/disks/os/points");
    let has_table = |time: &str| tables.join(format!("{time}.sha256")).exists();
    assert!(has_table(&before[1]));
    let done = rig.told(0, &["disk-backup", "prune", "os", "--yes"], "disk-pruned").remove(0);
    assert_eq!((&done["kept"], &done["done"]), (&2.into(), &true.into()));
    assert_eq!(done["left_over"], serde_json::json!(old));
    assert_eq!(times(&list()), before[2..], "{done}");
    assert!(!has_table(&before[1]) && has_table(&before[3]));
    let left = disk::snapshots(&rig.container, "os.vhd").await;
    assert!(left.len() == 2 && left[0] == next, "the baseline and somebody's: {left:?}");
    let id = list()[1]["backup_snapshot"].as_str().unwrap().to_owned();
    assert!(disk::read(&rig.container, "backup.vhd", Some(&id)).await == disk.model);
    rig.round(&["--verify", "full"]);

    // What is kept can be changed, and is a whole.
    let set = ["disk-backup", "set", "os", "--every", "1d", "--keep-daily", "7"];
    let own = rig.told(0, &set, "disk-backup").remove(0);
    assert_eq!((&own["every_secs"], &own["keep_daily"]), (&86_400.into(), &7.into()));
    assert_eq!(own["keep_last"], Value::Null);
    let gone = rig.told(0, &["disk-backup", "prune", "--yes"], "disk-pruned").remove(0);
    assert_eq!((&gone["kept"], list().len()), (&1.into(), 1), "one a day: {gone}");
    let words = ["disk-backup", "set", "os", "--keep-last", "1"];
    let said = rig.emulator.expect(&rig.machine, 0, &words).stdout;
    assert!(said.contains("kept: the last 1, in place of 7 daily"), "{said}");
    // Rules that keep nothing are taken by nobody.
    let other = ["disk-backup", "protect", "none", "--source", PROTECT[4], "--to", "account1/none"];
    for words in [&["disk-backup", "set", "os"][..], &PROTECT, &other] {
        for rules in [&["--keep-last", "0"][..], &["--keep-daily", "0", "--keep-last", "0"]] {
            let code = rig.code(2, &[words, rules].concat());
            assert_eq!(code, "disk-keeps-nothing", "{words:?} {rules:?}");
        }
    }
    assert!(!rig.machine.state().join("disk-backups/none.json").exists());
    let none = rig.told(0, &["disk-backup", "prune", "--yes"], "disk-pruned").remove(0);
    assert_eq!((&none["kept"], &none["requests"]), (&1.into(), &0.into()), "the newest stays");
}

#[tokio::test]
async fn a_former_copy_goes_after_its_last_point() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    rig.told(0, &[&PROTECT[..], &["--keep-last", "2"]].concat(), "disk-round");
    let kept = disk::snapshots(&rig.container, "os.vhd").await;
    disk::drop_snapshot(&rig.container, "os.vhd", &kept[0]).await;
    rig.round(&["--full"]);
    let list = || rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    let generations: Vec<_> = list().iter().map(|own| own["generation"].as_u64()).collect();
    assert_eq!(generations, [Some(1), Some(2)], "points of both copies");
    let prune = || rig.told(0, &["disk-backup", "prune", "os", "--yes"], "disk-pruned").remove(0);
    assert_eq!(prune()["requests"], 0);
    assert!(rig.container.blob_client("backup.vhd").get_properties(None).await.is_ok());
    rig.round(&[]);
    let gone = prune();
    assert_eq!(gone["copies"], serde_json::json!(["backup.vhd"]), "{gone}");
    assert!(rig.container.blob_client("backup.vhd").get_properties(None).await.is_err());
    assert_eq!(list().len(), 2);
    assert_eq!(rig.told(0, &["disk-backup", "verify", "os"], "disk-verified")[0]["equal"], true);
}

#[tokio::test]
async fn one_timer_runs_all_disks_and_what_somebody_else_wrote_stays() {
    let rig = Rig::new().await;
    let folder = rig.machine.path("units");
    fs::create_dir(&folder).unwrap();
    let units = folder.display().to_string();
    let key = rig.machine.text("other.key");
    let write = ["disk-backup", "schedule", "--write-units", &units];
    let more = ["--source-account-key-file", &key];
    let said = rig.emulator.expect(&rig.machine, 0, &[&write[..], &more, &["--json"]].concat());
    let told: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written = told.iter().find(|own| own["type"] == "disk-schedule").unwrap();
    assert_eq!(
        (&written["deed"], written["units"].as_array().unwrap().len()),
        (&"written".into(), 2)
    );
    // What signs in stands in the environment of this call, which no unit has.
    let all = format!("{}{}", said.stdout, said.stderr);
    for part in ["AZSEED_ACCOUNT_KEY, AZSEED_TOKEN", "/etc/azseed/disks.env", "end with 12"] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let text = rig.emulator.expect(&rig.machine, 0, &write).stderr;
    assert!(text.contains("/etc/azseed/disks.env"), "{text}");
    let token = rig.machine.path("token");
    fs::write(&token, "token").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let by_file = [&write[..], &more, &["--token-file", token.to_str().unwrap()]].concat();
    let text = rig.emulator.expect(&rig.machine, 0, &by_file).stderr;
    assert!(!text.contains("disks.env"), "a file signs the timer in, too: {text}");
    let service = fs::read_to_string(folder.join("azseed-disks.service")).unwrap();
    let calls: Vec<&str> = service.lines().filter(|line| line.starts_with("ExecStart=")).collect();
    assert!(calls.len() == 1, "{service}");
    assert!(calls[0].contains(" disk-backup run --prune --yes --state "), "{service}");
    assert!(service.contains("\nEnvironmentFile=-/etc/azseed/disks.env\n"), "{service}");
    assert!(service.contains("DevicePolicy=closed\n"), "{service}");
    assert!(service.contains("DeviceAllow=block-* r\n"), "images may be devices: {service}");
    assert!(calls[0].contains(&format!("--source-account-key-file {key}")), "{service}");
    let timer = fs::read_to_string(folder.join("azseed-disks.timer")).unwrap();
    assert!(timer.contains("OnCalendar=*:0/10\nPersistent=true\n"), "{timer}");
    assert_eq!(rig.code(2, &["disk-backup", "schedule"]), "flag-missing");
    let away = ["disk-backup", "schedule", "remove", "--units", &units];
    let told = rig.told(0, &away, "disk-schedule").remove(0);
    assert_eq!(told["units"].as_array().unwrap().len(), 2);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::write(folder.join("azseed-disks.timer"), "[Timer]\n").unwrap();
    assert_eq!(rig.code(4, &write), "schedule-foreign-unit");
    assert_eq!(rig.code(4, &away), "schedule-foreign-unit");
    fs::remove_file(folder.join("azseed-disks.timer")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.join("azseed-disks.service"), 0o600.into())
        .unwrap();
    assert_eq!(rig.code(4, &write), "schedule-foreign-unit");
}

#[tokio::test]
async fn a_disk_of_which_no_point_can_be_made_lets_no_points_pile_up() {
    let rig = Rig::new().await;
    for name in ["os", "web"] {
        Disk::create(&rig.container, &format!("{name}.vhd"), 1 << 20).await;
        let source = format!("page-blob:account1/disks/{name}.vhd");
        let to = format!("account1/disks/{name}-copy.vhd");
        let words = ["disk-backup", "protect", name, "--source", &source, "--to", &to];
        rig.told(0, &[&words[..], &["--keep-last", "1"]].concat(), "disk-round");
    }
    let count = |name| rig.told(0, &["disk-backup", "list", name], "disk-point").len();
    let run = ["disk-backup", "run", "--now"];
    rig.told(0, &run, "disk-round");
    assert_eq!((count("os"), count("web")), (2, 2));
    assert_eq!(rig.code(2, &[&run[..], &["--prune"]].concat()), "needs-yes");
    let prune = [&run[..], &["--prune", "--yes"]].concat();
    // Nobody can say any more what changed on the one.
    for own in disk::snapshots(&rig.container, "os.vhd").await {
        disk::drop_snapshot(&rig.container, "os.vhd", &own).await;
    }
    let said = rig.emulator.expect(&rig.machine, 6, &prune);
    assert!(said.stderr.contains("`azseed disk-backup run os --full`"), "{}", said.stderr);
    assert_eq!((count("os"), count("web")), (1, 1), "{}", said.stdout);
    let told = rig.told(6, &prune, "disk-pruned");
    assert_eq!(told.len(), 2, "{told:?}");
    // With nothing that goes wrong both are told, and the end is good.
    rig.told(0, &["disk-backup", "run", "os", "--full"], "disk-round");
    let told = rig.told(0, &prune, "disk-pruned");
    assert!(told.iter().all(|own| own["kept"] == 1), "{told:?}");
}

#[tokio::test]
async fn a_point_of_a_clock_that_was_ahead_is_told_and_is_not_the_newest_for_ever() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    rig.told(0, &[&PROTECT[..], &["--keep-last", "1"]].concat(), "disk-round");
    let ahead = "2037-01-01T00:00:00.0000000Z";
    let metadata = HashMap::from([("bk_source_snapshot".to_owned(), ahead.to_owned())]);
    let options =
        BlobClientCreateSnapshotOptions { metadata: Some(metadata), ..Default::default() };
    rig.container.blob_client("backup.vhd").create_snapshot(Some(options)).await.unwrap();
    disk.write(PAGE, &[2; PAGE]).await;
    let made = rig.round(&[])["source_snapshot"].as_str().unwrap().to_owned();
    let list = || times(&rig.told(0, &["disk-backup", "list", "os"], "disk-point"));
    assert_eq!((list().len(), &list()[1], list().last().unwrap()), (3, &ahead.to_owned(), &made));
    for words in [
        &["disk-backup", "list", "os"][..],
        &["disk-backup", "status", "os"],
        &["disk-backup", "prune", "--dry-run"],
    ] {
        let said = rig.emulator.expect(&rig.machine, 0, words);
        let part = "by a machine whose clock was ahead";
        assert!(said.stderr.contains(part) && said.stderr.contains(ahead), "{}", said.stderr);
    }
    let proven = rig.told(0, &["disk-backup", "verify", "os"], "disk-verified");
    assert_eq!(proven[0]["source_snapshot"], made.as_str());
    rig.told(0, &["disk-backup", "prune", "--yes"], "disk-pruned");
    assert_eq!(list(), [made], "it goes in its turn");
}

#[tokio::test]
async fn another_machine_goes_on_by_what_lies_beside_the_copy() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    let protect = [&PROTECT[..], &["--every", "1d", "--keep-last", "5"]].concat();
    rig.told(0, &protect, "disk-round");
    let kept = disk::snapshots(&rig.container, "os.vhd").await;
    disk::drop_snapshot(&rig.container, "os.vhd", &kept[0]).await;
    rig.round(&["--full"]);
    rig.round(&["--verify", "full"]);
    let own = rig.told(0, &["disk-backup", "list"], "disk-backup").remove(0);
    rig.told(0, &["disk-backup", "release", "os"], "disk-released");

    let again = rig.told(0, &PROTECT, "disk-backup").remove(0);
    assert_eq!(again, own, "nothing was forgotten");
    assert_eq!((&again["generation"], &again["keep_last"]), (&2.into(), &5.into()));
    assert!(again["proven_at"].is_string(), "{again}");
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    assert_eq!(points.len(), 3);
    assert_eq!(rig.round(&[])["requests"], 0);
    let record = rig.emulator.data().join("blobs/account1/disks/azseed/disks/os/record.json");
    let record: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    assert_eq!(record["run"], Value::Null, "a lease is one machine's");

    // What is there and is nobody's record is no reason to stop.
    rig.told(0, &["disk-backup", "release", "os"], "disk-released");
    fs::write(
        rig.emulator.data().join("blobs/account1/disks/azseed/disks/os/record.json"),
        "{\"version\": 1",
    )
    .unwrap();
    let to = "account1/disks/backup.g2.vhd";
    let words = ["disk-backup", "protect", "os", "--source", PROTECT[4], "--to", to];
    rig.told(0, &words, "disk-backup");
    rig.round(&[]);
}
