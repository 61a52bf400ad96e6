//! The papers of a parcel: in words, as a record, and as a page to print.

use std::path::PathBuf;

use disk_prep::noun::{ByteSize, count};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use super::slip_page::{self, checklist};
use crate::import_job::ShippingAddress;
use crate::journey::job::{Slip, SlipDrive, Slips, Stretch};
use crate::outcome::Outcome;

/// What a parcel's papers say.
#[derive(Serialize, JsonSchema)]
pub(super) struct SlipRecord<'a> {
    /// The job.
    job: &'a str,
    /// Its resource id.
    id: &'a str,
    /// The service: `data-box` or `import-export`.
    service: &'static str,
    /// The region.
    location: &'a str,
    /// The service's word for the state of the job.
    state: &'a str,
    /// Where the parcel goes, line by line, as the service says it today.
    ship_to: &'a [String],
    /// Telephone there.
    ship_to_phone: &'a str,
    /// What the service wants to be known of it.
    ship_to_remark: &'a str,
    /// Where the drives go back to, line by line; null while the service does not know it.
    return_to: Option<&'a [String]>,
    /// Who brings them back; null if the service does not say.
    return_carrier: Option<&'a str>,
    /// The drives.
    drives: Vec<SlipDriveRecord<'a>>,
    /// The page that was written; null if none was asked for.
    page: Option<String>,
    /// When the service was asked.
    at: Timestamp,
}

impl Record for SlipRecord<'_> {
    const TYPE: &'static str = "packing-slip";
}

/// A drive of a parcel. All but the serial is null if no journal here knows the drive.
#[derive(Serialize, JsonSchema)]
struct SlipDriveRecord<'a> {
    /// Serial number.
    serial: &'a str,
    /// Its model.
    model: Option<&'a str>,
    /// Its size.
    drive_bytes: Option<u64>,
    /// Files in its manifest.
    files: Option<u64>,
    /// Their bytes.
    bytes: Option<u64>,
    /// The manifest's hash.
    manifest_hash: Option<&'a str>,
    /// What lies where, in the order of the drive.
    map: Vec<StretchRecord<'a>>,
    /// Folders that the map does not name.
    more_folders: usize,
}

/// A folder of a drive.
#[derive(Serialize, JsonSchema)]
struct StretchRecord<'a> {
    /// The folder.
    folder: &'a str,
    /// The file that lies first of it.
    first: &'a str,
    /// The file that lies last.
    last: &'a str,
    /// Files of it.
    files: u64,
    /// Their bytes.
    bytes: u64,
}

/// Papers, and the page that they were written to.
#[derive(Debug)]
pub struct SlipsShown {
    /// The papers.
    pub slips: Slips,
    /// The page.
    pub page: Option<PathBuf>,
}

impl SlipsShown {
    /// The same as a page to print.
    pub fn html(&self) -> String {
        slip_page::html(&self.slips)
    }
}

impl Outcome for SlipsShown {
    fn lines(&self) -> Vec<String> {
        let papers: Vec<_> = self.slips.slips.iter().map(slip_lines).collect();
        let mut lines = papers.join(&String::new());
        if let Some(path) = &self.page {
            lines.push(format!("Page         {}", path.display()));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        self.slips.slips.iter().map(|slip| self.value(slip)).collect()
    }
}

fn indented(text: &str) -> String {
    format!("             {text}")
}

fn address(title: &str, own: &ShippingAddress) -> Vec<String> {
    let mut lines = vec![title.to_owned()];
    let parts = own.lines.iter().chain([&own.phone, &own.remark]);
    lines.extend(parts.filter(|part| !part.is_empty()).map(|part| indented(part)));
    if lines.len() == 1 {
        lines.push(indented("the service says no address"));
    }
    lines
}

fn slip_lines(slip: &Slip) -> Vec<String> {
    let Slip { job, ship_to, drives } = slip;
    let mut lines = vec![
        format!("Job          {}", job.name),
        format!("Service      {}", job.service),
        format!("Region       {}", job.location),
        format!("State        {}", job.state),
        format!("Drives       {}, in one parcel with one number", drives.len()),
    ];
    lines.extend(address("Ship to", ship_to));
    match &job.return_to {
        Some(own) => lines.extend(address("Return to", own)),
        None => lines.push("Return to    nobody: `azseed job return-address` says it".to_owned()),
    }
    lines.extend(job.return_carrier.iter().map(|own| format!("Back with    {own}")));
    drives.iter().for_each(|drive| lines.extend(drive_lines(drive)));
    lines.push("Before the parcel is closed".to_owned());
    let checklist = checklist(std::slice::from_ref(slip));
    lines.extend(checklist.iter().map(|text| format!("  [ ] {text}")));
    lines
}

fn drive_lines(drive: &SlipDrive) -> Vec<String> {
    let Some(known) = &drive.known else {
        return vec![format!("Drive        {}  (its journal is not here)", drive.serial)];
    };
    let model = known.model.as_deref().unwrap_or("no model told");
    let (size, bytes) = (ByteSize(known.drive_bytes), ByteSize(known.bytes));
    let mut lines = vec![
        format!("Drive        {}  {model}, {size}", drive.serial),
        indented(&format!("{}, {bytes}", count(known.files, "file"))),
        indented(&format!("manifest {}", known.manifest_hash)),
    ];
    for Stretch { folder, first, last, files, bytes } in &known.map {
        let (files, bytes) = (count(*files, "file"), ByteSize(*bytes));
        lines.push(indented(&format!("{folder}  {files}, {bytes}")));
        lines.push(indented(&format!("  {first}")));
        lines.extend((first != last).then(|| indented(&format!("  to {last}"))));
    }
    if known.more_folders > 0 {
        lines.push(indented(&format!("and {}", count(known.more_folders, "more folder"))));
    }
    lines
}

impl SlipsShown {
    fn value(&self, slip: &Slip) -> Value {
        let Slip { job, ship_to, drives } = slip;
        line(&SlipRecord {
            job: &job.name,
            id: &job.id,
            service: job.service.name(),
            location: &job.location,
            state: job.state.word(),
            ship_to: &ship_to.lines,
            ship_to_phone: &ship_to.phone,
            ship_to_remark: &ship_to.remark,
            return_to: job.return_to.as_ref().map(|own| own.lines.as_slice()),
            return_carrier: job.return_carrier.as_deref(),
            drives: drives.iter().map(drive_record).collect(),
            page: self.page.as_ref().map(|path| path.display().to_string()),
            at: self.slips.at,
        })
    }
}

fn drive_record(drive: &SlipDrive) -> SlipDriveRecord<'_> {
    let known = drive.known.as_ref();
    SlipDriveRecord {
        serial: &drive.serial,
        model: known.and_then(|own| own.model.as_deref()),
        drive_bytes: known.map(|own| own.drive_bytes),
        files: known.map(|own| own.files),
        bytes: known.map(|own| own.bytes),
        manifest_hash: known.map(|own| own.manifest_hash.as_str()),
        map: known.map(|own| own.map.iter().map(stretch_record).collect()).unwrap_or_default(),
        more_folders: known.map_or(0, |own| own.more_folders),
    }
}

fn stretch_record(own: &Stretch) -> StretchRecord<'_> {
    let Stretch { folder, first, last, files, bytes } = own;
    StretchRecord { folder, first, last, files: *files, bytes: *bytes }
}
