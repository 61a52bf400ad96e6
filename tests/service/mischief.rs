//! Every command that asks Azure against a service on a bad day: it comes off, or fails with a code, a sentence and
//! what to do next; it never makes a second job and never loses a tracking number, and the same
//! command comes off once the day is over. `AZSEED_TEST_MISCHIEF=all` is the whole matrix of
//! `tests/long mischief`; without it each mischief strikes three commands that write, and each
//! other command meets one.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::seed::staged;

const MISCHIEF: [&str; 17] = [
    "retry-after-seconds",
    "retry-after-date",
    "burst-500",
    "burst-502",
    "burst-503",
    "reset-after",
    "slow",
    "half",
    "expired-token",
    "wrong-region",
    "closed-account",
    "operation-fails",
    "relative-status",
    "doubled-status",
    "odd-ids",
    "empty-pages",
    "unknown-state",
];

/// What no command may fail at: the service will do it yet, or has done it in other words.
const HARMLESS: [&str; 9] = [
    "retry-after-seconds",
    "retry-after-date",
    "burst-503",
    "slow",
    "expired-token",
    "relative-status",
    "doubled-status",
    "odd-ids",
    "empty-pages",
];

/// How far a seed is when a command is called.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Stage {
    Staged,
    Sealed,
    Ordered,
    Sent,
    Docked,
    Protected,
}

/// A command, how far the seed is before it, and which mischief it meets; one that writes meets all.
struct Deed {
    words: &'static [&'static str],
    before: Stage,
    meets: Option<&'static str>,
}

const fn deed(before: Stage, words: &'static [&'static str], meets: &'static str) -> Deed {
    Deed { words, before, meets: Some(meets) }
}

const fn write(before: Stage, words: &'static [&'static str]) -> Deed {
    Deed { words, before, meets: None }
}

const DRIVE: &str = "s1.img,serial=S1,size=210M";
const SHIP: &[&str] = &["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"];
const CREATE: &[&str] = &["job", "create", "--location", "westus"];
const VAULT: &[&str] = &["vault", "create", "--vault", "Office"];

const PREP: &[&str] = &["prep", "--drive", DRIVE, "--location", "westus"];
const BACK: &[&str] = &["job", "return-shipping", "--carrier", "FedEx", "--account", "123456780"];

const DEEDS: [Deed; 24] = [
    write(Stage::Sealed, CREATE),
    write(Stage::Ordered, SHIP),
    write(Stage::Docked, &["vault", "run"]),
    deed(Stage::Staged, PREP, "reset-after"),
    deed(Stage::Ordered, &["job", "list"], "empty-pages"),
    deed(Stage::Ordered, &["job", "show"], "odd-ids"),
    deed(Stage::Sent, &["job", "status"], "unknown-state"),
    deed(Stage::Ordered, &["job", "return-address", "--contact", "other.toml"], "operation-fails"),
    deed(Stage::Ordered, BACK, "doubled-status"),
    deed(Stage::Sealed, &["job", "locations", "--location", "westus"], "burst-500"),
    deed(Stage::Ordered, &["job", "cancel", "--yes"], "reset-after"),
    deed(Stage::Docked, &["job", "delete", "--yes"], "relative-status"),
    deed(Stage::Docked, &["job", "repair"], "half"),
    deed(Stage::Docked, &["job", "reconcile"], "slow"),
    deed(Stage::Ordered, &["job", "export", "--file", "job.toml"], "odd-ids"),
    deed(Stage::Sent, &["packing-slip"], "unknown-state"),
    deed(Stage::Sealed, VAULT, "closed-account"),
    deed(Stage::Protected, &["vault", "snapshots"], "expired-token"),
    deed(Stage::Protected, &["vault", "restore", "--target", "restored"], "half"),
    deed(Stage::Protected, &["cleanup", "--yes"], "burst-503"),
    deed(Stage::Sealed, &["check", "azure", "--for", "import"], "retry-after-date"),
    deed(Stage::Sealed, &["provider", "list"], "burst-502"),
    deed(Stage::Sealed, &["provider", "register", "Microsoft.DataBox"], "burst-500"),
    deed(Stage::Sealed, &["subscriptions", "list"], "empty-pages"),
];

