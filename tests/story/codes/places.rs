//! File systems that are full, or that cannot be written, under a staging path. Needs root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use super::{TARGET, copy, everything, is_refused, machine, nothing_changed, words};
use crate::support::program::said;

/// A mount that ends with the value.
struct Mount(PathBuf);

impl Mount {
    fn new(options: &[&str], place: PathBuf) -> Self {
        let done = Command::new("mount").args(options).arg(&place).status().unwrap();
        assert!(done.success(), "{options:?}");
        Mount(place)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_staging_path_that_cannot_be_written_or_is_full_gets_no_seed() {
    let machine = machine();
    fs::create_dir(machine.path("mount")).unwrap();
    let adopt = format!("stage adopt --source plain --staging mount/new {TARGET}");
    for (options, exit, code) in
        [("size=1m,mode=755,ro", 1, "staging-io"), ("size=64k,mode=755", 6, "staging-full")]
    {
        let _mount = Mount::new(&["-t", "tmpfs", "-o", options, "none"], machine.path("mount"));
        if code == "staging-full" {
            fs::create_dir(machine.path("mount/new")).unwrap();
            fs::write(machine.path("mount/rest"), [1; 64 << 10]).unwrap();
        }
        let before = everything(&machine);
        is_refused(&machine.run(&words(&adopt)), exit, code, options);
        nothing_changed(&machine, &before);
    }
    machine.expect(0, &words(&adopt));
}

#[test]
fn a_repository_that_cannot_be_written_gets_no_snapshot() {
    let machine = machine();
    copy(&machine, "seed", "again");
    let path = machine.path("again/seed.json");
    let seed = fs::read_to_string(&path).unwrap().replace("\"finished\"", "\"unfinished\"");
    fs::write(&path, &seed).unwrap();
    let snapshots = machine.path("again/repo/snapshots");
    fs::remove_dir_all(&snapshots).unwrap();
    fs::create_dir(&snapshots).unwrap();
    let stage = format!("stage --source source --staging again {TARGET}");
    let closed = Mount::new(&["-t", "tmpfs", "-o", "mode=700,ro", "none"], snapshots.clone());
    is_refused(&machine.run(&words(&stage)), 1, "repository-store", &stage);
    let seed = fs::read_to_string(&path).unwrap();
    assert!(seed.contains("\"unfinished\""), "it is not finished: {seed}");
    drop(closed);
    assert_eq!(fs::read_dir(&snapshots).unwrap().count(), 0);
    machine.expect(0, &words(&stage));
    assert_eq!(fs::read_dir(&snapshots).unwrap().count(), 1);
}

#[test]
fn a_state_directory_that_others_can_write_is_not_used_by_root() {
    let machine = machine();
    let state = machine.state();
    let list = words("vault list");
    let before = everything(&machine);
    for (owner, mode) in [(0, 0o777), (0, 0o1777), (0, 0o775), (65534, 0o700)] {
        chown(&state, Some(owner), None).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(mode)).unwrap();
        for call in ["vault list", "stage status --staging seed", "drive list a.img"] {
            is_refused(&machine.run(&words(call)), 4, "state-shared", call);
        }
        nothing_changed(&machine, &before);
    }
    // Who became root by sudo may keep it at home.
    let mut sudo = machine.command(&list);
    assert_eq!(said(sudo.env("SUDO_UID", "65534").output().unwrap()).code, 0);
    let told = said(sudo.env("SUDO_UID", "1000").output().unwrap());
    is_refused(&told, 4, "state-shared", "sudo of another one");
    chown(&state, Some(0), None).unwrap();
    machine.expect(0, &list);
    // The folder above it counts too, since another directory could take its place.
    fs::set_permissions(machine.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    is_refused(&machine.run(&list), 4, "state-shared", "above");
    fs::set_permissions(machine.path(""), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_source_with_a_folder_that_may_not_be_listed_is_not_planned() {
    let machine = machine();
    let mode = |name: &str, mode| {
        fs::set_permissions(machine.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(machine.path("plain/closed")).unwrap();
    mode("plain/closed", 0);
    // Nothing is closed to root; nobody has a state directory of its own.
    mode("", 0o755);
    fs::create_dir(machine.path("own")).unwrap();
    chown(machine.path("own"), Some(65534), Some(65534)).unwrap();
    let before = everything(&machine);
    let plan = "plan --staging files --drive-size 300M --state own";
    let mut command = machine.command(&words(plan));
    let told = said(command.uid(65534).gid(65534).output().unwrap());
    is_refused(&told, 1, "source-unreadable", plan);
    assert!(everything(&machine) == before && told.stdout.is_empty(), "{}", told.stdout);
    mode("plain/closed", 0o755);
    let told = said(command.output().unwrap());
    assert_eq!(told.code, 0, "{}", told.stderr);
}
