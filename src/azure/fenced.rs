//! A container that is changed only while this run may do so. The right is looked at before every
//! attempt of every call, right before it is sent, and again while it is under way: a call that
//! is still being sent when the right is lost or comes into doubt is broken off.

use std::num::NonZero;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{ClientOptions, Context, Etag, Request, StatusCode};
use azure_storage_blobs::BlobClient;
use azure_storage_blobs::models::{
    BlobClientDeleteOptions, BlobClientSetPropertiesOptions,
    BlockBlobClientUploadBlobFromUrlOptions, BlockBlobClientUploadOptions,
};
use bytes::Bytes;
use disk_prep::noun::Md5Digest;

use super::clients::{Clients, code, is_absent};
use super::container::{
    Container, Copied, DOUBT_LOOK, Fence, Fenced, Removed, Sent, Supply, Upload, Vouched,
};
use super::copy_source::CopySource;
use super::error::Error;
use super::limit::Limit;
use super::retry::{Book, Repeat};
use super::runtime::block_on;

/// A write in one call up to here; above, in blocks.
const ONE_CALL_BYTES: NonZero<u64> = NonZero::new(256 << 20).expect("a number above zero");
/// Time between two looks while a call is under way.
const LOOK: Duration = Duration::from_secs(1);

/// A container at the service, with the right to change it.
#[derive(Debug)]
pub(super) struct FencedBlobs {
    clients: Arc<Clients>,
    container: Arc<dyn Container>,
    fence: Arc<dyn Fence>,
    options: ClientOptions,
}

impl FencedBlobs {
    /// The container, changed only as long as the fence allows it.
    pub fn new(
        clients: Arc<Clients>,
        container: Arc<dyn Container>,
        fence: Arc<dyn Fence>,
    ) -> Self {
        let mut options = clients.options.clone();
        // Before anything is signed, since a signature is good for some minutes only.
        options.per_try_policies.insert(0, Arc::new(Doubt(Arc::clone(&fence))));
        // The last before the transport: the look comes right before each attempt is sent.
        options.per_try_policies.push(Arc::new(Gate(Arc::clone(&fence))));
        FencedBlobs { clients, container, fence, options }
    }

    fn delete(&self, name: &str, options: BlobClientDeleteOptions<'_>) -> Result<Removed, Error> {
        let (blob, book) = self.blob(name)?;
        match block_on(blob.delete(Some(options))) {
            Ok(_) => Ok(Removed::Done),
            Err(error) if is_absent(&error) => Ok(Removed::Absent),
            // So the service also answers for a blob that is gone, as it is after a deletion of which
            // the answer was lost.
            Err(error) if error.http_status() == Some(StatusCode::PreconditionFailed) => {
                Ok(self.container.facts(name)?.map_or(Removed::Absent, |_| Removed::Changed))
            }
            Err(source) => Err(self.failed(name, source, &book)),
        }
    }

    /// Each of the calls names what it makes or deletes, so a second time does no harm.
    pub(super) fn blob(&self, name: &str) -> Result<(BlobClient, Book), Error> {
        self.clients.blob(name, self.options.clone(), Repeat::Harmless)
    }

    /// Our own refusal, if that is what ended the call; else what the service said.
    pub(super) fn failed(&self, name: &str, source: azure_core::Error, book: &Book) -> Error {
        refusal(&source).unwrap_or_else(|| self.clients.failure(name, source, book))
    }
}

impl Fenced for FencedBlobs {
    fn check(&self) -> Result<(), Error> {
        self.fence.wait()
    }

    fn container(&self) -> Arc<dyn Container> {
        Arc::clone(&self.container)
    }

    fn write(&self, name: &str, content: Bytes, md5: Md5Digest) -> Result<(), Error> {
        let options = BlockBlobClientUploadOptions {
            blob_content_md5: Some(md5.bytes().to_vec()),
            partition_size: Some(self.clients.limit.map_or(ONE_CALL_BYTES, Limit::body_bytes)),
            ..Default::default()
        };
        let (content, (blob, book)) = (content.into(), self.blob(name)?);
        let written = block_on(blob.block_blob_client().upload(content, Some(options)));
        written.map(drop).map_err(|source| self.failed(name, source, &book))
    }

    fn send(&self, upload: &Upload<'_>, content: &mut dyn Supply) -> Result<Sent, Error> {
        self.send_content(upload, content)
    }

