//! `check guest` and `check filesystems` as somebody calls them: this machine, a folder, nothing.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use serde_json::Value;
use support::program::{Machine, files_below};

#[test]
fn a_folder_is_looked_at_and_nothing_in_it_is_changed() {
    let machine = Machine::new();
    let image = machine.path("image");
    for folder in ["etc", "proc/self", "dev"] {
        fs::create_dir_all(image.join(folder)).unwrap();
    }
    fs::write(image.join("etc/os-release"), "ID=debian\n").unwrap();
    let line = "25 1 8:1 / / ro - ext4 /dev/sda1 ro\n";
    fs::write(image.join("proc/self/mountinfo"), line).unwrap();
    fs::write(image.join("etc/fstab"), "/dev/sda1 / ext4 rw 0 1\n").unwrap();
    let state = || -> Vec<_> {
        let all = files_below(&image).into_iter();
        all.map(|path| (fs::metadata(&path).unwrap().modified().unwrap(), path)).collect()
    };
    let before = state();
    let said = machine.expect(1, &["check", "guest", "--root", "image", "--json"]).stdout;
    let found: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdict = |id: &str| found.iter().find(|own| own["id"] == id).map(|own| &own["verdict"]);
    assert_eq!(verdict("guest-agent"), Some(&"problem".into()), "{said}");
    assert_eq!(verdict("guest-os"), Some(&"good".into()), "{said}");
    assert_eq!(verdict("fs-readonly"), Some(&"problem".into()), "{said}");
    let text = machine.expect(1, &["check", "filesystems", "--root", "image"]).stdout;
    assert!(text.contains("umount /dev/sda1 && fsck /dev/sda1"), "{text}");
    assert_eq!(state(), before);
    for root in ["none", "image/etc/fstab"] {
        let none = machine.expect(2, &["check", "guest", "--root", root, "--json"]).stdout;
        assert!(none.contains("tree-unreadable"), "{none}");
    }
}

#[test]
fn this_machine_is_looked_at_without_a_fault_of_the_program() {
    let machine = Machine::new();
    for what in ["guest", "filesystems"] {
        let said = machine.run(&["check", what]);
        assert!(said.code <= 1 && said.stdout.contains("Together: "), "{}", said.stderr);
    }
}
