//! Points of a disk become a disk, an image file, or go over the disk itself; and are proven. Seen
//! from outside, on the emulator.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::disk_rig::{PROTECT, Rig};
use crate::support;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Stdio;
use std::time::{Duration, Instant};

use azure_core::http::request::RequestContent;
use azure_storage_blobs::BlobClient;
use azure_storage_blobs::models::{
    BlobClientAcquireLeaseOptions, BlobClientGetPropertiesResultHeaders,
};
use rustix::fs::{CWD, mkfifoat};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::disk::{self, Disk, PAGE};
use support::program::kill_when;

const RESTORED: &str = "page-blob:account1/disks/restored.vhd";

/// A disk with two points, and what it was at each.
async fn two_points(bytes: usize) -> (Rig, Disk, Vec<Vec<u8>>, Vec<Value>) {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", bytes).await;
    disk.write(0, &[1; 8 * PAGE]).await;
    disk.write(5 << 20, &vec![2; 3 << 20]).await;
    let mut models = vec![disk.model.clone()];
    rig.told(0, &PROTECT, "disk-round");
    disk.write(PAGE, &[3; PAGE]).await;
    disk.clear(6 << 20, 4096).await;
    models.push(disk.model.clone());
    rig.round(&["--verify", "full"]);
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    (rig, disk, models, points)
}

fn time(point: &Value) -> String {
    point["source_snapshot"].as_str().unwrap().to_owned()
}

fn restore<'a>(at: &'a str, to: &'a str) -> [&'a str; 7] {
    ["disk-backup", "restore", "os", "--at", at, "--to", to]
}

#[tokio::test]
async fn a_point_becomes_a_disk_whose_first_round_sends_only_what_changed() {
    let (rig, _, models, points) = two_points(16 << 20).await;
    let first = time(&points[0]);
    let to = restore(&first, RESTORED);
    let made = rig.told(0, &[&to[..], &["--verify", "full"]].concat(), "disk-restored");
    assert_eq!((&made[0]["backup_name"], &made[0]["was_there"]), (&"os-r1".into(), &false.into()));
    assert_eq!(made[0]["read_bytes"], 0, "the service copied");
    assert!(made[0]["commands"].as_array().unwrap().len() == 4, "{}", made[0]);
    assert!(disk::read(&rig.container, "restored.vhd", None).await == models[0]);
    assert_eq!(rig.told(0, &to, "disk-restored")[0]["was_there"], true);
    // Asked to compare once more, it does, by what the disk was then.
    let full = [&to[..], &["--verify", "full"]].concat();
    let again = rig.told(0, &full, "disk-restored").remove(0);
    let proven = |own: &Value| own["proven_bytes"].as_u64();
    assert!(proven(&again).is_some_and(|own| own >= 3 << 20), "{again}");
    assert_eq!((&again["was_there"], proven(&again)), (&true.into(), proven(&made[0])));
    let said = rig.emulator.expect(&rig.machine, 0, &full).stdout;
    assert!(said.contains("nothing was left to do; compared as a whole, "), "{said}");

    let blob = rig.container.blob_client("restored.vhd");
    let mut new = Disk { blob, model: models[0].clone() };
    new.write(9 << 20, &[7; PAGE]).await;
    let now = ["disk-backup", "run", "os-r1", "--now", "--verify", "full"];
    let round = rig.told(0, &now, "disk-round");
    assert_eq!(round[0]["changed_bytes"], PAGE as u64, "{}", round[0]);
    let own = rig.told(0, &["disk-backup", "list", "os-r1"], "disk-point");
    assert_eq!(time(&own[0]), first, "its history begins with the point");
    let id = own.last().unwrap()["backup_snapshot"].as_str().unwrap();
    assert!(disk::read(&rig.container, "os-r1.vhd", Some(id)).await == new.model);
    // The disk has gone on, and what its backup began with is compared.
    let later = rig.told(0, &full, "disk-restored").remove(0);
    assert_eq!(proven(&later), proven(&again), "{later}");
    let begun = own[0]["backup_snapshot"].as_str().unwrap();
    disk::drop_snapshot(&rig.container, "os-r1.vhd", begun).await;
    let said = rig.emulator.expect(&rig.machine, 0, &full);
    assert!(format!("{}{}", said.stdout, said.stderr).contains("Not compared: "), "{said:?}");
    // The old disk goes on as it did.
    assert_eq!(rig.round(&[])["requests"], 0);

    for (to, exit, code) in [
        (restore(&time(&points[1]), RESTORED), 4, "disk-restore-taken"),
        (restore(&first, "page-blob:account1/disks/os.vhd"), 4, "disk-restore-taken"),
        (restore("2020-01-01T00:00:00Z", RESTORED), 10, "disk-point-missing"),
        (restore(&first, "tape:1"), 2, "disk-restore-word"),
        (restore(&first, "page-blob:account1/disks/azseed/disks/os/x"), 2, "disk-restore-word"),
        (restore(&first, "image:"), 2, "disk-restore-word"),
    ] {
        assert_eq!(rig.code(exit, &to), code, "{to:?}");
    }
    let more = ["--backup-name", "os"];
    let other = restore(&first, "page-blob:account1/other/o.vhd");
    assert_eq!(rig.code(2, &[&other[..], &more].concat()), "disk-backup-other");
    // A container that is not there is made.
    let alone = [&other[..], &["--without-backup", "--verify", "full"]].concat();
    let made = rig.told(0, &alone, "disk-restored");
    assert_eq!(made[0]["backup_name"], Value::Null);
    let folder = rig.emulator.data().join("blobs/account1/other/o.vhd");
    assert!(fs::read(folder).unwrap() == models[0]);
}

