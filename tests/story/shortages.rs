//! What an administrator meets on the way from a folder to sealed drives, told with the real
//! program: shortages, drives that must not be erased, damaged journals, wrong passwords.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::program::{Machine, Said};
use support::tree::{self, Dice};

const OLD: &[u8] = b"what the last owner of this drive left behind";

/// A machine with `files` files of 1 MiB in a source folder, adopted for a job.
fn seeded(files: usize) -> (Machine, String) {
    let machine = Machine::new();
    for number in 0..files {
        let mut dice = Dice(number as u64);
        let content = dice.bytes(1 << 20);
        tree::write(&machine.path("source"), &format!("file-{number}"), &content, &mut dice);
    }
    let staging = machine.adopt(&machine.path("source"), "story");
    (machine, staging)
}

/// The words of `prep` for these drives.
fn prep<'a>(staging: &'a str, drives: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["prep", "--staging", staging, "--offline", "--json"];
    drives.iter().for_each(|drive| words.extend(["--drive", drive]));
    words.extend(more);
    words
}

fn names(said: &Said, code: &str) {
    let all = format!("{}{}", said.stdout, said.stderr);
    assert!(all.contains(code), "{code} is not said:\n{all}");
}

/// An image of 210 MB that somebody has used, past its first 16 MiB too.
fn used_image(machine: &Machine) -> String {
    let image = machine.path("old.img");
    let mut content = vec![0u8; 209_715_200 + (1 << 20)];
    for at in [4096, 160 << 20] {
        content[at..at + OLD.len()].copy_from_slice(OLD);
    }
    std::fs::write(&image, content).unwrap();
    format!("image:{},serial=OLD", image.display())
}

fn has_old(machine: &Machine) -> bool {
    let content = std::fs::read(machine.path("old.img")).unwrap();
    content.windows(OLD.len()).any(|window| window == OLD)
}

#[test]
fn a_shortage_names_the_missing_bytes_and_more_drives_go_on() {
    let (machine, staging) = seeded(100);
    let (a, b) = ("a.img,serial=A,size=210M", "b.img,serial=B,size=210M");
    let said = machine.expect(6, &prep(&staging, &[a], &[]));
    let missing = said.stdout.lines().any(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["missing_bytes"].as_u64().is_some_and(|bytes| bytes > 0)
    });
    assert!(missing, "{}", said.stdout);
    // A plan is for what is on no drive yet, and knows its own drives.
    let plan = |code, more: &[&str]| -> serde_json::Value {
        let said =
            machine.expect(code, &[&["plan", "--json", "--staging", &staging], more].concat());
        serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
    };
    let counted = plan(0, &["--drive-size", "210M"]);
    let left = counted["files"].as_u64().unwrap();
    assert!(left > 0 && left < 100 && counted["drives"] == 1, "{counted}");
    assert_eq!(counted["placed_files"], 100 - left);
    let same = plan(6, &["--drive", "a.img"]);
    assert_eq!((&same["held"][0], same["missing_files"].as_u64()), (&"A".into(), Some(left)));
    let other = plan(0, &["--drive", b, "--drive", a]);
    assert_eq!((&other["files"], &other["missing_files"]), (&left.into(), &0.into()));
    machine.expect(0, &prep(&staging, &[a, b], &[]));
    machine.expect(0, &["verify", "--staging", &staging, a, b]);
    let counted = plan(0, &["--drive-size", "210M"]);
    assert_eq!((&counted["files"], &counted["drives"]), (&0.into(), &0.into()), "{counted}");
    for size in ["0", "100M"] {
        let words = ["plan", "--staging", &staging, "--drive-size", size];
        names(&machine.expect(2, &words), "drive-size-refused");
        let words = ["plan", "--source", "source", "--drive-size", size];
        names(&machine.expect(2, &words), "drive-size-refused");
    }
    let one = ["c.img,serial=C,size=210M", "./c.img,serial=D,size=210M"];
    let words = ["plan", "--staging", &staging, "--drive", one[0], "--drive", one[1]];
    names(&machine.expect(4, &words), "medium-twice");
    // What root cannot read for once is told as that, not as a drive that nobody knows.
    std::os::unix::fs::chown(machine.path("a.img"), Some(65534), None).unwrap();
    let mut bound = std::process::Command::new("setpriv");
    bound.args(["--bounding-set", "-dac_override,-dac_read_search"]);
    let verify = machine.command(&["verify", "--staging", &staging, "a.img"]);
    bound.arg(verify.get_program()).args(verify.get_args()).current_dir(machine.path(""));
    bound.envs(verify.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = support::program::said(bound.output().unwrap());
    assert_eq!(said.code, 1, "{}", said.stderr);
    names(&said, "drive-open-failed");
    let said = machine.expect(1, &prep(&staging, &["none/x.img,size=210M"], &[]));
    names(&said, "make the folder that the image is to lie in");
}

