//! The classic log: `DriveLog`, an element `Blob` for each blob, in any order of what is in it
//! (`azure-import-export` 7.1).

use super::element::{Element, Form};
use super::model::{BlobEnd, CopyLog, Cut, Entry, PARTS, Part};

/// A log as it is read.
#[derive(Debug, Default)]
pub(super) struct Classic {
    log: CopyLog,
    blob: Option<Blob>,
    is_whole: bool,
}

/// What is known of a blob so far.
#[derive(Debug, Default)]
struct Blob {
    status: String,
    path: String,
    file_path: String,
    /// What was made of it, in the log's word.
    disposition: String,
    parts: Vec<Part>,
    /// Why its metadata or properties were not set.
    side: Option<String>,
}

/// Words for what went through, or was not tried since something else did not.
fn is_quiet(status: &str) -> bool {
    matches!(status, "Completed" | "Committed" | "Uncommitted" | "Cancelled" | "")
}

impl Blob {
    fn entry(self) -> Option<Entry> {
        let Blob { status, path, file_path, disposition, parts, side } = self;
        let (container, name) = path.split_once('/')?;
        let is_made = matches!(disposition.as_str(), "Created" | "Overwritten");
        let end = match (status.as_str(), disposition.as_str()) {
            ("FileNotFound", _) => BlobEnd::Missing { code: status },
            _ if !parts.is_empty() => BlobEnd::Damaged { parts },
            ("Completed", "Renamed") => BlobEnd::Renamed { to: Some(path.clone()) },
            ("Completed", "Skipped") => BlobEnd::Skipped,
            ("Completed", _) if side.is_none() => BlobEnd::Arrived,
            _ => BlobEnd::Failed { code: status, text: side.unwrap_or_default() },
        };
        Some(Entry {
            container: container.to_owned(),
            name: Some(name.to_owned()),
            file_path: (!file_path.is_empty()).then_some(file_path),
            end,
            is_made,
        })
    }
}

impl Form for Classic {
    fn open(&mut self, path: &[String], element: &Element<'_>) -> Result<(), Cut> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let status = || element.value("Status").unwrap_or_default();
        match (names.as_slice(), &mut self.blob) {
            (["DriveLog"], _) => {}
            ([_], _) => return Err(Cut::NoLog),
            (["DriveLog", "Blob"], _) => {
                self.blob = Some(Blob { status: status(), ..Blob::default() });
            }
            (["DriveLog", "Blob", "ImportDisposition"], Some(blob)) => {
                blob.disposition = status();
            }
            (["DriveLog", "Blob", _, "Block" | "PageRange"], Some(blob)) => {
                let status = status();
                if !is_quiet(&status) && blob.parts.len() < PARTS {
                    let number = |name| element.number(name).unwrap_or(0);
                    let (offset, bytes) = (number("Offset"), number("Length"));
                    blob.parts.push(Part { offset, bytes, status });
                }
            }
            (["DriveLog", "Blob", name @ ("Metadata" | "Properties")], Some(blob)) => {
                let status = status();
                if !is_quiet(&status) {
                    blob.side = Some(format!("{name} {status}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &[String], text: &str) -> Result<(), Cut> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match (names.as_slice(), &mut self.blob) {
            (["DriveLog", "DriveId"], _) => self.log.drive = Some(text.to_owned()),
            (["DriveLog", "Status"], _) => self.log.status = Some(text.to_owned()),
            (["DriveLog", "Blob", "BlobPath"], Some(blob)) => text.clone_into(&mut blob.path),
            (["DriveLog", "Blob", "FilePath"], Some(blob)) => text.clone_into(&mut blob.file_path),
            (["DriveLog", "Blob"], blob) => {
                if let Some(entry) = blob.take().and_then(Blob::entry) {
                    self.log.push(entry)?;
                }
            }
            (["DriveLog"], _) => self.is_whole = true,
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self, cut: Option<Cut>) -> CopyLog {
        self.log.cut = cut.or((!self.is_whole).then_some(Cut::EndsEarly));
        self.log
    }
}
