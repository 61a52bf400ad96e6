//! The service itself: which call goes to which answer, once it may be made at all.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use hyper::Method;
use jiff::Timestamp;
use uuid::Uuid;

use super::access::check;
use super::call::{Context, Path3, VERSION};
use super::fault::Fault;
use super::grants::{ACCOUNT, Grants, is_meant};
use super::headers::{check_metadata, lease_state};
use super::managed::DiskPages;
use super::need::{Need, Place};
use super::record::Properties;
use super::store::{Draft, Store};
use super::{batch, blob, containers, delegation, rights};
use crate::account::{Account, Nature};
use crate::addresses::Addresses;
use crate::http::{Answer, Call};
use crate::keys::StorageAccount;
use crate::rights::RightsOrder;

/// A container as it is seen from outside the service.
#[derive(Debug)]
pub(crate) struct SeenContainer {
    pub name: String,
    pub etag: String,
    pub modified: Timestamp,
    /// Of its lease: `available`, `leased` and so on; `locked` or `unlocked`.
    pub state: &'static str,
    pub status: &'static str,
    pub metadata: BTreeMap<String, String>,
}

/// The service.
#[derive(Debug)]
pub(crate) struct BlobService {
    store: Store,
    /// What opens managed disks.
    grants: Grants,
    /// The account that has their bytes; nobody has its key.
    nobody: StorageAccount,
    /// Where callers reach it.
    addresses: Arc<Addresses>,
}

impl BlobService {
    /// The service on the emulator's folder, reached at these addresses.
    pub fn open(data: &Path, addresses: Arc<Addresses>) -> io::Result<Self> {
        let (store, grants) =
            (Store::open(data)?, Grants::open(data.join("meta/disk-grants.json"))?);
        let name = ACCOUNT.parse().expect("the name keeps the rule");
        let nobody = StorageAccount::new(name, Uuid::new_v4().as_bytes().to_vec());
        Ok(BlobService { store, grants, nobody, addresses })
    }

    /// The bytes of managed disks.
    pub fn disks(&self) -> DiskPages<'_> {
        let BlobService { store, grants, nobody, addresses } = self;
        DiskPages { store, grants, nobody, addresses }
    }

    /// Answers a call; `nature` tells of an account what its blobs are like, and whoever comes with a
    /// token may do what is among the rights.
    pub fn answer(
        &self,
        (account, nature): (&Account, &dyn Fn(&str) -> Nature),
        rights: Option<&RightsOrder>,
        now: Timestamp,
        call: &Call,
    ) -> Answer {
        let is_head = call.method == Method::HEAD;
        let answer =
            self.allowed(rights, call).and_then(|()| self.route((account, nature), now, call));
        let answer = answer.unwrap_or_else(|fault| fault.answer(is_head));
        let answer = match call.header("x-ms-client-request-id") {
            Some(id) => answer.with("x-ms-client-request-id", id),
            None => answer,
        };
        answer.with("x-ms-version", call.header("x-ms-version").unwrap_or(VERSION))
    }

    fn allowed(&self, rights: Option<&RightsOrder>, call: &Call) -> Result<(), Fault> {
        let path = Path3::parse(self.addresses.account_of(call.host()), &call.path);
        match (rights, path) {
            (Some(own), Some(path)) => rights::check(own, call, &path),
            _ => Ok(()),
        }
    }

    fn route(
        &self,
        (account, nature): (&Account, &dyn Fn(&str) -> Nature),
        now: Timestamp,
        call: &Call,
    ) -> Result<Answer, Fault> {
        let no_resource = || Fault::new(404, "ResourceNotFound", "There is nothing at this path.");
        let named = self.addresses.account_of(call.host());
        let path = Path3::parse(named, &call.path).ok_or_else(no_resource)?;
        let own = match account.storage(&path.account) {
            Some(own) => own,
            None if is_meant(&path.account, path.container.as_deref(), path.blob.as_deref()) => {
                return self.disks().answer(account, now, call, &path);
            }
            None => return Err(no_resource()),
        };
        let (store, grants, addresses) = (&self.store, &self.grants, &*self.addresses);
        let nature = nature(own.name.as_str());
        route(Context { store, grants, account, own, nature, addresses, now, call }, path)
    }

    /// The containers of an account, in order, as the resource manager tells of them.
    pub fn containers(&self, account: &str, now: Timestamp) -> io::Result<Vec<SeenContainer>> {
        let held = self.store.hold();
        let mut all = Vec::new();
        for name in held.containers(account)? {
            if let Some(record) = held.container((account, &name), now)? {
                let (state, status) = lease_state(&record, now);
                let metadata = record.properties.metadata;
                let (etag, modified) = (record.etag, record.modified);
                all.push(SeenContainer { name, etag, modified, state, status, metadata });
            }
        }
        Ok(all)
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
        self.store.hold().put_anywhere(container, name, draft, properties, now)
    }
}

/// Answers a call whose place is known.
fn route(context: Context<'_>, path: Path3) -> Result<Answer, Fault> {
    let call = context.call;
    refuse_own_keys(call)?;
    check_metadata(call)?;
    let need = Need::of(call, &path);
    let name = path.container.as_deref().unwrap_or_default();
    if path.container.is_some() {
        check_container(name)?;
    }
    path.blob.as_deref().map_or(Ok(()), check_blob)?;
    let proof = check(context, need, Place { container: name, blob: path.blob.as_deref() })?;
    if call.method == Method::POST {
        return match call.operation() {
            (_, Some("batch")) if path.blob.is_none() => batch::answer(context, &path, route),
            (Some("service"), Some("userdelegationkey")) => delegation::answer(context, proof),
            _ => Err(Fault::not_there()),
        };
    }
    let (Some(container), blob) = (path.container, path.blob) else {
        return containers::account(context);
    };
    let Some(name) = blob else { return containers::answer(context, &container) };
    if context.store.hold().container((&path.account, &container), context.now)?.is_none() {
        return Err(Fault::no_container());
    }
    blob::answer(context, proof, &container, &name)
}

/// Content would lie there under no key, although its owner gave one ("Encryption with customer
/// provided keys").
fn refuse_own_keys(call: &Call) -> Result<(), Fault> {
    let is_own = |name: &str| {
        name.starts_with("x-ms-encryption-") || name.starts_with("x-ms-source-encryption-")
    };
    match call.headers.keys().find(|name| is_own(name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let message = format!("The emulator encrypts nothing, so it does not take {name}.");
            Err(Fault::new(501, "NotImplemented", message))
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
