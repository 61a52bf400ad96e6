//! The same calls on a machine with something wrong about it: nobody reads, the state directory is
//! full, somebody went to another folder.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::calls::{CALLS, words};
use super::machine::{Bench, Broken, complaints, told_code};
use super::{in_turn, is_long};
use crate::support::program::{Machine, said};

/// Calls whose words name no other path than the staging path's.
fn of_staging() -> Vec<(&'static str, &'static str)> {
    let paths = ["s1.img", "password", "contact.toml", "--file"];
    let is_one = |(_, call): &&(&str, &str)| {
        call.contains("--staging staging") && !paths.iter().any(|path| call.contains(path))
    };
    CALLS.iter().filter(is_one).copied().collect()
}

#[test]
fn what_nobody_can_read_is_told_and_ends_nothing_badly() {
    let bench = Bench::new();
    let wrong = Mutex::new(Vec::new());
    in_turn(CALLS, |(command, call)| {
        let words = words(command, call);
        let (whole, _) = bench.run(&words);
        // A pipe that nobody reads ends quietly, and the work goes on.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (piped, changed) = bench.run_with(&words, "", "true", |run| {
            run.stdout(writer);
        });
        let mut told = complaints(&piped, &changed);
        told.retain(|complaint| complaint != "no code");
        if piped.code != whole.code {
            told.push(format!("a pipe makes {} of {}", piped.code, whole.code));
        }
        // A disk that is full has lost what was asked for.
        let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let (lost, changed) = bench.run_with(&words, "", "true", |run| {
            run.stdout(full());
        });
        told.extend(
            complaints(&lost, &changed)
                .into_iter()
                .filter(|own| own != "no code" && !own.starts_with("half")),
        );
        let is_told = lost.stderr.lines().filter_map(told_code).any(|code| code == "output-lost");
        let is_lost = whole.stdout.is_empty() || is_told;
        if !is_lost || (whole.code == 0 && !whole.stdout.is_empty() && lost.code != 1) {
            told.push(format!("a full disk makes {} of {}", lost.code, whole.code));
        }
        if !told.is_empty() {
            let text = format!("azseed {command}: {told:?}\n{}{}", piped.stderr, lost.stderr);
            wrong.lock().unwrap().push(text);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_state_directory_that_is_full_or_closed_stops_a_command_before_it_leaves_anything_half_made() {
    let bench = Bench::new();
    let wrong = Mutex::new(Vec::new());
    // Each command with one of them, in the long run with all.
    let kinds = [Broken::Full, Broken::Closed, Broken::File];
    let each = |(at, own)| {
        let chosen =
            kinds.into_iter().enumerate().filter(move |(kind, _)| is_long() || *kind == at % 3);
        chosen.map(move |(_, broken)| (own, broken))
    };
    let jobs: Vec<_> = CALLS.iter().enumerate().flat_map(each).collect();
    in_turn(&jobs, |((command, call), broken)| {
        let (said, changed) = bench.run_broken(&words(command, call), *broken);
        let told = complaints(&said, &changed);
        if !told.is_empty() {
            let text =
                format!("azseed {command} {broken:?}: {told:?}\n{}{}", said.stdout, said.stderr);
            wrong.lock().unwrap().push(text);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_relative_path_and_one_that_is_remembered_are_the_same_from_another_folder() {
    let bench = Bench::new();
    let wrong = Mutex::new(Vec::new());
    in_turn(&of_staging(), |(command, call)| {
        let (here, _) = bench.run(&words(command, call));
        let above = call.replace("--staging staging", "--staging ../../staging");
        let remembered = call.replace("--staging staging", "");
        // The check of Azure is of a place that is named.
        let calls = if *command == "check azure" { vec![above] } else { vec![above, remembered] };
        for call in calls {
            let (there, changed) =
                bench.run_with(&words(command, &call), "source/b", "true", |_| {});
            let mut told = complaints(&there, &changed);
            if there.code != here.code && !there.stderr.contains("--staging") {
                told.push(format!("{} here and {} there", here.code, there.code));
            }
            if !told.is_empty() {
                let text =
                    format!("azseed {command} {call}: {told:?}\n{}{}", there.stdout, there.stderr);
                wrong.lock().unwrap().push(text);
            }
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// What standard output does not take is told where it can be read, also to a script.
#[test]
fn a_script_whose_output_is_lost_reads_on_standard_error_what_happened() {
    let machine = Machine::new();
    for (words, code, told) in [
        (["explain", "--json", "drive-not-blank"], 1, "output-lost"),
        (["explain", "--json", "no-such-code"], 10, "code-unknown"),
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let lost = said(machine.command(&words).stdout(full).output().unwrap());
        assert_eq!(lost.code, code, "{words:?}: {}", lost.stderr);
        assert!(lost.stderr.contains(&format!("code: {told}")), "{words:?}: {}", lost.stderr);
    }
}

/// The XDG Base Directory Specification has a folder that is not absolute ignored, as one that is not
/// named: nothing is written where somebody happens to stand.
#[test]
fn a_folder_of_the_environment_that_is_not_absolute_is_ignored() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    std::fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_azseed"), at("azseed")).unwrap();
    for name in ["home", "here"] {
        std::fs::create_dir(at(name)).unwrap();
        std::os::unix::fs::chown(at(name), Some(65534), Some(65534)).unwrap();
    }
    let run = |variable: &str, words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(at("azseed")).args(words).current_dir(at("here"));
        let set = [("HOME", at("home")), (variable, "below/this".into())];
        said(command.env_clear().envs(set).output().unwrap()).stdout
    };
    let state = run("XDG_STATE_HOME", &["check", "host", "--json"]);
    let own = at("home").join(".local/state/azseed").display().to_string();
    assert!(state.contains(&own), "{state}");
    run("XDG_CONFIG_HOME", &["config", "init"]);
    assert!(at("home").join(".config/azseed/config.toml").exists());
    assert_eq!(std::fs::read_dir(at("here")).unwrap().count(), 0);
}
