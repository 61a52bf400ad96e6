//! No check changes anything: all of them run where nothing can be written but the state folder, and
//! say the same as where everything can be.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::program::{Said, said};
use crate::support::seed::{make_source, staged};
use crate::vm::{World, words};

/// Takes every mount of the caller's own view for reading only, but for one folder, proves it, and
/// runs a program there.
const READ_ONLY: &str = r#"
state=$1 folder=$2
mount -t tmpfs none "$state" || exit 97
while read -r _ _ _ _ place _; do
    place=$(printf '%b' "$place")
    [ "$place" = "$state" ] || mount -o remount,bind,ro "$place" 2>/dev/null
done </proc/self/mountinfo
touch "$folder/written" 2>/dev/null && exit 98
touch /var/tmp/written 2>/dev/null && exit 98
cd "$folder" && shift 2 && exec "$@"
"#;

fn read_only(mut command: Command, world: &World, state: &str) -> Said {
    let folder = world.machine.path("");
    let mut inner = Command::new("/usr/bin/unshare");
    inner.args(["--mount", "--propagation", "private", "sh", "-c", READ_ONLY, "sh", state]);
    inner.arg(folder).arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            inner.env(name, value);
        }
    }
    command = inner;
    command.current_dir(world.machine.path(""));
    said(command.output().unwrap())
}

/// The findings by name and verdict; a name comes as often as it was found.
fn verdicts(told: &Said) -> Vec<String> {
    let lines = told.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut all: Vec<String> =
        lines.map(|own| format!("{} {} {}", own["about"], own["id"], own["verdict"])).collect();
    all.sort();
    all
}

#[test]
fn all_checks_run_on_a_read_only_root_and_say_the_same() {
    assert!(rustix::process::geteuid().is_root(), "this test makes namespaces: run it as root");
    let world = World::with_vault(&["web"]);
    make_source(&world.machine);
    let staging = staged(&world.machine, "1Mi");
    let image = world.machine.path("image/etc");
    fs::create_dir_all(&image).unwrap();
    fs::write(image.join("os-release"), "ID=debian\n").unwrap();
    let state = world.machine.text("other-state");
    fs::create_dir(&state).unwrap();
    let subscription = "--subscription 11111111-2222-4333-8444-555555555555";
    for check in [
        "host".to_owned(),
        "guest".to_owned(),
        "guest --root image".to_owned(),
        "filesystems".to_owned(),
        "schedule".to_owned(),
        "network --storage-account account1".to_owned(),
        format!("azure --for import --staging {staging} --location westus"),
        format!("azure --for vault --staging {staging}"),
        format!("azure --for vm --resource-group rg {subscription}"),
        "account account1 --for restore".to_owned(),
        "vm web".to_owned(),
    ] {
        let line = format!("check {check} --json --state {state}");
        let plain = world.emulator.run(&world.machine, &words(&line));
        let typed = world.emulator.command(&world.machine, &words(&line));
        let told = read_only(typed, &world, &state);
        assert!(![97, 98].contains(&told.code), "{}", told.stderr);
        // The state folder is another file system there, the load is of another moment, and that
        // mounts are read-only is seen.
        let is_same = |own: &String| {
            !["host-space", "guest-load", "guest-noexec", "fs-"].iter().any(|id| own.contains(id))
        };
        let same =
            |own: &Said| -> Vec<String> { verdicts(own).into_iter().filter(is_same).collect() };
        assert!(!verdicts(&told).is_empty(), "{check}: {}{}", told.stdout, told.stderr);
        assert_eq!(same(&told), same(&plain), "{check}: {}", told.stderr);
        assert!([0, 1, 12, 13].contains(&told.code), "{check}: {} {}", told.code, told.stderr);
    }
}
