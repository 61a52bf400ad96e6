//! Blobs of one container, by the supported SDK: listed with their MD5, read, written, copied by
//! the service itself, deleted only as they were seen. Blocks; may be used from many threads.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::request::RequestContent;
use azure_core::http::{
    ClientOptions, Etag, ExponentialRetryOptions, RetryOptions, StatusCode, Transport,
};
use azure_storage_blobs::models::{
    BlobClientAcquireLeaseOptions, BlobClientDeleteOptions, BlobClientDownloadOptions,
    BlobContainerClientListBlobsOptions, BlockBlobClientUploadBlobFromUrlOptions,
    BlockBlobClientUploadOptions,
};
use azure_storage_blobs::{
    BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions,
};
use bytes::Bytes;
use disk_prep::noun::{AccountName, ContainerName, Md5Digest};
use futures::TryStreamExt;
use secrecy::SecretString;
use url::Url;

use super::Error;
use super::address::{Address, Reason};
use super::bounds::{Bounds, Walk};
use super::network::{Clear, Network, encrypted, folder, is_loopback};
use super::signer::Signer;
use super::trace::Trace;
use super::transport::Bounded;

/// A write in one call up to here; above, in blocks.
const ONE_CALL_BYTES: NonZero<u64> = NonZero::new(256 << 20).expect("a number above zero");
/// A call that fails is tried so often again, half a minute at most; then somebody is told.
const RETRIES: u32 = 6;
/// Seconds of a lease; the shortest that the service gives is 15.
const LEASE_SECS: i32 = 60;

/// Where blobs are and how to reach them.
#[derive(Debug, Clone)]
pub struct BlobOptions {
    /// The storage account.
    pub account: AccountName,
    /// The endpoint with the account in its path; without it, the public cloud's.
    pub endpoint: Option<Address>,
    /// Where tokens are given.
    pub authority: Address,
    /// Certificates and proxy.
    pub network: Network,
    /// What opens the account.
    pub credential: BlobCredential,
}

/// What opens an account.
#[derive(Debug, Clone)]
pub enum BlobCredential {
    /// Whoever is signed in, or a token that was given.
    SignedIn(Option<SecretString>),
    /// The account's key.
    Key(SecretString),
    /// A shared access signature.
    Sas(SecretString),
}

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

