//! How far jobs and drives are: a stage that both services have, and the service's own word for it.
//! Which word is which stage stands with each service. A word that the service may say tomorrow is
//! kept as it is.

use std::fmt;

use serde::{Serialize, Serializer};

/// How far a job is, whatever its service calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStage {
    /// It is made; nothing was shipped yet.
    Waiting,
    /// The parcel is under way.
    Shipped,
    /// The datacenter has the parcel.
    Received,
    /// The drives are read.
    Copying,
    /// They were read, and go back.
    Returning,
    /// It is over, and all was read.
    Completed,
    /// It is over, and not all was read.
    Incomplete,
    /// It was cancelled.
    Cancelled,
    /// A stage of tomorrow.
    Unknown,
}

/// How far a drive is, whatever its service calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriveStage {
    /// The job names it.
    Named,
    /// The datacenter has it.
    Received,
    /// It did not come.
    Missing,
    /// It is read.
    Copying,
    /// It was read.
    Copied,
    /// It was read in part or not at all; its log says more.
    Incomplete,
    /// It is on its way back.
    Returned,
    /// A stage of tomorrow.
    Unknown,
}

/// A stage and the service's word for it. Shown and written as that word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated<S> {
    /// What programs decide by.
    pub stage: S,
    word: String,
}

/// How far a job is.
pub type JobState = Stated<JobStage>;
/// How far a drive is.
pub type DriveState = Stated<DriveStage>;

impl<S> Stated<S> {
    /// The word of a service, and the stage that it stands for.
    pub fn new(stage: S, word: impl Into<String>) -> Self {
        Stated { stage, word: word.into() }
    }

    /// The service's word.
    pub fn word(&self) -> &str {
        &self.word
    }
}

impl<S> fmt::Display for Stated<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.word)
    }
}

impl<S> Serialize for Stated<S> {
    fn serialize<T: Serializer>(&self, to: T) -> Result<T::Ok, T::Error> {
        to.serialize_str(&self.word)
    }
}

impl JobStage {
    /// The word of records, the same for both services.
    pub const fn name(self) -> &'static str {
        match self {
            JobStage::Waiting => "waiting",
            JobStage::Shipped => "shipped",
            JobStage::Received => "received",
            JobStage::Copying => "copying",
            JobStage::Returning => "returning",
            JobStage::Completed => "completed",
            JobStage::Incomplete => "incomplete",
            JobStage::Cancelled => "cancelled",
            JobStage::Unknown => "unknown",
        }
    }

    /// Whether its parcel was sent: nothing waits for us to say so.
    pub const fn is_sent(self) -> bool {
        !matches!(self, JobStage::Waiting | JobStage::Unknown)
    }

    /// Whether the drives are with the datacenter and not read yet.
    pub const fn is_here(self) -> bool {
        matches!(self, JobStage::Received | JobStage::Copying)
    }

    /// Whether the job has ended, well or not.
    pub const fn is_over(self) -> bool {
        matches!(self, JobStage::Completed | JobStage::Incomplete | JobStage::Cancelled)
    }
}

impl DriveStage {
    /// The word of records, the same for both services.
    pub const fn name(self) -> &'static str {
        match self {
            DriveStage::Named => "named",
            DriveStage::Received => "received",
            DriveStage::Missing => "missing",
            DriveStage::Copying => "copying",
            DriveStage::Copied => "copied",
            DriveStage::Incomplete => "incomplete",
            DriveStage::Returned => "returned",
            DriveStage::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_shown_and_written_in_the_services_word() {
        let state = JobState::new(JobStage::Unknown, "A state of tomorrow");
        assert_eq!(state.to_string(), "A state of tomorrow");
        assert_eq!(
            format!("{:<10}|", JobState::new(JobStage::Incomplete, "Closed")),
            "Closed    |"
        );
        let written = serde_json::to_value(JobState::new(JobStage::Shipped, "Shipping"));
        assert_eq!(written.unwrap(), "Shipping");
    }
}
