//! The first command that a newcomer runs, and the last one before drives are bought.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use support::program::{Machine, Said, files_below, kill_when, lives_until, said};
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
    fill(&machine.path("the source"), 24);
    let (source, dir) = (machine.text("the source"), machine.text("the dir"));
    let words = |drives| {
        ["rehearse", "--source", &source, "--drive-size", "400M", "--dir", &dir, "--drives", drives]
            .map(str::to_owned)
    };
    let first = machine.expect(6, &words("1"));
    assert!(first.stdout.contains("found no room"), "{}", first.stdout);
    let again = format!("--source '{source}' --drives 3 --drive-size 400000000 --dir '{dir}'");
    assert!(first.stdout.contains(&again), "{}", first.stdout);
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
    assert!(!machine.path("the dir/staging/repo").exists());
    assert!(machine.path("the dir/restored").join(&source[1..]).join("folder-0/file-0").exists());
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
    // The report stays, and is named.
    let left: Vec<_> =
        support::program::files_below(&machine.path("temporary")).into_iter().collect();
    assert!(left.len() == 1 && left[0].ends_with("report.html"), "{left:?}");
    assert!(text.contains(left[0].to_str().unwrap()), "{text}");
    let page = fs::read_to_string(&left[0]).unwrap();
    for part in
        ["azseed stage --source", "azseed emulator dock", "class=\"map\"", "10. Compare", " s)"]
    {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    // Each command stands before what it does.
    let typed = text.find("  azseed prep --staging").unwrap();
    assert!(typed < text.find("is sealed").unwrap(), "{text}");
    assert_eq!(text.matches("It took ").count(), 10, "{text}");
}

#[test]
fn what_is_refused_before_anything_is_staged_leaves_nothing_behind() {
    let machine = Machine::new();
    fs::create_dir(machine.path("temporary")).unwrap();
    let (nowhere, file) = (machine.text("nowhere"), machine.text("short"));
    fs::write(&file, "short\n").unwrap();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "text").unwrap();
    let source = machine.text("source");
    for words in [
        &["rehearse", "--source", &nowhere][..],
        &["rehearse", "--source", &source, "--password-file", &file],
    ] {
        let mut command = machine.command(words);
        let said = said(command.env("TMPDIR", machine.path("temporary")).output().unwrap());
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(!said.stderr.contains("The rehearsal in"), "{}", said.stderr);
        assert_eq!(fs::read_dir(machine.path("temporary")).unwrap().count(), 0, "{words:?}");
    }
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

/// A loop device of root's, over a file that nobody else can see, with a file system that is in use.
struct Foreign(String, std::path::PathBuf);

