//! The rows of a `dataset.csv` as a data set: every file that they name, checked against what
//! NTFS, the manifest and Azure can hold. All that cannot be sent is reported at once, each with
//! its line.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::claims::Claims;
use super::dataset_csv::{Item, Row};
use super::driveset_csv::DriveRow;
use super::empty_folders::EmptyFolders;
use super::error::Error;
use super::file::{DEVICE, DataFile, Facts, check_size, clashes, modified_ns};
use super::listing::{Listing, SideFile, SideKind};
use super::packer::Packer;
use super::set::DataSet;
use super::side_file::parse_side_file;
use super::table::CsvFault;
use super::tree_walk::{Found, Walk, walk};
use super::{dataset_csv, driveset_csv};
use crate::limits;
use crate::noun::{
    BlobPath, BlobType, ContainerName, DrivePath, ImportDisposition, JobName, Md5Digest,
    check_blob_name, check_name, shown,
};
use crate::sys::beneath::{Folder, Kind};
use crate::sys::block::{block_bytes, open_block};
use crate::sys::given;

/// Bytes of a table, at most: millions of rows.
const MOST_BYTES: u64 = 256 << 20;

/// Where the sources lie: the rows have whole paths.
const ROOT: &str = "/";

/// What the rows themselves do not say.
#[derive(Debug, Clone)]
pub struct RowsOptions {
    /// The file that they come from, for messages.
    pub csv: PathBuf,
    /// The folder on the drive is named after the job.
    pub job: JobName,
}

/// Reads a `dataset.csv`.
pub fn read_dataset(path: &Path) -> Result<Vec<Row>, Error> {
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    dataset_csv::parse_with(&read(path)?, exists)
        .map_err(|faults| Error::Csv { path: path.to_owned(), faults })
}

/// Reads a `driveset.csv`. Two paths that lead to one device are seen.
pub fn read_driveset(path: &Path) -> Result<Vec<DriveRow>, Error> {
    driveset_csv::parse_with(&read(path)?, |path| path.canonicalize().ok())
        .map_err(|faults| Error::Csv { path: path.to_owned(), faults })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    given::read(path, MOST_BYTES).map_err(|source| Error::CsvFile { path: path.to_owned(), source })
}

/// Lists the files of all rows.
pub fn scan_rows(rows: &[Row], options: &RowsOptions) -> Result<DataSet, Error> {
    let mut scan = Scan::new(options);
    for row in rows {
        scan.row(row);
    }
    scan.tell_doubles();
    let Scan { files, mut faults, empty_folders, folders, lines, .. } = scan;
    if !faults.is_empty() {
        for (path, fault) in clashes(files.paths()) {
            let is_it = |at: &usize| files.at(*at).path().as_str().starts_with(&path);
            let line = (0..files.count()).find(is_it).map(|at| line_of(&lines, at));
            faults.push(CsvFault { line: line.unwrap_or(1), column: BASE.to_owned(), fault });
        }
        faults.sort_by_key(|fault| fault.line);
        return Err(Error::Csv { path: options.csv.clone(), faults });
    }
    let files = files.finish_sorted();
    Ok(DataSet { root: PathBuf::from(ROOT), files, empty_folders, folders })
}

/// The line of the row that a file comes from.
fn line_of(lines: &[(usize, u64)], at: usize) -> u64 {
    let behind = lines.partition_point(|(first, _)| *first <= at);
    behind.checked_sub(1).map_or(1, |row| lines[row].1)
}

/// The columns that a fault of a row may be in.
const BASE: &str = "BasePath";
const METADATA: &str = "MetadataFile";
const PROPERTIES: &str = "PropertiesFile";

struct Scan<'a> {
    options: &'a RowsOptions,
    files: Packer,
    /// The first file of each row, and its line.
    lines: Vec<(usize, u64)>,
    faults: Vec<CsvFault>,
    empty_folders: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    /// Metadata and properties files that were read already.
    sides: HashMap<(SideKind, PathBuf), Result<Side, String>>,
}

/// A metadata or properties file as read.
#[derive(Clone)]
struct Side {
    file: SideFile,
    /// What it says of the data.
    claims: Claims,
}

impl<'a> Scan<'a> {
    fn new(options: &'a RowsOptions) -> Self {
        Scan {
            options,
            files: Packer::default(),
            lines: Vec::new(),
            faults: Vec::new(),
            empty_folders: Vec::new(),
            folders: Vec::new(),
            sides: HashMap::new(),
        }
    }

    fn fault(&mut self, row: &Row, column: &str, fault: impl Into<String>) {
        let (line, column) = (row.line, column.to_owned());
        self.faults.push(CsvFault { line, column, fault: fault.into() });
    }

    /// Two files that would become one blob; the path on the drive is made of the blob's.
    fn tell_doubles(&mut self) {
        for (later, first) in self.files.doubles() {
            let (file, lines) = (self.files.at(later), &self.lines);
            let (path, blob) = (Path::new(ROOT).join(file.source()), file.blob());
            let (line, first) = (line_of(lines, later), line_of(lines, first));
            let path = shown(&path);
            let fault = format!("{path} would become {blob}, as a file of line {first} does");
            self.faults.push(CsvFault { line, column: BASE.to_owned(), fault });
        }
    }

