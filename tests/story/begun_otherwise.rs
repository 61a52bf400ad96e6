//! `prep` on drives that are begun or sealed, asked for something else than they were begun with.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use support::program::{Machine, Said};
use support::seed::staged;

const DRIVE: &str = "s1.img,serial=S1,size=210M";
/// An age recipient.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// A machine with one drive, sealed with all defaults, and the words that did it.
fn sealed() -> (Machine, Vec<String>) {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    let staging = staged(&machine, "4Mi");
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", DRIVE];
    machine.expect(0, &prep);
    (machine, prep.map(str::to_owned).to_vec())
}

fn again(machine: &Machine, code: i32, prep: &[String], more: &[&str]) -> Said {
    let words: Vec<&str> = prep.iter().map(String::as_str).chain(more.iter().copied()).collect();
    machine.expect(code, &words)
}

#[test]
fn what_a_sealed_drive_was_not_begun_with_is_refused_and_all_of_it_is_named() {
    let (machine, prep) = sealed();
    let journal = || fs::read(machine.path("staging/journals/S1.journal")).unwrap();
    let before = journal();
    for (more, told) in [
        (
            &["--cipher", "xts-aes-128"][..],
            "--cipher is xts-aes-128, and drive S1 was begun with xts-aes-256",
        ),
        (&["--profile", "modern"], "--profile is modern, and drive S1 was begun with legacy"),
        (&["--omit-zeros"], "--omit-zeros is on, and drive S1 was begun with it off"),
        (
            &["--encrypt-keys-for", RECIPIENT],
            "--encrypt-keys-for is on, and drive S1 was begun with it off",
        ),
    ] {
        let said = again(&machine, 2, &prep, more).stderr;
        assert!(said.contains(told) && said.contains("code: drive-begun-otherwise"), "{said}");
        assert!(said.contains("`azseed drive release S1`"), "{said}");
    }
    let both = ["--profile", "modern", "--cipher", "cbc-aes-128"];
    let said = again(&machine, 2, &prep, &both).stderr;
    assert!(said.contains("--cipher is") && said.contains("--profile is"), "{said}");
    // With another drive beside it nothing of that is begun either.
    let beside = ["--drive", "s2.img,serial=S2,size=210M", "--cipher", "xts-aes-128"];
    again(&machine, 2, &prep, &beside);
    assert!(!machine.path("s2.img").exists() && journal() == before);
    // What it was begun with can be said, and what a variable says is not used, which is told.
    again(&machine, 0, &prep, &["--cipher", "xts-aes-256", "--profile", "legacy"]);
    let words: Vec<&str> = prep.iter().map(String::as_str).collect();
    let said = machine.command(&words).env("AZSEED_CIPHER", "xts-aes-128").output().unwrap();
    let told = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(0), "{told}");
    assert!(told.contains("AZSEED_CIPHER is not used: drive S1 was begun with"), "{told}");
    assert_eq!(journal(), before);
}

#[test]
fn what_is_no_longer_the_sealed_drive_is_not_called_sealed_and_a_copy_is_no_second_one() {
    let (machine, prep) = sealed();
    let image = machine.path("s1.img");
    let said = again(&machine, 2, &prep[..4], &["--drive", "s1.img,serial=S1,size=300M"]).stderr;
    assert!(said.contains("code: size-mismatch") && said.contains("`size=` out"), "{said}");
    fs::copy(&image, machine.path("copy.img")).unwrap();
    for words in [&["verify", "s1.img", "copy.img"][..], &["drive", "list", "s1.img", "copy.img"]] {
        let said = machine.expect(2, words).stderr;
        assert!(said.contains("code: serial-twice"), "{said}");
    }
    let bytes = fs::metadata(&image).unwrap().len();
    let short = fs::File::options().write(true).open(machine.path("copy.img")).unwrap();
    short.set_len(bytes / 2).unwrap();
    let said = machine.expect(5, &["verify", "copy.img,serial=S1"]).stderr;
    let told = "the drive is shorter than it was, or another";
    assert!(said.contains(told) && said.contains("`azseed drive release S1`"), "{said}");
    // Zeros of the same length, or another drive of ours.
    fs::File::create(&image).unwrap().set_len(bytes).unwrap();
    let said = again(&machine, 4, &prep, &[]).stderr;
    assert!(said.contains("code: wrong-drive"), "{said}");
    assert_eq!(machine.expect(5, &["verify", "s1.img,serial=S1"]).code, 5);
    let other = Machine::new();
    fs::create_dir(other.path("source")).unwrap();
    fs::write(other.path("source/file"), "other").unwrap();
    let staging = staged(&other, "4Mi");
    other.expect(0, &["prep", "--staging", &staging, "--offline", "--drive", DRIVE]);
    fs::copy(other.path("s1.img"), &image).unwrap();
    let said = machine.expect(4, &["verify", "s1.img,serial=S1"]).stderr;
    assert!(said.contains("code: wrong-drive"), "{said}");
    assert!(again(&machine, 4, &prep, &[]).stderr.contains("code: wrong-drive"));
}

