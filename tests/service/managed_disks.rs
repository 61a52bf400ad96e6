//! Backups of managed disks on the emulator, seen from outside: what each round sends, that every point
//! and every restored disk is the disk as it was, that no access stays open and no address that opens
//! one is told, and what the program does when somebody else has a hand in it.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jiff::Span;
use jiff::civil::DateTime;
use reqwest::Method;
use serde_json::{Value, json};
use support::arm::{Arm, SUBSCRIPTION};
use support::emulator::Emulator;
use support::program::{Machine, Said, files_below};

const PAGE: usize = 512;
const MIB: usize = 1 << 20;
/// The time in a snapshot's name.
const NAMED_AT: &str = "%Y%m%dT%H%M%SZ";

/// The resource id of a disk or snapshot.
fn id(kind: &str, name: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/{kind}/{name}"
    )
}

/// The disk as a word of the command line.
fn word(name: &str) -> String {
    format!("managed-disk:{}", id("disks", name))
}

struct Rig {
    machine: Machine,
    emulator: Emulator,
    arm: Arm,
    /// What the disk holds, footer and all.
    model: Vec<u8>,
}

impl Rig {
    /// A disk of so many MiB that holds something in its first.
    fn new(mib: usize, more: &[&str]) -> Self {
        let machine = Machine::new();
        let emulator = Emulator::start(&machine).by_key();
        let arm = Arm::of(&emulator);
        let mut rig = Rig { machine, emulator, arm, model: Vec::new() };
        rig.make("os", mib, more);
        rig.write("os", 0, &[1; 8 * PAGE]);
        rig.model = rig.held("os");
        rig
    }

    fn stage(&self, words: &[&str]) -> Said {
        let data = self.emulator.data().to_str().unwrap();
        self.machine.expect(0, &[&["emulator", "disk"], words, &["--data", data]].concat())
    }

    fn make(&self, name: &str, mib: usize, more: &[&str]) {
        let size = format!("{mib}Mi");
        self.stage(&[&["set", name, "--size", &size], more].concat());
    }

    /// Writes into a disk as its machine would.
    fn write(&self, name: &str, offset: usize, content: &[u8]) {
        let path = self.machine.path("written");
        fs::write(&path, content).unwrap();
        let offset = offset.to_string();
        self.stage(&["write", name, "--file", path.to_str().unwrap(), "--offset", &offset]);
    }

    /// The same with the disk that is backed up; its model follows.
    fn change(&mut self, offset: usize, content: &[u8]) {
        self.write("os", offset, content);
        self.model[offset..offset + content.len()].copy_from_slice(content);
    }

    fn world(&self) -> Value {
        serde_json::from_slice(&fs::read(self.emulator.data().join("meta/recovery.json")).unwrap())
            .unwrap()
    }

    /// All bytes of a disk.
    fn held(&self, name: &str) -> Vec<u8> {
        let world = self.world();
        let disks = world["disks"].as_array().unwrap();
        let disk = disks.iter().find(|own| own["name"] == name).unwrap();
        let id = disk["id"].as_str().unwrap();
        let path = self.emulator.data().join("blobs/manageddisks").join(id).join("disk.vhd");
        // What is not touched yet has no bytes of its own.
        if !path.exists() {
            self.write(name, 0, &[0; PAGE]);
        }
        fs::read(path).unwrap()
    }

    /// Names of the disks' snapshots.
    fn snapshots(&self) -> Vec<String> {
        let world = self.world();
        let all = world["snapshots"].as_array().unwrap();
        all.iter().map(|own| own["name"].as_str().unwrap().to_owned()).collect()
    }

    /// What is open at the moment.
    fn open(&self) -> Vec<Value> {
        let path = self.emulator.data().join("meta/disk-grants.json");
        fs::read(path).map_or(Vec::new(), |text| serde_json::from_slice(&text).unwrap_or_default())
    }

    fn call(&self, method: Method, path: &str) -> u16 {
        let request = self.arm.with_token(method, &format!("{path}?api-version=2024-03-02"));
        self.arm.send(request).status
    }

