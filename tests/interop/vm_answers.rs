//! What the service says of a protected machine, with every field named by Microsoft's own models, and what
//! `vm` reads from it: the emulator has no part in this, so that one mistake does not hide in both.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::clients::python;
use support::played::{Played, reply};
use support::program::{Machine, said};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/answers").join(name)
}

fn answers() -> BTreeMap<String, Value> {
    serde_json::from_slice(&std::fs::read(fixture("vm.json")).unwrap()).unwrap()
}

#[test]
fn the_answers_are_as_microsofts_models_write_them() {
    let machine = Machine::new();
    let mut command = machine.other(&python());
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(fixture("vm.gen.py"));
    let made = said(command.output().unwrap());
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made: BTreeMap<String, Value> = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(made, answers());
}

/// Answers by path, in whatever case, and an empty page or 404 for what is not there.
fn service() -> Played {
    let all: BTreeMap<String, String> =
        answers().into_iter().map(|(path, own)| (path.to_lowercase(), own.to_string())).collect();
    Played::start(move |call, to| {
        let path = call.path.replace("%3B", ";").to_lowercase();
        match all.get(&path) {
            Some(body) => reply(to, 200, "content-type: application/json\r\n", body.as_bytes()),
            None => reply(to, 404, "", br#"{"error":{"code":"ResourceNotFound","message":"no"}}"#),
        }
    })
}

#[test]
fn every_field_of_theirs_is_read() {
    let played = service();
    let machine = Machine::new();
    let subscription = "11111111-2222-4333-8444-555555555555";
    let ask = |line: &str| -> Value {
        let words: Vec<&str> = line.split(' ').collect();
        let common = ["--subscription", subscription, "--json"];
        let mut command = machine.command(&[&words[..], &common].concat());
        command
            .env("AZSEED_ARM_ENDPOINT", played.url(""))
            .env("AZSEED_AUTHORITY", played.url(""))
            .env("AZSEED_CA_FILE", played.ca_file())
            .env("AZSEED_TOKEN", "a-token");
        let said = said(command.output().unwrap());
        let lines: Vec<&str> = said.stdout.lines().collect();
        assert_eq!(lines.len(), 1, "{line}: {said:?}");
        serde_json::from_str(lines[0]).unwrap()
    };
    let expect = |line: &str, fields: Value| {
        let found = ask(line);
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(&found[name], value, "{line}: {name}: {found}");
        }
    };
    expect(
        "vm vault list",
        json!({"name": "prod", "region": "westus", "state": "Succeeded",
            "redundancy": "LocallyRedundant"}),
    );
    expect("vm vault redundancy show", json!({"redundancy": "LocallyRedundant", "locked": true}));
    expect(
        "vm policy list",
        json!({"name": "Gold", "machines": 1, "instant_days": 3,
            "time_zone": "America/Los_Angeles"}),
    );
    let policy = ask("vm policy show Gold").to_string();
    for part in ["30", "104", "120", "99", "02:00"] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    expect(
        "vm status web",
        json!({"name": "web", "protection": "protected", "vault": "prod", "policy": "Gold",
            "last_backup": "2026-11-21T02:00:11.5Z", "last_backup_status": "Failed",
            "newest_point": "2026-11-20T02:03:11.5Z", "health": "ActionRequired"}),
    );
    let job = json!({"id": "0b1d7a3c-1111-4222-8333-444455556666", "operation": "Backup",
        "machine": "web", "status": "InProgress", "seconds": 3667, "cancellable": true});
    expect("vm job list", job.clone());
    expect("vm job show 0b1d7a3c-1111-4222-8333-444455556666", job);
    let shown = ask("vm job show 0b1d7a3c-1111-4222-8333-444455556666");
    assert_eq!(
        shown["tasks"],
        json!([{"name": "Take Snapshot", "status": "Completed"},
            {"name": "Transfer data to vault", "status": "InProgress"}])
    );
    assert_eq!(shown["facts"], json!([{"name": "VM Name", "value": "web"}]));
    let fault = &shown["errors"][0];
    assert_eq!((&fault["number"], &fault["title"]), (&400_094.into(), &"BCMV2VMNotFound".into()));
    expect(
        "vm point list web",
        json!({"machine": "web", "id": "7", "time": "2026-11-20T02:03:11.5Z",
            "consistency": "AppConsistent", "tiers": ["InstantRP"]}),
    );
    // Whatever the program asked for was in the file, but for what a classic way would have.
    let asked = played.calls();
    assert!(asked.len() > 10 && asked.iter().all(|call| call.method == "GET"), "{asked:?}");
}
