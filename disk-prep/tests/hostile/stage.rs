//! A good drive of ours, and a layer over it in which anything can be changed or fail: raw bytes,
//! and, as somebody with the key could, the records of the file system inside.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use disk_prep::dataset::{FilesOptions, scan};
use disk_prep::device::{Device, FileDevice};
use disk_prep::drive::{DriveName, NamedDrive};
use disk_prep::journal::{JournalFolder, JournalOnly};
use disk_prep::manifest::Profile;
use disk_prep::monitor::VoidMonitor;
use disk_prep::noun::{ByteSize, Cipher, ImportDisposition, RecoveryPassword};
use disk_prep::pool::{NoBay, PrepareRun};
use disk_prep::prepare::{CHECKPOINT_BYTES, PrepareOptions};
use disk_prep::stop::StopFlag;
use disk_prep::volume::bitlocker::unlock::UnlockedVolume;
use disk_prep::volume::bitlocker::write::{METADATA_BYTES, VolumeKey, regain, stretch};
use disk_prep::world::RealWorld;

/// Where the volume begins on the drive.
pub const VOLUME: u64 = 129 << 20;
/// Size of the drive.
pub const DRIVE_BYTES: u64 = 220 << 20;
const PAGE: u64 = 4096;
const SECTOR: usize = 512;

/// Seals a drive with a few files, a folder of many, and folders within folders.
pub fn seal(folder: &Path, profile: Profile, entries: usize) -> (DriveName, RecoveryPassword) {
    let source = folder.join("source");
    let file = |name: &str, bytes: usize| {
        let path = source.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content: Vec<u8> = (0..bytes).map(|at| (at * 31 % 251) as u8).collect();
        fs::write(path, content).unwrap();
    };
    file("empty", 0);
    file("small", 100);
    file("plain", 5000);
    file("other", 9000);
    file("large", 3_000_000);
    file("deep/er/and/deeper/leaf", 10);
    for number in 0..entries {
        file(&format!("many/a rather long name of an entry {number:04}"), 7);
    }
    let files = FilesOptions {
        job: "job-1".parse().unwrap(),
        container: "target".parse().unwrap(),
        prefix: String::new(),
        blob_type: disk_prep::noun::BlobType::BlockBlob,
        disposition: ImportDisposition::Overwrite,
        never: &[],
        only: None,
        together: &[],
    };
    let options = PrepareOptions {
        job: "job-1".parse().unwrap(),
        container: None,
        cipher: Cipher::default(),
        profile,
        omit_zeros: false,
        strict: false,
        checkpoint_bytes: CHECKPOINT_BYTES,
        erase: Vec::new(),
        wipe: None,
        keeper: Arc::new(JournalOnly),
        stop: StopFlag::default(),
    };
    let path = folder.join("S1.img");
    let name = DriveName::Path { path, serial: None, bytes: Some(ByteSize(DRIVE_BYTES)) };
    let journals = JournalFolder::new(folder.join("journals"));
    let outcome = PrepareRun {
        data_set: &scan(&source, &files).unwrap(),
        drives: &[NamedDrive::find(&name).unwrap()],
        absent: &[],
        bay: &NoBay,
        journals,
        options,
        elsewhere: &[],
        world: &RealWorld,
        monitor: &VoidMonitor,
    }
    .run()
    .unwrap();
    assert_eq!(outcome.newly_sealed, 1, "{outcome:?}");
    let history = JournalFolder::new(folder.join("journals")).read().unwrap().remove(0);
    (name, history.begun.password(&JournalOnly).unwrap())
}

/// A drive of which any byte can be changed or fail, without the image below being touched.
#[derive(Debug)]
pub struct Layer {
    below: FileDevice,
    pages: Mutex<BTreeMap<u64, Vec<u8>>>,
    /// Places that cannot be read.
    pub bad: Mutex<Vec<Range<u64>>>,
    /// What was read, if somebody wants to know.
    pub read: Mutex<Option<Vec<Range<u64>>>>,
}

impl Layer {
    pub fn over(image: &Path) -> Self {
        let below = FileDevice::new(File::open(image).unwrap()).unwrap();
        let (pages, bad, read) = (Mutex::default(), Mutex::default(), Mutex::default());
        Layer { below, pages, bad, read }
    }

    /// The drive as it was sealed.
    pub fn reset(&self) {
        self.pages.lock().unwrap().clear();
        self.bad.lock().unwrap().clear();
    }

    /// Writes the drive as it is now over its image.
    pub fn settle(&self, image: &Path) {
        use std::os::unix::fs::FileExt;
        let file = File::options().write(true).open(image).unwrap();
        for (number, page) in self.pages.lock().unwrap().iter() {
            file.write_all_at(page, number * PAGE).unwrap();
        }
    }

    fn page(&self, number: u64) -> Vec<u8> {
        if let Some(page) = self.pages.lock().unwrap().get(&number) {
            return page.clone();
        }
        let length = PAGE.min(self.below.size() - number * PAGE) as usize;
        let mut page = vec![0; length];
        self.below.read_at(&mut page, number * PAGE).unwrap();
        page
    }
}

