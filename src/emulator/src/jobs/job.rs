//! One import job as the datacenter keeps it, and the steps it takes. Every step checks the
//! machine of `states`; none of them knows who asked.

use std::collections::BTreeMap;
use std::fmt;

use disk_prep::noun::Serial;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::key::JobKey;
use super::order::Order;
use super::states::{DriveState, JobState, WrongState};

/// How much the copy logs tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LogLevel {
    /// Only what failed.
    #[default]
    Error,
    /// Everything.
    Verbose,
}

/// Where drives go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnAddress {
    pub recipient_name: String,
    pub street_address1: String,
    #[serde(default)]
    pub street_address2: String,
    pub city: String,
    #[serde(default)]
    pub state_or_province: String,
    pub postal_code: String,
    pub country_or_region: String,
    pub phone: String,
    pub email: String,
}

/// Who carries drives back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnShipping {
    pub carrier_name: String,
    pub carrier_account_number: String,
}

impl fmt::Debug for ReturnShipping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnShipping({}, ***)", self.carrier_name)
    }
}

/// The parcel to the datacenter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryPackage {
    pub carrier_name: String,
    pub tracking_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drive_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ship_date: Option<String>,
}

/// The parcel back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnPackage {
    pub carrier_name: String,
    pub tracking_number: String,
    pub drive_count: i64,
    pub ship_date: String,
}

/// A drive of a job.
#[derive(Clone, Serialize, Deserialize)]
pub struct Drive {
    /// Serial number.
    pub serial: Serial,
    /// What should unlock it, as it was sent; a secret.
    #[serde(with = "disk_prep::noun::secret")]
    pub key: SecretString,
    /// Path of the manifest on the volume, as it was sent.
    pub manifest_file: String,
    /// Hash of the manifest, as it was sent.
    pub manifest_hash: String,
    /// Hash of ranges of the raw drive, as it was sent.
    pub header_hash: Option<String>,
    /// Where it is.
    pub state: DriveState,
    /// The drive's status code, once it was read.
    pub copy_status: Option<String>,
    /// 0 to 100.
    pub percent: u8,
    /// Bytes that arrived whole.
    pub bytes_succeeded: u64,
    /// Bytes the manifest names.
    pub bytes_total: u64,
    /// Where the error log is.
    pub error_log: Option<String>,
    /// Where the verbose log is.
    pub verbose_log: Option<String>,
    /// Where the copy of the manifest is.
    pub manifest_copy: Option<String>,
    /// How many files were read.
    #[serde(default)]
    pub files: Files,
}

/// Files of a drive that the dock has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Files {
    /// All of them.
    pub total: u64,
    /// Those that did not arrive.
    pub errored: u64,
    /// Those that arrived under another name.
    pub renamed: u64,
}

impl Drive {
    /// A drive that a job names and nobody has seen yet.
    pub fn specified(serial: Serial, key: SecretString, manifest: (String, String)) -> Self {
        let (manifest_file, manifest_hash) = manifest;
        Drive {
            serial,
            key,
            manifest_file,
            manifest_hash,
            header_hash: None,
            state: DriveState::Specified,
            copy_status: None,
            percent: 0,
            bytes_succeeded: 0,
            bytes_total: 0,
            error_log: None,
            verbose_log: None,
            manifest_copy: None,
            files: Files::default(),
        }
    }
}

impl fmt::Debug for Drive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Drive({}, {})", self.serial, self.state)
    }
}

/// How the reading of a drive ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriveResult {
    /// The drive's status code.
    pub status: String,
    /// Bytes that arrived whole.
    pub bytes_succeeded: u64,
    /// Where the error log is.
    pub error_log: Option<String>,
    /// Where the verbose log is.
    pub verbose_log: Option<String>,
    /// Where the copy of the manifest is.
    pub manifest_copy: Option<String>,
    /// How many files were read.
    pub files: Files,
}

impl DriveResult {
    /// Read with nothing to say.
    pub fn is_clean(&self) -> bool {
        self.status == "Completed"
    }

