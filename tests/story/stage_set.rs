//! A seed that shall go elsewhere: until a drive of it is begun where it goes, later only whom its
//! drives go back to.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use serde_json::{Value, json};
use support::program::{Machine, Said};

fn adopted() -> (Machine, String) {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), vec![5; 300_000]).unwrap();
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    (machine, staging)
}

fn set(machine: &Machine, code: i32, staging: &str, words: &[&str]) -> Said {
    machine.expect(code, &[&["--json", "stage", "set", "--staging", staging], words].concat())
}

fn record(said: &Said) -> Value {
    serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
}

fn seed(staging: &str) -> Value {
    serde_json::from_slice(&fs::read(format!("{staging}/seed.json")).unwrap()).unwrap()
}

#[test]
fn where_a_seed_goes_is_changed_and_shown_until_a_drive_of_it_is_begun() {
    let (machine, staging) = adopted();
    let words = ["--container", "seed2", "--location", "northeurope", "--resource-group", "rg2"];
    let said = record(&set(&machine, 0, &staging, &words));
    assert_eq!(said["type"], "seed-set");
    let changed = json!([
        {"what": "container", "before": "seed", "now": "seed2"},
        {"what": "resource group", "before": "rg", "now": "rg2"},
        {"what": "region", "before": null, "now": "northeurope"},
    ]);
    assert_eq!(said["changed"], changed);
    assert_eq!(seed(&staging)["container"], "seed2");

    let again = record(&set(&machine, 0, &staging, &words));
    assert_eq!(again["changed"], json!([]));
    let status = machine.expect(0, &["stage", "status", "--staging", &staging]);
    for part in ["account1/seed2/", "group rg2", "northeurope", "Backup Team", "data-box"] {
        assert!(status.stdout.contains(part), "{part}: {}", status.stdout);
    }
    // What was asked for first is another seed now.
    let words = ["--storage-account", "account1", "--container", "seed", "--job", "seed-1"];
    let own = ["stage", "adopt", "--source", "source", "--staging", &staging];
    let more = ["--resource-group", "rg", "--subscription", "11111111-2222-4333-8444-555555555555"];
    let refused = machine.expect(2, &[&own[..], &words, &more].concat());
    assert!(refused.stderr.contains("stage-asked-differently"), "{}", refused.stderr);

    let drive = machine.text("S1.img,serial=S1,size=400M");
    machine.expect(0, &["prep", "--staging", &staging, "--offline", "--drive", &drive]);
    let before = seed(&staging);
    let refused = set(&machine, 2, &staging, &["--container", "seed3", "--location", "uksouth"]);
    for part in ["seed-begun", "S1", "container, region"] {
        assert!(refused.stdout.contains(part), "{part}: {}", refused.stdout);
    }
    assert_eq!(seed(&staging), before);

    let contact = support::CONTACT.replace("Backup Team", "Night Shift");
    fs::write(machine.path("other.toml"), contact).unwrap();
    let other = machine.text("other.toml");
    let said = record(&set(&machine, 0, &staging, &["--contact", &other]));
    assert_eq!(said["changed"][0]["what"], "contact");
    assert_eq!(said["drives"], json!(["S1"]));
    assert_eq!(seed(&staging)["contact"]["return_address"]["recipient_name"], "Night Shift");
    let words = ["stage", "set", "--staging", &staging, "--contact", &other];
    let said = machine.expect(0, &words).stdout;
    assert!(said.contains("nothing: all was so already"), "{said}");
    assert!(said.contains("`azseed job return-address`"), "{said}");
}

#[test]
fn a_change_of_nothing_or_to_what_cannot_be_is_refused_and_leaves_the_seed() {
    let (machine, staging) = adopted();
    let before = seed(&staging);
    let variables = [("AZSEED_CONTAINER", "other"), ("AZSEED_LOCATION", "other")];
    let mut command = machine.command(&["stage", "set", "--staging", &staging]);
    // What is set for all calls changes no record.
    let said = support::program::said(command.envs(variables).output().unwrap());
    assert_eq!(said.code, 2, "{}", said.stdout);
    assert!(said.stderr.contains("seed-set-nothing"), "{}", said.stderr);
    fs::write(machine.path("bad.toml"), "[return_address]\n").unwrap();
    let bad = machine.text("bad.toml");
    for words in [["--container", "Not A Name"], ["--contact", &bad], ["--service", "pigeon"]] {
        set(&machine, 2, &staging, &words);
    }
    assert_eq!(seed(&staging), before);
    set(&machine, 10, &machine.text("nowhere"), &["--container", "seed2"]);
    assert!(!machine.path("nowhere").exists());
}
