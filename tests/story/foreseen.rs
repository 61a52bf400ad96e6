//! What is looked at before anything is done: a seed that is not staged yet, and dry runs.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::seed::{staged, staged_with};
use support::tree::Dice;

const TARGET: &str = "--job seed-1 --storage-account account1 --container seed --resource-group rg \
                      --subscription 11111111-2222-4333-8444-555555555555";

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn json(said: &Said) -> Value {
    serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
}

/// Everything below the machine's folder.
fn everything(machine: &Machine) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let entries = walkdir::WalkDir::new(machine.path("")).into_iter().flatten();
    entries.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).ok())).collect()
}

/// A source of which half is noise and half is text.
fn sources() -> Machine {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/noise"), Dice(1).bytes(20 << 20)).unwrap();
    fs::write(machine.path("source/text"), "text ".repeat(4 << 20)).unwrap();
    machine
}

#[test]
fn a_seed_is_measured_before_anything_is_staged() {
    let machine = sources();
    let before = everything(&machine);
    let plan = "plan --source source --json --uplink 8Mbit";
    let seen = json(&machine.expect(0, &words(plan)));
    let number = |name: &str| seen[name].as_u64().unwrap();
    assert_eq!((number("files"), number("bytes")), (2, 40 << 20));
    assert!((19 << 20..21 << 20).contains(&number("compressed_bytes")), "{seen}");
    assert!(number("sampled_bytes") <= 64 << 20 && number("sampled_pieces") > 100, "{seen}");
    // A megabyte a second.
    assert_eq!(number("wire_seconds"), number("compressed_bytes").div_ceil(1_000_000));
    assert_eq!(seen["datacenter_days"], serde_json::json!([7, 10]));
    assert_eq!(seen["drives"].as_array().unwrap().len(), 3);
    assert_eq!(seen["drives"][0]["drives"], 1);
    // What is left out is not counted.
    let less = json(&machine.expect(0, &words(&format!("{plan} --exclude noise"))));
    assert_eq!(less["bytes"], 20 << 20);
    assert!(less["compressed_bytes"].as_u64().unwrap() < 1 << 20, "{less}");
    // In words, with what nobody said.
    let told = machine.expect(0, &words("plan --source source --drive-size 4T")).stdout;
    for text in ["2 files, 41.9 MB", "1 of 4.00 TB", "--uplink", "8 to 11 days and the carrier's"] {
        assert!(told.contains(text), "{text}: {told}");
    }
    let slow = machine.expect(0, &words("plan --source source --uplink 80bit")).stdout;
    assert!(slow.contains("Faster than the wire if the carrier takes less than"), "{slow}");
    let fast = machine.expect(0, &words("plan --source source --uplink 1G")).stdout;
    assert!(fast.contains("No faster than the wire"), "{fast}");
    assert!(everything(&machine) == before, "something was made");
}

#[test]
fn drives_at_hand_are_told_to_be_enough_or_not() {
    let machine = sources();
    for (name, size) in [("small.img", "210M"), ("large.img", "400M")] {
        let file = fs::File::create(machine.path(name)).unwrap();
        let bytes = size.trim_end_matches('M').parse::<u64>().unwrap() * 1_000_000;
        file.set_len(bytes >> 20 << 20).unwrap();
    }
    let plan = "plan --source source --json --drive small.img --drive large.img";
    let seen = json(&machine.expect(0, &words(plan)));
    assert_eq!(
        (&seen["needed"], &seen["missing_bytes"]),
        (&["large"].as_slice().into(), &0.into())
    );
    fs::write(machine.path("source/more"), Dice(2).bytes(300 << 20)).unwrap();
    let seen = json(&machine.expect(6, &words(plan)));
    assert_eq!(seen["needed"], serde_json::json!(["large", "small"]));
    let missing = seen["missing_bytes"].as_u64().unwrap();
    let held = seen["compressed_bytes"].as_u64().unwrap() - missing;
    // Each gives 129 MiB to its table and its reserved partition.
    assert!((300_000_000..345_000_000).contains(&held), "{seen}");
}

#[test]
fn a_plan_is_of_sources_or_of_what_is_staged() {
    let machine = sources();
    let staging = staged(&machine, "1Mi");
    let before = everything(&machine);
    let refused = |line: &str, exit: i32, code: &str| {
        let said = machine.expect(exit, &words(line));
        assert!(said.stderr.contains(&format!("code: {code} ")), "{line}: {}", said.stderr);
    };
    refused("plan --source source --staging staging", 2, "flag-without-meaning");
    refused("plan --source source --job seed-1", 2, "flag-without-meaning");
    refused("plan --staging staging --drive-size 4T --uplink 1M", 2, "flag-without-meaning");
    refused("plan --staging staging --drive-size 4T --exclude a", 2, "flag-without-meaning");
    refused("plan --source none", 2, "source-missing");
    refused("plan --drive-size 4T", 2, "usage");
    refused("plan --staging staging", 2, "usage");
    // A setting of the other form is none of this call.
    for (variable, value, line, kind) in [
        ("AZSEED_SOURCE", "source", "plan --staging staging --drive-size 4T --json", "drive-count"),
        ("AZSEED_STAGING", staging.as_str(), "plan --source source --json", "estimate"),
    ] {
        let mut command = machine.command(&words(line));
        let said = said(command.env(variable, value).output().unwrap());
        assert_eq!((said.code, &json(&said)["type"]), (0, &kind.into()), "{}", said.stderr);
    }
    assert!(everything(&machine) == before, "something was made");
}

