//! A page blob at the service, by the supported SDK. Blocks; may be used from many threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::request::RequestContent;
use azure_core::http::{Context, Etag, Request, StatusCode};
use azure_storage_blobs::BlobClient;
use azure_storage_blobs::models::{
    BlobClientAcquireLeaseOptions, BlobClientBreakLeaseOptions, BlobClientCreateSnapshotOptions,
    BlobClientCreateSnapshotResultHeaders, BlobClientDeleteOptions, BlobClientDownloadOptions,
    BlobClientGetPropertiesResultHeaders, BlobClientSetMetadataOptions,
    BlobClientStartCopyFromUrlOptions, BlobType, CopyStatus, DeleteSnapshotsOptionType, HttpRange,
    LeaseState, PageBlobClientClearPagesOptions, PageBlobClientCreateOptions,
    PageBlobClientListPageRangesOptions, PageBlobClientResizeOptions,
    PageBlobClientUploadPagesOptions,
};
use bytes::Bytes;
use disk_prep::limits::PAGES_LISTED;
use disk_prep::noun::{ContainerName, Md5Digest, Rate};
use futures::TryStreamExt;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::clients::{Clients, content, is_absent, is_taken};
use super::container::Made;
use super::copy_source::CopySource;
use super::credential::BlobOptions;
use super::error::Error;
use super::exchange::host;
use super::network::Network;
use super::page_blob::{AccountFacts, CopyFacts, PageBlob, PageFacts, PagesAsked, SnapshotFacts};
use super::page_calls::{self, held};
use super::page_list::PageList;
use super::page_metadata::{self, sent};
use super::retry::{Book, Repeat};
use super::runtime::block_on;

/// Azurite's name for itself. It answers a difference with all pages, and its copies share pages
/// with their source.
const AZURITE: &str = "Azurite-Blob";
const SERVER: HeaderName = HeaderName::from_static("server");
const EARLIER: HeaderName = HeaderName::from_static("x-ms-previous-snapshot-url");

/// A page blob at the service.
#[derive(Debug, Clone)]
pub struct ServicePageBlob {
    clients: Arc<Clients>,
    name: String,
}

/// Names the snapshot that a difference is asked against, by the address that opens it.
#[derive(Debug)]
struct Earlier(SecretString);

#[async_trait::async_trait]
impl Policy for Earlier {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let (first, rest) = next.split_first().expect("the transport comes last");
        request.insert_header(EARLIER, self.0.expose_secret().to_owned());
        first.send(ctx, request, rest).await
    }
}

fn quoted(etag: &str) -> Option<Etag> {
    Some(Etag::from(format!("\"{}\"", etag.trim_matches('"'))))
}

impl ServicePageBlob {
    /// The one that an address leads to which opens it: a secret.
    pub(super) fn at_link(
        link: &SecretString,
        network: &Network,
        limit: Option<Rate>,
    ) -> Result<Self, Error> {
        let (clients, name) = Clients::at_link(link, network, limit)?;
        Ok(ServicePageBlob { clients: Arc::new(clients), name })
    }

    /// It as the source of a copy by the service.
    pub(super) fn as_source(&self) -> CopySource {
        CopySource::at(&self.clients, &self.name)
    }

    /// One part of what changed since the snapshot that another such address opens ("Get Page Ranges",
    /// `managed-disks` 1).
    pub(super) fn pages_since(
        &self,
        earlier: &SecretString,
        marker: Option<&str>,
    ) -> Result<PageList, Error> {
        let mut options = self.clients.options.clone();
        options.per_try_policies.insert(0, Arc::new(Earlier(earlier.clone())));
        let (blob, book) = self.clients.blob(&self.name, options, Repeat::Harmless)?;
        self.listed(&blob, &book, marker)
    }

    fn listed(
        &self,
        client: &BlobClient,
        book: &Book,
        marker: Option<&str>,
    ) -> Result<PageList, Error> {
        let options = PageBlobClientListPageRangesOptions {
            maxresults: i32::try_from(PAGES_LISTED).ok(),
            marker: marker.map(str::to_owned),
            ..Default::default()
        };
        let body = block_on(async {
            let mut parts = client.page_blob_client().list_page_ranges(Some(options))?;
            Ok(parts.try_next().await?.map(|part| part.into_body()))
        });
        let body = body.map_err(|source| self.failure(source, book))?;
        let body: Bytes = body.map(Into::into).unwrap_or_default();
        PageList::parse(&body).map_err(|fault| self.answer(fault.to_string()))
    }

