//! Whose turn it is on a job's way: the service's, or ours, and what is to be done then.

use super::job::Job;
use super::state::{DriveStage, JobStage};

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The carrier or the datacenter works; there is nothing to do but to wait.
    Service,
    /// Nothing goes on before we have done this.
    Ours(&'static str),
    /// The drives were read, or what they did not bring was sent.
    Done,
    /// The job has ended, but not all of its drives were read without errors.
    DoneWithErrors(&'static str),
}

impl Turn {
    /// Whose turn it is with a job that stands so.
    pub fn of(job: &Job) -> Self {
        let is_any = |stage| job.drives.iter().any(|drive| drive.state.stage == stage);
        match job.state.stage {
            JobStage::Waiting if job.cancel_requested => {
                Turn::Ours("it is cancelled; `azseed job delete` ends it")
            }
            JobStage::Waiting if job.delivery.is_none() => {
                Turn::Ours("send the drives, then say with whom with `azseed job ship`")
            }
            JobStage::Cancelled => Turn::DoneWithErrors(CANCELLED),
            JobStage::Incomplete | JobStage::Completed if job.is_proven => Turn::Done,
            JobStage::Incomplete => Turn::DoneWithErrors(LOOK_AT_LOGS),
            JobStage::Completed if is_any(DriveStage::Incomplete) => {
                Turn::DoneWithErrors(LOOK_AT_LOGS)
            }
            JobStage::Completed => Turn::Done,
            _ if is_any(DriveStage::Missing) => {
                Turn::Ours("a drive has not arrived; ask the carrier, and answer the datacenter")
            }
            _ => Turn::Service,
        }
    }
}

const CANCELLED: &str = "it was cancelled and nothing was read; `azseed job delete` ends it, and `azseed \
                         job create` makes it anew";
const LOOK_AT_LOGS: &str = "not all was taken in; `azseed job repair` sends the rest";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_job::Delivery;

    fn job(stage: JobStage, is_shipped: bool, drive: DriveStage) -> Job {
        let (carrier, tracking_number) = ("FedEx".to_owned(), "1Z".to_owned());
        let parcel = Delivery { carrier, tracking_number, ship_date: None };
        Job { delivery: is_shipped.then_some(parcel), ..Job::sample(stage, &["S1"], drive) }
    }

    #[test]
    fn it_is_our_turn_before_the_parcel_is_sent_and_when_it_does_not_come() {
        use DriveStage as D;
        use JobStage as J;
        let turn = |stage, is_shipped, drive| Turn::of(&job(stage, is_shipped, drive));
        assert!(matches!(turn(J::Waiting, false, D::Named), Turn::Ours(_)));
        assert_eq!(turn(J::Waiting, true, D::Named), Turn::Service);
        assert_eq!(turn(J::Shipped, true, D::Named), Turn::Service);
        assert!(matches!(turn(J::Shipped, true, D::Missing), Turn::Ours(_)));
        assert_eq!(turn(J::Unknown, true, D::Named), Turn::Service);
        assert_eq!(turn(J::Completed, true, D::Copied), Turn::Done);
        assert_eq!(turn(J::Completed, true, D::Returned), Turn::Done);
        assert!(matches!(turn(J::Completed, true, D::Incomplete), Turn::DoneWithErrors(_)));
        assert!(matches!(turn(J::Incomplete, true, D::Missing), Turn::DoneWithErrors(_)));
        let sent = Job { is_proven: true, ..job(J::Incomplete, true, D::Incomplete) };
        assert_eq!(Turn::of(&sent), Turn::Done);
        assert!(matches!(turn(J::Cancelled, false, D::Named), Turn::DoneWithErrors(_)));
        let cancelled = Job { cancel_requested: true, ..job(J::Waiting, false, D::Named) };
        assert!(matches!(Turn::of(&cancelled), Turn::Ours(what) if what.contains("job delete")));
    }
}
