//! How far jobs and drives are, in the words of the classic service (`azure-import-export` 2.1, 2.2).
//! A word that the service may say tomorrow is kept as it is.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// An enum of the service's words, and `Other` for those that are not known.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word])* $variant,)*
            /// A word that this program does not know.
            Other(String),
        }

        impl $name {
            /// The service's word.
            pub fn word(&self) -> &str {
                match self {
                    $($name::$variant => stringify!($variant),)*
                    $name::Other(word) => word,
                }
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(word: &str) -> Result<Self, Infallible> {
                Ok(match word {
                    $(stringify!($variant) => $name::$variant,)*
                    other => $name::Other(other.to_owned()),
                })
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                let Ok(state) = word.parse();
                state
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.word())
            }
        }
    };
}

words! {
    /// How far a job is.
    JobState {
        /// It is made; nothing was shipped yet.
        Creating,
        /// The parcel is under way.
        Shipping,
        /// The datacenter has the parcel.
        Received,
        /// The drives are read.
        Transferring,
        /// They are packed to go back.
        Packaging,
        /// It was ended before all was read.
        Closed,
        /// It is over.
        Completed,
    }
}

words! {
    /// How far a drive is.
    DriveState {
        /// The job names it.
        Specified,
        /// The datacenter has it.
        Received,
        /// It did not come.
        NeverReceived,
        /// It is read.
        Transferring,
        /// It was read.
        Completed,
        /// It was read, but for what its log says.
        CompletedMoreInfo,
        /// It is on its way back.
        ShippedBack,
    }
}

impl JobState {
    /// Whether the job has ended, well or not.
    pub fn is_over(&self) -> bool {
        matches!(self, JobState::Completed | JobState::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_and_one_of_tomorrow_is_kept() {
        for word in ["Creating", "Closed", "A state of tomorrow"] {
            assert_eq!(JobState::from(word.to_owned()).to_string(), word);
        }
        assert_eq!(DriveState::from("NeverReceived".to_owned()), DriveState::NeverReceived);
        assert_eq!(format!("{:<10}|", JobState::Closed), "Closed    |");
        assert_eq!(serde_json::to_value(JobState::Shipping).unwrap(), "Shipping");
    }
}
