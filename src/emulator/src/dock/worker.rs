//! Reads one drive as the datacenter would: in a process whose standard input is the drive, whose
//! standard output is the line to the emulator, and which has nothing else. The order of the
//! checks, and the status that the first failure has, are those of `azure-import-export` 10.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use disk_prep::device::{Device, FileDevice};
use disk_prep::limits::{BLOCK_BYTES, METADATA_BYTES};
use disk_prep::noun::{DrivePath, RecoveryPassword};
use disk_prep::volume::bitlocker::unlock;
use disk_prep::volume::view::{FileView, FoundFile, ViewError, find_volume, unlock as open_volume};
use md5::{Digest, Md5};
use secrecy::ExposeSecret;
use sha2::{Sha256, Sha512};

use super::line::{Task, WorkerLine, receive, send};
use super::manifest::{self, Entry, Fault, Manifest, Part};
use super::side::{self, Side};

/// Manifests larger than this are taken for damage; ten terabytes of blocks need a third of it.
pub(super) const LARGEST_MANIFEST: u64 = 1 << 30;

/// Metadata and properties files are far smaller.
const LARGEST_SIDE_FILE: u64 = 8 * METADATA_BYTES as u64;

/// Reads the drive on standard input and tells of it on standard output, until all is told.
pub fn work() -> io::Result<()> {
    let drive = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let line = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    let task: Task = receive(&mut BufReader::new(&line))?;
    let mut out = BufWriter::with_capacity(1 << 20, &line);
    let status = match read(drive, &task, &mut out) {
        Ok(is_whole) => if is_whole { "Completed" } else { "CompletedWithErrors" }.to_owned(),
        Err(Stop::Drive(status)) => status.to_owned(),
        Err(Stop::WorkerLine(error)) => return Err(error),
    };
    send(&mut out, &WorkerLine::End { status })?;
    out.flush()
}

/// Why the reading of a drive stops.
enum Stop {
    /// The drive's status.
    Drive(&'static str),
    /// The emulator has gone away.
    WorkerLine(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::WorkerLine(error)
    }
}

impl From<ViewError> for Stop {
    fn from(error: ViewError) -> Self {
        Stop::Drive(match error {
            ViewError::NoTable { .. } | ViewError::NoPartition => "VolumeNotNtfs",
            ViewError::Unlock(error) => match error {
                unlock::Error::NotBitLocker => "BitLockerVolumeNotFound",
                unlock::Error::NoRecoveryPassword { .. } => "BitLockerProtectorNotFound",
                unlock::Error::WrongPassword => "BitLockerKeyInvalid",
                unlock::Error::Suspended => "BitLockerNotActivated",
                unlock::Error::Read { .. } => "DiskOperationFailed",
                _ => "BitLockerUnlockVolumeFailed",
            },
            ViewError::FileSystem { .. } => "VolumeNotNtfs",
            _ => "InternalError",
        })
    }
}

/// Whether all blobs were read whole.
fn read(drive: File, task: &Task, out: &mut impl Write) -> Result<bool, Stop> {
    let device = FileDevice::new(drive).map_err(|_| Stop::Drive("DiskNotFound"))?;
    device.read_at(&mut [0; 512], 0).map_err(|_| Stop::Drive("DiskNotFound"))?;
    let (_, place) = find_volume(&device)?;
    let password: RecoveryPassword =
        task.key.expose_secret().parse().map_err(|_| Stop::Drive("BitLockerKeyInvalid"))?;
    let volume = open_volume(&device, place, &password)?;
    let view = FileView::open(&volume)?;
    let bytes = read_manifest(&view, task)?;
    let manifest = manifest::parse(&bytes).map_err(|fault| match fault {
        Fault::Corrupted => Stop::Drive("ManifestCorrupted"),
        Fault::Format => Stop::Drive("ManifestFormatInvalid"),
    })?;
    if manifest.drive_id != task.serial {
        return Err(Stop::Drive("ManifestDriveIdMismatch"));
    }
    check_header(&device, task)?;
    let total_bytes =
        manifest.entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.length));
    send(out, &WorkerLine::Manifest { bytes: bytes.len() as u64, total_bytes })?;
    out.write_all(&bytes)?;
    Ok(copy(&view, &manifest, out)?)
}

/// The manifest's bytes, if they hash to what the job says.
fn read_manifest(view: &FileView<'_>, task: &Task) -> Result<Vec<u8>, Stop> {
    // Scripts send the path with doubled backslashes, and the service keeps it so.
    let path = task.manifest_file.replace("\\\\", "\\");
    path.parse::<DrivePath>().map_err(|_| Stop::Drive("ManifestNameInvalid"))?;
    let file = view.files.get(&path).ok_or(Stop::Drive("ManifestNotFound"))?;
    if file.bytes > LARGEST_MANIFEST {
        return Err(Stop::Drive("ManifestCorrupted"));
    }
    let mut bytes = vec![0; usize::try_from(file.bytes).unwrap_or(0)];
    view.read(&file, 0, &mut bytes).map_err(|_| Stop::Drive("ReadManifestFailed"))?;
    match hash(&bytes, task.manifest_hash.len()) {
        Some(own) if own.eq_ignore_ascii_case(&task.manifest_hash) => Ok(bytes),
        _ => Err(Stop::Drive("ManifestCorrupted")),
    }
}

