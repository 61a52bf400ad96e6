//! `drive release`: a drive that will not be shipped with its job is given up.

use std::path::{Path, PathBuf};

use disk_prep::journal::JournalFolder;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, Serial};
use disk_prep::release::{Released, release};
use serde_json::{Value, json};

use super::prep::NotConfirmed;
use super::{Failure, Outcome};
use crate::cli::Global;
use crate::staging::{Seed, journals};
use crate::state::{State, drives_of};
use crate::ui::Ui;

/// Gives a drive up, after its serial was typed; in a script it stands on the command line.
pub fn run(
    serial: &Serial,
    staging: Option<&Path>,
    global: &Global,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let staging: PathBuf = match staging {
        Some(staging) => staging.to_owned(),
        None => state.staging_with(serial)?.ok_or_else(|| Unknown { serial: serial.clone() })?,
    };
    let seed = Seed::open(&staging)?;
    let question = format!(
        "Drive {serial} will not be shipped with job {}; its files go on other drives.\n\
         Type its serial to go on: ",
        seed.target.job
    );
    if ui.can_ask() && ui.ask(&question).as_deref() != Some(serial.as_str()) {
        return Err(NotConfirmed { serial: serial.clone() }.into());
    }
    let released = release(&JournalFolder::new(journals(&staging)), serial)?;
    state.remember(seed.id, &seed.target.job, &staging, drives_of(&staging)?)?;
    Ok(Box::new(Done { serial: serial.clone(), staging, released }))
}

#[derive(Debug, thiserror::Error)]
#[error("No staging path is known here that has drive {serial}")]
struct Unknown {
    serial: Serial,
}

impl Diagnose for Unknown {
    fn code(&self) -> &'static str {
        "drive-unknown"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name the staging path with `--staging`"))
    }
}

struct Done {
    serial: Serial,
    staging: PathBuf,
    released: Released,
}

impl Outcome for Done {
    fn text(&self) -> String {
        let Done { serial, staging, released } = self;
        match released {
            Released::Now => format!(
                "Drive {serial} is given up. Next: `azseed prep --staging {}` with another drive",
                staging.display()
            ),
            Released::Before => format!("Drive {serial} was given up before"),
        }
    }

    fn json(&self) -> Vec<Value> {
        let changed = self.released == Released::Now;
        vec![json!({
            "type": "drive-released", "version": 1, "serial": self.serial, "changed": changed,
        })]
    }
}
