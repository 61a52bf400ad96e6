//! Who may read what: secrets and locks for their owner only, records for everybody, what is
//! staged as closed as restic makes a repository; whatever the umask.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use support::program::Machine;

/// The mode that a file or folder of a rehearsal must have.
fn right(path: &str, is_folder: bool) -> u32 {
    let private = [
        "state/keys",
        "state/locks",
        "state/passwords",
        "state/pins",
        "staging/repo",
        "staging/journals",
    ];
    let is_below = |folder: &&str| Path::new(path).starts_with(folder);
    let secrets = ["state/token"];
    match (private.iter().any(is_below) || secrets.contains(&path), is_folder) {
        // The rehearsal makes it for itself.
        _ if path == "state" => 0o700,
        (true, true) => 0o700,
        (true, false) => 0o600,
        (false, true) => 0o755,
        (false, false) => 0o644,
    }
}

/// Rehearses under an umask and looks at every file in the state directory and the staging path.
#[track_caller]
fn rehearse(umask: &str) {
    let machine = Machine::new();
    let source = machine.path("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    let words = ["rehearse", "--source", source.to_str().unwrap(), "--dir", "rehearsal"];
    let plain = machine.command(&words);
    let quote = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
    let call: Vec<String> =
        [plain.get_program()].into_iter().chain(plain.get_args()).map(quote).collect();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("umask {umask}; exec {}", call.join(" "))]);
    shell.current_dir(machine.path("")).env("HOME", machine.path(""));
    let said = shell.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let place = machine.path("rehearsal");
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for root in ["state", "staging"] {
        for entry in walkdir::WalkDir::new(place.join(root)) {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(&place).unwrap().to_str().unwrap().to_owned();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
            let right = right(&path, entry.file_type().is_dir());
            if mode != right {
                wrong.push(format!("{path} is {mode:o}, not {right:o}"));
            }
            seen.insert(path);
        }
    }
    assert!(wrong.is_empty(), "umask {umask}: {wrong:#?}");
    let places = ["state/locks/records.lock", "state/locks/vault-rehearsal.lock"];
    let more = [
        "state/vaults/rehearsal.json",
        "staging/seed.json",
        "staging/journals/REHEARSAL-1.journal",
    ];
    assert!(places.iter().chain(&more).all(|path| seen.contains(*path)), "{seen:#?}");
    assert!(seen.iter().any(|path| path.starts_with("state/passwords/")), "{seen:#?}");
}

#[test]
fn modes_are_right_under_an_umask_that_takes_nothing() {
    rehearse("000");
}

#[test]
fn modes_are_right_under_the_usual_umask() {
    rehearse("022");
}

#[test]
fn modes_are_right_under_an_umask_that_takes_all_from_others() {
    rehearse("077");
}

#[test]
fn a_staged_repository_is_as_closed_as_restic_makes_one() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    let staging = support::seed::staged(&machine, "1Mi");
    let mut count = 0;
    for entry in walkdir::WalkDir::new(Path::new(&staging).join("repo")) {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        let right = if entry.file_type().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, right, "{}", entry.path().display());
        count += 1;
    }
    assert!(count > 8, "{count}");
}

#[test]
fn what_the_office_gets_is_readable_and_what_holds_keys_is_its_owners() {
    for umask in ["000", "077"] {
        let machine = Machine::new();
        let emulator = support::emulator::Emulator::start(&machine);
        let staging = support::seed::shipped(&machine, &emulator);
        let run = |words: &str| {
            let words: Vec<&str> = words.split(' ').collect();
            let words = [&words[..], &["--staging", &staging]].concat();
            let plain = emulator.command(&machine, &words);
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]);
            shell.arg(plain.get_program()).args(plain.get_args());
            shell.current_dir(machine.path(""));
            shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let said = shell.output().unwrap();
            assert!(said.status.success(), "{words:?} {}", String::from_utf8_lossy(&said.stderr));
        };
        run("packing-slip --html slip.html");
        run("job export --file job.toml");
        run("job status --ics dates.ics");
        run("custody show --html custody.html");
        run("job export --tool-journals v1 --reveal");
        let mode = |name: &str| fs::metadata(machine.path(name)).unwrap().permissions().mode();
        for name in ["slip.html", "job.toml", "dates.ics", "custody.html"] {
            assert_eq!(mode(name) & 0o777, 0o644, "{name} under {umask}");
        }
        assert_eq!(mode("staging/journals/S1.jrn") & 0o777, 0o600, "under {umask}");
        assert_eq!(mode("staging/reports/custody.jsonl") & 0o777, 0o644, "under {umask}");
    }
}