impl Device for Layer {
    fn size(&self) -> u64 {
        self.below.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        if end > self.size() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(read) = &mut *self.read.lock().unwrap() {
            read.push(offset..end);
        }
        let is_bad = |bad: &Range<u64>| bad.start < end && offset < bad.end;
        if self.bad.lock().unwrap().iter().any(is_bad) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            let page = self.page(at / PAGE);
            let inside = (at % PAGE) as usize;
            let length = (page.len() - inside).min(buffer.len() - done);
            buffer[done..done + length].copy_from_slice(&page[inside..inside + length]);
            done += length;
        }
        Ok(())
    }

    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            let mut page = self.page(at / PAGE);
            let inside = (at % PAGE) as usize;
            let length = (page.len() - inside).min(buffer.len() - done);
            page[inside..inside + length].copy_from_slice(&buffer[done..done + length]);
            self.pages.lock().unwrap().insert(at / PAGE, page);
            done += length;
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The key of the volume on a layer.
pub fn volume_key(layer: &Layer, password: &RecoveryPassword) -> VolumeKey {
    let mut sector = [0; SECTOR];
    layer.read_at(&mut sector, VOLUME).unwrap();
    let place = u64::from_le_bytes(sector[176..184].try_into().unwrap());
    let mut block = [0; METADATA_BYTES];
    layer.read_at(&mut block, VOLUME + place).unwrap();
    regain(&block, |salt| stretch(password, salt)).unwrap()
}

/// The file system inside, to be changed by somebody who has the key.
pub struct Inside<'d> {
    pub layer: &'d Layer,
    pub volume: &'d UnlockedVolume<'d>,
    pub key: &'d VolumeKey,
}

impl Inside<'_> {
    /// Plain bytes of the volume.
    pub fn read(&self, at: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.volume.read_at(at, &mut bytes).unwrap();
        bytes
    }

    /// Puts whole sectors in their place, encrypted.
    pub fn write(&self, at: u64, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        // The first 8 KiB lie elsewhere.
        let at = if at < 8192 { self.volume.metadata().header_copy + at } else { at };
        self.key.sector_cipher().encrypt(at / SECTOR as u64, &mut bytes);
        self.layer.write_at(&bytes, VOLUME + at).unwrap();
    }

    pub fn cluster_bytes(&self) -> u64 {
        let boot = self.read(0, SECTOR);
        u64::from(boot[13]) * SECTOR as u64
    }

    /// Where a record of the file table lies.
    pub fn record(&self, number: u64) -> u64 {
        let boot = self.read(0, SECTOR);
        let table = u64::from_le_bytes(boot[48..56].try_into().unwrap()) * self.cluster_bytes();
        let at = table + number * 1024;
        assert_eq!(&self.read(at, 4), b"FILE", "record {number}");
        at
    }

    /// Changes a record, its torn-write marks left right.
    pub fn edit(&self, at: u64, length: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.read(at, length);
        let (sequence, sectors) = (u16_at(&bytes, 4), length / SECTOR);
        for sector in 0..sectors {
            let (kept, tail) = (sequence + 2 + 2 * sector, (sector + 1) * SECTOR - 2);
            bytes.copy_within(kept..kept + 2, tail);
        }
        change(&mut bytes);
        for sector in 0..sectors {
            let (kept, tail) = (sequence + 2 + 2 * sector, (sector + 1) * SECTOR - 2);
            bytes.copy_within(tail..tail + 2, kept);
            bytes.copy_within(sequence..sequence + 2, tail);
        }
        self.write(at, &bytes);
    }

    /// Changes an attribute of a record.
    pub fn edit_attribute(&self, record: u64, kind: u32, change: impl FnOnce(&mut [u8])) {
        self.edit(self.record(record), 1024, |bytes| {
            let (at, length) = attribute(bytes, kind).expect("the attribute is there");
            change(&mut bytes[at..at + length]);
        });
    }

    /// The number of the record of a name.
    pub fn find(&self, name: &str) -> u64 {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let is_it = |number: &u64| {
            let bytes = self.read(self.record(*number), 1024);
            let Some((at, length)) = attribute(&bytes, 0x30) else { return false };
            let value = &bytes[at..at + length];
            let start = u16_at(value, 20) + 66;
            value[start..].starts_with(&units) && usize::from(value[start - 2]) * 2 == units.len()
        };
        (24..1000).find(is_it).expect("there is such a file")
    }

    /// Where the index nodes of a folder lie; in one run.
    pub fn nodes(&self, record: u64) -> Vec<u64> {
        let bytes = self.read(self.record(record), 1024);
        let (at, length) = attribute(&bytes, 0xa0).expect("the folder is large");
        let value = &bytes[at..at + length];
        let runs = &value[u16_at(value, 32)..];
        let (count, place) = (usize::from(runs[0] & 15), usize::from(runs[0] >> 4));
        let number = |bytes: &[u8]| {
            bytes.iter().rev().fold(0u64, |number, &byte| number << 8 | u64::from(byte))
        };
        let (count, first) = (number(&runs[1..1 + count]), number(&runs[1 + count..][..place]));
        let bytes = self.cluster_bytes();
        (0..count).map(|cluster| (first + cluster) * bytes).collect()
    }
}

pub fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Where an attribute of a record lies, and its length.
pub fn attribute(record: &[u8], kind: u32) -> Option<(usize, usize)> {
    let mut at = u16_at(record, 20);
    while at + 8 <= record.len() {
        let (own, length) = (u32_at(record, at), u32_at(record, at + 4) as usize);
        if own == u32::MAX || length == 0 {
            return None;
        }
        if own == kind {
            return Some((at, length));
        }
        at += length;
    }
    None
}
