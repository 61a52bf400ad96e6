//! The logs of Data Box: `ErroredEntity` one after the other and a summary, `CopyLog`, at the end;
//! or `File` one after the other, in the log of all that was copied (`azure-import-export` 7.2).

use super::element::{Element, Form};
use super::model::{BlobEnd, CopyLog, Cut, Entry};

/// A log as it is read.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    log: CopyLog,
    entity: Entity,
    has_summary: bool,
    /// What was read is the log of what was copied, which has no summary.
    has_files: bool,
    named: u64,
}

/// What is known of an entity so far.
#[derive(Debug, Default)]
struct Entity {
    path: String,
    category: String,
    code: String,
    message: String,
    kind: String,
}

/// What Windows calls a file or a folder that is not there.
const NOT_FOUND: [&str; 2] = ["2", "3"];

impl Entity {
    fn entry(self) -> Entry {
        let Entity { path, category, code, message, kind } = self;
        let (container, name) = place(&path);
        let end = match category.as_str() {
            "UploadErrorWin32" if NOT_FOUND.contains(&code.as_str()) => BlobEnd::Missing { code },
            "UploadErrorDataValidationError" => BlobEnd::Damaged { parts: Vec::new() },
            "UploadErrorWin32"
            | "UploadErrorCloudHttp"
            | "UploadErrorManagedConversionError"
            | "UploadErrorUnknownType" => BlobEnd::Failed { code, text: message },
            "ContainerRenamed" | "ShareRenamed" | "BlobRenamed" | "FileRenamed" | "DiskRenamed" => {
                BlobEnd::Renamed { to: new_name(&message) }
            }
            _ => BlobEnd::Unknown { category, text: message },
        };
        let name = name.filter(|_| kind != "Container");
        Entry { container, name, file_path: None, end, is_made: false }
    }
}

/// Container and name of a path, whose separators may be of either kind; no name of ours has a
/// backslash in it.
fn place(path: &str) -> (String, Option<String>) {
    match path.split_once(['\\', '/']) {
        Some((container, name)) => (container.to_owned(), Some(name.replace('\\', "/"))),
        None => (path.to_owned(), None),
    }
}

/// The name that a sentence says something was renamed to.
fn new_name(message: &str) -> Option<String> {
    let (_, after) = message.split_once("renamed to: ")?;
    let (name, _) = after.split_once(" :from: ")?;
    Some(name.trim().to_owned())
}

impl Form for Fragments {
    fn open(&mut self, path: &[String], element: &Element<'_>) -> Result<(), Cut> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["ErroredEntity"] => {
                let path = element.value("Path").unwrap_or_default();
                self.entity = Entity { path, ..Entity::default() };
            }
            ["File"] => {
                self.has_files = true;
                let (container, name) = place(&element.value("Path").unwrap_or_default());
                let (file_path, end) = (None, BlobEnd::Arrived);
                self.log.push(Entry { container, name, file_path, end, is_made: true })?;
            }
            ["CopyLog"] => {}
            [_] => return Err(Cut::NoLog),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &[String], text: &str) -> Result<(), Cut> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let entity = &mut self.entity;
        match names.as_slice() {
            ["ErroredEntity", "Category"] => text.clone_into(&mut entity.category),
            ["ErroredEntity", "ErrorCode"] => text.clone_into(&mut entity.code),
            ["ErroredEntity", "ErrorMessage"] => text.clone_into(&mut entity.message),
            ["ErroredEntity", "Type"] => text.clone_into(&mut entity.kind),
            ["ErroredEntity"] => {
                let entry = std::mem::take(entity).entry();
                let is_error = !matches!(entry.end, BlobEnd::Renamed { .. });
                self.named = self.named.saturating_add(u64::from(is_error));
                self.log.push(entry)?;
            }
            ["CopyLog", "DriveId"] => self.log.drive = Some(text.to_owned()),
            ["CopyLog", "Status"] => self.log.status = Some(text.to_owned()),
            ["CopyLog", "TotalFiles_Blobs"] => self.log.files = text.parse().ok(),
            ["CopyLog", "FilesErrored"] => self.log.errored = text.parse().ok(),
            ["CopyLog"] => self.has_summary = true,
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self, cut: Option<Cut>) -> CopyLog {
        let is_ended = self.has_summary || self.has_files;
        let is_short = self.log.errored.is_some_and(|errored| errored > self.named);
        self.log.cut =
            cut.or((!is_ended).then_some(Cut::EndsEarly)).or(is_short.then_some(Cut::TooFew));
        self.log
    }
}
