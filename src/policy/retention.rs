//! Which snapshots of a source a vault lets go, and why it keeps the others. Pure: snapshots as
//! plain facts, the policy, the time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ground::Ground;
use super::rules::Policy;

/// What a snapshot was made of: snapshots of one origin follow each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The machine.
    pub host: String,
    /// The folders and files.
    pub paths: BTreeSet<PathBuf>,
}

/// A snapshot as the policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Its id.
    pub id: String,
    /// What it was made of.
    pub origin: Origin,
    /// When it was made.
    pub time: Timestamp,
    /// Files that it holds, as far as it says.
    pub files: Option<u64>,
    /// Whether a source had shrunk when it was made, and nobody has said that this is right.
    pub is_shrunk: bool,
    /// Whether it carries a mark of somebody else, who wants it for a reason of his own.
    pub is_marked: bool,
}

/// A snapshot, and why it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged<'a> {
    /// The snapshot.
    pub point: &'a Point,
    /// Every reason to keep it; without any it is let go.
    pub grounds: Vec<Ground>,
}

/// Why each snapshot is kept, the oldest first.
///
/// Always kept: what somebody else has marked; what is stamped later than `now`, as by a clock
/// that once stood ahead; the newest, the newest whose source had not shrunk, the newest with
/// files; and all of a source that shrank, until that is accepted. A policy that keeps nothing
/// lets nothing go.
pub fn judged<'a>(
    points: &'a [Point],
    own: &Origin,
    policy: &Policy,
    zone: &TimeZone,
    now: Timestamp,
) -> Vec<Judged<'a>> {
    let ours: Vec<&Point> =
        points.iter().filter(|point| is_of(&point.origin, own) && !point.is_marked).collect();
    let mut chains: BTreeMap<&Origin, Vec<&Point>> = BTreeMap::new();
    for point in ours.iter().filter(|point| point.time <= now) {
        chains.entry(&point.origin).or_default().push(point);
    }
    let of_chains = chains.into_values().flat_map(|chain| kept(chain, policy, zone, now));
    let mut grounds: BTreeMap<&str, Vec<Ground>> =
        of_chains.map(|(point, grounds)| (point.id.as_str(), grounds)).collect();
    let judge = |point: &'a Point| {
        let mut grounds = grounds.remove(point.id.as_str()).unwrap_or_default();
        let has_shrunk = |path: &PathBuf| has_shrunk(path, &ours, now);
        // A source may lie in snapshots of several origins, as when another one was not there.
        let special = [
            (!is_of(&point.origin, own), Ground::Foreign),
            (point.is_marked, Ground::Marked),
            (point.time > now, Ground::Ahead),
            (point.origin.paths.iter().any(has_shrunk), Ground::Shrunk),
            (policy.keeps_all(), Ground::NoPolicy),
            (policy.keeps_nothing(), Ground::Refused),
        ];
        grounds.extend(special.into_iter().filter(|(is_so, _)| *is_so).map(|(_, ground)| ground));
        Judged { point, grounds }
    };
    let mut all: Vec<Judged<'a>> = points.iter().map(judge).collect();
    all.sort_by_key(|own| (own.point.time, &own.point.id));
    all
}

/// Whether all of a snapshot is of this machine and these sources.
fn is_of(origin: &Origin, own: &Origin) -> bool {
    origin.host == own.host && !origin.paths.is_empty() && origin.paths.is_subset(&own.paths)
}

/// Whether the newest snapshot of a source, or the newest that is not of the future, was made when
/// it had shrunk.
fn has_shrunk(path: &Path, ours: &[&Point], now: Timestamp) -> bool {
    let covers = |point: &&&Point| point.origin.paths.iter().any(|own| path.starts_with(own));
    let newest = |until: Timestamp| {
        let known = ours.iter().filter(|point| point.time <= until).filter(covers);
        known.max_by_key(|point| (point.time, &point.id))
    };
    [now, Timestamp::MAX].into_iter().any(|until| newest(until).is_some_and(|own| own.is_shrunk))
}

/// Which snapshots a rule means.
type IsMeant = fn(&Point) -> bool;

