//! The limits of the service, with those that a file says in place of ours: who reads Microsoft's
//! pages later than we did sees what has changed since.

use std::path::{Path, PathBuf};

use disk_prep::limits::{Limit, of_the_service};
use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::given;

/// Bytes of such a file, at most.
const MOST_BYTES: u64 = 1 << 20;

/// A file with limits that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    #[error("Cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is no CSV with the columns name, value, source and year")]
    Form { path: PathBuf },
    #[error("{path} names the limit {name}, which does not exist")]
    Name { path: PathBuf, name: String },
    #[error("{path} sets {name} to {value}, and it is a number or two with `to` between them")]
    Value { path: PathBuf, name: String, value: String },
}

impl Diagnose for LimitsError {
    fn code(&self) -> &'static str {
        match self {
            LimitsError::Read { .. } => "limits-unreadable",
            _ => "limits-invalid",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        let text = "`azseed limits show` lists the names";
        matches!(self, LimitsError::Name { .. }).then(|| Hint::new(text))
    }
}

/// Limits, and what a file says in place of some.
#[derive(Debug)]
pub struct Limits {
    /// As they are built in.
    pub built_in: Vec<Limit>,
    /// Rows of the file.
    pub replaced: Vec<Replaced>,
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The limit's name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it is told.
    pub source: String,
    /// When that was read.
    pub year: u16,
}

/// The limits, with those of a file.
pub fn limits(file: Option<&Path>) -> Result<Limits, LimitsError> {
    let built_in = of_the_service();
    let replaced = file.map(|path| read(path, &built_in)).transpose()?.unwrap_or_default();
    Ok(Limits { built_in, replaced })
}

fn read(path: &Path, built_in: &[Limit]) -> Result<Vec<Replaced>, LimitsError> {
    let unreadable = |source| LimitsError::Read { path: path.to_owned(), source };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if about.len() > MOST_BYTES {
        return Err(LimitsError::Form { path: path.to_owned() });
    }
    parse(path, &given::read_text(path).map_err(unreadable)?, built_in)
}

fn parse(path: &Path, text: &str, built_in: &[Limit]) -> Result<Vec<Replaced>, LimitsError> {
    let form = || LimitsError::Form { path: path.to_owned() };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header: Vec<String> =
        reader.headers().map_err(|_| form())?.iter().map(str::to_ascii_lowercase).collect();
    if header != ["name", "value", "source", "year"] {
        return Err(form());
    }
    let mut all: Vec<Replaced> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| form())?;
        let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
        let (name, value, source) = (cell(0), cell(1), cell(2));
        let year = cell(3).parse().map_err(|_| form())?;
        if !built_in.iter().any(|own| own.name == name) {
            return Err(LimitsError::Name { path: path.to_owned(), name });
        }
        let is_number = |text: &str| text.trim().parse::<u64>().is_ok();
        if !value.split(" to ").all(is_number) || value.split(" to ").count() > 2 {
            return Err(LimitsError::Value { path: path.to_owned(), name, value });
        }
        if source.is_empty() || all.iter().any(|own| own.name == name) {
            return Err(form());
        }
        all.push(Replaced { name, value, source, year });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Replaced>, LimitsError> {
        parse(Path::new("limits.csv"), text, &of_the_service())
    }

    #[test]
    fn a_row_stands_for_a_limit_of_ours_and_anything_else_is_refused() {
        let head = "Name,Value,Source,Year\n";
        let rows = parsed(&format!("{head}drives-per-job,20,\"Microsoft, requirements\",2027\n"));
        let right = Replaced {
            name: "drives-per-job".to_owned(),
            value: "20".to_owned(),
            source: "Microsoft, requirements".to_owned(),
            year: 2027,
        };
        assert_eq!(rows.unwrap(), [right]);
        assert!(parsed(&format!("{head}job-name-characters,2 to 24,a page,2027\n")).is_ok());
        assert!(parsed(head).unwrap().is_empty());
        for bad in [
            "",
            "name,value\n",
            &format!("{head}drives-per-job,20,x,soon\n"),
            &format!("{head}drives-per-job,20,,2027\n"),
            &format!("{head}drives-per-job,ten,x,2027\n"),
            &format!("{head}drives-per-job,1 to 2 to 3,x,2027\n"),
            &format!("{head}drives-per-box,20,x,2027\n"),
            &format!("{head}drives-per-job,20,x,2027\ndrives-per-job,21,x,2027\n"),
        ] {
            assert_eq!(parsed(bad).unwrap_err().code(), "limits-invalid", "{bad}");
        }
    }
}
