//! A disk's backup on the emulator, seen from outside: what the first copy and each round send, that
//! every point is the disk as it was, what is refused, and that a killed run is gone on with.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::disk_rig::{PROTECT, Rig};
use crate::support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use azure_core::http::request::RequestContent;
use azure_storage_blobs::models::{
    BlobClientCreateSnapshotOptions, BlobClientCreateSnapshotResultHeaders,
    BlobClientGetPropertiesResultHeaders,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use support::disk::{self, Disk, PAGE};
use support::emulator::Emulator;
use support::key::container;
use support::program::{Machine, said};

#[tokio::test]
async fn each_round_sends_what_changed_and_every_point_is_the_disk_as_it_was() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 16 << 20).await;
    disk.write(0, &[1; 8 * PAGE]).await;
    disk.write(9 << 20, &vec![2; 5 << 20]).await;
    disk.write(64 * PAGE, &[0; PAGE]).await;
    let mut models = vec![disk.model.clone()];
    let first = rig.told(0, &[&PROTECT[..], &["--every", "1d"]].concat(), "disk-round");
    // The service has copied what the disk has written, and that is told.
    let copied = ((5 << 20) + 9 * PAGE) as u64;
    let told = (&first[0]["first"], &first[0]["changed_bytes"], &first[0]["by_service"]);
    assert_eq!(told, (&true.into(), &copied.into(), &true.into()));

    // Rewritten with the same bytes, cleared, cleared and rewritten, grown, shrunk, nothing at all.
    disk.write(0, &[1; PAGE]).await;
    disk.clear(2 * PAGE, 2 * PAGE).await;
    disk.clear(4 * PAGE, PAGE).await;
    disk.write(4 * PAGE, &[7; PAGE]).await;
    models.push(disk.model.clone());
    let round = rig.round(&["--verify", "full"]);
    let bytes = |round: &Value, field: &str| round[field].as_u64().unwrap();
    assert_eq!(bytes(&round, "changed_bytes"), 2 * PAGE as u64, "{round}");
    assert_eq!(bytes(&round, "cleared_bytes"), 2 * PAGE as u64, "{round}");
    assert!(bytes(&round, "proven_bytes") >= 5 << 20, "{round}");

    disk.resize(20 << 20).await;
    disk.write((20 << 20) - PAGE, &[3; PAGE]).await;
    models.push(disk.model.clone());
    rig.round(&["--verify", "changed"]);
    disk.resize(12 << 20).await;
    models.push(disk.model.clone());
    rig.round(&[]);
    models.push(disk.model.clone());
    assert_eq!(bytes(&rig.round(&[]), "requests"), 0, "a point is a point");

    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    assert_eq!(points.len(), models.len());
    for (point, model) in points.iter().zip(&models) {
        let id = point["backup_snapshot"].as_str().unwrap();
        let content = disk::read(&rig.container, "backup.vhd", Some(id)).await;
        assert!(content == *model, "{point}");
    }
    let kept = disk::snapshots(&rig.container, "os.vhd").await;
    assert_eq!(kept.len(), 1, "only the baseline is left on the source: {kept:?}");
    let verified = rig.told(0, &["disk-backup", "verify", "os"], "disk-verified");
    assert_eq!(verified[0]["equal"], true);
    let status = rig.told(0, &["disk-backup", "status", "os"], "disk-status");
    assert_eq!((&status[0]["points"], &status[0]["pending"]), (&5.into(), &Value::Null));
    assert_eq!(status[0]["baseline"].as_str(), Some(kept[0].as_str()));
    assert_eq!((&status[0]["has_baseline"], &status[0]["leased"]), (&true.into(), &false.into()));
    // What the copy holds is what its own list of pages says; what only points hold is what prune would
    // free of all of them.
    let billed = status[0]["copy_bytes"].as_u64().unwrap();
    assert!(billed > 3 << 20 && billed < 4 << 20, "{}", status[0]);
    // The cleared pages, those that were written over, and what was cut off.
    let only = (2 + 1 + 1) * PAGE as u64 + 2 * (1 << 20) + PAGE as u64;
    assert_eq!(status[0]["points_bytes"].as_u64(), Some(only), "{}", status[0]);
    let idle = rig.told(0, &["disk-backup", "run"], "disk-round");
    assert_eq!(idle[0]["outcome"], "not-due");
    let again = [&PROTECT[..], &["--every", "1d"]].concat();
    assert_eq!(rig.told(0, &again, "disk-round").len(), 0, "it is protected already");
    stopped_rounds(&rig, &disk).await;
}

