//! What all machines of a world share, and what each of them does: a run, a seed that joins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use disk_prep::monitor::{Monitor, VoidMonitor};
use disk_prep::noun::{Md5Digest, Sha256Digest};
use disk_prep::sys::beneath::Folder;
use disk_prep::sys::hold::hold;
use jiff::{Timestamp, Zoned};
use md5::{Digest, Md5};
use secrecy::SecretString;
use sha2::Sha256;
use uuid::Uuid;

use super::super::arrival::Arrival;
use super::super::increment::{Asked, Home, increment};
use super::super::ingest::Taking;
use super::super::joining::{join, joining};
use super::super::lease::{Clock, LOCK, Lease, Timing};
use super::super::record::{SeedLink, Vault};
use super::super::removal::remove_snapshots;
use super::super::retention::retain;
use super::super::seed_list::{SeedBlob, SeedList};
use super::super::shelf::Import;
use super::super::taken::taken_in;
use super::super::{Error, is_repository_path};
use super::{Dice, PASSWORD};
use crate::azure::Container;
use crate::azure::faulty::Plan;
use crate::azure::memory::Memory;
use crate::repository::{
    BackupPlan, BlobStore, FolderStore, IsShipped, JoinStore, Linked, Rank, Repository, Snapshot,
    Store,
};

pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// A seed: what it consists of, and where it is imported to.
pub(super) struct Seed {
    pub(super) id: Uuid,
    pub(super) list: SeedList,
    pub(super) folder: PathBuf,
    pub(super) import: String,
    pub(super) has_arrived: AtomicBool,
}

/// What all machines of a world share.
pub(super) struct World {
    pub(super) memory: Memory,
    pub(super) secs: Arc<AtomicU64>,
    pub(super) seeds: Mutex<Vec<Arc<Seed>>>,
}

pub(super) struct Host {
    pub(super) name: String,
    pub(super) source: PathBuf,
    pub(super) files: Files,
    /// All that the source has ever been when it was looked at.
    pub(super) past: Vec<Files>,
    pub(super) vault: Vault,
    pub(super) leases: Vec<Uuid>,
    /// The newest snapshot that a run said is shown, and how the source was then.
    pub(super) shown: Option<String>,
    /// The same of one that waits for the seed.
    pub(super) waits: Option<String>,
}

pub(super) fn monitor() -> Arc<dyn Monitor> {
    Arc::new(VoidMonitor)
}

pub(super) fn secret() -> SecretString {
    SecretString::from(PASSWORD)
}

impl World {
    pub(super) fn vault(&self) -> Arc<dyn Container> {
        self.memory.container("vault")
    }

    pub(super) fn timing(&self) -> Timing {
        let secs = Arc::clone(&self.secs);
        let clock: Clock = Arc::new(move || Duration::from_secs(secs.load(Ordering::SeqCst)));
        Timing { renew_every: Duration::from_secs(3_600), clock, ..Timing::default() }
    }

    pub(super) fn seed_of(&self, host: &Host) -> Arc<Seed> {
        let id = host.vault.seed.as_ref().unwrap().id;
        Arc::clone(hold(&self.seeds).iter().find(|seed| seed.id == id).unwrap())
    }

    /// Takes the lease as a run of a machine does.
    pub(super) fn lease(
        &self,
        host: &mut Host,
        container: &Arc<dyn Container>,
    ) -> Result<Lease, Error> {
        let (id, former) = (Uuid::new_v4(), host.leases.clone());
        host.leases.push(id);
        let lease = Lease::take(container, id, &former, self.timing())?;
        host.leases = vec![id];
        Ok(lease)
    }

    /// Lets time pass until nobody has the lease.
    pub(super) fn wait(&self) {
        self.secs.fetch_add(100, Ordering::SeqCst);
        self.memory.expire("vault", LOCK);
    }

