//! One disk and several machines: how it is backed up stands beside its copy, and all go on by it; a
//! lost disk and a lost machine; records that cannot be used. Seen from outside, on the emulator.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::disk_rig::{PROTECT, Rig};
use crate::support;

use std::fs;
use std::path::PathBuf;

use rustix::fs::{CWD, mkfifoat};
use serde_json::Value;
use support::disk::{self, Disk, PAGE};
use support::played::{Played, reply};
use support::program::Machine;

const LATER: &str = "2999-01-01T00:00:00Z";

/// The record beside the copy.
fn shared(rig: &Rig, name: &str) -> PathBuf {
    rig.emulator.data().join(format!("blobs/account1/disks/azseed/disks/{name}/record.json"))
}

fn read(path: &PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn edit(path: &PathBuf, change: impl FnOnce(&mut Value)) {
    let mut own = read(path);
    change(&mut own);
    fs::write(path, serde_json::to_vec_pretty(&own).unwrap()).unwrap();
}

/// The rig of another machine at the same Azure, while `f` works with it.
fn elsewhere<T>(rig: &mut Rig, other: &mut Machine, f: impl FnOnce(&Rig) -> T) -> T {
    std::mem::swap(&mut rig.machine, other);
    let done = f(rig);
    std::mem::swap(&mut rig.machine, other);
    done
}

async fn points(count: u8) -> (Rig, Disk) {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    rig.told(0, &PROTECT, "disk-round");
    for at in 1..count {
        disk.write(PAGE, &[at + 1; PAGE]).await;
        rig.round(&["--verify", "full"]);
    }
    (rig, disk)
}

fn list(rig: &Rig) -> usize {
    rig.told(0, &["disk-backup", "list", "os"], "disk-point").len()
}

#[tokio::test]
async fn what_one_machine_was_told_holds_on_all_and_nothing_else_is_taken_in_silence() {
    let (mut rig, _disk) = points(4).await;
    Disk::create(&rig.container, "second.vhd", 1 << 20).await;
    let mut other = Machine::new();
    let record = shared(&rig, "os");
    let before = fs::read(&record).unwrap();
    elsewhere(&mut rig, &mut other, |rig| {
        for more in [
            &["--every", "6h"][..],
            &["--transfer", "server"],
            &["--diff", "client"],
            &["--first", "stream"],
            &["--engine", "full-copy"],
            &["--keep-last", "2"],
        ] {
            let words = [&PROTECT[..], more].concat();
            assert_eq!(rig.code(2, &words), "disk-backup-other", "{more:?}");
        }
        let said =
            rig.emulator.expect(&rig.machine, 2, &[&PROTECT[..], &["--every", "6h"]].concat());
        assert!(said.stderr.contains("--every is 6h, and its record has 12h"), "{}", said.stderr);
        assert!(said.stderr.contains("`azseed disk-backup set os`"), "{}", said.stderr);
        assert!(said.stderr.contains("a backup of another name"), "{}", said.stderr);
        // Another disk, or another copy, under the same name would write the record over.
        let to = "account1/disks/elsewhere.vhd";
        for source in [PROTECT[4], "page-blob:account1/disks/second.vhd"] {
            let words = ["disk-backup", "protect", "os", "--source", source, "--to", to];
            assert_eq!(rig.code(2, &words), "disk-backup-other", "{source}");
        }
        assert!(!rig.machine.state().join("disk-backups").exists());
        rig.told(0, &PROTECT, "disk-backup");
    });
    assert_eq!(fs::read(&record).unwrap(), before, "it was taken as it is");
    // To forget it here would not change that, and is no advice.
    let said =
        rig.emulator.expect(&rig.machine, 2, &[&PROTECT[..], &["--diff", "client"]].concat());
    assert!(said.stderr.contains("a backup of another name"), "{}", said.stderr);
    assert!(!said.stderr.contains("release"), "{}", said.stderr);

    // What is set is there at once, and no record from before prunes by itself or is written over it.
    rig.told(0, &["disk-backup", "set", "os", "--keep-last", "20", "--every", "1d"], "disk-backup");
    assert_eq!(read(&record)["keep"]["last"], 20);
    let prune = ["disk-backup", "prune", "os", "--yes"];
    elsewhere(&mut rig, &mut other, |rig| {
        let local = rig.machine.state().join("disk-backups/os.json");
        edit(&local, |own| own["keep"] = serde_json::json!({"last": 2}));
        let none = rig.told(0, &prune, "disk-pruned").remove(0);
        assert_eq!((&none["requests"], &none["kept"]), (&0.into(), &4.into()), "{none}");
        let listed = rig.told(0, &["disk-backup", "list"], "disk-backup").remove(0);
        assert_eq!((&listed["every_secs"], &listed["keep_last"]), (&86_400.into(), &20.into()));
        assert_eq!(rig.told(0, &["disk-backup", "run"], "disk-round")[0]["outcome"], "not-due");
        rig.told(0, &["disk-backup", "set", "os", "--keep-last", "3"], "disk-backup");
    });
    assert_eq!(read(&record)["every_secs"], 86_400, "what was not said stays");
    let gone = rig.told(0, &prune, "disk-pruned").remove(0);
    assert_eq!((&gone["kept"], list(&rig)), (&3.into(), 3), "{gone}");
    elsewhere(&mut rig, &mut other, |rig| rig.round(&[]));
    let own = read(&record);
    assert_eq!((&own["keep"]["last"], &own["every_secs"]), (&3.into(), &86_400.into()));
    // Where the copy cannot be asked, what this machine knows is told as that, and nothing is due.
    for words in [["disk-backup", "list"], ["disk-backup", "run"]] {
        let mut run =
            rig.emulator.command(&rig.machine, &[&words[..], &["--patience", "1s"]].concat());
        let said = run.env("AZSEED_BLOB_ENDPOINT", "https://127.0.0.1:9").output().unwrap();
        let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.success(), "{stderr}");
        let is_told = stderr.contains("What other machines have done is not known");
        assert_eq!(is_told, words[1] == "list", "{stderr}");
    }
    // A record of a newer program is left alone by all.
    edit(&record, |own| own["version"] = 9.into());
    for words in [&prune[..], &["disk-backup", "run", "os", "--now"], &["disk-backup", "list"]] {
        assert_eq!(rig.code(4, words), "disk-record-newer", "{words:?}");
    }
}

