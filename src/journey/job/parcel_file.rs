//! What is said of one parcel in a TOML file, which a clerk can fill in and keep.

use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, unknown_fields};
use disk_prep::sys::given;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::ship::{ShipOptions, moment};
use crate::config::TomlFault;
use crate::import_job::Error;
use crate::outcome::Failure;

/// Bytes of such a file, at most.
const MOST_BYTES: u64 = 64 << 10;

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ParcelFile {
    carrier: Option<String>,
    tracking_number: Option<String>,
    ship_date: Option<String>,
    drive_count: Option<usize>,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ParcelFileError {
    #[error("Cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} has more than {MOST_BYTES} bytes, so it is no file about a parcel")]
    Large { path: PathBuf },
    #[error("{path} is no file about a parcel")]
    Form {
        path: PathBuf,
        #[source]
        source: TomlFault,
    },
    #[error("{path} has fields that no parcel has: {}", fields.join(", "))]
    Fields { path: PathBuf, fields: Vec<String> },
    #[error("{path} has the ship date {text}, which is no day")]
    Day { path: PathBuf, text: String },
}

impl Diagnose for ParcelFileError {
    fn code(&self) -> &'static str {
        match self {
            ParcelFileError::Read { .. } => "parcel-file-unreadable",
            _ => "parcel-file-invalid",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        let text = "it may have the keys `carrier`, `tracking_number`, `ship_date` and \
                    `drive_count`; a day is written as \"2026-11-28\"";
        Some(Hint::new(text))
    }
}

/// Reads it.
pub fn read(path: &Path) -> Result<ShipOptions, Failure> {
    let unreadable = |source| ParcelFileError::Read { path: path.to_owned(), source };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if about.len() > MOST_BYTES {
        return Err(ParcelFileError::Large { path: path.to_owned() }.into());
    }
    let file = parse(path, &given::read_text(path).map_err(unreadable)?)?;
    let day = |text: String| match text.parse::<Date>() {
        Ok(date) => Ok(date),
        Err(_) => Err(ParcelFileError::Day { path: path.to_owned(), text }),
    };
    let date: Option<Date> = file.ship_date.map(day).transpose()?;
    let ship_date: Result<_, Error> = date.map(moment).transpose();
    Ok(ShipOptions {
        carrier: file.carrier,
        tracking_number: file.tracking_number,
        ship_date: ship_date?,
        drive_count: file.drive_count,
    })
}

fn parse(path: &Path, text: &str) -> Result<ParcelFile, ParcelFileError> {
    let form = |error| ParcelFileError::Form {
        path: path.to_owned(),
        source: TomlFault::new(&error, text),
    };
    let file: ParcelFile = toml::from_str(text).map_err(form)?;
    let fields = unknown_fields::<ParcelFile>(&toml::from_str(text).map_err(form)?);
    match fields.as_slice() {
        [] => Ok(file),
        _ => Err(ParcelFileError::Fields { path: path.to_owned(), fields }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_say_some_of_it_and_nothing_else() {
        let path = Path::new("parcel.toml");
        let own = parse(path, "carrier = \"FedEx\"\nship_date = \"2026-11-28\"\n").unwrap();
        assert_eq!((own.carrier.as_deref(), own.tracking_number), (Some("FedEx"), None));
        for bad in ["carier = \"FedEx\"", "carrier = 7", "FedEx", "drive_count = -1"] {
            assert_eq!(parse(path, bad).unwrap_err().code(), "parcel-file-invalid", "{bad}");
        }
        assert!(parse(path, "").unwrap() == ParcelFile::default());
    }
}
