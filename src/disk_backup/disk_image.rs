//! An image of a disk on this machine as its copy will have it: the bytes of the file or the device,
//! zeros up to a whole number of MiB and a footer if it becomes a VHD.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use disk_prep::limits::{PAGE_BLOB_BYTES, PAGE_BYTES};
use rustix::fs::{Advice, OFlags, fadvise};
use uuid::Uuid;

use super::compare::block_of;
use super::error::Error;
use super::ranges::Span;
use super::source::{ImageSeen, ImageTerms, VhdForm};
use super::vhd::{FOOTER_BYTES, Shape, footer, shape};

const MIB: u64 = 1 << 20;

/// An image that is read.
#[derive(Debug)]
pub struct DiskImage {
    path: PathBuf,
    file: File,
    /// Bytes of the file or the device.
    own_bytes: u64,
    /// Bytes of the copy.
    pub bytes: u64,
    footer: Option<[u8; FOOTER_BYTES as usize]>,
    is_device: bool,
}

/// How a file stands; another one if somebody has written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound => Error::NoSource { blob: path.display().to_string() },
        _ => Error::Image { path: path.clone(), source },
    }
}

/// Whether the kernel lets nobody write to a device.
fn is_read_only(device: u64) -> bool {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let told = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/ro"));
    told.is_ok_and(|own| own.trim() == "1")
}

/// What tells the device at a path from any other that may get its name: the serial number or the world
/// wide name that the kernel has of its drive. None of a file, and of loops, arrays and mappings, which
/// are made anew under the same path.
pub fn device_at(path: &Path) -> Option<String> {
    let own = fs::metadata(path).ok().filter(|own| own.file_type().is_block_device())?;
    device(Path::new("/sys"), own.rdev())
}

fn device(sys: &Path, number: u64) -> Option<String> {
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    let folder = fs::canonicalize(sys.join(format!("dev/block/{major}:{minor}"))).ok()?;
    let text = |folder: &Path, name: &str| {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        let words: Vec<&str> = text.split_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    };
    let part = text(&folder, "partition");
    let drive = if part.is_some() { folder.parent()? } else { &folder };
    let own = ["serial", "device/serial", "wwid", "device/wwid"];
    let own = own.iter().find_map(|name| text(drive, name))?;
    Some(match part {
        Some(part) => format!("{own} partition {part}"),
        None => own,
    })
}

/// The form that suits an image, as nothing is said of it.
pub fn usual_form(path: &Path) -> Result<VhdForm, Error> {
    let (file, bytes, _) = opened(path)?;
    match looked(&file, bytes, path)? {
        Shape::FixedVhd => Ok(VhdForm::AsIs),
        _ => Ok(VhdForm::Add),
    }
}

fn opened(path: &Path) -> Result<(File, u64, bool), Error> {
    let read = || File::options().read(true).to_owned();
    let kind = fs::metadata(path).map_err(at(path))?.file_type();
    if !kind.is_file() && !kind.is_block_device() {
        return Err(Error::NoImage { path: path.to_owned() });
    }
    // Nobody else begins to use a device meanwhile, unless somebody does already.
    let exclusive = i32::try_from(OFlags::EXCL.bits()).unwrap_or_default();
    let alone = kind.is_block_device().then(|| read().custom_flags(exclusive).open(path));
    let mut file = match alone {
        Some(Ok(file)) => file,
        _ => read().open(path).map_err(at(path))?,
    };
    let bytes = file.seek(SeekFrom::End(0)).map_err(at(path))?;
    // Only a hint to the kernel; reading goes on without it.
    let _ = fadvise(&file, 0, None, Advice::Sequential);
    Ok((file, bytes, kind.is_block_device()))
}

/// What the image is; one that is no plain sequence of bytes is refused.
fn looked(file: &File, bytes: u64, path: &Path) -> Result<Shape, Error> {
    let length = usize::try_from(bytes.min(PAGE_BYTES)).unwrap_or_default();
    let (mut head, mut tail) = (vec![0; length], vec![0; length]);
    file.read_exact_at(&mut head, 0).map_err(at(path))?;
    file.read_exact_at(&mut tail, bytes - length as u64).map_err(at(path))?;
    let path = path.to_owned();
    match shape(&head, &tail, bytes) {
        Shape::Other(form) => Err(Error::ImageForm { path, form }),
        Shape::BrokenVhd(fault) => Err(Error::ImageVhd { path, fault }),
        plain => Ok(plain),
    }
}

