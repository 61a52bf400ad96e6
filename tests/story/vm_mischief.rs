//! Every command of `vm` on a bad day of the service, and every kind of bad day once: it comes off, or
//! it says with a code and a sentence why not, and the same command comes off when the day is over.
//! Whatever happens, nothing is begun twice.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::collections::BTreeSet;
use std::fs;

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
    ("vm list", "odd-ids", 0),
    ("vm protect web db", "doubled-status", 0),
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
    ("vm restore disks web --at POINT --account account1 --dry-run", "operation-fails:1", 0),
    ("vm restore disks web --at POINT --account account1", "reset-after:1", 0),
    (
        "vm restore new web --at POINT --account account1 --name w2 --vnet vnet --subnet default",
        "relative-status",
        0,
    ),
    ("vm restore replace web --at POINT --account account1 --yes", "retry-after-seconds:1", 0),
    ("vm unprotect web --keep-data --yes", "operation-fails:1", 0),
    // A token that is over stays so.
    ("vm unprotect db --delete-data --yes", "expired-token:1", 12),
];

#[test]
fn every_command_meets_a_bad_day_and_comes_off_or_says_why_not() {
    let world = World::new(&["web", "db"]);
    let template = world.ok("vm policy template gfs-example");
    fs::write(world.machine.path("gold.toml"), template).unwrap();
    let known = world.machine.expect(0, &["explain", "--list", "--json"]).stdout;
    let (mut met, mut failed) = (BTreeSet::new(), 0);
    for (command, day, later) in DAYS {
        met.insert(day.split(':').next().unwrap());
        let operation = if command.contains("restore") { "Restore" } else { "Backup" };
        let mut line = (*command).to_owned();
        if line.contains("JOB") {
            let jobs = world.json(0, "vm job list --operation Backup");
            line = line.replace("JOB", jobs[0]["id"].as_str().unwrap());
        }
        if line.contains("POINT") {
            let points = world.json(0, "vm point list web");
            line = line.replace("POINT", points[0]["id"].as_str().unwrap());
        }
        if line.starts_with("vm job wait") {
            world.forward("+7m");
        }
        let before = world.kept_jobs(operation);
        world.emulator.mischief(&world.machine, &["--clear", day]);
        let said = world.emulator.run(&world.machine, &words(&line));
        world.emulator.mischief(&world.machine, &["--clear"]);
        let told = format!("{}{}", said.stdout, said.stderr);
        assert!([0, 3, 12, 13, 14].contains(&said.code), "{line} on {day}: {} {told}", said.code);
        if said.code != 0 {
            failed += 1;
            let code = told.split("code: ").nth(1).and_then(|rest| rest.split_whitespace().next());
            let code = code.unwrap_or_else(|| panic!("{line} on {day}: {told}"));
            assert!(known.contains(&format!("\"code\":\"{code}\"")), "{code}: {told}");
            let again = world.emulator.run(&world.machine, &words(&line));
            assert!(
                again.code == 0 || again.code == *later,
                "{line} after {day}: {}\n{}{}\nbefore: {told}",
                again.code,
                again.stdout,
                again.stderr
            );
        }
        let begun = world.kept_jobs(operation) - before;
        let most = usize::from(line.starts_with("vm backup") || line.contains("restore"));
        assert!(begun <= most, "{line} on {day}: {begun} jobs");
        if line.contains("restore") || line.starts_with("vm job cancel") {
            world.forward("+10m");
        }
    }
    assert!(failed >= 4, "bad days that change nothing prove nothing: {failed}");
    let all = [
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
    assert_eq!(met, BTreeSet::from(all));
}
