//! The inner machine in the words of `Microsoft.DataBox` (`azure-import-export` 1C, 2.3, 3.4):
//! which stage a job is in, how each stage ended, and how the copy of each drive ended.

use super::job::{Drive, Job};
use super::key::Service;
use super::states::{DriveState, JobState};

/// The stages that a job walks through, in their order.
const WALK: [JobState; 7] = [
    JobState::Creating,
    JobState::Shipping,
    JobState::Received,
    JobState::Transferring,
    JobState::Packaging,
    JobState::Returning,
    JobState::Completed,
];

/// A stage of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The service's name of it.
    pub name: &'static str,
    /// What the portal shows.
    pub shown: &'static str,
    /// How far it is.
    pub status: &'static str,
    /// When it was reached.
    pub at: Option<jiff::Timestamp>,
}

/// How all drives together ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Whole,
    Warnings,
    Errors,
}

/// What a job is now, in the words of its service.
pub fn word(job: &Job) -> String {
    match job.key.service {
        Service::ImportExport => job.state.to_string(),
        Service::DataBox => status(job).to_owned(),
    }
}

/// The job's status.
pub fn status(job: &Job) -> &'static str {
    name(job.state, outcome(job)).0
}

/// All stages of a job, those to come too.
pub fn all(job: &Job) -> Vec<Stage> {
    let reached = job.order.as_ref().map(|order| order.reached.as_slice()).unwrap_or_default();
    let outcome = outcome(job);
    let stage = |state: JobState| {
        let at = reached.iter().find(|known| known.state == state).map(|known| known.at);
        let (name, shown) = name(state, outcome);
        Stage { name, shown, status: progress(job, state, at.is_some(), outcome), at }
    };
    let past = WALK.into_iter().filter(|state| *state != JobState::Completed);
    match job.state {
        JobState::Cancelled => vec![stage(JobState::Creating), stage(JobState::Cancelled)],
        JobState::Closed => past.chain([JobState::Closed]).map(stage).collect(),
        _ => WALK.into_iter().map(stage).collect(),
    }
}

fn name(state: JobState, outcome: Outcome) -> (&'static str, &'static str) {
    match (state, outcome) {
        (JobState::Creating, _) => ("AwaitingShipmentDetails", "Awaiting shipment information"),
        (JobState::Shipping, _) => ("ShippedToAzureDC", "Shipped"),
        (JobState::Received, _) => ("AtAzureDC", "Received"),
        (JobState::Transferring, _) => ("DataCopy", "Data copy in progress"),
        (JobState::Packaging, _) => ("PreparingToShipFromAzureDC", "Preparing to ship"),
        (JobState::Returning, _) => ("ShippedToCustomer", "Shipped to customer"),
        (JobState::Completed, Outcome::Warnings) => {
            ("CompletedWithWarnings", "Completed with warnings")
        }
        (JobState::Completed, _) => ("Completed", "Completed"),
        (JobState::Closed, _) => ("CompletedWithErrors", "Completed with errors"),
        (JobState::Cancelled, _) => ("Cancelled", "Canceled"),
    }
}

fn progress(job: &Job, state: JobState, is_reached: bool, outcome: Outcome) -> &'static str {
    let ended = match outcome {
        Outcome::Whole => "Succeeded",
        Outcome::Warnings => "SucceededWithWarnings",
        Outcome::Errors => "SucceededWithErrors",
    };
    match state {
        _ if !is_reached => "None",
        JobState::Creating if job.state == JobState::Cancelled => "Cancelled",
        JobState::Completed | JobState::Closed => ended,
        _ if job.state == state && state != JobState::Cancelled => "InProgress",
        JobState::Transferring if job.drives.iter().all(is_unread) => "Failed",
        JobState::Transferring => ended,
        _ => "Succeeded",
    }
}

/// Whether nothing at all of a drive was copied.
fn is_unread(drive: &Drive) -> bool {
    !matches!(copy_status(drive), "Completed" | "CompletedWithErrors")
}

fn outcome(job: &Job) -> Outcome {
    let has =
        |status: &str| job.drives.iter().any(|drive| drive.copy_status.as_deref() == Some(status));
    let is_whole = |drive: &Drive| copy_status(drive) == "Completed";
    if !job.drives.iter().all(is_whole) {
        Outcome::Errors
    } else if has("CompletedWithWarnings") {
        Outcome::Warnings
    } else {
        Outcome::Whole
    }
}

