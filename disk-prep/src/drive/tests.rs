//! Every kind of drive on recorded machines (`fixtures/sysfs`): what is said of it, and that the
//! gate lets none pass that is wrong, nor touches it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::find::{Drive, find_all, find_on};
use super::guard::{HeldDrive, hold_on};
use super::identify::Rotation;
use super::kernel::Kernel;
use super::name::DriveName;
use super::named::NamedDrive;
use super::sysfs::{Transport, Usage};
use super::sysfs::{block_facts, whole_drives};
use crate::noun::{Diagnose, DriveFault, ErrorKind, Serial};

/// A recorded machine, unpacked.
pub(super) struct Machine {
    root: tempfile::TempDir,
    pub(super) kernel: Kernel,
}

impl Machine {
    fn new(tree: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        for line in tree.lines().filter(|line| !line.starts_with('#')) {
            let (path, content) = line.split_once(" = ").unwrap_or((line, ""));
            let (path, target) = path.split_once(" -> ").unwrap_or((path, ""));
            let place = root.path().join(&path[1..]);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            if target.is_empty() {
                let bytes = unescape(content.strip_suffix(" =").unwrap_or(content));
                let is_hex = path.ends_with(".identify");
                fs::write(place, if is_hex { hex(&bytes) } else { bytes }).unwrap();
            } else {
                let target = target
                    .strip_prefix('/')
                    .map(|below| root.path().join(below))
                    .unwrap_or(target.into());
                symlink(target, place).unwrap();
            }
        }
        let kernel = Kernel::recorded(root.path());
        Machine { root, kernel }
    }

    pub(super) fn recorded(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/sysfs");
        Machine::new(&fs::read_to_string(folder.join(name).with_extension("tree")).unwrap())
    }

    fn drives(&self) -> Vec<(PathBuf, Result<Drive, Error>)> {
        find_all(&self.kernel).unwrap()
    }

    pub(super) fn only(&self) -> Drive {
        let mut drives = self.drives();
        assert_eq!(drives.len(), 1);
        drives.remove(0).1.unwrap()
    }

    fn hold(&self, name: &DriveName) -> Result<HeldDrive, Error> {
        let drive = find_on(&self.kernel, name)?;
        hold_on(&self.kernel, &NamedDrive { name: name.clone(), drive })
    }

    fn find(&self, name: &str) -> Result<Drive, Error> {
        find_on(&self.kernel, &DriveName::parse(name, |_| false).unwrap())
    }

    /// Puts a file with content in the place of every node.
    pub(super) fn fill_nodes(&self) {
        for (name, facts) in whole_drives(&self.kernel).unwrap() {
            let file = File::create(self.node(&name)).unwrap();
            // Files end before disks of the size that a hostile tree tells of.
            let bytes = facts.map_or(1 << 20, |facts| facts.bytes);
            file.set_len(bytes.clamp(1 << 20, 1 << 40)).unwrap();
            file.write_all_at(b"precious", 512).unwrap();
        }
    }

    pub(super) fn node(&self, name: &str) -> PathBuf {
        self.root.path().join("dev").join(name)
    }

    /// What can be seen of the nodes' content: where there is any, and when it was written.
    fn nodes(&self) -> BTreeMap<PathBuf, (Vec<u8>, u64, i64, i64)> {
        let entries = fs::read_dir(self.root.path().join("dev")).unwrap();
        let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        files
            .map(|path| {
                let file = File::open(&path).unwrap();
                let mut head = vec![0; 1 << 16];
                let length = file.read_at(&mut head, 0).unwrap();
                head.truncate(length);
                let about = file.metadata().unwrap();
                let seen = (head, about.blocks(), about.mtime(), about.mtime_nsec());
                (path, seen)
            })
            .collect()
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        (bytes, rest) = match (first, after) {
            (b'\\', [b'n', after @ ..]) => ([bytes, vec![b'\n']].concat(), after),
            (b'\\', [b'x', after @ ..]) => ([bytes, hex(&after[..2])].concat(), &after[2..]),
            _ => ([bytes, vec![*first]].concat(), after),
        };
    }
    bytes
}

