//! Azurite, Microsoft's own emulator of the blob service, as a process of its own. The test
//! command installed it; one that is missing is a failure, never a skip.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::authority::{Authority, NOW};
use super::clients::which;
use super::emulator::Emulator;
use super::key::Key;
use super::names;
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

/// Its program.
fn program() -> PathBuf {
    let program = "../azurite/node_modules/azurite/dist/src/blob/main.js";
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(program);
    assert!(program.exists(), "{} is missing: run `tests/run --setup`", program.display());
    program
}

impl Azurite {
    /// The account's host in the public cloud.
    pub const HOST: &str = "account1.blob.core.windows.net";

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

    /// Starts one under the name that the public cloud has for its account, on a machine on which
    /// that leads to it; the certificate of who vouches for it lies in `ca.pem`.
    pub fn start_named(machine: &Machine) -> Self {
        let authority = Authority::new("tests");
        std::fs::write(machine.path("ca.pem"), authority.pem()).unwrap();
        let (host, key) = authority.signed(Azurite::HOST, NOW);
        std::fs::write(machine.path("tls.pem"), host.pem()).unwrap();
        std::fs::write(machine.path("tls.key"), key.serialize_pem()).unwrap();
        let mut command = machine.other(&which("node"));
        command.arg(program()).args(["--blobHost", names::BLOBS, "--blobPort", "443"]);
        command.args(["--cert", "tls.pem", "--key", "tls.key"]);
        Azurite::started(command, machine)
    }

    fn start_at(machine: &Machine, port: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(program()).args(["--blobHost", "127.0.0.1", "--blobPort", port]);
        Azurite::started(command, machine)
    }

    fn started(mut command: Command, machine: &Machine) -> Self {
        let mut process = command
            .arg("--location")
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
