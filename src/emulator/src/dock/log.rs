//! The copy logs of a drive: what each form of them does, and the classic form
//! (`azure-import-export` 7.1), in which the verbose log has everything and the error log only
//! what did not go through.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::manifest::{Entry, Part};
use super::side::Side;

/// How a blob ended.
#[derive(Debug)]
pub(super) struct BlobEnd {
    pub entry: Entry,
    /// The name it got; another one if it was renamed.
    pub blob_path: String,
    pub status: String,
    /// `Created`, `Overwritten`, `Renamed`, `Skipped` or `Cancelled`.
    pub disposition: &'static str,
    pub sides: Vec<(Side, String)>,
    pub parts: Vec<(Part, String)>,
    /// The content's checksum, if the logs want it.
    pub crc64: Option<u64>,
}

/// The logs of a drive, as they grow.
pub(super) trait DriveLog {
    /// A blob has ended.
    fn add(&mut self, blob: &BlobEnd);
    /// The drive has ended: the error log if there is something to tell, and the verbose log.
    fn finish(self: Box<Self>, status: &str) -> (Option<String>, String);
}

impl BlobEnd {
    fn is_quiet(&self) -> bool {
        self.status == "Completed" && !matches!(self.disposition, "Renamed" | "Skipped")
    }
}

/// Both logs in the classic form.
#[derive(Debug)]
pub(super) struct Logs {
    errors: String,
    verbose: String,
    has_errors: bool,
}

impl Logs {
    /// Logs of a drive.
    pub fn new(serial: &str) -> Self {
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DriveLog Version=\"2014-11-01\">\n  \
             <DriveId>{}</DriveId>\n",
            escape(serial)
        );
        Logs { errors: head.clone(), verbose: head, has_errors: false }
    }
}

impl DriveLog for Logs {
    fn add(&mut self, blob: &BlobEnd) {
        write_blob(&mut self.verbose, blob, |_| true);
        if !blob.is_quiet() {
            self.has_errors = true;
            let is_bad = |status: &str| !matches!(status, "Completed" | "Uncommitted");
            write_blob(&mut self.errors, blob, is_bad);
        }
    }

    fn finish(mut self: Box<Self>, status: &str) -> (Option<String>, String) {
        let tail = format!("  <Status>{}</Status>\n</DriveLog>\n", escape(status));
        self.errors.push_str(&tail);
        self.verbose.push_str(&tail);
        let is_told = self.has_errors || status != "Completed";
        (is_told.then_some(self.errors), self.verbose)
    }
}

fn write_blob(log: &mut String, blob: &BlobEnd, is_told: impl Fn(&str) -> bool) {
    let BlobEnd { entry, blob_path, status, disposition, sides, parts, .. } = blob;
    let (list, item) =
        if entry.is_pages { ("PageRangeList", "PageRange") } else { ("BlockList", "Block") };
    let _ = writeln!(
        log,
        "  <Blob Status=\"{}\">\n    <BlobPath>{}</BlobPath>\n    <FilePath>{}</FilePath>\n    \
         <Length>{}</Length>\n    <ImportDisposition Status=\"{disposition}\">{}</ImportDisposition>\n    <{list}>",
        escape(status),
        escape(blob_path),
        escape(&entry.file_path),
        entry.length,
        entry.disposition.word(),
    );
    for (part, status) in parts.iter().filter(|(_, status)| is_told(status)) {
        let id = part.id.as_ref().map(|id| format!(" Id=\"{}\"", escape(id))).unwrap_or_default();
        let _ = writeln!(
            log,
            "      <{item} Offset=\"{}\" Length=\"{}\"{id} Hash=\"{}\" Status=\"{}\"/>",
            part.offset,
            part.length,
            escape(&part.hash),
            escape(status),
        );
    }
    let _ = writeln!(log, "    </{list}>");
    for (side, status) in sides {
        let element = side.kind.element();
        let path = if side.is_global { "GlobalPath" } else { "Path" };
        let _ = writeln!(
            log,
            "    <{element} Status=\"{}\"><{path} Hash=\"{}\">{}</{path}></{element}>",
            escape(status),
            escape(&side.hash),
            escape(&side.path),
        );
    }
    let _ = writeln!(log, "  </Blob>");
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::manifest::Disposition;
    use super::*;

    pub(in super::super) fn end(status: &str, parts: &[&str]) -> BlobEnd {
        let part = |(index, status): (usize, &&str)| {
            let offset = index as u64 * 4;
            let hash = "700CE7E21ED55525977FAF7AAA9E546B".to_owned();
            (Part { offset, length: 4, id: None, hash }, (*status).to_owned())
        };
        BlobEnd {
            entry: Entry {
                blob_path: "c/a & b".to_owned(),
                file_path: "\\a & b".to_owned(),
                length: 8,
                disposition: Disposition::Overwrite,
                is_pages: false,
                sides: Vec::new(),
                parts: Vec::new(),
            },
            blob_path: "c/a & b".to_owned(),
            status: status.to_owned(),
            disposition: "Created",
            sides: Vec::new(),
            parts: parts.iter().enumerate().map(part).collect(),
            crc64: None,
        }
    }

    #[test]
    fn the_error_log_names_the_bad_block_and_nothing_else() {
        let mut logs = Logs::new("S1");
        logs.add(&end("Completed", &["Completed", "Completed"]));
        logs.add(&end("CompletedWithErrors", &["Uncommitted", "Corrupted"]));
        let (errors, verbose) = Box::new(logs).finish("CompletedWithErrors");
        let errors = errors.unwrap();
        assert_eq!(errors.matches("<Block ").count(), 1);
        assert!(errors.contains("Offset=\"4\"") && errors.contains("Status=\"Corrupted\""));
        assert_eq!(errors.matches("<Blob ").count(), 1);
        assert_eq!(verbose.matches("<Block ").count(), 4);
        assert!(verbose.contains("a &amp; b"));
    }

    #[test]
    fn a_drive_without_errors_has_no_error_log() {
        let mut logs = Logs::new("S1");
        logs.add(&end("Completed", &["Completed"]));
        assert_eq!(Box::new(logs).finish("Completed").0, None);
        assert!(Box::new(Logs::new("S1")).finish("BitLockerKeyInvalid").0.is_some());
    }
}
