//! What the tests of disks' backups share.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use azure_storage_blobs::BlobContainerClient;
use serde_json::Value;
use support::emulator::Emulator;
use support::key::container;
use support::program::Machine;

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A machine with an emulator and a container of disks.
pub struct Rig {
    pub machine: Machine,
    pub emulator: Emulator,
    pub container: BlobContainerClient,
}

/// Backs the disk up.
pub const PROTECT: [&str; 7] = [
    "disk-backup",
    "protect",
    "os",
    "--source",
    "page-blob:account1/disks/os.vhd",
    "--to",
    "account1/disks/backup.vhd",
];

impl Rig {
    pub async fn new() -> Self {
        let machine = Machine::new();
        let emulator = Emulator::start(&machine).by_key();
        let container = container(&emulator, "disks");
        container.create(None).await.unwrap();
        Rig { machine, emulator, container }
    }

    /// Runs a command of `disk-backup` and returns what it tells of this type.
    pub fn told(&self, code: i32, words: &[&str], kind: &str) -> Vec<Value> {
        let said = self.emulator.expect(&self.machine, code, &[words, &["--json"]].concat());
        let all = objects(&said.stdout);
        all.into_iter().filter(|own| own["type"] == kind).collect()
    }

    /// Runs a command that is refused, and returns the code.
    pub fn code(&self, exit: i32, words: &[&str]) -> String {
        let said = self.emulator.expect(&self.machine, exit, &[words, &["--json"]].concat());
        let all = objects(&format!("{}{}", said.stdout, said.stderr));
        all.iter().find(|own| own["type"] == "error").unwrap()["code"].as_str().unwrap().to_owned()
    }

    /// Makes a point now.
    pub fn round(&self, more: &[&str]) -> Value {
        let words = [&["disk-backup", "run", "os", "--now"], more].concat();
        self.told(0, &words, "disk-round").remove(0)
    }
}
