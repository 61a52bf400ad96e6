//! The one gate to a writable device. It opens exclusively, keeps the handle locked, checks
//! serial and use again after the open, and lets nobody write on a drive that is not blank
//! unless its serial was named for erasing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::blank::{Look, find_content, may_be_sealed};
use super::error::Error;
use super::fault::Fault;
use super::file_id::FileId;
use super::find::{Drive, Kind, find_on};
use super::identify::Identity;
use super::image;
use super::kernel::Kernel;
use super::medium::{Medium, file_below, folder_of, media};
use super::name::DriveName;
use super::named::NamedDrive;
use super::traces::Traces;
use crate::device::{Device, FileDevice};
use crate::noun::{DriveError, OnDrive, Serial, Wipe};
use crate::sys::lease;

/// A drive that this run holds: nobody else of us can take it, and it was fit when it was opened.
/// Nothing was written yet; an image that is to be made does not exist yet.
#[derive(Debug)]
pub struct HeldDrive {
    /// What it is.
    pub drive: Drive,
    device: Option<Arc<FileDevice>>,
    /// What its bytes lie on.
    media: Vec<Medium>,
    /// The file that a loop device is made of, locked too, and where it lies.
    below: Option<(PathBuf, File)>,
}

/// What was consented to, for a drive that is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    /// What is on it and is erased; `None` for a blank drive.
    pub erase: Option<Traces>,
    /// What happens to its free space; `None` for a blank drive.
    pub wipe: Option<Wipe>,
}

impl Clearance {
    /// Of a blank drive.
    pub const BLANK: Clearance = Clearance { erase: None, wipe: None };
}

/// Opens a drive that was found for this run alone, and looks at it once more: by its name, and
/// through the open handle.
pub fn hold(found: &NamedDrive) -> Result<HeldDrive, Error> {
    hold_on(&Kernel::here(), found)
}

/// Like [`hold`], on any machine.
pub(super) fn hold_on(kernel: &Kernel, found: &NamedDrive) -> Result<HeldDrive, Error> {
    let NamedDrive { name, drive } = found.clone();
    drive.check_fit()?;
    let media = media(kernel, &drive.path)?;
    if drive.kind == Kind::NewImage {
        match find_on(kernel, &name) {
            Ok(now) if now == drive => {}
            Ok(_) | Err(Error::SizeMismatch { .. }) => {
                return Err(another(&drive, "a file came to be where its image was to be made"));
            }
            Err(error) => return Err(error),
        }
        return Ok(HeldDrive { drive, device: None, media, below: None });
    }
    let place = kernel.place(&drive.path);
    let below = lock_below(kernel, &drive)?;
    let file = open_exclusive(&drive, &place)?;
    let same = is_same(kernel, &name, &drive, &file, &place);
    if let Some(what) = same? {
        return Err(another(&drive, what));
    }
    let device = FileDevice::direct(file)
        .map_err(|source| Error::Open { path: drive.path.clone(), source })?;
    Ok(HeldDrive { drive, device: Some(Arc::new(device)), media, below })
}

/// Locks the file that a loop device is made of, so that two names of one medium meet.
fn lock_below(kernel: &Kernel, drive: &Drive) -> Result<Option<(PathBuf, File)>, Error> {
    if drive.kind != Kind::Block || kernel.is_recorded() {
        return Ok(None);
    }
    let Some((path, id)) = file_below(kernel, &drive.path)? else { return Ok(None) };
    // It may have no name any more, or another in this namespace; then no name can lead to it.
    let Some(file) = File::open(&path).ok() else { return Ok(None) };
    let about = file.metadata().map_err(|source| Error::Open { path: path.clone(), source })?;
    if FileId::of(&about) != id {
        return Ok(None);
    }
    lock(&file, drive, Duration::ZERO)?;
    Ok(Some((path, file)))
}

