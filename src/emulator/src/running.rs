//! A running emulator: how it is started, its parts, and what another process asks of it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;

use disk_prep::noun::{AccountName, Serial, SubscriptionId};
use disk_prep::sys::durable::{self, Access};
use jiff::SignedDuration;
use rustix::fs::FlockOperation;
use secrecy::SecretString;
use tokio::net::TcpListener;
#[cfg(feature = "other-service")]
use url::Url;

use super::account::{Account, AccountOptions};
use super::arm;
use super::arm::Registry;
use super::blobs::service::BlobService;
use super::clock::Clock;
use super::control::{self, Reply, Request};
use super::dock::Dock;
use super::dock::destination::Destination;
use super::error::Error;
use super::http::{Answer, Call};
use super::jobs::book::JobBook;
#[cfg(feature = "other-service")]
use super::other_service::OtherService;
use super::{server, tokens};

/// How an emulator is started.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Where it listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data: PathBuf,
    /// Plain HTTP instead of TLS.
    pub is_plain: bool,
    /// Another blob service, which takes the place of the emulator's own.
    #[cfg(feature = "other-service")]
    pub blob_endpoint: Option<Url>,
    /// Account, key, subscription, token.
    pub account: AccountOptions,
    /// Providers that the subscription must register first.
    pub unregistered: Vec<String>,
}

impl EmulatorOptions {
    fn scheme(&self) -> &'static str {
        if self.is_plain { "http" } else { "https" }
    }
}

/// What callers must know.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are the words of the listening line")]
pub struct Facts {
    pub arm: String,
    pub blob: String,
    pub account: AccountName,
    pub account_key: SecretString,
    pub subscription: SubscriptionId,
    pub token: SecretString,
    pub ca_file: Option<PathBuf>,
}

/// A running emulator; it runs until the process ends.
#[derive(Debug)]
pub struct Emulator {
    /// What callers must know.
    pub facts: Facts,
    _lock: File,
}

/// All parts together.
struct Parts {
    account: Arc<Account>,
    clock: Clock,
    book: JobBook,
    registry: Registry,
    blobs: Blobs,
    /// Where blobs are reached, without a slash at the end.
    blob: String,
    origin: String,
}

/// The blob service of the account.
enum Blobs {
    Own(BlobService),
    #[cfg(feature = "other-service")]
    Other(OtherService),
}

impl Blobs {
    fn destination(&self) -> &dyn Destination {
        match self {
            Blobs::Own(service) => service,
            #[cfg(feature = "other-service")]
            Blobs::Other(service) => service,
        }
    }
}

/// Starts an emulator on threads of its own.
pub fn start(options: &EmulatorOptions) -> Result<Emulator, Error> {
    let data = &options.data;
    let meta = data.join("meta");
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Folder { path, source }
    };
    fs::create_dir_all(data).map_err(at(data))?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&meta).map_err(at(&meta))?;
    let lock = lock(&meta.join("lock"), data)?;
    let account = Arc::new(Account::open(&meta, &options.account)?);
    let listen = |source| Error::Listen { address: options.listen, source };
    let listener = std::net::TcpListener::bind(options.listen).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let ca = data.join("ca.pem");
    let tls = if options.is_plain { None } else { Some(server::certify(&ca)?) };
    let origin = format!("{}://{address}", options.scheme());
    let (blobs, blob) = blob_service(options, &meta, address, &account)?;
    let parts = Arc::new(Parts {
        clock: Clock::open(&meta)?,
        book: JobBook::open(&meta.join("jobs"))?,
        registry: Registry::new(&options.unregistered),
        blobs,
        blob: blob.clone(),
        origin: origin.clone(),
        account,
    });
    let facts = Facts {
        arm: origin.clone(),
        blob,
        account: parts.account.name.clone(),
        account_key: parts.account.key_text(),
        subscription: parts.account.subscription.clone(),
        token: parts.account.printed_token(),
        ca_file: tls.is_some().then_some(ca),
    };
    let socket = control::listen(data, &meta).map_err(at(data))?;
    let own = Arc::clone(&parts);
    Builder::new()
        .spawn(move || control::serve(&socket, move |request, files| own.control(request, files)))
        .map_err(listen)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(listen)?;
    let answer = move || {
        runtime.block_on(async move {
            if let Ok(listener) = TcpListener::from_std(listener) {
                server::serve(listener, tls, Arc::new(move |call| parts.answer(&call))).await;
            }
        });
    };
    Builder::new().spawn(answer).map_err(listen)?;
    Ok(Emulator { facts, _lock: lock })
}

