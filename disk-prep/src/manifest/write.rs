//! Writes a manifest in one stream. Every digest has a fixed length as text, so the length is a
//! function of names and sizes alone; files that are left out are made good with blanks before
//! the final newline, which XML allows.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::dataset::{DataFile, FileList, ListedFile, Listing};
use crate::limits;
use crate::noun::{BlobPath, BlobType, DrivePath, ImportDisposition, Md5Digest, Serial};

/// How the service knows the manifest: name and hash (`azure-import-export` 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// `\DriveManifest.xml`, MD5.
    #[default]
    Legacy,
    /// `\<guid>.manifest`, SHA-256, with a header hash.
    Modern,
}

impl Profile {
    /// The manifest's path on the drive.
    pub fn manifest_path(self, id: Uuid) -> DrivePath {
        let name = match self {
            Profile::Legacy => "DriveManifest.xml".to_owned(),
            Profile::Modern => format!("{id}.manifest"),
        };
        DrivePath::from_components([name.as_str()]).expect("these names hold no reserved character")
    }
}

/// One file in the manifest.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The blob.
    pub blob: &'a BlobPath,
    /// The file.
    pub path: &'a DrivePath,
    /// Kind of the blob.
    pub blob_type: BlobType,
    /// What happens when the blob is there.
    pub disposition: ImportDisposition,
    /// Length of the file.
    pub bytes: u64,
    /// A blob with what belongs to it, or a file that belongs to blobs.
    pub listing: &'a Listing,
}

/// Writes the entries one after another; [`ManifestWriter::finish`] pads to the planned length.
/// Metadata and properties files come before the blobs that need them.
#[derive(Debug)]
pub struct ManifestWriter<W> {
    out: W,
    written_bytes: u64,
    /// MD5 of the metadata and properties files as copied; `None` of those that were left out.
    side_files: HashMap<DrivePath, Option<Md5Digest>>,
    zeros: Zeros,
}

/// Whether ranges of page blobs that hold nothing are listed. What is not listed stays clear in the
/// new blob, and is not billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zeros {
    /// They are.
    Listed,
    /// They are not.
    Omitted,
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DriveManifest Version=\"2014-11-01\">\n  <Drive>\n";
const TAIL: &str = "    </BlobList>\n  </Drive>\n</DriveManifest>";

impl<'a> Entry<'a> {
    /// The entry of a file of the data set.
    pub fn of(file: &'a DataFile) -> Self {
        Entry {
            blob: &file.blob,
            path: &file.path,
            blob_type: file.blob_type,
            disposition: file.disposition,
            bytes: file.bytes,
            listing: &file.listing,
        }
    }
}

/// Bytes that a file takes in a manifest.
pub fn text_bytes(file: ListedFile<'_>) -> u64 {
    let listing = file.listing();
    if *listing == Listing::SideFile {
        return 0;
    }
    let (folder, name) = file.path_parts();
    let (container, blob) = file.blob_parts();
    let (list, _) = words(file.blob_type());
    let names = [folder, name, container.as_str(), "/", blob[0], blob[1]];
    let list_bytes = if file.bytes() == 0 { 8 + list.len() + 5 } else { 2 * (8 + list.len()) + 7 };
    let sides = planned(listing);
    let sides = sides.iter().map(|(element, path, _)| {
        // Ten blanks, signs and a newline; the digest in quotes behind ` Hash=`.
        8 + 2 * element.len() + 6 + 40 + escaped_bytes(path.as_str())
    });
    let fixed = ENTRY.len() + file.disposition().name().len() + list_bytes;
    let text: usize =
        fixed + names.into_iter().map(escaped_bytes).sum::<usize>() + sides.sum::<usize>();
    text as u64 + digits(file.bytes()) + ranges_bytes(file.blob_type(), file.bytes())
}

/// What every entry has.
const ENTRY: &str = "      <Blob>\n        <BlobPath></BlobPath>\n        <FilePath></FilePath>\n        \
                     <Length></Length>\n        <ImportDisposition></ImportDisposition>\n      </Blob>\n";

