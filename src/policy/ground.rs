//! Why a snapshot is kept, and until when.

use std::fmt;

use disk_prep::noun::KeepRule;
use jiff::civil::Date;

/// One reason for which a snapshot is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ground {
    /// A rule names the day on which it was made.
    Rule {
        /// The rule.
        rule: KeepRule,
        /// The day that the rule names: its own, or one before it on which none was made.
        day: Date,
        /// The first day on which the rule no longer keeps it; `None` if the calendar ends before.
        until: Option<Date>,
        /// Whether it stands in for an earlier day.
        is_stand_in: bool,
    },
    /// It is the last one of a span that is counted.
    Span {
        /// What is counted.
        kind: SpanKind,
        /// Which of the spans it is, 1 for the newest.
        number: usize,
        /// How many are kept.
        most: usize,
    },
    /// It is the newest of its sources.
    Newest,
    /// It is the newest whose sources had not shrunk.
    NewestWhole,
    /// It is the newest that is known to have files.
    NewestWithFiles,
    /// It is the newest of those that do not say whether they have files.
    NewestUntold,
    /// It is marked by somebody else.
    Marked,
    /// It is stamped later than now.
    Ahead,
    /// It is of another machine or of sources that this one does not back up.
    Foreign,
    /// A source of it has shrunk, and nobody has accepted that.
    Shrunk,
    /// The policy says nothing, so everything is kept.
    NoPolicy,
    /// The policy would keep nothing, so it is not carried out.
    Refused,
}

impl Ground {
    /// The word of its kind, for a script.
    pub fn word(&self) -> &'static str {
        match self {
            Ground::Rule { .. } => "rule",
            Ground::Span { .. } => "count",
            Ground::Newest => "newest",
            Ground::NewestWhole => "newest-whole",
            Ground::NewestWithFiles => "newest-with-files",
            Ground::NewestUntold => "newest-untold",
            Ground::Marked => "marked",
            Ground::Ahead => "ahead",
            Ground::Foreign => "foreign",
            Ground::Shrunk => "shrunk",
            Ground::NoPolicy => "no-policy",
            Ground::Refused => "policy-refused",
        }
    }

    /// The first day on which it holds no longer, if that is known beforehand.
    pub fn until(&self) -> Option<Date> {
        match self {
            Ground::Rule { until, .. } => *until,
            _ => None,
        }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ground::Rule { rule, day, is_stand_in, .. } => {
                write!(f, "{rule}")?;
                if *is_stand_in { write!(f, ", in place of {day}") } else { Ok(()) }
            }
            Ground::Span { kind, number, most } => {
                write!(f, "the last one of its {}, {number} of {most}", kind.word())
            }
            Ground::Newest => f.write_str("the newest"),
            Ground::NewestWhole => f.write_str("the newest before a source shrank"),
            Ground::NewestWithFiles => f.write_str("the newest with files"),
            Ground::NewestUntold => {
                f.write_str("the newest that does not say how many files it has")
            }
            Ground::Marked => f.write_str("marked by somebody else"),
            Ground::Ahead => f.write_str("stamped later than now"),
            Ground::Foreign => f.write_str("of another machine or other sources"),
            Ground::Shrunk => f.write_str("a source has shrunk, and nobody has accepted that"),
            Ground::NoPolicy => f.write_str("every snapshot is kept"),
            Ground::Refused => f.write_str("a policy that keeps nothing is not carried out"),
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Days.
    Day,
    /// Weeks, which begin on Monday.
    Week,
    /// Months.
    Month,
    /// Years.
    Year,
}

impl SpanKind {
    fn word(self) -> &'static str {
        match self {
            SpanKind::Day => "day",
            SpanKind::Week => "week",
            SpanKind::Month => "month",
            SpanKind::Year => "year",
        }
    }
}
