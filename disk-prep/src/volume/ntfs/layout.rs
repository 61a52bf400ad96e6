//! The layout of a volume: every region of metadata, every run of every file, known before the
//! first byte; and the bytes of the metadata, made when they are asked for.

use std::ops::Range;
use std::sync::Arc;

use super::boot::{BOOT_BYTES, BootFacts, boot_sector};
use super::error::Error;
use super::files::{FileSpec, Files};
use super::index::{BLOCK_BYTES, Encoder, Index, entry_bytes};
use super::map::Content;
use super::names::fill_upcase;
use super::record::{Mapping, RECORD_BYTES, reference};
use super::sizes::Sizes;
use super::space::{Run, Space, split};
use super::tables::{Edition, attribute_definitions, security_bytes, security_stream};
use super::time::FileTime;
use super::tree::Tree;
use crate::limits::SECTOR_BYTES;
use crate::noun::DrivePath;

/// What the volume is.
#[derive(Debug, Clone)]
pub struct VolumeParams {
    /// Length of the volume, bytes; a multiple of a sector.
    pub volume_bytes: u64,
    /// Bytes of a cluster, a power of two.
    pub cluster_bytes: u32,
    /// The label, at most 32 UTF-16 units.
    pub label: String,
    /// Sectors before the volume on the drive.
    pub hidden_sectors: u64,
    /// Serial number of the volume.
    pub serial: u64,
    /// The time of everything that has no time of its own.
    pub format_time: FileTime,
    /// Which of our file systems it is.
    pub edition: Edition,
}

/// Clusters that belong to somebody else; they become a hidden file.
#[derive(Debug, Clone)]
pub struct PinnedRange {
    /// First cluster.
    pub first_cluster: u64,
    /// How many.
    pub cluster_count: u64,
    /// The file's path.
    pub path: DrivePath,
}

impl PinnedRange {
    pub(super) fn run(&self) -> Run {
        Run { first_cluster: self.first_cluster, cluster_count: self.cluster_count }
    }
}

#[derive(Debug)]
struct Region {
    content: Content,
    run: Run,
    bytes: u64,
}

/// A volume that is laid out.
#[derive(Debug)]
pub struct Layout {
    params: VolumeParams,
    tree: Tree,
    indexes: Vec<Index>,
    pinned: Vec<PinnedRange>,
    /// First cluster of each file, 0 of an empty one. Their runs follow from it.
    first_clusters: Vec<u32>,
    /// What the runs go around.
    barriers: Vec<Run>,
    regions: Vec<Region>,
    free: Vec<Run>,
    record_count: u64,
    cluster_total: u64,
    need_clusters: u64,
}

impl Layout {
    /// Lays out a volume with these files; `folders` are made even if they stay empty. `pinned` ranges are ascending.
    pub fn plan(
        params: &VolumeParams,
        folders: &[DrivePath],
        files: Arc<dyn Files>,
        pinned: &[PinnedRange],
    ) -> Result<Self, Error> {
        check(params)?;
        let cluster_bytes = u64::from(params.cluster_bytes);
        let tree =
            Tree::build(folders, Arc::clone(&files), pinned.iter().map(|range| &range.path))?;
        let sizes = Sizes::new(params.volume_bytes, cluster_bytes, tree.len());
        let cluster_total = sizes.cluster_total;
        let indexes: Vec<Index> = (0..tree.folders().len())
            .map(|folder| {
                let bytes = |entry| entry_bytes(tree.entry_name_units(folder, entry));
                Index::build(tree.entry_count(folder), tree.folder_name_units(folder), bytes)
            })
            .collect();
        let mut planned = sizes.fixed();
        for (folder, index) in indexes.iter().enumerate() {
            planned.extend(Sizes::index(folder as u32, index.block_count() as u64));
        }
        let barriers = sorted(pinned, &sizes)?;
        let mut space = Space::new(barriers.clone());
        let regions: Vec<Region> = planned
            .into_iter()
            .map(|(content, bytes)| {
                let run = space.take_whole(bytes.div_ceil(cluster_bytes));
                let bytes = match content {
                    Content::Security => security_bytes(params.edition),
                    _ => bytes,
                };
                Region { content, run, bytes }
            })
            .collect();
        let mut first_clusters = Vec::with_capacity(files.count());
        for file in (0..files.count()).map(|index| files.at(index)) {
            let runs = space.take_split(file.bytes.div_ceil(cluster_bytes));
            check_record(&file, &runs, cluster_bytes)?;
            // What lies behind the end of the volume is refused below.
            first_clusters.push(runs.first().map_or(0, |run| run.first_cluster as u32));
        }
        let need_clusters = space.end();
        if need_clusters > cluster_total {
            return Err(Error::TooSmall { needed: need_clusters, actual: cluster_total });
        }
        let layout = Layout {
            params: params.clone(),
            tree,
            indexes,
            pinned: pinned.to_vec(),
            first_clusters,
            barriers,
            regions,
            free: space.into_free(cluster_total),
            record_count: sizes.record_count,
            cluster_total,
            need_clusters,
        };
        layout.check_folders()?;
        Ok(layout)
    }