    /// Snapshots of other disks that have the names which ours would get in the next while; the first
    /// name that is left. A disk may have seven in five minutes.
    fn take_coming_names(&self) -> String {
        let last = self.snapshots().pop().unwrap();
        let (label, time) = last.rsplit_once('-').unwrap();
        let time = DateTime::strptime(NAMED_AT, time).unwrap();
        let region = &self.world()["disks"][0]["region"];
        let name = |ahead: i64| {
            let time = (time + Span::new().seconds(ahead)).strftime(NAMED_AT);
            format!("{label}-{time}")
        };
        for ahead in 1..=84 {
            let disk = format!("other{}", (ahead - 1) / 7);
            if ahead % 7 == 1 {
                self.make(&disk, 1, &[]);
            }
            let source = id("disks", &disk);
            let body = json!({"location": region, "properties": {"incremental": true,
                "creationData": {"createOption": "Copy", "sourceResourceId": source}}});
            let path = format!("{}?api-version=2024-03-02", id("snapshots", &name(ahead)));
            let request = self.arm.with_token(Method::PUT, &path);
            let request = request.header("content-type", "application/json").body(body.to_string());
            let told = self.arm.send(request);
            assert!([200, 202].contains(&told.status), "{}", told.text);
        }
        name(85)
    }

    fn told(&self, code: i32, words: &[&str], kind: &str) -> Vec<Value> {
        let said = self.emulator.expect(&self.machine, code, &[words, &["--json"]].concat());
        let all = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|own| own["type"] == kind).collect()
    }

    fn code(&self, exit: i32, words: &[&str]) -> String {
        let said = self.emulator.expect(&self.machine, exit, &[words, &["--json"]].concat());
        let all = format!("{}{}", said.stdout, said.stderr);
        let all = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut errors = all.filter(|own| own["type"] == "error");
        errors.next().unwrap()["code"].as_str().unwrap().to_owned()
    }

    fn protect(&self, more: &[&str]) -> Vec<Value> {
        let source = word("os");
        let words = ["disk-backup", "protect", "os", "--source", &source, "--to"];
        self.told(0, &[&words[..], &["account1/backup"], more].concat(), "disk-round")
    }

    fn round(&self, name: &str, more: &[&str]) -> Value {
        let words = [&["disk-backup", "run", name, "--now"], more].concat();
        self.told(0, &words, "disk-round").remove(0)
    }

    fn points(&self) -> Vec<Value> {
        self.told(0, &["disk-backup", "list", "os"], "disk-point")
    }

    /// The bytes of a point, as the service keeps them.
    fn point(&self, point: &Value) -> Vec<u8> {
        let name = format!("{}.data", point["backup_snapshot"].as_str().unwrap());
        let folder = self.emulator.data().join("meta/blobs/account1/backup");
        let found: Vec<PathBuf> = walkdir::WalkDir::new(folder)
            .into_iter()
            .flatten()
            .filter(|own| own.file_name().to_str() == Some(&name))
            .map(|own| own.path().to_owned())
            .collect();
        assert_eq!(found.len(), 1, "{name}");
        fs::read(&found[0]).unwrap()
    }

    fn begun(&self, words: &[&str]) -> Child {
        let mut run = self.emulator.command(&self.machine, words);
        run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Begins a run and stops it as soon as something is open.
    fn stopped(&self, words: &[&str]) -> Child {
        let run = self.begun(words);
        let end = Instant::now() + Duration::from_secs(30);
        while self.open().is_empty() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        signal(&run, rustix::process::Signal::STOP);
        assert!(!self.open().is_empty(), "it was too fast, or never begun");
        run
    }
}

fn signal(run: &Child, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_child(run);
    rustix::process::kill_process(id, signal).unwrap();
}

