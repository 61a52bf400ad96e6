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

/// Bytes of one record's line, at most: a checkpoint holds the block digests of a drive's streams
/// since the one before, and the first record 64 KiB of metadata.
const LINE_BYTES: u64 = 256 << 20;

/// Reads a journal line by line and stops at the first that does not fit the chain, so that
/// memory is only taken for what a journal of ours can hold.
pub(super) fn read_lines(file: &File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut reader = Pieces { file, buffer: Zeroizing::new(vec![0; 1 << 20]), from: 0, to: 0 };
    // With room for all, so that no part is left behind in a smaller one; a line may hold a
    // recovery password.
    let room = usize::try_from(file.metadata()?.len()).unwrap_or(0).min(MOST_AT_ONCE) + 64;
    let (mut bytes, mut chain) = (Zeroizing::new(Vec::with_capacity(room)), Chain::default());
    loop {
        let from = bytes.len();
        if reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(bytes);
        }
        let length = (bytes.len() - from) as u64;
        let Some(line) = bytes[from..].strip_suffix(b"\n") else {
            if length >= LINE_BYTES {
                return Err(Unexpected::Large { bytes: length, most: LINE_BYTES }.into());
            }
            // A last line without its end was torn by a crash.
            return Ok(bytes);
        };
        let Some((mark, text)) = line.split_at_checked(17) else { return Ok(bytes) };
        chain = chain.next(text);
        if mark != format!("{} ", chain.mark()).as_bytes() {
            // The decoder says which record it is.
            return Ok(bytes);
        }
    }
}

/// A journal of a drive of 20 TB has less; a longer one is read in a buffer that grows.
const MOST_AT_ONCE: usize = 256 << 20;

/// A file piece by piece, in a buffer that is cleared on drop.
struct Pieces<'f> {
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
pub(super) fn ends(bytes: &[u8]) -> Result<Vec<(u64, String)>, JournalFault> {
    let mut ends = Vec::new();
    let (mut chain, mut end) = (Chain::default(), 0);
    for (record, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let Some(text) = line.strip_suffix(b"\n") else { break };
        let (mark, text) = text.split_at_checked(17).ok_or(JournalFault::Changed { record })?;
        chain = chain.next(text);
        if mark != format!("{} ", chain.mark()).as_bytes() {
            return Err(JournalFault::Changed { record });
        }
        end += line.len() as u64;
        ends.push((end, chain.mark()));
    }
    Ok(ends)
}

/// All whole records of a journal, the chain behind them, and the length they take.
pub(super) fn decode(bytes: &[u8]) -> Result<(Vec<Record>, Chain, usize), JournalFault> {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let mut chain = Chain::default();
    let mut records = Vec::new();
    for (record, line) in bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
        let line = &line[..line.len() - 1];
        let (mark, text) = line.split_at_checked(17).ok_or(JournalFault::Changed { record })?;
        chain = chain.next(text);
        if mark != format!("{} ", chain.mark()).as_bytes() {
            return Err(JournalFault::Changed { record });
        }
        records.push(
            serde_json::from_slice(text)
                .map_err(|error| JournalFault::Unknown { record, fault: error.to_string() })?,
        );
    }
    Ok((records, chain, whole))
}
