//! Each form of a log, whole, cut and changed.

use std::fs;

use super::model::ENTRIES;
use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/copy-logs/");
    fs::read(format!("{folder}{name}")).unwrap()
}

const ALL: [&str; 6] = [
    "classic-error.xml",
    "classic-verbose.xml",
    "classic-drive.xml",
    "data-box-error.xml",
    "data-box-drive.xml",
    "data-box-verbose.xml",
];

/// Container, name and end of each entry.
fn ends(log: &CopyLog) -> Vec<(&str, Option<&str>, &BlobEnd)> {
    let all = log.entries.iter();
    all.map(|own| (own.container.as_str(), own.name.as_deref(), &own.end)).collect()
}

fn part(offset: u64, status: &str) -> Part {
    Part { offset, bytes: 4096, status: status.to_owned() }
}

#[test]
fn the_classic_log_says_of_each_blob_what_happened_and_where_it_lies_on_the_drive() {
    let log = CopyLog::parse(&fixture("classic-error.xml"));
    assert_eq!((log.drive.as_deref(), log.cut), (Some("S1"), None));
    assert!(log.is_of_read_drive());
    let seed = "seed";
    assert_eq!(
        ends(&log),
        [
            (seed, Some("a & b"), &BlobEnd::Damaged { parts: vec![part(4096, "Corrupted")] }),
            (seed, Some("folder/gone"), &BlobEnd::Missing { code: "FileNotFound".into() }),
            (seed, Some("one (2).txt"), &BlobEnd::Renamed { to: Some("seed/one (2).txt".into()) }),
            (seed, Some("kept"), &BlobEnd::Skipped),
            (
                "disks",
                Some("disk.vhd"),
                &BlobEnd::Damaged {
                    parts: vec![part(0, "IOFailed"), part(4096, "FileUnexpectedEnd")]
                }
            ),
            (
                seed,
                Some("sided"),
                &BlobEnd::Failed {
                    code: "CompletedWithErrors".into(),
                    text: "Properties Failed".into()
                }
            ),
        ]
    );
    assert_eq!(log.entries[1].file_path.as_deref(), Some("\\seed-1\\folder\\gone"));
    let made: Vec<bool> = log.entries.iter().map(|own| own.is_made).collect();
    assert_eq!(made, [true, false, false, false, true, true]);
    let verbose = CopyLog::parse(&fixture("classic-verbose.xml"));
    assert_eq!(verbose.entries.len(), 7);
    assert_eq!(verbose.entries[6].end, BlobEnd::Arrived);
}

#[test]
fn the_log_of_data_box_has_no_root_and_says_the_same() {
    let log = CopyLog::parse(&fixture("data-box-error.xml"));
    assert_eq!((log.files, log.errored, log.cut), (Some(9), Some(4), None));
    assert_eq!(log.status.as_deref(), Some("CompletedWithErrors"));
    let failed = |code: &str, text: &str| BlobEnd::Failed { code: code.into(), text: text.into() };
    let renamed = |to: &str| BlobEnd::Renamed { to: Some(to.to_owned()) };
    let tomorrow = BlobEnd::Unknown {
        category: "UploadErrorOfTomorrow".to_owned(),
        text: "Not known yet".to_owned(),
    };
    assert_eq!(
        ends(&log),
        [
            ("seed", Some("folder/gone"), &BlobEnd::Missing { code: "2".to_owned() }),
            ("seed", Some("a & b"), &BlobEnd::Damaged { parts: Vec::new() }),
            ("seed", Some("kept"), &failed("409", "There is one")),
            ("seed", Some("one.txt"), &renamed("seed\\one (2).txt")),
            ("New_Folder", None, &renamed("DataBox-96d8e2ee-0000-4000-8000-f666674b70d9")),
            ("seed", Some("odd"), &tomorrow),
        ]
    );
    let verbose = CopyLog::parse(&fixture("data-box-verbose.xml"));
    assert_eq!(verbose.cut, None);
    assert_eq!(
        ends(&verbose),
        [("seed", Some("whole"), &BlobEnd::Arrived), ("$root", Some("empty"), &BlobEnd::Arrived)]
    );
}

#[test]
fn a_drive_that_was_not_read_is_told_from_one_that_was() {
    for name in ["classic-drive.xml", "data-box-drive.xml"] {
        let log = CopyLog::parse(&fixture(name));
        assert!(!log.is_of_read_drive() && log.entries.is_empty() && log.cut.is_none(), "{name}");
    }
    // By the service's own sample a drive of which only containers were renamed has failed.
    let sample = CopyLog { status: Some("Failed".into()), files: Some(60), ..CopyLog::default() };
    assert!(sample.is_of_read_drive());
}

#[test]
fn of_a_log_that_breaks_off_what_was_read_counts_and_that_it_did_is_told() {
    for name in ALL.into_iter().filter(|name| !name.contains("verbose")) {
        let whole = fixture(name);
        let all = CopyLog::parse(&whole).entries;
        let end = whole.trim_ascii_end().len();
        for length in 0..end {
            let log = CopyLog::parse(&whole[..length]);
            assert!(log.cut.is_some(), "{name} {length}");
            assert_eq!(log.entries, all[..log.entries.len()], "{name} {length}");
        }
    }
    let text = String::from_utf8(fixture("data-box-error.xml")).unwrap();
    let fewer = CopyLog::parse(text.replacen("Errored>4<", "Errored>5<", 1).as_bytes());
    assert_eq!((fewer.cut, fewer.entries.len()), (Some(Cut::TooFew), 6));
}

#[test]
fn what_is_no_log_or_has_no_end_is_told_and_takes_no_memory() {
    assert_eq!(CopyLog::parse(b"<html><body/></html>").cut, Some(Cut::NoLog));
    assert_eq!(CopyLog::parse(b"").cut, Some(Cut::EndsEarly));
    let deep = format!("<CopyLog>{}", "<a>".repeat(1 << 20));
    assert_eq!(CopyLog::parse(deep.as_bytes()).cut, Some(Cut::TooDeep));
    let many = "<File Path=\"a\"/>".repeat(ENTRIES + 1);
    let log = CopyLog::parse(many.as_bytes());
    assert_eq!((log.cut, log.entries.len()), (Some(Cut::TooMany), ENTRIES));
    let long = format!("<ErroredEntity Path=\"{}\"/>", "x".repeat(1 << 20));
    assert!(CopyLog::parse(long.as_bytes()).entries[0].container.len() <= 16 << 10);
    let bomb = b"<!DOCTYPE a [<!ENTITY b \"c\">]><CopyLog>&b;</CopyLog>";
    assert_eq!(CopyLog::parse(bomb).cut, Some(Cut::NotXml));
    let wide = format!("<CopyLog {}/>", "a=\"\" ".repeat(1 << 20));
    assert_eq!(CopyLog::parse(wide.as_bytes()).cut, None);
}

#[test]
fn no_changed_byte_makes_it_panic() {
    for name in ALL {
        let whole = fixture(name);
        for at in 0..whole.len() {
            for mask in [0x01, 0x10, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= mask;
                CopyLog::parse(&changed);
            }
        }
    }
}
