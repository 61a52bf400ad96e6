//! What a vault has of a machine comes back: the same bytes, as blobs, as managed disks, as a new
//! machine, in the place of a machine's disks; what speaks against it is told at once and before; and
//! nothing is restored twice.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::program::said;
use crate::support::tree::Dice;
use crate::vm::{World, words};

/// Bytes of the disks.
const OS: usize = 3 << 20;
const DATA: usize = 1 << 20;

/// A machine `web` with two data disks, protected by `prod` and backed up once; its disks as they
/// were then. Since then it has written on.
fn world() -> (World, [Vec<u8>; 3]) {
    let world = World::with_vault(&[]);
    let disks = [Dice(1).bytes(OS), Dice(2).bytes(DATA), vec![0; DATA]];
    for (name, disk) in ["os", "zero", "one"].into_iter().zip(&disks) {
        fs::write(world.machine.path(name), disk).unwrap();
    }
    let disk = |name: &str| format!("--disk {}", world.machine.text(name));
    world.vm(&format!("web {} {} {}", disk("os"), disk("zero"), disk("one")));
    world.ok("vm protect web");
    world.ok("vm backup web");
    world.forward("+7m");
    fs::write(world.machine.path("page"), Dice(3).bytes(4096)).unwrap();
    let data = world.emulator.data().to_str().unwrap().to_owned();
    let page = world.machine.text("page");
    for lun in ["", "--lun 0"] {
        let write =
            format!("emulator vm write web --file {page} --offset 8192 {lun} --data {data}");
        world.machine.expect(0, &words(&write));
    }
    assert_ne!(fs::read(own(&world, "web", "os")).unwrap(), disks[0], "it has written on");
    (world, disks)
}

/// A disk of a machine as the emulator keeps it.
fn own(world: &World, machine: &str, disk: &str) -> PathBuf {
    world.emulator.data().join(format!("vms/rg/{machine}/{disk}.img"))
}

/// Brings back what is asked for and lets time go by; what its job says.
fn restored(world: &World, text: &str) -> Value {
    let deed = world.json(0, text);
    assert_eq!(deed[0]["outcome"], "begun", "{deed:?}");
    let job = deed[0]["job"].as_str().unwrap();
    world.forward("+10m");
    world.json(0, &format!("vm job wait {job}"))[0].clone()
}

/// The container that a job has brought disks into.
fn container_of(job: &Value) -> &str {
    let facts = job["facts"].as_array().unwrap();
    let own = facts.iter().find(|own| own["name"] == "Config Blob Container Name");
    own.unwrap_or_else(|| panic!("{job}"))["value"].as_str().unwrap()
}

#[track_caller]
fn is_vhd(path: &Path, disk: &[u8]) {
    let held = fs::read(path).unwrap();
    assert_eq!(held.len(), disk.len() + 512, "{}", path.display());
    assert!(held[..disk.len()] == *disk, "the bytes of {} differ", path.display());
    assert_eq!(&held[disk.len()..disk.len() + 8], b"conectix");
    let size: [u8; 8] = held[disk.len() + 48..disk.len() + 56].try_into().unwrap();
    assert_eq!(u64::from_be_bytes(size), disk.len() as u64);
}

#[test]
fn disks_come_back_as_they_were_at_the_time_of_the_point() {
    let (world, disks) = world();
    let point = world.json(0, "vm point list web")[0].clone();
    let (id, time) = (point["id"].as_str().unwrap(), point["time"].as_str().unwrap());
    let shown = world.ok(&format!("vm point show web {id}"));
    assert!(shown.contains(&format!("vm restore disks RG/web --at {id}")), "{shown}");
    // Looking begins nothing.
    let dry = world.ok(&format!("vm restore disks web --at {id} --account account1 --dry-run"));
    assert!(dry.contains("nothing was begun"), "{dry}");
    assert_eq!(world.kept_jobs("Restore"), 0);
    let job = restored(&world, &format!("vm restore disks web --at {time} --account account1"));
    assert_eq!((&job["status"], &job["operation"]), (&"Completed".into(), &"Restore".into()));
    let container = container_of(&job);
    for (blob, disk) in ["osdisk", "datadisk-000", "datadisk-001"].into_iter().zip(&disks) {
        is_vhd(&world.emulator.blob(container, &format!("web-{blob}.vhd")), disk);
    }
    let configuration = fs::read(world.emulator.blob(container, "vmconfig.json")).unwrap();
    let configuration: Value = serde_json::from_slice(&configuration).unwrap();
    assert_eq!(
        (&configuration["osType"], configuration["disks"].as_array().unwrap().len()),
        (&"linux".into(), 3)
    );
    // The system's disk and one data disk only.
    let job = restored(&world, "vm restore disks web --at latest --account account1 --luns 1");
    let container = container_of(&job);
    assert!(world.emulator.blob(container, "web-osdisk.vhd").exists());
    assert!(world.emulator.blob(container, "web-datadisk-001.vhd").exists());
    assert!(!world.emulator.blob(container, "web-datadisk-000.vhd").exists());
    // A later point has what was written since.
    world.ok("vm backup web");
    world.forward("+7m");
    let job = restored(&world, "vm restore disks web --at latest --account account1");
    let container = container_of(&job);
    let now = fs::read(own(&world, "web", "os")).unwrap();
    is_vhd(&world.emulator.blob(container, "web-osdisk.vhd"), &now);
    // The machine is gone; what the vault has of it is not.
    let data = world.emulator.data().to_str().unwrap();
    world.machine.expect(0, &["emulator", "vm", "remove", "web", "--data", data]);
    restored(&world, &format!("vm restore disks web --at {id} --account account1 --group loose"));
    let loose: Vec<PathBuf> = fs::read_dir(world.emulator.data().join("disks/loose"))
        .unwrap()
        .map(|own| own.unwrap().path())
        .collect();
    assert_eq!(loose.len(), 3, "{loose:?}");
    let is_os = |own: &&PathBuf| own.to_string_lossy().contains("osdisk");
    assert!(fs::read(loose.iter().find(is_os).unwrap()).unwrap() == disks[0]);
    let gone = world.refused(
        13,
        "vm-restore-refused",
        "vm restore replace web --at latest --account account1 --yes",
    );
    assert!(gone.contains("is gone"), "{gone}");
}

