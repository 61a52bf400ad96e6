//! Manifests that another program might write on a drive: what is taken of them, and what not.

use super::datacenter::{Datacenter, expect_refusal};
use super::drive::Drive;

/// A drive with another manifest, docked; the status and the error log.
fn docked(edit: impl FnOnce(&str) -> String) -> (Datacenter, Drive, String) {
    let mut drive = Drive::seal("S1");
    drive.rewrite(edit);
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    let said = datacenter.dock(&[&drive]);
    assert_eq!(said[0]["status"], "CompletedWithErrors", "{said:?}");
    let job = datacenter.job("job1");
    assert_eq!(
        (&job["state"], &job["driveList"][0]["state"]),
        (&"Closed".into(), &"CompletedMoreInfo".into())
    );
    let log = datacenter.log(&job["driveList"][0]["errorLogUri"]);
    (datacenter, drive, log)
}

/// The log's lines of its one blob.
fn one_blob(log: &str) -> &str {
    assert_eq!(log.matches("<Blob ").count(), 1, "{log}");
    log.split_once("<Blob ").unwrap().1
}

#[test]
fn a_manifest_that_is_no_xml_is_corrupted() {
    expect_refusal("ManifestCorrupted", |drive| {
        drive.rewrite(|text| text.replace("</BlobList>", "</BlobLisp>"));
    });
}

#[test]
fn a_manifest_that_breaks_off_is_corrupted() {
    expect_refusal("ManifestCorrupted", |drive| {
        drive.rewrite(|text| text[..text.len() / 2].to_owned());
    });
}

#[test]
fn xml_that_is_no_manifest_has_the_wrong_format() {
    expect_refusal("ManifestFormatInvalid", |drive| {
        drive.rewrite(|text| text.replace("DriveManifest", "DriveContents"));
    });
}

#[test]
fn a_manifest_without_a_drive_has_the_wrong_format() {
    expect_refusal("ManifestFormatInvalid", |drive| {
        drive.rewrite(|text| text.replace("<DriveId>S1</DriveId>", ""));
    });
}

#[test]
fn a_manifest_whose_blocks_do_not_cover_a_file_has_the_wrong_format() {
    expect_refusal("ManifestFormatInvalid", |drive| {
        drive.rewrite(|text| text.replace("<Length>700</Length>", "<Length>701</Length>"));
    });
}

#[test]
fn a_manifest_with_an_unknown_disposition_has_the_wrong_format() {
    expect_refusal("ManifestFormatInvalid", |drive| {
        drive.rewrite(|text| text.replacen(">no-overwrite<", ">append<", 1));
    });
}

#[test]
fn a_file_that_is_not_on_the_drive_costs_its_blob_only() {
    let (datacenter, drive, log) =
        docked(|text| text.replace("S1-large</FilePath>", "S1-lorge</FilePath>"));
    let blob = one_blob(&log);
    assert!(blob.starts_with("Status=\"FileNotFound\""), "{log}");
    assert!(blob.contains("<ImportDisposition Status=\"Cancelled\">"), "{log}");
    assert_eq!(blob.matches("Status=\"Cancelled\"/>").count(), 2, "every block is named: {log}");
    let [large, small] = drive.blobs().try_into().unwrap();
    assert_eq!(datacenter.blob(&large.0), None);
    assert_eq!(datacenter.blob(&small.0), Some(small.1));
}

#[test]
fn a_file_of_another_length_costs_its_blob_only() {
    let (datacenter, drive, log) = docked(|text| {
        let shorter = text.replace("<Length>700</Length>", "<Length>699</Length>");
        shorter.replace("Offset=\"0\" Length=\"700\"", "Offset=\"0\" Length=\"699\"")
    });
    let blob = one_blob(&log);
    assert!(blob.starts_with("Status=\"Failed\""), "{log}");
    assert_eq!(blob.matches("Status=\"Cancelled\"/>").count(), 1, "{log}");
    let [large, small] = drive.blobs().try_into().unwrap();
    assert_eq!(datacenter.blob(&large.0), Some(large.1));
    assert_eq!(datacenter.blob(&small.0), None);
}

#[test]
fn a_block_with_another_hash_is_corrupted_and_its_neighbours_are_sent_in_vain() {
    let (datacenter, _, log) = docked(|text| {
        let at = text.find("Hash=\"").unwrap() + 6;
        format!("{}{}{}", &text[..at], "0".repeat(32), &text[at + 32..])
    });
    let blob = one_blob(&log);
    assert!(blob.starts_with("Status=\"CompletedWithErrors\""), "{log}");
    assert_eq!(blob.matches("Status=\"Corrupted\"/>").count(), 1, "{log}");
    assert_eq!(datacenter.blob("S1-large"), None);
}

#[test]
fn a_name_outside_azures_rules_costs_its_blob_and_leads_nowhere() {
    for name in ["../stray", "seed", "seed/../../stray", "Seed/x", "seed/x.", "no--box/x"] {
        let (datacenter, drive, log) =
            docked(|text| text.replace("seed/S1.small.txt<", &format!("{name}<")));
        let blob = one_blob(&log);
        assert!(blob.starts_with("Status=\"BlobRequestFailed\""), "{name}: {log}");
        assert!(blob.contains("<ImportDisposition Status=\"Cancelled\">"), "{name}: {log}");
        let [large, _] = drive.blobs().try_into().unwrap();
        assert_eq!(datacenter.blob(&large.0), Some(large.1), "{name}");
        let blobs = datacenter.emulator.data().join("blobs");
        let accounts: Vec<_> =
            blobs.read_dir().unwrap().map(|own| own.unwrap().file_name()).collect();
        assert_eq!(accounts, ["account1"], "{name}");
        let mut containers: Vec<_> = blobs
            .join("account1")
            .read_dir()
            .unwrap()
            .map(|own| own.unwrap().file_name())
            .collect();
        containers.sort();
        assert_eq!(containers, ["seed", "waimportexport"], "{name}");
    }
}

#[test]
fn a_metadata_or_properties_file_that_is_wrong_costs_its_blob_and_is_told() {
    let wrong = "00".repeat(16);
    for (name, hash, status) in [
        ("nothing", None, "FileNotFound"),
        ("S1.small.txt", Some(&wrong), "Corrupted"),
        // Its content is what the hash says, but no XML.
        ("S1.small.txt", None, "XmlReadFailed"),
    ] {
        let (datacenter, drive, log) = docked(|text| {
            let own = text.split("Length=\"700\"").nth(1).unwrap().split('"').nth(3).unwrap();
            let hash = hash.map_or(own, String::as_str);
            let side = format!("<PropertiesPath Hash=\"{hash}\">\\seed\\{name}</PropertiesPath>");
            text.replacen("</BlockList>", &format!("</BlockList>{side}"), 1)
        });
        let blob = one_blob(&log);
        assert!(blob.starts_with("Status=\"CompletedWithErrors\""), "{log}");
        let told = format!("<Properties Status=\"{status}\"><Path Hash=\"");
        assert!(blob.contains(&told), "{told}: {log}");
        let [large, small] = drive.blobs().try_into().unwrap();
        assert_eq!(datacenter.blob(&large.0), None, "{log}");
        assert_eq!(datacenter.blob(&small.0), Some(small.1), "{log}");
    }
}
