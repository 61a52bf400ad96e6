//! Which of the named drives may be used, and for what: decided for all before any is written.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;

use super::{Offer, PrepareRun, Work, room};
use crate::Error;
use crate::drive::{Clearance, DriveName, HeldDrive, Kind, hold};
use crate::journal::{Claim, History, State};
use crate::noun::{Serial, Wipe};
use crate::prepare::{PrepareOptions, recognise};

/// A drive that may be begun.
pub(super) struct Spare {
    pub held: HeldDrive,
    pub clearance: Clearance,
    pub claim: Claim,
}

impl Spare {
    pub fn serial(&self) -> Serial {
        self.held.drive.serial.clone()
    }
}

/// What may be done with a drive.
enum Standing {
    New(Clearance),
    Begun,
    /// Sealed, or set aside: nothing.
    Over,
}

impl PrepareRun<'_> {
    /// Holds and claims every named drive: those to go on with, and those that may be begun.
    pub(super) fn candidates(&self) -> Result<(Vec<Work>, Vec<Spare>), Error> {
        let mut seen: BTreeMap<Serial, PathBuf> = BTreeMap::new();
        let mut named = Vec::new();
        for name in self.drives {
            let held = match hold(name) {
                Err(Error::NoSuchDrive { .. }) if self.was_set_aside(name)? => continue,
                held => held?,
            };
            let (serial, path) = (held.drive.serial.clone(), held.drive.path.clone());
            if let Some(first) = seen.insert(serial.clone(), path.clone()) {
                return Err(Error::SerialTwice { serial, first, second: path });
            }
            let claim = self.journals.claim(&serial)?;
            named.push((held, claim));
        }
        let PrepareOptions { erase, wipe, .. } = &self.options;
        // The look whether a drive is blank takes seconds: at all of them at once.
        let standings: Vec<_> = thread::scope(|scope| {
            let look = |held| move || self.standing(held, erase, *wipe);
            let looks: Vec<_> = named.iter().map(|(held, _)| scope.spawn(look(held))).collect();
            looks.into_iter().map(join).collect()
        });
        let (mut works, mut spares) = (Vec::new(), Vec::new());
        for ((held, claim), standing) in named.into_iter().zip(standings) {
            match standing? {
                Standing::New(clearance) => spares.push(Spare { held, clearance, claim }),
                Standing::Begun => works.push(self.resume(held, claim)?),
                Standing::Over => {}
            }
        }
        Ok((works, spares))
    }

    /// Takes a drive that was brought while the run went on.
    pub(super) fn admit(&self, offer: &Offer) -> Result<Spare, Error> {
        let held = hold(&offer.name)?;
        let serial = held.drive.serial.clone();
        room(&serial, held.drive.bytes)?;
        let claim = self.journals.claim(&serial)?;
        let erase = if offer.erase { vec![serial.clone()] } else { Vec::new() };
        match self.standing(&held, &erase, offer.wipe)? {
            Standing::New(clearance) => Ok(Spare { held, clearance, claim }),
            Standing::Begun | Standing::Over => {
                Err(Error::SealedElsewhere { serial, job: self.options.job.to_string() })
            }
        }
    }

    /// Whether a drive that is not there is one that an earlier run set aside.
    fn was_set_aside(&self, name: &DriveName) -> Result<bool, Error> {
        let is_named = |serial: &Serial| match name {
            DriveName::Serial(own) | DriveName::Path { serial: Some(own), .. } => own == serial,
            // Stable names end in the serial.
            DriveName::Path { path, .. } => path
                .file_name()
                .is_some_and(|file| file.to_string_lossy().ends_with(&format!("_{serial}"))),
        };
        let mut histories = self.journals.read()?.into_iter();
        Ok(histories.any(|one| one.state == State::SetAside && is_named(&one.begun.serial)))
    }

    fn standing(
        &self,
        held: &HeldDrive,
        erase: &[Serial],
        wipe: Option<Wipe>,
    ) -> Result<Standing, Error> {
        let serial = &held.drive.serial;
        let clear = || held.clear(erase, wipe).map(Standing::New);
        let elsewhere = |job: String| Error::SealedElsewhere { serial: serial.clone(), job };
        let Some(history) = self.journals.history(serial)? else {
            return match self.elsewhere.get(serial) {
                Some(job) => Err(elsewhere(job.to_string())),
                None => clear(),
            };
        };
        if history.begun.job != self.options.job {
            return Err(elsewhere(history.begun.job.to_string()));
        }
        match history.state {
            State::Released => clear(),
            State::SetAside => Ok(Standing::Over),
            State::Sealed => check_same(held, &history).map(|()| Standing::Over),
            State::Begun | State::Labelled | State::Filled => {
                check_same(held, &history).map(|()| Standing::Begun)
            }
        }
    }

    fn resume(&self, mut held: HeldDrive, claim: Claim) -> Result<Work, Error> {
        let serial = &held.drive.serial;
        let mut journal = self.journals.go_on(serial)?.ok_or_else(|| Error::JournalFile {
            path: self.journals.journal(serial),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        let plan = self.journals.read_plan(journal.history())?;
        journal.unseal(self.options.keeper.as_ref())?;
        recognise(held.device()?.as_ref(), journal.history())?;
        Ok(Work { held, journal, plan, _claim: claim })
    }
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Whether it can be the drive of the journal, by what it says of itself.
fn check_same(held: &HeldDrive, history: &History) -> Result<(), Error> {
    let (drive, begun) = (&held.drive, &history.begun);
    let wrong = |what: String| Err(Error::WrongDrive { serial: drive.serial.clone(), what });
    if drive.bytes != begun.drive_bytes {
        return wrong(format!("it has {} bytes, not {}", drive.bytes, begun.drive_bytes));
    }
    if drive.model != begun.model {
        return wrong("its model is another".to_owned());
    }
    if drive.kind == Kind::NewImage && history.state != State::Begun {
        return wrong("its image file is gone".to_owned());
    }
    Ok(())
}