/// Looks once more, now that nobody else can take it: the name may have come to mean another
/// device since, somebody may have begun to use it, and the node may lead to another drive than
/// the kernel's tables say. Returns what is wrong.
fn is_same(
    kernel: &Kernel,
    name: &DriveName,
    drive: &Drive,
    file: &File,
    place: &Path,
) -> Result<Option<&'static str>, Error> {
    let found = find_on(kernel, name)?;
    let same_node = std::fs::metadata(place)
        .and_then(|named| Ok((named, file.metadata()?)))
        .map(|(named, held)| {
            (named.rdev(), named.ino(), named.dev()) == (held.rdev(), held.ino(), held.dev())
        })
        .map_err(|source| Error::Open { path: drive.path.clone(), source })?;
    let is_found =
        (&found.serial, &found.model, found.bytes) == (&drive.serial, &drive.model, drive.bytes);
    if !same_node || !is_found {
        return Ok(Some("its name came to mean another device"));
    }
    found.check_fit()?;
    let Some(own) = drive.hardware.as_ref().filter(|own| own.identity.is_some()) else {
        return Ok(None);
    };
    let identity = kernel.ask_open(file, &own.name).identity;
    let serial = |of: &Option<Identity>| of.as_ref().and_then(|own| own.serial.clone());
    let is_kept = serial(&identity) == serial(&own.identity);
    Ok((!is_kept).then_some("another drive answers through its open node"))
}

fn open_exclusive(drive: &Drive, place: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let file = if drive.kind == Kind::Block {
        open_alone(drive, place, &mut options)?
    } else {
        let file = File::open(place).map_err(|source| open_failed(drive, source))?;
        // Another run of ours is told as such.
        lock(&file, drive, Duration::ZERO)?;
        check_unwritten(drive, &file)?;
        drop(file);
        options.open(place).map_err(|source| open_failed(drive, source))?
    };
    check_unlocked(drive, &file)?;
    let patience = if drive.kind == Kind::Block { UDEV_LOOKS_FOR } else { Duration::ZERO };
    lock(&file, drive, patience)?;
    Ok(file)
}

fn open_failed(drive: &Drive, source: io::Error) -> Error {
    Error::Open { path: drive.path.clone(), source }
}

fn another(drive: &Drive, what: &str) -> Error {
    DriveError::new(&drive.serial, Fault::WrongDrive { what: what.to_owned() }).into()
}

fn in_use(drive: &Drive, holder: impl Into<String>) -> Error {
    DriveError::new(&drive.serial, Fault::InUse { holder: holder.into() }).into()
}

/// Looks whether somebody has a drive open in a way that the kernel's tables do not tell of; holds
/// it for no longer than that takes.
pub fn check_idle(drive: &Drive) -> Result<(), Error> {
    let file = match drive.kind {
        Kind::NewImage => return Ok(()),
        Kind::Block => open_alone(drive, &drive.path, OpenOptions::new().read(true))?,
        Kind::Image => File::open(&drive.path).map_err(|source| open_failed(drive, source))?,
    };
    if drive.kind == Kind::Image {
        check_unwritten(drive, &file)?;
    }
    check_unlocked(drive, &file)
}

/// Another look like ours may have it for a moment.
const LOOK_TAKES: Duration = Duration::from_millis(500);

/// Opens a block device as the only one who may have it for himself.
fn open_alone(drive: &Drive, place: &Path, options: &mut OpenOptions) -> Result<File, Error> {
    options.custom_flags(OFlags::EXCL.bits() as i32);
    let until = Instant::now() + LOOK_TAKES;
    loop {
        match options.open(place) {
            Ok(file) => return Ok(file),
            Err(source) if Errno::from_io_error(&source) != Some(Errno::BUSY) => {
                return Err(open_failed(drive, source));
            }
            Err(_) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(_) => {
                let holder = "the kernel or a program that has it for itself: a file system that \
                              is mounted in another namespace, an array, a virtual machine";
                return Err(in_use(drive, holder));
            }
        }
    }
}

/// Refuses what a program has locked a stretch of, as virtual machines lock their images.
fn check_unlocked(drive: &Drive, file: &File) -> Result<(), Error> {
    match fcntl_getlk(file, &Flock::from(FlockType::WriteLock)) {
        Ok(None) => Ok(()),
        Ok(Some(lock)) => {
            // A lock of an open file, as virtual machines take them, tells of no process.
            let process = lock.pid.map(|own| own.as_raw_nonzero().get()).filter(|own| *own > 0);
            let process = process.map_or(String::new(), |own| format!(", process {own}"));
            let holder =
                format!("a program that has locked it, as a virtual machine does{process}");
            Err(in_use(drive, holder))
        }
        // A file system without such locks.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK) => Ok(()),
        Err(error) => Err(open_failed(drive, error.into())),
    }
}

/// A program that was ended a moment ago may still be closing its files.
const LAST_CLOSE: Duration = Duration::from_secs(2);

