//! For tests: an account whose containers live in memory, and does with them what the service would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use disk_prep::noun::{BlobType, ContainerName, Md5Digest};
use disk_prep::sys::hold::hold;
use md5::{Digest, Md5};
use uuid::Uuid;

use super::container::{
    BlobFacts, Container, Copied, Fence, Fenced, Labels, Made, Over, Removed, Sent, Supply, Upload,
    Vouched,
};
use super::copy_source::CopySource;
use super::error::Error;

#[derive(Debug, Default)]
struct Blob {
    content: Bytes,
    md5: Option<Md5Digest>,
    etag: u64,
    lease: Option<Uuid>,
    kind: BlobType,
    labels: Labels,
}

/// How the account behaves.
#[derive(Debug, Default, Clone)]
pub struct Manners {
    /// It has no copy from an address.
    pub cannot_copy: bool,
    /// Blobs that end so have no MD5.
    pub without_md5: Option<&'static str>,
    /// Every blob that is written loses its last byte.
    pub shortens: bool,
}

impl Blob {
    fn facts(&self) -> BlobFacts {
        BlobFacts {
            bytes: self.content.len() as u64,
            md5: self.md5,
            etag: self.etag.to_string(),
            modified_at: None,
            is_unfinished: false,
        }
    }
}

type Blobs = BTreeMap<String, Blob>;

#[derive(Debug, Default)]
struct Content {
    manners: Manners,
    containers: BTreeMap<String, Blobs>,
    written: Vec<String>,
    etags: u64,
}

/// An account.
#[derive(Debug, Default, Clone)]
pub struct Memory(Arc<Mutex<Content>>);

impl Memory {
    /// One that behaves so.
    pub fn new(manners: Manners) -> Self {
        let memory = Memory::default();
        memory.state().manners = manners;
        memory
    }

    /// A container; it is made when something is put there.
    pub fn container(&self, name: &str) -> Arc<dyn Container> {
        Arc::new(MemoryContainer { memory: self.clone(), name: name.parse().unwrap() })
    }

    /// Behaves so from now on.
    pub fn behave(&self, manners: Manners) {
        self.state().manners = manners;
    }

    /// Puts a blob there, past all rules.
    pub fn put(&self, container: &str, name: &str, content: &[u8]) {
        let content = Bytes::copy_from_slice(content);
        let md5 = Some(Md5Digest::new(Md5::digest(&content).into()));
        self.state().put(container, name, content, md5);
    }

    /// Takes a blob away, past all rules.
    pub fn lose(&self, container: &str, name: &str) {
        self.state().containers.get_mut(container).unwrap().remove(name).unwrap();
    }

    /// Ends whatever lease a blob has, as time does.
    pub fn expire(&self, container: &str, name: &str) {
        let mut state = self.state();
        let blob = state.containers.get_mut(container).and_then(|blobs| blobs.get_mut(name));
        blob.into_iter().for_each(|blob| blob.lease = None);
    }

    /// What a container holds.
    pub fn contents(&self, container: &str) -> BTreeMap<String, Bytes> {
        let state = self.state();
        let blobs = state.containers.get(container).into_iter().flatten();
        blobs.map(|(name, blob)| (name.clone(), blob.content.clone())).collect()
    }

    /// Puts a blob there as a drive brings it: without an MD5.
    pub fn import(&self, container: &str, name: &str, content: &[u8]) {
        self.state().put(container, name, Bytes::copy_from_slice(content), None);
    }

    /// Kind and labels of a blob.
    pub fn about(&self, container: &str, name: &str) -> (BlobType, Labels) {
        let state = self.state();
        let blob = &state.containers[container][name];
        (blob.kind, blob.labels.clone())
    }

    /// Names of blobs that were written or copied since the last time, in their order.
    pub fn take_written(&self) -> Vec<String> {
        std::mem::take(&mut self.state().written)
    }

    fn state(&self) -> MutexGuard<'_, Content> {
        hold(&self.0)
    }
}

