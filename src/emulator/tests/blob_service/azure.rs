//! A running emulator and callers of it: the official client with a token or a key, and bare
//! requests. Signs by Microsoft's documentation; uses nothing of the product.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::request::RequestContent;
use azure_core::http::{ClientOptions, Context, Etag, Request, Transport};
use azure_storage_blobs::models::{
    BlobClientGetPropertiesResultHeaders, BlockBlobClientUploadOptions,
};
use azure_storage_blobs::{
    BlobClient, BlobContainerClient, BlobServiceClient, BlobServiceClientOptions,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Certificate, Method, RequestBuilder};
use url::Url;

use crate::support::emulator::{Emulator, Folder};
pub use crate::support::key::{Key, date};

/// The emulator of one test.
pub struct Azure {
    // Ends before its folder goes away.
    pub emulator: Emulator,
    pub folder: Folder,
    pub http: reqwest::Client,
}

/// What a bare request was told.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub code: String,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Azure {
    pub fn start() -> Self {
        Azure::start_on(Folder::new())
    }

    /// Starts with a second account, `account2`.
    pub fn with_two_accounts() -> Self {
        let folder = Folder::new();
        let emulator = Emulator::start_with(&folder, &["account1", "account2"]);
        Azure::of(folder, emulator)
    }

    /// Starts on a folder that may have been used before.
    pub fn start_on(folder: Folder) -> Self {
        let emulator = Emulator::start(&folder);
        Azure::of(folder, emulator)
    }

    fn of(folder: Folder, emulator: Emulator) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = std::fs::read(emulator.fact("ca_file")).unwrap();
        let http = reqwest::Client::builder()
            .add_root_certificate(Certificate::from_pem(&pem).unwrap())
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Azure { emulator, folder, http }
    }

    /// Lets the emulator go and starts another on its folder.
    pub fn restart(self) -> Self {
        let Azure { emulator, folder, .. } = self;
        drop(emulator);
        Azure::start_on(folder)
    }

    /// Starts with a container `box`.
    pub async fn with_box() -> (Self, BlobContainerClient) {
        let azure = Azure::start();
        let container = azure.container("box");
        container.create(None).await.unwrap();
        (azure, container)
    }

    /// The account's address.
    pub fn url(&self) -> Url {
        let fact = |name| self.emulator.fact(name);
        Url::parse(&format!("{}/{}", fact("blob"), fact("account"))).unwrap()
    }

    /// The official client, authorized by a policy.
    pub fn service(&self, policy: Arc<dyn Policy>) -> BlobServiceClient {
        let client_options = ClientOptions {
            per_try_policies: vec![policy],
            transport: Some(Transport::new(Arc::new(self.http.clone()))),
            ..ClientOptions::default()
        };
        let options = BlobServiceClientOptions { client_options, ..Default::default() };
        BlobServiceClient::new(self.url(), None, Some(options)).unwrap()
    }

    pub fn by_token(&self) -> BlobServiceClient {
        self.service(Arc::new(Token(self.emulator.fact("token").to_owned())))
    }

    pub fn by_key(&self) -> BlobServiceClient {
        self.service(Arc::new(self.key()))
    }

    /// A container by token.
    pub fn container(&self, name: &str) -> BlobContainerClient {
        self.by_token().blob_container_client(name)
    }

    /// The account's key.
    pub fn key(&self) -> Key {
        let key = BASE64_STANDARD.decode(self.emulator.fact("account_key")).unwrap();
        Key { account: self.emulator.fact("account").to_owned(), key }
    }

    /// A bare request with nothing but what the test adds to it. `path` follows the account.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url())).header("x-ms-version", VERSION)
    }

    /// The same with the token.
    pub fn raw(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(self.emulator.fact("token"))
    }

    /// Query of a service SAS that is open for an hour.
    pub fn sas(&self, rights: &str, container: &str, blob: Option<&str>) -> String {
        let end = Timestamp::now() + SignedDuration::from_hours(1);
        self.sas_until(rights, container, blob, end)
    }

    /// Query of a service SAS ("Create a service SAS", version 2020-12-06 and later).
    pub fn sas_until(
        &self,
        rights: &str,
        container: &str,
        blob: Option<&str>,
        end: Timestamp,
    ) -> String {
        let key = self.key();
        let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut resource = format!("/blob/{}/{container}", key.account);
        if let Some(blob) = blob {
            resource.push_str(&format!("/{blob}"));
        }
        let kind = if blob.is_some() { "b" } else { "c" };
        let fields = [
            rights, "", &end, &resource, "", "", "https", VERSION, kind, "", "", "", "", "", "", "",
        ];
        let signature = key.sign(&fields.join("\n"));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([("sv", VERSION), ("sr", kind), ("sp", rights), ("se", &end)]);
        query.extend_pairs([("spr", "https"), ("sig", &signature)]);
        query.finish()
    }
}

