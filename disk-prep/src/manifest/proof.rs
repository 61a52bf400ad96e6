//! Proves a manifest before its drive is sealed: what is about to be written is read again by a
//! strict reader, and must say of each file what the plan says.

use std::io::{self, Write};

use super::form::ManifestError;
use super::strict::{StrictReader, Token};
use super::write::Zeros;
use crate::dataset::{DataFile, Listing};
use crate::noun::{BlobType, Serial};

/// Takes a manifest as it is written. `I` are the files that it must list, in order.
#[derive(Debug)]
pub struct ManifestProof<'a, I> {
    reader: StrictReader,
    expected: Expected<'a, I>,
}

#[derive(Debug)]
struct Expected<'a, I> {
    serial: &'a Serial,
    files: I,
    /// The file whose entry is being read.
    file: Option<DataFile>,
    open: Vec<String>,
    said_id: bool,
    block_bytes: u64,
    zeros: Zeros,
    said: Vec<(&'static str, String)>,
}

/// What an entry says once, and must.
const FACTS: [&str; 4] = ["BlobPath", "FilePath", "Length", "ImportDisposition"];

impl<'a, I: Iterator<Item = DataFile>> ManifestProof<'a, I> {
    /// For the manifest of this drive.
    pub fn new(serial: &'a Serial, files: I, zeros: Zeros) -> Self {
        let (open, said) = (Vec::new(), Vec::new());
        let (file, said_id, block_bytes) = (None, false, 0);
        let expected = Expected { serial, files, file, open, said_id, block_bytes, zeros, said };
        ManifestProof { reader: StrictReader::new(), expected }
    }

    /// All was written.
    pub fn finish(mut self) -> Result<(), ManifestError> {
        self.reader.finish()?;
        let fault = match self.expected.next_file() {
            Some(file) => format!("{} is not in it", file.path),
            None if !self.expected.said_id => "there is no DriveId".to_owned(),
            None => return Ok(()),
        };
        Err(ManifestError { position: 0, fault })
    }
}

impl<'a, I: Iterator<Item = DataFile>> Write for ManifestProof<'a, I> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let expected = &mut self.expected;
        self.reader
            .feed(bytes, &mut |token| expected.take(token))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a, I: Iterator<Item = DataFile>> Expected<'a, I> {
    fn next_file(&mut self) -> Option<DataFile> {
        self.files.by_ref().find(|file| file.listing != Listing::SideFile)
    }

    /// Whether ranges of a file may be missing.
    fn may_omit(&self, file: &DataFile) -> bool {
        self.zeros == Zeros::Omitted && file.blob_type == BlobType::PageBlob
    }

    fn take(&mut self, token: Token<'_>) -> Result<(), String> {
        match token {
            Token::Start { name, attributes } => {
                self.open.push(name.to_owned());
                self.start(name, attributes)
            }
            Token::End { text } => {
                let name = self.open.pop().unwrap_or_default();
                self.end(&name, text)
            }
        }
    }

    fn start(&mut self, name: &str, attributes: &[(String, String)]) -> Result<(), String> {
        match (self.open.len(), name) {
            (1, "DriveManifest") | (2, "Drive") | (3, "DriveId" | "ClientCreator" | "BlobList") => {
                Ok(())
            }
            (4, "Blob") => {
                let file = self.next_file().ok_or("it lists more files than were copied")?;
                (self.file, self.block_bytes) = (Some(file), 0);
                self.said.clear();
                Ok(())
            }
            (5, "BlockList" | "PageRangeList" | "MetadataPath" | "PropertiesPath") => Ok(()),
            (5, name) if FACTS.contains(&name) => Ok(()),
            (6, "Block" | "PageRange") => {
                let (offset, length) = (number(attributes, "Offset"), number(attributes, "Length"));
                let (Some(offset), Some(length)) = (offset, length) else {
                    return Err(format!("{name} has no place in its file"));
                };
                let may_skip = self.file.as_ref().is_some_and(|file| self.may_omit(file));
                if offset < self.block_bytes || (offset > self.block_bytes && !may_skip) {
                    return Err(format!("{name} has no place in its file"));
                }
                self.block_bytes = offset.saturating_add(length);
                Ok(())
            }
            _ => Err(format!("the element {name} has no place there")),
        }
    }

    fn end(&mut self, name: &str, text: &str) -> Result<(), String> {
        if name == "DriveId" {
            self.said_id = text == self.serial.as_str();
            return if self.said_id { Ok(()) } else { Err(format!("DriveId is {text:?}")) };
        }
        if let Some(fact) = FACTS.iter().find(|fact| **fact == name) {
            self.said.push((fact, text.to_owned()));
        }
        if name != "Blob" {
            return Ok(());
        }
        let Some(file) = self.file.take() else { return Ok(()) };
        let facts = [
            file.blob.to_string(),
            file.path.to_string(),
            file.bytes.to_string(),
            file.disposition.name().to_owned(),
        ];
        let expected: Vec<(&str, String)> = FACTS.into_iter().zip(facts).collect();
        let is_covered = match self.may_omit(&file) {
            true => self.block_bytes <= file.bytes,
            false => self.block_bytes == file.bytes,
        };
        if self.said != expected || !is_covered {
            return Err(format!("it does not say of {} what was planned", file.path));
        }
        Ok(())
    }
}

