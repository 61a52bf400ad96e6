//! Runs of `prune`, `promote`, `restore` and of the way round unreadable snapshots, killed anywhere, on the
//! emulator: the same command goes on, no point is wrong, nothing is left behind. Two machines, and a
//! service that is busy.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::disk_rig::{PROTECT, Rig};
use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::disk::{self, Disk, PAGE};
use support::program::Machine;

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

/// Promotes and restores are killed, each later into its work; the same command goes on.
#[tokio::test]
async fn killed_promotes_and_restores_are_gone_on_with_and_make_what_the_point_is() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 24 << 20).await;
    disk.write(0, &vec![1; 18 << 20]).await;
    rig.told(0, &[&PROTECT[..], &["--first", "stream"]].concat(), "disk-round");
    let mut models = vec![disk.model.clone()];
    disk.write(0, &vec![2; 17 << 20]).await;
    rig.round(&[]);
    models.push(disk.model.clone());
    let points = check(&rig, &models).await;
    let times = [0, 1].map(|at| text(&points[at], "source_snapshot").to_owned());
    let mut kills = [0, 0, 0];
    for kill in 0..7_u32 {
        let at = kill as usize % 2;
        let promote = ["disk-backup", "promote", "os", "--at", &times[at], "--overwrite", "os"];
        let blob = format!("page-blob:account1/disks/r{kill}.vhd");
        let file = rig.machine.text(&format!("r{kill}.img"));
        let image = format!("image:{file}");
        let restore = ["disk-backup", "restore", "os", "--at", &times[at], "--to"];
        let to_blob = [&restore[..], &[&blob]].concat();
        let to_image = [&restore[..], &[&image]].concat();
        for (which, words) in [&promote[..], &to_blob, &to_image].into_iter().enumerate() {
            let end = Instant::now() + Duration::from_millis(u64::from(60 + 45 * kill));
            kills[which] += u32::from(killed(&rig, words, || {
                std::thread::sleep(Duration::from_millis(1));
                Instant::now() >= end
            }));
            // Half of a disk is no point: what is not whole says so.
            if which == 0 {
                let run = rig.emulator.run(&rig.machine, &["disk-backup", "run", "os", "--now"]);
                assert!([0, 6].contains(&run.code), "{}", run.stderr);
            }
            rig.emulator.expect(&rig.machine, 0, words);
        }
        disk.model.clone_from(&models[at]);
        assert!(disk::read(&rig.container, "os.vhd", None).await == models[at], "{kill}");
        let made = disk::read(&rig.container, &format!("r{kill}.vhd"), None).await;
        assert!(made == models[at] && fs::read(&file).unwrap() == models[at], "{kill}");
        let round = rig.round(&["--verify", "full"]);
        let id = text(&round, "backup_snapshot");
        assert!(disk::read(&rig.container, "backup.vhd", Some(id)).await == models[at]);
    }
    check(&rig, &models).await;
    println!("{kills:?} kills of promotes, restores to a blob and to an image");
    assert!(kills.iter().all(|own| *own >= 2), "{kills:?}");
}

