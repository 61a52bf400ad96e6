//! Files of a repository that are lost or are not what they were, and what of the snapshots lies in
//! them. What the library finds it tells in words for people; this looks by itself, so that each file
//! has a name and a cure can be tried.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Mutex;

use disk_prep::sys::hold::hold;
use jiff::Timestamp;
use rustic_core::repofile::{IndexFile, SnapshotFile, SnapshotId};
use rustic_core::{DataId, FileType, IndexedFullStatus, ReadBackend, TreeId};

use super::blob_store::{BlobStore, place};
use super::error::Error;
use super::layout::Place;
use super::repo::{Repository, library, told};
use super::store::Store;
use crate::azure::each;

/// Small files that are read at once.
const AT_ONCE: usize = 8;
/// Paths that are told of one snapshot; the rest is counted.
const MOST_PATHS: usize = 1000;
const ACTION: &str = "Looking for damage";

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// It is not there.
    Missing,
    /// It has another length.
    Cut { bytes: u64, expected_bytes: u64 },
    /// It has another content.
    Changed,
}

/// A file of a repository that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Which it is.
    pub place: Place,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What of a snapshot cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its id.
    pub snapshot: String,
    /// The machine that it is of.
    pub host: String,
    /// When it was made.
    pub time: Timestamp,
    /// Files of which content is lost, and folders of which the list is lost, with all in them.
    pub paths: Vec<PathBuf>,
    /// How many more there are.
    pub more: u64,
}

impl BlobStore {
    /// Reads every key, index and snapshot, and returns those that are not what their names say.
    pub fn prove_small(&self) -> Result<Vec<Damage>, Error> {
        let found = Mutex::new(Vec::new());
        for kind in [FileType::Key, FileType::Index, FileType::Snapshot] {
            let all = told(self, ACTION, self.list_with_size(kind))?;
            each(&all, AT_ONCE, |(id, _)| match self.read_full(kind, id) {
                Ok(_) => Ok(()),
                Err(source) => match (place(kind, id), told::<()>(self, ACTION, Err(source))) {
                    (Some(place), Err(Error::Changed { .. })) => {
                        hold(&found).push(Damage { place, kind: DamageKind::Changed });
                        Ok(())
                    }
                    (_, failed) => failed,
                },
            })?;
        }
        let mut found = hold(&found).clone();
        found.sort_by_key(|damage| damage.place);
        Ok(found)
    }
}

impl Repository {
    /// Those of these snapshots that are not there. One whose tags somebody has changed is there
    /// under another id, and says which it had.
    pub fn lacking<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Result<Vec<Damage>, Error> {
        let all = || self.inner.get_all_snapshots();
        let all = library(self.store.as_ref(), ACTION, all)?;
        let ids_of = |own: &SnapshotFile| [Some(own.id), own.original];
        let there: BTreeSet<_> = all.iter().flat_map(ids_of).flatten().collect();
        let gone =
            ids.filter_map(|id| id.parse::<SnapshotId>().ok()).filter(|id| !there.contains(id));
        let places = gone.filter_map(|id| place(FileType::Snapshot, &id));
        Ok(places.map(|place| Damage { place, kind: DamageKind::Missing }).collect())
    }

    /// Packs that the index names and that are not there, or have another length.
    pub fn damaged_packs(&self) -> Result<Vec<Damage>, Error> {
        let look = || {
            let there: BTreeMap<_, _> =
                self.ahead.list_with_size(FileType::Pack)?.into_iter().collect();
            let mut found = BTreeMap::new();
            for file in self.inner.stream_files::<IndexFile>()? {
                for pack in file?.1.packs {
                    let Some(place) = place(FileType::Pack, &pack.id) else { continue };
                    let expected_bytes = u64::from(pack.pack_size());
                    let kind = match there.get(&*pack.id).map(|bytes| u64::from(*bytes)) {
                        None => DamageKind::Missing,
                        Some(bytes) if bytes == expected_bytes => continue,
                        Some(bytes) => DamageKind::Cut { bytes, expected_bytes },
                    };
                    found.insert(place, Damage { place, kind });
                }
            }
            Ok(found.into_values().collect())
        };
        library(self.store.as_ref(), ACTION, look)
    }

