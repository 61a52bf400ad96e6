//! The plan file: what goes where on one drive. Written once, before the journal that names its
//! SHA-256; a begun drive is never planned again. One JSON object a line: a head, then the files
//! in the order in which their data lies on the drive.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::JournalFault;
use crate::Error;
use crate::dataset::DataFile;
use crate::noun::{JobName, Serial, Sha256Digest};
use crate::sys::durable::{self, Access};

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

/// Writes the plan file, whole or not at all, and returns its SHA-256.
pub fn write_plan(path: &Path, plan: &DrivePlan) -> Result<Sha256Digest, Error> {
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
    durable::write(path, &text, Access::Private)
        .map_err(|source| Error::JournalFile { path: path.to_owned(), source })?;
    Ok(Sha256Digest::new(Sha256::digest(&text).into()))
}

fn push(text: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(&mut *text, value).expect("lines hold only strings and numbers");
    text.push(b'\n');
}

/// Reads the plan file and checks that it is the one the journal names.
pub fn read_plan(path: &Path, expected: &Sha256Digest) -> Result<DrivePlan, Error> {
    let file = std::fs::read(path)
        .map_err(|source| Error::JournalFile { path: path.to_owned(), source })?;
    let fault = |fault| Error::Journal { path: path.to_owned(), fault };
    if Sha256::digest(&file)[..] != expected.bytes()[..] {
        return Err(fault(JournalFault::OtherPlan));
    }
    parse(&file).map_err(fault)
}

fn parse(bytes: &[u8]) -> Result<DrivePlan, JournalFault> {
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
    use crate::noun::{BlobType, Diagnose, ImportDisposition};

    #[test]
    fn a_plan_comes_back_whole_and_another_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("S1.plan");
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
        let digest = write_plan(&path, &plan).unwrap();
        assert_eq!(read_plan(&path, &digest).unwrap(), plan);
        let other =
            write_plan(&path, &DrivePlan { first_clusters: vec![700, 702], ..plan }).unwrap();
        assert_ne!(other, digest);
        assert_eq!(read_plan(&path, &digest).unwrap_err().code(), "journal-damaged");
    }
}
