//! Hints that are true: of a certificate, of a signature, of a drive that may be sealed, of a vault
//! that there is not.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::emulator::Emulator;
use support::program::{Machine, said};
use support::seed::{make_source, staged};

const GROUP: &str = "--subscription 11111111-2222-4333-8444-555555555555 --resource-group rg --storage-account account1";

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn machine() -> Machine {
    let machine = Machine::new();
    make_source(&machine);
    machine
}

#[test]
fn an_unknown_certificate_names_the_flag_for_its_authority() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    let list = format!("job list {GROUP}");
    emulator.expect(&machine, 0, &words(&list));
    let mut command = emulator.command(&machine, &words(&list));
    let told = said(command.env_remove("AZSEED_CA_FILE").output().unwrap());
    assert_eq!(told.code, 14, "{}", told.stderr);
    assert!(told.stderr.contains("--ca-file FILE"), "{}", told.stderr);
    // Where nobody listens, no certificate is to blame.
    let mut command = emulator.command(&machine, &words(&list));
    let told = said(command.env("AZSEED_ARM_ENDPOINT", "https://127.0.0.1:1").output().unwrap());
    assert!(told.code == 14 && !told.stderr.contains("--ca-file"), "{}", told.stderr);
}

#[test]
fn a_signature_that_is_over_is_known_by_what_it_says() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    staged(&machine, "1Mi");
    let sas = machine.path("sas");
    fs::write(&sas, "sv=2024-11-04&se=2020-01-01T00%3A00Z&sp=rl&sig=AAAA").unwrap();
    fs::set_permissions(&sas, fs::Permissions::from_mode(0o600)).unwrap();
    let create = "vault create --vault office --staging staging --sas-file sas";
    let told = emulator.run(&machine, &words(create));
    assert_eq!(told.code, 12, "{}", told.stderr);
    assert!(told.stderr.contains("code: sas-over "), "{}", told.stderr);
    assert!(!told.stderr.contains("AAAA"), "{}", told.stderr);
    assert!(!machine.path("state/vaults").exists());
}

#[test]
fn nobody_is_told_to_erase_a_drive_that_may_be_sealed_elsewhere() {
    let machine = machine();
    staged(&machine, "1Mi");
    let drive = "image:s1.img,serial=S1,size=210M";
    machine.expect(0, &words(&format!("prep --staging staging --offline --drive {drive}")));
    // A machine that knows nothing of it.
    fs::write(
        machine.path("rows.csv"),
        format!(
            "BasePath,DstItemPathOrPrefix,ItemType\n{}/,cont/x/,BlockBlob\n",
            machine.text("source/folder")
        ),
    )
    .unwrap();
    let image = fs::read(machine.path("s1.img")).unwrap();
    let prep = format!(
        "prep --dataset rows.csv --job job-9 {GROUP} --offline --state other --drive \
         image:s1.img,serial=S1"
    );
    for line in [prep.as_str(), "drive list --state other s1.img,serial=S1"] {
        let told = machine.run(&words(line));
        let all = format!("{}{}", told.stdout, told.stderr);
        assert!(!all.contains("--erase"), "{all}");
        assert!(all.contains("azseed inspect"), "{all}");
    }
    machine.expect(4, &words(&prep));
    assert!(fs::read(machine.path("s1.img")).unwrap() == image, "it was written");
}

#[test]
fn where_no_vault_is_known_none_is_told_to_be_run() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    staged(&machine, "1Mi");
    let drive = "--drive s1.img,serial=S1,size=210M";
    let prep = format!("prep --staging staging --location westus {drive}");
    emulator.expect(&machine, 0, &words(&prep));
    let ship = "job ship --staging staging --carrier FedEx --tracking-number 1Z1";
    emulator.expect(&machine, 0, &words(ship));
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let next = |line: &str| {
        let said = emulator.expect(&machine, 0, &words(line)).stdout;
        said.lines().filter(|line| line.contains("Next")).collect::<String>()
    };
    assert!(!next("job show --staging staging").contains("vault run"));
    for line in ["job status --staging staging", "status"] {
        let told = emulator.expect(&machine, 0, &words(line)).stdout;
        assert!(told.contains("azseed vault create"), "{line}: {told}");
    }
    let create = "vault create --vault office --staging staging";
    emulator.expect(&machine, 0, &words(create));
    for line in ["job status --staging staging", "status"] {
        let told = emulator.expect(&machine, 0, &words(line)).stdout;
        assert!(
            !told.contains("azseed vault create") && told.contains("azseed vault run"),
            "{told}"
        );
    }
}
