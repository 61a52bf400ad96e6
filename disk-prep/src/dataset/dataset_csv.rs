//! `dataset.csv`: what is to be copied, and where to, row by row. Read in the three generations
//! of the Microsoft tool (`azure-import-export` 6.5), with paths of this machine. Whether the
//! files are there is looked at by [`super::scan_rows`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::table::{Column, CsvFault, Row as Cells, Table};
use super::windows::{absolute, quoted};
use crate::noun::{self, BlobPath, BlobType, ContainerName, ImportDisposition, check_name};

/// A row of `dataset.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line of the file that it begins at.
    pub line: u64,
    /// What is copied, and where to.
    pub item: Item,
    /// Kind of the blobs; `None` in the first generation: page blobs of `*.vhd` and `*.vhdx`.
    pub blob_type: Option<BlobType>,
    /// What happens to blobs that are there already, if the row says so.
    pub disposition: Option<ImportDisposition>,
    /// A file with the blobs' metadata.
    pub metadata: Option<PathBuf>,
    /// A file with the blobs' properties.
    pub properties: Option<PathBuf>,
}

/// What a row copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// One file.
    File {
        /// Its path.
        path: PathBuf,
        /// The blob that it becomes.
        blob: BlobPath,
    },
    /// A folder with all that is below it.
    Folder {
        /// Its path.
        path: PathBuf,
        /// The container of all blobs.
        container: ContainerName,
        /// Stands before every blob name; empty, or ends in a slash.
        prefix: String,
    },
}

impl Item {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Item::File { path, .. } | Item::Folder { path, .. } => path,
        }
    }

    /// The destination, as the row has it.
    pub fn destination(&self) -> String {
        match self {
            Item::File { blob, .. } => blob.to_string(),
            Item::Folder { container, prefix, .. } => format!("{container}/{prefix}"),
        }
    }
}

const COLUMNS: &[Column] = &[
    Column { names: &["BasePath"], required: true },
    Column { names: &["DstItemPathOrPrefix", "DstBlobPathOrPrefix"], required: true },
    Column { names: &["ItemType", "BlobType"], required: true },
    Column { names: &["Disposition"], required: false },
    Column { names: &["MetadataFile"], required: false },
    Column { names: &["PropertiesFile"], required: false },
];
const BASE: usize = 0;
const DESTINATION: usize = 1;
const TYPE: usize = 2;
const DISPOSITION: usize = 3;
const METADATA: usize = 4;
const PROPERTIES: usize = 5;

/// Reads a file; every fault in it is reported.
pub fn parse(bytes: &[u8]) -> Result<Vec<Row>, Vec<CsvFault>> {
    parse_with(bytes, |_| false)
}

/// As [`parse`]; `exists` says whether there is anything at a path, so that a blank behind a path
/// without quotes never makes it another file's.
pub(super) fn parse_with(
    bytes: &[u8],
    exists: impl Fn(&Path) -> bool,
) -> Result<Vec<Row>, Vec<CsvFault>> {
    let mut table = Table::read(bytes, COLUMNS);
    let mut rows = Vec::new();
    for cells in table.take_rows() {
        for column in [BASE, METADATA, PROPERTIES] {
            let written = table.as_written(&cells, column);
            if let Some(path) = written.filter(|path| exists(Path::new(path))).map(quoted) {
                let fault = format!("there is a file {path} too; put quotes around the one meant");
                table.fault(cells.line, column, fault);
            }
        }
        rows.extend(row(&mut table, &cells));
    }
    find_overlaps(&mut table, &rows);
    table.finish(rows)
}

/// The row, or `None` when a fault was noted.
fn row(table: &mut Table, cells: &Cells) -> Option<Row> {
    let base = read(table, cells, BASE, |text| absolute(text).map(|path| (path, is_folder(text))));
    // With a fault in the base path the destination itself says what it is for.
    let (path, folder) = match &base {
        Some((path, folder)) => (path.as_path(), Some(*folder)),
        None => (Path::new("/"), None),
    };
    let item = read(table, cells, DESTINATION, |text| {
        item(path, folder.unwrap_or_else(|| is_folder(text)), text)
    });
    let item = base.as_ref().and(item);
    let is_first_generation = table.name(TYPE).eq_ignore_ascii_case("BlobType");
    let blob_type = optional(table, cells, TYPE, |text| match text {
        None if is_first_generation => Ok(None),
        None => Err("the cell is empty; write BlockBlob or PageBlob".to_owned()),
        Some(text) => blob_type(text).map(Some),
    });
    let disposition = optional(table, cells, DISPOSITION, |text| text.map(disposition).transpose());
    let metadata = optional(table, cells, METADATA, |text| text.map(side_file).transpose());
    let properties = optional(table, cells, PROPERTIES, |text| text.map(side_file).transpose());
    Some(Row {
        line: cells.line,
        item: item?,
        blob_type: blob_type?,
        disposition: disposition?,
        metadata: metadata?,
        properties: properties?,
    })
}

fn read<T>(
    table: &mut Table,
    cells: &Cells,
    column: usize,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let parsed = match table.cell(cells, column)? {
        "" => Err("the cell is empty".to_owned()),
        text => parse(text),
    };
    parsed.map_err(|fault| table.fault(cells.line, column, fault)).ok()
}