#[tokio::test]
async fn an_interrupted_restore_backs_nothing_up_until_the_same_command_has_ended_it() {
    let (rig, _, models, points) = two_points(16 << 20).await;
    let first = time(&points[0]);
    let to = restore(&first, RESTORED);
    rig.emulator.mischief(&rig.machine, &["failed-copies:1"]);
    assert_eq!(rig.code(13, &to), "disk-copy-failed");
    let now = ["disk-backup", "run", "os-r1", "--now"];
    assert_eq!(rig.code(6, &now), "disk-restore-unfinished");
    rig.emulator.mischief(&rig.machine, &["pending-copies:2"]);
    rig.told(0, &to, "disk-restored");
    assert!(disk::read(&rig.container, "restored.vhd", None).await == models[0]);
    assert_eq!(rig.told(0, &now, "disk-round")[0]["changed_bytes"], 0);
}

#[tokio::test]
async fn a_killed_restore_is_gone_on_with_by_the_same_command() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 64 << 20).await;
    disk.write(0, &vec![9; 48 << 20]).await;
    let stream = [&PROTECT[..], &["--first", "stream"]].concat();
    rig.told(0, &stream, "disk-round");
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    let at = time(&points[0]);
    let image = rig.machine.text("os.img");
    let image_to = format!("image:{image}");
    // How long it takes when nobody kills it.
    let began = Instant::now();
    rig.told(0, &restore(&at, &format!("{image_to}.first")), "disk-restored");
    let whole = began.elapsed();
    let mut killed = 0;
    for (kill, to) in [image_to.as_str(), RESTORED].into_iter().cycle().take(8).enumerate() {
        let mut run = rig.emulator.command(&rig.machine, &restore(&at, to));
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * (kill as u32 / 2 + 1) / 5 + Duration::from_millis(10));
        run.kill().unwrap();
        killed += u64::from(!run.wait().unwrap().success());
        rig.emulator.forward(&rig.machine, "2m");
    }
    rig.told(0, &restore(&at, &image_to), "disk-restored");
    assert!(fs::read(&image).unwrap() == disk.model);
    rig.told(0, &restore(&at, RESTORED), "disk-restored");
    assert!(disk::read(&rig.container, "restored.vhd", None).await == disk.model);
    let now = ["disk-backup", "run", "os-r1", "--now", "--verify", "full"];
    let round = rig.told(0, &now, "disk-round");
    assert!(round[0]["proven_bytes"].as_u64().unwrap() >= 48 << 20, "{}", round[0]);
    println!("{killed} kills");
    assert!(killed >= 4, "{killed}");

    // What this machine reads of a point is compared with its table on the way.
    rig.told(0, &["disk-backup", "verify", "os"], "disk-verified");
    let to = |name: &str| format!("page-blob:account1/disks/{name}");
    let alone = |to: &str| {
        let words = restore(&at, to).map(str::to_owned).to_vec();
        [words, vec!["--without-backup".to_owned()]].concat()
    };
    let third = alone(&to("third.vhd"));
    let third: Vec<&str> = third.iter().map(String::as_str).collect();
    assert_eq!(rig.told(0, &third, "disk-restored")[0]["compared_with_table"], true);
    assert!(disk::read(&rig.container, "third.vhd", None).await == disk.model);
    other_table(&rig, &at).await;
    let fourth = alone(&to("fourth.vhd"));
    let fourth: Vec<&str> = fourth.iter().map(String::as_str).collect();
    let said = rig.emulator.expect(&rig.machine, 5, &fourth).stderr;
    assert!(said.contains("code: disk-point-differs") && said.contains("is half made"), "{said}");
    let half = rig.container.blob_client("fourth.vhd").get_properties(None).await.unwrap();
    assert!(!half.metadata().unwrap().contains_key("bk_filled"));
}

