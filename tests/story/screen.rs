//! What is on the screen while the work goes on, and when somebody stops it; and drives that are
//! known by what is on them.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::tree::Dice;

const TARGET: &str = "--storage-account account1 --container seed --resource-group rg \
                      --subscription 11111111-2222-4333-8444-555555555555";

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Stages a file of so many bytes for a job of the same name.
fn stage(machine: &Machine, job: &str, bytes: usize) {
    let source = machine.path(&format!("source-{job}"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), Dice(bytes as u64).bytes(bytes)).unwrap();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let text = format!(
        "stage adopt --source source-{job} --staging {job} --job {job} {TARGET} --location westeurope \
         --contact contact.toml"
    );
    machine.expect(0, &words(&text));
}

/// Runs at a terminal of this kind.
fn at_terminal(machine: &Machine, kind: &str, columns: u32, text: &str) -> Said {
    let program = env!("CARGO_BIN_EXE_azseed");
    let state = machine.text("state");
    let typed = format!("stty cols {columns} rows 24; '{program}' --state '{state}' {text}");
    let mut command = machine.other(std::path::Path::new("/usr/bin/script"));
    command.args(["-qec", &typed, "/dev/null"]).env("TERM", kind);
    said(command.output().unwrap())
}

#[test]
fn an_image_is_the_drive_that_a_journal_has_for_it_whatever_its_name() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    stage(&machine, "seed-1", 3_000_000);
    stage(&machine, "seed-2", 3_000_000);
    let prep = "prep --staging seed-1 --drive drive.img,serial=TRY-1,size=210M";
    emulator.expect(&machine, 0, &words(prep));
    let listed = machine.expect(0, &["drive", "list", "drive.img"]).stdout;
    assert!(listed.contains("TRY-1") && listed.contains("for job seed-1"), "{listed}");
    assert!(listed.contains("drive release TRY-1") && !listed.contains("--erase"), "{listed}");
    // Named by its file only, and for another job, it is still that drive.
    let before = fs::read(machine.path("drive.img")).unwrap();
    let other = "prep --staging seed-2 --offline --drive drive.img";
    let refused = machine.expect(4, &words(other));
    assert!(refused.stderr.contains("drive-sealed-elsewhere"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("--erase"), "{}", refused.stderr);
    let erased = "prep --staging seed-2 --offline --drive drive.img --erase drive --wipe none";
    let refused = machine.run(&words(erased));
    assert!(refused.code == 4 || refused.code == 2, "{} {}", refused.code, refused.stderr);
    assert!(before == fs::read(machine.path("drive.img")).unwrap(), "it was written");
    let ship = "job ship --staging seed-1 --carrier FedEx --tracking-number 1Z1";
    emulator.expect(&machine, 0, &words(ship));
    let docked = emulator.dock(&machine, &["drive.img"]);
    assert_eq!(
        (&docked[0]["serial"], &docked[0]["status"]),
        (&"TRY-1".into(), &"Completed".into())
    );
}

/// At a terminal nobody types a serial for a drive that is refused then, or before he sees the plan.
#[test]
fn the_serial_is_asked_for_when_all_was_looked_at_and_the_plan_is_shown() {
    const ASKED: &str = "Type its serial to go on";
    let machine = Machine::new();
    stage(&machine, "seed-1", 3_000_000);
    stage(&machine, "seed-2", 3_000_000);
    machine
        .expect(0, &words("prep --staging seed-1 --offline --drive one.img,serial=ONE,size=210M"));
    let image = fs::File::create(machine.path("two.img")).unwrap();
    image.set_len(210 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&image, b"old", 5000).unwrap();
    drop(image);
    let before = fs::read(machine.path("two.img")).unwrap();
    for (drive, code) in
        [("one.img,serial=ONE", "drive-sealed-elsewhere"), ("two.img,serial=TWO", "wipe-undecided")]
    {
        let call = format!("prep --staging seed-2 --offline --drive {drive}");
        let said = at_terminal(&machine, "dumb", 100, &call);
        assert_eq!(said.code, 4, "{}", said.stdout);
        assert!(said.stdout.contains(code) && !said.stdout.contains(ASKED), "{}", said.stdout);
    }
    let call = "prep --staging seed-2 --offline --wipe none --drive two.img,serial=TWO";
    let said = at_terminal(&machine, "dumb", 200, call);
    assert_eq!(said.code, 4, "{}", said.stdout);
    let at =
        |text: &str| said.stdout.find(text).unwrap_or_else(|| panic!("{text}: {}", said.stdout));
    assert!(at("Drive TWO at two.img gets 1 file, 3.00 MB") < at("What is on it goes"));
    assert!(at("What is on it goes") < at(ASKED) && at(ASKED) < at("drive-not-confirmed"));
    assert!(before == fs::read(machine.path("two.img")).unwrap(), "it was written");
    assert!(!machine.path("seed-2/journals/TWO.journal").exists());
}