impl DiskImage {
    /// Opens it as its backup has it.
    pub fn open(path: &Path, terms: &ImageTerms, id: Uuid) -> Result<Self, Error> {
        let (file, own_bytes, is_device) = opened(path)?;
        let shape = looked(&file, own_bytes, path)?;
        let wrong = |fault| Err(Error::ImageVhd { path: path.to_owned(), fault });
        let (bytes, footer) = match (terms.vhd, shape) {
            (VhdForm::AsIs, Shape::FixedVhd) if !(own_bytes - FOOTER_BYTES).is_multiple_of(MIB) => {
                return wrong("its disk is no whole number of MiB, which a disk of Azure is");
            }
            (VhdForm::AsIs, Shape::FixedVhd) => (own_bytes, None),
            (VhdForm::AsIs, _) => return wrong("it has no footer"),
            (VhdForm::Add, Shape::FixedVhd) => return wrong("it has a footer already"),
            (VhdForm::Add, _) => {
                let data = own_bytes.next_multiple_of(MIB);
                (data + FOOTER_BYTES, Some(footer(data, id, terms.made_at)))
            }
            (VhdForm::None, _) => (own_bytes, None),
        };
        if own_bytes == 0
            || bytes == 0
            || !bytes.is_multiple_of(PAGE_BYTES)
            || bytes > PAGE_BLOB_BYTES
        {
            let bytes = if own_bytes == 0 { 0 } else { bytes };
            return Err(Error::ImageLength { path: path.to_owned(), bytes });
        }
        let path = path.to_owned();
        Ok(DiskImage { path, file, own_bytes, bytes, footer, is_device })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its own bytes, which a drive brings.
    pub fn own_bytes(&self) -> u64 {
        self.own_bytes
    }

    /// What it is, for the next point.
    pub fn seen(&self) -> ImageSeen {
        let rdev = self.file.metadata().ok().filter(|_| self.is_device).map(|own| own.rdev());
        let device = rdev.and_then(|own| device(Path::new("/sys"), own));
        ImageSeen { bytes: self.own_bytes, device }
    }

    /// Whether it is a device that somebody may write to meanwhile.
    pub fn is_open_device(&self) -> bool {
        let told = self.file.metadata();
        self.is_device && told.is_ok_and(|own| !is_read_only(own.rdev()))
    }

    /// How it stands now; a device does not tell.
    pub fn stand(&self) -> Result<Option<Stand>, Error> {
        if self.is_device {
            return Ok(None);
        }
        // By its name: another file in its place is another image.
        let own = fs::metadata(&self.path).map_err(at(&self.path))?;
        Ok(Some(Stand {
            bytes: own.size(),
            modified: (own.mtime(), own.mtime_nsec()),
            changed: (own.ctime(), own.ctime_nsec()),
        }))
    }

    /// The block of a number: where it is, and what it holds.
    pub fn block(&self, number: usize) -> Result<(Span, Vec<u8>), Error> {
        let span = block_of(number, self.bytes);
        let length = |span: Span| usize::try_from(span.1 - span.0).unwrap_or(usize::MAX);
        let mut content = vec![0; length(span)];
        let own = (span.0, span.1.min(self.own_bytes).max(span.0));
        let read = content.get_mut(..length(own)).unwrap_or_default();
        self.file.read_exact_at(read, own.0).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => Error::ImageMoved { path: self.path.clone() },
            _ => at(&self.path)(source),
        })?;
        if let Some(footer) = self.footer.filter(|_| span.1 == self.bytes) {
            let from = content.len() - footer.len();
            content[from..].copy_from_slice(&footer);
        }
        Ok((span, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk_backup::table::BLOCK_BYTES;

    fn terms(vhd: VhdForm) -> ImageTerms {
        let made_at = jiff::Timestamp::UNIX_EPOCH;
        ImageTerms { vhd, made_at, seed: None, host: None, seen: None }
    }

    #[test]
    fn a_device_is_told_from_others_by_what_the_kernel_has_of_its_drive() {
        let sys = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = sys.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        fs::create_dir_all(sys.path().join("dev/block")).unwrap();
        let link = |number: &str, folder: &str| {
            let to = sys.path().join(folder);
            fs::create_dir_all(&to).unwrap();
            std::os::unix::fs::symlink(to, sys.path().join("dev/block").join(number)).unwrap();
        };
        put("devices/sda/device/wwid", "t10.ATA     DISK   S1 \n");
        put("devices/sda/sda2/partition", "2\n");
        put("devices/nvme0n1/wwid", "eui.1\n");
        put("devices/nvme0n1/device/serial", "N1  \n");
        put("devices/vda/serial", "\n");
        for (number, folder, right) in [
            ("8:0", "devices/sda", Some("t10.ATA DISK S1")),
            ("8:2", "devices/sda/sda2", Some("t10.ATA DISK S1 partition 2")),
            ("259:0", "devices/nvme0n1", Some("N1")),
            ("254:0", "devices/vda", None),
            ("7:0", "devices/virtual/loop0", None),
        ] {
            link(number, folder);
            let (major, minor) = number.split_once(':').unwrap();
            let number = rustix::fs::makedev(major.parse().unwrap(), minor.parse().unwrap());
            assert_eq!(device(sys.path(), number).as_deref(), right, "{folder}");
        }
        assert_eq!(device_at(sys.path()), None);
        let seen = |bytes| ImageSeen { bytes, device: None };
        assert!(seen(100).has_shrunk(&seen(49)) && !seen(100).has_shrunk(&seen(50)));
    }

    #[test]
    fn a_raw_image_gets_zeros_and_a_footer_and_is_an_image_as_it_is_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("os.raw");
        let content = vec![7_u8; (BLOCK_BYTES + MIB) as usize + 100];
        fs::write(&path, &content).unwrap();
        assert_eq!(usual_form(&path).unwrap(), VhdForm::Add);
        let own = DiskImage::open(&path, &terms(VhdForm::Add), Uuid::nil()).unwrap();
        assert_eq!(own.bytes, BLOCK_BYTES + 2 * MIB + 512);
        let all = [own.block(0).unwrap().1, own.block(1).unwrap().1].concat();
        assert_eq!(all.len() as u64, own.bytes);
        assert!(all.starts_with(&content));
        let zeros = &all[content.len()..all.len() - 512];
        assert!(zeros.iter().all(|byte| *byte == 0));
        let vhd = folder.path().join("os.vhd");
        fs::write(&vhd, &all).unwrap();
        assert_eq!(usual_form(&vhd).unwrap(), VhdForm::AsIs);
        let same = DiskImage::open(&vhd, &terms(VhdForm::AsIs), Uuid::nil()).unwrap();
        assert_eq!([same.block(0).unwrap().1, same.block(1).unwrap().1].concat(), all);
        let code = |path: &Path, vhd| {
            use disk_prep::noun::Diagnose;
            DiskImage::open(path, &terms(vhd), Uuid::nil()).unwrap_err().code()
        };
        assert_eq!(code(&vhd, VhdForm::Add), "disk-image-vhd");
        assert_eq!(code(&path, VhdForm::AsIs), "disk-image-vhd");
        assert_eq!(code(&path, VhdForm::None), "disk-image-length");
        assert_eq!(code(folder.path(), VhdForm::Add), "disk-image-none");
        assert_eq!(code(&folder.path().join("gone.raw"), VhdForm::Add), "disk-source-missing");
        fs::write(&path, b"QFI\xfb....").unwrap();
        assert_eq!(code(&path, VhdForm::Add), "disk-image-form");
        // It became shorter while it was read.
        fs::write(&vhd, b"short").unwrap();
        assert!(matches!(same.block(0), Err(Error::ImageMoved { .. })));
    }
}
