//! Drives: which will do, and which come and go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use disk_prep::drive::{
    Drive, DriveChanges, DriveName, DriveWatch, Error, Fault, Kernel, Kind, Look as Sight,
    PERHAPS_SEALED, Plugged, Seen, check_idle, expect_each_once, find, find_all, find_content,
    look_at, may_be_sealed,
};
use disk_prep::noun::{Diagnose, OnDrive, Serial, typed};
use disk_prep::pool::DriveElsewhere;
use disk_prep::sys::threads::each;
use disk_prep::volume::gpt::read_gpt;
use disk_prep::world::{RealWorld, World};

/// Drives with what speaks for and against each.
#[derive(Debug)]
pub struct DriveList(pub Vec<Look>);

/// Drives that are sealed or begun, as `prep` knows them.
#[derive(Debug, Clone, Default)]
pub struct TakenDrives(pub Vec<DriveElsewhere>);

impl DriveList {
    /// All that the kernel knows.
    pub fn of(kernel: &Kernel, held: &TakenDrives) -> Result<Self, Error> {
        Ok(DriveList(each(find_all(kernel)?, |seen| look_any(seen, held))))
    }

    /// Those that are named.
    pub fn of_named(names: &[DriveName], held: &TakenDrives) -> Result<Self, Error> {
        let drives =
            each(names.iter().collect(), find).into_iter().collect::<Result<Vec<_>, _>>()?;
        expect_each_once(&drives.iter().collect::<Vec<_>>())?;
        let seen = drives.into_iter().map(|drive| (drive.path.clone(), Ok(drive))).collect();
        Ok(DriveList(each(seen, |seen| look_any(seen, held))))
    }
}

/// What `--watch` has told of.
#[derive(Debug)]
pub struct Watch {
    kernel: Kernel,
    drives: DriveWatch,
    serials: BTreeMap<Plugged, Option<Serial>>,
}

impl Watch {
    /// Nothing told yet.
    pub fn new(kernel: Kernel) -> Self {
        let drives = DriveWatch::from_nothing(kernel.clone());
        Watch { kernel, drives, serials: BTreeMap::new() }
    }

    /// What has come and gone; the job of a drive is asked for when it comes.
    pub fn look(&mut self, held: impl FnOnce() -> TakenDrives) -> Vec<Change> {
        let mut changes = Vec::new();
        let DriveChanges { plugged_in, unplugged } = self.drives.look();
        for one in unplugged {
            let serial = self.serials.remove(&one).flatten();
            changes.push(Change::Unplugged { path: one.path, serial });
        }
        if plugged_in.is_empty() {
            return changes;
        }
        let (kernel, held) = (&self.kernel, &held());
        let looks: Vec<(Plugged, Look)> = each(plugged_in.into_iter().collect(), |one: Plugged| {
            let look = look_any((one.path.clone(), look_at(kernel, &one)), held);
            (one, look)
        });
        for (one, look) in looks {
            self.serials.insert(one, look.drive.as_ref().map(|drive| drive.serial.clone()));
            changes.push(Change::PluggedIn(Box::new(look)));
        }
        changes
    }
}

/// What `--watch` tells of.
#[derive(Debug)]
pub enum Change {
    /// A drive came.
    PluggedIn(Box<Look>),
    /// One went.
    Unplugged {
        /// Where it was.
        path: PathBuf,
        /// Its serial, if it had said it.
        serial: Option<Serial>,
    },
}

/// Whether a drive will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It will.
    Fit,
    /// It will; there is something to know.
    Warning,
    /// It will not.
    Unfit,
}

impl Verdict {
    /// As a person reads it.
    pub fn text(self) -> &'static str {
        match self {
            Verdict::Fit => "fit",
            Verdict::Warning => "fit, with a warning",
            Verdict::Unfit => "unfit",
        }
    }

    /// As a script reads it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Fit => "fit",
            Verdict::Warning => "warning",
            Verdict::Unfit => "unfit",
        }
    }
}

/// A drive with what speaks for and against it.
#[derive(Debug)]
pub struct Look {
    /// Where it is.
    pub path: PathBuf,
    /// The drive, if it could be looked at.
    pub drive: Option<Drive>,
    /// Whether it will do.
    pub verdict: Verdict,
    /// Why not, or what there is to know.
    pub reasons: Vec<String>,
    /// Codes of what makes it unfit.
    pub codes: Vec<&'static str>,
    /// What was looked at to see whether it is blank.
    pub looked_at: Option<Sight>,
    /// Whether it is.
    pub is_blank: bool,
}

