//! The lines of the log put together, and all that is wrong with them. Reads bytes of anybody.
//!
//! A line is `{"hash":"<64 digits>",` and then the rest of a JSON object. The hash is the SHA-256
//! of that object without its first member, and every entry names the hash of the one before.

use std::collections::BTreeMap;
use std::fmt;

use disk_prep::noun::{Diagnose, ErrorKind, Sha256Digest};
use sha2::{Digest, Sha256};

use super::entry::{Deed, Entry, Report, Who};

/// What stands before the hash of a line.
const HEAD: &[u8] = b"{\"hash\":\"";
/// What stands behind it.
const TAIL: &[u8] = b"\",";
const HASH_DIGITS: usize = 64;
/// The newest form that is known.
const VERSION: u32 = 1;

/// What the first entry follows.
const NOTHING: Sha256Digest = Sha256Digest::new([0; 32]);

/// An entry with its place in the file and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its line; the first is 1.
    pub line: usize,
    /// Its hash.
    pub hash: Sha256Digest,
    /// What it says.
    pub entry: Entry,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A line that is none of ours.
    Foreign { line: usize },
    /// A line whose text is not the one that was written.
    Changed { line: usize },
    /// A line that stands before one that it follows.
    Order { line: usize },
    /// A line that follows one which is not there.
    Cut { line: usize },
    /// A line that follows another than the one above it: two went on from one place.
    Fork { line: usize, from: u64 },
    /// An entry that this machine has seen is not there.
    Forgotten { number: u64 },
    /// A report that an entry names is gone or another.
    Report { line: usize, name: String },
    /// A drive is sealed by its journal, and the log does not say so.
    Unlogged { serial: String },
    /// The manifest of a drive is another in its journal.
    Manifest { line: usize, serial: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Foreign { line } => write!(f, "Line {line} is no entry of a custody log"),
            Fault::Changed { line } => write!(f, "Line {line} was changed after it was written"),
            Fault::Order { line } => write!(f, "Line {line} stands before the one that it follows"),
            Fault::Cut { line } => {
                write!(f, "The entry that line {line} follows is missing: the log was cut there")
            }
            Fault::Fork { line, from } => write!(
                f,
                "Line {line} goes on from entry {from} and not from the line above it: the log forks"
            ),
            Fault::Forgotten { number } => {
                write!(f, "Entry {number}, which this machine has seen, is missing or another")
            }
            Fault::Report { line, name } => {
                write!(f, "The report {name} of line {line} is missing or another")
            }
            Fault::Unlogged { serial } => {
                write!(f, "Drive {serial} is sealed by its journal, and the log does not say so")
            }
            Fault::Manifest { line, serial } => write!(
                f,
                "Line {line} has another manifest hash of drive {serial} than its journal"
            ),
        }
    }
}

impl std::error::Error for Fault {}

impl Diagnose for Fault {
    fn code(&self) -> &'static str {
        match self {
            Fault::Foreign { .. } => "custody-foreign",
            Fault::Changed { .. } => "custody-changed",
            Fault::Order { .. } => "custody-order",
            Fault::Cut { .. } => "custody-cut",
            Fault::Fork { .. } => "custody-fork",
            Fault::Forgotten { .. } => "custody-forgotten",
            Fault::Report { .. } => "custody-report",
            Fault::Unlogged { .. } => "custody-unlogged",
            Fault::Manifest { .. } => "custody-manifest",
        }
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Difference
    }
}

/// A log as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// Its entries, in the order of the file.
    pub links: Vec<Link>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Bytes up to the end of the last whole line.
    pub whole_bytes: u64,
    /// Whether a line without its end follows, which a crash has torn.
    pub is_torn: bool,
}

impl Chain {
    /// The entry that the next one follows.
    pub fn last(&self) -> Option<&Link> {
        self.links.last()
    }

    /// The entry with a hash.
    pub fn find(&self, hash: &Sha256Digest) -> Option<&Link> {
        self.links.iter().find(|link| link.hash == *hash)
    }