/// The blob service that is asked for, and where it is reached.
fn blob_service(
    options: &EmulatorOptions,
    meta: &Path,
    address: SocketAddr,
    account: &Arc<Account>,
) -> Result<(Blobs, String), Error> {
    #[cfg(feature = "other-service")]
    if let Some(endpoint) = &options.blob_endpoint {
        let other = OtherService::open(endpoint, meta, Arc::clone(account))?;
        let endpoint = endpoint.as_str().trim_end_matches('/').to_owned();
        return Ok((Blobs::Other(other), endpoint));
    }
    let scheme = options.scheme();
    // The names of the certificate, by which a relay may be reached too.
    let by_name = |name: &str| format!("{scheme}://{name}:{}", address.port());
    let origin = format!("{scheme}://{address}");
    let blob = format!("{origin}/blob");
    let origins = vec![origin, by_name("localhost"), by_name("[::1]")];
    let own = BlobService::open(&options.data, origins)
        .map_err(|source| Error::Folder { path: options.data.clone(), source })?;
    Ok((Blobs::Own(own), blob))
}

/// One emulator a folder.
fn lock(path: &Path, data: &Path) -> Result<File, Error> {
    if !path.exists() {
        durable::write(path, b"", Access::Private)
            .map_err(|source| Error::Folder { path: path.to_owned(), source })?;
    }
    let file =
        File::open(path).map_err(|source| Error::Folder { path: path.to_owned(), source })?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(Error::Running { path: data.to_owned() }),
    }
}

impl Parts {
    fn answer(&self, call: &Call) -> Answer {
        #[cfg_attr(not(feature = "other-service"), expect(irrefutable_let_patterns))]
        if let Blobs::Own(blobs) = &self.blobs
            && call.path.starts_with("/blob/")
        {
            return blobs.answer(&self.account, self.clock.now(), call);
        }
        if arm::is_arm(&call.path) {
            let now = self.clock.now();
            if let Err(error) = self.book.settle(now) {
                let body = serde_json::json!({"error": {"code": "InternalServerError",
                                                        "message": error.to_string()}});
                return Answer::json(500, &body);
            }
            let context = arm::Context {
                account: &self.account,
                book: &self.book,
                registry: &self.registry,
                now,
                origin: &self.origin,
                call,
            };
            return arm::answer(context);
        }
        tokens::answer(&self.account, call).unwrap_or_else(|| Answer::empty(404))
    }

    fn control(&self, request: Request, files: Vec<File>) -> Result<Vec<Reply>, Error> {
        match request {
            Request::Clock { forward_secs } => {
                let now = self.clock.forward(SignedDuration::from_secs(forward_secs))?;
                self.book.settle(now)?;
                Ok(vec![Reply::Clock { now }])
            }
            Request::Dock { serials } => {
                if serials.len() != files.len() {
                    let message = "not every drive came with its file".to_owned();
                    return Err(Error::Refused { message });
                }
                let dock = Dock {
                    blobs: self.blobs.destination(),
                    account: &self.account,
                    book: &self.book,
                    clock: &self.clock,
                    endpoint: &self.blob,
                };
                let docked = dock.receive(serials.into_iter().zip(files).collect())?;
                Ok(docked.into_iter().map(Reply::from).collect())
            }
        }
    }
}

/// Puts the clock of the emulator on `data` forward.
pub fn forward_clock(data: &Path, by: SignedDuration) -> Result<Vec<Reply>, Error> {
    control::ask(data, &Request::forward(by), Vec::new())
}

/// Brings drives, open for reading, to the dock of the emulator on `data`.
pub fn dock(data: &Path, drives: Vec<(Serial, OwnedFd)>) -> Result<Vec<Reply>, Error> {
    let (serials, files) = drives.into_iter().unzip();
    control::ask(data, &Request::Dock { serials }, files)
}
