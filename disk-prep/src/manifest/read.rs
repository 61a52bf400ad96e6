//! Reads a manifest. The bytes may come from a hostile drive: every number is checked, nothing is
//! believed that the rules of `azure-import-export` 4.2 do not allow.

use std::collections::BTreeMap;
use std::io::BufRead;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::form::{ManifestError, check_form};
use crate::limits;
use crate::noun::{BlobPath, BlobType, DrivePath, ImportDisposition, Md5Digest, Serial, referred};

/// A manifest as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Serial number the manifest is for.
    pub drive_id: Serial,
    /// The files, in order.
    pub blobs: Vec<ManifestBlob>,
    /// MD5 of every metadata and properties file that a blob refers to.
    pub side_files: BTreeMap<DrivePath, Md5Digest>,
}

/// One file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestBlob {
    /// The blob.
    pub blob: BlobPath,
    /// The file on the drive.
    pub path: DrivePath,
    /// Length of the file, bytes.
    pub bytes: u64,
    /// What happens when the blob is there; `None` when the manifest does not say.
    pub disposition: Option<ImportDisposition>,
    /// Kind of the blob, by the kind of list.
    pub blob_type: BlobType,
    /// Blocks or page ranges, ascending.
    pub ranges: Vec<ManifestRange>,
    /// The file with its metadata: its own, or that of the whole list.
    pub metadata: Option<DrivePath>,
    /// The file with its properties: its own, or that of the whole list.
    pub properties: Option<DrivePath>,
}

/// One hashed stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestRange {
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// MD5 of it.
    pub digest: Md5Digest,
}

/// What a manifest says besides its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFrame {
    /// Serial number the manifest is for.
    pub drive_id: Serial,
    /// MD5 of every metadata and properties file that a blob refers to.
    pub side_files: BTreeMap<DrivePath, Md5Digest>,
}

/// Parses a manifest of one drive.
pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    check_form(bytes, || bytes)?;
    let mut blobs = Vec::new();
    let ManifestFrame { drive_id, side_files } = parse_each(bytes, |blob| blobs.push(blob))?;
    Ok(Manifest { drive_id, blobs, side_files })
}

/// Parses a manifest whose form was checked, and hands its files over one by one, in order; how
/// many there are takes no memory.
pub fn parse_each(
    text: impl BufRead,
    mut each: impl FnMut(ManifestBlob),
) -> Result<ManifestFrame, ManifestError> {
    let mut reader = Reader::from_reader(text);
    let (mut state, mut buffer) = (Reading::default(), Vec::new());
    loop {
        buffer.clear();
        let position = reader.buffer_position();
        let at = |fault: String| ManifestError { position, fault };
        match reader.read_event_into(&mut buffer).map_err(|error| at(error.to_string()))? {
            Event::Start(element) => state.open(&element).map_err(at)?,
            Event::Empty(element) => {
                state.open(&element).map_err(at)?;
                state.close().map_err(at)?.into_iter().for_each(&mut each);
            }
            Event::End(_) => state.close().map_err(at)?.into_iter().for_each(&mut each),
            Event::Text(text) => state.text.push_str(
                &text
                    .xml_content(XmlVersion::Explicit1_0)
                    .map_err(|error| at(error.to_string()))?,
            ),
            Event::GeneralRef(reference) => {
                let resolved = referred(&reference);
                state.text.push(resolved.ok_or_else(|| at("an unknown entity".into()))?);
            }
            Event::DocType(_) => return Err(at("a document type is not allowed".into())),
            Event::Eof => break,
            _ => {}
        }
    }
    let position = reader.buffer_position();
    let end = |fault: &str| ManifestError { position, fault: fault.into() };
    if !state.open_elements.is_empty() {
        return Err(end("the document ends inside an element"));
    }
    let drive_id = state.drive_id.ok_or_else(|| end("there is no DriveId"))?;
    Ok(ManifestFrame { drive_id, side_files: state.side_files })
}

#[derive(Default)]
struct Reading {
    open_elements: Vec<String>,
    text: String,
    drive_id: Option<Serial>,
    blob: Option<OpenBlob>,
    side_files: BTreeMap<DrivePath, Md5Digest>,
    /// Of the metadata or properties file whose path is being read.
    side_hash: Option<Md5Digest>,
    /// What blobs of this list have that say nothing themselves.
    list_sides: Sides,
}

/// Where metadata and properties lie.
#[derive(Default, Clone)]
struct Sides {
    metadata: Option<DrivePath>,
    properties: Option<DrivePath>,
}

