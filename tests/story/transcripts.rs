//! Help and refusals, word for word: `tests/cli/*.trycmd` hold what a person sees. The journey,
//! whose commands build on each other, is played here and compared with
//! `tests/cli/*.transcript`; `UPDATE_TRANSCRIPTS=1` writes those anew.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::FileExt;

use support::emulator::Emulator;
use support::program::Machine;
use support::transcript::Transcript;
use support::tree::Dice;

const AZURE: &str = "--storage-account account1 --container seed --resource-group backup \
                     --subscription 11111111-2222-4333-8444-555555555555 --location westeurope \
                     --contact contact.toml";

#[test]
fn help_and_refusals_read_as_they_stand_in_the_transcripts() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}

/// The commands of a transcript that others compare, with what each told.
fn told_in(name: &str) -> Vec<(String, Vec<String>)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(name);
    let text = fs::read_to_string(path).unwrap();
    let parts = text.split("\n$ ").skip(1).map(|part| part.split_once('\n').unwrap_or((part, "")));
    parts.map(|(command, said)| (command.to_owned(), support::told::told(said))).collect()
}

#[test]
fn what_refusals_tell_to_type_can_be_typed() {
    let machine = machine();
    let mut all: Vec<String> =
        told_in("refusals.trycmd").into_iter().flat_map(|(_, told)| told).collect();
    all.sort();
    all.dedup();
    assert!(all.contains(&"azseed vault list".to_owned()), "{all:?}");
    let typed = all.iter().filter(|own| support::told::try_told(&machine, own, &[])).count();
    println!("{typed} of {} commands that refusals tell were typed", all.len());
    assert!(typed >= 2, "{all:?}");
}

/// What a step of a rehearsal tells as the next command is what its next step runs, with drives and a
/// parcel of its own: after it, another would be the second one. What no step runs is typed here.
#[test]
fn what_a_rehearsal_tells_to_type_is_what_it_does_next_or_can_be_typed() {
    let machine = machine();
    let [(_, told)] = told_in("rehearse.trycmd").try_into().unwrap();
    let said = machine.expect(0, &["rehearse", "--source", "office", "--dir", "dir"]).stdout;
    let run: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("  azseed ")).collect();
    let mut typed = 0;
    let now = support::told::told(&said);
    assert_eq!(now.len(), told.len(), "{now:?}, {told:?}");
    for command in now {
        // Up to what only a person knows.
        let verb = command.trim_start_matches("azseed ");
        let known = verb.split(" --carrier").next().unwrap().split(" --drive-size").next().unwrap();
        if !run.iter().any(|own| own.starts_with(known)) {
            assert!(support::told::try_told(&machine, &command, &[]), "{command}");
            typed += 1;
        }
    }
    assert!(typed > 0, "the last one is no step's: {said}");
}

/// A copy machine with a contact and two folders: an office of four files, one of them so large
/// that the few bytes by which repositories differ are not shown, and photos that need two small
/// drives.
fn machine() -> Machine {
    let machine = Machine::new();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    fs::create_dir_all(machine.path("office/letters")).unwrap();
    fs::write(machine.path("office/plan"), "a plan\n").unwrap();
    fs::write(machine.path("office/letters/first"), "Dear Sir,\n").unwrap();
    fs::write(machine.path("office/letters/second"), "Dear Madam,\n").unwrap();
    fs::write(machine.path("office/ledger"), Dice(1).bytes(1_234_567)).unwrap();
    fs::create_dir(machine.path("photos")).unwrap();
    for number in 0..100u32 {
        let name = machine.path(&format!("photos/{number:03}.jpg"));
        fs::write(name, vec![number as u8; 1_000_000]).unwrap();
    }
    machine
}