#[tokio::test]
async fn a_copy_belongs_to_one_backup_and_no_other_name_takes_it_over() {
    for engine in ["diff", "full-copy", "incremental-copy"] {
        let mut rig = Rig::new().await;
        let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
        disk.write(0, &[1; PAGE]).await;
        let more = ["--engine", engine];
        rig.told(0, &[&PROTECT[..], &more].concat(), "disk-round");
        let second = [&["disk-backup", "protect", "second"][..], &PROTECT[3..], &more].concat();
        let refused = |rig: &Rig| {
            assert_eq!(rig.code(4, &second), "disk-target-of-other", "{engine}");
            assert!(!rig.machine.state().join("disk-backups/second.json").exists());
            assert!(!shared(rig, "second").exists());
        };
        refused(&rig);
        let mut other = Machine::new();
        elsewhere(&mut rig, &mut other, |rig| {
            refused(rig);
            // The line that it says goes on with it.
            let said = rig.emulator.expect(&rig.machine, 4, &second).stderr;
            let line = said.split('`').nth(1).unwrap().to_owned();
            let words: Vec<&str> = line.split(' ').skip(1).collect();
            rig.told(0, &words, "disk-backup");
            assert_eq!(list(rig), 1);
        });
        // Its record beside the copy is lost, and the one of this machine says it.
        let record = fs::read(shared(&rig, "os")).unwrap();
        fs::remove_file(shared(&rig, "os")).unwrap();
        refused(&rig);
        // No record says whose it is any more: whoever comes goes on with it.
        rig.told(0, &["disk-backup", "release", "os"], "disk-released");
        if engine == "diff" {
            let id = serde_json::from_slice::<Value>(&record).unwrap()["id"].clone();
            let taken = rig.told(0, &second, "disk-backup").remove(0);
            assert_eq!(taken["id"], id);
            assert_eq!(rig.code(4, &PROTECT), "disk-target-of-other");
            // Where an older program has made two of one, no point goes by the rules of either.
            rig.told(0, &["disk-backup", "run", "second", "--now"], "disk-round");
            rig.told(0, &["disk-backup", "set", "second", "--keep-last", "1"], "disk-backup");
            fs::create_dir_all(shared(&rig, "os").parent().unwrap()).unwrap();
            fs::write(shared(&rig, "os"), &record).unwrap();
            let prune = ["disk-backup", "prune", "second", "--yes"];
            assert_eq!(rig.code(4, &prune), "disk-target-of-other");
            fs::remove_file(shared(&rig, "os")).unwrap();
            let pruned = rig.told(0, &prune, "disk-pruned").remove(0);
            assert_eq!(pruned["kept"], 1);
        }
    }
}

