//! How long a service that is busy is waited for, and who is told of it: a storm of refusals (429,
//! 503) ends by itself, and what is under way goes on behind it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use disk_prep::sys::hold::hold;

/// As long as nobody says otherwise.
const USUAL: Duration = Duration::from_secs(60);
/// Several calls wait at once; one line of all of them is enough for so long.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Tells a sentence to whoever attends.
pub type Teller = Arc<dyn Fn(&str) + Send + Sync>;

/// What calls are made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tempo {
    /// Work, which is worth a wait.
    #[default]
    Work,
    /// A look, which is to say soon that nobody answers (`environment-checks` 3).
    Look,
}

impl Tempo {
    /// A connection stands within.
    pub(super) fn connects_within(self) -> Duration {
        Duration::from_secs(if self == Tempo::Look { 5 } else { 20 })
    }

    /// Between two pieces of an answer, and before its first; a large blob may take as long as it needs.
    pub(super) fn silent_for(self) -> Duration {
        Duration::from_secs(if self == Tempo::Look { 10 } else { 60 })
    }

    /// A call that failed is tried again within; any number of times that there are if nothing is said.
    pub(super) fn tried_within(self) -> Option<Duration> {
        (self == Tempo::Look).then_some(Duration::from_secs(15))
    }
}

/// How long a service that is busy is waited for.
#[derive(Clone)]
pub struct Patience {
    /// So long, of one call.
    pub most: Duration,
    /// What for.
    pub tempo: Tempo,
    teller: Option<Teller>,
    told_at: Arc<Mutex<Option<Instant>>>,
}

impl Patience {
    /// So long, and this one is told.
    pub fn new(most: Duration, teller: Teller) -> Self {
        Patience { most, tempo: Tempo::Work, teller: Some(teller), told_at: Arc::default() }
    }

    /// Tells a sentence, unless one was told just now.
    pub(super) fn tell(&self, text: &str) {
        let Some(teller) = &self.teller else { return };
        let mut told_at = hold(&self.told_at);
        if told_at.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            *told_at = Some(Instant::now());
            teller(text);
        }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Patience { most: USUAL, tempo: Tempo::Work, teller: None, told_at: Arc::default() }
    }
}

impl std::fmt::Debug for Patience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Patience({:?})", self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_wait_at_once_are_told_in_one_line() {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let book = Arc::clone(&told);
        let teller: Teller = Arc::new(move |text| hold(&book).push(text.to_owned()));
        let patience = Patience::new(Duration::from_secs(1), teller);
        let other = patience.clone();
        patience.tell("one");
        other.tell("two");
        assert_eq!(*hold(&told), ["one"]);
        *hold(&patience.told_at) = Instant::now().checked_sub(TOLD_EVERY);
        other.tell("three");
        assert_eq!(*hold(&told), ["one", "three"]);
    }
}
