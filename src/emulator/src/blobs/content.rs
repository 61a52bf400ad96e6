//! Content of page blobs, which is changed in place, and snapshots of blobs: what is kept of them
//! in `DIR/meta`, beside the record of their base, and how pages go from one file to another. A
//! snapshot lies in three files, `ID.data`, `ID.pages` and, made last, `ID.json`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};

use jiff::{SignedDuration, Timestamp};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::pages::{PageMap, PageState, Stretch};
use super::record::{BlobKind, Record, new_etag};
use super::store::{Blob, ContainerKey, LockedStore, read, remove, write};

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;

impl LockedStore<'_> {
    /// A blob, or a snapshot of it; `None` if it does not exist.
    pub fn version(
        &self,
        key: ContainerKey<'_>,
        name: &str,
        snapshot: Option<&str>,
    ) -> io::Result<Option<Blob>> {
        let Some(id) = snapshot else { return self.blob(key, name) };
        if !is_snapshot_id(id) {
            return Ok(None);
        }
        let folder = self.snapshots_path(key, name);
        let Some(record) = read(&folder.join(format!("{id}.json")))? else { return Ok(None) };
        let file = File::open(folder.join(format!("{id}.data")))?;
        Ok(Some(Blob { file, record }))
    }

    /// Identities of a blob's snapshots, the oldest first.
    pub fn snapshots(&self, key: ContainerKey<'_>, name: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.snapshots_path(key, name)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            found.extend(id.filter(|id| is_snapshot_id(id)).map(str::to_owned));
        }
        found.sort();
        Ok(found)
    }

    /// Takes a snapshot; with metadata of its own it does not have the base's. The base's record
    /// is kept.
    pub fn snapshot(
        &self,
        key: ContainerKey<'_>,
        base: &mut Record,
        metadata: BTreeMap<String, String>,
        now: Timestamp,
    ) -> io::Result<(String, Record)> {
        let name = base.name.clone();
        let file = self.open(key, &name)?.ok_or(io::ErrorKind::NotFound)?;
        let id = next_id(base.versions.last_snapshot.as_deref(), now);
        let folder = self.snapshots_path(key, &name);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let draft = self.draft()?;
        draft.file().set_len(base.bytes)?;
        if base.properties.kind == BlobKind::PageBlob {
            let mut maps = self.maps();
            let map = maps.map(&self.map_path(key, &name, None), &file)?.clone();
            move_pages(&file, draft.file(), map.written(0, base.bytes))?;
            maps.keep(&self.map_path(key, &name, Some(&id)), map)?;
        } else {
            let whole = Stretch { start: 0, end: base.bytes, state: PageState::Written };
            move_pages(&file, draft.file(), std::iter::once(whole))?;
        }
        draft.file().sync_all()?;
        fs::rename(draft.path(), folder.join(format!("{id}.data")))?;
        let mut record = base.clone();
        record.lease = None;
        if !metadata.is_empty() {
            record.properties.metadata = metadata;
            record.etag = new_etag();
            record.modified = now;
        }
        // The base counts on first, or pages written by a later start would belong to this one.
        base.versions.epoch += 1;
        base.versions.last_snapshot = Some(id.clone());
        self.save(key, base)?;
        write(&folder.join(format!("{id}.json")), &record)?;
        Ok((id, record))
    }

    /// Removes a snapshot.
    pub fn remove_snapshot(&self, key: ContainerKey<'_>, name: &str, id: &str) -> io::Result<()> {
        let folder = self.snapshots_path(key, name);
        remove(&folder.join(format!("{id}.json")))?;
        self.maps().remove(&self.map_path(key, name, Some(id)))?;
        remove(&folder.join(format!("{id}.data")))
    }

    /// Looks at a page map.
    pub fn with_map<T>(
        &self,
        key: ContainerKey<'_>,
        name: &str,
        snapshot: Option<&str>,
        content: &File,
        look: impl FnOnce(&PageMap) -> T,
    ) -> io::Result<T> {
        let path = self.map_path(key, name, snapshot);
        Ok(look(self.maps().map(&path, content)?))
    }

    /// Writes pages.
    pub fn write_pages(
        &self,
        key: ContainerKey<'_>,
        record: &Record,
        start: u64,
        content: &[u8],
    ) -> io::Result<()> {
        let file = self.open(key, &record.name)?.ok_or(io::ErrorKind::NotFound)?;
        let end = start + content.len() as u64;
        let stretch = Stretch { start, end, state: PageState::Written };
        let path = self.map_path(key, &record.name, None);
        self.maps().set(&path, &file, stretch, record.versions.epoch)?;
        file.write_all_at(content, start)
    }

    /// Clears pages.
    pub fn clear_pages(
        &self,
        key: ContainerKey<'_>,
        record: &Record,
        start: u64,
        end: u64,
    ) -> io::Result<()> {
        let file = self.open(key, &record.name)?.ok_or(io::ErrorKind::NotFound)?;
        let stretch = Stretch { start, end, state: PageState::Cleared };
        let path = self.map_path(key, &record.name, None);
        self.maps().set(&path, &file, stretch, record.versions.epoch)?;
        clear(&file, start, end)
    }

    /// Makes a page blob longer or shorter; the caller keeps the record. Pages that come back
    /// count as cleared.
    pub fn resize(&self, key: ContainerKey<'_>, record: &mut Record, bytes: u64) -> io::Result<()> {
        let file = self.open(key, &record.name)?.ok_or(io::ErrorKind::NotFound)?;
        let path = self.map_path(key, &record.name, None);
        if bytes < record.bytes {
            self.maps().cut(&path, &file, bytes)?;
        } else {
            let stretch = Stretch { start: record.bytes, end: bytes, state: PageState::Cleared };
            self.maps().set(&path, &file, stretch, record.versions.epoch)?;
        }
        file.set_len(bytes)?;
        record.bytes = bytes;
        Ok(())
    }
}

