//! A parcel that was handed over, and what both services would refuse of it. What only one of them
//! refuses stands with that one.

use disk_prep::limits::{CLOCK_DAYS, SHIP_AHEAD_HOURS};
use disk_prep::noun::JobName;
use jiff::{Timestamp, ToSpan};

use super::error::Error;
use super::job::Job;
use super::state::JobStage;

/// A parcel that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Who brings it.
    pub carrier: String,
    /// Its tracking number.
    pub tracking_number: String,
    /// When it was handed over.
    pub ship_date: Timestamp,
    /// Drives in it; all of the job's if not said.
    pub drive_count: Option<usize>,
}

impl Shipment {
    /// Refuses what cannot be the parcel of this job, whenever it was handed over.
    pub fn check(&self, job: &Job, name: &JobName) -> Result<(), Error> {
        for (what, text) in [("carrier", &self.carrier), ("tracking number", &self.tracking_number)]
        {
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                return Err(Error::ShipmentBlank { what });
            }
        }
        if job.cancel_requested || job.state.stage == JobStage::Cancelled {
            return Err(Error::Cancelled { job: name.clone() });
        }
        let drives = job.drives.len();
        if let Some(asked) = self.drive_count.filter(|asked| *asked != drives) {
            return Err(Error::DriveCount { job: name.clone(), asked, drives });
        }
        Ok(())
    }

    /// Refuses a day on which it cannot have been handed over. A day may begin before the moment that the job was made at it.
    pub fn check_date(&self, job: &Job, name: &JobName) -> Result<(), Error> {
        let after = |time: Timestamp, hours: i64| time.checked_add(hours.hours()).ok();
        let made = job.created.and_then(|made| after(made, -24));
        let late = job.created.and_then(|made| after(made, CLOCK_DAYS * 24));
        let ahead = after(job.told_at, SHIP_AHEAD_HOURS);
        let why = if made.is_some_and(|made| self.ship_date < made) {
            "before the job was made"
        } else if late.is_some_and(|late| self.ship_date > late) {
            "after the job's deadline"
        } else if ahead.is_some_and(|ahead| self.ship_date > ahead) {
            "more than two days ahead"
        } else {
            return Ok(());
        };
        let date = self.ship_date.strftime("%Y-%m-%d").to_string();
        Err(Error::ShipDateRefused { job: name.clone(), date, why })
    }

    /// The job among these that has the tracking number, if it is another one.
    pub fn taken<'a>(&self, own: &Job, all: &'a [Job]) -> Option<&'a Job> {
        // A job of this name in another resource group is another job.
        let is_own = |other: &Job| match (own.id.is_empty(), other.id.is_empty()) {
            (false, false) => other.id.eq_ignore_ascii_case(&own.id),
            _ => other.service == own.service && other.name.eq_ignore_ascii_case(&own.name),
        };
        all.iter().find(|other| {
            let is_it = |number: &str| number.eq_ignore_ascii_case(self.tracking_number.trim());
            !is_own(other)
                && other.delivery.as_ref().is_some_and(|parcel| is_it(&parcel.tracking_number))
        })
    }

    /// Whether the service has just this parcel already.
    pub fn is_known(&self, job: &Job) -> bool {
        job.delivery.as_ref().is_some_and(|parcel| {
            parcel.carrier == self.carrier && parcel.tracking_number == self.tracking_number
        })
    }
}
