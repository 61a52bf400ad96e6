//! Keys that go over no drive: those of the repository, which `vault run` sends; and the service's own
//! key over the drives' keys, which may be the customer's.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use support::emulator::Emulator;
use support::played::{Call, Played, reply};
use support::program::{Machine, files_below};
use support::seed::{is_equal, run, staged};

const DRIVE: &str = "s1.img,serial=S1,size=210M";

fn refused(machine: &Machine, code: &str, words: &[&str]) {
    let said = machine.expect(2, words);
    assert!(said.stderr.contains(&format!("code: {code}")), "{code}: {}", said.stderr);
}

#[test]
fn the_keys_of_a_repository_are_on_no_drive_and_in_the_vault_all_the_same() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let mut dice = support::tree::Dice(1);
    let content = dice.bytes(3 << 20);
    support::tree::write(&machine.path("source"), "file", &content, &mut dice);
    let staging = staged(&machine, "1Mi");
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", DRIVE];
    let said = machine.expect(0, &[&prep[..], &["--hold-keys"]].concat());
    assert!(said.stdout.contains("keys are on no drive"), "{}", said.stdout);
    let plan = fs::read_to_string(machine.path("staging/journals/S1.plan")).unwrap();
    assert!(plan.contains("config") && !plan.contains("keys/"), "{plan}");
    assert!(!files_below(&machine.path("staging/repo/keys")).is_empty());
    // It stands in the record, and holds for every later call.
    let seed: Value =
        serde_json::from_slice(&fs::read(machine.path("staging/seed.json")).unwrap()).unwrap();
    assert_eq!(seed["hold_keys"], true);
    let said = machine.expect(0, &[&prep[..], &["--json"]].concat());
    let last: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["holds_keys"], &last["missing_files"]), (&true.into(), &0.into()));
    machine.expect(0, &["verify", "--staging", &staging, "s1.img,serial=S1"]);

    let at = |words: &[&str]| {
        let words = [words, &["--staging", &staging]].concat();
        emulator.expect(&machine, 0, &words);
    };
    at(&["job", "create", "--location", "westus"]);
    at(&["vault", "create", "--vault", "Office"]);
    at(&["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert!(emulator.blob("seed", "repo/config").exists());
    assert!(!emulator.blob("seed", "repo/keys").exists(), "the import has none");
    let ran = run(&machine, &emulator, 0, &[]);
    assert_eq!((&ran["state"], &ran["ingested"]["repaired"]), (&"protected".into(), &1.into()));
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

#[test]
fn what_is_begun_with_its_keys_and_what_has_none_cannot_hold_them_back() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "content").unwrap();
    let staging = staged(&machine, "4Mi");
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", DRIVE];
    machine.expect(0, &prep);
    let before = fs::read(machine.path("staging/seed.json")).unwrap();
    refused(&machine, "hold-keys-begun", &[&prep[..], &["--hold-keys"]].concat());
    assert_eq!(fs::read(machine.path("staging/seed.json")).unwrap(), before);

    let files = Machine::new();
    fs::create_dir_all(files.path("source")).unwrap();
    fs::write(files.path("source/file"), "content").unwrap();
    let staging = files.adopt(&files.path("source"), "seed-1");
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", DRIVE, "--hold-keys"];
    refused(&files, "hold-keys-no-repository", &prep);
    assert!(!files.path("s1.img").exists());
}

const VAULT: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v";
const IDENTITY: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";

/// The order that a service gets for a drive of a tool's journal, with this in the contact file.
fn ordered(service: &str, more: &str) -> Value {
    let machine = Machine::new();
    let played = Played::start(|call: &Call, to| {
        let status = if call.method == "GET" { 404 } else { 400 };
        let body = json!({"error": {"code": "ResourceNotFound", "message": "none"}});
        reply(to, status, "content-type: application/json\r\n", body.to_string().as_bytes())
    });
    fs::write(machine.path("contact.toml"), format!("{}\n{more}", support::CONTACT)).unwrap();
    let journal = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tool-journals/9WM35C2V.jrn");
    fs::copy(journal, machine.path("own.jrn")).unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(machine.path("own.jrn"), private).unwrap();
    let words = format!(
        "job create --tool-journal own.jrn --job tool-1 --service {service} --location westus \
         --contact contact.toml --storage-account account1 --resource-group rg --subscription \
         11111111-2222-4333-8444-555555555555"
    );
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut command = machine.command(&words);
    command.env("AZSEED_ARM_ENDPOINT", played.url("")).env("AZSEED_AUTHORITY", played.url(""));
    command.env("AZSEED_CA_FILE", played.ca_file()).env("AZSEED_TOKEN", "word");
    let output = command.output().unwrap();
    assert!(!output.status.success(), "the service took nothing");
    let put = played.calls().into_iter().find(|call| call.method == "PUT");
    let put = put.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_slice(&put.body).unwrap()
}

#[test]
fn the_customers_key_goes_to_both_services_and_without_one_nothing_is_said_of_it() {
    let key = format!(
        "[key_vault]\nkey_url = \"https://v.vault.azure.net/keys/seed\"\nvault_id = \"{VAULT}\"\n"
    );
    let order = ordered("data-box", &format!("{key}identity = \"{IDENTITY}\"\n"));
    assert_eq!(
        order["properties"]["details"]["keyEncryptionKey"],
        json!({
            "kekType": "CustomerManaged", "kekUrl": "https://v.vault.azure.net/keys/seed",
            "kekVaultResourceID": VAULT,
            "identityProperties": {"type": "UserAssigned", "userAssigned": {"resourceId": IDENTITY}},
        })
    );
    assert_eq!(
        order["identity"],
        json!({"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}})
    );
    let order = ordered("data-box", &key);
    assert_eq!(order["identity"], json!({"type": "SystemAssigned"}));
    let order = ordered("import-export", &key);
    assert_eq!(
        order["properties"]["encryptionKey"],
        json!({
            "kekType": "CustomerManaged", "kekUrl": "https://v.vault.azure.net/keys/seed",
            "kekVaultResourceID": VAULT,
        })
    );
    let order = ordered("data-box", "");
    assert_eq!(
        (&order["identity"], &order["properties"]["details"]["keyEncryptionKey"]),
        (&Value::Null, &Value::Null)
    );
    let order = ordered("import-export", "");
    assert_eq!(order["properties"]["encryptionKey"], Value::Null);
}
