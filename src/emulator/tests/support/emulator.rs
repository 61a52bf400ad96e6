//! An emulator in this process, and the folder that it keeps everything in.

use std::path::{Path, PathBuf};

use azseed_emulator::{AccountOptions, EmulatorOptions, Names, Style, forward_clock, start};
use jiff::{Span, SpanRelativeTo};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::arm::SUBSCRIPTION;

/// A folder of one test; it goes away with the value.
#[derive(Debug)]
pub struct Folder(TempDir);

/// A running emulator of account `account1`.
#[derive(Debug)]
pub struct Emulator {
    running: azseed_emulator::Emulator,
    ca_file: String,
    data: PathBuf,
}

/// Those of the public cloud.
pub fn names() -> Names {
    Names {
        arm: "https://management.azure.com".to_owned(),
        authority: "https://login.microsoftonline.com".to_owned(),
        suffix: "core.windows.net".to_owned(),
    }
}

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Emulator {
    /// Starts one in `azure` of a folder, on a free port.
    pub fn start(folder: &Folder) -> Self {
        Emulator::start_as(folder, false, &["account1"])
    }

    /// The same with these accounts.
    pub fn start_with(folder: &Folder, accounts: &[&str]) -> Self {
        Emulator::start_as(folder, false, accounts)
    }

    /// The same without TLS.
    pub fn start_plain(folder: &Folder) -> Self {
        Emulator::start_as(folder, true, &["account1"])
    }

    fn start_as(folder: &Folder, is_plain: bool, accounts: &[&str]) -> Self {
        let data = folder.path("azure");
        let running = start(&EmulatorOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            blob_listen: None,
            names: names(),
            style: Style::Path,
            data: data.clone(),
            is_plain,
            #[cfg(feature = "other-service")]
            blob_endpoint: None,
            unregistered: Vec::new(),
            mischief: Vec::new(),
            account: AccountOptions {
                accounts: accounts.iter().map(|name| name.parse().unwrap()).collect(),
                subscription: Some(SUBSCRIPTION.parse().unwrap()),
                ..AccountOptions::default()
            },
        })
        .unwrap();
        let ca_file = running.facts.ca_file.as_deref().unwrap_or(Path::new(""));
        let ca_file = ca_file.to_str().unwrap().to_owned();
        Emulator { running, ca_file, data }
    }

    /// One of the facts of the program's first line.
    pub fn fact(&self, name: &str) -> &str {
        let facts = &self.running.facts;
        match name {
            "arm" => &facts.arm,
            "blob" => &facts.blob,
            "account" => facts.account.as_str(),
            "account_key" => facts.account_key.expose_secret(),
            "token" => facts.token.expose_secret(),
            "ca_file" => &self.ca_file,
            _ => panic!("no fact {name}"),
        }
    }

    /// Its folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A blob as the plain file that it is.
    pub fn blob(&self, container: &str, name: &str) -> PathBuf {
        self.data.join("blobs").join(self.fact("account")).join(container).join(name)
    }

    /// Puts the datacenter's clock forward.
    pub fn forward(&self, by: &str) {
        let by = by.parse::<Span>().unwrap();
        let by = by.to_duration(SpanRelativeTo::days_are_24_hours()).unwrap();
        forward_clock(&self.data, by).unwrap();
    }
}
