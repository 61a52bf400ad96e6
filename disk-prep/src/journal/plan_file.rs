//! The plan file: what goes where on one drive. Written once, before the journal that names its
//! SHA-256; a begun drive is never planned again. JSON, a line each: a head, then the files in the
//! order in which their data lies on the drive. In the second form a file is its name and its
//! numbers, and what the files of a folder have alike stands once before them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::Error;
use super::fault::JournalFault;
use super::witness::{Intent, Witness};
use crate::dataset::{DataFile, FileList, Listing, Packer};
use crate::noun::{BlobType, ImportDisposition, InvalidNoun, JobName, Serial, Sha256Digest};
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
    pub files: FileList,
}

/// The first cluster of each file's data, 0 for an empty file. The plan file has them for whoever
/// looks into a drive; a run takes them from the layout.
pub type FirstClusters<'a> = &'a mut dyn Iterator<Item = u64>;

#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    version: u32,
    serial: Serial,
    job: JobName,
    files: usize,
}

/// The newest form.
const VERSION: u32 = 2;

/// A line of the second form that is no file: what the files behind it have alike.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Alike {
    /// What stands before the names of source, path and blob.
    source: PathBuf,
    path: String,
    blob: String,
    #[serde(default, skip_serializing_if = "is_block_blob")]
    blob_type: BlobType,
    disposition: ImportDisposition,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    together: bool,
    #[serde(default, skip_serializing_if = "Listing::is_plain")]
    listing: Listing,
}

fn is_block_blob(blob_type: &BlobType) -> bool {
    *blob_type == BlobType::BlockBlob
}

/// A file of the second form: its name, length, time and first cluster; and where source and blob
/// have other names than the path, theirs.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Row<'a> {
    One(#[serde(borrow)] Cow<'a, str>, u64, i64, u64),
    Three(Cow<'a, str>, u64, i64, u64, PathBuf, Cow<'a, str>),
}

/// A line of the first form.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    file: DataFile,
    cluster: u64,
}

/// Bytes of a plan file, at most: tens of millions of files, a line each.
const PLAN_BYTES: u64 = 16 << 30;
/// Bytes of its first line, at most.
const HEAD_BYTES: usize = 4096;
/// Bytes that are read or written at once.
const PIECE_BYTES: usize = 1 << 20;

/// Writes the plan file, whole or not at all, and returns its SHA-256, which the witness is told
/// before the file has its name.
pub fn write_plan(
    place: &Place,
    plan: &DrivePlan,
    first_clusters: FirstClusters<'_>,
    witness: &dyn Witness,
) -> Result<Sha256Digest, Error> {
    let write = |file: &mut File| {
        let mut out = Hashed { inner: file, sha256: Sha256::new() };
        let mut text = BufWriter::with_capacity(PIECE_BYTES, &mut out);
        write_lines(&mut text, plan, first_clusters)?;
        text.flush()?;
        drop(text);
        let sha256 = Sha256Digest::new(out.sha256.finalize().into());
        let name = place.name().to_string_lossy();
        witness.tell(&Intent::Plan { name: &name, sha256: &sha256 })?;
        Ok(sha256)
    };
    let written = place.write_by(Access::Private, write);
    written.map_err(|source| Error::File { path: place.path(), source })
}

fn write_lines(
    text: &mut impl Write,
    plan: &DrivePlan,
    first_clusters: FirstClusters<'_>,
) -> io::Result<()> {
    let DrivePlan { serial, job, files } = plan;
    let (serial, job) = (serial.clone(), job.clone());
    push(text, &Head { version: VERSION, serial, job, files: files.len() })?;
    let mut alike = None;
    for (file, cluster) in files.iter().zip(first_clusters) {
        let file = file.unpack();
        let (source, name) = split(file.source.as_os_str().as_bytes(), b'/');
        let (path, path_name) = file.path.parts();
        let blob = file.blob.to_string();
        let (blob, blob_name) = split(blob.as_bytes(), b'/');
        let (source, name) = (OsStr::from_bytes(source), OsStr::from_bytes(name));
        let text_of = |bytes| std::str::from_utf8(bytes).expect("a slash ends no character");
        let (blob, blob_name) = (text_of(blob), text_of(blob_name));
        let own = Alike {
            source: source.into(),
            path: path.to_owned(),
            blob: blob.to_owned(),
            blob_type: file.blob_type,
            disposition: file.disposition,
            together: file.together,
            listing: file.listing,
        };
        if alike.as_ref() != Some(&own) {
            push(text, alike.insert(own))?;
        }
        let (bytes, modified_ns) = (file.bytes, file.modified_ns);
        let path_name = Cow::Borrowed(path_name);
        push(
            text,
            &match name == &*path_name && blob_name == path_name {
                true => Row::One(path_name, bytes, modified_ns, cluster),
                false => Row::Three(
                    path_name,
                    bytes,
                    modified_ns,
                    cluster,
                    name.into(),
                    Cow::Borrowed(blob_name),
                ),
            },
        )?;
    }
    Ok(())
}

