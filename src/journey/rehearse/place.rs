//! Where a rehearsal happens: a folder that was named, or a temporary one that goes away when all
//! went well; and the emulator beside it, which ends with us.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use disk_prep::noun::{AccountName, Address, Diagnose, ErrorKind, Hint, SubscriptionId};
use disk_prep::sys::child;
use disk_prep::sys::durable::{self, Access};
use serde::Deserialize;

/// Whom the drives would go back to.
const CONTACT: &str = "[return_address]
recipient_name = \"Rehearsal\"
street_address_1 = \"1 Example Street\"
city = \"Redmond\"
state_or_province = \"WA\"
postal_code = \"98052\"
country_or_region = \"USA\"
phone = \"4255550100\"
email = \"rehearsal@example.com\"

[return_carrier]
carrier_name = \"FedEx\"
carrier_account_number = \"123456789\"
";

/// The page that stays.
pub(super) const REPORT: &str = "report.html";

/// Where the backup is written.
pub(super) const STAGING: &str = "staging";

/// What can go wrong around the steps.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Cannot use {path}")]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("Stopped as asked")]
    Stopped,
    #[error("Another rehearsal works in {path}, or its emulator still runs")]
    Running { path: PathBuf },
    #[error("The emulator did not start")]
    Emulator {
        #[source]
        source: io::Error,
    },
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Folder { .. } => "rehearsal-folder",
            Error::Stopped => "stopped",
            Error::Running { .. } => "rehearsal-running",
            Error::Emulator { .. } => "rehearsal-emulator",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            Error::Stopped => ErrorKind::Interrupted,
            Error::Running { .. } => ErrorKind::Busy,
            Error::Folder { .. } | Error::Emulator { .. } => ErrorKind::Failed,
        }
    }
    fn hint(&self) -> Option<Hint> {
        match self {
            Error::Running { .. } => {
                Some(Hint::new("wait until it has ended, or name another folder with `--dir`"))
            }
            _ => None,
        }
    }
}

/// The folder.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// Whether it goes away when all went well.
    is_temporary: bool,
}

impl Place {
    /// The folder that was named, else a new temporary one.
    pub fn open(named: Option<&Path>, keep: bool) -> Result<Self, Error> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Folder { path, source }
        };
        let path = match named {
            Some(path) => {
                fs::create_dir_all(path).map_err(at(path))?;
                fs::canonicalize(path).map_err(at(path))?
            }
            None => {
                let parent = std::env::temp_dir();
                let made = tempfile::Builder::new().prefix("azseed-rehearsal-").tempdir_in(&parent);
                made.map_err(at(&parent))?.keep()
            }
        };
        let place = Place { path, is_temporary: named.is_none() && !keep };
        for name in ["drives", "state"] {
            let path = place.at(name);
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(at(&path))?;
        }
        let contact = place.at("state/contact.toml");
        durable::write(&contact, CONTACT.as_bytes(), Access::Public).map_err(at(&contact))?;
        Ok(place)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path in it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The same as text for an argument.
    pub fn text(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// Nothing was done: a temporary folder goes.
    pub fn discard(&self) -> Result<(), Error> {
        match self.is_temporary {
            true => fs::remove_dir_all(&self.path)
                .map_err(|source| Error::Folder { path: self.path.clone(), source }),
            false => Ok(()),
        }
    }

    /// All went well: of a temporary folder only the report stays. Returns whether all is still
    /// there.
    pub fn finish(&self) -> Result<bool, Error> {
        if self.is_temporary {
            let at = |source| Error::Folder { path: self.path.clone(), source };
            for entry in fs::read_dir(&self.path).map_err(at)? {
                let entry = entry.map_err(at)?;
                match entry.file_type().map_err(at)?.is_dir() {
                    true => fs::remove_dir_all(entry.path()).map_err(at)?,
                    false if entry.file_name() == REPORT => {}
                    false => fs::remove_file(entry.path()).map_err(at)?,
                }
            }
        }
        Ok(!self.is_temporary)
    }
}

/// What the emulator says of itself.
#[derive(Debug, Deserialize)]
struct Facts {
    arm: String,
    blob: String,
    account: AccountName,
    subscription: SubscriptionId,
    token: String,
    ca_file: PathBuf,
}

/// The emulator, a process of its own.
#[derive(Debug)]
pub struct Emulator {
    /// The resource manager, and where tokens are given.
    pub arm: Address,
    /// The blob service.
    pub blob: Address,
    /// The storage account.
    pub account: AccountName,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// File with the token.
    pub token_file: PathBuf,
    /// Its certificate authority.
    pub ca_file: PathBuf,
    process: Child,
    /// It ends when this is closed.
    _attached: io::PipeWriter,
}

impl Emulator {
    /// Starts it in the folder `azure` of the place.
    pub fn start(place: &Place) -> Result<Self, Error> {
        let failed = |source| Error::Emulator { source };
        let data = place.text("azure");
        let words =
            ["emulator", "--attached", "--json", "--listen", "127.0.0.1:0", "--data", &data];
        let (input, attached) = io::pipe().map_err(failed)?;
        let (output, its_output) = io::pipe().map_err(failed)?;
        let process = child::again(&words, input.into(), its_output.into()).map_err(failed)?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map_err(failed)?;
        let facts: Facts = serde_json::from_str(&line).map_err(|_| why_not(&line, place))?;
        let token_file = place.at("state/token");
        durable::write(&token_file, facts.token.as_bytes(), Access::Private)
            .map_err(|source| Error::Folder { path: token_file.clone(), source })?;
        let address = |text: &str| text.parse().map_err(|error| failed(io::Error::other(error)));
        Ok(Emulator {
            arm: address(&facts.arm)?,
            blob: address(&facts.blob)?,
            account: facts.account,
            subscription: facts.subscription,
            token_file,
            ca_file: facts.ca_file,
            process,
            _attached: attached,
        })
    }
}

/// What an emulator that does not listen says instead.
fn why_not(line: &str, place: &Place) -> Error {
    #[derive(Deserialize)]
    struct Said {
        code: String,
        message: String,
    }
    match serde_json::from_str::<Said>(line) {
        Ok(said) if said.code == "emulator-running" => {
            Error::Running { path: place.path().to_owned() }
        }
        Ok(said) => Error::Emulator { source: io::Error::other(said.message) },
        Err(_) => Error::Emulator { source: io::Error::other("it ended without a word") },
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Its state is durable at every moment, so it can end at any.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
