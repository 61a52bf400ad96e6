//! Jobs as a person and a script see them.

use disk_prep::noun::{Diagnose, ErrorKind, JobName};
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use crate::import_job::{Deadline, Job, Location, Turn, Written, deadline};
use crate::journey::job::{Changed, Ended, Seen, Unreached};
use crate::outcome::{Exit, Outcome};

/// Jobs, each with whether this run changed it.
#[derive(Debug)]
pub struct Said {
    pub jobs: Vec<(Job, Written)>,
    pub now: Timestamp,
}

fn days(job: &Job, now: Timestamp) -> Option<Deadline> {
    deadline(&job.state, job.created?, now)
}

fn lines(job: &Job, now: Timestamp) -> Vec<String> {
    let mut lines = vec![
        format!("Job          {}", job.name),
        format!("State        {}, {} %", job.state, job.percent),
        format!("Region       {}", job.location),
    ];
    if job.cancel_requested {
        lines.push("Cancel       asked for".to_owned());
    }
    if let Some(Deadline { what, days_left }) = days(job, now) {
        lines.push(match days_left {
            0.. => format!("Deadline     {days_left} days left, then {what}"),
            _ => format!("Deadline     passed {} days ago: {what}", -days_left),
        });
    }
    for drive in &job.drives {
        lines.push(format!(
            "Drive        {:<20} {}, {} %",
            drive.serial, drive.state, drive.percent
        ));
    }
    match &job.delivery {
        Some(parcel) => {
            lines.push(format!("Parcel       {} {}", parcel.carrier, parcel.tracking_number));
        }
        None => lines.push("Parcel       not shipped: `azseed job ship` says with whom".to_owned()),
    }
    match Turn::of(job) {
        // The line above says it.
        Turn::Ours(_) if job.delivery.is_none() && !job.cancel_requested => {}
        Turn::Ours(what) | Turn::DoneWithErrors(what) => lines.push(format!("Next         {what}")),
        Turn::Done => lines.push(
            "Next         `azseed vault run` takes the seed in, if it is for a vault".to_owned(),
        ),
        Turn::Service => {}
    }
    if let Some(address) = job.shipping.as_ref().filter(|_| job.delivery.is_none()) {
        lines.push("Ship to".to_owned());
        lines.extend(address.lines.iter().map(|line| format!("             {line}")));
        let last = format!("{} {}", address.phone, address.remark);
        lines
            .extend((!last.trim().is_empty()).then(|| format!("             {}", last.trim_end())));
    }
    lines
}

fn value(job: &Job, now: Timestamp) -> Value {
    let drives: Vec<Value> = job
        .drives
        .iter()
        .map(|drive| {
            json!({
                "serial": drive.serial, "state": drive.state, "percent": drive.percent,
                "error_log": drive.error_log,
            })
        })
        .collect();
    json!({
        "type": "job", "version": 1, "name": job.name, "location": job.location,
        "state": job.state, "percent": job.percent, "cancel_requested": job.cancel_requested,
        "created": job.created, "days_left": days(job, now).map(|deadline| deadline.days_left),
        "carrier": job.delivery.as_ref().map(|parcel| &parcel.carrier),
        "tracking_number": job.delivery.as_ref().map(|parcel| &parcel.tracking_number),
        "ship_to": job.shipping.as_ref().map(|address| &address.lines), "drives": drives,
    })
}

impl Outcome for Said {
    fn lines(&self) -> Vec<String> {
        let shown: Vec<_> = self.jobs.iter().map(|(job, _)| lines(job, self.now)).collect();
        shown.join(&String::new())
    }

    fn json(&self) -> Vec<Value> {
        let line = |(job, written): &(Job, Written)| {
            let mut line = value(job, self.now);
            line["changed"] = Value::Bool(*written == Written::Changed);
            line
        };
        self.jobs.iter().map(line).collect()
    }
}

/// All jobs, one a line.
#[derive(Debug)]
pub struct JobList {
    pub jobs: Vec<Job>,
    pub now: Timestamp,
}

