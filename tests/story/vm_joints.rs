//! The joints of `check`, `vm`, `explain`, `nsg` and `proxy`: what one command prints as the next is typed
//! as it stands, a second call finds what the first did, and cron, which has no home, no terminal and no
//! root, sees the same as a person.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::next::shell;
use crate::support::program::{Said, said};
use crate::vm::{World, words};

/// Commands that only look, of a vault with a point.
const LOOKS: [&str; 32] = [
    "check guest --root machine",
    "check filesystems --root machine",
    "check vm web shut",
    "check account account1 --for restore",
    "check azure --for vm --resource-group rg --subscription 11111111-2222-4333-8444-555555555555",
    "explain",
    "explain 380008",
    "explain --section restore",
    "explain the agent is missing",
    "nsg suggest --vm shut",
    "nsg rule --proxy-ip 10.0.0.5 --name allow-proxy --priority 200",
    "proxy plan --proxy 10.0.0.5:3128",
    "vm guide",
    "vm list",
    "vm show web",
    "vm status",
    "vm vault list",
    "vm vault show",
    "vm vault tree",
    "vm vault plan",
    "vm vault redundancy show",
    "vm policy list",
    "vm policy show DefaultPolicy",
    "vm policy template gfs-example",
    "vm policy simulate DefaultPolicy --years 1 --from 2026-12-01",
    "vm policy stagger",
    "vm preflight shut",
    "vm register web shut",
    "vm job list",
    "vm point list web",
    "vm extension show web",
    "vm restore disks web --at latest --account account1 --dry-run",
];

/// A vault with one machine that has a point, one that is not protected, and one that is shut in.
fn world() -> World {
    let world = World::with_vault(&["web", "db", "shut --subnet vnet/inner"]);
    world.declare("nsg inner-nsg --subnet vnet/inner --rule keep-in,300,deny,*");
    world.ok("vm protect web");
    world.ok("vm backup web");
    world.forward("+10m");
    fs::create_dir_all(world.machine.path("machine/etc")).unwrap();
    fs::write(world.machine.path("machine/etc/os-release"), "ID=debian\n").unwrap();
    world
}

/// What the service has; that something was asked for is no change of it.
fn kept(world: &World) -> Value {
    let book = fs::read(world.emulator.data().join("meta/recovery.json")).unwrap();
    let mut book: Value = serde_json::from_slice(&book).unwrap();
    book.as_object_mut().unwrap().remove("operations").unwrap();
    book
}

#[test]
fn cron_sees_what_a_person_sees_and_a_look_changes_nothing() {
    assert!(rustix::process::geteuid().is_root(), "this test gives rights up: run it as root");
    let world = world();
    let before = kept(&world);
    let home = tempfile::Builder::new().prefix("azseed-cron-").tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = home.path().join("azseed");
    fs::copy(env!("CARGO_BIN_EXE_azseed"), &program).unwrap();
    fs::copy(world.emulator.fact("ca_file"), home.path().join("ca.pem")).unwrap();
    fs::create_dir_all(home.path().join("machine/etc")).unwrap();
    fs::write(home.path().join("machine/etc/os-release"), "ID=debian\n").unwrap();
    let cron = |line: &str| -> Said {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.args(words(line)).env_clear().current_dir(home.path()).stdin(Stdio::null());
        command.env("AZSEED_TOKEN", world.emulator.fact("token"));
        for (name, fact) in
            [("ARM_ENDPOINT", "arm"), ("AUTHORITY", "authority"), ("BLOB_ENDPOINT", "blob")]
        {
            command.env(format!("AZSEED_{name}"), world.emulator.fact(fact));
        }
        command.env("AZSEED_CA_FILE", home.path().join("ca.pem"));
        said(command.output().unwrap())
    };
    // What depends on the moment: the time until which a sign-in lasts, and how long a job took.
    let plain = |text: &str| -> Vec<Value> {
        let lines = text.lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|_| Value::String(line.to_owned()))
        });
        let mut all: Vec<Value> = lines.collect();
        for own in &mut all {
            if let Some(fields) = own.as_object_mut() {
                fields.remove("seconds");
                if fields.get("id").is_some_and(|id| id == "azure-signin") {
                    fields.remove("facts");
                }
            }
        }
        all
    };
    let mut complaints = Vec::new();
    for line in LOOKS {
        let line = format!("{line} --json");
        let person = world.emulator.run(&world.machine, &words(&line));
        let again = world.emulator.run(&world.machine, &words(&line));
        for (who, other) in [("again", &again), ("cron", &cron(&line))] {
            if other.code != person.code || plain(&other.stdout) != plain(&person.stdout) {
                complaints.push(format!("{line}, {who}: {other:?}\nnot {person:?}"));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(kept(&world) == before, "a look has changed something");
    // What needs records says so, and how to help that; a check of the host tells the rest all the same.
    let host = cron("check host --json");
    let found: Vec<Value> =
        host.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((host.code, found.len()), (1, 10), "{host:?}");
    let space = found.iter().find(|own| own["id"] == "host-space").unwrap();
    assert!(space["action"].as_str().unwrap().contains("`--state`"), "{space}");
}

/// The lines between back quotes that are whole commands: nothing in capitals is left to be filled in.
fn printed(said: &Said) -> BTreeSet<String> {
    let both = format!("{}\n{}", said.stdout, said.stderr);
    let quoted = both.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let is_blank = |word: &str| word.len() > 1 && word.chars().all(|own| own.is_ascii_uppercase());
    quoted
        .filter(|text| text.starts_with("azseed ") && !text.split(' ').any(is_blank))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_line_that_is_printed_to_be_typed_is_one_that_the_program_takes() {
    let world = world();
    let job = world.json(0, "vm job list")[0]["id"].as_str().unwrap().to_owned();
    let asked = [
        format!("vm job show {job}"),
        format!("vm job wait {job}"),
        format!("vm job cancel {job}"),
    ];
    // What is refused says what to type, too.
    let refused = [
        "vm protect nobody",
        "vm backup db",
        "vm vault delete",
        "vm policy show none",
        "vm policy delete DefaultPolicy --yes",
        "vm job show 1",
        "vm point show web 1",
        "vm restore disks web --at 2020-01-01T00:00:00Z --account account1",
        "vm vault create other --location nowhere --resource-group rg",
        "check account nothere --for vault",
        "nsg suggest --vm nobody",
        "explain nothing of that kind",
    ];
    let lines = LOOKS.iter().chain(&refused).map(ToString::to_string).chain(asked);
    let mut all = BTreeSet::new();
    for line in lines {
        all.extend(printed(&world.emulator.run(&world.machine, &words(&line))));
    }
    assert!(all.len() > 15, "{all:?}");
    let mut wrong = Vec::new();
    for line in &all {
        let said = shell(&world.machine, &world.emulator, line);
        // A check may find what is wrong; a question is answered with `--yes`, which is nobody's here.
        let is_asked = said.stderr.contains("code: needs-yes");
        if !(matches!(said.code, 0 | 1 | 13) || is_asked) {
            wrong.push(format!("{line}: {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