/// A round that was stopped is gone on with before the next one is due, unless somebody is at it.
async fn stopped_rounds(rig: &Rig, disk: &Disk) {
    let run = || rig.told(0, &["disk-backup", "run"], "disk-round").remove(0);
    let list = rig.told(0, &["disk-backup", "list"], "disk-backup").remove(0);
    let taken = async || {
        let owner = [("bk_owner".to_owned(), list["id"].as_str().unwrap().to_owned())].into();
        let options =
            BlobClientCreateSnapshotOptions { metadata: Some(owner), ..Default::default() };
        disk.blob.create_snapshot(Some(options)).await.unwrap().snapshot().unwrap().unwrap()
    };
    // Stopped before it could say that it had taken a snapshot, and after that.
    let first = taken().await;
    assert_eq!(run()["source_snapshot"], first.as_str());
    assert_eq!(run()["outcome"], "not-due");
    let second = taken().await;
    let copy = rig.container.blob_client("backup.vhd");
    let mut says = copy.get_properties(None).await.unwrap().metadata().unwrap();
    says.insert("bk_pending".to_owned(), second.clone());
    says.insert("bk_mode".to_owned(), "service".to_owned());
    copy.set_metadata(&says, None).await.unwrap();
    let said = rig.emulator.expect(&rig.machine, 0, &["disk-backup", "status", "os"]).stdout;
    assert!(
        said.contains("stopped: to ") && said.contains("`azseed disk-backup run os`"),
        "{said}"
    );
    copy.acquire_lease(15, None).await.unwrap();
    assert_eq!(run()["outcome"], "not-due", "another machine is at it");
    rig.emulator.forward(&rig.machine, "2m");
    let round = run();
    assert_eq!((&round["source_snapshot"], &round["resumed"]), (&second.into(), &true.into()));
    assert_eq!(run()["outcome"], "not-due");
}

#[tokio::test]
async fn what_cannot_be_backed_up_is_refused_by_name_before_anything_is_made() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    let block = rig.container.blob_client("block.vhd");
    let content = RequestContent::from(b"a block blob".to_vec());
    block.upload(content, None).await.unwrap();
    let protect = |name: &'static str, source: &'static str, to: &'static str| {
        ["disk-backup", "protect", name, "--source", source, "--to", to]
    };
    let os = "page-blob:account1/disks/os.vhd";
    for (source, to, exit, code) in [
        ("page-blob:account1/disks/none.vhd", "account1/disks", 10, "disk-source-missing"),
        ("page-blob:account1/disks/block.vhd", "account1/disks", 4, "disk-no-page-blob"),
        (os, "account1/disks/os.vhd", 2, "disk-target-is-source"),
        (os, "account1/disks/block.vhd", 4, "disk-target-foreign"),
        ("managed-disk:/subscriptions/x", "account1/disks", 2, "disk-source-word"),
        ("page-blob:account1/disks", "account1/disks", 2, "disk-source-word"),
        (os, "account1", 2, "disk-target-word"),
        (os, "account1/disks/azseed/lock", 2, "disk-target-word"),
    ] {
        assert_eq!(rig.code(exit, &protect("one", source, to)), code, "{source} {to}");
    }
    rig.emulator.expect(&rig.machine, 2, &[&PROTECT[..], &["--every", "9m"]].concat());
    assert_eq!(rig.code(10, &["disk-backup", "status", "one"]), "disk-backup-unknown");
    assert!(disk::snapshots(&rig.container, "os.vhd").await.is_empty());
    assert!(!rig.machine.state().join("disk-backups").exists());

    rig.told(0, &PROTECT, "disk-round");
    // A setting for images is none for this disk, and keeps nobody from its backup.
    let mut vhd = rig.emulator.command(&rig.machine, &PROTECT);
    let heard = said(vhd.env("AZSEED_VHD", "add").output().unwrap());
    let idle = "AZSEED_VHD is not used: it has no meaning for this disk";
    assert!(heard.code == 0 && heard.stderr.contains(idle), "{}", heard.stderr);
    let other = [&PROTECT[..], &["--every", "2h"]].concat();
    assert_eq!(rig.code(2, &other), "disk-backup-other");
    // Somebody deletes the snapshot that the copy holds: only a whole new copy goes on.
    let kept = disk::snapshots(&rig.container, "os.vhd").await;
    disk::drop_snapshot(&rig.container, "os.vhd", &kept[0]).await;
    let now = ["disk-backup", "run", "os", "--now"];
    assert_eq!(rig.code(6, &now), "disk-baseline-lost");
    // How much that is stands on the screen before it begins.
    let ahead = rig.told(0, &[&now[..], &["--full"]].concat(), "disk-first-copy");
    assert_eq!((ahead.len(), ahead[0]["bytes"].as_u64()), (1, Some(1 << 20)));
    let list = rig.told(0, &["disk-backup", "list"], "disk-backup");
    assert_eq!(list[0]["target"], "account1/disks/backup.g2.vhd");
    assert_eq!(disk::snapshots(&rig.container, "backup.vhd").await.len(), 1, "the old one stays");

    // The disk is overwritten as a whole: the service tells no difference.
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[2; PAGE]).await;
    assert_eq!(rig.code(6, &now), "disk-difference-refused");
    let quiet = [&now[..], &["--full", "--quiet"]].concat();
    let quiet = rig.emulator.expect(&rig.machine, 0, &quiet);
    assert_eq!(quiet.stderr, "", "that a whole new copy is made is nothing that went wrong");
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    let id = points.last().unwrap()["backup_snapshot"].as_str().unwrap();
    let content = disk::read(&rig.container, "backup.g3.vhd", Some(id)).await;
    assert!(content == disk.model);

    // What another machine made is taken over by its own metadata.
    rig.told(0, &["disk-backup", "release", "os"], "disk-released");
    let again = protect("os", os, "account1/disks/backup.g3.vhd");
    assert_eq!(rig.told(0, &again, "disk-round").len(), 0);
    rig.round(&[]);
}

