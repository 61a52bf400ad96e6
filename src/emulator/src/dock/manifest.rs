//! The dock's own reader of drive manifests (`azure-import-export` 4). Shares nothing with the one
//! in `disk_prep`, so that a mistake in the writer cannot hide in a reader of the same hand.

use std::str::FromStr;

use disk_prep::limits::{BLOCK_BYTES, BLOCKS_PER_BLOB, PAGE_BYTES};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde::{Deserialize, Serialize};

use super::side::{Side, SideKind};
use super::xml::{NotXml, is_well_formed, text_of};

/// What is to happen if the blob is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Disposition {
    Overwrite,
    NoOverwrite,
    Rename,
}

impl Disposition {
    /// The manifest's word.
    pub fn word(self) -> &'static str {
        match self {
            Disposition::Overwrite => "overwrite",
            Disposition::NoOverwrite => "no-overwrite",
            Disposition::Rename => "rename",
        }
    }
}

/// A block or page range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub offset: u64,
    pub length: u64,
    pub id: Option<String>,
    pub hash: String,
}

/// A blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub blob_path: String,
    pub file_path: String,
    pub length: u64,
    pub disposition: Disposition,
    pub is_pages: bool,
    /// Its own, else those of its list.
    #[serde(skip)]
    pub sides: Vec<Side>,
    #[serde(skip)]
    pub parts: Vec<Part>,
}

/// A manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub drive_id: String,
    pub entries: Vec<Entry>,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no XML.
    Corrupted,
    /// It is XML, but no manifest.
    Format,
}

#[derive(Default)]
struct OpenBlob {
    blob_path: Option<String>,
    file_path: Option<String>,
    length: Option<u64>,
    disposition: Option<Disposition>,
    is_pages: Option<bool>,
    sides: Vec<Side>,
    parts: Vec<Part>,
}

impl From<NotXml> for Fault {
    fn from(_: NotXml) -> Self {
        Fault::Corrupted
    }
}

/// Reads a manifest.
pub(super) fn parse(bytes: &[u8]) -> Result<Manifest, Fault> {
    if !is_well_formed(bytes) {
        return Err(Fault::Corrupted);
    }
    let mut reader = Reader::from_reader(bytes);
    let mut manifest = Manifest::default();
    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut text = String::new();
    let mut draft = OpenBlob::default();
    // What the list has for blobs without one of their own, and the file that is being named.
    let (mut global, mut side): (Vec<Side>, Option<Side>) = (Vec::new(), None);
    let mut is_manifest = false;
    loop {
        match reader.read_event().map_err(|_| Fault::Corrupted)? {
            Event::Start(tag) => {
                text.clear();
                let name = tag.name().as_ref().to_vec();
                match (path.len(), name.as_slice()) {
                    (0, b"DriveManifest") => is_manifest = true,
                    (0, _) => return Err(Fault::Format),
                    (2, b"BlobList") => global.clear(),
                    (3, b"Blob") => draft = OpenBlob::default(),
                    (3 | 4, b"MetadataPath") => side = Some(named(SideKind::Metadata, &tag)?),
                    (3 | 4, b"PropertiesPath") => {
                        side = Some(named(SideKind::Properties, &tag)?);
                    }
                    (4, b"BlockList") => draft.is_pages = Some(false),
                    (4, b"PageRangeList") => draft.is_pages = Some(true),
                    (5, b"Block" | b"PageRange") => draft.parts.push(part(&tag)?),
                    _ => {}
                }
                path.push(name);
            }
            Event::Empty(tag) => match (path.len(), tag.name().as_ref()) {
                (4, b"BlockList") => draft.is_pages = Some(false),
                (4, b"PageRangeList") => draft.is_pages = Some(true),
                (5, b"Block" | b"PageRange") => draft.parts.push(part(&tag)?),
                _ => {}
            },
            Event::End(_) => {
                let name = path.pop().ok_or(Fault::Corrupted)?;
                let own = || text.trim().to_owned();
                match (path.len(), name.as_slice()) {
                    (2, b"DriveId") => manifest.drive_id = own(),
                    (3, b"Blob") => {
                        // The drive must be known before anything it holds.
                        if manifest.drive_id.is_empty() {
                            return Err(Fault::Format);
                        }
                        manifest.entries.push(entry(std::mem::take(&mut draft), &global)?);
                    }
                    (depth @ (3 | 4), b"MetadataPath" | b"PropertiesPath") => {
                        let side = side.take().map(|side| Side { path: own(), ..side });
                        if depth == 3 {
                            global.extend(side.map(|side| Side { is_global: true, ..side }));
                        } else {
                            draft.sides.extend(side);
                        }
                    }
                    (4, b"BlobPath") => draft.blob_path = Some(own()),
                    (4, b"FilePath") => draft.file_path = Some(own()),
                    (4, b"Length") => draft.length = Some(number(&own())?),
                    (4, b"ImportDisposition") => draft.disposition = Some(disposition(&own())?),
                    _ => {}
                }
            }
            Event::Eof if !path.is_empty() => return Err(Fault::Corrupted),
            Event::Eof => break,
            event => text.push_str(&text_of(&event)?.unwrap_or_default()),
        }
    }
    if is_manifest && !manifest.drive_id.is_empty() { Ok(manifest) } else { Err(Fault::Format) }
}

