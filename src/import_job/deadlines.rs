//! The clocks of a job (`azure-import-export` 2.1, 2.4), counted by the service's time and from the
//! job's creation: the stricter reading, so that nobody is surprised. The datacenter's own work is
//! counted from the arrival of the parcel; it is an aim of the service, no promise.

use disk_prep::limits::{CLOCK_DAYS, RETENTION_DAYS, WORK_DAYS};
use disk_prep::noun::count;
use jiff::{Timestamp, ToSpan};

use super::job::Job;
use super::state::JobStage;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Until a tracking number must be there.
    Tracking,
    /// Until the drives must have arrived.
    Arrival,
    /// Until the datacenter should have read the drives.
    Work,
    /// Until the job is no longer kept.
    Retention,
}

/// How near the end of a clock is; the nearer, the louder it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// More than a week.
    Far,
    /// A week at most.
    Week,
    /// Three days at most.
    Days,
    /// A day.
    Day,
    /// Less than that.
    Today,
    /// It is over.
    Passed,
}

/// What ends, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// What is counted.
    pub clock: Clock,
    /// Whole days left; negative when it has passed.
    pub days_left: i64,
    /// When.
    pub at: Timestamp,
}

impl Clock {
    /// The one with this word.
    pub fn named(word: &str) -> Option<Self> {
        let all = [Clock::Tracking, Clock::Arrival, Clock::Work, Clock::Retention];
        all.into_iter().find(|own| own.name() == word)
    }

    /// The word of records.
    pub const fn name(self) -> &'static str {
        match self {
            Clock::Tracking => "tracking",
            Clock::Arrival => "arrival",
            Clock::Work => "work",
            Clock::Retention => "retention",
        }
    }

    /// What happens at its end.
    pub const fn what(self) -> &'static str {
        match self {
            Clock::Tracking => "without a tracking number the job is deleted",
            Clock::Arrival => "the drives must have arrived",
            Clock::Work => "the drives should have been read",
            Clock::Retention => "the job and its record are deleted",
        }
    }

    /// Whether something is lost at its end that we could have kept from it.
    pub const fn is_ours(self) -> bool {
        matches!(self, Clock::Tracking | Clock::Arrival)
    }
}

impl std::fmt::Display for Deadline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (days, what) = (self.days_left, self.clock.what());
        if self.clock == Clock::Work {
            // The service promises nothing, and nobody can do anything before it is late.
            let last = WORK_DAYS.end();
            return match days {
                ..0 => write!(f, "{} later than the {last} days that are aimed at", late(days)),
                _ => write!(f, "{} left of the {last} in which {what}", days_of(days)),
            };
        }
        match self.nearness() {
            Nearness::Passed => write!(f, "passed {} ago: {what}", late(days)),
            Nearness::Today => write!(f, "TODAY, less than a day left, then {what}"),
            Nearness::Day | Nearness::Days => {
                write!(f, "URGENT, {} left, then {what}", days_of(days))
            }
            Nearness::Week => write!(f, "soon, {} left, then {what}", days_of(days)),
            Nearness::Far => write!(f, "{} left, then {what}", days_of(days)),
        }
    }
}

fn days_of(days: i64) -> String {
    count(usize::try_from(days).unwrap_or_default(), "day")
}

/// How long ago it was, of whole days that are left: of none the last one is over.
fn late(days_left: i64) -> String {
    match days_left {
        -1 => "less than a day".to_owned(),
        days => days_of(-days - 1),
    }
}

impl Deadline {
    /// The end of a clock at `at`, seen at `now`.
    pub fn seen(clock: Clock, at: Timestamp, now: Timestamp) -> Self {
        let days_left = (at.as_second() - now.as_second()).div_euclid(24 * 3600);
        Deadline { clock, days_left, at }
    }

    /// How near it is.
    pub const fn nearness(&self) -> Nearness {
        match self.days_left {
            ..0 => Nearness::Passed,
            0 => Nearness::Today,
            1 => Nearness::Day,
            2..=3 => Nearness::Days,
            4..=7 => Nearness::Week,
            _ => Nearness::Far,
        }
    }
}

