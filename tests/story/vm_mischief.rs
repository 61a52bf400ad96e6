//! Every command of `vm` on a bad day of the service, and every kind of bad day: it comes off, or it
//! says with a code and a sentence why not, and the same command comes off when the day is over.
//! Whatever happens, nothing is begun twice. `AZSEED_TEST_MISCHIEF=all` is the whole matrix of
//! `tests/long vm-mischief`; without it each kind and each command is met once.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::program::{Said, said};
use crate::vm::{World, words};

/// Commands in the order of a story, what is wrong when each is typed, and how the same command may
/// end afterwards if it was done although it said that it was not.
const DAYS: &[(&str, &str, i32)] = &[
    ("vm guide", "burst-500:2", 0),
    ("vm vault create prod --location westus --resource-group backup-rg", "reset-after:1", 0),
    ("vm vault list", "empty-pages", 0),
    ("vm vault show", "odd-ids", 0),
    ("vm vault plan", "half:1", 0),
    ("vm vault redundancy show", "burst-502:2", 0),
    ("vm vault redundancy set local", "burst-503:2", 0),
    ("vm policy template gfs-example", "burst-500:1", 0),
    ("vm policy set gold --file gold.toml", "operation-fails:1", 0),
    ("vm policy list", "retry-after-seconds:1", 0),
    ("vm policy show gold", "retry-after-date:1", 0),
    ("vm policy simulate gold --years 1", "slow", 0),
    ("vm policy delete gold --yes", "reset-after:1", 10),
    ("vm discover", "relative-status", 0),
    ("vm preflight web", "burst-500:1", 0),
    ("vm list", "odd-ids", 0),
    ("vm protect web db", "doubled-status", 0),
    ("vm register web db", "odd-ids", 0),
    ("vm vault tree", "empty-pages", 0),
    ("vm policy stagger", "half:1", 0),
    ("vm show web", "old-forms", 0),
    ("vm status", "unknown-state", 0),
    ("vm backup db", "operation-fails:1", 0),
    ("vm job list --status InProgress", "unknown-state", 0),
    ("vm job cancel JOB", "burst-503:1", 13),
    ("vm backup web", "reset-after:1", 0),
    ("vm job show JOB", "half:1", 0),
    ("vm job wait JOB", "old-forms", 0),
    ("vm point list web", "empty-pages", 0),
    ("vm point show web POINT", "slow", 0),
    ("vm extension show web", "retry-after-date:1", 0),
    ("vm extension remove web --yes", "reset-after:1", 0),
    ("vm restore disks web --at POINT --account account1 --dry-run", "operation-fails:1", 0),
    ("vm restore disks web --at POINT --account account1", "reset-after:1", 0),
    (
        "vm restore new web --at POINT --account account1 --name w2 --vnet vnet --subnet default",
        "relative-status",
        0,
    ),
    ("vm restore replace web --at POINT --account account1 --yes", "retry-after-seconds:1", 0),
    ("vm unprotect web --keep-data --yes", "operation-fails:1", 0),
    // A token that was given is over, and stays so.
    ("vm unprotect db --delete-data --yes", "expired-token:1", 12),
    ("vm unprotect web --delete-data --yes", "doubled-status", 0),
    ("vm vault delete --yes", "reset-after:1", 10),
];

const ALL: [&str; 16] = [
    "burst-500",
    "burst-502",
    "burst-503",
    "doubled-status",
    "empty-pages",
    "expired-token",
    "half",
    "odd-ids",
    "old-forms",
    "operation-fails",
    "relative-status",
    "reset-after",
    "retry-after-date",
    "retry-after-seconds",
    "slow",
    "unknown-state",
];

/// What no command may fail at: the service will do it yet, or has done it in other words.
const HARMLESS: [&str; 10] = [
    "burst-503",
    "doubled-status",
    "empty-pages",
    "expired-token",
    "odd-ids",
    "old-forms",
    "relative-status",
    "retry-after-date",
    "retry-after-seconds",
    "slow",
];

/// Who calls.
#[derive(Clone, Copy, PartialEq)]
enum SignIn {
    /// By a token that was given, and cannot be had anew.
    Token,
    /// A program, which gets another one.
    Program,
}

/// A story, and what went wrong in it.
struct Story {
    world: World,
    known: String,
    sign_in: SignIn,
    /// A word for each command that was struck, or was not.
    cells: Vec<(String, String)>,
    faults: Vec<String>,
    failed: usize,
}

impl Story {
    fn new(sign_in: SignIn) -> Self {
        let world = World::new(&["web", "db"]);
        let template = world.ok("vm policy template gfs-example");
        fs::write(world.machine.path("gold.toml"), template).unwrap();
        let known = world.machine.expect(0, &["explain", "--list", "--json"]).stdout;
        Story { world, known, sign_in, cells: Vec::new(), faults: Vec::new(), failed: 0 }
    }

    fn call(&self, line: &str) -> Said {
        let mut all = words(line);
        // One who names the subscription is not stopped by its state, which is no machine's.
        if self.sign_in == SignIn::Program && line != "vm guide" {
            all.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
        }
        let mut command = self.world.emulator.command(&self.world.machine, &all);
        if self.sign_in == SignIn::Program {
            command.env_remove("AZSEED_TOKEN").env("AZURE_TENANT_ID", "tenant");
            command.env("AZURE_CLIENT_ID", "client").env("AZURE_CLIENT_SECRET", "secret");
        }
        said(command.output().unwrap())
    }

