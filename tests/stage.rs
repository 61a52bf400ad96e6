//! `stage` seen from outside: what a verbose run and a file that cannot be read come to.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests write no state files")]

mod support;

use support::program::{Machine, Said};

/// Stages `source`, with a flag before the command, and expects this exit code.
fn stage(code: i32, machine: &Machine, flag: &str, source: &str) -> Said {
    let staging = machine.text("staging");
    let mut words = vec![flag, "stage", "--source", source, "--staging", &staging];
    words.extend(["--job", "job-1", "--storage-account", "account1", "--container", "seed"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    words.extend(["--resource-group", "rg"]);
    machine.expect(code, &words)
}

#[test]
fn a_verbose_run_stages_as_a_silent_one_does() {
    let machine = Machine::new();
    let source = machine.path("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("file"), b"content").unwrap();
    let said = stage(0, &machine, "-v", source.to_str().unwrap());
    assert!(said.stdout.contains("State         finished"), "{}", said.stdout);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_exit_code_says_that_data_was_left_out() {
    // Each process has this file; the kernel refuses to read it, to root as well.
    let unreadable = format!("/proc/{}/clear_refs", std::process::id());
    let said = stage(3, &Machine::new(), "--json", &unreadable);
    assert!(said.stdout.contains(&format!("\"{unreadable}: Invalid argument")), "{}", said.stdout);
    assert!(said.stdout.contains("\"unreadable_files\":1"), "{}", said.stdout);
}