    /// The lines that add entries behind the last one.
    pub(super) fn next(
        &self,
        at: jiff::Timestamp,
        by: &Who,
        deeds: Vec<(Deed, Option<Report>)>,
    ) -> (Vec<u8>, Option<(u64, Sha256Digest)>) {
        let (mut lines, mut last) = (Vec::new(), None);
        let mut from = self.last().map_or((0, NOTHING), |link| (link.entry.number, link.hash));
        for (deed, report) in deeds {
            let number = from.0.saturating_add(1);
            let (version, previous, by) = (VERSION, from.1, by.clone());
            let (line, hash) = encode(&Entry { version, number, previous, at, by, deed, report });
            lines.extend_from_slice(&line);
            from = (number, hash);
            last = Some(from);
        }
        (lines, last)
    }
}

/// The line of an entry, and its hash.
fn encode(entry: &Entry) -> (Vec<u8>, Sha256Digest) {
    let text = serde_json::to_vec(entry).expect("an entry holds texts and numbers");
    let hash = Sha256Digest::new(Sha256::digest(&text).into());
    let head = [HEAD, hash.to_string().as_bytes(), TAIL].concat();
    ([&head[..], &text[1..], b"\n"].concat(), hash)
}

/// Takes a line apart; the hash is the one that its text has.
fn decode(line: &[u8], number: usize) -> Result<Link, Fault> {
    let foreign = Fault::Foreign { line: number };
    let rest = line.strip_prefix(HEAD).ok_or(foreign.clone())?;
    let (told, rest) = rest.split_at_checked(HASH_DIGITS).ok_or(foreign.clone())?;
    let rest = rest.strip_prefix(TAIL).ok_or(foreign.clone())?;
    let hash = Sha256::new().chain_update(b"{").chain_update(rest).finalize();
    let hash = Sha256Digest::new(hash.into());
    if told != hash.to_string().as_bytes() {
        return Err(Fault::Changed { line: number });
    }
    let text = [b"{", rest].concat();
    let read = serde_json::from_slice(&text).or_else(|_| serde_json::from_slice(&renamed(&text)));
    let entry: Entry = read.map_err(|_| foreign.clone())?;
    match entry.version {
        1..=VERSION => Ok(Link { line: number, hash, entry }),
        _ => Err(foreign),
    }
}

/// The text of an entry of early versions, which named two members `by`: who wrote it, an object, and
/// what proved an escrow, a word.
fn renamed(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).replacen(r#","by":""#, r#","proven_by":""#, 1).into_bytes()
}

/// Reads a log. Whatever it holds, there is an answer: entries that can be read, and what is wrong.
pub fn parse(bytes: &[u8]) -> Chain {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let mut chain =
        Chain { whole_bytes: whole as u64, is_torn: whole < bytes.len(), ..Chain::default() };
    let lines = bytes[..whole].split_inclusive(|&byte| byte == b'\n');
    for (at, line) in lines.enumerate() {
        match decode(&line[..line.len() - 1], at + 1) {
            Ok(link) => chain.links.push(link),
            Err(fault) => chain.faults.push(fault),
        }
    }
    let places: BTreeMap<Sha256Digest, usize> =
        chain.links.iter().enumerate().map(|(at, link)| (link.hash, at)).collect();
    for (at, link) in chain.links.iter().enumerate() {
        let Entry { number, previous, .. } = &link.entry;
        let (line, above) = (link.line, at.checked_sub(1).map(|at| &chain.links[at]));
        let parent = places.get(previous).map(|&at| &chain.links[at]);
        let before = parent.map_or(0, |parent| parent.entry.number);
        let fault = match (parent, above) {
            (None, None) if *previous == NOTHING => None,
            (None, Some(_)) if *previous == NOTHING => Some(Fault::Fork { line, from: 0 }),
            (None, _) => Some(Fault::Cut { line }),
            (Some(parent), _) if parent.line >= line => Some(Fault::Order { line }),
            (Some(parent), Some(above)) if parent.hash != above.hash => {
                Some(Fault::Fork { line, from: parent.entry.number })
            }
            (Some(_), _) => None,
        };
        let is_counted = before.checked_add(1) == Some(*number);
        let fault = fault.or((!is_counted).then_some(Fault::Changed { line }));
        chain.faults.extend(fault);
    }
    chain.faults.sort_by_key(Fault::line);
    chain
}

