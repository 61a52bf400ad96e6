//! From a name to a drive: what it is, by its own word, then by the kernel's. Opens nothing for
//! writing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::census::{Census, Counted};
use super::error::Error;
use super::fault::Fault;
use super::file_id::FileId;
use super::identify::{Identity, Rotation, Zones};
use super::kernel::{Answer, Kernel};
use super::medium;
use super::name::DriveName;
use super::sysfs::{Ata, BlockFacts, Transport, Usage, block_facts, by_id, whole_drives};
use crate::device::FileDevice;
use crate::limits::SECTOR_BYTES;
use crate::noun::{ByteSize, DriveError, Serial};

/// What a drive is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An image file that exists.
    Image,
    /// An image file that is made when it is first written.
    NewImage,
    /// A block device.
    Block,
}

/// A drive that was found, fit or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// Serial number.
    pub serial: Serial,
    /// Model; `None` for image files.
    pub model: Option<String>,
    /// Size.
    pub bytes: u64,
    /// Where it is now.
    pub path: PathBuf,
    /// What it is made of.
    pub kind: Kind,
    /// Whether it has a turning disk and wants one ascending stream.
    pub rotational: bool,
    /// Logical sector size.
    pub sector_bytes: u64,
    /// Whether anybody uses it.
    pub usage: Usage,
    /// What else is known of a block device; `None` for image files.
    pub hardware: Option<Hardware>,
}

/// What is known of a block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardware {
    /// Kernel name; for looking up again at once, never for storing.
    pub(super) name: String,
    /// How it is attached.
    pub transport: Transport,
    /// Whether it speaks ATA, as far as the kernel knows.
    pub ata: Ata,
    /// What the drive said of itself; `None` if it could not be asked.
    pub identity: Option<Identity>,
    /// Whether it calls itself healthy; `None` if it does not say.
    pub is_healthy: Option<bool>,
    /// Physical sector size.
    pub physical_sector_bytes: u64,
    /// How it turns.
    pub rotation: Rotation,
    /// Whether it is shingled.
    pub zones: Zones,
    /// Whether it has a medium that can be taken out, as sticks pretend.
    pub is_removable: bool,
    /// Whether the kernel passes discards on.
    pub discards: bool,
    /// The name that stays the same, of `/dev/disk/by-id`.
    pub by_id: Option<PathBuf>,
    /// Another device with this serial.
    pub twin: Option<PathBuf>,
}

/// Finds the drive of that name.
pub fn find(name: &DriveName) -> Result<Drive, Error> {
    find_on(&Kernel::here(), name)
}

/// Refuses two drives of one serial, as a drive and its copy, and one that was named twice.
pub fn expect_each_once(drives: &[&Drive]) -> Result<(), Error> {
    for (at, second) in drives.iter().enumerate() {
        if let Some(first) = drives[..at].iter().find(|first| first.serial == second.serial) {
            let (serial, first) = (first.serial.clone(), first.path.clone());
            return Err(Error::SerialTwice { serial, first, second: second.path.clone() });
        }
        if let Some(first) = drives[..at].iter().find(|first| place(first) == place(second)) {
            let (first, second) = (first.path.clone(), second.path.clone());
            return Err(Error::MediumTwice { first, second });
        }
    }
    Ok(())
}

/// Where a drive lies, by whatever path it was named; an image may be yet to be made.
fn place(drive: &Drive) -> PathBuf {
    let path = &drive.path;
    let below = || {
        let parent = path.parent().filter(|own| !own.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
        Some(parent.join(path.file_name()?))
    };
    fs::canonicalize(path).ok().or_else(below).unwrap_or_else(|| path.clone())
}

/// A drive that the kernel knows, by its node, or why it cannot be looked at.
pub type Seen = (PathBuf, Result<Drive, Error>);

/// Every drive that the kernel knows; what cannot be looked at says why.
pub fn find_all(kernel: &Kernel) -> Result<Vec<Seen>, Error> {
    let paths = || whole_drives(kernel).map(|all| all.into_iter().map(|(name, _)| node(&name)));
    let Ok(census) = Census::take(kernel) else {
        // One of them cannot be looked at; each says so for itself.
        let look = |path: PathBuf| (path.clone(), find_on(kernel, &DriveName::of(path)));
        return Ok(paths()?.map(look).collect());
    };
    let look = |counted: &Counted| {
        let path = node(&counted.facts.name);
        (path.clone(), block(kernel, path, counted.clone(), Some(&census), None))
    };
    Ok(census.drives().iter().map(look).collect())
}

/// A whole drive that is plugged in, and the number that it got for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plugged {
    /// Its node.
    pub path: PathBuf,
    sequence: Option<u64>,
}

