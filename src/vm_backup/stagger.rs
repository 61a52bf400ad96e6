//! Start times that are spread: not more machines begin together than the service does well with, and
//! starts lie an hour apart. Pure over the policies of a vault and who has them.

use disk_prep::limits::MACHINES_AT_ONCE;
use disk_prep::noun::Schedule;
use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};

use super::items::{Item, Protection};
use super::names::MachineId;
use super::policies::PolicyFacts;
use super::policy::VmPolicy;

/// Starts lie so far apart, minutes.
const APART: i64 = 60;
/// Times are looked for in such steps: the service takes full and half hours.
const STEP: i64 = APART / 2;
/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// A policy as it should be, and who should have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Its name.
    pub name: String,
    /// What it says.
    pub policy: VmPolicy,
    /// What is to be done with it.
    pub step: SpreadStep,
    /// The machines that should have it.
    pub machines: Vec<MachineId>,
}

/// What is to be done with a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpreadStep {
    /// It stays as it is.
    Keep,
    /// It begins at another time.
    Move,
    /// It is to be made.
    Make,
}

/// What comes of spreading.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spreading {
    /// Policies that machines have, and those to make.
    pub all: Vec<Spread>,
    /// Names of those that cannot be said in a file, which stay as they are.
    pub unknown: Vec<String>,
}

impl Spreading {
    /// Whether all of it is well as it is.
    pub fn is_well(&self) -> bool {
        self.all.iter().all(|own| own.step == SpreadStep::Keep)
    }
}

/// The time of day of a schedule that has one.
fn start(schedule: &Schedule) -> Option<Time> {
    match schedule {
        Schedule::Day { at } | Schedule::Week { at, .. } | Schedule::Weekdays { at, .. } => {
            Some(*at)
        }
        _ => None,
    }
}

/// The same schedule at another time.
fn moved(schedule: &Schedule, to: Time) -> Schedule {
    let mut own = schedule.clone();
    match &mut own {
        Schedule::Day { at } | Schedule::Week { at, .. } | Schedule::Weekdays { at, .. } => {
            *at = to
        }
        _ => {}
    }
    own
}

/// Minutes of the day, in UTC, at which a policy begins now.
fn minute(policy: &VmPolicy, now: Timestamp) -> Option<i64> {
    let at = start(&policy.schedule)?;
    let offset = policy.zone.zone()?.to_offset(now);
    let own = i64::from(at.hour()) * 60 + i64::from(at.minute());
    Some((own - i64::from(offset.seconds()) / 60).rem_euclid(DAY))
}

/// How far two minutes of a day lie apart, the short way round.
fn apart(one: i64, other: i64) -> i64 {
    let way = (one - other).rem_euclid(DAY);
    way.min(DAY - way)
}

/// The policy, so much later.
fn later(policy: &VmPolicy, minutes: i64) -> VmPolicy {
    let Some(at) = start(&policy.schedule) else { return policy.clone() };
    let to = at.wrapping_add(SignedDuration::from_mins(minutes));
    VmPolicy { schedule: moved(&policy.schedule, to), ..policy.clone() }
}

/// Spreads the machines of a vault over policies and times.
pub fn spread(policies: &[PolicyFacts], items: &[Item], now: Timestamp) -> Spreading {
    let mut found = Spreading::default();
    let mut taken: Vec<i64> = Vec::new();
    let is_live =
        |own: &&Item| !matches!(own.protection, Protection::Stopped | Protection::Deleted(_));
    // More than a day has hours for can only begin together.
    let live = items.iter().filter(is_live).count();
    let at_once = MACHINES_AT_ONCE.max(live.div_ceil(24));
    for facts in policies {
        let has_it = |own: &&Item| {
            own.policy.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&facts.name))
        };
        let machines: Vec<MachineId> =
            items.iter().filter(is_live).filter(has_it).map(|own| own.machine.clone()).collect();
        let known = facts.policy.as_ref().and_then(|own| Some((own, minute(own, now)?)));
        let Some((policy, base)) = known else {
            found.unknown.extend((!machines.is_empty()).then(|| facts.name.clone()));
            continue;
        };
        for (at, some) in machines.chunks(at_once).enumerate() {
            let steps = (0..DAY / STEP).map(|step| step * STEP);
            let is_free = |by: &i64| taken.iter().all(|own| apart(base + by, *own) >= APART);
            let by = steps.into_iter().find(is_free).unwrap_or(0);
            taken.push((base + by).rem_euclid(DAY));
            let (name, step) = match (at, by) {
                (0, 0) => (facts.name.clone(), SpreadStep::Keep),
                (0, _) => (facts.name.clone(), SpreadStep::Move),
                _ => (free_name(&facts.name, policies, &found.all), SpreadStep::Make),
            };
            let machines = some.to_vec();
            found.all.push(Spread { name, policy: later(policy, by), step, machines });
        }
    }
    found
}

