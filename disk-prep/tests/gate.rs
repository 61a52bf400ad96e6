//! The gate on real block devices: loop devices that the test itself makes and takes down. None
//! that is wrong is touched by a byte. Needs root, and fails without.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs, set their stage with plain files and may fail anywhere"
)]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::process::Command;

use disk_prep::device::Device;
use disk_prep::drive::{Clearance, DriveName, Look, find_content, hold};
use disk_prep::noun::{Diagnose, ErrorKind, Serial, Wipe};
use rustix::fs::OFlags;

const LOOK: Look = Look::Places { seed: 7 };

fn tool(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", words.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A loop device over an image of its own.
struct Loop {
    folder: tempfile::TempDir,
    node: String,
}

impl Loop {
    fn new(mib: u64, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("loop.img");
        let file = File::create(&image).unwrap();
        file.set_len(mib << 20).unwrap();
        file.write_all_at(b"precious", 1 << 20).unwrap();
        let image = image.to_str().unwrap();
        let node = tool(&[&["losetup", "-f", "--show", image], options].concat());
        Loop { folder, node }
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("loop.img")
    }

    fn mount(&self) -> PathBuf {
        let place = self.folder.path().join("mount");
        fs::create_dir_all(&place).unwrap();
        place
    }

    fn name(&self, serial: Option<&str>) -> DriveName {
        let serial = serial.map(|text| Serial::new(text).unwrap());
        DriveName::Path { path: PathBuf::from(&self.node), serial, bytes: None }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let place = self.folder.path().join("mount");
        let _ = Command::new("umount").arg(place).output();
        let _ = Command::new("losetup").args(["-d", &self.node]).output();
    }
}

/// Tries to hold the device, which must be refused with this code, the image staying as it is.
fn expect_refusal(device: &Loop, serial: Option<&str>, code: &str, kind: ErrorKind) {
    tool(&["sync", "-f", device.image().to_str().unwrap()]);
    let before = fs::read(device.image()).unwrap();
    let error = hold(&device.name(serial)).unwrap_err();
    assert_eq!((error.code(), error.kind()), (code, kind), "{error}");
    tool(&["sync", "-f", device.image().to_str().unwrap()]);
    assert!(fs::read(device.image()).unwrap() == before, "{code}: a byte was changed");
}

#[test]
fn no_wrong_block_device_is_touched() {
    let plain = Loop::new(230, &[]);
    expect_refusal(&plain, None, "drive-without-serial", ErrorKind::Guard);
    let small = Loop::new(100, &[]);
    expect_refusal(&small, Some("S1"), "drive-too-small", ErrorKind::Guard);
    let wide = Loop::new(230, &["--sector-size", "4096"]);
    expect_refusal(&wide, Some("S1"), "sector-size", ErrorKind::Guard);
    let locked = Loop::new(230, &["--read-only"]);
    expect_refusal(&locked, Some("S1"), "drive-in-use", ErrorKind::Guard);

    let exclusive = OFlags::EXCL.bits() as i32;
    let other = OpenOptions::new().read(true).custom_flags(exclusive).open(&plain.node).unwrap();
    expect_refusal(&plain, Some("S1"), "drive-in-use", ErrorKind::Guard);
    drop(other);
    let held = hold(&plain.name(Some("S1"))).unwrap();
    assert_eq!(held.drive.bytes, 230 << 20);
    expect_refusal(&plain, Some("S1"), "held-by-another-run", ErrorKind::Busy);
    drop(held);

    let mounted = Loop::new(230, &[]);
    tool(&["mkfs.ext4", "-q", "-F", &mounted.node]);
    tool(&["mount", "-o", "ro,noload", &mounted.node, mounted.mount().to_str().unwrap()]);
    expect_refusal(&mounted, Some("S1"), "drive-in-use", ErrorKind::Guard);
}

#[test]
fn what_is_not_blank_is_held_but_not_cleared() {
    let device = Loop::new(230, &[]);
    let before = fs::read(device.image()).unwrap();
    let held = hold(&device.name(Some("S1"))).unwrap();
    let mine = [Serial::new("S1").unwrap()];
    let other = [Serial::new("S2").unwrap()];
    assert_eq!(held.clear(&[], Some(Wipe::Zero), LOOK).unwrap_err().code(), "drive-not-blank");
    assert_eq!(held.clear(&other, Some(Wipe::Zero), LOOK).unwrap_err().code(), "drive-not-blank");
    assert_eq!(held.clear(&mine, None, LOOK).unwrap_err().code(), "wipe-undecided");
    drop(held);
    assert!(fs::read(device.image()).unwrap() == before);
}

#[test]
fn a_loop_device_drops_what_is_discarded_since_its_file_gets_holes() {
    let device = Loop::new(230, &[]);
    let mut held = hold(&device.name(Some("S1"))).unwrap();
    let mine = [Serial::new("S1").unwrap()];
    let cleared = held.clear(&mine, Some(Wipe::Discard), LOOK).unwrap();
    assert_eq!(cleared, Clearance { erase: true, wipe: Some(Wipe::Discard) });
    let open = held.device().unwrap();
    assert!(find_content(open.as_ref(), LOOK).unwrap().is_some());
    open.discard(0..open.size()).unwrap();
    open.flush().unwrap();
    assert_eq!(find_content(open.as_ref(), LOOK).unwrap(), None);
    drop(open);
    drop(held);
    assert!(fs::read(device.image()).unwrap().iter().all(|&byte| byte == 0));
}
