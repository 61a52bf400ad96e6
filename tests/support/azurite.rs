//! Azurite, Microsoft's own emulator of the blob service, as a process of its own. The test
//! command installed it; one that is missing is a failure, never a skip.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::emulator::Emulator;
use super::key::Key;
use super::program::Machine;

const ACCOUNT: &str = "account1";
const KEY: &[u8] = b"a key that only tests of this program use, and no account has it.";

/// A running Azurite; it ends with the value.
#[derive(Debug)]
pub struct Azurite {
    process: Child,
    // It ends when nobody can hear it.
    _said: Lines<BufReader<ChildStdout>>,
    /// Its address, without the account.
    pub endpoint: String,
}

impl Azurite {
    /// Starts one on a free port, in the folder `azurite` of a machine.
    pub fn start(machine: &Machine) -> Self {
        Azurite::start_at(machine, "0")
    }

    /// Ends it, as an operator would who pulls a service down: what it has answered is on its disk,
    /// what is under way is cut off. Then it is started where it was.
    pub fn restart(mut self, machine: &Machine, meanwhile: impl FnOnce()) -> Self {
        let own = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
        self.process.wait().unwrap();
        meanwhile();
        let port = self.endpoint.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
        Azurite::start_at(machine, &port)
    }

    fn start_at(machine: &Machine, port: &str) -> Self {
        let program = "../azurite/node_modules/azurite/dist/src/blob/main.js";
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(program);
        assert!(program.exists(), "{} is missing: run `tests/run --setup`", program.display());
        let mut process = Command::new("node")
            .arg(program)
            .args(["--blobHost", "127.0.0.1", "--blobPort", port, "--location"])
            .arg(machine.path("azurite"))
            // The official client is newer than it.
            .args(["--silent", "--disableTelemetry", "--skipApiVersionCheck"])
            .env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{}", BASE64_STANDARD.encode(KEY)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut said = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let told = |line: std::io::Result<String>| {
            Some(line.ok()?.split_once("successfully listens on ")?.1.to_owned())
        };
        let endpoint = said.find_map(told).expect("Azurite says where it is");
        Azurite { process, _said: said, endpoint }
    }

    /// The account's key, base64.
    pub fn key(&self) -> String {
        BASE64_STANDARD.encode(KEY)
    }

    /// What signs with it.
    pub fn signer(&self) -> Key {
        Key { account: ACCOUNT.to_owned(), key: KEY.to_vec() }
    }

    /// An emulator whose dock writes here, and a program that has the account's key.
    pub fn emulator(&self, machine: &Machine) -> Emulator {
        let key = machine.text("account.key");
        std::fs::write(&key, BASE64_STANDARD.encode(KEY)).unwrap();
        let more = ["--blob-endpoint", &self.endpoint, "--account-key-file", &key];
        Emulator::start_with(machine, &more).by_key()
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
