//! Where the facts of drives come from: this machine, or a recorded one below a folder, so that
//! every rule can be tried on hardware that nobody has at hand.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::identify::Identity;
use crate::sys::ata;

/// What a drive says when it is asked itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// What it is; `None` if no ATA drive answers.
    pub identity: Option<Identity>,
    /// Whether it calls itself healthy; `None` if it keeps no record.
    pub is_healthy: Option<bool>,
}

/// A machine with its drives.
#[derive(Debug, Clone)]
pub struct Kernel {
    root: PathBuf,
    is_recorded: bool,
}

impl Kernel {
    /// This machine.
    pub fn here() -> Self {
        Kernel { root: PathBuf::from("/"), is_recorded: false }
    }

    /// A recorded one: `sys`, `proc`, `run` and `dev` below a folder, files in place of device
    /// nodes, and the answers of ATA drives as `ata/NAME.identify` and `ata/NAME.health`.
    pub fn recorded(root: &Path) -> Self {
        Kernel { root: fs::canonicalize(root).unwrap_or(root.to_owned()), is_recorded: true }
    }

    /// The folder above `sys` and `proc`.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether it is a recorded one, whose devices cannot be asked.
    pub(super) fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    /// Where a path of that machine lies on this one. Images lie where they lie.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        match path.strip_prefix("/dev") {
            Ok(below) if self.is_recorded => self.root.join("dev").join(below),
            _ => path.to_owned(),
        }
    }

    /// The numbers of a block device's node; `None` if the path leads to no block device.
    pub(super) fn numbers(&self, path: &Path) -> io::Result<Option<(u32, u32)>> {
        let place = self.place(path);
        let metadata = fs::metadata(&place)?;
        if metadata.file_type().is_block_device() {
            let number = metadata.rdev();
            return Ok(Some((rustix::fs::major(number), rustix::fs::minor(number))));
        }
        let node = fs::canonicalize(&place)?;
        if !self.is_recorded || !node.starts_with(self.root.join("dev")) {
            return Ok(None);
        }
        let text = fs::read_to_string(
            self.root
                .join("sys/class/block")
                .join(node.file_name().unwrap_or_default())
                .join("dev"),
        )?;
        let parts = text.trim().split_once(':');
        Ok(parts.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?))))
    }

    /// Asks a drive by its kernel name.
    pub(super) fn ask(&self, name: &str) -> Answer {
        match ata::open(&self.place(&Path::new("/dev").join(name))) {
            Ok(node) => self.ask_open(&node, name),
            Err(_) => Answer::default(),
        }
    }

    /// Asks the drive behind an open node.
    pub(super) fn ask_open(&self, node: &File, name: &str) -> Answer {
        if self.is_recorded {
            let recorded = |kind| fs::read(self.root.join(format!("ata/{name}.{kind}"))).ok();
            let answer = recorded("identify").and_then(|bytes| bytes.try_into().ok());
            return Answer {
                identity: answer.as_ref().and_then(Identity::parse),
                is_healthy: recorded("health").map(|text| text.starts_with(b"good")),
            };
        }
        let identity = ata::identify(node).ok().as_ref().and_then(Identity::parse);
        let has_record = identity.as_ref().is_some_and(|own| own.smart);
        let is_healthy = has_record.then(|| ata::is_healthy(node).ok()).flatten();
        Answer { identity, is_healthy }
    }
}
