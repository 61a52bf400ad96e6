//! Blobs of one container, by the supported SDK: listed with their MD5, read, leased, claimed.
//! Blocks; may be used from many threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::request::RequestContent;
use azure_core::http::{ClientOptions, Etag, RetryOptions, StatusCode, Transport};
use azure_storage_blobs::models::{
    BlobClientAcquireLeaseOptions, BlobClientDownloadOptions, BlobContainerClientListBlobsOptions,
    BlockBlobClientUploadOptions,
};
use azure_storage_blobs::{
    BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions,
};
use bytes::Bytes;
use disk_prep::noun::{ContainerName, Md5Digest};
use disk_prep::sys::hold::hold;
use futures::TryStreamExt;
use url::Url;
use uuid::Uuid;

use super::bounds::{Bounds, Walk};
use super::call::Call;
use super::credential::{BlobCredential, BlobOptions};
use super::error::Error;
use super::exchange::host;
use super::network::{Clear, encrypted, folder, is_loopback};
use super::reason::Reason;
use super::retry::{Book, Pace, RealPace, Repeat, Retry};
use super::runtime::block_on;
use super::signer::Signer;
use super::trace::Trace;
use super::transport::Bounded;

/// What the service says of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobFacts {
    /// Its length.
    pub bytes: u64,
    /// Its MD5, if the service has it.
    pub md5: Option<Md5Digest>,
    /// Its version, for deleting just this one.
    pub etag: String,
}

/// What came of a copy by the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// Copied; the service compared the MD5.
    Done,
    /// The source does not exist.
    Absent,
    /// The source has another MD5.
    Different,
    /// The service has no such call (status 501).
    Unsupported,
}

/// What came of deleting a blob as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Done,
    /// It was gone already.
    Absent,
    /// It is another one by now, and stays.
    Changed,
}

/// What came of writing a blob that may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was written.
    New,
    /// There is one of this name.
    There,
}

/// One container, to be read; see [`super::Fenced`] for changes.
pub struct Container {
    pub(super) options: ClientOptions,
    pace: Arc<dyn Pace>,
    url: Url,
    name: ContainerName,
    pub(super) signer: Arc<Signer>,
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Container({})", self.url)
    }
}

impl Container {
    /// Prepares a connection; nothing is sent yet.
    pub fn open(options: &BlobOptions, name: ContainerName) -> Result<Self, Error> {
        let account = &options.account;
        let base = match &options.endpoint {
            Some(endpoint) => {
                let base = folder(endpoint)?;
                base.join(&format!("{account}/"))
            }
            None => Url::parse(&format!("https://{account}.blob.core.windows.net/")),
        };
        let invalid = |error: url::ParseError| Error::Endpoint {
            endpoint: error.to_string(),
            rule: "it cannot be put together with a path",
        };
        let url = base.and_then(|base| base.join(name.as_str())).map_err(invalid)?;
        let is_keyed = matches!(options.credential, BlobCredential::Key(_));
        let clear = if url.scheme() == "http" && is_loopback(&url) && is_keyed {
            Clear::Loopback
        } else {
            encrypted(&url)?;
            Clear::Refused
        };
        let http = options.network.client(&url, clear)?;
        let carrier = options.network.carrier(&url, clear)?;
        let signer = Arc::new(Signer::new(options, &http, clear)?);
        let options = ClientOptions {
            per_try_policies: vec![signer.clone(), Arc::new(Trace)],
            transport: Some(Transport::new(Bounded::new(carrier, Bounds::default()))),
            // Ours stands among the policies of each call.
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        };
        Ok(Container { options, pace: RealPace::begin(), url, name, signer })
    }

    /// The container's name.
    pub fn name(&self) -> &ContainerName {
        &self.name
    }

    /// Makes the container if it does not exist.
    pub fn make(&self) -> Result<(), Error> {
        let (client, book) = self.client()?;
        match block_on(client.create(None)) {
            Err(error) if error.http_status() == Some(StatusCode::Conflict) => Ok(()),
            other => other.map(drop).map_err(|source| self.failure("", source, &book)),
        }
    }

