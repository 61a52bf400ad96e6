//! Claims: who works right now on a drive, on the planning of a folder, or on its jobs. A claim
//! is a file that exists once, and that its holder keeps locked: on one machine, and on shares
//! that pass locks on, the lock tells a live holder from a dead one. The claim of a dead run of
//! this machine is taken over; that of another machine, which may be alive behind a share that
//! passes no locks on, only a person can call dead.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::folder::not_written;
use crate::Error;
use crate::sys::durable::{self, Access};
use crate::sys::machine::machine;

/// Who has a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    version: u32,
    machine: String,
    /// Name of its machine.
    pub host: String,
    /// Number of its process there.
    pub process: u32,
    /// When it was taken.
    pub since: Timestamp,
}

impl Holder {
    fn here() -> Self {
        let (machine, host) = machine();
        let (process, since) = (std::process::id(), Timestamp::now());
        Holder { version: 1, machine, host, process, since }
    }

    /// Whether it belongs to another machine than this one.
    fn is_elsewhere(&self) -> bool {
        let (machine, host) = machine();
        (&self.machine, &self.host) != (&machine, &host)
    }

    /// Whether both belong to one run.
    pub(super) fn is_run(&self, other: &Holder) -> bool {
        (&self.machine, &self.host, self.process) == (&other.machine, &other.host, other.process)
    }
}

/// Held until it is dropped; then its file is gone.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Locked as long as it is open.
    file: File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that stays is taken over by the next run; one that was called dead is not ours.
        if is_at(&self.file, &self.path).is_ok_and(|is_ours| is_ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What a look at a claim's file found.
enum Look {
    /// It was taken now.
    Taken(Claim),
    /// Its holder is alive, or may be.
    Held(Holder),
    /// Somebody was faster.
    Again,
}

impl Claim {
    /// Takes a claim, and waits for another holder as long as `patience` lasts. `what` names it
    /// in the error.
    pub(super) fn take(path: &Path, what: &str, patience: Duration) -> Result<Self, Error> {
        let until = Instant::now() + patience;
        loop {
            let look = Claim::look(path).map_err(|source| not_written(path, source))?;
            match look {
                Look::Taken(claim) => return Ok(claim),
                Look::Held(holder) if Instant::now() >= until => {
                    return Err(Claim::refusal(path, what, holder));
                }
                Look::Held(_) | Look::Again => sleep(Duration::from_millis(20)),
            }
        }
    }

    fn look(path: &Path) -> io::Result<Look> {
        let (file, is_new) = match durable::create_new(path, Access::Private) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                match OpenOptions::new().read(true).write(true).custom_flags(NO_LINK).open(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Ok(Look::Again);
                    }
                    file => (file?, false),
                }
            }
            Err(error) => return Err(error),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {
                return Ok(Claim::holder_in(&file)?.map_or(Look::Again, Look::Held));
            }
            locked => locked?,
        }
        // The file that was locked may have been removed by its holder meanwhile.
        if !is_at(&file, path)? {
            return Ok(Look::Again);
        }
        if !is_new {
            let mut holder = Claim::holder_in(&file)?;
            if holder.is_none() {
                // Another machine may be about to write, where no locks are passed on.
                sleep(Duration::from_secs(1));
                holder = Claim::holder_in(&file)?;
            }
            if let Some(holder) = holder.filter(Holder::is_elsewhere) {
                return Ok(Look::Held(holder));
            }
        }
        let text = serde_json::to_vec(&Holder::here())?;
        file.set_len(0)?;
        file.write_all_at(&text, 0)?;
        file.sync_all()?;
        Ok(Look::Taken(Claim { path: path.to_owned(), file }))
    }

    /// Who is written in a claim's file; `None` while its holder is about to write.
    fn holder_in(file: &File) -> io::Result<Option<Holder>> {
        let mut text = vec![0; 4096];
        let bytes = file.read_at(&mut text, 0)?;
        Ok(serde_json::from_slice(&text[..bytes]).ok())
    }

    /// Who works under the claim of `path`, if somebody does; the claim of a dead run of this
    /// machine counts as none.
    pub(super) fn holder(path: &Path) -> Option<Holder> {
        let file = File::open(path).ok()?;
        let is_free = flock(&file, FlockOperation::NonBlockingLockShared).is_ok();
        let holder = Claim::holder_in(&file).ok()??;
        (!is_free || holder.is_elsewhere()).then_some(holder)
    }

    /// Removes the claim of another machine, whose run a person calls dead. One that is locked
    /// is alive and stays.
    pub(super) fn free(path: &Path, what: &str) -> Result<(), Error> {
        let at = |source| Error::JournalFile { path: path.to_owned(), source };
        let file = File::open(path).map_err(at)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
            && let Some(holder) = Claim::holder_in(&file).map_err(at)?
        {
            return Err(Claim::refusal(path, what, holder));
        }
        fs::remove_file(path).map_err(at)
    }

    fn refusal(path: &Path, what: &str, holder: Holder) -> Error {
        let (what, path) = (what.to_owned(), path.to_owned());
        Error::Claimed { what, path, holder: Box::new(holder) }
    }
}

/// Whether an open file is the one that a path names.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(named) => Ok(named.ino() == file.metadata()?.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

const NO_LINK: i32 = OFlags::NOFOLLOW.bits() as i32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noun::Diagnose;

    fn take(path: &Path) -> Result<Claim, Error> {
        Claim::take(path, "Drive S1", Duration::ZERO)
    }

    /// Leaves a claim behind as a killed run does, on this machine or on another one.
    fn leave(path: &Path, host: &str) {
        let holder = Holder { host: host.to_owned(), ..Holder::here() };
        fs::write(path, serde_json::to_vec(&holder).unwrap()).unwrap();
    }

    #[test]
    fn one_holder_at_a_time_and_nothing_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("S1.claim");
        let claim = take(&path).unwrap();
        assert_eq!(take(&path).unwrap_err().code(), "claimed-by-another-run");
        assert_eq!(Claim::holder(&path).unwrap().process, std::process::id());
        assert!(Claim::free(&path, "Drive S1").is_err(), "a live claim is never removed");
        drop(claim);
        assert!(!path.exists() && Claim::holder(&path).is_none());
    }

    #[test]
    fn a_dead_run_of_this_machine_is_followed_and_one_of_another_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("S1.claim");
        leave(&path, &Holder::here().host);
        assert!(Claim::holder(&path).is_none());
        drop(take(&path).unwrap());
        fs::write(&path, "").unwrap();
        drop(take(&path).unwrap());
        leave(&path, "elsewhere");
        assert_eq!(Claim::holder(&path).unwrap().host, "elsewhere");
        assert!(
            matches!(take(&path), Err(Error::Claimed { holder, .. }) if holder.host == "elsewhere")
        );
        Claim::free(&path, "Drive S1").unwrap();
        take(&path).unwrap();
    }

    #[test]
    fn many_that_want_it_at_once_get_it_one_after_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("planning.claim");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let claim =
                            Claim::take(&path, "planning", Duration::from_secs(60)).unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(claim);
                    }
                });
            }
        });
    }
}