#[tokio::test]
async fn snapshots_are_taken_and_deleted_by_hand_and_what_a_backup_needs_stays() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    rig.told(0, &PROTECT, "disk-round");
    let source = ["--source", "page-blob:account1/disks/os.vhd"];
    let told = |code, verb: &str, more: &[&str]| {
        let words = [&["disk-backup", "snapshot", verb][..], &source, more].concat();
        rig.told(code, &words, "disk-snapshot")
    };
    let made = told(0, "create", &[]).remove(0);
    assert_eq!((&made["deed"], &made["owner"]), (&"made".into(), &Value::Null));
    let all = told(0, "list", &[]);
    assert_eq!((all.len(), &all[0]["owner"], &all[1]["owner"]), (2, &"os".into(), &Value::Null));
    let (baseline, own) =
        (all[0]["snapshot"].as_str().unwrap(), all[1]["snapshot"].as_str().unwrap());
    let delete = |exit, at: &str, more: &[&str]| {
        let words = ["disk-backup", "snapshot", "delete", "--at", at];
        rig.code(exit, &[&words[..], &source, more].concat())
    };
    assert_eq!(delete(4, baseline, &["--yes"]), "disk-snapshot-needed");
    assert_eq!(delete(2, own, &[]), "needs-yes");
    // A second is none, and what shows them is said.
    let short = format!("{}Z", own.split('.').next().unwrap());
    assert_eq!(delete(10, &short, &["--yes"]), "disk-snapshot-missing");
    let words = [&["disk-backup", "snapshot", "delete", "--at", &short, "--yes"][..], &source];
    let said = rig.emulator.expect(&rig.machine, 10, &words.concat()).stderr;
    let line = said.split('`').nth(1).unwrap();
    let shown = rig.told(0, &line.split(' ').skip(1).collect::<Vec<_>>(), "disk-snapshot");
    assert_eq!(shown.len(), 2, "{line}");
    for image in ["image:/srv/os.raw", "image:os.raw"] {
        let image = ["disk-backup", "snapshot", "list", "--source", image];
        assert_eq!(rig.code(4, &image), "disk-no-page-blob");
    }
    // A snapshot by hand is in no round's way.
    disk.write(0, &[2; PAGE]).await;
    rig.round(&[]);
    assert_eq!(told(0, "delete", &["--at", own, "--yes"])[0]["deed"], "deleted");
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1);
}

