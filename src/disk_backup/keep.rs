//! Which points of a backup are kept: so many of the last, and what the rules of `policy` keep of
//! days, weeks, months and years. The newest is always kept.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::points::DiskPoint;
use crate::policy::{Origin, Point, Policy, Retention, judged};

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// So many of the last points.
    pub last: Option<u16>,
    /// The last of each span, of so many spans.
    #[serde(flatten)]
    pub spans: Retention,
}

impl Default for Keep {
    /// A week of two points a day, and a month.
    fn default() -> Self {
        let spans = Retention { daily: Some(30), ..Retention::default() };
        Keep { last: Some(14), spans }
    }
}

impl Keep {
    /// Whether it says how many to keep, and says none: no such rules are taken or carried out.
    pub fn keeps_nothing(self) -> bool {
        let is_said = self.last.is_some() || !self.spans.keeps_all();
        let is_none = self.spans.keeps_all() || self.spans.keeps_nothing();
        is_said && self.last.unwrap_or(0) == 0 && is_none
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            Some(last) if self.spans.keeps_all() => write!(f, "the last {last}"),
            Some(last) => write!(f, "the last {last}, {}", self.spans),
            None if self.spans.keeps_all() => f.write_str("every point"),
            None => self.spans.fmt(f),
        }
    }
}

/// The points that no rule keeps, the oldest first; `points` are in the order in which they were made.
pub fn let_go<'a>(keep: Keep, points: &'a [DiskPoint], now: &Zoned) -> Vec<&'a DiskPoint> {
    let is_said = keep.last.is_some() || !keep.spans.keeps_all();
    if !is_said || keep.keeps_nothing() {
        return Vec::new();
    }
    let last = usize::from(keep.last.unwrap_or(0)).max(1);
    let older = points.len().saturating_sub(last);
    // All are of one disk, and none of them can shrink or be empty.
    let origin = Origin { host: String::new(), paths: BTreeSet::from([PathBuf::from("disk")]) };
    let as_point = |own: &DiskPoint| {
        Some(Point {
            id: own.backup_snapshot.clone(),
            origin: origin.clone(),
            // One of a clock that was ahead is none of the future.
            time: own.stamped_before().or(own.time())?,
            files: Some(1),
            is_shrunk: false,
            is_marked: false,
        })
    };
    let all: Vec<Point> = points.iter().filter_map(as_point).collect();
    let policy = Policy::from(keep.spans);
    let kept: BTreeSet<&str> = match keep.spans.keeps_all() {
        true => BTreeSet::new(),
        false => judged(&all, &origin, &policy, now.time_zone(), now.timestamp())
            .into_iter()
            .filter(|own| !own.grounds.is_empty())
            .map(|own| own.point.id.as_str())
            .collect(),
    };
    let goes = |own: &&DiskPoint| {
        // One whose time nobody can read is nobody's to let go.
        own.time().is_some() && !kept.contains(own.backup_snapshot.as_str())
    };
    points.get(..older).unwrap_or_default().iter().filter(goes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(time: &str) -> DiskPoint {
        let source_snapshot = time.to_owned();
        let backup_snapshot = format!("b{time}");
        DiskPoint {
            source_snapshot,
            backup_snapshot,
            bytes: 512,
            copy: String::new(),
            generation: 1,
        }
    }

    fn gone(keep: Keep, points: &[DiskPoint]) -> Vec<String> {
        let now = "2026-12-01T00:00:00[UTC]".parse().unwrap();
        let_go(keep, points, &now).into_iter().map(|own| own.source_snapshot.clone()).collect()
    }

    #[test]
    fn what_a_rule_keeps_stays_and_the_newest_always() {
        let times = [
            "2026-10-31T10:00:00.1234567Z",
            "2026-11-20T10:00:00.1234567Z",
            "2026-11-20T22:00:00.1234567Z",
            "2026-11-21T10:00:00.1234567Z",
            "2026-11-22T10:00:00.1234567Z",
        ];
        let all: Vec<DiskPoint> = times.iter().map(|time| point(time)).collect();
        let keep = |last, daily| Keep { last, spans: Retention { daily, ..Retention::default() } };
        assert_eq!(gone(keep(None, None), &all), [""; 0], "nothing said, all kept");
        assert_eq!(gone(keep(Some(2), None), &all), times[..3]);
        for (last, daily) in [(Some(0), None), (None, Some(0)), (Some(0), Some(0))] {
            let none = keep(last, daily);
            assert!(none.keeps_nothing());
            assert_eq!(gone(none, &all), [""; 0], "a policy of nothing is not carried out");
        }
        assert!(!keep(Some(0), Some(1)).keeps_nothing() && !Keep::default().keeps_nothing());
        assert!(!keep(Some(1), Some(0)).keeps_nothing() && !keep(None, None).keeps_nothing());
        assert_eq!(gone(keep(None, Some(3)), &all), times[..2]);
        assert_eq!(gone(keep(Some(4), Some(1)), &all), times[..1]);
        assert_eq!(gone(keep(Some(1), Some(4)), &all), [times[1]]);
        assert_eq!(gone(Keep::default(), &all), [""; 0]);
        // One of a clock that was ahead goes in its turn, and counts for the day on which it was made.
        let ahead = DiskPoint {
            source_snapshot: "2037-01-01T00:00:00Z".to_owned(),
            backup_snapshot: "2026-11-21T09:00:00.1234567Z".to_owned(),
            ..point(times[0])
        };
        let mixed = [&all[..3], std::slice::from_ref(&ahead), &all[3..]].concat();
        assert_eq!(gone(keep(Some(2), None), &mixed).len(), 4);
        assert!(gone(keep(None, Some(3)), &mixed).contains(&ahead.source_snapshot));
        // The others are not counted for it.
        let strange = [&[point("no time")][..], &all].concat();
        assert_eq!(gone(keep(Some(2), None), &strange), times[..3]);
    }
}
