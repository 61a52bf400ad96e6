//! What can be done with a container of blobs: to be read, claimed and leased by anybody, and to be
//! changed by whoever holds the right. The service stands behind it in [`super::BlobContainer`];
//! tests put memory and faults there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Read, Seek};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use disk_prep::noun::{BlobType, ContainerName, Md5Digest};
use jiff::Timestamp;
use uuid::Uuid;

use super::copy_source::CopySource;
use super::error::Error;
use super::patience::Patience;
use super::protection::Protection;

/// Time between two looks at a right that is in doubt.
pub(super) const DOUBT_LOOK: Duration = Duration::from_millis(100);

/// What the service says of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobFacts {
    /// Its length.
    pub bytes: u64,
    /// Its MD5, if the service has it.
    pub md5: Option<Md5Digest>,
    /// Its version, for deleting or replacing just this one.
    pub etag: String,
    /// When it was written last, by the service's clock; `None` if it does not say.
    pub modified_at: Option<Timestamp>,
    /// Whether it is a page blob that a run of ours has begun and not ended. Only told of a blob
    /// that is looked at by itself.
    pub is_unfinished: bool,
}

/// A file that becomes a blob.
#[derive(Debug, Clone)]
pub struct Upload<'a> {
    /// The blob's name.
    pub name: &'a str,
    /// Its kind.
    pub kind: BlobType,
    /// Its length.
    pub bytes: u64,
    /// Its MD5.
    pub md5: Md5Digest,
    /// What it may replace.
    pub over: Over,
    /// What is said of it.
    pub labels: &'a Labels,
}

/// What is said of a blob beside its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Names of one's own.
    pub metadata: Vec<(String, String)>,
    /// What HTTP says of it, by the names of its headers.
    pub properties: Vec<(String, String)>,
}

/// What a blob that is sent may replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// Nothing.
    Nothing,
    /// The one that was seen, by its ETag.
    Seen(String),
}

/// Content that is sent piece by piece, and can be read twice.
pub trait Supply: Read + Seek {}

impl<T: Read + Seek> Supply for T {}

/// What came of sending a blob.
#[derive(Debug)]
pub enum Sent {
    /// It was written.
    Done,
    /// By now there is another than was seen.
    Taken,
    /// The content is not what it should be; there is no such blob.
    Different,
    /// The content cannot be read; there is no such blob.
    Unreadable(io::Error),
}

/// What came of a copy by the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// Copied; the service compared the MD5.
    Done,
    /// The source does not exist.
    Absent,
    /// The source has another MD5.
    Different,
    /// The service has no such call (status 501).
    Unsupported,
}

/// What came of deleting a blob as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Done,
    /// It was gone already.
    Absent,
    /// It is another one by now, and stays.
    Changed,
}

/// What came of vouching for a blob as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// It has the MD5 as a property.
    Done,
    /// It is another one by now, or gone.
    Changed,
}

/// What came of writing a blob that may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was written.
    New,
    /// There is one of this name.
    There,
}

/// Says whether this run may still change what it works on.
pub trait Fence: Debug + Send + Sync {
    /// Refuses once the right is lost, and from then on for ever.
    fn check(&self) -> Result<(), Error>;
    /// Whether it is not known just now if the right is still there. Nothing is changed until it is.
    fn is_in_doubt(&self) -> bool {
        false
    }
    /// The same as a look, after any doubt.
    fn wait(&self) -> Result<(), Error> {
        loop {
            self.check()?;
            if !self.is_in_doubt() {
                return Ok(());
            }
            std::thread::sleep(DOUBT_LOOK);
        }
    }
}

/// One container, to be read; see [`Fenced`] for changes. May be used from many threads.
pub trait Container: Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &ContainerName;
    /// How long its service is waited for while it is busy.
    fn patience(&self) -> Duration {
        Patience::default().most
    }
    /// Makes it if it does not exist.
    fn make(&self) -> Result<(), Error>;
    /// Shows every blob whose name begins so, in the order of the service, page by page; none if
    /// there is no container. Who says no has seen that name before, and then the list is endless.
    fn walk(
        &self,
        prefix: &str,
        show: &mut dyn FnMut(String, BlobFacts) -> bool,
    ) -> Result<(), Error>;
    /// Every blob whose name begins so, by name.
    fn list(&self, prefix: &str) -> Result<BTreeMap<String, BlobFacts>, Error> {
        let mut all = BTreeMap::new();
        self.walk(prefix, &mut |name, facts| all.insert(name, facts).is_none())?;
        Ok(all)
    }
    /// What the service says of one blob; `None` if it does not exist.
    fn facts(&self, name: &str) -> Result<Option<BlobFacts>, Error>;
    /// What keeps blobs from being changed or deleted, as far as the service tells.
    fn protection(&self) -> Result<Protection, Error> {
        Ok(Protection::default())
    }
    /// A blob's content; `None` if it does not exist.
    fn read(&self, name: &str) -> Result<Option<Bytes>, Error>;
    /// A blob of it, for a copy by the service.
    fn source(&self, name: &str) -> CopySource;
    /// A stretch of a blob.
    fn read_part(&self, name: &str, offset: u64, bytes: u64) -> Result<Bytes, Error>;
    /// Writes a small blob if there is none of this name; never changes one that is there.
    fn write_new(&self, name: &str, content: Bytes) -> Result<Made, Error>;
    /// Leases a blob for so many seconds. Tried once, like all that is done with leases: who
    /// waited for a second attempt would not know since when it has one.
    fn lease(&self, name: &str, id: Uuid, secs: i32) -> Result<(), Error>;
    /// Renews a lease that is held.
    fn renew_lease(&self, name: &str, id: Uuid) -> Result<(), Error>;
    /// Takes a lease over from a run whose id is known.
    fn change_lease(&self, name: &str, from: Uuid, to: Uuid) -> Result<(), Error>;
    /// Gives a lease back.
    fn release_lease(&self, name: &str, id: Uuid) -> Result<(), Error>;
    /// The same container, changed only as long as the fence allows it.
    fn fenced(self: Arc<Self>, fence: Arc<dyn Fence>) -> Arc<dyn Fenced>;
}

/// A container with the right to change it. The right is looked at before every change.
pub trait Fenced: Debug + Send + Sync {
    /// Refuses if the right to change it is lost.
    fn check(&self) -> Result<(), Error>;
    /// The container, to be read.
    fn container(&self) -> Arc<dyn Container>;
    /// Writes a blob whole, with its MD5, which the service compares where one call carries all.
    fn write(&self, name: &str, content: Bytes, md5: Md5Digest) -> Result<(), Error>;
    /// Writes a blob of any length, a few megabytes of it in memory at a time. Content that is not
    /// what it should be becomes no block blob at all.
    fn send(&self, upload: &Upload<'_>, content: &mut dyn Supply) -> Result<Sent, Error>;
    /// Lets the service copy a blob of another container, of this account or another one, if its
    /// content has this MD5. The MD5 becomes a property of the copy.
    fn copy_from(&self, source: &CopySource, name: &str, md5: Md5Digest) -> Result<Copied, Error>;
    /// Says which MD5 a blob has, if it is still the one that was seen: who says so has read it.
    fn vouch(&self, name: &str, etag: &str, md5: Md5Digest) -> Result<Vouched, Error>;
    /// Deletes a blob if it is still the one that was seen.
    fn remove(&self, name: &str, etag: &str) -> Result<Removed, Error>;
    /// Deletes a blob, whatever it is.
    fn remove_any(&self, name: &str) -> Result<Removed, Error>;
}
