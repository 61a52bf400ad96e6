//! A seed that needs more than ten drives: two jobs, two parcels, one vault.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said};
use support::seed::{is_equal, run, staged};
use support::tree::{self, Dice};

const DRIVES: usize = 12;
/// Two packs of this size find no room on one drive of 210 MB.
const PACK: &str = "36Mi";

fn lines(said: &Said) -> Vec<Value> {
    said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Names and states of all that the program says.
fn states(said: &Said) -> Vec<(String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    lines(said).iter().map(|line| (text(line, "name"), text(line, "stage"))).collect()
}

fn expect_states(machine: &Machine, emulator: &Emulator, expected: [&str; 2]) {
    let expected = ["seed-1", "seed-1x2"].into_iter().zip(expected);
    let expected: Vec<_> =
        expected.map(|(job, state)| (job.to_owned(), state.to_owned())).collect();
    assert_eq!(states(&emulator.expect(machine, 0, &["job", "list", "--json"])), expected);
    for words in [["job", "status"], ["job", "show"]] {
        assert!(emulator.expect(machine, 2, &words).stderr.contains("which-job"));
    }
}

/// That the second parcel would have no name is known before the first drive is begun.
#[test]
fn a_job_name_has_room_for_the_parcels_that_the_plan_needs() {
    let machine = Machine::new();
    std::fs::create_dir(machine.path("source")).unwrap();
    for number in 0..DRIVES {
        let file = std::fs::File::create(machine.path(&format!("source/{number}"))).unwrap();
        file.set_len(60_000_000).unwrap();
    }
    let name = "a".repeat(24);
    let staging = machine.adopt(&machine.path("source"), &name);
    for named in [10, DRIVES] {
        let drives: Vec<String> =
            (0..named).map(|number| format!("d{number}.img,size=210M")).collect();
        let mut words = vec!["prep", "--staging", &staging, "--offline"];
        drives.iter().for_each(|drive| words.extend(["--drive", drive]));
        let said = machine.expect(2, &words).stderr;
        assert!(said.contains("job-name-refused") && said.contains("room for x2"), "{said}");
        assert!(!machine.path("d0.img").exists() && !machine.path("staging/journals").exists());
    }
}

#[test]
fn a_seed_on_twelve_drives_travels_in_two_parcels_into_one_vault() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    for number in 0..DRIVES as u64 {
        let mut dice = Dice(number);
        // Twelve packs and a third of one, which finds room beside another.
        let content = dice.bytes(38 << 20);
        tree::write(&machine.path("source"), &format!("file-{number}"), &content, &mut dice);
    }
    let staging = staged(&machine, PACK);
    let drives: Vec<String> =
        (0..DRIVES).map(|number| format!("d{number}.img,serial=D{number},size=210M")).collect();
    let mut words = vec!["prep", "--staging", &staging, "--location", "westus"];
    drives.iter().for_each(|drive| words.extend(["--drive", drive]));
    emulator.expect(&machine, 0, &words);
    emulator.expect(&machine, 0, &["vault", "create", "--vault", "Office"]);
    expect_states(&machine, &emulator, ["waiting", "waiting"]);
    let create = emulator.expect(&machine, 0, &["job", "create", "--location", "westus", "--json"]);
    assert!(lines(&create).iter().all(|job| job["changed"] == false), "{}", create.stdout);
    let jobs = lines(&emulator.expect(&machine, 0, &["job", "list", "--json"]));
    let serials = |job: &Value| -> Vec<String> {
        let drives = job["drives"].as_array().unwrap().iter();
        drives.map(|drive| drive["serial"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second) = (serials(&jobs[0]), serials(&jobs[1]));
    assert_eq!((first.len(), second.len()), (10, DRIVES - 10));

    let ship = |code, number: &str, more: &[&str]| {
        let mut words = vec!["job", "ship", "--carrier", "FedEx", "--json", "--tracking-number"];
        words.push(number);
        words.extend(more);
        emulator.expect(&machine, code, &words)
    };
    let unnamed = ship(2, "1Z1", &[]);
    assert!(unnamed.stdout.contains("which-job"), "{}", unnamed.stdout);
    assert!(unnamed.stdout.contains("seed-1x2"), "{}", unnamed.stdout);
    ship(0, "1Z1", &["--job", "seed-1"]);
    let taken = ship(13, "1Z1", &["--job", "seed-1x2"]);
    assert!(taken.stdout.contains("tracking-number-taken"), "{}", taken.stdout);
    expect_states(&machine, &emulator, ["shipped", "waiting"]);
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "awaiting-seed");
    ship(0, "1Z2", &["--job", "seed-1x2"]);
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "seed-in-transit");

    let dock = |serials: &[String]| {
        let name = |serial: &String| format!("{}.img,serial={serial}", serial.to_lowercase());
        let names: Vec<String> = serials.iter().map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for said in emulator.dock(&machine, &names) {
            assert_eq!(said["status"], "Completed", "{said}");
        }
    };
    dock(&second);
    expect_states(&machine, &emulator, ["shipped", "completed"]);
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "seed-in-transit");
    let status = emulator.expect(&machine, 0, &["vault", "status", "--json"]);
    assert_eq!(lines(&status)[0]["state"], "seed-in-transit");
    emulator.expect(&machine, 4, &["cleanup"]);
    dock(&first);
    expect_states(&machine, &emulator, ["completed", "completed"]);
    let ran = run(&machine, &emulator, 0, &[]);
    assert_eq!((&ran["state"], &ran["ingested"]["repaired"]), (&"protected".into(), &0.into()));
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    assert!(!emulator.blob("seed", "repo/config").exists());
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));

    let deleted = emulator.expect(&machine, 2, &["job", "delete", "--json"]);
    assert!(deleted.stdout.contains("which-job"), "{}", deleted.stdout);
    for job in ["seed-1x2", "seed-1"] {
        emulator.expect(&machine, 0, &["job", "delete", "--yes", "--job", job]);
    }
}
