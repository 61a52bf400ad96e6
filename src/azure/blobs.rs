//! A container at the service, by the supported SDK: listed with its blobs' MD5, read, leased,
//! claimed. Blocks; may be used from many threads.

use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::request::RequestContent;
use azure_core::http::{Etag, StatusCode};
use azure_storage_blobs::BlobClient;
use azure_storage_blobs::models::{
    BlobClientAcquireLeaseOptions, BlobClientDownloadOptions, BlobClientGetPropertiesResultHeaders,
    BlobContainerClientListBlobsOptions, BlockBlobClientUploadOptions,
};
use bytes::Bytes;
use disk_prep::noun::{ContainerName, Md5Digest};
use futures::TryStreamExt;
use jiff::Timestamp;
use uuid::Uuid;

use super::bounds::{Bounds, Walk};
use super::clients::{Clients, content, is_absent, is_taken};
use super::container::{BlobFacts, Container, Fence, Fenced, Made};
use super::copy_source::CopySource;
use super::credential::BlobOptions;
use super::error::Error;
use super::exchange::host;
use super::fenced::FencedBlobs;
use super::protection::{Protection, protection};
use super::retry::{Book, Repeat};
use super::runtime::block_on;
use super::send::is_unfinished;

/// The most that one call reads. Of up to 4 MiB Azurite reckons the MD5, asked for or not.
const PART_BYTES: NonZero<usize> = NonZero::new(8 << 20).expect("a number above zero");

/// One container at the service.
#[derive(Debug)]
pub struct BlobContainer {
    clients: Arc<Clients>,
}

fn digest(md5: Vec<u8>) -> Option<Md5Digest> {
    md5.try_into().ok().map(Md5Digest::new)
}

/// The SDK's moment as ours; the service tells whole seconds.
fn moment(at: azure_core::time::OffsetDateTime) -> Option<Timestamp> {
    Timestamp::from_second(at.unix_timestamp()).ok()
}

impl BlobContainer {
    /// Prepares a connection; nothing is sent yet.
    pub fn open(options: &BlobOptions, name: ContainerName) -> Result<Self, Error> {
        Ok(BlobContainer { clients: Arc::new(Clients::open(options, name)?) })
    }

    fn download(&self, name: &str, range: Option<Range<u64>>) -> Result<Option<Bytes>, Error> {
        let options = BlobClientDownloadOptions {
            range: range.map(Into::into),
            partition_size: Some(PART_BYTES),
            ..Default::default()
        };
        let (blob, book) = self.blob(name, Repeat::Harmless)?;
        match block_on(content(&blob, options)) {
            Ok((bytes, _)) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(self.failure(name, source, &book)),
        }
    }

    fn about_lease<F>(
        &self,
        name: &str,
        repeat: Repeat,
        call: impl FnOnce(BlobClient) -> F,
    ) -> Result<(), Error>
    where
        F: Future<Output = azure_core::Result<()>>,
    {
        let (blob, book) = self.blob(name, repeat)?;
        match block_on(call(blob)) {
            Err(error) if error.http_status() == Some(StatusCode::Conflict) => {
                Err(Error::Leased { what: name.to_owned() })
            }
            other => other.map_err(|source| self.failure(name, source, &book)),
        }
    }

    fn blob(&self, name: &str, repeat: Repeat) -> Result<(BlobClient, Book), Error> {
        self.clients.blob(name, self.clients.options.clone(), repeat)
    }

    fn failure(&self, name: &str, source: azure_core::Error, book: &Book) -> Error {
        self.clients.failure(name, source, book)
    }
}

impl Container for BlobContainer {
    fn name(&self) -> &ContainerName {
        &self.clients.name
    }

    fn patience(&self) -> Duration {
        self.clients.patience()
    }

    fn make(&self) -> Result<(), Error> {
        let (client, book) = self.clients.container()?;
        match block_on(client.create(None)) {
            Err(error) if error.http_status() == Some(StatusCode::Conflict) => Ok(()),
            other => other.map(drop).map_err(|source| self.failure("", source, &book)),
        }
    }

