//! The one gate to a writable device. It opens exclusively, keeps the handle locked, checks
//! serial and use again after the open, and lets nobody write on a drive that is not blank
//! unless its serial was named for erasing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::find::{Drive, Kind, find_on};
use super::identify::Identity;
use super::{DriveName, Kernel, find_content};
use crate::Error;
use crate::device::{Device, FileDevice};
use crate::noun::{Serial, Wipe};

/// A drive that this run holds: nobody else of us can take it, and it was fit when it was opened.
/// Nothing was written yet; an image that is to be made does not exist yet.
#[derive(Debug)]
pub struct HeldDrive {
    /// What it is.
    pub drive: Drive,
    device: Option<Arc<FileDevice>>,
}

/// What was consented to, for a drive that is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clearance {
    /// Whether what is on it is erased.
    pub erase: bool,
    /// What happens to its free space; `None` for a blank drive.
    pub wipe: Option<Wipe>,
}

/// Finds a drive, opens it for this run alone, and checks it again through the open handle.
pub fn hold(name: &DriveName) -> Result<HeldDrive, Error> {
    hold_on(&Kernel::here(), name)
}

/// Like [`hold`], on any machine.
pub(super) fn hold_on(kernel: &Kernel, name: &DriveName) -> Result<HeldDrive, Error> {
    let drive = find_on(kernel, name)?;
    drive.check_fit()?;
    if drive.kind == Kind::NewImage {
        return Ok(HeldDrive { drive, device: None });
    }
    let place = kernel.place(&drive.path);
    let file = open_exclusive(&drive, &place)?;
    let same = is_same(kernel, name, &drive, &file, &place);
    if let Some(what) = same? {
        return Err(Error::WrongDrive { serial: drive.serial, what: what.to_owned() });
    }
    let device = FileDevice::direct(file)
        .map_err(|source| Error::Open { path: drive.path.clone(), source })?;
    Ok(HeldDrive { drive, device: Some(Arc::new(device)) })
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
    if drive.kind == Kind::Block {
        options.custom_flags(OFlags::EXCL.bits() as i32);
    }
    let file = options.open(place).map_err(|source| match source.raw_os_error() {
        Some(code) if code == rustix::io::Errno::BUSY.raw_os_error() => {
            Error::DriveInUse { serial: drive.serial.clone(), holder: "the system".to_owned() }
        }
        _ => Error::Open { path: drive.path.clone(), source },
    })?;
    let patience = if drive.kind == Kind::Block { UDEV_LOOKS_FOR } else { Duration::ZERO };
    lock(&file, &drive.serial, patience)?;
    Ok(file)
}

/// udev holds a drive for a moment to look at it, after every program that has written to it.
const UDEV_LOOKS_FOR: Duration = Duration::from_secs(5);

/// Holds the whole device, so that udev leaves it alone and no second run takes it.
fn lock(file: &File, serial: &Serial, patience: Duration) -> Result<(), Error> {
    let until = Instant::now() + patience;
    while flock(file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= until {
            return Err(Error::Held { what: format!("Drive {serial}") });
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

impl HeldDrive {
    /// Decides whether the drive may be written from its beginning: it is blank, or it was named
    /// for erasing and the fate of its free space was decided.
    pub fn clear(&self, erase: &[Serial], wipe: Option<Wipe>) -> Result<Clearance, Error> {
        let Some(device) = &self.device else {
            return Ok(Clearance { erase: false, wipe: None });
        };
        let serial = &self.drive.serial;
        let content = find_content(device.as_ref()).map_err(|source| Error::Read {
            serial: serial.clone(),
            offset: 0,
            source,
        })?;
        match content {
            None => Ok(Clearance { erase: false, wipe: None }),
            Some(found) if !erase.contains(serial) => {
                Err(Error::NotBlank { serial: serial.clone(), found })
            }
            Some(_) if wipe.is_none() => Err(Error::WipeUndecided { serial: serial.clone() }),
            Some(_) if wipe == Some(Wipe::Discard) => {
                self.drive.check_discard()?;
                Ok(Clearance { erase: true, wipe })
            }
            Some(_) => Ok(Clearance { erase: true, wipe }),
        }
    }

    /// The device; an image that is to be made is made now.
    pub fn device(&mut self) -> Result<Arc<dyn Device>, Error> {
        if let Some(device) = &self.device {
            return Ok(device.clone());
        }
        let made = make_image(&self.drive)?;
        self.device = Some(made.clone());
        Ok(made)
    }
}

fn make_image(drive: &Drive) -> Result<Arc<FileDevice>, Error> {
    let open = |source: io::Error| Error::Open { path: drive.path.clone(), source };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&drive.path)
        .map_err(open)?;
    lock(&file, &drive.serial, Duration::ZERO)?;
    let folder = drive.path.parent().filter(|path| !path.as_os_str().is_empty());
    let made = file
        .set_len(drive.bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| crate::sys::durable::sync_folder(folder.unwrap_or(Path::new("."))))
        .and_then(|()| FileDevice::direct(file));
    made.map(Arc::new).map_err(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noun::ByteSize;
    use std::os::unix::fs::FileExt;

    fn named(folder: &Path, bytes: Option<u64>) -> DriveName {
        let path = folder.join("S1.img");
        DriveName::Path { path, serial: None, bytes: bytes.map(ByteSize) }
    }

    fn image(folder: &Path) -> File {
        let file = File::create(folder.join("S1.img")).unwrap();
        file.set_len(300 << 20).unwrap();
        file
    }

    #[test]
    fn a_new_image_is_made_only_when_it_is_first_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut held = hold(&named(folder.path(), Some(300 << 20))).unwrap();
        assert_eq!(held.clear(&[], None).unwrap(), Clearance { erase: false, wipe: None });
        assert!(!folder.path().join("S1.img").exists());
        assert_eq!(held.device().unwrap().size(), 300 << 20);
        assert!(matches!(hold(&named(folder.path(), None)), Err(Error::Held { .. })));
    }

    #[test]
    fn what_is_not_blank_needs_its_serial_and_the_fate_of_its_free_space() {
        let folder = tempfile::tempdir().unwrap();
        image(folder.path()).write_all_at(b"old", 1 << 20).unwrap();
        let held = hold(&named(folder.path(), None)).unwrap();
        let mine = [held.drive.serial.clone()];
        let other = ["S2".parse().unwrap()];
        let refused = |erase: &[Serial], wipe| held.clear(erase, wipe).unwrap_err();
        assert!(matches!(refused(&[], Some(Wipe::Zero)), Error::NotBlank { .. }));
        assert!(matches!(refused(&other, Some(Wipe::Zero)), Error::NotBlank { .. }));
        assert!(matches!(refused(&mine, None), Error::WipeUndecided { .. }));
        assert_eq!(held.clear(&mine, Some(Wipe::Discard)).unwrap().wipe, Some(Wipe::Discard));
        let clearance = held.clear(&mine, Some(Wipe::None)).unwrap();
        assert_eq!(clearance, Clearance { erase: true, wipe: Some(Wipe::None) });
    }
}
