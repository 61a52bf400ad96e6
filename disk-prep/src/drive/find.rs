//! From a name to a drive: what it is, by its file and the kernel's word for it. Opens nothing
//! for writing.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::DriveName;
use super::sysfs::{BlockFacts, block_facts, whole_drives};
use crate::Error;
use crate::device::FileDevice;
use crate::limits::{SECTOR_BYTES, SMALLEST_DRIVE_BYTES};
use crate::noun::Serial;

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
    /// Who uses it.
    pub holder: Option<String>,
}

/// Finds the drive of that name.
pub fn find(name: &DriveName) -> Result<Drive, Error> {
    find_below(Path::new("/"), name)
}

/// Every drive that the kernel knows, by its node; what cannot be looked at says why.
pub fn find_all() -> Vec<(PathBuf, Result<Drive, Error>)> {
    whole_drives(Path::new("/"))
        .into_iter()
        .map(|facts| Path::new("/dev").join(facts.name))
        .map(|path| {
            let name = DriveName::Path { path: path.clone(), serial: None, bytes: None };
            (path, find(&name))
        })
        .collect()
}

/// Like [`find`], with `/sys` and `/proc` below `root`.
pub(super) fn find_below(root: &Path, name: &DriveName) -> Result<Drive, Error> {
    let (path, serial, bytes) = match name {
        DriveName::Serial(serial) => (by_serial(root, serial)?, None, None),
        DriveName::Path { path, serial, bytes } => (path.clone(), serial.as_ref(), *bytes),
    };
    match fs::metadata(&path) {
        Ok(metadata) if metadata.file_type().is_block_device() => {
            block(root, &path, &metadata, serial)
        }
        Ok(metadata) if metadata.is_file() => image(&path, metadata.len(), serial, Kind::Image),
        Ok(_) => Err(Error::NotADrive { path, what: "it is neither a file nor a block device" }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match bytes {
            Some(size) => {
                let whole_mib = size.0 >> 20 << 20;
                image(&path, whole_mib, serial, Kind::NewImage)
            }
            None => Err(Error::NoSuchDrive { name: path.display().to_string() }),
        },
        Err(source) => Err(Error::Open { path, source }),
    }
}

fn by_serial(root: &Path, serial: &Serial) -> Result<PathBuf, Error> {
    let mut paths = whole_drives(root)
        .into_iter()
        .filter(|facts| facts.serial.as_deref() == Some(serial.as_str()))
        .map(|facts| Path::new("/dev").join(facts.name));
    match (paths.next(), paths.next()) {
        (Some(first), Some(second)) => {
            Err(Error::SerialTwice { serial: serial.clone(), first, second })
        }
        (Some(path), None) => Ok(path),
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
        holder: None,
    })
}

fn block(
    root: &Path,
    path: &Path,
    metadata: &Metadata,
    asked: Option<&Serial>,
) -> Result<Drive, Error> {
    let open = |source| Error::Open { path: path.to_owned(), source };
    let (major, minor) = (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
    let facts: BlockFacts = block_facts(root, major, minor).map_err(open)?;
    if !facts.whole {
        return Err(Error::NotADrive { path: path.to_owned(), what: "it is a partition" });
    }
    let own = facts.serial.as_deref().and_then(|text| Serial::new(text).ok());
    let serial = match (own, asked) {
        (Some(actual), Some(expected)) if actual != *expected => {
            let expected = expected.clone();
            return Err(Error::SerialMismatch { path: path.to_owned(), expected, actual });
        }
        (Some(own), _) => own,
        (None, Some(asked)) => asked.clone(),
        (None, None) => return Err(Error::NoSerial { path: path.to_owned() }),
    };
    let bytes = File::open(path)
        .and_then(FileDevice::new)
        .map(|device| crate::device::Device::size(&device))
        .map_err(open)?;
    let read_only = facts.read_only.then(|| "nobody: it is write-protected".to_owned());
    Ok(Drive {
        serial,
        model: facts.model,
        bytes,
        path: path.to_owned(),
        kind: Kind::Block,
        rotational: facts.rotational,
        sector_bytes: facts.sector_bytes,
        holder: facts.holder.or(read_only),
    })
}

impl Drive {
    /// Why this drive cannot be prepared; `Ok` if nothing that is known so far forbids it.
    pub fn check_fit(&self) -> Result<(), Error> {
        let serial = self.serial.clone();
        if let Some(holder) = &self.holder {
            return Err(Error::DriveInUse { serial, holder: holder.clone() });
        }
        if self.sector_bytes != SECTOR_BYTES {
            let (expected, actual) = (SECTOR_BYTES, self.sector_bytes);
            return Err(Error::SectorSize { serial, expected, actual });
        }
        // An image is rounded down to a whole MiB, so 210M may have come as a little less.
        let smallest = SMALLEST_DRIVE_BYTES >> 20 << 20;
        if self.bytes < smallest {
            return Err(Error::TooSmall { serial, expected: smallest, actual: self.bytes });
        }
        Ok(())
    }
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
        assert!(matches!(small.check_fit(), Err(Error::TooSmall { .. })));
        assert!(find(&name(&path, None, Some(210_000_000))).unwrap().check_fit().is_err());
        assert!(matches!(find(&name(folder.path(), None, None)), Err(Error::NotADrive { .. })));
    }
}
