//! `check network` and `check azure` against the emulator under the names of the public cloud, and
//! through tinyproxy.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::seed::shipped;

/// What answers of Azure under these names.
pub const HOSTS: [&str; 2] = ["management.azure.com", "login.microsoftonline.com"];
pub const BLOBS: &str = "account1.blob.core.windows.net";
/// A look at all three ways.
pub const LOOK: [&str; 6] =
    ["check", "network", "--for=import", "--storage-account=account1", "--json", "--no-progress"];

/// Each finding that is about this machine's names is left out: tests run on machines without.
pub fn found(said: &Said) -> Vec<(String, String, String)> {
    let lines = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |own: &Value, name: &str| own[name].as_str().unwrap_or_default().to_owned();
    let all = lines.map(|own| (text(&own, "id"), text(&own, "verdict"), text(&own, "facts")));
    all.filter(|own| own.0 != "net-resolver").collect()
}

/// What is not good.
pub fn bad(said: &Said) -> Vec<(String, String)> {
    let bad = found(said).into_iter().filter(|own| own.1 != "good");
    bad.map(|own| (own.0, own.1)).collect()
}

pub fn problem(id: &str) -> (String, String) {
    (id.to_owned(), "problem".to_owned())
}

#[test]
fn every_way_to_azure_is_gone_and_what_stands_in_it_is_named() {
    let machine = Machine::with_names(&HOSTS, &[BLOBS]);
    let mut emulator = Emulator::start_named(&machine, "AzureCloud");
    let said = emulator.run(&machine, &LOOK);
    assert_eq!(bad(&said), [], "{}", said.stdout);
    let all = found(&said);
    for id in ["net-dns", "net-tcp", "net-tls", "net-http", "net-clock"] {
        assert_eq!(all.iter().filter(|own| own.0 == id).count(), 3, "{id}: {}", said.stdout);
    }
    assert!(said.stdout.contains(BLOBS), "{}", said.stdout);

    // An authority that this machine does not know.
    let mut unknown = emulator.command(&machine, &LOOK);
    let told = self::said(unknown.env_remove("AZSEED_CA_FILE").output().unwrap());
    assert_eq!((told.code, bad(&told)), (1, vec![problem("net-tls"); 3]), "{}", told.stdout);
    assert!(told.stdout.contains("--ca-file"), "{}", told.stdout);

    emulator.forward(&machine, "+1d");
    let told = emulator.expect(&machine, 1, &LOOK);
    assert_eq!(bad(&told), [problem("net-clock")], "{}", told.stdout);
    assert!(told.stdout.contains("timedatectl set-ntp true"), "{}", told.stdout);

    emulator.kill();
    let told = emulator.expect(&machine, 1, &LOOK);
    assert_eq!(bad(&told), vec![problem("net-tcp"); 3], "{}", told.stdout);
    let told = emulator.expect(&machine, 2, &["check", "network", "--for=import", "--json"]);
    assert!(told.stdout.contains("flag-missing"), "{}", told.stdout);
}

/// A proxy that ends with the test.
struct Proxy(Child);

impl Proxy {
    const PLACE: &str = "127.0.0.9:3128";