fn unfit<E: Diagnose>(path: PathBuf, drive: Option<Drive>, faults: &[E]) -> Look {
    let reason = |fault: &E| {
        let cause = fault.source().map_or(String::new(), |cause| format!(": {cause}"));
        format!("{fault}{cause}")
    };
    let reasons = faults.iter().map(reason).collect();
    let codes = faults.iter().map(Diagnose::code).collect();
    Look { path, drive, verdict: Verdict::Unfit, reasons, codes, looked_at: None, is_blank: false }
}

/// A drive of the kernel's list; what cannot be looked at is unfit for that reason.
pub fn look_any((path, found): Seen, held: &TakenDrives) -> Look {
    match found {
        Ok(drive) => match look(drive.clone(), held) {
            Ok(look) => look,
            Err(error) => unfit(path, Some(drive), &[error]),
        },
        Err(error) => unfit(path, None, &[error]),
    }
}

/// A drive with what speaks for and against it. One that is on its way, or will be, is not offered
/// for erasing.
pub fn look(drive: Drive, held: &TakenDrives) -> Result<Look, Error> {
    let path = drive.path.clone();
    let faults = drive.faults();
    if !faults.is_empty() {
        return Ok(unfit(path, Some(drive), &faults));
    }
    let mut reasons = drive.concerns();
    let (found, looked_at) = content(&drive)?;
    let is_blank = found.is_none();
    let serial = &drive.serial;
    match (found, owner(&drive, held)?) {
        (found, Some(own)) => {
            let found = found.map_or(String::new(), |found| format!("{found}; "));
            let (job, release) = (&own.job, ["azseed", "drive", "release", own.serial.as_str()]);
            reasons.push(format!(
                "{found}it is sealed or begun for job {job}, and `prep` takes it for no other: `{}` \
                 gives it up",
                typed(release)
            ));
        }
        (Some(found), None) if is_sealed(&drive)? => {
            reasons.push(format!("{found}; {PERHAPS_SEALED}"));
        }
        (Some(found), None) => {
            reasons.push(format!("{found}; to use it, add `--erase {serial}` to `prep`"));
        }
        (None, None) => {}
    }
    let verdict = if reasons.is_empty() { Verdict::Fit } else { Verdict::Warning };
    Ok(Look { path, drive: Some(drive), verdict, reasons, codes: Vec::new(), looked_at, is_blank })
}

/// What `prep` takes a drive for, of those that are sealed or begun.
fn owner<'a>(drive: &Drive, held: &'a TakenDrives) -> Result<Option<&'a DriveElsewhere>, Error> {
    if drive.kind == Kind::NewImage || held.0.is_empty() {
        return Ok(DriveElsewhere::find(&held.0, &drive.serial, None));
    }
    let device = disk_prep::verify::open(drive)?;
    Ok(DriveElsewhere::find(&held.0, &drive.serial, Some(&read_gpt(&device))))
}

/// Whether it looks like a sealed drive, whose journal is elsewhere.
fn is_sealed(drive: &Drive) -> Result<bool, Error> {
    let device = disk_prep::verify::open(drive)?;
    Ok(may_be_sealed(&device).map_err(Fault::from).on(&drive.serial)?)
}

/// What is on a drive, as a person is told who may let it go; `None` if it is blank.
pub fn told_content(drive: &Drive) -> Result<Option<String>, Error> {
    let Some(found) = content(drive)?.0 else { return Ok(None) };
    Ok(Some(if is_sealed(drive)? { format!("{found}; {PERHAPS_SEALED}") } else { found }))
}

/// What is on a drive, in words, and what was looked at for it; `None` if it is blank.
pub fn content(drive: &Drive) -> Result<(Option<String>, Option<Sight>), Error> {
    if drive.kind == Kind::NewImage {
        return Ok((None, None));
    }
    check_idle(drive)?;
    let look = Sight::at(drive, |bytes| RealWorld.random(bytes))?;
    let device = disk_prep::verify::open(drive)?;
    let found = find_content(&device, look).map_err(Fault::from).on(&drive.serial)?;
    Ok((found, Some(look)))
}
