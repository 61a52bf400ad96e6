//! A staged seed on its way to a vault, and what came out of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::emulator::Emulator;
use super::program::Machine;
use super::tree::{self, Dice};

/// A source with files, a folder, a symbolic link and a mode.
pub fn make_source(machine: &Machine) {
    let root = machine.path("source");
    for number in 0..6u64 {
        let mut dice = Dice(number);
        let content = dice.bytes(1 << 20);
        tree::write(&root, &format!("folder/file-{number}"), &content, &mut dice);
    }
    symlink("folder/file-1", root.join("link")).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::write(root.join("script"), "#!/bin/sh\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o750);
    fs::set_permissions(root.join("script"), mode).unwrap();
}

/// Stages the folder `source`, in packs of this size.
pub fn staged(machine: &Machine, pack_size: &str) -> String {
    staged_with(machine, pack_size, &[])
}

/// The same with more arguments.
pub fn staged_with(machine: &Machine, pack_size: &str, more: &[&str]) -> String {
    let (source, staging) = (machine.text("source"), machine.text("staging"));
    let contact = machine.text("contact.toml");
    fs::write(&contact, super::CONTACT).unwrap();
    let mut words = vec!["stage", "--source", &source, "--staging", &staging];
    words.extend(["--job", "seed-1", "--storage-account", "account1", "--container", "seed"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    words.extend(["--resource-group", "rg", "--contact", &contact, "--pack-size", pack_size]);
    words.extend(more);
    machine.expect(0, &words);
    staging
}

/// A staged seed on a shipped drive S1, and a vault that waits for it.
pub fn shipped(machine: &Machine, emulator: &Emulator) -> String {
    shipped_with(machine, emulator, &[])
}

/// The same with more arguments of `vault create`.
pub fn shipped_with(machine: &Machine, emulator: &Emulator, more: &[&str]) -> String {
    make_source(machine);
    // Small packs, so that there are many.
    staged(machine, "1Mi");
    sent(machine, emulator, more)
}

/// A seed in `staging` on a shipped drive S1, and a vault that waits for it.
pub fn sent(machine: &Machine, emulator: &Emulator, more: &[&str]) -> String {
    let staging = machine.text("staging");
    let drive = "s1.img,serial=S1,size=210M";
    machine.expect(0, &["prep", "--staging", &staging, "--offline", "--drive", drive]);
    emulator.expect(machine, 0, &["job", "create", "--staging", &staging, "--location", "westus"]);
    let create = [&["vault", "create", "--vault", "Office", "--staging", &staging], more].concat();
    emulator.expect(machine, 0, &create);
    let ship = ["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1", "--staging"];
    let ship: Vec<&str> = ship.iter().copied().chain([staging.as_str()]).collect();
    emulator.expect(machine, 0, &ship);
    staging
}

/// A container of the emulator as files, read by restic itself; with the password of the seed.
pub fn restic(machine: &Machine, emulator: &Emulator, container: &str, words: &[&str]) -> String {
    let ids = fs::read_dir(machine.path("state/passwords")).unwrap();
    let password = ids.map(|entry| entry.unwrap().path()).next().unwrap();
    let said = Command::new("restic")
        .args(["--no-cache", "--no-lock", "-r"])
        .arg(emulator.blob(container, "repo"))
        .arg("--password-file")
        .arg(password)
        .args(words)
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).into_owned()
}

/// Puts a blob of somebody else into a container.
pub fn put(emulator: &Emulator, container: &str, name: &str, content: &[u8]) {
    let container = super::key::container(emulator, container);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let content = azure_core::http::request::RequestContent::from(content.to_vec());
    let blob = container.blob_client(name).block_blob_client();
    runtime.block_on(blob.upload(content, None)).unwrap();
}

/// Runs `vault run`; its last line.
pub fn run(machine: &Machine, emulator: &Emulator, code: i32, words: &[&str]) -> Value {
    let mut all = vec!["vault", "run", "--json"];
    all.extend(words);
    let said = emulator.expect(machine, code, &all);
    let last = said.stdout.lines().last().unwrap_or_else(|| panic!("{}", said.stderr));
    serde_json::from_str(last).unwrap()
}

/// Whether what was restored below `target` is the source, names, modes and times with it.
pub fn is_equal(machine: &Machine, target: &str) -> bool {
    let source = machine.path("source");
    let copy = machine.path(target).join(source.strip_prefix("/").unwrap());
    let said = Command::new("diff")
        .args(["-r", "--no-dereference"])
        .args([&source, &copy])
        .output()
        .unwrap();
    let facts = |root: &Path| {
        let mut facts: Vec<String> = walkdir::WalkDir::new(root)
            .into_iter()
            .map(|entry| {
                use std::os::unix::fs::MetadataExt;
                let entry = entry.unwrap();
                let about = entry.metadata().unwrap();
                let path = entry.path().strip_prefix(root).unwrap().display().to_string();
                format!("{path} {:o} {}.{:09}", about.mode(), about.mtime(), about.mtime_nsec())
            })
            .collect();
        facts.sort();
        facts
    };
    assert_eq!(facts(&source), facts(&copy));
    said.status.success()
}
