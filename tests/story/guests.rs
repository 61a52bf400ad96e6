//! Recorded machines, each sound one and each with one fault: `check guest` and `check filesystems` say of
//! each what the table beside them has, which was written from what the checks are for.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::guests::{Guest, all, verdicts};
use crate::support::program::Machine;

/// What a check can say, besides nothing where there is nothing to say; `good` stands for that, too.
const ROWS: [(&str, &[&str]); 33] = [
    ("guest-azure", &["good", "warning"]),
    ("guest-os", &["good", "warning", "problem", "unknown"]),
    ("guest-agent", &["good", "warning", "problem"]),
    ("guest-agent-on", &["good", "problem", "unknown"]),
    ("guest-agent-version", &["good", "warning", "unknown"]),
    ("guest-agent-conf", &["good", "problem", "unknown"]),
    ("guest-python", &["good", "problem"]),
    ("guest-extension", &["good", "warning", "unknown"]),
    ("guest-extension-log", &["good", "warning", "unknown"]),
    ("guest-vmbackup-conf", &["good", "warning", "problem", "unknown"]),
    ("guest-site-recovery", &["good", "warning"]),
    ("guest-other-backup", &["good", "warning"]),
    ("guest-selinux", &["good", "warning"]),
    ("guest-apparmor", &["warning"]),
    ("guest-noexec", &["good", "problem"]),
    ("guest-dhcp", &["good", "problem", "unknown"]),
    ("guest-route", &["good", "problem"]),
    ("guest-load", &["good", "warning"]),
    ("guest-clock", &["good", "warning"]),
    ("guest-sql", &["good", "warning", "unknown"]),
    ("guest-windows-agent", &["good", "problem", "unknown"]),
    ("proxy-agent", &["unknown"]),
    ("proxy-agent-pair", &["good", "problem"]),
    ("proxy-agent-env", &["warning"]),
    ("proxy-agent-differ", &["warning"]),
    ("proxy-agent-direct", &["warning"]),
    ("proxy-apt", &["warning"]),
    ("fs-mounts", &["unknown"]),
    ("fs-state", &["good", "problem", "unknown"]),
    ("fs-readonly", &["problem"]),
    ("fs-twice", &["problem"]),
    ("fs-network", &["warning"]),
    ("fs-other", &["unknown"]),
];

type Told = Vec<(String, String)>;

/// What is found of a machine, and that it ends as its worst finding asks.
fn told(machine: &Machine, guest: &Guest, what: &str) -> Told {
    let root = machine.path(&guest.name);
    if !root.exists() {
        guest.unpack(&root);
    }
    let said = machine.run(&["check", what, "--root", &guest.name, "--json"]);
    let found: Vec<Value> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", said.stderr)))
        .collect();
    let word = |own: &Value, field: &str| own[field].as_str().unwrap().to_owned();
    let mut told: Told = found.iter().map(|own| (word(own, "id"), word(own, "verdict"))).collect();
    for own in found.iter().filter(|own| own["verdict"] != "good" && own["verdict"] != "unknown") {
        assert!(own["action"].is_string(), "{}: it says what to do: {own}", guest.name);
    }
    let is_bad = told.iter().any(|own| own.1 == "problem");
    assert_eq!(said.code, i32::from(is_bad), "{}: {}", guest.name, said.stdout);
    told.sort();
    told
}

#[test]
fn each_recorded_machine_is_judged_as_the_table_has_it() {
    let machine = Machine::new();
    let mut table: BTreeMap<String, Told> = BTreeMap::new();
    for [tree, check, verdict] in verdicts() {
        table.entry(tree).or_default().push((check, verdict));
    }
    let guests = all();
    let names: BTreeSet<&str> = guests.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, table.keys().map(String::as_str).collect(), "a row for each machine");
    let mut complaints = Vec::new();
    for guest in &guests {
        let mut expected = table[&guest.name].clone();
        expected.sort();
        let found = told(&machine, guest, "guest");
        if found != expected {
            let beyond = |one: &Told, other: &Told| -> Told {
                one.iter().filter(|own| !other.contains(own)).cloned().collect()
            };
            complaints.push(format!(
                "{} ({}): told {:?}, the table has {:?}",
                guest.name,
                guest.about,
                beyond(&found, &expected),
                beyond(&expected, &found)
            ));
        }
        // The file systems by themselves are told alike.
        let alone: Told = expected.into_iter().filter(|own| own.0.starts_with("fs-")).collect();
        if told(&machine, guest, "filesystems") != alone {
            complaints.push(format!("{}: file systems alone are told otherwise", guest.name));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    eprintln!("{} machines, {} findings", guests.len(), verdicts().len());
}

#[test]
fn each_check_has_a_machine_for_each_verdict_that_it_can_give() {
    let mut given: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for [_, check, verdict] in verdicts() {
        given.entry(check).or_default().insert(verdict);
    }
    let possible: BTreeMap<String, BTreeSet<String>> = ROWS
        .iter()
        .map(|(check, all)| ((*check).to_owned(), all.iter().map(ToString::to_string).collect()))
        .collect();
    assert_eq!(given, possible);
}