#[derive(Default)]
struct OpenBlob {
    blob: Option<BlobPath>,
    path: Option<DrivePath>,
    bytes: Option<u64>,
    disposition: Option<ImportDisposition>,
    list: Option<BlobType>,
    ranges: Vec<ManifestRange>,
    sides: Sides,
}

impl Reading {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
        let parent = self.open_elements.last().map(String::as_str);
        match (parent, name.as_str()) {
            (Some("Drive"), "BlobList") => self.list_sides = Sides::default(),
            (None, "DriveManifest") | (Some("DriveManifest"), "Drive") | (Some("Drive"), _) => {}
            (None, _) => return Err(format!("{name} is not the root of a manifest")),
            (Some("BlobList"), "Blob") => {
                if self.drive_id.is_none() {
                    return Err("DriveId must stand before any Blob".into());
                }
                self.blob = Some(OpenBlob::default());
            }
            (Some("Blob" | "BlobList"), "MetadataPath" | "PropertiesPath") => {
                self.side_hash = hash(element)?;
            }
            (Some("Blob"), "BlockList") => self.draft()?.begin_list(BlobType::BlockBlob)?,
            (Some("Blob"), "PageRangeList") => self.draft()?.begin_list(BlobType::PageBlob)?,
            (Some("BlockList"), "Block") | (Some("PageRangeList"), "PageRange") => {
                let range = range(element)?;
                self.draft()?.ranges.push(range);
            }
            _ => {}
        }
        if self.open_elements.len() >= 16 {
            return Err("elements are nested too deep".into());
        }
        self.open_elements.push(name);
        self.text.clear();
        Ok(())
    }

    /// Ends an element; a file whose entry ends with it is whole.
    fn close(&mut self) -> Result<Option<ManifestBlob>, String> {
        let name = self.open_elements.pop().ok_or("an element ends that did not begin")?;
        let parent = self.open_elements.last().map(String::as_str);
        let text = std::mem::take(&mut self.text);
        match (parent, name.as_str()) {
            (Some("Drive"), "DriveId") => {
                let serial = Serial::new(&text).map_err(|fault| fault.to_string())?;
                if self.drive_id.replace(serial).is_some() {
                    return Err("DriveId stands twice".into());
                }
            }
            (Some("Blob"), "BlobPath") => self.draft()?.blob = Some(noun(&text)?),
            (Some("Blob"), "FilePath") => self.draft()?.path = Some(noun(&text)?),
            (Some("Blob"), "Length") => self.draft()?.bytes = Some(number(&text)?),
            (Some("Blob"), "ImportDisposition") => {
                self.draft()?.disposition = Some(disposition(&text)?);
            }
            (Some("Blob"), "MetadataPath") => {
                let path = self.side(&text)?;
                self.draft()?.sides.metadata = Some(path);
            }
            (Some("Blob"), "PropertiesPath") => {
                let path = self.side(&text)?;
                self.draft()?.sides.properties = Some(path);
            }
            (Some("BlobList"), "MetadataPath") => {
                self.list_sides.metadata = Some(self.side(&text)?);
            }
            (Some("BlobList"), "PropertiesPath") => {
                self.list_sides.properties = Some(self.side(&text)?);
            }
            (Some("BlobList"), "Blob") => {
                let draft = self.blob.take().ok_or("a Blob ends that did not begin")?;
                return draft.finish(&self.list_sides).map(Some);
            }
            _ => {}
        }
        Ok(None)
    }

    /// The path of a metadata or properties file; its digest is kept.
    fn side(&mut self, text: &str) -> Result<DrivePath, String> {
        let path: DrivePath = noun(text)?;
        let digest = self.side_hash.take().ok_or_else(|| format!("{path} has no Hash"))?;
        if self.side_files.insert(path.clone(), digest).is_some_and(|other| other != digest) {
            return Err(format!("{path} has two different hashes"));
        }
        Ok(path)
    }

    fn draft(&mut self) -> Result<&mut OpenBlob, String> {
        self.blob.as_mut().ok_or_else(|| "this stands outside a Blob".to_owned())
    }
}

impl OpenBlob {
    fn begin_list(&mut self, blob_type: BlobType) -> Result<(), String> {
        match self.list.replace(blob_type) {
            None => Ok(()),
            Some(_) => Err("a Blob has one BlockList or one PageRangeList".into()),
        }
    }

