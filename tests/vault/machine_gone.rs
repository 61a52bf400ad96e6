//! The guide's chapter "The machine is gone", as it stands there: the vault's machine is removed
//! with all that it had, and a new one has the password and a key only.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::azurite::Azurite;
use support::emulator::Emulator;
use support::program::{Machine, said};
use support::seed::{is_equal, run, shipped};

/// The scripts of the chapter, in their order.
fn scripts() -> Vec<String> {
    let guide = fs::read_to_string("docs/guide.md").unwrap();
    let chapter = guide.split("\n## ").find(|own| own.contains("The machine is gone")).unwrap();
    let scripts = chapter.split("```\n").skip(1).step_by(2).map(str::to_owned);
    scripts.collect()
}

/// Removes all of the machine but a copy of the password and a key.
fn lose(machine: &Machine, key: &str) {
    let passwords = fs::read_dir(machine.path("state/passwords")).unwrap();
    let password = passwords.into_iter().next().unwrap().unwrap().path();
    fs::copy(password, machine.path("vault.password")).unwrap();
    fs::rename(machine.path("source"), machine.path("as-it-was")).unwrap();
    for folder in ["state", "staging"] {
        fs::remove_dir_all(machine.path(folder)).unwrap();
    }
    fs::write(machine.path("account.key"), key).unwrap();
}

/// Runs a script of the guide as a shell does that finds azseed.
fn follow(machine: &Machine, script: &str, variables: &[(&str, &str)]) -> String {
    let script = script
        .replace("/root/", &machine.text(""))
        .replace("/srv/", &machine.text(""))
        .replace("seedaccount", "account1");
    let program = Path::new(env!("CARGO_BIN_EXE_azseed"));
    let mut shell: Command = machine.other(Path::new("/bin/sh"));
    shell.args(["-e", "-u", "-c", &script]);
    shell.env("PATH", format!("{}:/usr/bin:/bin", program.parent().unwrap().display()));
    shell.env("AZSEED_STATE", machine.path("new-state")).env("HOME", machine.path(""));
    let said = said(shell.envs(variables.iter().copied()).output().unwrap());
    assert_eq!(said.code, 0, "{script}\n{}\n{}", said.stdout, said.stderr);
    said.stdout
}

/// Whether both ways of azseed brought all back.
fn follow_azseed(machine: &Machine, variables: &[(&str, &str)]) {
    let scripts = scripts();
    assert_eq!(scripts.len(), 3, "{scripts:?}");
    let told = follow(machine, &scripts[0], variables);
    assert!(told.contains("Opened        2 snapshots of "), "{told}");
    assert!(told.contains("/folder/file-2"), "{told}");
    let in_place = follow(machine, &scripts[1], variables);
    assert!(in_place.contains("Would write "), "{in_place}");
    for target in ["restored", ""] {
        let source = machine.path("source");
        let copy = machine.path(target).join(source.strip_prefix("/").unwrap());
        let copy = if target.is_empty() { source } else { copy };
        let differs = Command::new("diff")
            .args(["-r", "--no-dereference"])
            .args([&machine.path("as-it-was"), &copy])
            .output()
            .unwrap();
        assert!(differs.status.success(), "{}", String::from_utf8_lossy(&differs.stdout));
    }
    assert!(is_equal(machine, "restored"), "names, modes and times with it");
}

#[test]
fn on_a_new_machine_azseed_and_restic_each_bring_all_back() {
    let machine = Machine::with_names(
        &["management.azure.com", "login.microsoftonline.com"],
        &["account1.blob.core.windows.net"],
    );
    let emulator = Emulator::start_named(&machine, "AzureCloud");
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "protected");
    lose(&machine, emulator.fact("account_key"));
    let authority = emulator.fact("ca_file");
    let variables = [("AZSEED_CA_FILE", authority), ("AZSEED_TOKEN", emulator.fact("token"))];
    follow_azseed(&machine, &variables);

    let told = follow(&machine, &scripts()[2], &[("SSL_CERT_FILE", authority)]);
    assert!(told.contains("no errors were found"), "{told}");
    assert!(is_equal(&machine, "by-restic"));
}

#[test]
fn on_a_new_machine_the_vault_in_azurite_comes_back_by_the_accounts_key() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(run(&machine, &emulator, 0, &[])["state"], "protected");
    lose(&machine, &azurite.key());
    let key = machine.text("account.key");
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let variables =
        [("AZSEED_BLOB_ENDPOINT", azurite.endpoint.as_str()), ("AZSEED_ACCOUNT_KEY_FILE", &key)];
    follow_azseed(&machine, &variables);
}
