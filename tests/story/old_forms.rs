//! Every form that an older version left behind is opened, shown, gone on with to the same bytes,
//! and shipped. The forms are those of `fixtures/forms`; what they hold is never changed.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::emulator::Emulator;
use support::old_form::{OldForm, hex, sha256};
use support::program::{Machine, Said, said};

const DRIVE: &str = "drive.img,serial=OLD-1";
const SHIP: [&str; 5] = ["job", "ship", "--carrier", "FedEx", "--tracking-number"];

fn prep(staging: &str) -> [&str; 7] {
    ["prep", "--offline", "--json", "--staging", staging, "--drive", DRIVE]
}

fn has(said: &Said, text: &str) {
    let all = format!("{}{}", said.stdout, said.stderr);
    assert!(all.contains(text), "no {text:?} in:\n{all}");
}

/// The only line of JSON of a type.
fn line(said: &Said, kind: &str) -> Value {
    let lines = said.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut lines = lines.filter(|line| line["type"] == kind);
    lines.next().unwrap_or_else(|| panic!("no {kind} in {}{}", said.stdout, said.stderr))
}

/// The image that the drive of a form ends with, made from the first record of its journal alone
/// by the present program. Its SHA-256 is that of the old program's.
fn whole(name: &str) -> (OldForm, PathBuf) {
    let form = OldForm::unpack(name);
    OldForm::only_begun(&form.journal());
    form.make_blank_image();
    form.machine.expect(0, &prep(&form.staging()));
    assert_eq!(sha256(&form.image()), form.fact("ends_sha256"), "{name} from its first record");
    let image = form.image();
    (form, image)
}

/// A form with its drive as it was left.
fn left(name: &str) -> OldForm {
    let (_ended, image) = whole(name);
    let form = OldForm::unpack(name);
    form.make_image(&image);
    form
}

/// Makes and ships the job of a prepared drive, and has it read: every file becomes its blob.
fn ship(machine: &Machine, staging: &str, data: &str) {
    let emulator = Emulator::start(machine);
    let words = |words: &[&'static str]| [words, &["--json", "--staging"]].concat();
    let run = |given: &[&'static str]| {
        let all = [&words(given)[..], &[staging]].concat();
        emulator.expect(machine, 0, &all)
    };
    run(&["job", "create"]);
    has(&run(&["job", "show"]), "\"Creating\"");
    run(&[&SHIP[..], &["1Z1"]].concat());
    has(&run(&["job", "status"]), "\"Shipping\"");
    assert_eq!(emulator.dock(machine, &[DRIVE])[0]["status"], "Completed");
    has(&run(&["job", "status"]), "\"Completed\"");
    for entry in walkdir::WalkDir::new(machine.path(data)) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(machine.path(data)).unwrap();
            let blob = fs::read(emulator.blob("seed", name.to_str().unwrap())).unwrap();
            assert!(blob == fs::read(entry.path()).unwrap(), "{}", name.display());
        }
    }
}

/// A drive that the old program was killed over: shown as it is, gone on with, shipped.
fn goes_on(name: &str) {
    let form = left(name);
    let (machine, staging) = (&form.machine, form.staging());
    has(&machine.expect(0, &["stage", "status", "--staging", &staging]), &format!("old-{name}"));
    has(&machine.expect(0, &["plan", "--staging", &staging, "--drive-size", "4T"]), "3 files");
    // Not sealed, so there is nothing to open yet.
    let looked = machine.run(&["verify", "--staging", &staging, DRIVE]);
    assert!([4, 5, 6].contains(&looked.code), "{looked:?}");
    let said = machine.expect(0, &prep(&staging));
    assert_eq!(line(&said, "drive-sealed")["files"], 3);
    assert_eq!(sha256(&form.image()), form.fact("ends_sha256"));
    machine.expect(0, &["verify", "--staging", &staging, DRIVE]);
    has(&machine.expect(0, &["inspect", "--staging", &staging, DRIVE]), "DriveManifest.xml");
    // The same command again finds nothing to do.
    let journal = fs::read(form.journal()).unwrap();
    machine.expect(0, &prep(&staging));
    assert!(fs::read(form.journal()).unwrap() == journal, "the journal of a sealed drive stays");
    ship(machine, &staging, "staging/data");
}

#[test]
fn a_begun_drive_of_version_0_1_ends_with_the_same_bytes_and_is_shipped() {
    goes_on("begun");
}