#[tokio::test]
async fn a_page_to_log_in_at_is_no_answer_of_the_service() {
    let (rig, _disk) = points(2).await;
    let record = fs::read(rig.machine.state().join("disk-backups/os.json")).unwrap();
    let page = "content-type: text/html\r\nserver: Filter\r\n";
    for status in [200, 201, 404, 412] {
        let played =
            Played::start(move |_, to| reply(to, status, page, b"<html>sign in here</html>"));
        let image = format!("image:{}", rig.machine.text("page.img"));
        for words in [
            &["disk-backup", "list", "os"][..],
            &["disk-backup", "status", "os"],
            &["disk-backup", "prune", "--yes"],
            &["disk-backup", "restore", "os", "--at", LATER, "--to", &image],
            &["disk-backup", "verify", "os"],
            &["disk-backup", "run", "os", "--now"],
            &["disk-backup", "set", "os", "--every", "1d"],
            &[&["disk-backup", "protect", "web"][..], &PROTECT[3..]].concat(),
        ] {
            let mut run = rig.emulator.command(&rig.machine, &[words, &["--json"]].concat());
            run.env("AZSEED_BLOB_ENDPOINT", played.url("")).env("AZSEED_CA_FILE", played.ca_file());
            let said = run.output().unwrap();
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            assert_eq!(said.status.code(), Some(14), "{status} {words:?}: {text}");
            assert!(text.contains("\"azure-answer\""), "{status} {words:?}: {text}");
            assert!(text.contains("page of the network"), "{status} {words:?}: {text}");
        }
        assert!(!rig.machine.path("page.img").exists());
    }
    assert_eq!(fs::read(rig.machine.state().join("disk-backups/os.json")).unwrap(), record);
    assert!(!rig.machine.state().join("disk-backups/web.json").exists());
    assert_eq!(list(&rig), 2);
}

#[tokio::test]
async fn two_machines_that_change_a_record_at_once_lose_nothing() {
    let (mut rig, _disk) = points(1).await;
    let mut other = Machine::new();
    elsewhere(&mut rig, &mut other, |rig| rig.told(0, &PROTECT, "disk-backup"));
    let before = read(&shared(&rig, "os"))["revision"].as_u64().unwrap();
    for turn in 1..=4 {
        let every = format!("{}h", turn + 1);
        let keep = turn.to_string();
        let set = |machine: &Machine, words: [&str; 2]| {
            let words = [&["disk-backup", "set", "os"][..], &words].concat();
            rig.emulator.command(machine, &words).spawn().unwrap()
        };
        let both = [set(&rig.machine, ["--every", &every]), set(&other, ["--keep-last", &keep])];
        for mut one in both {
            assert!(one.wait().unwrap().success());
        }
        let own = read(&shared(&rig, "os"));
        let is = (own["every_secs"].as_u64(), own["keep"]["last"].as_u64());
        assert_eq!(is, (Some((turn + 1) * 3600), Some(turn)), "{own}");
        assert_eq!(own["revision"].as_u64(), Some(before + 2 * turn), "{own}");
    }
}