    /// Prepares a connection; nothing is sent yet.
    pub fn open(
        options: &BlobOptions,
        container: ContainerName,
        name: &str,
    ) -> Result<Self, Error> {
        let clients = Arc::new(Clients::open(options, container)?);
        Ok(ServicePageBlob { clients, name: name.to_owned() })
    }

    fn client(&self, snapshot: Option<&str>, repeat: Repeat) -> Result<(BlobClient, Book), Error> {
        let (blob, book) = self.clients.blob(&self.name, self.clients.options.clone(), repeat)?;
        let Some(id) = snapshot else { return Ok((blob, book)) };
        let older = blob.with_snapshot(id);
        Ok((older.map_err(|source| self.failure(source, &book))?, book))
    }

    fn failure(&self, source: azure_core::Error, book: &Book) -> Error {
        self.clients.failure(&self.name, source, book)
    }

    fn call<T, F>(&self, repeat: Repeat, call: impl FnOnce(BlobClient) -> F) -> Result<T, Error>
    where
        F: Future<Output = azure_core::Result<T>>,
    {
        let (blob, book) = self.client(None, repeat)?;
        block_on(call(blob)).map_err(|source| self.failure(source, &book))
    }

    /// A call that makes the blob: what is there stays.
    fn make<F>(&self, call: impl FnOnce(BlobClient) -> F) -> Result<Made, Error>
    where
        F: Future<Output = azure_core::Result<()>>,
    {
        let (blob, book) = self.client(None, Repeat::Harmless)?;
        match block_on(call(blob)) {
            Ok(()) => Ok(Made::New),
            Err(error) if is_taken(&error) => Ok(Made::There),
            Err(source) => Err(self.failure(source, &book)),
        }
    }

    /// A renewal comes again by itself, and one that waited would come too late.
    fn about_lease<F>(
        &self,
        repeat: Repeat,
        call: impl FnOnce(BlobClient) -> F,
    ) -> Result<(), Error>
    where
        F: Future<Output = azure_core::Result<()>>,
    {
        let (blob, book) = self.client(None, repeat)?;
        match block_on(call(blob)) {
            Err(error) if error.http_status() == Some(StatusCode::Conflict) => {
                Err(Error::Leased { what: self.name.clone() })
            }
            other => other.map_err(|source| self.failure(source, &book)),
        }
    }

    fn delete(&self, etag: &str, too: Option<DeleteSnapshotsOptionType>) -> Result<(), Error> {
        let options = BlobClientDeleteOptions {
            if_match: quoted(etag),
            delete_snapshots: too,
            ..Default::default()
        };
        self.call(
            Repeat::Harmless,
            |blob| async move { blob.delete(Some(options)).await.map(drop) },
        )
    }

    fn answer(&self, fault: String) -> Error {
        Error::Answer { host: host(&self.clients.url), fault, call: None }
    }
}

impl PageBlob for ServicePageBlob {
    fn address(&self) -> String {
        self.clients.blob_url(&self.clients.name, &self.name).to_string()
    }

