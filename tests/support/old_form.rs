//! What an older version left behind, unpacked into a throw-away machine: its staging path, state
//! directory and emulator's folder with owners' modes as they were, and its drive.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::program::Machine;

/// Bytes of every form's drive.
const IMAGE_BYTES: u64 = 209_715_200;
/// The sources of `forms.gen.py`: name and bytes.
const LARGE: &[(&str, u64)] = &[("large", 40_000_123), ("folder/small", 70_001), ("empty", 0)];
const SMALL: &[(&str, u64)] =
    &[("letters/one", 30_001), ("letters/two", 5_000), ("three", 17), ("empty", 0)];
const TIME: i64 = 1_700_000_000;

/// A form of version 0.1 on a machine of its own.
#[derive(Debug)]
pub struct OldForm {
    /// The machine.
    pub machine: Machine,
    /// What `forms.json` says of it.
    pub facts: Value,
}

impl OldForm {
    /// Unpacks one: a staging path whose data lies in it or in `source`.
    pub fn unpack(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/forms/0.1");
        let machine = Machine::new();
        let status = Command::new("tar")
            .args(["--extract", "--gzip", "--preserve-permissions", "--no-same-owner", "--file"])
            .arg(folder.join(format!("{name}.tar.gz")))
            .arg("--directory")
            .arg(machine.path("."))
            .status()
            .unwrap();
        assert!(status.success(), "{name} is unpacked");
        let forms: Value =
            serde_json::from_slice(&fs::read(folder.join("forms.json")).unwrap()).unwrap();
        let form = OldForm { machine, facts: forms[name].clone() };
        form.set_clock(forms["made_at_secs"].as_i64().unwrap());
        let (host, id) = (rustix::system::uname(), fs::read_to_string("/etc/machine-id"));
        let host = host.nodename().to_string_lossy().into_owned();
        form.replace("@ROOT@", form.machine.text("").trim_end_matches('/'));
        form.replace("@HOST@", &host);
        form.replace("@MACHINE@", id.unwrap_or_default().trim());
        match name {
            "sealed" | "protected" | "rows" => write_source(&form.machine.path("source"), SMALL),
            _ => write_source(&form.machine.path("staging/data"), LARGE),
        }
        form
    }

    /// The datacenter's clock stands where it stood when the forms were made; jobs have deadlines.
    fn set_clock(&self, made_at: i64) {
        let meta = self.machine.path("azure/meta");
        if meta.exists() {
            let ahead = made_at + 60 - jiff::Timestamp::now().as_second();
            let text = serde_json::json!({"version": 1, "ahead_secs": ahead}).to_string();
            fs::write(meta.join("clock.json"), text).unwrap();
        }
    }

    /// Replaces a word in all records that hold it.
    pub fn replace(&self, word: &str, with: &str) {
        for entry in walkdir::WalkDir::new(self.machine.path(".")) {
            let entry = entry.unwrap();
            let is_record = entry.path().extension().is_some_and(|ending| {
                ["json", "path", "claim"].iter().any(|record| ending == *record)
            });
            if is_record && entry.file_type().is_file() {
                let text = fs::read_to_string(entry.path()).unwrap();
                if text.contains(word) {
                    fs::write(entry.path(), text.replace(word, with)).unwrap();
                }
            }
        }
    }

    /// The staging path.
    pub fn staging(&self) -> String {
        self.machine.text("staging")
    }

    /// The drive's image.
    pub fn image(&self) -> PathBuf {
        self.machine.path("drive.img")
    }

    /// The drive's journal.
    pub fn journal(&self) -> PathBuf {
        self.machine.path("staging/journals/OLD-1.journal")
    }

    /// A fact of `forms.json`.
    pub fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.facts))
    }

    /// An image of nothing but zeros.
    pub fn make_blank_image(&self) {
        File::create(self.image()).unwrap().set_len(IMAGE_BYTES).unwrap();
        fs::set_permissions(self.image(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Makes the image what it was when the old program was killed: the stretches that it had
    /// written, of the bytes that the drive ends with. That it is the same is proven by its SHA-256.
    pub fn make_image(&self, whole: &Path) {
        self.make_blank_image();
        let whole = File::open(whole).unwrap();
        let image = File::options().write(true).open(self.image()).unwrap();
        let mut written: Vec<(u64, u64)> =
            serde_json::from_value(self.facts["written"].clone()).unwrap();
        if written.is_empty() && self.facts["image_sha256"] == self.facts["ends_sha256"] {
            written.push((0, IMAGE_BYTES));
        }
        for (from, to) in written {
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            whole.read_exact_at(&mut bytes, from).unwrap();
            image.write_all_at(&bytes, from).unwrap();
        }
        assert_eq!(sha256(&self.image()), self.fact("image_sha256"));
    }

    /// Cuts a journal off behind its first record, as if the drive had only been begun.
    pub fn only_begun(journal: &Path) {
        let text = fs::read(journal).unwrap();
        let end = text.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        fs::write(journal, &text[..end]).unwrap();
    }
}

fn write_source(folder: &Path, files: &[(&str, u64)]) {
    for (number, (name, size)) in files.iter().enumerate() {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut content = Vec::new();
        for block in 0..size.div_ceil(4096) {
            let digest = Sha256::digest(format!("{name} {block}"));
            content.extend_from_slice(&digest.repeat(128));
        }
        content.truncate(usize::try_from(*size).unwrap());
        fs::write(&path, content).unwrap();
        let time = filetime::FileTime::from_unix_time(TIME + i64::try_from(number).unwrap(), 0);
        filetime::set_file_mtime(&path, time).unwrap();
    }
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_dir() {
            let time = filetime::FileTime::from_unix_time(TIME, 0);
            filetime::set_file_mtime(entry.path(), time).unwrap();
        }
    }
}

/// SHA-256 of a file's logical contents.
pub fn sha256(path: &Path) -> String {
    let (mut file, mut hash) = (File::open(path).unwrap(), Sha256::new());
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece).unwrap();
        if count == 0 {
            return hex(&hash.finalize());
        }
        hash.update(&piece[..count]);
    }
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
