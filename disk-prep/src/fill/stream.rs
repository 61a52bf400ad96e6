//! A long file as a stream of batches: read, hashed block by block and as a whole, and able to go
//! on from a checkpoint. From the moment on that it is left out it yields zeros.

use super::source::{Root, Source};
use crate::dataset::DataFile;
use crate::hash::FileHasher;
use crate::journal::{Base64, Copied, FileChange, LeftOut, Stream, StreamMark};
use crate::noun::Md5Digest;

/// A long file on its way.
pub struct FileStream<'a> {
    planned: &'a DataFile,
    source: Result<Source<'a>, LeftOut>,
    hasher: FileHasher,
    blocks: Vec<Md5Digest>,
}

impl<'a> FileStream<'a> {
    /// Opens the file, at its beginning or where a checkpoint left it.
    pub fn open(root: &'a Root<'a>, planned: &'a DataFile, begun: Option<&Stream>) -> Self {
        let open = || Source::open(root, planned);
        let (source, hasher, blocks) = match begun {
            None => (open(), FileHasher::new(), Vec::new()),
            Some(Stream { left_out: Some(why), .. }) => {
                (Err(why.clone()), FileHasher::new(), Vec::new())
            }
            Some(stream) => match FileHasher::restore(&stream.hash_state) {
                Ok(hasher) => (open(), hasher, stream.blocks.clone()),
                Err(error) => {
                    let lost = LeftOut::new(FileChange::StreamLost, error.to_string());
                    (Err(lost), FileHasher::new(), Vec::new())
                }
            },
        };
        FileStream { planned, source, hasher, blocks }
    }

    /// The file as planned.
    pub fn planned(&self) -> &'a DataFile {
        self.planned
    }

    /// Why the file is left out, if it is.
    pub fn fault(&self) -> Option<&LeftOut> {
        self.source.as_ref().err()
    }

    /// Fills `room` with what lies from byte `at` on; how many bytes of it are the file's and must
    /// be hashed.
    pub fn read(&mut self, at: u64, room: &mut [u8]) -> usize {
        let data_bytes = self.planned.bytes.saturating_sub(at).min(room.len() as u64) as usize;
        let (data, padding) = room.split_at_mut(data_bytes);
        padding.fill(0);
        let read = match &mut self.source {
            Ok(file) => file.read(at, data),
            Err(why) => Err(why.clone()),
        };
        match read {
            Ok(()) => data_bytes,
            Err(why) => {
                data.fill(0);
                self.source = Err(why);
                0
            }
        }
    }

    /// Hands the digests so far over, to be advanced over what was read.
    pub fn hasher(&mut self) -> FileHasher {
        std::mem::take(&mut self.hasher)
    }

    /// Takes the digests back, and notes in `mark` how to go on from here.
    pub fn advanced(&mut self, mut hasher: FileHasher, mark: &mut StreamMark) {
        match &self.source {
            Ok(_) => {
                mark.new_blocks = hasher.take_blocks();
                mark.hash_state = Base64(hasher.save().to_vec());
                self.blocks.extend_from_slice(&mark.new_blocks);
            }
            Err(why) => mark.leave_out(why),
        }
        self.hasher = hasher;
    }

    /// The digests of the file, or why it is left out.
    pub fn finish(mut self) -> Result<Copied, LeftOut> {
        self.source?.finish()?;
        let end = self.hasher.finish();
        self.blocks.extend(end.blocks);
        Ok(Copied::new(end.md5, end.sha256, self.blocks))
    }
}