impl Content {
    fn put(&mut self, container: &str, name: &str, content: Bytes, md5: Option<Md5Digest>) {
        self.etags += 1;
        let blobs = self.containers.entry(container.to_owned()).or_default();
        let lease = blobs.get(name).and_then(|blob| blob.lease);
        let etag = self.etags;
        blobs.insert(name.to_owned(), Blob { content, md5, etag, lease, ..Blob::default() });
    }

    fn write(&mut self, container: &str, name: &str, content: Bytes, md5: Md5Digest) {
        let end = content.len() - usize::from(self.manners.shortens);
        let is_known = self.manners.without_md5.is_none_or(|end| !name.ends_with(end));
        self.put(container, name, content.slice(..end), is_known.then_some(md5));
        self.written.push(name.to_owned());
    }
}

#[derive(Debug)]
struct MemoryContainer {
    memory: Memory,
    name: ContainerName,
}

impl MemoryContainer {
    fn absent(&self, name: &str) -> Error {
        let what = format!("{}/{name}", self.name);
        Error::NotFound { what, message: "BlobNotFound".to_owned(), call: None }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Blobs) -> T) -> T {
        act(self.memory.state().containers.entry(self.name.to_string()).or_default())
    }

    /// Sets a blob's lease if who asks may.
    fn about_lease(
        &self,
        name: &str,
        may: impl FnOnce(Option<Uuid>) -> bool,
        lease: Option<Uuid>,
    ) -> Result<(), Error> {
        self.with(|blobs| {
            let blob = blobs.get_mut(name).ok_or_else(|| self.absent(name))?;
            if !may(blob.lease) {
                return Err(Error::Leased { what: name.to_owned() });
            }
            blob.lease = lease;
            Ok(())
        })
    }
}

impl Container for MemoryContainer {
    fn name(&self) -> &ContainerName {
        &self.name
    }

    fn make(&self) -> Result<(), Error> {
        self.with(|_| Ok(()))
    }

    fn walk(
        &self,
        prefix: &str,
        show: &mut dyn FnMut(String, BlobFacts) -> bool,
    ) -> Result<(), Error> {
        let all: Vec<(String, BlobFacts)> = self.with(|blobs| {
            let own = blobs.iter().filter(|(name, _)| name.starts_with(prefix));
            own.map(|(name, blob)| (name.clone(), blob.facts())).collect()
        });
        all.into_iter().for_each(|(name, facts)| assert!(show(name, facts)));
        Ok(())
    }

    fn facts(&self, name: &str) -> Result<Option<BlobFacts>, Error> {
        Ok(self.with(|blobs| blobs.get(name).map(Blob::facts)))
    }

    fn read(&self, name: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.with(|blobs| blobs.get(name).map(|blob| blob.content.clone())))
    }

    fn source(&self, name: &str) -> CopySource {
        CopySource::played(&self.name, name, None)
    }

    fn read_part(&self, name: &str, offset: u64, bytes: u64) -> Result<Bytes, Error> {
        let content = self.read(name)?.ok_or_else(|| self.absent(name))?;
        let at = |offset: u64| content.len().min(usize::try_from(offset).unwrap());
        Ok(content.slice(at(offset)..at(offset + bytes)))
    }

    fn write_new(&self, name: &str, content: Bytes) -> Result<Made, Error> {
        if self.read(name)?.is_some() {
            return Ok(Made::There);
        }
        self.memory.state().put(self.name.as_str(), name, content, None);
        Ok(Made::New)
    }

    fn lease(&self, name: &str, id: Uuid, _: i32) -> Result<(), Error> {
        self.about_lease(name, |held| held.is_none_or(|held| held == id), Some(id))
    }

    fn renew_lease(&self, name: &str, id: Uuid) -> Result<(), Error> {
        self.about_lease(name, |held| held == Some(id), Some(id))
    }

    fn change_lease(&self, name: &str, from: Uuid, to: Uuid) -> Result<(), Error> {
        self.about_lease(name, |held| held == Some(from), Some(to))
    }

    fn release_lease(&self, name: &str, id: Uuid) -> Result<(), Error> {
        self.about_lease(name, |held| held == Some(id), None)
    }

    fn fenced(self: Arc<Self>, fence: Arc<dyn Fence>) -> Arc<dyn Fenced> {
        Arc::new(MemoryFenced { container: self, fence })
    }
}

