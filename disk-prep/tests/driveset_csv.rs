//! `driveset.csv`: every form is read, every fault is named with its line, its column and what to
//! write instead.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files and may fail anywhere"
)]

use std::path::Path;

use disk_prep::dataset::Error;
use disk_prep::dataset::{CsvFault, DriveRow, EraseConsent, driveset_csv, read_driveset};
use disk_prep::drive::DriveName;
use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Serial};
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/csv").join(name);
    std::fs::read(path).unwrap()
}

fn said(faults: Vec<CsvFault>) -> Vec<String> {
    faults.iter().map(CsvFault::to_string).collect()
}

fn serial(text: &str) -> DriveName {
    DriveName::Serial(Serial::new(text).unwrap())
}

#[test]
fn each_form_of_a_drive_set_is_read() {
    let parse = |name| {
        let rows = driveset_csv::parse(&fixture(name)).unwrap().into_iter();
        rows.map(|DriveRow { line, drive, erase }| (line, drive, erase)).collect::<Vec<_>>()
    };
    let by_path = |path: &str, bytes| DriveName::Path { path: path.into(), serial: None, bytes };
    assert_eq!(
        parse("driveset-microsoft.csv"),
        [
            (2, serial("WD-WX41A4"), EraseConsent::Given),
            (3, by_path("/dev/disk/by-id/ata-ST4000_ZGY0", None), EraseConsent::Ask),
        ]
    );
    assert_eq!(
        parse("driveset-keyless.csv"),
        [
            (2, serial("WD-WX41A4"), EraseConsent::Given),
            (3, by_path("/images/two.img", Some(ByteSize(300_000_000))), EraseConsent::Ask),
        ]
    );
    assert_eq!(
        parse("driveset-serial.csv"),
        [
            (2, serial("WD-WX41A4"), EraseConsent::Given),
            (3, serial("ZGY0"), EraseConsent::Ask),
            (4, serial("ZGY1"), EraseConsent::Ask),
        ]
    );
    let alone = driveset_csv::parse(b"\xef\xbb\xbfserial\r\nZGY0\r\n").unwrap();
    assert_eq!((alone[0].drive.clone(), alone[0].erase), (serial("ZGY0"), EraseConsent::Ask));
}

#[test]
fn what_spreadsheets_leave_in_a_drive_set_is_taken_and_a_blank_names_no_other_drive() {
    for text in [
        "sep=,\nSerial,Erase\nZGY0,yes\n",
        "Serial,Erase,,\nZGY0,yes,,\n,,,\n",
        "Serial , Erase\n \"ZGY0\" , \"yes \"\n",
    ] {
        let rows = driveset_csv::parse(text.as_bytes()).unwrap();
        assert_eq!(rows.len(), 1, "{text}");
        assert_eq!((rows[0].drive.clone(), rows[0].erase), (serial("ZGY0"), EraseConsent::Given));
    }
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("a.img ");
    std::fs::write(&image, b"").unwrap();
    let csv = folder.path().join("driveset.csv");
    std::fs::write(&csv, format!("Serial\n{}\n", image.display())).unwrap();
    let error = read_driveset(&csv).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("csv-invalid", ErrorKind::Usage));
    assert!(error.to_string().contains("put quotes around the one meant"), "{error}");
    std::fs::write(&csv, format!("Serial\n\"{}\"\n", image.display())).unwrap();
    let rows = read_driveset(&csv).unwrap();
    assert!(matches!(&rows[0].drive, DriveName::Path { path, .. } if *path == image));
}

