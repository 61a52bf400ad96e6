//! The table of contents of a drive, read from its medium piece by piece: once for its hash and its
//! form, once for what it says.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, BufReader, Read};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::difference::{Difference, unreadable};
use super::listed::Listed;
use crate::error::Fault;
use crate::journal::Sealed;
use crate::manifest::{ManifestFrame, check_form, parse_each};
use crate::noun::{Serial, hex_upper};
use crate::volume::view::{FileView, FoundFile};

/// A manifest is read up to this.
const LARGEST_MANIFEST: u64 = 8 << 30;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 1 << 20;

/// What a manifest says.
pub(super) struct Contents {
    pub frame: ManifestFrame,
    pub listed: Listed,
    /// Listed files that are on the drive.
    pub files: u64,
    /// Their bytes, as listed.
    pub bytes: u64,
}

/// A file of the drive from its beginning to its end. What keeps it from being read is put aside,
/// since the readers of the text wrap it.
struct Text<'a> {
    view: &'a FileView<'a>,
    file: &'a FoundFile,
    at: u64,
    fault: &'a RefCell<Option<Fault>>,
}

impl Read for Text<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = (self.file.bytes - self.at).min(bytes.len() as u64) as usize;
        if let Err(fault) = self.view.read(self.file, self.at, &mut bytes[..count]) {
            self.fault.borrow_mut().get_or_insert(fault.into());
            return Err(io::Error::other("it cannot be read"));
        }
        self.at += count as u64;
        Ok(count)
    }
}

/// What goes through is hashed.
struct Hashed<R, D> {
    inner: R,
    digest: D,
}

impl<R: Read, D: Digest> Read for Hashed<R, D> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.digest.update(&bytes[..count]);
        Ok(count)
    }
}

/// Reads the manifest and compares its hash; `None` if there is nothing to go on with. What it
/// lists and is not on the drive, or has another length there, differs.
pub(super) fn contents(
    view: &FileView<'_>,
    serial: &Serial,
    sealed: Option<&Sealed>,
    differences: &mut Vec<Difference>,
) -> Result<Option<Contents>, Fault> {
    let path = match sealed {
        Some(sealed) => sealed.manifest.to_string(),
        None => manifest_path(view),
    };
    let number = view.files.find(&path);
    let found = number.map(|number| view.files.at(number));
    let Some(file) = found.filter(|file| file.bytes <= LARGEST_MANIFEST) else {
        differences.push(Difference::ManifestMissing { path });
        return Ok(None);
    };
    let fault = RefCell::new(None);
    let text = || {
        let text = Text { view, file: &file, at: 0, fault: &fault };
        BufReader::with_capacity(PIECE_BYTES, text)
    };
    let expected = sealed.map(|sealed| sealed.manifest_hash.as_str());
    let is_md5 = expected.is_some_and(|expected| expected.len() == 32);
    let (form, actual) = match is_md5 {
        true => form_and_hash(Hashed { inner: text(), digest: Md5::new() }, text),
        false => form_and_hash(Hashed { inner: text(), digest: Sha256::new() }, text),
    };
    let mut listed = Listed::new(view.files.len());
    listed.note(&path, number);
    let (mut files, mut bytes) = (0, 0);
    let (mut missing, mut last) = (Vec::new(), None);
    let frame = form.and_then(|()| {
        parse_each(text(), |blob| {
            let found = view.files.find_behind(last, blob.path.as_str());
            listed.note(blob.path.as_str(), found);
            let path = || blob.path.to_string();
            let Some(number) = found else {
                return missing.push(Difference::FileMissing { path: path() });
            };
            last = found;
            (files, bytes) = (files + 1, bytes + blob.bytes);
            let (expected, actual) = (blob.bytes, view.files.bytes(number));
            if expected != actual {
                missing.push(Difference::FileLength { path: path(), expected, actual });
            } else {
                listed.push(number, &blob);
            }
        })
    });
    if let Some(fault) = fault.take() {
        differences.push(unreadable(serial, path, fault)?);
        return Ok(None);
    }
    if let Some(expected) = expected.filter(|expected| **expected != actual) {
        let expected = expected.to_owned();
        differences.push(Difference::ManifestHash { expected, actual });
    }
    let frame = match frame {
        Ok(frame) => frame,
        Err(error) => {
            differences.push(Difference::ManifestForm { fault: error.to_string() });
            return Ok(None);
        }
    };
    differences.extend(missing);
    Ok(Some(Contents { frame, listed, files, bytes }))
}

/// Without a journal: the one file at the root that is named like a manifest.
fn manifest_path(view: &FileView<'_>) -> String {
    let files = &view.files;
    let at_root = |number: &usize| {
        let (folder, name) = files.parts(*number);
        folder == "\\" && name.ends_with(".manifest")
    };
    let found = (0..files.len()).find(at_root);
    found.map_or("\\DriveManifest.xml".to_owned(), |number| files.path(number))
}

/// Whether a text is XML to the letter, and the hash of all of it.
fn form_and_hash<R: Read, D: Digest, A: io::BufRead>(
    mut text: Hashed<R, D>,
    again: impl FnOnce() -> A,
) -> (Result<(), crate::manifest::ManifestError>, String) {
    let form = check_form(&mut text, again);
    // What cannot be read is told by the text itself.
    let _ = io::copy(&mut text, &mut io::sink());
    (form, hex_upper(&text.digest.finalize()))
}

/// The folders at the root, and files there, that hold something of ours.
pub(super) struct Ours(BTreeSet<String>);

impl Ours {
    /// Nothing yet.
    pub fn new() -> Self {
        Ours(BTreeSet::new())
    }

    /// A path is ours.
    pub fn add(&mut self, path: &str) {
        if let Some(top) = top(path).filter(|top| !self.0.contains(*top)) {
            self.0.insert(top.to_owned());
        }
    }

    /// Whether a path lies in a folder at the root that holds something of ours, or is one.
    pub fn is_below(&self, path: &str) -> bool {
        top(path).is_none_or(|top| self.0.contains(top))
    }
}

/// The folder at the root that a path lies in, or the path itself at the root.
fn top(path: &str) -> Option<&str> {
    path.strip_prefix('\\')?.split('\\').next()
}