/// Bytes of a text as XML has it.
fn escaped_bytes(text: &str) -> usize {
    let more = |byte| match byte {
        b'<' | b'>' => 3,
        b'&' => 4,
        b'"' | b'\'' => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(more).sum::<usize>()
}

/// Bytes of a drive's manifest without any entry.
pub fn frame_bytes(serial: &Serial) -> u64 {
    let mut head = String::new();
    write_head(&mut head, serial);
    (head.len() + TAIL.len() + 1) as u64
}

/// Length of the manifest of these files on this drive, bytes.
pub fn length_bytes(serial: &Serial, files: &FileList) -> u64 {
    frame_bytes(serial) + files.iter().map(text_bytes).sum::<u64>()
}

impl<W: Write> ManifestWriter<W> {
    /// Begins the manifest of a drive.
    pub fn new(mut out: W, serial: &Serial, zeros: Zeros) -> io::Result<Self> {
        let mut head = String::new();
        write_head(&mut head, serial);
        out.write_all(head.as_bytes())?;
        let side_files = HashMap::new();
        Ok(ManifestWriter { out, written_bytes: head.len() as u64, side_files, zeros })
    }

    /// Adds a file with its MD5 and the digests of its blocks (or page ranges), in order.
    pub fn file(
        &mut self,
        entry: &Entry<'_>,
        md5: &Md5Digest,
        blocks: &[Md5Digest],
    ) -> io::Result<()> {
        if *entry.listing == Listing::SideFile {
            // One block, so its digest is that of the file.
            let [digest] = blocks else {
                return Err(invalid(format!("{} is larger than one block", entry.path)));
            };
            self.side_files.insert(entry.path.clone(), Some(*digest));
            return Ok(());
        }
        let sides = self.copied(entry.listing, md5)?;
        let mut text = String::new();
        write_entry(&mut text, entry, blocks, &sides, self.zeros);
        self.out.write_all(text.as_bytes())?;
        self.written_bytes += text.len() as u64;
        Ok(())
    }

    /// Passes over a file that is not on the drive. Blobs that need it are listed without it.
    pub fn left_out(&mut self, entry: &Entry<'_>) {
        if *entry.listing == Listing::SideFile {
            self.side_files.insert(entry.path.clone(), None);
        }
    }

    /// The metadata and properties files of a blob with the digests of what was copied, or is made
    /// of the blob's MD5.
    fn copied<'b>(&self, listing: &'b Listing, md5: &Md5Digest) -> io::Result<Sides<'b>> {
        let mut sides = Vec::new();
        for (element, path, _) in planned(listing) {
            let digest = match listing.content_md5().filter(|made| made.path == *path) {
                Some(made) => Some(Md5Digest::new(Md5::digest(made.text(Some(md5))).into())),
                None => *self.side_files.get(path).ok_or_else(|| {
                    invalid(format!("{path} is not on the drive, but blobs need it"))
                })?,
            };
            sides.extend(digest.map(|digest| (element, path, digest)));
        }
        Ok(sides)
    }

    /// Ends the manifest at exactly `length_bytes` and returns the sink.
    pub fn finish(mut self, length_bytes: u64) -> io::Result<W> {
        let end = self.written_bytes + TAIL.len() as u64 + 1;
        let padding = length_bytes
            .checked_sub(end)
            .ok_or_else(|| invalid("the manifest is longer than planned".to_owned()))?;
        self.out.write_all(TAIL.as_bytes())?;
        io::copy(&mut io::Read::take(io::repeat(b' '), padding), &mut self.out)?;
        self.out.write_all(b"\n")?;
        Ok(self.out)
    }
}

fn invalid(fault: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, fault)
}

/// Metadata and properties of a blob: element, file, digest. The digest's text is always as long.
type Sides<'a> = Vec<(&'static str, &'a DrivePath, Md5Digest)>;