#[tokio::test]
async fn an_image_is_sparse_and_no_file_is_written_over() {
    let (rig, _, models, points) = two_points(64 << 20).await;
    let (first, last) = (time(&points[0]), time(&points[1]));
    let path = rig.machine.path("os.img");
    let to = format!("image:{}", path.display());
    let made =
        rig.told(0, &[&restore(&last, &to)[..], &["--verify", "full"]].concat(), "disk-restored");
    assert!(fs::read(&path).unwrap() == models[1], "{}", made[0]);
    let blocks = fs::metadata(&path).unwrap().blocks() * 512;
    assert!(blocks < 8 << 20, "{blocks} bytes are on the disk");
    assert!(!fs::exists(rig.machine.path("os.img.part.json")).unwrap());
    // Whoever was killed at the very end finds it done; a file that is something else stays.
    assert_eq!(rig.told(0, &restore(&last, &to), "disk-restored")[0]["was_there"], true);
    assert_eq!(rig.code(4, &restore(&first, &to)), "disk-image-there");
    assert!(fs::read(&path).unwrap() == models[1]);

    // A file that was begun says of which point.
    let other = rig.machine.path("other.img");
    let note = |snapshot: &Value, done: u64| {
        let copy = rig.container.blob_client("backup.vhd").url().to_string();
        let part = fs::metadata(rig.machine.path("other.img.part")).ok().map(|own| own.ino());
        let note = serde_json::json!({"version": 1, "copy": copy, "snapshot": snapshot,
            "bytes": 64 << 20, "done_bytes": done, "inode": part});
        fs::write(rig.machine.path("other.img.part.json"), note.to_string()).unwrap();
    };
    let to = format!("image:{}", other.display());
    note(&points[1]["backup_snapshot"], 0);
    assert_eq!(rig.code(2, &restore(&first, &to)), "disk-image-begun");
    // What the note says is in the file is not read again.
    let mut begun = models[0].clone();
    begun[6 << 20..].fill(0);
    fs::write(rig.machine.path("other.img.part"), &begun).unwrap();
    note(&points[0]["backup_snapshot"], 5 << 20);
    fs::copy(rig.machine.path("other.img.part.json"), rig.machine.path("other.note")).unwrap();
    // Of a run that was killed while it wrote the note.
    fs::write(rig.machine.path("other.img.part.json.4711.new"), "{").unwrap();
    let made = rig.told(0, &restore(&first, &to), "disk-restored");
    assert_eq!(made[0]["read_bytes"], 3 << 20, "{}", made[0]);
    assert!(!rig.machine.path("other.img.part.json.4711.new").exists());
    assert!(fs::read(&other).unwrap() == models[0]);
    // What the note speaks of is not there any more, or is another file: nothing of it is believed.
    fs::remove_file(&other).unwrap();
    let part = rig.machine.path("other.img.part");
    let begin = |content: &[u8]| {
        fs::write(&part, content).unwrap();
        note(&points[0]["backup_snapshot"], 5 << 20);
    };
    begin(&begun);
    fs::remove_file(&part).unwrap();
    rig.told(0, &restore(&first, &to), "disk-restored");
    assert!(fs::read(&other).unwrap() == models[0]);
    fs::remove_file(&other).unwrap();
    begin(&vec![7; 1 << 20]);
    rig.told(0, &restore(&first, &to), "disk-restored");
    assert!(fs::read(&other).unwrap() == models[0]);
    fs::remove_file(&other).unwrap();
    begin(&begun);
    fs::hard_link(&part, rig.machine.path("linked")).unwrap();
    assert_eq!(rig.code(4, &restore(&first, &to)), "disk-image-there");
    fs::remove_file(rig.machine.path("linked")).unwrap();
    fs::rename(&part, rig.machine.path("linked")).unwrap();
    fs::write(&part, &begun).unwrap();
    assert_eq!(rig.code(4, &restore(&first, &to)), "disk-image-there", "another file");
    fs::write(rig.machine.path("third.img.part"), "somebody's").unwrap();
    let third = format!("image:{}", rig.machine.path("third.img").display());
    assert_eq!(rig.code(4, &restore(&first, &third)), "disk-image-there");
    // Nothing beside it leads elsewhere, or keeps anybody waiting.
    let aside = rig.machine.path("aside");
    fs::write(&aside, "somebody's").unwrap();
    for beside in ["fourth.img", "fourth.img.part", "fourth.img.part.json"] {
        let path = rig.machine.path(beside);
        for is_link in [false, true] {
            match is_link {
                false => mkfifoat(CWD, &path, 0o600.into()).unwrap(),
                true => symlink(&aside, &path).unwrap(),
            }
            if beside.ends_with(".part") {
                let note = rig.machine.path("fourth.img.part.json");
                fs::copy(rig.machine.path("other.note"), note).unwrap();
            }
            let fourth = format!("image:{}", rig.machine.path("fourth.img").display());
            let code = rig.code(4, &restore(&first, &fourth));
            assert_eq!(code, "disk-image-there", "{beside}, a link: {is_link}");
            fs::remove_file(&path).unwrap();
            let _ = fs::remove_file(rig.machine.path("fourth.img.part.json"));
        }
    }
    assert_eq!(fs::read_to_string(&aside).unwrap(), "somebody's");
    fs::write(rig.machine.path("fifth.img.part"), "").unwrap();
    fs::write(rig.machine.path("fifth.img.part.json"), "{}").unwrap();
    let fifth = format!("image:{}", rig.machine.path("fifth.img").display());
    let said = rig.emulator.expect(&rig.machine, 2, &restore(&first, &fifth)).stderr;
    assert!(said.contains("disk-image-begun") && said.contains("delete it and "), "{said}");
    let nowhere = format!("image:{}", rig.machine.path("none/os.img").display());
    assert_eq!(rig.code(1, &restore(&first, &nowhere)), "disk-image-file");
}

