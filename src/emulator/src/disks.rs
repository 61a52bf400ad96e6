//! Managed disks with their bytes: what is known of them stands in the world, what they hold in page
//! blobs, with the footer that makes a disk's bytes a fixed VHD. Knows no calls.

use std::fs::File;
use std::os::unix::fs::FileExt;

use disk_prep::limits::{MANAGED_SNAPSHOTS, MANAGED_SNAPSHOTS_AT_ONCE};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::blobs::managed::{DiskPages, Opened, written};
use super::dock::destination::own;
use super::error::Error;
use super::recovery::{
    DiskOrder, DiskSnapshot, FOOTER, ManagedDisk, Origin, Tags, World, WorldBook, footer,
};

/// A disk of which nothing was said, bytes.
const PLAIN_BYTES: u64 = 32 << 20;
/// Bytes that are moved at once.
const PIECE: usize = 1 << 20;
/// In which so many snapshots of one disk may be taken.
const A_WHILE: SignedDuration = SignedDuration::from_mins(5);

/// What is done with managed disks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskDeed {
    /// Make it, or change it.
    Set(DiskOrder),
    /// Take it away; its snapshots stay.
    Remove(DiskOrder),
    /// Write into it, as a machine would at its work.
    Write {
        /// Which disk.
        order: DiskOrder,
        /// From which byte on.
        offset: u64,
    },
    /// Tell of all.
    List,
}

/// The disks, for one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disks<'a> {
    pub pages: DiskPages<'a>,
    pub world: &'a WorldBook,
    pub now: Timestamp,
}

/// Why a snapshot cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Too many in a while.
    Rate,
    /// Too many in all.
    Count,
}

fn refused(message: impl Into<String>) -> Error {
    Error::Refused { message: message.into() }
}

/// The next stretch of whole pages that differs.
fn differing(new: &[u8], old: &[u8], from: usize) -> Option<(usize, usize)> {
    let differs = |at: &usize| new[*at..*at + FOOTER] != old[*at..*at + FOOTER];
    let start = (from..new.len()).step_by(FOOTER).find(differs)?;
    let end = (start..new.len()).step_by(FOOTER).find(|at| !differs(at));
    Some((start, end.unwrap_or(new.len())))
}