    /// The command with the newest job and point, at the time when it makes sense.
    fn line(&self, command: &str) -> String {
        let world = &self.world;
        let mut line = command.to_owned();
        if line.contains("JOB") {
            let jobs = world.json(0, "vm job list --operation Backup");
            line = line.replace("JOB", jobs[0]["id"].as_str().unwrap());
        }
        if line.contains("POINT") {
            let points = world.json(0, "vm point list web");
            line = line.replace("POINT", points[0]["id"].as_str().unwrap());
        }
        match command {
            "vm job wait JOB" => world.forward("+7m"),
            "vm vault delete --yes" => world.forward("+15d"),
            _ => {}
        }
        line
    }

    /// One command on one bad day, and again on a good one.
    fn play(&mut self, command: &str, day: &str, later: i32) {
        let operation = if command.contains("restore") { "Restore" } else { "Backup" };
        let line = self.line(command);
        let before = self.world.kept_jobs(operation);
        let (emulator, machine) = (&self.world.emulator, &self.world.machine);
        emulator.mischief(machine, &["--clear", day]);
        let first = self.call(&line);
        let is_struck = emulator.mischief(machine, &[])[0]["struck"].as_u64().unwrap() > 0;
        emulator.mischief(machine, &["--clear"]);
        let told = format!("{}{}", first.stdout, first.stderr);
        let mut faults = Vec::new();
        // Of several machines that fail the call has failed.
        let is_several = first.code == 1 && command == "vm protect web db";
        if ![0, 3, 6, 11, 12, 13, 14].contains(&first.code) && !is_several {
            faults.push(format!("exit code {}", first.code));
        }
        let kind = day.split(':').next().unwrap();
        let is_harmless = HARMLESS.contains(&kind) && self.sign_in == SignIn::Program;
        if is_harmless && first.code != 0 {
            faults.push("it had to come off".to_owned());
        }
        let mut word = first.code.to_string();
        if first.code != 0 {
            self.failed += 1;
            let code = told.split("code: ").nth(1).and_then(|rest| rest.split_whitespace().next());
            let code = code.unwrap_or("none");
            word = format!("{word} {code}");
            if !self.known.contains(&format!("\"code\":\"{code}\"")) {
                faults.push(format!("the code {code} is not explained"));
            }
            let again = self.call(&line);
            if again.code != 0 && again.code != later {
                faults.push(format!("afterwards {}\n{}{}", again.code, again.stdout, again.stderr));
            }
        }
        // A vault that is gone has none any more.
        let begun = self.world.kept_jobs(operation).saturating_sub(before);
        let most = usize::from(command.starts_with("vm backup") || command.contains("restore"));
        if begun > most {
            faults.push(format!("{begun} jobs were begun"));
        }
        let name = command.split(" --").next().unwrap().to_owned();
        self.faults.extend(faults.iter().map(|own| format!("{line} on {day}: {own}\n{told}")));
        self.cells.push((name, if is_struck { word } else { format!("- ({word})") }));
        if command.contains("restore") || command.starts_with("vm job cancel") {
            self.world.forward("+10m");
        }
    }
}

#[test]
fn every_command_meets_a_bad_day_and_comes_off_or_says_why_not() {
    let kinds = DAYS.iter().map(|(_, day, _)| day.split(':').next().unwrap());
    assert_eq!(kinds.collect::<BTreeSet<_>>(), BTreeSet::from(ALL));
    if std::env::var("AZSEED_TEST_MISCHIEF").is_ok_and(|own| own == "all") {
        let (lines, faults) = whole_matrix();
        eprintln!("| command | mischief | exit code, error |\n|---|---|---|\n{}", lines.join("\n"));
        eprintln!("{} cells, {} faults", lines.len(), faults.len());
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        return;
    }
    let mut story = Story::new(SignIn::Token);
    for (command, day, later) in DAYS {
        story.play(command, day, *later);
        if day.starts_with("expired-token") {
            // Somebody signs in again.
            story.sign_in = SignIn::Program;
            let again = story.call(command);
            assert_eq!(again.code, 0, "{command}: {}{}", again.stdout, again.stderr);
        }
    }
    assert!(story.faults.is_empty(), "{}", story.faults.join("\n"));
    assert!(story.failed >= 4, "bad days that change nothing prove nothing: {}", story.failed);
}

/// What came of a command, by what was wrong.
type Row = BTreeMap<&'static str, String>;

/// Each kind strikes each command of a story of its own; the lines of the table, and what went wrong.
fn whole_matrix() -> (Vec<String>, Vec<String>) {
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let table: Mutex<BTreeMap<(usize, String), Row>> = Mutex::default();
    std::thread::scope(|scope| {
        // Most of it is waiting.
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(kind) = ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut story = Story::new(SignIn::Program);
                    // A word that nobody knows is no end: it is waited for another one.
                    let day = if *kind == "unknown-state" { "unknown-state:3" } else { kind };
                    for (command, _, later) in DAYS {
                        story.play(command, day, *later);
                    }
                    faults.lock().unwrap().extend(story.faults);
                    for (at, (name, word)) in story.cells.into_iter().enumerate() {
                        table.lock().unwrap().entry((at, name)).or_default().insert(kind, word);
                    }
                }
            });
        }
    });
    let mut lines = Vec::new();
    for ((_, command), row) in table.into_inner().unwrap() {
        lines.extend(row.iter().map(|(kind, word)| format!("| {command} | {kind} | {word} |")));
    }
    (lines, faults.into_inner().unwrap())
}