    /// A run of a machine, whose calls go by a plan.
    pub(super) fn run(&self, host: &mut Host, plan: &Arc<Plan>) -> Result<(), Error> {
        let container = plan.container(self.vault());
        let lease = self.lease(host, &container)?;
        let seed = self.seed_of(host);
        if host.vault.awaits_seed()
            && let Some(at) = taken_in(container.as_ref(), seed.id)?
        {
            (host.vault.ingested_at, host.vault.joins_since) = (Some(at), None);
            host.shown = host.waits.take().or(host.shown.take());
        }
        if host.vault.awaits_seed() && seed.has_arrived.load(Ordering::SeqCst) {
            let import = plan.container(self.memory.container(&seed.import));
            let import = Import::Container(import, "repo/".to_owned());
            let folder = seed.folder.clone();
            let spare = move |path: &str| match fs::read(folder.join(path)) {
                Ok(content) => Ok(Some(content.into())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            };
            let arrival = Arrival {
                vault: &host.vault,
                container: &container,
                lease: &lease,
                secret: &secret(),
                host: &host.name,
                monitor: monitor(),
            };
            let taking = Taking {
                spare: &spare,
                repair_limit: None,
                tell: &|_| (),
                prove: None,
                versions: None,
            };
            arrival.take_in(&seed.list, import, taking)?;
            host.vault.ingested_at = Some(Timestamp::now());
            host.vault.joins_since = None;
            host.shown = host.waits.take().or(host.shown.take());
        }
        let fenced = lease.guard(Arc::clone(&container));
        let now = Zoned::now();
        let asked = Asked { now: &now, this_host: &host.name, allow_shrink: true };
        let store = || folder_store(&seed.folder);
        let list = seed.list.clone();
        let is_shipped: IsShipped = Arc::new(move |place| list.has(place));
        let travels = host.vault.awaits_seed();
        let home = if travels { Home::Travelling(&store, &is_shipped) } else { Home::Vault };
        host.past.push(host.files.clone());
        let made = increment(&host.vault, (&fenced, home), &secret(), &asked, &monitor());
        let (mut done, repository) = made?;
        host.vault.sources.clone_from(&done.sources);
        retain(&host.vault, (&fenced, &repository), &asked, &mut done, &|_| ())?;
        let made = done.backup.map(|backup| backup.snapshot);
        if travels {
            host.waits = made.or(host.waits.take())
        } else {
            host.shown = made
        }
        Ok(())
    }

    /// Stages what a machine has as a seed that joins the vault.
    pub(super) fn stage_joining(&self, host: &mut Host, folder: &Path) -> Result<(), Error> {
        let (id, container) = (Uuid::new_v4(), self.vault());
        let lease = self.lease(host, &container)?;
        join(&lease.guard(Arc::clone(&container)), &host.vault.name, id, &host.name)?;
        drop(lease);
        let own = Arc::new(folder_store(folder));
        let base = Arc::new(BlobStore::reading(container, &host.vault.prefix));
        let joined = Arc::new(JoinStore::new(own, base));
        assert!(joined.take_over().unwrap());
        back_up(joined, host);
        let seed = self.ship(id, folder, "second");
        let link = host.vault.seed.clone().unwrap();
        host.vault.seed = Some(SeedLink { id, container: "second".parse().unwrap(), ..link });
        host.vault.joins_since = Some(Timestamp::now());
        host.vault.cleaned_at = None;
        hold(&self.seeds).push(seed);
        Ok(())
    }

    /// Lets all go that the vault has of a machine, as `vault forget --source` does.
    pub(super) fn let_go(&self, host: &mut Host, plan: &Arc<Plan>) -> Result<(), Error> {
        let container = plan.container(self.vault());
        let lease = self.lease(host, &container)?;
        if !joining(container.as_ref())?.is_empty() {
            return Ok(());
        }
        let of_host = |ids: Vec<Snapshot>| -> Vec<String> {
            ids.into_iter().filter(|own| own.host == host.name).map(|own| own.id).collect()
        };
        let ids = of_host(self.open().snapshots().unwrap());
        host.shown = None;
        let fenced = lease.guard(Arc::clone(&container));
        remove_snapshots(&host.vault, &fenced, &secret(), monitor(), &ids)?;
        assert_eq!(of_host(self.open().snapshots().unwrap()), Vec::<String>::new());
        Ok(())
    }

    /// A folder becomes a seed on its way.
    pub(super) fn ship(&self, id: Uuid, folder: &Path, import: &str) -> Arc<Seed> {
        let files = below(folder).into_iter().filter(|(path, _)| is_repository_path(path));
        let blob = |(path, content): (String, Vec<u8>)| {
            let sha256 = Sha256Digest::new(Sha256::digest(&content).into());
            let md5 = Md5Digest::new(Md5::digest(&content).into());
            SeedBlob::new(&path, content.len() as u64, md5, sha256).unwrap()
        };
        let list = SeedList::new(files.map(blob).collect()).unwrap();
        let list = if import == "second" { list.without(Rank::Key) } else { list };
        let (folder, import) = (folder.to_owned(), import.to_owned());
        Arc::new(Seed { id, list, folder, import, has_arrived: AtomicBool::new(false) })
    }

    /// The drives are read; some blobs get lost or damaged on the way.
    pub(super) fn arrive(&self, seed: &Seed, dice: &mut Dice) {
        for blob in seed.list.blobs() {
            let mut content = fs::read(seed.folder.join(blob.path())).unwrap();
            match dice.below(12) {
                0 => continue,
                1 => content[0] ^= 1,
                _ => {}
            }
            self.memory.import(&seed.import, &format!("repo/{}", blob.path()), &content);
        }
        seed.has_arrived.store(true, Ordering::SeqCst);
    }

    pub(super) fn snapshots(&self) -> BTreeSet<String> {
        let all = self.memory.contents("vault");
        let own = all.keys().filter_map(|name| name.strip_prefix("repo/snapshots/"));
        own.map(str::to_owned).collect()
    }

    pub(super) fn open(&self) -> Repository {
        let store = Arc::new(BlobStore::reading(self.vault(), "repo/"));
        Repository::open(store, &secret(), monitor()).unwrap()
    }

    /// Whatever is shown has all of what it holds.
    pub(super) fn is_sound(&self) {
        if !self.snapshots().is_empty() {
            self.open().check_among_others().unwrap();
        }
    }
}

pub(super) fn folder_store(path: &Path) -> FolderStore {
    fs::create_dir_all(path).unwrap();
    FolderStore::new(Arc::new(Folder::open(path).unwrap()), "", Linked::Refused)
}

pub(super) fn below(folder: &Path) -> Files {
    let all = walkdir::WalkDir::new(folder).into_iter().flatten();
    let files = all.filter(|entry| entry.file_type().is_file());
    let read = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        (path, fs::read(entry.path()).unwrap())
    };
    files.map(read).collect()
}

/// An empty repository whose key costs nothing.
pub(super) fn quick_repository(folder: &Path) {
    let text = include_str!("../../../fixtures/repository/quick.json");
    let files: BTreeMap<String, String> = serde_json::from_str(text).unwrap();
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, BASE64_STANDARD.decode(content).unwrap()).unwrap();
    }
}

pub(super) fn back_up(store: Arc<dyn Store>, host: &mut Host) {
    host.past.push(host.files.clone());
    let plan = BackupPlan {
        sources: vec![host.source.clone()],
        host: Some(host.name.clone()),
        ..BackupPlan::default()
    };
    Repository::open(store, &secret(), monitor()).unwrap().back_up(&plan).unwrap();
}