    fn row(&mut self, row: &Row) {
        self.lines.push((self.files.count(), row.line));
        let metadata = self.side(row, SideKind::Metadata);
        let properties = self.side(row, SideKind::Properties);
        let listing = Listing::Blob { metadata, properties, content_md5: None };
        match &row.item {
            Item::File { path, blob } => match fs::symlink_metadata(path) {
                Ok(found) if found.is_file() => match resolved(path) {
                    Ok(real) => {
                        let facts = Facts::from(&found);
                        self.file(row, path, &real, facts, blob.clone(), &listing);
                    }
                    Err(error) => self.fault(row, BASE, unreadable(path, &error)),
                },
                Ok(_) if is_device(path) => match device_facts(path) {
                    Ok((real, facts)) => {
                        self.file(row, path, &real, facts, blob.clone(), &listing);
                    }
                    Err(error) => self.fault(row, BASE, unreadable(path, &error)),
                },
                Ok(found) if found.is_dir() => {
                    let fault = format!("{0} is a folder; write {0}/", shown(path));
                    self.fault(row, BASE, fault);
                }
                Ok(found) => self.fault(row, BASE, not_a_file(path, found.is_symlink())),
                Err(error) => self.fault(row, BASE, unreadable(path, &error)),
            },
            Item::Folder { path, container, prefix } => match fs::metadata(path) {
                Ok(found) if found.is_dir() => self.folder(row, path, container, prefix, &listing),
                Ok(_) => {
                    let fault = format!("{0} is no folder; write {0}", shown(path));
                    self.fault(row, BASE, fault);
                }
                Err(error) => self.fault(row, BASE, unreadable(path, &error)),
            },
        }
    }

    fn folder(
        &mut self,
        row: &Row,
        root: &Path,
        container: &ContainerName,
        prefix: &str,
        listing: &Listing,
    ) {
        let real = match fs::canonicalize(root) {
            Ok(real) => real,
            Err(error) => return self.fault(row, BASE, unreadable(root, &error)),
        };
        let mut empty_folders = EmptyFolders::default();
        let walked = walk(root, |found| {
            let Found { path: below, kind, facts } = match found {
                Ok(found) => found,
                Err((path, error)) => {
                    self.fault(row, BASE, unreadable(&path, &error));
                    return Ok(Walk::Enter);
                }
            };
            let path = &root.join(below);
            empty_folders.note(path, kind == Kind::Folder);
            match kind {
                Kind::Folder => {}
                Kind::File => match blob_below(below, container, prefix) {
                    Ok(blob) => self.file(row, path, &real.join(below), facts, blob, listing),
                    Err(fault) => self.fault(row, BASE, format!("{}: {fault}", shown(path))),
                },
                Kind::Link | Kind::Special => {
                    self.fault(row, BASE, not_a_file(path, kind == Kind::Link));
                }
            }
            Ok::<_, Infallible>(Walk::Enter)
        });
        let Ok(()) = walked;
        if fs::read_dir(&real).is_ok_and(|mut entries| entries.next().is_none()) {
            self.empty_folders.push(root.to_owned());
        }
        self.empty_folders.extend(empty_folders.finish());
        self.folders.push(real);
    }

    /// Takes a file; `real` is its path without links, as the person's own were resolved once.
    fn file(
        &mut self,
        row: &Row,
        path: &Path,
        real: &Path,
        found: Facts,
        blob: BlobPath,
        listing: &Listing,
    ) {
        let job = self.options.job.as_str();
        let blob_type = row.blob_type.unwrap_or_else(|| by_name(path));
        let names = [job, blob.container().as_str()].into_iter().chain(blob.name().split('/'));
        let on_drive = match check_size(found.bytes, blob_type)
            .and_then(|()| DrivePath::from_components(names).map_err(|fault| fault.to_string()))
        {
            Ok(on_drive) => on_drive,
            Err(fault) => {
                self.fault(row, BASE, format!("{}: {fault}", shown(path)));
                return;
            }
        };
        if let Some(fault) = self.false_encoding(row, path) {
            self.fault(row, PROPERTIES, fault);
        }
        self.files.push(&DataFile {
            source: below_root(real),
            path: on_drive,
            blob,
            blob_type,
            disposition: row.disposition.unwrap_or(ImportDisposition::NoOverwrite),
            bytes: found.bytes,
            modified_ns: found.modified_ns,
            together: false,
            listing: listing.clone(),
        });
    }

    /// Why a file is not packed as its properties say.
    fn false_encoding(&self, row: &Row, path: &Path) -> Option<String> {
        let side = (SideKind::Properties, row.properties.clone()?);
        let claims = &self.sides.get(&side)?.as_ref().ok()?.claims;
        if !claims.has_encoding() {
            return None;
        }
        open(path)
            .and_then(|file| claims.false_encoding(path, file))
            .unwrap_or_else(|error| Some(unreadable(path, &error)))
            .map(|fault| format!("{}: {fault}", shown(&side.1)))
    }

