//! Counts of spans: of each day, week, month or year the last snapshot, of so many spans that have
//! one.

use std::collections::BTreeSet;

use jiff::civil::{Date, ISOWeekDate};
use serde::{Deserialize, Serialize};

use super::ground::{Ground, SpanKind};

/// How many snapshots are kept; of each span the last one, counted by the spans that have one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Days.
    pub daily: Option<u16>,
    /// Weeks, which begin on Monday.
    pub weekly: Option<u16>,
    /// Months.
    pub monthly: Option<u16>,
    /// Years.
    pub yearly: Option<u16>,
}

impl Retention {
    /// The counts of days, weeks, months and years.
    pub(super) fn counts(self) -> [Option<u16>; 4] {
        [self.daily, self.weekly, self.monthly, self.yearly]
    }

    /// Whether it says how many to keep, and says none: no such policy is carried out.
    pub fn keeps_nothing(self) -> bool {
        let mut said = self.counts().into_iter().flatten().peekable();
        said.peek().is_some() && said.all(|count| count == 0)
    }

    /// Whether it keeps every snapshot, since it says nothing.
    pub fn keeps_all(self) -> bool {
        self == Retention::default()
    }
}

impl std::fmt::Display for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let spans = ["daily", "weekly", "monthly", "yearly"];
        let kept: Vec<String> = self
            .counts()
            .into_iter()
            .zip(spans)
            .filter_map(|(number, span)| Some(format!("{} {span}", number?)))
            .collect();
        f.write_str(&if kept.is_empty() { "every snapshot".to_owned() } else { kept.join(", ") })
    }
}

/// What the counts keep of days with snapshots, the newest first. The same day may stand there more
/// than once; of each span the first is kept.
pub(super) fn counted(retention: Retention, newest_first: &[Date]) -> Vec<Vec<Ground>> {
    let mut grounds = vec![Vec::new(); newest_first.len()];
    for (count, (kind, span)) in retention.counts().into_iter().zip(SPANS) {
        let most = usize::from(count.unwrap_or(0));
        let mut spans = BTreeSet::new();
        for (date, grounds) in newest_first.iter().zip(&mut grounds) {
            if spans.len() < most && spans.insert(span(*date)) {
                grounds.push(Ground::Span { kind, number: spans.len(), most });
            }
        }
    }
    grounds
}

/// Year and number of the day, week, month or year that a day lies in.
type Span = fn(Date) -> (i16, i16);

const SPANS: [(SpanKind, Span); 4] = [
    (SpanKind::Day, |date| (date.year(), date.day_of_year())),
    (SpanKind::Week, |date| {
        let week: ISOWeekDate = date.iso_week_date();
        (week.year(), week.week().into())
    }),
    (SpanKind::Month, |date| (date.year(), date.month().into())),
    (SpanKind::Year, |date| (date.year(), 0)),
];
