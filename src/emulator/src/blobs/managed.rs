//! The bytes of managed disks: page blobs of an account that nobody can call, and the addresses that
//! open them for a while, each for one disk or one of its snapshots (`managed-disks` 1, 4).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use hyper::Method;
use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use super::access::Proof;
use super::blob;
use super::call::{Context, Path3};
use super::fault::Fault;
use super::grants::{ACCOUNT, BLOB, Grant, Grants, NAME, account};
use super::record::{BlobKind, Properties};
use super::store::{Draft, Store};
use crate::account::{Account, Nature};
use crate::addresses::Addresses;
use crate::http::{Answer, Call};
use crate::keys::StorageAccount;

/// The address of the earlier snapshot of a difference.
const EARLIER: &str = "x-ms-previous-snapshot-url";
/// What opens an address, and what names a snapshot of a blob that anybody can see.
const OWN_WORDS: [&str; 6] = ["sv", "sr", "si", "sig", "snapshot", "prevsnapshot"];

/// What an address is given out for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened<'a> {
    /// Whose bytes.
    pub disk: &'a str,
    /// As they were then; none: as they are.
    pub snapshot: Option<&'a str>,
}

fn closed() -> Fault {
    Fault::new(403, "AuthenticationFailed", "The address is wrong, ended or over.")
}

/// The bytes of all managed disks, and what opens them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DiskPages<'a> {
    pub(super) store: &'a Store,
    pub(super) grants: &'a Grants,
    /// The account that has them; nobody has its key.
    pub(super) nobody: &'a StorageAccount,
    pub(super) addresses: &'a Addresses,
}