/// The hash of which the text form has so many digits.
fn hash(bytes: &[u8], digits: usize) -> Option<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    match digits {
        32 => Some(hex(&Md5::digest(bytes))),
        64 => Some(hex(&Sha256::digest(bytes))),
        128 => Some(hex(&Sha512::digest(bytes))),
        _ => None,
    }
}

/// Checks the ranges of the raw drive that the job gives: `offset:length:HASH;…`.
fn check_header(device: &dyn Device, task: &Task) -> Result<(), Stop> {
    let wrong = Stop::Drive("BitLockerFailed");
    let Some(ranges) = task.header_hash.as_ref().filter(|own| !own.is_empty()) else {
        return Ok(());
    };
    for range in ranges.split(';') {
        let mut fields = range.split(':');
        let (Some(offset), Some(length), Some(expected)) =
            (fields.next(), fields.next(), fields.next())
        else {
            return Err(wrong);
        };
        let (Ok(offset), Ok(length)) = (offset.parse::<u64>(), length.parse::<usize>()) else {
            return Err(wrong);
        };
        if length as u64 > BLOCK_BYTES {
            return Err(wrong);
        }
        let mut bytes = vec![0; length];
        device.read_at(&mut bytes, offset).map_err(|_| Stop::Drive("DiskOperationFailed"))?;
        if !hash(&bytes, expected.len()).is_some_and(|own| own.eq_ignore_ascii_case(expected)) {
            return Err(wrong);
        }
    }
    Ok(())
}

fn copy(view: &FileView<'_>, manifest: &Manifest, out: &mut impl Write) -> io::Result<bool> {
    let mut is_whole = true;
    let mut buffer = vec![0; usize::try_from(BLOCK_BYTES).unwrap_or(0)];
    for entry in &manifest.entries {
        send(out, &WorkerLine::Blob { entry: entry.clone() })?;
        let status = match view.files.get(&entry.file_path) {
            None => cancel(entry, "FileNotFound", out)?,
            Some(file) if file.bytes != entry.length => cancel(entry, "Failed", out)?,
            Some(file) => {
                let mut is_whole = true;
                for side in &entry.sides {
                    is_whole &= read_side(view, side, out)?;
                }
                if is_whole {
                    parts(view, &file, entry, &mut buffer, out)?
                } else {
                    cancel_parts(entry, out)?;
                    "CompletedWithErrors"
                }
            }
        };
        if status != "Completed" {
            is_whole = false;
        }
        send(out, &WorkerLine::BlobEnd { status: status.to_owned() })?;
    }
    Ok(is_whole)
}

/// A blob whose file cannot be taken: nothing else of it is looked at.
fn cancel(entry: &Entry, status: &'static str, out: &mut impl Write) -> io::Result<&'static str> {
    for side in &entry.sides {
        let (side, status) = (side.clone(), "Cancelled".to_owned());
        send(out, &WorkerLine::Side { side, status, values: Vec::new() })?;
    }
    cancel_parts(entry, out)?;
    Ok(status)
}

fn cancel_parts(entry: &Entry, out: &mut impl Write) -> io::Result<()> {
    for part in &entry.parts {
        send(out, &WorkerLine::Part { part: part.clone(), status: "Cancelled".to_owned() })?;
    }
    Ok(())
}

/// Tells of a metadata or properties file; false if it is not what the manifest says.
fn read_side(view: &FileView<'_>, side: &Side, out: &mut impl Write) -> io::Result<bool> {
    let read = || {
        let file = view.files.get(&side.path).ok_or("FileNotFound")?;
        if file.bytes > LARGEST_SIDE_FILE {
            return Err("XmlReadFailed");
        }
        let mut bytes = vec![0; usize::try_from(file.bytes).unwrap_or(0)];
        view.read(&file, 0, &mut bytes).map_err(|_| "IOFailed")?;
        if hash(&bytes, 32).as_ref() != Some(&side.hash) {
            return Err("Corrupted");
        }
        side::parse(side.kind, &bytes).ok_or("XmlReadFailed")
    };
    let (status, values) = match read() {
        Ok(values) => ("Completed", values),
        Err(status) => (status, Vec::new()),
    };
    send(out, &WorkerLine::Side { side: side.clone(), status: status.to_owned(), values })?;
    Ok(status == "Completed")
}

fn parts(
    view: &FileView<'_>,
    file: &FoundFile,
    entry: &Entry,
    buffer: &mut [u8],
    out: &mut impl Write,
) -> io::Result<&'static str> {
    let mut is_whole = true;
    for part in &entry.parts {
        let Part { offset, length, hash: expected, .. } = part;
        let bytes = &mut buffer[..usize::try_from(*length).unwrap_or(0)];
        let status = match view.read(file, *offset, bytes) {
            Err(_) => "IOFailed",
            Ok(()) => match hash(bytes, 32) {
                Some(own) if own == *expected => "Completed",
                _ => "Corrupted",
            },
        };
        send(out, &WorkerLine::Part { part: part.clone(), status: status.to_owned() })?;
        if status == "Completed" {
            out.write_all(bytes)?;
        } else {
            is_whole = false;
        }
    }
    Ok(if is_whole { "Completed" } else { "CompletedWithErrors" })
}
