//! One record, one line: 16 hexadecimal digits of a digest, a blank, the record as JSON. The
//! digest is over the digest before and the text, so no record can be changed, moved or cut out
//! of the middle unseen. A last line without its newline was torn by a crash and is no record.

use std::fs::File;
use std::io::{self, BufRead, Read};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::fault::JournalFault;
use super::record::Record;
use crate::noun::secret::cleared;
use crate::sys::beneath::Unexpected;

/// The digest chain up to some record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chain([u8; 32]);

impl Chain {
    fn next(self, text: &[u8]) -> Chain {
        Chain(Sha256::new().chain_update(self.0).chain_update(text).finalize().into())
    }

    /// Its first 16 hexadecimal digits, as they stand before the record.
    pub fn mark(self) -> String {
        self.0[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The line of a record, and the chain behind it.
    pub(super) fn encode(self, record: &Record) -> (Zeroizing<Vec<u8>>, Chain) {
        let text = cleared(|buffer| serde_json::to_writer(buffer, record));
        let text = text.expect("records hold only strings and numbers");
        let next = self.next(&text);
        let mut line = Zeroizing::new(Vec::with_capacity(16 + 1 + text.len() + 1));
        line.extend_from_slice(next.mark().as_bytes());
        line.push(b' ');
        line.extend_from_slice(&text);
        line.push(b'\n');
        (line, next)
    }
}

/// Whether a file begins as a journal does, whatever it is called and wherever it lies.
pub fn begins_as_journal(start: &[u8]) -> bool {
    const SECOND: &[u8] = b" {\"record\":\"begun\"";
    let (mark, rest) = start.split_at(start.len().min(16));
    mark.len() == 16 && mark.iter().all(u8::is_ascii_hexdigit) && rest.starts_with(SECOND)
}

/// Bytes of one record's line, at most: a checkpoint holds the block digests of a drive's streams
/// since the one before, and the first record 64 KiB of metadata.
const LINE_BYTES: u64 = 256 << 20;

/// The records of a journal, one after the other: memory is taken for one line at a time, and that
/// is cleared, since a line may hold a recovery password.
pub(super) struct Lines<R> {
    reader: R,
    line: Zeroizing<Vec<u8>>,
    chain: Chain,
    first: Chain,
    whole_bytes: u64,
    count: usize,
}

impl<'f> Lines<Pieces<'f>> {
    /// Those of a file.
    pub fn of(file: &'f File) -> Self {
        Lines::new(Pieces { file, buffer: Zeroizing::new(vec![0; PIECE_BYTES]), from: 0, to: 0 })
    }
}

impl<R: BufRead> Lines<R> {
    /// Those that are read from here.
    pub fn new(reader: R) -> Self {
        let line = Zeroizing::new(Vec::with_capacity(PIECE_BYTES));
        let (chain, first) = (Chain::default(), Chain::default());
        Lines { reader, line, chain, first, whole_bytes: 0, count: 0 }
    }

    /// The chain behind the last record, and the length of all.
    pub fn end(&self) -> (Chain, u64) {
        (self.chain, self.whole_bytes)
    }

    /// The mark of the first record.
    pub fn first(&self) -> String {
        self.first.mark()
    }

    /// The next record, as its text; none at the end, or where the last line was torn.
    pub fn text(&mut self) -> io::Result<Option<Result<&[u8], JournalFault>>> {
        self.line.clear();
        if !self.read_line()? {
            return Ok(None);
        }
        let record = self.count;
        let line = &self.line[..self.line.len() - 1];
        let Some((mark, text)) = line.split_at_checked(17) else {
            return Ok(Some(Err(JournalFault::Changed { record })));
        };
        let next = self.chain.next(text);
        if mark != format!("{} ", next.mark()).as_bytes() {
            return Ok(Some(Err(JournalFault::Changed { record })));
        }
        if record == 0 {
            self.first = next;
        }
        self.chain = next;
        self.whole_bytes += self.line.len() as u64;
        self.count += 1;
        Ok(Some(Ok(text)))
    }

    /// The next record.
    pub fn record(&mut self) -> io::Result<Option<Result<Record, JournalFault>>> {
        let record = self.count;
        let text = self.text()?;
        let parse = |text: &[u8]| {
            serde_json::from_slice(text)
                .map_err(|error| JournalFault::Unknown { record, fault: error.to_string() })
        };
        Ok(text.map(|text| text.and_then(parse)))
    }

    /// Reads to the end of the line; whether there is one.
    fn read_line(&mut self) -> io::Result<bool> {
        loop {
            let piece = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                piece => piece?,
            };
            if piece.is_empty() {
                return Ok(false);
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(piece.len(), |end| end + 1);
            let bytes = (self.line.len() + count) as u64;
            if bytes > LINE_BYTES {
                return Err(Unexpected::Large { bytes, most: LINE_BYTES }.into());
            }
            if self.line.capacity() < self.line.len() + count {
                // No part is left behind in a smaller one.
                let room = (2 * self.line.capacity()).max(self.line.len() + count);
                let mut wider = Zeroizing::new(Vec::with_capacity(room));
                wider.extend_from_slice(&self.line);
                self.line = wider;
            }
            self.line.extend_from_slice(&piece[..count]);
            self.reader.consume(count);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

/// Bytes that are read at once; the first record has a tenth of it.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// A file piece by piece, in a buffer that is cleared on drop.
pub(super) struct Pieces<'f> {
    file: &'f File,
    buffer: Zeroizing<Vec<u8>>,
    from: usize,
    to: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            (self.from, self.to) = (0, self.file.read(&mut self.buffer)?);
        }
        Ok(&self.buffer[self.from..self.to])
    }

    fn consume(&mut self, count: usize) {
        self.from = self.to.min(self.from + count);
    }
}

/// The length of a journal up to each of its records, and the mark of that record.
pub(super) fn ends(
    mut lines: Lines<impl BufRead>,
) -> io::Result<Result<Vec<(u64, String)>, JournalFault>> {
    let mut ends = Vec::new();
    while let Some(text) = lines.text()? {
        if let Err(fault) = text {
            return Ok(Err(fault));
        }
        let (chain, bytes) = lines.end();
        ends.push((bytes, chain.mark()));
    }
    Ok(Ok(ends))
}