#[test]
fn a_dry_run_of_stage_finds_what_stage_finds_and_makes_nothing() {
    let machine = sources();
    let stage = format!("stage --source source --staging new --exclude noise {TARGET}");
    let dry = format!("{stage} --dry-run --json");
    let before = everything(&machine);
    let seen = json(&machine.expect(0, &words(&dry)));
    assert_eq!(
        (&seen["files"], &seen["bytes"], &seen["done"]),
        (&1.into(), &(20 << 20).into(), &false.into())
    );
    assert_eq!(seen["left_out"], serde_json::json!(["what matches noise"]));
    assert!(seen["free_bytes"].as_u64().unwrap() > 0);
    let told = machine.expect(0, &words(&format!("{stage} --dry-run"))).stdout;
    assert!(
        told.contains("Would read 1 file, 21.0 MB") && told.contains("account1/seed"),
        "{told}"
    );
    // Someone else's files are there; the password is too short; a source is gone.
    for (line, exit) in [
        (dry.replace("--staging new", "--staging source"), None),
        (format!("{dry} --password-file source/text"), None),
        (dry.replace("--source source", "--source none"), Some(2)),
    ] {
        let (foreseen, done) = (machine.run(&words(&line)), {
            let line = line.replace(" --dry-run", "");
            machine.run(&words(&line))
        });
        assert_eq!((foreseen.code, &foreseen.stdout), (done.code, &done.stdout), "{line}");
        assert!(foreseen.code != 0 && exit.is_none_or(|exit| exit == foreseen.code), "{line}");
    }
    assert!(everything(&machine) == before, "something was made");
    machine.expect(0, &words(&stage));
    let before = everything(&machine);
    assert_eq!(json(&machine.expect(0, &words(&dry)))["done"], true);
    machine.expect(2, &words(&dry.replace("--container seed", "--container other")));
    assert!(everything(&machine) == before, "something was made");
}

#[test]
fn a_dry_run_of_a_parcel_tells_the_service_nothing() {
    let machine = sources();
    let emulator = Emulator::start(&machine);
    // The classic service takes another number in place of the first.
    staged_with(&machine, "1Mi", &["--service", "import-export"]);
    let drive = "--drive s1.img,serial=S1,size=210M";
    emulator.expect(
        &machine,
        0,
        &words(&format!("prep --staging staging --location westus {drive}")),
    );
    let ship = "job ship --staging staging --carrier FedEx --tracking-number 1Z1";
    let jobs = || emulator.jobs();
    let (before, files) = (jobs(), everything(&machine));
    let dry = |line: &str| {
        json(&emulator.expect(&machine, 0, &words(&format!("{line} --dry-run --json"))))
    };
    let seen = dry(ship);
    let parcel = |own: &Value| {
        [&own["job"], &own["carrier"], &own["tracking_number"], &own["way"]]
            .map(|own| own.as_str().unwrap().to_owned())
    };
    assert_eq!(parcel(&seen), ["seed-1", "FedEx", "1Z1", "first"]);
    fs::write(machine.path("parcels.csv"), "job,carrier,number\nseed-1,UPS,2\n").unwrap();
    let all = "job ship --staging staging --all-jobs parcels.csv";
    assert_eq!(parcel(&dry(all)), ["seed-1", "UPS", "2", "first"]);
    // What would be refused is refused.
    let day = format!("{ship} --ship-date 1999-01-01");
    let (foreseen, done) = (
        emulator.run(&machine, &words(&format!("{day} --dry-run"))),
        emulator.run(&machine, &words(&day)),
    );
    assert_eq!((foreseen.code, &foreseen.stderr), (done.code, &done.stderr));
    assert_ne!(foreseen.code, 0);
    fs::remove_file(machine.path("parcels.csv")).unwrap();
    assert!(jobs() == before, "the service was told");
    let is_kept = |path: &PathBuf| path.starts_with(machine.path("staging"));
    let kept = |all: &BTreeMap<PathBuf, Option<Vec<u8>>>| -> Vec<_> {
        all.iter().filter(|(path, _)| is_kept(path)).map(|(a, b)| (a.clone(), b.clone())).collect()
    };
    assert!(kept(&everything(&machine)) == kept(&files), "the seed was written");
    emulator.expect(&machine, 0, &words(ship));
    assert_eq!(parcel(&dry(ship))[3], "known");
    let other = ship.replace("1Z1", "1Z2");
    assert_eq!(parcel(&dry(&other)), ["seed-1", "FedEx", "1Z2", "replace"]);
    // In words, and nobody is asked.
    let told = emulator.expect(&machine, 0, &words(&format!("{other} --dry-run"))).stdout;
    assert_eq!(told, "Would replace FedEx 1Z1 of job seed-1 with FedEx 1Z2\n");
    emulator.expect(&machine, 2, &words(&other));
}