#[tokio::test]
async fn a_copy_by_the_service_is_waited_for_and_begun_anew_when_it_fails() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(PAGE, &[1; PAGE]).await;
    rig.emulator.mischief(&rig.machine, &["failed-copies:1"]);
    assert_eq!(rig.code(13, &[&PROTECT[..], &["--first", "copy"]].concat()), "disk-copy-failed");
    rig.emulator.mischief(&rig.machine, &["pending-copies:3"]);
    let made = rig.told(0, &[&PROTECT[..], &["--first", "copy"]].concat(), "disk-round");
    let id = made[0]["backup_snapshot"].as_str().unwrap();
    assert!(disk::read(&rig.container, "backup.vhd", Some(id)).await == disk.model);
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1, "it was taken up");
}

#[tokio::test]
async fn ten_killed_runs_lose_nothing_and_the_same_command_goes_on() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 8 << 20).await;
    disk.write(0, &vec![9; 4 << 20]).await;
    let stream = [&PROTECT[..], &["--first", "stream"]].concat();
    let mut models = Vec::new();
    let mut killed = 0;
    let mut whole = Duration::from_millis(150);
    for kill in 0..10_u32 {
        if kill == 2 {
            // The first runs may have been killed before their record was there.
            rig.emulator.expect(&rig.machine, 0, &stream);
            let began = Instant::now();
            rig.round(&[]);
            whole = began.elapsed();
            models.push(disk.model.clone());
        }
        for page in 0..8 {
            let at = ((kill as usize * 37 + page * 211) % 16_000) * PAGE;
            disk.write(at, &[kill as u8 + 1; PAGE]).await;
        }
        let words = match kill {
            0 | 1 => &stream[..],
            _ => &["disk-backup", "run", "os", "--now"][..],
        };
        let mut run = rig.emulator.command(&rig.machine, words);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Each later into its run, so that most steps are met by one of them.
        std::thread::sleep(whole * (kill + 1) / 12);
        run.kill().unwrap();
        match run.wait().unwrap().success() {
            false => killed += 1,
            // The machine has got faster since that was measured.
            true => whole = whole * 2 / 3,
        }
        // A run that was killed before it took the lease over does not know whose it is; it ends.
        rig.emulator.forward(&rig.machine, "2m");
        models.push(disk.model.clone());
    }
    rig.round(&[]);
    let last = rig.round(&["--verify", "full"]);
    assert_eq!(last["resumed"], false);
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    models.push(disk.model.clone());
    for point in &points {
        let id = point["backup_snapshot"].as_str().unwrap();
        let content = disk::read(&rig.container, "backup.vhd", Some(id)).await;
        assert!(models.contains(&content), "{point} was never so");
    }
    let id = points.last().unwrap()["backup_snapshot"].as_str().unwrap();
    assert!(disk::read(&rig.container, "backup.vhd", Some(id)).await == disk.model);
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1, "no baseline too many");
    println!("{killed} kills, {} points, 0 lost", points.len());
    assert!(killed >= 5, "{killed}");
}