    fn facts(&self, snapshot: Option<&str>) -> Result<Option<PageFacts>, Error> {
        let (blob, book) = self.client(snapshot, Repeat::Harmless)?;
        let looked = block_on(async {
            let told = blob.get_properties(None).await?;
            let server = told.headers().get_optional_str(&SERVER).unwrap_or_default();
            let is_azurite = server.starts_with(AZURITE);
            let copy = told.copy_status()?.map(|status| {
                let why = told.copy_status_description().ok().flatten().unwrap_or_default();
                let is_failed = matches!(status, CopyStatus::Failed | CopyStatus::Aborted);
                CopyFacts {
                    is_pending: status == CopyStatus::Pending,
                    failure: is_failed.then(|| format!("{status} {why}").trim().to_owned()),
                    progress: told.copy_progress().ok().flatten().unwrap_or_default(),
                }
            });
            Ok(PageFacts {
                bytes: told.content_length()?.unwrap_or(0),
                etag: told.etag()?.map(|etag| etag.to_string()).unwrap_or_default(),
                metadata: page_metadata::told(told.metadata()?),
                is_pages: told.blob_type()? == Some(BlobType::PageBlob),
                is_leased: matches!(
                    told.lease_state()?,
                    Some(LeaseState::Leased | LeaseState::Breaking)
                ),
                copy,
                is_azurite,
                is_sealed: snapshot.is_some(),
                is_incremental: told.is_incremental_copy()?.unwrap_or(false),
            })
        });
        match looked {
            Ok(facts) => Ok(Some(facts)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(self.failure(source, &book)),
        }
    }

    fn snapshots(&self) -> Result<Vec<SnapshotFacts>, Error> {
        let all = self.snapshots_below(&self.name)?;
        Ok(all.into_iter().filter(|(name, _)| *name == self.name).map(|(_, own)| own).collect())
    }

    fn snapshots_below(&self, prefix: &str) -> Result<Vec<(String, SnapshotFacts)>, Error> {
        page_calls::snapshots(&self.clients, prefix)
    }

    fn pages(&self, asked: PagesAsked<'_>) -> Result<PageList, Error> {
        let (blob, book) = self.client(asked.snapshot, Repeat::Harmless)?;
        // The SDK keeps what stands in the address, and has no word for an earlier snapshot.
        let mut url = blob.url().clone();
        if let Some(since) = asked.since {
            url.query_pairs_mut().append_pair("prevsnapshot", since);
        }
        let (client, book) = match asked.since {
            None => (blob, book),
            Some(_) => self.clients.blob_at(url, &self.name, self.clients.options.clone())?,
        };
        self.listed(&client, &book, asked.marker)
    }

    fn read(
        &self,
        snapshot: Option<&str>,
        start: u64,
        bytes: u64,
    ) -> Result<(Bytes, Option<Md5Digest>), Error> {
        let (blob, book) = self.client(snapshot, Repeat::Harmless)?;
        let options = BlobClientDownloadOptions {
            range: Some(HttpRange::from(start..start.saturating_add(bytes))),
            range_get_content_md5: Some(true),
            ..Default::default()
        };
        let read = block_on(content(&blob, options));
        let (content, md5) = read.map_err(|source| self.failure(source, &book))?;
        if content.len() as u64 != bytes {
            return Err(self.answer(format!("{} bytes came of {bytes}", content.len())));
        }
        Ok((content, md5.and_then(|own| own.try_into().ok()).map(Md5Digest::new)))
    }

    fn source(&self, snapshot: &str) -> Result<CopySource, Error> {
        Ok(CopySource::of_snapshot(&self.clients, &self.name, snapshot))
    }

    fn create(&self, bytes: u64, metadata: &BTreeMap<String, String>) -> Result<Made, Error> {
        let options = PageBlobClientCreateOptions {
            if_none_match: Some(Etag::from("*")),
            metadata: Some(sent(metadata)),
            ..Default::default()
        };
        self.make(|blob| async move {
            blob.page_blob_client().create(bytes, Some(options)).await.map(drop)
        })
    }

    fn copy_from(
        &self,
        source: &CopySource,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Made, Error> {
        let (address, opener) = source.opened(&self.clients);
        let mut client_options = self.clients.options.clone();
        client_options.per_try_policies.insert(0, opener);
        let options = BlobClientStartCopyFromUrlOptions {
            if_none_match: Some(Etag::from("*")),
            metadata: Some(sent(metadata)),
            ..Default::default()
        };
        let (blob, book) = self.clients.blob(&self.name, client_options, Repeat::Harmless)?;
        match block_on(blob.start_copy_from_url(address, Some(options))) {
            Ok(_) => Ok(Made::New),
            Err(error) if is_taken(&error) => Ok(Made::There),
            Err(source) => Err(self.failure(source, &book)),
        }
    }

    fn snapshot(
        &self,
        metadata: &BTreeMap<String, String>,
        lease: Option<Uuid>,
    ) -> Result<String, Error> {
        let options = BlobClientCreateSnapshotOptions {
            metadata: Some(sent(metadata)),
            lease_id: lease.map(|id| id.to_string()),
            ..Default::default()
        };
        let id = self.call(Repeat::IfUntaken, |blob| async move {
            blob.create_snapshot(Some(options)).await?.snapshot()
        })?;
        id.ok_or_else(|| self.answer("a snapshot has no identity".to_owned()))
    }

    fn write(&self, start: u64, content: Bytes, md5: Md5Digest, lease: Uuid) -> Result<(), Error> {
        let bytes = content.len() as u64;
        let options = PageBlobClientUploadPagesOptions {
            transactional_content_md5: Some(md5.bytes().to_vec()),
            lease_id: held(lease),
            ..Default::default()
        };
        let range = HttpRange::from(start..start.saturating_add(bytes));
        self.call(Repeat::Harmless, |blob| async move {
            let body = RequestContent::from(content.to_vec());
            blob.page_blob_client().upload_pages(body, bytes, range, Some(options)).await.map(drop)
        })
    }

    fn write_from(
        &self,
        source: &CopySource,
        place: (u64, u64),
        md5: Option<Md5Digest>,
        lease: Uuid,
    ) -> Result<(), Error> {
        page_calls::write_from((&self.clients, &self.name), source, place, (md5, held(lease)))
    }

    fn copy_changes(&self, source: &CopySource) -> Result<(), Error> {
        page_calls::copy_changes((&self.clients, &self.name), source)
    }

    fn account(&self) -> Option<AccountFacts> {
        page_calls::account(&self.clients)
    }

    fn clear(&self, start: u64, end: u64, lease: Uuid) -> Result<(), Error> {
        let options =
            PageBlobClientClearPagesOptions { lease_id: held(lease), ..Default::default() };
        let range = HttpRange::from(start..end);
        self.call(Repeat::Harmless, |blob| async move {
            blob.page_blob_client().clear_pages(range, Some(options)).await.map(drop)
        })
    }

    fn resize(&self, bytes: u64, lease: Uuid) -> Result<(), Error> {
        let options =
            PageBlobClientResizeOptions { lease_id: Some(lease.to_string()), ..Default::default() };
        self.call(Repeat::Harmless, |blob| async move {
            blob.page_blob_client().resize(bytes, Some(options)).await.map(drop)
        })
    }

    fn set_metadata(
        &self,
        metadata: &BTreeMap<String, String>,
        etag: &str,
        lease: Option<Uuid>,
    ) -> Result<(), Error> {
        let options = BlobClientSetMetadataOptions {
            if_match: quoted(etag),
            lease_id: lease.map(|id| id.to_string()),
            ..Default::default()
        };
        let metadata = sent(metadata);
        self.call(Repeat::IfUntaken, |blob| async move {
            blob.set_metadata(&metadata, Some(options)).await.map(drop)
        })
    }

    fn remove_snapshot(&self, id: &str) -> Result<(), Error> {
        let (blob, book) = self.client(Some(id), Repeat::Harmless)?;
        match block_on(blob.delete(None)) {
            Err(error) if !is_absent(&error) => Err(self.failure(error, &book)),
            _ => Ok(()),
        }
    }

    fn remove(&self, etag: &str) -> Result<(), Error> {
        self.delete(etag, Some(DeleteSnapshotsOptionType::Include))
    }

    fn remove_bare(&self, etag: &str) -> Result<(), Error> {
        self.delete(etag, None)
    }

    fn lease(&self, id: Uuid, secs: i32) -> Result<(), Error> {
        let options = BlobClientAcquireLeaseOptions {
            proposed_lease_id: Some(id.to_string()),
            ..Default::default()
        };
        self.about_lease(Repeat::IfUntaken, |blob| async move {
            blob.acquire_lease(secs, Some(options)).await.map(drop)
        })
    }

    fn renew_lease(&self, id: Uuid) -> Result<(), Error> {
        self.about_lease(Repeat::Never, |blob| async move {
            blob.renew_lease(id.to_string(), None).await.map(drop)
        })
    }

    fn change_lease(&self, from: Uuid, to: Uuid) -> Result<(), Error> {
        self.about_lease(Repeat::Never, |blob| async move {
            blob.change_lease(from.to_string(), to.to_string(), None).await.map(drop)
        })
    }

    fn release_lease(&self, id: Uuid) -> Result<(), Error> {
        self.about_lease(Repeat::Never, |blob| async move {
            blob.release_lease(id.to_string(), None).await.map(drop)
        })
    }

    fn break_lease(&self) -> Result<(), Error> {
        let options = BlobClientBreakLeaseOptions { break_period: Some(0), ..Default::default() };
        self.about_lease(Repeat::Never, |blob| async move {
            blob.break_lease(Some(options)).await.map(drop)
        })
    }

    fn beside(&self, name: &str) -> Arc<dyn PageBlob> {
        Arc::new(ServicePageBlob { clients: Arc::clone(&self.clients), name: name.to_owned() })
    }
}
