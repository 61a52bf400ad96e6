//! Journals of Microsoft's tool: jobs made from them, and ours written in their form. They hold the
//! drives' keys.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use support::emulator::Emulator;
use support::program::{Machine, Said, files_below};

const DRIVES: [&str; 2] = ["s1.img,serial=S1,size=210M", "s2.img,serial=S2,size=210M"];
const KEY: &str = "000011-000022-000033-000044-000055-000066-000077-000088";

/// A machine with two sealed drives.
fn sealed() -> (Machine, String) {
    let machine = Machine::new();
    for number in 0..2u64 {
        let mut dice = support::tree::Dice(number);
        let content = dice.bytes(60 << 20);
        support::tree::write(
            &machine.path("source"),
            &format!("file-{number}"),
            &content,
            &mut dice,
        );
    }
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    let prep =
        ["prep", "--staging", &staging, "--offline", "--drive", DRIVES[0], "--drive", DRIVES[1]];
    machine.expect(0, &prep);
    (machine, staging)
}

fn refused(said: &Said, code: &str) {
    assert!(said.stderr.contains(&format!("code: {code}")), "{code}: {}", said.stderr);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A file with a mode.
fn file(machine: &Machine, name: &str, content: &[u8], mode: u32) -> PathBuf {
    let path = machine.path(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn ours_go_out_in_both_forms_and_come_back_as_jobs_whose_drives_are_read() {
    let (machine, staging) = sealed();
    let keys = machine.expect(0, &["job", "keys", "--reveal", "--staging", &staging]).stdout;
    let before = files_below(&machine.path("staging"));
    for words in [
        &["job", "export", "--staging", &staging, "--tool-journals", "v1"][..],
        &[
            "job",
            "export",
            "--staging",
            &staging,
            "--file",
            "f",
            "--tool-journals",
            "v1",
            "--reveal",
        ],
        &["job", "export", "--staging", &staging, "--reveal"],
        &["job", "export", "--staging", &staging],
    ] {
        machine.expect(2, words);
    }
    assert_eq!(files_below(&machine.path("staging")), before, "nothing was written");

    let export = ["job", "export", "--staging", &staging, "--reveal", "--tool-journals"];
    machine.expect(0, &[&export[..], &["v1"]].concat());
    fs::create_dir(machine.path("out")).unwrap();
    let folder = machine.text("out");
    let said = machine.expect(0, &[&export[..], &["v2", "--folder", &folder, "--json"]].concat());
    assert!(!said.stdout.contains("000"), "no key is printed: {}", said.stdout);
    let beside = |name: &str| machine.path(&format!("staging/journals/{name}"));
    let first = ["S1.jrn", "S1_DriveInfo_S1.xml", "S2.jrn", "S2_DriveInfo_S2.xml"].map(beside);
    let second = ["S1.xml", "S2.xml", "seed-1.jrn"].map(|name| machine.path("out").join(name));
    for path in first.iter().chain(&second) {
        assert_eq!(mode(path), 0o600, "{}", path.display());
        let text = fs::read_to_string(path).unwrap();
        let own = text.split("<BitLockerKey>").nth(1).unwrap();
        assert!(keys.contains(&own[..55]), "{}", path.display());
    }
    let shown = machine.expect(0, &["custody", "show", "--staging", &staging]).stdout;
    assert_eq!(shown.matches("revealed").count(), 3, "{shown}");

    // Each way of naming both drives makes a job of its own, without the staging path.
    let emulator = Emulator::start(&machine);
    let contact = machine.text("contact.toml");
    let ways: [(&str, Vec<&Path>); 3] = [
        ("tool-1", vec![&first[0], &first[2]]),
        ("tool-2", vec![&first[1], &first[3], &second[0]]),
        ("tool-3", vec![&second[2]]),
    ];
    let office = Machine::new();
    for (job, journals) in &ways {
        let place = "--storage-account account1 --resource-group rg --location westus --subscription \
                     11111111-2222-4333-8444-555555555555 --contact";
        let mut words = vec!["job", "create", "--job", job];
        words.extend(place.split(' '));
        words.push(&contact);
        for path in journals {
            words.extend(["--tool-journal", path.to_str().unwrap()]);
        }
        let said = emulator.expect(&office, 0, &[&words[..], &["--json"]].concat());
        assert!(
            said.stdout.contains("\"S1\"") && said.stdout.contains("\"S2\""),
            "{}",
            said.stdout
        );
        let said = emulator.expect(&office, 0, &words);
        // Until one of them has gone, each drive stands in several jobs, which is told.
        let told = ["tool-1", "tool-2", "tool-3"]
            .map(|other| said.stderr.contains(&format!("drive S1 is in job {other} too")));
        let before = job[5..].parse::<usize>().unwrap() - 1;
        assert_eq!(told.map(usize::from).iter().sum::<usize>(), before, "{}", said.stderr);
    }
    let ship = "job ship --job tool-3 --carrier FedEx --tracking-number 1Z1 --resource-group rg \
                --subscription 11111111-2222-4333-8444-555555555555";
    emulator.expect(&office, 0, &ship.split(' ').collect::<Vec<_>>());
    let said = emulator.dock(&machine, &DRIVES.map(|drive| drive.split(",size").next().unwrap()));
    let done = said.iter().filter(|drive| drive["status"] == "Completed").count();
    assert_eq!(done, 2, "the keys of the journals unlock them: {said:?}");
}

#[test]
fn a_journal_that_is_none_is_cut_short_or_lies_open_is_refused_before_any_call() {
    let machine = Machine::new();
    let fixture = |name: &str| {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tool-journals").join(name))
            .unwrap()
    };
    let right = String::from_utf8(fixture("9WM35C2V.jrn")).unwrap();
    let contact = file(&machine, "contact.toml", support::CONTACT.as_bytes(), 0o644);
    let create = |code: i32, journals: &[&Path], more: &[&str]| {
        let mut words = vec!["job", "create", "--contact", contact.to_str().unwrap()];
        for path in journals {
            words.extend(["--tool-journal", path.to_str().unwrap()]);
        }
        words.extend(more);
        // Whoever calls anything here is told that nobody answers, with another code.
        words.extend(["--arm-endpoint", "https://127.0.0.1:1"]);
        machine.expect(code, &words)
    };
    let place: Vec<&str> =
        "--job tool-1 --storage-account account1 --resource-group rg --location westus \
        --subscription 11111111-2222-4333-8444-555555555555"
            .split_whitespace()
            .collect();
    let cut = &right[..right.len() - 30];
    let entity = right.replace("<Drive>", "<!DOCTYPE a [<!ENTITY b \"c\">]><Drive>");
    let started = right.replace("Completed", "Started");
    let blotted = right.replace(&KEY[..6], "******");
    let all_blotted = right.replace(&right.split("Key>").nth(1).unwrap()[..55], "*******");
    for (name, content, code) in [
        ("cut.jrn", cut.as_bytes(), "tool-journal-unfinished"),
        ("entity.jrn", entity.as_bytes(), "tool-journal-invalid"),
        ("started.jrn", started.as_bytes(), "tool-journal-unfinished"),
        ("blotted.jrn", blotted.as_bytes(), "tool-journal-invalid"),
        ("stars.jrn", all_blotted.as_bytes(), "tool-journal-blotted"),
        ("latin.jrn", &[right.as_bytes(), b"\xe4"].concat(), "tool-journal-invalid"),
        ("empty.jrn", b"", "tool-journal-invalid"),
        ("other.xml", b"<Other/>", "tool-journal-invalid"),
    ] {
        let path = file(&machine, name, content, 0o600);
        let said = create(2, &[&path], &place);
        refused(&said, code);
        let key = right.split("Key>").nth(1).unwrap();
        assert!(!said.stderr.contains(&key[..55]), "{}", said.stderr);
    }
    let open = file(&machine, "open.jrn", right.as_bytes(), 0o644);
    refused(&create(2, &[&open], &place), "secret-file-mode");
    refused(&create(2, &[&machine.path("missing.jrn")], &place), "tool-journal-unreadable");
    let huge = file(&machine, "huge.jrn", b"", 0o600);
    fs::OpenOptions::new().write(true).open(&huge).unwrap().set_len(1 << 40).unwrap();
    refused(&create(2, &[&huge], &place), "tool-journal-unreadable");
    let one = file(&machine, "one.jrn", right.as_bytes(), 0o600);
    let other = right.replace("D863FE", "D863FF");
    let other = file(&machine, "other.jrn", other.as_bytes(), 0o600);
    refused(&create(2, &[&one, &other], &place), "tool-journal-twice");
    refused(
        &create(2, &[&one], &[&place[..], &["--staging", "s"]].concat()),
        "tool-journal-beside",
    );
    refused(&create(2, &[&one], &place[2..]), "flag-missing");
    // What is right goes on to the service.
    let token = file(&machine, "token", b"word", 0o600);
    let signed = [&place[..], &["--token-file", token.to_str().unwrap()]].concat();
    refused(&create(14, &[&one], &signed), "azure-unreachable");
    assert!(!machine.path("state/jobs").exists());
}

#[test]
fn a_journal_for_the_portal_goes_through_no_link_and_onto_no_open_file() {
    let (machine, staging) = sealed();
    let export = ["job", "export", "--staging", &staging, "--reveal", "--tool-journals", "v1"];
    let outside = file(&machine, "outside", b"mine", 0o644);
    symlink(&outside, machine.path("staging/journals/S1.jrn")).unwrap();
    machine.expect(0, &export);
    assert_eq!(fs::read(&outside).unwrap(), b"mine");
    let written = machine.path("staging/journals/S1.jrn");
    assert!(fs::symlink_metadata(&written).unwrap().is_file() && mode(&written) == 0o600);
    let gone = machine.text("gone");
    let said = machine.expect(1, &[&export[..], &["--folder", &gone]].concat());
    refused(&said, "tool-journal-not-written");
    assert!(!machine.path("gone").exists());
}
