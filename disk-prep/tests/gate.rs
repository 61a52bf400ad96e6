//! The gate on real block devices: loop devices that the test itself makes and takes down. None
//! that is wrong is touched by a byte. Needs root, and fails without.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs, set their stage with plain files and may fail anywhere"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use disk_prep::Error;
use disk_prep::device::Device;
use disk_prep::drive::{
    self, DriveName, HeldDrive, Look, NamedDrive, check_idle, find, find_content, hold,
};
use disk_prep::noun::{Diagnose, ErrorKind, Serial, Wipe};
use rustix::fs::{FlockOperation, OFlags, flock};

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

fn hold_by(name: &DriveName) -> Result<HeldDrive, drive::Error> {
    hold(&NamedDrive::find(name)?)
}

/// Tries to hold the device, which must be refused with this code, the image staying as it is.
fn expect_refusal(device: &Loop, serial: Option<&str>, code: &str, kind: ErrorKind) {
    tool(&["sync", "-f", device.image().to_str().unwrap()]);
    let before = fs::read(device.image()).unwrap();
    let error = hold_by(&device.name(serial)).unwrap_err();
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
    expect_refusal(&locked, Some("S1"), "drive-write-protected", ErrorKind::Guard);

    let exclusive = OFlags::EXCL.bits() as i32;
    let other = OpenOptions::new().read(true).custom_flags(exclusive).open(&plain.node).unwrap();
    expect_refusal(&plain, Some("S1"), "drive-in-use", ErrorKind::Guard);
    drop(other);
    let held = hold_by(&plain.name(Some("S1"))).unwrap();
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
    let held = hold_by(&device.name(Some("S1"))).unwrap();
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
    let mut held = hold_by(&device.name(Some("S1"))).unwrap();
    let mine = [Serial::new("S1").unwrap()];
    let cleared = held.clear(&mine, Some(Wipe::Discard), LOOK).unwrap();
    assert!(cleared.erase.is_some() && cleared.wipe == Some(Wipe::Discard));
    let open = held.device().unwrap();
    assert!(find_content(open.as_ref(), LOOK).unwrap().is_some());
    open.discard(0..open.size()).unwrap();
    open.flush().unwrap();
    assert_eq!(find_content(open.as_ref(), LOOK).unwrap(), None);
    drop(open);
    drop(held);
    assert!(fs::read(device.image()).unwrap().iter().all(|&byte| byte == 0));
}

#[test]
fn a_program_that_has_a_device_for_itself_gets_a_moment_to_look() {
    let device = Loop::new(230, &[]);
    let exclusive = OFlags::EXCL.bits() as i32;
    let _other = OpenOptions::new().read(true).custom_flags(exclusive).open(&device.node).unwrap();
    let name = device.name(Some("S1"));
    let drive = find(&name).unwrap();
    let tries: [&dyn Fn() -> Result<(), Error>; 2] =
        [&|| hold_by(&name).map(drop).map_err(Error::from), &|| {
            check_idle(&drive).map_err(Error::from)
        }];
    for tried in tries {
        let began = Instant::now();
        let error = tried().unwrap_err();
        assert_eq!((error.code(), error.kind()), ("drive-in-use", ErrorKind::Guard), "{error}");
        assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    }
}

/// As after every program that has written to it.
#[test]
fn while_udev_looks_at_a_device_it_is_waited_for() {
    let device = Loop::new(230, &[]);
    let name = device.name(Some("S1"));
    let udev = File::open(&device.node).unwrap();
    flock(&udev, FlockOperation::NonBlockingLockExclusive).unwrap();
    let (tell, told) = mpsc::channel();
    let other = std::thread::spawn(move || tell.send(hold_by(&name)).unwrap());
    let early = told.recv_timeout(Duration::from_millis(400));
    assert!(early.is_err(), "{early:?}");
    drop(udev);
    let held = told.recv().unwrap().unwrap();
    assert_eq!(held.drive.serial.as_str(), "S1");
    other.join().unwrap();
}

#[test]
fn a_loop_device_and_its_file_are_one_medium_and_locked_together() {
    let device = Loop::new(230, &[]);
    let image = File::open(device.image()).unwrap();
    flock(&image, FlockOperation::NonBlockingLockExclusive).unwrap();
    expect_refusal(&device, Some("S1"), "held-by-another-run", ErrorKind::Busy);
    flock(&image, FlockOperation::Unlock).unwrap();
    let held = hold_by(&device.name(Some("S1"))).unwrap();
    assert!(flock(&image, FlockOperation::NonBlockingLockExclusive).is_err());
    let path = device.image().canonicalize().unwrap();
    assert!(held.is_at(&path) && !held.is_at(Path::new(&device.node)));
    assert!(held.is_also(&find(&DriveName::of(path.clone())).unwrap()));
    assert_eq!(held.file().unwrap(), Some(path));
}

/// A lock as virtual machines take it, of a process or of an open file.
#[test]
fn an_image_that_a_program_has_locked_a_stretch_of_is_refused_and_the_program_named() {
    let script = "import fcntl, struct, sys\n\
                  image = open(sys.argv[1], 'rb')\n\
                  lock = struct.pack('hhqqi', fcntl.F_RDLCK, 0, 100, 100, 0) + bytes(4)\n\
                  fcntl.fcntl(image, int(sys.argv[2]), lock)\n\
                  print('up', flush=True)\n\
                  sys.stdin.read()";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("S1.img");
    File::create(&path).unwrap().set_len(230 << 20).unwrap();
    let name = DriveName::Path { path: path.clone(), serial: None, bytes: None };
    let drive = find(&name).unwrap();
    // F_SETLK and F_OFD_SETLK, `fcntl(2)`.
    for (command, is_named) in [("6", true), ("37", false)] {
        let mut other = Command::new("/usr/bin/python3")
            .args(["-c", script, path.to_str().unwrap(), command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        let process = format!(", process {}", other.id());
        for error in [hold_by(&name).unwrap_err(), check_idle(&drive).unwrap_err()] {
            assert_eq!((error.code(), error.kind()), ("drive-in-use", ErrorKind::Guard));
            let said = error.to_string();
            assert_eq!(said.ends_with(&process), is_named, "{said}");
            assert_eq!(said.contains("process"), is_named, "{said}");
        }
        drop(other.stdin.take());
        other.wait().unwrap();
    }
    check_idle(&drive).unwrap();
}