const VERSION: &str = "2024-11-04";

/// Sends it and takes the whole answer.
pub async fn told(request: RequestBuilder) -> Told {
    let answer = request.send().await.unwrap();
    let headers = answer.headers().clone();
    let code = headers.get("x-ms-error-code").map(|code| code.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    Told { status, code: code.unwrap_or_default(), headers, text: answer.text().await.unwrap() }
}

impl Told {
    /// Status and code.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, &self.code)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Contents of all elements of a name.
    pub fn tags(&self, tag: &str) -> Vec<String> {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let inner = |part: &str| Some(part.split_once(&close)?.0.to_owned());
        self.text.split(&open).skip(1).filter_map(inner).collect()
    }
}

/// Status and code with which the official client was refused.
pub fn refused<T>(answer: azure_core::Result<T>) -> (u16, String) {
    let Err(error) = answer else { panic!("it was not refused") };
    match error.kind() {
        ErrorKind::HttpResponse { status, error_code, .. } => {
            ((*status).into(), error_code.clone().unwrap_or_default())
        }
        _ => panic!("no answer came: {error:?}"),
    }
}

/// Expects a refusal.
#[track_caller]
pub fn expect<T>(answer: azure_core::Result<T>, status: u16, code: &str) {
    assert_eq!(refused(answer), (status, code.to_owned()));
}

/// Writes a blob in one call.
pub async fn put(container: &BlobContainerClient, name: &str, content: &[u8]) -> Etag {
    let written = put_with(container, name, content, BlockBlobClientUploadOptions::default());
    written.await.unwrap()
}

pub async fn put_with(
    container: &BlobContainerClient,
    name: &str,
    content: &[u8],
    options: BlockBlobClientUploadOptions<'_>,
) -> azure_core::Result<Etag> {
    let content = RequestContent::from(content.to_vec());
    let written = container.blob_client(name).upload(content, Some(options)).await?;
    Ok(written.etag.expect("a written blob has an ETag"))
}

/// Reads a blob whole.
pub async fn read(blob: &BlobClient) -> Vec<u8> {
    blob.download(None).await.unwrap().body.collect().await.unwrap().to_vec()
}

/// A blob's ETag now.
pub async fn etag(blob: &BlobClient) -> Etag {
    blob.get_properties(None).await.unwrap().etag().unwrap().expect("a blob has an ETag")
}

pub fn md5(content: &[u8]) -> Vec<u8> {
    use md5::Digest;
    md5::Md5::digest(content).to_vec()
}

pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Authorizes by token.
#[derive(Debug)]
pub struct Token(pub String);

#[async_trait]
impl Policy for Token {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        request.insert_header("authorization", format!("Bearer {}", self.0));
        next[0].send(context, request, &next[1..]).await
    }
}

/// Adds nothing.
#[derive(Debug)]
pub struct Nobody;

#[async_trait]
impl Policy for Nobody {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        next[0].send(context, request, &next[1..]).await
    }
}

/// Authorizes by a query.
#[derive(Debug)]
pub struct Sas(pub String);

#[async_trait]
impl Policy for Sas {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let own = request.url().query().unwrap_or_default().to_owned();
        let query = if own.is_empty() { self.0.clone() } else { format!("{own}&{}", self.0) };
        request.url_mut().set_query(Some(&query));
        next[0].send(context, request, &next[1..]).await
    }
}
