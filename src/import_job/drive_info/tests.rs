//! Journals of the tools as they are published, cut, doubled, contradicting; ours read back.

use disk_prep::noun::{Diagnose, ErrorKind, JobName};
use jiff::Timestamp;

use super::*;

const KEY: &str = "000011-000022-000033-000044-000055-000066-000077-000088";

fn drive(serial: &str, hash: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Drive>\n   <DriveId>{serial}</DriveId>\n   \
         <BitLockerKey>{KEY}</BitLockerKey>\n   <ManifestFile>\\DriveManifest.xml</ManifestFile>\n   \
         <ManifestHash>{hash}</ManifestHash> </Drive>\n"
    )
}

fn record(drive: &str, end: &str) -> String {
    format!(
        "[BeginUpdateRecord][2016/11/01 21:22:25.379][Type:ActivityRecord]\nActivityId: DriveInfo\n\
         DriveState: [BeginValue]\n{drive}[EndValue]\n{end}[EndUpdateRecord]\n"
    )
}

const DONE: &str = "SaveCommandOutput: Completed\n";
const ONE: &str = "D863FE44F861AE0DA4DCEAEEFFCCCE68";
const OTHER: &str = "109b21108597ef36d5785f08303f3638";

fn only(bytes: &[u8]) -> DriveEntry {
    let mut drives = parse(bytes).unwrap();
    assert_eq!(drives.len(), 1);
    drives.remove(0)
}

#[test]
fn a_drive_is_read_alone_in_its_record_and_in_a_journal_of_many() {
    let (bare, wrapped) = (drive("9WM35C2V", ONE), record(&drive("9WM35C2V", ONE), DONE));
    let head = "[BeginUpdateRecord][2016/11/02 18:24:14.735][Type:NewJournalFile]\n\
                VocabularyVersion: 2013-02-01\n[EndUpdateRecord]\n\
                [BeginUpdateRecord][2016/11/02 18:24:14.754][Type:ActivityRecord]\n\
                ActivityId: PrepImportDriveCommandContext\nStorageAccountKey: *******\n\
                [EndUpdateRecord]\n";
    for text in [bare.clone(), wrapped.clone(), format!("{head}{wrapped}")] {
        for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            let own = only(text.as_bytes());
            assert_eq!(own.serial.as_str(), "9WM35C2V");
            assert_eq!(&*own.recovery_password.reveal(), KEY);
            assert_eq!(own.manifest_file.as_str(), "\\DriveManifest.xml");
            assert_eq!((own.manifest_hash.as_str(), &own.header_hash), (ONE, &None));
            let wide: Vec<u16> = text.encode_utf16().collect();
            let little: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert_eq!((only(&little).serial, only(&big).serial), (own.serial.clone(), own.serial));
        }
    }
    let several =
        format!("{head}{}{}", record(&drive("A", ONE), DONE), record(&drive("B", OTHER), DONE));
    let serials: Vec<String> =
        parse(several.as_bytes()).unwrap().iter().map(|own| own.serial.to_string()).collect();
    assert_eq!(serials, ["A", "B"]);
}

#[test]
fn of_several_records_of_a_drive_the_last_finished_one_counts() {
    let (old, new) = (record(&drive("A", ONE), DONE), record(&drive("A", OTHER), DONE));
    let begun = record(&drive("A", ONE), "SaveCommandOutput: Started\n");
    let torn = new.split("[EndUpdateRecord]").next().unwrap();
    let hash = |text: String| only(text.as_bytes()).manifest_hash;
    assert_eq!(hash(format!("{old}{new}")), OTHER.to_uppercase());
    assert_eq!(hash(format!("{new}{begun}")), OTHER.to_uppercase());
    assert_eq!(hash(format!("{old}{torn}")), ONE);
    assert_eq!(hash(format!("{torn}{old}")), ONE);
    let unfinished = parse(begun.as_bytes()).unwrap_err();
    assert_eq!(unfinished, Fault::Unfinished { serial: "A".to_owned() });
    assert_eq!(unfinished.code(), "tool-journal-unfinished");
}

#[test]
fn a_header_hash_is_taken_in_any_case_of_its_name() {
    let hash = format!("0:1048576:{};135266304:143360:{}", "A".repeat(128), "0".repeat(128));
    let with = |hash: &str| {
        drive("A", ONE)
            .replace("</Drive>", &format!("<driveHEADERhash>{hash}</driveHEADERhash></Drive>"))
    };
    assert_eq!(only(with(&hash).as_bytes()).header_hash.as_deref(), Some(hash.as_str()));
    assert_eq!(only(with("").as_bytes()).header_hash, None);
    let fault = parse(with("0:1:ABC").as_bytes()).unwrap_err();
    assert!(matches!(fault, Fault::Field { field: "DriveHeaderHash", .. }), "{fault}");
}

