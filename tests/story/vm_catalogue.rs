//! Every entry of the catalogue is met in a job that failed: by its number, its title or its words the
//! job finds it, and brings why and what to do along.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::vm::World;

#[test]
fn every_entry_of_the_catalogue_is_met_in_a_job_with_its_steps() {
    let world = World::with_vault(&[]);
    let listed = world.machine.expect(0, &["explain", "--list", "--json"]).stdout;
    let all = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let entries: BTreeMap<String, Value> = all
        .filter(|own| own["section"].is_string())
        .map(|own| (own["code"].as_str().unwrap().to_owned(), own))
        .collect();
    let names = |own: &Value| -> Vec<String> {
        let aliases = own["aliases"].as_array().unwrap().iter();
        std::iter::once(&own["code"])
            .chain(aliases)
            .map(|own| own.as_str().unwrap().to_owned())
            .collect()
    };
    // Those of the seed, with their other names, and those of later editions.
    let whole: BTreeSet<Vec<String>> = entries
        .values()
        .map(|own| {
            let mut names = names(own);
            names.sort();
            names
        })
        .collect();
    assert_eq!((entries.len(), whole.len()), (68, 64));
    let machines: Vec<(String, &String)> =
        entries.keys().enumerate().map(|(at, code)| (format!("vm{at:02}"), code)).collect();
    for (name, code) in &machines {
        world.vm(&format!("{name} --fail {code}"));
    }
    world.ok("vm protect --all");
    world.ok("vm backup --all");
    world.forward("+7m");
    let jobs = world.json(1, "vm job list --operation Backup --wait");
    assert_eq!(jobs.len(), entries.len());
    for (name, code) in &machines {
        let job = jobs.iter().find(|own| own["machine"] == name.as_str()).unwrap();
        assert_eq!(job["status"], "Failed", "{code}");
        let found = job["errors"][0]["code"].as_str().unwrap_or_else(|| panic!("{code}: {job}"));
        assert!(names(&entries[*code]).iter().any(|own| own == found), "{code}: {found}");
    }
    let told = world.expect(1, "vm job list --operation Backup --wait").stdout;
    assert_eq!(told.matches("  What to do:\n").count(), entries.len(), "each with its steps");
    for entry in entries.values() {
        let step = entry["steps"][0]["text"].as_str().unwrap();
        let first: String = step.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
        assert!(told.contains(&first), "{}: {first}", entry["code"]);
    }
}