/// A path up to its last separator, and the name behind it.
fn split(path: &[u8], separator: u8) -> (&[u8], &[u8]) {
    path.split_at(path.iter().rposition(|byte| *byte == separator).map_or(0, |at| at + 1))
}

fn push(text: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *text, value)?;
    text.write_all(b"\n")
}

/// Reads the plan file and checks that it is the one the journal names. Memory is only taken for
/// a file that has its digest.
pub fn read_plan(place: &Place, expected: &Sha256Digest) -> Result<DrivePlan, Error> {
    let mut files = Packer::default();
    let head = each_planned(place, expected, &mut |file, _| files.push(file))?;
    Ok(head.with(files))
}

/// The same, and hands its files over one by one, with the first clusters of their data.
pub(super) fn each_planned(
    place: &Place,
    expected: &Sha256Digest,
    each: Each<'_>,
) -> Result<Head, Error> {
    let fault = |fault| Error::Damaged { path: place.path(), fault };
    let at = |source| Error::File { path: place.path(), source };
    let mut file = place.open().map_err(at)?;
    let (found, bytes) = digest(&mut file).map_err(at)?;
    if found.as_ref() != Some(expected) {
        return Err(fault(JournalFault::OtherPlan));
    }
    file.rewind().map_err(at)?;
    let mut text = Hashed { inner: file.take(bytes), sha256: Sha256::new() };
    let plan = parse_lines(BufReader::with_capacity(PIECE_BYTES, &mut text), each).map_err(at)?;
    if text.sha256.finalize()[..] != expected.bytes()[..] {
        return Err(fault(JournalFault::OtherPlan));
    }
    plan.map_err(fault)
}

/// What goes through, and its digest.
struct Hashed<T> {
    inner: T,
    sha256: Sha256,
}

impl<T: Read> Read for Hashed<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.sha256.update(&bytes[..count]);
        Ok(count)
    }
}

impl<T: Write> Write for Hashed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
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
    let mut files = Packer::default();
    let head = parse_lines(bytes, &mut |file, _| files.push(file));
    head.expect("memory can be read").map(|head| head.with(files))
}

/// Who takes the files of a plan, with the first clusters of their data.
type Each<'a> = &'a mut dyn FnMut(&DataFile, u64);

impl Head {
    fn with(self, files: Packer) -> DrivePlan {
        let Head { serial, job, .. } = self;
        DrivePlan { serial, job, files: files.finish() }
    }
}

/// The same of a file; to its end, whatever it says.
fn parse_lines(mut lines: impl BufRead, each: Each<'_>) -> io::Result<Result<Head, JournalFault>> {
    let (mut line, mut reading) = (Vec::new(), Reading::default());
    for at in 0.. {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if let Err(fault) = reading.line(at, &line, each) {
            io::copy(&mut lines, &mut io::sink())?;
            return Ok(Err(fault));
        }
    }
    Ok(reading.finish())
}

/// A plan file that is being read.
#[derive(Default)]
struct Reading {
    head: Option<Head>,
    count: usize,
    alike: Option<Alike>,
}

impl Reading {
    fn line(&mut self, at: usize, line: &[u8], each: Each<'_>) -> Result<(), JournalFault> {
        let unknown = |fault: String| JournalFault::Unknown { record: at, fault };
        let Some(head) = &self.head else {
            let head: Head =
                serde_json::from_slice(line).map_err(|error| unknown(error.to_string()))?;
            if head.version > VERSION {
                return Err(JournalFault::Newer { version: head.version });
            }
            self.head = Some(head);
            return Ok(());
        };
        let (file, cluster) = match (head.version, line.first()) {
            (0 | 1, _) => {
                let line: Line =
                    serde_json::from_slice(line).map_err(|error| unknown(error.to_string()))?;
                (line.file, line.cluster)
            }
            (_, Some(b'[')) => self.row(line).map_err(unknown)?,
            _ => {
                let alike = serde_json::from_slice(line);
                self.alike = Some(alike.map_err(|error| unknown(error.to_string()))?);
                return Ok(());
            }
        };
        if self.count == head.files {
            return Err(unknown("there are more files than it says".into()));
        }
        self.count += 1;
        each(&file, cluster);
        Ok(())
    }

    fn row(&self, line: &[u8]) -> Result<(DataFile, u64), String> {
        let row: Row<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let alike = self.alike.as_ref().ok_or("a file stands before what it has in common")?;
        let (name, bytes, modified_ns, cluster, source, blob) = match row {
            Row::One(name, bytes, modified_ns, cluster) => {
                let source = PathBuf::from(name.as_ref());
                (name.clone(), bytes, modified_ns, cluster, source, name)
            }
            Row::Three(name, bytes, modified_ns, cluster, source, blob) => {
                (name, bytes, modified_ns, cluster, source, blob)
            }
        };
        let mut whole = alike.source.clone().into_os_string();
        whole.push(source);
        let noun = |error: InvalidNoun| error.to_string();
        let file = DataFile {
            source: whole.into(),
            path: [&*alike.path, &name].concat().parse().map_err(noun)?,
            blob: [&*alike.blob, &blob].concat().parse().map_err(noun)?,
            blob_type: alike.blob_type,
            disposition: alike.disposition,
            bytes,
            modified_ns,
            together: alike.together,
            listing: alike.listing.clone(),
        };
        Ok((file, cluster))
    }

