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
use super::addresses::{Addresses, Names, Style};
use super::arm;
use super::arm::Registry;
use super::blobs::{self, service::BlobService};
use super::clock::Clock;
use super::control::{self, Reply, Request};
use super::disks::{DiskDeed, Disks};
use super::recovery::{AccountOrder, GroupOrder, SecurityOrder, WorldBook};
use super::rights::RightsOrder;

pub use super::control::VmDeed;
use super::dock::Dock;
use super::dock::destination::Destination;
use super::error::Error;
use super::http::{Answer, Call};
use super::jobs::book::JobBook;
use super::mischief::{Door, Imp, Wanted};
#[cfg(feature = "other-service")]
use super::other_service::OtherService;
use super::server::Handler;
use super::{certificates, ports, server, tokens};

/// How an emulator is started.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Where it listens; port 0 picks a free one, the same whenever it is started on its data.
    pub listen: SocketAddr,
    /// Where the blobs are; without it beside `listen`, at a free port.
    pub blob_listen: Option<SocketAddr>,
    /// The names of the cloud that it stands for.
    pub names: Names,
    /// How addresses are told.
    pub style: Style,
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
    /// What it does wrong from the start.
    pub mischief: Vec<Wanted>,
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
    pub authority: String,
    pub blob: String,
    pub style: Style,
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
    world: WorldBook,
    blobs: Blobs,
    /// Where blobs are reached.
    addresses: Arc<Addresses>,
    /// Where the resource manager and the sign-in are, as callers are told.
    names: Names,
    imp: Imp,
}

/// The blob service of the account.
enum Blobs {
    Own(BlobService),
    #[cfg(feature = "other-service")]
    Other(OtherService),
}

impl Blobs {
    /// The emulator's own, which alone has managed disks.
    fn own(&self) -> Option<&BlobService> {
        match self {
            Blobs::Own(service) => Some(service),
            #[cfg(feature = "other-service")]
            Blobs::Other(_) => None,
        }
    }

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
    let (has_data, has_meta) = (data.exists(), meta.exists());
    fs::create_dir_all(data).map_err(at(data))?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&meta).map_err(at(&meta))?;
    let lock = lock(&meta.join("lock"), data)?;
    let opened = open(options, &meta);
    if opened.is_err() {
        // Whoever mistypes an address finds no half of an emulator; another one would hold the lock.
        if !has_meta {
            drop(fs::remove_dir_all(&meta));
        }
        if !has_data {
            drop(fs::remove_dir(data));
        }
    }
    Ok(Emulator { facts: opened?, _lock: lock })
}

/// Opens all doors and answers there.
fn open(options: &EmulatorOptions, meta: &Path) -> Result<Facts, Error> {
    let data = &options.data;
    let account = Arc::new(Account::open(meta, &options.account)?);
    let beside = options.blob_listen.unwrap_or(SocketAddr::new(options.listen.ip(), 0));
    let doors = ports::open(meta, options.listen, beside)?;
    let listen = |source| Error::Listen { address: options.listen, source };
    let ca = data.join("ca.pem");
    let tls = match options.is_plain {
        true => None,
        false => Some(certificates::certify(&ca, &options.names)?),
    };
    let arm = format!("{}://{}", options.scheme(), doors.arm.local_addr().map_err(listen)?);
    let at = doors.blob.local_addr().map_err(listen)?;
    let (blobs, addresses) = blob_service(options, meta, at, &account)?;
    let names = match options.style {
        Style::Path => Names { arm: arm.clone(), authority: arm, ..options.names.clone() },
        Style::Host => options.names.clone(),
    };
    let parts = Arc::new(Parts {
        clock: Clock::open(meta)?,
        book: JobBook::open(&meta.join("jobs"))?,
        registry: Registry::new(&options.unregistered),
        world: WorldBook::open(data, meta)?,
        blobs,
        addresses,
        names,
        imp: Imp::new(&options.mischief),
        account,
    });
    let first = parts.account.first();
    let facts = Facts {
        arm: parts.names.arm.clone(),
        authority: parts.names.authority.clone(),
        blob: match options.style {
            Style::Path => parts.addresses.origin().to_owned(),
            Style::Host => parts.addresses.of(first.name.as_str()),
        },
        style: options.style,
        account: first.name.clone(),
        account_key: first.key_text(),
        subscription: parts.account.subscription.clone(),
        token: parts.account.printed_token(),
        ca_file: tls.is_some().then_some(ca),
    };
    let socket = control::listen(data, meta)
        .map_err(|source| Error::Folder { path: data.clone(), source })?;
    let own = Arc::clone(&parts);
    Builder::new()
        .spawn(move || control::serve(&socket, move |request, files| own.control(request, files)))
        .map_err(listen)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(listen)?;
    let (at_arm, at_blob) = (Arc::clone(&parts), parts);
    let mut tables = vec![(doors.arm, handler(move |call| at_arm.at(Door::Arm, call)))];
    if matches!(at_blob.blobs, Blobs::Own(_)) {
        tables.push((doors.blob, handler(move |call| at_blob.at(Door::Blobs, call))));
    }
    let answer = move || {
        runtime.block_on(async move {
            let tables = tables.into_iter().filter_map(|(door, handler)| {
                let door = TcpListener::from_std(door).ok()?;
                Some(server::serve(door, tls.clone(), handler))
            });
            futures::future::join_all(tables).await;
        });
    };
    Builder::new().spawn(answer).map_err(listen)?;
    Ok(facts)
}