#[tokio::test]
async fn two_runs_at_once_take_turns_and_a_foreign_lease_is_broken_only_when_that_is_said() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    rig.told(0, &PROTECT, "disk-round");
    let lock = rig.machine.state().join("locks/disk-os.lock");
    let held = fs::File::open(&lock).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let now = ["disk-backup", "run", "os", "--now"];
    assert_eq!(rig.code(11, &now), "disk-backup-busy");
    drop(held);
    let copy = rig.container.blob_client("backup.vhd");
    copy.acquire_lease(-1, None).await.unwrap();
    disk.write(PAGE, &[2; PAGE]).await;
    rig.round(&["--break-lease"]);
    let verified = rig.told(0, &["disk-backup", "verify", "os"], "disk-verified");
    assert_eq!(verified[0]["equal"], true);

    // Somebody writes to the copy: no point is made of that. Where its last point went too nobody can
    // know; what differs is told then, and mended by nobody.
    let mut other = Disk { blob: copy, model: vec![0; 1 << 20] };
    other.write(4096, &[9; PAGE]).await;
    assert_eq!(rig.code(6, &now), "disk-copy-changed");
    for point in &disk::snapshots(&rig.container, "backup.vhd").await[1..] {
        disk::drop_snapshot(&rig.container, "backup.vhd", point).await;
    }
    let run = rig.emulator.expect(&rig.machine, 0, &["disk-backup", "run", "os", "--now"]);
    let gone = "the last one, is gone: somebody deleted its snapshot";
    assert!(run.stderr.contains(gone) && run.stderr.contains("made anew"), "{}", run.stderr);
    let said = rig.told(5, &["disk-backup", "verify", "os"], "disk-verified");
    assert_eq!(said[0]["differences"], serde_json::json!([{"start": 4096, "end": 4608}]));

    // Another blob stands in the copy's place and says the same of itself: no point is made of it.
    for point in disk::snapshots(&rig.container, "backup.vhd").await {
        disk::drop_snapshot(&rig.container, "backup.vhd", &point).await;
    }
    let says = other.blob.get_properties(None).await.unwrap().metadata().unwrap();
    let other = Disk::create(&rig.container, "backup.vhd", 1 << 20).await;
    other.blob.set_metadata(&says, None).await.unwrap();
    for words in [
        &now[..],
        &["disk-backup", "list"],
        &["disk-backup", "list", "os"],
        &["disk-backup", "status", "os"],
    ] {
        assert_eq!(rig.code(10, words), "disk-points-gone", "{words:?}");
    }
    assert!(disk::snapshots(&rig.container, "backup.vhd").await.is_empty());
    rig.round(&["--full", "--verify", "full"]);
}

#[tokio::test]
async fn a_disk_of_another_account_is_opened_by_a_key_or_a_signature_of_its_own() {
    let machine = Machine::new();
    let emulator = Emulator::start_with(&machine, &["--account", "account2"]);
    let client = container(&emulator, "disks");
    client.create(None).await.unwrap();
    let mut disk = Disk::create(&client, "os.vhd", 1 << 20).await;
    disk.write(4096, &[4; PAGE]).await;
    // A folder is a container.
    let folder = emulator.data().join("blobs/account2/backup");
    fs::create_dir_all(&folder).unwrap();
    let secret = |name: &str, text: String| {
        fs::write(machine.path(name), text).unwrap();
        fs::set_permissions(machine.path(name), Permissions::from_mode(0o600)).unwrap();
        machine.text(name)
    };
    let key = |account: &str| BASE64_STANDARD.encode(&emulator.key_of(account).key);
    let (one, two) = (secret("one.key", key("account1")), secret("two.key", key("account2")));
    let sas = secret("one.sas", emulator.account_sas());
    let protect = |source_key: &str| {
        let (source, to) = ("page-blob:account1/disks/os.vhd", "account2/backup");
        let words = ["disk-backup", "protect", "os", "--source", source, "--to", to];
        let more = ["--diff", "client", "--source-account-key-file", source_key];
        emulator.run(&machine, &[&words[..], &more, &["--account-key-file", &two]].concat())
    };
    let said = protect(&two);
    assert_eq!(said.code, 12, "the wrong key: {}", said.stderr);
    assert!(said.stderr.contains("`--source-account-key-file`"), "{}", said.stderr);
    let said = protect(&one);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(fs::read(folder.join("os.vhd")).unwrap() == disk.model);
    let said = emulator.run(&machine, &["disk-backup", "run", "--now", "--account-key-file", &two]);
    assert_eq!(said.code, 12, "{}", said.stderr);
    assert!(said.stderr.contains("`--source-account-key-file`"), "{}", said.stderr);
    disk.clear(4096, PAGE).await;
    disk.write(8192, &[5; PAGE]).await;
    let run =
        ["disk-backup", "run", "--now", "--source-sas-file", &sas, "--account-key-file", &two];
    emulator.expect(&machine, 0, &run);
    assert!(fs::read(folder.join("os.vhd")).unwrap() == disk.model);
    for file in [&one, &two, &sas] {
        let secret = fs::read_to_string(file).unwrap();
        let record = fs::read_to_string(machine.state().join("disk-backups/os.json")).unwrap();
        assert!(!record.contains(secret.trim()), "{file}");
    }
}

