//! Whose turn it is on a job's way: the service's, or ours, and what is to be done then.

use super::job::Job;
use super::state::{DriveState, JobState};

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The carrier or the datacenter works; there is nothing to do but to wait.
    Service,
    /// Nothing goes on before we have done this.
    Ours(&'static str),
    /// The drives were read.
    Done,
    /// The job has ended, but not all of its drives were read without errors.
    DoneWithErrors(&'static str),
}

impl Turn {
    /// Whose turn it is with a job that stands so.
    pub fn of(job: &Job) -> Self {
        let is_any = |state: DriveState| job.drives.iter().any(|drive| drive.state == state);
        match job.state {
            JobState::Creating if job.cancel_requested => {
                Turn::Ours("it is cancelled; `azseed job delete` ends it")
            }
            JobState::Creating if job.delivery.is_none() => {
                Turn::Ours("send the drives, then say with whom with `azseed job ship`")
            }
            JobState::Closed => Turn::DoneWithErrors(LOOK_AT_LOGS),
            JobState::Completed if is_any(DriveState::CompletedMoreInfo) => {
                Turn::DoneWithErrors(LOOK_AT_LOGS)
            }
            JobState::Completed => Turn::Done,
            _ if is_any(DriveState::NeverReceived) => {
                Turn::Ours("a drive has not arrived; ask the carrier, and answer the datacenter")
            }
            _ => Turn::Service,
        }
    }
}

const LOOK_AT_LOGS: &str =
    "not all was taken in; the drives' error logs in the storage account say what";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_job::{Delivery, DriveStatus};

    fn job(state: &str, is_shipped: bool, drive: &str) -> Job {
        let parcel = Delivery { carrier: "FedEx".to_owned(), tracking_number: "1Z".to_owned() };
        Job {
            id: String::new(),
            name: "seed".to_owned(),
            account_id: None,
            location: String::new(),
            state: state.to_owned().into(),
            percent: 0,
            cancel_requested: false,
            created: None,
            shipping: None,
            has_return_address: true,
            delivery: is_shipped.then_some(parcel),
            drives: vec![DriveStatus {
                serial: "S1".to_owned(),
                state: drive.to_owned().into(),
                percent: 0,
                error_log: None,
            }],
        }
    }

    #[test]
    fn it_is_our_turn_before_the_parcel_is_sent_and_when_it_does_not_come() {
        let turn = |state, is_shipped, drive| Turn::of(&job(state, is_shipped, drive));
        assert!(matches!(turn("Creating", false, "Specified"), Turn::Ours(_)));
        assert_eq!(turn("Creating", true, "Specified"), Turn::Service);
        assert_eq!(turn("Shipping", true, "Specified"), Turn::Service);
        assert!(matches!(turn("Shipping", true, "NeverReceived"), Turn::Ours(_)));
        assert_eq!(turn("A state of tomorrow", true, "Specified"), Turn::Service);
        assert_eq!(turn("Completed", true, "Completed"), Turn::Done);
        assert_eq!(turn("Completed", true, "ShippedBack"), Turn::Done);
        assert!(matches!(turn("Completed", true, "CompletedMoreInfo"), Turn::DoneWithErrors(_)));
        assert!(matches!(turn("Closed", true, "NeverReceived"), Turn::DoneWithErrors(_)));
        let cancelled = Job { cancel_requested: true, ..job("Creating", false, "Specified") };
        assert!(matches!(Turn::of(&cancelled), Turn::Ours(what) if what.contains("job delete")));
    }
}
