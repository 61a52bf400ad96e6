//! A blob service of page blobs in memory, small and of several natures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use disk_prep::noun::Md5Digest;
use disk_prep::sys::hold::hold;
use uuid::Uuid;

use crate::azure::{
    self, CopySource, Made as BlobMade, PageBlob, PageFacts, PageList, PageRange, PageState,
    PagesAsked, SnapshotFacts,
};
use crate::disk_backup::pages::md5_of;

pub const PAGE: usize = 512;

/// A page: what it holds, when it was changed, whether it was written.
pub type Page = (u8, usize, Option<PageState>);

#[derive(Debug, Clone, Default)]
pub struct Disk {
    pub pages: Vec<Page>,
    pub metadata: BTreeMap<String, String>,
    epoch: usize,
}

#[derive(Debug, Default)]
pub struct Shelf {
    pub disk: Option<Disk>,
    etag: usize,
    snapshots: BTreeMap<String, Disk>,
    pub lease: Option<Uuid>,
    /// Of a managed disk: which snapshots are open, and the run that opened each.
    opened: BTreeMap<String, usize>,
    run: usize,
}

/// What a service is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    Azure,
    /// It answers a difference with all that is written.
    Lies,
    /// It has no more than two ranges in one part.
    Small,
    /// Its lists run beyond the blob.
    Beyond,
    /// Its lists begin anew at their end.
    Anew,
    /// Its lists go on where they were.
    Circles,
    /// Its lists go on behind their end.
    Void,
    /// What it sends is not what it says it sends.
    Garbled,
    /// What it is sent does not stay.
    Forgets,
    /// The disk is a managed one: its snapshots are opened before they are read.
    Managed,
}

#[derive(Debug)]
pub struct World {
    pub shelves: Mutex<BTreeMap<String, Shelf>>,
    pub clock: AtomicUsize,
    pub nature: Nature,
}

#[derive(Debug, Clone)]
pub struct Memory {
    pub world: Arc<World>,
    pub name: String,
}

impl Memory {
    pub fn new(world: &Arc<World>, name: &str) -> Self {
        Memory { world: Arc::clone(world), name: name.to_owned() }
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut Shelf) -> T) -> T {
        act(hold(&self.world.shelves).entry(self.name.clone()).or_default())
    }

    /// A snapshot is read. One that another run has left open stays that run's until it is ended.
    fn open(&self, snapshot: Option<&str>) {
        if let Some(id) = snapshot.filter(|_| self.is_managed()) {
            self.with(|shelf| *shelf.opened.entry(id.to_owned()).or_insert(shelf.run));
        }
    }

    /// Another run begins, and this one was killed: what it has opened stays so. How much that is.
    pub fn killed(&self) -> usize {
        self.with(|shelf| {
            shelf.run += 1;
            shelf.opened.len()
        })
    }

    /// How many snapshots are open that runs before this one have opened.
    pub fn left_open(&self) -> usize {
        self.with(|shelf| shelf.opened.values().filter(|own| **own != shelf.run).count())
    }

    fn refused(code: &str) -> azure::Error {
        azure::Error::Refused { code: code.to_owned(), message: String::new(), call: None }
    }

    fn change(&self, lease: Option<Uuid>, act: impl FnOnce(&mut Disk)) -> Result<(), azure::Error> {
        self.with(|shelf| {
            if shelf.lease.is_some() && shelf.lease != lease {
                return Err(Memory::refused("LeaseIdMismatchWithBlobOperation"));
            }
            shelf.etag += 1;
            act(shelf.disk.as_mut().ok_or_else(|| Memory::refused("BlobNotFound"))?);
            Ok(())
        })
    }

    /// The machine's own writes, and bytes of a version.
    pub fn set(&self, at: usize, value: u8, state: PageState) {
        self.with(|shelf| {
            let disk = shelf.disk.as_mut().unwrap();
            disk.pages[at] = (value, disk.epoch, Some(state));
        });
    }

    pub fn content(&self, snapshot: &str) -> Vec<u8> {
        self.with(|shelf| shelf.snapshots[snapshot].pages.iter().map(|page| page.0).collect())
    }
}

impl PageBlob for Memory {
    fn address(&self) -> String {
        format!("https://memory/{}", self.name)
    }

    fn is_managed(&self) -> bool {
        self.world.nature == Nature::Managed && self.name == "disk"
    }

    fn end_left(
        &self,
        mine: &dyn Fn(&BTreeMap<String, String>) -> bool,
    ) -> Result<(), azure::Error> {
        self.with(|Shelf { opened, snapshots, run, .. }| {
            opened.retain(|id, own| {
                *own == *run || !snapshots.get(id).is_some_and(|disk| mine(&disk.metadata))
            });
        });
        Ok(())
    }

