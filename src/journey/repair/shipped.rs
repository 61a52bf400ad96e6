//! What the drives of a seed hold, by their journals and plans, and the files that it came from.
//! Nothing else says what may be sent: no log, no list of a container.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::dataset::{Listing, SideFile, SideKind, parse_side_file};
use disk_prep::journal::{CopyState, History, JournalFolder};
use disk_prep::noun::{BlobPath, BlobType, ImportDisposition, JobName, Md5Digest};
use disk_prep::sys::beneath::Folder;
use md5::{Digest, Md5};

use super::error::Error;
use crate::azure::Labels;
use crate::import_job::first_name;
use crate::journey::desk::Desk;
use crate::outcome::Failure;
use crate::staging::{Data, Error as StagingError, Seed, SeedKind, SeedState, Staging};

/// A blob that a drive was to bring.
#[derive(Debug, Clone)]
pub struct Item {
    /// The blob.
    pub blob: BlobPath,
    /// Its kind.
    pub kind: BlobType,
    /// What happens to one that is there.
    pub disposition: ImportDisposition,
    /// Its length, as planned.
    pub bytes: u64,
    /// Its MD5; `None` if it was left out of its drive.
    pub md5: Option<Md5Digest>,
    /// Where the file is on the drive.
    pub file_path: String,
    /// The file that it comes from.
    pub source: PathBuf,
    /// Its metadata and properties.
    pub listing: Listing,
}

/// Where files are read from.
#[derive(Debug)]
pub enum Sources {
    /// Below the data of a seed.
    Seed(Data),
    /// Anywhere on this machine, by the rows of a `dataset.csv`.
    Machine(Folder),
    /// Nowhere: the data is gone or cannot be opened.
    Gone,
}

/// What the drives of a seed hold.
#[derive(Debug)]
pub struct Shipped {
    folder: JournalFolder,
    /// The drives that are sealed and not given up.
    pub drives: Vec<History>,
    /// Where the files are.
    pub sources: Sources,
}

/// A blob as a drive has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippedBlob {
    /// The drive.
    pub serial: String,
    /// Where the file is on it.
    pub file_path: String,
    /// Its length.
    pub bytes: u64,
    /// The MD5 of each block.
    pub blocks: Vec<Md5Digest>,
}

impl Shipped {
    /// The drives of a seed; without one, those of the data set of this job.
    pub fn open(
        seed: Option<&(Seed, Staging)>,
        job: &JobName,
        desk: &Desk<'_>,
    ) -> Result<Self, Failure> {
        let (folder, sources) = match seed {
            // Nothing of it is in its container any more, and none of that is missing.
            Some((own, staging))
                if own.kind == SeedKind::Repository && own.state == SeedState::Cleared =>
            {
                return Err(StagingError::Cleared { path: staging.path().to_owned() }.into());
            }
            Some((seed, staging)) => {
                // What was moved is told with each file that is wanted of it.
                let sources = staging.data(seed).map_or(Sources::Gone, Sources::Seed);
                (staging.journals(), sources)
            }
            None => {
                let root = Folder::open(Path::new("/"));
                let sources = root.map_or(Sources::Gone, Sources::Machine);
                (of_data_set(job, desk)?, sources)
            }
        };
        let mut drives = folder.read()?;
        drives.retain(|history| history.state == CopyState::Sealed);
        if drives.is_empty() {
            return Err(Error::NoJournals { job: job.clone() }.into());
        }
        Ok(Shipped { folder, drives, sources })
    }

