//! What becomes of blobs: dispositions, kinds, logs.

use reqwest::Method;
use serde_json::{Value, json};

use super::datacenter::Datacenter;
use super::drive::Drive;

/// Docks a drive whose manifest has this disposition (none for the empty text) where a blob of
/// its small file's name is already.
fn docked_over(disposition: &str) -> (Datacenter, Drive, Value) {
    let mut drive = Drive::seal("S1");
    drive.rewrite(|text| match disposition {
        "" => text.replace("<ImportDisposition>no-overwrite</ImportDisposition>", ""),
        other => text.replace(">no-overwrite<", &format!(">{other}<")),
    });
    let datacenter = Datacenter::open();
    let path = format!("{}/seed", datacenter.emulator.account_url());
    let call = |path: &str| {
        datacenter.arm.elsewhere(Method::PUT, path).header("x-ms-version", "2024-11-04")
    };
    let made = datacenter.arm.send(call(&format!("{path}?restype=container")));
    assert_eq!(made.status, 201, "{}", made.text);
    let put = call(&format!("{path}/S1.small.txt")).header("x-ms-blob-type", "BlockBlob");
    assert_eq!(datacenter.arm.send(put.body("old")).status, 201);
    datacenter.shipped("job1", &[&drive]);
    datacenter.dock(&[&drive]);
    let job = datacenter.job("job1");
    (datacenter, drive, job)
}

#[test]
fn overwrite_puts_the_new_blob_in_the_old_ones_place() {
    let (datacenter, drive, job) = docked_over("overwrite");
    assert_eq!(
        (&job["state"], &job["driveList"][0]["state"]),
        (&"Completed".into(), &"Completed".into())
    );
    assert!(datacenter.has_all_of(&drive));
}

/// The job ended well, but the drive's log has something to say.
fn expect_warning(datacenter: &Datacenter, job: &Value) -> String {
    assert_eq!(job["state"], "Completed", "{job}");
    let drive = &job["driveList"][0];
    assert_eq!(drive["state"], "CompletedMoreInfo", "{job}");
    assert_eq!(drive["copyStatus"], "CompletedWithWarnings");
    let log = datacenter.log(&drive["errorLogUri"]);
    assert!(log.contains("<Status>CompletedWithWarnings</Status>"), "{log}");
    assert_eq!(log.matches("<Blob ").count(), 1, "{log}");
    log
}

#[test]
fn no_overwrite_leaves_the_old_blob_and_skips_the_new_one() {
    let (datacenter, drive, job) = docked_over("no-overwrite");
    let log = expect_warning(&datacenter, &job);
    assert!(log.contains("<ImportDisposition Status=\"Skipped\">no-overwrite<"), "{log}");
    assert_eq!(datacenter.blob("S1.small.txt").unwrap(), b"old");
    let [large, _] = drive.blobs().try_into().unwrap();
    assert_eq!(job["driveList"][0]["bytesSucceeded"], large.1.len());
    assert_eq!(datacenter.blob(&large.0), Some(large.1));
}

#[test]
fn rename_puts_the_new_blob_beside_the_old_one() {
    let (datacenter, drive, job) = docked_over("rename");
    let log = expect_warning(&datacenter, &job);
    assert!(log.contains("<BlobPath>seed/S1.small (2).txt</BlobPath>"), "{log}");
    assert!(log.contains("<ImportDisposition Status=\"Renamed\">rename<"), "{log}");
    assert_eq!(datacenter.blob("S1.small.txt").unwrap(), b"old");
    let [_, small] = drive.blobs().try_into().unwrap();
    assert_eq!(datacenter.blob("S1.small (2).txt"), Some(small.1));
}

#[test]
fn a_manifest_that_names_no_disposition_means_rename() {
    let (datacenter, _, job) = docked_over("");
    expect_warning(&datacenter, &job);
    assert!(datacenter.blob("S1.small (2).txt").is_some());
}