/// Why each snapshot of one origin is kept, none of them of the future.
fn kept<'a>(
    mut chain: Vec<&'a Point>,
    policy: &Policy,
    zone: &TimeZone,
    now: Timestamp,
) -> Vec<(&'a Point, Vec<Ground>)> {
    chain.sort_by_key(|point| std::cmp::Reverse((point.time, &point.id)));
    let date = |time: Timestamp| time.to_zoned(zone.clone()).date();
    let dates: Vec<Date> = chain.iter().map(|point| date(point.time)).collect();
    let mut grounds = policy.grounds(&dates, date(now), None);
    let rules: [(Ground, IsMeant); 4] = [
        (Ground::Newest, |_| true),
        (Ground::NewestWhole, |point| !point.is_shrunk),
        (Ground::NewestWithFiles, |point| point.files.is_some_and(|files| files > 0)),
        // It may have some.
        (Ground::NewestUntold, |point| point.files.is_none()),
    ];
    let mut told = BTreeSet::new();
    for (ground, rule) in rules {
        // Mostly one is all of these, and then it is just the newest.
        if let Some(at) = chain.iter().position(|point| rule(point))
            && told.insert(at)
        {
            grounds[at].push(ground);
        }
    }
    chain.into_iter().zip(grounds).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    use super::*;
    use crate::policy::Retention;

    /// The ids that the policy lets go, the oldest first.
    fn forgettable(
        points: &[Point],
        own: &Origin,
        policy: &Policy,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Vec<String> {
        let all = judged(points, own, policy, zone, now).into_iter();
        all.filter(|own| own.grounds.is_empty()).map(|own| own.point.id.clone()).collect()
    }

    fn origin(host: &str, paths: &[&str]) -> Origin {
        Origin { host: host.to_owned(), paths: paths.iter().map(PathBuf::from).collect() }
    }

    fn point(id: &str, time: &str) -> Point {
        let time = format!("{time}Z").parse().unwrap();
        let origin = origin("alpha", &["/srv"]);
        let id = id.to_owned();
        Point { id, origin, time, files: Some(9), is_shrunk: false, is_marked: false }
    }

    fn let_go(points: &[Point], retention: Retention) -> Vec<String> {
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        forgettable(points, &origin("alpha", &["/srv"]), &retention.into(), &TimeZone::UTC, now)
    }

    fn daily(count: u16) -> Retention {
        Retention { daily: Some(count), ..Retention::default() }
    }

    #[test]
    fn of_each_span_the_last_one_is_kept() {
        let points = [
            point("a", "2026-10-31T10:00:00"),
            point("b", "2026-11-20T10:00:00"),
            point("c", "2026-11-20T22:00:00"),
            point("d", "2026-11-25T10:00:00"),
            point("e", "2026-11-26T10:00:00"),
        ];
        assert_eq!(let_go(&points, Retention::default()), [""; 0]);
        assert_eq!(let_go(&points, daily(1)), ["a", "b", "c", "d"]);
        assert_eq!(let_go(&points, daily(3)), ["a", "b"], "days without one do not count");
        let weekly = Retention { weekly: Some(2), ..Retention::default() };
        assert_eq!(let_go(&points, weekly), ["a", "b", "d"]);
        let both = Retention { monthly: Some(2), ..daily(2) };
        assert_eq!(let_go(&points, both), ["b", "c"]);
        let yearly = Retention { yearly: Some(5), ..Retention::default() };
        assert_eq!(let_go(&points, yearly), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_policy_that_keeps_nothing_is_not_carried_out() {
        let points = [point("a", "2026-11-20T10:00:00"), point("b", "2026-11-25T10:00:00")];
        let zero = Some(0);
        let all = Retention { daily: zero, weekly: zero, monthly: zero, yearly: zero };
        for nothing in [daily(0), Retention { yearly: zero, ..Retention::default() }, all] {
            assert!(nothing.keeps_nothing());
            assert_eq!(let_go(&points, nothing), [""; 0]);
        }
        assert!(!Retention { weekly: Some(1), ..daily(0) }.keeps_nothing());
        assert!(!Retention::default().keeps_nothing());
    }

    #[test]
    fn a_policy_is_told_by_its_spans_and_one_without_any_keeps_every_snapshot() {
        assert_eq!(Retention::default().to_string(), "every snapshot");
        assert_eq!(daily(7).to_string(), "7 daily");
        let all = Retention { weekly: Some(4), monthly: Some(0), yearly: Some(2), ..daily(7) };
        assert_eq!(all.to_string(), "7 daily, 4 weekly, 0 monthly, 2 yearly");
    }

    #[test]
    fn what_is_of_others_or_marked_or_of_the_future_stays_and_takes_no_place() {
        let others =
            Point { origin: origin("beta", &["/srv"]), ..point("b", "2026-11-20T10:00:00") };
        let elsewhere = Point {
            origin: origin("alpha", &["/srv", "/etc"]),
            ..point("c", "2026-11-21T10:00:00")
        };
        let marked = Point { is_marked: true, ..point("d", "2026-11-22T10:00:00") };
        let ahead = point("e", "2037-01-01T00:00:00");
        let own = [point("f", "2026-11-19T10:00:00"), point("g", "2026-11-18T10:00:00")];
        let all = [&own[..], &[others, elsewhere, marked, ahead]].concat();
        assert_eq!(let_go(&all, daily(1)), ["g"]);
    }

    #[test]
    fn a_source_that_shrank_or_lost_its_files_keeps_what_was_good() {
        let empty = Point { files: Some(0), ..point("c", "2026-11-22T10:00:00") };
        let good = [point("a", "2026-11-20T10:00:00"), point("b", "2026-11-21T10:00:00")];
        let all = [&good[..], &[empty]].concat();
        assert_eq!(let_go(&all, daily(1)), ["a"], "the last with files is kept");
        let shrunk = Point { is_shrunk: true, ..point("c", "2026-11-22T10:00:00") };
        let open = [&good[..], std::slice::from_ref(&shrunk)].concat();
        assert_eq!(let_go(&open, daily(1)), [""; 0]);
        let before = Point { time: good[0].time, ..shrunk.clone() };
        let over = [&good[..], &[before]].concat();
        assert_eq!(let_go(&over, daily(1)), ["a", "c"], "the newest is whole again");
        // It is in a snapshot with another source, which was whole at that time.
        let both = origin("alpha", &["/etc", "/srv"]);
        let own = Origin { paths: both.paths.clone(), ..both.clone() };
        let with_other = [&good[..], &[Point { origin: both, ..shrunk }]].concat();
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        let gone = forgettable(&with_other, &own, &daily(1).into(), &TimeZone::UTC, now);
        assert_eq!(gone, [""; 0]);
    }

    fn any_point() -> impl Strategy<Value = Point> {
        let host = prop_oneof![4 => Just("alpha"), 1 => Just("beta")];
        let paths = prop_oneof![
            4 => Just(vec!["/srv"]), 1 => Just(vec!["/etc"]), 1 => Just(vec!["/srv", "/etc"]),
            1 => Just(vec![])
        ];
        let files = prop_oneof![Just(None), Just(Some(0)), Just(Some(7))];
        let shrunk = prop::bool::weighted(0.2);
        let marked = prop::bool::weighted(0.1);
        (any::<u32>(), host, paths, 0i64..900, files, shrunk, marked).prop_map(
            |(id, host, paths, hours, files, is_shrunk, is_marked)| Point {
                id: format!("{id:08x}"),
                origin: origin(host, &paths),
                time: Timestamp::from_second(1_760_000_000 + hours * 7 * 3_600).unwrap(),
                files,
                is_shrunk,
                is_marked,
            },
        )
    }

    #[test]
    fn whatever_there_is_and_whatever_is_asked_the_last_good_ones_stay() {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
        let count = || prop::option::weighted(0.7, 0u16..4);
        let asked = (count(), count(), count(), count());
        let all = (prop::collection::vec(any_point(), 0..24), asked, 0i64..1_000);
        let own = origin("alpha", &["/srv", "/etc"]);
        let carried_out = std::cell::Cell::new(0);
        TestRunner::new_with_rng(config, rng)
            .run(&all, |(mut points, (daily, weekly, monthly, yearly), hours)| {
                points.sort_by(|one, other| one.id.cmp(&other.id));
                points.dedup_by(|one, other| one.id == other.id);
                let now = Timestamp::from_second(1_760_000_000 + hours * 7 * 3_600).unwrap();
                let retention = Retention { daily, weekly, monthly, yearly };
                let gone = forgettable(&points, &own, &retention.into(), &TimeZone::UTC, now);
                let is_gone = |point: &Point| gone.contains(&point.id);
                carried_out.set(carried_out.get() + usize::from(!gone.is_empty()));
                prop_assert!(!retention.keeps_nothing() || gone.is_empty());
                prop_assert_eq!(gone.iter().collect::<BTreeSet<_>>().len(), gone.len());
                for point in points.iter().filter(|point| is_gone(point)) {
                    prop_assert_eq!(&point.origin.host, "alpha");
                    prop_assert!(!point.is_marked && point.time <= now);
                    prop_assert!(!point.origin.paths.is_empty());
                    prop_assert!(point.origin.paths.is_subset(&own.paths));
                    // What stays of its origin, the newest first.
                    let mut chain: Vec<&Point> = points
                        .iter()
                        .filter(|other| other.origin == point.origin && !other.is_marked)
                        .collect();
                    chain.sort_by_key(|point| std::cmp::Reverse((point.time, point.id.clone())));
                    let newest = chain.iter().find(|other| other.time <= now).unwrap();
                    prop_assert!(!is_gone(newest));
                    let ours: Vec<&Point> = points.iter().filter(|own| !own.is_marked).collect();
                    let ours: Vec<&Point> =
                        ours.into_iter().filter(|other| is_of(&other.origin, &own)).collect();
                    for path in &point.origin.paths {
                        let of_it = ours.iter().filter(|own| own.origin.paths.contains(path));
                        let newest = of_it.max_by_key(|own| (own.time, &own.id)).unwrap();
                        prop_assert!(!newest.is_shrunk && !is_gone(newest));
                    }
                    let good = |rule: &dyn Fn(&Point) -> bool| {
                        chain
                            .iter()
                            .find(|own| own.time <= now && rule(own))
                            .is_none_or(|own| !is_gone(own))
                    };
                    prop_assert!(good(&|own| !own.is_shrunk));
                    prop_assert!(good(&|own| own.files.is_some_and(|files| files > 0)));
                }
                // A second time nothing more goes.
                points.retain(|point| !gone.contains(&point.id));
                let again = forgettable(&points, &own, &retention.into(), &TimeZone::UTC, now);
                prop_assert_eq!(again, Vec::<String>::new());
                Ok(())
            })
            .unwrap();
        let carried_out = carried_out.get();
        assert!(carried_out > 500, "{carried_out} of the policies let something go");
    }
}