/// Puts stretches of one file into another.
pub(super) fn move_pages(
    from: &File,
    to: &File,
    stretches: impl Iterator<Item = Stretch>,
) -> io::Result<()> {
    let mut piece = Vec::new();
    for stretch in stretches {
        if stretch.state == PageState::Cleared {
            clear(to, stretch.start, stretch.end)?;
            continue;
        }
        let mut at = stretch.start;
        while at < stretch.end {
            let count = PIECE.min(stretch.end - at);
            piece.resize(usize::try_from(count).unwrap_or(0), 0);
            from.read_exact_at(&mut piece, at)?;
            to.write_all_at(&piece, at)?;
            at += count;
        }
    }
    Ok(())
}

/// Zeros that take no room where the file system can have it so.
fn clear(file: &File, start: u64, end: u64) -> io::Result<()> {
    let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match fallocate(file, how, start, end - start) {
        Ok(()) => return Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        Err(error) => return Err(error.into()),
    }
    let zeros = vec![0; usize::try_from(PIECE).unwrap_or(0)];
    let mut at = start;
    while at < end {
        let count = PIECE.min(end - at);
        file.write_all_at(&zeros[..usize::try_from(count).unwrap_or(0)], at)?;
        at += count;
    }
    Ok(())
}

/// Steps of 100 ns; each later than the one before.
fn next_id(last: Option<&str>, now: Timestamp) -> String {
    const STEP: SignedDuration = SignedDuration::from_nanos(100);
    let last = last.and_then(|last| last.parse::<Timestamp>().ok());
    let after = last.and_then(|last| last.checked_add(STEP).ok());
    let time = after.map_or(now, |after| after.max(now));
    time.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}

fn is_snapshot_id(id: &str) -> bool {
    let is_own = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | 'T' | 'Z');
    id.len() == 28 && id.chars().all(is_own) && id.parse::<Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_later_than_the_last_one_whatever_the_clock_says() {
        let now: Timestamp = "2026-11-29T04:00:00.123456789Z".parse().unwrap();
        let first = next_id(None, now);
        assert_eq!(first, "2026-11-29T04:00:00.1234567Z");
        assert!(is_snapshot_id(&first));
        let second = next_id(Some(&first), now);
        assert_eq!(second, "2026-11-29T04:00:00.1234568Z");
        assert!(!is_snapshot_id("2026-11-29T04Z[Europe/Paris]"));
    }
}