/// The time that is typed may mean a newer point by the time a killed restore is run again: the one
/// that it was begun with goes on.
#[tokio::test]
async fn a_killed_restore_goes_on_with_its_point_when_a_newer_one_was_made() {
    let (rig, mut disk, models, points) = two_points(16 << 20).await;
    let later = "2999-01-01T00:00:00Z";
    let path = rig.machine.path("late.img").display().to_string();
    let image = format!("image:{path}");
    let whole = rig.emulator.command(&rig.machine, &restore(later, &image));
    let mut killed = std::process::Command::new("prlimit");
    killed.args(["--fsize=1048576", "--core=0"]).arg(whole.get_program());
    killed.args(whole.get_args()).current_dir(rig.machine.path(""));
    killed.envs(whole.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert!(!killed.stdout(Stdio::null()).status().unwrap().success());
    assert!(fs::exists(format!("{path}.part.json")).unwrap());

    let blob = restore(later, RESTORED);
    rig.emulator.mischief(&rig.machine, &["pending-copies"]);
    let mut child =
        rig.emulator.command(&rig.machine, &blob).stdout(Stdio::null()).spawn().unwrap();
    let record = rig.emulator.blob("disks", "azseed/disks/os-r1/record.json");
    assert!(kill_when(&mut child, || record.exists()), "it was not killed");
    rig.emulator.mischief(&rig.machine, &["--clear"]);

    disk.write(9 << 20, &[9; PAGE]).await;
    rig.emulator.forward(&rig.machine, "10m");
    rig.round(&[]);
    let second = time(&points[1]);
    for words in [&restore(later, &image), &blob] {
        let made = rig.told(0, words, "disk-restored").remove(0);
        assert_eq!(made["source_snapshot"], second, "{made}");
    }
    assert!(fs::read(&path).unwrap() == models[1]);
    assert!(disk::read(&rig.container, "restored.vhd", None).await == models[1]);
    let newest = format!("image:{path}.2");
    let made = rig.told(0, &restore(later, &newest), "disk-restored").remove(0);
    assert_ne!(made["source_snapshot"], second, "{made}");
}

#[tokio::test]
async fn a_point_goes_over_the_disk_itself_once_that_is_said_and_the_old_is_kept() {
    let (rig, mut disk, models, points) = two_points(16 << 20).await;
    disk.write(8 << 20, &[5; 2 * PAGE]).await;
    let old = disk.model.clone();
    let first = time(&points[0]);
    let promote = ["disk-backup", "promote", "os", "--at", &first];
    let said = [&promote[..], &["--overwrite", "os"]].concat();
    for words in [&promote[..], &[&promote[..], &["--overwrite", "other"]].concat()] {
        assert_eq!(rig.code(4, words), "disk-not-confirmed");
    }
    assert_eq!(rig.code(4, &[&promote[..], &["--yes"]].concat()), "disk-not-confirmed");
    disk.blob.acquire_lease(-1, None).await.unwrap();
    assert_eq!(rig.code(4, &said), "disk-in-use");
    disk.blob.break_lease(None).await.unwrap();
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1, "nothing was made");
    rig.emulator.forward(&rig.machine, "2m");
    // A run that was killed as soon as it had the disk's lease.
    let record = rig.machine.state().join("disk-backups/os.json");
    let mut own: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    let run = "11111111-2222-4333-8444-555555555555";
    own["run"] = run.into();
    fs::write(&record, own.to_string()).unwrap();
    let lease = BlobClientAcquireLeaseOptions {
        proposed_lease_id: Some(run.to_owned()),
        ..Default::default()
    };
    disk.blob.acquire_lease(60, Some(lease)).await.unwrap();

    let made = rig.told(0, &[&said[..], &["--verify", "full"]].concat(), "disk-promoted");
    let changed = made[0]["changed_bytes"].as_u64().unwrap();
    assert_eq!(changed, (PAGE + 4096) as u64, "only what differs: {}", made[0]);
    assert!(disk::read(&rig.container, "os.vhd", None).await == models[0]);
    let before = made[0]["before"].as_str().unwrap();
    assert!(disk::read(&rig.container, "os.vhd", Some(before)).await == old);
    let round = rig.round(&["--verify", "full"]);
    assert_eq!(round["changed_bytes"], changed, "{round}");
    assert!(disk::read(&rig.container, "os.vhd", Some(before)).await == old, "it stays");
    // Said again it is done, and what the disk was before is still what is named.
    let count = disk::snapshots(&rig.container, "os.vhd").await.len();
    let again = rig.told(0, &said, "disk-promoted");
    assert_eq!((&again[0]["before"], &again[0]["changed_bytes"]), (&before.into(), &0.into()));
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), count);
    // Of a disk that was written to since it is another deed.
    disk.write(8 << 20, &[6; PAGE]).await;
    rig.emulator.forward(&rig.machine, "2m");
    let anew = rig.told(0, &said, "disk-promoted");
    assert_ne!(anew[0]["before"].as_str().unwrap(), before);
    assert!(disk::read(&rig.container, "os.vhd", None).await == models[0]);

    // A disk that says that it is half done is not backed up.
    let mark = HashMap::from([("bk_promoting".to_owned(), "other before".to_owned())]);
    disk.blob.set_metadata(&mark, None).await.unwrap();
    assert_eq!(rig.code(6, &["disk-backup", "run", "os", "--now"]), "disk-promote-unfinished");
    assert_eq!(rig.code(6, &said), "disk-promote-unfinished");
}

