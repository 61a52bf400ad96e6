//! Which of the named drives may be used, and for what: decided for all before any is written.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::bay::Offer;
use super::run::{DriveElsewhere, PrepareRun};
use super::work::{Work, room};
use crate::dataset::{self, ListedFile};
use crate::drive::{self, Clearance, Drive, DriveName, HeldDrive, Kind, Look, hold};
use crate::error::{Error, Unready};
use crate::journal::{self, Claim, CopyState, History, JournalFolder};
use crate::known::tables;
use crate::noun::{DriveError, JobName, Serial, Wipe};
use crate::prepare::{BegunDrive, PrepareOptions, recognise};
use crate::sys::threads::each;
use crate::volume::gpt::{PartitionTables, read_gpt};

/// A drive that may be begun.
pub(super) struct Spare {
    pub held: HeldDrive,
    pub clearance: Clearance,
    /// What was looked at, if it was found blank.
    pub blank: Option<Look>,
    pub claim: Claim,
}

impl Spare {
    pub fn serial(&self) -> Serial {
        self.held.drive.serial.clone()
    }
}

/// What may be done with a drive.
pub(super) enum Standing {
    New(Clearance, Look),
    Begun(Look),
    /// Sealed, or set aside: nothing.
    Over,
}

/// What a drive was found blank by; `None` if it is erased, or yet to be made.
fn blank_by(held: &HeldDrive, clearance: &Clearance, look: Look) -> Option<Look> {
    (clearance.erase.is_none() && held.drive.kind != Kind::NewImage).then_some(look)
}