/// A metadata or properties file whose path is still to come.
fn named(kind: SideKind, tag: &BytesStart<'_>) -> Result<Side, Fault> {
    let hash = tag.try_get_attribute("Hash").map_err(|_| Fault::Corrupted)?.ok_or(Fault::Format)?;
    let hash =
        std::str::from_utf8(&hash.value).map_err(|_| Fault::Corrupted)?.trim().to_uppercase();
    Ok(Side { kind, path: String::new(), hash, is_global: false })
}

fn number(text: &str) -> Result<u64, Fault> {
    u64::from_str(text).map_err(|_| Fault::Format)
}

fn disposition(text: &str) -> Result<Disposition, Fault> {
    match text {
        "overwrite" => Ok(Disposition::Overwrite),
        "no-overwrite" => Ok(Disposition::NoOverwrite),
        "rename" => Ok(Disposition::Rename),
        _ => Err(Fault::Format),
    }
}

fn part(tag: &BytesStart<'_>) -> Result<Part, Fault> {
    let (mut offset, mut length, mut id, mut hash) = (None, None, None, None);
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| Fault::Corrupted)?;
        let raw = std::str::from_utf8(&attribute.value).map_err(|_| Fault::Corrupted)?;
        let value = quick_xml::escape::unescape(raw).map_err(|_| Fault::Corrupted)?;
        match attribute.key.as_ref() {
            b"Offset" => offset = Some(number(&value)?),
            b"Length" => length = Some(number(&value)?),
            b"Id" => id = Some(value.into_owned()),
            // Published samples carry stray blanks.
            b"Hash" => hash = Some(value.trim().to_uppercase()),
            _ => {}
        }
    }
    match (offset, length, hash) {
        (Some(offset), Some(length), Some(hash)) => Ok(Part { offset, length, id, hash }),
        _ => Err(Fault::Format),
    }
}

fn entry(draft: OpenBlob, global: &[Side]) -> Result<Entry, Fault> {
    let OpenBlob { blob_path, file_path, length, disposition, is_pages, mut sides, parts } = draft;
    let (Some(blob_path), Some(file_path), Some(length), Some(is_pages)) =
        (blob_path, file_path, length, is_pages)
    else {
        return Err(Fault::Format);
    };
    // The service's own default when nothing is said.
    let disposition = disposition.unwrap_or(Disposition::Rename);
    for side in global {
        if !sides.iter().any(|own| own.kind == side.kind) {
            sides.push(side.clone());
        }
    }
    let entry = Entry { blob_path, file_path, length, disposition, is_pages, sides, parts };
    if is_covered(&entry) { Ok(entry) } else { Err(Fault::Format) }
}

