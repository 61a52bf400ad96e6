//! The whole journey on this machine. Only composes the journeys that real runs take; the emulator
//! is a process behind its network interface.

mod compare;
mod page;
mod place;
mod script;
mod steps;
mod summary;

use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, typed};

use self::place::{Emulator, Place, REPORT, STAGING};
use self::script::Stop;
use self::steps::Rehearsal;
use super::plan::drive_bytes;
use crate::outcome::{Attendant, Exit, Failure};
use crate::state::expect_text;

pub use self::compare::Comparison;
pub use self::script::{RehearseOptions, STEPS, Step, StepEnded};
pub use self::summary::Summary;

/// How a rehearsal ended.
#[derive(Debug)]
pub enum Rehearsed {
    /// To its end.
    Whole(Summary),
    /// It cannot go on as it is.
    Halted(Halted),
}

/// Goes through the whole journey.
pub fn rehearse(
    options: &RehearseOptions,
    attendant: &dyn Attendant,
) -> Result<Rehearsed, Failure> {
    options.dir.as_deref().map_or(Ok(()), expect_text)?;
    options.drive_size.map(drive_bytes).transpose()?;
    let place = Place::open(options.dir.as_deref(), options.keep)?;
    let emulator = Emulator::start(&place)?;
    attendant.goes_on_by(again(options, &place, 0));
    let rehearsal = Rehearsal::new(options, attendant, &place, &emulator);
    match rehearsal.go() {
        Ok(mut summary) => {
            summary.steps = rehearsal.steps();
            summary.write_report(&place.at(REPORT))?;
            drop(emulator);
            summary.report = Some(place.at(REPORT));
            if !summary.comparison.differences.is_empty() || place.finish()? {
                summary.folder = Some(place.path().to_owned());
            }
            Ok(Rehearsed::Whole(summary))
        }
        Err(Stop::Step { exit, more_drives }) => {
            let again = again(options, &place, more_drives);
            Ok(Rehearsed::Halted(Halted { folder: place.path().to_owned(), exit, again }))
        }
        // What was refused before anything was staged leaves nothing behind.
        Err(Stop::Failure(failure)) if !place.at(STAGING).exists() => {
            drop(emulator);
            place.discard()?;
            Err(failure)
        }
        Err(Stop::Failure(failure)) => {
            let (folder, again) = (place.path().to_owned(), again(options, &place, 0));
            Err(Failed { folder, cause: failure.0, again }.into())
        }
    }
}

/// The command that goes on here, with so many more drives.
fn again(options: &RehearseOptions, place: &Place, more_drives: u64) -> String {
    let drives = u64::from(options.drives).saturating_add(more_drives).to_string();
    let mut words = vec!["azseed".to_owned(), "rehearse".to_owned()];
    let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    options.sources.iter().for_each(|own| add("--source", own.display().to_string()));
    add("--drives", drives);
    if let Some(size) = options.drive_size {
        add("--drive-size", size.0.to_string());
    }
    add("--dir", place.path().display().to_string());
    typed(words)
}

/// Keeps the folder in view when a step could not be done.
#[derive(Debug, thiserror::Error)]
#[error("The rehearsal in {} stopped: {cause}", folder.display())]
struct Failed {
    folder: PathBuf,
    cause: Box<dyn Diagnose>,
    /// The command that goes on.
    again: String,
}

impl Diagnose for Failed {
    fn code(&self) -> &'static str {
        self.cause.code()
    }
    fn kind(&self) -> ErrorKind {
        self.cause.kind()
    }
    fn hint(&self) -> Option<Hint> {
        match self.kind() {
            ErrorKind::Interrupted => Some(Hint::new(format!("`{}` goes on", self.again))),
            _ if self.code() == "stage-asked-differently" => Some(Hint::new(
                "name another folder with `--dir`: another rehearsal is in this one",
            )),
            _ => self.cause.hint(),
        }
    }
}

/// A rehearsal that cannot go on as it is.
#[derive(Debug)]
pub struct Halted {
    /// Where everything is.
    pub folder: PathBuf,
    /// How its last step ended.
    pub exit: Exit,
    /// The command that goes on.
    pub again: String,
}
