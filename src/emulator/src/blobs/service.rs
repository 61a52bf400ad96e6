//! The service itself: which call goes to which answer, once it may be made at all.

use std::io;
use std::path::Path;

use hyper::Method;
use jiff::Timestamp;

use super::access::{Place, Right, check};
use super::call::{Context, Path3};
use super::fault::Fault;
use super::store::{Draft, Properties, Store};
use super::{blob, containers};
use crate::account::Account;
use crate::http::{Answer, Call};

const VERSION: &str = "2026-02-06";

/// The service.
#[derive(Debug)]
pub(crate) struct BlobService {
    store: Store,
    /// `scheme://host:port`, as callers write it.
    origins: Vec<String>,
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

    /// Content that may become a blob.
    pub fn draft(&self) -> io::Result<Draft> {
        self.store.draft()
    }

    /// Whether a container of an account has a blob.
    pub fn has(&self, container: (&str, &str), name: &str) -> io::Result<bool> {
        Ok(self.store.hold().blob(container, name)?.is_some())
    }

    /// Makes a draft a blob, and its container too if need be; asks nobody whether it may.
    pub fn put(
        &self,
        container: (&str, &str),
        name: &str,
        draft: Draft,
        properties: Properties,
        now: Timestamp,
    ) -> io::Result<()> {
        let held = self.store.hold();
        if held.container(container, now)?.is_none() {
            held.make_container(container, Default::default(), now)?;
        }
        held.put(container, name, draft, properties, now).map(drop)
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
        check(account, call, Right::Account, Place { container: "", blob: None })?;
        return containers::account(context);
    };
    check_container(&container)?;
    match path.blob {
        None => {
            let right = match call.operation() {
                (Some("container"), Some("list")) => Right::List,
                _ => Right::Account,
            };
            check(account, call, right, Place { container: &container, blob: None })?;
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
            check(account, call, right, place)?;
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
