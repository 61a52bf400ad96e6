//! Commands that go on until something happens: what they tell, and how they end.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use support::emulator::Emulator;
use support::program::Machine;

/// A command that goes on, and what it says line by line.
struct Going {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Going {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Going { process, lines }
    }

    fn line(&mut self) -> Value {
        let line = self.lines.next().expect("there is one more line").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Its exit code once nobody reads it any more.
    fn unread(self) -> Option<i32> {
        let Going { mut process, lines } = self;
        drop(lines);
        process.wait().unwrap().code()
    }

    /// Its exit code after Ctrl-C.
    fn interrupted(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

/// A job on its way with the drive S1.
fn shipped(machine: &Machine, emulator: &Emulator) {
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), b"content").unwrap();
    let staging = machine.adopt(&machine.path("source"), "parcel");
    let drive = "s1.img,serial=S1,size=210M";
    let prep = ["prep", "--staging", &staging, "--drive", drive, "--location", "westus"];
    emulator.expect(machine, 0, &prep);
    let ship = ["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"];
    emulator.expect(machine, 0, &ship);
}

const WATCH: [&str; 6] = ["job", "status", "--watch", "--every", "1s", "--json"];

#[test]
fn a_watched_job_tells_changes_and_ends_when_it_was_read() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let mut command = emulator.command(&machine, &WATCH);
    let mut watch = Going::start(command.arg("-v").stderr(Stdio::piped()));
    assert_eq!(watch.line()["stage"], "shipped");
    // Three looks at a job that does not change.
    let calls = BufReader::new(watch.process.stderr.take().unwrap()).lines();
    let looks = calls.map(Result::unwrap).filter(|line| line.contains("/jobs/parcel"));
    let looks: Vec<String> = looks.take(3).collect();
    assert_eq!(looks.len(), 3);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let mut last = json!("shipped");
    let ended = loop {
        let line = watch.line();
        if line["type"] != "job" {
            break line;
        }
        assert_ne!(line["stage"], last, "only changes are told");
        last = line["stage"].clone();
    };
    assert_eq!((ended["type"].as_str(), &ended["turn"]), (Some("watch-ended"), &json!("done")));
    assert_eq!((last, watch.process.wait().unwrap().code()), (json!("completed"), Some(0)));
    let log = fs::read_to_string(machine.path("staging/reports/custody.jsonl")).unwrap();
    assert_eq!(log.matches("\"received\"").count(), 1, "{log}");
}

#[test]
fn a_watched_job_whose_drive_does_not_come_says_that_it_is_our_turn() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let mut watch = Going::start(&mut emulator.command(&machine, &WATCH));
    assert_eq!(watch.line()["drives"][0]["stage"], "named");
    emulator.forward(&machine, "+15d");
    assert_eq!(watch.line()["drives"][0]["stage"], "missing");
    assert_eq!(watch.line()["turn"], "ours");
    assert_eq!(watch.process.wait().unwrap().code(), Some(6));
}

#[test]
fn a_watch_ends_when_nobody_reads_it_and_on_ctrl_c() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let job = || {
        let mut watch = Going::start(&mut emulator.command(&machine, &WATCH));
        watch.line();
        watch
    };
    assert_eq!(job().unread(), Some(0));
    assert_eq!(job().interrupted(), Some(130));
    let drives = || Going::start(&mut machine.command(&["drive", "list", "--watch", "--json"]));
    assert_eq!(drives().unread(), Some(0));
}