impl DiskPages<'_> {
    /// Content that may become a disk.
    pub fn draft(&self) -> io::Result<Draft> {
        self.store.draft()
    }

    /// Makes a draft the bytes of a disk; of which pages something is written.
    pub fn put_disk(
        &self,
        disk: &str,
        draft: Draft,
        pages: Vec<(u64, u64)>,
        now: Timestamp,
    ) -> io::Result<()> {
        let kind = BlobKind::PageBlob;
        let properties = Properties { kind, pages, ..Default::default() };
        self.store.hold().put_anywhere((ACCOUNT, disk), BLOB, draft, properties, now)
    }

    /// The length of what is here of a disk, its footer included.
    pub fn disk_bytes(&self, disk: &str) -> io::Result<Option<u64>> {
        Ok(self.store.hold().blob((ACCOUNT, disk), BLOB)?.map(|own| own.record.bytes))
    }

    /// Writes into a disk, as the machine would at its work.
    pub fn write_disk(&self, disk: &str, start: u64, content: &[u8]) -> io::Result<()> {
        let held = self.store.hold();
        let blob = held.blob((ACCOUNT, disk), BLOB)?.ok_or(io::ErrorKind::NotFound)?;
        held.write_pages((ACCOUNT, disk), &blob.record, start, content)
    }

    /// Reads a disk.
    pub fn read_disk(&self, disk: &str, start: u64, content: &mut [u8]) -> io::Result<()> {
        let held = self.store.hold();
        let blob = held.blob((ACCOUNT, disk), BLOB)?.ok_or(io::ErrorKind::NotFound)?;
        blob.file.read_exact_at(content, start)
    }

    /// Makes a disk longer; what was its end until now is cleared, and it gets another.
    pub fn grow_disk(&self, disk: &str, bytes: u64, end: &[u8]) -> io::Result<()> {
        let (held, key) = (self.store.hold(), (ACCOUNT, disk));
        let mut record = held.blob(key, BLOB)?.ok_or(io::ErrorKind::NotFound)?.record;
        let old = record.bytes;
        held.clear_pages(key, &record, old - end.len() as u64, old)?;
        held.resize(key, &mut record, bytes)?;
        held.save(key, &record)?;
        held.write_pages(key, &record, bytes - end.len() as u64, end)
    }

    /// Takes a snapshot of a disk; what it is called, and its length.
    pub fn snapshot_disk(&self, disk: &str, now: Timestamp) -> io::Result<(String, u64)> {
        let (held, key) = (self.store.hold(), (ACCOUNT, disk));
        let mut record = held.blob(key, BLOB)?.ok_or(io::ErrorKind::NotFound)?.record;
        let (id, taken) = held.snapshot(key, &mut record, Default::default(), now)?;
        Ok((id, taken.bytes))
    }

    /// Removes a snapshot of a disk.
    pub fn drop_disk_snapshot(&self, disk: &str, id: &str) -> io::Result<()> {
        self.store.hold().remove_snapshot((ACCOUNT, disk), BLOB, id)
    }

    /// Removes the bytes of a disk.
    pub fn drop_disk(&self, disk: &str) -> io::Result<()> {
        self.grants.end(disk, None)?;
        self.store.hold().remove_container((ACCOUNT, disk))
    }

    /// An address that opens a disk or a snapshot; the one that does so already, if there is one.
    pub fn open_disk(
        &self,
        opened: Opened<'_>,
        is_write: bool,
        (now, until): (Timestamp, Timestamp),
    ) -> io::Result<String> {
        let Opened { disk, snapshot } = opened;
        let grant = match self.grants.of(disk, snapshot, now) {
            Some(own) => own,
            None => {
                let own = Grant {
                    id: Uuid::new_v4().simple().to_string(),
                    disk: disk.to_owned(),
                    snapshot: snapshot.map(str::to_owned),
                    is_write,
                    until,
                    signature: Uuid::new_v4().simple().to_string(),
                };
                self.grants.add(own.clone(), now)?;
                own
            }
        };
        let Grant { id, signature, .. } = grant;
        let base = self.addresses.of(&account(&id));
        Ok(format!("{base}/{id}/{NAME}?sv=2018-03-28&sr=b&si={id}&sig={signature}"))
    }

    /// Whether something opens a disk or a snapshot.
    pub fn is_disk_open(&self, Opened { disk, snapshot }: Opened<'_>, now: Timestamp) -> bool {
        self.grants.of(disk, snapshot, now).is_some()
    }

    /// How many snapshots of a disk are open.
    pub fn open_snapshots(&self, disk: &str, now: Timestamp) -> usize {
        self.grants.family(disk, now)
    }

    /// Ends what opens a disk or a snapshot.
    pub fn close_disk(&self, Opened { disk, snapshot }: Opened<'_>) -> io::Result<()> {
        self.grants.end(disk, snapshot)
    }

    /// The grant of an address.
    fn granted(&self, id: &str, signature: &str, now: Timestamp) -> Result<Grant, Fault> {
        let found = self.grants.find(id, now).filter(|own| own.signature == signature);
        found.ok_or_else(closed)
    }

    /// Answers a call to an address that was given out.
    pub(super) fn answer(
        &self,
        account: &Account,
        now: Timestamp,
        call: &Call,
        path: &Path3,
    ) -> Result<Answer, Fault> {
        let id = path.container.as_deref().unwrap_or_default();
        let grant = self.granted(id, call.parameter("sig").unwrap_or_default(), now)?;
        let is_given = match (&call.method, call.parameter("comp")) {
            (&Method::GET | &Method::HEAD, None) | (&Method::GET, Some("pagelist")) => true,
            (&Method::PUT, Some("page")) => {
                grant.is_write && !call.headers.contains_key("x-ms-copy-source")
            }
            _ => false,
        };
        if !is_given {
            return Err(Fault::permission());
        }
        let mut inner = call.clone();
        inner.query.retain(|(name, _)| !OWN_WORDS.contains(&name.as_str()));
        if let Some(earlier) = call.header(EARLIER) {
            let earlier = self.earlier(earlier, &grant, now)?;
            inner.query.push(("prevsnapshot".to_owned(), earlier));
            inner.headers.remove(EARLIER);
        }
        let snapshot = grant.snapshot.map(|id| ("snapshot".to_owned(), id));
        inner.query.extend(snapshot);
        let DiskPages { store, grants, nobody: own, addresses } = *self;
        let context = Context {
            store,
            grants,
            account,
            own,
            nature: Nature::default(),
            addresses,
            now,
            call: &inner,
        };
        blob::answer(context, Proof::Sas, &grant.disk, BLOB)
    }

    /// The snapshot that a difference is asked against: of the same disk, and open too.
    fn earlier(&self, address: &str, grant: &Grant, now: Timestamp) -> Result<String, Fault> {
        let url = Url::parse(address).map_err(|_| Fault::header(EARLIER))?;
        let signature = url.query_pairs().find(|(name, _)| name == "sig");
        let signature = signature.map(|(_, own)| own.into_owned()).unwrap_or_default();
        let id = url.path().trim_end_matches(NAME).trim_end_matches('/');
        let id = id.rsplit('/').next().unwrap_or_default();
        let earlier = self.granted(id, &signature, now)?;
        let is_one = earlier.disk == grant.disk && grant.snapshot.is_some();
        earlier.snapshot.filter(|_| is_one).ok_or_else(|| {
            let message = "The earlier snapshot is none of the same disk.";
            Fault::new(409, "PreviousSnapshotOperationNotSupported", message)
        })
    }
}

/// Which stretches of a content hold something, in whole pages.
pub(crate) fn written(content: &File) -> io::Result<Vec<(u64, u64)>> {
    /// What is looked at as one.
    const PIECE: usize = 64 << 10;
    let (mut at, mut piece, mut found) = (0, vec![0; PIECE], Vec::<(u64, u64)>::new());
    loop {
        let read = content.read_at(&mut piece, at)?;
        if read == 0 {
            return Ok(found);
        }
        let end = at + read as u64;
        if piece[..read].iter().any(|byte| *byte != 0) {
            match found.last_mut() {
                Some(last) if last.1 == at => last.1 = end,
                _ => found.push((at, end)),
            }
        }
        at = end;
    }
}
