//! Locks of this machine: files that are only locked, never read, in a folder of their own that
//! only their owner can open, since whoever can open a file can lock it.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::machine;
use rustix::fs::{FlockOperation, flock};

use super::directory::State;
use super::error::StateError;
use super::error::io_at;

/// A lock that is held until the value is dropped.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// This machine, this start of its kernel and this very file: a copy of the state directory,
    /// also on the same machine, is another holder.
    pub fn holder(&self) -> Option<String> {
        let about = self.0.metadata().ok()?;
        let (id, name) = machine::machine();
        let start = machine::start();
        (!start.is_empty()).then(|| format!("{id} {name} {start} {}:{}", about.dev(), about.ino()))
    }
}

impl State {
    /// Takes a lock, if nobody has it.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>, StateError> {
        let (path, file) = self.lock_file(name)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(io_at(&path)(error.into())),
        }
    }

    /// Waits until no other run changes a record; whoever has this lock has it for a moment only.
    pub fn hold_records(&self) -> Result<Lock, StateError> {
        let (path, file) = self.lock_file("records")?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Err(rustix::io::Errno::INTR) => {}
                locked => return locked.map(|()| Lock(file)).map_err(|e| io_at(&path)(e.into())),
            }
        }
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File), StateError> {
        let folder = self.0.join("locks");
        self.make_folder(&folder, Access::Private)?;
        let path = folder.join(format!("{name}.lock"));
        let file = durable::open_lock(&path).map_err(io_at(&path))?;
        Ok((path, file))
    }
}
