//! Steps 5 to 7 of `design` 4: the manifest, then what makes it a volume, in an order in which no
//! half of it can be taken for one, then the read-back from the medium. Repeated whole until the
//! journal says `sealed`.

mod fault;

use std::io::{self, Write};

use jiff::Timestamp;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use crate::dataset::Listing;
use crate::device;
use crate::drive_layout::DriveLayout;
use crate::fill::{BOOT_BYTES, FileSink, Target, place_in_runs};
use crate::journal::{Begun, DrivePlan, Journal, Sealed};
use crate::limits::{CLUSTER_BYTES, SECTOR_BYTES};
use crate::manifest::{Entry, ManifestError, ManifestProof, ManifestWriter, Profile, Zeros};
use crate::noun::{DriveError, hex_upper};
use crate::sys::aligned::AlignedBuffer;
use crate::volume::ntfs::Run;

pub use fault::Fault;

const READ_BYTES: usize = 4 << 20;
/// Ranges of the header hash: the first MiB of the drive and 140 KiB of the partition
/// (`azure-import-export` 4.6).
const HEADER_HEAD: u64 = 1_048_576;
const HEADER_VOLUME: u64 = 143_360;

/// A drive that is to be sealed.
pub struct Sealing<'a> {
    /// What was begun.
    pub begun: &'a Begun,
    /// What goes on it.
    pub plan: &'a DrivePlan,
    /// Where.
    pub layout: &'a DriveLayout,
    /// The volume.
    pub target: &'a Target<'a>,
}

