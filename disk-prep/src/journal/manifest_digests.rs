//! The MD5s that a manifest is made of, kept while a drive is filled: in two files without names,
//! so that memory does not grow with the number of files. The journal has them too; these lie in
//! the order of the plan.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::file_ends::FileMd5s;
use super::record::{Copied, FileEnd, Record};
use crate::noun::Md5Digest;
use crate::sys::place::Place;

const DIGEST_BYTES: usize = 16;
/// So many neighbours are read at once.
const WINDOW_DIGESTS: usize = 4096;

/// The MD5s of copied files, by their indices in the plan.
#[derive(Debug)]
pub struct ManifestDigests {
    /// That of each file, at its index.
    files: File,
    /// Those of the blocks of files that have several, in the order in which they came.
    blocks: File,
    blocks_end: u64,
    several: BTreeMap<usize, Range<u64>>,
}

impl ManifestDigests {
    /// None yet; they will lie in the folder of a journal.
    pub(super) fn beside(journal: &Place) -> io::Result<Self> {
        let (files, blocks) = (journal.nameless()?, journal.nameless()?);
        Ok(ManifestDigests { files, blocks, blocks_end: 0, several: BTreeMap::new() })
    }

    /// Keeps those of a record.
    pub(super) fn note(&mut self, record: &Record) -> io::Result<()> {
        let Record::Progress(progress) = record else { return Ok(()) };
        let ended = progress.finished.iter().filter_map(|finished| finished.file.as_ref());
        let mut copied: Vec<(usize, &Copied)> = ended
            .filter_map(|file| match &file.end {
                FileEnd::Copied(copied) => Some((file.index, copied)),
                FileEnd::LeftOut(_) => None,
            })
            .collect();
        copied.sort_by_key(|(index, _)| *index);
        for neighbours in copied.chunk_by(|one, next| one.0.checked_add(1) == Some(next.0)) {
            let bytes = concat(neighbours.iter().map(|(_, copied)| &copied.md5));
            self.files.write_all_at(&bytes, offset(neighbours[0].0)?)?;
        }
        for (index, copied) in copied {
            self.several.remove(&index);
            if !copied.blocks.is_empty() {
                let bytes = concat(&copied.blocks);
                self.blocks.write_all_at(&bytes, self.blocks_end)?;
                let end = self.blocks_end + bytes.len() as u64;
                self.several.insert(index, self.blocks_end..end);
                self.blocks_end = end;
            }
        }
        Ok(())
    }

    /// Reads them, best in the order of the plan.
    pub fn reader(&self) -> DigestReader<'_> {
        DigestReader { digests: self, first: 0, window: Vec::new() }
    }
}

/// Reads the digests of one file after the other.
#[derive(Debug)]
pub struct DigestReader<'a> {
    digests: &'a ManifestDigests,
    /// Index of the first file of the window.
    first: usize,
    window: Vec<u8>,
}

impl DigestReader<'_> {
    /// What the manifest says of a file that was copied.
    pub fn of(&mut self, index: usize) -> io::Result<FileMd5s<'static>> {
        let md5 = match self.seen(index) {
            Some(md5) => md5,
            None => {
                self.window = some_at(&self.digests.files, offset(index)?)?;
                self.first = index;
                self.seen(index).ok_or(io::ErrorKind::UnexpectedEof)?
            }
        };
        let mut blocks = Vec::new();
        if let Some(range) = self.digests.several.get(&index) {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            self.digests.blocks.read_exact_at(&mut bytes, range.start)?;
            blocks.extend(bytes.as_chunks().0.iter().map(|own| Md5Digest::new(*own)));
        }
        Ok(FileMd5s { md5, blocks: Cow::Owned(blocks) })
    }

    fn seen(&self, index: usize) -> Option<Md5Digest> {
        let (digests, _) = self.window.as_chunks::<DIGEST_BYTES>();
        Some(Md5Digest::new(*digests.get(index.checked_sub(self.first)?)?))
    }
}

fn concat<'a>(digests: impl IntoIterator<Item = &'a Md5Digest>) -> Vec<u8> {
    digests.into_iter().flat_map(|md5| *md5.bytes()).collect()
}

/// Where the digest of a file lies.
fn offset(index: usize) -> io::Result<u64> {
    // A journal of others may name any number.
    let offset = (index as u64).checked_mul(DIGEST_BYTES as u64);
    offset.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The bytes of a window, or as many as there are.
fn some_at(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let (mut bytes, mut done) = (vec![0; WINDOW_DIGESTS * DIGEST_BYTES], 0);
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{FileChange, FileRecord, Finished, LeftOut, Progress};
    use crate::noun::Sha256Digest;

    /// A record that says so of files, each by index, MD5 and number of blocks.
    fn record(files: &[(usize, u8, usize)]) -> Record {
        let finished = |&(index, seed, blocks): &(usize, u8, usize)| {
            let md5 = Md5Digest::new([seed; 16]);
            let blocks = (0..blocks).map(|own| Md5Digest::new([seed + own as u8; 16])).collect();
            let end = FileEnd::Copied(Copied::new(md5, Sha256Digest::new([0; 32]), blocks));
            Finished { segment: 0, file: Some(FileRecord { index, bytes: 0, modified_ns: 0, end }) }
        };
        let finished = files.iter().map(finished).collect();
        Record::Progress(Progress { finished, ..Progress::default() })
    }

    fn digests() -> (tempfile::TempDir, ManifestDigests) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(&folder.path().join("S1.journal")).unwrap();
        (folder, ManifestDigests::beside(&place).unwrap())
    }

    #[test]
    fn what_was_said_last_of_a_file_is_read_wherever_it_lies() {
        let (folder, mut digests) = digests();
        digests.note(&record(&[(9, 1, 0), (2, 2, 3), (3, 3, 1)])).unwrap();
        digests.note(&record(&[(70_000, 4, 2), (2, 5, 0), (8191, 6, 0)])).unwrap();
        digests.note(&Record::Labelled).unwrap();
        digests.note(&record(&[(9, 20, 2)])).unwrap();
        let mut reader = digests.reader();
        let mut said = |index, bytes| {
            let own = reader.of(index).unwrap();
            let blocks = own.block_digests(bytes).iter().map(|md5| md5.bytes()[0]);
            (own.md5.bytes()[0], blocks.collect::<Vec<_>>())
        };
        assert_eq!(said(2, 9), (5, vec![5]));
        assert_eq!((said(3, 0), said(9, 9 << 20)), ((3, vec![]), (20, vec![20, 21])));
        assert_eq!((said(8191, 0), said(70_000, 8 << 20)), ((6, vec![]), (4, vec![4, 5])));
        assert_eq!(said(2, 9), (5, vec![5]), "and back");
        assert_eq!(reader.of(70_001).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing has a name");
    }

    #[test]
    fn numbers_that_no_plan_has_and_files_that_were_left_out_do_no_harm() {
        let (_folder, mut digests) = digests();
        assert!(digests.note(&record(&[(usize::MAX, 1, 0)])).is_err());
        assert!(digests.note(&record(&[(usize::MAX / 16, 1, 0)])).is_err());
        let end = FileEnd::LeftOut(LeftOut::new(FileChange::FileShrank, "it shrank"));
        let file = Some(FileRecord { index: 0, bytes: 0, modified_ns: 0, end });
        let finished = vec![Finished { segment: 0, file }];
        digests.note(&Record::Progress(Progress { finished, ..Progress::default() })).unwrap();
        assert!(digests.reader().of(0).is_err());
    }
}
