//! Containers and blobs with their properties. The content is a plain file of `tree`; everything
//! else is a record in `DIR/meta/blobs`, believed only while length and time of the file are what
//! it says, so that a file put there by hand is a blob too.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::hold::hold;
use jiff::Timestamp;
use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::page_file::Maps;
use super::record::{BlobKind, Properties, Record, Versions, new_etag};
use super::tree::Tree;

/// Names a container.
pub(super) type ContainerKey<'a> = (&'a str, &'a str);

/// A blob that was found.
#[derive(Debug)]
pub(super) struct Blob {
    pub file: File,
    pub record: Record,
}

/// The store.
#[derive(Debug)]
pub(super) struct Store {
    tree: Tree,
    meta: PathBuf,
    lock: Mutex<Maps>,
}

/// Content that is not a blob yet; it goes away if it is not used.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// Empties the folder of drafts, which a killed run may have left.
    pub fn sweep(folder: &Path) -> io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }

    /// A new one in the folder of drafts.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join(uuid::Uuid::new_v4().to_string());
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o644).open(&path)?;
        Ok(Draft { path, file })
    }

    /// Where it lies until it is used.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where to write the content.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After it was put in its place there is nothing under this name.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whoever holds it sees and changes blobs alone.
#[derive(Debug)]
pub(super) struct LockedStore<'s> {
    store: &'s Store,
    maps: RefCell<MutexGuard<'s, Maps>>,
}

impl Store {
    /// Opens the store below the emulator's folder; drafts of a killed run go away.
    pub fn open(data: &Path) -> io::Result<Self> {
        let blobs = data.join("blobs");
        fs::create_dir_all(&blobs)?;
        let meta = data.join("meta/blobs");
        Draft::sweep(&meta.join("drafts"))?;
        Ok(Store { tree: Tree::open(&blobs)?, meta, lock: Mutex::default() })
    }

    /// Content that may become a blob.
    pub fn draft(&self) -> io::Result<Draft> {
        Draft::new(&self.meta.join("drafts"))
    }