#[test]
fn staging_and_planning_read_as_they_stand_in_the_transcript() {
    let machine = machine();
    let mut said = Transcript::new(&machine, None, "An office is staged, photos are adopted.");
    let stage = format!("stage --source office --staging staging --job office {AZURE}");
    said.run(&stage).run(&stage);
    said.run("stage status --staging staging").run("plan --staging staging --drive-size 4T");
    let adopt = format!("stage adopt --source photos --staging photos.seed --job photos {AZURE}");
    said.run(&adopt).run(&adopt);
    said.run("stage status --staging photos.seed --json");
    said.run(&format!("stage --source office --staging photos.seed --job office {AZURE}"));
    said.run("plan --staging photos.seed --drive-size 210M");
    let (a, b) = ("--drive a.img,serial=A1,size=210M", "--drive b.img,serial=B2,size=210M");
    let c = "--drive c.img,serial=C3,size=210M";
    said.run(&format!("plan --staging photos.seed {a}"));
    said.run(&format!("plan --staging photos.seed {a} {b} {c}"));
    said.run(&format!("plan --staging photos.seed {a} {b} {c} --json"));
    said.compare("stage.transcript");
}

#[test]
fn preparing_and_verifying_read_as_they_stand_in_the_transcript() {
    let machine = machine();
    machine.adopt(&machine.path("photos"), "photos");
    let about = "Photos go on two drives; one is too few. A flipped byte is found.";
    let mut said = Transcript::new(&machine, None, about);
    let (a, b) = ("a.img,serial=A1,size=210M", "b.img,serial=B2,size=210M");
    let c = "c.img,serial=C3,size=210M";
    let prep = "prep --staging staging --offline";
    said.run(&format!("drive list {a} {b}"));
    said.run(&format!("{prep} --drive {a}"));
    said.run(&format!("{prep} --drive {a} --drive {b} --drive {c}"));
    said.run(&format!("{prep} --drive {a} --drive {b}"));
    said.run(&format!("{prep} --drive {a} --drive {b} --json"));
    said.run("verify --staging staging a.img,serial=A1");
    said.run("verify --staging staging b.img,serial=B2 --json");
    said.run_with("inspect --staging staging a.img,serial=A1", |line| {
        // One photo stands for all.
        (!line.contains(".jpg") || line.contains("000.jpg")).then(|| line.to_owned())
    });
    said.run("inspect b.img,serial=B2 --json --state elsewhere");
    flip(&machine, "a.img");
    said.run("verify --staging staging a.img,serial=A1");
    said.run("drive list a.img,serial=A1").run("drive list a.img,serial=A1 --json");
    said.run("drive release A1").run("drive release A1");
    said.compare("prep.transcript");
}

/// Flips a bit of the first photo on a drive: data lies from the middle of the volume on.
fn flip(machine: &Machine, image: &str) {
    let image = fs::OpenOptions::new().read(true).write(true).open(machine.path(image)).unwrap();
    let mut byte = [0];
    let place = 150 << 20;
    image.read_exact_at(&mut byte, place).unwrap();
    image.write_all_at(&[byte[0] ^ 1], place).unwrap();
}

#[test]
fn the_job_reads_as_it_stands_in_the_transcript() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    let about = "The office goes to the datacenter and is read there.";
    let mut said = Transcript::new(&machine, Some(&emulator), about);
    machine.expect(
        0,
        &format!("stage --source office --staging staging --job office {AZURE}")
            .split_whitespace()
            .collect::<Vec<_>>(),
    );
    said.run("job create --staging staging");
    said.run("prep --staging staging --drive s1.img,serial=S1,size=210M");
    said.run("job create --staging staging").run("job create --staging staging --json");
    said.run("job list").run("job list --json").run("job show").run("job status --json");
    said.run("job status --watch");
    said.run("job show --job nobody");
    said.run("job keys").run("job keys --reveal").run("job keys --reveal --json");
    said.run("job return-address --contact contact.toml");
    let ship = "job ship --carrier FedEx --tracking-number 1Z999";
    said.run(ship).run(&format!("{ship} --json")).run("job delete");
    said.run_with("job locations", |line| line.starts_with("West Europe").then(|| line.to_owned()));
    said.run("emulator dock s1.img,serial=S1 --data azure");
    said.run("job status").run("job status --watch").run("job cancel");
    said.run("job delete").run("job delete --yes").run("job delete").run("job status");
    said.compare("job.transcript");
}

