//! A job as every service has it.

use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::noun::{
    AccountId, Contact, DrivePath, JobName, RecoveryPassword, ReturnAddress, Serial, Service,
};
use jiff::Timestamp;
use secrecy::SecretString;

use super::error::Error;
use super::state::{DriveState, JobStage, JobState};

/// A drive that a job is made with.
#[derive(Debug, Clone)]
pub struct DriveEntry {
    /// Serial number.
    pub serial: Serial,
    /// What unlocks it.
    pub recovery_password: RecoveryPassword,
    /// The manifest on it.
    pub manifest_file: DrivePath,
    /// Its hash.
    pub manifest_hash: String,
    /// The header hash, in the modern profile.
    pub header_hash: Option<String>,
}

/// A job that is to be made.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its name.
    pub name: JobName,
    /// Region of the storage account.
    pub location: String,
    /// The storage account.
    pub account: AccountId,
    /// Return address and carrier.
    pub contact: Contact,
    /// The drives, at most ten.
    pub drives: Vec<DriveEntry>,
}

/// A job as the service tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its resource id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The service that has it.
    pub service: Service,
    /// Resource id of the storage account, if the service says it.
    pub account_id: Option<String>,
    /// Its region.
    pub location: String,
    /// Its state.
    pub state: JobState,
    /// How far all drives are.
    pub percent: u8,
    /// Whether somebody asked to cancel it.
    pub cancel_requested: bool,
    /// When it was made, if the service says so.
    pub created: Option<Timestamp>,
    /// Where the parcel goes.
    pub shipping: Option<ShippingAddress>,
    /// Where the drives go back to, as a label has it; `None` if the service does not know it.
    pub return_to: Option<ShippingAddress>,
    /// The same by its fields; what the service does not tell is empty.
    pub return_address: Option<ReturnAddress>,
    /// Who brings them back; `None` if the service does not say.
    pub return_carrier: Option<String>,
    /// The parcel on its way.
    pub delivery: Option<Delivery>,
    /// The drives.
    pub drives: Vec<DriveStatus>,
    /// When the datacenter had the parcel, if the service says so.
    pub received: Option<Timestamp>,
    /// Whether this machine has found since it ended that all is there that its drives were to bring.
    pub is_proven: bool,
    /// The service's time when it told this: the days of its clocks are counted by it.
    pub told_at: Timestamp,
}

#[cfg(test)]
impl Job {
    /// A job that says no more than its stage and that of its drives.
    pub(crate) fn sample(
        stage: super::state::JobStage,
        serials: &[&str],
        drive: super::state::DriveStage,
    ) -> Self {
        let drive = |serial: &&str| DriveStatus {
            serial: (*serial).to_owned(),
            state: DriveState::new(drive, ""),
            percent: 0,
            error_log: None,
            verbose_log: None,
        };
        Job {
            id: String::new(),
            name: "seed-1".to_owned(),
            service: Service::DataBox,
            account_id: None,
            location: String::new(),
            state: JobState::new(stage, ""),
            percent: 0,
            cancel_requested: false,
            created: None,
            shipping: None,
            return_to: None,
            return_address: None,
            return_carrier: None,
            delivery: None,
            drives: serials.iter().map(drive).collect(),
            received: None,
            is_proven: false,
            told_at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// The datacenter's address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShippingAddress {
    /// Lines as they stand on a label; empty ones are left out.
    pub lines: Vec<String>,
    /// Telephone.
    pub phone: String,
    /// What the service wants to be known.
    pub remark: String,
}

/// A parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Who brings it.
    pub carrier: String,
    /// Its tracking number.
    pub tracking_number: String,
    /// When it was handed over, as it was said; Data Box does not keep it.
    pub ship_date: Option<String>,
}

/// How far a drive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriveStatus {
    /// Serial number.
    pub serial: String,
    /// Its state.
    pub state: DriveState,
    /// How far it is.
    pub percent: u8,
    /// Where its error log is.
    pub error_log: Option<String>,
    /// Where the log of all that was copied is.
    pub verbose_log: Option<String>,
}

/// A drive's protector as the service keeps it.
#[derive(Debug, Clone)]
pub struct DriveKey {
    /// Serial number.
    pub serial: String,
    /// The recovery password, in the service's form.
    pub password: SecretString,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its display name.
    pub name: String,
    /// Where parcels go.
    pub address: ShippingAddress,
    /// Carriers that bring drives back.
    pub carriers: Vec<String>,
    /// Regions that take the drives instead, if this one takes none.
    pub alternates: Vec<String>,
}

