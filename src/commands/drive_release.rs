//! `drive release`: the claim of a dead run on a drive is freed, or a drive that will not be
//! shipped with its job is given up.

use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, Serial, shell_word};
use disk_prep::release::{Hold, look, release};
use serde_json::{Value, json};

use super::door::Door;
use super::prep::NotConfirmed;
use super::{Failure, Outcome};
use crate::cli::Global;
use crate::staging::Seed;
use crate::state::{State, drives_of};
use crate::ui::Ui;

/// Gives a drive up, after its serial was typed; in a script it stands on the command line.
pub fn run(
    serial: &Serial,
    staging: Option<&Path>,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let path: PathBuf = match staging {
        Some(staging) => staging.to_owned(),
        None => state.staging_with(serial)?.ok_or_else(|| Unknown { serial: serial.clone() })?,
    };
    let staging = door.enter(&path)?;
    let seed = Seed::open(&staging)?;
    let journals = staging.journals();
    let hold = look(&journals, serial)?;
    let fate = match &hold {
        Hold::Claim(holder) => format!(
            "Drive {serial} is claimed by process {} on {} since {:.0}. If that run is dead, \
             its claim can be freed.",
            holder.process, holder.host, holder.since
        ),
        Hold::Place | Hold::None => format!(
            "Drive {serial} will not be shipped with job {}; its files go on other drives.",
            seed.target.job
        ),
    };
    let question = format!("{fate}\nType its serial to go on: ");
    if ui.can_ask() && ui.ask(&question).as_deref() != Some(serial.as_str()) {
        return Err(NotConfirmed { serial: serial.clone() }.into());
    }
    release(&journals, serial, &hold)?;
    state.remember(seed.id, &seed.target.job, &path, drives_of(&journals)?)?;
    Ok(Box::new(Done { serial: serial.clone(), staging: path, hold }))
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
    hold: Hold,
}

impl Outcome for Done {
    fn lines(&self) -> Vec<String> {
        let Done { serial, staging, hold } = self;
        let staging = staging.to_string_lossy();
        let staging = shell_word(&staging);
        vec![match hold {
            Hold::Claim(_) => format!(
                "The claim on drive {serial} is freed. Next: `azseed prep --staging {staging}` \
                 goes on with it"
            ),
            Hold::Place => format!(
                "Drive {serial} is given up. Next: `azseed prep --staging {staging}` with another \
                 drive"
            ),
            Hold::None => format!("Drive {serial} was given up before"),
        }]
    }

    fn json(&self) -> Vec<Value> {
        let freed = match self.hold {
            Hold::Claim(_) => "claim",
            Hold::Place => "place",
            Hold::None => "nothing",
        };
        vec![json!({
            "type": "drive-released", "version": 1, "serial": self.serial,
            "changed": self.hold != Hold::None, "freed": freed,
        })]
    }
}
