//! A policy: rules over the calendar and counts of spans. What either of them keeps is kept.

use std::fmt;

use disk_prep::noun::KeepRule;
use jiff::civil::Date;

use super::calendar::ruled;
use super::ground::Ground;
use super::spans::{Retention, counted};

/// Which snapshots are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// So many of each span.
    pub counts: Retention,
    /// On which days, and how long.
    pub rules: Vec<KeepRule>,
}

impl From<Retention> for Policy {
    fn from(counts: Retention) -> Self {
        Policy { counts, rules: Vec::new() }
    }
}

impl Policy {
    /// Whether it says how many to keep, and says none: no such policy is carried out.
    pub fn keeps_nothing(&self) -> bool {
        self.rules.is_empty() && self.counts.keeps_nothing()
    }

    /// Whether it keeps every snapshot, since it says nothing.
    pub fn keeps_all(&self) -> bool {
        self.rules.is_empty() && self.counts.keeps_all()
    }

    /// What it says, a sentence for each rule.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> = self.rules.iter().map(ToString::to_string).collect();
        if !self.counts.keeps_all() || self.rules.is_empty() {
            sentences.push(self.counts.to_string());
        }
        sentences
    }

    /// Why it keeps, on `today`, what was made on these days, the newest first; see
    /// [`super::calendar`] for `since`.
    pub(super) fn grounds(
        &self,
        newest_first: &[Date],
        today: Date,
        since: Option<Date>,
    ) -> Vec<Vec<Ground>> {
        let ruled = ruled(&self.rules, newest_first, today, since);
        let counted = counted(self.counts, newest_first);
        ruled.into_iter().zip(counted).map(|(ruled, counted)| [ruled, counted].concat()).collect()
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences().join("; "))
    }
}
