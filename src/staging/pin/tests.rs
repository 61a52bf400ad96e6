//! Pins compared with what is there now.

use super::super::seed::Destination;
use super::*;
use jiff::Timestamp;

fn seed() -> Seed {
    let (target, now) = (Destination::example(), Timestamp::UNIX_EPOCH);
    let id = Uuid::nil();
    let kind = SeedKind::Repository;
    Seed { id, ..Seed::begin(Origin::Written, kind, "repo".into(), target, now) }
}

/// A journal with records that end at these lengths; its marks are their numbers.
fn journal(name: &str, first: &str, ends: &[u64]) -> Outline {
    let mark = |(at, end): (usize, &u64)| {
        (*end, if at == 0 { first.to_owned() } else { format!("{first}-{at}") })
    };
    let retired = name.rsplit('.').next().unwrap().parse::<u64>().is_ok();
    let standing = if retired { Standing::Retired } else { Standing::Live };
    Outline { name: name.to_owned(), standing, ends: ends.iter().enumerate().map(mark).collect() }
}

fn sight(journals: &[Outline]) -> Sight {
    let outlines = Outlines { journals: journals.to_vec(), ..Outlines::default() };
    Sight { seed: SeedPin::of(&seed()), outlines }
}

fn record(first: &str, bytes: u64, at: usize) -> Intended {
    let mark = if at == 0 { first.to_owned() } else { format!("{first}-{at}") };
    Intended::Record { first: first.to_owned(), bytes, mark }
}

/// What is told, and whether another machine may have done it.
fn told(pin: &Pin, intended: &[Intended], sight: &Sight) -> Vec<(String, bool)> {
    let changes = pin.changes(intended, sight);
    changes.into_iter().map(|change| (change.what, change.may_be_ours)).collect()
}

fn one(what: &str, may_be_ours: bool) -> Vec<(String, bool)> {
    vec![(what.to_owned(), may_be_ours)]
}

#[test]
fn our_own_records_are_known_wherever_a_kill_stopped_and_no_others() {
    let pinned = sight(&[journal("A.journal", "a", &[10, 20])]);
    let pin = Pin::new("/s".into(), &pinned, &[]);
    let intended = [record("a", 30, 2), record("a", 40, 3), record("b", 15, 0)];
    let none = Vec::new();
    for ends in [&[10, 20][..], &[10, 20, 30], &[10, 20, 30, 40]] {
        let now = sight(&[journal("A.journal", "a", ends)]);
        assert_eq!(told(&pin, &intended, &now), none, "{ends:?}");
    }
    let begun = sight(&[journal("A.journal", "a", &[10, 20]), journal("B.journal", "b", &[15])]);
    assert_eq!(told(&pin, &intended, &begun), none);
    let grown = sight(&[journal("A.journal", "a", &[10, 20, 30, 40, 50])]);
    assert_eq!(told(&pin, &intended, &grown), one("Journal A.journal", true));
    let other = sight(&[journal("A.journal", "a", &[10, 20, 35])]);
    assert_eq!(told(&pin, &intended, &other), one("Journal A.journal", true));
    for changed in [
        sight(&[journal("A.journal", "a", &[10])]),
        sight(&[journal("A.journal", "a", &[10, 21])]),
        sight(&[]),
    ] {
        assert_eq!(told(&pin, &intended, &changed), one("Journal A.journal", false));
    }
    let new = sight(&[journal("A.journal", "a", &[10, 20]), journal("C.journal", "c", &[9])]);
    assert_eq!(told(&pin, &intended, &new), one("Journal C.journal", true));
}

#[test]
fn what_was_meant_and_is_not_there_yet_stays_known_when_it_is_pinned_anew() {
    let before = sight(&[journal("A.journal", "a", &[10])]);
    let intended = [record("a", 10, 0), record("a", 20, 1), record("b", 5, 0)];
    let pin = Pin::new("/s".into(), &before, &intended);
    assert_eq!(pin.ahead, [record("a", 20, 1), record("b", 5, 0)]);
    let after = sight(&[journal("A.journal", "a", &[10, 20]), journal("B.journal", "b", &[5])]);
    assert!(told(&pin, &[], &after).is_empty());
    assert!(Pin::new("/s".into(), &after, &pin.ahead).ahead.is_empty());
}

#[test]
fn a_journal_is_put_out_of_the_way_by_us_or_with_a_word() {
    let pin = Pin::new("/s".into(), &sight(&[journal("A.journal", "a", &[10])]), &[]);
    let anew = sight(&[journal("A.journal", "b", &[7]), journal("A.journal.1", "a", &[10])]);
    let ours = [Intended::Retire { first: "a".into() }, record("b", 7, 0)];
    assert!(told(&pin, &ours, &anew).is_empty());
    let both = [("Journal A.journal".to_owned(), true), ("Journal A.journal".to_owned(), true)];
    assert_eq!(told(&pin, &[], &anew), both);
    let pin = Pin::new("/s".into(), &anew, &[]);
    let back = sight(&[journal("A.journal", "a", &[10]), journal("A.journal.1", "b", &[7])]);
    assert!(told(&pin, &[], &back).contains(&("Journal A.journal.1".to_owned(), false)));
}

#[test]
fn fields_are_fixed_or_may_be_set_or_grow() {
    let pin = Pin::begin("/s".into(), &seed());
    let said = |change: &dyn Fn(&mut Seed)| {
        let mut seed = seed();
        change(&mut seed);
        let now = Sight { seed: SeedPin::of(&seed), outlines: Outlines::default() };
        let ours = [Intended::Seed(Box::new(now.seed.clone()))];
        assert!(told(&pin, &ours, &now).is_empty(), "what this machine wrote is known");
        told(&pin, &[], &now)
    };
    assert!(said(&|_| {}).is_empty());
    assert_eq!(said(&|seed| seed.kind = SeedKind::Files), one("Kind", false));
    assert_eq!(said(&|seed| seed.data = "/srv".into()), one("Data", false));
    assert_eq!(said(&|seed| seed.target.prefix = "x/".into()), one("Prefix", false));
    let account = |seed: &mut Seed| seed.target.storage_account = "other1".parse().unwrap();
    assert_eq!(said(&account), one("Account", true));
    assert_eq!(said(&|seed| seed.sources.push("/more".into())), one("Sources", true));
    let pin = Pin::begin("/s".into(), &Seed { sources: vec!["/a".into()], ..seed() });
    let now = Sight { seed: SeedPin::of(&seed()), outlines: Outlines::default() };
    assert_eq!(told(&pin, &[], &now), one("Sources", false), "none of them goes away");
    assert!(serde_json::to_string(&pin).unwrap().contains("\"sources\":[\"/a\"]"));
}
