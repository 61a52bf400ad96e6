//! What lay on a drive when it was given up to be erased: a consent is for that, and for nothing
//! that somebody has put there since (`design` 3). Kept are short digests of the sectors by which
//! a person's data would be known: both ends, and where partitions of usual tables begin.

use std::ops::Range;

use super::blank::{find_first, merged};
use super::label_places::partition_starts;
use crate::device::{self, Device};
use crate::limits::SECTOR_BYTES;
use crate::sys::aligned::{AlignedBuffer, PAGE};
use sha2::{Digest, Sha256};

const HEAD_BYTES: u64 = 128 << 10;
const TAIL_BYTES: u64 = 64 << 10;
/// Bytes kept of a sector's SHA-256: enough to tell another content, too few to tell which.
const DIGEST_BYTES: usize = 4;

/// Digests of the sectors, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces(Vec<u8>);

impl Traces {
    /// Reads them from a drive.
    pub fn of(device: &dyn Device) -> Result<Self, device::Fault> {
        let mut digests = Vec::new();
        for stretch in stretches(device.size()) {
            let mut bytes = AlignedBuffer::zeroed((stretch.end - stretch.start) as usize);
            let offset = stretch.start;
            let read = device.read_at(&mut bytes, offset);
            read.map_err(|source| device::Fault::Read { offset, source })?;
            bytes.chunks(SECTOR_BYTES as usize).for_each(|sector| digests.extend(short(sector)));
        }
        Ok(Traces(digests))
    }

    /// Those that a journal kept.
    pub fn kept(digests: &[u8]) -> Self {
        Traces(digests.to_vec())
    }

    /// For a journal.
    pub fn digests(&self) -> &[u8] {
        &self.0
    }

    /// What lies there now and is neither what lay there, nor zero, nor ours; `None` if nothing is.
    pub fn find_other(
        &self,
        device: &dyn Device,
        is_ours: &dyn Fn(u64, &[u8]) -> bool,
    ) -> Result<Option<String>, device::Fault> {
        let stretches = stretches(device.size());
        let is_known =
            |at: u64, sector: &[u8]| is_ours(at, sector) || self.has(&stretches, at, sector);
        let found = find_first(device, &stretches, &is_known)?;
        Ok(found.map(|at| format!("other bytes than were to be erased lie at {at:#x}")))
    }

    fn has(&self, stretches: &[Range<u64>], at: u64, sector: &[u8]) -> bool {
        let sectors = |bytes: u64| (bytes / SECTOR_BYTES) as usize;
        let before = stretches.iter().take_while(|stretch| stretch.start <= at);
        let index: usize = before.map(|part| sectors(part.end.min(at) - part.start)).sum();
        let kept = index * DIGEST_BYTES..(index + 1) * DIGEST_BYTES;
        self.0.get(kept) == Some(&short(sector))
    }
}

fn short(sector: &[u8]) -> [u8; DIGEST_BYTES] {
    let digest = Sha256::digest(sector);
    std::array::from_fn(|at| digest[at])
}

fn stretches(size: u64) -> Vec<Range<u64>> {
    let mut stretches = vec![0..HEAD_BYTES, size.saturating_sub(TAIL_BYTES)..size];
    stretches.extend(partition_starts().map(|start| start..start + PAGE as u64));
    stretches.retain(|stretch| stretch.start < size);
    merged(stretches, size)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::device::FileDevice;

    const SIZE: u64 = 210 << 20;

    #[test]
    fn what_was_given_up_may_go_in_part_and_what_came_since_is_found_in_each_sector() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(SIZE).unwrap();
        for at in (0..SIZE).step_by(4 << 20).chain([SIZE - 512]) {
            file.write_all_at(b"given up", at).unwrap();
        }
        let device = FileDevice::new(file.try_clone().unwrap()).unwrap();
        let traces = Traces::of(&device).unwrap();
        assert!(traces.digests().len() < 4096, "{}", traces.digests().len());
        let find = || traces.find_other(&device, &|at, _| at == 1024).unwrap();
        assert_eq!(find(), None);
        let mut found = 0;
        for stretch in stretches(SIZE) {
            for at in stretch.step_by(512) {
                let mut before = [0; 512];
                file.read_exact_at(&mut before, at).unwrap();
                file.write_all_at(&[0; 512], at).unwrap();
                assert_eq!(find(), None, "zeros at {at:#x}");
                file.write_all_at(b"somebody's", at + 7).unwrap();
                assert_eq!(find().is_some(), at != 1024, "{at:#x}");
                file.write_all_at(&before, at).unwrap();
                found += 1;
            }
        }
        assert!(found > 400, "{found}");
        file.write_all_at(b"EFI PART", 512).unwrap();
        assert_eq!(find().unwrap(), "other bytes than were to be erased lie at 0x200");
    }
}
