//! What came of a vault's last run, in the text form of Prometheus, for a collector that reads a
//! folder of such files. A file is replaced whole, so nobody reads the half of one.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, VaultName};
use disk_prep::sys::durable::{self, Access};
use jiff::Timestamp;

/// As every file of ours begins.
const OWN: &str = "# HELP azseed_";

/// A file of metrics that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// There is no such folder.
    #[error("There is no folder for the metrics file {}", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// What is there is not replaced.
    #[error("{} is no plain file, so nothing is written there", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// What is there is something else.
    #[error("{} has something else in it than metrics of azseed", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// It could not be written.
    #[error("Cannot write the metrics file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Diagnose for MetricsError {
    fn code(&self) -> &'static str {
        match self {
            MetricsError::NoFolder { .. } => "metrics-folder-missing",
            MetricsError::Kind { .. } => "metrics-not-plain",
            MetricsError::Other { .. } => "metrics-in-the-way",
            MetricsError::Write { .. } => "metrics-not-written",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            MetricsError::NoFolder { .. } => ErrorKind::Usage,
            MetricsError::Kind { .. } | MetricsError::Other { .. } => ErrorKind::Guard,
            MetricsError::Write { .. } => ErrorKind::LeftOut,
        }
    }
    fn hint(&self) -> Option<Hint> {
        let text = match self {
            MetricsError::Kind { .. } => {
                "name another file; links, folders and devices are left as they are"
            }
            MetricsError::Other { .. } => "name another file with `--metrics-file`",
            MetricsError::NoFolder { .. } | MetricsError::Write { .. } => return None,
        };
        Some(Hint::new(text))
    }
}

/// What is known of a vault after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The vault.
    pub vault: VaultName,
    /// When the run ended.
    pub at: Timestamp,
    /// How long it took, milliseconds.
    pub run_millis: u64,
    /// Its exit code.
    pub exit_code: i32,
    /// Whether the seed is taken in.
    pub is_protected: bool,
    /// When the last backup was made.
    pub backed_up_at: Option<Timestamp>,
    /// When the next is due; `None` if nobody knows.
    pub due_at: Option<Timestamp>,
    /// Of the backup of this run, if it made one: its files, their bytes, files that could not be
    /// read, snapshots that were let go.
    pub backup: Option<[u64; 4]>,
}

/// Refuses a file for which there is no folder, and a place of something else, before the run.
pub fn may_write(path: &Path) -> Result<(), MetricsError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if !folder.is_none_or(Path::is_dir) || path.file_name().is_none() {
        return Err(MetricsError::NoFolder { path: path.to_owned() });
    }
    expect_plain(path)
}

fn expect_plain(path: &Path) -> Result<(), MetricsError> {
    match durable::may_replace(path) {
        Ok(true) if is_other(path) => Err(MetricsError::Other { path: path.to_owned() }),
        Ok(false) => Err(MetricsError::Kind { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// Whether something else than metrics of ours is there.
fn is_other(path: &Path) -> bool {
    let mut start = [0; OWN.len()];
    let read = File::open(path).and_then(|mut file| file.read(&mut start));
    read.is_ok_and(|length| !OWN.as_bytes().starts_with(&start[..length]))
}

/// Replaces the file.
pub fn write(path: &Path, measured: &Measured) -> Result<(), MetricsError> {
    expect_plain(path)?;
    let failed = |source| MetricsError::Write { path: path.to_owned(), source };
    durable::write(path, text(measured).as_bytes(), Access::Public).map_err(failed)
}

fn text(own: &Measured) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: Option<String>| {
        let Some(value) = value else { return };
        // A name of a vault has no character that would have to be escaped.
        let _ = writeln!(
            text,
            "# HELP azseed_vault_{name} {help}\n# TYPE azseed_vault_{name} gauge\n\
             azseed_vault_{name}{{vault=\"{}\"}} {value}",
            own.vault
        );
    };
    let secs = |time: Timestamp| time.as_second().to_string();
    let thousandths = format!("{}.{:03}", own.run_millis / 1_000, own.run_millis % 1_000);
    gauge("run_timestamp_seconds", "When the last run ended.", Some(secs(own.at)));
    gauge("run_duration_seconds", "How long the last run took.", Some(thousandths));
    gauge("run_exit_code", "Exit code of the last run.", Some(own.exit_code.to_string()));
    let is_protected = u8::from(own.is_protected).to_string();
    gauge("protected", "Whether the seed is taken in.", Some(is_protected));
    gauge("backup_timestamp_seconds", "When the last backup was made.", own.backed_up_at.map(secs));
    gauge("due_timestamp_seconds", "When the next backup is due.", own.due_at.map(secs));
    let helps = [
        ("backup_files", "Files of the backup that the last run made."),
        ("backup_bytes", "Bytes of these files."),
        ("backup_unreadable_files", "Files that could not be read."),
        ("forgotten_snapshots", "Snapshots that the last run let go."),
    ];
    for ((name, help), value) in helps.into_iter().zip(own.backup.into_iter().flatten()) {
        gauge(name, help, Some(value.to_string()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn measured() -> Measured {
        Measured {
            vault: "Office".parse().unwrap(),
            at: Timestamp::from_second(1_800_000_000).unwrap(),
            run_millis: 61_007,
            exit_code: 3,
            is_protected: true,
            backed_up_at: None,
            due_at: Some(Timestamp::from_second(1_800_003_600).unwrap()),
            backup: Some([9, 1_000, 2, 0]),
        }
    }

    #[test]
    fn what_is_known_is_said_and_nothing_else() {
        let text = text(&measured());
        let values: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let right = [
            "azseed_vault_run_timestamp_seconds{vault=\"Office\"} 1800000000",
            "azseed_vault_run_duration_seconds{vault=\"Office\"} 61.007",
            "azseed_vault_run_exit_code{vault=\"Office\"} 3",
            "azseed_vault_protected{vault=\"Office\"} 1",
            "azseed_vault_due_timestamp_seconds{vault=\"Office\"} 1800003600",
            "azseed_vault_backup_files{vault=\"Office\"} 9",
            "azseed_vault_backup_bytes{vault=\"Office\"} 1000",
            "azseed_vault_backup_unreadable_files{vault=\"Office\"} 2",
            "azseed_vault_forgotten_snapshots{vault=\"Office\"} 0",
        ];
        assert_eq!(values, right);
        assert_eq!(text.lines().count(), 3 * right.len());
    }

    #[test]
    fn a_plain_file_alone_is_replaced_whole_for_everybody_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("azseed.prom"), folder.path().join("other"));
        std::fs::write(&other, "kept").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        for odd in [path.as_path(), folder.path(), Path::new("/dev/null")] {
            let codes =
                [may_write(odd), write(odd, &measured())].map(|own| own.unwrap_err().code());
            assert_eq!(codes, ["metrics-not-plain"; 2], "{odd:?}");
        }
        assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
        std::fs::remove_file(&path).unwrap();
        for _ in 0..2 {
            write(&path, &measured()).unwrap();
        }
        let about = std::fs::symlink_metadata(&path).unwrap();
        assert!(about.is_file() && about.permissions().mode() & 0o777 == 0o644);
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "kept");
        let refused = may_write(&other).unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("metrics-in-the-way", ErrorKind::Guard));
        let nowhere = folder.path().join("no/azseed.prom");
        assert_eq!(may_write(&nowhere).unwrap_err().code(), "metrics-folder-missing");
        let error = write(&nowhere, &measured()).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("metrics-not-written", ErrorKind::LeftOut));
    }
}
