//! A managed disk as a page blob with snapshots: the resource manager takes, lists and deletes its
//! incremental snapshots, and opens them and the disk for a while; their bytes are read, and those of
//! a new disk written, at the address that it gives out. What was opened is ended with the value, and
//! what a killed run has left open by the next run that holds the copy.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use disk_prep::limits::PAGE_BYTES;
use disk_prep::noun::{Md5Digest, Rate};
use disk_prep::sys::hold::hold;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use uuid::Uuid;

use super::arm::Arm;
use super::container::Made;
use super::copy_source::CopySource;
use super::error::Error;
use super::managed_calls::{COMPUTE, Calls, Resource, Tags};
use super::managed_id::DiskId;
use super::network::Network;
use super::page_blob::{PageBlob, PageFacts, PagesAsked, SnapshotFacts};
use super::page_blobs::ServicePageBlob;
use super::page_list::PageList;

/// The tag by which a person sees what a snapshot is for.
const LABEL: &str = "azseed-backup";
/// What a managed disk ends with beyond its own length: the footer of a fixed VHD.
const FOOTER_BYTES: u64 = PAGE_BYTES;
/// What is written without a lease: nobody else has the address.
const NO_LEASE: Uuid = Uuid::nil();

/// How a managed disk is reached.
#[derive(Debug)]
pub struct ManagedOptions {
    /// The disk.
    pub id: DiskId,
    /// What its backup is called: part of the names of its snapshots.
    pub label: String,
    /// One whose region and kind a new one gets.
    pub like: Option<DiskId>,
    /// Certificates and proxy, for the bytes.
    pub network: Network,
    /// What is sent at most.
    pub limit: Option<Rate>,
}

/// What is open.
#[derive(Debug, Clone)]
struct Open {
    /// Counts up whenever it is opened anew.
    turn: u32,
    link: SecretString,
    pages: ServicePageBlob,
}

/// A managed disk.
pub struct ManagedDisk {
    calls: Calls,
    options: ManagedOptions,
    /// By the name of the snapshot; none is the disk itself.
    open: Mutex<BTreeMap<Option<String>, Open>>,
}

impl std::fmt::Debug for ManagedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ManagedDisk({})", self.calls.id)
    }
}

/// The identity of a snapshot: its time, always in one form, so that times are compared as texts.
fn identity(own: &Resource) -> Option<String> {
    own.properties.time_created.map(|at| format!("{at:.7}"))
}

fn none() -> Error {
    let message = "a managed disk has no such call".to_owned();
    Error::Refused { code: "ManagedDisk".to_owned(), message, call: None }
}

/// Whether an address that opened something opens it no more.
fn is_closed(error: &Error) -> bool {
    matches!(error, Error::NotAllowed { .. } | Error::NotTaken { .. })
}

impl ManagedDisk {
    /// Prepares it; nothing is sent yet.
    pub fn open(arm: Arc<Arm>, options: ManagedOptions) -> Self {
        let calls = Calls { arm, id: options.id.clone() };
        ManagedDisk { calls, options, open: Mutex::default() }
    }

    /// The name of the snapshot with this identity; `None` if there is none.
    fn named(&self, id: &str) -> Result<Option<Resource>, Error> {
        let all = self.calls.snapshots()?;
        Ok(all.into_iter().find(|own| identity(own).as_deref() == Some(id)))
    }

    fn gone(&self, id: &str) -> Error {
        let message = "the snapshot does not exist".to_owned();
        Error::NotFound { what: format!("{} at {id}", self.calls.id), message, call: None }
    }

    /// The name of what is meant.
    fn key(&self, snapshot: Option<&str>) -> Result<Option<String>, Error> {
        let Some(id) = snapshot else { return Ok(None) };
        let known = hold(&self.open).keys().flatten().find(|own| own.ends_with(id)).cloned();
        if let Some(known) = known {
            return Ok(Some(known));
        }
        let own = self.named(id)?.ok_or_else(|| self.gone(id))?;
        Ok(Some(key(&own.name, id)))
    }