    /// Read with everything in place, though perhaps not under its name.
    pub fn is_without_errors(&self) -> bool {
        self.is_clean() || self.status == "CompletedWithWarnings"
    }
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Version of the record.
    pub version: u32,
    /// Its name.
    pub key: JobKey,
    /// Region, in the service's one-word form.
    pub location: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Resource id of the storage account.
    pub storage_account: String,
    /// Container for the logs.
    pub diagnostics: String,
    /// How much the logs tell.
    pub log_level: LogLevel,
    /// Whether manifests are copied to blobs.
    pub backup_manifest: bool,
    /// Where it is.
    pub state: JobState,
    /// When it was made.
    pub created: Timestamp,
    /// When it came to its state; in Creating, when it was last changed.
    pub since: Timestamp,
    /// Whether the customer wants it stopped.
    pub cancel_requested: bool,
    /// Where drives go back to.
    pub return_address: Option<ReturnAddress>,
    /// Who carries them back.
    pub return_shipping: Option<ReturnShipping>,
    /// The parcel to the datacenter.
    pub delivery: Option<DeliveryPackage>,
    /// The parcel back.
    pub return_package: Option<ReturnPackage>,
    /// The drives.
    pub drives: Vec<Drive>,
    /// What only a job of `Microsoft.DataBox` has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Box<Order>>,
}

impl Job {
    /// Goes on to `next`.
    pub fn step(&mut self, next: JobState, now: Timestamp) -> Result<(), WrongState> {
        if !self.state.may_become(next) {
            return Err(WrongState {
                what: format!("Job {}", self.key.name),
                from: self.state.to_string(),
                to: next.to_string(),
            });
        }
        self.state = next;
        self.since = now;
        if let Some(order) = &mut self.order {
            order.reach(next, now);
        }
        Ok(())
    }

    /// The drive of a serial number.
    pub fn drive_mut(&mut self, serial: &Serial) -> Option<&mut Drive> {
        self.drives.iter_mut().find(|drive| drive.serial == *serial)
    }

    /// The parcel has come with these drives: they are received, the others of the job are not.
    pub fn receive(&mut self, present: &[Serial], now: Timestamp) -> Result<(), WrongState> {
        self.step(JobState::Received, now)?;
        for drive in &mut self.drives {
            if present.contains(&drive.serial) {
                // One that was read before and came once more stays as it is.
                if drive.state.may_become(DriveState::Received) {
                    drive.step(DriveState::Received)?;
                }
            } else if drive.state == DriveState::Specified {
                drive.step(DriveState::NeverReceived)?;
            }
        }
        Ok(())
    }

    /// All drives were read: they are packed and sent back.
    pub fn send_back(&mut self, now: Timestamp) -> Result<(), WrongState> {
        self.step(JobState::Packaging, now)?;
        let back = |drive: &&Drive| drive.state != DriveState::NeverReceived;
        let count = self.drives.iter().filter(back).count();
        let given = self.order.as_ref().and_then(|order| order.return_carrier.name.clone());
        let carrier = self.return_shipping.as_ref().map(|shipping| shipping.carrier_name.clone());
        self.return_package = Some(ReturnPackage {
            carrier_name: carrier.or(given).unwrap_or_else(|| "Emulated carrier".to_owned()),
            tracking_number: format!("RETURN-{}", self.key.name),
            drive_count: i64::try_from(count).unwrap_or(i64::MAX),
            ship_date: now.to_string(),
        });
        let whole = self.drives.iter().all(|drive| {
            let status = drive.copy_status.clone().unwrap_or_default();
            let result = DriveResult { status, ..DriveResult::default() };
            self.cancel_requested || result.is_without_errors()
        });
        if self.order.is_some() {
            self.step(JobState::Returning, now)?;
        }
        self.step(if whole { JobState::Completed } else { JobState::Closed }, now)
    }

    /// Mean of the drives by their bytes, rounded down; 100 only when every drive has ended
    /// (`azure-import-export` 2.2).
    pub fn percent(&self) -> u8 {
        let weight = |drive: &Drive| u128::from(drive.bytes_total.max(1));
        let all: u128 = self.drives.iter().map(weight).sum();
        let done: u128 =
            self.drives.iter().map(|drive| weight(drive) * u128::from(drive.percent)).sum();
        done.checked_div(all).and_then(|percent| u8::try_from(percent).ok()).unwrap_or(0)
    }
}

/// The other job that has this tracking number: one parcel is that of one job, whichever the
/// service.
pub fn holder_of<'a>(jobs: &'a [Job], key: &JobKey, number: &str) -> Option<&'a Job> {
    jobs.iter().find(|job| {
        let own = job.delivery.as_ref();
        !job.key.is(key) && own.is_some_and(|own| own.tracking_number == number)
    })
}