    fn facts(&self, snapshot: Option<&str>) -> Result<Option<PageFacts>, azure::Error> {
        Ok(self.with(|shelf| {
            let disk = match snapshot {
                None => shelf.disk.as_ref(),
                Some(id) => shelf.snapshots.get(id),
            };
            disk.map(|disk| PageFacts {
                bytes: (disk.pages.len() * PAGE) as u64,
                etag: shelf.etag.to_string(),
                metadata: disk.metadata.clone(),
                is_pages: true,
                is_leased: shelf.lease.is_some(),
                copy: None,
                is_azurite: false,
                is_sealed: snapshot.is_some(),
                is_incremental: false,
            })
        }))
    }

    fn snapshots(&self) -> Result<Vec<SnapshotFacts>, azure::Error> {
        let facts = |(id, disk): (&String, &Disk)| SnapshotFacts {
            id: id.clone(),
            metadata: disk.metadata.clone(),
            bytes: (disk.pages.len() * PAGE) as u64,
            copied: None,
        };
        Ok(self.with(|shelf| shelf.snapshots.iter().map(facts).collect()))
    }

    fn pages(&self, asked: PagesAsked<'_>) -> Result<PageList, azure::Error> {
        let nature = self.world.nature;
        self.open(asked.snapshot);
        self.open(asked.since);
        let since = asked.since.filter(|_| nature != Nature::Lies);
        self.with(|shelf| {
            let disk = match asked.snapshot {
                None => shelf.disk.as_ref(),
                Some(id) => shelf.snapshots.get(id),
            };
            let disk = disk.ok_or_else(|| Memory::refused("BlobNotFound"))?;
            let epoch = match since {
                None => None,
                Some(id) => {
                    let earlier = shelf.snapshots.get(id);
                    let gone = || Memory::refused("PreviousSnapshotNotFound");
                    Some(earlier.ok_or_else(gone)?.epoch)
                }
            };
            let from: usize = asked.marker.map_or(0, |marker| marker.parse().unwrap());
            let mut list = PageList::default();
            for (at, (_, changed, state)) in disk.pages.iter().enumerate().skip(from) {
                let wanted = match epoch {
                    None => *state == Some(PageState::Written),
                    Some(epoch) => *changed > epoch,
                };
                let Some(state) = state.filter(|_| wanted) else { continue };
                let (start, end) = ((at * PAGE) as u64, ((at + 1) * PAGE) as u64);
                if nature == Nature::Small && list.ranges.len() == 2 {
                    list.next = Some(at.to_string());
                    break;
                }
                let end = if nature == Nature::Beyond { end + (1 << 20) } else { end };
                list.ranges.push(PageRange { start, end, state });
            }
            match nature {
                Nature::Anew => list.next = Some("0".to_owned()),
                Nature::Circles => {
                    list.ranges.retain(|range| from > 0 || range.start < 12 * PAGE as u64);
                    list.next = Some("12".to_owned());
                }
                Nature::Void => list.next = Some(disk.pages.len().to_string()),
                _ => {}
            }
            Ok(list)
        })
    }

    fn read(
        &self,
        snapshot: Option<&str>,
        start: u64,
        bytes: u64,
    ) -> Result<(Bytes, Option<Md5Digest>), azure::Error> {
        self.open(snapshot);
        self.with(|shelf| {
            let disk = match snapshot {
                None => shelf.disk.as_ref(),
                Some(id) => shelf.snapshots.get(id),
            };
            let disk = disk.ok_or_else(|| Memory::refused("BlobNotFound"))?;
            let (from, to) = (start as usize / PAGE, (start + bytes) as usize / PAGE);
            let content: Vec<u8> =
                disk.pages[from..to].iter().flat_map(|page| [page.0; PAGE]).collect();
            let is_garbled = self.world.nature == Nature::Garbled;
            let md5 = md5_of(if is_garbled { b"else" } else { &content });
            Ok((content.into(), Some(md5)))
        })
    }

    fn source(&self, snapshot: &str) -> Result<CopySource, azure::Error> {
        self.open(Some(snapshot));
        Ok(CopySource::played(&"disks".parse().unwrap(), &self.name, Some(snapshot)))
    }

    fn create(
        &self,
        bytes: u64,
        metadata: &BTreeMap<String, String>,
    ) -> Result<BlobMade, azure::Error> {
        Ok(self.with(|shelf| {
            if shelf.disk.is_some() {
                return BlobMade::There;
            }
            let pages = vec![(0, 0, None); bytes as usize / PAGE];
            shelf.disk = Some(Disk { pages, metadata: metadata.clone(), epoch: 1 });
            BlobMade::New
        }))
    }

    fn copy_from(
        &self,
        _: &CopySource,
        _: &BTreeMap<String, String>,
    ) -> Result<BlobMade, azure::Error> {
        Err(Memory::refused("NotImplemented"))
    }

