//! Metadata and properties of blobs: XML files that lie on the drive beside the data, and that
//! the manifest refers to (`azure-import-export` 4.4). Every drive has its own copy of those that
//! its blobs need.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use xml::reader::{EventReader, ParserConfig, XmlEvent};

use super::content_md5::{ContentMd5, PROPERTY};
use super::error::Error;
use super::file::DataFile;
use super::file_list::{FileList, ListedFile};
use super::listing::{Listing, SideFile, SideKind};
use super::packer::Packer;
use super::set::DataSet;
use crate::limits::{METADATA_BYTES, SIDE_FILE_BYTES};
use crate::noun::{BlobPath, BlobType, DrivePath, ImportDisposition, referred};
use crate::sys::beneath::Folder;

/// The files that go on one drive, behind the metadata and properties files they need, each once.
/// Such files that are among them already are not doubled.
pub fn with_side_files(files: &FileList) -> FileList {
    let mut seen: BTreeSet<DrivePath> = files
        .iter()
        .filter(|file| *file.listing() == Listing::SideFile)
        .map(ListedFile::path)
        .collect();
    let mut sides = Vec::new();
    for file in files.iter() {
        for side in file.listing().side_files() {
            if seen.insert(side.path.clone()) {
                sides.push(side.data_file(&file.blob()));
            }
        }
    }
    if sides.is_empty() {
        return files.clone();
    }
    sides.into_iter().chain(files.iter().map(ListedFile::unpack)).collect()
}

impl SideFile {
    /// It as a file that is copied. A data file has a blob, so it bears the name of one of those
    /// that need it; the manifest never lists it.
    fn data_file(&self, blob: &BlobPath) -> DataFile {
        DataFile {
            source: self.source.clone(),
            path: self.path.clone(),
            blob: blob.clone(),
            blob_type: BlobType::BlockBlob,
            disposition: ImportDisposition::NoOverwrite,
            bytes: self.bytes,
            modified_ns: self.modified_ns,
            together: false,
            listing: Listing::SideFile,
        }
    }
}

/// The folder on the drive, below the job's, of files that are made of digests: no container has
/// such a name.
const MADE_FOLDER: &str = "_content-md5";

/// Plans that each blob of these files gets its MD5. A blob whose properties file gives one already
/// keeps that; what other properties it gives are kept.
pub fn with_content_md5(set: &mut DataSet) -> Result<(), Error> {
    let root = Folder::open(&set.root);
    let root = root.map_err(|source| Error::Scan { path: set.root.clone(), source })?;
    let mut read: HashMap<DrivePath, Vec<(String, String)>> = HashMap::new();
    let mut files = Packer::default();
    for mut file in set.files.iter().map(ListedFile::unpack) {
        let Listing::Blob { properties, content_md5, .. } = &mut file.listing else {
            files.push(&file);
            continue;
        };
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
            files.push(&file);
            continue;
        }
        let mut parts = file.path.components();
        let parts = parts.next().into_iter().chain([MADE_FOLDER]).chain(parts);
        let path = DrivePath::from_components(parts).map_err(|fault| Error::Scan {
            path: file.source.clone(),
            source: io::Error::other(fault),
        })?;
        *content_md5 = Some(Box::new(ContentMd5 { path, besides }));
        files.push(&file);
    }
    set.files = files.finish();
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

/// What is wrong with a metadata or properties file, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SideFault(String);

/// Reads a metadata or properties file: names and values, checked against what Azure takes.
pub fn parse_side_file(kind: SideKind, bytes: &[u8]) -> Result<Vec<(String, String)>, SideFault> {
    parse(kind, bytes).map_err(SideFault)
}

fn parse(kind: SideKind, bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let entries = read(kind.element(), bytes)?;
    check_form(bytes)?;
    let mut names = BTreeSet::new();
    for (name, value) in &entries {
        match kind {
            SideKind::Metadata => check_metadata(name)?,
            SideKind::Properties => check_property(name, value)?,
        }
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(format!("{name} stands twice"));
        }
        if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(format!("the value of {name} has signs other than printable ASCII"));
        }
    }
    let total: usize = entries.iter().map(|(name, value)| name.len() + value.len()).sum();
    if kind == SideKind::Metadata && total > METADATA_BYTES {
        return Err(format!("it has {total} bytes, Azure takes at most {METADATA_BYTES}"));
    }
    Ok(entries)
}

