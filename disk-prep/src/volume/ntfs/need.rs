//! How many clusters a growing list of files needs at most: quick, for those who spread files
//! over drives. Never below what the layout takes in the end; a property test holds it to that.

use std::collections::HashMap;

use super::error::Error;
use super::index::{EntrySums, entry_bytes, most_blocks};
use super::layout::{PinnedRange, sorted};
use super::map::ROOT_NAMES;
use super::sizes::Sizes;
use super::space::{Run, Space};
use crate::noun::DrivePath;

/// An upper bound of the clusters that a volume needs for the files added so far.
#[derive(Debug, Clone)]
pub struct NeedEstimator {
    volume_bytes: u64,
    cluster_bytes: u64,
    pinned: Vec<Run>,
    names: u64,
    data_clusters: u64,
    folders: HashMap<String, Folder>,
    index_clusters: u64,
    /// Of one folder's index, the most there ever were.
    largest_index_clusters: u64,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Add,
    Remove,
}

#[derive(Debug, Clone, Copy)]
struct Folder {
    name_units: usize,
    entries: EntrySums,
}

impl NeedEstimator {
    /// A volume with nothing but pinned ranges.
    pub fn new(
        volume_bytes: u64,
        cluster_bytes: u64,
        pinned: &[PinnedRange],
    ) -> Result<Self, Error> {
        let runs = sorted(pinned, &Sizes::new(volume_bytes, cluster_bytes, 0))?;
        let mut estimator = NeedEstimator {
            volume_bytes,
            cluster_bytes,
            data_clusters: runs.iter().map(|run| run.cluster_count).sum(),
            pinned: runs,
            names: 0,
            folders: HashMap::new(),
            index_clusters: 0,
            largest_index_clusters: 0,
        };
        estimator.folders.insert(String::new(), Folder::new(""));
        for name in ROOT_NAMES {
            estimator.change_entry("", name, Change::Add);
        }
        for range in pinned {
            estimator.change_name(range.path.as_str(), Change::Add);
        }
        Ok(estimator)
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

    /// Adds a file by the two parts of its path: up to the last backslash, and the name.
    pub fn add_parts(&mut self, parts: (&str, &str), bytes: u64) {
        self.data_clusters += bytes.div_ceil(self.cluster_bytes);
        self.change_in(folder_of(parts), parts.1, Change::Add);
    }

    /// Takes back what was added so.
    pub fn remove_parts(&mut self, parts: (&str, &str), bytes: u64) {
        self.data_clusters -= bytes.div_ceil(self.cluster_bytes);
        self.change_in(folder_of(parts), parts.1, Change::Remove);
    }

    fn change_name(&mut self, path: &str, change: Change) {
        let (above, name) = path.rsplit_once('\\').unwrap_or(("", path));
        self.change_in(above, name, change);
    }

    fn change_in(&mut self, above: &str, name: &str, change: Change) {
        if !self.folders.contains_key(above) {
            self.change_name(above, Change::Add);
            self.folders.insert(above.to_owned(), Folder::new(above));
        }
        match change {
            Change::Add => self.names += 1,
            Change::Remove => self.names -= 1,
        }
        self.change_entry(above, name, change);
    }

    fn change_entry(&mut self, above: &str, name: &str, change: Change) {
        let bytes = entry_bytes(name.encode_utf16().count());
        let folder = self.folders.get_mut(above).expect("it was there or just made");
        let before = folder.index_clusters(self.cluster_bytes);
        match change {
            Change::Add => folder.entries.add(bytes),
            Change::Remove => folder.entries.remove(bytes),
        }
        let after = folder.index_clusters(self.cluster_bytes);
        self.index_clusters = self.index_clusters + after - before;
        self.largest_index_clusters = self.largest_index_clusters.max(after);
    }

    /// The bound, in clusters of the volume.
    pub fn clusters(&self) -> u64 {
        let sizes = Sizes::new(self.volume_bytes, self.cluster_bytes, self.names);
        let mut space = Space::new(self.pinned.clone());
        let mut metadata_clusters = self.index_clusters;
        for (_, bytes) in sizes.fixed() {
            let run = space.take_whole(bytes.div_ceil(self.cluster_bytes));
            metadata_clusters += run.cluster_count;
        }
        space.take_pieces(self.index_clusters, self.largest_index_clusters);
        metadata_clusters + space.skipped_clusters() + self.data_clusters
    }

    /// Clusters of the volume.
    pub fn cluster_total(&self) -> u64 {
        Sizes::new(self.volume_bytes, self.cluster_bytes, 0).cluster_total
    }
}

fn folder_of<'a>((folder, _): (&'a str, &str)) -> &'a str {
    folder.strip_suffix('\\').unwrap_or(folder)
}

impl Folder {
    fn new(path: &str) -> Self {
        let name = path.rsplit('\\').next().unwrap_or(path);
        // The root's name is a dot.
        let name_units = name.encode_utf16().count().max(1);
        Folder { name_units, entries: EntrySums::default() }
    }

    fn index_clusters(&self, cluster_bytes: u64) -> u64 {
        let blocks = most_blocks(&self.entries, self.name_units) as u64;
        let regions = Sizes::index(0, blocks);
        regions.iter().map(|(_, bytes)| bytes.div_ceil(cluster_bytes)).sum()
    }
}
