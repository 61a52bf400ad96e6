//! How many clusters a growing list of files needs at most: quick, for those who spread files
//! over drives. Never below what the layout takes in the end; a property test holds it to that.

use std::collections::HashMap;

use super::index::{entry_bytes, small_room};
use super::layout::Sizes;
use super::system::ROOT_NAMES;
use crate::noun::DrivePath;

/// A block of an index holds at least this much: its capacity less its END and one entry of the
/// longest name.
const LEAST_BLOCK_BYTES: u64 = 4032 - 24 - 600;

/// An upper bound of the clusters that a volume needs for the files added so far.
#[derive(Debug, Clone)]
pub struct NeedEstimator {
    volume_bytes: u64,
    cluster_bytes: u64,
    names: u64,
    data_clusters: u64,
    folders: HashMap<String, Folder>,
    index_clusters: u64,
    pinned: u64,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Add,
    Remove,
}

#[derive(Debug, Clone, Copy)]
struct Folder {
    name_units: usize,
    entry_bytes: u64,
}

impl NeedEstimator {
    /// An empty volume.
    pub fn new(volume_bytes: u64, cluster_bytes: u64) -> Self {
        let mut estimator = NeedEstimator {
            volume_bytes,
            cluster_bytes,
            names: 0,
            data_clusters: 0,
            folders: HashMap::new(),
            index_clusters: 0,
            pinned: 0,
        };
        let system = ROOT_NAMES.iter().map(|name| entry_bytes(name.len()) as u64).sum();
        let root = Folder { name_units: 1, entry_bytes: system };
        estimator.index_clusters = estimator.clusters_of(&root);
        estimator.folders.insert(String::new(), root);
        estimator
    }

    /// Adds pinned files; metadata that goes around them may leave gaps.
    pub fn pin<'a>(&mut self, files: impl IntoIterator<Item = (&'a str, u64)>) {
        for (path, bytes) in files {
            self.data_clusters += bytes.div_ceil(self.cluster_bytes);
            self.pinned += 1;
            self.change_name(&format!("\\{path}"), Change::Add);
        }
    }

    /// Adds a file; the folders above it are made.
    pub fn add(&mut self, path: &DrivePath, bytes: u64) {
        self.data_clusters += bytes.div_ceil(self.cluster_bytes);
        self.change_name(path.as_str(), Change::Add);
    }

    /// Takes a file back that was added; its folders stay.
    pub fn remove(&mut self, path: &DrivePath, bytes: u64) {
        self.data_clusters -= bytes.div_ceil(self.cluster_bytes);
        self.change_name(path.as_str(), Change::Remove);
    }

    fn change_name(&mut self, path: &str, change: Change) {
        let (above, name) = path.rsplit_once('\\').unwrap_or(("", path));
        if !self.folders.contains_key(above) {
            self.change_name(above, Change::Add);
            let units = above.rsplit('\\').next().unwrap_or(above).encode_utf16().count();
            self.folders.insert(above.to_owned(), Folder { name_units: units, entry_bytes: 0 });
        }
        let bytes = entry_bytes(name.encode_utf16().count()) as u64;
        let folder = self.folders.get_mut(above).expect("it was there or just made");
        let before = *folder;
        match change {
            Change::Add => {
                self.names += 1;
                folder.entry_bytes += bytes;
            }
            Change::Remove => {
                self.names -= 1;
                folder.entry_bytes -= bytes;
            }
        }
        let after = *folder;
        self.index_clusters =
            self.index_clusters + self.clusters_of(&after) - self.clusters_of(&before);
    }

    fn clusters_of(&self, folder: &Folder) -> u64 {
        let bytes = folder.entry_bytes;
        if bytes + 16 <= small_room(folder.name_units) as u64 {
            return 0;
        }
        // Blocks of all levels: each level above has at most a fifth of the entries' bytes below,
        // and ends in up to two short blocks.
        let leaves = bytes.div_ceil(LEAST_BLOCK_BYTES) + 1;
        let blocks = leaves + leaves.div_ceil(4) + 8;
        let block_clusters = (4096 * blocks).div_ceil(self.cluster_bytes);
        block_clusters + blocks.div_ceil(64) * 8 / self.cluster_bytes + 1
    }

    /// The bound, in clusters of the volume.
    pub fn clusters(&self) -> u64 {
        let sizes = Sizes::new(self.volume_bytes, self.cluster_bytes, self.names);
        let regions =
            sizes.fixed().into_iter().map(|(_, bytes)| bytes.div_ceil(self.cluster_bytes));
        let (mut fixed, mut largest) = (0, self.index_clusters);
        for clusters in regions {
            fixed += clusters;
            largest = largest.max(clusters);
        }
        let metadata = fixed + self.index_clusters;
        // Pinned ranges begin behind the first 32 MiB; metadata that reaches them jumps over.
        let gaps = if metadata * self.cluster_bytes > 32 << 20 { self.pinned * largest } else { 0 };
        metadata + gaps + self.data_clusters
    }

    /// Clusters of the volume.
    pub fn cluster_total(&self) -> u64 {
        Sizes::new(self.volume_bytes, self.cluster_bytes, 0).cluster_total
    }
}
