//! A seed of which there is less than when it was staged, or less on the drives than there is; a drive
//! of another job that comes under another name; a password that opens nothing.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::emulator::Emulator;
use support::program::{Machine, Said, files_below};
use support::seed::staged;

const DRIVE: &str = "s1.img,serial=S1,size=210M";

fn prep(machine: &Machine, code: i32, staging: &str, more: &[&str]) -> Said {
    machine.expect(code, &[&["prep", "--staging", staging, "--offline"], more].concat())
}

fn refused(said: &Said, code: &str, told: &str) {
    let told_of = said.stderr.contains(&format!("code: {code}")) && said.stderr.contains(told);
    assert!(told_of, "{code}, {told}: {}", said.stderr);
}

/// Three files, one of them in a folder that may not be mounted.
fn folder(machine: &Machine) -> PathBuf {
    let source = machine.path("source");
    fs::create_dir_all(source.join("mounted")).unwrap();
    for (name, text) in [("a", "one"), ("b", "two"), ("mounted/c", "three")] {
        fs::write(source.join(name), text).unwrap();
    }
    source
}

#[test]
fn of_an_adopted_folder_nothing_is_missed_in_silence() {
    let machine = Machine::new();
    let source = folder(&machine);
    let staging = machine.adopt(&source, "less");
    // Nothing is mounted there, or not even the mount point is there.
    let (away, had) = (machine.path("away"), "it had 3 files, 11 B, and has 0 files, 0 B");
    let plan = ["plan", "--staging", &staging, "--drive-size", "1T"];
    fs::rename(&source, &away).unwrap();
    for _ in 0..2 {
        refused(&machine.expect(4, &plan), "data-shrank", had);
        refused(&prep(&machine, 4, &staging, &["--drive", DRIVE]), "data-shrank", "not mounted");
        fs::create_dir_all(&source).unwrap();
    }
    fs::remove_dir(&source).unwrap();
    fs::rename(&away, &source).unwrap();
    fs::rename(source.join("mounted/c"), machine.path("aside")).unwrap();
    let had = "it had 3 files, 11 B, and has 2 files, 6 B";
    refused(
        &machine.expect(4, &["plan", "--staging", &staging, "--drive-size", "1T"]),
        "data-shrank",
        had,
    );
    refused(&prep(&machine, 4, &staging, &["--drive", DRIVE]), "data-shrank", had);
    assert!(
        !machine.path("s1.img").exists() && !machine.path("staging/journals/S1.journal").exists()
    );
    // As many files, and less in them.
    fs::write(source.join("mounted/c"), "thr").unwrap();
    refused(
        &prep(&machine, 4, &staging, &["--drive", DRIVE]),
        "data-shrank",
        "and has 3 files, 9 B",
    );
    fs::remove_file(source.join("mounted/c")).unwrap();
    // It is meant so, or it is there again.
    machine.adopt(&source, "less");
    prep(&machine, 0, &staging, &["--drive", DRIVE]);
    // All of it is on the drive, so that nothing is missed.
    fs::rename(&source, &away).unwrap();
    for _ in 0..2 {
        prep(&machine, 0, &staging, &["--drive", "s1.img,serial=S1"]);
        assert!(machine.expect(0, &plan).stdout.contains("All 2 files are on drives"));
        fs::create_dir_all(&source).unwrap();
    }
    fs::remove_dir(&source).unwrap();
    fs::rename(&away, &source).unwrap();
    fs::rename(machine.path("aside"), source.join("mounted/c")).unwrap();
    let empty = machine.path("empty");
    fs::create_dir(&empty).unwrap();
    let other = machine.text("other");
    let adopt = ["stage", "adopt", "--source", "empty", "--staging", &other, "--job", "empty"];
    let place = ["--storage-account", "account1", "--container", "seed", "--resource-group", "rg"];
    let subscription = ["--subscription", "11111111-2222-4333-8444-555555555555"];
    let said = machine.expect(2, &[&adopt[..], &place, &subscription].concat());
    refused(&said, "source-empty", "There is no file in");
    assert!(!machine.path("other/seed.json").exists());
}

