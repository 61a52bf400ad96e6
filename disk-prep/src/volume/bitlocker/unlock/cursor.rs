//! A reader over an unlocked volume that reads ahead, since a file system's parser asks for a
//! few bytes at a time.

use std::io::{self, Read, Seek, SeekFrom};

use super::volume::UnlockedVolume;

/// Read ahead: far enough for the records of a directory, small enough to throw away.
const AHEAD_BYTES: u64 = 64 << 10;

/// `Read` and `Seek` over an unlocked volume.
#[derive(Debug)]
pub struct VolumeCursor<'v> {
    volume: &'v UnlockedVolume<'v>,
    position: u64,
    /// Where the bytes read ahead begin.
    ahead_start: u64,
    ahead: Vec<u8>,
}

impl UnlockedVolume<'_> {
    /// A reader over the view with read-ahead, for the file system's parser.
    pub fn cursor(&self) -> VolumeCursor<'_> {
        VolumeCursor::new(self)
    }
}

impl<'v> VolumeCursor<'v> {
    fn new(volume: &'v UnlockedVolume<'v>) -> Self {
        VolumeCursor { volume, position: 0, ahead_start: 0, ahead: Vec::new() }
    }

    /// The bytes read ahead from the position on; empty only at the end.
    fn ahead(&mut self) -> io::Result<&[u8]> {
        let end = self.ahead_start + self.ahead.len() as u64;
        if !(self.ahead_start..end).contains(&self.position) {
            let start = self.position / AHEAD_BYTES * AHEAD_BYTES;
            let count = self.volume.size().saturating_sub(start).min(AHEAD_BYTES);
            self.ahead.clear();
            self.ahead.resize(count as usize, 0);
            self.ahead_start = start;
            let outcome = self.volume.read_at(start, &mut self.ahead);
            if let Err(error) = outcome {
                self.ahead.clear();
                return Err(io::Error::other(error));
            }
        }
        let into = usize::try_from(self.position - self.ahead_start).unwrap_or(usize::MAX);
        Ok(self.ahead.get(into..).unwrap_or_default())
    }
}

impl Read for VolumeCursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.volume.size() {
            return Ok(0);
        }
        let count = match self.ahead() {
            Ok(ahead) => {
                let count = ahead.len().min(buffer.len());
                buffer[..count].copy_from_slice(&ahead[..count]);
                count
            }
            // A bad sector near by costs only what lies in it.
            Err(_) => {
                let rest = self.volume.size() - self.position;
                let count = rest.min(buffer.len() as u64) as usize;
                let read = self.volume.read_at(self.position, &mut buffer[..count]);
                read.map_err(io::Error::other)?;
                count
            }
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for VolumeCursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.volume.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