    fn copy_from(&self, source: &CopySource, name: &str, md5: Md5Digest) -> Result<Copied, Error> {
        let (address, opener) = source.opened(&self.clients);
        let options = BlockBlobClientUploadBlobFromUrlOptions {
            source_content_md5: Some(md5.bytes().to_vec()),
            blob_content_md5: Some(md5.bytes().to_vec()),
            copy_source_blob_properties: Some(false),
            ..Default::default()
        };
        let mut own = self.options.clone();
        // The first of each attempt: what opens the source is signed with the rest.
        own.per_try_policies.insert(0, opener);
        let (blob, book) = self.clients.blob(name, own, Repeat::Harmless)?;
        let blob = blob.block_blob_client();
        let copied = block_on(blob.upload_blob_from_url(address, Some(options)));
        let error = match copied {
            Ok(_) => return Ok(Copied::Done),
            Err(error) => error,
        };
        match (error.http_status(), code(&error)) {
            (Some(StatusCode::NotImplemented), _) => Ok(Copied::Unsupported),
            (Some(StatusCode::NotFound), _) => Ok(Copied::Absent),
            (Some(StatusCode::BadRequest), "Md5Mismatch") => Ok(Copied::Different),
            _ => Err(self.failed(name, error, &book)),
        }
    }

    fn vouch(&self, name: &str, etag: &str, md5: Md5Digest) -> Result<Vouched, Error> {
        let options = BlobClientSetPropertiesOptions {
            blob_content_md5: Some(md5.bytes().to_vec()),
            blob_content_type: Some("application/octet-stream".to_owned()),
            if_match: Some(quoted(etag)),
            ..Default::default()
        };
        let (blob, book) = self.blob(name)?;
        match block_on(blob.set_properties(Some(options))) {
            Ok(_) => Ok(Vouched::Done),
            Err(error)
                if is_absent(&error)
                    || error.http_status() == Some(StatusCode::PreconditionFailed) =>
            {
                Ok(Vouched::Changed)
            }
            Err(source) => Err(self.failed(name, source, &book)),
        }
    }

    fn remove(&self, name: &str, etag: &str) -> Result<Removed, Error> {
        let if_match = Some(quoted(etag));
        self.delete(name, BlobClientDeleteOptions { if_match, ..Default::default() })
    }

    fn remove_any(&self, name: &str) -> Result<Removed, Error> {
        self.delete(name, BlobClientDeleteOptions::default())
    }
}

/// A version as a condition names it.
fn quoted(etag: &str) -> Etag {
    Etag::from(format!("\"{}\"", etag.trim_matches('"')))
}

/// The fence's refusal inside an error of the SDK, however often the pipeline has wrapped it.
fn refusal(error: &azure_core::Error) -> Option<Error> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(Error::LeaseLost { what, why }) = error.downcast_ref::<Error>() {
            return Some(Error::LeaseLost { what: what.clone(), why: *why });
        }
        next = error.source();
    }
    None
}

/// The right is lost for good.
fn lost(refusal: Error) -> azure_core::Error {
    azure_core::Error::with_error(CoreKind::Other, refusal, "the right to change is lost")
}

/// Lets an attempt wait until there is no doubt.
#[derive(Debug)]
struct Doubt(Arc<dyn Fence>);

#[async_trait::async_trait]
impl Policy for Doubt {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        self.0.check().map_err(lost)?;
        while self.0.is_in_doubt() {
            tokio::time::sleep(DOUBT_LOOK).await;
            self.0.check().map_err(lost)?;
        }
        let (first, rest) = next.split_first().expect("the transport comes last");
        first.send(ctx, request, rest).await
    }
}

/// Lets an attempt through as long as the fence allows it.
#[derive(Debug)]
struct Gate(Arc<dyn Fence>);

impl Gate {
    /// An attempt that comes into doubt is broken off, and tried again when it is over.
    fn look(&self) -> azure_core::Result<()> {
        self.0.check().map_err(lost)?;
        if self.0.is_in_doubt() {
            let text = "it is not known whether there is the right to change";
            return Err(azure_core::Error::with_message(CoreKind::Io, text));
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Policy for Gate {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        self.look()?;
        let (first, rest) = next.split_first().expect("the transport comes last");
        let mut sending = pin!(first.send(ctx, request, rest));
        loop {
            match tokio::time::timeout(LOOK, &mut sending).await {
                Ok(answer) => return answer,
                Err(_) => self.look()?,
            }
        }
    }
}