    fn finish(self) -> Result<Head, JournalFault> {
        let head = self.head.ok_or(JournalFault::NoBeginning)?;
        if self.count != head.files {
            let fault = "the number of files is another".to_owned();
            return Err(JournalFault::Unknown { record: head.files, fault });
        }
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Unwatched;
    use crate::noun::Diagnose;

    fn file(name: &str, together: bool) -> DataFile {
        DataFile { together, modified_ns: -1, ..DataFile::sample(name, 12) }
    }

    fn plan(files: &[DataFile]) -> DrivePlan {
        DrivePlan {
            serial: "S1".parse().unwrap(),
            job: "job-1".parse().unwrap(),
            files: files.iter().cloned().collect(),
        }
    }

    fn written(plan: &DrivePlan) -> Vec<u8> {
        let mut text = Vec::new();
        write_lines(&mut text, plan, &mut (700..)).unwrap();
        text
    }

    /// Files of which each has something that others have not.
    fn files() -> Vec<DataFile> {
        let below = |at: u32| DataFile {
            source: format!("a/b/{at}").into(),
            path: format!("\\job-1\\b\\{at}").parse().unwrap(),
            blob: format!("target/x/{at}").parse().unwrap(),
            ..file("any", false)
        };
        vec![
            file("größe 1", false),
            file("config", true),
            below(1),
            below(2),
            DataFile { source: "a/other".into(), ..below(3) },
            DataFile { source: "".into(), ..below(4) },
            DataFile { blob: "$root/y".parse().unwrap(), ..below(5) },
            DataFile { blob_type: BlobType::PageBlob, ..below(6) },
            DataFile { disposition: ImportDisposition::Rename, ..below(7) },
            DataFile { listing: Listing::SideFile, ..below(8) },
        ]
    }

    #[test]
    fn a_plan_comes_back_whole_and_another_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(&folder.path().join("S1.plan")).unwrap();
        let plan = plan(&files());
        let write = |mut clusters| write_plan(&place, &plan, &mut clusters, &Unwatched).unwrap();
        let digest = write(700..);
        assert_eq!(read_plan(&place, &digest).unwrap(), plan);
        let mut clusters = Vec::new();
        each_planned(&place, &digest, &mut |_, cluster| clusters.push(cluster)).unwrap();
        assert_eq!(clusters, (700..).take(plan.files.len()).collect::<Vec<u64>>());
        assert_ne!(write(701..), digest);
        assert_eq!(read_plan(&place, &digest).unwrap_err().code(), "journal-damaged");
    }

    #[test]
    fn what_files_have_alike_is_written_once() {
        let name = |at: usize| format!("document-{at:06}.txt");
        let many: Vec<DataFile> = (0..1000).map(|at| file(&name(at), false)).collect();
        let text = written(&plan(&many));
        // Names of 19 letters, quotes, commas, a length, a time and a cluster.
        assert!(text.len() < 45 * many.len(), "{} bytes", text.len());
        assert_eq!(parse_plan(&text).unwrap(), plan(&many));
    }

    #[test]
    fn the_form_of_earlier_programs_is_read_and_a_later_one_is_not() {
        let (plan, mut text) = (plan(&files()), Vec::new());
        let head = "{\"version\":1,\"serial\":\"S1\",\"job\":\"job-1\",\"files\":10}\n";
        text.extend_from_slice(head.as_bytes());
        for (file, cluster) in plan.files.iter().zip(700u64..) {
            let mut line = serde_json::to_value(file.unpack()).unwrap();
            line["cluster"] = cluster.into();
            push(&mut text, &line).unwrap();
        }
        assert_eq!(parse_plan(&text).unwrap(), plan);
        let newer = head.replace(":1,", ":3,");
        assert_eq!(parse_plan(newer.as_bytes()), Err(JournalFault::Newer { version: 3 }));
    }

    #[test]
    fn lines_that_no_plan_has_are_named() {
        let text = String::from_utf8(written(&plan(&files()[2..4]))).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (wrong, named) in [
            (vec![lines[0], lines[2]], "before what it has in common"),
            (vec![lines[0], lines[1], lines[2]], "the number of files is another"),
            (vec![lines[0], lines[1], lines[2], lines[3], lines[3]], "more files than it says"),
            (vec![lines[0], lines[1], "[\"..\",1,1,1]"], "path on the drive"),
            (vec![lines[0], lines[1], "[\"a\",1]"], "Row"),
        ] {
            let fault = parse_plan(wrong.join("\n").as_bytes()).unwrap_err();
            assert!(format!("{fault:?}").contains(named), "{fault:?}");
        }
        assert_eq!(parse_plan(b""), Err(JournalFault::NoBeginning));
    }
}