#[tokio::test]
async fn a_whole_new_copy_of_one_machine_is_the_copy_of_all() {
    let (mut rig, mut disk) = points(1).await;
    let mut other = Machine::new();
    elsewhere(&mut rig, &mut other, |rig| rig.told(0, &PROTECT, "disk-backup"));
    let kept = disk::snapshots(&rig.container, "os.vhd").await;
    disk::drop_snapshot(&rig.container, "os.vhd", &kept[0]).await;
    disk.write(0, &[7; PAGE]).await;
    rig.round(&["--full"]);
    elsewhere(&mut rig, &mut other, |rig| {
        let image = rig.machine.text("os.img");
        let to = format!("image:{image}");
        rig.told(0, &["disk-backup", "restore", "os", "--at", LATER, "--to", &to], "disk-restored");
        assert!(fs::read(&image).unwrap() == disk.model, "the newest point");
        let status = rig.told(0, &["disk-backup", "status", "os"], "disk-status").remove(0);
        assert_eq!((&status["has_baseline"], &status["points"]), (&true.into(), &2.into()));
        rig.told(0, &["disk-backup", "verify", "os"], "disk-verified");
        rig.round(&[]);
        assert_eq!(list(rig), 3);
    });
}

#[tokio::test]
async fn points_of_a_disk_that_is_gone_are_restored_by_a_machine_that_knew_nothing() {
    for more in [&[][..], &["--engine", "full-copy"], &["--engine", "incremental-copy"]] {
        let rig = Rig::new().await;
        let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
        disk.write(0, &[1; PAGE]).await;
        rig.told(0, &[&PROTECT[..], more].concat(), "disk-round");
        rig.round(&["--verify", "full"]);
        let mut rig = Rig { machine: Machine::new(), ..rig };
        for own in disk::snapshots(&rig.container, "os.vhd").await {
            disk::drop_snapshot(&rig.container, "os.vhd", &own).await;
        }
        disk.blob.delete(None).await.unwrap();
        let restored = |rig: &Rig, name: &str| {
            let image = rig.machine.text(name);
            let to = format!("image:{image}");
            let words = ["disk-backup", "restore", "os", "--at", LATER, "--to", &to];
            rig.told(0, &words, "disk-restored");
            assert!(fs::read(&image).unwrap() == disk.model);
        };
        for name in ["one.img", "two.img"] {
            let said = rig.emulator.expect(&rig.machine, 3, &PROTECT);
            assert!(said.stderr.contains("os.vhd is gone: no point was made"), "{}", said.stderr);
            assert!(said.stdout.contains("`azseed disk-backup list os`"), "{}", said.stdout);
            assert_eq!(list(&rig), 2);
            rig.told(0, &["disk-backup", "status", "os"], "disk-status");
            restored(&rig, name);
            let proven = rig.told(0, &["disk-backup", "verify", "os"], "disk-verified").remove(0);
            assert_eq!(proven["proven_by"], "table", "{proven}");
            // That there is nothing to back up is told as what it is.
            let said =
                rig.emulator.expect(&rig.machine, 10, &["disk-backup", "run", "os", "--now"]);
            assert!(!said.stdout.contains("backs no disk up"), "{}", said.stdout);
            rig.told(0, &["disk-backup", "release", "os"], "disk-released");
        }
        // By the copies alone.
        if !more.contains(&"incremental-copy") {
            fs::remove_file(shared(&rig, "os")).unwrap();
            rig.emulator.expect(&rig.machine, 3, &[&PROTECT[..], more].concat());
            restored(&rig, "three.img");
        }
        let mut other = Machine::new();
        let never = ["disk-backup", "protect", "never", "--source", PROTECT[4], "--to"];
        let never = [&never[..], &["account1/disks/never.vhd"]].concat();
        elsewhere(&mut rig, &mut other, |rig| {
            assert_eq!(rig.code(10, &never), "disk-source-missing");
        });
    }
}

