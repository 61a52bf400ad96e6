//! Managed disks as others see them: Microsoft's client for Python reads two snapshots of one at the
//! addresses that the emulator gives out, and what changed between them.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::print_stderr, reason = "what each client did is shown")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use support::arm::{Arm, SUBSCRIPTION};
use support::clients::python;
use support::emulator::Emulator;
use support::program::{Machine, said};

fn path(rest: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/{rest}?api-version=2024-03-02"
    )
}

/// What a call comes to.
fn done(arm: &Arm, method: Method, rest: &str, body: &Value) -> Value {
    let request = arm.with_token(method, &path(rest)).header("content-type", "application/json");
    let begun = arm.send(request.body(body.to_string()));
    assert_eq!(begun.status, 202, "{}", begun.text);
    let mut at = begun.headers["location"].to_str().unwrap().to_owned();
    loop {
        let told = arm.send(arm.with_token(Method::GET, &at));
        if told.status == 200 {
            return told.json();
        }
        at = told.headers["location"].to_str().unwrap().to_owned();
    }
}

#[test]
fn microsofts_client_for_python_reads_snapshots_of_a_managed_disk() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let arm = Arm::of(&emulator);
    let (raw, data) = (machine.text("raw"), emulator.data().to_str().unwrap());
    fs::write(&raw, vec![7; 3 << 20]).unwrap();
    machine.expect(0, &["emulator", "disk", "set", "os", "--file", &raw, "--data", data]);
    let link = |name: &str| {
        let source = path("disks/os").replace("?api-version=2024-03-02", "");
        let body = json!({"location": "westus", "properties": {"incremental": true,
            "creationData": {"createOption": "Copy", "sourceResourceId": source}}});
        done(&arm, Method::PUT, &format!("snapshots/{name}"), &body);
        let body = json!({"access": "Read", "durationInSeconds": 3600});
        let rest = format!("snapshots/{name}/beginGetAccess");
        done(&arm, Method::POST, &rest, &body)["accessSAS"].as_str().unwrap().to_owned()
    };
    let earlier = link("one");
    fs::write(&raw, [9; 1024]).unwrap();
    let write = ["emulator", "disk", "write", "os", "--file", &raw, "--offset", "4096"];
    machine.expect(0, &[&write[..], &["--data", data]].concat());
    let later = link("two");
    let disks = fs::read_dir(emulator.data().join("blobs/manageddisks")).unwrap();
    let model = disks.flatten().next().unwrap().path().join("disk.vhd");
    let mut client = machine.other(&python());
    client.arg(format!("{}/tests/clients/disks.py", env!("CARGO_MANIFEST_DIR")));
    client.env("REQUESTS_CA_BUNDLE", emulator.fact("ca_file")).env("PYTHONDONTWRITEBYTECODE", "1");
    client.env("EARLIER", earlier).env("LATER", later).env("CHANGED", "8-9").env("MODEL", model);
    let said = said(client.output().unwrap());
    let calls: Vec<_> = said.stdout.lines().filter_map(|line| line.split_once('\t')).collect();
    let all_ok = calls.len() == 4 && calls.iter().all(|(_, came)| *came == "ok");
    assert!(all_ok, "{}\n{}", said.stdout, said.stderr);
    eprintln!("disks.py\n{}", said.stdout);
}
