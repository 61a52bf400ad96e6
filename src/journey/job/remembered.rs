//! Jobs as this machine saw them last, for when Azure is not asked or does not answer: their clocks
//! run on.

use disk_prep::noun::{ErrorKind, JobId, JobName, ResourceGroup, Serial, Service, SubscriptionId};
use jiff::{Timestamp, ToSpan};

use super::sight::Sight;
use crate::import_job::{Clock, Deadline, Nearness, first_name};
use crate::state::{State, StateError};

/// A job as it was seen last.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Its name.
    pub name: JobName,
    /// Its service.
    pub service: Service,
    /// Where it was made.
    pub place: (SubscriptionId, ResourceGroup),
    /// Its state, in the service's word.
    pub state: String,
    /// The clock that ran, by the service's time as far as it is known.
    pub deadline: Option<Deadline>,
}

impl Remembered {
    fn of(sight: &Sight, now: Timestamp) -> Option<Self> {
        let clock = sight.clock.as_deref().and_then(Clock::named);
        let now = now.checked_add(sight.ahead_hours.hours()).unwrap_or(now);
        let deadline = clock.zip(sight.until).map(|(clock, at)| Deadline::seen(clock, at, now));
        let JobId { job: name, service, subscription, resource_group } = sight.id.parse().ok()?;
        let place = (subscription, resource_group);
        Some(Remembered { name, service, place, state: sight.state.clone(), deadline })
    }

    /// What a script that only looks should end with. A job may have moved on unseen, so what is
    /// near and what seems to have passed are both things to look at in time.
    pub fn alarm(&self) -> Option<ErrorKind> {
        let deadline = self.deadline?;
        let is_near = match deadline.clock {
            Clock::Tracking => deadline.nearness() > Nearness::Far,
            Clock::Arrival => deadline.nearness() == Nearness::Passed,
            Clock::Work | Clock::Retention => false,
        };
        is_near.then_some(ErrorKind::Resumable)
    }
}

impl State {
    /// The jobs of the seed or data set of this name, without those that are gone.
    pub fn jobs_remembered(&self, job: &JobName) -> Result<Vec<Remembered>, StateError> {
        self.remembered(job, |own| !own.is_gone())
    }

    /// Those of them that may still bring something.
    pub fn jobs_underway(&self, job: &JobName) -> Result<Vec<Remembered>, StateError> {
        self.remembered(job, Sight::brings)
    }

    /// Those of them that have this drive and were not sent yet.
    pub fn jobs_awaiting(
        &self,
        job: &JobName,
        serial: &Serial,
    ) -> Result<Vec<Remembered>, StateError> {
        self.remembered(job, |own| own.awaits(serial))
    }

    /// Those of them with which this drive was sent.
    pub fn jobs_with(&self, job: &JobName, serial: &Serial) -> Result<Vec<Remembered>, StateError> {
        self.remembered(job, |own| own.holds(serial))
    }

    fn remembered(
        &self,
        job: &JobName,
        is_meant: impl Fn(&Sight) -> bool,
    ) -> Result<Vec<Remembered>, StateError> {
        let now = Timestamp::now();
        let is = |name: &JobName| name.as_str().eq_ignore_ascii_case(job.as_str());
        let is_own =
            |own: &Remembered| is(&own.name) || first_name(&own.name).as_ref().is_some_and(is);
        let sights = self.sights()?;
        let there = sights.iter().filter(|own| is_meant(own));
        let mut jobs: Vec<_> =
            there.filter_map(|own| Remembered::of(own, now)).filter(is_own).collect();
        jobs.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        Ok(jobs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_seen_runs_on() {
        let day = |days: i64| Timestamp::from_second(days * 24 * 3600).unwrap();
        let alarm = |clock, now| {
            let deadline = Some(Deadline::seen(clock, day(14), day(now)));
            let (name, service) = ("seed-1".parse().unwrap(), Service::ImportExport);
            let id = "11111111-2222-4333-8444-555555555555";
            let place = (id.parse().unwrap(), "rg".parse().unwrap());
            Remembered { name, service, place, state: "Creating".to_owned(), deadline }.alarm()
        };
        let near = Some(ErrorKind::Resumable);
        assert_eq!((alarm(Clock::Tracking, 6), alarm(Clock::Tracking, 7)), (None, near));
        assert_eq!(alarm(Clock::Tracking, 20), near);
        assert_eq!((alarm(Clock::Arrival, 13), alarm(Clock::Arrival, 15)), (None, near));
        assert_eq!(alarm(Clock::Retention, 15), None);
    }
}
