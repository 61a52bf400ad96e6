//! One blob looked at and, if it is not what the journal says, sent. A blob is only replaced as it
//! was seen, and never when it may be somebody else's.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use disk_prep::limits::{BLOCK_BYTES, PAGE_BYTES};
use disk_prep::noun::{BlobType, ContainerName, ImportDisposition, Md5Digest};
use md5::{Digest, Md5};

use super::shipped::{Item, Sources};
use super::wanted::{Fault, Reason};
use crate::azure::{BlobFacts, Container, Error, Fence, Fenced, Labels, Over, Sent, Upload};

/// What came of looking at a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// It is there as the journal has it.
    There,
    /// It was sent and is proven.
    Sent,
    /// It would be sent.
    WouldSend,
    /// It was left as it is.
    Left(Left),
}

/// Why a blob was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// The file is not what was copied.
    SourceChanged,
    /// The file cannot be read, and why.
    SourceUnreadable(String),
    /// Its metadata or properties cannot be read, and why.
    LabelsUnreadable(String),
    /// One that differs is there, and it may be somebody else's.
    OfOthers,
    /// It changed while it was looked at.
    Changed,
    /// It was sent, and the service says something else of it.
    NotProven,
}

impl Left {
    /// The word of records.
    pub const fn name(&self) -> &'static str {
        match self {
            Left::SourceChanged => "source-changed",
            Left::SourceUnreadable(_) => "source-unreadable",
            Left::LabelsUnreadable(_) => "labels-unreadable",
            Left::OfOthers => "blob-of-others",
            Left::Changed => "blob-changed",
            Left::NotProven => "not-proven",
        }
    }

    /// The end of a sentence about the blob.
    pub fn text(&self) -> String {
        match self {
            Left::SourceChanged => "its file is not what was copied".to_owned(),
            Left::SourceUnreadable(why) => format!("its file cannot be read: {why}"),
            Left::LabelsUnreadable(why) => {
                format!("its metadata or properties cannot be read: {why}")
            }
            Left::OfOthers => {
                "another blob has its name, and may be somebody else's; it may not be overwritten"
                    .to_owned()
            }
            Left::Changed => "somebody changes it at the same time".to_owned(),
            Left::NotProven => "the service says another length or MD5 of what was sent".to_owned(),
        }
    }
}

/// Nobody else writes what is repaired: each write has its own condition.
#[derive(Debug)]
pub struct Open;

impl Fence for Open {
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Whether anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    Send,
    /// It is only looked at.
    Look,
}

/// Mends blobs.
#[derive(Debug)]
pub struct Mender<'a> {
    /// Where files are read from.
    pub sources: &'a Sources,
    /// The containers of all blobs that are mended.
    pub containers: BTreeMap<ContainerName, Arc<dyn Fenced>>,
    /// Whether anything is sent.
    pub mode: Mode,
}

/// Length and MD5 that a blob must have.
type Proof = (u64, Md5Digest);

impl Mender<'_> {
    /// Looks at a blob, and sends it if need be.
    pub fn mend(&self, item: &Item, reason: &Reason) -> Result<Deed, Error> {
        let proof = match item.md5 {
            Some(md5) => (item.bytes, md5),
            None => match self.sources.look(&item.source) {
                Ok(proof) => proof,
                Err(error) => return Ok(Deed::Left(Left::SourceUnreadable(error.to_string()))),
            },
        };
        let Some(fenced) = self.containers.get(item.blob.container()) else {
            return Ok(Deed::Left(Left::Changed));
        };
        let container = fenced.container();
        let found = container.facts(item.blob.name())?;
        if let Some(facts) = &found {
            if is_right(&*container, item, facts, proof, reason)? {
                return Ok(Deed::There);
            }
            let is_ours = reason.is_made || facts.is_unfinished;
            if item.disposition != ImportDisposition::Overwrite && !is_ours {
                return Ok(Deed::Left(Left::OfOthers));
            }
        }
        match (self.check(item, proof), self.mode) {
            (Err(left), _) => Ok(Deed::Left(left)),
            (Ok(_), Mode::Look) => Ok(Deed::WouldSend),
            (Ok(labels), Mode::Send) => self.send(&**fenced, item, &labels, (found, proof)),
        }
    }

    /// What can be known of the file before anything is sent.
    fn check(&self, item: &Item, (bytes, _): Proof) -> Result<Labels, Left> {
        let unreadable = |error: io::Error| Left::SourceUnreadable(error.to_string());
        let file = self.sources.open(&item.source).map_err(unreadable)?;
        let is_whole = item.kind == BlobType::BlockBlob || bytes.is_multiple_of(PAGE_BYTES);
        if file.metadata().map_err(unreadable)?.len() != bytes || !is_whole {
            return Err(Left::SourceChanged);
        }
        let labels = self.sources.labels(&item.listing);
        labels.map_err(|error| Left::LabelsUnreadable(error.to_string()))
    }

    fn send(
        &self,
        fenced: &dyn Fenced,
        item: &Item,
        labels: &Labels,
        (found, (bytes, md5)): (Option<BlobFacts>, Proof),
    ) -> Result<Deed, Error> {
        let container = fenced.container();
        let name = item.blob.name();
        let over = found.map_or(Over::Nothing, |facts| Over::Seen(facts.etag));
        let upload = Upload { name, kind: item.kind, bytes, md5, over, labels };
        let send = || match self.sources.open(&item.source) {
            Ok(mut file) => fenced.send(&upload, &mut file),
            Err(error) => Ok(Sent::Unreadable(error)),
        };
        let sent = match send() {
            // The container itself may be missing, where no drive was read.
            Err(Error::NotFound { .. }) => {
                container.make()?;
                send()?
            }
            sent => sent?,
        };
        let left = match sent {
            Sent::Different => return Ok(Deed::Left(Left::SourceChanged)),
            Sent::Unreadable(error) => {
                return Ok(Deed::Left(Left::SourceUnreadable(error.to_string())));
            }
            // A call whose answer was lost may have found its own work when it was repeated.
            Sent::Taken => Left::Changed,
            Sent::Done => Left::NotProven,
        };
        let after = container.facts(name)?;
        let is_proven = after.is_some_and(|after| (after.bytes, after.md5) == (bytes, Some(md5)));
        Ok(if is_proven { Deed::Sent } else { Deed::Left(left) })
    }
}

/// Whether a blob is what the journal says. One that the service has no MD5 of is read, if
/// something is said to be wrong with it.
fn is_right(
    container: &dyn Container,
    item: &Item,
    facts: &BlobFacts,
    (bytes, md5): Proof,
    reason: &Reason,
) -> Result<bool, Error> {
    if facts.bytes != bytes || facts.is_unfinished {
        return Ok(false);
    }
    match facts.md5 {
        Some(own) => Ok(own == md5),
        None if reason.fault == Fault::Listed => Ok(true),
        None => Ok(hash(container, item.blob.name(), bytes)? == md5),
    }
}

fn hash(container: &dyn Container, name: &str, bytes: u64) -> Result<Md5Digest, Error> {
    let (mut md5, mut at) = (Md5::new(), 0u64);
    while at < bytes {
        let piece = container.read_part(name, at, BLOCK_BYTES.min(bytes - at))?;
        if piece.is_empty() {
            break;
        }
        md5.update(&piece);
        at = at.saturating_add(piece.len() as u64);
    }
    Ok(Md5Digest::new(md5.finalize().into()))
}
