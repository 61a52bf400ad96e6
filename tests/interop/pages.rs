//! Page blobs as others see them: Microsoft's clients for Python and Node.js do all of a disk's backup
//! against the emulator, and what the product asks of page blobs holds for Azurite too.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::print_stderr, reason = "what each client did is shown")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::path::Path;

use support::azurite::Azurite;
use support::clients::{modules, python, which};
use support::emulator::Emulator;
use support::key::container;
use support::program::{Machine, said};

#[tokio::test]
async fn what_every_service_does_with_page_blobs_azurite_does_too() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    support::page_suite::all(&container(&azurite.emulator(&machine), "suite")).await;
}

/// What a script of Microsoft's client says of each call.
fn calls(program: &Path, name: &str) {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let mut client = machine.other(program);
    client.arg(format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR")));
    client.env("REQUESTS_CA_BUNDLE", emulator.fact("ca_file")).env("PYTHONDONTWRITEBYTECODE", "1");
    client.env("NODE_EXTRA_CA_CERTS", emulator.fact("ca_file")).env("NODE_PATH", modules());
    client.env("ACCOUNT", "account1").env("KEY", emulator.fact("account_key"));
    client.env("URL", emulator.account_url());
    let said = said(client.output().unwrap());
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    let calls: Vec<_> = said.stdout.lines().filter_map(|line| line.split_once('\t')).collect();
    let bad: Vec<_> = calls.iter().filter(|(_, came)| *came != "ok").collect();
    assert!(bad.is_empty() && calls.len() == 18, "{name}: {bad:#?} of {}", calls.len());
    eprintln!("{name}\n{}", said.stdout);
}

#[test]
fn microsofts_client_for_python_backs_a_disk_up_on_the_emulator() {
    calls(&python(), "pages.py");
}

#[test]
fn microsofts_client_for_node_backs_a_disk_up_on_the_emulator() {
    calls(&which("node"), "pages.cjs");
}