fn number(attributes: &[(String, String)], name: &str) -> Option<u64> {
    attributes.iter().find(|(own, _)| own == name)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Entry, ManifestWriter, length_bytes};
    use crate::noun::Md5Digest;

    fn manifest(serial: &Serial, files: &[DataFile]) -> String {
        let planned = length_bytes(serial, &files.iter().cloned().collect());
        let mut writer = ManifestWriter::new(Vec::new(), serial, Zeros::Listed).unwrap();
        for file in files {
            let count = file.bytes.div_ceil(4 << 20) as usize;
            writer
                .file(
                    &Entry::of(file),
                    &Md5Digest::new([9; 16]),
                    &vec![Md5Digest::new([7; 16]); count],
                )
                .unwrap();
        }
        String::from_utf8(writer.finish(planned).unwrap()).unwrap()
    }

    fn prove(serial: &Serial, files: &[DataFile], text: &str) -> Result<(), String> {
        let mut proof = ManifestProof::new(serial, files.iter().cloned(), Zeros::Listed);
        proof.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
        proof.finish().map_err(|error| error.to_string())
    }

    #[test]
    fn a_manifest_that_does_not_say_what_was_planned_is_not_sealed() {
        let serial = Serial::new("S1").unwrap();
        let files = [
            DataFile::sample("a & b 'ü'", 0),
            DataFile::sample("large", 9 << 20),
            DataFile::sample("z", 1),
        ];
        let text = manifest(&serial, &files);
        assert_eq!(prove(&serial, &files, &text), Ok(()));
        let other = Serial::new("S2").unwrap();
        assert!(prove(&other, &files, &text).unwrap_err().contains("DriveId is \"S1\""));
        let short = prove(&serial, &files, &manifest(&serial, &files[..2])).unwrap_err();
        assert!(short.contains("\\job-1\\z is not in it"), "{short}");
        assert!(prove(&serial, &files[..2], &text).unwrap_err().contains("more files"));
        for (from, to) in [
            ("a &amp; b", "a & b"),
            ("a &amp; b", "a \u{fffe} b"),
            ("a &amp; b", "a &amp; c"),
            ("target/z", "target/y"),
            ("\\job-1\\z", "\\job-1\\y"),
            ("<Length>1<", "<Length>2<"),
            (
                "overwrite</ImportDisposition>\n        <BlockList />",
                "rename</ImportDisposition>\n        <BlockList />",
            ),
            ("Offset=\"4194304\"", "Offset=\"4194305\""),
            ("</DriveManifest>", ""),
            ("<ClientCreator>azseed</ClientCreator>", "<Other>azseed</Other>"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(prove(&serial, &files, &text.replacen(from, to, 1)).is_err(), "{from}");
        }
    }

    #[test]
    fn zeros_of_page_blobs_may_be_missing_and_nothing_else() {
        let serial = Serial::new("S1").unwrap();
        let block = 4 << 20;
        let page_blob = |name: &str, bytes| DataFile {
            blob_type: BlobType::PageBlob,
            ..DataFile::sample(name, bytes)
        };
        let files = [page_blob("disk", 3 * block + 512), DataFile::sample("plain", 2 * block)];
        let planned = length_bytes(&serial, &files.iter().cloned().collect());
        let zeros = |length: u64| Md5Digest::new(md5_of(&vec![0; length as usize]));
        let other = Md5Digest::new([7; 16]);
        let blocks =
            [vec![zeros(block), other, zeros(block), zeros(512)], vec![zeros(block), zeros(block)]];
        let text = |zeros| {
            let mut writer = ManifestWriter::new(Vec::new(), &serial, zeros).unwrap();
            for (file, blocks) in files.iter().zip(&blocks) {
                writer.file(&Entry::of(file), &other, blocks).unwrap();
            }
            String::from_utf8(writer.finish(planned).unwrap()).unwrap()
        };
        let prove = |text: &str, zeros| {
            let mut proof = ManifestProof::new(&serial, files.iter().cloned(), zeros);
            proof.write_all(text.as_bytes()).map(|()| proof.finish().is_ok()).unwrap_or(false)
        };
        let (whole, sparse) = (text(Zeros::Listed), text(Zeros::Omitted));
        assert_eq!(whole.len(), sparse.len(), "the length is known before the digests");
        assert_eq!(
            (whole.matches("<PageRange ").count(), whole.matches("<Block ").count()),
            (4, 2)
        );
        assert_eq!(
            (sparse.matches("<PageRange ").count(), sparse.matches("<Block ").count()),
            (1, 2)
        );
        assert!(prove(&whole, Zeros::Listed) && prove(&sparse, Zeros::Omitted));
        assert!(!prove(&sparse, Zeros::Listed), "what is missing is missed");
        let short = sparse.replacen("<Block Offset=\"0\"", "<Block Offset=\"512\"", 1);
        assert!(!prove(&short, Zeros::Omitted), "a block blob has all of its blocks");
    }

    fn md5_of(content: &[u8]) -> [u8; 16] {
        use md5::Digest;
        md5::Md5::digest(content).into()
    }
}
