//! Addresses that open the bytes of a managed disk or a snapshot of one for a while. Kept in one
//! private file, so that an emulator that is started again knows what it gave out.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use disk_prep::sys::hold::hold;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::store::{read, write};

/// The account that has the bytes of disks, and that nobody can call.
pub(super) const ACCOUNT: &str = "manageddisks";
/// What the bytes of a disk are called there, in a container of the disk's id.
pub(super) const BLOB: &str = "disk.vhd";
/// What they are called in addresses, as the service has it.
pub(super) const NAME: &str = "abcd";

/// The account in the host or path of an address: one for each that is given out.
pub(super) fn account(id: &str) -> String {
    format!("md{}", id.get(..8).unwrap_or(id))
}

/// Whether account, container and blob of an address are those of one that was given out; accounts of
/// one's own go before.
pub(super) fn is_meant(named: &str, container: Option<&str>, blob: Option<&str>) -> bool {
    blob == Some(NAME) && container.is_some_and(|id| account(id) == named)
}

/// What was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    pub id: String,
    /// Whose bytes.
    pub disk: String,
    /// As they were then; none: as they are.
    pub snapshot: Option<String>,
    pub is_write: bool,
    pub until: Timestamp,
    pub signature: String,
}

impl Grant {
    fn opens(&self, disk: &str, snapshot: Option<&str>) -> bool {
        self.disk == disk && self.snapshot.as_deref() == snapshot
    }
}

/// All that was given out.
#[derive(Debug)]
pub(super) struct Grants {
    path: PathBuf,
    all: Mutex<Vec<Grant>>,
}

impl Grants {
    /// As they were left.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let all = read(&path)?.unwrap_or_default();
        Ok(Grants { path, all: Mutex::new(all) })
    }

    /// The one of this id that is not over.
    pub fn find(&self, id: &str, now: Timestamp) -> Option<Grant> {
        hold(&self.all).iter().find(|own| own.id == id && now < own.until).cloned()
    }

    /// The one that opens this, and is not over.
    pub fn of(&self, disk: &str, snapshot: Option<&str>, now: Timestamp) -> Option<Grant> {
        let all = hold(&self.all);
        all.iter().find(|own| own.opens(disk, snapshot) && now < own.until).cloned()
    }

    /// How many snapshots of a disk are open.
    pub fn family(&self, disk: &str, now: Timestamp) -> usize {
        let is_open = |own: &&Grant| own.disk == disk && own.snapshot.is_some() && now < own.until;
        hold(&self.all).iter().filter(is_open).count()
    }

    /// Gives one out; those that are over are forgotten.
    pub fn add(&self, grant: Grant, now: Timestamp) -> io::Result<()> {
        self.change(|all| {
            all.retain(|own| now < own.until);
            all.push(grant);
        })
    }

    /// Ends what opens this.
    pub fn end(&self, disk: &str, snapshot: Option<&str>) -> io::Result<()> {
        self.change(|all| all.retain(|own| !own.opens(disk, snapshot)))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Grant>)) -> io::Result<()> {
        let mut all = hold(&self.all);
        let mut next = all.clone();
        change(&mut next);
        if next != *all {
            write(&self.path, &next)?;
            *all = next;
        }
        Ok(())
    }
}