#[tokio::test]
async fn the_same_path_on_another_machine_is_another_disk() {
    let mut rig = Rig::new().await;
    let raw = rig.machine.text("data.raw");
    fs::write(&raw, vec![3; 1 << 20]).unwrap();
    let source = format!("image:{raw}");
    let protect = ["disk-backup", "protect", "os", "--source", &source, "--to", "account1/disks"];
    rig.told(0, &protect, "disk-round");
    let record = shared(&rig, "os");
    let host = read(&record)["image"]["host"].clone();
    assert!(!host["name"].as_str().unwrap().is_empty(), "{host}");
    let strange = |own: &mut Value| {
        own["image"]["host"]["name"] = "hosta".into();
        own["revision"] = (own["revision"].as_u64().unwrap() + 1).into();
    };
    edit(&record, strange);
    let before = fs::read(&record).unwrap();
    let now = ["disk-backup", "run", "os", "--now"];
    // Who has backed it up until now finds it taken over by hosta; who comes now is told whose it is.
    assert_eq!(rig.code(2, &now), "disk-backup-other");
    let mut other = Machine::new();
    elsewhere(&mut rig, &mut other, |rig| {
        let said = rig.emulator.expect(&rig.machine, 2, &protect);
        assert!(said.stderr.contains("by the machine hosta as os"), "{}", said.stderr);
        assert!(said.stderr.contains("code: disk-backup-other"), "{}", said.stderr);
        assert!(!rig.machine.state().join("disk-backups").exists());
    });
    assert_eq!(fs::read(&record).unwrap(), before);
    // Its points are anybody's to restore; that this machine replaces hosta is said.
    assert_eq!(list(&rig), 1);
    rig.told(0, &[&protect[..], &["--yes"]].concat(), "disk-backup");
    assert_eq!(read(&record)["image"]["host"], host);
    rig.round(&[]);
    // What this machine has sent of a round is nothing to go by once others may go on with it.
    let log = rig.machine.state().join("disk-backups/os.run");
    fs::write(&log, "azseed-run 1 none\n").unwrap();
    rig.told(0, &["disk-backup", "release", "os"], "disk-released");
    assert!(!log.exists());
    rig.told(0, &protect, "disk-backup");
    // One of an older program says nothing of it, and is taken over.
    edit(&record, |own| own["image"]["host"] = Value::Null);
    elsewhere(&mut rig, &mut other, |rig| rig.told(0, &protect, "disk-backup"));
    assert_eq!(read(&record)["image"]["host"], host);

    // The machine is lost with its image: another one restores, and takes nothing over.
    edit(&record, strange);
    let model = fs::read(&raw).unwrap();
    fs::remove_file(&raw).unwrap();
    let mut third = Machine::new();
    elsewhere(&mut rig, &mut third, |rig| {
        rig.emulator.expect(&rig.machine, 3, &protect);
        let image = rig.machine.text("os.img");
        let to = format!("image:{image}");
        rig.told(0, &["disk-backup", "restore", "os", "--at", LATER, "--to", &to], "disk-restored");
        assert!(fs::read(&image).unwrap().starts_with(&model));
        assert_eq!(rig.code(2, &now), "disk-backup-other");
    });
    assert_eq!(read(&record)["image"]["host"]["name"], "hosta");
}