#[test]
fn what_an_emulator_leaves_for_shells_and_units_is_its_owners_alone() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let path = emulator.data().join("azure.env");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    // systemd.exec(5): lines without an equals sign are left out, double quotes are taken off.
    let read = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap().trim_matches('"').to_owned()
    };
    let mut shell = machine.other(std::path::Path::new("/bin/sh"));
    let script = ". \"$1\"; exec env";
    let output = shell.args(["-c", script, "sh"]).arg(&path).output().unwrap();
    let inherited = String::from_utf8(output.stdout).unwrap();
    let facts = [
        ("AZSEED_ARM_ENDPOINT", "arm"),
        ("AZSEED_BLOB_ENDPOINT", "blob"),
        ("AZSEED_ACCOUNT_KEY", "account_key"),
        ("AZSEED_TOKEN", "token"),
        ("AZSEED_CA_FILE", "ca_file"),
    ];
    for (name, fact) in facts {
        assert_eq!(read(name), emulator.fact(fact));
        let line = format!("{name}={}", emulator.fact(fact));
        assert!(inherited.lines().any(|own| own == line), "{name} is not exported");
    }
    let is_variable = |line: &str| line.starts_with("AZSEED_") && line.contains("=\"");
    let others: Vec<_> = text.lines().filter(|line| !is_variable(line)).collect();
    assert!(others.len() == 1 && others[0].starts_with("export AZSEED_"), "{others:?}");
}

#[test]
fn bars_are_drawn_only_where_a_terminal_can_draw_and_in_its_width() {
    let machine = Machine::new();
    stage(&machine, "seed-1", 40_000_000);
    let drive = |name: &str| {
        format!("prep --staging seed-1 --offline --yes --drive {name}.img,size=210M --verify")
    };
    let drawn = at_terminal(&machine, "xterm", 50, &drive("S1"));
    assert_eq!(drawn.code, 0, "{}", drawn.stdout);
    assert!(drawn.stdout.contains('\u{1b}'), "{}", drawn.stdout);
    // A bar's line ends where the cursor is moved.
    let bars = drawn.stdout.split(['\n', '\r']).flat_map(|line| line.split('\u{1b}'));
    let bars: Vec<&str> = bars.filter(|text| text.contains(" [") && text.contains("S1")).collect();
    assert!(bars.iter().all(|bar| bar.chars().count() <= 54), "{bars:?}");
    let machine = Machine::new();
    stage(&machine, "seed-1", 40_000_000);
    let plain = at_terminal(&machine, "dumb", 50, &drive("S1"));
    assert_eq!(plain.code, 0, "{}", plain.stdout);
    assert!(!plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
    assert!(plain.stdout.contains("drive S1: fill begins"), "{}", plain.stdout);
}

#[test]
fn whoever_stops_the_work_is_told_where_it_is_and_that_the_same_command_goes_on() {
    let machine = Machine::new();
    let file = fs::File::create_new({
        fs::create_dir(machine.path("source")).unwrap();
        machine.path("source/large")
    });
    file.unwrap().set_len(200_000_000_000).unwrap();
    let text =
        format!("stage --source source --staging staging --job seed-1 --allow-small {TARGET}");
    let mut command = machine.command(&words(&text));
    command.arg("-v").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("begins")), "it ended by itself");
    let id = rustix::process::Pid::from_child(&process);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let told: Vec<String> = lines.collect();
    assert_eq!(process.wait().unwrap().code(), Some(130), "{told:?}");
    let told = told.join("\n");
    assert!(told.contains("the same command goes on"), "{told}");
    assert!(told.contains("Stopped (") || told.contains("block ("), "it says no place: {told}");
}