#[test]
fn a_share_stands_for_the_only_seed_below_it_and_of_several_one_is_asked_for() {
    let (machine, staging) = seeded(2);
    let share = machine.text("share");
    std::fs::create_dir(&share).unwrap();
    let (one, two) = (format!("{share}/one"), format!("{share}/two"));
    std::fs::rename(&staging, &one).unwrap();
    let (tool, drive) = (format!("s:{share}"), ["--drive", "a.img,serial=A,size=210M"]);
    let words = [&["prep", &tool, "--offline"], &drive[..]].concat();
    let said = machine.expect(0, &words);
    assert!(said.stderr.contains("the only one below"), "{}", said.stderr);
    assert!(Path::new(&one).join("journals/A.journal").exists());
    std::fs::rename(machine.adopt(&machine.path("source"), "other"), &two).unwrap();
    let calls = [
        words,
        vec!["plan", &tool, "--drive-size", "4T"],
        vec!["verify", &tool, "a.img"],
        vec!["job", "show", "--staging", &share],
        vec!["stage", "status", "--staging", &share],
        vec!["stage", "set", "--staging", &share, "--location", "northeurope"],
        vec!["stage", "release", "web", "--staging", &share],
        vec!["vault", "create", "--vault", "office", "--staging", &share],
        vec!["custody", "show", "--staging", &share],
    ];
    for words in calls {
        let said = machine.expect(2, &words);
        names(&said, "which-seed");
        for own in [&one, &two] {
            names(&said, &format!("`--staging {own}`"));
        }
    }
    // A name that begins with a hyphen is printed so that it can be typed again.
    std::fs::rename(&two, machine.path("-s")).unwrap();
    let said =
        machine.expect(0, &["prep", "--staging=-s", "--offline", "--drive", "b.img,size=210M"]);
    assert!(said.stdout.contains("--staging ./-s"), "{}", said.stdout);
    assert!(!said.stdout.contains("--staging -s"), "{}", said.stdout);
}

#[test]
fn a_drive_that_is_not_blank_is_erased_only_when_all_is_decided() {
    for (wipe, stays) in [("none", true), ("zero", false)] {
        let (machine, staging) = seeded(2);
        let drive = used_image(&machine);
        names(&machine.expect(4, &prep(&staging, &[&drive], &[])), "drive-not-blank");
        let erase = prep(&staging, &[&drive], &["--erase", "OLD"]);
        names(&machine.expect(4, &erase), "wipe-undecided");
        machine.expect(0, &prep(&staging, &[&drive], &["--erase", "OLD", "--wipe", wipe]));
        machine.expect(0, &["verify", "--staging", &staging, &drive]);
        assert_eq!(has_old(&machine), stays, "--wipe {wipe}");
    }
}

#[test]
fn an_image_that_is_gone_is_not_made_anew() {
    let (machine, staging) = seeded(2);
    let words = prep(&staging, &["a.img,serial=A,size=210M"], &[]);
    machine.expect(0, &words);
    std::fs::remove_file(machine.path("a.img")).unwrap();
    machine.expect(4, &words);
}