    /// The blobs that a drive was to bring, one after the other.
    pub fn items<'a>(
        &self,
        drive: &'a History,
    ) -> Result<impl Iterator<Item = Item> + use<'a>, Failure> {
        let plan = self.folder.read_plan(drive)?;
        let ends = &drive.files;
        let items = (0..plan.files.len()).filter_map(move |index| {
            let file = plan.files.at(index);
            if *file.listing() == Listing::SideFile {
                return None;
            }
            let file = file.unpack();
            let md5 = ends.copied(index).map(|copied| copied.md5);
            Some(Item {
                blob: file.blob,
                kind: file.blob_type,
                disposition: file.disposition,
                bytes: file.bytes,
                md5,
                file_path: file.path.to_string(),
                source: file.source,
                listing: file.listing,
            })
        });
        Ok(items)
    }

    /// The drive that has a blob, and the MD5 of the blob's blocks.
    pub fn blocks(&self, blob: &BlobPath) -> Result<Option<ShippedBlob>, Failure> {
        for drive in &self.drives {
            let plan = self.folder.read_plan(drive)?;
            for index in 0..plan.files.len() {
                let file = plan.files.at(index);
                let Some(md5s) = drive.files.md5s(index) else { continue };
                if file.unpack().blob != *blob || *file.listing() == Listing::SideFile {
                    continue;
                }
                return Ok(Some(ShippedBlob {
                    serial: drive.begun.serial.to_string(),
                    file_path: file.unpack().path.to_string(),
                    bytes: file.bytes(),
                    blocks: md5s.block_digests(file.bytes()).to_vec(),
                }));
            }
        }
        Ok(None)
    }

    /// What these drives left out and no drive has.
    pub fn left_out(
        &self,
        is_meant: impl Fn(&History) -> bool,
    ) -> Result<BTreeMap<BlobPath, (Item, Arc<str>)>, Failure> {
        let mut left = BTreeMap::new();
        for drive in self.drives.iter().filter(|drive| is_meant(drive)) {
            let serial: Arc<str> = drive.begun.serial.as_str().into();
            let items = self.items(drive)?.filter(|item| item.md5.is_none());
            left.extend(items.map(|item| (item.blob.clone(), (item, Arc::clone(&serial)))));
        }
        if !left.is_empty() {
            for drive in &self.drives {
                for item in self.items(drive)?.filter(|item| item.md5.is_some()) {
                    left.remove(&item.blob);
                }
            }
        }
        Ok(left)
    }
}

/// The journals of a data set, which lie in the state directory.
fn of_data_set(job: &JobName, desk: &Desk<'_>) -> Result<JournalFolder, Failure> {
    let state = desk.state()?;
    let folder = |job: &JobName| state.folder().join("jobs").join(job.as_str()).join("journals");
    let names = [Some(job.clone()), first_name(job)];
    let found = names.into_iter().flatten().map(|name| folder(&name)).find(|path| path.is_dir());
    Ok(JournalFolder::new(found.unwrap_or_else(|| folder(job))))
}

impl Sources {
    /// Opens a file to read.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        match self {
            Sources::Seed(data) => data.file(path),
            Sources::Machine(root) => root.linked_file(path),
            Sources::Gone => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Length and MD5 of a file as it is now.
    pub fn look(&self, path: &Path) -> io::Result<(u64, Md5Digest)> {
        let mut file = self.open(path)?;
        let (mut md5, mut bytes, mut piece) = (Md5::new(), 0u64, vec![0; 1 << 20]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok((bytes, Md5Digest::new(md5.finalize().into()))),
                count => {
                    md5.update(&piece[..count]);
                    bytes = bytes.saturating_add(count as u64);
                }
            }
        }
    }

    /// Metadata and properties of a blob, from the files that they were planned from.
    pub fn labels(&self, listing: &Listing) -> io::Result<Labels> {
        let Listing::Blob { metadata, properties, .. } = listing else {
            return Ok(Labels::default());
        };
        let read = |kind, side: Option<&SideFile>| {
            side.map_or_else(|| Ok(Vec::new()), |side| self.side(kind, side))
        };
        Ok(Labels {
            metadata: read(SideKind::Metadata, metadata.as_deref())?,
            properties: read(SideKind::Properties, properties.as_deref())?,
        })
    }

    fn side(&self, kind: SideKind, side: &SideFile) -> io::Result<Vec<(String, String)>> {
        let mut text = Vec::new();
        self.open(&side.source)?.take(side.bytes.saturating_add(1)).read_to_end(&mut text)?;
        if Md5::digest(&text).as_slice() != side.md5.bytes() {
            let name = side.source.display();
            return Err(io::Error::other(format!("{name} changed since it was copied")));
        }
        parse_side_file(kind, &text).map_err(io::Error::other)
    }
}