/// Has the table of a point say something else of its second block, well formed.
async fn other_table(rig: &Rig, point: &str) -> (BlobClient, Vec<u8>) {
    let name = format!("azseed/disks/os/points/{point}.sha256");
    let blob = rig.container.blob_client(&name);
    let mut table = blob.download(None).await.unwrap().body.collect().await.unwrap().to_vec();
    table[64 + 32] ^= 1;
    let sum = Sha256::digest(&table[64..]);
    table[32..64].copy_from_slice(&sum);
    blob.upload(RequestContent::from(table.clone()), None).await.unwrap();
    (blob, table)
}

#[tokio::test]
async fn a_point_is_proven_by_its_table_when_the_disks_snapshot_is_gone() {
    let (rig, mut disk, _, points) = two_points(16 << 20).await;
    let (first, second) = (time(&points[0]), time(&points[1]));
    disk.write(0, &[8; PAGE]).await;
    rig.round(&[]);
    let verify = |more: &[&str], exit: i32| {
        let words = [&["disk-backup", "verify", "os"][..], more].concat();
        rig.told(exit, &words, "disk-verified")
    };
    let by_table = verify(&["--at", &second], 0).remove(0);
    assert_eq!((&by_table["proven_by"], &by_table["equal"]), (&"table".into(), &true.into()));
    assert!(by_table["compared_bytes"].as_u64().unwrap() >= 3 << 20, "{by_table}");
    let none = rig.code(10, &["disk-backup", "verify", "os", "--at", &first]);
    assert_eq!(none, "disk-table-missing");
    let all = verify(&["--all", "--sample", "30%"], 3);
    let seen: Vec<_> = all.iter().map(|own| own["equal"].as_bool()).collect();
    assert_eq!(seen, [None, Some(true), Some(true)], "what is not proven is said");
    assert_eq!(all[2]["whole"], false);
    let listed = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    assert_eq!(listed[0]["proven_at"], Value::Null);
    assert_eq!(
        (&listed[1]["proven_by"], &listed[1]["proven_whole"]),
        (&"table".into(), &false.into())
    );
    let status = rig.told(0, &["disk-backup", "status", "os"], "disk-backup");
    assert_eq!(status[0]["proven_by"], "source");
    // Points are named by the disk's time, by all commands.
    let status = rig.told(0, &["disk-backup", "status", "os"], "disk-status").remove(0);
    assert_eq!(status["proven_source_snapshot"], listed[2]["source_snapshot"]);

    // A table that says something else, well formed, and one that is none.
    let (blob, mut table) = other_table(&rig, &second).await;
    assert_eq!((&table[..8], table.len()), (&b"azsdpt01"[..], 64 + 4 * 32));
    let found = verify(&["--at", &second], 5).remove(0);
    assert_eq!(found["differences"], serde_json::json!([{"start": 4 << 20, "end": 8 << 20}]));
    // It is not proven any more, and is put over nothing.
    let listed = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    assert_eq!(listed[1]["proven_at"], Value::Null);
    let live = disk::read(&rig.container, "os.vhd", None).await;
    let promote = ["disk-backup", "promote", "os", "--at", &second, "--overwrite", "os"];
    assert_eq!(rig.code(5, &promote), "disk-point-differs");
    assert!(disk::read(&rig.container, "os.vhd", None).await == live);
    let full = [&restore(&second, RESTORED)[..], &["--verify", "full"]].concat();
    assert_eq!(rig.code(5, &full), "disk-point-differs");
    assert!(disk::snapshots(&rig.container, "restored.vhd").await.is_empty());
    // Where the service copies nothing is compared, and that is told with what compares.
    let to = restore(&second, "page-blob:account1/disks/copied.vhd");
    let alone = [&to[..], &["--without-backup"]].concat();
    let said = rig.emulator.expect(&rig.machine, 0, &alone).stdout;
    let line = format!("`azseed disk-backup verify os --at {second}`");
    assert!(
        said.contains("was not compared with its digest table") && said.contains(&line),
        "{said}"
    );
    assert_eq!(rig.told(0, &alone, "disk-restored")[0]["compared_with_table"], false);
    let none = restore(&first, "page-blob:account1/disks/none.vhd");
    let none = rig.told(0, &[&none[..], &["--without-backup"]].concat(), "disk-restored");
    assert_eq!(none[0]["compared_with_table"], Value::Null);
    table[70] ^= 1;
    blob.upload(RequestContent::from(table), None).await.unwrap();
    let code = rig.code(5, &["disk-backup", "verify", "os", "--at", &second]);
    assert_eq!(code, "disk-table-damaged");
    // It keeps nobody from the points after it, and what is found of each is kept.
    rig.round(&[]);
    let all = verify(&["--all"], 5);
    let seen: Vec<_> = all.iter().map(|own| own["equal"].as_bool()).collect();
    assert_eq!(seen, [None, None, None, Some(true)]);
    let damaged: Vec<_> = all.iter().map(|own| own["table_damaged"].as_bool().unwrap()).collect();
    assert_eq!(damaged, [false, true, false, false]);
    let listed = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    assert!(listed[3]["proven_at"].is_string(), "{}", listed[3]);
    let said = rig.emulator.expect(&rig.machine, 5, &["disk-backup", "verify", "os", "--all"]);
    assert!(said.stdout.contains("was not proven: The digest table "), "{}", said.stdout);
}
