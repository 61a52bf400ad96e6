//! Real block devices: loop devices that the test itself makes and takes down. Needs root.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::program::Machine;

fn tool(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", words.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A loop device over an image of its own, taken down even when the test fails.
struct Loop {
    node: String,
    mount: PathBuf,
}

impl Loop {
    fn new(machine: &Machine) -> Self {
        let image = machine.path("loop.img");
        std::fs::File::create(&image).unwrap().set_len(300 << 20).unwrap();
        let mount = machine.path("mount");
        std::fs::create_dir(&mount).unwrap();
        Loop { node: tool(&["losetup", "-f", "--show", image.to_str().unwrap()]), mount }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let quiet = |words: &[&str]| {
            let _ = Command::new(words[0]).args(&words[1..]).output();
        };
        quiet(&["umount", self.mount.to_str().unwrap_or_default()]);
        quiet(&["losetup", "-d", &self.node]);
    }
}

fn seeded() -> (Machine, String) {
    let machine = Machine::new();
    let source = machine.path("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("file"), vec![3; 5_000_000]).unwrap();
    let staging = machine.adopt(Path::new(&source), "loop");
    (machine, staging)
}

#[test]
fn a_block_device_is_prepared_and_read_back() {
    let (machine, staging) = seeded();
    let device = Loop::new(&machine);
    let prep = |drive: &str, code| {
        let words = ["prep", "--staging", &staging, "--drive", drive, "--offline", "--verify"];
        machine.expect(code, &words)
    };
    assert!(prep(&device.node, 4).stderr.contains("drive-without-serial"));
    let list = ["drive", "list", &device.node];
    let refused = machine.expect(4, &list).stderr;
    let is_told = refused.contains(&format!("`{},serial=SERIAL`", device.node));
    assert!(is_told && !refused.contains("--drive"), "{refused}");
    let named = format!("{},serial=LOOP-1", device.node);
    let said = prep(&named, 0);
    // From now on its partition table says which it is.
    let listed = machine.run(&list).stdout;
    assert!(listed.contains("LOOP-1") && listed.contains("for job loop"), "{listed}");
    let refused = machine.expect(4, &["drive", "eject", &device.node]).stderr;
    assert!(refused.contains("code: not-a-drive"), "{refused}");
    assert!(said.stdout.contains("equal"));
    // What `check host` finds of this machine, and no more.
    let checked = machine.run(&["check", "host", "--json"]).stdout;
    let checked = checked.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let own = checked.into_iter().find(|line| line["what"] == "machine").unwrap();
    let warned =
        said.stderr.contains(&format!("warning: this is {}", own["facts"].as_str().unwrap()));
    assert_eq!(warned, own["verdict"] != "good", "{own} {}", said.stderr);
    assert!(prep(&named, 0).stdout.contains("sealed"), "the second run changes nothing");
    let found = tool(&["sfdisk", "-d", &device.node]);
    assert!(found.contains("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"), "{found}");
}

#[test]
fn a_mounted_device_is_refused_whatever_was_named_for_erasing() {
    let (machine, staging) = seeded();
    let device = Loop::new(&machine);
    tool(&["mkfs.ext4", "-q", "-F", &device.node]);
    tool(&["mount", &device.node, device.mount.to_str().unwrap()]);
    let drive = format!("{},serial=LOOP-1", device.node);
    let erase = ["--erase", "LOOP-1", "--wipe", "none"];
    let words = ["prep", "--staging", &staging, "--drive", &drive, "--offline"];
    let said = machine.expect(4, &[&words[..], &erase].concat());
    assert!(
        said.stderr.contains("drive-in-use") && said.stderr.contains("mount"),
        "{}",
        said.stderr
    );
    tool(&["umount", device.mount.to_str().unwrap()]);
    let said = machine.expect(4, &words);
    assert!(said.stderr.contains("an ext file system"), "{}", said.stderr);
    tool(&["fsck.ext4", "-n", &device.node]);
}
