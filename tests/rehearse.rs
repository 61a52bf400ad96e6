//! The first command that a newcomer runs, and the last one before drives are bought.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::program::{Machine, Said, files_below, kill_when};
use support::tree::{self, Dice};

/// Files of 20 MB that cannot be compressed.
fn fill(root: &Path, files: u64) {
    for number in 0..files {
        let mut dice = Dice(number);
        let content = dice.bytes(20_000_000);
        tree::write(root, &format!("folder-{}/file-{number}", number % 3), &content, &mut dice);
    }
}

fn last(said: &Said) -> Value {
    let line = said.stdout.lines().last().unwrap_or_else(|| panic!("{}", said.stderr));
    serde_json::from_str(line).unwrap()
}

#[test]
fn too_few_drives_say_what_is_missing_and_the_printed_command_goes_on() {
    let machine = Machine::new();
    fill(&machine.path("source"), 24);
    let (source, dir) = (machine.text("source"), machine.text("dir"));
    let words = |drives| {
        ["rehearse", "--source", &source, "--drive-size", "400M", "--dir", &dir, "--drives", drives]
            .map(str::to_owned)
    };
    let first = machine.expect(6, &words("1"));
    assert!(first.stdout.contains("found no room"), "{}", first.stdout);
    assert!(first.stdout.contains(&format!("--drives 3 --drive-size 400000000 --dir {dir}")));
    let mut again = words("3").to_vec();
    again.push("--json".to_owned());
    let said = machine.expect(0, &again);
    let end = last(&said);
    assert_eq!((&end["type"], &end["equal"]), (&"rehearsal".into(), &true.into()), "{end}");
    assert_eq!(end["equal_bytes"], 480_000_000);
    assert_eq!(end["drives"].as_array().unwrap().len(), 3, "{end}");
    let steps = said.stdout.lines().filter(|line| line.contains("\"type\":\"step\""));
    assert_eq!(steps.count(), 10);
    let left: Vec<String> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["staging", "drives", "azure", "restored", "state", "report.html"] {
        assert!(left.iter().any(|own| own == name), "{left:?}");
    }
    assert!(!machine.path("dir/staging/repo").exists());
    assert!(machine.path("dir/restored").join(&source[1..]).join("folder-0/file-0").exists());
}

#[test]
fn a_temporary_folder_goes_away_when_all_went_well() {
    let machine = Machine::new();
    fill(&machine.path("source"), 1);
    fs::create_dir(machine.path("temporary")).unwrap();
    let source = machine.text("source");
    let mut command = machine.command(&["rehearse", "--source", &source]);
    let output = command.env("TMPDIR", machine.path("temporary")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("are equal"), "{text}");
    assert_eq!(fs::read_dir(machine.path("temporary")).unwrap().count(), 0);
}

#[test]
fn a_rehearsal_that_is_killed_at_any_moment_goes_on() {
    let machine = Machine::new();
    fill(&machine.path("source"), 4);
    let (source, dir) = (machine.text("source"), machine.text("dir"));
    let words = ["rehearse", "--source", &source, "--dir", &dir, "--json"];
    let mut killed = 0;
    // Every step leaves files behind: so many more than there were, then it is killed.
    for more in [1, 2, 4, 3, 9, 6, 14, 11] {
        let dir = machine.path("dir");
        let enough = files_below(&dir).len() + more;
        let mut process =
            machine.command(&words).stdout(std::process::Stdio::null()).spawn().unwrap();
        killed += u32::from(kill_when(&mut process, || files_below(&dir).len() >= enough));
    }
    assert!(killed > 4, "it was killed {killed} times");
    let end = last(&machine.expect(0, &words));
    assert_eq!(end["equal"], true, "{end}");
}
