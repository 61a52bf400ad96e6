//! The kinds of mischief, and which calls each can strike.

use std::fmt;
use std::str::FromStr;

use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::http::Call;

/// With this header the blob service is told how a copy is to go: `pending` or `failed`.
pub(crate) const COPIES: &str = "x-emulator-copy";

/// Where a call came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Resource manager and sign-in.
    Arm,
    Blobs,
}

/// What the emulator does wrong when it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mischief {
    /// 429 with a pause in seconds.
    RetryAfterSeconds,
    /// 429 with a pause that ends at a date.
    RetryAfterDate,
    /// 500.
    #[serde(rename = "burst-500")]
    Burst500,
    /// 502, with a page for people.
    #[serde(rename = "burst-502")]
    Burst502,
    /// 503.
    #[serde(rename = "burst-503")]
    Burst503,
    /// The connection is reset after a change was taken.
    ResetAfter,
    /// The answer comes in drops.
    Slow,
    /// The connection ends in the middle of the answer.
    Half,
    /// The caller's token is over in mid-run, for good.
    ExpiredToken,
    /// A job's region is not one where it can be made.
    WrongRegion,
    /// The storage account is closed.
    ClosedAccount,
    /// A long-running operation fails at its end, which is told with 200.
    OperationFails,
    /// Where to look for an operation is told without a host.
    RelativeStatus,
    /// Where to look is told twice, and with parts of it doubled.
    DoubledStatus,
    /// Resource ids come back in other letters.
    OddIds,
    /// The first page of each list has nothing on it.
    EmptyPages,
    /// States are words that nobody knows.
    UnknownState,
    /// Lengths of time and words have the form of older answers.
    OldForms,
    /// A copy by the service is still pending, as often as one asks.
    PendingCopies,
    /// A copy by the service fails when nine tenths of it are done.
    FailedCopies,
    /// The pages that changed since a snapshot are not told, as if the blob were another one.
    RefusedDiff,
    /// Snapshots of blobs cannot be read, as in some premium accounts.
    UnreadSnapshots,
    /// A blob takes no snapshot: there was one in the last ten minutes.
    SnapshotRate,
    /// A blob takes no snapshot: it has a hundred.
    SnapshotCount,
    /// Pages that were written are written once more after the lease went to another.
    LateDuplicates,
}

/// A name that no mischief has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownMischief;

/// All of them, by their names.
pub(super) const ALL: [(Mischief, &str); 25] = [
    (Mischief::RetryAfterSeconds, "retry-after-seconds"),
    (Mischief::RetryAfterDate, "retry-after-date"),
    (Mischief::Burst500, "burst-500"),
    (Mischief::Burst502, "burst-502"),
    (Mischief::Burst503, "burst-503"),
    (Mischief::ResetAfter, "reset-after"),
    (Mischief::Slow, "slow"),
    (Mischief::Half, "half"),
    (Mischief::ExpiredToken, "expired-token"),
    (Mischief::WrongRegion, "wrong-region"),
    (Mischief::ClosedAccount, "closed-account"),
    (Mischief::OperationFails, "operation-fails"),
    (Mischief::RelativeStatus, "relative-status"),
    (Mischief::DoubledStatus, "doubled-status"),
    (Mischief::OddIds, "odd-ids"),
    (Mischief::EmptyPages, "empty-pages"),
    (Mischief::UnknownState, "unknown-state"),
    (Mischief::OldForms, "old-forms"),
    (Mischief::PendingCopies, "pending-copies"),
    (Mischief::FailedCopies, "failed-copies"),
    (Mischief::RefusedDiff, "refused-diff"),
    (Mischief::UnreadSnapshots, "unread-snapshots"),
    (Mischief::SnapshotRate, "snapshot-rate"),
    (Mischief::SnapshotCount, "snapshot-count"),
    (Mischief::LateDuplicates, "late-duplicates"),
];

