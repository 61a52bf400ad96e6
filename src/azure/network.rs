//! How we reach the network: certificates, proxy, patience.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use disk_prep::noun::bare_addresses;
use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::ExposeSecret;
use url::Url;

use super::error::Error;
use super::patience::Patience;
use super::reason::Reason;
use disk_prep::noun::Address;
use disk_prep::sys::given;
use disk_prep::sys::hold::hold;

/// Certificates, proxy and patience.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// A certificate authority beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// A proxy; without it, the environment's. NO_PROXY holds for both.
    pub proxy: Option<Address>,
    /// How long a service that is busy is waited for.
    pub patience: Patience,
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
        let built =
            self.builder(endpoint, clear)?.read_timeout(self.patience.tempo.silent_for()).build();
        built.map_err(|error| Error::Client { source: Reason::of(&error) })
    }

    /// The same for large bodies in both directions; who carries calls by it says how long an
    /// answer may be awaited. The client itself would count from the first byte that is sent, and
    /// so give up what a thin line takes longer for.
    pub(super) fn carrier(&self, endpoint: &Url, clear: Clear) -> Result<Client, Error> {
        let built = self.builder(endpoint, clear)?.build();
        built.map_err(|error| Error::Client { source: Reason::of(&error) })
    }

    /// A client for what is one hop away and speaks in the clear, such as the service that gives a
    /// machine of Azure its tokens.
    pub(super) fn neighbour(&self) -> Result<Client, Error> {
        let near = Url::parse("http://localhost/").expect("it is an address");
        self.carrier(&near, Clear::Loopback)
    }

    /// Whether the file of the authority can be read, if there is one.
    pub(super) fn expect_certificates(&self) -> Result<(), Error> {
        self.ca_file.as_deref().map_or(Ok(()), |path| certificates(path).map(|_| ()))
    }

    fn builder(&self, endpoint: &Url, clear: Clear) -> Result<ClientBuilder, Error> {
        // A second call finds it installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder: ClientBuilder = Client::builder()
            .connect_timeout(self.patience.tempo.connects_within())
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
            builder = builder.proxy(through(proxy)?);
        }
        Ok(builder)
    }
}

/// A proxy, with whom it lets through; not for whom NO_PROXY names.
fn through(address: &Address) -> Result<Proxy, Error> {
    let proxy = Proxy::all(address.url().clone());
    let proxy = proxy.map_err(|error| Error::Client { source: Reason::of(&error) })?;
    let proxy = proxy.no_proxy(NoProxy::from_env());
    Ok(match address.user() {
        Some(user) => proxy.basic_auth(user.name.expose_secret(), user.password.expose_secret()),
        None => proxy,
    })
}

/// What pipes gave: a connection has several clients, and a pipe gives what it has once.
static PIPED: Mutex<BTreeMap<PathBuf, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// The bytes of an authority's file.
fn authority(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.file_type().is_fifo() {
        return given::read(path, given::MOST_BYTES);
    }
    let mut held = hold(&PIPED);
    if let Some(bytes) = held.get(path) {
        return Ok(bytes.clone());
    }
    let bytes = given::read(path, given::MOST_BYTES)?;
    held.insert(path.to_owned(), bytes.clone());
    Ok(bytes)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Error> {
    let fault = |source: Box<dyn std::error::Error + Send + Sync>| Error::CaFile {
        path: path.to_owned(),
        source,
    };
    let bytes = authority(path).map_err(|error| fault(error.into()))?;
    // What the client would find out of a file only when it is built, and not say which.
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| fault(error.into()))?;
        roots.add(certificate).map_err(|error| fault(error.into()))?;
    }
    if roots.is_empty() {
        return Err(fault("there is no certificate in it".into()));
    }
    Certificate::from_pem_bundle(&bytes).map_err(|error| fault(error.into()))
}

/// An endpoint to which paths can be added; https only.
pub(super) fn https(address: &Address) -> Result<Url, Error> {
    let url = folder(address)?;
    encrypted(&url)?;
    Ok(url)
}

/// Refuses what would go out in the clear.
pub(super) fn encrypted(url: &Url) -> Result<(), Error> {
    if url.scheme() == "https" {
        return Ok(());
    }
    let endpoint = bare_addresses(url.as_str()).into_owned();
    Err(Error::Endpoint { endpoint, rule: "it begins with https://" })
}

/// An endpoint to which paths can be added.
pub(super) fn folder(address: &Address) -> Result<Url, Error> {
    let refused = |rule| Err(Error::Endpoint { endpoint: address.to_string(), rule });
    if !address.is_bare() {
        return refused("an endpoint has no user name, no password and no query");
    }
    if address.url().cannot_be_a_base() {
        return refused("it cannot be put together with a path");
    }
    let mut url = address.url().clone();
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn what_a_pipe_gave_of_an_authority_is_there_for_each_client() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"certificate").unwrap();
        drop(writer);
        let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
        for _ in 0..2 {
            assert_eq!(authority(&path).unwrap(), b"certificate");
        }
        assert!(authority(Path::new("/none")).is_err());
    }
}
