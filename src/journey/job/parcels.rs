//! Many parcels from one CSV: every row is looked at first, all findings are told at once, and
//! nothing is sent if one is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, visible_line};
use disk_prep::sys::given;
use jiff::civil::Date;

use super::back::warn_of_carrier;
use super::own_drives::{expect_kept, expect_own};
use super::ship::{
    ParcelsForeseen, Ready, ShipOptions, Way, keep, moment, note_shipped, send, step,
};
use super::sight::seen;
use super::target::MeantJob;
use crate::import_job::{Error, Job, Written};
use crate::journey::custody::Logged;
use crate::journey::desk::Desk;
use crate::outcome::{Failure, chain};

/// Bytes of such a file, at most: a line for each job of a subscription.
const MOST_BYTES: u64 = 16 << 20;

/// Rows that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum ParcelsError {
    #[error("Cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is no CSV with the columns job, carrier, number and date")]
    Form { path: PathBuf },
    #[error("Nothing was sent, as not all of {path} can be:{}", below(findings))]
    Refused { path: PathBuf, findings: Vec<String> },
}

fn below(all: &[String]) -> String {
    all.iter().map(|one| format!("\n  {}", visible_line(one))).collect()
}

impl Diagnose for ParcelsError {
    fn code(&self) -> &'static str {
        match self {
            ParcelsError::Read { .. } => "parcels-unreadable",
            ParcelsError::Form { .. } => "parcels-invalid",
            ParcelsError::Refused { .. } => "parcels-refused",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        let text = "the first line is `job,carrier,number,date`; a date may be left out";
        matches!(self, ParcelsError::Form { .. }).then(|| Hint::new(text))
    }
}

/// A row as it was written.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: u64,
    job: String,
    parcel: [String; 3],
}

/// The rows; `None` if it is no such file.
fn parse(text: &str) -> Option<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().ok()?.clone();
    let is =
        |cell: &str, name: &str| cell.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name);
    let column = |name: &str| header.iter().position(|cell| is(cell, name));
    let (job, carrier, number) = (column("job")?, column("carrier")?, column("number")?);
    let date = column("date");
    let is_known =
        |cell: &str| ["job", "carrier", "number", "date"].iter().any(|own| is(cell, own));
    if !header.iter().all(is_known) {
        return None;
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.ok()?;
        let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
        rows.push(Row {
            line: record.position().map_or(0, |at| line_of(text, at)),
            job: cell(job),
            parcel: [cell(carrier), cell(number), date.map(cell).unwrap_or_default()],
        });
    }
    Some(rows)
}

/// The line that a record begins in; the reader counts the blank ones before it as its own.
fn line_of(text: &str, at: &csv::Position) -> u64 {
    let start = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default().iter();
    let blank = rest.take_while(|byte| matches!(byte, b'\r' | b'\n'));
    at.line() + blank.filter(|byte| **byte == b'\n').count() as u64
}

impl Row {
    /// What it says, checked by itself; one that names no carrier goes with the usual one.
    fn read(&self, usual: Option<&str>) -> Result<(JobName, ShipOptions), Failure> {
        let [carrier, number, date] = &self.parcel;
        let text = |cell: &String| Some(cell.clone()).filter(|cell| !cell.is_empty());
        let day = text(date).map(|own| own.parse::<Date>().map_err(|_| Error::NoDay { text: own }));
        let parcel = ShipOptions {
            carrier: text(carrier).or(usual.map(str::to_owned)),
            tracking_number: text(number),
            ship_date: day.transpose()?.map(moment).transpose()?,
            drive_count: None,
        };
        Ok((self.job.parse()?, parcel))
    }
}

/// Jobs and numbers that stand in more than one row, as findings.
fn doubles(rows: &[Row]) -> Vec<String> {
    let mut first: BTreeMap<(&str, String), u64> = BTreeMap::new();
    let mut findings = Vec::new();
    for row in rows {
        for (what, cell) in [("job", &row.job), ("tracking number", &row.parcel[1])] {
            if cell.is_empty() {
                continue;
            }
            let line = *first.entry((what, cell.to_ascii_lowercase())).or_insert(row.line);
            if line != row.line {
                let own = row.line;
                findings.push(format!("line {own}: {what} {cell} stands in line {line} already"));
            }
        }
    }
    findings
}

/// The parcels of a CSV, if each of them can be sent.
fn all_ready(
    target: &MeantJob<'_>,
    path: &Path,
    carrier: Option<&str>,
    desk: &Desk<'_>,
) -> Result<Vec<Ready>, Failure> {
    let unreadable = |source| ParcelsError::Read { path: path.to_owned(), source };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    let form = || ParcelsError::Form { path: path.to_owned() };
    if about.len() > MOST_BYTES {
        return Err(form().into());
    }
    let text = given::read_text(path).map_err(unreadable)?;
    let rows = parse(&text).filter(|rows| !rows.is_empty()).ok_or_else(form)?;
    let all = target.of_subscription(desk)?;
    let mut findings = doubles(&rows);
    let mut ready = Vec::new();
    for row in &rows {
        match look(row.read(carrier), target, &all, desk) {
            Ok(own) => ready.push(own),
            // Without the service nothing is known of any row.
            Err(error) if is_of_service(&error) => return Err(error),
            Err(error) => findings.push(format!(
                "line {}: {} ({})",
                row.line,
                chain(error.0.as_ref()),
                error.0.code()
            )),
        }
    }
    if !findings.is_empty() {
        return Err(ParcelsError::Refused { path: path.to_owned(), findings }.into());
    }
    Ok(ready)
}

