//! One record, one line: 16 hexadecimal digits of a digest, a blank, the record as JSON. The
//! digest is over the digest before and the text, so no record can be changed, moved or cut out
//! of the middle unseen. A last line without its newline was torn by a crash and is no record.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{JournalFault, Record};
use crate::noun::secret::cleared;

/// The digest chain up to some record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chain([u8; 32]);

impl Chain {
    fn next(self, text: &[u8]) -> Chain {
        Chain(Sha256::new().chain_update(self.0).chain_update(text).finalize().into())
    }

    fn mark(self) -> String {
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
