//! Takes an imported seed into the vault (`design` 7). The service proves each blob against the
//! MD5 of the journal while it copies; what it cannot copy is streamed and hashed here; what the
//! import lost comes from the staging path. Packs and indexes first, snapshots last, so that
//! nobody ever sees a snapshot whose data is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bytes::Bytes;
use disk_prep::monitor::{Event, Monitor};
use disk_prep::noun::Md5Digest;
use md5::{Digest, Md5};
use tracing::info;

use super::error::Error;
use crate::azure;
use crate::repository::{Rank, rank};

/// A blob that the seed consists of, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedBlob {
    /// Path below the repository's root, for example `data/3f/3f…`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its MD5, computed when the drive was filled.
    pub md5: Md5Digest,
}

/// What the vault says of a blob that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Its length.
    pub bytes: u64,
    /// Its MD5, if the service has it.
    pub md5: Option<Md5Digest>,
}

/// What came of a server-side copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Copied; the service compared the MD5.
    Copied,
    /// The import has no such blob.
    Absent,
    /// The import has it, with another MD5.
    Different,
    /// The service cannot copy (status 501).
    Unsupported,
}

/// The vault and the imported container beside it. Paths are those of [`SeedBlob`].
pub trait Shelf {
    /// All that the vault holds.
    fn held(&self) -> Result<BTreeMap<String, Held>, azure::Error>;
    /// Lets the service copy from the import into the vault if the content has this MD5.
    fn copy(&self, blob: &SeedBlob) -> Result<Taken, azure::Error>;
    /// The imported content; `None` if there is none.
    fn imported(&self, path: &str) -> Result<Option<Bytes>, azure::Error>;
    /// Writes a blob into the vault, whole or not at all, with its MD5.
    fn write(&self, blob: &SeedBlob, content: Bytes) -> Result<(), azure::Error>;
}

/// Where a blob that the import lost is looked for: the staging path. `None` if it is not there.
pub type Spare<'a> = &'a dyn Fn(&str) -> io::Result<Option<Bytes>>;

/// How the blobs of a seed came into the vault. Counts of blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Already held, with equal length and MD5.
    pub unchanged: u64,
    /// Copied and proven by the service.
    pub copied: u64,
    /// Read from the import, hashed and written by us.
    pub streamed: u64,
    /// Taken from the staging path, since the import had them wrong or not at all.
    pub repaired: u64,
}

/// Takes all blobs of the seed in. A second call finds the work done; after any failure the same
/// call goes on. No snapshot is written while any other blob is missing.
pub fn ingest(
    seed: &[SeedBlob],
    shelf: &dyn Shelf,
    spare: Spare<'_>,
    monitor: &dyn Monitor,
) -> Result<Ingested, Error> {
    let ordered = in_order(seed)?;
    let held = shelf.held().map_err(|source| Error::List { source })?;
    let mut done = Ingested::default();
    let mut missing = Vec::new();
    let (task, mut done_bytes) = ("ingest", 0u64);
    let total_bytes = seed.iter().map(|blob| blob.bytes).sum();
    monitor.event(&Event::TaskStarted { task });
    info!(blobs = seed.len(), held = held.len(), "the seed is taken in");
    for (rank, blob) in ordered {
        if rank == Rank::Snapshot && !missing.is_empty() {
            break;
        }
        if is_held(&held, blob) {
            done.unchanged += 1;
        } else if !take(blob, shelf, spare, &mut done)? {
            missing.push(blob.path.clone());
        }
        done_bytes += blob.bytes;
        monitor.event(&Event::TaskBytes { task, done_bytes, total_bytes });
    }
    monitor.event(&Event::TaskFinished { task });
    info!(?done, missing = missing.len(), "the seed was gone through");
    if !missing.is_empty() {
        return Err(Error::Missing { paths: missing });
    }
    let held = shelf.held().map_err(|source| Error::List { source })?;
    let paths: Vec<String> =
        seed.iter().filter(|blob| !is_held(&held, blob)).map(|blob| blob.path.clone()).collect();
    if paths.is_empty() { Ok(done) } else { Err(Error::NotHeld { paths }) }
}

fn in_order(seed: &[SeedBlob]) -> Result<Vec<(Rank, &SeedBlob)>, Error> {
    let mut seen = BTreeSet::new();
    let mut ordered = Vec::with_capacity(seed.len());
    for blob in seed {
        let foreign = || Error::ForeignBlob { path: blob.path.clone() };
        ordered.push((rank(&blob.path).ok_or_else(foreign)?, blob));
        if !seen.insert(blob.path.as_str()) {
            return Err(Error::ListedTwice { path: blob.path.clone() });
        }
    }
    ordered.sort_by(|one, other| (one.0, &one.1.path).cmp(&(other.0, &other.1.path)));
    Ok(ordered)
}

