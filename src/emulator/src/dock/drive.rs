//! One drive through the dock: a process reads it, its blobs go into the storage account that the
//! job names, its logs beside them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;

use disk_prep::noun::BlobPath;
use disk_prep::sys::child;

use super::desk::Dock;
use super::destination::own;
use super::line::{Task, WorkerLine, receive, send};
use super::log::{BlobEnd, DriveLog};
use super::manifest::{Disposition, Entry, Part};
use super::papers;
use super::side::{self, Side};
use super::worker::LARGEST_MANIFEST;
use crate::blobs::record::{BlobKind, Properties};
use crate::blobs::store::Draft;
use crate::crc64;
use crate::error::Error;
use crate::jobs::job::{Drive, DriveResult, Files, Job};

/// The subcommand under which this program reads a drive.
const WORKER: [&str; 2] = ["emulator", "dock-worker"];

/// Reads a drive and writes what it holds.
pub(super) fn read(
    dock: Dock<'_>,
    job: &Job,
    drive: &Drive,
    image: File,
) -> Result<DriveResult, Error> {
    let failed = |fault: String| Error::Worker { serial: drive.serial.to_string(), fault };
    let account = job.storage_account.rsplit('/').next().unwrap_or_default();
    if dock.account.storage(account).is_none() {
        // Nobody can write a log there either.
        let status = "BlobRequestForbidden".to_owned();
        return Ok(DriveResult { status, ..DriveResult::default() });
    }
    let (ours, theirs) = UnixStream::pair().map_err(|error| failed(error.to_string()))?;
    let mut worker = child::again(&WORKER, image.into(), theirs.into())
        .map_err(|error| failed(error.to_string()))?;
    let task = Task {
        serial: drive.serial.to_string(),
        key: drive.key.clone(),
        manifest_file: drive.manifest_file.clone(),
        manifest_hash: drive.manifest_hash.clone(),
        header_hash: drive.header_hash.clone(),
    };
    send(&mut &ours, &task).map_err(|error| failed(error.to_string()))?;
    let mut intake = Intake {
        dock,
        account,
        logs: papers::logs(job, &drive.serial),
        wants_checksums: papers::wants_checksums(job),
        files: Files::default(),
        manifest: None,
        bytes_total: 0,
        bytes_done: 0,
        bytes_succeeded: 0,
        percent: 0,
        has_errors: false,
        has_warnings: false,
        progress: &|percent, total| {
            dock.change_drive(&job.key, &drive.serial, |drive| {
                (drive.percent, drive.bytes_total) = (percent, total);
                Ok(())
            })
        },
    };
    let taken = intake.take(&mut BufReader::with_capacity(1 << 20, &ours));
    // A reader that we hear no more would wait for ever to be heard.
    drop(ours);
    let ended = worker.wait().map_err(|error| failed(error.to_string()))?;
    let status = match taken {
        Ok(status) => status,
        // A reader that a drive led astray says nothing more.
        Err(Stop::WorkerLine(_)) if !ended.success() => "InternalError".to_owned(),
        Err(Stop::WorkerLine(error)) => return Err(failed(error.to_string())),
        Err(Stop::Own(error)) => return Err(error),
    };
    intake.finish(job, drive, status)
}

enum Stop {
    /// The line broke, or says what makes no sense.
    WorkerLine(io::Error),
    /// Our own side failed.
    Own(Error),
}

struct Intake<'a> {
    dock: Dock<'a>,
    account: &'a str,
    logs: Box<dyn DriveLog>,
    wants_checksums: bool,
    files: Files,
    manifest: Option<Vec<u8>>,
    bytes_total: u64,
    bytes_done: u64,
    bytes_succeeded: u64,
    percent: u8,
    has_errors: bool,
    has_warnings: bool,
    progress: &'a dyn Fn(u8, u64) -> Result<(), Error>,
}

/// A blob on its way.
struct Incoming {
    entry: Entry,
    draft: Draft,
    /// What its metadata and properties files say.
    properties: Properties,
    sides: Vec<(Side, String)>,
    parts: Vec<(Part, String)>,
}

