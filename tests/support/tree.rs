//! Made-up folders, the same ones for the same seed, and what stands in them in a form that can
//! be compared with what a reader saw.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::readers::{Entry, Listing};

/// A small generator of numbers (SplitMix64); good enough to vary sizes and names.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// Bytes that do not compress.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.roll().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// Writes a file and gives it a time of last change with a fraction of a second.
pub fn write(root: &Path, path: &str, content: &[u8], dice: &mut Dice) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().expect("a file lies in a folder")).unwrap();
    fs::write(&file, content).unwrap();
    let seconds = 1_000_000_000 + dice.below(800_000_000) as i64;
    let time = filetime::FileTime::from_unix_time(seconds, dice.below(1_000_000_000) as u32);
    filetime::set_file_mtime(&file, time).unwrap();
}

/// Names that other programs stumble over, but that NTFS and Azure can hold.
const NAMES: &[&str] = &[
    "plain.txt",
    "UPPER lower.TXT",
    "with blanks  inside",
    "ünïcødé-文字-Ω.dat",
    "emoji-😀-pair",
    "a",
    ".hidden",
    "dots.in.the.name.tar.gz",
    "quote'and`tick",
    "percent%20sign",
    "[brackets]{braces}(round)",
    "semi;colon,comma=equals+plus",
    "tilde~1",
    "MICROS~1.TXT",
    "#hash&and!",
];

/// Folders in folders, awkward names, empty files, sizes around resident, cluster and block
/// borders: about 60 files.
pub fn varied(root: &Path, seed: u64) {
    let mut dice = Dice(seed);
    for name in NAMES {
        let length = dice.below(9000) as usize;
        write(root, name, &dice.clone().bytes(length), &mut dice);
    }
    write(root, &"long-name-".repeat(25), b"255 would be the end", &mut dice);
    for length in [
        0,
        1,
        511,
        512,
        513,
        700,
        1024,
        4095,
        4096,
        4097,
        65_536,
        (4 << 20) - 1,
        4 << 20,
        (4 << 20) + 1,
    ] {
        let content = dice.bytes(length);
        write(root, &format!("sizes/{length}.bin"), &content, &mut dice);
    }
    let mut folder = String::from("deep");
    for level in 0..20 {
        folder.push_str(&format!("/level {level}"));
        let length = dice.below(50_000) as usize;
        let content = dice.bytes(length);
        write(root, &format!("{folder}/file"), &content, &mut dice);
    }
}

/// What a reader should see of a folder whose files went to `prefix` on a drive.
pub fn expected(root: &Path, prefix: &str) -> Listing {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let relative = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let status = entry.metadata().unwrap();
            let found = Entry {
                size: status.len(),
                mtime_ns: status.mtime() * 1_000_000_000 + status.mtime_nsec(),
                sha256: sha256_of(entry.path()),
            };
            files.insert(format!("{prefix}{relative}"), found);
        }
    }
    Listing { files, precision_ns: 1 }
}

/// Lower-case hex SHA-256 of a file.
pub fn sha256_of(path: &Path) -> String {
    let mut hasher = Sha256::new();
    hasher.update(fs::read(path).unwrap());
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