/// Whether it is XML to the letter, in an encoding that says of its bytes what they are.
fn check_form(bytes: &[u8]) -> Result<(), String> {
    let mut config = ParserConfig::new();
    config.allow_multiple_root_elements = false;
    let mut reader = EventReader::new_with_config(bytes, config);
    loop {
        match reader.next() {
            Ok(XmlEvent::EndDocument) => return Ok(()),
            Ok(XmlEvent::StartDocument { encoding, .. })
                if !["utf-8", "us-ascii"].contains(&encoding.to_ascii_lowercase().as_str()) =>
            {
                return Err(format!("it says that it is {encoding}; save it as UTF-8"));
            }
            Ok(_) => {}
            Err(error) => {
                return Err(format!("it is no XML: {error}"));
            }
        }
    }
}

/// The elements below the root with their text.
fn read(root: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader::from_reader(bytes);
    let mut entries: Vec<(String, String)> = Vec::new();
    let mut depth = 0u8;
    let mut seen_root = false;
    loop {
        let event = reader.read_event().map_err(|error| format!("it is no XML: {error}"))?;
        match event {
            Event::Start(ref element) | Event::Empty(ref element) => {
                let name = str::from_utf8(element.name().as_ref())
                    .map_err(|_| "it is not UTF-8".to_owned())?
                    .to_owned();
                match depth {
                    0 if name != root || seen_root => {
                        return Err(format!("the element {name} stands where {root} should"));
                    }
                    0 => seen_root = true,
                    1 => entries.push((name, String::new())),
                    _ => return Err(format!("{name} stands inside another element")),
                }
                if element.attributes().next().is_some() {
                    return Err("an element has an attribute".to_owned());
                }
                depth += u8::from(matches!(event, Event::Start(_)));
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) => {
                let text = text.xml_content(XmlVersion::Explicit1_0);
                push_text(depth, &mut entries, &text.map_err(|error| error.to_string())?)?;
            }
            Event::GeneralRef(reference) => {
                let sign = referred(&reference);
                let sign = sign.ok_or("it has an entity that it does not define")?;
                push_text(depth, &mut entries, sign.encode_utf8(&mut [0; 4]))?;
            }
            Event::CData(_) | Event::DocType(_) => {
                return Err("a document type or CDATA is not allowed".to_owned());
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    if depth > 0 || !seen_root {
        return Err(format!("there is no whole element {root}"));
    }
    for (_, value) in &mut entries {
        *value = value.trim().to_owned();
    }
    Ok(entries)
}

fn push_text(depth: u8, entries: &mut [(String, String)], text: &str) -> Result<(), String> {
    match (depth, entries.last_mut()) {
        (2, Some((_, value))) => value.push_str(text),
        _ if text.trim().is_empty() => {}
        _ => return Err(format!("the text {:?} stands outside of any value", text.trim())),
    }
    Ok(())
}

fn check_metadata(name: &str) -> Result<(), String> {
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits {
        return Ok(());
    }
    Err(format!("{name:?} is no name of metadata: letters, digits and _, no digit first"))
}

fn check_property(name: &str, value: &str) -> Result<(), String> {
    match name {
        "Content-Type" | "Content-Encoding" | "Content-Language" | "Cache-Control" => Ok(()),
        "Content-MD5" => match STANDARD.decode(value) {
            Ok(digest) if digest.len() == 16 => Ok(()),
            _ => Err(format!("Content-MD5 {value:?} is no MD5 in base64")),
        },
        "Last-Modified" | "Etag" | "Content-Length" => {
            Err(format!("{name} is set by Azure; leave it out"))
        }
        _ => Err(format!(
            "{name:?} is no property; there are Content-Type, Content-MD5, Content-Encoding, \
             Content-Language and Cache-Control"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: SideKind, inner: &str) -> Result<Vec<(String, String)>, SideFault> {
        let root = kind.element();
        parse_side_file(
            kind,
            format!("\u{feff}<?xml version=\"1.0\"?>\r\n<{root}>{inner}</{root}>\n").as_bytes(),
        )
    }

    #[test]
    fn the_published_forms_are_read() {
        let metadata = parse(
            SideKind::Metadata,
            "<UploadMethod>Windows Azure Import/Export service</UploadMethod>\
             <DataSetName>A &amp; &#66;</DataSetName><empty/>",
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            metadata.unwrap(),
            [
                pair("UploadMethod", "Windows Azure Import/Export service"),
                pair("DataSetName", "A & B"),
                pair("empty", ""),
            ]
        );
        let properties = parse(
            SideKind::Properties,
            "<Content-Type>image/jpeg</Content-Type>\
             <Content-MD5>Q2hlY2sgSW50ZWdyaXR5IQ==</Content-MD5>\n  \
             <Cache-Control> no-cache </Cache-Control>",
        );
        assert_eq!(properties.unwrap()[2], pair("Cache-Control", "no-cache"));
        assert_eq!(parse(SideKind::Metadata, "").unwrap(), []);
    }

    #[test]
    fn what_azure_would_refuse_is_refused_with_the_reason() {
        use SideKind::{Metadata, Properties};
        let long = format!("<a>{}</a>", "x".repeat(8 << 10));
        for (kind, inner, sentence) in [
            (
                Metadata,
                "<a-b>x</a-b>",
                "\"a-b\" is no name of metadata: letters, digits and _, no digit first",
            ),
            (Metadata, "<a>x</a><A>y</A>", "A stands twice"),
            (Metadata, "<a>ü</a>", "the value of a has signs other than printable ASCII"),
            (Metadata, "<a>x\ny</a>", "the value of a has signs other than printable ASCII"),
            (Metadata, "<a><b>x</b></a>", "b stands inside another element"),
            (Metadata, "<a b='c'>x</a>", "an element has an attribute"),
            (Metadata, "x<a/>", "the text \"x\" stands outside of any value"),
            (Metadata, "<a>&bomb;</a>", "it has an entity that it does not define"),
            (Metadata, &long, "it has 8193 bytes, Azure takes at most 8192"),
            (
                Properties,
                "<Content-MD5>Q2hl</Content-MD5>",
                "Content-MD5 \"Q2hl\" is no MD5 in base64",
            ),
            (Properties, "<Etag>x</Etag>", "Etag is set by Azure; leave it out"),
            (
                Properties,
                "<Content-Typ>x</Content-Typ>",
                "\"Content-Typ\" is no property; there are Content-Type, Content-MD5, Content-Encoding, Content-Language and Cache-Control",
            ),
        ] {
            assert_eq!(parse(kind, inner).unwrap_err().to_string(), sentence, "{inner}");
        }
        for (bytes, sentence) in [
            (&b"<Properties/>"[..], "the element Properties stands where Metadata should"),
            (b"<Metadata/><Metadata/>", "the element Metadata stands where Metadata should"),
            (b"", "there is no whole element Metadata"),
            (b"<Metadata><a>", "there is no whole element Metadata"),
            (b"<!DOCTYPE a><Metadata/>", "a document type or CDATA is not allowed"),
        ] {
            assert_eq!(
                parse_side_file(SideKind::Metadata, bytes).unwrap_err().to_string(),
                sentence
            );
        }
        for bytes in [
            &b"<Metadata></Other>"[..],
            b"<Metadata><a>\x01</a></Metadata>",
            b"<Metadata/>x",
            b"<?xml version=\"1.0\" encoding=\"UTF-16\"?><Metadata/>",
            b"<?xml version=\"1.0\" encoding=\"latin1\"?><Metadata/>",
            b"<Metadata><a>&#1;</a></Metadata>",
        ] {
            assert!(parse_side_file(SideKind::Metadata, bytes).is_err(), "{bytes:?}");
        }
    }
}