impl Outcome for JobList {
    fn lines(&self) -> Vec<String> {
        let mut lines =
            vec![format!("{:<24} {:<14} {:>6} {:>9}", "JOB", "STATE", "DRIVES", "DAYS LEFT")];
        for job in &self.jobs {
            let left = days(job, self.now).map_or("-".to_owned(), |own| own.days_left.to_string());
            lines.push(format!(
                "{:<24} {:<14} {:>6} {left:>9}",
                job.name,
                job.state,
                job.drives.len()
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        self.jobs.iter().map(|job| value(job, self.now)).collect()
    }
}

/// A job that is gone.
#[derive(Debug)]
pub struct Deleted {
    pub job: JobName,
    pub written: Written,
}

impl Outcome for Deleted {
    fn lines(&self) -> Vec<String> {
        vec![match self.written {
            Written::Changed => format!("Job {} is deleted", self.job),
            Written::Unchanged => format!("There was no job {}", self.job),
        }]
    }

    fn json(&self) -> Vec<Value> {
        let changed = self.written == Written::Changed;
        vec![json!({"type": "job-deleted", "version": 1, "name": self.job, "changed": changed})]
    }
}

/// The regions.
#[derive(Debug)]
pub struct Locations(pub Vec<Location>);

impl Outcome for Locations {
    fn lines(&self) -> Vec<String> {
        let lines = |location: &Location| {
            let Location { name, address, carriers, alternates } = location;
            let mut lines = vec![
                name.clone(),
                format!("  {}", address.lines.join(", ")),
                format!("  carriers: {}", carriers.join(", ")),
            ];
            if !alternates.is_empty() {
                lines.push(format!("  takes drives at: {}", alternates.join(", ")));
            }
            lines
        };
        self.0.iter().flat_map(lines).collect()
    }

    fn json(&self) -> Vec<Value> {
        let line = |location: &Location| {
            json!({
                "type": "location", "version": 1, "name": location.name,
                "address": location.address.lines, "carriers": location.carriers,
                "alternates": location.alternates,
            })
        };
        self.0.iter().map(line).collect()
    }
}

impl Outcome for Seen {
    fn lines(&self) -> Vec<String> {
        lines(&self.job, self.at)
    }

    fn json(&self) -> Vec<Value> {
        let mut line = value(&self.job, self.at);
        line["changed"] = Value::Bool(false);
        vec![line]
    }
}

impl Outcome for Changed<'_> {
    fn lines(&self) -> Vec<String> {
        let at = self.at.to_zoned(jiff::tz::TimeZone::system());
        let clock = |line: &String| format!("{}  {line}", at.strftime("%Y-%m-%d %H:%M:%S"));
        self.lines.iter().map(clock).collect()
    }

    fn json(&self) -> Vec<Value> {
        vec![value(self.job, self.at)]
    }
}

impl Outcome for Unreached {
    fn lines(&self) -> Vec<String> {
        let at = Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        vec![format!("{at}  {}; the watch goes on", self.error)]
    }

    fn json(&self) -> Vec<Value> {
        vec![json!({
            "type": "warning", "version": 1, "code": self.error.code(),
            "message": self.error.to_string(),
        })]
    }
}

impl Outcome for Ended {
    fn lines(&self) -> Vec<String> {
        let name = &self.name;
        vec![match self.turn {
            // Only when nobody reads it.
            Turn::Service => return Vec::new(),
            Turn::Ours(what) => format!("Job {name} waits for you: {what}"),
            Turn::Done => format!("Job {name} has ended: every drive was read"),
            Turn::DoneWithErrors(what) => format!("Job {name} has ended with errors: {what}"),
        }]
    }

    fn json(&self) -> Vec<Value> {
        let (turn, next) = match self.turn {
            Turn::Service => ("service", None),
            Turn::Ours(what) => ("ours", Some(what)),
            Turn::Done => ("done", None),
            Turn::DoneWithErrors(what) => ("done-with-errors", Some(what)),
        };
        vec![json!({
            "type": "watch-ended", "version": 1, "name": self.name, "turn": turn, "next": next,
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of(match self.turn {
            Turn::Service | Turn::Done => None,
            Turn::Ours(_) => Some(ErrorKind::Resumable),
            Turn::DoneWithErrors(_) => Some(ErrorKind::LeftOut),
        })
    }
}