    fn start(machine: &Machine, settings: &str) -> Self {
        let (address, port) = Proxy::PLACE.split_once(':').unwrap();
        let all = format!("Listen {address}\nPort {port}\nTimeout 20\nConnectPort 443\n{settings}");
        fs::write(machine.path("proxy.conf"), all).unwrap();
        let mut command = machine.other(Path::new("/usr/bin/tinyproxy"));
        let child =
            command.args(["-d", "-c", "proxy.conf"]).stdout(std::process::Stdio::null()).spawn();
        Proxy(child.expect("tests/run installs tinyproxy"))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks through a proxy, which takes a moment to listen.
fn through(emulator: &Emulator, machine: &Machine, user: &str) -> Said {
    let look = || {
        let mut command: Command = emulator.command(machine, &LOOK);
        command.env("AZSEED_PROXY", format!("http://{user}{}", Proxy::PLACE));
        said(command.output().unwrap())
    };
    for _ in 0..100 {
        let told = look();
        if !bad(&told).iter().any(|own| own.0 == "net-tcp") {
            return told;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the proxy does not listen");
}

#[test]
fn what_a_proxy_says_is_told_and_its_password_is_not() {
    let machine = Machine::with_names(&HOSTS, &[BLOBS]);
    let emulator = Emulator::start_named(&machine, "AzureCloud");
    let proxy = Proxy::start(&machine, "BasicAuth office SECRET-8\n");
    let told = through(&emulator, &machine, "office:SECRET-8@");
    assert_eq!(bad(&told), [], "{}", told.stdout);
    assert!(told.stdout.contains(&format!("calls go through {}", Proxy::PLACE)), "{}", told.stdout);
    for user in ["", "office:SECRET-9@"] {
        let told = through(&emulator, &machine, user);
        let is_asked = bad(&told) == vec![problem("net-proxy-connect"); 3];
        assert!(is_asked && told.code == 1, "{user}: {}", told.stdout);
        assert!(!format!("{}{}", told.stdout, told.stderr).contains("SECRET"), "{}", told.stdout);
    }
    drop(proxy);

    fs::write(machine.path("allowed"), format!("^{}$\n", BLOBS.replace('.', "\\."))).unwrap();
    let allowed = machine.text("allowed");
    let settings = format!("Filter \"{allowed}\"\nFilterDefaultDeny Yes\nFilterExtended On\n");
    let _proxy = Proxy::start(&machine, &settings);
    let told = through(&emulator, &machine, "");
    assert_eq!(bad(&told), vec![problem("net-proxy-connect"); 2], "{}", told.stdout);
    assert!(told.stdout.contains("does not let management.azure.com through"), "{}", told.stdout);
}

#[test]
fn a_subscription_is_looked_at_for_backups_of_vms_and_disks() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let look = ["check", "azure", "--json", "--subscription=11111111-2222-4333-8444-555555555555"];
    let with = |more: &[&'static str]| [&look[..], more].concat();
    let told = emulator.run(&machine, &with(&["--for=vm", "--resource-group=rg"]));
    let providers = found(&told).into_iter().filter(|own| own.0 == "azure-provider");
    let providers: Vec<String> = providers.map(|own| own.2).collect();
    for name in ["RecoveryServices", "Compute", "Network"] {
        let is_told = providers.iter().any(|own| own.contains(&format!("Microsoft.{name}")));
        assert!(is_told, "{name}: {}", told.stdout);
    }
    let disks = [
        "--for=disk-backup",
        "--resource-group=rg",
        "--storage-account=account1",
        "--container=disks",
    ];
    let told = emulator.expect(&machine, 0, &with(&disks));
    assert!(told.stdout.contains("azure-account-kind"), "{}", told.stdout);
    let told = machine.expect(2, &["check", "azure", "--for=vm", "--json"]);
    assert!(told.stdout.contains("flag-missing"), "{}", told.stdout);
}

#[test]
fn a_line_is_measured_within_a_container_and_nothing_of_it_is_left() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let look = |more: &[&str]| {
        let words = ["check", "network", "--storage-account=account1", "--json", "--no-progress"];
        emulator.run(&machine, &[&words[..], more].concat())
    };
    let rate = |more: &[&str]| -> (String, String) {
        let told = look(more);
        let all = found(&told).into_iter().filter(|own| own.0 == "net-rate");
        let all: Vec<(String, String)> = all.map(|own| (own.1, own.2)).collect();
        assert_eq!(all.len(), 1, "{}{}", told.stdout, told.stderr);
        all[0].clone()
    };
    let (verdict, facts) = rate(&["--container=azseed-office", "--probe=5M"]);
    assert!(["good", "warning"].contains(&verdict.as_str()), "{facts}");
    for part in ["B/s up, ", "B/s down, ", "measured with 5.00 MB", "1 TB takes about"] {
        assert!(facts.contains(part), "{part}: {facts}");
    }
    let left = walkdir::WalkDir::new(emulator.data().join("blobs")).into_iter();
    let left: Vec<_> = left
        .map(|own| own.unwrap().into_path())
        .filter(|own| own.to_string_lossy().contains("probe-"))
        .collect();
    assert_eq!(left, [] as [std::path::PathBuf; 0]);
    let calls = emulator.data().join("blobs/account1/azseed-office");
    assert!(calls.exists(), "it was the container of the vault");
    assert_eq!(rate(&["--container=nothing", "--probe=1K"]).0, "problem");
    let data = emulator.data().to_str().unwrap();
    let rights = ["emulator", "rights", "--action=*", "--data-action=*/read", "--data", data];
    machine.expect(0, &rights);
    let (verdict, facts) = rate(&["--container=azseed-office", "--probe=1K"]);
    assert!(verdict == "unknown" && facts.contains("AuthorizationPermissionMismatch"), "{facts}");
    for (more, code) in [
        (&["--probe=1M"][..], "flag-missing"),
        (&["--container=azseed-office", "--probe=2G"], "usage"),
        (&["--container=azseed-office", "--probe=0"], "usage"),
    ] {
        let told = look(more);
        assert!(told.code == 2 && told.stdout.contains(code), "{more:?}: {}", told.stdout);
    }
}
