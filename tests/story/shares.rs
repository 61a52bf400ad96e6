//! Shares and disks that fail while the program works, on real mounts that the tests make: full,
//! read-only, gone in the middle and back again. Needs root.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::emulator::Emulator;
use support::program::{Machine, Said};
use support::tree::{self, Dice};

/// A mount that is taken down with the value, whatever became of it.
struct Mount(PathBuf);

impl Mount {
    fn new(path: PathBuf, words: &[&str]) -> Self {
        fs::create_dir_all(&path).unwrap();
        tool("mount", &[words, &[path.to_str().unwrap()]].concat());
        Mount(path)
    }

    /// A disk in memory.
    fn memory(path: PathBuf, size: &str) -> Self {
        Mount::new(path, &["-t", "tmpfs", "-o", &format!("size={size},mode=755"), "none"])
    }

    /// A folder seen at another place.
    fn bind(from: &Path, path: PathBuf) -> Self {
        Mount::new(path, &["--bind", from.to_str().unwrap()])
    }

    /// Takes it away under whoever uses it.
    fn tear(&self) {
        tool("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

/// A share served by a process, which can die.
struct Served {
    mount: Mount,
    image: PathBuf,
    server: Option<Child>,
}

impl Served {
    fn new(machine: &Machine) -> Self {
        let (image, path) = (machine.path("share.ntfs"), machine.path("share"));
        fs::File::create(&image).unwrap().set_len(700 << 20).unwrap();
        fs::create_dir(&path).unwrap();
        tool("mkntfs", &["-F", "-Q", image.to_str().unwrap()]);
        let mut share = Served { mount: Mount(path), image, server: None };
        share.serve();
        // A new file system is open to all.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&share.mount.0, mode).unwrap();
        share
    }

    fn serve(&mut self) {
        let mut command = Command::new("ntfs-3g");
        command.args(["-o", "permissions,no_detach"]).arg(&self.image).arg(&self.mount.0);
        self.server = Some(command.stderr(Stdio::null()).spawn().unwrap());
        while !is_mounted(&self.mount.0) {
            std::thread::yield_now();
        }
    }

    fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill();
        }
    }
}

fn is_mounted(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    mounts.lines().any(|line| line.split(' ').nth(1) == path.to_str())
}

fn tool(program: &str, words: &[&str]) {
    let done = Command::new(program).args(words).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {words:?}: {said}");
}

/// Files of 1 MiB.
fn files(folder: &Path, count: u64) {
    for number in 0..count {
        let mut dice = Dice(number);
        let content = dice.bytes(1 << 20);
        tree::write(folder, &format!("file-{number:03}"), &content, &mut dice);
    }
}

const DRIVE: &str = "a.img,serial=A,size=1G";

fn prep(staging: &str) -> Vec<&str> {
    vec!["prep", "--staging", staging, "--offline", "--json", "--drive", DRIVE]
}

/// Starts a command, does something when its output first has this text, and lets it end.
fn disturb(machine: &Machine, words: &[&str], at: &str, act: impl FnOnce()) -> Said {
    let mut command = machine.command(words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stdout = String::new();
    let mut act = Some(act);
    for line in lines.by_ref() {
        let line = line.unwrap();
        if line.contains(at)
            && let Some(act) = act.take()
        {
            act();
        }
        stdout.push_str(&line);
        stdout.push('\n');
    }
    assert!(act.is_none(), "it never said {at}:\n{stdout}");
    let rest = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&rest.stderr).into_owned();
    Said { code: rest.status.code().unwrap_or(137), stdout, stderr }
}

fn says(said: &Said, code: i32, text: &str) {
    assert_eq!(said.code, code, "{}\n{}", said.stdout, said.stderr);
    assert!(format!("{}{}", said.stdout, said.stderr).contains(text), "{text}: {said:?}");
}

const FILL: &str = "\"step-started\",\"version\":1,\"serial\":\"A\",\"step\":\"fill\"";

/// Ends a preparation that was disturbed, and compares all of it.
fn ends_complete(machine: &Machine, staging: &str, files: u64) {
    machine.expect(0, &prep(staging));
    let said = machine.expect(0, &["verify", "--json", "--staging", staging, "a.img,serial=A"]);
    assert!(said.stdout.contains(&format!("\"files\":{files},")), "{}", said.stdout);
}

#[test]
fn a_full_state_disk_begins_nothing_and_with_room_the_same_command_goes_on() {
    let machine = Machine::new();
    files(&machine.path("source"), 2);
    let staging = machine.adopt(&machine.path("source"), "job-1");
    let _state = Mount::memory(machine.path("state"), "64k");
    let filler = machine.path("state/filler");
    fs::write(&filler, vec![1; 64 << 10]).unwrap();
    let said = machine.run(&prep(&staging));
    says(&said, 6, "state-directory");
    assert!(!machine.path("a.img").exists());
    assert!(!machine.path("staging/journals/A.journal").exists());
    let source = machine.text("source");
    let mut stage = vec!["stage", "--source", &source, "--staging", "other", "--job", "job-2"];
    stage.extend(["--storage-account", "account1", "--container", "seed"]);
    stage.extend(["--resource-group", "rg"]);
    stage.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    says(&machine.run(&stage), 6, "state-directory");
    fs::remove_file(&filler).unwrap();
    machine.expect(0, &stage);
    ends_complete(&machine, &staging, 2);
}

#[test]
fn a_full_staging_disk_stops_the_drive_and_with_room_it_goes_on() {
    let machine = Machine::new();
    files(&machine.path("source"), 2);
    let _disk = Mount::memory(machine.path("staging"), "1m");
    let staging = machine.adopt(&machine.path("source"), "job-1");
    let filler = machine.path("staging/filler");
    // Room for the plan and the first records, not for the 64 KiB of metadata in one of them.
    fs::write(&filler, vec![1; (1 << 20) - (48 << 10)]).unwrap();
    says(&machine.run(&prep(&staging)), 6, "journal-file");
    fs::remove_file(&filler).unwrap();
    ends_complete(&machine, &staging, 2);
}

#[test]
fn a_read_only_staging_path_can_be_read_and_prep_begins_nothing() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    files(&machine.path("source"), 2);
    let staging = machine.adopt(&machine.path("source"), "job-1");
    machine.expect(0, &prep(&staging));
    emulator.expect(&machine, 0, &["job", "create", "--staging", &staging, "--location", "westus"]);
    tree::write(&machine.path("source"), "file-later", b"more", &mut Dice(9));
    let mount = Mount::bind(Path::new(&staging), machine.path("staging"));
    tool("mount", &["-o", "remount,ro,bind", mount.0.to_str().unwrap()]);
    for words in [
        &["stage", "status"][..],
        &["plan", "--drive-size", "1T"],
        &["verify", "a.img,serial=A"],
        &["inspect", "a.img,serial=A"],
        &["job", "status"],
        &["job", "keys"],
    ] {
        emulator.expect(&machine, 0, &[words, &["--staging", &staging]].concat());
    }
    let mut again = prep(&staging);
    again.extend(["--drive", "b.img,serial=B,size=210M"]);
    let said = machine.run(&again);
    says(&said, 4, "journals-not-writable");
    assert!(!machine.path("b.img").exists());
    drop(mount);
    machine.expect(0, &again);
}