impl Kernel {
    /// What is plugged in now.
    pub fn plugged(&self) -> Result<BTreeSet<Plugged>, Error> {
        let plugged = |(name, facts): (String, Result<BlockFacts, Error>)| {
            // What cannot be read is there all the same.
            Plugged { path: node(&name), sequence: facts.ok().and_then(|facts| facts.sequence) }
        };
        Ok(whole_drives(self)?.into_iter().map(plugged).collect())
    }

    /// How many commands to a drive have failed since it was plugged in, also those that the
    /// kernel repeated by itself; `None` for images and where nobody counts.
    pub fn failed_commands(&self, drive: &Drive) -> Option<u64> {
        let name = &drive.hardware.as_ref()?.name;
        let count = self.root().join("sys/block").join(name).join("device/ioerr_cnt");
        let count = fs::read_to_string(count).ok()?;
        u64::from_str_radix(count.trim().strip_prefix("0x")?, 16).ok()
    }
}

/// Looks at a drive that was plugged in.
pub fn look_at(kernel: &Kernel, plugged: &Plugged) -> Result<Drive, Error> {
    find_on(kernel, &DriveName::of(plugged.path.clone()))
}

/// Like [`find`], on any machine.
pub fn find_on(kernel: &Kernel, name: &DriveName) -> Result<Drive, Error> {
    let (path, serial, bytes) = match name {
        DriveName::Serial(serial) => return by_serial(kernel, serial),
        DriveName::Path { path, serial, bytes } => (path.clone(), serial.as_ref(), *bytes),
    };
    let open = |source| Error::Open { path: path.clone(), source };
    let found = match fs::metadata(kernel.place(&path)) {
        Ok(metadata) => match kernel.numbers(&path).map_err(open)? {
            Some((major, minor)) => {
                let facts = block_facts(kernel, major, minor)?;
                block(kernel, path, Counted::ask(kernel, facts), None, serial)
            }
            None if metadata.is_file() => {
                let found = image(&path, metadata.len(), serial, Kind::Image)?;
                let user = medium::user(kernel, &path, FileId::of(&metadata), None);
                Ok(Drive { usage: Usage::of(user), ..found })
            }
            None => Err(Error::NotADrive { path, what: "it is neither a file nor a block device" }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match bytes {
            Some(_) if fs::symlink_metadata(&path).is_ok() => {
                Err(Error::NotADrive { path, what: "it is a link that leads nowhere" })
            }
            Some(size) => image(&path, whole_mib(size), serial, Kind::NewImage),
            None => Err(Error::NoSuchDrive { name: path.display().to_string() }),
        },
        Err(source) => Err(Error::Open { path, source }),
    }?;
    // Only an image that is made gets a size.
    match bytes.filter(|asked| whole_mib(*asked) != found.bytes) {
        Some(asked) => {
            let actual = ByteSize(found.bytes);
            Err(Error::SizeMismatch { path: found.path, asked, actual })
        }
        None => Ok(found),
    }
}

/// The size that an image gets.
fn whole_mib(asked: ByteSize) -> u64 {
    asked.0 >> 20 << 20
}

fn node(name: &str) -> PathBuf {
    // The kernel writes the slash of `/dev/cciss/c0d0` so.
    Path::new("/dev").join(name.replace('!', "/"))
}

fn by_serial(kernel: &Kernel, serial: &Serial) -> Result<Drive, Error> {
    let census = Census::take(kernel)?;
    let path = |counted: &Counted| node(&counted.facts.name);
    let mut found = census.with_serial(serial);
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            let fault = Fault::SerialShared { first: path(first), second: path(second) };
            Err(DriveError::new(serial, fault).into())
        }
        (Some(only), None) => block(kernel, path(only), only.clone(), Some(&census), None),
        _ => Err(Error::NoSuchDrive { name: serial.to_string() }),
    }
}