    /// What is open of it; opened if it is not, and opened anew if it still is as in this turn.
    fn opened(&self, key: &Option<String>, stale: Option<u32>) -> Result<Open, Error> {
        let mut open = hold(&self.open);
        let held = open.get(key).cloned();
        if let Some(own) = held.clone().filter(|own| Some(own.turn) != stale) {
            return Ok(own);
        }
        let name = key.as_deref().map(name_of);
        let is_write = name.is_none() && self.is_uploading()?;
        // One that is over is ended, or the service would give out the same. The end of an upload would
        // make it a disk.
        if held.is_some() && !is_write {
            self.calls.close(name)?;
        }
        let link = self.calls.open(name, is_write)?;
        let ManagedOptions { network, limit, .. } = &self.options;
        let pages = ServicePageBlob::at_link(&link, network, *limit)?;
        let own = Open { turn: held.map_or(0, |own| own.turn + 1), link, pages };
        open.insert(key.clone(), own.clone());
        Ok(own)
    }

    /// Whether the disk is one that is still written.
    fn is_uploading(&self) -> Result<bool, Error> {
        Ok(self.calls.disk()?.is_some_and(|own| own.is_uploading()))
    }

    /// Ends the upload, which makes it a disk. An access that was over is not the end of it, so that is
    /// asked for and ended once more.
    fn end_upload(&self) -> Result<(), Error> {
        for _ in 0..2 {
            if !self.is_uploading()? {
                return self.close(&None);
            }
            self.opened(&None, None)?;
            self.close(&None)?;
        }
        Ok(())
    }

    /// Does something with what is open, once more if its time was over.
    fn with<T>(
        &self,
        snapshot: Option<&str>,
        act: impl Fn(&ServicePageBlob) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let key = self.key(snapshot)?;
        let own = self.opened(&key, None)?;
        match act(&own.pages) {
            Err(error) if is_closed(&error) => {
                tracing::info!(%error, "the access is asked for anew");
                act(&self.opened(&key, Some(own.turn))?.pages)
            }
            other => other,
        }
    }

    /// What changed since another snapshot: both are open, and opened anew if one's time was over.
    fn since(&self, asked: PagesAsked<'_>, since: &str) -> Result<PageList, Error> {
        let (later, earlier) = (self.key(asked.snapshot)?, self.key(Some(since))?);
        let (one, other) = (self.opened(&later, None)?, self.opened(&earlier, None)?);
        match one.pages.pages_since(&other.link, asked.marker) {
            Err(error) if is_closed(&error) => {
                tracing::info!(%error, "both accesses are asked for anew");
                let one = self.opened(&later, Some(one.turn))?;
                let other = self.opened(&earlier, Some(other.turn))?;
                one.pages.pages_since(&other.link, asked.marker)
            }
            told => told,
        }
    }

    /// Ends what this value has opened of it.
    fn close(&self, key: &Option<String>) -> Result<(), Error> {
        if hold(&self.open).remove(key).is_none() {
            return Ok(());
        }
        self.calls.close(key.as_deref().map(name_of))
    }

    /// A name for a snapshot that is taken now; two of one second are two, also if the other one is of
    /// a disk that is gone.
    fn new_name(&self) -> Result<String, Error> {
        let all = self.calls.beside()?;
        let mut at = self.calls.arm.now();
        loop {
            let time = at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
            let name = format!("azseed-{}-{time}", self.options.label);
            if all.iter().all(|own| !own.name.eq_ignore_ascii_case(&name)) {
                return Ok(name);
            }
            at = at.saturating_add(Duration::from_secs(1)).unwrap_or(Timestamp::MAX);
        }
    }
}

/// Name and identity of a snapshot in one word: no name has a line's end in it.
fn key(name: &str, id: &str) -> String {
    format!("{name}\n{id}")
}

fn name_of(key: &str) -> &str {
    key.split('\n').next().unwrap_or_default()
}