#[test]
fn a_labelled_drive_of_version_0_1_ends_with_the_same_bytes_and_is_shipped() {
    goes_on("labelled");
}

#[test]
fn a_half_filled_drive_of_version_0_1_ends_with_the_same_bytes_and_is_shipped() {
    goes_on("half-filled");
}

/// What was restored below a folder is the source.
fn is_restored(machine: &Machine, target: &str) {
    let source = machine.path("source");
    let below = walkdir::WalkDir::new(machine.path(target)).into_iter().flatten();
    let copy = below.into_iter().find(|entry| entry.file_name() == "source").unwrap();
    let said = Command::new("diff").arg("-r").arg(&source).arg(copy.path()).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

#[test]
fn a_sealed_drive_of_version_0_1_its_job_and_its_vault_go_on() {
    let form = left("sealed");
    let (machine, staging) = (&form.machine, form.staging());
    let journal = fs::read(form.journal()).unwrap();
    let said = machine.expect(0, &prep(&staging));
    assert_eq!(line(&said, "prepared")["newly_sealed"], 0);
    assert!(fs::read(form.journal()).unwrap() == journal);
    assert_eq!(sha256(&form.image()), form.fact("ends_sha256"));
    // What this machine remembers of the seed need not be said again.
    has(&machine.expect(0, &["verify", DRIVE]), "journal and manifest");
    has(&machine.expect(0, &["inspect", DRIVE]), "DriveManifest.xml");
    has(&machine.expect(0, &["stage", "status", "--staging", &staging]), "old-sealed");
    let keys = machine.expect(0, &["job", "keys", "--reveal", "--json", "--staging", &staging]);
    assert_eq!(line(&keys, "drive-key")["serial"], "OLD-1");

    let emulator = Emulator::start(machine);
    has(&emulator.expect(machine, 0, &["job", "show"]), "Creating");
    has(&emulator.expect(machine, 0, &["vault", "list"]), "Office");
    has(&machine.expect(0, &["vault", "show", "--vault", "office"]), "7 daily, 2 yearly");
    has(&emulator.expect(machine, 0, &["vault", "status"]), "awaiting seed");
    let all = [&SHIP[..], &["1Z1", "--staging", &staging]].concat();
    emulator.expect(machine, 0, &all);
    has(&emulator.expect(machine, 0, &["vault", "status"]), "seed in transit");
    assert_eq!(emulator.dock(machine, &[DRIVE])[0]["status"], "Completed");
    let said = emulator.expect(machine, 0, &["vault", "run", "--json"]);
    let ran: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&ran["state"], &ran["ingested"]["repaired"]), (&"protected".into(), &0.into()));
    emulator.expect(machine, 0, &["vault", "restore", "--target", "restored"]);
    is_restored(machine, "restored");
}

#[test]
fn a_protected_vault_of_version_0_1_goes_on_and_its_seed_is_cleared() {
    let form = OldForm::unpack("protected");
    let machine = &form.machine;
    let emulator = Emulator::start(machine);
    has(&emulator.expect(machine, 0, &["vault", "status"]), "protected");
    has(&emulator.expect(machine, 0, &["job", "show", "--job", "old-sealed"]), "Completed");
    fs::write(machine.path("source/three"), "changed since").unwrap();
    let said = emulator.expect(machine, 0, &["vault", "run", "--now", "--json"]);
    let ran: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    assert!(ran["increment"]["tree"].is_string(), "{ran}");
    let listed = emulator.expect(machine, 0, &["vault", "snapshots", "--json"]).stdout;
    assert_eq!(listed.lines().count(), 3, "{listed}");
    emulator.expect(machine, 0, &["vault", "restore", "--target", "restored"]);
    is_restored(machine, "restored");
    emulator.expect(machine, 0, &["cleanup", "--yes"]);
    assert!(
        !machine.path("staging/repo").exists() && !emulator.blob("seed", "repo/config").exists()
    );
    assert!(form.journal().exists());
    // What the old program wrote into the record and the present one does not know is still there.
    let record: Value =
        serde_json::from_slice(&fs::read(machine.path("state/vaults/office.json")).unwrap())
            .unwrap();
    assert!(record["lease"].is_string() && record["cleaned_at"].is_string(), "{record}");
}