#[test]
fn every_bad_row_of_a_drive_set_is_named_and_no_key_is_repeated() {
    const SERIAL: &str = "write the drive's serial, as `azseed drive list` shows it";
    let faults = said(driveset_csv::parse(&fixture("driveset-published.csv")).unwrap_err());
    assert_eq!(
        faults,
        [
            format!("line 2, column DriveLetter: \"G\" is a drive letter of Windows; {SERIAL}"),
            "line 2, column FormatOption: azseed formats every drive that it prepares; write Format"
                .into(),
            "line 2, column Encryption: azseed encrypts every drive that it prepares; write Encrypt"
                .into(),
            "line 2, column ExistingBitLockerKey: leave it empty; every drive gets a new recovery \
             password"
                .into(),
            format!("line 3, column DriveLetter: \"H\" is a drive letter of Windows; {SERIAL}"),
        ]
    );
    let ours = "Serial,Erase";
    let theirs = "DriveLetter,FormatOption,SilentOrPromptOnFormat,Encryption,ExistingBitLockerKey";
    for (header, rows, expected) in [
        (ours, "A B,yes", vec!["line 2, column Serial: \"A B\" is not a valid serial number: 1 to 64 printable ASCII characters, no blanks".into()]),
        (ours, ",maybe", vec![format!("line 2, column Serial: the cell is empty; {SERIAL}"), "line 2, column Erase: \"maybe\" is neither yes nor no".into()]),
        (ours, "g:\\,\n\\\\.\\PHYSICALDRIVE1,\nü,", vec![
            format!("line 2, column Serial: \"g:\\\" is a drive letter of Windows; {SERIAL}"),
            format!("line 3, column Serial: \"\\\\.\\PHYSICALDRIVE1\" is a Windows path; {SERIAL}"),
            "line 4, column Serial: \"ü\" is not a valid serial number: 1 to 64 printable ASCII characters, no blanks".into(),
        ]),
        (ours, "/dev/sdb,\n/dev/disk/by-id/ata-X_Y-part2,", vec![
            format!("line 2, column Serial: /dev/sdb may be another drive tomorrow; {SERIAL}"),
            format!("line 3, column Serial: /dev/disk/by-id/ata-X_Y-part2 is a partition; {SERIAL}"),
        ]),
        (ours, "ZGY0,\nZGY1,yes\nZGY0,yes", vec!["line 4, column Serial: drive ZGY0 is named by line 2 already".into()]),
        (ours, "ZGY0,\n/dev/disk/by-id/ata-ST4000_ZGY0,\n\"/x/1.img,serial=ZGY0\",\n/x/ZGY0.img,", (3..=5).map(|line| format!("line {line}, column Serial: it is drive ZGY0, which line 2 has by another name")).collect()),
        (ours, "\"/x/a.img,serial=S1\",\n\"/x//a.img,serial=S2\",\n/dev/disk/by-id/wwn-0x5,\n/dev/disk/by-id/wwn-0x5,", vec![
            "line 3, column Serial: it is drive S2, which line 2 has by another name".into(),
            "line 5, column Serial: it is named by line 4 already".into(),
        ]),
        (theirs, "ZGY0,,,,", vec![
            "line 2, column FormatOption: \"\" is no option; write Format".into(),
            "line 2, column SilentOrPromptOnFormat: \"\" is no mode; write SilentMode or PromptOnFormat".into(),
            "line 2, column Encryption: \"\" is no encryption; write Encrypt".into(),
        ]),
        ("Serial,FormatOption", "ZGY0,Format", vec!["line 1, column FormatOption: a file by Serial has no such column, only Erase".into()]),
        ("DriveLetter,Erase", "ZGY0,yes", vec!["line 1, column Erase: only a file by Serial has this column; write FormatOption".into()]),
        ("Serial,DriveLetter", "ZGY0,ZGY1", vec!["line 1, column DriveLetter: the column stands twice".into()]),
        ("Drive", "ZGY0", vec!["line 1, column Serial: the first line names no column; it should be Serial,Erase,FormatOption,SilentOrPromptOnFormat,Encryption,ExistingBitLockerKey".to_owned()]),
    ] {
        let text = format!("{header}\r\n{}\r\n", rows.replace('\n', "\r\n"));
        assert_eq!(said(driveset_csv::parse(text.as_bytes()).unwrap_err()), expected, "{rows}");
    }
}

#[test]
fn two_paths_to_one_drive_are_seen_and_the_message_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.img"), b"").unwrap();
    std::os::unix::fs::symlink("a.img", path("b.img")).unwrap();
    let text = format!("Serial\n{}\n{}\n", path("a.img").display(), path("b.img").display());
    std::fs::write(path("driveset.csv"), text).unwrap();
    let error = read_driveset(&path("driveset.csv")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} has 1 fault; nothing was started\n  line 3, column Serial: it is drive b, which \
             line 2 has by another name",
            path("driveset.csv").display()
        )
    );
    assert_eq!((error.code(), error.kind()), ("csv-invalid", ErrorKind::Usage));
    let missing = read_driveset(&path("none.csv")).unwrap_err();
    assert!(matches!(missing, Error::CsvFile { .. }));
}

fn write_driveset(rows: &[DriveRow]) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["Serial", "Erase"]).unwrap();
    for row in rows {
        let name = match &row.drive {
            DriveName::Serial(serial) => serial.to_string(),
            DriveName::Path { path, serial, bytes } => {
                let serial = serial.as_ref().map(|serial| format!(",serial={serial}"));
                let size = bytes.map(|bytes| format!(",size={}", bytes.0));
                let path = path.display();
                format!("image:{path}{}{}", serial.unwrap_or_default(), size.unwrap_or_default())
            }
        };
        let erase = if row.erase == EraseConsent::Given { "yes" } else { "no" };
        out.write_record([name.as_str(), erase]).unwrap();
    }
    out.into_inner().unwrap()
}

proptest! {
    #[test]
    fn a_drive_set_written_out_again_parses_to_the_same_rows(
        rows in prop::collection::vec(("(image:)?[!-~]{2,9}(,size=[1-9]G)?", "yes|no|"), 1..5),
    ) {
        let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
        out.write_record(["SERIAL", "ERASE"]).unwrap();
        for (name, erase) in rows {
            out.write_record([name.as_str(), &erase]).unwrap();
        }
        let rows = driveset_csv::parse(&out.into_inner().unwrap());
        prop_assume!(rows.is_ok());
        prop_assert_eq!(driveset_csv::parse(&write_driveset(rows.as_ref().unwrap())), rows);
    }
}
