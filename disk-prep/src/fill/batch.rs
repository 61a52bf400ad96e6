//! What a worker hands to the writer: a stretch of the pass in memory, already encrypted, with
//! where it goes and what will be true once it is on the medium.

use sha2::{Digest, Sha256};

use super::pass::Pass;
use crate::journal::{Finished, StreamMark, Tail};
use crate::kernels::SectorCipher;
use crate::limits::SECTOR_BYTES;
use crate::noun::Sha256Digest;
use crate::sys::aligned::AlignedBuffer;

/// Cipher text by which a drive is recognised on resume, bytes.
const TAIL_BYTES: usize = 64 << 10;

/// A part of a batch that lies in one piece on the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where on the volume.
    pub offset: u64,
    /// First byte in the buffer.
    pub start: usize,
    /// Byte behind the last.
    pub end: usize,
}

/// A stretch of the pass in memory.
#[derive(Debug)]
pub struct Batch {
    /// The worker that fills it and gets it back.
    pub worker: usize,
    buffer: AlignedBuffer,
    used: usize,
    extents: Vec<Extent>,
    /// Segments that are whole once this is written.
    pub finished: Vec<Finished>,
    /// How far the segment is that this batch is a part of.
    pub mark: Option<StreamMark>,
}

impl Batch {
    /// An empty batch with room for so many bytes.
    pub fn new(worker: usize, bytes: usize) -> Self {
        let buffer = AlignedBuffer::zeroed(bytes);
        Batch { worker, buffer, used: 0, extents: Vec::new(), finished: Vec::new(), mark: None }
    }

    /// Empties it; the room stays.
    pub fn clear(&mut self) {
        self.used = 0;
        self.extents.clear();
        self.finished.clear();
        self.mark = None;
    }

    /// Bytes in it.
    pub fn bytes(&self) -> u64 {
        self.used as u64
    }

    /// What was put into it.
    pub fn plain(&self) -> &[u8] {
        &self.buffer[..self.used]
    }

    /// Takes room for `bytes` of a segment from its byte `at` on; what stood there before is
    /// still in it and must be overwritten.
    pub fn take(&mut self, pass: &Pass<'_>, number: usize, at: u64, bytes: u64) -> &mut [u8] {
        let begin = self.used;
        let mut done = 0;
        while done < bytes {
            let (offset, room) = pass.place(number, at + done);
            let length = room.min(bytes - done);
            self.extend(offset, length as usize);
            done += length;
        }
        &mut self.buffer[begin..self.used]
    }

    fn extend(&mut self, offset: u64, bytes: usize) {
        let (start, end) = (self.used, self.used + bytes);
        self.used = end;
        match self.extents.last_mut() {
            Some(last) if last.offset + (last.end - last.start) as u64 == offset => last.end = end,
            _ => self.extents.push(Extent { offset, start, end }),
        }
    }

    /// Encrypts everything in place; the cipher counts sectors from the start of the volume.
    pub fn encrypt(&mut self, cipher: &SectorCipher) {
        for extent in &self.extents {
            cipher
                .encrypt(extent.offset / SECTOR_BYTES, &mut self.buffer[extent.start..extent.end]);
        }
    }

    /// Where each piece goes, with its bytes.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.extents.iter().map(|extent| (extent.offset, &self.buffer[extent.start..extent.end]))
    }

    /// The last bytes of it on the drive, once encrypted.
    pub fn end(&self, volume_start: u64) -> Option<BatchEnd> {
        let last = self.extents.last()?;
        let bytes = TAIL_BYTES.min(last.end - last.start);
        let offset = volume_start + last.offset + (last.end - last.start - bytes) as u64;
        Some(BatchEnd { offset, cipher_text: self.buffer[last.end - bytes..last.end].to_vec() })
    }
}

/// The last bytes of a batch on the drive. Most are followed by others before a checkpoint asks for
/// their digest.
#[derive(Debug)]
pub struct BatchEnd {
    offset: u64,
    cipher_text: Vec<u8>,
}

impl BatchEnd {
    /// What the journal keeps of it.
    pub fn tail(&self) -> Tail {
        let sha256 = Sha256Digest::new(Sha256::digest(&self.cipher_text).into());
        Tail { offset: self.offset, bytes: self.cipher_text.len() as u64, sha256 }
    }
}