    /// What of the snapshots lies in these packs, in one that cannot be read, or nowhere; the
    /// oldest first. Packs of which a folder could not be read are returned too.
    pub fn touched(
        &self,
        packs: &BTreeSet<Place>,
    ) -> Result<(Vec<Touched>, BTreeSet<Place>), Error> {
        let all = library(self.store.as_ref(), ACTION, || self.inner.get_all_snapshots());
        let mut all = all?;
        all.sort_by_key(|snapshot| snapshot.time.timestamp());
        let again = self.again()?;
        let inner = library(self.store.as_ref(), ACTION, || again.inner.to_indexed())?;
        let (sound, broken) = (BTreeSet::new(), BTreeMap::new());
        let store = self.store.as_ref();
        let mut walk = Walk { inner, store, packs: packs.clone(), sound, broken };
        let mut touched = Vec::new();
        for snapshot in all {
            let lost = walk.lost_in(snapshot.tree)?;
            if lost.count > 0 {
                touched.push(Touched {
                    snapshot: snapshot.id.to_hex().to_string(),
                    host: snapshot.hostname.clone(),
                    time: snapshot.time.timestamp(),
                    paths: lost.paths.iter().map(|path| Path::new("/").join(path)).collect(),
                    more: lost.count - lost.paths.len() as u64,
                });
            }
        }
        Ok((touched, &walk.packs - packs))
    }
}

/// What is lost of a folder, its own path before none.
#[derive(Debug, Default)]
struct Lost {
    paths: Vec<PathBuf>,
    count: u64,
}

impl Lost {
    fn add(&mut self, path: PathBuf) {
        self.count += 1;
        if self.paths.len() < MOST_PATHS {
            self.paths.push(path);
        }
    }

    /// Takes over what is lost of a folder of that name.
    fn add_below(&mut self, name: &Path, below: &Lost) {
        let paths = below.paths.iter().map(|path| name.join(path));
        paths.for_each(|path| self.add(path));
        self.count += below.count - below.paths.len() as u64;
    }
}

/// All folders of all snapshots, each once.
struct Walk<'a> {
    inner: rustic_core::Repository<IndexedFullStatus>,
    store: &'a dyn Store,
    packs: BTreeSet<Place>,
    sound: BTreeSet<TreeId>,
    broken: BTreeMap<TreeId, Rc<Lost>>,
}

impl Walk<'_> {
    fn lost_in(&mut self, id: TreeId) -> Result<Rc<Lost>, Error> {
        if self.sound.contains(&id) {
            return Ok(Rc::default());
        }
        if let Some(lost) = self.broken.get(&id) {
            return Ok(Rc::clone(lost));
        }
        let mut lost = Lost::default();
        match self.nodes(&id)? {
            None => lost.add(PathBuf::new()),
            Some(nodes) => {
                for node in nodes {
                    let name = PathBuf::from(node.name().into_owned());
                    if let Some(below) = node.subtree {
                        lost.add_below(&name, self.lost_in(below)?.as_ref());
                    } else if !node.content.iter().flatten().all(|id| self.has(id)) {
                        lost.add(name);
                    }
                }
            }
        }
        let lost = Rc::new(lost);
        match lost.count {
            0 => drop(self.sound.insert(id)),
            _ => drop(self.broken.insert(id, Rc::clone(&lost))),
        }
        Ok(lost)
    }

    /// Whether a pack that is as it should be holds it.
    fn has(&self, id: &DataId) -> bool {
        let entry = self.inner.get_index_entry(id);
        let pack = entry.ok().and_then(|entry| place(FileType::Pack, &entry.pack));
        pack.is_some_and(|pack| !self.packs.contains(&pack))
    }

    /// What a folder holds; `None` if its list is lost.
    fn nodes(&mut self, id: &TreeId) -> Result<Option<Vec<rustic_core::repofile::Node>>, Error> {
        let entry = self.inner.get_index_entry(id);
        let pack = entry.ok().and_then(|entry| place(FileType::Pack, &entry.pack));
        let Some(pack) = pack.filter(|pack| !self.packs.contains(pack)) else { return Ok(None) };
        match library(self.store, ACTION, || self.inner.get_tree(id)) {
            Ok(tree) => Ok(Some(tree.nodes)),
            // Read, and not to be understood.
            Err(Error::Library { .. } | Error::GaveUp { .. }) => {
                self.packs.insert(pack);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}
