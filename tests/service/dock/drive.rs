//! A sealed drive as a customer has it, and ways to spoil it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use disk_prep::device::FileDevice;
use disk_prep::noun::RecoveryPassword;
use disk_prep::volume::bitlocker::write::{METADATA_BYTES, regain, stretch};
use disk_prep::volume::view::{FileView, find_volume, unlock};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::program::Machine;
use crate::support::tree::{self, Dice};

/// Where the volume begins on the drive.
pub const VOLUME: u64 = 129 << 20;

/// A drive, and what a job says of it.
pub struct Drive {
    // Keeps the image.
    _machine: Machine,
    pub serial: String,
    pub image: PathBuf,
    source: PathBuf,
    pub entry: Value,
}

impl Drive {
    /// Seals a drive with two files, `SERIAL-large` of two blocks and `SERIAL.small.txt`, which
    /// go to the container `seed`.
    pub fn seal(serial: &str) -> Self {
        Drive::seal_with(serial, &[], (4 << 20) + 70_000)
    }

    /// The same with more arguments of `prep` and a large file of so many bytes.
    pub fn seal_with(serial: &str, more: &[&str], large_bytes: usize) -> Self {
        let machine = Machine::new();
        let source = machine.path("source");
        let mut dice = Dice(serial.bytes().map(u64::from).sum());
        for (name, length) in [("-large", large_bytes), (".small.txt", 700)] {
            let content = dice.bytes(length);
            tree::write(&source, &format!("{serial}{name}"), &content, &mut dice);
        }
        let staging = machine.adopt(&source, "seed");
        let bytes = (220 << 20) + large_bytes as u64;
        let drive = format!("drive.img,serial={serial},size={bytes}");
        let mut words = vec!["prep", "--staging", &staging, "--offline", "--drive", &drive];
        words.extend(more);
        machine.expect(0, &words);
        let entry = entry(Path::new(&staging), serial);
        let image = machine.path("drive.img");
        Drive { _machine: machine, serial: serial.to_owned(), image, source, entry }
    }

    /// The names of its blobs and what should be in them.
    pub fn blobs(&self) -> Vec<(String, Vec<u8>)> {
        let names = ["-large", ".small.txt"].map(|name| format!("{}{name}", self.serial));
        names.map(|name| (name.clone(), std::fs::read(self.source.join(name)).unwrap())).into()
    }

    fn open(&self) -> File {
        OpenOptions::new().read(true).write(true).open(&self.image).unwrap()
    }

    /// Bytes of the raw drive.
    pub fn bytes(&self, at: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.open().read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    /// Overwrites bytes of the raw drive.
    pub fn write(&self, at: u64, bytes: &[u8]) {
        self.open().write_all_at(bytes, at).unwrap();
    }

    /// Flips a bit of the raw drive.
    pub fn flip(&self, at: u64) {
        let byte = self.bytes(at, 1)[0];
        self.write(at, &[byte ^ 0x10]);
    }

    /// Size of the raw drive.
    pub fn size(&self) -> u64 {
        self.open().metadata().unwrap().len()
    }

    /// Where the three metadata blocks begin on the drive; the volume's first sector says so.
    pub fn metadata(&self) -> [u64; 3] {
        let places = self.bytes(VOLUME + 176, 24);
        [0, 8, 16].map(|at| VOLUME + u64::from_le_bytes(places[at..at + 8].try_into().unwrap()))
    }

    /// The drive's recovery password.
    pub fn password(&self) -> RecoveryPassword {
        self.entry["bitLockerKey"].as_str().unwrap().parse().unwrap()
    }

    /// Changes the manifest within the encrypted volume, and its hash in the job with it, as if
    /// another program had prepared the drive. Indents give room for longer texts.
    pub fn rewrite(&mut self, edit: impl FnOnce(&str) -> String) {
        let (place, content) = self.manifest();
        let plain: String = content.lines().map(|line| line.trim().to_owned() + "\n").collect();
        let mut edited = edit(&plain).into_bytes();
        assert!(edited.len() <= content.len(), "the manifest has no room for that");
        edited.resize(content.len(), b' ');
        self.entry["manifestHash"] = hash(&edited, &self.entry["manifestHash"]).into();
        let first = self.metadata()[0];
        let block = self.bytes(first, METADATA_BYTES).try_into().unwrap();
        let key = regain(&block, |salt| stretch(&self.password(), salt)).unwrap();
        edited.resize(content.len().next_multiple_of(512), 0);
        key.sector_cipher().encrypt(place / 512, &mut edited);
        self.write(VOLUME + place, &edited);
    }

    /// Where the manifest lies on the volume, and its text.
    pub fn manifest(&self) -> (u64, String) {
        let device = FileDevice::new(self.open()).unwrap();
        let (_, place) = find_volume(&device).unwrap();
        let volume = unlock(&device, place, &self.password()).unwrap();
        let view = FileView::open(&volume).unwrap();
        let file = view.files.get(self.entry["manifestFile"].as_str().unwrap()).unwrap();
        assert!(file.bytes <= u64::from(view.facts.cluster_bytes), "it lies in one piece");
        let mut content = vec![0; file.bytes as usize];
        view.read(&file, 0, &mut content).unwrap();
        (file.first_byte(), String::from_utf8(content).unwrap())
    }
}

/// What the drive's journal has for a job.
fn entry(staging: &Path, serial: &str) -> Value {
    let path = staging.join(format!("journals/{serial}.journal"));
    let journal = std::fs::read_to_string(path).unwrap();
    let record = |line: &str| -> Value {
        serde_json::from_str(line.split_once(' ').expect("a digest goes before").1).unwrap()
    };
    let begun = record(journal.lines().next().unwrap());
    let sealed = record(journal.lines().last().unwrap());
    let mut entry = json!({
        "driveId": serial, "bitLockerKey": begun["recovery_password"],
        "manifestFile": sealed["manifest"], "manifestHash": sealed["manifest_hash"],
    });
    if let Some(hash) = sealed["header_hash"].as_str() {
        entry["driveHeaderHash"] = hash.into();
    }
    entry
}

/// The manifest's hash, of the same kind as `old`.
fn hash(bytes: &[u8], old: &Value) -> String {
    let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02X}")).collect();
    if old.as_str().unwrap().len() == 32 {
        hex(&Md5::digest(bytes))
    } else {
        hex(&Sha256::digest(bytes))
    }
}