/// As [`read`], but the cell may be empty or say `None`, or the column may be missing.
fn optional<T>(
    table: &mut Table,
    cells: &Cells,
    column: usize,
    parse: impl FnOnce(Option<&str>) -> Result<T, String>,
) -> Option<T> {
    // The quotes of `"None"` are gone, unless they were quoted themselves.
    let is_none = |text: &str| {
        let word = text.trim_matches('"');
        word.is_empty() || word.eq_ignore_ascii_case("None")
    };
    let text = table.cell(cells, column).filter(|text| !is_none(text));
    let is_missing = column == TYPE && !table.has(TYPE);
    match parse(text) {
        Ok(value) => Some(value),
        Err(_) if is_missing => None,
        Err(fault) => {
            table.fault(cells.line, column, fault);
            None
        }
    }
}

fn is_folder(text: &str) -> bool {
    text.ends_with('/')
}

fn item(path: &Path, is_folder: bool, destination: &str) -> Result<Item, String> {
    if destination.contains('\\') {
        let slashes = destination.replace('\\', "/");
        return Err(format!("{} has backslashes; write {slashes}", quoted(destination)));
    }
    if destination.contains("://") {
        return Err(format!("{destination:?} is an address; write container/name"));
    }
    let Some((container, name)) = destination.split_once('/') else {
        let rest = if is_folder { "" } else { "name" };
        return Err(format!("{destination:?} has no container; write {destination}/{rest}"));
    };
    if container.is_empty() {
        return Err(format!("{destination:?} begins with /; write the container first"));
    }
    match (is_folder, name.is_empty() || name.ends_with('/')) {
        (true, false) => {
            return Err(format!("the row copies a folder; end it with /: {destination}/"));
        }
        (false, true) => {
            return Err(format!(
                "the row copies a file; write the blob's whole name, such as {destination}{}",
                path.file_name().unwrap_or_default().to_string_lossy()
            ));
        }
        _ => {}
    }
    let container = ContainerName::new(container).map_err(|fault| fault.to_string())?;
    check_blob_name(&container, name.strip_suffix('/').unwrap_or(name))?;
    if is_folder {
        return Ok(Item::Folder { path: path.to_owned(), container, prefix: name.to_owned() });
    }
    let blob = BlobPath::new(container, name).map_err(|fault| fault.to_string())?;
    Ok(Item::File { path: path.to_owned(), blob })
}

/// Checks what is behind the container; empty for a folder that goes to its top.
fn check_blob_name(container: &ContainerName, name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Ok(());
    }
    if container.as_str() == "$root" && name.contains('/') {
        return Err("the container $root takes no folders; write $root/name".to_owned());
    }
    // On the drive the blob's name is a path.
    for part in name.split('/') {
        check_name(part).map_err(|fault| format!("{part:?} cannot be a name in it: {fault}"))?;
    }
    noun::check_blob_name(container, name).map_err(|fault| fault.to_string())
}

fn blob_type(text: &str) -> Result<BlobType, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "blockblob" | "block" => Ok(BlobType::BlockBlob),
        "pageblob" | "page" => Ok(BlobType::PageBlob),
        "file" => Err("file is for Azure Files; azseed sends blobs: write BlockBlob".to_owned()),
        _ => Err(format!("{text:?} is no type; write BlockBlob or PageBlob")),
    }
}

fn disposition(text: &str) -> Result<ImportDisposition, String> {
    [ImportDisposition::Overwrite, ImportDisposition::NoOverwrite, ImportDisposition::Rename]
        .into_iter()
        .find(|disposition| disposition.name().eq_ignore_ascii_case(text.trim()))
        .ok_or_else(|| {
            format!("{text:?} is no disposition; write overwrite, no-overwrite or rename")
        })
}

fn side_file(text: &str) -> Result<PathBuf, String> {
    if is_folder(text) {
        return Err(format!("{text:?} is a folder; write a file, or None"));
    }
    absolute(text)
}

/// Rows that copy the same source, or of which one would write what the other writes.
fn find_overlaps(table: &mut Table, rows: &[Row]) {
    let mut sources: HashMap<&Path, &Row> = HashMap::new();
    let mut destinations: HashMap<String, &Row> = HashMap::new();
    for row in rows {
        let first = *sources.entry(row.item.path()).or_insert(row);
        if first.line != row.line {
            let path = row.item.path().display();
            table.fault(row.line, BASE, format!("{path} is copied by line {} already", first.line));
        }
        let destination = row.item.destination();
        let other = *destinations.entry(destination.clone()).or_insert(row);
        if other.line != row.line {
            let fault = format!("{destination} is the destination of line {} already", other.line);
            table.fault(row.line, DESTINATION, fault);
        }
    }
    for row in rows {
        for folder in row.item.path().ancestors().skip(1) {
            let Some(outer) = sources.get(folder) else { continue };
            if lands_in(row, outer) {
                let fault = format!(
                    "line {} copies {} with all below it to the same place; leave this row out",
                    outer.line,
                    folder.display()
                );
                table.fault(row.line, DESTINATION, fault);
            }
        }
    }
}

/// Whether the folder of `outer`, which `inner` lies in, takes it to where `inner` goes.
fn lands_in(inner: &Row, outer: &Row) -> bool {
    let Item::Folder { path, container, prefix } = &outer.item else { return false };
    let Ok(below) = inner.item.path().strip_prefix(path) else { return false };
    let end = if matches!(inner.item, Item::Folder { .. }) { "/" } else { "" };
    inner.item.destination() == format!("{container}/{prefix}{}{end}", below.display())
}
