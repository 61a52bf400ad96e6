//! A job's way in plain words: what has happened, what comes next, and what it needs of us.

use disk_prep::noun::ErrorKind;

use super::deadlines::Nearness;
use super::job::Job;
use super::state::{DriveStage, JobStage};
use super::turn::Turn;

impl JobStage {
    /// What has happened so far.
    pub const fn happened(self) -> &'static str {
        match self {
            JobStage::Waiting => "the job is made; its service knows of no parcel yet",
            JobStage::Shipped => "the service knows the tracking number; the parcel is on its way",
            JobStage::Received => "the datacenter has the parcel",
            JobStage::Copying => "the datacenter reads the drives",
            JobStage::Returning => "the drives were read and go back",
            JobStage::Completed => "all drives were read; the data is in the storage account",
            JobStage::Incomplete => "the job has ended, and not all of it was read",
            JobStage::Cancelled => "the job was cancelled",
            JobStage::Unknown => "the service says a word that this program does not know",
        }
    }

    /// What comes next, and who does it; `None` at the end.
    pub const fn comes(self) -> Option<&'static str> {
        Some(match self {
            JobStage::Waiting => "you send the drives and say with whom; the carrier brings them",
            JobStage::Shipped => {
                "the carrier brings the parcel; the service says so one to three working days later"
            }
            JobStage::Received | JobStage::Copying => {
                "the drives are read, mostly within 7 to 10 days after their arrival; nobody \
                 promises it, and it depends on how many there are and on the data"
            }
            JobStage::Returning => "the carrier brings the drives back, still encrypted",
            JobStage::Completed
            | JobStage::Incomplete
            | JobStage::Cancelled
            | JobStage::Unknown => return None,
        })
    }
}

impl Job {
    /// What a script that only looks should end with: a deadline of ours has passed, the job ended
    /// with errors, or something has to be done within a week. `None` while nothing is lost.
    pub fn alarm(&self) -> Option<ErrorKind> {
        let deadline = self.deadline().filter(|own| own.clock.is_ours());
        let nearness = deadline.map_or(Nearness::Far, |own| own.nearness());
        let is_missing = self.drives.iter().any(|drive| drive.state.stage == DriveStage::Missing);
        match Turn::of(self) {
            _ if nearness == Nearness::Passed => Some(ErrorKind::Refused),
            Turn::DoneWithErrors(_) => Some(ErrorKind::LeftOut),
            Turn::Ours(_) if is_missing || nearness > Nearness::Far => Some(ErrorKind::Resumable),
            Turn::Ours(_) | Turn::Service | Turn::Done => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan};

    use super::*;
    use crate::import_job::Delivery;

    fn job(stage: JobStage, drive: DriveStage, days: i64) -> Job {
        let created = Timestamp::from_second(1_000_000).unwrap();
        let (carrier, tracking_number) = ("FedEx".to_owned(), "1Z".to_owned());
        let parcel = Delivery { carrier, tracking_number, ship_date: None };
        Job {
            created: Some(created),
            delivery: (stage != JobStage::Waiting).then_some(parcel),
            told_at: created.checked_add((days * 24).hours()).unwrap(),
            ..Job::sample(stage, &["S1"], drive)
        }
    }

    #[test]
    fn a_script_hears_of_what_is_lost_or_soon_will_be() {
        use DriveStage as D;
        use JobStage as J;
        let alarm = |stage, drive, days| job(stage, drive, days).alarm();
        assert_eq!(alarm(J::Waiting, D::Named, 6), None);
        assert_eq!(alarm(J::Waiting, D::Named, 7), Some(ErrorKind::Resumable));
        assert_eq!(alarm(J::Waiting, D::Named, 15), Some(ErrorKind::Refused));
        assert_eq!(alarm(J::Shipped, D::Named, 13), None);
        assert_eq!(alarm(J::Shipped, D::Named, 15), Some(ErrorKind::Refused));
        assert_eq!(alarm(J::Received, D::Missing, 2), Some(ErrorKind::Resumable));
        assert_eq!(alarm(J::Completed, D::Copied, 89), None);
        assert_eq!(alarm(J::Completed, D::Incomplete, 89), Some(ErrorKind::LeftOut));
        assert_eq!(alarm(J::Incomplete, D::Copied, 1), Some(ErrorKind::LeftOut));
    }

    #[test]
    fn every_stage_has_its_words() {
        use JobStage as J;
        let all = [J::Waiting, J::Shipped, J::Received, J::Copying, J::Returning, J::Completed];
        for stage in all.into_iter().chain([J::Incomplete, J::Cancelled, J::Unknown]) {
            assert!(!stage.happened().is_empty());
            assert_eq!(stage.comes().is_none(), stage.is_over() || stage == J::Unknown);
        }
    }
}