#[test]
fn what_is_missing_wrong_or_blotted_out_is_named_and_no_key_stands_in_a_message() {
    let right = drive("A", ONE);
    for (from, to, field) in [
        ("<DriveId>A</DriveId>", "", "DriveId"),
        (">A<", ">A B<", "DriveId"),
        ("000011-", "000012-", "BitLockerKey"),
        (KEY, "", "BitLockerKey"),
        ("\\DriveManifest.xml", "DriveManifest.xml", "ManifestFile"),
        ("\\DriveManifest.xml", "\\..\\secret", "ManifestFile"),
        (ONE, "ABC", "ManifestHash"),
    ] {
        let fault = parse(right.replace(from, to).as_bytes()).unwrap_err();
        assert!(matches!(fault, Fault::Field { field: own, .. } if own == field), "{fault}");
        assert!(!fault.to_string().contains("000012"), "{fault}");
        assert_eq!((fault.code(), fault.kind()), ("tool-journal-invalid", ErrorKind::Usage));
    }
    let blotted = parse(right.replace(KEY, "*******").as_bytes()).unwrap_err();
    assert_eq!(blotted.code(), "tool-journal-blotted");
    let twice = format!("<Drives>{}{}</Drives>", &right[39..], &drive("A", OTHER)[39..]);
    assert_eq!(parse(twice.as_bytes()).unwrap_err().code(), "tool-journal-twice");
}

#[test]
fn what_is_hostile_or_cut_short_is_refused() {
    let right = drive("A", ONE);
    let entity =
        right.replace("<Drive>", "<!DOCTYPE a [<!ENTITY b SYSTEM \"/etc/passwd\">]><Drive>");
    assert_eq!(parse(entity.as_bytes()).unwrap_err(), Fault::Xml);
    assert_eq!(parse(right.replace(ONE, "&b;").as_bytes()).unwrap_err(), Fault::Xml);
    assert_eq!(parse(right.replace(ONE, &"A".repeat(5000)).as_bytes()).unwrap_err(), Fault::Xml);
    let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
    assert_eq!(parse(deep.as_bytes()).unwrap_err(), Fault::Xml);
    for length in 0..right.trim_end().len() {
        assert!(parse(&right.as_bytes()[..length]).is_err(), "{length}");
    }
    assert_eq!(parse(b"\xff\xfe<").unwrap_err(), Fault::Encoding);
    assert_eq!(parse(b"<Drive>\xe4</Drive>").unwrap_err(), Fault::Encoding);
    assert_eq!(parse(b"<a/>").unwrap_err(), Fault::NoDrive);
    let many = format!("<a>{}</a>", "<Drive/>".repeat(1001));
    assert_eq!(parse(many.as_bytes()).unwrap_err(), Fault::ManyDrives);
}

#[test]
fn what_is_written_is_read_back_in_both_forms() {
    let entry = |serial: &str, header: Option<String>| DriveEntry {
        serial: serial.parse().unwrap(),
        recovery_password: KEY.parse().unwrap(),
        manifest_file: "\\DriveManifest.xml".parse().unwrap(),
        manifest_hash: ONE.to_owned(),
        header_hash: header,
    };
    let header = format!("0:1048576:{}", "A".repeat(128));
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    let drives = [(entry("A&B", None), at), (entry("C/D", Some(header)), at)];
    let job: JobName = "seed-1".parse().unwrap();
    let names = |form| -> Vec<String> {
        let all = journals(form, &job, &drives);
        for journal in &all {
            let read = parse(journal.text.as_bytes()).unwrap();
            for own in read {
                let (right, _) =
                    drives.iter().find(|(right, _)| right.serial == own.serial).unwrap();
                assert!(is_same(right, &own), "{}", own.serial);
            }
        }
        all.into_iter().map(|journal| journal.name).collect()
    };
    assert_eq!(
        names(Form::First),
        ["A%26B_DriveInfo_A%26B.xml", "A%26B.jrn", "C%2FD_DriveInfo_C%2FD.xml", "C%2FD.jrn"]
    );
    assert_eq!(names(Form::Second), ["A%26B.xml", "C%2FD.xml", "seed-1.jrn"]);
    let first = &journals(Form::First, &job, &drives)[1].text;
    assert!(
        first.starts_with("[BeginUpdateRecord][2027/01/15 08:00:00.000][Type:NewJournalFile]\r\n")
    );
}