#[tokio::test]
async fn one_record_that_cannot_be_used_keeps_no_other_disk_from_its_backup() {
    let (rig, _disk) = points(1).await;
    let web = ["disk-backup", "protect", "web", "--source", PROTECT[4], "--to"];
    let web = [&web[..], &["account1/disks/web.vhd"]].concat();
    rig.told(0, &web, "disk-round");
    let folder = rig.machine.state().join("disk-backups");
    let (own, local) = (folder.join("os.json"), folder.join("web.json"));
    let whole = fs::read(&local).unwrap();
    let now = ["disk-backup", "run", "--now"];
    let code = "disk-record-damaged";
    for broken in [&b""[..], &whole[..whole.len() / 2], &fs::read(&own).unwrap()] {
        fs::write(&local, broken).unwrap();
        let said = rig.emulator.expect(&rig.machine, 4, &now);
        assert!(!said.stdout.contains("backs no disk up"), "{}", said.stdout);
        for (words, kind) in [
            (&now[..], "disk-round"),
            (&["disk-backup", "list"], "disk-backup"),
            (&["disk-backup", "prune", "--dry-run"], "disk-pruned"),
        ] {
            let told = rig.told(4, words, kind);
            assert!(told.len() == 1 && told[0]["name"] == "os", "{words:?}: {told:?}");
            assert_eq!(rig.code(4, words), code);
        }
        let said = rig.emulator.expect(&rig.machine, 4, &["disk-backup", "status", "web"]);
        assert!(!said.stderr.contains("drive") && said.stderr.contains(code), "{}", said.stderr);
        // Either mends it, and all is as it was.
        let released = rig.told(0, &["disk-backup", "release", "web"], "disk-released");
        assert_eq!(released[0]["target"], Value::Null);
        assert_eq!(rig.code(10, &["disk-backup", "status", "web"]), "disk-backup-unknown");
        fs::write(&local, broken).unwrap();
        rig.told(0, &web, "disk-backup");
        assert_eq!(read(&local)["id"], serde_json::from_slice::<Value>(&whole).unwrap()["id"]);
        rig.told(0, &now, "disk-round");
    }
    // What is no file keeps nobody waiting, and no other disk from its backup.
    fs::remove_file(&local).unwrap();
    for is_folder in [false, true] {
        match is_folder {
            true => fs::create_dir(&local).unwrap(),
            false => mkfifoat(CWD, &local, 0o600.into()).unwrap(),
        }
        assert_eq!(rig.told(4, &now, "disk-round").len(), 1, "a folder: {is_folder}");
        assert_eq!(rig.code(4, &["disk-backup", "status", "web"]), code);
        match is_folder {
            true => fs::remove_dir(&local).unwrap(),
            false => drop(rig.told(0, &["disk-backup", "release", "web"], "disk-released")),
        }
    }
    fs::write(&local, &whole).unwrap();
    // What a newer program wrote is neither read nor written nor thrown away.
    edit(&local, |own| own["version"] = 7.into());
    let before = fs::read(&local).unwrap();
    for words in [
        &["disk-backup", "run", "web", "--now"][..],
        &["disk-backup", "set", "web", "--every", "1d"],
        &["disk-backup", "release", "web"],
        &web,
    ] {
        assert_eq!(rig.code(4, words), "disk-record-newer", "{words:?}");
    }
    assert_eq!(fs::read(&local).unwrap(), before);
    assert_eq!(rig.told(4, &now, "disk-round").len(), 1, "the other has its turn");
}