#[test]
fn of_a_staged_repository_no_file_may_be_gone_or_cut_short() {
    let machine = Machine::new();
    folder(&machine);
    let staging = staged(&machine, "1Mi");
    let repository = Path::new(&staging).join("repo");
    let all = files_below(&repository);
    for below in ["data/", "snapshots/"] {
        let is_it = |path: &&PathBuf| path.to_string_lossy().contains(&format!("repo/{below}"));
        let path = repository.join(all.iter().find(is_it).unwrap());
        let aside = machine.path("aside");
        fs::rename(&path, &aside).unwrap();
        refused(&prep(&machine, 4, &staging, &["--drive", DRIVE]), "data-shrank", "bring back");
        // Nor is it called staged.
        refused(&stage(&machine, 4, &staging, "seed-1"), "data-shrank", "bring back");
        fs::write(&path, &fs::read(&aside).unwrap()[1..]).unwrap();
        refused(&prep(&machine, 4, &staging, &["--drive", DRIVE]), "data-shrank", "bring back");
        fs::rename(&aside, &path).unwrap();
    }
    stage(&machine, 0, &staging, "seed-1");
    // Another repository of as many files and bytes, or more, in its place.
    let (own, other) = (machine.path("own"), machine.text("other"));
    stage(&machine, 0, &other, "other-1");
    fs::rename(&repository, &own).unwrap();
    fs::rename(Path::new(&other).join("repo"), &repository).unwrap();
    fs::create_dir_all(repository.join("data/00")).unwrap();
    fs::write(repository.join("data/00").join("0".repeat(64)), [0; 4096]).unwrap();
    let is_other = "is not as it was staged";
    refused(&prep(&machine, 4, &staging, &["--drive", DRIVE]), "repository-changed", is_other);
    refused(&stage(&machine, 4, &staging, "seed-1"), "repository-changed", is_other);
    fs::remove_dir_all(&repository).unwrap();
    fs::rename(&own, &repository).unwrap();
    prep(&machine, 0, &staging, &["--drive", DRIVE]);
}

/// Stages the folder, or finds it staged.
fn stage(machine: &Machine, code: i32, staging: &str, job: &str) -> Said {
    let words = ["stage", "--source", "source", "--staging", staging, "--job", job];
    let place = ["--storage-account", "account1", "--container", "seed", "--resource-group", "rg"];
    let subscription = ["--subscription", "11111111-2222-4333-8444-555555555555"];
    machine.expect(code, &[&words[..], &place, &subscription].concat())
}

#[test]
fn what_was_damaged_before_it_was_copied_is_found_before_it_is_sent() {
    let machine = Machine::new();
    folder(&machine);
    let staging = staged(&machine, "1Mi");
    let repository = Path::new(&staging).join("repo");
    let is_pack = |path: &PathBuf| path.to_string_lossy().contains("repo/data/");
    let pack = repository.join(files_below(&repository).into_iter().find(is_pack).unwrap());
    let name = pack.file_name().unwrap().to_str().unwrap().to_owned();
    let whole = fs::read(&pack).unwrap();
    let mut damaged = whole.clone();
    damaged[5] ^= 1;
    fs::write(&pack, &damaged).unwrap();
    let said = prep(&machine, 5, &staging, &["--drive", DRIVE]);
    assert!(said.stdout.contains(&format!("{name} on drive S1")), "{}", said.stdout);
    assert!(said.stdout.contains("no job was made"), "{}", said.stdout);
    let json = prep(&machine, 5, &staging, &["--drive", DRIVE, "--json"]).stdout;
    assert!(json.contains("\"code\":\"seed-blob-misnamed\""), "{json}");
    let said = machine.expect(5, &["verify", "--staging", &staging, DRIVE]);
    assert!(said.stdout.contains("was damaged before it was copied"), "{}", said.stdout);
    let create = ["job", "create", "--staging", &staging, "--location", "westeurope"];
    let emulator = Emulator::start(&machine);
    refused(&emulator.run(&machine, &create), "seed-blob-misnamed", &name);
    // What it says is done.
    fs::write(&pack, &whole).unwrap();
    machine.expect(0, &["drive", "release", "S1"]);
    prep(&machine, 0, &staging, &["--drive", DRIVE, "--erase", "S1", "--wipe", "none"]);
    machine.expect(0, &["verify", "--staging", &staging, DRIVE]);
}