/// Whether the vault holds this blob. Never by the length alone: one without an MD5 counts as not
/// held.
pub fn is_held(held: &BTreeMap<String, Held>, blob: &SeedBlob) -> bool {
    held.get(&blob.path) == Some(&Held { bytes: blob.bytes, md5: Some(blob.md5) })
}

fn is_content(blob: &SeedBlob, content: &Bytes) -> bool {
    content.len() as u64 == blob.bytes && Md5::digest(content).as_slice() == blob.md5.bytes()
}

/// Brings one blob into the vault; false if neither the import nor the staging path has it.
fn take(
    blob: &SeedBlob,
    shelf: &dyn Shelf,
    spare: Spare<'_>,
    done: &mut Ingested,
) -> Result<bool, Error> {
    let failed = |source| Error::Blob { path: blob.path.clone(), source };
    match shelf.copy(blob).map_err(failed)? {
        Taken::Copied => {
            done.copied += 1;
            return Ok(true);
        }
        Taken::Unsupported => {
            let content = shelf.imported(&blob.path).map_err(failed)?;
            if let Some(content) = content.filter(|content| is_content(blob, content)) {
                shelf.write(blob, content).map_err(failed)?;
                done.streamed += 1;
                return Ok(true);
            }
        }
        Taken::Absent | Taken::Different => {}
    }
    let unreadable = |source| Error::Spare { path: blob.path.clone(), source };
    let content = spare(&blob.path).map_err(unreadable)?;
    let Some(content) = content.filter(|content| is_content(blob, content)) else {
        return Ok(false);
    };
    shelf.write(blob, content).map_err(failed)?;
    done.repaired += 1;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use disk_prep::monitor::VoidMonitor;

    use super::*;
    use disk_prep::noun::{Diagnose, ErrorKind};
    use std::cell::RefCell;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    /// A vault and an import in memory, with faults.
    #[derive(Default)]
    struct Fake {
        import: BTreeMap<String, Bytes>,
        vault: RefCell<BTreeMap<String, Bytes>>,
        /// The vault's blobs whose MD5 the service does not know.
        without_md5: BTreeSet<String>,
        cannot_copy: bool,
        /// Writes that succeed before the connection breaks.
        writes_left: RefCell<Option<usize>>,
        /// Whether every write loses its last byte.
        shortens: bool,
        written: RefCell<Vec<String>>,
    }

    fn md5(content: &[u8]) -> Md5Digest {
        Md5Digest::new(Md5::digest(content).into())
    }

    impl Fake {
        fn put(&self, path: &str, content: Bytes) -> Result<(), azure::Error> {
            if let Some(left) = self.writes_left.borrow_mut().as_mut() {
                let broken =
                    azure::Error::Failing { host: "blob".to_owned(), status: 503, call: None };
                *left = left.checked_sub(1).ok_or(broken)?;
            }
            let end = content.len() - usize::from(self.shortens);
            self.vault.borrow_mut().insert(path.to_owned(), content.slice(..end));
            self.written.borrow_mut().push(path.to_owned());
            Ok(())
        }
    }

    impl Shelf for Fake {
        fn held(&self) -> Result<BTreeMap<String, Held>, azure::Error> {
            let held = |(path, content): (&String, &Bytes)| {
                let md5 = (!self.without_md5.contains(path)).then(|| md5(content));
                (path.clone(), Held { bytes: content.len() as u64, md5 })
            };
            Ok(self.vault.borrow().iter().map(held).collect())
        }
        fn copy(&self, blob: &SeedBlob) -> Result<Taken, azure::Error> {
            match self.import.get(&blob.path) {
                _ if self.cannot_copy => Ok(Taken::Unsupported),
                None => Ok(Taken::Absent),
                Some(content) if md5(content) != blob.md5 => Ok(Taken::Different),
                Some(content) => self.put(&blob.path, content.clone()).map(|()| Taken::Copied),
            }
        }
        fn imported(&self, path: &str) -> Result<Option<Bytes>, azure::Error> {
            Ok(self.import.get(path).cloned())
        }
        fn write(&self, blob: &SeedBlob, content: Bytes) -> Result<(), azure::Error> {
            self.put(&blob.path, content)
        }
    }

    fn id(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    /// Snapshot first, so that the order of writing is not that of the list.
    fn contents() -> BTreeMap<String, Bytes> {
        [
            (format!("snapshots/{}", id('a')), "snapshot"),
            (format!("keys/{}", id('b')), "key"),
            ("config".to_owned(), "config"),
            (format!("index/{}", id('c')), "index"),
            (format!("data/dd/{}", id('d')), "pack one"),
            (format!("data/ee/{}", id('e')), "pack two"),
        ]
        .map(|(path, content)| (path, Bytes::from_static(content.as_bytes())))
        .into()
    }

    fn seed() -> Vec<SeedBlob> {
        let blob = |(path, content): (String, Bytes)| SeedBlob {
            path,
            bytes: content.len() as u64,
            md5: md5(&content),
        };
        contents().into_iter().rev().map(blob).collect()
    }

    fn nothing(_: &str) -> io::Result<Option<Bytes>> {
        Ok(None)
    }

    fn staging(path: &str) -> io::Result<Option<Bytes>> {
        Ok(contents().get(path).cloned())
    }

    fn imported() -> Fake {
        Fake { import: contents(), ..Fake::default() }
    }

    #[test]
    fn packs_come_first_and_snapshots_last_and_a_second_call_writes_nothing() {
        let fake = imported();
        let done = ingest(&seed(), &fake, &nothing, &VoidMonitor).unwrap();
        assert_eq!(done, Ingested { copied: 6, ..Ingested::default() });
        let kinds: Vec<_> = fake.written.take().iter().map(|path| path[..4].to_owned()).collect();
        assert_eq!(kinds, ["data", "data", "inde", "keys", "conf", "snap"]);
        let again = ingest(&seed(), &fake, &nothing, &VoidMonitor).unwrap();
        assert_eq!(again, Ingested { unchanged: 6, ..Ingested::default() });
        assert!(fake.written.take().is_empty());
        assert_eq!(*fake.vault.borrow(), contents());
    }

    #[test]
    fn a_connection_that_breaks_at_any_write_leaves_no_snapshot_and_the_next_call_goes_on() {
        for writes in 0..6 {
            let fake = imported();
            *fake.writes_left.borrow_mut() = Some(writes);
            let broken = ingest(&seed(), &fake, &nothing, &VoidMonitor);
            assert!(matches!(broken, Err(Error::Blob { .. })), "{writes}");
            assert!(!fake.vault.borrow().keys().any(|path| path.starts_with("snapshots/")));
            *fake.writes_left.borrow_mut() = None;
            let done = ingest(&seed(), &fake, &nothing, &VoidMonitor).unwrap();
            assert_eq!((done.unchanged, done.copied), (writes as u64, 6 - writes as u64));
        }
    }

    #[test]
    fn where_the_service_cannot_copy_the_content_is_streamed_and_hashed() {
        let fake = Fake { cannot_copy: true, ..imported() };
        let done = ingest(&seed(), &fake, &nothing, &VoidMonitor).unwrap();
        assert_eq!(done, Ingested { streamed: 6, ..Ingested::default() });
        assert_eq!(*fake.vault.borrow(), contents());
    }

    #[test]
    fn what_the_import_lost_or_damaged_comes_from_staging_by_either_way() {
        for cannot_copy in [false, true] {
            let mut fake = Fake { cannot_copy, ..imported() };
            fake.import.remove("config");
            // Of the right length, so that only the digest can tell.
            let pack = format!("data/dd/{}", id('d'));
            fake.import.insert(pack.clone(), Bytes::from_static(b"pack 0ne"));
            let done = ingest(&seed(), &fake, &staging, &VoidMonitor).unwrap();
            assert_eq!((done.repaired, done.copied + done.streamed), (2, 4));
            assert_eq!(*fake.vault.borrow(), contents());
        }
    }

    #[test]
    fn what_is_nowhere_to_be_had_is_named_and_no_snapshot_is_written() {
        let pack = format!("data/ee/{}", id('e'));
        let mut fake = imported();
        fake.import.remove(&pack);
        let wrong = |_: &str| Ok(Some(Bytes::from_static(b"pack 2wo")));
        for spare in [&nothing as Spare<'_>, &wrong] {
            let Err(Error::Missing { paths }) = ingest(&seed(), &fake, spare, &VoidMonitor) else {
                panic!()
            };
            assert_eq!(paths, [pack.as_str()]);
            assert!(!fake.vault.borrow().keys().any(|path| path.starts_with("snapshots/")));
        }
    }

    #[test]
    fn a_blob_is_never_accepted_by_its_length_alone() {
        let fake = Fake { without_md5: ["config".to_owned()].into(), ..imported() };
        fake.vault.borrow_mut().insert("config".to_owned(), Bytes::from_static(b"c0nfig"));
        let refused = ingest(&seed(), &fake, &nothing, &VoidMonitor).unwrap_err();
        // It is taken again, and since the service still cannot say what it holds, not believed.
        assert_eq!(fake.vault.borrow()["config"], contents()["config"]);
        assert_eq!((refused.code(), refused.kind()), ("vault-blobs-differ", ErrorKind::Difference));
        assert!(matches!(refused, Error::NotHeld { paths } if paths == ["config"]));
    }

    #[test]
    fn a_vault_that_holds_something_else_than_was_written_is_found_out() {
        let fake = Fake { shortens: true, ..imported() };
        let Err(Error::NotHeld { paths }) = ingest(&seed(), &fake, &nothing, &VoidMonitor) else {
            panic!()
        };
        assert_eq!(paths.len(), 6);
    }

    #[test]
    fn a_path_outside_the_layout_or_listed_twice_is_refused_before_anything_is_written() {
        let fake = imported();
        let long = id('f');
        let other_folder = format!("data/aa/{long}");
        let upper = format!("index/{}", "F".repeat(64));
        for path in ["", "../config", "locks/x", "data/ff/é", "config/", &other_folder, &upper] {
            let mut seed = seed();
            seed[0].path = path.to_owned();
            let refused = ingest(&seed, &fake, &nothing, &VoidMonitor).unwrap_err();
            assert_eq!(refused.code(), "seed-foreign-blob", "{path}");
        }
        let mut twice = seed();
        twice.push(twice[0].clone());
        let refused = ingest(&twice, &fake, &nothing, &VoidMonitor).unwrap_err();
        assert_eq!(refused.code(), "seed-listed-twice");
        assert!(fake.written.take().is_empty());
    }

    /// Two folders as import and vault.
    struct Folders {
        import: PathBuf,
        vault: PathBuf,
    }

    fn files(root: &Path) -> BTreeMap<String, Bytes> {
        let paths = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.unwrap().into_path());
        paths
            .filter(|path| path.is_file())
            .map(|path| {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                (name, fs::read(path).unwrap().into())
            })
            .collect()
    }

    impl Shelf for Folders {
        fn held(&self) -> Result<BTreeMap<String, Held>, azure::Error> {
            let held =
                |content: Bytes| Held { bytes: content.len() as u64, md5: Some(md5(&content)) };
            Ok(files(&self.vault).into_iter().map(|(path, file)| (path, held(file))).collect())
        }
        fn copy(&self, _: &SeedBlob) -> Result<Taken, azure::Error> {
            Ok(Taken::Unsupported)
        }
        fn imported(&self, path: &str) -> Result<Option<Bytes>, azure::Error> {
            Ok(fs::read(self.import.join(path)).ok().map(Bytes::from))
        }
        fn write(&self, blob: &SeedBlob, content: Bytes) -> Result<(), azure::Error> {
            let path = self.vault.join(&blob.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
            Ok(())
        }
    }

    fn restic(repository: &Path, args: &[&str]) -> String {
        #[expect(clippy::disallowed_methods, reason = "tests run other people's readers")]
        let output = Command::new("restic")
            .args(["--no-cache", "-r"])
            .arg(repository)
            .args(args)
            .env("RESTIC_PASSWORD", "a password of many letters")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn restic_opens_and_restores_what_was_taken_in_from_a_repository_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let import = at("import");
        fs::create_dir(at("source")).unwrap();
        fs::write(at("source/file"), vec![7; 2_000_000]).unwrap();
        restic(&import, &["init"]);
        restic(&import, &["backup", at("source").to_str().unwrap()]);
        let seed: Vec<SeedBlob> = files(&import)
            .into_iter()
            .map(|(path, file)| SeedBlob { path, bytes: file.len() as u64, md5: md5(&file) })
            .collect();
        fs::create_dir(at("vault")).unwrap();
        let shelf = Folders { import, vault: at("vault") };
        ingest(&seed, &shelf, &nothing, &VoidMonitor).unwrap();
        fs::remove_dir_all(at("import")).unwrap();
        let check = restic(&at("vault"), &["check", "--read-data"]);
        assert!(check.contains("no errors were found"), "{check}");
        let target = at("restored");
        restic(&at("vault"), &["restore", "latest", "--target", target.to_str().unwrap()]);
        let restored = target.join(at("source/file").strip_prefix("/").unwrap());
        assert_eq!(fs::read(restored).unwrap(), vec![7; 2_000_000]);
    }
}
