//! The deadlines of a job as a calendar file (RFC 5545). A deadline has the same UID each time, so a
//! calendar that imports the file again has no doubles.

use std::path::Path;

use disk_prep::noun::{Diagnose, ErrorKind};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::import_job::{Deadline, Job};
use crate::journey::paper;
use crate::outcome::Failure;

/// Bytes of a line without its end, at most (RFC 5545, 3.1).
const LINE_BYTES: usize = 75;
/// A calendar reminds so many days before.
const ALARM_DAYS: [u8; 3] = [7, 3, 1];

/// A job that waits for nothing.
#[derive(Debug, thiserror::Error)]
#[error("Job {job} is {state} and has no deadline, so no calendar was written")]
struct NoDeadline {
    job: String,
    state: String,
}

impl Diagnose for NoDeadline {
    fn code(&self) -> &'static str {
        "no-deadline"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
}

/// Writes the deadline of a job.
pub fn write_calendar(job: &Job, path: &Path) -> Result<(), Failure> {
    let Some(end) = job.deadline() else {
        return Err(NoDeadline { job: job.name.clone(), state: job.state.to_string() }.into());
    };
    Ok(paper::write(path, &calendar(job, &end))?)
}

fn calendar(job: &Job, end: &Deadline) -> String {
    let time = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let what = end.clock.what();
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//azseed//deadlines//EN".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}", uid(job, end)),
        format!("DTSTAMP:{}", time(job.told_at)),
        format!("DTSTART:{}", time(end.at)),
        "TRANSP:TRANSPARENT".to_owned(),
        format!("SUMMARY:{}", escaped(&format!("Job {}: {}", job.name, what))),
        format!("DESCRIPTION:{}", escaped(&format!("{} {}", job.service, job.id))),
    ];
    for days in ALARM_DAYS {
        lines.extend([
            "BEGIN:VALARM".to_owned(),
            "ACTION:DISPLAY".to_owned(),
            format!("TRIGGER:-P{days}D"),
            format!("DESCRIPTION:{}", escaped(what)),
            "END:VALARM".to_owned(),
        ]);
    }
    lines.extend(["END:VEVENT".to_owned(), "END:VCALENDAR".to_owned()]);
    lines.iter().map(|line| folded(line)).collect()
}

/// The same for the same deadline of the same job, whatever its letters.
fn uid(job: &Job, end: &Deadline) -> String {
    let name = format!("{} {}", job.id.to_ascii_lowercase(), end.clock.what());
    let digest = Sha256::digest(name);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}@azseed")
}

/// A text as a value (RFC 5545, 3.3.11).
fn escaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => value.extend(['\\', c]),
            '\n' => value.push_str("\\n"),
            c if c.is_control() => {}
            c => value.push(c),
        }
    }
    value
}

/// A line with its end; a long one goes on behind a blank.
fn folded(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 8);
    let mut room = LINE_BYTES;
    for c in line.chars() {
        if c.len_utf8() > room {
            text.push_str("\r\n ");
            room = LINE_BYTES - 1;
        }
        text.push(c);
        room -= c.len_utf8();
    }
    text.push_str("\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_job::{DriveStage, JobStage};

    fn job(stage: JobStage) -> Job {
        Job {
            id: "/subscriptions/1/resourceGroups/Büro, links/jobs/seed-1".to_owned(),
            created: Some("2026-11-01T12:00:00Z".parse().unwrap()),
            ..Job::sample(stage, &[], DriveStage::Named)
        }
    }

    fn text(job: &Job, now: &str) -> String {
        let job = Job { told_at: now.parse().unwrap(), ..job.clone() };
        calendar(&job, &job.deadline().unwrap())
    }

    #[test]
    fn a_deadline_stands_in_utc_and_keeps_its_name() {
        let waiting = job(JobStage::Waiting);
        let first = text(&waiting, "2026-11-02T08:00:00Z");
        assert!(first.contains("\r\nDTSTART:20261115T120000Z\r\n"), "{first}");
        assert!(first.contains("\r\nDTSTAMP:20261102T080000Z\r\n"), "{first}");
        assert!(first.contains("TRIGGER:-P7D") && first.contains("TRIGGER:-P1D"), "{first}");
        assert!(first.replace("\r\n ", "").contains("Büro\\, links"), "{first}");
        let uid =
            |text: &str| text.lines().find(|line| line.starts_with("UID:")).map(str::to_owned);
        let again = text(&waiting, "2026-11-03T08:00:00Z");
        assert!(uid(&first).is_some() && uid(&first) == uid(&again));
        let shouted = Job { id: waiting.id.to_ascii_uppercase(), ..waiting };
        assert_eq!(uid(&first), uid(&text(&shouted, "2026-11-03T08:00:00Z")));
        let shipped = text(&job(JobStage::Shipped), "2026-11-03T08:00:00Z");
        assert_ne!(uid(&first), uid(&shipped), "another deadline is another event");
    }

    #[test]
    fn every_line_ends_as_it_must_and_none_is_too_long() {
        let long = Job { name: "é".repeat(90), ..job(JobStage::Waiting) };
        let text = text(&long, "2026-11-02T08:00:00Z");
        assert!(text.ends_with("END:VCALENDAR\r\n"));
        for line in text.split_terminator("\r\n") {
            assert!(line.len() <= LINE_BYTES && !line.contains(['\n', '\r']), "{line}");
        }
        assert!(text.replace("\r\n ", "").contains(&"é".repeat(90)));
    }

    #[test]
    fn a_job_without_a_deadline_has_no_calendar() {
        let path = Path::new("/no/such/folder/file.ics");
        let error = write_calendar(&job(JobStage::Copying), path);
        assert_eq!(error.unwrap_err().0.code(), "no-deadline");
    }
}
