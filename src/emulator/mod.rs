//! Azure and the datacenter's dock on loopback: the resource manager's calls about import jobs, a
//! blob service, sign-in, a clock that can be put forward. Real requests against real files;
//! shares no wire types with the client.

mod account;
mod arm;
mod blobs;
mod clock;
mod control;
mod dock;
mod error;
mod http;
mod jobs;
mod other_service;
mod server;
mod tokens;

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
use url::Url;

use account::Account;
pub use account::AccountOptions;
use blobs::BlobService;
use clock::Clock;
pub use control::Reply;
use control::Request;
use dock::{Destination, Dock};
pub use dock::{parsers, work as read_drive};
pub use error::Error;
use http::{Answer, Call};
use jobs::JobBook;
use other_service::OtherService;

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
    pub blob_endpoint: Option<Url>,
    /// Account, key, subscription, token.
    pub account: AccountOptions,
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
    blobs: Blobs,
    /// Where blobs are reached, without a slash at the end.
    blob: String,
    origin: String,
}

/// The blob service of the account.
enum Blobs {
    Own(BlobService),
    Other(OtherService),
}

impl Blobs {
    fn destination(&self) -> &dyn Destination {
        match self {
            Blobs::Own(service) => service,
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
    let scheme = if options.is_plain { "http" } else { "https" };
    let origin = format!("{scheme}://{address}");
    // The names of the certificate, by which a relay may be reached too.
    let by_name = |name: &str| format!("{scheme}://{name}:{}", address.port());
    let origins = vec![origin.clone(), by_name("localhost"), by_name("[::1]")];
    let (blobs, blob) = match &options.blob_endpoint {
        None => {
            let own = BlobService::open(data, origins).map_err(at(data))?;
            (Blobs::Own(own), format!("{origin}/blob"))
        }
        Some(endpoint) => {
            let other = OtherService::open(endpoint, &meta, Arc::clone(&account))?;
            (Blobs::Other(other), endpoint.as_str().trim_end_matches('/').to_owned())
        }
    };
    let parts = Arc::new(Parts {
        clock: Clock::open(&meta)?,
        book: JobBook::open(&meta.join("jobs"))?,
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
            return arm::answer(&self.account, &self.book, now, &self.origin, call);
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
                    let reason = "not every drive came with its file".to_owned();
                    return Err(Error::Refused { reason });
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