#[test]
fn every_point_is_the_disk_as_it_was_and_a_restored_disk_goes_on_from_there() {
    let mut rig = Rig::new(24, &["--sku", "Premium_LRS"]);
    rig.change(9 * MIB, &vec![2; 5 * MIB]);
    let mut models = vec![rig.model.clone()];
    let first = rig.protect(&[]);
    assert_eq!(first[0]["first"], true);
    // Azure tells ids in any case.
    let loud = format!("managed-disk:{}", id("disks", "os").to_uppercase());
    let words = ["disk-backup", "protect", "os", "--source", &loud, "--to", "account1/backup"];
    assert_eq!(rig.told(0, &words, "disk-round").len(), 0, "it is the same disk");
    rig.change(4 * MIB, &[3; 2 * PAGE]);
    rig.change(20 * MIB + 100, b"a few bytes");
    models.push(rig.model.clone());
    let round = rig.round("os", &["--verify", "full"]);
    assert_eq!(round["changed_bytes"], 3 * PAGE, "{round}");
    assert!(round["proven_bytes"].as_u64().unwrap() > 5 << 20, "{round}");
    models.push(rig.model.clone());
    assert_eq!(rig.round("os", &[])["requests"], 0, "a point is a point");
    // It was made longer: its old footer goes, and it has another.
    rig.stage(&["set", "os", "--size", "28Mi"]);
    rig.model = rig.held("os");
    models.push(rig.model.clone());
    rig.round("os", &[]);
    let points = rig.points();
    assert_eq!(points.len(), models.len());
    for (point, model) in points.iter().zip(&models) {
        assert!(rig.point(point) == *model, "{point}");
    }
    let snapshots = rig.snapshots();
    assert_eq!(snapshots.len(), 1, "only the baseline is left: {snapshots:?}");
    assert!(
        snapshots[0].starts_with("azseed-os-2") && snapshots[0].ends_with('Z'),
        "{snapshots:?}"
    );
    assert!(rig.open().is_empty(), "every access was ended");
    let verified = rig.told(0, &["disk-backup", "verify", "os"], "disk-verified");
    assert_eq!(verified[0]["equal"], true);
    let status = rig.told(0, &["disk-backup", "status", "os"], "disk-status").remove(0);
    assert_eq!((&status["points"], &status["has_baseline"]), (&4.into(), &true.into()));

    // Back to the second point, as a new disk.
    let (at, to) = (points[1]["source_snapshot"].as_str().unwrap(), word("again"));
    let restore = ["disk-backup", "restore", "os", "--at", at, "--to", &to, "--verify", "full"];
    let restored = rig.told(0, &restore, "disk-restored").remove(0);
    assert_eq!(restored["managed_disk"].as_str().unwrap(), id("disks", "again"));
    assert!(restored["commands"][1].as_str().unwrap().ends_with("disks/again"), "{restored}");
    assert!(rig.held("again") == models[1], "byte for byte");
    let disk = rig.world()["disks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|own| own["name"] == "again")
        .unwrap()
        .clone();
    assert_eq!((&disk["sku"], &disk["is_uploading"]), (&"Premium_LRS".into(), &false.into()));
    assert_eq!(rig.told(0, &restore, "disk-restored")[0]["was_there"], true);
    rig.write("again", 2 * MIB, &[9; PAGE]);
    let onward = rig.round("os-r1", &["--verify", "full"]);
    assert_eq!(
        (&onward["first"], &onward["changed_bytes"]),
        (&false.into(), &PAGE.into()),
        "{onward}"
    );
    assert!(rig.open().is_empty());

    // An address that opens something is nowhere.
    let said = rig.emulator.expect(&rig.machine, 0, &["disk-backup", "run", "os", "--now", "-vv"]);
    let mut texts = vec![said.stdout, said.stderr];
    for path in files_below(&rig.machine.state()) {
        texts.extend(fs::read_to_string(path));
    }
    assert!(texts.len() > 3 && texts.iter().all(|own| !own.contains("sig=")), "a secret is told");
    // What no rule keeps goes.
    let set = ["disk-backup", "set", "os", "--keep-last", "2"];
    rig.emulator.expect(&rig.machine, 0, &set);
    rig.emulator.expect(&rig.machine, 0, &["disk-backup", "prune", "os", "--yes"]);
    assert_eq!(rig.points().len(), 2);
}

#[test]
fn a_disk_of_a_machine_is_backed_up_by_the_id_that_the_machine_tells() {
    let rig = Rig::new(1, &[]);
    let data = rig.emulator.data().to_str().unwrap().to_owned();
    let vm = |words: &[&str]| {
        rig.machine.expect(0, &[&["emulator", "vm"], words, &["--data", &data]].concat());
    };
    let raw = rig.machine.text("raw");
    fs::write(&raw, [vec![7; MIB], vec![0; 23 * MIB]].concat()).unwrap();
    vm(&["set", "web", "--disk", &raw, "--disk", &raw]);
    let path = format!("{}?api-version=2024-07-01", id("virtualMachines", "web"));
    let told = rig.arm.send(rig.arm.with_token(Method::GET, &path)).json();
    let profile = &told["properties"]["storageProfile"];
    let source =
        format!("managed-disk:{}", profile["osDisk"]["managedDisk"]["id"].as_str().unwrap());
    let words = ["disk-backup", "protect", "web", "--source", &source, "--to", "account1/web"];
    rig.told(0, &words, "disk-round");
    let write = |content: &[u8], offset: usize| {
        fs::write(&raw, content).unwrap();
        vm(&["write", "web", "--file", &raw, "--offset", &offset.to_string()]);
    };
    write(&[9; 2 * PAGE], 2 * MIB);
    let round = rig.round("web", &["--verify", "full"]);
    assert_eq!((&round["first"], &round["changed_bytes"]), (&false.into(), &(2 * PAGE).into()));
    // What the machine clears again is a change, too.
    write(&[0; PAGE], 0);
    let round = rig.round("web", &["--verify", "full"]);
    assert_eq!(round["changed_bytes"], PAGE, "{round}");
    let points = rig.told(0, &["disk-backup", "list", "web"], "disk-point");
    let (at, to) = (points[2]["source_snapshot"].as_str().unwrap(), word("again"));
    let restore = ["disk-backup", "restore", "web", "--at", at, "--to", &to];
    rig.told(0, &restore, "disk-restored");
    let own = fs::read(rig.emulator.data().join("vms/rg/web/os.img")).unwrap();
    assert_eq!((own[0], own[PAGE], own[2 * MIB]), (0, 7, 9));
    assert!(rig.held("again")[..own.len()] == own, "byte for byte");
    // Its disks go with it; what the backup has of them does not.
    vm(&["remove", "web"]);
    assert_eq!(rig.call(Method::GET, &id("disks", "web-os")), 404);
    let verified = rig.told(0, &["disk-backup", "verify", "web"], "disk-verified");
    assert_eq!(verified[0]["equal"], true);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let rig = Rig::new(24, &[]);
    let source = word("os");
    let none = word("none");
    let other = ["disk-backup", "protect", "os", "--source", &none, "--to", "account1/backup"];
    assert_eq!(rig.code(10, &other), "disk-source-missing");
    let short =
        ["disk-backup", "protect", "os", "--source", "managed-disk:os", "--to", "account1/b"];
    assert_eq!(rig.code(2, &short), "disk-source-word");
    rig.make("long", 9 << 20, &[]);
    let long = word("long");
    let long = ["disk-backup", "protect", "long", "--source", &long, "--to", "account1/backup"];
    assert_eq!(rig.code(4, &long), "disk-source-too-long");
    assert!(rig.snapshots().is_empty());
    // The service can make the first copy too.
    let first = rig.protect(&["--first", "copy"]);
    assert_eq!((&first[0]["first"], &first[0]["by_service"]), (&true.into(), &true.into()));
    assert!(first[0]["changed_bytes"].as_u64() > Some(0), "{}", first[0]);
    assert!(rig.point(&rig.points()[0]) == rig.model && rig.open().is_empty());
    let at = rig.points()[0]["source_snapshot"].as_str().unwrap().to_owned();
    let promote = ["disk-backup", "promote", "os", "--at", &at, "--overwrite", "os"];
    assert_eq!(rig.code(4, &promote), "disk-of-managed");
    let aim = ["disk-backup", "restore", "os", "--at", &at, "--to", "managed-disk:again"];
    assert_eq!(rig.code(2, &aim), "disk-restore-word");
    // One that is there is not this restore's.
    let restore = ["disk-backup", "restore", "os", "--at", &at, "--to", &source];
    assert_eq!(rig.code(4, &[&restore[..], &["--without-backup"]].concat()), "disk-restore-taken");
    // An image without a footer is no disk.
    let raw = rig.machine.path("raw.img");
    fs::write(&raw, vec![7; 21 * MIB]).unwrap();
    let image = format!("image:{}", raw.display());
    let words = ["disk-backup", "protect", "raw", "--source", &image, "--to", "account1/backup"];
    rig.told(0, &[&words[..], &["--vhd", "none"]].concat(), "disk-round");
    let new = word("new");
    let words = ["disk-backup", "restore", "raw", "--at", "2100-01-01T00:00:00Z", "--to", &new];
    assert_eq!(rig.code(4, &words), "disk-no-vhd");
    assert_eq!(rig.world()["disks"].as_array().unwrap().len(), 2);
    // Snapshots by hand are not the backup's, and not in its way.
    let made = ["disk-backup", "snapshot", "create", "--source", &source];
    let hand = rig.told(0, &made, "disk-snapshot").remove(0);
    let own = rig.snapshots();
    assert!(own.iter().any(|own| own.starts_with("azseed-hand-")), "{own:?}");
    rig.round("os", &[]);
    let at = hand["snapshot"].as_str().unwrap();
    let delete = ["disk-backup", "snapshot", "delete", "--source", &source, "--yes", "--at", at];
    rig.emulator.expect(&rig.machine, 0, &delete);
    assert_eq!(rig.snapshots().len(), 1);
}

#[test]
fn what_others_do_meanwhile_makes_no_point_wrong() {
    let mut rig = Rig::new(64, &[]);
    rig.change(0, &vec![5; 40 * MIB]);
    // Somebody ends the access in mid-copy: it is asked for anew.
    let (source, run) = (word("os"), ["disk-backup", "run", "os", "--now"]);
    let protect = ["disk-backup", "protect", "os", "--source", &source, "--to", "account1/backup"];
    let mut child = rig.stopped(&protect);
    let name = rig.snapshots().remove(0);
    assert_eq!(rig.code(11, &protect), "disk-backup-busy");
    assert_eq!(rig.call(Method::POST, &format!("{}/endGetAccess", id("snapshots", &name))), 200);
    signal(&child, rustix::process::Signal::CONT);
    assert!(child.wait().unwrap().success(), "it goes on");
    assert!(rig.point(&rig.points()[0]) == rig.model);

    // Killed, and its pending snapshot deleted by somebody: another is taken, and nothing is lost.
    rig.change(0, &vec![6; 40 * MIB]);
    let mut child = rig.stopped(&run);
    child.kill().unwrap();
    child.wait().unwrap();
    let pending = rig.snapshots().into_iter().find(|own| *own != name).unwrap();
    rig.call(Method::POST, &format!("{}/endGetAccess", id("snapshots", &pending)));
    assert_eq!(rig.call(Method::DELETE, &id("snapshots", &pending)), 200);
    assert!(!rig.open().is_empty() || rig.snapshots().len() == 1);
    rig.change(MIB, &[7; PAGE]);
    rig.emulator.forward(&rig.machine, "6m");
    rig.emulator.mischief(&rig.machine, &["burst-503"]);
    let round = rig.round("os", &["--verify", "full"]);
    assert_eq!(round["resumed"], true, "{round}");
    assert!(rig.point(rig.points().last().unwrap()) == rig.model);
    assert!(rig.open().is_empty(), "what the killed run left is ended");

    // The baseline is deleted: said, and with `--full` a whole new copy is made.
    let baseline = rig.snapshots().remove(0);
    assert_eq!(rig.call(Method::DELETE, &id("snapshots", &baseline)), 200);
    assert_eq!(rig.code(6, &run), "disk-baseline-lost");
    rig.round("os", &["--full"]);
    assert!(rig.point(rig.points().last().unwrap()) == rig.model);

    // The disk is deleted and made anew under its name: another disk. Its snapshot takes no name that
    // one of any disk has.
    let free = rig.take_coming_names();
    let former = rig.snapshots();
    rig.stage(&["remove", "os"]);
    assert_eq!(rig.code(10, &run), "disk-source-missing");
    rig.make("os", 24, &[]);
    rig.write("os", 0, &[8; PAGE]);
    assert_eq!(rig.code(6, &run), "disk-baseline-lost");
    rig.round("os", &["--full"]);
    assert!(rig.point(rig.points().last().unwrap()) == rig.held("os"));
    assert_eq!(rig.snapshots(), [former, vec![free]].concat(), "one was added, none is gone");
}

#[test]
fn the_service_carries_what_changed_of_a_managed_disk_and_whole_copies_of_it() {
    let mut rig = Rig::new(24, &[]);
    rig.protect(&["--transfer", "server"]);
    let mut models = vec![rig.model.clone()];
    rig.change(9 * MIB, &[3; 5 * PAGE]);
    models.push(rig.model.clone());
    let round = rig.round("os", &[]);
    assert_eq!((&round["read_bytes"], &round["changed_bytes"]), (&0.into(), &(5 * PAGE).into()));
    rig.change(5 * MIB, &[4; PAGE]);
    models.push(rig.model.clone());
    rig.round("os", &["--verify", "full"]);
    for (point, model) in rig.points().iter().zip(&models) {
        assert!(rig.point(point) == *model, "{point}");
    }
    assert!(rig.open().is_empty(), "no access stays open");

    let source = word("os");
    let whole = ["disk-backup", "protect", "whole", "--source", &source, "--to", "account1/backup"];
    rig.told(0, &[&whole[..], &["--engine", "full-copy"]].concat(), "disk-round");
    rig.change(7 * MIB, &[5; PAGE]);
    let round = rig.round("whole", &["--verify", "full"]);
    assert!(round["proven_bytes"].as_u64().unwrap() > 0, "{round}");
    let points = rig.told(0, &["disk-backup", "list", "whole"], "disk-point");
    assert_eq!(points.len(), 2);
    assert!(rig.point(&points[1]) == rig.model && rig.point(&points[0]) == models[2]);
    assert_eq!(rig.snapshots().len(), 2, "one of each backup");
    assert!(rig.open().is_empty(), "no access stays open");
}

#[test]
fn a_snapshot_that_is_made_whole_in_the_background_is_waited_for() {
    let mut rig = Rig::new(24, &["--sku", "PremiumV2_LRS"]);
    let source = word("os");
    let protect = ["disk-backup", "protect", "os", "--source", &source, "--to", "account1/backup"];
    let mut child = rig.begun(&protect);
    let end = Instant::now() + Duration::from_secs(30);
    while rig.snapshots().is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    // What is written now is not of this point.
    let model = rig.model.clone();
    rig.change(MIB, &[4; PAGE]);
    assert!(child.try_wait().unwrap().is_none() && rig.open().is_empty(), "it waits");
    rig.emulator.forward(&rig.machine, "11m");
    assert!(child.wait().unwrap().success());
    assert!(rig.point(&rig.points()[0]) == model);
}

#[test]
fn a_killed_run_is_gone_on_with_and_no_access_stays_open() {
    let mut rig = Rig::new(24, &[]);
    rig.change(0, &vec![9; 20 * MIB]);
    rig.protect(&[]);
    let mut models = vec![rig.model.clone()];
    let began = Instant::now();
    rig.round("os", &[]);
    let whole = began.elapsed() * 2;
    models.push(rig.model.clone());
    let mut kills = 0;
    for kill in 0..6_u8 {
        for part in 0..5 {
            rig.change((usize::from(kill) * 3 + part * 4) % 23 * MIB, &vec![kill + 10; MIB / 2]);
        }
        models.push(rig.model.clone());
        rig.emulator.forward(&rig.machine, "6m");
        let mut child = rig.begun(&["disk-backup", "run", "os", "--now"]);
        std::thread::sleep(whole * u32::from(kill + 1) / 7);
        child.kill().unwrap();
        kills += u32::from(!child.wait().unwrap().success());
        let left = rig.snapshots();
        assert!((1..=2).contains(&left.len()), "at most one too many: {left:?}");
    }
    rig.emulator.forward(&rig.machine, "6m");
    rig.round("os", &[]);
    rig.round("os", &["--verify", "full"]);
    let points = rig.points();
    let known: BTreeSet<&[u8]> = models.iter().map(Vec::as_slice).collect();
    for point in &points {
        assert!(known.contains(rig.point(point).as_slice()), "{point} was never so");
    }
    assert!(rig.point(points.last().unwrap()) == rig.model);
    assert_eq!(rig.snapshots().len(), 1);
    assert!(rig.open().is_empty(), "{:?}", rig.open().len());

    // A restore to a new disk, killed and gone on with.
    let (at, to) = (points.last().unwrap()["source_snapshot"].as_str().unwrap(), word("again"));
    let restore = ["disk-backup", "restore", "os", "--at", at, "--to", &to];
    for part in 1..4 {
        let mut child = rig.begun(&restore);
        std::thread::sleep(whole * part / 4);
        child.kill().unwrap();
        kills += u32::from(!child.wait().unwrap().success());
        rig.emulator.forward(&rig.machine, "2m");
    }
    rig.emulator.expect(&rig.machine, 0, &restore);
    assert!(rig.held("again") == rig.model);
    rig.round("os-r1", &["--verify", "full"]);
    // An access that is over in the middle is asked for anew.
    let to = word("late");
    let restore = ["disk-backup", "restore", "os", "--at", at, "--to", &to, "--without-backup"];
    let mut child = rig.stopped(&restore);
    rig.emulator.forward(&rig.machine, "25h");
    signal(&child, rustix::process::Signal::CONT);
    assert!(child.wait().unwrap().success());
    assert!(rig.held("late") == rig.model && rig.open().len() < 2);
    // One whose upload somebody has ended too early is no disk of ours.
    let to = word("early");
    let restore = ["disk-backup", "restore", "os", "--at", at, "--to", &to, "--without-backup"];
    let mut child = rig.stopped(&restore);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(rig.call(Method::POST, &format!("{}/endGetAccess", id("disks", "early"))), 200);
    rig.write("early", 23 * MIB, &[255; PAGE]);
    assert_eq!(rig.code(4, &restore), "disk-upload-ended");
    println!("{kills} kills of runs and restores of managed disks");
    assert!(kills >= 2, "{kills}");
}
