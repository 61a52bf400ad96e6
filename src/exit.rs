//! The exit codes (`reference`, "Exit codes"), and the only caller of `process::exit`.

use std::process;

use disk_prep::noun::ErrorKind;

/// Every code and what it means, as scripts and papers are told.
pub const MEANINGS: [(i32, &str); 13] = [
    (0, "all done, also when there was nothing left to do"),
    (1, "failed"),
    (2, "wrong flags, names or passwords"),
    (3, "done, but data was left out or a drive set aside"),
    (4, "refused by a safety guard; nothing was written"),
    (5, "verification found a difference"),
    (6, "stopped, can be resumed"),
    (10, "no such drive, job or snapshot"),
    (11, "another run holds it"),
    (12, "not signed in, or the password or key does not open"),
    (13, "refused by a rule of the service"),
    (14, "the service cannot be reached"),
    (130, "interrupted"),
];

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done,
    /// Not all done, for this reason.
    Failed(ErrorKind),
}

impl Exit {
    /// The code that the shell sees.
    pub fn code(self) -> i32 {
        match self {
            Exit::Done => 0,
            Exit::Failed(kind) => match kind {
                ErrorKind::Usage => 2,
                ErrorKind::LeftOut => 3,
                ErrorKind::Guard => 4,
                ErrorKind::Difference => 5,
                ErrorKind::Resumable => 6,
                ErrorKind::NotFound => 10,
                ErrorKind::Busy => 11,
                ErrorKind::NotAllowed => 12,
                ErrorKind::Refused => 13,
                ErrorKind::Unreachable => 14,
                ErrorKind::Interrupted => 130,
                _ => 1,
            },
        }
    }

    /// Of several reasons the one that a script must know first: 130, 5, 6, 3, then the rest.
    pub fn of(kinds: impl IntoIterator<Item = ErrorKind>) -> Exit {
        let rank = |kind: &ErrorKind| match kind {
            ErrorKind::Interrupted => 0,
            ErrorKind::Difference => 1,
            ErrorKind::Resumable => 2,
            ErrorKind::LeftOut => 3,
            _ => 4,
        };
        kinds.into_iter().min_by_key(rank).map_or(Exit::Done, Exit::Failed)
    }

    /// Ends the process.
    pub fn leave(self) -> ! {
        process::exit(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_reasons_decides() {
        let kinds = [ErrorKind::LeftOut, ErrorKind::Resumable, ErrorKind::Difference];
        assert_eq!(Exit::of(kinds).code(), 5);
        assert_eq!(Exit::of([ErrorKind::LeftOut, ErrorKind::Interrupted]).code(), 130);
        assert_eq!(Exit::of([]).code(), 0);
    }
}