    fn finish(self, list: &Sides) -> Result<ManifestBlob, String> {
        let missing = |what: &str| format!("a Blob has no {what}");
        let blob = ManifestBlob {
            blob: self.blob.ok_or_else(|| missing("BlobPath"))?,
            path: self.path.ok_or_else(|| missing("FilePath"))?,
            bytes: self.bytes.ok_or_else(|| missing("Length"))?,
            disposition: self.disposition,
            blob_type: self.list.ok_or_else(|| missing("BlockList or PageRangeList"))?,
            ranges: self.ranges,
            metadata: self.sides.metadata.or_else(|| list.metadata.clone()),
            properties: self.sides.properties.or_else(|| list.properties.clone()),
        };
        check_ranges(&blob)?;
        Ok(blob)
    }
}

fn check_ranges(blob: &ManifestBlob) -> Result<(), String> {
    if blob.ranges.len() as u64 > limits::BLOCKS_PER_BLOB && blob.blob_type == BlobType::BlockBlob {
        return Err(format!("{} has more than {} blocks", blob.blob, limits::BLOCKS_PER_BLOB));
    }
    let mut end = 0u64;
    for range in &blob.ranges {
        let gap = match blob.blob_type {
            BlobType::BlockBlob => range.offset != end,
            BlobType::PageBlob => {
                range.offset < end
                    || range.offset % limits::PAGE_BYTES != 0
                    || range.bytes % limits::PAGE_BYTES != 0
            }
        };
        if gap || range.bytes == 0 || range.bytes > limits::BLOCK_BYTES {
            return Err(format!("{} has a range at {} that does not fit", blob.blob, range.offset));
        }
        end = range.offset.checked_add(range.bytes).ok_or("a range ends beyond all numbers")?;
    }
    let covered = match blob.blob_type {
        // An empty list stands for a blob that is put in one piece.
        BlobType::BlockBlob => blob.ranges.is_empty() || end == blob.bytes,
        BlobType::PageBlob => end <= blob.bytes && blob.bytes.is_multiple_of(limits::PAGE_BYTES),
    };
    if covered { Ok(()) } else { Err(format!("the ranges of {} do not cover it", blob.blob)) }
}

fn range(element: &BytesStart<'_>) -> Result<ManifestRange, String> {
    let mut offset = None;
    let mut bytes = None;
    let mut digest = None;
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute
            .normalized_value(XmlVersion::Explicit1_0)
            .map_err(|error| error.to_string())?;
        match attribute.key.as_ref() {
            b"Offset" => offset = Some(number(&value)?),
            b"Length" => bytes = Some(number(&value)?),
            b"Hash" => digest = Some(noun::<Md5Digest>(&value)?),
            _ => {}
        }
    }
    match (offset, bytes, digest) {
        (Some(offset), Some(bytes), Some(digest)) => Ok(ManifestRange { offset, bytes, digest }),
        _ => Err("a range needs Offset, Length and Hash".into()),
    }
}

/// The attribute `Hash`.
fn hash(element: &BytesStart<'_>) -> Result<Option<Md5Digest>, String> {
    let attribute = element.try_get_attribute("Hash").map_err(|error| error.to_string())?;
    let Some(attribute) = attribute else { return Ok(None) };
    let value = attribute.normalized_value(XmlVersion::Explicit1_0);
    noun(&value.map_err(|error| error.to_string())?).map(Some)
}

fn noun<T: std::str::FromStr<Err = crate::noun::InvalidNoun>>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|fault: crate::noun::InvalidNoun| fault.to_string())
}

fn number(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is not a number"))
}