impl PrepareRun<'_> {
    /// Holds and claims every named drive: those to go on with, and those that may be begun.
    pub(super) fn candidates(&self) -> Result<(Vec<Work>, Vec<Spare>), Error> {
        let named = self.hold_all()?;
        let PrepareOptions { erase, wipe, .. } = &self.options;
        // The look whether a drive is blank takes seconds: at all of them at once.
        let looked_at = named.iter().map(|(held, _)| held).collect();
        let standings = each(looked_at, |held| self.standing(held, erase, *wipe));
        let (mut begun, mut spares) = (Vec::new(), Vec::new());
        for ((held, claim), standing) in named.into_iter().zip(standings) {
            match standing? {
                Standing::New(clearance, look) => {
                    let blank = blank_by(&held, &clearance, look);
                    spares.push(Spare { held, clearance, blank, claim });
                }
                Standing::Begun(look) => begun.push((held, claim, look)),
                Standing::Over => {}
            }
        }
        // All may be used; only now is the first of them touched, if only to make its image.
        let works = begun.into_iter().map(|(held, claim, look)| self.resume(held, claim, look));
        Ok((works.collect::<Result<_, _>>()?, spares))
    }

    pub(super) fn hold_all(&self) -> Result<Vec<(HeldDrive, Claim)>, Error> {
        let mut named: Vec<(HeldDrive, Claim)> = Vec::new();
        expect_set_aside(self.absent, &self.journals)?;
        for found in self.drives {
            let own = &found.drive;
            let also = || named.iter().map(|(held, _)| held).find(|held| held.is_also(own));
            let held = match hold(found) {
                Err(error) if error.is_in_use() => {
                    return Err(also().map_or(error, |first| twice(&first.drive, own)).into());
                }
                held => held?,
            };
            let drive = &held.drive;
            let is_same = |first: &&Drive| first.serial == drive.serial;
            if let Some(first) = named.iter().map(|(held, _)| &held.drive).find(is_same) {
                let (serial, first) = (drive.serial.clone(), first.path.clone());
                let second = drive.path.clone();
                return Err(drive::Error::SerialTwice { serial, first, second }.into());
            }
            if let Some(first) = also() {
                return Err(twice(&first.drive, own).into());
            }
            self.check_apart(&held)?;
            let claim = self.journals.claim(&drive.serial)?;
            named.push((held, claim));
        }
        Ok(named)
    }

    /// An image, or the file below a loop device, may lie neither in what is shipped nor among
    /// the journals, and be none of the files themselves: one that is made in a listed folder
    /// would be a file of it the next time.
    fn check_apart(&self, held: &HeldDrive) -> Result<(), Error> {
        let Some(path) = held.file()? else { return Ok(()) };
        let root = &self.data_set.root;
        let mut folders = vec![self.journals.path()];
        // Rows of a CSV file may come from anywhere; their root says nothing.
        folders.extend((root.parent().is_some()).then_some(root.as_path()));
        folders.extend(self.data_set.folders.iter().map(PathBuf::as_path));
        let refuse = |folder: &Path| {
            let fault = drive::Fault::InSource { path: path.clone(), folder: folder.to_owned() };
            Err(DriveError::new(&held.drive.serial, fault).into())
        };
        for folder in folders {
            let real = folder
                .canonicalize()
                .map_err(|source| dataset::Error::Scan { path: folder.to_owned(), source })?;
            if path.starts_with(&real) {
                return refuse(folder);
            }
        }
        let name = path.file_name().unwrap_or_default().as_bytes();
        let is_it = |file: &ListedFile<'_>| {
            let may_be = file.is_source_named(name) || file.bytes() == held.drive.bytes;
            if !may_be {
                return false;
            }
            let source = root.join(file.source());
            source == path || (file.bytes() == held.drive.bytes && held.is_at(&source))
        };
        match self.data_set.files.iter().find(is_it) {
            Some(file) => refuse(&root.join(file.source())),
            None => Ok(()),
        }
    }

    /// Takes a drive that was brought while the run went on.
    pub(super) fn admit(&self, offer: &Offer) -> Result<Spare, Error> {
        let held = hold(&offer.drive)?;
        let serial = held.drive.serial.clone();
        self.check_apart(&held)?;
        room(&serial, held.drive.bytes)?;
        let claim = self.journals.claim(&serial)?;
        let erase = if offer.erase { vec![serial.clone()] } else { Vec::new() };
        match self.standing(&held, &erase, offer.wipe)? {
            Standing::New(clearance, look) => {
                let blank = blank_by(&held, &clearance, look);
                Ok(Spare { held, clearance, blank, claim })
            }
            Standing::Begun(_) | Standing::Over => {
                Err(sealed_elsewhere(&serial, &self.options.job, &serial))
            }
        }
    }

    pub(super) fn standing(
        &self,
        held: &HeldDrive,
        erase: &[Serial],
        wipe: Option<Wipe>,
    ) -> Result<Standing, Error> {
        let serial = &held.drive.serial;
        let look = Look::at(&held.drive, |bytes| self.world.random(bytes))?;
        let clear =
            || -> Result<_, Error> { Ok(Standing::New(held.clear(erase, wipe, look)?, look)) };
        let (job, tables) = (&self.options.job, held.existing().map(read_gpt));
        let history = own(serial, job, tables.as_ref(), &self.journals, self.elsewhere)?;
        let Some(history) = history else { return clear() };
        match history.state {
            CopyState::Released => clear(),
            CopyState::SetAside => Ok(Standing::Over),
            CopyState::Sealed => {
                check_same(held, &history)?;
                check_labelled(held, &history)?;
                Ok(Standing::Over)
            }
            CopyState::Begun | CopyState::Labelled | CopyState::Filled => {
                check_same(held, &history)?;
                if let Some(device) = held.existing() {
                    recognise(device, &history, look)?;
                }
                Ok(Standing::Begun(look))
            }
        }
    }

    fn resume(&self, mut held: HeldDrive, claim: Claim, look: Look) -> Result<Work, Error> {
        let serial = &held.drive.serial;
        let mut journal = self.journals.go_on(serial)?.ok_or_else(|| journal::Error::File {
            path: self.journals.journal(serial),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        let plan = self.journals.read_plan(journal.history())?;
        journal.unseal(self.options.keeper.as_ref())?;
        if held.existing().is_none() {
            recognise(held.device()?.as_ref(), journal.history(), look)?;
        }
        Ok(Work { held, begun: BegunDrive::earlier(journal, plan), _claim: claim })
    }
}

/// Whether a drive can be begun in a job, as far as journals and its partition table tell; one that
/// another job has is refused as a run would. Opens for reading only.
pub fn is_new(
    drive: &Drive,
    job: &JobName,
    journals: &JournalFolder,
    elsewhere: &[DriveElsewhere],
) -> Result<bool, Error> {
    let tables = tables(&drive.path).ok().flatten();
    let history = own(&drive.serial, job, tables.as_ref(), journals, elsewhere)?;
    Ok(history.is_none_or(|own| own.state == CopyState::Released))
}

/// A drive that a job has, where it has this serial.
fn sealed_elsewhere(serial: &Serial, job: &JobName, known_as: &Serial) -> Error {
    let (job, known_as) = (job.to_string(), known_as.clone());
    DriveError::new(serial, Unready::SealedElsewhere { job, known_as }).into()
}

/// What the journals of a job say of a drive; refuses one that another job has, or that is another of
/// the job's drives by its partition table.
fn own(
    serial: &Serial,
    job: &JobName,
    tables: Option<&PartitionTables>,
    journals: &JournalFolder,
    elsewhere: &[DriveElsewhere],
) -> Result<Option<History>, Error> {
    let history = journals.survey_of(serial)?;
    check_not_another(serial, tables, history.as_ref(), journals)?;
    let other = match &history {
        Some(own) if own.begun.job != *job => Some((&own.begun.job, serial)),
        Some(own) if own.state != CopyState::Released => None,
        _ => DriveElsewhere::find(elsewhere, serial, tables).map(|own| (&own.job, &own.serial)),
    };
    match other {
        Some((job, known_as)) => Err(sealed_elsewhere(serial, job, known_as)),
        None => Ok(history),
    }
}

/// Refuses what another drive of the job was written to: two that have no serial of their own may
/// have changed places, and a consent to erase one is none for the other.
fn check_not_another(
    serial: &Serial,
    tables: Option<&PartitionTables>,
    own: Option<&History>,
    journals: &JournalFolder,
) -> Result<(), Error> {
    let Some(tables) = tables else { return Ok(()) };
    let is_own = own.is_some_and(|own| tables.names_disk(own.begun.disk_guid));
    if is_own || tables.best().is_none() {
        return Ok(());
    }
    let is_written = |other: &History| {
        !matches!(other.state, CopyState::SetAside | CopyState::Released)
            && tables.names_disk(other.begun.disk_guid)
    };
    match journals.survey()?.iter().find(|other| is_written(other)) {
        Some(other) => {
            let what = format!("it is drive {} by its partition table", other.begun.serial);
            Err(DriveError::new(serial, drive::Fault::WrongDrive { what }).into())
        }
        None => Ok(()),
    }
}

/// Two names that lead to one medium.
fn twice(first: &Drive, second: &Drive) -> drive::Error {
    drive::Error::MediumTwice { first: first.path.clone(), second: second.path.clone() }
}

/// Whether it can be the drive of the journal, by what it says of itself.
fn check_same(held: &HeldDrive, history: &History) -> Result<(), DriveError<drive::Fault>> {
    let (drive, begun) = (&held.drive, &history.begun);
    let wrong =
        |what: String| Err(DriveError::new(&drive.serial, drive::Fault::WrongDrive { what }));
    if drive.bytes != begun.drive_bytes {
        return wrong(format!("it has {} bytes, not {}", drive.bytes, begun.drive_bytes));
    }
    if drive.model != begun.model {
        return wrong("its model is another".to_owned());
    }
    if drive.kind == Kind::NewImage && history.state != CopyState::Begun {
        return wrong("its image file is gone".to_owned());
    }
    Ok(())
}

/// Refuses a drive that is sealed, and has nothing of what was written by which to know it.
fn check_labelled(held: &HeldDrive, history: &History) -> Result<(), DriveError<drive::Fault>> {
    let is_it = |device| read_gpt(device).names_disk(history.begun.disk_guid);
    match held.existing().is_none_or(is_it) {
        true => Ok(()),
        false => Err(DriveError::new(&held.drive.serial, drive::Fault::other_tables())),
    }
}

/// Refuses names that lead to no drive, but for those of drives that an earlier run set aside.
pub fn expect_set_aside(absent: &[DriveName], journals: &JournalFolder) -> Result<(), Error> {
    for name in absent {
        if !was_set_aside(name, journals)? {
            return Err(drive::Error::NoSuchDrive { name: name.to_string() }.into());
        }
    }
    Ok(())
}

fn was_set_aside(name: &DriveName, journals: &JournalFolder) -> Result<bool, Error> {
    let is_named = |serial: &Serial| match name {
        DriveName::Serial(own) | DriveName::Path { serial: Some(own), .. } => own == serial,
        // Stable names end in the serial.
        DriveName::Path { path, .. } => path
            .file_name()
            .is_some_and(|file| file.to_string_lossy().ends_with(&format!("_{serial}"))),
    };
    let mut histories = journals.survey()?.into_iter();
    Ok(histories.any(|one| one.state == CopyState::SetAside && is_named(&one.begun.serial)))
}
