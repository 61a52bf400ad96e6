//! What a drive leaves in the storage account beside its blobs: logs and the copy of its manifest,
//! each service's where that service puts them (`azure-import-export` 7.1, 7.2).

use disk_prep::noun::Serial;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::copy_log::CopyLog;
use super::desk::Dock;
use super::destination::put_text;
use super::log::{DriveLog, Logs};
use crate::error::Error;
use crate::jobs::job::{Job, LogLevel};
use crate::jobs::key::Service;

/// A kind of paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paper {
    Errors,
    Verbose,
    Manifest,
}

/// Where the papers of a drive are.
#[derive(Debug, Default)]
pub(super) struct Papers {
    pub error_log: Option<String>,
    pub verbose_log: Option<String>,
    pub manifest_copy: Option<String>,
}

/// The logs of a drive in the form of the job's service.
pub(super) fn logs(job: &Job, serial: &Serial) -> Box<dyn DriveLog> {
    match job.key.service {
        Service::ImportExport => Box::new(Logs::new(serial.as_str())),
        Service::DataBox => Box::new(CopyLog::new(serial.as_str())),
    }
}

/// Whether the logs want the checksums of files.
pub(super) fn wants_checksums(job: &Job) -> bool {
    job.key.service == Service::DataBox && job.log_level == LogLevel::Verbose
}

/// Writes the papers.
pub(super) fn write(
    dock: Dock<'_>,
    (job, serial): (&Job, &Serial),
    (errors, verbose): (Option<String>, String),
    manifest: Option<&[u8]>,
) -> Result<Papers, Error> {
    let account = job.storage_account.rsplit('/').next().unwrap_or_default();
    let now = dock.clock.now();
    let keep = |paper: Paper, text: &[u8]| -> Result<Option<String>, Error> {
        let (container, name) = place(job, serial, paper, now);
        put_text(dock.blobs, (account, &container, &name), text, now)?;
        Ok(Some(match (job.key.service, paper) {
            (Service::DataBox, Paper::Manifest) => format!("{container}/{name}"),
            _ => format!("{}/{container}/{name}", dock.addresses.of(account)),
        }))
    };
    let mut papers = Papers::default();
    if let Some(text) = errors {
        papers.error_log = keep(Paper::Errors, text.as_bytes())?;
    }
    if job.log_level == LogLevel::Verbose {
        papers.verbose_log = keep(Paper::Verbose, verbose.as_bytes())?;
    }
    if let Some(manifest) = manifest.filter(|_| job.backup_manifest) {
        papers.manifest_copy = keep(Paper::Manifest, manifest)?;
    }
    Ok(papers)
}

/// Container and name of a paper.
fn place(job: &Job, serial: &Serial, paper: Paper, now: Timestamp) -> (String, String) {
    let name = &job.key.name;
    if let Some(order) = &job.order {
        let kind = match paper {
            Paper::Errors => "CopyLog",
            Paper::Verbose => "VerboseLog",
            Paper::Manifest => "Manifest",
        };
        return (job.diagnostics.clone(), format!("{name}_{serial}_{kind}_{}.xml", order.id));
    }
    let kind = match paper {
        Paper::Errors => "error",
        Paper::Verbose => "verbose",
        Paper::Manifest => "manifest",
    };
    let stamp = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S-%3f");
    let (container, folder) = match job.diagnostics.split_once('/') {
        Some((container, folder)) => (container, format!("{folder}/")),
        None => (job.diagnostics.as_str(), String::new()),
    };
    (container.to_owned(), format!("{folder}waies/{name}_{serial}_{stamp}_{kind}.xml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::job::tests::{job, order};

    #[test]
    fn each_service_has_its_own_place_for_a_log() {
        let serial: Serial = "S1".parse().unwrap();
        let of = |job: &Job, paper| place(job, &serial, paper, Timestamp::UNIX_EPOCH);
        let mut old = job("seed", &["S1"]);
        old.diagnostics = "logs/deep".to_owned();
        assert_eq!(
            of(&old, Paper::Errors),
            ("logs".into(), "deep/waies/seed_S1_19700101-000000-000_error.xml".into())
        );
        let mut new = order("Seed", &["S1"]);
        new.diagnostics = "databoxcopylog".to_owned();
        let id = "11111111-0000-4000-8000-000000000001";
        assert_eq!(
            of(&new, Paper::Errors),
            ("databoxcopylog".into(), format!("Seed_S1_CopyLog_{id}.xml"))
        );
        assert_eq!(of(&new, Paper::Verbose).1, format!("Seed_S1_VerboseLog_{id}.xml"));
    }
}
