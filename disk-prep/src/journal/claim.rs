//! Claims: who works right now on a drive, on the planning of a folder, or on its jobs. A claim
//! is a file that exists once, and that its holder keeps locked: on one machine, and on shares
//! that pass locks on, the lock tells a live holder from a dead one. The claim of a dead run of
//! this machine is taken over; that of another machine, which may be alive behind a share that
//! passes no locks on, only a person can call dead.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::Error;
use super::holder::Holder;
use crate::sys::beneath::Unexpected;
use crate::sys::durable::Access;
use crate::sys::place::Place;

/// A claim that is being written is whole after this, even where no locks are passed on.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// Held until it is dropped; then its file is gone.
#[derive(Debug)]
pub struct Claim {
    place: Place,
    /// Locked as long as it is open.
    file: File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that stays is taken over by the next run; one that was called dead is not ours.
        if self.place.holds(&self.file).is_ok_and(|is_ours| is_ours) {
            let _ = self.place.remove();
        }
    }
}

/// What a look at a claim's file found.
enum Look {
    /// It was taken now; this is its file.
    Taken(File),
    /// Its holder is alive, or may be.
    Held(Holder),
    /// Somebody has it locked and has not written who it is.
    Nameless,
    /// Somebody was faster.
    Again,
}

impl Claim {
    /// Takes a claim, and waits for another holder as long as `patience` lasts. `what` names it
    /// in the error.
    pub fn take(place: Place, what: &str, patience: Duration) -> Result<Self, Error> {
        let until = Instant::now() + patience;
        loop {
            let look =
                Claim::look(&place).map_err(|source| Error::not_written(&place.path(), source))?;
            match look {
                Look::Taken(file) => return Ok(Claim { place, file }),
                Look::Held(holder) if Instant::now() >= until => {
                    return Err(Claim::refusal(&place, what, holder));
                }
                Look::Nameless if Instant::now() >= until + WRITTEN_WITHIN => {
                    return Err(Error::Held { what: what.to_owned() });
                }
                Look::Held(_) | Look::Nameless | Look::Again => sleep(Duration::from_millis(20)),
            }
        }
    }

    fn look(place: &Place) -> io::Result<Look> {
        let (file, is_new) = match place.create_new(Access::Private) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                match place.open_writable() {
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
                return Ok(Claim::holder_in(&file)?.map_or(Look::Nameless, Look::Held));
            }
            locked => locked?,
        }
        // The file that was locked may have been removed by its holder meanwhile.
        if !place.holds(&file)? {
            return Ok(Look::Again);
        }
        if !is_new {
            let mut holder = Claim::holder_in(&file)?;
            if holder.is_none() {
                // Another machine may be about to write, where no locks are passed on.
                sleep(WRITTEN_WITHIN);
                holder = Claim::holder_in(&file)?;
            }
            if let Some(holder) = holder.filter(Holder::is_elsewhere) {
                return Ok(Look::Held(holder));
            }
        }
        let text = serde_json::to_vec(&Holder::here())?;
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all_at(&text, 0))
            .and_then(|()| file.sync_all());
        if let Err(error) = written {
            // Nobody's claim stays behind on a full disk. What matters is why it could not be taken.
            let _ = place.remove();
            return Err(error);
        }
        Ok(Look::Taken(file))
    }

    /// Who is written in a claim's file; `None` while its holder is about to write.
    fn holder_in(file: &File) -> io::Result<Option<Holder>> {
        let mut text = vec![0; 4096];
        let bytes = file.read_at(&mut text, 0)?;
        Ok(serde_json::from_slice(&text[..bytes]).ok().filter(Holder::is_sound))
    }

    /// Who works under a claim, if somebody does; the claim of a dead run of this machine counts
    /// as none.
    pub fn holder(place: &Place) -> Result<Option<Holder>, Error> {
        let file = match place.open() {
            Ok(file) => file,
            // One that cannot be read says nothing; what is no claim at all is told.
            Err(source) if Unexpected::of(&source).is_some() => {
                return Err(Error::File { path: place.path(), source });
            }
            Err(_) => return Ok(None),
        };
        let is_free = flock(&file, FlockOperation::NonBlockingLockShared).is_ok();
        let holder = Claim::holder_in(&file).ok().flatten();
        Ok(holder.filter(|holder| !is_free || holder.is_elsewhere()))
    }

    /// Removes the claim of another machine, whose run a person calls dead. One that is locked
    /// is alive and stays.
    pub fn free(place: &Place, what: &str) -> Result<(), Error> {
        let at = |source| Error::File { path: place.path(), source };
        let file = place.open().map_err(at)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
            && let Some(holder) = Claim::holder_in(&file).map_err(at)?
        {
            return Err(Claim::refusal(place, what, holder));
        }
        place.remove().map_err(at)
    }

    fn refusal(place: &Place, what: &str, holder: Holder) -> Error {
        let what = what.to_owned();
        Error::Claimed { what, path: place.path(), holder: Box::new(holder) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::noun::Diagnose;

    fn place(path: &Path) -> Place {
        Place::at(path).unwrap()
    }

    fn take(path: &Path) -> Result<Claim, Error> {
        Claim::take(place(path), "Drive S1", Duration::ZERO)
    }

    fn holder(path: &Path) -> Option<Holder> {
        Claim::holder(&place(path)).unwrap()
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
        assert_eq!(holder(&path).unwrap().process, std::process::id());
        assert!(Claim::free(&place(&path), "Drive S1").is_err(), "a live claim is never removed");
        drop(claim);
        assert!(!path.exists() && holder(&path).is_none());
    }

    #[test]
    fn a_dead_run_of_this_machine_is_followed_and_one_of_another_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("S1.claim");
        leave(&path, &Holder::here().host);
        assert!(holder(&path).is_none());
        drop(take(&path).unwrap());
        fs::write(&path, "").unwrap();
        drop(take(&path).unwrap());
        leave(&path, "elsewhere");
        assert_eq!(holder(&path).unwrap().host, "elsewhere");
        assert!(
            matches!(take(&path), Err(Error::Claimed { holder, .. }) if holder.host == "elsewhere")
        );
        Claim::free(&place(&path), "Drive S1").unwrap();
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
                            Claim::take(place(&path), "planning", Duration::from_secs(60)).unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(claim);
                    }
                });
            }
        });
    }

    #[test]
    fn a_lock_without_a_name_and_a_name_with_commands_for_terminals_are_no_holders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("S1.claim");
        fs::write(&path, "").unwrap();
        let file = fs::File::open(&path).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap();
        assert_eq!(take(&path).unwrap_err().code(), "held-by-another-run");
        drop(file);
        for host in ["\u{1b}[2Jelsewhere".to_owned(), "h".repeat(256)] {
            leave(&path, &host);
            assert!(holder(&path).is_none(), "{host}");
        }
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert_eq!(take(&path).unwrap_err().code(), "foreign-kind");
        assert_eq!(Claim::holder(&place(&path)).unwrap_err().code(), "foreign-kind");
    }
}