#[tokio::test]
async fn a_disk_whose_snapshots_cannot_be_read_goes_by_a_copy_beside_it() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 8 << 20).await;
    disk.write(0, &vec![1; 5 << 20]).await;
    rig.told(0, &PROTECT, "disk-round");
    disk.write(2 << 20, &[2; PAGE]).await;
    rig.emulator.mischief(&rig.machine, &["unread-snapshots"]);
    let round = rig.round(&[]);
    assert_eq!(round["changed_bytes"], PAGE as u64, "{round}");
    // A copy that a killed run has left, of another snapshot, is no hindrance.
    let record = fs::read_to_string(rig.machine.state().join("disk-backups/os.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let scratch = format!("azseed/scratch-{}", record["id"].as_str().unwrap());
    Disk::create(&rig.container, &scratch, 512).await;
    disk.write(3 << 20, &[3; PAGE]).await;
    let model = disk.model.clone();
    rig.emulator.mischief(&rig.machine, &["pending-copies:2"]);
    assert_eq!(rig.round(&[])["changed_bytes"], PAGE as u64);
    let gone = rig.container.blob_client(&scratch).get_properties(None).await;
    assert!(gone.is_err(), "it goes with the round");
    rig.emulator.mischief(&rig.machine, &["--clear"]);
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    let id = points.last().unwrap()["backup_snapshot"].as_str().unwrap();
    assert!(disk::read(&rig.container, "backup.vhd", Some(id)).await == model);
    assert_eq!(rig.told(0, &["disk-backup", "verify", "os"], "disk-verified")[0]["equal"], true);
}

#[tokio::test]
async fn rules_of_premium_disks_are_told_and_pages_that_come_late_are_refused() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    for (mischief, code) in
        [("snapshot-rate", "disk-snapshot-rate"), ("snapshot-count", "disk-snapshot-count")]
    {
        rig.emulator.mischief(&rig.machine, &[mischief]);
        assert_eq!(rig.code(13, &PROTECT), code);
    }
    rig.told(0, &PROTECT, "disk-round");
    rig.emulator.mischief(&rig.machine, &["late-duplicates"]);
    let mut models = vec![disk.model.clone()];
    for byte in 2..5 {
        disk.write(0, &[byte; 3 * PAGE]).await;
        models.push(disk.model.clone());
        rig.round(&[]);
        disk.clear(PAGE, PAGE).await;
        models.push(disk.model.clone());
        rig.round(&["--verify", "full"]);
    }
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    for (point, model) in points.iter().zip(&models) {
        let id = point["backup_snapshot"].as_str().unwrap();
        assert!(disk::read(&rig.container, "backup.vhd", Some(id)).await == *model, "{point}");
    }
    // The base too is what it was brought to, not what came late.
    assert!(disk::read(&rig.container, "backup.vhd", None).await == disk.model);
}

/// Before anything is made: how much the first copy is, how long it takes at best, what stays behind.
#[tokio::test]
async fn what_the_first_copy_takes_and_leaves_behind_is_told_before_it() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 8 << 20).await;
    disk.write(0, &vec![1; 3 << 20]).await;
    disk.blob.create_snapshot(None).await.unwrap();
    let told = rig.emulator.expect(&rig.machine, 0, &PROTECT).stdout;
    for words in [
        "The first copy: 3.15 MB of 8.39 MB are written now. At best it takes less than a minute",
        "a page blob takes 62.9 MB a second",
        "Not copied along of the disk: 1 snapshot that it has by now, its lease, its access tier",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let first = told.lines().position(|line| line.starts_with("The first copy"));
    let point = told.lines().position(|line| line.starts_with("First point"));
    assert!(first < point, "{told}");
    let again = rig.emulator.expect(&rig.machine, 0, &PROTECT).stdout;
    assert!(!again.contains("first copy") && !again.contains("Not copied"), "{again}");
    let image = rig.machine.path("data.raw");
    fs::write(&image, vec![2; 70 << 20]).unwrap();
    let source = format!("image:{}", image.display());
    let words = ["disk-backup", "protect", "data", "--source", &source, "--to", "account1/disks"];
    let ahead = rig.told(0, &words, "disk-first-copy").remove(0);
    assert_eq!((&ahead["written_bytes"], &ahead["least_secs"]), (&(70 << 20).into(), &2.into()));
    let help = rig.machine.expect(0, &["disk-backup", "protect", "--help"]).stdout;
    assert!(help.contains("Not copied along: snapshots that the disk has already"), "{help}");
}