    /// The metadata or properties file of a row, read and checked; `None` also after a fault.
    fn side(&mut self, row: &Row, kind: SideKind) -> Option<Box<SideFile>> {
        let (path, column) = match kind {
            SideKind::Metadata => (row.metadata.as_ref()?, METADATA),
            SideKind::Properties => (row.properties.as_ref()?, PROPERTIES),
        };
        let job = &self.options.job;
        let read = || read_side(kind, path, job);
        let side = match self.sides.entry((kind, path.clone())).or_insert_with(read) {
            Ok(side) => side.clone(),
            Err(fault) => {
                let fault = fault.clone();
                self.fault(row, column, fault);
                return None;
            }
        };
        let fault = match &row.item {
            Item::Folder { .. } => side
                .claims
                .content_md5
                .map(|_| "Content-MD5 is of one file, and the row copies a folder".to_owned()),
            Item::File { path: data, .. } => {
                // What cannot be read is told with the file itself.
                let is_file = fs::symlink_metadata(data).is_ok_and(|found| found.is_file());
                let claims = Some(&side.claims).filter(|claims| claims.content_md5.is_some());
                claims.filter(|_| is_file).and_then(|claims| {
                    open(data)
                        .and_then(|file| claims.false_digest(data, file))
                        .unwrap_or_else(|error| Some(unreadable(data, &error)))
                })
            }
        };
        if let Some(fault) = fault {
            self.fault(row, column, format!("{}: {fault}", shown(path)));
        }
        Some(Box::new(side.file))
    }
}

fn read_side(kind: SideKind, path: &Path, job: &JobName) -> Result<Side, String> {
    let found = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
    if !found.is_file() {
        return Err(not_a_file(path, found.is_symlink()));
    }
    if found.len() > limits::SIDE_FILE_BYTES {
        return Err(format!(
            "{} has {} bytes; such a file has at most {}",
            shown(path),
            found.len(),
            limits::SIDE_FILE_BYTES
        ));
    }
    let mut bytes = Vec::new();
    open(path)
        .and_then(|file| file.take(limits::SIDE_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 != found.len() {
        return Err(format!("{} changed while it was read", shown(path)));
    }
    let entries =
        parse_side_file(kind, &bytes).map_err(|fault| format!("{}: {fault}", shown(path)))?;
    let md5 = Md5Digest::new(Md5::digest(&bytes).into());
    // Named by what is in it, so that it keeps its name when rows move, and another has another.
    let name = format!("{md5}.xml");
    let on_drive = DrivePath::from_components([job.as_str(), kind.folder(), &name])
        .map_err(|fault| fault.to_string())?;
    let file = SideFile {
        source: below_root(&resolved(path).map_err(|error| unreadable(path, &error))?),
        path: on_drive,
        bytes: found.len(),
        modified_ns: modified_ns(&found),
        md5,
    };
    let claims = match kind {
        SideKind::Metadata => Claims::default(),
        SideKind::Properties => Claims::of(&entries),
    };
    Ok(Side { file, claims })
}

/// The blob of a file below a folder.
fn blob_below(below: &Path, container: &ContainerName, prefix: &str) -> Result<BlobPath, String> {
    let below = below.to_str().ok_or("the name is not UTF-8")?;
    for part in below.split('/') {
        check_name(part).map_err(|fault| fault.to_string())?;
    }
    let name = [prefix, below].concat();
    check_blob_name(container, &name).map_err(|fault| fault.to_string())?;
    Ok(BlobPath::of_parts(container, [&name, ""]))
}

/// The path of a file without any link on the way to it. What it is itself was looked at.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let folder = fs::canonicalize(path.parent().unwrap_or(Path::new(ROOT)))?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

/// Whether a path leads to a block device: their usual names are links.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_block_device())
}

/// The path of a device without links, and its length.
fn device_facts(path: &Path) -> io::Result<(PathBuf, Facts)> {
    let real = fs::canonicalize(path)?;
    let device = open_block(&Folder::open(Path::new(ROOT))?, &below_root(&real))?;
    Ok((real, Facts { bytes: block_bytes(&device)?, modified_ns: DEVICE }))
}

/// Opens a file that may have become something else since it was looked at.
fn open(path: &Path) -> io::Result<fs::File> {
    Folder::open(Path::new(ROOT))?.linked_file(&below_root(&resolved(path)?))
}

/// The first generation's rule for rows without a type.
fn by_name(path: &Path) -> BlobType {
    let end = path.extension().unwrap_or_default().to_ascii_lowercase();
    if end == "vhd" || end == "vhdx" { BlobType::PageBlob } else { BlobType::BlockBlob }
}

fn below_root(path: &Path) -> PathBuf {
    path.strip_prefix(ROOT).unwrap_or(path).to_owned()
}

fn not_a_file(path: &Path, is_link: bool) -> String {
    let what = if is_link { "a symbolic link; name what it leads to" } else { "no regular file" };
    format!("{} is {what}", shown(path))
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no {}", shown(path)),
        _ => format!("{} cannot be read: {error}", shown(path)),
    }
}
