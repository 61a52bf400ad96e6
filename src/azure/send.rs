//! A file on its way to a blob, piece by piece: a small one in one call, a larger one in blocks, a
//! page blob in stretches of pages. Whatever its length, one piece is in memory. A block blob comes
//! to be with its last call only; a page blob bears a mark until all of it is there.

use std::collections::HashMap;
use std::io::{self, Read};

use azure_core::http::Etag;
use azure_core::http::request::RequestContent;
use azure_storage_blobs::models::{
    BlobClientSetPropertiesOptions, BlockBlobClientCommitBlockListOptions,
    BlockBlobClientStageBlockOptions, BlockBlobClientUploadOptions, BlockLookupList,
    PageBlobClientCreateOptions, PageBlobClientUploadPagesOptions,
};
use disk_prep::limits::BLOCK_BYTES;
use disk_prep::noun::BlobType;
use md5::{Digest, Md5};

use super::clients::is_taken;
use super::container::{Labels, Over, Sent, Supply, Upload};
use super::error::Error;
use super::fenced::FencedBlobs;
use super::runtime::block_on;

/// Metadata of a page blob that is begun and not ended.
const UNFINISHED: &str = "azseed_unfinished";

/// Whether metadata of this name says that a blob is unfinished; services differ in its case.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.eq_ignore_ascii_case(UNFINISHED)
}

/// Content as it is read.
struct Pieces<'a> {
    content: &'a mut dyn Supply,
    md5: Md5,
    bytes: u64,
}

impl<'a> Pieces<'a> {
    fn of(content: &'a mut dyn Supply) -> Self {
        Pieces { content, md5: Md5::new(), bytes: 0 }
    }

    /// The next piece; empty at the end.
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        Read::take(&mut *self.content, BLOCK_BYTES).read_to_end(&mut piece)?;
        self.md5.update(&piece);
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        Ok(piece)
    }

    /// Whether that is all, and all of it is what it should be.
    fn is(self, upload: &Upload<'_>) -> bool {
        self.bytes == upload.bytes && self.md5.finalize().as_slice() == upload.md5.bytes()
    }
}

fn md5_of(piece: &[u8]) -> Option<Vec<u8>> {
    Some(Md5::digest(piece).to_vec())
}

/// The conditions of the call with which a blob comes to be: what must be there, what must not.
fn conditions(over: &Over) -> (Option<Etag>, Option<Etag>) {
    match over {
        Over::Nothing => (None, Some(Etag::from("*"))),
        Over::Seen(etag) => (Some(Etag::from(format!("\"{}\"", etag.trim_matches('"')))), None),
    }
}

impl Labels {
    fn property(&self, name: &str) -> Option<String> {
        let own = self.properties.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.clone())
    }

    fn metadata(&self) -> HashMap<String, String> {
        self.metadata.iter().cloned().collect()
    }
}

impl FencedBlobs {
    /// Sends a file.
    pub(super) fn send_content(
        &self,
        upload: &Upload<'_>,
        content: &mut dyn Supply,
    ) -> Result<Sent, Error> {
        match upload.kind {
            BlobType::BlockBlob => self.send_blocks(upload, content),
            BlobType::PageBlob => self.send_pages(upload, content),
        }
    }