fn handler(answer: impl Fn(Call) -> Answer + Send + Sync + 'static) -> Handler {
    Arc::new(answer)
}

/// The blob service that is asked for, and where it is reached.
fn blob_service(
    options: &EmulatorOptions,
    meta: &Path,
    at: SocketAddr,
    account: &Arc<Account>,
) -> Result<(Blobs, Arc<Addresses>), Error> {
    let (scheme, suffix) = (options.scheme(), options.names.suffix.as_str());
    #[cfg(feature = "other-service")]
    if let Some(endpoint) = &options.blob_endpoint {
        let other = OtherService::open(endpoint, meta, Arc::clone(account))?;
        let first = endpoint.as_str().trim_end_matches('/').to_owned();
        let addresses = Addresses::new((scheme, 0), first, &[], (suffix, Style::Path));
        return Ok((Blobs::Other(other), Arc::new(addresses)));
    }
    // The names of the certificate, by which a relay may be reached too.
    let more = ["127.0.0.1", "localhost", "[::1]"];
    let first = format!("{scheme}://{at}");
    let addresses = Addresses::new((scheme, at.port()), first, &more, (suffix, options.style));
    let addresses = Arc::new(addresses);
    let own = BlobService::open(&options.data, Arc::clone(&addresses))
        .map_err(|source| Error::Folder { path: options.data.clone(), source })?;
    Ok((Blobs::Own(own), addresses))
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
    fn at(&self, door: Door, call: Call) -> Answer {
        self.imp.answer(door, call, |call| match door {
            Door::Arm => self.answer(call),
            Door::Blobs => self.answer_blob(call),
        })
    }

    /// At the port of the blobs.
    fn answer_blob(&self, call: &Call) -> Answer {
        match &self.blobs {
            Blobs::Own(blobs) => {
                let nature = |account: &str| self.world.nature(account);
                let rights = self.world.rights();
                blobs.answer((&self.account, &nature), rights.as_ref(), self.clock.now(), call)
            }
            #[cfg(feature = "other-service")]
            Blobs::Other(_) => Answer::empty(404),
        }
    }

    /// At the port of the resource manager and the sign-in.
    fn answer(&self, call: &Call) -> Answer {
        if call.path == "/blob" || call.path.starts_with("/blob/") {
            return blobs::moved(&self.addresses.of(self.account.first().name.as_str()));
        }
        if arm::is_arm(&call.path) {
            let now = self.clock.now();
            let settled = self.book.settle(now).map_err(Error::from);
            let blobs = self.blobs.destination();
            if let Err(error) = settled.and_then(|()| self.world.settle(now, blobs)) {
                let body = serde_json::json!({"error": {"code": "InternalServerError",
                                                        "message": error.to_string()}});
                return Answer::json(500, &body);
            }
            let context = arm::Context {
                account: &self.account,
                book: &self.book,
                registry: &self.registry,
                world: &self.world,
                blobs: self.blobs.own(),
                now,
                origin: &self.names.arm,
                addresses: &self.addresses,
                call,
            };
            return arm::answer(context);
        }
        tokens::answer(&self.account, &self.names, call).unwrap_or_else(|| Answer::empty(404))
    }

    /// The managed disks, if the blob service is the emulator's own.
    fn disks(&self) -> Option<Disks<'_>> {
        let pages = self.blobs.own()?.disks();
        Some(Disks { pages, world: &self.world, now: self.clock.now() })
    }

    fn machines(&self, deed: VmDeed, files: &[File]) -> Result<Vec<Reply>, Error> {
        Ok(match deed {
            VmDeed::Set(order) => vec![self.world.order(&order, files)?.into()],
            VmDeed::Remove(order) => vec![self.world.remove(&order)?.into()],
            VmDeed::Write { order, lun, offset } => {
                let content = files
                    .first()
                    .ok_or_else(|| Error::Refused { message: "no file came with it".to_owned() })?;
                vec![self.world.write(&order, (lun, offset), content)?.into()]
            }
            VmDeed::List => self.world.read().vms.into_iter().map(Reply::from).collect(),
        })
    }

    fn control(&self, request: Request, files: Vec<File>) -> Result<Vec<Reply>, Error> {
        match request {
            Request::Clock { forward_secs } => {
                let now = self.clock.forward(SignedDuration::from_secs(forward_secs))?;
                self.book.settle(now)?;
                self.world.settle(now, self.blobs.destination())?;
                Ok(vec![Reply::Clock { now }])
            }
            Request::Mischief { wanted, is_clear } => {
                if is_clear {
                    self.imp.clear();
                }
                self.imp.add(&wanted);
                Ok(self.imp.standing().into_iter().map(Reply::from).collect())
            }
            Request::Vm { deed } => {
                let before = self.world.read().disks;
                let told = self.machines(deed, &files)?;
                // Its disks are managed ones as well.
                self.world.settle(self.clock.now(), self.blobs.destination())?;
                self.disks().map_or(Ok(()), |own| own.sweep_all(&before))?;
                Ok(told)
            }
            Request::Disk { deed } => {
                let disks = self.disks().ok_or_else(|| Error::Refused {
                    message: "managed disks are in the emulator's own blob service only".to_owned(),
                })?;
                Ok(disks.order(deed, &files)?.into_iter().map(Reply::from).collect())
            }
            Request::Account { order } => {
                let named = self.account.storage(&order.name);
                named.ok_or_else(|| Error::Refused {
                    message: format!("there is no storage account {}", order.name),
                })?;
                Ok(vec![self.world.order_account(&order)?.into()])
            }
            Request::Group { order } => {
                self.world.order_group(&order)?;
                Ok(vec![Reply::Group { name: order.name, is_there: order.is_there }])
            }
            Request::Security { order } => Ok(vec![self.world.order_security(&order)?.into()]),
            Request::Rights { order } => {
                self.world.order_rights(&order)?;
                Ok(vec![Reply::Rights { state: order.told() }])
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
                    addresses: &self.addresses,
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

/// Calls all mischief of the emulator on `data` off if asked to, adds what is wanted, and says what
/// is on.
pub fn mischief(data: &Path, wanted: Vec<Wanted>, is_clear: bool) -> Result<Vec<Reply>, Error> {
    control::ask(data, &Request::Mischief { wanted, is_clear }, Vec::new())
}

/// Declares, changes or takes away a virtual machine of the emulator on `data`, writes into one, or
/// lists them all. Files that come along are its disks, the system's first, or what is written.
pub fn machines(data: &Path, deed: VmDeed, files: Vec<OwnedFd>) -> Result<Vec<Reply>, Error> {
    control::ask(data, &Request::Vm { deed }, files)
}

/// Makes, changes or takes away a managed disk of the emulator on `data`, writes into one, or lists
/// them all. The file that comes along is what a new one holds, or what is written.
pub fn managed_disks(
    data: &Path,
    deed: DiskDeed,
    files: Vec<OwnedFd>,
) -> Result<Vec<Reply>, Error> {
    control::ask(data, &Request::Disk { deed }, files)
}

/// Makes a storage account of the emulator on `data` other than a plain one.
pub fn storage_account(data: &Path, order: AccountOrder) -> Result<Vec<Reply>, Error> {
    control::ask(data, &Request::Account { order }, Vec::new())
}

/// Lets a resource group of the emulator on `data` be there or not, or locks it.
pub fn resource_group(data: &Path, order: GroupOrder) -> Result<Vec<Reply>, Error> {
    control::ask(data, &Request::Group { order }, Vec::new())
}

/// Makes or changes a network security group of the emulator on `data`.
pub fn security_group(data: &Path, order: SecurityOrder) -> Result<Vec<Reply>, Error> {
    control::ask(data, &Request::Security { order }, Vec::new())
}

/// Changes what whoever signs in to the emulator on `data` may do.
pub fn rights(data: &Path, order: RightsOrder) -> Result<Vec<Reply>, Error> {
    control::ask(data, &Request::Rights { order }, Vec::new())
}

/// Brings drives, open for reading, to the dock of the emulator on `data`.
pub fn dock(data: &Path, drives: Vec<(Serial, OwnedFd)>) -> Result<Vec<Reply>, Error> {
    let (serials, files) = drives.into_iter().unzip();
    control::ask(data, &Request::Dock { serials }, files)
}
