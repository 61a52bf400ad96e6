//! A run that ends right after each of its numbered steps, in turn, and the same run once more: what
//! is found in between and in the end, as a table.

use super::*;

/// Ends the run after so many steps, and lets the machine write at each look.
struct Ends<'a> {
    after: usize,
    done: Mutex<Vec<Step>>,
    machine: &'a (dyn Fn() + Sync),
}

impl Watch for Ends<'_> {
    fn step(&self, step: Step) -> Result<(), Error> {
        (self.machine)();
        let mut done = hold(&self.done);
        done.push(step);
        if done.len() == self.after { Err(Error::Stopped) } else { Ok(()) }
    }
    fn sent(&self, _: u64) -> Result<(), Error> {
        (self.machine)();
        Ok(())
    }
    fn looked(&self, _: u64) -> Result<(), Error> {
        (self.machine)();
        Ok(())
    }
    fn say(&self, _: &str) {}
    fn wait(&self, _: &str, _: Duration) -> Result<(), Error> {
        Err(Error::Stopped)
    }
}

type Manner = (&'static str, Nature, Mode, Via);

const MANNERS: [Manner; 4] = [
    ("service's difference", Nature::Azure, Mode::Service, Via::Client),
    ("the same in small parts", Nature::Small, Mode::Service, Via::Client),
    ("own difference", Nature::Azure, Mode::Client, Via::Client),
    ("carried by the service", Nature::Azure, Mode::Service, Via::Server),
];

/// A run ends after so many of its steps; the step, and how many snapshots of the disk there are then.
/// `None` if it has fewer steps.
fn ended(manner: Manner, is_first: bool, after: usize) -> Option<(Step, usize)> {
    let (name, nature, mode, via) = manner;
    let rig = Rig { via, ..Rig::new(7 * after, nature, mode) };
    let mut known = BTreeMap::new();
    let ids = [1, 2, 3].map(Uuid::from_u128);
    (0..12).for_each(|_| rig.write());
    if !is_first {
        rig.run(usize::MAX, None, ids[0]).unwrap();
        rig.learn(&mut known);
        (0..12).for_each(|_| rig.write());
        // Longer by a page, or shorter.
        let pages = if after.is_multiple_of(2) { 25 } else { 20 };
        rig.source.resize((pages * PAGE) as u64, Uuid::nil()).unwrap();
    }
    let machine = || rig.write();
    let ends = Ends { after, done: Mutex::default(), machine: &machine };
    let former = (!is_first).then_some(ids[0]);
    let step = match rig.run_by(&ends, former, ids[1]) {
        Ok(_) => {
            assert!(hold(&ends.done).len() < after);
            return None;
        }
        Err(Error::Stopped) => *hold(&ends.done).last().unwrap(),
        Err(error) => panic!("{name}, after {after} steps: {error}"),
    };
    rig.learn(&mut known);
    rig.check(&known);
    let chain = rig.target.facts(None).unwrap().and_then(|own| Chain::parse(&own.metadata));
    let left = rig.source.snapshots().unwrap();
    assert!((1..=2).contains(&left.len()), "{name}, {step:?}: {left:?}");
    if let Some(baseline) = chain.and_then(|chain| chain.baseline) {
        assert!(left.iter().any(|own| own.id == baseline), "{name}, {step:?}: it is lost");
    }
    let made = rig.run(usize::MAX, Some(ids[1]), ids[2]).unwrap();
    rig.learn(&mut known);
    rig.check(&known);
    assert_eq!(rig.target.content(&made.point), known[&made.source_snapshot], "{name}, {step:?}");
    let end = rig.source.snapshots().unwrap();
    assert_eq!(end.len(), 1, "{name}, {step:?}: only the baseline is left");
    Some((step, left.len() - 1))
}

#[test]
fn a_run_that_ends_after_any_step_is_gone_on_with() {
    let names = MANNERS.map(|own| own.0);
    println!("| ended after | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(names.len()));
    let mut rows = 0;
    for (is_first, run) in [(true, "first copy"), (false, "round")] {
        for after in 1.. {
            let found: Vec<_> = MANNERS.iter().map(|own| ended(*own, is_first, after)).collect();
            let Some((step, _)) = found.iter().flatten().next().copied() else { break };
            let cell = |own: &Option<(Step, usize)>| match own {
                None => "-".to_owned(),
                Some((own, more)) => {
                    assert_eq!(*own, step, "all go the same way");
                    format!("gone on, {more} too many in between")
                }
            };
            let cells: Vec<String> = found.iter().map(cell).collect();
            println!("| {run}: {step:?} | {} |", cells.join(" | "));
            rows += 1;
        }
    }
    assert!(rows >= 10, "{rows} steps");
}