/// A name that no policy has, nor one that is to be made.
fn free_name(name: &str, policies: &[PolicyFacts], made: &[Spread]) -> String {
    let is_taken = |own: &String| {
        policies.iter().any(|other| other.name.eq_ignore_ascii_case(own))
            || made.iter().any(|other| other.name.eq_ignore_ascii_case(own))
    };
    let mut names = (2..).map(|number: u32| format!("{name}-{number}"));
    names.find(|own| !is_taken(own)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(name: &str, hour: i8) -> PolicyFacts {
        let mut policy = VmPolicy::plain(vec!["every day for 30 days".parse().unwrap()]);
        policy.schedule = Schedule::Day { at: jiff::civil::time(hour, 0, 0, 0) };
        PolicyFacts { name: name.to_owned(), policy: Some(policy), users: 0 }
    }

    fn item(number: usize, policy: &str) -> Item {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/";
        Item {
            machine: MachineId::parse(&format!("{id}m{number}")).unwrap(),
            protection: Protection::Protected,
            policy: Some(policy.to_owned()),
            last: None,
            newest: None,
            health: None,
        }
    }

    fn now() -> Timestamp {
        "2026-11-29T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_begins_together_is_spread_and_what_is_well_stays() {
        let policies = [facts("gold", 2), facts("iron", 2), facts("idle", 2)];
        let items: Vec<Item> =
            (0..9).map(|at| item(at, if at < 7 { "gold" } else { "Iron" })).collect();
        let found = spread(&policies, &items, now());
        let told: Vec<(String, SpreadStep, String, usize)> = found
            .all
            .iter()
            .map(|own| {
                let at = start(&own.policy.schedule).unwrap().strftime("%H:%M").to_string();
                (own.name.clone(), own.step, at, own.machines.len())
            })
            .collect();
        let expected = [
            ("gold", SpreadStep::Keep, "02:00", 4),
            ("gold-2", SpreadStep::Make, "03:00", 3),
            ("iron", SpreadStep::Move, "04:00", 2),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, step, at, machines)| (name.to_owned(), step, at.to_owned(), machines))
            .collect();
        assert_eq!(told, expected);
        assert!(!found.is_well());
        assert!(spread(&policies, &items[..4], now()).is_well());
        let stopped = Item { protection: Protection::Stopped, ..item(9, "gold") };
        assert!(spread(&policies, &[items[..4].to_vec(), vec![stopped]].concat(), now()).is_well());
        let odd = PolicyFacts { policy: None, ..facts("odd", 2) };
        assert_eq!(spread(&[odd], &[item(1, "odd")], now()).unknown, ["odd"]);
    }

    proptest! {
        #[test]
        fn all_machines_stay_and_not_many_begin_within_an_hour(
            given in proptest::collection::vec((0i8..24, 0usize..9), 1..6),
        ) {
            let policies: Vec<PolicyFacts> =
                given.iter().enumerate().map(|(at, own)| facts(&format!("p{at}"), own.0)).collect();
            let mut items = Vec::new();
            for (at, (_, machines)) in given.iter().enumerate() {
                for _ in 0..*machines {
                    items.push(item(items.len(), &format!("p{at}")));
                }
            }
            let found = spread(&policies, &items, now());
            let told: usize = found.all.iter().map(|own| own.machines.len()).sum();
            prop_assert_eq!(told, items.len());
            let starts: Vec<i64> =
                found.all.iter().map(|own| minute(&own.policy, now()).unwrap()).collect();
            for (at, one) in starts.iter().enumerate() {
                prop_assert!(found.all[at].machines.len() <= MACHINES_AT_ONCE);
                prop_assert!(starts[at + 1..].iter().all(|other| apart(*one, *other) >= APART));
            }
        }
    }
}