impl Fault {
    /// The line that it is about, if it is about one.
    fn line(&self) -> usize {
        match self {
            Fault::Foreign { line }
            | Fault::Changed { line }
            | Fault::Order { line }
            | Fault::Cut { line }
            | Fault::Fork { line, .. }
            | Fault::Report { line, .. }
            | Fault::Manifest { line, .. } => *line,
            Fault::Forgotten { .. } | Fault::Unlogged { .. } => usize::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::ProvenBy;
    use disk_prep::noun::{JobName, Serial};
    use jiff::Timestamp;

    fn who() -> Who {
        let text = |text: &str| text.to_owned();
        let (user, host, machine) = (text("root"), text("copy-1"), text("m1"));
        Who { user, login: None, host, machine, program: text("0") }
    }

    fn deed(vault: u64) -> (Deed, Option<Report>) {
        (Deed::Ingested { vault: format!("v{vault}") }, None)
    }

    fn grown(bytes: &[u8], deeds: impl IntoIterator<Item = u64>) -> Vec<u8> {
        let deeds = deeds.into_iter().map(deed).collect();
        let (more, _) = parse(bytes).next(Timestamp::UNIX_EPOCH, &who(), deeds);
        [bytes, &more].concat()
    }

    fn lines(bytes: &[u8]) -> Vec<&[u8]> {
        bytes.split_inclusive(|&byte| byte == b'\n').collect()
    }

    #[test]
    fn what_was_added_in_several_runs_is_one_chain() {
        let bytes = grown(&grown(b"", 0..2), 2..4);
        let chain = parse(&bytes);
        assert_eq!((chain.faults.as_slice(), chain.is_torn), (&[][..], false));
        assert_eq!(chain.whole_bytes, bytes.len() as u64);
        let numbers: Vec<u64> = chain.links.iter().map(|link| link.entry.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert_eq!(chain.links[2].entry.previous, chain.links[1].hash);
        assert_eq!(chain.links[0].entry.previous, NOTHING);
        assert_eq!(chain.links[3].entry.deed, deed(3).0);
    }

    #[test]
    fn every_deed_is_read_as_it_was_written_and_an_early_proof_too() {
        let (serial, job): (Serial, JobName) = ("S1".parse().unwrap(), "job-1".parse().unwrap());
        let (text, serials) = (|| "a".to_owned(), || vec![serial.clone()]);
        let proven_by = ProvenBy::Journal;
        let sealed = Deed::Sealed {
            serial: serial.clone(),
            job: job.clone(),
            manifest_hash: text(),
            sealed_at: Timestamp::UNIX_EPOCH,
            by_this_run: true,
        };
        let shipped = Deed::Shipped {
            job: text(),
            carrier: text(),
            tracking_number: text(),
            drives: vec![text()],
        };
        let deeds = [
            sealed,
            Deed::Prepared { job: job.clone() },
            Deed::Verified { equal: serials(), unequal: Vec::new() },
            Deed::Packed { job: text(), drives: vec![text()] },
            shipped,
            Deed::Received { job: text(), drives: vec![text()] },
            Deed::Released { serial: serial.clone(), job: job.clone() },
            Deed::Ingested { vault: text() },
            Deed::Repaired { job },
            Deed::Revealed { drives: serials() },
            Deed::Proven { serial: serial.clone(), proven_by },
            Deed::NotProven { serial, code: text() },
        ];
        let all = deeds.iter().map(|deed| (deed.clone(), None)).collect();
        let (bytes, _) = parse(b"").next(Timestamp::UNIX_EPOCH, &who(), all);
        let chain = parse(&bytes);
        assert!(chain.faults.is_empty(), "{:?}", chain.faults);
        let read: Vec<Deed> = chain.links.into_iter().map(|link| link.entry.deed).collect();
        assert_eq!(read, deeds);

        let proven = lines(&bytes)[10];
        let text = String::from_utf8(proven[HEAD.len() + HASH_DIGITS + TAIL.len()..].to_vec());
        let early = format!("{{{}", text.unwrap().trim_end().replace("proven_by", "by"));
        let hash = Sha256Digest::new(Sha256::digest(&early).into());
        let line = format!("{{\"hash\":\"{hash}\",{}\n", &early[1..]);
        let link = decode(line.trim_end().as_bytes(), 1).unwrap();
        assert_eq!((link.entry.deed, link.entry.by), (deeds[10].clone(), who()));
    }

    #[test]
    fn no_byte_of_it_can_be_changed_unseen() {
        let bytes = grown(b"", 0..3);
        for at in 0..bytes.len() {
            for bit in [0x01, 0x20] {
                let mut changed = bytes.clone();
                changed[at] ^= bit;
                let chain = parse(&changed);
                // The last newline gone is a torn line, which its machine misses.
                let is_seen = !chain.faults.is_empty() || chain.links.len() < 3;
                assert!(is_seen, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_cut_an_exchange_and_a_fork_are_told_apart() {
        let bytes = grown(b"", 0..4);
        let all = lines(&bytes);
        let faults = |order: &[usize]| {
            let text: Vec<u8> = order.iter().flat_map(|&at| all[at].iter().copied()).collect();
            parse(&text).faults
        };
        assert_eq!(faults(&[0, 1, 3]), [Fault::Cut { line: 3 }]);
        assert_eq!(faults(&[1, 2, 3]), [Fault::Cut { line: 1 }]);
        let swapped = faults(&[0, 2, 1, 3]);
        assert!(swapped.contains(&Fault::Order { line: 2 }), "{swapped:?}");
        assert_eq!(faults(&[0, 1, 2]), []);
        let twice = faults(&[0, 1, 1, 2, 3]);
        assert!(!twice.is_empty(), "a line that stands there twice");

        let stem = grown(b"", 0..2);
        let (one, other) = (grown(&stem, [7]), grown(&stem, [8, 9]));
        let forked = [&one[..], &other[stem.len()..]].concat();
        assert_eq!(parse(&forked).faults, [Fault::Fork { line: 4, from: 2 }]);
        let begun_twice = [&grown(b"", [1])[..], &grown(b"", [2])].concat();
        assert_eq!(parse(&begun_twice).faults, [Fault::Fork { line: 2, from: 0 }]);
        // It is gone on with from the last line, and the fork stays to be seen.
        assert_eq!(parse(&grown(&forked, [1])).faults, [Fault::Fork { line: 4, from: 2 }]);
    }

    #[test]
    fn a_line_with_a_right_hash_and_a_wrong_number_or_form_is_none_of_ours() {
        let first = parse(&grown(b"", [1])).links.remove(0).entry;
        let wrong = Entry { number: 2, ..first.clone() };
        assert_eq!(parse(&encode(&wrong).0).faults, [Fault::Changed { line: 1 }]);
        let newer = Entry { version: 2, ..first };
        assert_eq!(parse(&encode(&newer).0).faults, [Fault::Foreign { line: 1 }]);
        for text in ["\n", "{}\n", "{\"hash\":\"\n", "x\n\n"] {
            let faults = parse(text.as_bytes()).faults;
            assert_eq!(faults[0], Fault::Foreign { line: 1 }, "{text}");
        }
    }

    #[test]
    fn what_a_later_version_does_is_read_as_something_else_and_is_no_fault() {
        let entry = parse(&grown(b"", [1])).links.remove(0).entry;
        let text = serde_json::to_string(&entry).unwrap();
        let text = text.replace("ingested", "returned");
        let hash = Sha256Digest::new(Sha256::digest(&text).into());
        let line = format!("{{\"hash\":\"{hash}\",{}\n", &text[1..]);
        let chain = parse(line.as_bytes());
        assert_eq!((chain.faults.len(), &chain.links[0].entry.deed), (0, &Deed::Other));
    }

    #[test]
    fn a_torn_last_line_is_no_entry() {
        let bytes = grown(b"", 0..2);
        let torn = &bytes[..bytes.len() - 3];
        let chain = parse(torn);
        assert_eq!((chain.links.len(), chain.is_torn, chain.faults.len()), (1, true, 0));
        assert_eq!(chain.whole_bytes as usize, lines(&bytes)[0].len());
    }
}
