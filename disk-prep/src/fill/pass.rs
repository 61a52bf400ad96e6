//! The one ascending pass over a volume, as a list of segments: what lies where, from the plan
//! alone, the same in every run. The places of the manifest and of what is made of digests, and what BitLocker keeps for itself are
//! no part of it.

use std::ops::Range;

use crate::dataset::{FileList, ListedFile};
use crate::volume::ntfs::{Layout, Run};

/// A stretch of the pass with one kind of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// File system metadata in this range of the volume.
    Metadata(Range<u64>),
    /// Zeros in this range of the volume.
    Zeros(Range<u64>),
    /// The data of a file, by its index in the plan.
    File(usize),
    /// Behind the last cluster: zeros and the backup boot sector.
    Tail(Range<u64>),
}

/// The segments of a volume, ascending by where they begin.
#[derive(Debug)]
pub struct Pass<'a> {
    layout: &'a Layout,
    files: &'a FileList,
    /// A file by its number, or behind the files one of the others.
    order: Vec<u32>,
    others: Vec<Segment>,
}

/// The first 8 KiB of the file system lie elsewhere on a BitLocker volume and are written when
/// the drive is sealed.
pub const BOOT_BYTES: u64 = 8192;

impl<'a> Pass<'a> {
    /// The pass over a volume of `volume_bytes` with `zeros` besides metadata and files. `files`
    /// are the first files of the layout; those behind them, the manifest first, are written when
    /// the drive is sealed.
    pub fn new(
        layout: &'a Layout,
        files: &'a FileList,
        volume_bytes: u64,
        zeros: Vec<Range<u64>>,
    ) -> Self {
        let metadata = layout
            .metadata_ranges()
            .into_iter()
            .map(|range| range.start.max(BOOT_BYTES)..range.end)
            .filter(|range| !range.is_empty())
            .map(Segment::Metadata);
        let heap_end = layout.cluster_total() * layout.cluster_bytes();
        let mut others: Vec<Segment> =
            metadata.chain(zeros.into_iter().map(Segment::Zeros)).collect();
        let count = files.len() as u32;
        let tail = count + others.len() as u32;
        others.push(Segment::Tail(heap_end..volume_bytes));
        // Of those that begin at one place, files of no length, the order is that of the plan.
        let mut order: Vec<u32> = (count..tail).chain(0..count).chain([tail]).collect();
        let mut pass = Pass { layout, files, order: Vec::new(), others };
        order.sort_by_key(|&own| match pass.segment(own) {
            Segment::Metadata(range) | Segment::Zeros(range) | Segment::Tail(range) => range.start,
            Segment::File(file) => layout.first_cluster(file) * layout.cluster_bytes(),
        });
        pass.order = order;
        pass
    }

    fn segment(&self, own: u32) -> Segment {
        let file = own as usize;
        match file.checked_sub(self.files.len()) {
            None => Segment::File(file),
            Some(other) => self.others[other].clone(),
        }
    }

    /// The segment of a number.
    fn at(&self, number: usize) -> Segment {
        self.segment(self.order[number])
    }

    /// The files of the plan, without the manifest.
    pub fn files(&self) -> &'a FileList {
        self.files
    }

    /// Number of segments.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Bytes that a segment takes on the volume; of a file, whole clusters.
    pub fn bytes(&self, number: usize) -> u64 {
        match self.at(number) {
            Segment::Metadata(range) | Segment::Zeros(range) | Segment::Tail(range) => {
                range.end - range.start
            }
            Segment::File(file) => {
                self.files.at(file).bytes().next_multiple_of(self.layout.cluster_bytes())
            }
        }
    }

    /// Bytes of the whole pass.
    pub fn total_bytes(&self) -> u64 {
        (0..self.len()).map(|number| self.bytes(number)).sum()
    }

    /// The file of a segment, if it is one, with its index in the plan.
    pub fn file(&self, number: usize) -> Option<(usize, ListedFile<'a>)> {
        match self.at(number) {
            Segment::File(index) => Some((index, self.files.at(index))),
            _ => None,
        }
    }

    /// Where byte `at` of a segment lies on the volume, and how many bytes follow it there.
    pub fn place(&self, number: usize, at: u64) -> (u64, u64) {
        match self.at(number) {
            Segment::Metadata(range) | Segment::Zeros(range) | Segment::Tail(range) => {
                (range.start + at, range.end - range.start - at)
            }
            Segment::File(file) => {
                place_in_runs(&self.layout.runs(file), self.layout.cluster_bytes(), at)
            }
        }
    }

    /// Fills `buffer` with what belongs at byte `at` of a segment that is no file.
    pub fn fill(&self, number: usize, at: u64, buffer: &mut [u8]) {
        match self.at(number) {
            Segment::Metadata(range) => self.layout.fill_metadata(range.start + at, buffer),
            Segment::Zeros(_) | Segment::File(_) => buffer.fill(0),
            Segment::Tail(range) => {
                buffer.fill(0);
                let boot = self.layout.boot_sector();
                let place = range.end - range.start - boot.len() as u64;
                for (index, byte) in boot.iter().enumerate() {
                    let target = (place + index as u64).checked_sub(at);
                    if let Some(slot) = target.and_then(|slot| buffer.get_mut(slot as usize)) {
                        *slot = *byte;
                    }
                }
            }
        }
    }
}

/// Where byte `at` of runs lies, and how many bytes follow it in that run.
pub fn place_in_runs(runs: &[Run], cluster_bytes: u64, at: u64) -> (u64, u64) {
    let mut before = 0;
    for run in runs {
        let bytes = run.cluster_count * cluster_bytes;
        if at < before + bytes {
            let inside = at - before;
            return (run.first_cluster * cluster_bytes + inside, bytes - inside);
        }
        before += bytes;
    }
    unreachable!("nobody asks for a byte behind the last run")
}
