//! How many files may be open at once. Most systems let a process have 1024, so that programs that
//! wait with select(2) stay right, and let it ask for more: getrlimit(2), RLIMIT_NOFILE.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More are not asked for: what this process starts inherits them, and some programs look at each.
const MOST: u64 = 8192;

/// Asks for as many as the system gives without a right. Where it gives none, there are fewer.
pub fn raise() {
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(MOST, |most| most.min(MOST));
    if now.current.is_some_and(|now| now < wanted) {
        let more = Rlimit { current: Some(wanted), maximum: now.maximum };
        // A sandbox may forbid it.
        let _ = setrlimit(Resource::Nofile, more);
    }
}

/// How many may be open at once, at most [`raise`] asks for.
pub fn most_open() -> usize {
    let now = getrlimit(Resource::Nofile).current.map_or(MOST, |now| now.min(MOST));
    usize::try_from(now).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_the_system_gives() {
        raise();
        let now = getrlimit(Resource::Nofile);
        let given = now.maximum.map_or(MOST, |most| most.min(MOST));
        assert!(now.current.is_none_or(|now| now >= given), "{now:?}");
        assert_eq!(most_open() as u64, given);
    }
}
