//! A vault that was taken in, without the journey to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::emulator::Emulator;
use super::program::{Machine, Said};
use super::seed::staged_with;

/// A vault that holds a snapshot of the folder `source`.
#[derive(Debug)]
pub struct Vault {
    /// The machine that it is of.
    pub machine: Machine,
    /// Where it lies.
    pub emulator: Emulator,
}

impl Vault {
    /// One whose source was filled so.
    pub fn of(fill: impl FnOnce(&Path)) -> Self {
        Vault::with(fill, &[])
    }

    /// The same, staged with more arguments.
    pub fn with(fill: impl FnOnce(&Path), more: &[&str]) -> Self {
        let machine = Machine::new();
        let source = machine.path("source");
        fs::create_dir(&source).unwrap();
        fill(&source);
        let staging = staged_with(&machine, "1Mi", more);
        let emulator = Emulator::start(&machine);
        let create = ["vault", "create", "--vault", "Office", "--staging", &staging];
        emulator.expect(&machine, 0, &create);
        // As if the parcel had arrived: the repository lies in the container.
        copy(&machine.path("staging/repo"), &emulator.blob("azseed-office", "repo"));
        let record = machine.path("state/vaults/office.json");
        let mut vault: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
        vault["ingested_at"] = "2026-01-01T00:00:00Z".into();
        fs::write(&record, vault.to_string()).unwrap();
        Vault { machine, emulator }
    }

    /// The source.
    pub fn source(&self) -> PathBuf {
        self.machine.path("source")
    }

    /// A path of the source as it is restored below a target.
    pub fn copy(&self, target: &str, path: &str) -> PathBuf {
        let source = self.source();
        let root = self.machine.path(target).join(source.strip_prefix("/").unwrap());
        if path.is_empty() { root } else { root.join(path) }
    }

    /// The words of a restore.
    pub fn words<'a>(target: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["vault", "restore", "--json", "--target", target], more].concat()
    }

    /// Restores and expects an exit code; the last line.
    pub fn restore(&self, code: i32, target: &str, more: &[&str]) -> Value {
        let said = self.emulator.run(&self.machine, &Vault::words(target, more));
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
        assert_eq!(said.code, code, "{}\n{}", said.stdout, said.stderr);
        last(&said)
    }

    /// The file with the repository's password.
    pub fn password(&self) -> PathBuf {
        let passwords = fs::read_dir(self.machine.path("state/passwords")).unwrap();
        passwords.into_iter().next().unwrap().unwrap().path()
    }

    /// Runs restic on the vault's container.
    pub fn restic(&self, words: &[&str]) {
        let said = Command::new("restic")
            .args(["--no-cache", "-r"])
            .arg(self.emulator.blob("azseed-office", "repo"))
            .arg("--password-file")
            .arg(self.password())
            .args(words)
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}

/// The last line of what was said, as an object.
pub fn last(said: &Said) -> Value {
    let line = said.stdout.lines().last().unwrap_or_else(|| panic!("{}", said.stderr));
    serde_json::from_str(line).unwrap()
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let path = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::copy(entry.path(), path).unwrap();
        }
    }
}
