//! A blob service outside of the emulator, Azurite for instance, to which the dock writes with
//! the account's key, by Azure's own client library.

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::request::{Body, RequestContent};
use azure_core::http::{ClientOptions, Context, Request, StatusCode};
use azure_storage_blobs::models::{
    BlockBlobClientCommitBlockListOptions, BlockLookupList, HttpRange, PageBlobClientCreateOptions,
};
use azure_storage_blobs::{BlobContainerClient, BlobContainerClientOptions};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use disk_prep::limits::BLOCK_BYTES;
use disk_prep::sys::hold::hold;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, body::Bytes};
use jiff::Timestamp;
use url::{Host, Url};

use super::account::Account;
use super::blobs::access::string_to_sign;
use super::blobs::record::{BlobKind, Properties};
use super::blobs::store::Draft;
use super::dock::destination::{Destination, Place, own};
use super::error::Error;
use super::http::Call;

/// The service.
#[derive(Debug)]
pub(super) struct OtherService {
    endpoint: Url,
    drafts: PathBuf,
    signer: Arc<Signer>,
    runtime: tokio::runtime::Runtime,
    /// Containers that are known to be there.
    made: Mutex<BTreeSet<String>>,
}

impl OtherService {
    /// The service at an endpoint with the account in its path; nothing is sent yet.
    pub fn open(endpoint: &Url, meta: &Path, account: Arc<Account>) -> Result<Self, Error> {
        let is_loopback = match endpoint.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if endpoint.scheme() != "https" && !(endpoint.scheme() == "http" && is_loopback) {
            return Err(Error::BlobEndpoint { endpoint: endpoint.clone() });
        }
        // A second call finds it installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let drafts = meta.join("drafts");
        Draft::sweep(&drafts).map_err(own)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(own)?;
        let (endpoint, signer) = (endpoint.clone(), Arc::new(Signer(account)));
        Ok(OtherService { endpoint, drafts, signer, runtime, made: Mutex::default() })
    }

    fn container(&self, account: &str, container: &str) -> azure_core::Result<BlobContainerClient> {
        let mut url = self.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([account, container]);
        }
        let client_options =
            ClientOptions { per_try_policies: vec![self.signer.clone()], ..Default::default() };
        let options = BlobContainerClientOptions { client_options, ..Default::default() };
        BlobContainerClient::new(url, None, Some(options))
    }

    async fn make(&self, client: &BlobContainerClient, name: &str) -> azure_core::Result<()> {
        let made = || hold(&self.made);
        if made().contains(name) {
            return Ok(());
        }
        match client.create(None).await {
            Err(error) if error.http_status() == Some(StatusCode::Conflict) => {}
            other => other.map(drop)?,
        }
        made().insert(name.to_owned());
        Ok(())
    }

    /// Writes the blocks as the drive has them, then puts them together; so the service stores
    /// no MD5 but one that was given.
    async fn put_blocks(
        &self,
        (client, name): (&BlobContainerClient, &str),
        draft: &Draft,
        properties: Properties,
    ) -> azure_core::Result<()> {
        let client = client.blob_client(name).block_blob_client();
        let bytes = draft.file().metadata()?.len();
        let mut blocks = properties.blocks;
        if blocks.is_empty() && bytes > 0 {
            blocks.push((BASE64_STANDARD.encode([0; 4]), bytes));
        }
        let (mut ids, mut offset) = (Vec::new(), 0);
        for (id, length) in blocks {
            let id = BASE64_STANDARD.decode(id).map_err(std::io::Error::other)?;
            let content = read(draft, offset, length)?;
            client.stage_block(&id, length, RequestContent::from(content), None).await?;
            offset += length;
            ids.push(id);
        }
        let options = BlockBlobClientCommitBlockListOptions {
            blob_cache_control: properties.cache_control,
            blob_content_disposition: properties.content_disposition,
            blob_content_encoding: properties.content_encoding,
            blob_content_language: properties.content_language,
            blob_content_md5: properties
                .content_md5
                .and_then(|md5| BASE64_STANDARD.decode(md5).ok()),
            blob_content_type: properties.content_type,
            metadata: Some(properties.metadata.into_iter().collect()),
            ..Default::default()
        };
        let list = BlockLookupList { latest: Some(ids), ..Default::default() };
        client.commit_block_list(RequestContent::try_from(list)?, Some(options)).await.map(drop)
    }

    /// Writes the pages that are not all zero.
    async fn put_pages(
        &self,
        (client, name): (&BlobContainerClient, &str),
        draft: &Draft,
        properties: Properties,
    ) -> azure_core::Result<()> {
        let client = client.blob_client(name).page_blob_client();
        let bytes = draft.file().metadata()?.len();
        let options = PageBlobClientCreateOptions {
            blob_cache_control: properties.cache_control,
            blob_content_disposition: properties.content_disposition,
            blob_content_encoding: properties.content_encoding,
            blob_content_language: properties.content_language,
            blob_content_md5: properties
                .content_md5
                .and_then(|md5| BASE64_STANDARD.decode(md5).ok()),
            blob_content_type: properties.content_type,
            metadata: Some(properties.metadata.into_iter().collect()),
            ..Default::default()
        };
        client.create(bytes, Some(options)).await?;
        let step = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        for offset in (0..bytes).step_by(step) {
            let length = BLOCK_BYTES.min(bytes - offset);
            let content = read(draft, offset, length)?;
            if content.iter().any(|byte| *byte != 0) {
                let range = HttpRange::new(offset, length);
                client.upload_pages(RequestContent::from(content), length, range, None).await?;
            }
        }
        Ok(())
    }

    fn failed(&self, source: azure_core::Error) -> Error {
        Error::BlobService { endpoint: self.endpoint.clone(), source: source.into() }
    }
}