#[test]
fn what_could_not_be_read_is_tried_again_until_a_drive_is_begun() {
    use std::os::unix::process::CommandExt;
    let machine = Machine::new();
    let source = folder(&machine);
    for path in [machine.path(""), source.clone(), source.join("a")] {
        let mode = if path.is_dir() { 0o755 } else { 0 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    for name in ["staging", "state"] {
        fs::create_dir_all(machine.path(name)).unwrap();
        std::os::unix::fs::chown(machine.path(name), Some(65_534), Some(65_534)).unwrap();
    }
    let words = "stage --source source --staging staging --job seed-1 --storage-account account1 \
                 --container seed --resource-group rg \
                 --subscription 11111111-2222-4333-8444-555555555555";
    let words: Vec<&str> = words.split_whitespace().collect();
    let stage = || {
        let mut command = machine.command(&words);
        support::program::said(command.uid(65_534).gid(65_534).output().unwrap())
    };
    let said = stage();
    assert!(said.code == 3 && said.stdout.contains("source/a"), "{}{}", said.stdout, said.stderr);
    fs::set_permissions(source.join("a"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = stage();
    assert!(said.code == 0 && said.stdout.contains("3 files"), "{}{}", said.stdout, said.stderr);
    let snapshots = fs::read_dir(machine.path("staging/repo/snapshots")).unwrap().count();
    assert_eq!(snapshots, 1);
}

#[test]
fn a_password_that_does_not_open_what_is_staged_takes_the_place_of_none() {
    let machine = Machine::new();
    folder(&machine);
    let staging = staged(&machine, "1Mi");
    let passwords = || files_below(&machine.path("state/passwords"));
    let before = passwords();
    let other = machine.text("other");
    fs::write(&other, "correct horse battery staple").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let again = ["stage", "--source", "source", "--staging", &staging, "--job", "seed-1"];
    let place = ["--storage-account", "account1", "--container", "seed", "--resource-group", "rg"];
    let words = [&again[..], &place, &["--subscription", "11111111-2222-4333-8444-555555555555"]];
    let said = machine.expect(12, &[&words.concat()[..], &["--password-file", &other]].concat());
    refused(&said, "repository-password", "");
    assert_eq!(passwords(), before);
    // The one that opens it may lie elsewhere from now on.
    let own =
        fs::read(machine.path("state/passwords").join(before.iter().next().unwrap())).unwrap();
    fs::write(&other, own).unwrap();
    machine.expect(0, &[&words.concat()[..], &["--password-file", &other]].concat());
    machine.expect(0, &words.concat());
}

#[test]
fn a_drive_of_another_job_is_known_by_its_partition_table() {
    let machine = Machine::new();
    let staging = machine.adopt(&folder(&machine), "first");
    prep(&machine, 0, &staging, &["--drive", "k1.img,serial=K1,size=210M"]);
    let first = machine.path("first");
    fs::rename(&staging, &first).unwrap();
    let source = machine.path("second");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "of the second").unwrap();
    let other = machine.adopt(&source, "second");
    let image = fs::read(machine.path("k1.img")).unwrap();
    // The staging path of the first is away: in another dock, or by its file's name, the drive has
    // another serial.
    for (drive, serial) in
        [("k1.img,serial=NEW", "NEW"), ("k1.img", "k1"), ("k1.img,serial=K1", "K1")]
    {
        let said =
            prep(&machine, 4, &other, &["--drive", drive, "--erase", serial, "--wipe", "none"]);
        refused(&said, "drive-sealed-elsewhere", "first");
        assert!(fs::read(machine.path("k1.img")).unwrap() == image, "{drive}");
    }
    assert!(
        fs::read_dir(Path::new(&other).join("journals")).is_ok_and(|own| own.count() == 0)
            || !Path::new(&other).join("journals").exists()
    );
    // It is there again, with a damaged journal, or without: the drive is no less sealed.
    fs::rename(&other, machine.path("third")).unwrap();
    fs::rename(&first, &staging).unwrap();
    let other = machine.text("third");
    let journal = Path::new(&staging).join("journals/K1.journal");
    let whole = fs::read(&journal).unwrap();
    for damage in [true, false] {
        match damage {
            true => fs::write(&journal, [&whole[..], b"garbage\n"].concat()).unwrap(),
            false => fs::remove_file(&journal).unwrap(),
        }
        let erase = ["--drive", "k1.img,serial=K1", "--erase", "K1", "--wipe", "none"];
        refused(&prep(&machine, 4, &other, &erase), "drive-sealed-elsewhere", "first");
        let listed = machine.expect(0, &["drive", "list", "k1.img"]).stdout;
        let is_told = listed.contains("for job first") && listed.contains("drive release K1`");
        assert!(is_told && !listed.contains("--erase"), "{listed}");
        assert!(fs::read(machine.path("k1.img")).unwrap() == image);
    }
    // An earlier program left no more than the serial of a drive whose run was killed.
    let record = record_of(&machine, "first");
    let remembered = fs::read(&record).unwrap();
    let mut bare: Value = serde_json::from_slice(&remembered).unwrap();
    bare["disks"] = json!({});
    fs::write(&record, bare.to_string()).unwrap();
    let erase = ["--drive", "k1.img,serial=K1", "--erase", "K1", "--wipe", "none"];
    let said = prep(&machine, 4, &other, &erase);
    refused(&said, "drive-sealed-elsewhere", "`azseed drive release K1`");
    assert!(fs::read(machine.path("k1.img")).unwrap() == image);
    fs::write(&record, remembered).unwrap();
    // Its own commands tell the damage, and the one drive can be given up.
    fs::write(&journal, [&whole[..], b"garbage\n"].concat()).unwrap();
    let own = ["--drive", "k1.img,serial=K1"];
    refused(&prep(&machine, 1, &staging, &own), "journal-damaged", "drive release");
    let said = machine.expect(0, &["drive", "release", "K1", "--staging", &staging]);
    assert!(said.stdout.contains("damaged journal put aside"), "{}", said.stdout);
    // So it can with its first record damaged, also beside another damaged one.
    let mut changed = whole.clone();
    changed[300] ^= 1;
    fs::write(&journal, &changed).unwrap();
    refused(&prep(&machine, 1, &staging, &own), "journal-damaged", "`azseed drive release K1`");
    fs::write(Path::new(&staging).join("journals/Q1.journal"), "{}\n").unwrap();
    let said = machine.expect(0, &["drive", "release", "K1"]);
    assert!(said.stdout.contains("damaged journal put aside"), "{}", said.stdout);
    assert!(!journal.exists());
    fs::remove_file(Path::new(&staging).join("journals/Q1.journal")).unwrap();
    // One that lies under another name is told by what it is.
    fs::write(&journal, &whole).unwrap();
    fs::rename(&journal, journal.with_file_name("K2.journal")).unwrap();
    refused(&prep(&machine, 1, &staging, &own), "journal-damaged", "move it out of the folder");
    fs::remove_file(journal.with_file_name("K2.journal")).unwrap();
    // A copy of the record from before it had names of partition tables knows serials alone.
    File::create(machine.path("new.img")).unwrap().set_len(210 << 20).unwrap();
    prep(&machine, 0, &other, &["--drive", "new.img,serial=N1"]);
    // What is wrong with the journals of one job keeps nobody from the keys of another.
    fs::write(Path::new(&staging).join("journals/Q1.journal"), "{}\n").unwrap();
    machine.expect(0, &["job", "keys", "--job", "second"]);
    refused(&machine.expect(1, &["job", "keys", "--job", "first"]), "journal-damaged", "Q1");
}

/// Where this machine remembers the seed of a job.
fn record_of(machine: &Machine, job: &str) -> PathBuf {
    let all = files_below(&machine.path("state/seeds"));
    let mut all = all.iter().map(|own| machine.path("state/seeds").join(own));
    let is_it = |own: &PathBuf| fs::read_to_string(own).unwrap().contains(&format!("\"{job}\""));
    all.find(is_it).unwrap()
}

#[test]
fn a_drive_whose_staging_path_is_gone_is_given_up_from_what_this_machine_remembers() {
    let machine = Machine::new();
    let source = folder(&machine);
    let (drive, gone) = ("k1.img,serial=K1,size=210M", machine.text("gone"));
    let erase = ["--drive", "k1.img,serial=K1", "--erase", "K1", "--wipe", "none"];
    prep(&machine, 0, &machine.adopt(&source, "first"), &["--drive", drive]);
    fs::rename(machine.path("staging"), machine.path("aside")).unwrap();
    fs::remove_file(machine.path("k1.img")).unwrap();
    // Another seed has the place of the first, and a blank drive its serial.
    for job in ["second", "third"] {
        let staging = machine.adopt(&source, job);
        File::create(machine.path("k1.img")).unwrap().set_len(210 << 20).unwrap();
        let blank = ["--drive", "k1.img,serial=K1"];
        let before = if job == "second" { "first" } else { "second" };
        for more in [&blank[..], &erase[..]] {
            let said = prep(&machine, 4, &staging, more);
            refused(&said, "drive-sealed-elsewhere", "`azseed drive release K1`");
            assert!(said.stderr.contains(&format!("for job {before}")), "{}", said.stderr);
        }
        let listed = machine.expect(0, &["drive", "list", "k1.img,serial=K1"]).stdout;
        assert!(listed.contains(&format!("sealed or begun for job {before}")), "{listed}");
        let said = machine.expect(2, &["drive", "release", "K1"]);
        refused(&said, "needs-yes", "recovery password");
        assert!(said.stderr.contains("not mounted"), "{}", said.stderr);
        let said = machine.expect(0, &["drive", "release", "K1", "--yes", "--staging", &staging]);
        assert!(said.stdout.contains(&format!("for job {before} no more")), "{}", said.stdout);
        prep(&machine, 0, &staging, &blank);
        fs::remove_dir_all(&staging).unwrap();
    }
    // Nothing is in the place of the last one; another one that is named does not have the drive.
    let staging = machine.adopt(&source, "fourth");
    fs::rename(&staging, &gone).unwrap();
    let said = machine.expect(10, &["drive", "release", "K1", "--staging", &gone]);
    refused(&said, "drive-unknown", &format!("`azseed drive release K1 --staging {staging}`"));
    let said = machine.expect(0, &["--json", "drive", "release", "K1", "--yes"]);
    let line: Value = serde_json::from_str(said.stdout.trim()).unwrap();
    assert_eq!((&line["freed"], &line["changed"]), (&json!("place"), &json!(true)));
    assert!(!Path::new(&staging).exists());
    machine.expect(10, &["drive", "release", "K2"]);
}

#[test]
fn a_job_that_leaves_files_behind_is_told_before_it_is_made() {
    let machine = Machine::new();
    let source = machine.path("source");
    fs::create_dir(&source).unwrap();
    for name in ["a", "b", "c"] {
        File::create(source.join(name)).unwrap().set_len(30_000_000).unwrap();
    }
    let staging = machine.adopt(&source, "three");
    prep(&machine, 6, &staging, &["--drive", DRIVE]);
    let emulator = Emulator::start(&machine);
    let told = "no drive has 1 file with 30.0 MB";
    let create = ["job", "create", "--staging", &staging, "--location", "westeurope"];
    let said = emulator.run(&machine, &create);
    assert!(said.code == 0 && said.stderr.contains(told), "{}", said.stderr);
    assert!(said.stderr.contains("azseed prep --staging"), "{}", said.stderr);
    // What it says goes on: the drive that is filled then goes into a job of its own.
    let more = ["--drive", DRIVE, "--drive", "s2.img,serial=S2,size=210M"];
    let prep = ["prep", "--staging", &staging, "--location", "westeurope"];
    emulator.expect(&machine, 0, &[&prep[..], &more].concat());
    for _ in 0..2 {
        let said = emulator.expect(&machine, 0, &create);
        assert!(!said.stderr.contains("no drive has"), "{}", said.stderr);
        let (second, first): (Vec<_>, Vec<_>) = emulator
            .jobs()
            .iter()
            .map(ToString::to_string)
            .partition(|job| job.contains("threex2"));
        assert!(
            first.len() == 1 && first[0].contains("S1") && !first[0].contains("S2"),
            "{first:?}"
        );
        assert!(second.len() == 1 && second[0].contains("S2"), "{second:?}");
    }
}

#[test]
fn a_parcel_with_a_drive_that_was_given_up_is_not_sent() {
    let machine = Machine::new();
    let staging = machine.adopt(&folder(&machine), "given-up");
    let emulator = Emulator::start(&machine);
    let drives = ["--drive", DRIVE, "--location", "westeurope"];
    emulator.expect(&machine, 0, &[&["prep", "--staging", &staging], &drives[..]].concat());
    let release = ["drive", "release", "S1", "--staging", &staging, "--yes"];
    let said = machine.expect(0, &release);
    for word in ["`azseed job cancel --job given-up`", "`azseed job delete --job given-up`"] {
        assert!(said.stdout.contains(word), "{}", said.stdout);
    }
    // Again, and without its staging path: nothing is left to do.
    let said = machine.expect(0, &["drive", "release", "S1", "--yes"]);
    assert!(said.stdout.contains("was given up before"), "{}", said.stdout);
    let parcel = ["--carrier", "DHL", "--tracking-number", "1"];
    let ship = [&["job", "ship", "--staging", &staging][..], &parcel].concat();
    for words in [&ship[..], &["pack", "check", "S1", "--staging", &staging]] {
        let said = emulator.run(&machine, words);
        assert_eq!(said.code, 4, "{words:?}: {}", said.stderr);
        refused(&said, "job-drive-given-up", "given up: S1");
    }
    // What the hint says runs, and the drive that is filled next is in the job.
    for word in ["cancel", "delete"] {
        let words = ["job", word, "--job", "given-up", "--staging", &staging, "--yes"];
        emulator.expect(&machine, 0, &words);
    }
    let again = ["--drive", DRIVE, "--location", "westeurope", "--erase", "S1", "--wipe", "none"];
    emulator.expect(&machine, 0, &[&["prep", "--staging", &staging], &again[..]].concat());
    emulator.expect(&machine, 0, &ship);
}

#[test]
fn a_cancelled_job_takes_no_drives_and_one_that_is_gone_is_not_made_again_unasked() {
    let machine = Machine::new();
    let staging = machine.adopt(&folder(&machine), "ended");
    let emulator = Emulator::start(&machine);
    let prep = ["prep", "--staging", &staging, "--drive", DRIVE, "--location", "westeurope"];
    let create = ["job", "create", "--staging", &staging, "--location", "westeurope"];
    let of = |word| ["job", word, "--job", "ended", "--staging", &staging, "--yes"];
    emulator.expect(&machine, 0, &prep);
    emulator.expect(&machine, 0, &of("cancel"));
    let said = emulator.expect(&machine, 13, &prep).stdout;
    let told = "Hint: `azseed job delete --job ended` ends it, and `azseed job create`";
    assert!(said.contains("the job is not made: Job ended is cancelled"), "{said}");
    assert!(said.contains(told) && !said.contains("told to the service"), "{said}");
    for words in [&create[..], &["packing-slip", "--staging", &staging]] {
        refused(&emulator.expect(&machine, 13, words), "job-cancelled", "`azseed job create`");
    }
    emulator.expect(&machine, 0, &of("delete"));
    emulator.expect(&machine, 0, &create);
    let parcel = ["--carrier", "DHL", "--tracking-number", "1"];
    emulator.expect(&machine, 0, &[&["job", "ship", "--staging", &staging][..], &parcel].concat());
    emulator.dock(&machine, &[DRIVE]);
    emulator.expect(&machine, 0, &["job", "status", "--staging", &staging]);
    emulator.expect(&machine, 0, &of("delete"));
    refused(&emulator.expect(&machine, 2, &create), "needs-yes", "its parcel was sent");
    assert!(emulator.expect(&machine, 2, &prep).stdout.contains("its parcel was sent"));
    emulator.expect(&machine, 0, &[&create[..], &["--yes"]].concat());
}

#[test]
fn two_repositories_for_one_place_are_told() {
    let machine = Machine::new();
    folder(&machine);
    let staging = staged(&machine, "1Mi");
    let stage = |staging: &str, container: &str, job: &str| {
        let words = ["stage", "--source", "source", "--staging", staging, "--job", job];
        let place = ["--storage-account", "account1", "--container", container];
        let subscription = "11111111-2222-4333-8444-555555555555";
        let more = ["--resource-group", "rg", "--subscription", subscription];
        machine.expect(0, &[&words[..], &place, &more].concat()).stderr
    };
    let told = "goes to the container seed too, for job seed-1";
    assert!(!stage("another", "another", "other-1").contains(told));
    // The one that is there goes on.
    assert!(!stage(&staging, "seed", "seed-1").contains(told));
    assert!(stage("other", "seed", "other-2").contains(told));
}

#[test]
fn a_staging_path_in_what_is_adopted_would_ship_its_journals() {
    let machine = Machine::new();
    let source = folder(&machine);
    let adopt = |staging: &str, code| {
        let place =
            ["--storage-account", "account1", "--container", "seed", "--resource-group", "rg"];
        let subscription = ["--subscription", "11111111-2222-4333-8444-555555555555"];
        let own = ["stage", "adopt", "--source", "source", "--staging", staging, "--job", "own"];
        machine.expect(code, &[&own[..], &place, &subscription].concat())
    };
    // In it, or it itself.
    for staging in ["source/inner", "source", "source/mounted/../."] {
        refused(&adopt(staging, 4), "staging-in-source", "recovery passwords");
    }
    assert_eq!(files_below(&source).len(), 3);
    // Another one, of whatever machine, at the beginning and later.
    let staging = machine.adopt(&source, "first");
    prep(&machine, 0, &staging, &["--drive", DRIVE]);
    let inner = source.join("another");
    fs::rename(&staging, &inner).unwrap();
    refused(&adopt("new", 4), "staging-in-source", "source/another");
    assert!(!machine.path("new/seed.json").exists());
    fs::rename(&inner, machine.path("aside")).unwrap();
    adopt("new", 0);
    fs::rename(machine.path("aside"), &inner).unwrap();
    let said = prep(&machine, 4, &machine.text("new"), &["--drive", "s2.img,serial=S2,size=210M"]);
    refused(&said, "staging-in-source", "source/another");
    assert!(!machine.path("s2.img").exists());
}

/// Neither the state directory of this machine nor a journal, wherever it lies, by no way.
#[test]
fn what_opens_drives_and_backups_goes_to_azure_in_no_seed_and_in_no_dataset() {
    let machine = Machine::new();
    let source = folder(&machine);
    let staging = machine.adopt(&source, "first");
    prep(&machine, 0, &staging, &["--drive", DRIVE]);
    let journal = machine.path(&staging).join("journals/S1.journal");
    fs::create_dir(machine.path("loose")).unwrap();
    fs::copy(&journal, machine.path("loose/of-a-drive.journal")).unwrap();
    fs::write(machine.path("loose/other.journal"), "a log of something else\n").unwrap();
    let place = "--resource-group rg --subscription 11111111-2222-4333-8444-555555555555 \
                 --storage-account account1";
    let place: Vec<&str> = place.split_whitespace().collect();
    let shipped = |from: &str| {
        let adopt = ["stage", "adopt", "--staging", "new", "--job", "own", "--container", "seed"];
        let adopted = machine.expect(4, &[&adopt[..], &["--source", from], &place].concat());
        refused(&adopted, "keys-in-source", "would go along");
        let rows = format!(
            "BasePath,DstItemPathOrPrefix,BlobType,Disposition\n{}/,seed/y/,BlockBlob,overwrite\n",
            machine.text(from)
        );
        fs::write(machine.path("rows.csv"), rows).unwrap();
        let prep = ["prep", "--dataset", "rows.csv", "--job", "rows", "--offline", "--drive"];
        let drive = "s2.img,serial=S2,size=210M";
        let said = machine.expect(4, &[&prep[..], &[drive], &place].concat());
        refused(&said, "keys-in-source", "would go along");
        assert!(!machine.path("s2.img").exists() && !machine.path("new/seed.json").exists());
    };
    shipped("loose");
    shipped("state");
    fs::remove_file(machine.path("loose/of-a-drive.journal")).unwrap();
    // One that only ends like a journal is none.
    let adopt = ["stage", "adopt", "--staging", "new", "--job", "own", "--container", "seed"];
    machine.expect(0, &[&adopt[..], &["--source", "loose"], &place].concat());
}

#[test]
fn a_source_of_which_only_the_name_would_be_backed_up_is_none() {
    let machine = Machine::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, machine.path("pipe"), mode).unwrap();
    fs::create_dir(machine.path("folder")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, machine.path("folder/pipe"), mode).unwrap();
    let place = "--job seed-1 --storage-account account1 --container seed --resource-group rg \
                 --subscription 11111111-2222-4333-8444-555555555555 --staging staging";
    let stage = |code, sources: &[&str]| {
        let mut words = vec!["stage"];
        words.extend(sources.iter().flat_map(|source| ["--source", source]));
        words.extend(place.split(' '));
        machine.expect(code, &words)
    };
    for source in ["pipe", "/dev/null", "folder"] {
        refused(&stage(2, &[source]), "source-empty", "There is no file in");
    }
    assert!(!machine.path("staging").exists());
    folder(&machine);
    let said = stage(0, &["source", "folder"]);
    assert!(said.stderr.contains("folder holds no file"), "{}", said.stderr);
}