/// How the copy of a drive is going or has ended. The service has no words for BitLocker; what
/// the customer did is `OtherUserError`, damaged metadata of the volume is that of the device.
pub fn copy_status(drive: &Drive) -> &'static str {
    match drive.state {
        DriveState::NeverReceived => return "DriveNotReceived",
        DriveState::Specified | DriveState::Received => return "NotStarted",
        DriveState::Transferring => return "InProgress",
        DriveState::Completed | DriveState::CompletedMoreInfo | DriveState::ShippedBack => {}
    }
    match drive.copy_status.as_deref().unwrap_or_default() {
        "Completed" | "CompletedWithWarnings" => "Completed",
        "CompletedWithErrors" => "CompletedWithErrors",
        "DiskNotFound" => "DriveNotDetected",
        "DiskOperationFailed" => "DriveCorrupted",
        "VolumeNotNtfs" => "DeviceFormatted",
        "BitLockerUnlockVolumeFailed" | "BitLockerFailed" => "DeviceMetadataModified",
        "BlobRequestForbidden" => "StorageAccountNotAccessible",
        status if status.starts_with("BitLocker") => "OtherUserError",
        status if status.contains("Manifest") => "MetadataFilesModifiedOrRemoved",
        _ => "OtherServiceError",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::jobs::job::DriveResult;
    use crate::jobs::job::tests::order;

    /// A job of which the drives ended so.
    fn ended(statuses: &[&str]) -> Job {
        let serials = &["A", "B"][..statuses.len()];
        let mut job = order("seed", serials);
        let now = Timestamp::UNIX_EPOCH;
        let present: Vec<_> = serials.iter().map(|own| own.parse().unwrap()).collect();
        job.step(JobState::Shipping, now).unwrap();
        job.receive(&present, now).unwrap();
        job.step(JobState::Transferring, now).unwrap();
        for (drive, status) in job.drives.iter_mut().zip(statuses) {
            drive.step(DriveState::Transferring).unwrap();
            let status = (*status).to_owned();
            drive.finish(DriveResult { status, ..DriveResult::default() }).unwrap();
        }
        job.send_back(now).unwrap();
        job
    }

    fn statuses(job: &Job) -> Vec<String> {
        all(job).iter().map(|stage| format!("{} {}", stage.name, stage.status)).collect()
    }

    #[test]
    fn a_job_that_waits_has_one_stage_in_progress_and_the_others_before_it() {
        let job = order("seed", &["A"]);
        assert_eq!(status(&job), "AwaitingShipmentDetails");
        assert_eq!(
            statuses(&job),
            [
                "AwaitingShipmentDetails InProgress",
                "ShippedToAzureDC None",
                "AtAzureDC None",
                "DataCopy None",
                "PreparingToShipFromAzureDC None",
                "ShippedToCustomer None",
                "Completed None"
            ]
        );
        assert!(all(&job)[1].at.is_none());
    }

    #[test]
    fn the_last_word_says_how_the_drives_ended() {
        for (drives, word, copy, end) in [
            (&["Completed", "Completed"][..], "Completed", "Succeeded", "Succeeded"),
            (
                &["Completed", "CompletedWithWarnings"],
                "CompletedWithWarnings",
                "SucceededWithWarnings",
                "SucceededWithWarnings",
            ),
            (
                &["Completed", "BitLockerKeyInvalid"],
                "CompletedWithErrors",
                "SucceededWithErrors",
                "SucceededWithErrors",
            ),
            (&["VolumeNotNtfs"], "CompletedWithErrors", "Failed", "SucceededWithErrors"),
        ] {
            let job = ended(drives);
            assert_eq!(status(&job), word, "{drives:?}");
            let stages = all(&job);
            assert_eq!((stages[3].name, stages[3].status), ("DataCopy", copy), "{drives:?}");
            let last = stages.last().unwrap();
            assert_eq!((last.name, last.status), (word, end), "{drives:?}");
            assert!(stages.iter().all(|stage| stage.at.is_some()), "{drives:?}");
            assert_eq!(stages.len(), 7, "{drives:?}");
        }
    }

    #[test]
    fn a_cancelled_job_has_no_stages_to_come() {
        let mut job = order("seed", &["A"]);
        job.step(JobState::Cancelled, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(statuses(&job), ["AwaitingShipmentDetails Cancelled", "Cancelled Succeeded"]);
    }

    #[test]
    fn every_status_of_the_dock_has_its_word() {
        for (found, word) in [
            ("Completed", "Completed"),
            ("CompletedWithWarnings", "Completed"),
            ("CompletedWithErrors", "CompletedWithErrors"),
            ("DiskNotFound", "DriveNotDetected"),
            ("DiskOperationFailed", "DriveCorrupted"),
            ("VolumeNotNtfs", "DeviceFormatted"),
            ("BitLockerVolumeNotFound", "OtherUserError"),
            ("BitLockerProtectorNotFound", "OtherUserError"),
            ("BitLockerNotActivated", "OtherUserError"),
            ("BitLockerKeyInvalid", "OtherUserError"),
            ("BitLockerUnlockVolumeFailed", "DeviceMetadataModified"),
            ("BitLockerFailed", "DeviceMetadataModified"),
            ("ManifestNotFound", "MetadataFilesModifiedOrRemoved"),
            ("ManifestCorrupted", "MetadataFilesModifiedOrRemoved"),
            ("ReadManifestFailed", "MetadataFilesModifiedOrRemoved"),
            ("ManifestDriveIdMismatch", "MetadataFilesModifiedOrRemoved"),
            ("BlobRequestForbidden", "StorageAccountNotAccessible"),
            ("InternalError", "OtherServiceError"),
        ] {
            assert_eq!(copy_status(&ended(&[found]).drives[0]), word, "{found}");
        }
        let mut job = order("seed", &["A"]);
        for (state, word) in [
            (DriveState::Specified, "NotStarted"),
            (DriveState::Received, "NotStarted"),
            (DriveState::Transferring, "InProgress"),
            (DriveState::NeverReceived, "DriveNotReceived"),
        ] {
            job.drives[0].state = state;
            assert_eq!(copy_status(&job.drives[0]), word);
        }
    }
}