#[tokio::test]
async fn a_restore_with_another_wish_is_refused_and_each_new_disk_has_a_name_of_its_own() {
    let (mut rig, _disk) = points(1).await;
    let restore = |to: &'static str, more: &[&'static str]| {
        [&["disk-backup", "restore", "os", "--at", LATER, "--to", to][..], more].concat()
    };
    let to = "page-blob:account1/disks/restored.vhd";
    let made = rig.told(0, &restore(to, &[]), "disk-restored").remove(0);
    assert_eq!(made["backup_name"], "os-r1");
    // It has the point that it was restored from, by all commands.
    for (words, at) in [(&["disk-backup", "list"][..], 1), (&["disk-backup", "status", "os-r1"], 0)]
    {
        let own = rig.told(0, words, "disk-backup").remove(at);
        assert_eq!(own["last_source_snapshot"], made["source_snapshot"], "{own}");
    }
    let said = rig.emulator.expect(&rig.machine, 0, &["disk-backup", "list"]).stdout;
    assert!(!said.contains("no point yet"), "{said}");
    for more in [&["--without-backup"][..], &["--backup-name", "foo"]] {
        assert_eq!(rig.code(2, &restore(to, more)), "disk-backup-other", "{more:?}");
        let image = restore("image:os.img", more);
        assert_eq!(rig.code(2, &image), "flag-without-meaning", "{more:?}");
    }
    assert!(!rig.machine.path("os.img").exists());
    let again = rig.told(0, &restore(to, &["--backup-name", "os-r1"]), "disk-restored").remove(0);
    assert_eq!(again["was_there"], true);
    // The backup of the new disk is known beside its copy, and another machine's has another name.
    assert_eq!(read(&shared(&rig, "os-r1"))["restored"]["is_whole"], true);
    let mut other = Machine::new();
    elsewhere(&mut rig, &mut other, |rig| {
        rig.told(0, &PROTECT, "disk-backup");
        let to = "page-blob:account1/disks/second.vhd";
        let named = restore(to, &["--backup-name", "os-r1"]);
        assert_eq!(rig.code(2, &named), "disk-backup-other");
        let said = rig.emulator.expect(&rig.machine, 2, &named).stderr;
        assert!(said.contains("name another with `--backup-name`"), "{said}");
        let made = rig.told(0, &restore(to, &[]), "disk-restored").remove(0);
        assert_eq!(made["backup_name"], "os-r2");
        // What another machine has made, or begun, is gone on with under its name.
        let to = "page-blob:account1/disks/restored.vhd";
        let same = rig.told(0, &restore(to, &[]), "disk-restored").remove(0);
        assert_eq!((&same["backup_name"], &same["was_there"]), (&"os-r1".into(), &true.into()));
    });
}

#[tokio::test]
async fn a_copy_that_is_not_what_its_last_point_is_makes_no_point_and_a_new_one_is_made_when_asked()
{
    let (rig, mut disk) = points(2).await;
    let now = ["disk-backup", "run", "os", "--now"];
    let full = ["disk-backup", "run", "os", "--full"];
    let copy = |name| Disk { blob: rig.container.blob_client(name), model: vec![0; 1 << 20] };
    copy("backup.vhd").write(8192, &[9; PAGE]).await;
    for words in [&now[..], &[&now[..], &["--verify", "full"]].concat()] {
        assert_eq!(rig.code(6, words), "disk-copy-changed");
    }
    assert_eq!(list(&rig), 2, "no wrong point");
    // It acts when it is asked for, and not when its time has come.
    let made = rig.told(0, &[&full[..], &["--verify", "full"]].concat(), "disk-round").remove(0);
    assert_eq!(made["outcome"], "point");
    disk.write(768 << 10, &[7; PAGE]).await;
    rig.round(&["--verify", "full"]);
    // Cut off, and given its length back.
    for (bytes, name) in [(512 << 10, "backup.g2.vhd"), (1 << 20, "backup.g2.vhd")] {
        copy(name).resize(bytes).await;
        assert_eq!(rig.code(6, &now), "disk-copy-changed", "{bytes}");
    }
    rig.told(0, &full, "disk-round");
    // Nothing says any more whose it is: its points are there, and there is a way on.
    let blob = rig.container.blob_client("backup.g3.vhd");
    blob.set_metadata(&[("foo".to_owned(), "bar".to_owned())].into(), None).await.unwrap();
    assert_eq!(rig.code(4, &now), "disk-target-foreign");
    let said = rig.emulator.expect(&rig.machine, 0, &["disk-backup", "status", "os"]);
    assert!(said.stdout.contains("`azseed disk-backup run os --full`"), "{}", said.stdout);
    rig.told(0, &full, "disk-round");
    assert_eq!(rig.told(0, &["disk-backup", "list"], "disk-backup")[0]["generation"], 4);
    // Asked for, it is made of a copy that is sound too.
    rig.told(0, &full, "disk-round");
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    assert_eq!(points.last().unwrap()["generation"], 5);

    // All copies are deleted, with all points: that is told, by all that look.
    for name in ["backup.vhd", "backup.g2.vhd", "backup.g3.vhd", "backup.g4.vhd", "backup.g5.vhd"] {
        for own in disk::snapshots(&rig.container, name).await {
            disk::drop_snapshot(&rig.container, name, &own).await;
        }
        rig.container.blob_client(name).delete(None).await.unwrap();
    }
    for words in [
        &["disk-backup", "list"][..],
        &["disk-backup", "list", "os"],
        &["disk-backup", "status", "os"],
        &["disk-backup", "prune", "--yes"],
        &["disk-backup", "verify", "os"],
        &["disk-backup", "restore", "os", "--at", LATER, "--to", "image:os.img"],
        &now,
    ] {
        assert_eq!(rig.code(10, words), "disk-copy-gone", "{words:?}");
    }
    rig.told(0, &full, "disk-round");
    assert_eq!(list(&rig), 1);
}

