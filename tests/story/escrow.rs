//! The escrow of keys: what is sealed must open the drives, and whoever says so has tried it, with
//! nothing of this machine's own copies.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::program::{Machine, Said};
use support::seed::staged;

const DRIVE: &str = "s1.img,serial=S1,size=210M";

/// A pair of an identity's file and its recipient, from the program `age`.
fn pair(machine: &Machine, name: &str) -> (String, String) {
    let own = machine.text(name);
    let script = format!("age-keygen -o {own} 2>/dev/null && age-keygen -y {own}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success());
    (own, String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn plain(machine: &Machine) -> String {
    std::fs::create_dir(machine.path("source")).unwrap();
    std::fs::write(machine.path("source/file"), "content").unwrap();
    machine.adopt(&machine.path("source"), "seed-1")
}

fn refused(machine: &Machine, exit: i32, code: &str, words: &[&str]) -> Said {
    let said = machine.expect(exit, words);
    assert!(said.stderr.contains(&format!("code: {code}")), "{code}: {}", said.stderr);
    said
}

/// The records of escrow that a run printed.
fn escrows(said: &Said) -> Vec<Value> {
    let lines = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line["type"] == "key-escrow").collect()
}

/// Turns the journal's sealed key into that of another password, with a chain that is right.
fn seal_another(journal: &Path, recipient: &str) {
    use sha2::{Digest, Sha256};
    let script = format!(
        "printf %s 000011-000011-000011-000011-000011-000011-000011-000011 \
                          | age -a -r {recipient}"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success());
    let sealed = String::from_utf8(output.stdout).unwrap();
    let text = std::fs::read_to_string(journal).unwrap();
    let (mut chain, mut changed) = ([0u8; 32], String::new());
    for (at, line) in text.lines().enumerate() {
        let mut record = line.split_once(' ').unwrap().1.to_owned();
        if at == 0 {
            let mut begun: Value = serde_json::from_str(&record).unwrap();
            begun["recovery_password"] = serde_json::json!({ "sealed": sealed });
            record = begun.to_string();
        }
        chain = Sha256::new().chain_update(chain).chain_update(&record).finalize().into();
        let mark: String = chain[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        changed += &format!("{mark} {record}\n");
    }
    std::fs::write(journal, changed).unwrap();
}

#[test]
fn what_a_recipient_has_is_proven_where_its_identity_is_and_unproven_elsewhere() {
    let machine = Machine::new();
    let staging = plain(&machine);
    let (own, recipient) = pair(&machine, "own.key");
    let (other, _) = pair(&machine, "other.key");
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", DRIVE];
    let seal = [&prep[..], &["--encrypt-keys-for", &recipient]].concat();
    let with = |identity| [&seal[..], &["--escrow-identity", identity]].concat();

    // Before a drive is touched: the identity must be the recipient's, private, and have one.
    refused(&machine, 2, "escrow-identity", &with(&other));
    std::fs::set_permissions(&own, PermissionsExt::from_mode(0o644)).unwrap();
    refused(&machine, 2, "secret-file-mode", &with(&own));
    std::fs::set_permissions(&own, PermissionsExt::from_mode(0o600)).unwrap();
    machine.expect(2, &[&prep[..], &["--escrow-identity", &own]].concat());
    assert!(!machine.path("s1.img").exists(), "no drive was touched");

    let said = machine.expect(0, &seal);
    let next = format!(
        "unproven: It is sealed for an age recipient, and no identity was given; \
                        prove it with `azseed job keys prove --staging {staging}`"
    );
    assert!(said.stdout.contains(&next), "{}", said.stdout);
    let said = machine.expect(0, &with(&own));
    assert!(
        said.stdout.contains("proven: what came out of it unlocks the drive"),
        "{}",
        said.stdout
    );

    let prove = ["job", "keys", "prove", "--staging", &staging];
    let named = |identity| [&prove[..], &["--json", "--identity", identity]].concat();
    let found = escrows(&machine.expect(0, &named(&own)));
    assert_eq!(
        (&found[0]["escrow"], &found[0]["proven_by"]),
        (&"proven".into(), &"journal".into())
    );
    let found = escrows(&machine.expect(0, &[&named(&own)[..], &[DRIVE]].concat()));
    assert_eq!(found[0]["proven_by"], "drive");
    machine.expect(0, &["custody", "verify", "--staging", &staging]);
    let found = escrows(&machine.expect(5, &named(&other)));
    assert_eq!(
        (&found[0]["escrow"], &found[0]["code"]),
        (&"failed".into(), &"escrow-failed".into())
    );
    // The state directory has the clear copy; it proves nothing.
    let found = escrows(&machine.expect(12, &[&prove[..], &["--json"]].concat()));
    assert_eq!(found[0]["code"], "sealed-for-recipient");

    // Digits that are a password, only not this drive's, whatever the state directory has.
    let journal = Path::new(&staging).join("journals/S1.journal");
    let whole = std::fs::read(&journal).unwrap();
    seal_another(&journal, &recipient);
    let found = escrows(&machine.expect(5, &named(&own)));
    assert_eq!(
        (&found[0]["escrow"], &found[0]["code"]),
        (&"failed".into(), &"escrow-failed".into())
    );
    let message = found[0]["message"].as_str().unwrap();
    assert!(message.contains("does not open the key in the journal of drive S1"), "{message}");
    assert!(!message.contains("000011"), "{message}");
    std::fs::write(&journal, whole).unwrap();

    // Another drive in its place is not the one that was proven.
    let image = std::fs::read(machine.path("s1.img")).unwrap();
    let zeros = vec![0; image.len()];
    std::fs::write(machine.path("s1.img"), zeros).unwrap();
    let found = escrows(&machine.expect(5, &[&named(&own)[..], &[DRIVE]].concat()));
    assert_eq!(found[0]["code"], "escrow-failed");
}

#[test]
fn a_clear_key_is_no_escrow_and_a_sealed_one_that_is_another_fails_the_run_that_sealed_it() {
    let machine = Machine::new();
    std::fs::create_dir(machine.path("source")).unwrap();
    std::fs::write(machine.path("source/file"), "content").unwrap();
    let staging = staged(&machine, "4Mi");
    // Where modes are kept the key stands clear, and nothing is in escrow.
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", DRIVE];
    let said = machine.expect(0, &prep);
    assert!(!said.stdout.contains("escrow"), "{}", said.stdout);
    refused(&machine, 10, "no-escrow", &["job", "keys", "prove", "--staging", &staging]);

    // Digits of another drive in its place: what was sealed opens, and opens nothing.
    let journal = Path::new(&staging).join("journals/S1.journal");
    let (own, recipient) = pair(&machine, "own.key");
    seal_another(&journal, &recipient);
    let prove = ["job", "keys", "prove", "--staging", &staging, "--json", "--identity", &own];
    assert_eq!(escrows(&machine.expect(5, &prove))[0]["escrow"], "failed");
    assert_eq!(
        escrows(
            &machine.expect(
                5,
                &[
                    &prep[..],
                    &["--json", "--encrypt-keys-for", &recipient, "--escrow-identity", &own]
                ]
                .concat()
            )
        )[0]["escrow"],
        "failed"
    );
}
