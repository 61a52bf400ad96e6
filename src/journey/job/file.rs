//! The job file: which job, and where it is, for somebody who has no staging path. It holds no
//! secret and opens nothing.

use std::path::{Path, PathBuf};

use disk_prep::noun::{
    Diagnose, ErrorKind, Hint, JobId, JobName, ResourceGroup, Service, SubscriptionId,
};
use disk_prep::sys::given;
use serde::{Deserialize, Serialize};

use crate::config::TomlFault;
use crate::import_job::Job;
use crate::journey::paper;
use crate::outcome::Failure;

const VERSION: u32 = 1;
/// Bytes of such a file, at most.
const MOST_BYTES: u64 = 64 << 10;

/// What the file says.
#[derive(Debug, Serialize, Deserialize)]
struct JobFile {
    version: u32,
    service: Service,
    subscription: SubscriptionId,
    resource_group: ResourceGroup,
    job: JobName,
    id: String,
}

/// A job file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JobFileError {
    #[error("Cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} has more than {MOST_BYTES} bytes, so it is no job file")]
    Large { path: PathBuf },
    #[error("{path} is no job file")]
    Form {
        path: PathBuf,
        #[source]
        source: TomlFault,
    },
    #[error("{path} is of version {version}, this program knows version {VERSION}")]
    Newer { path: PathBuf, version: u32 },
    #[error("{path} has an id that is not that of its job {job}")]
    Contradicts { path: PathBuf, job: JobName },
}

impl Diagnose for JobFileError {
    fn code(&self) -> &'static str {
        match self {
            JobFileError::Read { .. } => "job-file-unreadable",
            _ => "job-file-invalid",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("make it anew with `azseed job export --file FILE`"))
    }
}

/// Reads it.
pub fn read(path: &Path) -> Result<JobId, JobFileError> {
    let unreadable = |source| JobFileError::Read { path: path.to_owned(), source };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if about.len() > MOST_BYTES {
        return Err(JobFileError::Large { path: path.to_owned() });
    }
    parse(path, &given::read_text(path).map_err(unreadable)?)
}

/// Reads its text; `path` is for messages.
fn parse(path: &Path, text: &str) -> Result<JobId, JobFileError> {
    let path = path.to_owned();
    let file: JobFile = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            return Err(JobFileError::Form { path, source: TomlFault::new(&error, text) });
        }
    };
    let JobFile { version, service, subscription, resource_group, job, id } = file;
    if version > VERSION {
        return Err(JobFileError::Newer { path, version });
    }
    let own = JobId { subscription, resource_group, service, job };
    match id.parse::<JobId>() {
        Ok(id) if id.is(&own) => Ok(own),
        _ => Err(JobFileError::Contradicts { path, job: own.job }),
    }
}

fn text(id: &JobId) -> String {
    let JobId { subscription, resource_group, service, job } = id;
    format!(
        "# A job of azseed. It holds no secret; use it with `azseed job status --job-file FILE`.\n\
         version = {VERSION}\nservice = \"{service}\"\nsubscription = \"{subscription}\"\n\
         resource_group = \"{resource_group}\"\njob = \"{job}\"\nid = \"{id}\"\n"
    )
}

/// Writes the file of a job.
pub fn export(job: &Job, path: &Path) -> Result<Exported, Failure> {
    let id: JobId = job.id.parse()?;
    paper::write(path, &text(&id))?;
    Ok(Exported { id, path: path.to_owned() })
}

/// A job whose file was written.
#[derive(Debug)]
pub struct Exported {
    /// The job.
    pub id: JobId,
    /// The file.
    pub path: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> JobId {
        JobId {
            subscription: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
            resource_group: "Büro_(1)".parse().unwrap(),
            service: Service::DataBox,
            job: "seed-1".parse().unwrap(),
        }
    }

    #[test]
    fn a_job_file_reads_what_it_writes_and_what_another_version_adds_is_passed_over() {
        let path = Path::new("job.toml");
        let own = text(&id());
        assert_eq!(parse(path, &own).unwrap(), id());
        assert_eq!(parse(path, &format!("{own}more = 1\n")).unwrap(), id());
    }

    #[test]
    fn what_is_no_job_file_or_contradicts_itself_is_refused() {
        let (path, own) = (Path::new("job.toml"), text(&id()));
        for (text, part) in [
            (own.replace("version = 1", "version = 2"), "is of version 2"),
            (own.replace("jobs/seed-1", "jobs/seed-2"), "not that of its job seed-1"),
            (own.replace("Microsoft.DataBox", "Microsoft.ImportExport"), "not that of its job"),
            (own.replace("data-box", "box"), "is no job file"),
            (String::new(), "is no job file"),
        ] {
            let error = parse(path, &text).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert_eq!((error.code(), error.kind()), ("job-file-invalid", ErrorKind::Usage));
        }
        let missing = read(Path::new("/no/such/file")).unwrap_err();
        assert_eq!(missing.code(), "job-file-unreadable");
    }
}