impl Disks<'_> {
    /// Does what somebody asks for at the control socket.
    pub fn order(&self, deed: DiskDeed, files: &[File]) -> Result<Vec<ManagedDisk>, Error> {
        match deed {
            DiskDeed::List => Ok(self.world.read().disks),
            DiskDeed::Set(order) => Ok(vec![self.set(&order, files.first())?]),
            DiskDeed::Remove(order) => {
                let disk = self.named(&order)?;
                self.remove(&disk)?;
                Ok(vec![disk])
            }
            DiskDeed::Write { order, offset } => {
                let disk = self.named(&order)?;
                let content = files.first().ok_or_else(|| refused("no file came with it"))?;
                self.write(&disk, offset, content)?;
                Ok(vec![disk])
            }
        }
    }

    fn named(&self, order: &DiskOrder) -> Result<ManagedDisk, Error> {
        let world = self.world.read();
        let found = world.disk(order.group(), &order.name).cloned();
        let found =
            found.ok_or_else(|| refused(format!("there is no managed disk {}", order.name)))?;
        match world.machine_of(&found) {
            Some(vm) => {
                let (disk, vm) = (&found.name, &vm.name);
                Err(refused(format!("the machine {vm} has {disk}; `vm write` writes into it")))
            }
            None => Ok(found),
        }
    }

    fn set(&self, order: &DiskOrder, content: Option<&File>) -> Result<ManagedDisk, Error> {
        order.check()?;
        let held = self.world.read().disk(order.group(), &order.name).cloned();
        if let Some(mut disk) = held {
            if content.is_some() {
                return Err(refused(format!("{} is there; `write` writes into it", disk.name)));
            }
            if let Some(bytes) = order.bytes.filter(|bytes| *bytes != disk.bytes) {
                self.named(order)?;
                self.grow(&mut disk, bytes)?;
            }
            order.change(&mut disk);
            self.keep(disk.clone())?;
            return Ok(disk);
        }
        let given = content.map(File::metadata).transpose().map_err(own)?.map(|own| own.len());
        let bytes = given.or(order.bytes).unwrap_or(PLAIN_BYTES);
        DiskOrder { bytes: Some(bytes), ..order.clone() }.check()?;
        let mut disk = ManagedDisk::new(order.group(), &order.name, "westus", bytes, self.now);
        disk.origin = Origin::Empty;
        order.change(&mut disk);
        self.make(disk.clone(), content)?;
        Ok(disk)
    }

    /// Makes a disk of a content, or one that holds nothing.
    pub fn make(&self, disk: ManagedDisk, content: Option<&File>) -> Result<(), Error> {
        self.fill(&disk, content)?;
        self.keep(disk)
    }

    fn fill(&self, disk: &ManagedDisk, content: Option<&File>) -> Result<(), Error> {
        let draft = self.pages.draft().map_err(own)?;
        let file = draft.file();
        file.set_len(disk.bytes + FOOTER as u64).map_err(own)?;
        let mut pages = content.map(written).transpose().map_err(own)?.unwrap_or_default();
        for (start, end) in &pages {
            let content = content.ok_or_else(|| refused("there is no content"))?;
            let mut piece = vec![0; usize::try_from(end - start).unwrap_or(0)];
            content.read_exact_at(&mut piece, *start).map_err(own)?;
            file.write_all_at(&piece, *start).map_err(own)?;
        }
        // Who uploads a disk brings the footer too.
        if !disk.is_uploading {
            let end = disk.bytes + FOOTER as u64;
            file.write_all_at(&footer(disk.bytes, self.now), disk.bytes).map_err(own)?;
            pages.push((disk.bytes, end));
        }
        self.pages.put_disk(&disk.id, draft, pages, self.now).map_err(own)
    }

    /// The bytes of a disk are pages from now on, also of one that a restore of a machine made; those
    /// of one that a machine has are brought up to what it has written.
    pub fn provide(&self, disk: &ManagedDisk) -> Result<(), Error> {
        let held = self.pages.disk_bytes(&disk.id).map_err(own)?;
        if held.is_some() && disk.machine.is_none() {
            return Ok(());
        }
        match (held, self.world.bytes_of(disk)?) {
            (Some(held), Some(content)) => self.follow(disk, held, &content),
            (Some(_), None) => Ok(()),
            (None, content) => self.fill(disk, content.as_ref()),
        }
    }

    /// Writes what differs from the machine's file, and nothing else: two snapshots tell what the
    /// machine wrote in between.
    fn follow(&self, disk: &ManagedDisk, held: u64, content: &File) -> Result<(), Error> {
        let footer_bytes = FOOTER as u64;
        if held < disk.bytes + footer_bytes {
            let end = footer(disk.bytes, self.now);
            self.pages.grow_disk(&disk.id, disk.bytes + footer_bytes, &end).map_err(own)?;
        }
        let (mut at, mut new, mut old) = (0, vec![0; PIECE], vec![0; PIECE]);
        while at < disk.bytes {
            let length = usize::try_from(disk.bytes - at).map_or(PIECE, |rest| rest.min(PIECE));
            content.read_exact_at(&mut new[..length], at).map_err(own)?;
            self.pages.read_disk(&disk.id, at, &mut old[..length]).map_err(own)?;
            let mut from = 0;
            while let Some((start, end)) = differing(&new[..length], &old[..length], from) {
                let content = &new[start..end];
                self.pages.write_disk(&disk.id, at + start as u64, content).map_err(own)?;
                from = end;
            }
            at += length as u64;
        }
        Ok(())
    }

    /// Lets go the bytes of disks that were there before, if nothing has them any more.
    pub fn sweep_all(&self, before: &[ManagedDisk]) -> Result<(), Error> {
        let world = self.world.read();
        let gone = before.iter().filter(|own| !world.holds(&own.id));
        for disk in gone {
            if self.pages.disk_bytes(&disk.id).map_err(own)?.is_some() {
                self.pages.drop_disk(&disk.id).map_err(own)?;
            }
        }
        Ok(())
    }

    /// Keeps what is known of a disk.
    pub fn keep(&self, disk: ManagedDisk) -> Result<(), Error> {
        self.world.change(|world| {
            world.disks.retain(|own| !own.is(&disk.group, &disk.name));
            world.disks.push(disk);
            world.disks.sort_by_key(|own| (own.name.to_lowercase(), own.group.to_lowercase()));
            Ok(())
        })
    }

    /// Makes a disk longer.
    pub fn grow(&self, disk: &mut ManagedDisk, bytes: u64) -> Result<(), Error> {
        if bytes < disk.bytes {
            return Err(refused("a managed disk is never made smaller"));
        }
        self.provide(disk)?;
        let end = footer(bytes, self.now);
        self.pages.grow_disk(&disk.id, bytes + FOOTER as u64, &end).map_err(own)?;
        disk.bytes = bytes;
        Ok(())
    }

    fn write(&self, disk: &ManagedDisk, offset: u64, content: &File) -> Result<(), Error> {
        self.provide(disk)?;
        let bytes = content.metadata().map_err(own)?.len();
        if offset.checked_add(bytes).is_none_or(|end| end > disk.bytes) {
            return Err(refused(format!("the disk ends at {}", disk.bytes)));
        }
        let end = offset + bytes;
        // A machine writes whole sectors; what is in them beside it stays.
        let mut at = offset - offset % FOOTER as u64;
        while at < end {
            let next = (at + PIECE as u64).min(end.next_multiple_of(FOOTER as u64));
            let mut piece = vec![0; usize::try_from(next - at).unwrap_or(0)];
            self.pages.read_disk(&disk.id, at, &mut piece).map_err(own)?;
            let (from, to) = (at.max(offset), next.min(end));
            let own_part =
                usize::try_from(from - at).unwrap_or(0)..usize::try_from(to - at).unwrap_or(0);
            content.read_exact_at(&mut piece[own_part], from - offset).map_err(own)?;
            self.pages.write_disk(&disk.id, at, &piece).map_err(own)?;
            at = next;
        }
        Ok(())
    }

    /// Why another snapshot of a disk cannot be taken, if it cannot.
    pub fn limit(&self, disk: &ManagedDisk, world: &World) -> Option<Limit> {
        let own = || world.snapshots.iter().filter(|own| own.source_id == disk.id);
        let is_new = |own: &&DiskSnapshot| self.now.duration_since(own.made) < A_WHILE;
        if own().count() >= MANAGED_SNAPSHOTS {
            return Some(Limit::Count);
        }
        (own().filter(is_new).count() >= MANAGED_SNAPSHOTS_AT_ONCE).then_some(Limit::Rate)
    }

    /// Takes a snapshot.
    pub fn snapshot(
        &self,
        disk: &ManagedDisk,
        source: &str,
        (group, name): (&str, &str),
        tags: Tags,
    ) -> Result<DiskSnapshot, Error> {
        self.provide(disk)?;
        let (version, bytes) = self.pages.snapshot_disk(&disk.id, self.now).map_err(own)?;
        let snapshot = DiskSnapshot {
            group: group.to_owned(),
            name: name.to_owned(),
            region: disk.region.clone(),
            id: uuid::Uuid::new_v4().to_string(),
            tags,
            made: self.now,
            source: source.to_owned(),
            source_id: disk.id.clone(),
            bytes: bytes - FOOTER as u64,
            version,
            whole_at: disk.whole_at(self.now),
        };
        let kept = snapshot.clone();
        self.world.change(|world| {
            world.snapshots.push(kept);
            Ok::<_, Error>(())
        })?;
        Ok(snapshot)
    }

    /// Removes a snapshot, and the bytes of its disk if nothing has them any more.
    pub fn remove_snapshot(&self, snapshot: &DiskSnapshot) -> Result<(), Error> {
        self.world.change(|world| {
            world.snapshots.retain(|own| own.id != snapshot.id);
            Ok::<_, Error>(())
        })?;
        let DiskSnapshot { source_id, version, .. } = snapshot;
        self.pages.drop_disk_snapshot(source_id, version).map_err(own)?;
        self.sweep(source_id)
    }

    /// Removes a disk; its snapshots stay.
    pub fn remove(&self, disk: &ManagedDisk) -> Result<(), Error> {
        self.world.change(|world| {
            world.disks.retain(|own| own.id != disk.id);
            Ok::<_, Error>(())
        })?;
        self.sweep(&disk.id)
    }

    fn sweep(&self, disk_id: &str) -> Result<(), Error> {
        match self.world.read().holds(disk_id) {
            true => Ok(()),
            false => self.pages.drop_disk(disk_id).map_err(own),
        }
    }

    /// What opens a disk.
    pub fn of_disk<'d>(&self, disk: &'d ManagedDisk) -> Opened<'d> {
        Opened { disk: &disk.id, snapshot: None }
    }

    /// What opens a snapshot.
    pub fn of_snapshot<'d>(&self, own: &'d DiskSnapshot) -> Opened<'d> {
        Opened { disk: &own.source_id, snapshot: Some(&own.version) }
    }
}
