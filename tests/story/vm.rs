//! Azure's own backup of virtual machines against the emulator: the way of seed 001 from the guide to
//! protected machines, what is refused, and what a bad day does to it.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said, said};

const GROUP: &str = "--resource-group backup-rg";

/// A machine of ours, and an Azure with virtual machines.
pub struct World {
    pub machine: Machine,
    pub emulator: Emulator,
}

pub fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

impl World {
    pub fn new(vms: &[&str]) -> Self {
        let machine = Machine::new();
        let emulator = Emulator::start(&machine);
        emulator.to_noon(&machine);
        let world = World { machine, emulator };
        for vm in vms {
            world.vm(vm);
        }
        world
    }

    /// With a vault `prod` in westus.
    pub fn with_vault(vms: &[&str]) -> Self {
        let world = World::new(vms);
        world.ok(&format!("vm vault create prod --location westus {GROUP}"));
        world
    }

    pub fn vm(&self, text: &str) {
        let data = self.emulator.data().to_str().unwrap();
        let all = [&["emulator", "vm", "set"], &*words(text), &["--data", data]].concat();
        self.machine.expect(0, &all);
    }

    /// Declares something else of the subscription.
    pub fn declare(&self, text: &str) {
        let data = self.emulator.data().to_str().unwrap();
        self.machine.expect(0, &[&["emulator"], &*words(text), &["--data", data]].concat());
    }

    pub fn expect(&self, code: i32, text: &str) -> Said {
        self.emulator.expect(&self.machine, code, &words(text))
    }

    pub fn ok(&self, text: &str) -> String {
        self.expect(0, text).stdout
    }

