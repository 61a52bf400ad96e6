//! Properties files that give each blob the MD5 of its content (`azure-import-export` 4.4). The
//! MD5 is known only when the file was copied, so such a file has one length whatever it is, and
//! is written when the drive is sealed.

use std::collections::HashMap;
use std::io::{self, Read};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::listing::{Listing, SideFile, SideKind};
use super::set::DataSet;
use super::side_file::parse_side_file;
use crate::limits::SIDE_FILE_BYTES;
use crate::noun::{DrivePath, Md5Digest};
use crate::sys::beneath::Folder;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const PROPERTY: &str = "Content-MD5";
/// The folder on the drive, below the job's: no container has such a name.
const FOLDER: &str = "_content-md5";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Properties>";
const TAIL: &str = "</Properties>\n";

/// A properties file that is made when the MD5 of its blob is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentMd5 {
    /// Where it lies on the drive.
    pub path: DrivePath,
    /// Properties that it has besides: name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<(String, String)>,
}

impl ContentMd5 {
    /// The file for a blob with this MD5; of a blob that was left out it says nothing of it, and is
    /// as long.
    pub fn text(&self, md5: Option<&Md5Digest>) -> String {
        let element = |name: &str, value: &str| {
            format!("<{name}>{}</{name}>", quick_xml::escape::escape(value))
        };
        let mut own = element(PROPERTY, &STANDARD.encode(md5.map_or([0; 16], |md5| *md5.bytes())));
        if md5.is_none() {
            own = " ".repeat(own.len());
        }
        let besides = self.besides.iter().map(|(name, value)| element(name, value));
        [HEAD.to_owned(), own].into_iter().chain(besides).chain([TAIL.to_owned()]).collect()
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.text(None).len() as u64
    }
}

/// Plans that each blob of these files gets its MD5. A blob whose properties file gives one already
/// keeps that; what other properties it gives are kept.
pub fn with_content_md5(set: &mut DataSet) -> Result<(), Error> {
    let root = Folder::open(&set.root);
    let root = root.map_err(|source| Error::Scan { path: set.root.clone(), source })?;
    let mut read: HashMap<DrivePath, Vec<(String, String)>> = HashMap::new();
    for file in &mut set.files {
        let Listing::Blob { properties, content_md5, .. } = &mut file.listing else { continue };
        let mut besides = Vec::new();
        if let Some(side) = properties {
            if !read.contains_key(&side.path) {
                let path = || set.root.join(&side.source);
                let entries = entries_of(&root, side);
                let entries = entries.map_err(|source| Error::Scan { path: path(), source })?;
                read.insert(side.path.clone(), entries);
            }
            besides.clone_from(&read[&side.path]);
        }
        if besides.iter().any(|(name, _)| name == PROPERTY) {
            continue;
        }
        let mut parts = file.path.components();
        let parts = parts.next().into_iter().chain([FOLDER]).chain(parts);
        let path = DrivePath::from_components(parts).map_err(|fault| Error::Scan {
            path: file.source.clone(),
            source: io::Error::other(fault),
        })?;
        *content_md5 = Some(Box::new(ContentMd5 { path, besides }));
    }
    Ok(())
}

/// What a properties file gives, if it is what was planned.
fn entries_of(root: &Folder, side: &SideFile) -> io::Result<Vec<(String, String)>> {
    let mut bytes = Vec::new();
    root.linked_file(&side.source)?.take(SIDE_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if Md5::digest(&bytes).as_slice() != side.md5.bytes() {
        return Err(io::Error::other("it changed since it was planned"));
    }
    parse_side_file(SideKind::Properties, &bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(besides: &[(&str, &str)]) -> ContentMd5 {
        let path = "\\job-1\\_content-md5\\target\\a".parse().unwrap();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        ContentMd5 { path, besides: besides.iter().map(own).collect() }
    }

    #[test]
    fn the_file_is_one_that_azure_takes_and_has_one_length() {
        let made = made(&[("Content-Type", "text/x-\"a\"&<b>"), ("Cache-Control", "no-cache")]);
        let md5 = Md5Digest::new(Md5::digest(b"abc").into());
        let text = made.text(Some(&md5));
        let entries = parse_side_file(SideKind::Properties, text.as_bytes()).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        // RFC 1321, A.5, in base64.
        assert_eq!(entries[0], pair("Content-MD5", "kAFQmDzST7DWlj99KOF/cg=="));
        assert_eq!(entries[1..], made.besides);
        let without = made.text(None);
        assert_eq!(
            parse_side_file(SideKind::Properties, without.as_bytes()).unwrap(),
            made.besides
        );
        assert_eq!((text.len() as u64, without.len() as u64), (made.bytes(), made.bytes()));
    }
}