impl Sealing<'_> {
    /// Proves the manifest, then writes it into its place and flushes it.
    pub fn write_manifest(&self, journal: &Journal) -> Result<(), Fault> {
        self.prove_manifest(journal)?;
        let made_runs = self.layout.made_runs(&self.plan.files);
        let made = FileSink::new(self.target, &made_runs);
        self.made_into(journal, made).and_then(FileSink::finish).map_err(write_fault)?;
        let runs = self.layout.manifest_runs();
        let sink = FileSink::new(self.target, &runs);
        self.manifest_into(journal, sink).and_then(FileSink::finish).map_err(write_fault)?;
        Ok(self.target.flush()?)
    }

    /// The properties files that are made of digests, each in whole clusters.
    fn made_into<W: Write>(&self, journal: &Journal, mut out: W) -> io::Result<W> {
        let mut digests = journal.digests();
        for (index, file) in self.plan.files.iter().enumerate() {
            let Some(made) = file.listing().content_md5() else { continue };
            let is_copied = journal.history().files.is_copied(index);
            let md5s = is_copied.then(|| digests.of(index)).transpose()?;
            let mut text = made.text(md5s.as_ref().map(|md5s| &md5s.md5)).into_bytes();
            text.resize(text.len().next_multiple_of(CLUSTER_BYTES as usize), 0);
            out.write_all(&text)?;
        }
        Ok(out)
    }

    /// Reads what is going to be written with a strict reader.
    fn prove_manifest(&self, journal: &Journal) -> Result<(), Fault> {
        let files = self.plan.files.iter().enumerate();
        let files = files.filter(|(index, _)| journal.history().files.is_copied(*index));
        let proof = ManifestProof::new(
            &self.begun.serial,
            files.map(|(_, file)| file.unpack()),
            self.zeros(),
        );
        let written = self.manifest_into(journal, proof).map_err(unreadable)?;
        written.finish().map_err(Fault::Manifest)
    }

    fn zeros(&self) -> Zeros {
        if self.begun.omit_zeros { Zeros::Omitted } else { Zeros::Listed }
    }

    fn manifest_into<W: Write>(&self, journal: &Journal, out: W) -> io::Result<W> {
        let mut writer = ManifestWriter::new(out, &self.begun.serial, self.zeros())?;
        let mut digests = journal.digests();
        for (index, file) in self.plan.files.iter().enumerate() {
            let file = file.unpack();
            let entry = Entry::of(&file);
            if journal.history().files.is_copied(index) {
                let md5s = digests.of(index)?;
                writer.file(&entry, &md5s.md5, md5s.block_digests(file.bytes))?;
            } else {
                writer.left_out(&entry);
            }
        }
        writer.finish(self.layout.manifest_bytes)
    }

    /// Makes it a volume, reads back what that took, and says what the job needs to know.
    pub fn seal(&self, journal: &Journal, at: Timestamp) -> Result<Sealed, Fault> {
        let places = self.places();
        self.target.flush()?;
        let (last, first) = places.split_last().expect("there are five places");
        for (offset, bytes) in first {
            self.target.write(bytes, *offset)?;
        }
        self.target.flush()?;
        self.target.write(&last.1, last.0)?;
        self.target.flush()?;
        for (offset, bytes) in &places {
            let mut back = AlignedBuffer::zeroed(bytes.len());
            self.target.read(&mut back, *offset)?;
            if back[..] != bytes[..] {
                return Err(self.differs(*offset));
            }
        }
        let (manifest_hash, files, bytes) = self.check_manifest(journal)?;
        Ok(Sealed {
            at,
            manifest: self.begun.profile.manifest_path(self.begun.manifest_guid),
            manifest_hash,
            header_hash: match self.begun.profile {
                Profile::Legacy => None,
                Profile::Modern => Some(self.header_hash()?),
            },
            files,
            bytes,
        })
    }

    /// What is written when the drive is sealed, in order: the encrypted copy of the first 8 KiB,
    /// the metadata blocks from the last to the first, the plain first 8 KiB.
    fn places(&self) -> Vec<(u64, AlignedBuffer)> {
        let placement = &self.layout.placement;
        let mut boot = aligned(&self.layout.volume.boot_area());
        self.target.cipher.encrypt(placement.header_copy() / SECTOR_BYTES, &mut boot);
        let mut places = vec![(placement.header_copy(), boot)];
        let block = aligned(&self.begun.metadata_block.0);
        places.extend(placement.metadata().into_iter().rev().map(|at| (at, block.clone())));
        places.push((0, aligned(&self.begun.first_8k.0)));
        places
    }

    /// Reads the manifest from the medium and compares it with what it should be; its hash, and
    /// how many files and bytes it lists.
    fn check_manifest(&self, journal: &Journal) -> Result<(String, u64, u64), Fault> {
        let expected = self.manifest_into(journal, HashSink::default()).map_err(unreadable)?;
        let expected = expected.finish(self.begun.profile);
        self.check_written(&self.layout.manifest_runs(), self.layout.manifest_bytes, &expected)?;
        let runs = self.layout.made_runs(&self.plan.files);
        let made = self.made_into(journal, HashSink::default()).map_err(unreadable)?;
        let made = made.finish(self.begun.profile);
        let clusters: u64 = runs.iter().map(|run| run.cluster_count).sum();
        self.check_written(&runs, clusters * CLUSTER_BYTES, &made)?;
        let files = self.plan.files.iter().enumerate();
        let listed = files
            .filter(|(index, file)| {
                *file.listing() != Listing::SideFile && journal.history().files.is_copied(*index)
            })
            .fold((0, 0), |(count, bytes), (_, file)| (count + 1, bytes + file.bytes()));
        Ok((expected, listed.0, listed.1))
    }

    /// Reads so many bytes from the medium and compares their hash.
    fn check_written(&self, runs: &[Run], bytes: u64, expected: &str) -> Result<(), Fault> {
        let mut actual = HashSink::default();
        let mut buffer = AlignedBuffer::zeroed(READ_BYTES);
        let mut done = 0;
        while done < bytes {
            let (offset, room) = place_in_runs(runs, CLUSTER_BYTES, done);
            let length = room.min(READ_BYTES as u64);
            let piece = &mut buffer[..length as usize];
            self.target.read(piece, offset)?;
            self.target.cipher.decrypt(offset / SECTOR_BYTES, piece);
            let data = length.min(bytes - done) as usize;
            actual.take(&piece[..data]);
            done += length;
        }
        if actual.finish(self.begun.profile) == expected {
            return Ok(());
        }
        let (offset, _) = place_in_runs(runs, CLUSTER_BYTES, 0);
        Err(self.differs(offset))
    }

    fn header_hash(&self) -> Result<String, Fault> {
        let start = self.target.volume_start;
        let mut parts = Vec::new();
        for (offset, length) in [(0, HEADER_HEAD), (start, HEADER_VOLUME)] {
            let mut bytes = AlignedBuffer::zeroed(length as usize);
            self.target.read_raw(&mut bytes, offset)?;
            parts.push(format!("{offset}:{length}:{}", hex_upper(&Sha512::digest(&bytes[..]))));
        }
        Ok(parts.join(";"))
    }

    fn differs(&self, offset: u64) -> Fault {
        Fault::ReadBack { offset: self.target.volume_start + offset }
    }
}

/// The proof wraps the reason; anything else is a plan that does not add up, or digests that cannot
/// be read.
fn unreadable(error: io::Error) -> Fault {
    let error = error.downcast::<ManifestError>();
    Fault::Manifest(
        error.unwrap_or_else(|error| ManifestError { position: 0, fault: error.to_string() }),
    )
}

/// The sink wraps the drive's own error; anything else is a plan that does not add up.
fn write_fault(source: io::Error) -> device::Fault {
    match source.downcast::<DriveError<device::Fault>>() {
        Ok(error) => error.fault,
        Err(source) => device::Fault::Write { offset: 0, source },
    }
}

fn aligned(bytes: &[u8]) -> AlignedBuffer {
    debug_assert_eq!(bytes.len() as u64 % BOOT_BYTES, 0);
    let mut buffer = AlignedBuffer::zeroed(bytes.len());
    buffer.copy_from_slice(bytes);
    buffer
}

/// Hashes what is written to it, in both ways a profile may want.
#[derive(Default)]
struct HashSink {
    md5: Md5,
    sha256: Sha256,
}

impl HashSink {
    fn take(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha256.update(bytes);
    }

    fn finish(self, profile: Profile) -> String {
        match profile {
            Profile::Legacy => hex_upper(&self.md5.finalize()),
            Profile::Modern => hex_upper(&self.sha256.finalize()),
        }
    }
}

impl Write for HashSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