impl Intake<'_> {
    /// Takes all that the reader tells; returns the drive's status.
    fn take(&mut self, from: &mut impl io::BufRead) -> Result<String, Stop> {
        let mut incoming: Option<Incoming> = None;
        let mut buffer = Vec::new();
        let nonsense = || Stop::WorkerLine(io::ErrorKind::InvalidData.into());
        loop {
            match receive(from).map_err(Stop::WorkerLine)? {
                WorkerLine::Manifest { bytes, total_bytes } => {
                    if bytes > LARGEST_MANIFEST {
                        return Err(nonsense());
                    }
                    let mut manifest = Vec::new();
                    from.take(bytes).read_to_end(&mut manifest).map_err(Stop::WorkerLine)?;
                    self.manifest = Some(manifest);
                    self.bytes_total = total_bytes;
                    (self.progress)(0, total_bytes).map_err(Stop::Own)?;
                }
                WorkerLine::Blob { entry } => {
                    let draft = self.dock.blobs.draft().map_err(Stop::Own)?;
                    incoming = Some(Incoming {
                        entry,
                        draft,
                        properties: Properties::default(),
                        sides: Vec::new(),
                        parts: Vec::new(),
                    });
                }
                WorkerLine::Side { side, mut status, values } => {
                    let blob = incoming.as_mut().ok_or_else(nonsense)?;
                    if !side::apply(&mut blob.properties, side.kind, values) {
                        "BlobRequestFailed".clone_into(&mut status);
                    }
                    blob.sides.push((side, status));
                }
                WorkerLine::Part { part, status } => {
                    let blob = incoming.as_mut().ok_or_else(nonsense)?;
                    if status == "Completed" {
                        let length = usize::try_from(part.length).map_err(|_| nonsense())?;
                        if part.length > disk_prep::limits::BLOCK_BYTES {
                            return Err(nonsense());
                        }
                        buffer.resize(length, 0);
                        from.read_exact(&mut buffer).map_err(Stop::WorkerLine)?;
                        let written = blob.draft.file().write_all_at(&buffer, part.offset);
                        written.map_err(|error| Stop::Own(own(error)))?;
                    }
                    self.count(part.length).map_err(Stop::Own)?;
                    blob.parts.push((part, status));
                }
                WorkerLine::BlobEnd { status } => {
                    let blob = incoming.take().ok_or_else(nonsense)?;
                    self.end(blob, status).map_err(Stop::Own)?;
                }
                WorkerLine::End { status } => return Ok(status),
            }
        }
    }

    fn count(&mut self, bytes: u64) -> Result<(), Error> {
        self.bytes_done = self.bytes_done.saturating_add(bytes);
        let percent = (u128::from(self.bytes_done) * 99)
            .checked_div(u128::from(self.bytes_total))
            .and_then(|percent| u8::try_from(percent).ok())
            .unwrap_or(99);
        if percent > self.percent {
            self.percent = percent;
            (self.progress)(percent, self.bytes_total)?;
        }
        Ok(())
    }

    /// Puts a blob in its place, as its disposition wants it.
    fn end(&mut self, blob: Incoming, status: String) -> Result<(), Error> {
        let Incoming { entry, draft, properties, sides, mut parts } = blob;
        let mut end = BlobEnd {
            blob_path: entry.blob_path.clone(),
            entry,
            status,
            disposition: "Cancelled",
            sides,
            parts: Vec::new(),
            crc64: None,
        };
        if end.status == "Completed" && end.sides.iter().any(|(_, status)| status != "Completed") {
            "CompletedWithErrors".clone_into(&mut end.status);
            self.has_errors = true;
        }
        // A name outside Azure's rules is no place in the account.
        let place = end
            .entry
            .blob_path
            .parse::<BlobPath>()
            .ok()
            .and_then(|_| end.entry.blob_path.split_once('/'))
            .map(|(container, name)| (container.to_owned(), name.to_owned()));
        // What was written of a page blob is there; only blocks wait for a list that is whole.
        let is_kept = end.status == "Completed"
            || end.entry.is_pages && parts.iter().any(|(_, status)| status == "Completed");
        match place {
            Some((container, name)) if is_kept => {
                draft.file().set_len(end.entry.length).map_err(own)?;
                if self.wants_checksums {
                    end.crc64 = Some(crc64::of_file(draft.file()).map_err(own)?);
                }
                end.disposition =
                    self.place(&mut end, (&container, &name), draft, properties, &parts)?;
            }
            None if end.status == "Completed" => {
                "BlobRequestFailed".clone_into(&mut end.status);
                self.has_errors = true;
            }
            _ => {
                // A blob that is not whole is not put together; its good parts were sent in vain.
                for (_, status) in parts.iter_mut().filter(|(_, status)| status == "Completed") {
                    "Uncommitted".clone_into(status);
                }
            }
        }
        self.has_warnings |= matches!(end.disposition, "Renamed" | "Skipped");
        if end.status == "Completed" && end.disposition != "Skipped" {
            self.bytes_succeeded = self.bytes_succeeded.saturating_add(end.entry.length);
        }
        end.parts = parts;
        let count = |is_so: bool| u64::from(is_so);
        self.files.total += 1;
        self.files.errored += count(end.status != "Completed" || end.disposition == "Skipped");
        self.files.renamed += count(end.disposition == "Renamed");
        self.logs.add(&end);
        Ok(())
    }

    fn place(
        &self,
        end: &mut BlobEnd,
        (container, name): (&str, &str),
        draft: Draft,
        properties: Properties,
        parts: &[(Part, String)],
    ) -> Result<&'static str, Error> {
        let has = |name: &str| self.dock.blobs.has((self.account, container, name));
        let (name, disposition) = match (has(name)?, end.entry.disposition) {
            (false, _) => (name.to_owned(), "Created"),
            (true, Disposition::Overwrite) => (name.to_owned(), "Overwritten"),
            (true, Disposition::NoOverwrite) => return Ok("Skipped"),
            (true, Disposition::Rename) => {
                let mut count = 2u32;
                let mut other = renamed(name, count);
                while has(&other)? {
                    count += 1;
                    other = renamed(name, count);
                }
                (other, "Renamed")
            }
        };
        let index = |index: usize| u32::try_from(index).unwrap_or(u32::MAX).to_le_bytes();
        let blocks = parts.iter().enumerate().map(|(at, (part, _))| {
            use base64::Engine;
            let own = || base64::prelude::BASE64_STANDARD.encode(index(at));
            (part.id.clone().unwrap_or_else(own), part.length)
        });
        let properties = if end.entry.is_pages {
            let whole = parts.iter().filter(|(_, status)| status == "Completed");
            let pages = whole.map(|(part, _)| (part.offset, part.offset + part.length));
            Properties { kind: BlobKind::PageBlob, pages: pages.collect(), ..properties }
        } else {
            Properties { blocks: blocks.collect(), ..properties }
        };
        let place = (self.account, container, name.as_str());
        self.dock.blobs.put(place, draft, properties, self.dock.clock.now())?;
        end.blob_path = format!("{container}/{name}");
        Ok(disposition)
    }

    /// Writes the logs.
    fn finish(self, job: &Job, drive: &Drive, status: String) -> Result<DriveResult, Error> {
        let status = match status.as_str() {
            "Completed" if self.has_errors => "CompletedWithErrors".to_owned(),
            "Completed" if self.has_warnings => "CompletedWithWarnings".to_owned(),
            _ => status,
        };
        let logs = self.logs.finish(&status);
        let papers =
            papers::write(self.dock, (job, &drive.serial), logs, self.manifest.as_deref())?;
        Ok(DriveResult {
            status,
            bytes_succeeded: self.bytes_succeeded,
            error_log: papers.error_log,
            verbose_log: papers.verbose_log,
            manifest_copy: papers.manifest_copy,
            files: self.files,
        })
    }
}

/// The name that `rename` makes: a number before the last dot (`azure-import-export` 4.2).
fn renamed(name: &str, count: u32) -> String {
    let (folder, file) = match name.rsplit_once('/') {
        Some((folder, file)) => (format!("{folder}/"), file),
        None => (String::new(), name),
    };
    match file.rsplit_once('.') {
        Some((stem, extension)) => format!("{folder}{stem} ({count}).{extension}"),
        None => format!("{folder}{file} ({count})"),
    }
}

#[cfg(test)]
mod tests {
    use super::renamed;

    #[test]
    fn a_renamed_blob_has_its_number_before_the_last_dot() {
        assert_eq!(renamed("Seattle.jpg", 2), "Seattle (2).jpg");
        assert_eq!(renamed("a.b/c", 3), "a.b/c (3)");
        assert_eq!(renamed("x/a.tar.gz", 2), "x/a.tar (2).gz");
    }
}
