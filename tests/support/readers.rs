//! Calls the independent readers of `tests/readers`, which run in the environment that the test
//! command made. A reader that is missing is a failure, never a skip.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// One file as a reader saw it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Bytes.
    pub size: u64,
    /// Time of last change, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Lower-case hex.
    pub sha256: String,
}

/// All files of a volume as a reader saw them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listing {
    /// By path below the root of the volume, `/` between the parts.
    pub files: BTreeMap<String, Entry>,
    /// How finely the reader tells times.
    pub precision_ns: i64,
}

/// All readers of files.
pub const READERS: &[&str] = &["ntfs-3g", "sleuthkit", "7z", "libfsntfs", "dissect"];

impl Listing {
    /// Complains about every file that is missing, too many, or different. Both sides' times are
    /// rounded down to what the coarser of the two, and NTFS with its 100 ns, can tell.
    pub fn differences(&self, expected: &Listing) -> Vec<String> {
        let unit = self.precision_ns.max(expected.precision_ns).max(100);
        let mut complaints = Vec::new();
        for (path, wanted) in &expected.files {
            match self.files.get(path) {
                None => complaints.push(format!("{path} is missing")),
                Some(found) if (found.size, &found.sha256) != (wanted.size, &wanted.sha256) => {
                    complaints.push(format!("{path}: {found:?}, expected {wanted:?}"));
                }
                Some(found)
                    if found.mtime_ns.div_euclid(unit) != wanted.mtime_ns.div_euclid(unit) =>
                {
                    complaints.push(format!(
                        "{path}: time {}, expected {}",
                        found.mtime_ns, wanted.mtime_ns
                    ));
                }
                Some(_) => {}
            }
        }
        let extra = self.files.keys().filter(|path| !expected.files.contains_key(*path));
        complaints.extend(extra.map(|path| format!("{path} should not be there")));
        complaints
    }
}

/// The JSON that one reader prints of a drive image.
pub fn read(reader: &str, image: &Path, password_file: &Path) -> serde_json::Value {
    let done = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/read_drive.py"))
        .arg(reader)
        .arg(image)
        .arg("--password-file")
        .arg(password_file)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{reader} cannot read {}:\n{said}", image.display());
    serde_json::from_slice(&done.stdout).expect("the reader prints JSON")
}

/// The files that one reader finds.
pub fn files(reader: &str, image: &Path, password_file: &Path) -> Listing {
    serde_json::from_value(read(reader, image, password_file))
        .expect("a reader of files lists them")
}

/// Python with the readers' packages, where the test command put it.
fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../readers/bin/python");
    assert!(python.exists(), "{} is missing: run `tests/run --setup`", python.display());
    python
}
