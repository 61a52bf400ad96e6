//! A run that ends right after each of its numbered steps, in turn, and the same run once more: what
//! is found in between and in the end, as a table of steps and kinds of source.

use std::collections::BTreeSet;
use std::fs;

use disk_prep::noun::count;

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

const MANNERS: [Manner; 6] = [
    ("page blob, service's difference", Nature::Azure, Mode::Service, Via::Client),
    ("the same in small parts", Nature::Small, Mode::Service, Via::Client),
    ("own difference", Nature::Azure, Mode::Client, Via::Client),
    ("carried by the service", Nature::Azure, Mode::Service, Via::Server),
    ("managed disk", Nature::Managed, Mode::Service, Via::Client),
    ("managed disk, carried by the service", Nature::Managed, Mode::Service, Via::Server),
];

/// What is found between the run that ended and the next.
struct Between {
    step: Step,
    /// Snapshots of the disk that are one too many.
    more: usize,
    /// Snapshots of a managed disk that the run has left open.
    open: usize,
}

/// A run ends after so many of its steps; `None` if it has fewer.
fn ended(manner: Manner, is_first: bool, after: usize) -> Option<Between> {
    let (name, nature, mode, via) = manner;
    let rig = Rig { via, ..Rig::new(7 * after, nature, mode) };
    let mut known = BTreeMap::new();
    let ids = [1, 2, 3].map(Uuid::from_u128);
    (0..12).for_each(|_| rig.write());
    if !is_first {
        rig.run(usize::MAX, None, ids[0]).unwrap();
        rig.learn(&mut known);
        (0..12).for_each(|_| rig.write());
        // Longer by a page, or shorter, which a managed disk never is.
        let is_longer = after.is_multiple_of(2) || nature == Nature::Managed;
        let pages = if is_longer { 25 } else { 20 };
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
    let open = rig.source.killed();
    let made = rig.run(usize::MAX, Some(ids[1]), ids[2]).unwrap();
    assert_eq!(rig.source.left_open(), 0, "{name}, {step:?}: open for ever");
    rig.learn(&mut known);
    rig.check(&known);
    assert_eq!(rig.target.content(&made.point), known[&made.source_snapshot], "{name}, {step:?}");
    let end = rig.source.snapshots().unwrap();
    assert_eq!(end.len(), 1, "{name}, {step:?}: only the baseline is left");
    Some(Between { step, more: left.len() - 1, open })
}

/// The same of an image: the step, and how many points there are then.
fn image_ended(is_brought: bool, is_first: bool, after: usize) -> Option<(Step, usize)> {
    let mut rig = images::Rig::new(7 * after + usize::from(is_first));
    if is_brought {
        rig.bring();
    }
    let (mut known, mut looked) = (BTreeMap::new(), BTreeSet::new());
    let now = |rig: &images::Rig| fs::read(rig.image()).unwrap();
    let id = |number: usize| Uuid::from_u128(100 + number as u128);
    let nobody = Ends { after: usize::MAX, done: Mutex::default(), machine: &|| () };
    if !is_first {
        known.insert("T0000".to_owned(), now(&rig));
        rig.run_by(&nobody, 0, None).unwrap();
        (0..4).for_each(|_| rig.write());
    }
    known.insert("T0001".to_owned(), now(&rig));
    let ends = Ends { after, done: Mutex::default(), machine: &|| () };
    let step = match rig.run_by(&ends, 1, (!is_first).then(|| id(0))) {
        Ok(_) => {
            assert!(hold(&ends.done).len() < after);
            return None;
        }
        Err(Error::Stopped) => *hold(&ends.done).last().unwrap(),
        Err(error) => panic!("image, after {after} steps: {error}"),
    };
    rig.check(&known, &mut looked);
    let points = rig.target.snapshots().unwrap().len();
    // It goes on with the image as it is then, which is another one.
    (0..2).for_each(|_| rig.write());
    known.insert("T0002".to_owned(), now(&rig));
    let made = rig.run_by(&nobody, 2, Some(id(1))).unwrap();
    rig.check(&known, &mut looked);
    assert_eq!(made.source_snapshot, "T0002", "{step:?}");
    assert!(looked.contains(&made.point), "{step:?}: the point is not there");
    Some((step, points))
}

/// What is found after each step: of the first copy, then of a round.
type Column = BTreeMap<(bool, Step), String>;

fn column(ended: impl Fn(bool, usize) -> Option<(Step, String)>) -> Column {
    let mut column = Column::new();
    for is_round in [false, true] {
        let all = (1..).map_while(|after| ended(!is_round, after));
        column.extend(all.map(|(step, cell)| ((is_round, step), cell)));
    }
    column
}

#[test]
fn a_run_that_ends_after_any_step_is_gone_on_with() {
    let opened = AtomicUsize::new(0);
    let of_manner = |manner: &Manner| {
        column(|is_first, after| {
            let Between { step, more, open } = ended(*manner, is_first, after)?;
            opened.fetch_add(open, Ordering::Relaxed);
            let cell = match open {
                0 => format!("gone on, {more} too many in between"),
                open => format!("gone on, {more} too many and {open} open in between"),
            };
            Some((step, cell))
        })
    };
    let mut columns: Vec<(&str, Column)> =
        MANNERS.iter().map(|own| (own.0, of_manner(own))).collect();
    assert!(columns[0].1.len() >= 10, "{:?}", columns[0]);
    for (name, own) in &columns {
        assert!(own.keys().eq(columns[0].1.keys()), "{name}: all go the same way");
    }
    assert!(opened.into_inner() > 10, "nothing was left open");
    for (name, is_brought) in [("image by wire", false), ("image by drive", true)] {
        let own = column(|is_first, after| {
            let (step, points) = image_ended(is_brought, is_first, after)?;
            // The point is there from its step on, and never before.
            let expected = usize::from(step >= Step::Point) + usize::from(!is_first);
            assert_eq!(points, expected, "{name}, {step:?}");
            Some((step, format!("gone on, {} in between", count(points, "point"))))
        });
        assert_eq!(own.len(), 14, "{name}: seven steps each");
        columns.push((name, own));
    }
    let names: Vec<&str> = columns.iter().map(|own| own.0).collect();
    println!("| ended after | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(names.len()));
    let rows: BTreeSet<&(bool, Step)> = columns.iter().flat_map(|own| own.1.keys()).collect();
    for row in rows {
        let run = if row.0 { "round" } else { "first copy" };
        let cell = |own: &(&str, Column)| own.1.get(row).map_or("-".to_owned(), String::clone);
        let cells: Vec<String> = columns.iter().map(cell).collect();
        println!("| {run}: {:?} | {} |", row.1, cells.join(" | "));
    }
}