    /// The records of a command.
    #[track_caller]
    pub fn json(&self, code: i32, text: &str) -> Vec<Value> {
        let said = self.expect(code, &format!("{text} --json"));
        support::schema::check_lines(&said.stdout);
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn forward(&self, by: &str) {
        self.emulator.forward(&self.machine, by);
    }

    /// A refusal by exit code and by the code that `explain` knows.
    #[track_caller]
    pub fn refused(&self, exit: i32, code: &str, text: &str) -> String {
        let said = self.expect(exit, text);
        assert!(said.stderr.contains(&format!("code: {code} ")), "{text}: {}", said.stderr);
        said.stderr
    }

    /// The jobs that the service has, as it keeps them itself.
    pub fn kept_jobs(&self, operation: &str) -> usize {
        let path = self.emulator.data().join("meta/recovery.json");
        let world: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let vaults = world["vaults"].as_array().unwrap().iter();
        let jobs = vaults.flat_map(|own| own["jobs"].as_array().unwrap().clone());
        jobs.filter(|own| own["operation"] == operation).count()
    }
}

#[test]
fn from_the_guide_to_protected_machines_as_the_tutorial_goes() {
    let world = World::new(&["web", "db --os windows", "off --power deallocated"]);
    let guide = world.json(0, "vm guide");
    let states: Vec<&str> = guide.iter().map(|own| own["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["done", "open", "open", "unseen", "open", "open"]);
    let made =
        world.ok(&format!("vm vault create prod --location WestUS --role secondary {GROUP}"));
    assert!(made.contains("LocallyRedundant") && made.contains("vm discover"), "{made}");
    let again = world.json(0, &format!("vm vault create prod --location westus {GROUP}"));
    assert_eq!((&again[0]["was_there"], &again[0]["state"]), (&true.into(), &"Succeeded".into()));
    let found = world.json(0, "vm discover");
    let names: Vec<&str> = found.iter().map(|own| own["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["db", "off", "web"]);
    let deeds = world.json(0, "vm protect --all");
    assert!(deeds.len() == 3 && deeds.iter().all(|own| own["outcome"] == "done"), "{deeds:?}");
    assert_eq!(world.kept_jobs("ConfigureBackup"), 3, "one job a machine");
    let again = world.json(0, "vm protect web db off");
    assert!(again.iter().all(|own| own["outcome"] == "unchanged"), "{again:?}");
    assert_eq!(world.kept_jobs("ConfigureBackup"), 3, "twice is once");
    let status = world.ok("vm status web");
    assert!(status.contains("protected, first backup to come"), "{status}");
    assert!(status.contains("next backup"), "{status}");
    let deeds = world.json(0, "vm backup web off");
    let job = deeds[0]["job"].as_str().unwrap().to_owned();
    let listed = world.json(0, "vm job list --operation Backup --status InProgress");
    assert_eq!(listed.len(), 2, "{listed:?}");
    world.forward("+7m");
    let ended = world.json(0, &format!("vm job wait {job}"));
    assert_eq!(ended[0]["status"], "Completed");
    assert_eq!(ended[0]["tasks"][1]["name"], "Transfer data to vault");
    let points = world.json(0, "vm point list web");
    assert_eq!(points.len(), 1);
    assert_eq!(points[0]["consistency"], "FileSystemConsistent");
    let off = world.json(0, "vm point list off");
    assert_eq!(off[0]["consistency"], "CrashConsistent", "a machine that is off");
    world.forward("+1d");
    let all = world.json(0, "vm status");
    assert!(all.iter().all(|own| own["protection"] == "protected"), "{all:?}");
    let guide = world.ok("vm guide");
    assert!(guide.contains("6. The first backup: done"), "{guide}");
    let gone = world.json(0, "vm unprotect db --keep-data --yes");
    assert_eq!(gone[0]["outcome"], "done");
    world.json(0, "vm unprotect off --delete-data --yes");
    let all = world.json(0, "vm status");
    let states: Vec<&str> = all.iter().map(|own| own["protection"].as_str().unwrap()).collect();
    assert_eq!(states, ["stopped", "deleted", "protected"]);
    let again = world.json(0, "vm unprotect db --keep-data --yes");
    assert_eq!(again[0]["outcome"], "unchanged");
}

#[test]
fn what_cannot_be_is_told_by_name_before_anything_is_done() {
    let world = World::new(&[
        "web --group one",
        "web --group two",
        "db",
        "far --region eastus",
        "old --classic",
    ]);
    world.refused(10, "vm-vault-not-found", "vm discover");
    let told = world.refused(2, "flag-missing", "vm vault create prod --location westus");
    assert!(!told.contains("staging"), "{told}");
    let place = format!("--location nowhere {GROUP}");
    world.refused(2, "vm-region-unknown", &format!("vm vault create prod {place}"));
    world.ok(&format!("vm vault create prod --location westus {GROUP}"));
    let other = world.refused(
        2,
        "vm-vault-other",
        &format!("vm vault create prod --location eastus {GROUP}"),
    );
    assert!(other.contains("westus") && other.contains("eastus"), "{other}");
    let local = format!("vm vault create prod --location westus --redundancy local {GROUP}");
    world.refused(2, "vm-vault-other", &local);
    let both = world.refused(2, "vm-ambiguous", "vm protect web");
    assert!(
        both.to_lowercase().contains("/one/") && both.to_lowercase().contains("/two/"),
        "{both}"
    );
    world.ok("vm protect one/web");
    world.refused(10, "vm-not-found", "vm protect none");
    let classic = world.refused(13, "vm-classic", "vm protect old");
    assert!(classic.contains("disk-backup"), "{classic}");
    world.refused(2, "vm-word", "vm protect a/b/c");
    let far = world.refused(13, "vm-other-region", "vm protect far");
    assert!(far.contains("eastus"), "{far}");
    world.refused(10, "vm-policy-not-found", "vm protect db --policy gold");
    world.refused(10, "vm-policy-not-found", "vm policy show gold");
    world.refused(10, "vm-not-protected", "vm backup db");
    world.refused(10, "vm-job-not-found", "vm job show 00000000-0000-0000-0000-000000000000");
    world.refused(10, "vm-job-not-found", "vm job show ../x");
    world.refused(2, "needs-yes", "vm unprotect one/web --delete-data");
    world.ok(&format!("vm vault create second --location westus {GROUP}"));
    let two = world.refused(2, "vm-vault-ambiguous", "vm job list");
    assert!(two.contains("prod") && two.contains("second"), "{two}");
    let elsewhere = world.expect(13, "vm protect one/web --vault second");
    assert!(elsewhere.stdout.contains("AnotherVault"), "{}", elsewhere.stdout);
    assert_eq!(world.kept_jobs("ConfigureBackup"), 1, "nothing else was done");
    let data = world.emulator.data().to_str().unwrap();
    let wrong = ["emulator", "vm", "set", "x", "--power", "asleep", "--data", data];
    let said = world.machine.expect(13, &wrong);
    assert!(said.stderr.contains("deallocated"), "{}", said.stderr);
}

#[test]
fn a_policy_is_set_from_a_file_and_all_that_is_wrong_with_it_is_told_at_once() {
    let world = World::with_vault(&["web", "db"]);
    let file = |name: &str, text: &str| fs::write(world.machine.path(name), text).unwrap();
    file(
        "wrong.toml",
        "schedule = \"daily 02:10\"\ntime-zone = \"Europe/Berlim\"\nkeep = [\"every Sunday for 3 days\"]",
    );
    let told = world.refused(2, "vm-policy-invalid", "vm policy set gold --file wrong.toml");
    for part in ["02:10", "Europe/Berlin", "every Sunday for 3 days", "every day for 30 days"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    file("wrong.toml", "schedule = \"daily 02:10\"\nkeep = [\"every Sunday for 3 days\"]");
    let told = world.refused(2, "vm-policy-invalid", "vm policy set gold --file wrong.toml");
    for part in ["02:10", "every Sunday for 3 days", "every day for 30 days"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    world.refused(2, "vm-policy-file", "vm policy set gold --file none.toml");
    // Nobody writes to it, and nobody is waited for long; of a pipe that somebody holds all is.
    let (pipe, mode) = (world.machine.path("pipe"), Mode::RUSR | Mode::WUSR);
    mknodat(CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
    world.refused(2, "vm-policy-file", "vm policy set gold --file pipe");
    world.refused(2, "nsg-file", "nsg suggest --rules pipe");
    file(
        "gold.toml",
        "schedule = \"daily 02:00\"\ntime-zone = \"Europe/Berlin\"\n\
         keep = [\"every day for 30 days\", \"every Sunday for 104 weeks\"]",
    );
    world.refused(2, "vm-policy-name", "vm policy set g --file gold.toml");
    let set = |code, text: &str| world.json(code, text)[0]["set"].as_str().unwrap().to_owned();
    let mut late = world.machine.other(Path::new("/bin/sh"));
    let line = "(sleep 1; cat gold.toml) | \"$0\" vm policy simulate --file /dev/stdin --years 1";
    let late = said(late.args(["-c", line, env!("CARGO_BIN_EXE_azseed")]).output().unwrap());
    assert!(late.code == 0 && !late.stdout.is_empty(), "{late:?}");
    assert_eq!(set(0, "vm policy set gold --file gold.toml"), "made");
    assert_eq!(set(0, "vm policy set gold --file gold.toml"), "unchanged");
    let shown = world.ok("vm policy show gold");
    assert!(shown.contains("time-zone = \"Europe/Berlin\""), "{shown}");
    world.ok("vm protect web --policy gold");
    // One policy at a time: another takes its place only with consent.
    world.refused(2, "needs-yes", "vm protect web");
    let changed = world.json(0, "vm protect web --yes");
    assert_eq!(changed[0]["outcome"], "done");
    let made = world.json(0, "vm protect db --policy silver --new-policy gold.toml");
    assert_eq!(made[0]["outcome"], "done");
    file("gold.toml", "schedule = \"daily 03:00\"\nkeep = [\"every day for 7 days\"]");
    world.refused(2, "needs-yes", "vm policy set silver --file gold.toml");
    assert_eq!(set(0, "vm policy set silver --file gold.toml --yes"), "changed");
    let listed = world.json(0, "vm policy list");
    let names: Vec<&str> = listed.iter().map(|own| own["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["DefaultPolicy", "gold", "silver"]);
    assert_eq!(listed[2]["machines"], 1);
    let simulated = world.json(0, "vm policy simulate silver --from 2026-01-01 --years 1");
    let last = simulated.last().unwrap();
    assert_eq!((&last["made"], &last["kept"]), (&365.into(), &7.into()));
}

#[test]
fn a_job_that_failed_brings_its_entry_along_and_a_job_can_be_cancelled_in_time() {
    let world = World::with_vault(&["web", "db"]);
    world.ok("vm protect --all");
    world.vm("web --fail UserErrorFsFreezeFailed,times=1");
    let deeds = world.json(0, "vm backup web db");
    world.forward("+7m");
    let failed = format!("vm job wait {}", deeds[0]["job"].as_str().unwrap());
    let told = world.expect(1, &failed).stdout;
    for part in ["UserErrorFsFreezeFailed", "Why:", "What to do:", "1."] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let record = world.json(1, &failed);
    assert_eq!(record[0]["errors"][0]["code"], "UserErrorFsFreezeFailed");
    world.vm("web --fail 320001,at=warning");
    let job = |text: &str| world.json(0, text)[0]["job"].as_str().unwrap().to_owned();
    let warned = job("vm backup web");
    world.forward("+7m");
    world.expect(3, &format!("vm job show {warned} --wait"));
    world.vm("web --fail none");
    let stopped = job("vm backup web");
    world.ok(&format!("vm job cancel {stopped}"));
    world.forward("+1m");
    world.expect(13, &format!("vm job wait {stopped}"));
    world.refused(13, "vm-job-not-cancellable", &format!("vm job cancel {warned}"));
    // A machine that cannot be protected: told with 200, and by its cause.
    world.vm("new --fail vm-agent-missing,at=protect");
    let told = world.expect(13, "vm protect new").stdout;
    assert!(told.contains("azure-operation-failed") && told.contains("What to do:"), "{told}");
    let several = world.json(1, "vm protect new web");
    assert_eq!(
        (&several[0]["outcome"], &several[1]["outcome"]),
        (&"failed".into(), &"unchanged".into())
    );
    assert_eq!(several[0]["service_code"], "vm-agent-missing");
}

#[test]
fn a_bad_day_of_the_service_changes_nothing_and_makes_no_second_backup() {
    let world = World::with_vault(&["web"]);
    world.ok("vm protect web");
    let on = |what: &str| world.emulator.mischief(&world.machine, &["--clear", what]);
    for what in [
        "retry-after-seconds",
        "retry-after-date",
        "burst-503:2",
        "relative-status",
        "doubled-status",
        "odd-ids",
        "empty-pages",
        "slow",
    ] {
        on(what);
        let all = world.json(0, "vm status");
        assert_eq!(all[0]["protection"], "first-backup-to-come", "{what}");
        let deeds = world.json(0, "vm protect web");
        assert_eq!(deeds[0]["outcome"], "unchanged", "{what}");
    }
    // The connection is cut after the backup was begun: the job that it made is found.
    on("reset-after:1");
    let cut = world.json(0, "vm backup web");
    assert!(cut[0]["job"].is_string(), "{cut:?}");
    let again = world.json(0, "vm backup web");
    assert_eq!((&again[0]["outcome"], &again[0]["job"]), (&"unchanged".into(), &cut[0]["job"]));
    assert_eq!(world.kept_jobs("Backup"), 1);
    on("relative-status");
    world.forward("+7m");
    assert_eq!(world.json(0, "vm job list --operation Backup")[0]["status"], "Completed");
    // Lengths of time and words as older answers have them.
    let plain =
        (world.json(0, "vm job list --operation Backup"), world.json(0, "vm point list web"));
    on("old-forms");
    let old = (world.json(0, "vm job list --operation Backup"), world.json(0, "vm point list web"));
    assert_eq!(old, plain);
    assert!(plain.0[0]["seconds"] == 420 && plain.1[0]["tiers"][0] == "InstantRP", "{plain:?}");
    // A failure inside an answer with 200.
    on("operation-fails:1");
    world.ok("vm policy list");
    let told = world.expect(13, "vm unprotect web --keep-data --yes");
    let told = format!("{}{}", told.stdout, told.stderr);
    assert!(told.contains("InternalError") && !told.contains("datacenter"), "{told}");
    // A word that nobody knows is no end.
    on("unknown-state");
    let named = "--subscription 11111111-2222-4333-8444-555555555555";
    let odd = world.json(0, &format!("vm job list --operation Backup {named}"));
    assert_eq!(odd[0]["status"], "Pondering");
}

#[test]
fn who_is_killed_while_waiting_goes_on_with_the_same_job() {
    let world = World::with_vault(&["web"]);
    world.ok("vm protect web");
    let start = || {
        let mut command =
            world.emulator.command(&world.machine, &words("vm backup web --wait --json"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut first = start();
    let begun = Instant::now();
    while world.kept_jobs("Backup") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no backup was begun");
        std::thread::sleep(Duration::from_millis(50));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let second = start();
    std::thread::sleep(Duration::from_millis(500));
    world.forward("+7m");
    let ended = said(second.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(world.kept_jobs("Backup"), 1, "never a second one");
    let last: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["status"]), (&"vm-job".into(), &"Completed".into()));
    // One that is asked to stop leaves, and says how to go on.
    let mut third = start();
    while world.kept_jobs("Backup") == 1 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut line = String::new();
    BufReader::new(third.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("vm-deed"), "{line}");
    std::thread::sleep(Duration::from_millis(500));
    let id = rustix::process::Pid::from_raw(third.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let left = said(third.wait_with_output().unwrap());
    assert_eq!(left.code, 130, "{}", left.stderr);
    let told = format!("{}{}", left.stdout, left.stderr);
    assert!(told.contains("vm-wait-stopped") && told.contains("vm job wait"), "{told}");
}

/// Signed in as a program, which gets another token when one is over.
fn by_program(world: &World, line: &str) -> Command {
    let mut command = world.emulator.command(&world.machine, &words(line));
    command.env_remove("AZSEED_TOKEN").env("AZURE_TENANT_ID", "tenant");
    command.env("AZURE_CLIENT_ID", "client").env("AZURE_CLIENT_SECRET", "secret");
    command.args(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    command
}

/// Waits for a backup of `web`, whose token runs out meanwhile.
fn loses_its_token(world: &World, mut command: Command) -> Child {
    let mut waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(waiting.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("vm-deed"), "{line}");
    let on = |what: &[&str]| world.emulator.mischief(&world.machine, what);
    on(&["--clear", "expired-token:1"]);
    let begun = Instant::now();
    while on(&[])[0]["struck"] != 1 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody asked any more");
        std::thread::sleep(Duration::from_millis(50));
    }
    waiting
}

#[test]
fn a_token_that_runs_out_while_waiting_costs_neither_the_job_nor_a_second_one() {
    let world = World::with_vault(&["web"]);
    world.ok("vm protect web");
    let line = "vm backup web --wait --json";
    let waiting = loses_its_token(&world, by_program(&world, line));
    world.forward("+7m");
    let ended = said(waiting.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("\"Completed\""), "{}", ended.stdout);
    assert_eq!(world.kept_jobs("Backup"), 1);
    // A token that was given cannot be renewed: it is said, and the job goes on.
    let waiting = loses_its_token(&world, world.emulator.command(&world.machine, &words(line)));
    let ended = said(waiting.wait_with_output().unwrap());
    assert_eq!(ended.code, 12, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("\"azure-token-over\""), "{}", ended.stdout);
    let again = said(by_program(&world, "vm backup web --json").output().unwrap());
    let deed: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((again.code, &deed["outcome"]), (0, &"unchanged".into()), "{deed}");
    assert_eq!(world.kept_jobs("Backup"), 2, "and no third one");
}

#[test]
fn a_machine_with_too_many_data_disks_is_told_by_name_and_keeps_no_other_from_its_vault() {
    let world = World::with_vault(&["web"]);
    fs::write(world.machine.path("disk"), vec![0; 1 << 20]).unwrap();
    let disk = format!("--disk {} ", world.machine.text("disk"));
    for (name, disks) in [("most", 33), ("large", 34)] {
        world.vm(format!("{name} {}", disk.repeat(disks)).trim());
    }
    let told = world.expect(13, "vm protect large").stdout;
    assert!(told.contains("33 data disks, and Azure backs up 32 at most"), "{told}");
    assert!(told.contains("vm-many-disks") && told.contains("fewer disks"), "{told}");
    let deeds = world.json(1, "vm protect --all");
    let came: Vec<[&str; 2]> =
        deeds.iter().map(|own| ["name", "outcome"].map(|of| own[of].as_str().unwrap())).collect();
    assert_eq!(came, [["large", "failed"], ["most", "done"], ["web", "done"]]);
    assert_eq!(world.kept_jobs("ConfigureBackup"), 2);
    let found = world.json(13, "check vm large");
    let disks = found.iter().find(|own| own["id"] == "vm-disks").unwrap();
    assert_eq!(
        (&disks["verdict"], &disks["explain"]),
        (&"problem".into(), &"vm-many-disks".into())
    );
    world.machine.expect(0, &["explain", "vm-many-disks"]);
}

#[test]
fn the_only_subscription_is_found_and_another_is_not_there() {
    let world = World::with_vault(&[]);
    // The emulator has one; it is found without being named.
    assert_eq!(world.json(0, "vm vault list").len(), 1);
    let other = "vm vault list --subscription 99999999-2222-4333-8444-555555555555";
    world.refused(10, "azure-no-subscription", other);
}

#[test]
fn a_long_backup_is_told_a_deaf_machine_fails_for_that_and_a_point_is_kept_as_long_as_asked() {
    let world = World::with_vault(&["slow --slow", "deaf --agent stopped"]);
    world.ok("vm protect --all");
    world.json(0, "vm backup --all --keep-until 2099-01-01T00:00:00Z");
    world.forward("+750m");
    let jobs = world.json(0, "vm job list --operation Backup");
    let of = |name: &str| jobs.iter().find(|own| own["machine"] == name).unwrap();
    assert_eq!((&of("slow")["status"], &of("slow")["long"]), (&"InProgress".into(), &true.into()));
    assert_eq!(of("deaf")["errors"][0]["code"], "380008");
    assert!(world.ok("vm job list").contains("backup-over-12h"));
    assert!(world.json(0, "vm job list --since 2098-01-01T00:00:00Z").is_empty());
    world.forward("+40d");
    let points = world.json(0, "vm point list slow");
    let time = |own: &Value| own["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let [.., second, first] = points.as_slice() else { panic!("{points:?}") };
    let apart = time(second).duration_since(time(first));
    assert!(apart.as_hours() > 5 * 24, "the policy's points of those days are gone: {apart}");
    let since = format!("vm point list slow --since {}", second["time"].as_str().unwrap());
    assert_eq!(world.json(0, &since).len(), points.len() - 1);
}

#[test]
fn vaults_and_policies_are_kept_up_and_let_go_only_when_nothing_needs_them() {
    let world = World::new(&["web", "far --region eastus"]);
    let plan = world.json(0, "vm vault plan");
    let of = |at: usize| {
        (plan[at]["region"].as_str().unwrap(), plan[at]["vaults"].as_array().unwrap().len())
    };
    assert_eq!((of(0), of(1)), (("eastus", 0), ("westus", 0)));
    world.ok(&format!("vm vault create prod --location westus {GROUP}"));
    let plan = world.ok("vm vault plan");
    assert!(
        plan.contains("westus: 1 machine, prod") && plan.contains("--location eastus"),
        "{plan}"
    );
    let shown = world.json(0, "vm vault redundancy show");
    assert_eq!(
        (&shown[0]["redundancy"], &shown[0]["locked"]),
        (&"GeoRedundant".into(), &false.into())
    );
    let set = |text: &str| {
        world.json(0, &format!("vm vault redundancy set {text}"))[0]["changed"].clone()
    };
    assert_eq!((set("local"), set("local")), (true.into(), false.into()));
    // A template is a file that is taken as it is.
    for name in ["default", "gfs-example", "quarter-end-audit"] {
        let text = world.ok(&format!("vm policy template {name}"));
        fs::write(world.machine.path("made.toml"), text).unwrap();
        let made = world.json(0, &format!("vm policy set {name} --file made.toml"));
        assert_eq!(made[0]["set"], "made");
        let record = world.json(0, &format!("vm policy template {name}"));
        assert_eq!(record[0]["keep"], made[0]["keep"]);
    }
    world.refused(2, "policy-template-unknown", "vm policy template golden");
    world.ok("vm protect web --policy gfs-example");
    let locked = world.refused(13, "vm-vault-locked", "vm vault redundancy set geo");
    assert!(locked.contains("LocallyRedundant"), "{locked}");
    let used = world.refused(13, "vm-policy-in-use", "vm policy delete gfs-example");
    assert!(used.contains("RG/web"), "{used}");
    world.refused(10, "vm-policy-not-found", "vm policy delete golden");
    world.refused(2, "needs-yes", "vm policy delete default");
    world.ok("vm policy delete default --yes");
    let left = world.json(0, "vm policy list");
    let names: Vec<&str> = left.iter().map(|own| own["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["DefaultPolicy", "gfs-example", "quarter-end-audit"]);
    world.refused(13, "vm-vault-not-empty", "vm vault delete --yes");
    world.ok("vm unprotect web --delete-data --yes");
    let until = world.refused(13, "vm-vault-not-empty", "vm vault delete --yes");
    assert!(until.contains("can be had back until 20") && until.contains("wait"), "{until}");
    world.forward("+15d");
    world.refused(2, "needs-yes", "vm vault delete");
    world.ok("vm vault delete --yes");
    world.refused(10, "vm-vault-not-found", "vm vault delete --yes");
}

#[test]
fn all_machines_that_cannot_be_meant_are_told_at_once_with_what_to_do() {
    let world =
        World::with_vault(&["web", "far --region eastus", "near --region eastus", "old --classic"]);
    let told = world.refused(10, "vm-not-found", "vm protect nobody web nothing old");
    for part in ["nobody in the", "nothing in the", "old is a classic one"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // Ids of the classic way and words that can be no machine are told beside the others.
    let classic = format!(
        "/subscriptions/{}/resourceGroups/RG/providers/Microsoft.ClassicCompute/virtualMachines/gone",
        "11111111-2222-4333-8444-555555555555"
    );
    for command in ["vm protect", "check vm", "vm preflight"] {
        let told = world.refused(2, "vm-word", &format!("{command} a/b/c web nobody {classic}"));
        for part in ["a/b/c", "nobody in the"] {
            assert!(told.contains(part), "{command}: {part}: {told}");
        }
        // A check looks at what there is of a classic one, which is a finding.
        assert_eq!(told.contains("gone is a classic one"), command == "vm protect", "{told}");
    }
    let told = world.refused(13, "vm-classic", &format!("vm protect {classic} nobody"));
    assert!(told.contains("gone is a classic one") && told.contains("nobody in the"), "{told}");
    let told = world.refused(13, "vm-other-region", "vm protect far web near");
    assert!(
        told.contains("RG/far is in eastus") && told.contains("RG/near is in eastus"),
        "{told}"
    );
    let told = world.refused(10, "vm-not-protected", "vm backup web db");
    assert!(told.contains("protect web") && told.contains("protect db"), "{told}");
    assert!(told.contains("`azseed vm protect web --vault prod --resource-group "), "{told}");
    world.ok("vm protect WEB");
    assert_eq!(world.kept_jobs("ConfigureBackup"), 1, "nothing else was done");
    // Times: with a zone, or a day; and not one that is over.
    for text in ["vm backup web --keep-until", "vm job list --since", "vm point list web --since"] {
        let told = world.refused(2, "usage", &format!("{text} 2026-12-20T06:00:00"));
        assert!(told.contains("2026-12-20T06:00:00Z"), "{text}: {told}");
        let told = world.refused(2, "usage", &format!("{text} tomorrow"));
        assert!(told.contains("take a day"), "{text}: {told}");
    }
    let told = world.refused(2, "usage", "vm policy simulate default --from 2026-12-20T06:00");
    assert!(told.contains("take a day, as in"), "{told}");
    world.refused(2, "vm-keep-until-over", "vm backup web --keep-until 2020-12-20");
    assert_eq!(world.kept_jobs("Backup"), 0);
    assert_eq!(world.json(0, "vm job list --since 2020-01-01").len(), 1);
    let told =
        world.expect(2, "vm vault create pr_od --location westus --resource-group rg").stderr;
    assert!(told.contains("'_' is none of these"), "{told}");
    // Two vaults of one name are told apart by their groups, in the lines to type as well.
    let made = world.ok("vm vault create prod --location westus --resource-group other-rg");
    assert!(made.contains("vm discover --vault prod --resource-group other-rg`"), "{made}");
    let told = world.refused(2, "vm-vault-ambiguous", "vm job list --vault PROD");
    assert!(told.contains("--resource-group"), "{told}");
    assert_eq!(world.json(0, "vm job list --vault Prod --resource-group BACKUP-RG").len(), 1);
    let guide = world.ok("vm guide");
    let all = "vm backup --all --vault prod --resource-group backup-rg --wait";
    assert!(guide.contains(all), "{guide}");
    // So are the lines that other commands print.
    let own = "--vault prod --resource-group backup-rg";
    let told = world.refused(10, "vm-not-protected", &format!("vm backup db {own}"));
    assert!(told.contains(&format!("`azseed vm protect db {own}`")), "{told}");
    // A vault or a group that is not there is told, and what is elsewhere is not told as nothing.
    world.vm("more");
    world.ok("vm protect more --resource-group other-rg");
    let elsewhere = ["backup-rg/prod", "other-rg/prod"];
    for line in
        ["vm list", "vm status", "vm status web", "vm guide", "vm vault plan", "vm vault list"]
    {
        let told = world.refused(10, "vm-vault-not-found", &format!("{line} --vault nope"));
        assert!(told.contains("The vault nope is not there"), "{line}: {told}");
        let told = world.refused(10, "vm-vault-not-found", &format!("{line} --resource-group no"));
        assert!(elsewhere.iter().all(|own| told.contains(own)), "{line}: {told}");
    }
    for line in ["vm register web", "vm job list", "check vm web"] {
        world.refused(10, "vm-vault-not-found", &format!("{line} --vault nope"));
    }
    let of = |line: &str| -> Vec<(Value, Value)> {
        let all = world.json(0, &format!("{line} --resource-group other-rg")).into_iter();
        all.map(|own| (own["name"].clone(), own["vault"].clone())).collect()
    };
    let is_own = |own: &(Value, Value)| own.0 == "more" && own.1.to_string().contains("prod");
    assert!(matches!(&of("vm status")[..], [own] if is_own(own)));
    let listed = of("vm list");
    assert!(!listed.iter().any(|own| own.0 == "web"), "another vault has it: {listed:?}");
    let shown = world.json(0, "vm show web --resource-group other-rg");
    assert_ne!(shown[0]["protection"], Value::Null, "{shown:?}");
    let plan = world.json(0, "vm vault plan --resource-group other-rg");
    let west = plan.iter().find(|own| own["region"] == "westus").unwrap();
    assert_eq!(west["vaults"], serde_json::json!(["prod", "prod"]), "{plan:?}");
    // More backups of a day than the service makes; neither its policy's nor one that was cancelled
    // is one of them.
    world.forward("+1d");
    let web = "--resource-group backup-rg";
    let begun = world.json(0, &format!("vm backup web {web}"));
    let job = begun[0]["job"].as_str().unwrap();
    world.ok(&format!("vm job cancel {job} {web}"));
    let again = world.json(0, &format!("vm job cancel {job} {web}"));
    assert!(again[0]["status"].as_str().unwrap().starts_with("Cancel"), "{again:?}");
    world.forward("+8m");
    let again = world.json(0, &format!("vm job cancel {job} {web}"));
    assert_eq!(again[0]["status"], "Cancelled", "nothing is left to do");
    let made = world.json(0, &format!("vm job list --operation backup {web}"));
    assert!(made.len() > 1, "the policy has made one: {made:?}");
    let told = world.refused(2, "usage", &format!("vm job list --operation Foo {web}"));
    assert!(told.contains("ConfigureBackup"), "{told}");
    for _ in 0..4 {
        world.ok("vm backup web --resource-group backup-rg");
        world.forward("+8m");
    }
    let told = world.expect(13, "vm backup web --resource-group backup-rg").stdout;
    assert!(told.contains("UserErrorOnDemandBackupLimitReached"), "{told}");
    assert!(told.contains("hint: "), "{told}");
}

#[test]
fn what_ails_a_machine_fails_its_backup_for_that_cause_with_its_steps() {
    let causes = [
        ("stirring", "--power transient", "UserErrorVmNotInDesirableState"),
        ("broken", "--power failed", "UserErrorVmProvisioningStateFailed"),
        ("mute", "--agent absent", "vm-agent-missing"),
        ("deaf", "--agent stopped", "AzureVmOffline"),
        ("stuck", "--extension failed", "basic-snapshot-extension-stuck"),
        ("full", "--odd many-snapshots", "ExtensionFailedSnapshotLimitReachedError"),
        ("gone", "", "BCMV2VMNotFound"),
    ];
    let names = causes.map(|(name, ..)| name);
    let world = World::with_vault(&names);
    world.ok("vm protect --all");
    for (name, state, _) in causes.iter().filter(|own| !own.1.is_empty()) {
        world.vm(&format!("{name} {state}"));
    }
    world.declare("vm remove gone");
    world.ok("vm backup --all");
    world.forward("+7m");
    let jobs = world.json(1, "vm job list --operation Backup --wait");
    assert_eq!(jobs.len(), causes.len());
    for (name, _, code) in causes {
        let job = jobs.iter().find(|own| own["machine"] == name).unwrap();
        assert_eq!(job["status"], "Failed", "{name}");
        let told = world.expect(0, &format!("vm job show {}", job["id"].as_str().unwrap())).stdout;
        let explained = world.machine.expect(0, &["explain", code]).stdout;
        let own = job["errors"][0]["code"].as_str().unwrap();
        assert!(own == code || explained.contains(own), "{name}: {own} and not {code}");
        assert!(told.contains("Why:") && told.contains("What to do:"), "{name}: {told}");
    }
}
