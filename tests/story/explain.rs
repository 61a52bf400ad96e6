//! `explain` for what VM backup meets: steps in their order, lines to type as they are typed, scripts
//! with their way back, sections.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use serde_json::Value;
use support::program::Machine;

fn entries(machine: &Machine, code: i32, words: &[&str]) -> Vec<Value> {
    let said = machine.expect(code, &[&["explain", "--json"], words].concat()).stdout;
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All lines to type of an entry, in their order.
fn commands(entry: &Value) -> Vec<&str> {
    let steps = entry["steps"].as_array().unwrap().iter();
    let all = steps.flat_map(|step| step["commands"].as_array().unwrap());
    all.map(|line| line.as_str().unwrap()).collect()
}

#[test]
fn an_administrator_gets_each_line_as_it_is_typed_in_its_order() {
    let machine = Machine::new();
    let of = |word: &str| entries(&machine, 0, &[word]).pop().unwrap();
    let freeze = of("usererrorfsfreezefailed");
    assert_eq!(
        commands(&freeze),
        [
            "tune2fs -l /dev/sdX1 | grep 'Filesystem state'",
            "umount /dev/sdX1",
            "fsck /dev/sdX1",
            "mount /dev/sdX1"
        ]
    );
    assert_eq!((&freeze["os"], &freeze["section"]), (&"linux".into(), &"backup-common".into()));
    for code in ["ExtensionSnapshotFailedCOM", "ExtensionInstallationFailedMDTC"] {
        let typed = commands(&of(code)).join("; ");
        let order = "net stop MSDTC; msdtc -uninstall; msdtc -install; net start MSDTC";
        assert!(typed.contains(order) && typed.ends_with("net start COMSysApp"), "{typed}");
        assert_eq!(of(code)["aliases"], Value::Array(Vec::new()));
    }
    let rights = of("ExtensionConfigParsingFailure");
    let eight = rights["steps"][1]["text"].as_str().unwrap();
    let named = ["list folder / read data", "read attributes", "read extended attributes"];
    let written = ["create files / write data", "create folders / append data", "write attributes"];
    let last = ["write extended attributes", "read permissions"];
    for right in named.iter().chain(&written).chain(&last) {
        assert!(eight.contains(right), "{right}: {eight}");
    }
    let text = machine.expect(0, &["explain", "ExtensionFailedVssWriterInBadState"]).stdout;
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(at("       vssadmin list writers\n") < at("       net stop SERVICE\n"));
    assert!(at("       net stop SERVICE\n") < at("       net start SERVICE\n"));
}

#[test]
fn an_entry_is_found_by_number_by_its_other_name_and_by_words_of_the_message() {
    let machine = Machine::new();
    let first = |words: &[&str]| entries(&machine, 0, words);
    assert_eq!(first(&["380008"])[0]["aliases"], serde_json::json!(["AzureVmOffline"]));
    assert_eq!(first(&["azurevmoffline"])[0]["aliases"], serde_json::json!(["380008"]));
    assert_eq!(first(&["event", "517"])[0]["code"], "basic-event-log-other-product");
    assert_eq!(first(&["COM+"]).len(), 3);
    assert_eq!(first(&["IaaSBcdrExtension.exe"])[0]["code"], "VMRestorePointInternalError");
    // The codes of all other rooms have no such details.
    let own = first(&["drive-not-blank"]);
    assert_eq!((&own[0]["section"], &own[0]["steps"]), (&Value::Null, &Value::Array(Vec::new())));
}

#[test]
fn a_section_is_listed_and_another_is_refused_with_those_that_there_are() {
    let machine = Machine::new();
    let listed = entries(&machine, 0, &["--list", "--section", "jobs"]);
    assert_eq!(listed.len(), 5);
    assert!(listed.iter().all(|own| own["section"] == "jobs"));
    let none = entries(&machine, 2, &["--section", "nothing"]);
    assert_eq!(none[0]["code"], "section-unknown");
    assert!(none[0]["hint"].as_str().unwrap().contains("vm-snapshot"), "{none:?}");
}

#[test]
fn a_script_can_be_redirected_to_a_file_as_it_is() {
    let machine = Machine::new();
    let script = |words: &[&str]| machine.expect(0, &[&["explain"], words].concat()).stdout;
    let cmd = script(&["ExtensionFailedTimeoutVMNetworkUnresponsive", "--fix-script"]);
    assert!(cmd.starts_with("@echo off\nrem For Ext"), "{cmd}");
    let line = "REG ADD \"HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys\" /v SnapshotMethod \
                /t REG_SZ /d firstHostThenGuest /f\n";
    assert!(cmd.contains(line), "{cmd}");
    let undo = script(&["ExtensionFailedTimeoutVMNetworkUnresponsive", "--fix-script=undo"]);
    assert!(undo.contains("REG DELETE") && !undo.contains("REG ADD"), "{undo}");
    let reg = script(&["snapshot-sql-vss-delay", "--fix-script=reg"]);
    assert!(reg.contains("\n\"USEVSSCOPYBACKUP\"=\"TRUE\""), "{reg}");
    for words in [["UserErrorFsFreezeFailed", "--fix-script"], ["COM+", "--fix-script"]] {
        assert_eq!(entries(&machine, 10, &words)[0]["code"], "script-missing");
    }
}