#[test]
fn the_way_to_protected_machines_reads_as_it_stands_in_the_transcript() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    emulator.to_noon(&machine);
    let about = "Virtual machines, from the guide to a restored disk; one backup fails.";
    fs::write(machine.path("web.img"), Dice(1).bytes(2 << 20)).unwrap();
    fs::write(machine.path("page"), Dice(2).bytes(4096)).unwrap();
    let mut said = Transcript::new(&machine, Some(&emulator), about);
    let set = "emulator vm set --data azure --region westeurope";
    said.run(&format!("{set} web --disk web.img"))
        .run(&format!("{set} sql --os windows --group apps"));
    said.run(&format!("{set} off --power deallocated"));
    said.run("vm guide");
    said.run("vm vault create prod --location westeurope --resource-group backup --role primary");
    said.run("vm vault list").run("vm discover").run("vm list --unprotected");
    said.run("vm policy list").run("vm protect web sql off").run("vm protect web");
    said.run_with("vm job list --operation ConfigureBackup", |line| {
        // They are made side by side.
        line.contains(" web ").then(|| line.to_owned())
    });
    said.run("vm status web");
    said.run("emulator vm set sql --data azure --fail ExtensionSnapshotFailedCOM,times=1");
    said.run("vm backup web --json").run("vm backup web --json").run("vm backup sql --json");
    said.run("vm backup off --json");
    said.run("emulator clock +7m --data azure");
    said.run("vm job list --status Failed --wait").run("vm job list --operation Backup");
    said.run("vm point list web").run("vm point list off").run("vm point list sql");
    // The machine writes on; its disk comes back as it was at the time of the point.
    said.run("emulator vm write web --file page --offset 4096 --data azure");
    let restore = "vm restore disks web --at latest --account account1";
    said.run(&format!("{restore} --dry-run")).run(restore).run(restore);
    said.run("emulator clock +10m --data azure");
    said.run("vm job list --operation Restore").run("vm job list --operation Restore --wait");
    let new = "vm restore new web --at latest --account account1 --vnet vnet --subnet default";
    said.run(&format!("{new} --name web")).run(&format!("{new} --name web2 --json"));
    said.run("emulator clock +10m --data azure").run("vm list");
    said.run("vm restore replace web --at latest --account account1");
    said.run("emulator clock +1d --data azure").run("vm status").run("vm guide");
    said.run("vm unprotect off --delete-data").run("vm unprotect off --delete-data --yes");
    said.run("vm protect far").run("vm status off --json");
    said.compare("vm.transcript");
    let before = fs::read(machine.path("web.img")).unwrap();
    let vms = emulator.data().join("vms/rg");
    assert_ne!(fs::read(vms.join("web/os.img")).unwrap(), before, "it has written on");
    assert_eq!(fs::read(vms.join("web2/os.img")).unwrap(), before);
    let blobs = emulator.data().join("blobs/account1");
    let container = fs::read_dir(blobs).unwrap().next().unwrap().unwrap().path();
    let held = fs::read(container.join("web-osdisk.vhd")).unwrap();
    assert_eq!((held.len(), &held[..before.len()]), (before.len() + 512, &before[..]));
}