    fn walk(
        &self,
        prefix: &str,
        show: &mut dyn FnMut(String, BlobFacts) -> bool,
    ) -> Result<(), Error> {
        let options = BlobContainerClientListBlobsOptions {
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
            ..Default::default()
        };
        let mut walk = Walk::new(&host(&self.clients.url), Bounds::default());
        let bound = |error: Error| {
            azure_core::Error::with_error(CoreKind::Other, error, "the list was given up")
        };
        let (client, book) = self.clients.container()?;
        let listed = block_on(async {
            let mut pages = client.list_blobs(Some(options))?.into_pages();
            while let Some(page) = pages.try_next().await? {
                let page = page.into_model()?;
                let next = page.next_marker.filter(|marker| !marker.is_empty());
                walk.page(page.blob_items.len(), next.as_deref()).map_err(bound)?;
                for item in page.blob_items {
                    let (Some(name), Some(own)) = (item.name, item.properties) else { continue };
                    let etag = own.etag.map(|etag| etag.to_string()).unwrap_or_default();
                    let bytes = own.content_length.unwrap_or(0);
                    let md5 = own.content_md5.and_then(digest);
                    let modified_at = own.last_modified.and_then(moment);
                    let facts = BlobFacts { bytes, md5, etag, modified_at, is_unfinished: false };
                    // Names come in order, so one that comes again comes for ever.
                    if !show(name, facts) {
                        return Err(bound(walk.endless("a name came twice")));
                    }
                }
            }
            Ok(())
        });
        match listed {
            Err(error) if is_absent(&error) => Ok(()),
            other => other.map_err(|source| self.failure(prefix, source, &book)),
        }
    }

    fn facts(&self, name: &str) -> Result<Option<BlobFacts>, Error> {
        let (blob, book) = self.blob(name, Repeat::Harmless)?;
        let looked = block_on(async {
            let told = blob.get_properties(None).await?;
            let etag = told.etag()?.map(|etag| etag.to_string()).unwrap_or_default();
            let is_unfinished = told.metadata()?.keys().any(|own| is_unfinished(own));
            let (bytes, md5) = (told.content_length()?.unwrap_or(0), told.content_md5()?);
            let modified_at = told.last_modified()?.and_then(moment);
            let md5 = md5.and_then(digest);
            Ok(BlobFacts { bytes, md5, etag, modified_at, is_unfinished })
        });
        match looked {
            Ok(facts) => Ok(Some(facts)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(self.failure(name, source, &book)),
        }
    }

    fn protection(&self) -> Result<Protection, Error> {
        protection(&self.clients)
    }

    fn read(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.download(name, None)
    }

    fn source(&self, name: &str) -> CopySource {
        CopySource::at(&self.clients, name)
    }

    fn read_part(&self, name: &str, offset: u64, bytes: u64) -> Result<Bytes, Error> {
        let end = offset.saturating_add(bytes);
        let part = self.download(name, Some(offset..end))?;
        part.ok_or_else(|| Error::NotFound {
            what: name.to_owned(),
            message: "the blob does not exist".to_owned(),
            call: None,
        })
    }

    fn write_new(&self, name: &str, content: Bytes) -> Result<Made, Error> {
        let options = BlockBlobClientUploadOptions {
            if_none_match: Some(Etag::from("*")),
            ..Default::default()
        };
        let content = RequestContent::from(content.to_vec());
        let (blob, book) = self.blob(name, Repeat::Harmless)?;
        match block_on(blob.block_blob_client().upload(content, Some(options))) {
            Ok(_) => Ok(Made::New),
            Err(error) if is_taken(&error) => Ok(Made::There),
            Err(source) => Err(self.failure(name, source, &book)),
        }
    }

    fn lease(&self, name: &str, id: Uuid, secs: i32) -> Result<(), Error> {
        let options = BlobClientAcquireLeaseOptions {
            proposed_lease_id: Some(id.to_string()),
            ..Default::default()
        };
        // Asked for once more under the same id it is the same lease.
        self.about_lease(name, Repeat::Harmless, |blob| async move {
            blob.acquire_lease(secs, Some(options)).await.map(drop)
        })
    }

    fn renew_lease(&self, name: &str, id: Uuid) -> Result<(), Error> {
        // One that comes late may renew what has been given up since.
        self.about_lease(name, Repeat::Never, |blob| async move {
            blob.renew_lease(id.to_string(), None).await.map(drop)
        })
    }

    fn change_lease(&self, name: &str, from: Uuid, to: Uuid) -> Result<(), Error> {
        self.about_lease(name, Repeat::IfUntaken, |blob| async move {
            blob.change_lease(from.to_string(), to.to_string(), None).await.map(drop)
        })
    }

    fn release_lease(&self, name: &str, id: Uuid) -> Result<(), Error> {
        self.about_lease(name, Repeat::Never, |blob| async move {
            blob.release_lease(id.to_string(), None).await.map(drop)
        })
    }

    fn fenced(self: Arc<Self>, fence: Arc<dyn Fence>) -> Arc<dyn Fenced> {
        let clients = Arc::clone(&self.clients);
        Arc::new(FencedBlobs::new(clients, self, fence))
    }
}
