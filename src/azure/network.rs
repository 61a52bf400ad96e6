//! How we reach the network: certificates, proxy, patience.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Proxy};
use url::Url;

use super::Error;

const CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// Between two pieces of an answer; a large blob may take as long as it needs.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// Certificates and proxy.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// A certificate authority beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// A proxy; without it, the environment's.
    pub proxy: Option<Url>,
}

/// Whether calls may go out in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clear {
    Refused,
    /// To this machine itself.
    Loopback,
}

impl Network {
    /// A client for an endpoint; nothing is sent yet. This machine itself is reached without a proxy.
    pub(super) fn client(&self, endpoint: &Url, clear: Clear) -> Result<Client, Error> {
        // A second call finds it installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder: ClientBuilder = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(SILENT_FOR)
            .redirect(reqwest::redirect::Policy::none())
            .https_only(clear == Clear::Refused);
        if let Some(path) = &self.ca_file {
            for certificate in certificates(path)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        if is_loopback(endpoint) {
            builder = builder.no_proxy();
        } else if let Some(proxy) = &self.proxy {
            let proxy = Proxy::all(proxy.clone()).map_err(|source| Error::Client { source })?;
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(|source| Error::Client { source })
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Error> {
    let fault = |source: Box<dyn std::error::Error + Send + Sync>| Error::CaFile {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::read(path).map_err(|error| fault(error.into()))?;
    Certificate::from_pem_bundle(&bytes).map_err(|error| fault(error.into()))
}

/// An endpoint to which paths can be added; https only.
pub(super) fn https(url: &Url) -> Result<Url, Error> {
    if url.scheme() != "https" {
        let rule = "it begins with https://";
        return Err(Error::Endpoint { endpoint: url.to_string(), rule });
    }
    folder(url)
}

/// An endpoint to which paths can be added.
pub(super) fn folder(url: &Url) -> Result<Url, Error> {
    if url.cannot_be_a_base() {
        let rule = "it cannot be put together with a path";
        return Err(Error::Endpoint { endpoint: url.to_string(), rule });
    }
    let mut url = url.clone();
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether an address is this machine itself.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