impl Foreign {
    fn new(folder: &Path) -> Self {
        let tool = |words: &[&str]| {
            let output = std::process::Command::new(words[0]).args(&words[1..]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {said}", words.join(" "));
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        fs::create_dir(folder).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        let (image, mount) = (folder.join("hidden.img"), folder.join("mount"));
        fs::create_dir(&mount).unwrap();
        fs::File::create(&image).unwrap().set_len(20 << 20).unwrap();
        tool(&["mkfs.ext4", "-q", "-F", image.to_str().unwrap()]);
        let node = tool(&["losetup", "-f", "--show", image.to_str().unwrap()]);
        tool(&["mount", "-o", "ro,noload", &node, mount.to_str().unwrap()]);
        Foreign(node, mount)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        for words in [["umount", self.1.to_str().unwrap()], ["losetup", "-d"]] {
            let mut command = std::process::Command::new(words[0]);
            command.arg(words[1]);
            if words[0] == "losetup" {
                command.arg(&self.0);
            }
            let ended = command.output().unwrap();
            assert!(ended.status.success() || std::thread::panicking(), "{words:?}");
        }
    }
}

#[test]
fn a_user_without_root_rehearses_the_whole_journey() {
    assert!(rustix::process::geteuid().is_root(), "this test gives rights up: run it as root");
    let home = tempfile::Builder::new().prefix("azseed-user-").tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let foreign = Foreign::new(&home.path().join("roots"));
    let program = home.path().join("azseed");
    fs::copy(env!("CARGO_BIN_EXE_azseed"), &program).unwrap();
    let own = home.path().join("own");
    fill(&own.join("source"), 2);
    let given = std::process::Command::new("chown").args(["-R", "65534:65534"]).arg(&own).status();
    assert!(given.unwrap().success());
    let output = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["rehearse", "--json", "--source"])
        .arg(own.join("source"))
        .arg("--dir")
        .arg(own.join("dir"))
        .env_clear()
        .env("HOME", &own)
        .env("TMPDIR", &own)
        .env("PATH", "/usr/bin:/bin")
        .current_dir(&own)
        .output()
        .unwrap();
    let said = support::program::said(output);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let end = last(&said);
    assert_eq!((&end["type"], &end["equal"]), (&"rehearsal".into(), &true.into()), "{end}");
    drop(foreign);
}

#[test]
fn a_rehearsal_keeps_all_if_it_is_told_to_and_takes_a_weak_password_only_so() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    fs::create_dir(machine.path("tmp")).unwrap();
    let run = |more: &[&str]| {
        let words = [&["rehearse", "--json", "--source", "source"], more].concat();
        let mut command = machine.command(&words);
        support::program::said(command.env("TMPDIR", machine.path("tmp")).output().unwrap())
    };
    fs::write(machine.path("password"), "short\n").unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(machine.path("password"), private).unwrap();
    let refused = run(&["--password-file", "password"]);
    assert!(refused.code != 0 && refused.stdout.contains("weak"), "{}", refused.stdout);
    let kept = || {
        walkdir::WalkDir::new(machine.path("tmp"))
            .into_iter()
            .map(Result::unwrap)
            .any(|entry| entry.file_name() == "seed.json")
    };
    let before = kept();
    let said = run(&["--password-file", "password", "--weak-password", "--keep"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(kept(), "what a rehearsal is told to keep stays (before: {before})");
}

#[test]
fn a_rehearsal_is_the_same_whatever_is_set() {
    fn variables(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
        let own: Vec<String> = own.map(str::to_owned).collect();
        own.into_iter().chain(command.get_subcommands().flat_map(variables)).collect()
    }
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    let mut command = machine.command(&["rehearse", "--source", "source", "--dir", "dir"]);
    // Of the flags that all commands have, --state says nothing of a rehearsal's own state.
    let names = variables(&azseed::cli::command());
    assert!(names.len() > 40, "{names:?}");
    command.envs(names.iter().map(|name| (name, "no/sense")));
    command.envs(["AZSEED_DRIVES", "AZSEED_DIR"].map(|name| (name, "no/sense")));
    command.envs(
        ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"].map(|name| (name, "x")),
    );
    command.env("HTTPS_PROXY", "http://127.0.0.1:1");
    fs::write(machine.path("config.toml"), "no settings at all").unwrap();
    command.env("AZSEED_CONFIG", machine.path("config.toml"));
    let said = support::program::said(command.output().unwrap());
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("are equal"), "{}", said.stdout);
    assert!(machine.path("dir/report.html").exists());
    assert!(said.stderr.contains("AZSEED_DRIVE_SIZE is not used"), "{}", said.stderr);
}

#[test]
fn a_rehearsal_of_more_than_one_drive_holds_needs_two_without_being_told() {
    let machine = Machine::new();
    fill(&machine.path("source"), 9);
    let said = machine.expect(0, &["rehearse", "--json", "--source", "source", "--dir", "dir"]);
    fs::create_dir(machine.path("another")).unwrap();
    fs::write(machine.path("another/file"), "another").unwrap();
    let other = machine.expect(2, &["rehearse", "--source", "another", "--dir", "dir"]);
    assert!(other.stderr.contains("another"), "{}", other.stderr);
    let end = last(&said);
    assert_eq!(end["drives"].as_array().unwrap().len(), 2, "{end}");
}

/// A rehearsal that is asked to stop names the folder that it would go on in, as a line to type; a
/// second one in that folder waits for nothing.
#[test]
fn a_rehearsal_that_is_asked_to_stop_says_what_goes_on_and_a_second_one_is_told_of_the_first() {
    let machine = Machine::new();
    fill(&machine.path("source"), 4);
    fs::create_dir(machine.path("temporary")).unwrap();
    let source = machine.text("source");
    let mut command = machine.command(&["rehearse", "--source", &source]);
    command.env("TMPDIR", machine.path("temporary"));
    let mut process = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let folder = || fs::read_dir(machine.path("temporary")).unwrap().flatten().next();
    let has = |name: &str| folder().is_some_and(|own| own.path().join(name).exists());
    assert!(lives_until(&mut process, || has("staging/repo")));
    let dir = folder().unwrap().path().display().to_string();
    let second = machine.expect(11, &["rehearse", "--source", &source, "--dir", &dir]);
    assert!(second.stderr.contains("code: rehearsal-running"), "{}", second.stderr);
    let pid = rustix::process::Pid::from_child(&process);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let stopped = said(process.wait_with_output().unwrap());
    assert_eq!(stopped.code, 130, "{}{}", stopped.stdout, stopped.stderr);
    let line = format!("azseed rehearse --source {source} --drives 2 --dir {dir}");
    let told = format!("{}{}", stopped.stdout, stopped.stderr);
    assert!(told.contains(&format!("`{line}` goes on")) || told.contains(&line), "{told}");
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    let ended = machine.expect(0, &words);
    assert!(ended.stdout.contains("are equal"), "{}", ended.stdout);
}
