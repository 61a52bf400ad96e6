//! `driveset.csv`: which drives are to be prepared, and which of them may be formatted. Read as
//! the Microsoft tool has it (`azure-import-export` 6.6), with serials or lasting paths in place of
//! drive letters, and in a form of our own: `Serial` alone, or with `Erase`. Whether the drives
//! are there is another room's affair.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::table::{Column, CsvFault, Row as Cells, Table};
use super::windows::quoted;
use crate::drive::DriveName;
use crate::noun::Serial;

/// A row of `driveset.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriveRow {
    /// Line of the file that it begins at.
    pub line: u64,
    /// The drive.
    pub drive: DriveName,
    /// Whether it may be formatted.
    pub erase: EraseConsent,
}

/// Whether a row consents to erasing what is on its drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EraseConsent {
    /// It may be erased: `Erase` says yes, or the row formats in silence.
    Given,
    /// Only if a person says so, or `--erase` names it.
    Ask,
}

const COLUMNS: &[Column] = &[
    Column { names: &["Serial", "DriveLetter"], required: true },
    Column { names: &["Erase"], required: false },
    Column { names: &["FormatOption"], required: false },
    Column { names: &["SilentOrPromptOnFormat"], required: false },
    Column { names: &["Encryption"], required: false },
    Column { names: &["ExistingBitLockerKey"], required: false },
];
const DRIVE: usize = 0;
const ERASE: usize = 1;
const FORMAT: usize = 2;
const SILENT: usize = 3;
const ENCRYPTION: usize = 4;
const KEY: usize = 5;

/// Reads a file; every fault in it is reported. No recovery password of it is repeated.
pub fn parse(bytes: &[u8]) -> Result<Vec<DriveRow>, Vec<CsvFault>> {
    parse_with(bytes, |_| None)
}

/// As [`parse`]; `resolve` follows the links of a path, so that two paths to one device are seen.
pub(super) fn parse_with(
    bytes: &[u8],
    resolve: impl Fn(&Path) -> Option<PathBuf>,
) -> Result<Vec<DriveRow>, Vec<CsvFault>> {
    let mut table = Table::read(bytes, COLUMNS);
    let ours = table.name(DRIVE).eq_ignore_ascii_case("Serial") && table.has(DRIVE);
    if ours {
        for column in [FORMAT, SILENT, ENCRYPTION, KEY] {
            if table.has(column) {
                table.fault(1, column, "a file by Serial has no such column, only Erase");
            }
        }
    } else if table.has(ERASE) {
        table.fault(1, ERASE, "only a file by Serial has this column; write FormatOption");
    }
    let mut rows = Vec::new();
    for cells in table.take_rows() {
        let written = table.as_written(&cells, DRIVE);
        if let Some(path) = written.filter(|path| resolve(Path::new(path)).is_some()).map(quoted) {
            let fault = format!("there is a file {path} too; put quotes around the one meant");
            table.fault(cells.line, DRIVE, fault);
        }
        rows.extend(row(&mut table, &cells));
    }
    find_twins(&mut table, &rows, resolve);
    table.finish(rows)
}

/// The row, or `None` when a fault was noted.
fn row(table: &mut Table, cells: &Cells) -> Option<DriveRow> {
    let drive = value(table, cells, DRIVE, drive);
    let erase =
        value(table, cells, ERASE, |text| match text.trim().to_ascii_lowercase().as_str() {
            "yes" => Ok(EraseConsent::Given),
            "no" | "" => Ok(EraseConsent::Ask),
            _ => Err(format!("{text:?} is neither yes nor no")),
        });
    let format =
        value(table, cells, FORMAT, |text| match text.trim().to_ascii_lowercase().as_str() {
            "format" => Ok(()),
            "alreadyformatted" => {
                Err("azseed formats every drive that it prepares; write Format".to_owned())
            }
            _ => Err(format!("{text:?} is no option; write Format")),
        });
    let silent =
        value(table, cells, SILENT, |text| match text.trim().to_ascii_lowercase().as_str() {
            "silentmode" => Ok(EraseConsent::Given),
            "promptonformat" => Ok(EraseConsent::Ask),
            _ => Err(format!("{text:?} is no mode; write SilentMode or PromptOnFormat")),
        });
    let encryption =
        value(table, cells, ENCRYPTION, |text| match text.trim().to_ascii_lowercase().as_str() {
            "encrypt" => Ok(()),
            "alreadyencrypted" => {
                Err("azseed encrypts every drive that it prepares; write Encrypt".to_owned())
            }
            _ => Err(format!("{text:?} is no encryption; write Encrypt")),
        });
    // Never with what stands there: it is a secret.
    let key = value(table, cells, KEY, |text| match text {
        "" => Ok(()),
        _ => Err("leave it empty; every drive gets a new recovery password".to_owned()),
    });
    format?;
    encryption?;
    key?;
    // Without `FormatOption` the row does not speak of formatting at all.
    let silent = silent?.filter(|_| table.has(FORMAT));
    let erase = erase?.or(silent).unwrap_or(EraseConsent::Ask);
    Some(DriveRow { line: cells.line, drive: drive??, erase })
}