    /// Clusters up to the last one that is used by metadata or files, ranges skipped included.
    pub fn need_clusters(&self) -> u64 {
        self.need_clusters
    }

    /// Clusters of the volume.
    pub fn cluster_total(&self) -> u64 {
        self.cluster_total
    }

    /// Bytes of a cluster.
    pub fn cluster_bytes(&self) -> u64 {
        self.params.cluster_bytes.into()
    }

    /// Clusters that are in use, pinned ones included.
    pub fn used_clusters(&self) -> u64 {
        self.cluster_total - self.free.iter().map(|run| run.cluster_count).sum::<u64>()
    }

    /// Where a file's data lies; nothing for an empty file.
    pub fn runs(&self, file: usize) -> Vec<Run> {
        let clusters = self.file(file).0.div_ceil(self.cluster_bytes());
        split(&self.barriers, self.first_cluster(file), clusters)
    }

    /// Where a file's data begins; 0 for an empty file.
    pub fn first_cluster(&self, file: usize) -> u64 {
        self.first_clusters[file].into()
    }

    /// Where metadata lies, in bytes, ascending.
    pub fn metadata_ranges(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for range in self.regions.iter().map(|region| self.bytes_of(&region.run)) {
            match ranges.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => ranges.push(range),
            }
        }
        ranges
    }

    /// What is free, in bytes, ascending.
    pub fn free_ranges(&self) -> Vec<Range<u64>> {
        self.free.iter().map(|run| self.bytes_of(run)).collect()
    }

    fn bytes_of(&self, run: &Run) -> Range<u64> {
        run.first_cluster * self.cluster_bytes()..run.end() * self.cluster_bytes()
    }

    /// The boot sector; it stands in the last sector of the volume too.
    pub fn boot_sector(&self) -> [u8; 512] {
        let first = |content| {
            let found = self.regions.iter().find(|region| region.content == content);
            found.map_or(0, |region| region.run.first_cluster)
        };
        boot_sector(&BootFacts {
            volume_bytes: self.params.volume_bytes,
            cluster_bytes: self.cluster_bytes(),
            hidden_sectors: self.params.hidden_sectors,
            mft: first(Content::Records),
            mirror: first(Content::Mirror),
            serial: self.params.serial,
        })
    }

    /// The first 8 KiB of the volume.
    pub fn boot_area(&self) -> [u8; BOOT_BYTES as usize] {
        let mut area = [0; BOOT_BYTES as usize];
        area[..512].copy_from_slice(&self.boot_sector());
        area
    }

    /// Fills `buffer` with the metadata from byte `offset` of the volume on; what is no metadata
    /// becomes zero.
    pub fn fill_metadata(&self, offset: u64, buffer: &mut [u8]) {
        buffer.fill(0);
        let end = offset + buffer.len() as u64;
        let first = self.regions.partition_point(|region| self.bytes_of(&region.run).end <= offset);
        for region in &self.regions[first..] {
            let range = self.bytes_of(&region.run);
            if range.start >= end {
                break;
            }
            let from = range.start.max(offset);
            let to = range.end.min(end);
            let part = &mut buffer[(from - offset) as usize..(to - offset) as usize];
            self.fill_region(region, from - range.start, part);
        }
    }

    /// Fills `part` with a region's bytes from `at` on, unit by unit.
    fn fill_region(&self, region: &Region, mut at: u64, mut part: &mut [u8]) {
        let mut unit = [0; BLOCK_BYTES];
        while !part.is_empty() {
            let inside = (at % BLOCK_BYTES as u64) as usize;
            let length = part.len().min(BLOCK_BYTES - inside);
            let (piece, rest) = part.split_at_mut(length);
            self.fill_unit(region, at - inside as u64, &mut unit);
            piece.copy_from_slice(&unit[inside..inside + length]);
            at += length as u64;
            part = rest;
        }
    }

    /// One aligned unit of a region.
    fn fill_unit(&self, region: &Region, at: u64, unit: &mut [u8; BLOCK_BYTES]) {
        unit.fill(0);
        let left = region.bytes.saturating_sub(at).min(BLOCK_BYTES as u64) as usize;
        let unit = &mut unit[..left];
        let copy = |table: &[u8], unit: &mut [u8]| {
            let length = unit.len();
            unit.copy_from_slice(&table[at as usize..at as usize + length]);
        };
        match region.content {
            Content::Boot => copy(&self.boot_area(), unit),
            Content::Mirror | Content::Records => {
                for (index, record) in unit.chunks_exact_mut(RECORD_BYTES).enumerate() {
                    self.fill_record(at / RECORD_BYTES as u64 + index as u64, record);
                }
            }
            Content::RecordBitmap => {
                set_bits(unit, at * 8, |record| {
                    record < self.record_count && self.is_record_used(record)
                });
            }
            Content::Bitmap => self.fill_bitmap(at * 8, unit),
            Content::Log => unit.fill(0xff),
            Content::UpCase => fill_upcase(at as usize, unit),
            Content::AttributeDefinitions => copy(&attribute_definitions(), unit),
            Content::Security => copy(&security_stream(self.params.edition), unit),
            Content::IndexBlocks(folder) => {
                let folder = folder as usize;
                let number = (at / BLOCK_BYTES as u64) as usize;
                self.encoder(folder).block(self.index(folder), number, unit);
            }
            Content::IndexBitmap(folder) => self.fill_index_bitmap(folder as usize, at * 8, unit),
        }
    }

    /// `$Bitmap`: everything is used but what is free.
    fn fill_bitmap(&self, first: u64, unit: &mut [u8]) {
        unit.fill(0xff);
        let end = first + unit.len() as u64 * 8;
        let from = self.free.partition_point(|run| run.end() <= first);
        for run in self.free[from..].iter().take_while(|run| run.first_cluster < end) {
            let (mut bit, last) =
                (run.first_cluster.max(first) - first, run.end().min(end) - first);
            while bit < last {
                let byte = (bit / 8) as usize;
                if bit % 8 == 0 && last - bit >= 8 {
                    unit[byte] = 0;
                    bit += 8;
                } else {
                    unit[byte] &= !(1 << (bit % 8));
                    bit += 1;
                }
            }
        }
    }

    pub(super) fn fill_index_bitmap(&self, folder: usize, first: u64, unit: &mut [u8]) {
        let count = self.indexes[folder].block_count() as u64;
        set_bits(unit, first, |block| block < count);
    }

    /// Where a region lies, as an attribute maps it.
    pub(super) fn mapping(&self, content: Content) -> Option<Mapping> {
        let at = match content {
            // The regions of indexes stand in the order of their folders, behind all others.
            Content::IndexBlocks(folder) => self.index_region(folder),
            Content::IndexBitmap(folder) => self.index_region(folder) + 1,
            _ => self.regions.iter().position(|region| region.content == content)?,
        };
        let region = self.regions.get(at).filter(|region| region.content == content)?;
        Some(Mapping::new(&[region.run], region.bytes, self.cluster_bytes()))
    }

    fn index_region(&self, folder: u32) -> usize {
        self.regions.partition_point(|region| match region.content {
            Content::IndexBlocks(other) | Content::IndexBitmap(other) => other < folder,
            _ => true,
        })
    }

    pub(super) fn encoder(&self, folder: usize) -> Encoder<impl Fn(usize) -> (u64, Vec<u8>) + '_> {
        let key = move |entry: usize| {
            let record = self.tree.entry(folder, entry);
            (reference(record), self.index_key(record))
        };
        Encoder { key, cluster_bytes: self.cluster_bytes() }
    }

    pub(super) fn params(&self) -> &VolumeParams {
        &self.params
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn index(&self, folder: usize) -> &Index {
        &self.indexes[folder]
    }

    pub(super) fn pinned(&self) -> &[PinnedRange] {
        &self.pinned
    }

    /// Length and time of a file.
    pub(super) fn file(&self, file: usize) -> (u64, FileTime) {
        let FileSpec { bytes, time, .. } = self.tree.files().at(file);
        (bytes, time)
    }
}

