//! The words of the service and which stage each stands for (`azure-import-export` 1C, 2.3), and
//! the names that it takes.

use disk_prep::limits::ORDER_NAME_CHARACTERS;
use disk_prep::noun::{JobName, Service};

use crate::import_job::error::Error;
use crate::import_job::state::{DriveStage, DriveState, JobStage, JobState};

/// The device that a customer brings himself.
pub(super) const SKU: &str = "DataBoxCustomerDisk";
/// A job whose parcel has not been told of.
pub(super) const AWAITING: &str = "AwaitingShipmentDetails";
/// The station at which the datacenter has the parcel.
pub(super) const RECEIVED: &str = "AtAzureDC";

/// The portal's rule, the stricter one: the schema also takes underscores.
pub fn check_name(name: &JobName) -> Result<(), Error> {
    let text = name.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_fit = ORDER_NAME_CHARACTERS.contains(&text.len())
        && text.bytes().all(is_plain)
        && !text.starts_with('-')
        && !text.ends_with('-');
    let rule = "3 to 24 letters, digits and inner hyphens";
    let refused = || Error::Name { name: name.clone(), service: Service::DataBox, rule };
    is_fit.then_some(()).ok_or_else(refused)
}

pub(super) fn job_state(word: String) -> JobState {
    let stage = match word.as_str() {
        "Created" | "DeviceOrdered" | "DevicePrepared" | AWAITING => JobStage::Waiting,
        "ShippedToAzureDC" | "PickedUp" | "ReadyToReceiveAtAzureDC" => JobStage::Shipped,
        RECEIVED => JobStage::Received,
        "DataCopy" => JobStage::Copying,
        "PreparingToShipFromAzureDC" | "ReadyToDispatchFromAzureDC" | "ShippedToCustomer" => {
            JobStage::Returning
        }
        "Completed" | "CompletedWithWarnings" => JobStage::Completed,
        "CompletedWithErrors"
        | "Aborted"
        | "Failed_IssueReportedAtCustomer"
        | "Failed_IssueDetectedAtAzureDC" => JobStage::Incomplete,
        "Cancelled" => JobStage::Cancelled,
        _ => JobStage::Unknown,
    };
    JobState::new(stage, word)
}

pub(super) fn drive_state(word: String) -> DriveState {
    let stage = match word.as_str() {
        "NotStarted" => DriveStage::Named,
        "DriveNotReceived" => DriveStage::Missing,
        "InProgress" => DriveStage::Copying,
        "Completed" => DriveStage::Copied,
        "CompletedWithErrors"
        | "Failed"
        | "NotReturned"
        | "HardwareError"
        | "DeviceFormatted"
        | "DeviceMetadataModified"
        | "StorageAccountNotAccessible"
        | "UnsupportedData"
        | "UnsupportedDrive"
        | "OtherServiceError"
        | "OtherUserError"
        | "DriveNotDetected"
        | "DriveCorrupted"
        | "MetadataFilesModifiedOrRemoved" => DriveStage::Incomplete,
        _ => DriveStage::Unknown,
    };
    DriveState::new(stage, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_3_to_24_letters_digits_and_inner_hyphens() {
        let check = |text: &str| JobName::new(text).is_ok_and(|name| check_name(&name).is_ok());
        for fit in ["abc", "Seed-2026", "a2345678901234567890123x", "9ab"] {
            assert!(check(fit), "{fit}");
        }
        for other in ["ab", "-abc", "abc-", "a_b", "a2345678901234567890123xy"] {
            assert!(!check(other), "{other}");
        }
    }

    #[test]
    fn words_of_tomorrow_are_kept() {
        assert_eq!(job_state("Teleported".to_owned()).stage, JobStage::Unknown);
        assert_eq!(drive_state("Teleported".to_owned()).word(), "Teleported");
        assert_eq!(job_state("CompletedWithWarnings".to_owned()).stage, JobStage::Completed);
        assert_eq!(drive_state("DriveCorrupted".to_owned()).stage, DriveStage::Incomplete);
    }
}
