//! What a seed consists of, by the journals of its drives and the staging path.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use disk_prep::journal::{self, Copied, History, JournalFolder};
use disk_prep::noun::{Md5Digest, Sha256Digest};
use disk_prep::sys::beneath::Unexpected;
use md5::{Digest, Md5};
use sha2::Sha256;

use super::work::data_set;
use crate::outcome::Failure;
use crate::repository::Place;
use crate::staging::{Data, Seed, SeedState, Staging};
use crate::vault::{Error, SeedBlob, SeedList, is_repository_path};

/// Every blob of the seed with its MD5: as the journals of sealed drives have it, and what was
/// left out of all drives, hashed at the staging path.
pub fn seed_blobs(seed: &Seed, staging: &Staging) -> Result<SeedList, Failure> {
    let prefix = &seed.target.prefix;
    let below = |name: &str| name.strip_prefix(prefix.as_str()).unwrap_or(name).to_owned();
    let folder = staging.journals();
    let mut blobs = BTreeMap::<Place, SeedBlob>::new();
    for history in folder.read()?.into_iter().filter(|history| history.sealed.is_some()) {
        each_copied(prefix, &folder, &history, |path, bytes, copied| -> Result<(), Failure> {
            // A drive may have been filled when such a file still passed for part of it.
            if is_repository_path(path) {
                let blob = SeedBlob::new(path, bytes, copied.md5, copied.sha256)?;
                blobs.insert(blob.place, blob);
            }
            Ok(())
        })?;
    }
    let data = staging.data(seed)?;
    if seed.state == SeedState::Finished && data.exists()? {
        let set = data_set(seed, staging)?;
        for file in set.files.iter() {
            let path = below(file.blob().name());
            let Some(place) = Place::of(&path).filter(|place| !blobs.contains_key(place)) else {
                continue;
            };
            let (bytes, md5, sha256) = hash(data.file(&file.source()))
                .map_err(|source| Error::Spare { path: path.clone(), source })?;
            blobs.insert(place, SeedBlob::new(&path, bytes, md5, sha256)?);
        }
    }
    Ok(SeedList::new(blobs.into_values().collect())?)
}

/// Hands over what a drive has of a repository whose blobs stand behind `prefix`: the path below its
/// root, the length and the digests.
pub(super) fn each_copied<E: From<journal::Error>>(
    prefix: &str,
    folder: &JournalFolder,
    history: &History,
    mut visit: impl FnMut(&str, u64, &Copied) -> Result<(), E>,
) -> Result<(), E> {
    let plan = folder.read_plan(history)?;
    for (index, copied) in history.files.all_copied() {
        let Some(file) = plan.files.get(index) else { continue };
        let blob = file.blob();
        let path = blob.name().strip_prefix(prefix).unwrap_or(blob.name());
        visit(path, file.bytes(), &copied)?;
    }
    Ok(())
}

fn hash(file: io::Result<File>) -> io::Result<(u64, Md5Digest, Sha256Digest)> {
    let mut file = file?;
    let (mut md5, mut sha256, mut bytes) = (Md5::new(), Sha256::new(), 0u64);
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            let sha256 = Sha256Digest::new(sha256.finalize().into());
            return Ok((bytes, Md5Digest::new(md5.finalize().into()), sha256));
        }
        md5.update(&piece[..count]);
        sha256.update(&piece[..count]);
        bytes = bytes.saturating_add(count as u64);
    }
}

/// Bytes of a repository's file, at most: packs are addressed with 32 bits.
const MOST_BYTES: u64 = u32::MAX as u64;

/// Looks for a blob at the staging path.
pub fn spare(data: Data) -> impl Fn(&str) -> io::Result<Option<Bytes>> {
    let read = move |path: &str| {
        let file = data.file(Path::new(path))?;
        let bytes = file.metadata()?.len();
        if bytes > MOST_BYTES {
            return Err(io::Error::from(Unexpected::Large { bytes, most: MOST_BYTES }));
        }
        let mut content = Vec::new();
        file.take(bytes).read_to_end(&mut content)?;
        Ok(content)
    };
    move |path| match read(path) {
        Ok(content) => Ok(Some(content.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