impl Drive {
    /// Goes on to `next`.
    pub fn step(&mut self, next: DriveState) -> Result<(), WrongState> {
        if !self.state.may_become(next) {
            return Err(WrongState {
                what: format!("Drive {}", self.serial),
                from: self.state.to_string(),
                to: next.to_string(),
            });
        }
        self.state = next;
        Ok(())
    }

    /// Its reading has ended.
    pub fn finish(&mut self, result: DriveResult) -> Result<(), WrongState> {
        self.step(if result.is_clean() {
            DriveState::Completed
        } else {
            DriveState::CompletedMoreInfo
        })?;
        self.percent = 100;
        self.copy_status = Some(result.status);
        self.bytes_succeeded = result.bytes_succeeded;
        self.error_log = result.error_log;
        self.verbose_log = result.verbose_log;
        self.manifest_copy = result.manifest_copy;
        self.files = result.files;
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::key::Service;
    use super::*;

    pub(crate) fn drive(serial: &str) -> Drive {
        let key = "238810-662376-448998-450120-652806-203390-606320-483076".into();
        let manifest =
            ("\\DriveManifest.xml".to_owned(), "109B21108597EF36D5785F08303F3638".to_owned());
        Drive::specified(serial.parse().unwrap(), key, manifest)
    }

    pub(crate) fn job(name: &str, drives: &[&str]) -> Job {
        Job {
            version: 1,
            key: JobKey {
                service: Service::ImportExport,
                subscription: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
                group: "rg".parse().unwrap(),
                name: name.to_owned(),
            },
            location: "westus".to_owned(),
            tags: BTreeMap::new(),
            storage_account: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/seedaccount".to_owned(),
            diagnostics: "waimportexport".to_owned(),
            log_level: LogLevel::Error,
            backup_manifest: false,
            state: JobState::Creating,
            created: Timestamp::UNIX_EPOCH,
            since: Timestamp::UNIX_EPOCH,
            cancel_requested: false,
            return_address: None,
            return_shipping: None,
            delivery: None,
            return_package: None,
            drives: drives.iter().map(|serial| drive(serial)).collect(),
            order: None,
        }
    }

    /// The same as a job of `Microsoft.DataBox`.
    pub(crate) fn order(name: &str, drives: &[&str]) -> Job {
        let mut job = job(name, drives);
        job.version = 2;
        job.key.service = Service::DataBox;
        job.order = Some(Box::new(super::super::order::tests::order()));
        job
    }

    fn result(status: &str) -> DriveResult {
        DriveResult { status: status.to_owned(), ..DriveResult::default() }
    }

    #[test]
    fn a_job_walks_the_whole_machine_and_closes_when_a_drive_never_came() {
        let now = Timestamp::UNIX_EPOCH;
        let mut job = job("seed", &["A", "B"]);
        assert!(job.receive(&["A".parse().unwrap()], now).is_err(), "it was not shipped");
        job.step(JobState::Shipping, now).unwrap();
        job.receive(&["A".parse().unwrap()], now).unwrap();
        let states: Vec<_> = job.drives.iter().map(|drive| drive.state).collect();
        assert_eq!(states, [DriveState::Received, DriveState::NeverReceived]);
        job.step(JobState::Transferring, now).unwrap();
        let first = job.drive_mut(&"A".parse().unwrap()).unwrap();
        first.step(DriveState::Transferring).unwrap();
        first.finish(result("Completed")).unwrap();
        job.send_back(now).unwrap();
        assert_eq!(job.state, JobState::Closed);
        assert_eq!(job.return_package.as_ref().unwrap().drive_count, 1);
        job.receive(&["B".parse().unwrap()], now).unwrap();
        assert_eq!(job.drives[1].state, DriveState::Received, "operators found it after all");
    }

    #[test]
    fn the_jobs_percentage_is_weighted_by_bytes_and_rounded_down() {
        let mut job = job("seed", &["A", "B"]);
        (job.drives[0].bytes_total, job.drives[0].percent) = (999, 100);
        (job.drives[1].bytes_total, job.drives[1].percent) = (1, 0);
        assert_eq!(job.percent(), 99);
        job.drives[1].percent = 100;
        assert_eq!(job.percent(), 100);
    }

    #[test]
    fn the_key_and_the_carriers_account_are_not_shown() {
        let shown = format!("{:?}", job("seed", &["A"]));
        assert!(!shown.contains("238810"), "{shown}");
    }
}
