//! The clocks of a job (`azure-import-export` 2.1), counted from its creation: the stricter
//! reading, so that nobody is surprised.

use disk_prep::limits::{CLOCK_DAYS, RETENTION_DAYS};
use jiff::{Timestamp, ToSpan};

use super::state::JobStage;

/// What ends, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// What happens then.
    pub what: &'static str,
    /// Whole days left; negative when it has passed.
    pub days_left: i64,
    /// When.
    pub at: Timestamp,
}

/// The deadline of a job in this state, created then; `None` when nothing runs.
pub fn deadline(stage: JobStage, created: Timestamp, now: Timestamp) -> Option<Deadline> {
    let (days, what) = match stage {
        JobStage::Waiting => (CLOCK_DAYS, "without a tracking number the job is deleted"),
        JobStage::Shipped => (CLOCK_DAYS, "the drives must have arrived"),
        JobStage::Completed | JobStage::Incomplete => {
            (RETENTION_DAYS, "the job and its record are deleted")
        }
        _ => return None,
    };
    let end = created.checked_add((days * 24).hours()).ok()?;
    let days_left = (end.as_second() - now.as_second()).div_euclid(24 * 3600);
    Some(Deadline { what, days_left, at: end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_weeks_run_from_creation_and_pass() {
        let created = Timestamp::from_second(1_000_000).unwrap();
        let left = |stage: JobStage, days: i64| {
            let now = created.checked_add((days * 24).hours()).unwrap();
            deadline(stage, created, now).map(|deadline| deadline.days_left)
        };
        assert_eq!(left(JobStage::Waiting, 0), Some(14));
        assert_eq!(left(JobStage::Shipped, 13), Some(1));
        assert_eq!(left(JobStage::Waiting, 15), Some(-1));
        assert_eq!(left(JobStage::Completed, 80), Some(10));
        assert_eq!(left(JobStage::Copying, 1), None);
        let own = deadline(JobStage::Waiting, created, created).unwrap();
        assert_eq!(own.at.as_second(), 1_000_000 + 14 * 24 * 3600);
    }
}