impl Drop for ManagedDisk {
    fn drop(&mut self) {
        let keys: Vec<Option<String>> = hold(&self.open).keys().cloned().collect();
        for key in keys {
            // A disk that is not whole stays open to be written: ending the access would make it one.
            if key.is_none() && self.is_uploading().unwrap_or(true) {
                continue;
            }
            if let Err(error) = self.close(&key) {
                tracing::warn!(%error, "the access was not ended; the next run does it");
            }
        }
    }
}

impl PageBlob for ManagedDisk {
    fn address(&self) -> String {
        self.calls.id.to_string()
    }

    fn is_managed(&self) -> bool {
        true
    }

    fn facts(&self, snapshot: Option<&str>) -> Result<Option<PageFacts>, Error> {
        let facts = |bytes, tags: Option<Tags>, is_sealed| PageFacts {
            bytes,
            etag: String::new(),
            metadata: tags.unwrap_or_default(),
            is_pages: true,
            is_leased: false,
            copy: None,
            is_azurite: false,
            is_sealed,
            is_incremental: false,
        };
        let Some(id) = snapshot else {
            let Some(own) = self.calls.disk()? else { return Ok(None) };
            let bytes = own.properties.disk_size_bytes.unwrap_or(0) + FOOTER_BYTES;
            let is_sealed = !own.is_uploading();
            return Ok(Some(facts(bytes, own.tags, is_sealed)));
        };
        let Some(own) = self.named(id)? else { return Ok(None) };
        // The length is the service's word: nobody else knows what it makes of the footer.
        let bytes = self.with(snapshot, |pages| pages.facts(None))?.map_or(0, |own| own.bytes);
        Ok(Some(facts(bytes, own.tags, true)))
    }

    fn snapshots(&self) -> Result<Vec<SnapshotFacts>, Error> {
        let one = |own: Resource| {
            let id = identity(&own)?;
            let bytes = own.properties.disk_size_bytes.unwrap_or(0) + FOOTER_BYTES;
            let metadata = own.tags.unwrap_or_default();
            let lower = metadata.into_iter().map(|(tag, own)| (tag.to_ascii_lowercase(), own));
            Some(SnapshotFacts { id, metadata: lower.collect(), bytes, copied: None })
        };
        let mut all: Vec<_> = self.calls.snapshots()?.into_iter().filter_map(one).collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(all)
    }