/// Blocks cover the whole file without gap; ranges are in order and may leave gaps.
fn is_covered(entry: &Entry) -> bool {
    let mut end = 0u64;
    for part in &entry.parts {
        let is_in_order = if entry.is_pages { part.offset >= end } else { part.offset == end };
        let is_whole = !entry.is_pages
            || (part.offset.is_multiple_of(PAGE_BYTES) && part.length.is_multiple_of(PAGE_BYTES));
        if !is_in_order || !is_whole || part.length == 0 || part.length > BLOCK_BYTES {
            return false;
        }
        end = part.offset.saturating_add(part.length);
    }
    if entry.is_pages {
        return end <= entry.length && entry.length.is_multiple_of(PAGE_BYTES);
    }
    let ids = entry.parts.iter().filter(|part| part.id.is_some()).count();
    end == entry.length
        && entry.parts.len() as u64 <= BLOCKS_PER_BLOB
        && (ids == 0 || ids == entry.parts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DriveManifest Version=\"2014-11-01\">\n<Drive>\n<DriveId>9WM35C2V</DriveId>\n<BlobList>\n";
    const TAIL: &str = "</BlobList>\n</Drive>\n</DriveManifest>\n";

    fn blob(inner: &str) -> String {
        format!(
            "{HEAD}<Blob><BlobPath>pictures/a &amp; b.jpg</BlobPath><FilePath>\\a &amp; b.jpg</FilePath>{inner}</Blob>{TAIL}"
        )
    }

    #[test]
    fn a_manifest_of_the_published_form_is_read() {
        let text = blob(
            "<Length>6</Length><ImportDisposition>overwrite</ImportDisposition><BlockList>\
             <Block Offset=\"0\" Length=\"4\" Id=\"AAAAAA==\" Hash=\" 700CE7E21ED55525977FAF7AAA9E546B\" />\
             <Block Offset=\"4\" Length=\"2\" Id=\"AQAAAA==\" Hash=\"700ce7e21ed55525977faf7aaa9e546b\"/></BlockList>",
        );
        let manifest = parse(text.as_bytes()).unwrap();
        assert_eq!(manifest.drive_id, "9WM35C2V");
        let [entry] = manifest.entries.as_slice() else { panic!() };
        assert_eq!(entry.blob_path, "pictures/a & b.jpg");
        assert_eq!(entry.file_path, "\\a & b.jpg");
        assert_eq!((entry.length, entry.disposition), (6, Disposition::Overwrite));
        assert_eq!(entry.parts[0].hash, entry.parts[1].hash);
    }

    #[test]
    fn what_is_not_xml_to_the_letter_is_corrupted() {
        let with =
            |inner: &str| blob(&format!("<Length>0</Length><BlockList/><Other>{inner}</Other>"));
        assert!(parse(with("&#233;\u{1F600}").as_bytes()).is_ok());
        for inner in [
            "odd\u{fffe}",
            "\u{ffff}",
            "\u{0}",
            "\u{1}",
            "&#xFFFE;",
            "&#0;",
            "&bomb;",
            "&amp",
            "]]>",
            "<b>",
            "<b></c>",
            "<b c='1' c='2'/>",
            "<b c=1/>",
            "<b c/>",
            "<b c='<'/>",
            "<b c='\u{fffe}'/>",
            "<b c='1'd='2'/>",
            "<1/>",
        ] {
            assert_eq!(parse(with(inner).as_bytes()), Err(Fault::Corrupted), "{inner}");
        }
        let good = with("");
        for text in [
            format!("{good}<a/>"),
            format!("{good}x"),
            good.replace("UTF-8", "UTF-16"),
            good.replace("UTF-8", "latin1"),
            good.replace("<DriveManifest", "<!DOCTYPE a><DriveManifest"),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(Fault::Corrupted), "{text}");
        }
    }

    #[test]
    fn a_lists_files_are_for_its_blobs_without_one_of_their_own() {
        let side = |path: &str| format!("<MetadataPath Hash=\"ab\">{path}</MetadataPath>");
        let blob = |inner: &str| {
            format!(
                "<Blob><BlobPath>c/a</BlobPath><FilePath>\\a</FilePath><Length>0</Length><BlockList/>{inner}</Blob>"
            )
        };
        let lists = format!(
            "{}{}{}</BlobList><BlobList>{}",
            side("\\all"),
            blob(""),
            blob(&side("\\own")),
            blob("")
        );
        let manifest = parse(format!("{HEAD}{lists}{TAIL}").as_bytes()).unwrap();
        let sides: Vec<Vec<_>> = manifest
            .entries
            .iter()
            .map(|entry| entry.sides.iter().map(|own| (own.path.as_str(), own.is_global)).collect())
            .collect();
        assert_eq!(sides, [vec![("\\all", true)], vec![("\\own", false)], vec![]]);
        assert_eq!(manifest.entries[0].sides[0].hash, "AB");
    }

    #[test]
    fn what_is_no_manifest_or_does_not_cover_its_file_is_refused() {
        let hash = "Hash=\"700CE7E21ED55525977FAF7AAA9E546B\"";
        let cases = [
            ("<a/>".to_owned(), Fault::Format),
            (HEAD.to_owned(), Fault::Corrupted),
            (format!("{HEAD}<Blob>"), Fault::Corrupted),
            (blob("<Length>1</Length><BlockList/>"), Fault::Format),
            (blob("<Length>x</Length><BlockList/>"), Fault::Format),
            (blob("<BlockList/>"), Fault::Format),
            (blob("<Length>0</Length>"), Fault::Format),
            (
                blob(&format!(
                    "<Length>4</Length><BlockList><Block Offset=\"1\" Length=\"3\" {hash}/></BlockList>"
                )),
                Fault::Format,
            ),
            (
                blob(&format!(
                    "<Length>512</Length><PageRangeList><PageRange Offset=\"0\" Length=\"511\" {hash}/></PageRangeList>"
                )),
                Fault::Format,
            ),
            (
                blob("<Length>0</Length><ImportDisposition>keep</ImportDisposition><BlockList/>"),
                Fault::Format,
            ),
        ];
        for (text, fault) in cases {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), fault, "{text}");
        }
        assert!(parse(blob("<Length>0</Length><BlockList />").as_bytes()).is_ok());
        let sparse = format!(
            "<Length>2048</Length><PageRangeList><PageRange Offset=\"512\" Length=\"512\" {hash}/></PageRangeList>"
        );
        assert!(parse(blob(&sparse).as_bytes()).is_ok());
    }
}
