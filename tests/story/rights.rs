//! Rights that are missing in Azure: told before a drive is touched, and by the call that they are
//! missing for, with the action that Azure names.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support::program::said;
use crate::support::seed::{make_source, staged};
use crate::vm::{World, words};

const READ: &str = "rights --action */read";

#[test]
fn a_right_to_make_jobs_that_is_missing_is_told_before_a_drive_is_touched() {
    let world = World::new(&[]);
    let machine = &world.machine;
    make_source(machine);
    let staging = staged(machine, "1Mi");
    let stage = format!("stage set --staging {staging} --location westus");
    world.ok(&stage);
    let image = machine.path("s1.img");
    let prep = format!("prep --staging {staging} --drive s1.img,serial=S1,size=210M");
    world.declare(READ);
    let told = world.refused(12, "azure-not-ready", &prep);
    assert!(told.contains("Microsoft.DataBox/jobs/write"), "{told}");
    assert!(told.contains("az role assignment create"), "{told}");
    assert!(!image.exists() && !machine.path("staging/journals/S1.journal").exists());
    // What only later steps need may be somebody else's.
    world.declare(&format!("{READ} --action Microsoft.DataBox/jobs/write"));
    let said = world.expect(0, &prep);
    assert!(said.stderr.contains("Later steps of the job need more rights"), "{}", said.stderr);
    assert!(said.stderr.contains("jobs/markDevicesShipped/action"), "{}", said.stderr);
    assert!(!said.stderr.contains("jobs/write"), "{}", said.stderr);
    assert!(image.exists());
    // The call itself is refused as Azure does it.
    let ship = format!("job ship --staging {staging} --carrier FedEx --tracking-number 1Z1");
    let told = world.refused(12, "azure-not-allowed", &ship);
    assert!(told.contains("'Microsoft.DataBox/jobs/markDevicesShipped/action'"), "{told}");
    assert!(told.contains("with object id 'emulator'"), "{told}");
    world.declare("rights");
    world.ok(&ship);
}

#[test]
fn drives_are_filled_offline_by_whoever_has_no_right_at_all() {
    let world = World::new(&[]);
    make_source(&world.machine);
    let staging = staged(&world.machine, "1Mi");
    world.declare("rights --action none");
    world.ok(&format!("prep --staging {staging} --offline --drive s1.img,serial=S1,size=210M"));
    let told = world.refused(
        12,
        "azure-not-allowed",
        &format!("job create --staging {staging} --location westus"),
    );
    assert!(told.contains("does not have authorization to perform action"), "{told}");
}

#[test]
fn every_command_of_vm_tells_the_action_that_is_missing_and_does_nothing() {
    let world = World::with_vault(&["web", "db"]);
    world.ok("vm protect web");
    world.ok("vm backup web");
    world.forward("+7m");
    world.declare(READ);
    let vault = "Microsoft.RecoveryServices/vaults";
    let item = format!("{vault}/backupFabrics/protectionContainers/protectedItems");
    std::fs::write(world.machine.path("gold.toml"), world.ok("vm policy template gfs-example"))
        .unwrap();
    let job = world.json(0, "vm job list --operation Backup")[0]["id"].as_str().unwrap().to_owned();
    for (command, action) in [
        ("vm discover", format!("{vault}/backupFabrics/refreshContainers/action")),
        ("vm protect db", format!("{item}/write")),
        ("vm backup web", format!("{item}/backup/action")),
        ("vm unprotect web --keep-data --yes", format!("{item}/write")),
        ("vm unprotect web --delete-data --yes", format!("{item}/delete")),
        ("vm policy set gold --file gold.toml", format!("{vault}/backupPolicies/write")),
        (
            "vm vault create second --location westus --resource-group backup-rg",
            format!("{vault}/write"),
        ),
    ] {
        let said = world.expect(12, command);
        let told = format!("{}{}", said.stdout, said.stderr);
        assert!(told.contains(&format!("'{action}'")), "{command}: {told}");
        assert!(told.contains("azure-not-allowed") && told.contains("hint: "), "{command}: {told}");
    }
    // Everything that only reads comes off.
    for command in ["vm guide", "vm list", "vm status", "vm point list web", "vm vault show"] {
        world.ok(command);
    }
    assert_eq!((world.kept_jobs("Backup"), world.kept_jobs("ConfigureBackup")), (1, 1));
    world.declare("rights --action none");
    for command in ["vm list".to_owned(), format!("vm job wait {job}"), "vm vault list".to_owned()]
    {
        let told = world.refused(12, "azure-not-allowed", &command);
        assert!(told.contains("/read'"), "{command}: {told}");
    }
}

#[test]
fn a_token_opens_the_blobs_that_its_rights_are_for_and_a_key_all_of_them() {
    let world = World::new(&[]);
    let machine = &world.machine;
    make_source(machine);
    let staging = staged(machine, "1Mi");
    let create = |name: &str| format!("vault create --vault {name} --staging {staging}");
    let check = format!("check azure --for vault --staging {staging}");
    world.declare("rights --action *");
    let found = world.json(12, &check);
    let of = |id: &str| found.iter().find(|own| own["id"] == id).unwrap().clone();
    assert_eq!(of("azure-rights")["verdict"], "problem", "{found:?}");
    let facts = of("azure-rights")["facts"].as_str().unwrap().to_owned();
    assert!(facts.contains("blobs/read") && facts.contains("blobs/write"), "{facts}");
    let told = world.refused(12, "azure-not-allowed", &create("Office"));
    assert!(told.contains("Storage Blob Data Contributor"), "{told}");
    let key = world.emulator.fact("account_key").to_owned();
    let line = create("ByKey");
    let mut by_key = world.emulator.command(machine, &words(&line));
    let made = said(by_key.env("AZSEED_ACCOUNT_KEY", key).output().unwrap());
    assert_eq!(made.code, 0, "{}", made.stderr);
    world.declare("rights --action * --data-action *");
    world.ok(&create("Office"));
    world.ok(&check);
}