    /// Every blob whose name begins so, by name; none if there is no container.
    pub fn list(&self, prefix: &str) -> Result<BTreeMap<String, BlobFacts>, Error> {
        let options = BlobContainerClientListBlobsOptions {
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
            ..Default::default()
        };
        let mut walk = Walk::new(&host(&self.url), Bounds::default());
        let bound = |error: Error| {
            azure_core::Error::with_error(CoreKind::Other, error, "the list was given up")
        };
        let (client, book) = self.client()?;
        let listed = block_on(async {
            let mut all = BTreeMap::new();
            let mut pages = client.list_blobs(Some(options))?.into_pages();
            while let Some(page) = pages.try_next().await? {
                let page = page.into_model()?;
                let next = page.next_marker.filter(|marker| !marker.is_empty());
                walk.page(page.blob_items.len(), next.as_deref()).map_err(bound)?;
                for item in page.blob_items {
                    let (Some(name), Some(own)) = (item.name, item.properties) else { continue };
                    let md5 =
                        own.content_md5.and_then(|md5| Some(Md5Digest::new(md5.try_into().ok()?)));
                    let etag = own.etag.map(|etag| etag.to_string()).unwrap_or_default();
                    let bytes = own.content_length.unwrap_or(0);
                    // Names come in order, so one that comes again comes for ever.
                    if all.insert(name, BlobFacts { bytes, md5, etag }).is_some() {
                        return Err(bound(walk.endless("a name came twice")));
                    }
                }
            }
            Ok(all)
        });
        match listed {
            Err(error) if is_absent(&error) => Ok(BTreeMap::new()),
            other => other.map_err(|source| self.failure(prefix, source, &book)),
        }
    }

    /// A blob's content; `None` if it does not exist.
    pub fn read(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.download(name, None)
    }

    /// A stretch of a blob.
    pub fn read_part(&self, name: &str, offset: u64, bytes: u64) -> Result<Bytes, Error> {
        let end = offset.saturating_add(bytes);
        let part = self.download(name, Some(offset..end))?;
        part.ok_or_else(|| Error::NotFound {
            what: name.to_owned(),
            message: "the blob does not exist".to_owned(),
            call: None,
        })
    }

    fn download(
        &self,
        name: &str,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Option<Bytes>, Error> {
        let options =
            BlobClientDownloadOptions { range: range.map(Into::into), ..Default::default() };
        let (blob, book) = self.blob(name, Repeat::Harmless)?;
        let read = block_on(async { blob.download(Some(options)).await?.body.collect().await });
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(self.failure(name, source, &book)),
        }
    }

    /// Writes a small blob if there is none of this name; never changes one that is there.
    pub fn write_new(&self, name: &str, content: Bytes) -> Result<Made, Error> {
        let options = BlockBlobClientUploadOptions {
            if_none_match: Some(Etag::from("*")),
            ..Default::default()
        };
        let content = RequestContent::from(content.to_vec());
        let (blob, book) = self.blob(name, Repeat::Harmless)?;
        match block_on(blob.block_blob_client().upload(content, Some(options))) {
            Ok(_) => Ok(Made::New),
            // A blob that is leased answers so before its condition is looked at.
            Err(error)
                if matches!(
                    error.http_status(),
                    Some(StatusCode::Conflict | StatusCode::PreconditionFailed)
                ) =>
            {
                Ok(Made::There)
            }
            Err(source) => Err(self.failure(name, source, &book)),
        }
    }

    /// Leases a blob for so many seconds. Tried once, like all that is done with leases: who
    /// waited for a second attempt would not know since when it has one.
    pub fn lease(&self, name: &str, id: Uuid, secs: i32) -> Result<(), Error> {
        let options = BlobClientAcquireLeaseOptions {
            proposed_lease_id: Some(id.to_string()),
            ..Default::default()
        };
        self.about_lease(name, |blob| async move {
            blob.acquire_lease(secs, Some(options)).await.map(drop)
        })
    }

    /// Renews a lease that is held.
    pub fn renew_lease(&self, name: &str, id: Uuid) -> Result<(), Error> {
        self.about_lease(name, |blob| async move {
            blob.renew_lease(id.to_string(), None).await.map(drop)
        })
    }

    /// Takes a lease over from a run whose id is known.
    pub fn change_lease(&self, name: &str, from: Uuid, to: Uuid) -> Result<(), Error> {
        self.about_lease(name, |blob| async move {
            blob.change_lease(from.to_string(), to.to_string(), None).await.map(drop)
        })
    }

    /// Gives a lease back.
    pub fn release_lease(&self, name: &str, id: Uuid) -> Result<(), Error> {
        self.about_lease(name, |blob| async move {
            blob.release_lease(id.to_string(), None).await.map(drop)
        })
    }

