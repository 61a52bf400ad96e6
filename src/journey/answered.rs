//! What a call of Azure's came to, as `check` judges it.

use disk_prep::noun::{Diagnose, ErrorKind};

use crate::azure;
use crate::check::azure::{Answer, Fault};

pub(super) fn map<T, U>(answer: Answer<T>, with: impl FnOnce(&T) -> U) -> Answer<U> {
    match answer {
        Answer::Known(own) => Answer::Known(with(&own)),
        Answer::Absent => Answer::Absent,
        Answer::Unknown(why) => Answer::Unknown(why),
        Answer::Failed(fault) => Answer::Failed(fault),
        Answer::Unasked => Answer::Unasked,
    }
}

pub(super) fn answer<T>(asked: Result<Option<T>, azure::Error>) -> Answer<T> {
    match asked {
        Ok(found) => found.map_or(Answer::Absent, Answer::Known),
        Err(error) => failed(&error),
    }
}

/// Who may not look does not know; who is not signed in, or reaches nobody, can do nothing.
pub(super) fn failed<T>(error: &azure::Error) -> Answer<T> {
    match (error, error.kind()) {
        (azure::Error::NotAllowed { code, .. }, _) => Answer::Unknown(code.clone()),
        (azure::Error::NotFound { .. } | azure::Error::NoSubscription { .. }, _) => Answer::Absent,
        // It says no more of what was asked than that it is busy.
        (azure::Error::AskedToWait { .. } | azure::Error::Failing { status: 429, .. }, _) => {
            let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            Answer::Unknown(format!("{error}{hint}"))
        }
        (_, kind @ (ErrorKind::NotAllowed | ErrorKind::Unreachable | ErrorKind::Usage)) => {
            let action = error.hint().map(|hint| hint.to_string());
            Answer::Failed(Fault {
                kind,
                facts: error.to_string(),
                action: action.unwrap_or_else(|| format!("`azseed explain {}`", error.code())),
                code: error.code(),
            })
        }
        _ => Answer::Unknown(error.to_string()),
    }
}