/// Runs the program where the machine's folder is `/mnt`, as a dataset.csv of the form names it.
fn run_rows(machine: &Machine, code: i32, words: &[&str]) -> Said {
    let bind = "mount --bind \"$1\" /mnt; shift; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", bind, "sh"]).arg(machine.path("."));
    command.args([env!("CARGO_BIN_EXE_azseed"), "--state", "/mnt/state"]).args(words);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/mnt");
    let said = said(command.output().unwrap());
    assert_eq!(said.code, code, "{words:?}: {}{}", said.stdout, said.stderr);
    said
}

#[test]
fn the_drive_of_a_dataset_csv_of_version_0_1_goes_on_from_the_state_directory() {
    let form = OldForm::unpack("rows");
    let machine = &form.machine;
    let rows = "BasePath,DstItemPathOrPrefix,ItemType\n/mnt/source/,seed/,BlockBlob\n";
    fs::write(machine.path("rows.csv"), rows).unwrap();
    let journal = machine.path("state/jobs/old-rows/journals/OLD-1.journal");
    let sealed = fs::read(&journal).unwrap();
    let prep = ["prep", "--offline", "--json", "--dataset", "/mnt/rows.csv", "--job", "old-rows"];
    let prep = [&prep[..], &["--drive", "/mnt/drive.img,serial=OLD-1"]].concat();
    OldForm::only_begun(&journal);
    form.make_blank_image();
    let said = run_rows(machine, 0, &prep);
    assert_eq!(line(&said, "drive-sealed")["files"], 4);
    assert_eq!(sha256(&form.image()), form.fact("ends_sha256"));
    // The drive is the one that the old program sealed, bit for bit.
    fs::write(&journal, sealed).unwrap();
    assert_eq!(line(&run_rows(machine, 0, &prep), "prepared")["newly_sealed"], 0);
    let said = run_rows(machine, 0, &["job", "keys", "--reveal", "--json", "--job", "old-rows"]);
    assert_eq!(line(&said, "drive-key")["serial"], "OLD-1");
}

#[test]
fn a_claim_of_another_machine_in_an_old_staging_path_is_told_and_can_be_freed() {
    let form = OldForm::unpack("labelled");
    form.replace("\"host\":\"", "\"host\":\"copy-machine-of-");
    form.make_blank_image();
    let before = fs::read(form.journal()).unwrap();
    let said = form.machine.expect(11, &prep(&form.staging()));
    has(&said, "claimed-by-another-run");
    has(&said, "drive release SERIAL");
    assert!(fs::read(form.journal()).unwrap() == before);
    assert_eq!(form.image().metadata().unwrap().blocks(), 0, "nothing was written");
    let release = ["drive", "release", "OLD-1", "--staging", &form.staging()];
    form.machine.expect(0, &release);
    assert!(!form.machine.path("staging/journals/OLD-1.claim").exists());
}

#[test]
fn an_old_staging_path_that_others_can_write_to_asks_for_consent_in_one_line_and_goes_on() {
    let form = left("labelled");
    let (machine, staging) = (&form.machine, form.staging());
    fs::set_permissions(&staging, fs::Permissions::from_mode(0o777)).unwrap();
    let before = fs::read(form.journal()).unwrap();
    let said = machine.expect(4, &prep(&staging));
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!((lines.len(), said.stderr.as_str()), (1, ""), "{lines:?}");
    let hint = line(&said, "error")["hint"].to_string();
    assert!(hint.contains("--shared-staging"), "{hint}");
    assert!(fs::read(form.journal()).unwrap() == before && !machine.path("state/pins").exists());
    let named = [
        "--shared-staging",
        "--storage-account",
        "account1",
        "--container",
        "seed",
        "--subscription",
        "11111111-2222-4333-8444-555555555555",
    ];
    let all = [&prep(&staging)[..], &named].concat();
    machine.expect(0, &all);
    assert_eq!(sha256(&form.image()), form.fact("ends_sha256"));
    // Pinned from now on, also where a later version has pinned more.
    let pin = only_file(&machine.path("state/pins"), "json");
    add_later(&pin, &["", "/seed", "/journals/0"]);
    machine.expect(0, &prep(&staging));
}

/// The only file of a folder with this ending.
fn only_file(folder: &Path, ending: &str) -> PathBuf {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths = paths.filter(|path| path.extension().is_some_and(|own| own == ending));
    let path = paths.next().unwrap();
    assert!(paths.next().is_none(), "{} has several", folder.display());
    path
}

/// A field of a later version in objects of a record.
fn with_later(record: &mut Value, places: &[&str]) {
    for place in places {
        let object = record.pointer_mut(place).unwrap_or_else(|| panic!("no {place:?}"));
        object["later"] = json!({"a": [1]});
    }
}