fn set_bits(unit: &mut [u8], first: u64, is_set: impl Fn(u64) -> bool) {
    for (index, byte) in unit.iter_mut().enumerate() {
        let base = first + index as u64 * 8;
        *byte = (0..8).filter(|bit| is_set(base + bit)).fold(0, |byte, bit| byte | 1 << bit);
    }
}

fn check(params: &VolumeParams) -> Result<(), Error> {
    let (cluster_bytes, volume_bytes) = (params.cluster_bytes, params.volume_bytes);
    let bytes = u64::from(cluster_bytes);
    let fits = bytes.is_power_of_two()
        && (SECTOR_BYTES..=65536).contains(&bytes)
        && volume_bytes.is_multiple_of(SECTOR_BYTES)
        && volume_bytes / bytes < u64::from(u32::MAX);
    if !fits {
        return Err(Error::ClusterSize { cluster_bytes, volume_bytes });
    }
    if params.label.encode_utf16().count() > 32 {
        return Err(Error::Label { label: params.label.clone() });
    }
    Ok(())
}

/// The runs of pinned ranges, ascending.
pub(super) fn sorted(pinned: &[PinnedRange], sizes: &Sizes) -> Result<Vec<Run>, Error> {
    let mut runs: Vec<Run> = pinned.iter().map(PinnedRange::run).collect();
    runs.sort_by_key(|run| run.first_cluster);
    let mut end = BOOT_BYTES.div_ceil(sizes.cluster_bytes);
    for run in &runs {
        if run.first_cluster < end || run.cluster_count == 0 || run.end() > sizes.cluster_total {
            return Err(Error::Pinned { first_cluster: run.first_cluster });
        }
        end = run.end();
    }
    Ok(runs)
}

/// Whether a file's record holds its name and all its runs; no attribute lists are written.
fn check_record(file: &FileSpec<'_>, runs: &[Run], cluster_bytes: u64) -> Result<(), Error> {
    if runs.len() <= 6 {
        return Ok(());
    }
    let name = file.path.1.encode_utf16().count();
    let mapping = Mapping::new(runs, file.bytes, cluster_bytes);
    let used = 0x38
        + 96
        + (24 + 66 + 2 * name).next_multiple_of(8)
        + (0x40 + mapping.runlist.len()).next_multiple_of(8)
        + 8;
    if used > RECORD_BYTES {
        let path = DrivePath::of_parts(file.path.0, file.path.1);
        return Err(Error::Record { path, runs: runs.len() });
    }
    Ok(())
}

/// Index of a file among the names, for tests that look a record up.
#[cfg(test)]
impl Layout {
    pub(super) fn record_of(&self, file: usize) -> u64 {
        use super::map::FIRST_RECORD;
        use super::tree::Entry;
        (FIRST_RECORD..FIRST_RECORD + self.tree.len())
            .find(|&record| self.tree.node(record).entry == Entry::File(file as u32))
            .expect("every file has a record")
    }
}