#[test]
fn a_changed_journal_is_refused_and_a_torn_one_goes_on() {
    let (machine, staging) = seeded(2);
    let words = prep(&staging, &["a.img,serial=A,size=210M"], &[]);
    machine.expect(0, &words);
    let journal = Path::new(&staging).join("journals/A.journal");
    let whole = std::fs::read(&journal).unwrap();
    let mut changed = whole.clone();
    changed[200] ^= 1;
    std::fs::write(&journal, &changed).unwrap();
    names(&machine.run(&words), "journal-damaged");
    std::fs::write(&journal, &whole[..whole.len() - 7]).unwrap();
    machine.expect(0, &words);
    machine.expect(0, &["verify", "--staging", &staging, "a.img,serial=A"]);
    // What is said of a plan is said of a plan.
    std::fs::write(journal.with_extension("plan"), "{}").unwrap();
    let said = machine.run(&words);
    names(&said, "journal-damaged");
    let told = said.stdout;
    assert!(told.contains("The plan ") && told.contains("A.plan cannot be used"), "{told}");
    assert!(told.contains("`azseed drive release A`"), "{told}");
    machine.expect(0, &["drive", "release", "A"]);
}

#[test]
fn a_wrong_recovery_password_does_not_open() {
    let (machine, staging) = seeded(1);
    machine.expect(0, &prep(&staging, &["a.img,serial=A,size=210M"], &[]));
    let wrong = machine.path("wrong");
    std::fs::write(&wrong, ["000011"; 8].join("-")).unwrap();
    let words = ["verify", "--recovery-password-file", wrong.to_str().unwrap(), "a.img,serial=A"];
    std::fs::set_permissions(&wrong, PermissionsExt::from_mode(0o644)).unwrap();
    names(&machine.expect(2, &words), "secret-file-mode");
    std::fs::set_permissions(&wrong, PermissionsExt::from_mode(0o600)).unwrap();
    machine.expect(12, &words);
}

#[test]
fn every_name_that_cannot_be_shipped_is_listed() {
    let machine = Machine::new();
    for name in ["good", "que?stion", "co:lon"] {
        tree::write(&machine.path("source"), name, b"x", &mut Dice(1));
    }
    let staging = machine.adopt(&machine.path("source"), "story");
    let said = machine.expect(2, &prep(&staging, &["a.img,serial=A,size=210M"], &[]));
    names(&said, "que?stion");
    names(&said, "co:lon");
}

