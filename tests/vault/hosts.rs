//! Several machines: one staging path, one parcel, one vault, each with snapshots of its own.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, said};
use support::seed::run;
use support::tree::{self, Dice};

const HOSTS: [&str; 3] = ["web1", "web2", "web3"];

/// What a machine backs up: the first and the last have one path in common, as servers have.
fn source_of(machine: &Machine, host: &str) -> PathBuf {
    machine.path(&format!("source-{}", if host == "web3" { "web1" } else { host }))
}

fn source(machine: &Machine, host: &str, seed: u64) {
    let root = source_of(machine, host);
    for number in 0..2u64 {
        let mut dice = Dice(seed * 10 + number);
        let content = dice.bytes(400_000);
        tree::write(&root, &format!("file-{number}"), &content, &mut dice);
    }
    fs::write(root.join("host"), host).unwrap();
}

/// Stages what a machine has.
fn stage(machine: &Machine, host: &str, code: i32) -> String {
    let own = machine.on_host(host);
    let source = source_of(machine, host).to_str().unwrap().to_owned();
    let mut words = vec!["stage", "--source", &source, "--staging", "staging"];
    words.extend(["--job", "seed-1", "--storage-account", "account1", "--container", "seed"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    words.extend(["--resource-group", "rg", "--contact", "contact.toml", "--json"]);
    words.extend(["--password-file", "password"]);
    own.expect(code, &words).stdout
}

fn restic(machine: &Machine, emulator: &Emulator, words: &[&str]) -> String {
    let said = std::process::Command::new("restic")
        .args(["--no-cache", "--no-lock", "-r"])
        .arg(emulator.blob("azseed-office", "repo"))
        .arg("--password-file")
        .arg(machine.path("password"))
        .args(words)
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[test]
fn three_machines_stage_one_seed_that_ships_once_and_each_goes_on_by_itself() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    fs::write(machine.path("password"), "a password of many letters").unwrap();
    fs::set_permissions(machine.path("password"), PermissionsExt::from_mode(0o600)).unwrap();
    for (number, host) in HOSTS.into_iter().enumerate() {
        source(&machine, host, number as u64);
        stage(&machine, host, 0);
    }
    let again = stage(&machine, "web1", 0);
    assert!(!again.contains("snapshot\":\""), "nothing was left to stage: {again}");
    let seed: Value =
        serde_json::from_slice(&fs::read(machine.path("staging/seed.json")).unwrap()).unwrap();
    let hosts: Vec<_> = seed["hosts"].as_array().unwrap().iter().map(|own| &own["host"]).collect();
    assert_eq!(hosts, HOSTS);
    assert_eq!((&seed["state"], &seed["totals"]["source_files"]), (&"finished".into(), &9.into()));

    // One of them fills the drive and sends it.
    let first = machine.on_host("web1");
    let drive = "s1.img,serial=S1,size=210M";
    first.expect(0, &["prep", "--staging", "staging", "--offline", "--drive", drive]);
    source(&machine, "web4", 9);
    assert!(stage(&machine, "web4", 2).contains("staging-closed"));
    let create = ["job", "create", "--staging", "staging", "--location", "westus"];
    emulator.expect(&first, 0, &create);
    let ship = ["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1", "--staging"];
    emulator.expect(&first, 0, &[&ship[..], &["staging"]].concat());
    for host in HOSTS {
        let own = machine.on_host(host);
        let create = ["vault", "create", "--vault", "Office", "--staging", "staging"];
        emulator.expect(&own, 0, &create);
        let travels = run(&own, &emulator, 0, &[]);
        assert_eq!(
            (&travels["state"], &travels["kept_aside"]),
            (&"seed-in-transit".into(), &1.into())
        );
        assert_eq!(travels["increment"]["files"], 3, "only its own: {travels}");
    }
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let taken = run(&first, &emulator, 0, &[]);
    assert!(taken["ingested"]["copied"].as_u64().unwrap() > 8, "{taken}");
    for host in &HOSTS[1..] {
        let own = machine.on_host(host);
        let followed = run(&own, &emulator, 0, &["--now"]);
        assert_eq!(
            (&followed["state"], &followed["ingested"]),
            (&"protected".into(), &Value::Null)
        );
        assert_eq!(followed["kept_aside"], 0);
    }

    // Two at once: one has the lease, the other comes later.
    let start = |host: &str| {
        fs::write(source_of(&machine, host).join("new"), host).unwrap();
        let mut command =
            emulator.command(&machine.on_host(host), &["vault", "run", "--now", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [start("web1"), start("web2")].map(|own| said(own.wait_with_output().unwrap()));
    for (own, host) in both.iter().zip(["web1", "web2"]) {
        assert!(own.code == 0 || own.stdout.contains("vault-locked"), "{}", own.stdout);
        if own.code != 0 {
            assert_eq!(own.code, 11);
            run(&machine.on_host(host), &emulator, 0, &["--now"]);
        }
    }
    assert!(both.iter().any(|own| own.code == 0));

    let listed: Value =
        serde_json::from_str(&restic(&machine, &emulator, &["snapshots", "--json"])).unwrap();
    for host in HOSTS {
        let own: Vec<&Value> =
            listed.as_array().unwrap().iter().filter(|own| own["hostname"] == host).collect();
        assert_eq!(own.len(), if host == "web3" { 3 } else { 4 }, "{host}: {listed}");
        let path = source_of(&machine, host);
        assert!(own.iter().all(|own| own["paths"] == serde_json::json!([path])), "{listed}");
    }
    let check = restic(&machine, &emulator, &["check", "--read-data"]);
    assert!(check.contains("no errors were found"), "{check}");
    // Since then the file of another machine has come to the path that both have.
    run(&machine.on_host("web3"), &emulator, 0, &["--now"]);
    for host in HOSTS {
        let target = machine.text(&format!("back-{host}"));
        let latest = ["restore", "latest", "--host", host, "--target", &target];
        restic(&machine, &emulator, &latest);
        let source = source_of(&machine, host);
        let back = machine.path(&format!("back-{host}")).join(source.strip_prefix("/").unwrap());
        let same = std::process::Command::new("diff").arg("-r").args([&source, &back]).status();
        assert!(same.unwrap().success(), "{host}");
    }
}
