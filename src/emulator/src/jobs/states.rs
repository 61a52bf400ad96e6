//! The states of jobs and drives, and which may follow which (`azure-import-export` 2.1, 2.2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobState {
    /// Made; the parcel is not on its way.
    Creating,
    /// The parcel is on its way.
    Shipping,
    /// The parcel is in the datacenter.
    Received,
    /// At least one drive is being read.
    Transferring,
    /// All drives were read and are packed for the way back.
    Packaging,
    /// Given to the carrier; only `Microsoft.DataBox` tells this apart from the end.
    Returning,
    /// On the way back, without errors.
    Completed,
    /// On the way back with errors, or given up.
    Closed,
    /// Given up by the customer before it was shipped; only `Microsoft.DataBox` has this.
    Cancelled,
}

impl JobState {
    /// Whether the machine has this step.
    pub fn may_become(self, next: JobState) -> bool {
        use JobState::{
            Cancelled, Closed, Completed, Creating, Packaging, Received, Returning, Shipping,
            Transferring,
        };
        matches!(
            (self, next),
            (Creating, Shipping | Cancelled)
                | (Shipping, Received | Closed)
                | (Received, Transferring)
                | (Transferring, Packaging)
                | (Packaging, Returning | Completed | Closed)
                | (Returning, Completed | Closed)
                // Operators found a drive of the parcel after all.
                | (Closed, Received)
        )
    }

    /// Whether the job has ended.
    pub fn is_final(self) -> bool {
        matches!(self, JobState::Completed | JobState::Closed | JobState::Cancelled)
    }
}

/// State of a drive of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DriveState {
    /// Named by the job.
    Specified,
    /// Checked in.
    Received,
    /// Not in the parcel, or there was no parcel.
    NeverReceived,
    /// Being read.
    Transferring,
    /// Read without errors.
    Completed,
    /// Read; the error log says more.
    CompletedMoreInfo,
    /// Left the datacenter.
    ShippedBack,
}

impl DriveState {
    /// Whether the machine has this step.
    pub fn may_become(self, next: DriveState) -> bool {
        use DriveState::{
            Completed, CompletedMoreInfo, NeverReceived, Received, ShippedBack, Specified,
            Transferring,
        };
        matches!(
            (self, next),
            (Specified, Received | NeverReceived)
                | (NeverReceived, Received)
                // A job that was cancelled is not copied.
                | (Received, Transferring | Completed)
                | (Transferring, Completed | CompletedMoreInfo)
                | (Completed | CompletedMoreInfo, ShippedBack)
        )
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for DriveState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A step that the machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {from} and cannot become {to}")]
pub struct WrongState {
    /// The job or drive.
    pub what: String,
    /// Its state.
    pub from: String,
    /// What it should have become.
    pub to: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOBS: [JobState; 9] = [
        JobState::Creating,
        JobState::Shipping,
        JobState::Received,
        JobState::Transferring,
        JobState::Packaging,
        JobState::Returning,
        JobState::Completed,
        JobState::Closed,
        JobState::Cancelled,
    ];
    const DRIVES: [DriveState; 7] = [
        DriveState::Specified,
        DriveState::Received,
        DriveState::NeverReceived,
        DriveState::Transferring,
        DriveState::Completed,
        DriveState::CompletedMoreInfo,
        DriveState::ShippedBack,
    ];

    #[test]
    fn a_job_has_exactly_the_steps_of_the_published_machine() {
        let steps: Vec<String> = JOBS
            .iter()
            .flat_map(|from| JOBS.map(|to| (*from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| format!("{from}>{to}"))
            .collect();
        assert_eq!(
            steps.join(" "),
            "Creating>Shipping Creating>Cancelled Shipping>Received Shipping>Closed \
             Received>Transferring Transferring>Packaging Packaging>Returning \
             Packaging>Completed Packaging>Closed Returning>Completed Returning>Closed \
             Closed>Received"
        );
    }

    #[test]
    fn a_drive_has_exactly_the_steps_of_the_published_machine() {
        let steps: Vec<String> = DRIVES
            .iter()
            .flat_map(|from| DRIVES.map(|to| (*from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| format!("{from}>{to}"))
            .collect();
        assert_eq!(
            steps.join(" "),
            "Specified>Received Specified>NeverReceived Received>Transferring \
             Received>Completed NeverReceived>Received Transferring>Completed \
             Transferring>CompletedMoreInfo Completed>ShippedBack CompletedMoreInfo>ShippedBack"
        );
    }
}