impl Job {
    /// The clock that runs while the job stands so; `None` when none does, or the service does not
    /// say since when.
    pub fn deadline(&self) -> Option<Deadline> {
        let (clock, since, days) = match self.state.stage {
            JobStage::Waiting => (Clock::Tracking, self.created, CLOCK_DAYS),
            JobStage::Shipped => (Clock::Arrival, self.created, CLOCK_DAYS),
            JobStage::Received | JobStage::Copying => {
                (Clock::Work, self.received, *WORK_DAYS.end())
            }
            JobStage::Completed | JobStage::Incomplete => {
                (Clock::Retention, self.created, RETENTION_DAYS)
            }
            _ => return None,
        };
        let at = since?.checked_add((days * 24).hours()).ok()?;
        Some(Deadline::seen(clock, at, self.told_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_job::DriveStage;

    fn job(stage: JobStage, days: i64) -> Job {
        let created = Timestamp::from_second(1_000_000).unwrap();
        let after = |days: i64| created.checked_add((days * 24).hours()).unwrap();
        Job {
            created: Some(created),
            received: Some(after(5)),
            told_at: after(days),
            ..Job::sample(stage, &[], DriveStage::Named)
        }
    }

    #[test]
    fn two_weeks_run_from_creation_and_the_work_from_arrival_by_the_services_time() {
        let left = |stage, days| job(stage, days).deadline().map(|own| (own.clock, own.days_left));
        assert_eq!(left(JobStage::Waiting, 0), Some((Clock::Tracking, 14)));
        assert_eq!(left(JobStage::Shipped, 13), Some((Clock::Arrival, 1)));
        assert_eq!(left(JobStage::Waiting, 15), Some((Clock::Tracking, -1)));
        assert_eq!(left(JobStage::Received, 6), Some((Clock::Work, 9)));
        assert_eq!(left(JobStage::Copying, 16), Some((Clock::Work, -1)));
        assert_eq!(left(JobStage::Completed, 80), Some((Clock::Retention, 10)));
        assert_eq!(left(JobStage::Returning, 1), None);
        let unknown = Job { received: None, ..job(JobStage::Copying, 6) };
        assert_eq!(unknown.deadline(), None);
        let own = job(JobStage::Waiting, 0).deadline().unwrap();
        assert_eq!(own.at.as_second(), 1_000_000 + 14 * 24 * 3600);
    }

    #[test]
    fn the_nearer_a_deadline_the_louder_it_is_told() {
        let told =
            |days_left, clock| Deadline { clock, days_left, at: Timestamp::UNIX_EPOCH }.to_string();
        let begins = |days, text: &str| {
            let told = told(days, Clock::Tracking);
            assert!(told.starts_with(text) && told.contains("is deleted"), "{told}");
        };
        begins(14, "14 days left");
        begins(8, "8 days left");
        begins(7, "soon, 7 days");
        begins(4, "soon, 4 days");
        begins(3, "URGENT, 3 days");
        begins(1, "URGENT, 1 day left");
        begins(0, "TODAY");
        begins(-1, "passed less than a day ago");
        begins(-2, "passed 1 day ago");
        assert_eq!(
            told(9, Clock::Work),
            "9 days left of the 10 in which the drives should have been read"
        );
        assert_eq!(told(-3, Clock::Work), "2 days later than the 10 days that are aimed at");
    }

    #[test]
    fn it_is_nearer_at_seven_three_and_one_days_and_when_it_is_over() {
        let nearness = |days| job(JobStage::Waiting, days).deadline().unwrap().nearness();
        let all = (0..16).map(nearness);
        let steps: Vec<Nearness> = all.fold(Vec::new(), |mut steps, own| {
            if steps.last() != Some(&own) {
                steps.push(own);
            }
            steps
        });
        use Nearness as N;
        assert_eq!(steps, [N::Far, N::Week, N::Days, N::Day, N::Today, N::Passed]);
        assert_eq!((nearness(6), nearness(7)), (N::Far, N::Week));
        assert_eq!((nearness(10), nearness(11)), (N::Week, N::Days));
        assert_eq!((nearness(13), nearness(14), nearness(15)), (N::Day, N::Today, N::Passed));
    }
}