    fn about_lease<F>(&self, name: &str, call: impl FnOnce(BlobClient) -> F) -> Result<(), Error>
    where
        F: Future<Output = azure_core::Result<()>>,
    {
        let (blob, book) = self.blob(name, Repeat::Never)?;
        match block_on(call(blob)) {
            Err(error) if error.http_status() == Some(StatusCode::Conflict) => {
                Err(Error::Leased { what: name.to_owned() })
            }
            other => other.map_err(|source| self.failure(name, source, &book)),
        }
    }

    pub(super) fn blob_url(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        // A slash stays a slash: services differ in what they make of an encoded one.
        url.path_segments_mut().expect("the endpoint can have a path").extend(name.split('/'));
        url
    }

    /// A client for one call of the container, and where its tries are written down.
    fn client(&self) -> Result<(BlobContainerClient, Book), Error> {
        let (client_options, book) = self.retried(self.options.clone(), Repeat::Harmless);
        let own = BlobContainerClientOptions { client_options, ..Default::default() };
        let client = BlobContainerClient::new(self.url.clone(), None, Some(own));
        Ok((client.map_err(|source| self.failure("", source, &book))?, book))
    }

    fn blob(&self, name: &str, repeat: Repeat) -> Result<(BlobClient, Book), Error> {
        self.blob_with(name, self.options.clone(), repeat)
    }

    /// A client for one call of a blob, and where its tries are written down.
    pub(super) fn blob_with(
        &self,
        name: &str,
        options: ClientOptions,
        repeat: Repeat,
    ) -> Result<(BlobClient, Book), Error> {
        let (client_options, book) = self.retried(options, repeat);
        let own = BlobClientOptions { client_options, ..Default::default() };
        let client = BlobClient::new(self.blob_url(name), None, Some(own));
        Ok((client.map_err(|source| self.failure(name, source, &book))?, book))
    }

    fn retried(&self, mut options: ClientOptions, repeat: Repeat) -> (ClientOptions, Book) {
        let retry = Retry::new(&self.pace, repeat);
        let book = retry.book();
        options.per_call_policies.push(Arc::new(retry));
        (options, book)
    }

    pub(super) fn failure(&self, name: &str, source: azure_core::Error, book: &Book) -> Error {
        let unsent = || Call::new("HEAD", &self.blob_url(name), 0, Duration::ZERO);
        let call = hold(book).take().unwrap_or_else(unsent);
        failure(&self.url, name, source, call)
    }
}

pub(super) fn code(error: &azure_core::Error) -> &str {
    match error.kind() {
        CoreKind::HttpResponse { error_code: Some(code), .. } => code,
        _ => "",
    }
}

pub(super) fn is_absent(error: &azure_core::Error) -> bool {
    error.http_status() == Some(StatusCode::NotFound)
}

/// Our own error, however often the pipeline has wrapped it.
fn own(error: azure_core::Error) -> Option<Error> {
    let inner = error.into_inner().ok()?;
    match inner.downcast::<Error>() {
        Ok(own) => Some(*own),
        Err(inner) => own(*inner.downcast::<azure_core::Error>().ok()?),
    }
}

fn failure(url: &Url, name: &str, source: azure_core::Error, call: Call) -> Error {
    let reason = Reason::of(&source);
    let host = host(url);
    let what = format!("{}/{name}", url.path().trim_start_matches('/'));
    let said = code(&source).to_owned();
    let status = match source.http_status() {
        Some(status) => u16::from(status),
        None => {
            // What our own policies found is told as what it is, not as a network that is gone.
            let fault = reason.line();
            let other = match source.kind() {
                CoreKind::Credential => Error::NotSignedIn,
                CoreKind::DataConversion => Error::Answer { host, fault, call: None },
                _ => Error::Unreachable { host, call: Box::new(call.clone().because(reason)) },
            };
            return own(source).unwrap_or(other).of_call(call);
        }
    };
    let message = format!("{what} ({status})");
    let error = match status {
        401 | 403 => Error::NotAllowed { code: said, message, call: None },
        404 => Error::NotFound { what, message: said, call: None },
        408 | 429 | 500.. => Error::Failing { host, status, call: None },
        _ => Error::Refused { code: said, message, call: None },
    };
    error.of_call(call)
}