/// Says what the service would be told of every parcel in a CSV.
pub fn foresee_all(
    target: &MeantJob<'_>,
    path: &Path,
    carrier: Option<&str>,
    desk: &Desk<'_>,
) -> Result<ParcelsForeseen, Failure> {
    Ok(ParcelsForeseen::of(all_ready(target, path, carrier, desk)?))
}

/// Tells the service of every parcel in a CSV, in its order.
pub fn ship_all(
    target: &MeantJob<'_>,
    path: &Path,
    carrier: Option<&str>,
    desk: &Desk<'_>,
) -> Result<Logged, Failure> {
    let ready = all_ready(target, path, carrier, desk)?;
    consent(&ready, desk)?;
    let mut logged = Logged(None);
    for Ready { service, name, job, step } in ready {
        warn_of_carrier(&*service, &job, desk);
        let (mut job, written) = send(&*service, &name, job, step)?;
        keep(target, &job, desk.attendant);
        seen(&mut job, desk);
        logged = Logged(logged.0.or(note_shipped(target, &job, desk).0));
        desk.attendant.show(&Shipped { job, written });
    }
    Ok(logged)
}

fn is_of_service(error: &Failure) -> bool {
    matches!(error.0.kind(), ErrorKind::Unreachable | ErrorKind::NotAllowed | ErrorKind::Failed)
}

fn look(
    read: Result<(JobName, ShipOptions), Failure>,
    target: &MeantJob<'_>,
    all: &[Job],
    desk: &Desk<'_>,
) -> Result<Ready, Failure> {
    let (name, parcel) = read?;
    let service = target.service_of(&name, desk)?;
    let job = service.find(&name)?;
    expect_own(target, &job, desk)?;
    expect_kept(target, &job, desk)?;
    let step = step(&*service, &name, &job, &parcel)?;
    step.check_number(&job, all)?;
    Ok(Ready { service, name, job, step })
}

/// Numbers that stand there already are replaced only if somebody says so, for all of them once.
fn consent(ready: &[Ready], desk: &Desk<'_>) -> Result<(), Failure> {
    let replaced = ready.iter().filter(|own| own.step.way == Way::Replace);
    let replaced: Vec<String> = replaced.map(|own| own.step.described(&own.job)).collect();
    if replaced.is_empty() {
        return Ok(());
    }
    Ok(desk.attendant.consent(&format!("Would replace {}", replaced.join("; ")))?)
}

/// A job whose service was told of its parcel.
#[derive(Debug)]
pub struct Shipped {
    /// The job.
    pub job: Job,
    /// Whether this call changed it.
    pub written: Written,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, job: &str, parcel: [&str; 3]) -> Row {
        Row { line, job: job.to_owned(), parcel: parcel.map(str::to_owned) }
    }

    #[test]
    fn columns_are_found_by_name_and_a_date_may_be_left_out() {
        let text = "\u{feff}Number, Job,carrier\n1Z1, seed-1 ,FedEx\n\n\"1,2\",seed-1x2,UPS\n";
        let right =
            [row(2, "seed-1", ["FedEx", "1Z1", ""]), row(4, "seed-1x2", ["UPS", "1,2", ""])];
        assert_eq!(parse(text).unwrap(), right);
        let dated = parse("job,carrier,number,date\na-1,DHL,1,2026-11-27\n").unwrap();
        assert_eq!(dated, [row(2, "a-1", ["DHL", "1", "2026-11-27"])]);
        let (job, parcel) = dated[0].read(Some("UPS")).unwrap();
        assert_eq!((job.as_str(), parcel.carrier.as_deref()), ("a-1", Some("DHL")));
        let unnamed = row(2, "a-1", ["", "1", ""]).read(Some("UPS")).unwrap().1;
        assert_eq!(unnamed.carrier.as_deref(), Some("UPS"));
        assert_eq!(parcel.ship_date.unwrap().to_string(), "2026-11-27T00:00:00Z");
        for bad in [
            "",
            "job,carrier\na,b\n",
            "job,carrier,number,weight\na,b,1,2\n",
            "job,carrier,number\na\n",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        for bad in [row(2, "a job", ["UPS", "1", ""]), row(2, "a-1", ["UPS", "1", "27.11.2026"])] {
            assert!(bad.read(None).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_job_or_a_number_in_two_rows_is_found_in_any_case() {
        let rows = [
            row(2, "seed-1", ["UPS", "1z1", ""]),
            row(3, "Seed-1", ["UPS", "", ""]),
            row(4, "seed-2", ["UPS", "1Z1", ""]),
            row(5, "seed-3", ["UPS", "", ""]),
        ];
        let right = [
            "line 3: job Seed-1 stands in line 2 already",
            "line 4: tracking number 1Z1 stands in line 2 already",
        ];
        assert_eq!(doubles(&rows), right);
    }
}