#[test]
fn the_logs_that_were_asked_for_are_written_beside_the_blobs() {
    let drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    let more = json!({
        "logLevel": "Verbose", "backupDriveManifest": true, "diagnosticsPath": "logs/of-seed",
    });
    datacenter.make_with("job1", json!([drive.entry]), &more);
    datacenter.ship("job1");
    datacenter.dock(&[&drive]);
    let told = &datacenter.job("job1")["driveList"][0];
    assert_eq!(told.get("errorLogUri"), None);
    let verbose = datacenter.log(&told["verboseLogUri"]);
    assert!(verbose.contains("<Status>Completed</Status>"), "{verbose}");
    assert_eq!(verbose.matches("<Blob Status=\"Completed\">").count(), 2, "{verbose}");
    assert_eq!(verbose.matches("<Block ").count(), 3, "{verbose}");
    assert_eq!(verbose.matches("<ImportDisposition Status=\"Created\">").count(), 2);
    let address = told["verboseLogUri"].as_str().unwrap();
    assert!(address.contains("/logs/of-seed/waies/job1_S1_"), "{address}");
    assert!(address.ends_with("_verbose.xml"), "{address}");
    assert_eq!(datacenter.log(&told["manifestUri"]), drive.manifest().1);
}

#[test]
fn logs_that_were_not_asked_for_are_not_written() {
    let drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    datacenter.dock(&[&drive]);
    let told = &datacenter.job("job1")["driveList"][0];
    for name in ["errorLogUri", "verboseLogUri", "manifestUri"] {
        assert_eq!(told.get(name), None, "{told}");
    }
    let account = datacenter.emulator.data().join("blobs/account1");
    assert!(!account.join("waimportexport").exists());
}

#[test]
fn drives_of_all_four_ciphers_are_taken() {
    let datacenter = Datacenter::open();
    let ciphers = ["xts-aes-256", "xts-aes-128", "cbc-aes-256", "cbc-aes-128"];
    let drive = |(number, cipher): (usize, &&str)| {
        Drive::seal_with(&format!("S{number}"), &["--cipher", cipher], 70_000)
    };
    let drives: Vec<Drive> = ciphers.iter().enumerate().map(drive).collect();
    let drives: Vec<&Drive> = drives.iter().collect();
    datacenter.shipped("job1", &drives);
    for (said, cipher) in datacenter.dock(&drives).iter().zip(ciphers) {
        assert_eq!(said["status"], "Completed", "{cipher}");
    }
    assert_eq!(datacenter.job("job1")["state"], "Completed");
    assert!(drives.iter().all(|drive| datacenter.has_all_of(drive)));
}

#[test]
fn page_ranges_become_a_page_blob_with_zeros_between() {
    let mut drive = Drive::seal_with("S1", &[], 8192);
    let content = drive.blobs().remove(0).1;
    drive.rewrite(|text| {
        let (before, rest) = text.split_once("<BlockList>").unwrap();
        let (_, after) = rest.split_once("</BlockList>").unwrap();
        let hash = md5(&content[4096..4608]);
        format!(
            "{before}<PageRangeList><PageRange Offset=\"4096\" Length=\"512\" Hash=\"{hash}\"/>\
             </PageRangeList>{after}"
        )
    });
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    assert_eq!(datacenter.dock(&[&drive])[0]["status"], "Completed");
    let mut expected = vec![0; 8192];
    expected[4096..4608].copy_from_slice(&content[4096..4608]);
    assert_eq!(datacenter.blob("S1-large"), Some(expected));
    let path = format!("{}/seed/S1-large", datacenter.emulator.account_url());
    let head = datacenter.arm.elsewhere(Method::HEAD, &path);
    let told = datacenter.arm.send(head.header("x-ms-version", "2024-11-04"));
    assert_eq!(told.headers["x-ms-blob-type"], "PageBlob");
}

fn md5(bytes: &[u8]) -> String {
    use md5::Digest;
    md5::Md5::digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect()
}