/// The seed of one cell, and the Azure it goes to.
struct Scene {
    // Ends before its folder goes away.
    emulator: Emulator,
    machine: Machine,
    staging: String,
}

impl Scene {
    fn open(before: Stage) -> Self {
        let machine = Machine::new();
        let emulator = Emulator::start(&machine);
        let root = machine.path("source/folder");
        fs::create_dir_all(&root).unwrap();
        for number in 0..3u8 {
            fs::write(root.join(format!("file-{number}")), vec![number; 3000]).unwrap();
        }
        let staging = staged(&machine, "1Mi");
        let other = support::CONTACT.replace("4255550100", "4255550199");
        fs::write(machine.path("other.toml"), other).unwrap();
        let scene = Scene { emulator, machine, staging };
        let offline = ["prep", "--offline", "--drive", DRIVE];
        let steps: [(Stage, &[&str]); 6] = [
            (Stage::Sealed, &offline),
            (Stage::Ordered, CREATE),
            (Stage::Ordered, VAULT),
            (Stage::Sent, SHIP),
            (Stage::Docked, &["dock"]),
            (Stage::Protected, &["vault", "run"]),
        ];
        for (stage, words) in steps {
            if stage > before {
                break;
            }
            match words {
                ["dock"] => {
                    let docked = scene.emulator.dock(&scene.machine, &["s1.img,serial=S1"]);
                    assert_eq!(docked[0]["status"], "Completed", "{docked:?}");
                }
                words => {
                    let said = scene.run(words);
                    assert_eq!(said.code, 0, "{words:?}: {said:?}");
                }
            }
        }
        scene
    }

    /// Signed in as a program, so that a token that is over can be had anew.
    fn run(&self, words: &[&str]) -> Said {
        let mut all = words.to_vec();
        let takes_staging = !matches!(words[0], "provider" | "subscriptions" | "vault");
        if takes_staging || words == VAULT {
            all.extend(["--staging", &self.staging]);
        }
        if words[0] == "provider" {
            all.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
        }
        all.push("--json");
        let mut command = self.emulator.command(&self.machine, &all);
        command.env_remove("AZSEED_TOKEN").env("AZURE_TENANT_ID", "tenant");
        command.env("AZURE_CLIENT_ID", "client").env("AZURE_CLIENT_SECRET", "secret");
        said(command.output().unwrap())
    }

    /// The tracking number of the job, if there is one of both.
    fn number(&self) -> Option<String> {
        let jobs = self.emulator.jobs();
        assert!(jobs.len() < 2, "there are two jobs: {jobs:#?}");
        let parcel = jobs.first().map(|job| job["delivery"]["trackingNumber"].clone());
        parcel.and_then(|number| number.as_str().map(str::to_owned))
    }
}

/// What a command ended with, in a word; what is wrong with that, if anything.
fn outcome(said: &Said) -> (String, Option<String>) {
    if said.code == 0 {
        return ("0".to_owned(), None);
    }
    let error = said.stdout.lines().rev().find_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["type"] == "error").then_some(value)
    });
    let Some(error) = error else {
        // What was looked at and found wanting is a result.
        let is_found = matches!(said.code, 3 | 5 | 6 | 13);
        let wrong = (!is_found).then(|| format!("no error is told: {said:?}"));
        return (said.code.to_string(), wrong);
    };
    let code = error["code"].as_str().unwrap_or_default().to_owned();
    let message = error["message"].as_str().unwrap_or_default();
    let explained = Machine::new().run(&["explain", &code, "--json"]);
    let is_explained = explained.code == 0 && explained.stdout.contains("\"action\":\"");
    let is_internal = code.is_empty() || message.is_empty() || said.code == 1 || said.code > 130;
    let wrong = (is_internal || !is_explained).then(|| format!("{error}"));
    (format!("{} {code}", said.code), wrong)
}