/// The whole story, with its days moved by the datacenter's clock: job made, reminded of, late,
/// shipped, late again, one drive damaged, repaired, at its end.
fn story(service: &str) {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    let about = format!("Two drives of photos and their job of {service}, over three weeks.");
    let mut said = Transcript::new(&machine, Some(&emulator), &about);
    said.run(&format!(
        "stage adopt --source photos --staging staging --job photos {AZURE} --service {service}"
    ));
    let (a, b) = ("--drive a.img,serial=A1,size=210M", "--drive b.img,serial=B2,size=210M");
    // One after the other: jobs of the classic service have their drives as they were sealed.
    said.run(&format!("prep --staging staging {a}"));
    said.run(&format!("prep --staging staging {a} {b}"));
    said.run("status");
    let clock = |by: &str| format!("emulator clock {by} --data azure");
    // An hour beside the days: none of them ends while the test goes on.
    said.run(&clock("+193h")).run("job status").run("job status --ics photos.ics");
    said.run(&clock("+3d")).run("job status --json");
    said.run("job ship --carrier FedEx --tracking-number 1Z999");
    said.run(&clock("+5d")).run("job status").run("status");
    flip(&machine, "a.img");
    said.run_with("emulator dock a.img,serial=A1 b.img,serial=B2 --data azure", |line| {
        // Where the log lies has an id of its own.
        (!line.starts_with(' ')).then(|| line.to_owned())
    });
    said.run(&clock("+3d")).run("job status");
    said.run("job repair --dry-run").run("job repair").run("job repair").run("job reconcile");
    said.run("cleanup --job photos").run("cleanup --job photos --yes").run("status");
    said.compare(&format!("story-{service}.transcript"));
}

#[test]
fn the_story_over_data_box_reads_as_it_stands_in_the_transcript() {
    story("data-box");
}

#[test]
fn the_story_over_the_classic_service_reads_as_it_stands_in_the_transcript() {
    story("import-export");
}

#[test]
fn the_vault_reads_as_it_stands_in_the_transcript() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    let stage = format!("stage --source office --staging staging --job office {AZURE}");
    let expect = |words: &str| {
        emulator.expect(&machine, 0, &words.split_whitespace().collect::<Vec<_>>());
    };
    expect(&stage);
    expect("prep --staging staging --drive s1.img,serial=S1,size=210M");
    let about = "A vault takes the office in, goes on with an increment, gives it back.";
    let mut said = Transcript::new(&machine, Some(&emulator), about);
    said.run("vault list").run("vault create --vault Office --staging staging");
    said.run("vault create --vault Office --staging staging --json");
    said.run("vault list").run("vault show --json").run("vault status").run("vault run");
    expect("job ship --carrier FedEx --tracking-number 1Z999");
    said.run("vault status").run("vault run").run("vault snapshots").run("cleanup");
    expect("emulator dock s1.img,serial=S1 --data azure");
    said.run("vault run").run("vault run").run("vault status").run("vault status --json");
    fs::write(machine.path("office/plan"), "another plan\n").unwrap();
    said.run("vault run --now").run("vault run --now --json");
    said.run("vault snapshots").run("vault snapshots --json");
    said.run("vault restore --target restored");
    said.run("vault restore --target restored --snapshot zzz");
    said.run("cleanup").run("cleanup --yes").run("cleanup --json");
    said.run("stage status --staging staging");
    said.compare("vault.transcript");
}

#[test]
fn the_looks_around_read_as_they_stand_in_the_transcript() {
    let machine = machine();
    let settings = machine.path(".config/azseed/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(settings, "drive-size = \"4T\"\n").unwrap();
    let mut said = Transcript::new(&machine, None, "Settings, the host, codes, a first drive.");
    said.run_with("config show", |line| {
        ["drive-size", "location", "state "]
            .iter()
            .any(|key| line.starts_with(key))
            .then(|| line.to_owned())
    });
    said.run_with("check host", |line| {
        (!line.starts_with(' ')).then(|| line.split_whitespace().next().unwrap().to_owned())
    });
    said.run("explain held-by-another-run").run("explain drive-sealed-elsewhere --json");
    said.run("drive list new.img,size=4T").run("drive list new.img,size=100M");
    said.run("inspect new.img");
    said.run("verify photos/000.jpg");
    said.compare("look.transcript");
}