#[test]
fn a_new_machine_has_the_points_bytes_and_a_machines_disks_are_replaced_only_with_consent() {
    let (world, disks) = world();
    let new = "vm restore new web --at latest --account account1 --name web2 --vnet vnet --subnet default";
    restored(&world, new);
    for (name, disk) in ["os", "0", "1"].into_iter().zip(&disks) {
        assert!(fs::read(own(&world, "web2", name)).unwrap() == *disk, "{name}");
    }
    let listed = world.json(0, "vm list");
    let names: Vec<&str> = listed.iter().map(|own| own["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["web", "web2"]);
    let taken = world.refused(13, "vm-restore-refused", new);
    assert!(taken.contains("web2 is there"), "{taken}");
    let replace = "vm restore replace web --at latest --account account1";
    world.refused(2, "needs-yes", replace);
    let written = fs::read(own(&world, "web", "os")).unwrap();
    restored(&world, &format!("{replace} --yes"));
    for (name, disk) in ["os", "0", "1"].into_iter().zip(&disks) {
        assert!(fs::read(own(&world, "web", name)).unwrap() == *disk, "{name}");
    }
    let folder = world.emulator.data().join("vms/rg/web");
    let aside = fs::read_dir(folder).unwrap().map(|own| own.unwrap().path());
    let aside: Vec<PathBuf> = aside.filter(|own| own.is_dir()).collect();
    assert!(fs::read(aside[0].join("os.img")).unwrap() == written, "the old disk stays");
}

#[test]
fn all_that_speaks_against_a_restore_is_told_at_once_and_before() {
    let (world, _) = world();
    let data = world.emulator.data().to_str().unwrap().to_owned();
    let set = |text: &str| {
        world.machine.expect(0, &[&["emulator"], &*words(text), &["--data", &data]].concat());
    };
    world.vm("far --region eastus --subnet east/one");
    set("account account1 --region eastus --sku Standard_ZRS");
    set("group nowhere --gone");
    let new = "vm restore new web --at latest --account account1";
    let told = world.refused(
        13,
        "vm-restore-refused",
        &format!("{new} --name web- --vnet none --subnet x --group nowhere --luns 0,7"),
    );
    for part in [
        "account1 is in eastus and the vault in westus",
        "account1 is Standard_ZRS",
        "no resource group nowhere",
        "\"web-\" is no name",
        "no virtual network none",
        "rg/vnet",
        "no data disk 7",
        "there is 0, 1",
        "azseed explain restore-region-mismatch",
        "azseed explain restore-storage-account-unsupported",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let place =
        |text: &str| world.refused(13, "vm-restore-refused", &format!("{new} --name web2 {text}"));
    let told = place("--vnet east --subnet one");
    assert!(told.contains("east is in eastus and the vault in westus"), "{told}");
    let told = place("--vnet rg/vnet --subnet nothing");
    assert!(told.contains("has no subnet nothing; there is default"), "{told}");
    set("account account1 --region westus --sku Standard_GRS --kind StorageV2");
    let no_account = "vm restore disks web --at latest --account otheraccount";
    let told = world.refused(13, "vm-restore-refused", no_account);
    assert!(told.contains("no storage account otheraccount"), "{told}");
    let disks = |at: &str| format!("vm restore disks web --at {at} --account account1");
    let told = world.refused(10, "vm-point-not-found", &disks("2001-01-01T00:00:00Z"));
    assert!(told.contains("vm point list RG/web"), "{told}");
    world.refused(10, "vm-point-not-found", &disks("4711"));
    world.refused(10, "vm-point-not-found", "vm point show web 4711");
    world.refused(2, "vm-point-word", &disks("2026-11-20T12:00:00"));
    world.refused(10, "vm-not-protected", "vm restore disks far --at latest --account account1");
    assert_eq!(world.kept_jobs("Restore"), 0, "nothing was begun");
    // What only the service finds is said by it before, in a job it is told with its steps.
    world.vm("web --fail restore-storage-type-not-online,at=restore,times=1");
    let deed = world.json(0, &disks("latest"));
    world.forward("+10m");
    let told = world.expect(1, &format!("vm job wait {}", deed[0]["job"].as_str().unwrap()));
    let told = told.stdout;
    assert!(
        told.contains("restore-storage-type-not-online") && told.contains("What to do:"),
        "{told}"
    );
}

#[test]
fn a_restore_is_begun_once_whatever_becomes_of_the_answer() {
    let (world, _) = world();
    let on = |what: &str| world.emulator.mischief(&world.machine, &["--clear", what]);
    let disks = "vm restore disks web --at latest --account account1";
    let start = || {
        let line = format!("{disks} --wait --json");
        let mut command = world.emulator.command(&world.machine, &words(&line));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    // Killed while it waits: the same command goes on with the same job.
    let mut first = start();
    let begun = Instant::now();
    while world.kept_jobs("Restore") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no restore was begun");
        std::thread::sleep(Duration::from_millis(50));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let again = world.json(0, disks);
    assert_eq!(again[0]["outcome"], "under-way");
    // Another one of the same machine is not taken for it.
    let new =
        "vm restore new web --at latest --account account1 --name w2 --vnet vnet --subnet default";
    let other = world.refused(11, "vm-restore-under-way", new);
    assert!(other.contains("vm job wait"), "{other}");
    world.refused(11, "vm-restore-under-way", &format!("{disks} --group rg"));
    let mut second = start();
    let mut line = String::new();
    let mut told = BufReader::new(second.stdout.take().unwrap());
    told.read_line(&mut line).unwrap();
    assert!(line.contains("\"outcome\":\"under-way\""), "{line}");
    world.forward("+10m");
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\"status\":\"Completed\""), "{rest}");
    let ended = said(second.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(world.kept_jobs("Restore"), 1);
    // The connection is cut after the restore was begun: the job that it made is found.
    on("reset-after:1");
    let cut = world.json(0, disks);
    assert!(cut[0]["job"].is_string() && cut[0]["outcome"] == "begun", "{cut:?}");
    let again = world.json(0, disks);
    assert_eq!((&again[0]["outcome"], &again[0]["job"]), (&"under-way".into(), &cut[0]["job"]));
    assert_eq!(world.kept_jobs("Restore"), 2, "one more, and no second one");
    world.forward("+10m");
    for what in ["relative-status", "doubled-status", "odd-ids", "retry-after-date", "old-forms"] {
        on(what);
        let deed = world.json(0, disks);
        assert_eq!(deed[0]["outcome"], "begun", "{what}: {deed:?}");
        world.forward("+10m");
        let job = world.json(0, &format!("vm job wait {}", deed[0]["job"].as_str().unwrap()));
        assert_eq!(job[0]["status"], "Completed", "{what}");
    }
    // A machine of another name is another one.
    assert_eq!(world.json(0, new)[0]["outcome"], "begun");
    assert_eq!(world.json(0, new)[0]["outcome"], "under-way");
    world.refused(11, "vm-restore-under-way", &new.replace("w2", "w3"));
}

#[test]
fn a_restore_of_other_disks_is_not_taken_for_the_one_under_way() {
    let (world, _) = world();
    let restore = |luns: &str| {
        format!("vm restore disks web --at latest --account account1 {luns}").trim().to_owned()
    };
    let begun = world.json(0, &restore("--luns 1,0"));
    let again = world.json(0, &restore("--luns 0,1"));
    assert_eq!((&again[0]["outcome"], &again[0]["job"]), (&"under-way".into(), &begun[0]["job"]));
    for other in ["--luns 0", ""] {
        let told = world.refused(11, "vm-restore-under-way", &restore(other));
        assert!(told.contains(begun[0]["job"].as_str().unwrap()), "{told}");
    }
    assert_eq!(world.kept_jobs("Restore"), 1);
    // Another machine does not know which disks, and says so.
    let state = world.machine.text("elsewhere");
    let said = world.expect(0, &format!("{} --state {state}", restore("--luns 0")));
    assert!(said.stderr.contains("the same disks is not told"), "{}", said.stderr);
    assert_eq!(world.kept_jobs("Restore"), 1);
}