fn disposition(text: &str) -> Result<ImportDisposition, String> {
    [ImportDisposition::Overwrite, ImportDisposition::NoOverwrite, ImportDisposition::Rename]
        .into_iter()
        .find(|disposition| disposition.name() == text.trim())
        .ok_or_else(|| format!("{text:?} is not an ImportDisposition"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PUBLISHED: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<DriveManifest Version="2011-10-01"><Drive><DriveId>9WM35C3U</DriveId>
<ClientCreator>Windows Azure Import/Export service</ClientCreator><BlobList>
<Blob><BlobPath>pictures/city/redmond.jpg</BlobPath><FilePath>\pictures\city\redmond.jpg</FilePath>
<Length>15360</Length><PageRangeList>
<PageRange Offset="0" Length="3584" Hash="72FC55ED9AFDD40A0C8D5C4193208416" />
<PageRange Offset="7168" Length="512" Hash=" F521DF2F50C46BC5F9EA9FB787A23EED" />
</PageRangeList></Blob>
<Blob><BlobPath>pictures/a &amp; b.jpg</BlobPath><FilePath>\pictures\a &#38; b.jpg</FilePath>
<Length>5442</Length><ImportDisposition>overwrite</ImportDisposition><BlockList>
<Block Offset="0" Length="2721" Id="AAAAAA==" Hash="263DC9C4B99C2177769C5EBE04787037" />
<Block Offset="2721" Length="2721" Id="AQAAAA==" Hash="0C52BAE2CC20EFEC15CC1E3045517AA6" />
</BlockList></Blob></BlobList></Drive></DriveManifest>   
"#;

    #[test]
    fn the_published_form_is_read() {
        let manifest = parse(PUBLISHED.as_bytes()).unwrap();
        assert_eq!(manifest.drive_id.as_str(), "9WM35C3U");
        assert_eq!(manifest.blobs[0].blob_type, BlobType::PageBlob);
        assert_eq!(manifest.blobs[1].blob.name(), "a & b.jpg");
        assert_eq!(manifest.blobs[1].path.as_str(), "\\pictures\\a & b.jpg");
        assert_eq!(manifest.blobs[1].ranges[1].offset, 2721);
    }

    #[test]
    fn what_is_not_xml_to_the_letter_is_refused() {
        let with = |inner: &str| {
            PUBLISHED.replace("<BlobList>", &format!("<Other>{inner}</Other><BlobList>"))
        };
        assert!(parse(with("&#233;\u{1F600}").as_bytes()).is_ok());
        for inner in super::super::tests::MALFORMED {
            assert!(parse(with(inner).as_bytes()).is_err(), "{inner}");
        }
        for text in [
            format!("{PUBLISHED}<a/>"),
            format!("{PUBLISHED}x"),
            format!(" {PUBLISHED}"),
            PUBLISHED.replace("utf-8", "utf-16"),
            PUBLISHED.replace("utf-8", "latin1"),
            PUBLISHED.replace("<DriveManifest V", "<!DOCTYPE a><DriveManifest V"),
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        let latin = with("\u{e9}").replace('\u{e9}', "~");
        let latin: Vec<u8> = latin.bytes().map(|b| if b == b'~' { 0xe9 } else { b }).collect();
        assert!(parse(&latin).is_err());
    }

    #[test]
    fn metadata_and_properties_of_the_list_hold_for_blobs_without_their_own() {
        let hash = "700CE7E21ED55525977FAF7AAA9E546B";
        let of_list = format!(
            "<BlobList><MetadataPath Hash=\"{hash}\">\\m\\list.xml</MetadataPath>\
             <PropertiesPath Hash=\" {hash}\">\\p.xml</PropertiesPath>"
        );
        let own = format!("</BlockList><MetadataPath Hash=\"{hash}\">\\own.xml</MetadataPath>");
        let text = PUBLISHED.replace("<BlobList>", &of_list).replace("</BlockList>", &own);
        let manifest = parse(text.as_bytes()).unwrap();
        let sides = |blob: &ManifestBlob| {
            [&blob.metadata, &blob.properties].map(|path| path.as_ref().map(DrivePath::to_string))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(sides(&manifest.blobs[0]), [some("\\m\\list.xml"), some("\\p.xml")]);
        assert_eq!(sides(&manifest.blobs[1]), [some("\\own.xml"), some("\\p.xml")]);
        assert_eq!(manifest.side_files.len(), 3);
        assert!(manifest.side_files.values().all(|digest| digest.to_string() == hash));
        for (from, to) in [
            (
                "<MetadataPath Hash=\"700CE7E21ED55525977FAF7AAA9E546B\">\\own",
                "<MetadataPath>\\own",
            ),
            ("\"700CE7E21ED55525977FAF7AAA9E546B\">\\own", "\"700\">\\own"),
            (
                "\"700CE7E21ED55525977FAF7AAA9E546B\">\\own.xml",
                "\"263DC9C4B99C2177769C5EBE04787037\">\\p.xml",
            ),
            ("\\m\\list.xml", "\\m\\..\\list.xml"),
        ] {
            let text = text.replacen(from, to, 1);
            assert!(parse(text.as_bytes()).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        for (from, to) in [
            ("Offset=\"2721\"", "Offset=\"2722\""),
            ("Length=\"512\"", "Length=\"511\""),
            ("<Length>5442</Length>", "<Length>5443</Length>"),
            ("<DriveId>9WM35C3U</DriveId>", ""),
            ("\\pictures\\city", "\\pictures\\..\\city"),
            ("pictures/city", "pictures/../city"),
            ("263DC9C4B99C2177769C5EBE04787037", "263DC9"),
            ("</BlobList>", ""),
            ("&amp;", "&bomb;"),
        ] {
            let text = PUBLISHED.replacen(from, to, 1);
            assert!(parse(text.as_bytes()).is_err(), "{from} -> {to}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(mut bytes in Just(PUBLISHED.as_bytes().to_vec()), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = parse(&bytes);
        }
    }
}