fn planned(listing: &Listing) -> Sides<'_> {
    let Listing::Blob { metadata, properties, content_md5 } = listing else { return Vec::new() };
    let metadata = metadata.as_ref().map(|side| ("MetadataPath", &side.path, side.md5));
    let properties = match content_md5 {
        Some(made) => Some((&made.path, Md5Digest::new([0; 16]))),
        None => properties.as_ref().map(|side| (&side.path, side.md5)),
    };
    let properties = properties.map(|(path, digest)| ("PropertiesPath", path, digest));
    metadata.into_iter().chain(properties).collect()
}

fn write_head(text: &mut String, serial: &Serial) {
    let serial = quick_xml::escape::escape(serial.as_str());
    text.push_str(HEAD);
    let _ = writeln!(text, "    <DriveId>{serial}</DriveId>");
    let _ = writeln!(text, "    <ClientCreator>azseed</ClientCreator>");
    text.push_str("    <BlobList>\n");
}

/// The entry of a file.
fn write_entry(
    text: &mut String,
    entry: &Entry<'_>,
    blocks: &[Md5Digest],
    sides: &Sides<'_>,
    zeros: Zeros,
) {
    let may_omit = zeros == Zeros::Omitted && entry.blob_type == BlobType::PageBlob;
    let blob = entry.blob.to_string();
    let blob = quick_xml::escape::escape(&blob);
    let path = quick_xml::escape::escape(entry.path.as_str());
    let disposition = entry.disposition.name();
    let (list, item) = words(entry.blob_type);
    let _ = write!(
        text,
        "      <Blob>\n        <BlobPath>{blob}</BlobPath>\n        <FilePath>{path}</FilePath>\n        \
         <Length>{}</Length>\n        <ImportDisposition>{disposition}</ImportDisposition>\n",
        entry.bytes
    );
    if entry.bytes == 0 {
        let _ = writeln!(text, "        <{list} />");
    } else {
        let _ = writeln!(text, "        <{list}>");
        for (index, digest) in blocks.iter().enumerate() {
            let offset = index as u64 * limits::BLOCK_BYTES;
            let length = limits::BLOCK_BYTES.min(entry.bytes - offset);
            if may_omit && is_of_zeros(digest, length) {
                continue;
            }
            let _ = write!(text, "          <{item} Offset=\"{offset}\" Length=\"{length}\"");
            if entry.blob_type == BlobType::BlockBlob {
                let _ = write!(text, " Id=\"{}\"", STANDARD.encode((index as u32).to_le_bytes()));
            }
            let _ = writeln!(text, " Hash=\"{digest}\" />");
        }
        let _ = writeln!(text, "        </{list}>");
    }
    for (element, path, digest) in sides {
        let path = quick_xml::escape::escape(path.as_str());
        let _ = writeln!(text, "        <{element} Hash=\"{digest}\">{path}</{element}>");
    }
    text.push_str("      </Blob>\n");
}

/// Whether this is the MD5 of so many zeros. Nearly all ranges are as long as they may be, and the last
/// of a file may be shorter.
fn is_of_zeros(digest: &Md5Digest, length: u64) -> bool {
    static WHOLE: LazyLock<Md5Digest> = LazyLock::new(|| md5_of_zeros(limits::BLOCK_BYTES));
    match length == limits::BLOCK_BYTES {
        true => *digest == *WHOLE,
        false => *digest == md5_of_zeros(length),
    }
}

fn md5_of_zeros(length: u64) -> Md5Digest {
    let zeros = vec![0; usize::try_from(length).unwrap_or_default()];
    Md5Digest::new(Md5::digest(&zeros).into())
}

fn words(blob_type: BlobType) -> (&'static str, &'static str) {
    match blob_type {
        BlobType::BlockBlob => ("BlockList", "Block"),
        BlobType::PageBlob => ("PageRangeList", "PageRange"),
    }
}

/// Text length of all blocks of a file, without writing them.
fn ranges_bytes(blob_type: BlobType, bytes: u64) -> u64 {
    let (_, item) = words(blob_type);
    // <Item Offset="" Length="" Hash="32 digits" /> with ten blanks before, a newline behind.
    let mut fixed = 10 + 1 + item.len() + " Offset=\"\" Length=\"\" Hash=\"\" />\n".len() + 32;
    if blob_type == BlobType::BlockBlob {
        fixed += " Id=\"AAAAAA==\"".len();
    }
    let count = bytes.div_ceil(limits::BLOCK_BYTES);
    (0..count)
        .map(|index| {
            let offset = index * limits::BLOCK_BYTES;
            let length = limits::BLOCK_BYTES.min(bytes - offset);
            fixed as u64 + digits(offset) + digits(length)
        })
        .sum()
}

fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or(0)) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Listing = Listing::Blob { metadata: None, properties: None, content_md5: None };

    fn write(entries: &[Entry<'_>], skip: Option<usize>) -> (u64, Vec<u8>) {
        let serial = Serial::new("9WM35C2V").unwrap();
        let file = |entry: &Entry<'_>| DataFile {
            path: entry.path.clone(),
            blob: entry.blob.clone(),
            blob_type: entry.blob_type,
            disposition: entry.disposition,
            listing: entry.listing.clone(),
            ..DataFile::sample("any", entry.bytes)
        };
        let planned = length_bytes(&serial, &entries.iter().map(file).collect());
        let mut writer = ManifestWriter::new(Vec::new(), &serial, Zeros::Listed).unwrap();
        for (at, entry) in entries.iter().enumerate() {
            if skip != Some(at) {
                let count = entry.bytes.div_ceil(limits::BLOCK_BYTES) as usize;
                writer
                    .file(
                        entry,
                        &Md5Digest::new([9; 16]),
                        &vec![Md5Digest::new([at as u8; 16]); count],
                    )
                    .unwrap();
            }
        }
        (planned, writer.finish(planned).unwrap())
    }

    #[test]
    fn the_length_is_known_before_the_digests_and_kept_when_files_are_left_out() {
        let blob: BlobPath = "seed/a & <b>/ü".parse().unwrap();
        let path: DrivePath = "\\seed\\a & b\\ü".parse().unwrap();
        let sizes = [0, 1, 4 << 20, (4 << 20) + 1, 100 << 20, 1 << 40];
        for blob_type in [BlobType::BlockBlob, BlobType::PageBlob] {
            let entries: Vec<_> = sizes[..5]
                .iter()
                .map(|&bytes| Entry {
                    blob: &blob,
                    path: &path,
                    blob_type,
                    disposition: ImportDisposition::Overwrite,
                    bytes,
                    listing: &PLAIN,
                })
                .collect();
            let (planned, whole) = write(&entries, None);
            assert_eq!(planned, whole.len() as u64);
            let (planned, without) = write(&entries, Some(4));
            assert_eq!(planned, without.len() as u64);
            assert!(without.ends_with(b" \n"));
            assert!(String::from_utf8(whole).unwrap().contains("a &amp; &lt;b&gt;/ü"));
        }
    }

    #[test]
    fn the_form_is_the_documented_one() {
        let blob: BlobPath = "pictures/koala.jpg".parse().unwrap();
        let path: DrivePath = "\\animals\\koala.jpg".parse().unwrap();
        let entry = Entry {
            blob: &blob,
            path: &path,
            blob_type: BlobType::BlockBlob,
            disposition: ImportDisposition::Overwrite,
            bytes: 30310,
            listing: &PLAIN,
        };
        let (_, text) = write(&[entry], None);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <DriveManifest Version=\"2014-11-01\">\n  <Drive>\n    \
             <DriveId>9WM35C2V</DriveId>\n    <ClientCreator>azseed</ClientCreator>\n    \
             <BlobList>\n      <Blob>\n        <BlobPath>pictures/koala.jpg</BlobPath>\n        \
             <FilePath>\\animals\\koala.jpg</FilePath>\n        <Length>30310</Length>\n        \
             <ImportDisposition>overwrite</ImportDisposition>\n        <BlockList>\n          \
             <Block Offset=\"0\" Length=\"30310\" Id=\"AAAAAA==\" \
             Hash=\"00000000000000000000000000000000\" />\n        </BlockList>\n      \
             </Blob>\n    </BlobList>\n  </Drive>\n</DriveManifest>\n"
        );
    }
}
