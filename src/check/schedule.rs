//! Whether what is scheduled on a machine is started by something, and does not collide. Pure over
//! the turns that were computed and the units that lie there.

use disk_prep::noun::count;
use jiff::{SignedDuration, Timestamp};

use super::finding::{Finding, good, warning};
use super::tree::Tree;

const AREA: &str = "schedule";
/// Runs that begin so close to each other share the line and the machine.
const APART: SignedDuration = SignedDuration::from_mins(30);
/// Where systemd looks for what it starts.
const WANTS: &str = "etc/systemd/system/timers.target.wants";

/// Something that is scheduled.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What it is.
    pub name: String,
    /// When, in words.
    pub when: String,
    /// Its next turns, in order; empty if only systemd knows them.
    pub turns: Vec<Timestamp>,
    /// Timers of systemd, any of which starts it.
    pub timers: Vec<String>,
    /// The line that writes and starts its timer.
    pub install: String,
}

/// What is so for each, and for each two of them.
pub fn look(tree: &Tree, planned: &[Planned]) -> Vec<Finding> {
    if planned.is_empty() {
        return vec![good("timer", "nothing is scheduled on this machine").of(AREA)];
    }
    let mut found: Vec<Finding> = planned.iter().map(|own| timer(tree, own)).collect();
    let pairs = planned.iter().enumerate();
    let pairs = pairs.flat_map(|(at, one)| planned[at + 1..].iter().map(move |other| (one, other)));
    let close: Vec<Finding> = pairs.filter_map(|(one, other)| collide(one, other)).collect();
    if close.is_empty() && planned.len() > 1 {
        found.push(good("collide", "no two runs begin within half an hour of each other"));
    }
    found.extend(close);
    found.into_iter().map(|own| own.of(AREA)).collect()
}

fn timer(tree: &Tree, own: &Planned) -> Finding {
    let Planned { name, when, timers, install, .. } = own;
    match timers.iter().find(|unit| tree.has(&format!("{WANTS}/{unit}"))) {
        Some(unit) => good("timer", format!("{name}, {when}, is started by {unit}")),
        None => {
            let facts = format!("{name} is to run {when}, and no timer of systemd starts it");
            warning("timer", facts, "install one, unless cron calls it").next(install)
        }
    }
}

fn collide(one: &Planned, other: &Planned) -> Option<Finding> {
    let is_close =
        |at: &&Timestamp| other.turns.iter().any(|own| own.duration_since(**at).abs() < APART);
    let close: Vec<&Timestamp> = one.turns.iter().filter(is_close).collect();
    let first = close.first()?;
    let times = count(close.len(), "time");
    let facts = format!(
        "{} and {} begin within half an hour of each other, {times} in two weeks, first at {first:.0}",
        one.name, other.name
    );
    Some(warning("collide", facts, "put one of them at another hour"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(name: &str, turns: &[&str]) -> Planned {
        Planned {
            name: format!("vault {name}"),
            when: "daily 02:00".to_owned(),
            turns: turns.iter().map(|own| own.parse().unwrap()).collect(),
            timers: vec![
                format!("azseed-vault-{name}.timer"),
                format!("azseed-vault@{name}.timer"),
            ],
            install: format!("azseed vault schedule --vault {name} --install"),
        }
    }

    fn words(
        planned: &[Planned],
        installed: &[&str],
    ) -> Vec<(String, &'static str, Option<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let wants = folder.path().join(WANTS);
        std::fs::create_dir_all(&wants).unwrap();
        installed.iter().for_each(|unit| {
            std::os::unix::fs::symlink("/nowhere", wants.join(unit)).unwrap();
        });
        let found = look(&Tree::open(folder.path()).unwrap(), planned);
        found.into_iter().map(|own| (own.id(), own.grade.word(), own.command)).collect()
    }

    #[test]
    fn what_nothing_starts_is_told_with_the_line_that_does() {
        assert_eq!(words(&[], &[]), [("schedule-timer".to_owned(), "good", None)]);
        let own = || [planned("office", &["2026-11-30T02:00:00Z"])];
        let line = Some("azseed vault schedule --vault office --install".to_owned());
        assert_eq!(words(&own(), &[]), [("schedule-timer".to_owned(), "warning", line)]);
        for unit in ["azseed-vault-office.timer", "azseed-vault@office.timer"] {
            assert_eq!(words(&own(), &[unit]), [("schedule-timer".to_owned(), "good", None)]);
        }
    }

    #[test]
    fn runs_that_begin_close_to_each_other_are_told_once_for_each_two() {
        let first = planned("a", &["2026-11-30T02:00:00Z", "2026-12-01T02:00:00Z"]);
        let close = planned("b", &["2026-11-30T02:29:59Z"]);
        let apart = planned("c", &["2026-11-30T03:00:00Z", "2026-12-01T02:30:00Z"]);
        let of = |all: &[Planned]| {
            let found = words(all, &[]).into_iter().filter(|own| own.0 == "schedule-collide");
            found.map(|own| own.1).collect::<Vec<_>>()
        };
        assert_eq!(of(&[first.clone(), close.clone()]), ["warning"]);
        assert_eq!(of(&[first.clone(), apart.clone()]), ["good"]);
        assert_eq!(of(&[first, close, apart]), ["warning"]);
    }
}
