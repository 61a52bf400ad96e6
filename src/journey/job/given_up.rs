//! Drives that were given up after their job was made: they may hold nothing of it any more, and a
//! parcel with them would arrive empty.

use disk_prep::journal::CopyState;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, typed};

use super::slip::journals;
use super::target::MeantJob;
use crate::import_job::Job;
use crate::journey::desk::Desk;
use crate::outcome::Failure;

#[derive(Debug, thiserror::Error)]
#[error("Job {job} has drives that were given up: {}", drives.join(", "))]
struct GivenUp {
    job: String,
    drives: Vec<String>,
}

impl Diagnose for GivenUp {
    fn code(&self) -> &'static str {
        "job-drive-given-up"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
    fn hint(&self) -> Option<Hint> {
        let line = |word| typed(["azseed", "job", word, "--job", &self.job]);
        Some(Hint::new(format!(
            "`{}`, `{}` and `azseed job create` make it of the drives that are left",
            line("cancel"),
            line("delete")
        )))
    }
}

/// Refuses a parcel that is not on its way yet, if one of its drives was given up.
pub(super) fn expect_kept(
    target: &MeantJob<'_>,
    job: &Job,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let folder = journals(target, desk)?.filter(|_| !job.state.stage.is_sent());
    let Some(folder) = folder else { return Ok(()) };
    let mut drives = Vec::new();
    for history in folder.survey()? {
        let serial = history.begun.serial.as_str();
        let is_of_job = job.drives.iter().any(|drive| drive.serial == serial);
        if history.state == CopyState::Released && is_of_job {
            drives.push(serial.to_owned());
        }
    }
    if drives.is_empty() {
        return Ok(());
    }
    Err(GivenUp { job: job.name.clone(), drives }.into())
}
