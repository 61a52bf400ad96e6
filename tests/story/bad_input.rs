//! What nobody should say and somebody will: for every command of the program, as its own tree of
//! flags tells them, wrong values of each kind for each flag, and a machine on which something is
//! missing, closed, full or oddly named. Each run ends with a code that `explain` knows and an exit
//! code of the table, names what it refuses, and leaves nothing half made. All are runs of a user
//! without root, who has no terminal. Needs root, to be somebody else.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod calls;
mod flags;
mod machine;
mod places;
mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use calls::CALLS;
use flags::{Flag, leaves};
use machine::Bench;
use values::{Wrong, wrong};

/// Runs at one time.
const AT_ONCE: usize = 3;

/// Whether all is tried, and not one of so many.
pub fn is_long() -> bool {
    std::env::var("AZSEED_TEST_VALUES").is_ok_and(|text| text == "all")
}

/// Does each of the jobs, a few at a time.
fn in_turn<T: Sync>(jobs: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(job);
                }
            });
        }
    });
}

/// A flag of a command with a value that is wrong.
struct Try {
    command: &'static str,
    call: &'static str,
    flag: Flag,
    wrong: Wrong,
}

impl Try {
    /// The whole call.
    fn words(&self) -> Vec<OsString> {
        self.flag.put(self.command, self.call, &self.wrong.value)
    }

    fn what(&self) -> String {
        format!("azseed {} with {} = {:?}", self.command, self.flag.name, self.wrong.value)
    }
}

/// All there are.
fn all() -> Vec<Try> {
    let calls: BTreeMap<&str, &str> = CALLS.iter().copied().collect();
    let leaves = leaves();
    let (own, told): (Vec<_>, Vec<_>) =
        (leaves.iter().map(|(name, _)| name.as_str()).collect(), calls.keys().copied().collect());
    let lacking: Vec<_> = own.iter().filter(|name| !told.contains(name)).collect();
    let gone: Vec<_> = told.iter().filter(|name| !own.contains(name)).collect();
    assert!(lacking.is_empty() && gone.is_empty(), "no call of {lacking:?}; no command {gone:?}");
    let mut all = Vec::new();
    for (name, flags) in leaves {
        let (command, call) = calls.get_key_value(name.as_str()).unwrap();
        for flag in flags {
            for wrong in wrong(flag.is_path) {
                all.push(Try { command, call, flag: flag.clone(), wrong });
            }
        }
    }
    all
}

/// Every value for every flag of every command: what the command line alone can refuse.
#[test]
fn a_value_that_is_refused_is_refused_with_the_name_of_its_flag() {
    let command = azseed::cli::command();
    for (name, call) in CALLS {
        let words = std::iter::once("azseed".to_owned()).chain(calls::words(name, call));
        let whole = command.clone().try_get_matches_from(words);
        assert!(whole.is_ok(), "{name} {call}: {}", whole.unwrap_err());
    }
    let mut refused = 0;
    for own in all() {
        let words = std::iter::once(OsString::from("azseed")).chain(own.words());
        let Err(error) = command.clone().try_get_matches_from(words) else { continue };
        // Two flags of which one is enough.
        if error.kind() == clap::error::ErrorKind::ArgumentConflict {
            continue;
        }
        let what = own.what();
        assert!(error.use_stderr(), "{what}: {error}");
        let told = azseed::cli::hushed(error).to_string();
        // Of a value that is no text clap does not say which.
        let is_named = told.contains(&own.flag.name) || told.contains("invalid UTF-8");
        assert!(is_named, "{what}: {told}");
        refused += 1;
    }
    println!("{refused} values are refused by the command line itself");
    assert!(refused > 2000);
}

/// Values for every flag that there is, with the real program: a third of the values for each, in the
/// long run all of them.
#[test]
fn a_wrong_value_has_a_code_and_an_exit_code_and_leaves_nothing_half_made() {
    let bench = Bench::new();
    let runs = chosen(all(), if is_long() { 1 } else { 3 });
    let whole: Vec<i32> = bench.each_call().iter().map(|said| said.code).collect();
    let codes: BTreeMap<&str, i32> = CALLS.iter().map(|(name, _)| *name).zip(whole).collect();
    let (wrong, taken) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    in_turn(&runs, |own| {
        let (said, changed) = bench.run(&own.words());
        let mut complaints = machine::complaints(&said, &changed);
        let code = codes[own.command];
        if matches!(said.code, 1 | 2) && said.code != code && !own.flag.is_told(&said, &own.wrong) {
            complaints.push("what is refused is not named".to_owned());
        }
        let what = own.what();
        if !complaints.is_empty() {
            let text = format!("{what}: {complaints:?}\n{}{}", said.stdout, said.stderr);
            wrong.lock().unwrap().push(text);
        } else if said.code == 0 {
            // A name may be any, and a file that is written need not be there.
            taken.fetch_add(1, Ordering::Relaxed);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    println!("{} runs, {} values taken for what they are", runs.len(), taken.into_inner());
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(runs.len() > if is_long() { 800 } else { 300 });
}

/// Each value for each flag, or one value of so many, with one of the commands that have it; one after
/// the other have their turn.
fn chosen(all: Vec<Try>, of: usize) -> Vec<Try> {
    let mut homes: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for own in &all {
        let home = homes.entry(own.flag.key()).or_default();
        if home.last() != Some(&own.command) {
            home.push(own.command);
        }
    }
    let turns: BTreeMap<&String, usize> = homes.keys().zip(0..).collect();
    let is_chosen = |own: &Try| {
        let key = own.flag.key();
        let home = &homes[&key];
        (own.wrong.at + turns[&key]).is_multiple_of(of)
            && own.wrong.at % home.len()
                == home.iter().position(|name| *name == own.command).unwrap()
    };
    all.into_iter().filter(is_chosen).collect()
}