#[test]
fn a_drive_that_was_given_up_can_be_begun_otherwise() {
    let (machine, prep) = sealed();
    machine.expect(0, &["drive", "release", "S1"]);
    let more = ["--cipher", "xts-aes-128", "--erase", "S1", "--wipe", "none"];
    again(&machine, 0, &prep, &more);
    let journal = fs::read_to_string(machine.path("staging/journals/S1.journal")).unwrap();
    assert!(journal.contains("\"cipher\":\"xts-aes128\""));
    let said = again(&machine, 2, &prep, &["--wipe", "zero"]).stderr;
    assert!(said.contains("--wipe is zero, and drive S1 was begun with none"), "{said}");
}

#[test]
fn a_flag_that_says_another_job_or_group_than_the_seed_is_refused() {
    let (machine, prep) = sealed();
    let staging = machine.text("staging");
    let plan: Vec<String> =
        ["plan", "--staging", &staging, "--drive-size", "1T"].map(str::to_owned).to_vec();
    for words in [&prep, &plan] {
        for (more, told) in [
            (["--job", "other"], "--job is other, and the seed in"),
            (["--resource-group", "other"], "--resource-group is other, and the seed in"),
            (["--service", "import-export"], "--service is import-export, and the seed in"),
        ] {
            let said = again(&machine, 2, words, &more).stderr;
            assert!(said.contains(told) && said.contains("code: seed-contradicted"), "{said}");
        }
    }
}

#[test]
fn a_job_is_made_of_the_drives_of_the_seed_that_is_named_and_of_no_other() {
    let (machine, prep) = sealed();
    let create = ["job", "create", "--staging", prep[2].as_str()];
    for other in ["other", "otherx2", "seed-1x"] {
        let said = machine.expect(2, &[&create[..], &["--job", other]].concat()).stderr;
        assert!(said.contains(&format!("--job is {other}, and the seed in")), "{said}");
    }
    // What it lacks next is told of the right one.
    for own in ["seed-1", "SEED-1", "seed-1x2"] {
        let said = machine.expect(2, &[&create[..], &["--job", own]].concat()).stderr;
        assert!(said.contains("--location"), "{said}");
    }
}

#[test]
fn what_was_adopted_is_not_adopted_from_elsewhere() {
    let machine = Machine::new();
    for name in ["source", "elsewhere"] {
        fs::create_dir_all(machine.path(name)).unwrap();
        fs::write(machine.path(name).join("file"), "content").unwrap();
    }
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    let words = [
        "stage",
        "adopt",
        "--source",
        "elsewhere",
        "--staging",
        &staging,
        "--job",
        "seed-1",
        "--storage-account",
        "account1",
        "--container",
        "seed",
        "--resource-group",
        "rg",
        "--subscription",
        "11111111-2222-4333-8444-555555555555",
    ];
    let said = machine.expect(4, &words).stderr;
    let [own, other] = ["source", "elsewhere"].map(|name| machine.text(name));
    let told = format!("seed-1 with the data {own}, not seed-1 with the data {other}");
    assert!(said.contains(&told), "{said}");
}

#[test]
fn a_consent_for_no_drive_of_the_call_is_told() {
    let (machine, prep) = sealed();
    let said = again(&machine, 0, &prep, &["--erase", "S2"]).stderr;
    assert!(said.contains("--erase names S2, and the call has no such drive"), "{said}");
    // That of a drive which is sealed is spent.
    let said = again(&machine, 0, &prep, &["--erase", "S1"]).stderr;
    assert!(!said.contains("--erase"), "{said}");
}

#[test]
fn offline_too_region_and_contact_are_those_of_the_seed() {
    let (machine, prep) = sealed();
    let staging = prep[2].as_str();
    let other = machine.text("other.toml");
    fs::write(&other, support::CONTACT.replace("FedEx", "UPS")).unwrap();
    let said = again(&machine, 2, &prep, &["--contact", &other]).stderr;
    assert!(said.contains("--contact is another contact, and the seed has"), "{said}");
    again(&machine, 2, &prep, &["--contact", "nowhere.toml"]);
    again(&machine, 0, &prep, &["--contact", &machine.text("contact.toml")]);
    // A variable is not used, whatever it says.
    let words: Vec<&str> = prep.iter().map(String::as_str).collect();
    let said = machine.command(&words).env("AZSEED_CONTACT", "nowhere.toml").output().unwrap();
    let told = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(0), "{told}");
    assert!(told.contains("AZSEED_CONTACT is not used: the seed has"), "{told}");
    // What the seed does not say is taken into the command that comes next.
    let said = again(&machine, 0, &prep, &["--location", "westus"]).stdout;
    assert!(
        said.contains(&format!("`azseed job create --staging {staging} --location westus`")),
        "{said}"
    );
}