/// The value of a cell; inner `None` if the file has no such column, outer after a fault.
#[expect(clippy::option_option, reason = "a missing column and a fault are two things")]
fn value<T>(
    table: &mut Table,
    cells: &Cells,
    column: usize,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<Option<T>> {
    let Some(text) = table.cell(cells, column) else { return Some(None) };
    match parse(text) {
        Ok(value) => Some(Some(value)),
        Err(fault) => {
            table.fault(cells.line, column, fault);
            None
        }
    }
}

fn drive(text: &str) -> Result<DriveName, String> {
    const INSTEAD: &str = "write the drive's serial, as `azseed drive list` shows it";
    if text.is_empty() {
        return Err(format!("the cell is empty; {INSTEAD}"));
    }
    let letter = text.trim_end_matches(['\\', '/']).trim_end_matches(':');
    if letter.len() == 1 && letter.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!("{} is a drive letter of Windows; {INSTEAD}", quoted(text)));
    }
    if text.contains('\\') || text.as_bytes().get(1) == Some(&b':') {
        return Err(format!("{} is a Windows path; {INSTEAD}", quoted(text)));
    }
    if let Some(name) = text.strip_prefix("/dev/") {
        let Some(lasting) = name.strip_prefix("disk/by-id/") else {
            return Err(format!("{text} may be another drive tomorrow; {INSTEAD}"));
        };
        let part = lasting.rsplit_once("-part").map(|(_, number)| number);
        if part.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(format!("{text} is a partition; {INSTEAD}"));
        }
    }
    DriveName::parse(text, |_| false).map_err(|fault| fault.to_string())
}

/// The serial that a name tells of without looking.
fn serial(name: &DriveName) -> Option<Serial> {
    match name {
        DriveName::Serial(serial) | DriveName::Path { serial: Some(serial), .. } => {
            Some(serial.clone())
        }
        DriveName::Path { path, serial: None, .. } => match path.strip_prefix("/dev/disk") {
            // udev names a drive `ata-MODEL_SERIAL`.
            Ok(below) => {
                let name = below.strip_prefix("by-id").ok()?.to_str()?.strip_prefix("ata-")?;
                name.rsplit_once('_').and_then(|(_, serial)| Serial::new(serial).ok())
            }
            Err(_) => path.file_stem()?.to_str().and_then(|stem| Serial::new(stem).ok()),
        },
    }
}

fn path(name: &DriveName) -> Option<&Path> {
    match name {
        DriveName::Serial(_) => None,
        DriveName::Path { path, .. } => Some(path),
    }
}

/// Rows that name one drive, by the same name or by two.
fn find_twins(table: &mut Table, rows: &[DriveRow], resolve: impl Fn(&Path) -> Option<PathBuf>) {
    let mut serials: HashMap<Serial, &DriveRow> = HashMap::new();
    let mut paths: HashMap<PathBuf, &DriveRow> = HashMap::new();
    for row in rows {
        // Doubled slashes make two spellings of one path.
        let device = path(&row.drive)
            .map(|path| resolve(path).unwrap_or_else(|| path.components().collect()));
        let by_path = device.map(|device| *paths.entry(device).or_insert(row));
        let serial = serial(&row.drive);
        let by_serial = serial.clone().map(|serial| *serials.entry(serial).or_insert(row));
        let other = [by_path, by_serial].into_iter().flatten().find(|other| other.line != row.line);
        let Some(other) = other else { continue };
        let fault = match serial {
            Some(serial) if other.drive == row.drive => {
                format!("drive {serial} is named by line {} already", other.line)
            }
            Some(serial) => {
                format!("it is drive {serial}, which line {} has by another name", other.line)
            }
            None => format!("it is named by line {} already", other.line),
        };
        table.fault(row.line, DRIVE, fault);
    }
}
