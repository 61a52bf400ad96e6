//! Clients of the SDK for one container, each made for one call: with our policy of retries, our
//! signatures and our transport, and with a book in which the call is written down for its error.

use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::policies::Policy;
use azure_core::http::{ClientOptions, RetryOptions, StatusCode, Transport};
use azure_storage_blobs::models::BlobClientDownloadOptions;
use azure_storage_blobs::{
    BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions,
};
use bytes::Bytes;
use disk_prep::noun::{ContainerName, Rate};
use disk_prep::sys::hold::hold;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::asked::Asked;
use super::bounds::Bounds;
use super::call::Call;
use super::credential::{BlobCredential, BlobOptions};
use super::error::Error;
use super::exchange::host;
use super::limit::Limit;
use super::network::{Clear, Network, encrypted, is_loopback};
use super::reason::Reason;
use super::retry::{Book, Pace, RealPace, Repeat, Retry};
use super::signer::Signer;
use super::stranger::OfBlobs;
use super::trace::Trace;
use super::transport::Bounded;
use super::turns::Turns;

/// The service's version that every call names. What changed since a snapshot is told from 2015-07-08 on,
/// in parts from 2020-10-02 on ("Get Page Ranges").
pub(super) const SERVICE_VERSION: &str = "2026-04-06";

/// Makes clients.
pub(super) struct Clients {
    pub options: ClientOptions,
    pace: Arc<dyn Pace>,
    turns: Turns,
    /// Of the account.
    pub base: Url,
    /// Of the container.
    pub url: Url,
    pub name: ContainerName,
    pub signer: Arc<Signer>,
    /// What is sent at most.
    pub limit: Option<Rate>,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url.as_str())
    }
}

impl Clients {
    /// Prepares a connection; nothing is sent yet.
    pub fn open(options: &BlobOptions, name: ContainerName) -> Result<Self, Error> {
        let base = options.home.of(&options.account)?;
        let url = base.join(name.as_str()).map_err(invalid)?;
        let is_keyed = matches!(options.credential, BlobCredential::Key(_));
        let clear = if url.scheme() == "http" && is_loopback(&url) && is_keyed {
            Clear::Loopback
        } else {
            encrypted(&url)?;
            Clear::Refused
        };
        let http = options.network.client(&url, clear)?;
        let signer = Signer::new(options, &http, clear)?;
        let carrier = options.network.carrier(&url, clear)?;
        let carrier = Bounded::new(carrier, Bounds::at(options.network.patience.tempo));
        let pace = RealPace::begin(&options.network.patience);
        Ok(Clients::carried((base, url, name), signer, options.limit, (carrier, pace)))
    }

    /// Of the blob that an address leads to which opens it, and the blob's name.
    pub fn at_link(
        link: &SecretString,
        network: &Network,
        limit: Option<Rate>,
    ) -> Result<(Self, String), Error> {
        let wrong =
            |rule| Error::Endpoint { endpoint: "an address that was given out".to_owned(), rule };
        let mut base = Url::parse(link.expose_secret()).map_err(|_| wrong("it is no address"))?;
        let query = base.query().map(|own| SecretString::from(own.to_owned()));
        let signer = Signer::of_link(query.ok_or_else(|| wrong("it opens nothing"))?)?;
        base.set_query(None);
        let path = base.path().to_owned();
        let mut parts = path.trim_start_matches('/').rsplitn(3, '/');
        let (blob, container) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let name = container.parse().map_err(|_| wrong("its path is none of a blob"))?;
        let account = parts.next().map_or(String::new(), |own| format!("{own}/"));
        base.set_path(&account);
        let url = base.join(container).map_err(invalid)?;
        encrypted(&url)?;
        let carrier = network.carrier(&url, Clear::Refused)?;
        let carrier = Bounded::new(carrier, Bounds::default());
        let pace = RealPace::begin(&network.patience);
        let own = Clients::carried((base, url, name), signer, limit, (carrier, pace));
        Ok((own, blob.to_owned()))
    }

    fn carried(
        (base, url, name): (Url, Url, ContainerName),
        signer: Signer,
        limit: Option<Rate>,
        (carrier, pace): (Arc<Bounded>, Arc<dyn Pace>),
    ) -> Self {
        let signer = Arc::new(signer);
        let mut policies: Vec<Arc<dyn Policy>> =
            vec![Arc::new(OfBlobs), signer.clone(), Arc::new(Trace)];
        if let Some(rate) = limit {
            // It waits before the call is signed: a signature is good for some minutes only.
            policies.insert(0, Limit::new(rate, Arc::clone(&pace)));
        }
        let options = ClientOptions {
            per_try_policies: policies,
            transport: Some(Transport::new(carrier)),
            // Ours stands among the policies of each call.
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        };
        let turns = Turns::default();
        Clients { options, pace, turns, base, url, name, signer, limit }
    }

    /// How long the service is waited for while it is busy.
    pub fn patience(&self) -> Duration {
        self.pace.patience()
    }

    /// The address of a blob in any container of the account.
    pub fn blob_url(&self, container: &ContainerName, name: &str) -> Url {
        let mut url = self.base.clone();
        let mut path = url.path_segments_mut().expect("the endpoint can have a path");
        // A slash stays a slash: services differ in what they make of an encoded one.
        path.pop_if_empty().push(container.as_str()).extend(name.split('/'));
        drop(path);
        url
    }

