//! Other people's readers open what `azseed prep` wrote, and find every file as it was. Nothing
//! of azseed reads here.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use support::program::Machine;
use support::readers::{self, Listing, READERS};
use support::tree::{self, Dice};

const JOB: &str = "interop";
const SERIAL: &str = "IMG-1";

/// A machine on which a folder was written to one drive image.
struct Drive {
    machine: Machine,
    image: PathBuf,
    password: PathBuf,
    expected: Listing,
}

/// Prepares `size` bytes of image with what `fill` puts into the source folder.
fn prepare(size: &str, cipher: &str, fill: impl FnOnce(&Path)) -> Drive {
    let machine = Machine::new();
    let (source, image) = (machine.path("source"), machine.path("drive.img"));
    std::fs::create_dir(&source).unwrap();
    fill(&source);
    let staging = machine.adopt(&source, JOB);
    let drive = format!("image:{},serial={SERIAL},size={size}", image.display());
    machine.expect(
        0,
        &["prep", "--staging", &staging, "--drive", &drive, "--cipher", cipher, "--offline"],
    );
    let password = machine.password_file(Path::new(&staging), SERIAL);
    let expected = tree::expected(&source, &format!("{JOB}/"));
    Drive { machine, image, password, expected }
}

impl Drive {
    /// Compares what a reader finds with the source. The manifest is the one file more.
    fn check(&self, reader: &str) {
        let mut found = readers::files(reader, &self.image, &self.password);
        let manifest = found.files.remove("DriveManifest.xml");
        assert!(manifest.is_some_and(|file| file.size > 0), "{reader} finds no manifest");
        let complaints = found.differences(&self.expected);
        assert!(complaints.is_empty(), "{reader}:\n{}", complaints.join("\n"));
    }

    fn read(&self, reader: &str) -> serde_json::Value {
        readers::read(reader, &self.image, &self.password)
    }
}

/// One random tree, one cipher, all readers.
fn every_reader_agrees(cipher: &str, mode: &str, key_bits: u64, seed: u64) {
    let drive = prepare("210M", cipher, |source| tree::varied(source, seed));
    let table = drive.read("partitions");
    assert_eq!(table["label"], "gpt");
    assert_eq!(table["partitions"][0]["start"], 1 << 20);
    assert_eq!(table["partitions"][1]["start"], 129 << 20);
    let metadata = drive.read("cryptsetup");
    assert_eq!(metadata["cipher"], mode, "{}", metadata["dump"]);
    assert_eq!(metadata["key_bits"], key_bits, "{}", metadata["dump"]);
    assert_eq!(metadata["has_volume_key"], true);
    for reader in READERS {
        drive.check(reader);
    }
}

#[test]
fn xts_aes_256_opens_in_every_reader() {
    every_reader_agrees("xts-aes-256", "xts-plain64", 512, 256);
}

#[test]
fn xts_aes_128_opens_in_every_reader() {
    every_reader_agrees("xts-aes-128", "xts-plain64", 256, 128);
}

#[test]
fn cbc_aes_256_opens_in_every_reader() {
    every_reader_agrees("cbc-aes-256", "cbc-eboiv", 256, 3256);
}

#[test]
fn cbc_aes_128_opens_in_every_reader() {
    every_reader_agrees("cbc-aes-128", "cbc-eboiv", 128, 3128);
}

#[test]
fn thousands_of_files_in_one_folder_are_all_found() {
    let drive = prepare("300M", "xts-aes-256", |source| {
        let mut dice = Dice(6000);
        for number in 0..6000 {
            let length = dice.below(2000) as usize;
            let content = dice.bytes(length);
            let name = format!("many/{:x}-{number}.dat", dice.below(1 << 40));
            tree::write(source, &name, &content, &mut dice);
        }
    });
    for reader in ["ntfs-3g", "sleuthkit", "libfsntfs"] {
        drive.check(reader);
    }
}

#[test]
fn files_are_split_around_every_pinned_range() {
    let drive = prepare("210M", "xts-aes-256", |source| {
        let mut dice = Dice(9);
        let content = dice.bytes(64 << 20);
        tree::write(source, "one big file", &content, &mut dice);
    });
    for reader in ["ntfs-3g", "libfsntfs"] {
        drive.check(reader);
    }
    let layout = drive.read("layout");
    let runs =
        layout["runs"][format!("{JOB}/one big file")].as_array().expect("it has runs").clone();
    let bounds = |run: &serde_json::Value| (run[0].as_u64().unwrap(), run[1].as_u64().unwrap());
    let first = bounds(&runs[0]).0;
    let last = runs.iter().map(|run| bounds(run).0 + bounds(run).1).max().unwrap();
    let mut split_around = 0;
    for (name, pinned) in layout["pinned"].as_object().expect("there are pinned files") {
        assert_eq!(pinned.as_array().map(Vec::len), Some(1), "{name} lies in one run");
        let (start, count) = bounds(&pinned[0]);
        for run in &runs {
            let (run_start, run_count) = bounds(run);
            assert!(
                run_start >= start + count || run_start + run_count <= start,
                "{name} is written over"
            );
        }
        split_around += u32::from(start > first && start < last);
    }
    assert_eq!(layout["pinned"].as_object().map(serde_json::Map::len), Some(5));
    assert!(split_around >= 3, "the file lies around {split_around} pinned ranges only");
}

