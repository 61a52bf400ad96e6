//! What the passing of time does to a job (`azure-import-export` 2.1): two weeks to ship, two
//! weeks to arrive, thirty days to answer, ninety days of keeping. Pure: the time is passed in.

use disk_prep::limits;
use jiff::{SignedDuration, Timestamp};

use super::job::Job;
use super::states::{DriveState, JobState};

/// What has become of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing happened.
    Unchanged,
    /// It went on.
    Changed,
    /// It is gone.
    Deleted,
}

/// Lets a job live up to `now`.
pub fn settle(job: &mut Job, now: Timestamp) -> Fate {
    let days = |count: i64| SignedDuration::from_hours(count.saturating_mul(24));
    let past = |job: &Job, count: i64| now.duration_since(job.since) >= days(count);
    let mut fate = Fate::Unchanged;
    if job.state == JobState::Shipping && past(job, limits::CLOCK_DAYS) {
        for drive in &mut job.drives {
            if drive.step(DriveState::NeverReceived).is_ok() {
                fate = Fate::Changed;
            }
        }
        let given_up = limits::CLOCK_DAYS.saturating_add(limits::ANSWER_DAYS);
        if past(job, given_up) {
            let since = job.since.saturating_add(days(given_up)).unwrap_or(now);
            if job.step(JobState::Closed, since).is_ok() {
                fate = Fate::Changed;
            }
        }
    }
    if job.state.is_final() && past(job, limits::RETURN_DAYS) {
        for drive in &mut job.drives {
            if drive.step(DriveState::ShippedBack).is_ok() {
                fate = Fate::Changed;
            }
        }
    }
    let kept = match job.state {
        JobState::Creating => limits::CLOCK_DAYS,
        state if state.is_final() => limits::RETENTION_DAYS,
        _ => return fate,
    };
    if past(job, kept) { Fate::Deleted } else { fate }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::job::tests::{job, order};

    fn day(count: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(count * 24)
    }

    #[test]
    fn a_job_without_tracking_is_deleted_two_weeks_after_its_last_change() {
        let mut job = job("seed", &["A"]);
        let last = day(14) - SignedDuration::from_secs(1);
        assert_eq!(settle(&mut job, last), Fate::Unchanged);
        assert_eq!(settle(&mut job, day(14)), Fate::Deleted);
        job.since = day(3);
        assert_eq!(settle(&mut job, day(16)), Fate::Unchanged);
        assert_eq!(settle(&mut job, day(17)), Fate::Deleted);
    }

    #[test]
    fn a_parcel_that_never_comes_closes_its_job_and_ninety_days_later_it_is_gone() {
        let mut job = job("seed", &["A"]);
        job.step(JobState::Shipping, day(0)).unwrap();
        assert_eq!(settle(&mut job, day(13)), Fate::Unchanged);
        assert_eq!(settle(&mut job, day(14)), Fate::Changed);
        assert_eq!(job.drives[0].state, DriveState::NeverReceived);
        assert_eq!(settle(&mut job, day(43)), Fate::Unchanged);
        assert_eq!(settle(&mut job, day(50)), Fate::Changed);
        assert_eq!((job.state, job.since), (JobState::Closed, day(44)));
        assert_eq!(settle(&mut job, day(44 + 89)), Fate::Unchanged);
        assert_eq!(settle(&mut job, day(44 + 90)), Fate::Deleted);
    }

    #[test]
    fn a_job_that_was_cancelled_is_kept_for_ninety_days_and_its_drives_never_came() {
        let mut job = order("seed", &["A"]);
        job.step(JobState::Cancelled, day(0)).unwrap();
        assert_eq!(settle(&mut job, day(89)), Fate::Unchanged);
        assert_eq!(job.drives[0].state, DriveState::Specified);
        assert_eq!(settle(&mut job, day(90)), Fate::Deleted);
    }

    #[test]
    fn drives_leave_the_datacenter_a_day_after_the_job_ended() {
        let mut job = job("seed", &["A"]);
        job.state = JobState::Completed;
        job.drives[0].state = DriveState::CompletedMoreInfo;
        assert_eq!(settle(&mut job, day(1)), Fate::Changed);
        assert_eq!(job.drives[0].state, DriveState::ShippedBack);
    }
}
