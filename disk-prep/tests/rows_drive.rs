//! The rows of a `dataset.csv` on drives: each drive has its own metadata and properties files.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files and may fail anywhere"
)]

use std::fs;
use std::sync::Arc;

use disk_prep::dataset::{Listing, RowsOptions, read_dataset, scan_rows};
use disk_prep::drive::{DriveName, NamedDrive, find};
use disk_prep::journal::{JournalFolder, JournalOnly};
use disk_prep::manifest::Profile;
use disk_prep::monitor::VoidMonitor;
use disk_prep::noun::{ByteSize, Cipher};
use disk_prep::pool::{NoBay, PrepareRun};
use disk_prep::prepare::{CHECKPOINT_BYTES, PrepareOptions};
use disk_prep::stop::StopFlag;
use disk_prep::verify::{VerifyOptions, verify};
use disk_prep::world::RealWorld;

#[test]
fn rows_with_metadata_fill_two_drives_that_verify_with_and_without_their_journals() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("tree")).unwrap();
    for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
        fs::write(path("tree").join(name), vec![at as u8; 40 << 20]).unwrap();
    }
    fs::write(path("disk.vhd"), vec![9; 512 * 3]).unwrap();
    fs::write(path("m.xml"), "<Metadata><DataSetName>x</DataSetName></Metadata>").unwrap();
    fs::write(path("p.xml"), "<Properties><Content-Type>a/b</Content-Type></Properties>").unwrap();
    let csv = path("dataset.csv");
    let text = "BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile\n\
                @/tree/,seed/tree/,BlockBlob,overwrite,@/m.xml,@/p.xml\n\
                @/disk.vhd,vms/disk.vhd,,,@/m.xml,None\n";
    fs::write(&csv, text.replace('@', folder.path().to_str().unwrap())).unwrap();
    let rows = read_dataset(&csv).unwrap();
    let job: disk_prep::noun::JobName = "job-1".parse().unwrap();
    let data_set = scan_rows(&rows, &RowsOptions { csv, job: job.clone() }).unwrap();
    let drive = |name: &str| DriveName::Path {
        path: path(name),
        serial: None,
        bytes: (!path(name).exists()).then_some(ByteSize(250 << 20)),
    };
    let journals = JournalFolder::new(path("journals"));
    let outcome = PrepareRun {
        data_set: &data_set,
        drives: &["S1.img", "S2.img"].map(|name| NamedDrive::find(&drive(name)).unwrap()),
        absent: &[],
        bay: &NoBay,
        journals: journals.clone(),
        options: PrepareOptions {
            job,
            container: None,
            cipher: Cipher::default(),
            profile: Profile::Legacy,
            omit_zeros: false,
            strict: false,
            checkpoint_bytes: CHECKPOINT_BYTES,
            erase: Vec::new(),
            wipe: None,
            keeper: Arc::new(JournalOnly),
            stop: StopFlag::default(),
        },
        elsewhere: &[],
        world: &RealWorld,
        monitor: &VoidMonitor,
    }
    .run()
    .unwrap();
    assert!(outcome.failed.is_empty() && outcome.unplaced.is_empty(), "{outcome:?}");
    assert_eq!(outcome.sealed.len(), 2);
    assert_eq!(outcome.sealed.iter().map(|drive| drive.sealed.files).sum::<u64>(), 4);
    for history in journals.read().unwrap() {
        let plan = journals.read_plan(&history).unwrap();
        let sides = plan.files.iter().filter(|file| *file.listing() == Listing::SideFile).count();
        assert!(sides > 0, "each drive has its own");
        let name = drive(&format!("{}.img", history.begun.serial));
        let password = Some(history.begun.password(&JournalOnly).unwrap());
        for (journals, recovery_password) in [(Some(journals.clone()), None), (None, password)] {
            let options = VerifyOptions { journals, recovery_password, ..VerifyOptions::default() };
            let report = verify(&find(&name).unwrap(), &options, &VoidMonitor).unwrap();
            assert_eq!(report.differences, []);
            assert!(report.files > 0);
        }
    }
}