/// A job that was made before stands for the one that is asked for if it has its drives and goes to its
/// account.
pub(super) fn is_same(found: &Job, job: &NewJob) -> Result<(), Error> {
    let has =
        |drive: &DriveEntry| found.drives.iter().any(|there| there.serial == drive.serial.as_str());
    if found.drives.len() == job.drives.len() && job.drives.iter().all(has) {
        if found.cancel_requested || found.state.stage == JobStage::Cancelled {
            return Err(Error::Cancelled { job: job.name.clone() });
        }
        let asked = job.account.account.as_str();
        let held = found.account_id.as_deref().and_then(|id| id.rsplit('/').next());
        return match held.filter(|held| !held.eq_ignore_ascii_case(asked)) {
            Some(held) => {
                let (held, asked) = (held.to_owned(), asked.to_owned());
                Err(Error::OtherAccount { job: job.name.clone(), held, asked })
            }
            None => Ok(()),
        };
    }
    let drives = found.drives.iter().filter_map(|drive| drive.serial.parse().ok()).collect();
    Err(Error::OtherDrives { job: job.name.clone(), drives })
}

/// The name of the job for the `part`th ten drives: NAME, NAMEx2, NAMEx3.
pub fn part_name(name: &JobName, part: usize) -> Result<JobName, disk_prep::noun::InvalidNoun> {
    if part == 0 { Ok(name.clone()) } else { JobName::new(&format!("{name}x{}", part + 1)) }
}

/// The name of the first job of those that `name` may be one of: NAME of NAMEx2.
pub fn first_name(name: &JobName) -> Option<JobName> {
    let (first, part) = name.as_str().rsplit_once('x')?;
    let is_part = !part.starts_with('0') && part.parse::<u32>().is_ok_and(|part| part > 1);
    is_part.then(|| JobName::new(first).ok()).flatten()
}

/// The jobs of one seed among all: NAME, NAMEx2, … up to the first that is not there.
pub fn parts(name: &JobName, all: Vec<Job>) -> Vec<Job> {
    let mut all: Vec<Option<Job>> = all.into_iter().map(Some).collect();
    let is = |job: &Option<Job>, name: &JobName| {
        job.as_ref().is_some_and(|job| job.name.eq_ignore_ascii_case(name.as_str()))
    };
    let names = (0..).map_while(|part| part_name(name, part).ok());
    names.map_while(|name| all.iter_mut().find(|job| is(job, &name))?.take()).collect()
}

impl NewJob {
    /// What the service would refuse.
    pub fn check(&self) -> Result<(), Error> {
        match self.drives.len() {
            0 => Err(Error::NoDrives { job: self.name.clone() }),
            drives if drives > DRIVES_PER_JOB => Err(Error::TooManyDrives { drives }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::{Diagnose, ErrorKind, ReturnCarrier};

    use super::*;

    fn job(drives: usize) -> NewJob {
        let drive = |number| DriveEntry {
            serial: format!("S{number}").parse().unwrap(),
            recovery_password: RecoveryPassword::from_key([7; 16]),
            manifest_file: "\\DriveManifest.xml".parse().unwrap(),
            manifest_hash: "0".repeat(32),
            header_hash: None,
        };
        let text = || "x".to_owned();
        let return_address = ReturnAddress {
            recipient_name: text(),
            street_address_1: text(),
            street_address_2: None,
            city: text(),
            state_or_province: None,
            postal_code: text(),
            country_or_region: text(),
            phone: text(),
            email: text(),
        };
        let return_carrier = ReturnCarrier { carrier_name: text(), carrier_account_number: text() };
        NewJob {
            name: JobName::new("job-1").unwrap(),
            location: "westus".to_owned(),
            account: "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/\
                      providers/Microsoft.Storage/storageAccounts/account1"
                .parse()
                .unwrap(),
            contact: Contact { return_address, return_carrier, key_vault: None },
            drives: (0..drives).map(drive).collect(),
        }
    }

    #[test]
    fn a_job_has_one_drive_at_least_and_ten_at_most() {
        assert!(job(1).check().is_ok() && job(10).check().is_ok());
        for (drives, code, kind) in [
            (0, "job-no-drives", ErrorKind::Usage),
            (11, "job-too-many-drives", ErrorKind::Refused),
        ] {
            let refused = job(drives).check().unwrap_err();
            assert_eq!((refused.code(), refused.kind()), (code, kind));
        }
    }
}
