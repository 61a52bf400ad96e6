//! Why a drive is not read, in the order in which the datacenter looks.

use disk_prep::noun::RecoveryPassword;
use serde_json::json;

use super::datacenter::{Datacenter, expect_refusal, expect_refusal_of};
use super::drive::{Drive, VOLUME};
use super::volume::{change_the_protector, hide_the_data_partition};

/// A recovery password that keeps the rules and opens none of the drives; a published example.
const FOREIGN: &str = "238810-662376-448998-450120-652806-203390-606320-483076";

#[test]
fn an_image_shorter_than_a_sector_is_no_disk() {
    expect_refusal("DiskNotFound", |drive| std::fs::write(&drive.image, [0; 100]).unwrap());
}

#[test]
fn a_blank_drive_has_no_volume() {
    expect_refusal("VolumeNotNtfs", |drive| {
        std::fs::File::create(&drive.image).unwrap().set_len(220 << 20).unwrap();
    });
}

#[test]
fn a_drive_without_a_data_partition_has_no_volume() {
    expect_refusal("VolumeNotNtfs", |drive| hide_the_data_partition(drive));
}

#[test]
fn a_volume_without_the_signature_is_no_bitlocker_volume() {
    expect_refusal("BitLockerVolumeNotFound", |drive| drive.write(VOLUME + 3, b"NTFS    "));
}

#[test]
fn a_volume_without_a_recovery_password_lacks_its_protector() {
    let password_typed_by_a_person = 0x2000;
    expect_refusal("BitLockerProtectorNotFound", |drive| {
        change_the_protector(drive, password_typed_by_a_person)
    });
}

#[test]
fn a_volume_with_its_key_in_the_clear_is_not_activated() {
    expect_refusal("BitLockerNotActivated", |drive| change_the_protector(drive, 0));
}

#[test]
fn a_password_of_another_drive_opens_nothing() {
    FOREIGN.parse::<RecoveryPassword>().expect("it keeps the rules");
    expect_refusal("BitLockerKeyInvalid", |drive| drive.entry["bitLockerKey"] = FOREIGN.into());
}

#[test]
fn a_key_that_is_no_recovery_password_opens_nothing() {
    expect_refusal("BitLockerKeyInvalid", |drive| drive.entry["bitLockerKey"] = "12345".into());
}

#[test]
fn a_volume_whose_metadata_is_damaged_in_all_copies_is_not_unlocked() {
    expect_refusal("BitLockerUnlockVolumeFailed", |drive| {
        drive.metadata().iter().for_each(|at| drive.flip(at + 200));
    });
}

#[test]
fn a_volume_is_unlocked_from_the_last_whole_copy_of_its_metadata() {
    let drive = Drive::seal("S1");
    for at in &drive.metadata()[..2] {
        drive.flip(at + 200);
    }
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    assert_eq!(datacenter.dock(&[&drive])[0]["status"], "Completed");
    assert!(datacenter.has_all_of(&drive));
}

#[test]
fn a_volume_without_a_file_system_is_not_ntfs() {
    // The encrypted copy of the first sectors lies behind the first metadata block.
    expect_refusal("VolumeNotNtfs", |drive| drive.write(drive.metadata()[0] + 65_536, &[7; 8192]));
}

#[test]
fn a_manifest_that_is_not_at_its_place_is_not_found() {
    expect_refusal("ManifestNotFound", |drive| drive.entry["manifestFile"] = "\\other.xml".into());
}

#[test]
fn a_place_that_is_no_path_is_no_name_of_a_manifest() {
    expect_refusal("ManifestNameInvalid", |drive| drive.entry["manifestFile"] = "a:b*c".into());
}

#[test]
fn a_manifest_with_another_hash_was_changed() {
    expect_refusal("ManifestCorrupted", |drive| {
        drive.entry["manifestHash"] = "109B21108597EF36D5785F08303F3638".into();
    });
}

#[test]
fn a_manifest_hash_of_no_known_length_is_never_right() {
    expect_refusal("ManifestCorrupted", |drive| drive.entry["manifestHash"] = "109B".into());
}

#[test]
fn a_manifest_of_another_drive_is_told_from_its_serial() {
    let mut drive = Drive::seal("S1");
    (drive.serial, drive.entry["driveId"]) = ("S9".to_owned(), "S9".into());
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    let said = datacenter.dock(&[&drive]);
    assert_eq!(said[0]["status"], "ManifestDriveIdMismatch");
    assert_eq!(datacenter.job("job1")["state"], "Closed");
    let log = datacenter.log(&said[0]["error_log"]);
    assert!(log.contains("<DriveId>S9</DriveId>"), "{log}");
    assert!(log.contains("<Status>ManifestDriveIdMismatch</Status>"), "{log}");
    assert_eq!(datacenter.blob("S1-large"), None);
}

fn modern() -> Drive {
    Drive::seal_with("S1", &["--profile", "modern"], 4 << 20)
}

#[test]
fn a_modern_drive_is_taken_with_its_header_hash() {
    let drive = modern();
    assert!(drive.entry["driveHeaderHash"].as_str().unwrap().starts_with("0:1048576:"));
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    assert_eq!(datacenter.dock(&[&drive])[0]["status"], "Completed");
    assert!(datacenter.has_all_of(&drive));
}

#[test]
fn a_byte_changed_in_front_of_the_partitions_breaks_the_header_hash() {
    // Boot code, which no partition table minds.
    expect_refusal_of(modern(), "BitLockerFailed", |drive| drive.flip(10));
}

#[test]
fn a_header_hash_that_cannot_be_read_is_broken() {
    for text in ["nonsense", "0:1048576", "0:99999999999999999999:AA", "0:512:AA;"] {
        let mut drive = Drive::seal("S1");
        drive.entry["driveHeaderHash"] = text.into();
        let datacenter = Datacenter::open();
        datacenter.shipped("job1", &[&drive]);
        assert_eq!(datacenter.dock(&[&drive])[0]["status"], "BitLockerFailed", "{text}");
    }
}

#[test]
fn a_storage_account_that_does_not_exist_is_forbidden_and_has_no_log() {
    let drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    let account = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/\
                   providers/Microsoft.Storage/storageAccounts/nobodys";
    let more = json!({ "storageAccountId": account });
    datacenter.make_with("job1", json!([drive.entry]), &more);
    datacenter.ship("job1");
    let said = datacenter.dock(&[&drive]);
    assert_eq!(said[0]["status"], "BlobRequestForbidden");
    assert_eq!(said[0]["error_log"], json!(null));
    let job = datacenter.job("job1");
    assert_eq!(job["state"], "Closed");
    assert_eq!(job["driveList"][0]["state"], "CompletedMoreInfo");
    assert!(datacenter.has_none_of(&drive));
}
