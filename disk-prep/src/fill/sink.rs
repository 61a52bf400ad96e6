//! A file on the volume that is written from beginning to end by one hand: the manifest,
//! and what is made of digests.

use std::io::{self, Write};

use super::pass::place_in_runs;
use super::target::Target;
use crate::limits::{CLUSTER_BYTES, SECTOR_BYTES};
use crate::noun::OnDrive;
use crate::sys::aligned::AlignedBuffer;
use crate::volume::ntfs::Run;

const BUFFER_BYTES: usize = 4 << 20;

/// Takes plain bytes, writes them encrypted into the runs of a file.
pub struct FileSink<'a> {
    target: &'a Target<'a>,
    runs: &'a [Run],
    buffer: AlignedBuffer,
    used: usize,
    written: u64,
}

impl<'a> FileSink<'a> {
    /// Begins at the first byte of the runs.
    pub fn new(target: &'a Target<'a>, runs: &'a [Run]) -> Self {
        let buffer = AlignedBuffer::zeroed(BUFFER_BYTES);
        FileSink { target, runs, buffer, used: 0, written: 0 }
    }

    /// Fills the last cluster with zeros and writes what is left.
    pub fn finish(mut self) -> io::Result<()> {
        let whole = self.used.next_multiple_of(CLUSTER_BYTES as usize);
        self.buffer[self.used..whole].fill(0);
        self.used = whole;
        self.write_out()
    }

    fn write_out(&mut self) -> io::Result<()> {
        let mut done = 0;
        while done < self.used {
            let at = self.written + done as u64;
            let (offset, room) = place_in_runs(self.runs, CLUSTER_BYTES, at);
            let end = self.used.min(done + usize::try_from(room).unwrap_or(usize::MAX));
            let piece = &mut self.buffer[done..end];
            self.target.cipher.encrypt(offset / SECTOR_BYTES, piece);
            let written = self.target.write(piece, offset).on(self.target.serial);
            written.map_err(io::Error::other)?;
            done = end;
        }
        self.written += self.used as u64;
        self.used = 0;
        Ok(())
    }
}

impl Write for FileSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.used == self.buffer.len() {
            self.write_out()?;
        }
        let length = bytes.len().min(self.buffer.len() - self.used);
        self.buffer[self.used..self.used + length].copy_from_slice(&bytes[..length]);
        self.used += length;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