impl Destination for OtherService {
    fn draft(&self) -> Result<Draft, Error> {
        Draft::new(&self.drafts).map_err(own)
    }

    fn has(&self, (account, container, name): Place<'_>) -> Result<bool, Error> {
        let found = self.runtime.block_on(async {
            self.container(account, container)?.blob_client(name).exists().await
        });
        found.map_err(|source| self.failed(source))
    }

    fn put(
        &self,
        (account, container, name): Place<'_>,
        draft: Draft,
        properties: Properties,
        _: Timestamp,
    ) -> Result<(), Error> {
        let put = self.runtime.block_on(async {
            let client = self.container(account, container)?;
            self.make(&client, container).await?;
            match properties.kind {
                BlobKind::BlockBlob => self.put_blocks((&client, name), &draft, properties).await,
                BlobKind::PageBlob => self.put_pages((&client, name), &draft, properties).await,
            }
        });
        put.map_err(|source| self.failed(source))
    }
}

fn read(draft: &Draft, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut content = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    draft.file().read_exact_at(&mut content, offset)?;
    Ok(content)
}

/// Signs each attempt of a call with the account's key.
#[derive(Debug)]
struct Signer(Arc<Account>);

#[async_trait::async_trait]
impl Policy for Signer {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let now = jiff::fmt::rfc2822::DateTimePrinter::new();
        let now = now.timestamp_to_rfc9110_string(&Timestamp::now()).unwrap_or_default();
        request.insert_header("x-ms-date", now);
        // The transport adds the length, which is signed too.
        if let Body::Bytes(body) = request.body() {
            let length = body.len().to_string();
            request.insert_header("content-length", length);
        }
        let account = self.0.first();
        let signature = account.sign(&string_to_sign(account.name.as_str(), &call(request)));
        request.insert_header("authorization", format!("SharedKey {}:{signature}", account.name));
        let (first, rest) = next.split_first().expect("the transport comes last");
        first.send(ctx, request, rest).await
    }
}

/// What of a request is signed.
fn call(request: &Request) -> Call {
    let headers = request.headers().iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        Some((name, HeaderValue::try_from(value.as_str()).ok()?))
    });
    Call {
        method: Method::try_from(request.method().as_str()).unwrap_or_default(),
        path: request.url().path().to_owned(),
        query: request.url().query_pairs().into_owned().collect(),
        headers: headers.collect(),
        body: Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use disk_prep::noun::{Diagnose, ErrorKind};

    use super::super::account::AccountOptions;
    use super::*;

    #[test]
    fn a_service_that_refuses_is_an_error_with_a_code() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/account1", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n").unwrap();
        });
        let folder = tempfile::tempdir().unwrap();
        let account = Account::open(folder.path(), &AccountOptions::default()).unwrap();
        let service =
            OtherService::open(&endpoint.parse().unwrap(), folder.path(), Arc::new(account));
        let refused = service.unwrap().has(("account1", "box", "blob")).unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("emulator-blob-service", ErrorKind::Failed));
    }
}