/// Two machines have one backup. The one is stopped in mid-round for longer than its lease lasts,
/// the other goes on and ends the round; woken, the first one writes nothing and says why.
#[tokio::test]
async fn of_two_machines_the_one_that_was_stopped_for_long_writes_nothing_when_it_wakes() {
    for more in [&["--first", "stream"][..], &["--transfer", "server"]] {
        let rig = Rig::new().await;
        let other = Machine::new();
        let mut disk = Disk::create(&rig.container, "os.vhd", 48 << 20).await;
        disk.write(0, &vec![1; 44 << 20]).await;
        rig.told(0, &[&PROTECT[..], more].concat(), "disk-round");
        rig.emulator.expect(&other, 0, &PROTECT);
        disk.write(0, &vec![2; 44 << 20]).await;
        let now = ["disk-backup", "run", "os", "--now"];
        let mut run = rig.emulator.command(&rig.machine, &now);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let copy = rig.emulator.blob("disks", "backup.vhd");
        // Its first pages are there: it is in the middle.
        let is_begun = || {
            let mut first = [0; PAGE];
            fs::File::open(&copy).unwrap().read_exact(&mut first).unwrap();
            first == [2; PAGE] || fs::read(&copy).unwrap().contains(&2)
        };
        while !is_begun() {
            assert!(run.try_wait().unwrap().is_none(), "it was too fast");
        }
        let id = rustix::process::Pid::from_child(&run);
        rustix::process::kill_process(id, rustix::process::Signal::STOP).unwrap();
        rig.emulator.forward(&rig.machine, "2m");
        let said = rig.emulator.expect(&other, 0, &[&now[..], &["--json"]].concat());
        assert!(said.stdout.contains("\"resumed\":true"), "{}", said.stdout);
        // And one round more, so that what comes late would be seen.
        disk.write(0, &vec![3; 44 << 20]).await;
        rig.emulator.expect(&other, 0, &now);
        rustix::process::kill_process(id, rustix::process::Signal::CONT).unwrap();
        let ended = run.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(11), "{stderr}");
        assert!(stderr.contains("disk-lease-lost"), "{stderr}");
        assert!(fs::read(&copy).unwrap() == disk.model, "it wrote nothing");
        // The woken machine goes on when it is asked to.
        disk.write(0, &[4; PAGE]).await;
        let round = rig.round(&["--verify", "full"]);
        assert_eq!(round["changed_bytes"], PAGE as u64, "{round}");
        assert_eq!(rig.told(0, &["disk-backup", "list", "os"], "disk-point").len(), 4);
        assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1);
    }
}

/// A service that is busy, in both ways that it has for it: a round waits for it, longer than five tries
/// of each call too, and says so; where patience ends it ends, and the same command goes on.
#[tokio::test]
async fn a_round_gets_through_a_burst_of_429_or_503_and_goes_on_after_a_storm() {
    for (more, kind, long) in [
        (&["--first", "stream"][..], "retry-after-seconds", 60),
        (&["--transfer", "server"], "burst-503", 0),
    ] {
        let rig = Rig::new().await;
        let mut disk = Disk::create(&rig.container, "os.vhd", 64 << 20).await;
        disk.write(0, &vec![1; 9 << 20]).await;
        rig.told(0, &[&PROTECT[..], more].concat(), "disk-round");
        let storms = [(2, 4, "1m", 0), (3, long, "10m", 0), (4, 400, "3s", 14)];
        let storms = storms.into_iter().filter(|storm| storm.1 > 0);
        let count = storms.clone().count();
        for (byte, times, patience, code) in storms {
            disk.write(0, &vec![byte; 60 << 20]).await;
            let now = ["disk-backup", "run", "os", "--now", "--json", "--patience", patience];
            let mut run = rig.emulator.command(&rig.machine, &now);
            let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // Eight calls at a time are under way when it begins.
            let copy = rig.emulator.blob("disks", "backup.vhd");
            let end = Instant::now() + Duration::from_secs(30);
            while !fs::read(&copy).unwrap().contains(&byte) && Instant::now() < end {}
            rig.emulator.mischief(&rig.machine, &[&format!("{kind}:{times}")]);
            if times == long {
                // Longer than a lease lives, which nobody else has taken.
                rig.emulator.forward(&rig.machine, "2m");
            }
            let ended = run.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
            assert_eq!(ended.status.code(), Some(code), "{said}");
            let struck = rig.emulator.mischief(&rig.machine, &[]);
            rig.emulator.mischief(&rig.machine, &["--clear"]);
            let last = struck.iter().find(|own| text(own, "what") == kind).unwrap();
            let struck = last["struck"].as_u64().unwrap();
            assert!(struck >= 4 && (times != long || struck == long), "it met it: {last}");
            let is_told =
                said.contains("\"type\":\"warning\"") && said.contains(" has been busy for ");
            assert!(is_told || times != long, "{said}");
            if code == 14 {
                rig.emulator.forward(&rig.machine, "2m");
                assert_eq!(rig.round(&["--verify", "full"])["resumed"], true);
            }
            assert!(fs::read(&copy).unwrap() == disk.model);
        }
        assert_eq!(rig.told(0, &["disk-backup", "list", "os"], "disk-point").len(), count + 1);
        assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1);
    }
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
    // A kill in the midst of writing lets the copy be compared with its own snapshot, which nobody can
    // read here either.
    rig.emulator.mischief(&rig.machine, &["--clear"]);
    rig.round(&[]);
    rig.emulator.mischief(&rig.machine, &["unread-snapshots"]);
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