fn add_later(path: &Path, places: &[&str]) {
    let mut record = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    with_later(&mut record, places);
    fs::write(path, record.to_string()).unwrap();
}

fn has_later(path: &Path, places: &[&str]) {
    let record: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for place in places {
        let object = record.pointer(place).unwrap();
        assert_eq!(object["later"], json!({"a": [1]}), "{place:?} of {}: {record}", path.display());
    }
}

#[test]
fn what_a_later_version_adds_to_a_seed_a_vault_and_the_emulator_stays_or_is_passed_over() {
    const SEED: &[&str] = &["", "/contact", "/contact/return_address", "/totals"];
    const VAULT: &[&str] = &["", "/seed", "/retention", "/schedule"];
    let form = OldForm::unpack("protected");
    let machine = &form.machine;
    let (seed, vault) =
        (machine.path("staging/seed.json"), machine.path("state/vaults/office.json"));
    add_later(&seed, SEED);
    add_later(&vault, VAULT);
    add_later(&machine.path("azure/meta/account.json"), &[""]);
    add_later(&machine.path("azure/meta/clock.json"), &[""]);
    add_later(&only_file(&machine.path("azure/meta/jobs"), "json"), &["", "/key", "/drives/0"]);
    for entry in walkdir::WalkDir::new(machine.path("azure/meta/blobs")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            add_later(entry.path(), &[""]);
        }
    }
    let emulator = Emulator::start(machine);
    has(&emulator.expect(machine, 0, &["job", "show", "--job", "old-sealed"]), "Completed");
    emulator.expect(machine, 0, &["vault", "run", "--now"]);
    emulator.expect(machine, 0, &["cleanup", "--yes"]);
    let cleared: Value = serde_json::from_slice(&fs::read(&seed).unwrap()).unwrap();
    assert_eq!(cleared["state"], "cleared", "the seed was written again");
    has_later(&seed, SEED);
    has_later(&vault, VAULT);
}

#[test]
fn what_a_later_version_adds_to_a_journal_a_plan_or_a_claim_is_passed_over_and_stays() {
    let form = OldForm::unpack("begun");
    let machine = &form.machine;
    let journals = machine.path("staging/journals");
    let mut plan = String::new();
    for line in fs::read_to_string(journals.join("OLD-1.plan")).unwrap().lines() {
        let mut line = serde_json::from_str(line).unwrap();
        with_later(&mut line, &[""]);
        plan.push_str(&format!("{line}\n"));
    }
    fs::write(journals.join("OLD-1.plan"), &plan).unwrap();
    let journal = fs::read_to_string(form.journal()).unwrap();
    let mut begun: Value = serde_json::from_str(journal.split_once(' ').unwrap().1).unwrap();
    with_later(&mut begun, &[""]);
    begun["plan_sha256"] = hex(&Sha256::digest(&plan)).into();
    let text = begun.to_string();
    let chain = Sha256::new().chain_update([0; 32]).chain_update(&text).finalize();
    let first = format!("{} {text}\n", &hex(&chain)[..16]);
    fs::write(form.journal(), &first).unwrap();
    add_later(&journals.join("OLD-1.claim"), &[""]);
    let known = only_file(&machine.path("state/seeds"), "json");
    add_later(&known, &[""]);

    form.make_blank_image();
    machine.expect(0, &prep(&form.staging()));
    assert_eq!(sha256(&form.image()), form.fact("ends_sha256"));
    assert!(fs::read_to_string(form.journal()).unwrap().starts_with(&first));
    assert!(fs::read_to_string(journals.join("OLD-1.plan")).unwrap() == plan);
    has_later(&known, &[""]);
    machine.expect(0, &["verify", "--staging", &form.staging(), DRIVE]);
}

#[test]
fn what_a_person_mistypes_in_a_contact_file_is_named_and_nothing_is_made() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "x").unwrap();
    let mistyped = support::CONTACT.replace("phone = ", "fax = \"1\"\nphone = ");
    fs::write(machine.path("contact.toml"), mistyped).unwrap();
    let words = "stage adopt --source source --staging staging --job job-1 --storage-account account1 \
                 --container seed --resource-group rg --contact contact.toml --subscription \
                 11111111-2222-4333-8444-555555555555";
    let said = machine.expect(2, &words.split_whitespace().collect::<Vec<_>>());
    has(&said, "contact-invalid");
    has(&said, "return_address.fax");
    assert!(!machine.path("staging").exists());
}
