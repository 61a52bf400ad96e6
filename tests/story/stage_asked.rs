//! `stage` called again on a seed that is there: the same is done already, anything else is told with
//! what would do it, and nothing that was asked is dropped in silence.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use serde_json::Value;
use support::program::{Machine, Said, said};

const TARGET: &str = "--job seed-1 --storage-account account1 --container seed --subscription \
                      11111111-2222-4333-8444-555555555555";

/// A machine with two folders to back up.
fn machine() -> Machine {
    let machine = Machine::new();
    for name in ["one", "two"] {
        fs::create_dir(machine.path(name)).unwrap();
        fs::write(machine.path(name).join("file"), name).unwrap();
    }
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    fs::write(machine.path("password"), "a password of many letters\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(machine.path("password"), mode).unwrap();
    machine
}

fn words(more: &str) -> Vec<String> {
    let all = format!("stage --staging staging {TARGET} --password-file password {more}");
    all.split(' ').map(str::to_owned).collect()
}

fn stage(machine: &Machine, code: i32, more: &str) -> Said {
    machine.expect(code, &words(more))
}

fn seed(machine: &Machine) -> Value {
    serde_json::from_slice(&fs::read(machine.path("staging/seed.json")).unwrap()).unwrap()
}

#[test]
fn what_is_asked_differently_is_told_with_what_would_do_it_and_changes_nothing() {
    let machine = machine();
    stage(&machine, 0, "--source one --resource-group rg --location westeurope");
    let before = seed(&machine);
    stage(&machine, 0, "--source one --resource-group RG --location westeurope");
    let said = stage(
        &machine,
        2,
        "--source two --resource-group rg2 --location uksouth --contact contact.toml --exclude *.tmp \
         --compression 9 --pack-size 16Mi",
    );
    for part in [
        "stage-asked-differently",
        "--resource-group rg2`",
        "--location uksouth`",
        "--contact FILE`",
        "two is not backed up in it: the same call with `--add-source`",
        "one is backed up in it and not asked for",
        "what is left out of the sources is said otherwise",
        "the compression level is 3, and 9 is asked for",
        "the size of packs is 67.1 MB, and 16.8 MB is asked for",
    ] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    let elsewhere = words("--source one --resource-group rg2 --service import-export").into_iter();
    let elsewhere = elsewhere.map(|word| match word.as_str() {
        "account1" => "account2".to_owned(),
        "seed" => "seed2".to_owned(),
        _ => word.replace("11111111", "21111111"),
    });
    let said = machine.expect(2, &elsewhere.collect::<Vec<_>>());
    for part in [
        "the storage account is account1, and account2 is asked for: `azseed stage set --staging \
         staging --storage-account account2`",
        "--container seed2`",
        "--subscription 21111111-2222-4333-8444-555555555555`",
        "--resource-group rg2`",
        "the service is data-box, and import-export is asked for",
    ] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    stage(&machine, 0, "--source one --source one --resource-group rg --dry-run");
    assert_eq!(seed(&machine), before);
    // A setting for all calls goes behind the record, and is told.
    let mut command = machine.command(&words("--source one --resource-group rg"));
    let set = said_of(command.env("AZSEED_LOCATION", "uksouth"));
    assert_eq!(set.code, 0, "{}", set.stderr);
    assert!(
        set.stderr.contains("A region that is set for all calls is not used"),
        "{}",
        set.stderr
    );
    let mut command = machine.command(&words("--source one --resource-group rg"));
    let set = said_of(command.env("AZSEED_COMPRESSION", "9"));
    let told = "A compression level that is set for all calls is not used";
    assert!(set.code == 0 && set.stderr.contains(told), "{}", set.stderr);
    stage(&machine, 0, "--source one --resource-group rg --compression 3 --pack-size 64Mi");
    assert_eq!(seed(&machine), before);
    // What the message names does it.
    machine.expect(0, &["stage", "set", "--staging", "staging", "--location", "uksouth"]);
    stage(&machine, 0, "--source one --resource-group rg --location uksouth");
}

fn said_of(command: &mut std::process::Command) -> Said {
    said(command.output().unwrap())
}

#[test]
fn a_source_is_added_until_a_drive_is_begun_and_all_of_it_is_one_snapshot() {
    let machine = machine();
    stage(&machine, 10, "--add-source two --resource-group rg");
    assert!(!machine.path("staging").exists());
    stage(&machine, 0, "--source one --resource-group rg");
    stage(&machine, 2, "--add-source nowhere --resource-group rg");
    stage(&machine, 0, "--add-source two --resource-group rg");
    let sources = |seed: &Value| seed["hosts"][0]["sources"].as_array().unwrap().len();
    let added = seed(&machine);
    assert_eq!((sources(&added), &added["state"]), (2, &"finished".into()));
    let mut restic = machine.other(std::path::Path::new("/usr/bin/restic"));
    restic.args(["-r", "staging/repo", "--password-file", "password", "--no-cache"]);
    let listed = said_of(restic.args(["snapshots", "--json"]));
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let paths: Vec<_> = listed.as_array().unwrap().iter().map(|own| &own["paths"]).collect();
    assert_eq!(paths.len(), 1, "{listed}");
    assert_eq!(paths[0].as_array().unwrap().len(), 2, "{listed}");

    stage(&machine, 0, "--add-source two --resource-group rg");
    assert_eq!(seed(&machine)["finished_at"], added["finished_at"], "nothing was left to do");
    stage(&machine, 0, "--source one --source two --resource-group rg");
    let refused = stage(&machine, 2, "--source one --resource-group rg");
    assert!(refused.stderr.contains("two is backed up in it"), "{}", refused.stderr);

    let drive = machine.text("S1.img,serial=S1,size=400M");
    machine.expect(0, &["prep", "--staging", "staging", "--offline", "--drive", &drive]);
    fs::create_dir(machine.path("three")).unwrap();
    fs::write(machine.path("three/file"), "three").unwrap();
    let closed = stage(&machine, 2, "--add-source three --resource-group rg");
    assert!(closed.stderr.contains("staging-closed"), "{}", closed.stderr);
    assert_eq!(sources(&seed(&machine)), 2);
}

#[test]
fn a_seed_that_is_gone_is_not_begun_anew_in_silence() {
    let machine = machine();
    let own = "--source one --resource-group rg";
    let told = "the seed of job seed-1 that was in staging is gone, or its disk is not mounted";
    stage(&machine, 0, own);
    fs::rename(machine.path("staging"), machine.path("first")).unwrap();
    let said = stage(&machine, 0, own);
    assert!(said.stderr.contains(told), "{}", said.stderr);
    // The one that is gone had no drives, and is not told any more.
    let records = || support::program::files_below(&machine.path("state/seeds")).len();
    assert_eq!(records(), 1);
    let drive = ["--drive", "s1.img,serial=S1,size=210M", "--offline"];
    machine.expect(0, &[&["prep", "--staging", "staging"], &drive[..]].concat());
    // Its disk is not mounted: what is there now is the folder below.
    fs::rename(machine.path("staging"), machine.path("away")).unwrap();
    let state = || support::program::files_below(&machine.path("state"));
    for is_there in [true, false] {
        let before = state();
        if is_there {
            fs::create_dir(machine.path("staging")).unwrap();
        }
        let foreseen = stage(&machine, 0, &format!("{own} --dry-run"));
        assert!(foreseen.stderr.contains(told), "{}", foreseen.stderr);
        let said = stage(&machine, 2, own);
        assert!(said.stderr.contains(told) && said.stderr.contains("needs-yes"), "{}", said.stderr);
        let away = machine.expect(0, &["status", "--offline"]).stdout;
        assert!(away.contains("cannot be looked at") && !away.contains("Data set"), "{away}");
        assert_eq!(state(), before);
        let _ = fs::remove_dir(machine.path("staging"));
    }
    let said = machine.expect(10, &["plan", "--staging", "staging", "--drive-size", "1T"]);
    assert!(said.stderr.contains("share is mounted"), "{}", said.stderr);
    // It is meant so; the drive of the one that is gone stays known.
    stage(&machine, 0, &format!("{own} --yes"));
    let status = machine.expect(0, &["status", "--offline"]).stdout;
    assert_eq!(status.matches("Seed ").count(), 1, "{status}");
    assert_eq!(records(), 2);
}