#[test]
fn what_is_bitlockers_has_the_descriptor_of_windows() {
    let drive = prepare("210M", "xts-aes-256", |source| {
        tree::write(source, "file", b"content", &mut Dice(4));
    });
    let read = drive.read("descriptors");
    let all = read["descriptors"].as_object().unwrap();
    // O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA): nothing is inherited from the root, which lets
    // everybody in.
    let right = "010004944800000058000000000000001400000002003400020000000003\
                 1400ff011f0001010000000000051200000000031800ff011f000102000000000005200000002002\
                 000001020000000000052000000020020000010100000000000512000000";
    let of_volume = all.iter().filter(|(path, _)| path.starts_with("System Volume Information"));
    let of_volume: Vec<_> = of_volume.collect();
    assert_eq!(of_volume.len(), 6, "the folder and five files: {of_volume:?}");
    for (path, descriptor) in of_volume {
        assert_eq!(descriptor, right, "{path}");
    }
    assert_ne!(all["."], right);
    let said = drive.machine.run(&[
        "inspect",
        drive.image.to_str().unwrap(),
        "--recovery-password-file",
        drive.password.to_str().unwrap(),
    ]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    // The description that Windows shows: machine, label, day.
    let dump = drive.read("cryptsetup")["dump"].as_str().unwrap().to_owned();
    let line =
        dump.lines().find(|line| line.contains("Description")).unwrap_or_else(|| panic!("{dump}"));
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    assert!(
        matches!(words[..], [_, "azseed", day] if day.len() == 10 && &day[2..3] == "/"),
        "{line}"
    );
    assert!(!line.contains(SERIAL), "{line}");
}

#[test]
fn a_sparse_drive_of_12_tib_opens() {
    let drive = prepare("12Ti", "xts-aes-256", |source| tree::varied(source, 12));
    for reader in ["ntfs-3g", "libfsntfs"] {
        drive.check(reader);
    }
}

#[test]
fn a_wrong_recovery_password_opens_nothing() {
    let drive = prepare("210M", "xts-aes-256", |source| {
        tree::write(source, "file", b"secret", &mut Dice(4));
    });
    let wrong = drive.machine.path("wrong.password");
    let zeros = ["000000"; 8].join("-");
    tree::write(&drive.machine.path(""), "wrong.password", zeros.as_bytes(), &mut Dice(4));
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&wrong, private).unwrap();
    let image = drive.image.to_str().unwrap();
    let said =
        drive.machine.run(&["inspect", image, "--recovery-password-file", wrong.to_str().unwrap()]);
    assert_eq!(said.code, 12, "{}", said.stderr);
    let raw = std::fs::read(&drive.image).unwrap();
    assert!(!raw.windows(6).any(|bytes| bytes == b"secret"), "plain text lies on the drive");
}

#[test]
fn a_flipped_bit_is_seen_by_every_reader() {
    let drive = prepare("210M", "xts-aes-256", |source| {
        let content = Dice(5).bytes(8 << 20);
        tree::write(source, "file", &content, &mut Dice(5));
    });
    let layout = drive.read("layout");
    let first =
        layout["runs"][format!("{JOB}/file")][0][0].as_u64().expect("it has a first cluster");
    let at = (129 << 20) + first * 4096 + 12_345;
    let file = std::fs::File::options().read(true).write(true).open(&drive.image).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 4], at).unwrap();
    for reader in READERS {
        let found = readers::files(reader, &drive.image, &drive.password);
        let sha256 = |listing: &Listing| listing.files[&format!("{JOB}/file")].sha256.clone();
        assert_ne!(sha256(&found), sha256(&drive.expected), "{reader} does not look at the drive");
    }
}

#[test]
fn the_comparison_itself_can_fail() {
    let folder = Machine::new();
    let root = folder.path("tree");
    tree::write(&root, "same", b"1", &mut Dice(1));
    tree::write(&root, "other", b"2", &mut Dice(2));
    let before = tree::expected(&root, "");
    tree::write(&root, "same", b"1", &mut Dice(3));
    tree::write(&root, "other", b"3", &mut Dice(2));
    tree::write(&root, "more", b"", &mut Dice(2));
    let after = tree::expected(&root, "");
    assert_eq!(after.differences(&before).len(), 3, "a time, a content, a file more");
    assert_eq!(before.differences(&after).len(), 3, "a time, a content, a file less");
    assert!(before.differences(&before).is_empty());
}