#[tokio::test]
async fn an_image_is_not_emptied_nor_restored_in_silence_nor_kept_waiting_by_a_clock() {
    let rig = Rig::new().await;
    let raw = rig.machine.text("data.raw");
    fs::write(&raw, vec![3; 1 << 20]).unwrap();
    let source = format!("image:{raw}");
    let protect = ["disk-backup", "protect", "os", "--source", &source, "--to", "account1/disks"];
    rig.told(0, &protect, "disk-round");
    // A clock that was ahead when the last point was made.
    let local = rig.machine.state().join("disk-backups/os.json");
    for record in [&local, &shared(&rig, "os")] {
        edit(record, |own| own["last"]["at"] = LATER.into());
    }
    let run = ["disk-backup", "run"];
    assert_eq!(rig.told(0, &run, "disk-round")[0]["outcome"], "point");
    assert_eq!(rig.told(0, &run, "disk-round")[0]["outcome"], "not-due");
    fs::write(&raw, "").unwrap();
    assert_eq!(rig.code(4, &["disk-backup", "run", "os", "--now"]), "disk-image-length");
    // Whatever is wrong with a point, its digest table tells it of the file that was made of it.
    let table = |point: &Value| {
        let time = point["source_snapshot"].as_str().unwrap();
        let folder = rig.emulator.data().join("blobs/account1/disks/azseed/disks/os/points");
        folder.join(format!("{time}.sha256"))
    };
    let all = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    fs::write(&raw, vec![4; 1 << 20]).unwrap();
    rig.round(&[]);
    // Less than half of what it was: a point is made, and it is told.
    fs::write(&raw, vec![4; 400 << 10]).unwrap();
    let now = ["disk-backup", "run", "os", "--now"];
    let said = rig.emulator.expect(&rig.machine, 3, &now);
    assert!(said.stdout.contains("Point of os"), "{}", said.stdout);
    assert!(said.stderr.contains("code: disk-image-shrunk"), "{}", said.stderr);
    assert_eq!(rig.told(0, &now, "disk-round")[0]["outcome"], "point", "it is told once");
    fs::write(&raw, vec![4; 1 << 20]).unwrap();
    // Another device is at the path: no point is made of it until that is said.
    for record in [&local, &shared(&rig, "os")] {
        edit(record, |own| own["image"]["seen"]["device"] = "WD-1".into());
    }
    let before = list(&rig);
    let said = rig.emulator.expect(&rig.machine, 4, &now).stderr;
    assert!(said.contains("code: disk-image-other") && said.contains("WD-1"), "{said}");
    assert_eq!(list(&rig), before);
    assert_eq!(rig.code(4, &protect), "disk-image-other");
    let line = said.split('`').nth(1).unwrap();
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    assert_eq!(words.last(), Some(&"--yes"), "{line}");
    rig.emulator.expect(&rig.machine, 0, &words);
    rig.round(&[]);
    let points = rig.told(0, &["disk-backup", "list", "os"], "disk-point");
    fs::copy(table(&all[0]), table(points.last().unwrap())).unwrap();
    let to = format!("image:{}", rig.machine.text("os.img"));
    let restore = ["disk-backup", "restore", "os", "--at", LATER, "--to", &to];
    for _ in 0..2 {
        assert_eq!(rig.code(5, &restore), "disk-point-differs");
    }
    // A table that is none stops nobody.
    fs::write(table(points.last().unwrap()), "none").unwrap();
    rig.told(0, &restore, "disk-restored");
}
