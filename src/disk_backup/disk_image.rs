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
use super::source::{ImageTerms, VhdForm};
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
        ImageTerms { vhd, made_at: jiff::Timestamp::UNIX_EPOCH, seed: None, host: None }
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
