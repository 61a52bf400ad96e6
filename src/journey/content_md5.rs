//! Whether the blobs of a seed get the MD5 of their content: all of its drives alike.

use disk_prep::dataset::with_content_md5;
use disk_prep::journal::CopyState;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName};

use super::work::Work;
use crate::outcome::Failure;

/// Drives of the seed were planned without.
#[derive(Debug, thiserror::Error)]
#[error("Drives of job {job} are begun, and their blobs get no Content-MD5")]
struct PlannedWithout {
    job: JobName,
}

impl Diagnose for PlannedWithout {
    fn code(&self) -> &'static str {
        "content-md5-begun"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(
            "leave `--content-md5` out, or give those drives up with `azseed drive release SERIAL` first",
        ))
    }
}

/// Plans for each blob the properties file with its MD5, if it is asked for, or if drives that are
/// begun have it.
pub fn plan_content_md5(work: &mut Work, is_asked: bool) -> Result<(), Failure> {
    let journals = work.journals();
    let is_over = |state| matches!(state, CopyState::Released | CopyState::SetAside);
    let begun = journals.survey()?.into_iter().find(|drive| !is_over(drive.state));
    let has_it = match &begun {
        None => is_asked,
        Some(drive) => {
            let plan = journals.read_plan(drive)?;
            plan.files.iter().any(|file| file.listing().content_md5().is_some())
        }
    };
    if is_asked && !has_it {
        return Err(PlannedWithout { job: work.job.clone() }.into());
    }
    if has_it {
        with_content_md5(&mut work.set)?;
    }
    Ok(())
}