    fn percent(&self, snapshot: &str) -> Result<Option<u32>, Error> {
        let own = self.named(snapshot)?.ok_or_else(|| self.gone(snapshot))?;
        let percent = own.properties.completion_percent.filter(|percent| *percent < 100.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        Ok(percent.map(|percent| percent.clamp(0.0, 99.0) as u32))
    }

    fn end_left(&self, mine: &dyn Fn(&BTreeMap<String, String>) -> bool) -> Result<(), Error> {
        for own in self.calls.snapshots()? {
            let id = identity(&own).unwrap_or_default();
            let is_held = hold(&self.open).contains_key(&Some(key(&own.name, &id)));
            if own.is_open() && !is_held && own.tags.as_ref().is_some_and(mine) {
                self.calls.close(Some(&own.name))?;
            }
        }
        Ok(())
    }

    fn pages(&self, asked: PagesAsked<'_>) -> Result<PageList, Error> {
        match asked.since {
            Some(since) => self.since(asked, since),
            None => self
                .with(asked.snapshot, |pages| pages.pages(PagesAsked { snapshot: None, ..asked })),
        }
    }

    fn read(
        &self,
        snapshot: Option<&str>,
        start: u64,
        bytes: u64,
    ) -> Result<(Bytes, Option<Md5Digest>), Error> {
        self.with(snapshot, |pages| pages.read(None, start, bytes))
    }

    fn source(&self, snapshot: &str) -> Result<CopySource, Error> {
        Ok(self.opened(&self.key(Some(snapshot))?, None)?.pages.as_source())
    }

    fn create(&self, bytes: u64, metadata: &BTreeMap<String, String>) -> Result<Made, Error> {
        if self.calls.disk()?.is_some() {
            return Ok(Made::There);
        }
        let like = match &self.options.like {
            Some(id) => self.calls.arm.get(&id.to_string(), COMPUTE)?,
            None => None,
        };
        self.calls.make(bytes, metadata, like.as_ref())?;
        Ok(Made::New)
    }

    fn copy_from(&self, _: &CopySource, _: &BTreeMap<String, String>) -> Result<Made, Error> {
        Err(none())
    }

    fn snapshot(
        &self,
        metadata: &BTreeMap<String, String>,
        _: Option<Uuid>,
    ) -> Result<String, Error> {
        let mut tags = metadata.clone();
        tags.insert(LABEL.to_owned(), self.options.label.clone());
        let taken = self.calls.take(&self.new_name()?, &tags)?;
        identity(&taken).ok_or_else(|| Error::Answer {
            host: self.calls.id.to_string(),
            fault: "a snapshot has no time".to_owned(),
            call: None,
        })
    }

    fn write(&self, start: u64, content: Bytes, md5: Md5Digest, _: Uuid) -> Result<(), Error> {
        self.with(None, |pages| pages.write(start, content.clone(), md5, NO_LEASE))
    }

    fn write_from(
        &self,
        source: &CopySource,
        place: (u64, u64),
        md5: Option<Md5Digest>,
        _: Uuid,
    ) -> Result<(), Error> {
        self.with(None, |pages| pages.write_from(source, place, md5, NO_LEASE))
    }

    fn copy_changes(&self, _: &CopySource) -> Result<(), Error> {
        Err(none())
    }

    fn snapshots_below(&self, _: &str) -> Result<Vec<(String, SnapshotFacts)>, Error> {
        Err(none())
    }

    fn clear(&self, start: u64, end: u64, _: Uuid) -> Result<(), Error> {
        self.with(None, |pages| pages.clear(start, end, NO_LEASE))
    }

    fn resize(&self, _: u64, _: Uuid) -> Result<(), Error> {
        Err(none())
    }

    /// Who says what a new disk holds has written all of it: the access that it is written by ends, and
    /// it is a disk from then on.
    fn set_metadata(
        &self,
        metadata: &BTreeMap<String, String>,
        _: &str,
        _: Option<Uuid>,
    ) -> Result<(), Error> {
        self.end_upload()?;
        self.calls.tag(metadata)
    }

    fn remove_snapshot(&self, id: &str) -> Result<(), Error> {
        let Some(own) = self.named(id)? else { return Ok(()) };
        self.close(&Some(key(&own.name, id)))?;
        if own.is_open() {
            self.calls.close(Some(&own.name))?;
        }
        self.calls.drop_snapshot(&own.name)
    }

    fn remove(&self, _: &str) -> Result<(), Error> {
        Err(none())
    }

    fn remove_bare(&self, _: &str) -> Result<(), Error> {
        Err(none())
    }

    // The address that it is written by is given to one caller, so there is nothing to lease.
    fn lease(&self, _: Uuid, _: i32) -> Result<(), Error> {
        Ok(())
    }

    fn renew_lease(&self, _: Uuid) -> Result<(), Error> {
        Ok(())
    }

    fn change_lease(&self, _: Uuid, _: Uuid) -> Result<(), Error> {
        Ok(())
    }

    fn release_lease(&self, _: Uuid) -> Result<(), Error> {
        Ok(())
    }

    fn break_lease(&self) -> Result<(), Error> {
        Ok(())
    }

    fn beside(&self, name: &str) -> Arc<dyn PageBlob> {
        let ManagedOptions { id, label, like, network, limit } = &self.options;
        let options = ManagedOptions {
            id: DiskId { name: name.to_owned(), ..id.clone() },
            label: label.clone(),
            like: like.clone(),
            network: network.clone(),
            limit: *limit,
        };
        Arc::new(ManagedDisk::open(Arc::clone(&self.calls.arm), options))
    }
}