    /// Makes the others wait.
    pub fn hold(&self) -> LockedStore<'_> {
        // Every change is whole on disk or not there, so a thread that died leaves nothing half.
        let guard = hold(&self.lock);
        LockedStore { store: self, maps: RefCell::new(guard) }
    }

    fn container_path(&self, (account, container): ContainerKey<'_>) -> PathBuf {
        self.meta.join(account).join(container)
    }

    fn record_path(&self, key: ContainerKey<'_>, blob: &str) -> PathBuf {
        // A name may be longer than a file name; its hash is not.
        let hash: String = Sha256::digest(blob).iter().map(|byte| format!("{byte:02x}")).collect();
        self.container_path(key).join(format!("{hash}.json"))
    }

    fn blocks_path(&self, key: ContainerKey<'_>, blob: &str) -> PathBuf {
        self.record_path(key, blob).with_extension("blocks")
    }

    /// The file of a blob's page map.
    fn pages_path(&self, key: ContainerKey<'_>, blob: &str) -> PathBuf {
        self.record_path(key, blob).with_extension("pages")
    }

    /// The folder of a blob's snapshots.
    fn snapshots_path(&self, key: ContainerKey<'_>, blob: &str) -> PathBuf {
        self.record_path(key, blob).with_extension("snapshots")
    }
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    durable::write(path, &serde_json::to_vec(value)?, Access::Private)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl LockedStore<'_> {
    /// Where a blob's, or one of its snapshots', page map is kept.
    pub fn map_path(&self, key: ContainerKey<'_>, name: &str, snapshot: Option<&str>) -> PathBuf {
        match snapshot {
            None => self.store.pages_path(key, name),
            Some(id) => self.snapshots_path(key, name).join(format!("{id}.pages")),
        }
    }

    /// The folder of a blob's snapshots.
    pub fn snapshots_path(&self, key: ContainerKey<'_>, name: &str) -> PathBuf {
        self.store.snapshots_path(key, name)
    }

    /// The page maps.
    pub fn maps(&self) -> RefMut<'_, Maps> {
        RefMut::map(self.maps.borrow_mut(), |maps| &mut **maps)
    }

    /// Content that may become a blob.
    pub fn draft(&self) -> io::Result<Draft> {
        self.store.draft()
    }

    /// A blob's file, open to be changed in place; `None` if there is none.
    pub fn open(&self, key: ContainerKey<'_>, name: &str) -> io::Result<Option<File>> {
        self.store.tree.open_file(key.0, key.1, name, OFlags::RDWR)
    }

    /// A container's record; `None` if it does not exist.
    pub fn container(&self, key: ContainerKey<'_>, now: Timestamp) -> io::Result<Option<Record>> {
        if !self.store.tree.has(key.0, key.1)? {
            return Ok(None);
        }
        let path = self.store.container_path(key).join("container.json");
        if let Some(record) = read(&path)? {
            return Ok(Some(record));
        }
        let record = self.container_record(key, now);
        write(&path, &record)?;
        Ok(Some(record))
    }

    fn container_record(&self, key: ContainerKey<'_>, now: Timestamp) -> Record {
        Record {
            version: 1,
            name: key.1.to_owned(),
            etag: new_etag(),
            modified: now,
            created: now,
            bytes: 0,
            file_time: (0, 0),
            properties: Properties::default(),
            lease: None,
            versions: Versions::default(),
        }
    }

    /// Makes a container.
    pub fn make_container(
        &self,
        key: ContainerKey<'_>,
        metadata: BTreeMap<String, String>,
        now: Timestamp,
    ) -> io::Result<Record> {
        let mut record = self.container_record(key, now);
        record.properties.metadata = metadata;
        write(&self.store.container_path(key).join("container.json"), &record)?;
        self.store.tree.make(key.0, key.1)?;
        Ok(record)
    }

    /// Removes a container with all that is in it.
    pub fn remove_container(&self, key: ContainerKey<'_>) -> io::Result<()> {
        self.store.tree.drop_container(key.0, key.1)?;
        let folder = self.store.container_path(key);
        self.maps.borrow_mut().forget_below(&folder);
        remove_folder(&folder)
    }

    /// The containers of an account, in order.
    pub fn containers(&self, account: &str) -> io::Result<Vec<String>> {
        self.store.tree.containers(account)
    }

    /// A blob; `None` if it does not exist.
    pub fn blob(&self, key: ContainerKey<'_>, name: &str) -> io::Result<Option<Blob>> {
        let Some(file) = self.store.tree.read(key.0, key.1, name)? else { return Ok(None) };
        let about = file.metadata()?;
        let file_time = (about.mtime(), about.mtime_nsec());
        let path = self.store.record_path(key, name);
        let known: Option<Record> = read(&path)?;
        // Pages are written in place, so the time moves on its own.
        let is_same = |own: &Record| {
            let is_paged = own.properties.kind == BlobKind::PageBlob;
            own.bytes == about.len() && (is_paged || own.file_time == file_time)
        };
        if let Some(record) = known.filter(is_same) {
            return Ok(Some(Blob { file, record }));
        }
        let modified = Timestamp::try_from(about.modified()?).unwrap_or(Timestamp::UNIX_EPOCH);
        let record = Record {
            version: 1,
            name: name.to_owned(),
            etag: new_etag(),
            modified,
            created: modified,
            bytes: about.len(),
            file_time,
            properties: Properties::default(),
            lease: None,
            versions: Versions::default(),
        };
        write(&path, &record)?;
        Ok(Some(Blob { file, record }))
    }

    /// All blobs of a container, by name.
    pub fn list(&self, key: ContainerKey<'_>) -> io::Result<Vec<String>> {
        let mut names = self.store.tree.names(key.0, key.1)?;
        names.sort();
        Ok(names)
    }

    /// Makes a draft the blob. What it had of leases and snapshots stays.
    pub fn put(
        &self,
        key: ContainerKey<'_>,
        name: &str,
        draft: Draft,
        properties: Properties,
        now: Timestamp,
    ) -> io::Result<Record> {
        draft.file.sync_all()?;
        let about = draft.file.metadata()?;
        let before = self.blob(key, name)?.map(|blob| blob.record);
        let versions = before.as_ref().map(|before| before.versions.clone()).unwrap_or_default();
        let pages = self.store.pages_path(key, name);
        match properties.kind {
            BlobKind::PageBlob => {
                self.maps.borrow_mut().begin(&pages, &properties.pages, versions.epoch)?
            }
            BlobKind::BlockBlob => self.maps.borrow_mut().remove(&pages)?,
        }
        let record = Record {
            version: 1,
            name: name.to_owned(),
            etag: new_etag(),
            modified: now,
            created: before.as_ref().map_or(now, |before| before.created),
            bytes: about.len(),
            file_time: (about.mtime(), about.mtime_nsec()),
            versions: Versions { sequence: properties.sequence, born: versions.epoch, ..versions },
            properties,
            lease: before.and_then(|before| before.lease),
        };
        self.store.tree.put(key.0, key.1, name, &draft.path)?;
        write(&self.store.record_path(key, name), &record)?;
        self.drop_blocks(key, name)?;
        Ok(record)
    }

    /// The same; its container is made too if need be.
    pub fn put_anywhere(
        &self,
        key: ContainerKey<'_>,
        name: &str,
        draft: Draft,
        properties: Properties,
        now: Timestamp,
    ) -> io::Result<()> {
        if self.container(key, now)?.is_none() {
            self.make_container(key, Default::default(), now)?;
        }
        self.put(key, name, draft, properties, now).map(drop)
    }

    /// Keeps a changed record; a change of content or properties has a new ETag.
    pub fn save(&self, key: ContainerKey<'_>, record: &Record) -> io::Result<()> {
        write(&self.store.record_path(key, &record.name), record)
    }

    /// Keeps a container's changed record.
    pub fn save_container(&self, key: ContainerKey<'_>, record: &Record) -> io::Result<()> {
        write(&self.store.container_path(key).join("container.json"), record)
    }

    /// Removes a blob.
    pub fn remove(&self, key: ContainerKey<'_>, name: &str) -> io::Result<()> {
        self.store.tree.remove(key.0, key.1, name)?;
        remove(&self.store.record_path(key, name))?;
        self.maps.borrow_mut().remove(&self.store.pages_path(key, name))?;
        self.drop_snapshots(key, name)?;
        self.drop_blocks(key, name)
    }

    /// Removes all snapshots of a blob.
    pub fn drop_snapshots(&self, key: ContainerKey<'_>, name: &str) -> io::Result<()> {
        let folder = self.store.snapshots_path(key, name);
        self.maps.borrow_mut().forget_below(&folder);
        remove_folder(&folder)
    }

    /// Keeps a block that belongs to no blob yet. `id` is base64.
    pub fn put_block(
        &self,
        key: ContainerKey<'_>,
        name: &str,
        id: &str,
        content: &[u8],
    ) -> io::Result<()> {
        let folder = self.store.blocks_path(key, name);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        durable::write(&folder.join(block_file(id)), content, Access::Private)
    }

    /// A kept block.
    pub fn block(&self, key: ContainerKey<'_>, name: &str, id: &str) -> io::Result<Option<File>> {
        match File::open(self.store.blocks_path(key, name).join(block_file(id))) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ids and lengths of kept blocks.
    pub fn blocks(&self, key: ContainerKey<'_>, name: &str) -> io::Result<Vec<(String, u64)>> {
        let folder = match fs::read_dir(self.store.blocks_path(key, name)) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut blocks = Vec::new();
        for entry in folder {
            let entry = entry?;
            let name = entry.file_name();
            if let Some(id) = name.to_str().and_then(block_id) {
                blocks.push((id, entry.metadata()?.len()));
            }
        }
        blocks.sort();
        Ok(blocks)
    }

    fn drop_blocks(&self, key: ContainerKey<'_>, name: &str) -> io::Result<()> {
        remove_folder(&self.store.blocks_path(key, name))
    }
}

/// A base64 id as a file name: the one sign that a file name cannot hold is exchanged.
fn block_file(id: &str) -> String {
    id.replace('/', "_")
}

fn block_id(file: &str) -> Option<String> {
    (!file.contains('.')).then(|| file.replace('_', "/"))
}
