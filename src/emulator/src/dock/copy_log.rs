//! The logs of a drive of a `Microsoft.DataBox` job (`azure-import-export` 7.2): elements one after
//! the other without a root around them. The copy log names what did not go through and ends in a
//! summary; the verbose log names what did.

use std::collections::BTreeMap;
use std::fmt::Write;

use quick_xml::escape::escape;

use super::log::{BlobEnd, DriveLog};

const VERSION: &str = "2021-08-01";

/// Both logs, as they grow.
#[derive(Debug)]
pub(super) struct CopyLog {
    serial: String,
    entities: String,
    verbose: String,
    total: u64,
    errored: u64,
    /// Category and how often it came.
    categories: BTreeMap<&'static str, u64>,
}

/// Why a file is told of: category, code, sentence.
type Reason = (&'static str, u32, String);

impl CopyLog {
    /// Logs of a drive.
    pub fn new(serial: &str) -> Self {
        CopyLog {
            serial: serial.to_owned(),
            entities: String::new(),
            verbose: String::new(),
            total: 0,
            errored: 0,
            categories: BTreeMap::new(),
        }
    }
}

impl DriveLog for CopyLog {
    fn add(&mut self, blob: &BlobEnd) {
        self.total = self.total.saturating_add(1);
        let format = if blob.entry.is_pages { "PageBlob" } else { "BlockBlob" };
        if let Some((category, code, message)) = reason(blob) {
            let count = self.categories.entry(category).or_default();
            *count = count.saturating_add(1);
            self.errored = self.errored.saturating_add(u64::from(category != "BlobRenamed"));
            let _ = writeln!(
                self.entities,
                "<ErroredEntity CloudFormat=\"{format}\" Path=\"{}\">\n  \
                 <Category>{category}</Category>\n  <ErrorCode>{code}</ErrorCode>\n  \
                 <ErrorMessage>{}</ErrorMessage>\n  <Type>File</Type>\n</ErroredEntity>",
                escape(place(&blob.entry.blob_path)),
                escape(message),
            );
        }
        if blob.status == "Completed" && blob.disposition != "Skipped" {
            let _ = write!(
                self.verbose,
                "<File CloudFormat=\"{format}\" Path=\"{}\" Size=\"{}\" crc64=\"{}\">\n</File>",
                escape(place(&blob.blob_path)),
                blob.entry.length,
                blob.crc64.unwrap_or_default(),
            );
        }
    }

    fn finish(self: Box<Self>, status: &str) -> (Option<String>, String) {
        let CopyLog { serial, entities, mut verbose, total, errored, categories } = *self;
        let (word, validation) = match status {
            "Completed" => ("Succeeded", None),
            "CompletedWithErrors" | "CompletedWithWarnings" => (status, None),
            status => ("Failed", Some(status)),
        };
        let counts = |counts: Vec<(&str, u64)>| -> String {
            if counts.is_empty() {
                return "<None Count=\"0\" />".to_owned();
            }
            let one = |(category, count): &(&str, u64)| {
                let text = escape(description(category));
                format!("<{category} Count=\"{count}\" Description=\"{text}\" />")
            };
            counts.iter().map(one).collect()
        };
        let text = format!(
            "{entities}<CopyLog Summary=\"Summary\">\n  \
             <DriveLogVersion>{VERSION}</DriveLogVersion>\n  <DriveId>{}</DriveId>\n  \
             <Status>{word}</Status>\n  <TotalFiles_Blobs>{total}</TotalFiles_Blobs>\n  \
             <FilesErrored>{errored}</FilesErrored>\n  <Summary>\n    \
             <ValidationErrors>{}</ValidationErrors>\n    <CopyErrors>{}</CopyErrors>\n  \
             </Summary>\n</CopyLog>\n",
            escape(serial),
            counts(validation.into_iter().map(|status| (status, 1)).collect()),
            counts(categories.into_iter().collect()),
        );
        verbose.push('\n');
        (Some(text), verbose)
    }
}

/// A blob's place as these logs write it.
fn place(blob_path: &str) -> String {
    blob_path.replacen('/', "\\", 1)
}

/// Why a file is told of; `None` if it arrived under its own name.
fn reason(blob: &BlobEnd) -> Option<Reason> {
    let BlobEnd { status, disposition, sides, parts, blob_path, entry, .. } = blob;
    let has = |word: &str| {
        parts.iter().any(|(_, own)| own == word) || sides.iter().any(|(_, own)| own == word)
    };
    let reason = match (status.as_str(), *disposition) {
        ("Completed", "Renamed") => (
            "BlobRenamed",
            1,
            format!(
                "The original container/share/Blob has been renamed to: {} :from: {} :because a \
                 blob of that name exists",
                place(blob_path),
                place(&entry.blob_path)
            ),
        ),
        ("Completed", "Skipped") => {
            ("UploadErrorCloudHttp", 409, "A blob of that name exists.".to_owned())
        }
        ("Completed", _) => return None,
        ("FileNotFound", _) => ("UploadErrorWin32", 2, "The drive has no such file.".to_owned()),
        _ if has("BlobRequestFailed") || status == "BlobRequestFailed" => {
            ("UploadErrorCloudHttp", 400, "The storage account did not take the name.".to_owned())
        }
        _ if has("IOFailed") => {
            ("UploadErrorWin32", 1117, "The file could not be read from the drive.".to_owned())
        }
        _ if status == "Failed" || has("Corrupted") => (
            "UploadErrorDataValidationError",
            13,
            "The file is not what the manifest says of it.".to_owned(),
        ),
        _ => ("UploadErrorUnknownType", 1, format!("The file ended as {status}.")),
    };
    Some(reason)
}

fn description(category: &str) -> &'static str {
    match category {
        "BlobRenamed" => "Blobs that were given another name.",
        "UploadErrorCloudHttp" => "Files that the storage account refused.",
        "UploadErrorWin32" => "Files that could not be read from the drive.",
        "UploadErrorDataValidationError" => "Files that differ from the manifest.",
        "UploadErrorUnknownType" => "Files that failed for another reason.",
        _ => "The drive could not be read.",
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::end;
    use super::*;

    fn log(blobs: &[BlobEnd], status: &str) -> (String, String) {
        let mut log = CopyLog::new("S1");
        blobs.iter().for_each(|blob| log.add(blob));
        let (errors, verbose) = Box::new(log).finish(status);
        (errors.unwrap(), verbose)
    }

    /// The text between two others.
    fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        text.split_once(from).unwrap().1.split_once(to).unwrap().0
    }

    #[test]
    fn a_whole_drive_has_a_summary_and_its_files_in_the_verbose_log_without_a_root() {
        let mut blob = end("Completed", &["Completed"]);
        blob.crc64 = Some(7);
        let (errors, verbose) = log(&[blob, end("Completed", &[])], "Completed");
        assert!(errors.starts_with("<CopyLog Summary=\"Summary\">"), "{errors}");
        assert_eq!(between(&errors, "<Status>", "<"), "Succeeded");
        assert_eq!(between(&errors, "<TotalFiles_Blobs>", "<"), "2");
        assert_eq!(between(&errors, "<FilesErrored>", "<"), "0");
        assert!(errors.contains("<CopyErrors><None Count=\"0\" /></CopyErrors>"), "{errors}");
        assert!(verbose.starts_with(
            "<File CloudFormat=\"BlockBlob\" Path=\"c\\a &amp; b\" Size=\"8\" crc64=\"7\">\n</File><File "
        ), "{verbose}");
    }

    #[test]
    fn each_way_to_fail_has_its_category_and_is_not_in_the_verbose_log() {
        for (status, parts, category, code) in [
            ("FileNotFound", &["Cancelled"][..], "UploadErrorWin32", "2"),
            ("Failed", &["Cancelled"], "UploadErrorDataValidationError", "13"),
            ("CompletedWithErrors", &["Corrupted"], "UploadErrorDataValidationError", "13"),
            ("CompletedWithErrors", &["IOFailed"], "UploadErrorWin32", "1117"),
            ("BlobRequestFailed", &[], "UploadErrorCloudHttp", "400"),
        ] {
            let (errors, verbose) = log(&[end(status, parts)], "CompletedWithErrors");
            assert!(errors.starts_with("<ErroredEntity CloudFormat=\"BlockBlob\" "), "{errors}");
            assert_eq!(between(&errors, "<Category>", "<"), category, "{status}");
            assert_eq!(between(&errors, "<ErrorCode>", "<"), code, "{status}");
            assert_eq!(between(&errors, " Path=\"", "\""), "c\\a &amp; b");
            assert_eq!(between(&errors, "<Status>", "<"), "CompletedWithErrors");
            assert_eq!(between(&errors, "<FilesErrored>", "<"), "1");
            assert!(errors.contains(&format!("<{category} Count=\"1\" ")), "{errors}");
            assert_eq!(verbose, "\n", "{status}");
        }
    }

    #[test]
    fn a_renamed_blob_is_told_of_under_both_names_and_is_no_error() {
        let mut blob = end("Completed", &["Completed"]);
        blob.disposition = "Renamed";
        blob.blob_path = "c/a (2)".to_owned();
        let (errors, verbose) = log(&[blob], "CompletedWithWarnings");
        assert_eq!(between(&errors, "<Category>", "<"), "BlobRenamed");
        assert!(errors.contains("renamed to: c\\a (2) :from: c\\a &amp; b :because"), "{errors}");
        assert_eq!(between(&errors, "<FilesErrored>", "<"), "0");
        assert!(verbose.contains("Path=\"c\\a (2)\""), "{verbose}");
    }

    #[test]
    fn a_drive_that_was_not_read_says_why_in_its_summary() {
        let (errors, _) = log(&[], "BitLockerKeyInvalid");
        assert_eq!(between(&errors, "<Status>", "<"), "Failed");
        assert!(errors.contains("<ValidationErrors><BitLockerKeyInvalid Count=\"1\" "), "{errors}");
    }
}