#[test]
fn a_share_whose_server_dies_stops_the_drive_and_when_it_is_back_it_goes_on() {
    let machine = Machine::new();
    let mut share = Served::new(&machine);
    files(&machine.path("share/staging/data"), 200);
    // The data lies in the staging path, as a share has both.
    let (data, staging) = (machine.path("share/staging/data"), machine.text("share/staging"));
    fs::rename(data.parent().unwrap(), machine.path("share/kept")).unwrap();
    fs::rename(machine.path("share/kept"), &staging).unwrap();
    let words = adopt(&data, &staging);
    machine.expect(0, &words.iter().map(String::as_str).collect::<Vec<_>>());
    let said = disturb(&machine, &prep(&staging), FILL, || share.kill());
    says(&said, 6, "ransport endpoint is not connected");
    assert!(
        said.stdout.contains("source-gone") || said.stdout.contains("journal-file"),
        "{}",
        said.stdout
    );
    let said = machine.run(&prep(&staging));
    assert_ne!(said.code, 0, "{}", said.stdout);
    share.mount.tear();
    share.serve();
    ends_complete(&machine, &staging, 200);
}

/// The words that adopt a folder.
fn adopt(data: &Path, staging: &str) -> Vec<String> {
    let data = data.to_str().unwrap();
    let words = format!(
        "stage adopt --source {data} --staging {staging} --job job-1 --storage-account account1 \
         --container seed --resource-group rg --subscription 11111111-2222-4333-8444-555555555555"
    );
    words.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_source_that_is_unmounted_behind_our_back_is_read_to_its_end_by_the_handle_held() {
    let machine = Machine::new();
    files(&machine.path("disk"), 200);
    let mount = Mount::bind(&machine.path("disk"), machine.path("source"));
    let staging = machine.adopt(&machine.path("source"), "job-1");
    let said = disturb(&machine, &prep(&staging), FILL, || mount.tear());
    says(&said, 0, "drive-sealed");
    assert!(!said.stdout.contains("file-left-out"), "{}", said.stdout);
    let _mount = Mount::bind(&machine.path("disk"), machine.path("source"));
    ends_complete(&machine, &staging, 200);
}

#[test]
fn a_source_that_is_unmounted_while_it_is_staged_is_no_finished_backup() {
    let machine = Machine::new();
    for number in 0..6u64 {
        let mut dice = Dice(number);
        let content = dice.bytes(8 << 20);
        tree::write(&machine.path("disk"), &format!("file-{number:02}"), &content, &mut dice);
    }
    let mount = Mount::bind(&machine.path("disk"), machine.path("source"));
    let source = machine.text("source");
    let mut words = vec!["stage", "--source", &source, "--staging", "staging", "--job", "job-1"];
    words.extend(["--storage-account", "account1", "--container", "seed"]);
    words.extend(["--resource-group", "rg", "--compression", "19", "--json"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    let said = disturb(&machine, &words, "stage-progress", || mount.tear());
    says(&said, 6, "source-gone");
    let snapshots = || fs::read_dir(machine.path("staging/repo/snapshots")).unwrap().count();
    assert_eq!(snapshots(), 0);
    let said = machine.expect(0, &["stage", "status", "--staging", "staging"]);
    assert!(said.stdout.contains("not finished"), "{}", said.stdout);
    let _mount = Mount::bind(&machine.path("disk"), machine.path("source"));
    let said = machine.expect(0, &words);
    assert!(said.stdout.contains("\"source_files\":6"), "{}", said.stdout);
    assert_eq!(snapshots(), 1);
}

#[test]
fn files_that_change_shrink_or_vanish_are_named_and_go_on_the_next_drive() {
    let machine = Machine::new();
    let source = machine.path("source");
    files(&source, 200);
    let staging = machine.adopt(&source, "job-1");
    let change = || {
        fs::write(source.join("file-199"), "another").unwrap();
        let shrinks = fs::OpenOptions::new().write(true).open(source.join("file-198")).unwrap();
        shrinks.set_len(1000).unwrap();
        fs::remove_file(source.join("file-197")).unwrap();
    };
    let said = disturb(&machine, &prep(&staging), FILL, change);
    says(&said, 3, "file-left-out");
    for (name, reason) in [
        ("file-199", "its size changed"),
        ("file-198", "its size changed"),
        ("file-197", "cannot be read: No such file"),
    ] {
        let is_named = |line: &str| {
            line.contains("file-left-out") && line.contains(name) && line.contains(reason)
        };
        assert!(said.stdout.lines().any(is_named), "{name}: {}", said.stdout);
    }
    machine.expect(3, &prep(&staging));
    fs::write(source.join("file-197"), "back again").unwrap();
    let mut more = prep(&staging);
    more.extend(["--drive", "b.img,serial=B,size=210M"]);
    machine.expect(0, &more);
    let said = machine.expect(0, &["verify", "--json", "--staging", &staging, "b.img,serial=B"]);
    assert!(said.stdout.contains("\"files\":3,"), "{}", said.stdout);
    machine.expect(0, &prep(&staging));
}

#[test]
fn with_strict_a_file_that_changes_fails_the_drive_and_the_next_takes_it() {
    let machine = Machine::new();
    let source = machine.path("source");
    files(&source, 200);
    let staging = machine.adopt(&source, "job-1");
    let mut words = prep(&staging);
    words.push("--strict");
    let change = || fs::write(source.join("file-199"), "another").unwrap();
    let said = disturb(&machine, &words, FILL, change);
    says(&said, 6, "source-changed");
    assert!(said.stdout.contains("\"sealed\":0"), "{}", said.stdout);
    says(&machine.run(&prep(&staging)), 3, "file-left-out");
    let mut more = prep(&staging);
    more.extend(["--strict", "--drive", "b.img,serial=B,size=210M"]);
    machine.expect(0, &more);
}
