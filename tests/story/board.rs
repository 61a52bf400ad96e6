//! How far a preparation is, as others see it who look over a share.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]

use crate::support;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use support::program::{Machine, lives_until};
use support::schema;
use support::tree::Dice;

const DRIVE: &str = "image:d.img,serial=D1,size=600M";

fn machine() -> Machine {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    for number in 0..4_u64 {
        let path = machine.path(&format!("source/file-{number}"));
        fs::write(path, Dice(number).bytes(80 << 20)).unwrap();
    }
    machine
}

/// What stands there, if anything does.
fn standing(reports: &Path) -> Option<Value> {
    let text = fs::read_to_string(reports.join("status.json")).ok()?;
    schema::check_lines(&text);
    Some(serde_json::from_str(&text).unwrap())
}

/// That the run has ended with a sealed drive, and that neither file holds a secret.
fn is_over(reports: &Path, password: &str) {
    let seen = standing(reports).unwrap();
    assert_eq!(seen["ended"], true, "{seen}");
    let drive = &seen["drives"][0];
    assert_eq!((&drive["serial"], &drive["state"]), (&"D1".into(), &"sealed".into()), "{seen}");
    let (done, total) = (drive["done_bytes"].as_u64(), drive["total_bytes"].as_u64());
    assert!(done == total && done >= Some(320 << 20), "{drive}");
    let page = fs::read_to_string(reports.join("status.html")).unwrap();
    assert!(page.contains("D1") && page.contains("has ended"), "{page}");
    assert!(!page.contains("refresh"), "a page that is whole need not be read again: {page}");
    let text = format!("{page}{seen}");
    assert!(password.len() > 50 && !text.contains(password), "{text}");
    let names = fs::read_dir(reports).unwrap().map(|entry| entry.unwrap().file_name());
    let drafts: Vec<_> = names.filter(|name| name.to_str().unwrap().starts_with('.')).collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}

#[test]
fn a_page_tells_over_a_share_how_far_the_drives_are() {
    let machine = machine();
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    let reports = machine.path("staging/reports");
    let words = ["prep", "--staging", &staging, "--offline", "--drive", DRIVE];
    let mut prep = machine.command(&words).stderr(Stdio::null()).spawn().unwrap();
    let is_begun = || standing(&reports).is_some_and(|seen| seen["ended"] == false);
    assert!(lives_until(&mut prep, is_begun), "it is written while the run goes on");
    let page = fs::read_to_string(reports.join("status.html")).unwrap();
    assert!(page.contains("refresh") && page.contains("goes on"), "{page}");
    assert!(prep.wait().unwrap().success());
    let file = machine.password_file(&machine.path("staging"), "D1");
    is_over(&reports, fs::read_to_string(file).unwrap().trim());
}

#[test]
fn without_a_staging_path_it_lies_with_the_job_and_a_place_that_cannot_be_written_stops_nothing() {
    let machine = machine();
    let rows = format!(
        "BasePath,DstItemPathOrPrefix,ItemType\n{}/,cont/x/,BlockBlob\n",
        machine.text("source")
    );
    fs::write(machine.path("rows.csv"), rows).unwrap();
    let group = "11111111-2222-4333-8444-555555555555";
    let mut words = vec!["prep", "--dataset", "rows.csv", "--job", "job-9", "--offline"];
    words.extend(["--storage-account", "account1", "--subscription", group]);
    words.extend(["--resource-group", "rg", "--drive", DRIVE]);
    let reports = machine.path("state/jobs/job-9/reports");
    // Somebody keeps the place.
    fs::create_dir_all(reports.join("status.json")).unwrap();
    let told = machine.expect(0, &words).stderr;
    let warning = "warning: How far the work is could not be written below reports/";
    assert_eq!(told.to_lowercase().matches(&warning.to_lowercase()).count(), 1, "{told}");
    fs::remove_dir(reports.join("status.json")).unwrap();
    fs::remove_file(machine.path("d.img")).unwrap();
    fs::remove_dir_all(machine.path("state")).unwrap();
    machine.expect(0, &words);
    let file = machine.password_file(&machine.path("state/jobs/job-9"), "D1");
    is_over(&reports, fs::read_to_string(file).unwrap().trim());
}
