//! Journals that lie in a staging path and are of another seed: their drives would go into this one's
//! job, and bring their data elsewhere.

use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, Serial, shell_word};

use crate::staging::{Seed, Staging};

/// The journal of a drive that was begun for another job than the seed's.
#[derive(Debug, thiserror::Error)]
#[error("The journal of drive {serial} in {} is of job {job}, and the seed there is for {own}", folder.display())]
pub(super) struct OtherJob {
    serial: Serial,
    folder: PathBuf,
    job: JobName,
    own: JobName,
}

impl Diagnose for OtherJob {
    fn code(&self) -> &'static str {
        "journal-other-job"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
    fn hint(&self) -> Option<Hint> {
        let folder = self.folder.to_string_lossy();
        let own = format!("{}.*", shell_word(&self.serial.file_stem()));
        Some(Hint::new(format!(
            "move {own} from {} back to where the seed of {} is",
            shell_word(&folder),
            self.job
        )))
    }
}

/// Refuses a journal of another job. One that cannot be read is told by who needs it.
pub(super) fn expect_own(staging: &Staging) -> Result<(), OtherJob> {
    let Ok(Some(seed)) = Seed::find(staging) else { return Ok(()) };
    let own = seed.target.job;
    let all = staging.journals().survey().unwrap_or_default();
    let is_other = |job: &JobName| !job.as_str().eq_ignore_ascii_case(own.as_str());
    match all.into_iter().find(|history| is_other(&history.begun.job)) {
        Some(history) => Err(OtherJob {
            serial: history.begun.serial.clone(),
            folder: staging.path().join("journals"),
            job: history.begun.job.clone(),
            own,
        }),
        None => Ok(()),
    }
}