#[derive(Debug)]
struct MemoryFenced {
    container: Arc<MemoryContainer>,
    fence: Arc<dyn Fence>,
}

impl MemoryFenced {
    fn delete(&self, name: &str, is_meant: impl FnOnce(&Blob) -> bool) -> Result<Removed, Error> {
        self.fence.wait()?;
        Ok(self.container.with(|blobs| match blobs.get(name) {
            None => Removed::Absent,
            Some(blob) if !is_meant(blob) => Removed::Changed,
            Some(_) => {
                blobs.remove(name);
                Removed::Done
            }
        }))
    }
}

impl Fenced for MemoryFenced {
    fn check(&self) -> Result<(), Error> {
        self.fence.wait()
    }

    fn container(&self) -> Arc<dyn Container> {
        Arc::clone(&self.container) as Arc<dyn Container>
    }

    fn write(&self, name: &str, content: Bytes, md5: Md5Digest) -> Result<(), Error> {
        self.fence.wait()?;
        let container = &self.container;
        container.memory.state().write(container.name.as_str(), name, content, md5);
        Ok(())
    }

    fn send(&self, upload: &Upload<'_>, content: &mut dyn Supply) -> Result<Sent, Error> {
        self.fence.wait()?;
        let mut all = Vec::new();
        if let Err(error) = content.read_to_end(&mut all) {
            return Ok(Sent::Unreadable(error));
        }
        let is_it =
            all.len() as u64 == upload.bytes && Md5::digest(&all).as_slice() == upload.md5.bytes();
        if !is_it {
            return Ok(Sent::Different);
        }
        let (name, container) = (upload.name, self.container.name.as_str());
        let mut state = self.container.memory.state();
        let blobs = state.containers.entry(container.to_owned()).or_default();
        let found = blobs.get(name).map(|blob| blob.etag.to_string());
        let meant = match &upload.over {
            Over::Nothing => None,
            Over::Seen(etag) => Some(etag.clone()),
        };
        if found != meant {
            return Ok(Sent::Taken);
        }
        state.write(container, name, all.into(), upload.md5);
        let blob = state.containers.get_mut(container).and_then(|blobs| blobs.get_mut(name));
        let blob = blob.unwrap();
        (blob.kind, blob.labels) = (upload.kind, upload.labels.clone());
        Ok(Sent::Done)
    }

    fn copy_from(&self, source: &CopySource, name: &str, md5: Md5Digest) -> Result<Copied, Error> {
        self.fence.wait()?;
        let mut state = self.container.memory.state();
        if state.manners.cannot_copy {
            return Ok(Copied::Unsupported);
        }
        let from = state.containers.get(source.container.as_str());
        let Some(blob) = from.and_then(|blobs| blobs.get(&source.name)) else {
            return Ok(Copied::Absent);
        };
        let content = blob.content.clone();
        if Md5::digest(&content).as_slice() != md5.bytes() {
            return Ok(Copied::Different);
        }
        state.write(self.container.name.as_str(), name, content, md5);
        Ok(Copied::Done)
    }

    fn vouch(&self, name: &str, etag: &str, md5: Md5Digest) -> Result<Vouched, Error> {
        self.fence.wait()?;
        let mut state = self.container.memory.state();
        let blobs = state.containers.get_mut(self.container.name.as_str());
        let blob = blobs.and_then(|blobs| blobs.get_mut(name));
        Ok(match blob.filter(|blob| blob.etag.to_string() == etag) {
            Some(blob) => {
                blob.md5 = Some(md5);
                Vouched::Done
            }
            None => Vouched::Changed,
        })
    }

    fn remove(&self, name: &str, etag: &str) -> Result<Removed, Error> {
        self.delete(name, |blob| blob.etag.to_string() == etag)
    }

    fn remove_any(&self, name: &str) -> Result<Removed, Error> {
        self.delete(name, |_| true)
    }
}