impl Mischief {
    /// Its name.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(own, _)| *own == self).map_or("", |(_, name)| name)
    }

    /// How often it strikes unless it was said; `None` until it is called off.
    pub(super) fn times(self) -> Option<u32> {
        match self {
            Mischief::RetryAfterSeconds
            | Mischief::RetryAfterDate
            | Mischief::ResetAfter
            | Mischief::Half
            | Mischief::ExpiredToken
            | Mischief::FailedCopies
            | Mischief::RefusedDiff
            | Mischief::SnapshotRate
            | Mischief::SnapshotCount => Some(1),
            Mischief::PendingCopies => Some(3),
            Mischief::Burst500 | Mischief::Burst502 | Mischief::Burst503 => Some(2),
            _ => None,
        }
    }

    /// Whether it may strike a call. What depends on the answer is found out by trying.
    pub(super) fn is_for(self, door: Door, call: &Call) -> bool {
        let is_read = matches!(call.method, Method::GET | Method::HEAD);
        match self {
            Mischief::RetryAfterSeconds
            | Mischief::RetryAfterDate
            | Mischief::Burst500
            | Mischief::Burst502
            | Mischief::Burst503
            | Mischief::Slow
            | Mischief::Half => true,
            // What only asks is no change, whatever its method.
            Mischief::ResetAfter => !is_read && !call.path.ends_with("ValidateOperation"),
            Mischief::ExpiredToken => bearer(call).is_some(),
            Mischief::WrongRegion => door == Door::Arm && call.method == Method::PUT,
            Mischief::ClosedAccount => door == Door::Blobs,
            Mischief::OperationFails => {
                let places = ["/operationResults/", "/operationsStatus/", "/backupOperations/"];
                let is_asked = places.iter().any(|place| call.path.contains(place));
                door == Door::Arm && is_read && is_asked
            }
            Mischief::RelativeStatus | Mischief::DoubledStatus => door == Door::Arm,
            Mischief::OddIds => door == Door::Arm,
            Mischief::EmptyPages => call.method == Method::GET,
            Mischief::UnknownState | Mischief::OldForms => door == Door::Arm && is_read,
            Mischief::PendingCopies => door == Door::Blobs,
            Mischief::FailedCopies => {
                door == Door::Blobs && call.headers.contains_key("x-ms-copy-source")
            }
            Mischief::RefusedDiff => {
                door == Door::Blobs
                    && (call.parameter("prevsnapshot").is_some()
                        || call.headers.contains_key("x-ms-previous-snapshot-url"))
            }
            Mischief::UnreadSnapshots => {
                let has = |name| call.parameter(name).is_some();
                door == Door::Blobs && call.method == Method::GET && has("snapshot") && !has("comp")
            }
            Mischief::SnapshotRate | Mischief::SnapshotCount => {
                door == Door::Blobs
                    && call.method == Method::PUT
                    && call.parameter("comp") == Some("snapshot")
            }
            Mischief::LateDuplicates => {
                let is_pages = call.parameter("comp") == Some("page");
                door == Door::Blobs && is_pages && call.header("x-ms-lease-id").is_some()
            }
        }
    }
}

/// The token of a call.
pub(super) fn bearer(call: &Call) -> Option<&str> {
    call.header("authorization")?.strip_prefix("Bearer ")
}

impl FromStr for Mischief {
    type Err = UnknownMischief;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = ALL.iter().find(|(_, name)| *name == text);
        found.map(|(own, _)| *own).ok_or(UnknownMischief)
    }
}

impl fmt::Display for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A mischief that is asked for, and how often: `burst-500:3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What.
    pub mischief: Mischief,
    /// How often; `None` until it is called off.
    pub times: Option<u32>,
}

impl Wanted {
    /// What is wanted by these names.
    pub fn all(names: &[String]) -> Result<Vec<Self>, Error> {
        let unknown = |named: &String| {
            let (named, known) = (named.clone(), ALL.map(|(_, name)| name).join(", "));
            Error::Mischief { named, known }
        };
        names.iter().map(|named| named.parse().map_err(|_| unknown(named))).collect()
    }
}

impl FromStr for Wanted {
    type Err = UnknownMischief;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((name, times)) = text.split_once(':') else {
            let mischief: Mischief = text.parse()?;
            return Ok(Wanted { mischief, times: mischief.times() });
        };
        let times = times.parse().ok().filter(|times| *times > 0).ok_or(UnknownMischief)?;
        Ok(Wanted { mischief: name.parse()?, times: Some(times) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mischief_is_called_by_its_name_and_told_so() {
        for (own, name) in ALL {
            assert_eq!(name.parse::<Mischief>(), Ok(own));
            assert_eq!(serde_json::to_value(own).unwrap(), name, "on the wire too");
        }
        let burst: Wanted = "burst-500:3".parse().unwrap();
        assert_eq!((burst.mischief, burst.times), (Mischief::Burst500, Some(3)));
        assert_eq!("closed-account".parse::<Wanted>().unwrap().times, None);
        for text in ["", "burst", "burst-500:", "burst-500:0", "burst-500:x", ":3"] {
            assert!(text.parse::<Wanted>().is_err(), "{text}");
        }
    }
}