    fn snapshot(
        &self,
        metadata: &BTreeMap<String, String>,
        _: Option<Uuid>,
    ) -> Result<String, azure::Error> {
        let id = format!("{:08}", self.world.clock.fetch_add(1, Ordering::Relaxed));
        self.with(|shelf| {
            let disk = shelf.disk.as_mut().ok_or_else(|| Memory::refused("BlobNotFound"))?;
            let own = Disk { metadata: metadata.clone(), ..disk.clone() };
            disk.epoch += 1;
            shelf.snapshots.insert(id.clone(), own);
            Ok(id)
        })
    }

    fn write(
        &self,
        start: u64,
        content: Bytes,
        md5: Md5Digest,
        lease: Uuid,
    ) -> Result<(), azure::Error> {
        assert_eq!(md5, md5_of(&content));
        self.change(Some(lease), |disk| {
            let is_kept = self.world.nature != Nature::Forgets;
            for (at, page) in content.chunks(PAGE).enumerate().filter(|_| is_kept) {
                let at = start as usize / PAGE + at;
                disk.pages[at] = (page[0], disk.epoch, Some(PageState::Written));
            }
        })
    }

    fn write_from(
        &self,
        source: &CopySource,
        (start, end): (u64, u64),
        md5: Option<Md5Digest>,
        lease: Uuid,
    ) -> Result<(), azure::Error> {
        let from = Memory::new(&self.world, source.name());
        let content = from.read(source.snapshot(), start, end - start)?.0;
        if md5.is_some_and(|md5| md5 != md5_of(&content)) {
            return Err(Memory::refused("Md5Mismatch"));
        }
        let md5 = md5_of(&content);
        self.write(start, content, md5, lease)
    }

    fn copy_changes(&self, _: &CopySource) -> Result<(), azure::Error> {
        Err(Memory::refused("NotImplemented"))
    }

    fn snapshots_below(&self, _: &str) -> Result<Vec<(String, SnapshotFacts)>, azure::Error> {
        Err(Memory::refused("NotImplemented"))
    }

    fn clear(&self, start: u64, end: u64, lease: Uuid) -> Result<(), azure::Error> {
        self.change(Some(lease), |disk| {
            for at in start as usize / PAGE..end as usize / PAGE {
                disk.pages[at] = (0, disk.epoch, Some(PageState::Cleared));
            }
        })
    }

    fn resize(&self, bytes: u64, lease: Uuid) -> Result<(), azure::Error> {
        self.change(Some(lease), |disk| {
            let new = (0, disk.epoch, Some(PageState::Cleared));
            disk.pages.resize(bytes as usize / PAGE, new);
        })
    }

    fn set_metadata(
        &self,
        metadata: &BTreeMap<String, String>,
        etag: &str,
        lease: Option<Uuid>,
    ) -> Result<(), azure::Error> {
        if self.with(|shelf| shelf.etag.to_string()) != etag {
            return Err(Memory::refused("ConditionNotMet"));
        }
        self.change(lease, |disk| disk.metadata = metadata.clone())
    }

    fn remove_snapshot(&self, id: &str) -> Result<(), azure::Error> {
        self.with(|shelf| {
            shelf.snapshots.remove(id);
            shelf.opened.remove(id);
        });
        Ok(())
    }

    fn remove(&self, _: &str) -> Result<(), azure::Error> {
        hold(&self.world.shelves).remove(&self.name);
        Ok(())
    }

    fn remove_bare(&self, etag: &str) -> Result<(), azure::Error> {
        match self.with(|shelf| shelf.snapshots.is_empty()) {
            true => self.remove(etag),
            false => Err(Memory::refused("SnapshotsPresent")),
        }
    }

    fn lease(&self, id: Uuid, _: i32) -> Result<(), azure::Error> {
        self.with(|shelf| match shelf.lease {
            Some(_) => Err(azure::Error::Leased { what: self.name.clone() }),
            None => {
                shelf.lease = Some(id);
                Ok(())
            }
        })
    }

    fn renew_lease(&self, id: Uuid) -> Result<(), azure::Error> {
        let is_held = self.with(|shelf| shelf.lease == Some(id));
        if is_held { Ok(()) } else { Err(azure::Error::Leased { what: self.name.clone() }) }
    }

    fn change_lease(&self, from: Uuid, to: Uuid) -> Result<(), azure::Error> {
        self.renew_lease(from)?;
        self.with(|shelf| shelf.lease = Some(to));
        Ok(())
    }

    fn release_lease(&self, id: Uuid) -> Result<(), azure::Error> {
        self.renew_lease(id)?;
        self.with(|shelf| shelf.lease = None);
        Ok(())
    }

    fn break_lease(&self) -> Result<(), azure::Error> {
        self.with(|shelf| shelf.lease = None);
        Ok(())
    }

    fn beside(&self, name: &str) -> Arc<dyn PageBlob> {
        Arc::new(Memory::new(&self.world, name))
    }
}
