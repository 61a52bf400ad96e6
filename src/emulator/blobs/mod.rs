//! The blob service: what the journey and Azure's own clients ask of it. Path-style, below
//! `/blob/ACCOUNT/CONTAINER/BLOB`. Knows no job and no drive.

mod access;
mod blob;
mod blocks;
mod conditions;
mod containers;
mod copy;
mod fault;
mod headers;
mod lease;
mod list;
mod store;
mod tree;

use std::io;
use std::path::Path;

use hyper::Method;
use jiff::Timestamp;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;

use super::Error;
use super::account::Account;
use super::dock::{Destination, Place as BlobPlace, own};
use super::http::{Answer, Call};
pub(super) use access::string_to_sign;
use access::{Place, Right};
use fault::Fault;
use store::Store;
pub(super) use store::{BlobKind, Draft, Properties};

const VERSION: &str = "2026-02-06";

/// The service.
#[derive(Debug)]
pub(super) struct BlobService {
    store: Store,
    /// `scheme://host:port`, as callers write it.
    origins: Vec<String>,
}

/// What a call needs.
#[derive(Clone, Copy)]
struct Context<'a> {
    store: &'a Store,
    account: &'a Account,
    origins: &'a [String],
    now: Timestamp,
    call: &'a Call,
}

impl BlobService {
    /// The service on the emulator's folder, reached at these origins.
    pub fn open(data: &Path, origins: Vec<String>) -> io::Result<Self> {
        Ok(BlobService { store: Store::open(data)?, origins })
    }

    /// Answers a call below `/blob/`.
    pub fn answer(&self, account: &Account, now: Timestamp, call: &Call) -> Answer {
        let store = &self.store;
        let context = Context { store, account, origins: &self.origins, now, call };
        let answer =
            route(context).unwrap_or_else(|fault| fault.answer(call.method == Method::HEAD));
        let answer = match call.header("x-ms-client-request-id") {
            Some(id) => answer.with("x-ms-client-request-id", id),
            None => answer,
        };
        answer.with("x-ms-version", call.header("x-ms-version").unwrap_or(VERSION))
    }
}

impl Destination for BlobService {
    fn draft(&self) -> Result<Draft, Error> {
        self.store.draft().map_err(own)
    }

    fn has(&self, (account, container, name): BlobPlace<'_>) -> Result<bool, Error> {
        let found = self.store.hold().blob((account, container), name).map_err(own)?;
        Ok(found.is_some())
    }

    fn put(
        &self,
        (account, container, name): BlobPlace<'_>,
        draft: Draft,
        properties: Properties,
        now: Timestamp,
    ) -> Result<(), Error> {
        let held = self.store.hold();
        let key = (account, container);
        if held.container(key, now).map_err(own)?.is_none() {
            held.make_container(key, Default::default(), now).map_err(own)?;
        }
        held.put(key, name, draft, properties, now).map(drop).map_err(own)
    }
}

/// A path below `/blob/` in its parts, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Path3 {
    account: String,
    container: Option<String>,
    blob: Option<String>,
}

impl Path3 {
    fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/blob/")?;
        let mut parts = rest.splitn(3, '/');
        let decode =
            |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
        let mut next = || parts.next().filter(|part| !part.is_empty()).map(decode);
        let account = next()??;
        let container = match next() {
            Some(container) => Some(container?),
            None => None,
        };
        let blob = match next() {
            Some(blob) => Some(blob?),
            None => None,
        };
        Some(Path3 { account, container, blob })
    }
}

fn route(context: Context<'_>) -> Result<Answer, Fault> {
    let Context { account, call, .. } = context;
    let no_resource = || Fault::new(404, "ResourceNotFound", "There is nothing at this path.");
    let path = Path3::parse(&call.path).ok_or_else(no_resource)?;
    if path.account != account.name.as_str() {
        return Err(no_resource());
    }
    let Some(container) = path.container else {
        access::check(account, call, Right::Account, Place { container: "", blob: None })?;
        return containers::account(context);
    };
    check_container(&container)?;
    match path.blob {
        None => {
            let right = match call.operation() {
                (Some("container"), Some("list")) => Right::List,
                _ => Right::Account,
            };
            access::check(account, call, right, Place { container: &container, blob: None })?;
            containers::answer(context, &container)
        }
        Some(name) => {
            check_blob(&name)?;
            let right = match call.method {
                Method::GET | Method::HEAD => Right::Read,
                Method::DELETE => Right::Delete,
                _ => Right::Write,
            };
            let place = Place { container: &container, blob: Some(&name) };
            access::check(account, call, right, place)?;
            if context.store.hold().container((&path.account, &container), context.now)?.is_none() {
                return Err(Fault::no_container());
            }
            blob::answer(context, &container, &name)
        }
    }
}

/// Names that the service's front end refuses, whatever is asked of them ("Naming and referencing
/// containers, blobs, and metadata").
fn check_blob(name: &str) -> Result<(), Fault> {
    let refused = |message: &str| Err(Fault::new(400, "InvalidUri", message));
    if name.encode_utf16().count() > 1024 {
        return refused("A blob's name has 1 to 1024 signs.");
    }
    if name.split('/').count() > 254 {
        return refused("A blob's name has at most 254 segments.");
    }
    let is_refused = |c: char| {
        c.is_control()
            || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fffd}'..='\u{ffff}')
    };
    if name.contains(is_refused) {
        return refused("A blob's name has a sign that no address can have.");
    }
    Ok(())
}

fn check_container(name: &str) -> Result<(), Fault> {
    let is_special = matches!(name, "$root" | "$web" | "$logs");
    match disk_prep::noun::ContainerName::new(name) {
        Err(_) if !is_special => {
            Err(Fault::new(400, "InvalidResourceName", "This is no name of a container."))
        }
        _ => Ok(()),
    }
}

/// Refuses content whose MD5 is not the one that a header gives.
fn check_md5(call: &Call, header: &str, content: &[u8]) -> Result<(), Fault> {
    match call.header(header) {
        Some(given) if given != access::md5_text(&Md5::digest(content)) => Err(Fault::md5()),
        _ => Ok(()),
    }
}
