//! The plan file: what goes where on one drive. Written once, before the journal that names its
//! SHA-256; a begun drive is never planned again. One JSON object a line: a head, then the files
//! in the order in which their data lies on the drive.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::Error;
use super::fault::JournalFault;
use super::witness::{Intent, Witness};
use crate::dataset::DataFile;
use crate::noun::{JobName, Serial, Sha256Digest};
use crate::sys::beneath::Unexpected;
use crate::sys::durable::Access;
use crate::sys::place::Place;

/// What goes on one drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrivePlan {
    /// The drive.
    pub serial: Serial,
    /// The job.
    pub job: JobName,
    /// The files, in data order.
    pub files: Vec<DataFile>,
    /// First cluster of each file's data; 0 for an empty file.
    pub first_clusters: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    serial: Serial,
    job: JobName,
    files: usize,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(flatten)]
    file: Cow<'a, DataFile>,
    cluster: u64,
}

/// Bytes of a plan file, at most: tens of millions of files, a line each.
const PLAN_BYTES: u64 = 16 << 30;
/// Bytes of its first line, at most.
const HEAD_BYTES: usize = 4096;

/// Writes the plan file, whole or not at all, and returns its SHA-256, which the witness is told
/// before.
pub fn write_plan(
    place: &Place,
    plan: &DrivePlan,
    witness: &dyn Witness,
) -> Result<Sha256Digest, Error> {
    let mut text = Vec::new();
    push(
        &mut text,
        &Head {
            version: 1,
            serial: plan.serial.clone(),
            job: plan.job.clone(),
            files: plan.files.len(),
        },
    );
    for (file, &cluster) in plan.files.iter().zip(&plan.first_clusters) {
        push(&mut text, &Line { file: Cow::Borrowed(file), cluster });
    }
    let digest = Sha256Digest::new(Sha256::digest(&text).into());
    let name = place.name().to_string_lossy();
    witness
        .tell(&Intent::Plan { name: &name, sha256: &digest })
        .and_then(|()| place.write(&text, Access::Private))
        .map_err(|source| Error::File { path: place.path(), source })?;
    Ok(digest)
}

fn push(text: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(&mut *text, value).expect("lines hold only strings and numbers");
    text.push(b'\n');
}

/// Reads the plan file and checks that it is the one the journal names. Memory is only taken for
/// a file that has its digest.
pub fn read_plan(place: &Place, expected: &Sha256Digest) -> Result<DrivePlan, Error> {
    let fault = |fault| Error::Damaged { path: place.path(), fault };
    let at = |source| Error::File { path: place.path(), source };
    let mut file = place.open().map_err(at)?;
    let (found, bytes) = digest(&mut file).map_err(at)?;
    if found.as_ref() != Some(expected) {
        return Err(fault(JournalFault::OtherPlan));
    }
    let mut text = Vec::new();
    file.rewind().and_then(|()| file.take(bytes).read_to_end(&mut text)).map_err(at)?;
    if Sha256::digest(&text)[..] != expected.bytes()[..] {
        return Err(fault(JournalFault::OtherPlan));
    }
    parse_plan(&text).map_err(fault)
}

/// SHA-256 and length of what a file holds; no digest where it cannot be a plan.
pub(super) fn digest(file: &mut File) -> io::Result<(Option<Sha256Digest>, u64)> {
    let bytes = file.metadata()?.len();
    if bytes > PLAN_BYTES {
        return Err(Unexpected::Large { bytes, most: PLAN_BYTES }.into());
    }
    let (mut sha256, mut piece, mut read) = (Sha256::new(), vec![0; 1 << 20], 0u64);
    loop {
        let count = match file.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        let text = &piece[..count];
        if read == 0 && !text.iter().take(HEAD_BYTES).any(|&byte| byte == b'\n') {
            return Ok((None, 0));
        }
        if count == 0 {
            return Ok((Some(Sha256Digest::new(sha256.finalize().into())), read));
        }
        read += count as u64;
        if read > PLAN_BYTES {
            return Err(Unexpected::Large { bytes: read, most: PLAN_BYTES }.into());
        }
        sha256.update(text);
    }
}

/// What a plan file says.
pub fn parse_plan(bytes: &[u8]) -> Result<DrivePlan, JournalFault> {
    let unknown = |record: usize, fault: String| JournalFault::Unknown { record, fault };
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate();
    let (_, head) = lines.next().ok_or(JournalFault::NoBeginning)?;
    let head: Head = serde_json::from_slice(head).map_err(|error| unknown(0, error.to_string()))?;
    if head.version > 1 {
        return Err(JournalFault::Newer { version: head.version });
    }
    let mut plan = DrivePlan {
        serial: head.serial,
        job: head.job,
        files: Vec::new(),
        first_clusters: Vec::new(),
    };
    for (at, text) in lines {
        let line: Line =
            serde_json::from_slice(text).map_err(|error| unknown(at, error.to_string()))?;
        plan.first_clusters.push(line.cluster);
        plan.files.push(line.file.into_owned());
    }
    if plan.files.len() != head.files {
        return Err(unknown(head.files, "the number of files is another".into()));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Unwatched;
    use crate::noun::{BlobType, Diagnose, ImportDisposition};

    #[test]
    fn a_plan_comes_back_whole_and_another_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(&folder.path().join("S1.plan")).unwrap();
        let file = |name: &str, together| DataFile {
            source: name.into(),
            path: format!("\\job-1\\{name}").parse().unwrap(),
            blob: format!("target/{name}").parse().unwrap(),
            blob_type: BlobType::BlockBlob,
            disposition: ImportDisposition::Overwrite,
            bytes: 12,
            modified_ns: -1,
            together,
            listing: Default::default(),
        };
        let plan = DrivePlan {
            serial: "S1".parse().unwrap(),
            job: "job-1".parse().unwrap(),
            files: vec![file("größe 1", false), file("config", true)],
            first_clusters: vec![700, 701],
        };
        let digest = write_plan(&place, &plan, &Unwatched).unwrap();
        assert_eq!(read_plan(&place, &digest).unwrap(), plan);
        let other =
            write_plan(&place, &DrivePlan { first_clusters: vec![700, 702], ..plan }, &Unwatched)
                .unwrap();
        assert_ne!(other, digest);
        assert_eq!(read_plan(&place, &digest).unwrap_err().code(), "journal-damaged");
    }
}
