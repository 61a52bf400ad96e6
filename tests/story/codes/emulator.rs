//! What the emulator and its dock refuse, and what a rehearsal says when it has no emulator.

use std::fs;
use std::io::Read;
use std::os::unix::net::UnixListener;

use super::{GROUP, TARGET, copy, is_refused, machine, words};
use crate::support::emulator::Emulator;
use crate::support::program::Machine;

#[test]
fn a_line_to_the_emulator_that_breaks_is_no_answer() {
    let machine = Machine::new();
    fs::create_dir(machine.path("azure")).unwrap();
    let listener = UnixListener::bind(machine.path("azure/control.sock")).unwrap();
    let hang_up = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read(&mut [0; 100]).unwrap()
    });
    let clock = machine.run(&words("emulator clock +1d --data azure"));
    is_refused(&clock, 14, "emulator-broken", "clock");
    assert!(hang_up.join().unwrap() > 0, "it was asked");
}

#[test]
fn what_the_emulator_cannot_do_is_refused_with_its_reason() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    // A folder lies where the clock is kept.
    let kept = emulator.data().join("meta/clock.json");
    fs::create_dir(&kept).unwrap();
    let clock = words("emulator clock +1d --data azure");
    let refused = machine.run(&clock);
    is_refused(&refused, 13, "emulator-refused", "clock");
    assert!(refused.stderr.contains("azure/meta/clock.json"), "{}", refused.stderr);
    fs::remove_dir(&kept).unwrap();
    machine.expect(0, &clock);
    // That it was refused is said once.
    fs::write(machine.path("odd.img"), [0; 1000]).unwrap();
    let odd = machine.run(&words("emulator vm set web --disk odd.img --data azure"));
    is_refused(&odd, 13, "emulator-refused", "a disk of 1000 bytes");
    assert_eq!(odd.stderr.matches("The emulator refused").count(), 1, "{}", odd.stderr);
}

#[test]
fn a_book_of_jobs_that_cannot_be_read_starts_no_emulator() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("azure/meta/jobs/job.json")).unwrap();
    let said = machine.run(&words("emulator --data azure"));
    is_refused(&said, 1, "job-book-io", "a folder for a record");
    assert!(said.stdout.is_empty() && !machine.path("azure/control.sock").exists());
}

#[test]
fn a_reader_of_drives_that_nobody_talks_to_fails() {
    let machine = Machine::new();
    let said = machine.run(&words("emulator dock-worker"));
    is_refused(&said, 1, "dock-worker", "no line to the dock");
    assert!(said.stdout.is_empty(), "{}", said.stdout);
}

#[test]
fn a_rehearsal_without_an_emulator_stops_before_its_first_step_and_says_why() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    fs::create_dir(machine.path("tried")).unwrap();
    std::os::unix::fs::symlink(emulator.data(), machine.path("tried/azure")).unwrap();
    fs::create_dir(machine.path("other")).unwrap();
    fs::write(machine.path("other/azure"), "no folder").unwrap();
    for (dir, exit, code) in
        [("tried", 11, "rehearsal-running"), ("other", 1, "rehearsal-emulator")]
    {
        let said = machine.run(&words(&format!("rehearse --source source --dir {dir}")));
        is_refused(&said, exit, code, dir);
        assert!(!machine.path(&format!("{dir}/staging")).exists());
        assert_eq!(fs::read_dir(machine.path(&format!("{dir}/drives"))).unwrap().count(), 0);
    }
}

#[test]
fn a_job_of_other_drives_is_not_changed() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    let adopt = format!("stage adopt --source plain --staging other {TARGET}");
    fs::write(machine.path("contact.toml"), crate::support::CONTACT).unwrap();
    for (staging, serial) in [("files", "S1"), ("other", "S2")] {
        if staging == "other" {
            machine.expect(0, &words(&adopt));
        }
        let prep = format!(
            "prep --staging {staging} --offline --drive image:{serial}.img,serial={serial},size=210M"
        );
        machine.expect(0, &words(&prep));
    }
    let create = |staging: &str| {
        let line =
            format!("job create --staging {staging} --location westus --contact contact.toml");
        emulator.run(&machine, &words(&line))
    };
    let made = create("files");
    assert_eq!(made.code, 0, "{}", made.stderr);
    copy(&machine, "azure/meta/jobs", "jobs");
    is_refused(&create("other"), 13, "job-other-drives", "another drive");
    let mut compare = std::process::Command::new("diff");
    compare.arg("-r").args([machine.path("azure/meta/jobs"), machine.path("jobs")]);
    assert!(compare.status().unwrap().success(), "the job is as it was");
    let list = emulator.expect(&machine, 0, &words(&format!("job list {GROUP} --json")));
    assert_eq!(list.stdout.lines().count(), 1, "{}", list.stdout);
}

#[test]
fn a_mischief_that_nobody_knows_is_refused_and_the_emulator_goes_on() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    for what in ["tease", "burst-500:0", "burst-500:x"] {
        let refused = machine.run(&words(&format!("emulator mischief {what} --data azure")));
        is_refused(&refused, 2, "emulator-mischief", what);
        assert!(refused.stderr.contains("closed-account"), "it tells what there is");
        let started = machine.run(&words(&format!("emulator --mischief {what} --data other")));
        is_refused(&started, 2, "emulator-mischief", what);
    }
    assert!(!machine.path("other").exists(), "nothing was made");
    assert_eq!(emulator.mischief(&machine, &[]), Vec::<serde_json::Value>::new());
}