/// Plays one cell; the word for the table, and what went wrong.
fn play(deed: &Deed, mischief: &str) -> (String, Vec<String>) {
    let mut wrong = Vec::new();
    let scene = Scene::open(deed.before);
    let before = scene.number();
    scene.emulator.mischief(&scene.machine, &[mischief]);
    let first = scene.run(deed.words);
    let on = scene.emulator.mischief(&scene.machine, &[]);
    let is_struck = on[0]["struck"].as_u64().unwrap() > 0;
    assert!(scene.emulator.mischief(&scene.machine, &["--clear"]).is_empty());
    let (word, bad) = outcome(&first);
    wrong.extend(bad);
    if deed.meets == Some(mischief) && !is_struck {
        wrong.push("it was not met".to_owned());
    }
    let word = if is_struck { word } else { format!("- ({word})") };
    if HARMLESS.contains(&mischief) && first.code != 0 {
        wrong.push(format!("it had to come off: {first:?}"));
    }
    let is_gone = matches!(deed.words[1..], ["delete", ..]);
    if before.is_some() && scene.number() != before && !is_gone {
        wrong.push(format!("the number {before:?} is lost, now {:?}", scene.number()));
    }
    if deed.words == SHIP && first.code == 0 && scene.number().as_deref() != Some("1Z1") {
        wrong.push("it said that the number was entered".to_owned());
    }
    let again = scene.run(deed.words);
    let is_done = again.code == 0 || is_gone && again.code == 10;
    if !is_done {
        wrong.push(format!("on a good day it does not come off: {again:?} after {first:?}"));
    }
    let count = scene.emulator.jobs().len();
    let expected = match deed.words {
        ["job", "delete", ..] => 0,
        ["job", "create", ..] | ["prep", ..] => 1,
        _ => usize::from(deed.before >= Stage::Ordered),
    };
    if count != expected {
        wrong.push(format!("{count} jobs, not {expected}"));
    }
    if deed.words == SHIP && scene.number().as_deref() != Some("1Z1") {
        wrong.push("the number never arrived".to_owned());
    }
    (word, wrong)
}

#[test]
fn no_bad_day_makes_a_second_job_or_loses_a_tracking_number() {
    let is_all = std::env::var("AZSEED_TEST_MISCHIEF").is_ok_and(|own| own == "all");
    let mut cells = Vec::new();
    for deed in &DEEDS {
        let is_met = |mischief: &&&str| is_all || deed.meets.is_none_or(|own| own == **mischief);
        cells.extend(MISCHIEF.iter().filter(is_met).map(|mischief| (deed, *mischief)));
    }
    let next = AtomicUsize::new(0);
    let table: Mutex<BTreeMap<String, BTreeMap<&str, String>>> = Mutex::default();
    let faults: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        // Most of it is waiting.
        for _ in 0..10 {
            scope.spawn(|| {
                while let Some((deed, mischief)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = deed.words.iter().take_while(|word| !word.starts_with('-'));
                    let name = name.copied().collect::<Vec<_>>().join(" ");
                    let (word, wrong) = play(deed, mischief);
                    let told = wrong.into_iter().map(|own| format!("{name}, {mischief}: {own}"));
                    faults.lock().unwrap().extend(told);
                    table.lock().unwrap().entry(name).or_default().insert(mischief, word);
                }
            });
        }
    });
    eprintln!("| command | mischief | exit code, error |\n|---|---|---|");
    for (command, row) in table.into_inner().unwrap() {
        for (mischief, word) in row {
            eprintln!("| {command} | {mischief} | {word} |");
        }
    }
    let faults = faults.into_inner().unwrap();
    eprintln!("{} cells, {} faults", cells.len(), faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