fn image(path: &Path, bytes: u64, serial: Option<&Serial>, kind: Kind) -> Result<Drive, Error> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let serial = match serial {
        Some(serial) => serial.clone(),
        None => Serial::new(&stem).map_err(|_| Error::NoSerial { path: path.to_owned() })?,
    };
    Ok(Drive {
        serial,
        model: None,
        bytes,
        path: path.to_owned(),
        kind,
        rotational: false,
        sector_bytes: SECTOR_BYTES,
        usage: Usage::Free,
        hardware: None,
    })
}

fn block(
    kernel: &Kernel,
    path: PathBuf,
    counted: Counted,
    census: Option<&Census>,
    asked: Option<&Serial>,
) -> Result<Drive, Error> {
    let own = counted.serial();
    let Counted { facts, answer } = counted;
    if !facts.whole {
        return Err(Error::NotADrive { path, what: "it is a partition" });
    }
    let serial = match (own, asked) {
        (Some(actual), Some(expected)) if actual != *expected => {
            let expected = expected.clone();
            return Err(Error::SerialMismatch { path, expected, actual });
        }
        (Some(own), _) => own,
        (None, Some(asked)) => asked.clone(),
        (None, None) => return Err(Error::NoSerial { path }),
    };
    let bytes = match facts.bytes {
        0 => File::open(kernel.place(&path))
            .and_then(FileDevice::new)
            .map(|device| crate::device::Device::size(&device))
            .map_err(|source| Error::Open { path: path.clone(), source })?,
        bytes => bytes,
    };
    // What the device is comes first; only then whether others say that they are it.
    let taken = census.map_or_else(|| Census::take(kernel).map(Some), |_| Ok(None))?;
    let twin = census.or(taken.as_ref()).and_then(|census| {
        let mut others = census.with_serial(&serial).map(|other| &other.facts.name);
        others.find(|other| **other != facts.name).map(|other| node(other))
    });
    let usage = match facts.usage {
        Usage::Free if facts.read_only => Usage::Protected,
        usage => usage,
    };
    let Answer { identity, is_healthy } = answer;
    let own = identity.as_ref();
    let rotation = own
        .map(|own| own.rotation)
        .filter(|own| *own != Rotation::Unknown)
        .unwrap_or(facts.rotation);
    let zones = match facts.zones {
        Zones::None => own.map_or(Zones::None, |own| own.zones),
        zones => zones,
    };
    Ok(Drive {
        serial,
        model: own.and_then(|own| own.model.clone()).or(facts.model),
        bytes,
        path,
        kind: Kind::Block,
        rotational: matches!(rotation, Rotation::Turning(_)),
        sector_bytes: facts.sector_bytes,
        usage,
        hardware: Some(Hardware {
            by_id: by_id(kernel.root(), &facts.name),
            name: facts.name,
            transport: facts.transport,
            ata: facts.ata,
            is_healthy,
            physical_sector_bytes: own
                .map_or(facts.physical_sector_bytes, |own| own.physical_bytes),
            identity,
            rotation,
            zones,
            is_removable: facts.removable,
            discards: facts.discards,
            twin,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noun::ByteSize;

    fn name(path: &Path, serial: Option<&str>, bytes: Option<u64>) -> DriveName {
        let serial = serial.map(|text| Serial::new(text).unwrap());
        DriveName::Path { path: path.to_owned(), serial, bytes: bytes.map(ByteSize) }
    }

    #[test]
    fn an_image_takes_its_serial_from_its_stem_and_its_size_in_whole_mebibytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("WX-1.img");
        let new = find(&name(&path, None, Some(400_000_000))).unwrap();
        assert_eq!((new.serial.as_str(), new.bytes, new.kind), ("WX-1", 381 << 20, Kind::NewImage));
        assert!(!path.exists(), "finding makes nothing");
        assert!(matches!(find(&name(&path, None, None)), Err(Error::NoSuchDrive { .. })));
        File::create(&path).unwrap().set_len(100 << 20).unwrap();
        let small = find(&name(&path, Some("S2"), None)).unwrap();
        assert_eq!((small.serial.as_str(), small.kind), ("S2", Kind::Image));
        assert!(matches!(small.check_fit(), Err(DriveError { fault: Fault::TooSmall { .. }, .. })));
        let other = find(&name(&path, None, Some(210_000_000)));
        assert!(matches!(other, Err(Error::SizeMismatch { .. })));
        find(&name(&path, None, Some(104_857_999))).unwrap();
        assert!(matches!(find(&name(folder.path(), None, None)), Err(Error::NotADrive { .. })));
    }
}