    /// Does one call about the blob; each has its own tries.
    fn call<F, T>(
        &self,
        upload: &Upload<'_>,
        call: impl FnOnce(azure_storage_blobs::BlobClient) -> F,
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<T, azure_core::Error>>,
    {
        let (blob, book) = self.blob(upload.name)?;
        match block_on(call(blob)) {
            Ok(done) => Ok(Some(done)),
            Err(error) if is_taken(&error) => Ok(None),
            Err(error) => Err(self.failed(upload.name, error, &book)),
        }
    }

    fn send_blocks(&self, upload: &Upload<'_>, content: &mut dyn Supply) -> Result<Sent, Error> {
        let mut pieces = Pieces::of(content);
        let mut piece = match pieces.next() {
            Ok(piece) => piece,
            Err(error) => return Ok(Sent::Unreadable(error)),
        };
        if upload.bytes <= BLOCK_BYTES {
            return if pieces.is(upload) { self.put(upload, piece) } else { Ok(Sent::Different) };
        }
        let mut ids = Vec::new();
        while !piece.is_empty() {
            if pieces.bytes > upload.bytes {
                return Ok(Sent::Different);
            }
            // The form of the manifest: ids of one blob have one length, and what the datacenter
            // has left of it counts too.
            let id = u32::try_from(ids.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
            let (bytes, md5) = (piece.len() as u64, md5_of(&piece));
            let staged = self.call(upload, async |blob| {
                let options = BlockBlobClientStageBlockOptions {
                    transactional_content_md5: md5,
                    ..Default::default()
                };
                let body = RequestContent::from(piece);
                blob.block_blob_client().stage_block(&id, bytes, body, Some(options)).await
            })?;
            if staged.is_none() {
                return Ok(Sent::Taken);
            }
            ids.push(id);
            piece = match pieces.next() {
                Ok(piece) => piece,
                Err(error) => return Ok(Sent::Unreadable(error)),
            };
        }
        if pieces.is(upload) { self.commit(upload, ids) } else { Ok(Sent::Different) }
    }

    /// A blob in one call.
    fn put(&self, upload: &Upload<'_>, content: Vec<u8>) -> Result<Sent, Error> {
        let (if_match, if_none_match) = conditions(&upload.over);
        let options = BlockBlobClientUploadOptions {
            if_match,
            if_none_match,
            blob_content_md5: Some(upload.md5.bytes().to_vec()),
            blob_content_type: upload.labels.property("Content-Type"),
            blob_content_encoding: upload.labels.property("Content-Encoding"),
            blob_content_language: upload.labels.property("Content-Language"),
            blob_cache_control: upload.labels.property("Cache-Control"),
            metadata: Some(upload.labels.metadata()),
            ..Default::default()
        };
        let made = self.call(upload, async |blob| {
            let content = RequestContent::from(content);
            blob.block_blob_client().upload(content, Some(options)).await
        })?;
        Ok(made.map_or(Sent::Taken, |_| Sent::Done))
    }

    /// Makes a blob of the blocks that were sent.
    fn commit(&self, upload: &Upload<'_>, ids: Vec<Vec<u8>>) -> Result<Sent, Error> {
        let (if_match, if_none_match) = conditions(&upload.over);
        let options = BlockBlobClientCommitBlockListOptions {
            if_match,
            if_none_match,
            blob_content_md5: Some(upload.md5.bytes().to_vec()),
            blob_content_type: upload.labels.property("Content-Type"),
            blob_content_encoding: upload.labels.property("Content-Encoding"),
            blob_content_language: upload.labels.property("Content-Language"),
            blob_cache_control: upload.labels.property("Cache-Control"),
            metadata: Some(upload.labels.metadata()),
            ..Default::default()
        };
        let made = self.call(upload, async |blob| {
            let list = BlockLookupList { latest: Some(ids), ..Default::default() };
            blob.block_blob_client().commit_block_list(list.try_into()?, Some(options)).await
        })?;
        Ok(made.map_or(Sent::Taken, |_| Sent::Done))
    }

    /// Pages are written in place, so the content is proven before the first of them.
    fn send_pages(&self, upload: &Upload<'_>, content: &mut dyn Supply) -> Result<Sent, Error> {
        let is_it = is_content(upload, &mut *content).and_then(|is_it| {
            content.rewind()?;
            Ok(is_it)
        });
        match is_it {
            Ok(true) => {}
            Ok(false) => return Ok(Sent::Different),
            Err(error) => return Ok(Sent::Unreadable(error)),
        }
        if self.create_pages(upload)?.is_none() {
            return Ok(Sent::Taken);
        }
        let mut pieces = Pieces::of(content);
        loop {
            let start = pieces.bytes;
            let piece = match pieces.next() {
                Ok(piece) if piece.is_empty() || start >= upload.bytes => break,
                Ok(piece) => piece,
                Err(error) => return Ok(Sent::Unreadable(error)),
            };
            // A new page blob is all zeros.
            if piece.iter().all(|&byte| byte == 0) {
                continue;
            }
            let (bytes, md5) = (piece.len() as u64, md5_of(&piece));
            let written = self.call(upload, async |blob| {
                let options = PageBlobClientUploadPagesOptions {
                    transactional_content_md5: md5,
                    ..Default::default()
                };
                let (body, range) = (RequestContent::from(piece), start..start + bytes);
                let pages = blob.page_blob_client();
                pages.upload_pages(body, bytes, range.into(), Some(options)).await
            })?;
            if written.is_none() {
                return Ok(Sent::Taken);
            }
        }
        if pieces.is(upload) { self.end_pages(upload) } else { Ok(Sent::Different) }
    }

    fn create_pages(&self, upload: &Upload<'_>) -> Result<Option<()>, Error> {
        let (if_match, if_none_match) = conditions(&upload.over);
        let mut metadata = upload.labels.metadata();
        metadata.insert(UNFINISHED.to_owned(), "1".to_owned());
        let options = PageBlobClientCreateOptions {
            if_match,
            if_none_match,
            metadata: Some(metadata),
            ..Default::default()
        };
        self.call(upload, async |blob| {
            blob.page_blob_client().create(upload.bytes, Some(options)).await.map(drop)
        })
    }

    /// The mark goes before the MD5 comes: a blob with its MD5 is whole and has none.
    fn end_pages(&self, upload: &Upload<'_>) -> Result<Sent, Error> {
        let options = BlobClientSetPropertiesOptions {
            blob_content_md5: Some(upload.md5.bytes().to_vec()),
            blob_content_type: upload.labels.property("Content-Type"),
            blob_content_encoding: upload.labels.property("Content-Encoding"),
            blob_content_language: upload.labels.property("Content-Language"),
            blob_cache_control: upload.labels.property("Cache-Control"),
            ..Default::default()
        };
        let metadata = upload.labels.metadata();
        let ended = self.call(upload, async |blob| {
            blob.set_metadata(&metadata, None).await?;
            blob.set_properties(Some(options)).await
        })?;
        Ok(ended.map_or(Sent::Taken, |_| Sent::Done))
    }
}

fn is_content(upload: &Upload<'_>, content: &mut dyn Supply) -> io::Result<bool> {
    let mut pieces = Pieces::of(content);
    while !pieces.next()?.is_empty() && pieces.bytes <= upload.bytes {}
    Ok(pieces.is(upload))
}
