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

    /// Fills `room` with what lies from byte `at` on, and notes in `mark` how to go on behind it.
    pub fn fill(&mut self, at: u64, room: &mut [u8], mark: &mut StreamMark) {
        let data_bytes = self.planned.bytes.saturating_sub(at).min(room.len() as u64) as usize;
        let (data, padding) = room.split_at_mut(data_bytes);
        padding.fill(0);
        let read = match &mut self.source {
            Ok(file) => file.read(at, data),
            Err(why) => Err(why.clone()),
        };
        match read {
            Ok(()) => {
                self.hasher.update(data);
                mark.new_blocks = self.hasher.take_blocks();
                mark.hash_state = Base64(self.hasher.save().to_vec());
                self.blocks.extend_from_slice(&mark.new_blocks);
            }
            Err(why) => {
                data.fill(0);
                mark.leave_out(&why);
                self.source = Err(why);
            }
        }
    }

    /// The digests of the file, or why it is left out.
    pub fn finish(mut self) -> Result<Copied, LeftOut> {
        self.source?.finish()?;
        let end = self.hasher.finish();
        self.blocks.extend(end.blocks);
        Ok(Copied::new(end.md5, end.sha256, self.blocks))
    }
}
