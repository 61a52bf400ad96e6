//! The emulator as a process of its own, for tests of whoever talks to Azure.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::key::Key;
use super::names;
use super::program::{Machine, Said, said};

/// A running emulator; it ends with the value.
#[derive(Debug)]
pub struct Emulator {
    process: Child,
    facts: Value,
    data: PathBuf,
    is_keyed: bool,
    /// The cloud whose names it has.
    cloud: Option<String>,
}

impl Emulator {
    /// Starts one in the folder `azure` of a machine, on a free port.
    pub fn start(machine: &Machine) -> Self {
        Emulator::start_with(machine, &[])
    }

    /// Starts one with more arguments.
    pub fn start_with(machine: &Machine, more: &[&str]) -> Self {
        let data = machine.path("azure");
        let mut words = vec!["emulator", "--json", "--data", data.to_str().unwrap()];
        // The account and subscription of `Machine::adopt`.
        words.extend(["--account", "account1"]);
        words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
        words.extend(more);
        let mut process =
            machine.command(&words).stdout(Stdio::piped()).spawn().expect("azseed starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the emulator says where it is");
        super::schema::check_lines(&line);
        let facts = serde_json::from_str(&line).expect("the first line is JSON");
        Emulator { process, facts, data, is_keyed: false, cloud: None }
    }

    /// Starts one under the names of a cloud, which lead to it on this machine; it has a second
    /// account, `account2`.
    pub fn start_named(machine: &Machine, cloud: &str) -> Self {
        let (arm, blobs) = (format!("{}:443", names::ARM), format!("{}:443", names::BLOBS));
        let more = ["--host-names", "--cloud", cloud, "--listen", &arm, "--blob-listen", &blobs];
        let more = [&more[..], &["--account", "account2"]].concat();
        let mut emulator = Emulator::start_with(machine, &more);
        emulator.cloud = Some(cloud.to_owned());
        emulator
    }

    /// The same; the program is told the account's key, which goes before the token for blobs.
    pub fn by_key(mut self) -> Self {
        self.is_keyed = true;
        self
    }

    /// One of the facts of its first line: `arm`, `blob`, `account`, `account_key`, ….
    pub fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_else(|| panic!("no fact {name}: {}", self.facts))
    }

    /// Where the account's blobs are.
    pub fn account_url(&self) -> String {
        format!("{}/{}", self.fact("blob"), self.fact("account"))
    }

    /// Query of a SAS for all of the account ("Create an account SAS").
    pub fn account_sas(&self) -> String {
        let account = self.fact("account").to_owned();
        let key = BASE64_STANDARD.decode(self.fact("account_key")).expect("it is base64");
        Key { account, key }.account_sas("b", "sco", "rwdlac", 1)
    }

    /// The key of one of its accounts, as its folder holds it.
    pub fn key_of(&self, account: &str) -> Key {
        let text = std::fs::read_to_string(self.data.join("meta/account.json")).unwrap();
        let kept: Value = serde_json::from_str(&text).unwrap();
        let others = kept["others"].as_array().into_iter().flatten();
        let own = std::iter::once(&kept).chain(others).find(|own| own["account"] == account);
        let key = own.unwrap_or_else(|| panic!("no account {account}"))["key"].as_str().unwrap();
        Key { account: account.to_owned(), key: BASE64_STANDARD.decode(key).unwrap() }
    }

    /// Its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Its folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A blob as the plain file that it is.
    pub fn blob(&self, container: &str, name: &str) -> PathBuf {
        self.data.join("blobs").join(self.fact("account")).join(container).join(name)
    }

    /// The program, told where this Azure is; signed in by token.
    pub fn command(&self, machine: &Machine, words: &[&str]) -> Command {
        let mut command = machine.command(words);
        command.env("AZSEED_CA_FILE", self.fact("ca_file")).env("AZSEED_TOKEN", self.fact("token"));
        match &self.cloud {
            Some(cloud) => command.env("AZSEED_CLOUD", cloud),
            None => command
                .env("AZSEED_ARM_ENDPOINT", self.fact("arm"))
                .env("AZSEED_AUTHORITY", self.fact("authority"))
                .env("AZSEED_BLOB_ENDPOINT", self.fact("blob")),
        };
        if self.is_keyed {
            command.env("AZSEED_ACCOUNT_KEY", self.fact("account_key"));
        }
        command
    }

    /// Runs it to its end.
    pub fn run(&self, machine: &Machine, words: &[&str]) -> Said {
        said(self.command(machine, words).output().expect("azseed starts"))
    }

    /// Runs it and expects this exit code.
    pub fn expect(&self, machine: &Machine, code: i32, words: &[&str]) -> Said {
        let said = self.run(machine, words);
        let all = words.join(" ");
        assert_eq!(said.code, code, "azseed {all}\n{}\n{}", said.stdout, said.stderr);
        said
    }

    /// Puts the datacenter's clock forward.
    pub fn forward(&self, machine: &Machine, by: &str) {
        let data = self.data.to_str().unwrap();
        machine.expect(0, &["emulator", "clock", by, "--data", data]);
    }

    /// Puts the datacenter's clock to the next noon, far from the time of every policy.
    pub fn to_noon(&self, machine: &Machine) {
        let now = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC);
        let minutes = i64::from(now.hour()) * 60 + i64::from(now.minute());
        self.forward(machine, &format!("+{}m", (36 * 60 - minutes) % (24 * 60)));
    }

    /// Brings drives to the dock; the lines it says.
    pub fn dock(&self, machine: &Machine, drives: &[&str]) -> Vec<Value> {
        let mut words = vec!["emulator", "dock", "--json", "--data", self.data.to_str().unwrap()];
        words.extend(drives);
        let said = machine.run(&words);
        let parse = |line: &str| serde_json::from_str(line).expect("every line is JSON");
        assert!(said.stderr.is_empty(), "{}", said.stderr);
        said.stdout.lines().map(parse).collect()
    }

    /// Has it do something wrong, or not any more; what is on then.
    pub fn mischief(&self, machine: &Machine, words: &[&str]) -> Vec<Value> {
        let data = self.data.to_str().unwrap();
        let all = [&["emulator", "mischief", "--json", "--data", data], words].concat();
        let said = machine.expect(0, &all).stdout;
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The jobs of all services, as its folder holds them.
    pub fn jobs(&self) -> Vec<Value> {
        let files = walkdir::WalkDir::new(self.data.join("meta/jobs")).into_iter().flatten();
        let files = files.filter(|file| file.path().extension().is_some_and(|end| end == "json"));
        let read = |file: walkdir::DirEntry| std::fs::read(file.path()).unwrap();
        files.map(|file| serde_json::from_slice(&read(file)).expect("a job is JSON")).collect()
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.kill();
    }
}