fn hex(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    text.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Every drive of every tree: tree, node, serial (`-` if it has none), verdict.
const VERDICTS: &[(&str, &str, &str, &str)] = &[
    ("sata-512n", "sda", "S2H7J9AB600123", "fit"),
    ("sata-512e", "sda", "WD-WCC4E0123456", "fit"),
    ("sata-behind-sas", "sda", "WD-WCC4E0123456", "fit"),
    ("sata-ssd", "sda", "S3Z8NB0K123456", "fit"),
    ("sata-ssd", "sdb", "PROMISES-0", "fit"),
    ("usb-bridge", "sdb", "WD-WCC4E0123456", "a USB bridge: take it out"),
    ("usb-bridge-deaf", "sdb", "0123456789ABCDEF", "compare 0123456789ABCDEF with the label"),
    ("uas-failing", "sdb", "WD-WCC4E0123456", "a USB bridge; about to fail"),
    ("smr", "sda", "ZAD00001", "shingled"),
    ("smr", "sdb", "ZAD00002", "shingled"),
    ("smr", "sdc", "ZAD00003", "drive-host-managed"),
    ("large", "sda", "2CGABCDE", "larger than 10.0 TB"),
    ("large", "sdb", "HIDES1", "it says that it has 4000787030016 bytes"),
    ("sata-4kn", "sda", "VLG4KN01", "sector-size"),
    ("usb-bridge-4kn", "sdb", "VLG4KN01", "sector-size"),
    ("usb-stick", "sdb", "4C530001230456", "drive-not-sata: a USB stick"),
    ("cards", "mmcblk0", "0x1234abcd", "drive-not-sata: a memory card"),
    ("nvme", "nvme0n1", "S4EWNX0R123456", "drive-not-sata: an NVMe drive"),
    ("nvme", "nvme1n1", "PATHS2", "drive-not-sata: an NVMe drive"),
    ("sas", "sda", "Z1Z0ABCD0000C1234567", "drive-not-sata: a SAS drive"),
    (
        "virtio-system",
        "vda",
        "SYSTEM-1",
        "drive-in-use: system: the mount at /, by /dev/dm-0, built on vda2",
    ),
    ("virtual-scsi", "sda", "VSCSI-1", "drive-not-sata: virtual machine"),
    ("virtual-scsi", "sdb", "VSCSI-2", "drive-not-sata: no ATA drive"),
    ("sata-system", "sda", "SYSTEM-2", "drive-in-use: the running system: the mount at /"),
    (
        "md-member",
        "sda",
        "MEMBER-1",
        "drive-in-use: the mount at /srv/my data, by /dev/md0, built on sda1",
    ),
    ("holders", "sda", "MEMBER-2", "drive-in-use: /dev/md1, built on sda"),
    ("holders", "sdb", "LOOPED-1", "drive-in-use: /dev/loop0, built on sdb"),
    ("mounted", "sda", "MOUNTED-1", "drive-in-use: the mount at /data"),
    ("mounted", "sdb", "MOUNTED-2", "drive-in-use: the mount at /mnt"),
    ("mounted", "sdc", "MOUNTED-3", "drive-in-use: the mount at /pool"),
    ("mounted", "sdd", "MOUNTED-4", "drive-in-use: Btrfs"),
    ("swap", "sda", "SWAP-1", "drive-in-use: swap on sda1"),
    ("small-and-locked", "sda", "SMALL-1", "drive-too-small"),
    ("small-and-locked", "sdb", "LOCKED-1", "drive-write-protected"),
    ("twins", "sda", "TWIN-1", "serial-shared: /dev/sdb"),
    ("twins", "sdb", "TWIN-1", "serial-shared: /dev/sda"),
    ("odd-serials", "sda", "../../etc/passwd", "fit"),
    ("odd-serials", "sdb", "AB1234", "fit"),
    ("lab", "sdb", "SATA-512E", "fit"),
    ("lab", "sdc", "SATA-SSD", "fit"),
    ("lab", "sdd", "SATA-512N", "fit"),
    ("lab", "sde", "SAS-512E", "fit"),
    ("lab", "sdf", "SAS-4KN", "sector-size"),
    ("lab", "sdh", "UAS-4KN", "sector-size"),
    ("lab", "sdi", "USB-1", "compare USB-1 with the label"),
    ("lab", "sdg", "UAS-1", "compare UAS-1 with the label"),
    ("lab", "sda", "SCSI-1", "drive-not-sata: virtual machine"),
    ("lab", "nvme0n1", "NVME-1", "drive-not-sata: an NVMe drive"),
    ("lab", "vda", "LAB-SYSTEM", "drive-in-use: the running system: the mount at /"),
    ("lab", "vdb", "VIRTIO-1", "drive-not-sata: virtual machine"),
    ("hostile", "sda", "-", "drive-without-serial"),
    ("hostile", "sdb", "-", "kernel-unreadable"),
    ("hostile", "sdc", "-", "drive-without-serial"),
    ("hostile", "sdd", "-", "drive-without-serial"),
];

fn verdict(found: &Result<Drive, Error>) -> (String, String) {
    let drive = match found {
        Ok(drive) => drive,
        Err(error) => return ("-".to_owned(), error.code().to_owned()),
    };
    let text = match drive.faults().first() {
        Some(fault) => format!("{}: {fault}", fault.code()),
        None if drive.concerns().is_empty() => "fit".to_owned(),
        None => drive.concerns().join("; "),
    };
    (drive.serial.to_string(), text)
}

#[test]
fn every_recorded_drive_gets_its_verdict_with_its_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/sysfs");
    let trees = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut seen = 0;
    for tree in trees.filter(|path| path.extension().is_some_and(|kind| kind == "tree")) {
        let name = tree.file_stem().unwrap().to_str().unwrap();
        let machine = Machine::recorded(name);
        machine.fill_nodes();
        for (path, found) in machine.drives() {
            let node = path.strip_prefix("/dev").unwrap().to_str().unwrap();
            let (serial, actual) = verdict(&found);
            let row = VERDICTS.iter().find(|row| (row.0, row.1) == (name, node));
            let (_, _, expected_serial, expected) =
                row.unwrap_or_else(|| panic!("{name} {node} stands in no row"));
            assert_eq!(serial, *expected_serial, "{name} {node}");
            for part in expected.split("; ").flat_map(|part| part.split(": ")) {
                assert!(actual.contains(part), "{name} {node}: {actual:?} lacks {part:?}");
            }
            assert_eq!(actual == "fit", *expected == "fit", "{name} {node}: {actual}");
            assert!(actual.chars().all(|c| !c.is_control()), "{name} {node}: {actual:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, VERDICTS.len());
}

#[test]
fn the_gate_refuses_every_wrong_drive_and_leaves_it_as_it_was() {
    let mut refused = 0;
    for (tree, node, serial, expected) in VERDICTS {
        let machine = Machine::recorded(tree);
        machine.fill_nodes();
        let before = machine.nodes();
        let by_path =
            DriveName::Path { path: Path::new("/dev").join(node), serial: None, bytes: None };
        let by_serial = Serial::new(serial).map(DriveName::Serial).ok().filter(|_| *serial != "-");
        let is_code = |code: &str| !code.contains([' ', ':']) && code.contains('-');
        let is_wrong = expected.split(": ").next().is_some_and(is_code);
        for name in [Some(by_path), by_serial].into_iter().flatten() {
            let Some(error) = machine.hold(&name).err() else {
                assert!(!is_wrong, "{tree} {node} was let pass");
                continue;
            };
            assert!(is_wrong, "{tree} {node}: {error}");
            assert_eq!(error.kind(), ErrorKind::Guard, "{tree} {node}: {error}");
            refused += 1;
        }
        assert_eq!(machine.nodes(), before, "{tree} {node} was written");
    }
    assert!(refused > 45, "{refused}");
}

#[test]
fn partitions_and_what_is_built_on_drives_are_no_drives() {
    let machine = Machine::recorded("virtio-system");
    for (name, code) in [
        ("/dev/vda2", "not-a-drive"),
        ("/dev/dm-0", "drive-without-serial"),
        ("/dev/dm-0,serial=X", "drive-in-use"),
        ("/dev/dm-1,serial=X", "drive-in-use"),
        ("/dev/vda,serial=X", "serial-mismatch"),
        ("/dev/vdb", "no-such-drive"),
        ("X", "no-such-drive"),
    ] {
        let name = DriveName::parse(name, |_| false).unwrap();
        let error = machine.hold(&name).unwrap_err();
        assert_eq!(error.code(), code, "{name:?}: {error}");
    }
    for (name, is_letter) in
        [("D:", true), (r"e:\", true), (r"\\.\PhysicalDrive1", true), ("S1", false)]
    {
        let error = machine.find(name).unwrap_err();
        assert_eq!(error.hint().is_some(), is_letter, "{name}: {error}");
    }
}

#[test]
fn a_drive_is_found_by_serial_and_by_its_stable_name() {
    let machine = Machine::recorded("sata-512e");
    let by_id = "/dev/disk/by-id/ata-WDC_WD40EFRX-68N32N0_WD-WCC4E0123456";
    for name in ["WD-WCC4E0123456", by_id, "/dev/disk/by-id/wwn-0x50014ee2b0000001", "/dev/sda"] {
        let drive = machine.find(name).unwrap();
        assert_eq!(drive.serial.as_str(), "WD-WCC4E0123456");
        assert_eq!(drive.hardware.unwrap().by_id.as_deref(), Some(Path::new(by_id)));
    }
    let drive = machine.only();
    let own = drive.hardware.as_ref().unwrap();
    assert_eq!(
        drive.model.as_deref(),
        Some("WDC WD40EFRX-68N32N0"),
        "not cut as the kernel has it"
    );
    assert_eq!((drive.bytes, drive.sector_bytes), (4_000_787_030_016, 512));
    assert_eq!((own.transport, own.physical_sector_bytes), (Transport::Sata, 4096));
    assert_eq!((own.rotation, drive.rotational), (Rotation::Turning(Some(5400)), true));
    assert_eq!(own.is_healthy, Some(true));
}

#[test]
fn behind_a_bridge_the_drives_own_serial_counts() {
    let machine = Machine::recorded("usb-bridge");
    assert_eq!(machine.find("WD-WCC4E0123456").unwrap().path, Path::new("/dev/sdb"));
    assert_eq!(machine.find("0123456789ABCDEF").unwrap_err().code(), "no-such-drive");
    let wrong = machine.find("/dev/sdb,serial=0123456789ABCDEF").unwrap_err();
    assert_eq!(wrong.code(), "serial-mismatch");
    let kind = |tree| Machine::recorded(tree).only().hardware.unwrap().transport;
    assert_eq!((kind("usb-bridge"), kind("uas-failing")), (Transport::Usb, Transport::Uas));
}

#[test]
fn who_comes_to_use_a_drive_after_the_first_look_is_seen_after_the_open() {
    let machine = Machine::recorded("sata-512e");
    machine.fill_nodes();
    let name = DriveName::parse("WD-WCC4E0123456", |_| false).unwrap();
    let held = machine.hold(&name).unwrap();
    assert_eq!(machine.hold(&name).unwrap_err().code(), "held-by-another-run");
    drop(held);
    let swaps = machine.root.path().join("proc/swaps");
    fs::write(swaps, "Filename\n/dev/sda partition 1 0 -2\n").unwrap();
    assert_eq!(machine.hold(&name).unwrap_err().code(), "drive-in-use");
}

#[test]
fn only_a_drive_that_promises_zeros_is_wiped_by_discarding() {
    let machine = Machine::recorded("sata-ssd");
    assert!(machine.find("S3Z8NB0K123456").unwrap().check_discard().is_ok());
    for (tree, serial) in [("sata-ssd", "PROMISES-0"), ("sata-512e", "WD-WCC4E0123456")] {
        let drive = Machine::recorded(tree).find(serial).unwrap();
        assert_eq!(drive.check_discard().unwrap_err().code(), "discard-not-safe");
    }
}

#[test]
fn a_partition_has_facts_and_a_number_that_is_nobodys_has_none() {
    let machine = Machine::recorded("swap");
    assert!(!block_facts(&machine.kernel, 8, 1).unwrap().whole);
    assert!(block_facts(&machine.kernel, 8, 9).is_err());
}

#[test]
fn failed_commands_are_those_that_the_kernel_counts() {
    let machine = Machine::recorded("sata-512e");
    let drive = machine.only();
    assert_eq!(machine.kernel.failed_commands(&drive), None, "nobody counts");
    let name = &drive.hardware.as_ref().unwrap().name;
    let device = machine.root.path().join("sys/block").join(name).join("device");
    for (count, expected) in [("0x0\n", Some(0)), ("0x1f\n", Some(31)), ("many\n", None)] {
        fs::write(device.join("ioerr_cnt"), count).unwrap();
        assert_eq!(machine.kernel.failed_commands(&drive), expected);
    }
}

/// Puts something that cannot be read in the place of a file of the kernel's.
fn make_unreadable(path: &Path) {
    if path.exists() {
        fs::remove_file(path).unwrap();
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(path.file_name().unwrap(), path).unwrap();
}

/// What is there and cannot be read, or is not what it must be: each file that decides, with what
/// is put in its place (nothing stands for a file that cannot be read).
const BLIND: &[(&str, Option<&[u8]>, &str)] = &[
    ("proc/self/mountinfo", None, "drive-use-unknown"),
    ("proc/self/mountinfo", Some(b"21 1 8:1 / / rw - ext4\n"), "drive-use-unknown"),
    ("proc/self/mountinfo", Some(b"21 1 8:1 / /a rw - t s rw\nx\n"), "drive-use-unknown"),
    ("proc/swaps", None, "drive-use-unknown"),
    ("proc/swaps", Some(b"Filename\nnowhere partition 1 0 -2\n"), "drive-use-unknown"),
    ("sys/fs/btrfs", None, "drive-use-unknown"),
    ("sys/block/loop7/loop/backing_file", None, "drive-use-unknown"),
    ("sys/block/sda/holders", None, "drive-use-unknown"),
    ("sys/block/sda/sda1/partition", None, "fit"),
    ("sys/block/sda/sda1/holders", None, "drive-use-unknown"),
    ("sys/block/sda/size", None, "kernel-unreadable"),
    ("sys/block/sda/size", Some(b"many\n"), "kernel-unreadable"),
    ("sys/block/sda/ro", Some(b"perhaps\n"), "kernel-unreadable"),
    ("sys/block/sda/removable", None, "kernel-unreadable"),
    ("sys/block/sda/queue/logical_block_size", Some(b"-1\n"), "kernel-unreadable"),
    ("sys/block/sda/queue/zoned", None, "kernel-unreadable"),
    ("sys/block/sda/device/vpd_pg80", None, "kernel-unreadable"),
    ("sys/block", None, "kernel-unreadable"),
];

#[test]
fn the_guard_fails_closed_and_touches_nothing() {
    for (path, content, code) in BLIND {
        let machine = Machine::recorded("sata-512e");
        machine.fill_nodes();
        let root = machine.root.path();
        if path.contains("sda1") {
            let part = root.join("sys/block/sda/sda1");
            fs::create_dir_all(&part).unwrap();
            fs::write(part.join("dev"), "8:1\n").unwrap();
            fs::write(part.join("partition"), "1\n").unwrap();
        }
        let place = root.join(path);
        match content {
            Some(bytes) => fs::write(&place, bytes).unwrap(),
            None if *path == "sys/block" => {
                fs::rename(&place, root.join("elsewhere")).unwrap();
                make_unreadable(&place);
            }
            None => make_unreadable(&place),
        }
        let before = machine.nodes();
        let name = DriveName::parse("/dev/sda", |_| false).unwrap();
        let held = machine.hold(&name);
        let found = held.as_ref().map_or_else(Diagnose::code, |_| "fit");
        assert_eq!(found, *code, "{path} {content:?}: {held:?}");
        if let Err(error) = held {
            assert_eq!(error.kind(), ErrorKind::Guard, "{path}");
        }
        assert_eq!(machine.nodes(), before, "{path}");
        // The list says why, and judges the drive unfit.
        if let Ok(found) = find_all(&machine.kernel) {
            let is_fit = verdict(&found[0].1).1 == "fit";
            assert_eq!(is_fit, *code == "fit", "{path}: {:?}", found[0]);
        }
    }
}

#[test]
fn what_the_kernel_does_not_have_is_none() {
    for path in ["proc/swaps", "sys/block/sda/queue/zoned", "sys/block/sda/device/model"] {
        let machine = Machine::recorded("sata-512e");
        fs::remove_file(machine.root.path().join(path)).unwrap();
        assert_eq!(verdict(&Ok(machine.only())).1, "fit", "{path}");
    }
}

#[test]
fn a_mount_point_that_is_no_text_hides_no_mount() {
    let bad: &[u8] = b"90 21 0:50 / /mnt/\xff\xfe rw - tmpfs none rw\n";
    let here: &[u8] = b"40 21 8:0 / /mnt/\xff rw - ext4 /dev/sda rw\n";
    let by_source: &[u8] = b"40 21 0:60 / /pool rw - btrfs /dev/sda rw\n";
    let cases = [(vec![bad], None), (vec![bad, here], Some("the mount at /mnt/?"))];
    let cases = cases.into_iter().chain([(vec![by_source], Some("the mount at /pool"))]);
    for (lines, holder) in cases {
        let machine = Machine::recorded("sata-512e");
        let root: &[u8] = b"21 1 253:9 / / rw - ext4 /dev/root rw\n";
        let table = [&[root][..], &lines].concat().concat();
        fs::write(machine.root.path().join("proc/self/mountinfo"), table).unwrap();
        let expected = holder.map_or(Usage::Free, |holder| Usage::By(holder.to_owned()));
        assert_eq!(machine.only().usage, expected);
    }
}

#[test]
fn an_image_is_found_in_use_by_every_table_and_by_its_name_alone_where_nothing_else_is_to_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("a b.img");
    File::create(&image).unwrap().set_len(300 << 20).unwrap();
    std::os::unix::fs::symlink(&image, folder.path().join("link")).unwrap();
    let path = image.to_str().unwrap();
    let escaped = path.replace(' ', "\\040");
    let link = folder.path().join("link").to_str().unwrap().to_owned();
    let loops = "/sys/devices/virtual/block/loop0/loop/backing_file";
    let other = folder.path().join("other.img").to_str().unwrap().to_owned();
    let gone = folder.path().join("gone.img").to_str().unwrap().to_owned();
    let root = "21 1 253:9 / / rw - ext4 /dev/root rw\n";
    let fuse = format!("{root}22 21 0:70 / /mnt rw - fuse {escaped} rw\n");
    let swaps = format!("Filename Type\n{escaped} file 1 0 -2\n");
    let cases: [(&str, String, &Path, bool); 9] = [
        (loops, format!("{path}\n"), &image, true),
        (loops, format!("{escaped}\n"), &image, true),
        (loops, format!("{link}\n"), &image, true),
        (loops, format!("{other}\n"), &image, false),
        // A name that leads nowhere counts only as text.
        (loops, format!("{gone} (deleted)\n"), &image, false),
        (loops, format!("{gone}\n"), Path::new(&gone), true),
        (loops, format!("{gone} (deleted)\n"), Path::new(&gone), true),
        ("/proc/swaps", swaps, &image, true),
        ("/proc/self/mountinfo", fuse, &image, true),
    ];
    for (file, content, asked, is_used) in cases {
        let machine = Machine::recorded("sata-512e");
        fs::write(machine.root.path().join("proc/self/mountinfo"), root).unwrap();
        let place = machine.root.path().join(&file[1..]);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, &content).unwrap();
        if file == loops {
            let link = machine.root.path().join("sys/block/loop0");
            symlink(place.parent().unwrap().parent().unwrap(), link).unwrap();
        }
        let id = super::file_id::FileId::at(&image).unwrap();
        let id = if asked == image { id } else { super::file_id::FileId { inode: 1, ..id } };
        let user = super::medium::user(&machine.kernel, asked, id, None).unwrap();
        assert_eq!(user.is_some(), is_used, "{file} {content}: {user:?}");
    }
}
