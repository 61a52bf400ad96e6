//! A process that holds secrets is not dumped, and works all the same.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::support;
use super::support::program::Machine;
use super::support::tree::Dice;

/// A copy of the program that everybody may start, and a folder of nobody's own.
fn for_nobody(machine: &Machine) -> (tempfile::TempDir, PathBuf) {
    assert!(rustix::process::geteuid().is_root(), "this test needs root");
    let folder = tempfile::Builder::new().prefix("azseed-nobody-").tempdir().unwrap();
    let program = folder.path().join("azseed");
    fs::copy(env!("CARGO_BIN_EXE_azseed"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    assert!(machine.path("").exists());
    (folder, program)
}

const NOBODY: u32 = 65534;

#[test]
fn a_process_that_holds_secrets_leaves_no_core_and_lets_nobody_look() {
    let machine = Machine::new();
    let (folder, program) = for_nobody(&machine);
    let home = folder.path().join("home");
    // The shell allows cores; who starts next to it, without the rule, may be looked into.
    let start = |line: &str| {
        Command::new("/bin/sh")
            .args(["-c", &format!("ulimit -c unlimited; exec {line}")])
            .env_clear()
            .env("HOME", &home)
            .current_dir(&home)
            .uid(NOBODY)
            .gid(NOBODY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut control = start("/bin/cat");
    let line = format!("{} emulator --data azure --attached --json", program.display());
    let mut own = start(&line);
    let mut said = std::io::BufReader::new(own.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut String::new()).unwrap();
    let proc = |id: u32| PathBuf::from(format!("/proc/{id}"));
    let limit = |id: u32| {
        let limits = fs::read_to_string(proc(id).join("limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        line.split_whitespace().skip(4).take(2).collect::<Vec<_>>().join(" ")
    };
    // The kernel gives the files of a process that is not dumpable to root.
    let owner = |id: u32| fs::metadata(proc(id).join("environ")).unwrap().uid();
    assert_eq!((owner(control.id()), limit(control.id())), (NOBODY, "unlimited unlimited".into()));
    assert_eq!((owner(own.id()), limit(own.id())), (0, "0 0".into()));
    for child in [&mut control, &mut own] {
        let id = rustix::process::Pid::from_child(child);
        rustix::process::kill_process(id, rustix::process::Signal::ABORT).unwrap();
    }
    control.wait().unwrap();
    let ended = own.wait().unwrap();
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false));
    let cores: Vec<_> = fs::read_dir(&home)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(&own.id().to_string()))
        .collect();
    assert!(cores.is_empty(), "{cores:?}");
}

#[test]
fn without_root_drives_are_written_read_and_docked_all_the_same() {
    let machine = Machine::new();
    let (folder, program) = for_nobody(&machine);
    let home = folder.path().join("home");
    fs::create_dir(home.join("source")).unwrap();
    fs::write(home.join("source/file"), Dice(7).bytes(3 << 20)).unwrap();
    chown(home.join("source"), Some(NOBODY), Some(NOBODY)).unwrap();
    chown(home.join("source/file"), Some(NOBODY), Some(NOBODY)).unwrap();
    let mut run = Command::new(&program)
        .args(["rehearse", "--source", "source", "--drives", "1", "--drive-size", "210M"])
        .args(["--dir", "r"])
        .env_clear()
        .env("HOME", &home)
        .env("PATH", "/usr/bin:/bin")
        .current_dir(&home)
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The drive is opened a second time, past the page cache, by a path below `/proc/self/fd`.
    let is_direct = |info: &str| {
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        flags.is_some_and(|flags| flags & rustix::fs::OFlags::DIRECT.bits() != 0)
    };
    let folder = format!("/proc/{}/fdinfo", run.id());
    let mut was_direct = false;
    while !was_direct && run.try_wait().unwrap().is_none() {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut infos = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        was_direct = infos.any(|info| is_direct(&info));
    }
    let output = run.wait_with_output().unwrap();
    assert!(was_direct, "no file was open for direct transfers");
    let said = support::program::said(output);
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    assert!(home.join("r/report.html").exists());
}