    /// A client for one call of the container, and where its tries are written down.
    pub fn container(&self) -> Result<(BlobContainerClient, Book), Error> {
        let (client_options, book) = self.retried(self.options.clone(), Repeat::Harmless);
        let own =
            BlobContainerClientOptions { client_options, version: SERVICE_VERSION.to_owned() };
        let client = BlobContainerClient::new(self.url.clone(), None, Some(own));
        Ok((client.map_err(|source| self.failure("", source, &book))?, book))
    }

    /// A client for one call of a blob, and where its tries are written down.
    pub fn blob(
        &self,
        name: &str,
        options: ClientOptions,
        repeat: Repeat,
    ) -> Result<(BlobClient, Book), Error> {
        let (client_options, book) = self.retried(options, repeat);
        let own = BlobClientOptions { client_options, version: SERVICE_VERSION.to_owned() };
        let client = BlobClient::new(self.blob_url(&self.name, name), None, Some(own));
        Ok((client.map_err(|source| self.failure(name, source, &book))?, book))
    }

    /// A client for one call at an address of a blob that has more to it than the blob's name.
    pub fn blob_at(
        &self,
        url: Url,
        name: &str,
        options: ClientOptions,
    ) -> Result<(BlobClient, Book), Error> {
        let (client_options, book) = self.retried(options, Repeat::Harmless);
        let own = BlobClientOptions { client_options, version: SERVICE_VERSION.to_owned() };
        let client = BlobClient::new(url, None, Some(own));
        Ok((client.map_err(|source| self.failure(name, source, &book))?, book))
    }

    /// The same options with our retries, and where the tries are written down. The few calls that
    /// must not come twice wait for no turn: those about a lease that is held would come too late.
    pub fn retried(&self, mut options: ClientOptions, repeat: Repeat) -> (ClientOptions, Book) {
        if repeat == Repeat::Harmless {
            // Before anything is signed, since a signature is good for some minutes only.
            options.per_try_policies.insert(0, Arc::new(self.turns.clone()));
        }
        let retry = Retry::new(&self.pace, repeat);
        let book = retry.book();
        options.per_call_policies.push(Arc::new(retry));
        (options, book)
    }

    pub fn failure(&self, name: &str, source: azure_core::Error, book: &Book) -> Error {
        let unsent = || Call::new("HEAD", &self.blob_url(&self.name, name), 0, Duration::ZERO);
        let call = hold(book).take().unwrap_or_else(unsent);
        failure(&self.url, name, source, call, self.signer.asked())
    }
}

fn invalid(error: url::ParseError) -> Error {
    let rule = "it cannot be put together with a path";
    Error::Endpoint { endpoint: error.to_string(), rule }
}

pub(super) fn code(error: &azure_core::Error) -> &str {
    match error.kind() {
        CoreKind::HttpResponse { error_code: Some(code), .. } => code,
        _ => "",
    }
}

/// An answer that is cut off is asked for again so often.
const CUTS: u32 = 3;

/// What a blob holds, or a stretch of it, and the MD5 that the service tells of it. An answer whose
/// content is cut off is none, and is asked for again.
pub(super) async fn content(
    blob: &BlobClient,
    options: BlobClientDownloadOptions<'_>,
) -> azure_core::Result<(Bytes, Option<Vec<u8>>)> {
    let mut left = CUTS;
    loop {
        let told = blob.download(Some(options.clone())).await?;
        let md5 = told.properties.content_md5.clone();
        match told.body.collect().await {
            Err(error) if *error.kind() == CoreKind::Io && left > 0 => {
                tracing::info!(%error, "an answer was cut off, and is asked for again");
                left -= 1;
            }
            read => return Ok((read?, md5)),
        }
    }
}

pub(super) fn is_absent(error: &azure_core::Error) -> bool {
    error.http_status() == Some(StatusCode::NotFound)
}

/// The condition of a call was not met, or somebody holds the blob: one that is leased answers so
/// before its condition is looked at.
pub(super) fn is_taken(error: &azure_core::Error) -> bool {
    matches!(error.http_status(), Some(StatusCode::Conflict | StatusCode::PreconditionFailed))
}

/// Our own error, however often the pipeline has wrapped it.
fn own(error: azure_core::Error) -> Option<Error> {
    let inner = error.into_inner().ok()?;
    match inner.downcast::<Error>() {
        Ok(own) => Some(*own),
        Err(inner) => own(*inner.downcast::<azure_core::Error>().ok()?),
    }
}

fn failure(url: &Url, name: &str, source: azure_core::Error, call: Call, asked: Asked) -> Error {
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
        401 if asked == Asked::Blobs => Error::NotTaken { code: said, message, call: None },
        401 | 403 => Error::NotAllowed { asked, code: said, message, call: None },
        404 => Error::NotFound { what, message: said, call: None },
        408 | 429 | 500.. => Error::Failing { host, status, call: None },
        _ => Error::Refused { code: said, message, call: None },
    };
    error.of_call(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_version_tells_what_changed_and_is_the_one_that_the_sdk_was_made_for() {
        assert!(SERVICE_VERSION >= "2020-10-02", "lists of what changed come in parts");
        assert_eq!(BlobClientOptions::default().version, SERVICE_VERSION);
    }
}