/// Refuses an image that somebody else writes to: a program, a loop device, swap, by whatever
/// name.
fn check_unwritten(drive: &Drive, file: &File) -> Result<(), Error> {
    let until = Instant::now() + LAST_CLOSE;
    while lease::is_written(file).map_err(|source| open_failed(drive, source))? == Some(true) {
        if Instant::now() >= until {
            return Err(in_use(drive, "a program that has its image open for writing"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// udev holds a drive for a moment to look at it, after every program that has written to it.
const UDEV_LOOKS_FOR: Duration = Duration::from_secs(5);

/// Holds the whole device, so that udev leaves it alone and no second run takes it.
fn lock(file: &File, drive: &Drive, patience: Duration) -> Result<(), Error> {
    let until = Instant::now() + patience;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(Errno::WOULDBLOCK) => {
                return Err(Error::Held { what: format!("Drive {}", drive.serial) });
            }
            Err(error) => {
                return Err(Error::Open { path: drive.path.clone(), source: error.into() });
            }
        }
    }
}

impl HeldDrive {
    /// Decides whether the drive may be written from its beginning: it is blank, or it was named
    /// for erasing and the fate of its free space was decided.
    pub fn clear(
        &self,
        erase: &[Serial],
        wipe: Option<Wipe>,
        look: Look,
    ) -> Result<Clearance, DriveError<Fault>> {
        self.decide(erase, wipe, look).on(&self.drive.serial)
    }

    fn decide(&self, erase: &[Serial], wipe: Option<Wipe>, look: Look) -> Result<Clearance, Fault> {
        let Some(device) = &self.device else {
            return Ok(Clearance::BLANK);
        };
        let Some(found) = find_content(device.as_ref(), look)? else {
            return Ok(Clearance::BLANK);
        };
        if !erase.contains(&self.drive.serial) {
            let encrypted = may_be_sealed(device.as_ref())?;
            return Err(Fault::NotBlank { found, encrypted });
        }
        match wipe {
            None => return Err(Fault::WipeUndecided),
            Some(Wipe::Discard) => self.drive.check_discard()?,
            Some(Wipe::Zero | Wipe::None) => {}
        }
        Ok(Clearance { erase: Some(Traces::of(device.as_ref())?), wipe })
    }

    /// The device; an image that is to be made is made now.
    pub fn device(&mut self) -> Result<Arc<dyn Device>, Error> {
        if let Some(device) = &self.device {
            return Ok(device.clone());
        }
        let open = |source| Error::Open { path: self.drive.path.clone(), source };
        let file = image::make(&self.drive.path, self.drive.bytes)?;
        let made = Arc::new(FileDevice::direct(file).map_err(open)?);
        self.device = Some(made.clone());
        Ok(made)
    }

    /// The device, unless it is an image that is yet to be made.
    pub fn existing(&self) -> Option<&dyn Device> {
        self.device.as_deref().map(|device| device as &dyn Device)
    }

    /// Whether a path leads to a file that its bytes lie in.
    pub fn is_at(&self, path: &Path) -> bool {
        FileId::at(path).is_ok_and(|file| self.media.contains(&Medium::File(file)))
    }

    /// Whether another drive is made of the same bytes: another path of one file, or a loop device
    /// and its file. For telling of it; what cannot be looked at was refused as such.
    pub fn is_also(&self, other: &Drive) -> bool {
        let other = media(&Kernel::here(), &other.path);
        other.is_ok_and(|other| other.iter().any(|own| self.media.contains(own)))
    }

    /// Where the file lies that its bytes are in, without links: an image, or what a loop device
    /// is made of. `None` for hardware.
    pub fn file(&self) -> Result<Option<PathBuf>, Error> {
        let path = match (self.drive.kind, &self.below) {
            (Kind::Image | Kind::NewImage, _) => &self.drive.path,
            (Kind::Block, Some((path, _))) => path,
            (Kind::Block, None) => return Ok(None),
        };
        let folder = folder_of(path);
        let found = if self.drive.kind == Kind::NewImage {
            folder.canonicalize().map(|folder| folder.join(path.file_name().unwrap_or_default()))
        } else {
            path.canonicalize()
        };
        found.map(Some).map_err(|source| Error::Open { path: path.clone(), source })
    }
}

#[cfg(test)]
mod tests;