/// One container.
pub struct Container {
    runtime: tokio::runtime::Runtime,
    client: BlobContainerClient,
    options: ClientOptions,
    url: Url,
    name: ContainerName,
    signer: Arc<Signer>,
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
        let signer = Arc::new(Signer::new(options, &http, clear)?);
        let options = ClientOptions {
            per_try_policies: vec![signer.clone(), Arc::new(Trace)],
            transport: Some(Transport::new(Bounded::new(http, Bounds::default()))),
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                max_retries: RETRIES,
                ..ExponentialRetryOptions::default()
            }),
            ..ClientOptions::default()
        };
        let own =
            BlobContainerClientOptions { client_options: options.clone(), ..Default::default() };
        let client = BlobContainerClient::new(url.clone(), None, Some(own))
            .map_err(|source| failure(&url, "", source))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime needs nothing that can be missing");
        Ok(Container { runtime, client, options, url, name, signer })
    }

    /// The container's name.
    pub fn name(&self) -> &ContainerName {
        &self.name
    }

    /// Makes the container if it does not exist.
    pub fn make(&self) -> Result<(), Error> {
        match self.runtime.block_on(self.client.create(None)) {
            Err(error) if error.http_status() == Some(StatusCode::Conflict) => Ok(()),
            other => other.map(drop).map_err(|source| self.failure("", source)),
        }
    }

    /// Every blob whose name begins so, by name; none if there is no container.
    pub fn list(&self, prefix: &str) -> Result<BTreeMap<String, BlobFacts>, Error> {
        let options = BlobContainerClientListBlobsOptions {
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
            ..Default::default()
        };
        let mut walk = Walk::new(self.url.host_str().unwrap_or_default(), Bounds::default());
        let bound = |error: Error| {
            azure_core::Error::with_error(CoreKind::Other, error, "the list was given up")
        };
        let listed = self.runtime.block_on(async {
            let mut all = BTreeMap::new();
            let mut pages = self.client.list_blobs(Some(options))?.into_pages();
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
            other => other.map_err(|source| self.failure(prefix, source)),
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
        })
    }

    fn download(
        &self,
        name: &str,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Option<Bytes>, Error> {
        let options =
            BlobClientDownloadOptions { range: range.map(Into::into), ..Default::default() };
        let read = self.runtime.block_on(async {
            self.blob(name)?.download(Some(options)).await?.body.collect().await
        });
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(self.failure(name, source)),
        }
    }

    /// Writes a blob whole, with its MD5, which the service compares where one call carries all.
    pub fn write(&self, name: &str, content: Bytes, md5: Md5Digest) -> Result<(), Error> {
        let options = BlockBlobClientUploadOptions {
            blob_content_md5: Some(md5.bytes().to_vec()),
            partition_size: Some(ONE_CALL_BYTES),
            ..Default::default()
        };
        let content = RequestContent::from(content.to_vec());
        let written = self.runtime.block_on(async {
            self.blob(name)?.block_blob_client().upload(content, Some(options)).await
        });
        written.map(drop).map_err(|source| self.failure(name, source))
    }

    /// Lets the service copy a blob of another container of this account, if its content has this
    /// MD5. The MD5 becomes a property of the copy.
    pub fn copy_from(
        &self,
        source: (&Container, &str),
        name: &str,
        md5: Md5Digest,
    ) -> Result<Copied, Error> {
        let (from, from_name) = source;
        let mut address = from.blob_url(from_name);
        let options = |authorization| BlockBlobClientUploadBlobFromUrlOptions {
            source_content_md5: Some(md5.bytes().to_vec()),
            blob_content_md5: Some(md5.bytes().to_vec()),
            copy_source_blob_properties: Some(false),
            copy_source_authorization: authorization,
            ..Default::default()
        };
        let copied = self.runtime.block_on(async {
            let authorization = self.signer.open_source(&mut address, &from.name).await?;
            let blob = self.blob(name)?.block_blob_client();
            blob.upload_blob_from_url(address.to_string(), Some(options(authorization))).await
        });
        let error = match copied {
            Ok(_) => return Ok(Copied::Done),
            Err(error) => error,
        };
        match (error.http_status(), code(&error)) {
            (Some(StatusCode::NotImplemented), _) => Ok(Copied::Unsupported),
            (Some(StatusCode::NotFound), _) => Ok(Copied::Absent),
            (Some(StatusCode::BadRequest), "Md5Mismatch") => Ok(Copied::Different),
            _ => Err(self.failure(name, error)),
        }
    }

    /// Deletes a blob if it is still the one that was seen.
    pub fn remove(&self, name: &str, etag: &str) -> Result<Removed, Error> {
        let etag = format!("\"{}\"", etag.trim_matches('"'));
        let options =
            BlobClientDeleteOptions { if_match: Some(Etag::from(etag)), ..Default::default() };
        self.delete(name, options)
    }

    /// Deletes a blob, whatever it is.
    pub fn remove_any(&self, name: &str) -> Result<Removed, Error> {
        self.delete(name, BlobClientDeleteOptions::default())
    }

    fn delete(&self, name: &str, options: BlobClientDeleteOptions<'_>) -> Result<Removed, Error> {
        let deleted = self.runtime.block_on(async { self.blob(name)?.delete(Some(options)).await });
        match deleted {
            Ok(_) => Ok(Removed::Done),
            Err(error) if is_absent(&error) => Ok(Removed::Absent),
            Err(error) if error.http_status() == Some(StatusCode::PreconditionFailed) => {
                Ok(Removed::Changed)
            }
            Err(source) => Err(self.failure(name, source)),
        }
    }

    /// Leases a blob for a minute; whoever has this id already has it anew. Tried once: who
    /// renews a lease comes again anyway.
    pub fn lease(&self, name: &str, id: uuid::Uuid) -> Result<(), Error> {
        let options = BlobClientAcquireLeaseOptions {
            proposed_lease_id: Some(id.to_string()),
            ..Default::default()
        };
        let leased = self.runtime.block_on(async {
            self.blob_once(name)?.acquire_lease(LEASE_SECS, Some(options)).await
        });
        match leased {
            Ok(_) => Ok(()),
            Err(error) if error.http_status() == Some(StatusCode::Conflict) => {
                Err(Error::Leased { what: name.to_owned() })
            }
            Err(source) => Err(self.failure(name, source)),
        }
    }

    /// How often a lease must be renewed.
    pub const RENEW_WITHIN: Duration = Duration::from_secs(20);

    /// Gives a lease back.
    pub fn release(&self, name: &str, id: uuid::Uuid) -> Result<(), Error> {
        let released = self
            .runtime
            .block_on(async { self.blob_once(name)?.release_lease(id.to_string(), None).await });
        released.map(drop).map_err(|source| self.failure(name, source))
    }

    fn blob_url(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        // A slash stays a slash: services differ in what they make of an encoded one.
        url.path_segments_mut().expect("the endpoint can have a path").extend(name.split('/'));
        url
    }

    fn blob(&self, name: &str) -> azure_core::Result<BlobClient> {
        self.blob_with(name, self.options.clone())
    }

    fn blob_once(&self, name: &str) -> azure_core::Result<BlobClient> {
        let options = ClientOptions { retry: RetryOptions::none(), ..self.options.clone() };
        self.blob_with(name, options)
    }

    fn blob_with(
        &self,
        name: &str,
        client_options: ClientOptions,
    ) -> azure_core::Result<BlobClient> {
        let own = BlobClientOptions { client_options, ..Default::default() };
        BlobClient::new(self.blob_url(name), None, Some(own))
    }

    fn failure(&self, name: &str, source: azure_core::Error) -> Error {
        failure(&self.url, name, source)
    }
}

fn code(error: &azure_core::Error) -> &str {
    match error.kind() {
        CoreKind::HttpResponse { error_code: Some(code), .. } => code,
        _ => "",
    }
}

fn is_absent(error: &azure_core::Error) -> bool {
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

fn failure(url: &Url, name: &str, source: azure_core::Error) -> Error {
    let reason = Reason::of(&source);
    let host = url.host_str().unwrap_or_default().to_owned();
    let what = format!("{}/{name}", url.path().trim_start_matches('/'));
    let said = code(&source).to_owned();
    let status = match source.http_status() {
        Some(status) => u16::from(status),
        None => {
            // What our own policies found is told as what it is, not as a network that is gone.
            let other = match source.kind() {
                CoreKind::Credential => Error::NotSignedIn,
                CoreKind::DataConversion => Error::Answer { host, fault: reason.line() },
                _ => Error::Unreachable { host, source: reason },
            };
            return own(source).unwrap_or(other);
        }
    };
    let message = format!("{what} ({status})");
    match status {
        401 | 403 => Error::NotAllowed { code: said, message },
        404 => Error::NotFound { what, message: said },
        429 | 500.. => Error::Failing { host, status },
        _ => Error::Refused { code: said, message },
    }
}