/// The words of `stage` with what differs.
fn stage(machine: &Machine, more: &[&str]) -> Said {
    let (source, staging) = (machine.text("source"), machine.text("staging"));
    let mut words = vec!["stage", "--source", &source, "--staging", &staging, "--job", "story"];
    words.extend(["--storage-account", "account1", "--container", "seed"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    words.extend(["--resource-group", "rg"]);
    words.extend(more);
    machine.run(&words)
}

#[test]
fn a_password_that_is_short_or_open_makes_nothing() {
    let machine = Machine::new();
    tree::write(&machine.path("source"), "file", b"x", &mut Dice(1));
    let file = machine.text("password");
    let cases =
        [("short", 0o600, "password-weak"), ("sixteen letters!", 0o644, "password-file-open")];
    for (text, mode, code) in cases {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let said = stage(&machine, &["--password-file", &file]);
        assert_eq!(said.code, 2, "{}", said.stderr);
        names(&said, code);
        assert!(!machine.path("staging").exists(), "{code}");
    }
}

#[test]
fn a_staging_path_with_other_files_or_a_damaged_seed_is_left_alone() {
    let machine = Machine::new();
    tree::write(&machine.path("source"), "file", b"x", &mut Dice(1));
    tree::write(&machine.path("staging"), "holiday.jpg", b"x", &mut Dice(1));
    let said = stage(&machine, &[]);
    assert_eq!(said.code, 4, "{}", said.stderr);
    names(&said, "staging-not-empty");
    tree::write(&machine.path("staging"), "seed.json", b"{", &mut Dice(1));
    names(&stage(&machine, &[]), "seed-damaged");
}

#[test]
fn a_drive_sealed_for_another_job_is_refused() {
    let (machine, staging) = seeded(1);
    let first = machine.text("first");
    std::fs::rename(&staging, &first).unwrap();
    let drive = "a.img,serial=A,size=210M";
    machine.expect(0, &prep(&first, &[drive], &[]));
    let staging = machine.adopt(&machine.path("source"), "other");
    let erase = ["--erase", "A", "--wipe", "none"];
    names(&machine.expect(4, &prep(&staging, &[drive], &erase)), "drive-sealed-elsewhere");
    let plan = ["plan", "--staging", &staging, "--drive", "a.img"];
    names(&machine.expect(4, &plan), "drive-sealed-elsewhere");
    // A share that is not mounted now takes nothing away from that.
    std::fs::rename(&first, machine.path("out of reach")).unwrap();
    names(&machine.expect(4, &prep(&staging, &[drive], &erase)), "drive-sealed-elsewhere");
}

#[test]
fn a_drive_that_was_given_up_leaves_its_files_to_another() {
    let (machine, staging) = seeded(4);
    let (a, b) = ("a.img,serial=A,size=210M", "b.img,serial=B,size=210M");
    machine.expect(0, &prep(&staging, &[a], &[]));
    machine.expect(10, &["drive", "release", "NOBODY"]);
    machine.expect(0, &["drive", "release", "A"]);
    machine.expect(0, &["drive", "release", "A", "--staging", &staging]);
    let log = std::fs::read_to_string(machine.path("staging/reports/custody.jsonl")).unwrap();
    assert_eq!(log.matches("\"released\"").count(), 1, "{log}");
    machine.expect(0, &prep(&staging, &[b], &[]));
    let said = machine.expect(0, &["verify", "--json", "--staging", &staging, b]);
    assert!(said.stdout.contains("\"files\":4"), "{}", said.stdout);
    // The drive itself is what it was, so it needs consent to be used once more.
    machine.expect(0, &["drive", "release", "B"]);
    names(&machine.expect(4, &prep(&staging, &["a.img,serial=A"], &[])), "drive-not-blank");
    let again = prep(&staging, &["a.img,serial=A"], &["--erase", "A", "--wipe", "none"]);
    machine.expect(0, &again);
}

#[test]
fn the_microsoft_tools_csv_files_are_taken_as_they_are_but_for_drive_letters() {
    let machine = Machine::new();
    std::fs::create_dir(machine.path("photos")).unwrap();
    std::fs::write(machine.path("photos/a.jpg"), vec![7; 100_000]).unwrap();
    std::fs::write(machine.path("disk.vhd"), vec![9; 1 << 20]).unwrap();
    let at = |name: &str| machine.text(name);
    let head = "BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile\n";
    let rows = format!(
        "{}/,pictures/,BlockBlob,rename,None,None\n{},disks/disk.vhd,PageBlob,no-overwrite,None,None\n",
        at("photos"),
        at("disk.vhd")
    );
    std::fs::write(machine.path("dataset.csv"), format!("{head}{rows}")).unwrap();
    std::fs::write(machine.path("driveset.csv"), "Serial,Erase\na.img,yes\n").unwrap();
    std::fs::write(machine.path("bad.csv"), format!("{head}F:\\photos\\,X_/,Blob,x,None,None\n"))
        .unwrap();
    let dataset = at("dataset.csv");
    let plan = ["plan", "--dataset", &dataset, "--job", "photos", "--drive-size", "210M", "--json"];
    let said = machine.expect(0, &plan);
    assert!(said.stdout.contains("\"files\":2"), "{}", said.stdout);
    let bad = at("bad.csv");
    let said =
        machine.expect(2, &["plan", "--dataset", &bad, "--job", "photos", "--drive-size", "1T"]);
    names(&said, "csv-invalid");
    assert!(said.stderr.contains("line 2"), "{}", said.stderr);
    let drive = format!("{},serial=D1,size=210M", at("d1.img"));
    let prep = ["prep", "--dataset", &dataset, "--job", "photos", "--offline", "--drive", &drive];
    machine.expect(0, &prep);
    machine.expect(0, &prep);
    let said = machine.expect(0, &["verify", "d1.img,serial=D1"]);
    assert!(said.stdout.contains("2 files"), "{}", said.stdout);
    assert!(machine.path("state/jobs/photos/journals/D1.journal").exists());
    std::fs::write(machine.path("driveset.csv"), format!("Serial\n\"{drive}\"\n")).unwrap();
    let driveset = at("driveset.csv");
    machine.expect(
        0,
        &["prep", "--dataset", &dataset, "--job", "photos", "--offline", "--driveset", &driveset],
    );
}
