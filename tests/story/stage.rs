//! `stage` seen from outside: what a verbose run and a file that cannot be read come to.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests write no state files")]

use crate::support;

use support::program::{Machine, Said};
use support::tree::{self, Dice};

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
    let machine = Machine::new();
    let said = stage(3, &machine, "--json", &unreadable);
    assert!(said.stdout.contains(&format!("\"{unreadable}: Invalid argument")), "{}", said.stdout);
    assert!(said.stdout.contains("\"unreadable_files\":1"), "{}", said.stdout);
    // It is tried again, and told again.
    let again = stage(3, &machine, "-v", &unreadable);
    let told = format!("Not readable  {unreadable}: Invalid argument");
    assert!(again.stdout.contains(&told), "{}", again.stdout);
    let status = machine.expect(0, &["stage", "status", "--staging", "staging"]);
    assert!(status.stdout.contains("Not readable  1 file when it was staged"), "{}", status.stdout);
}

/// A file system in memory, gone with the value.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: std::path::PathBuf) -> Self {
        std::fs::create_dir(&path).unwrap();
        run("mount", &["-t", "tmpfs", "-o", "size=24m", "none", path.to_str().unwrap()]);
        SmallDisk(path)
    }

    fn grow(&self) {
        run("mount", &["-o", "remount,size=200m", self.0.to_str().unwrap()]);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &[self.0.to_str().unwrap()]);
    }
}

fn run(program: &str, words: &[&str]) {
    let status = std::process::Command::new(program).args(words).status().unwrap();
    assert!(status.success(), "{program} {words:?}");
}

#[test]
fn a_full_staging_disk_is_told_and_with_more_room_the_same_command_goes_on() {
    let machine = Machine::new();
    for number in 0..8u64 {
        let mut dice = Dice(number);
        let content = dice.bytes(6 << 20);
        tree::write(&machine.path("source"), &format!("file-{number}"), &content, &mut dice);
    }
    let disk = SmallDisk::mount(machine.path("small"));
    let (source, staging) = (machine.text("source"), machine.text("small/staging"));
    let words = [
        "stage",
        "--source",
        &source,
        "--staging",
        &staging,
        "--job",
        "seed-1",
        "--storage-account",
        "account1",
        "--container",
        "seed",
        "--resource-group",
        "rg",
        "--subscription",
        "11111111-2222-4333-8444-555555555555",
        "--pack-size",
        "4Mi",
    ];
    let refused = machine.expect(4, &words);
    assert!(refused.stderr.contains("staging-little-room"), "{}", refused.stderr);
    assert!(refused.stderr.contains("50.3 MB") && refused.stderr.contains("--allow-small"));
    assert!(!machine.path("small/staging").exists(), "nothing is made");
    let words = [&words[..], &["--allow-small"]].concat();
    let said = machine.expect(6, &words);
    assert!(said.stderr.contains("repository-full"), "{}", said.stderr);
    disk.grow();
    machine.expect(0, &words);
    let said = machine.expect(0, &["stage", "status", "--staging", &staging]);
    assert!(said.stdout.contains("finished"), "{}", said.stdout);
}
