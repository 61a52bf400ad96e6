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
mount -t tmpfs -o mode=755 none "$state" || exit 97
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

/// Calls that change what has a name.
const CHANGES: &str = "trace=open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,rmdir,\
                       rename,renameat,renameat2,link,linkat,symlink,symlinkat,chmod,fchmodat,chown,\
                       lchown,fchownat,truncate,utimensat,mount,umount2";

/// Of a line of strace(1), the path that was changed or opened for it; `None` if it was only read, or
/// nothing came of it.
fn changed(line: &str) -> Option<String> {
    let (call, rest) = line.split_once('(')?;
    if rest.contains(" = -1 ") {
        return None;
    }
    let is_open = call.rsplit(' ').next().is_some_and(|name| name.starts_with("open"));
    let for_writing = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"];
    if is_open && !for_writing.iter().any(|flag| rest.contains(flag)) {
        return None;
    }
    let path = rest.split('"').nth(1)?;
    // With `-y` the folder that a path begins at is told beside its number.
    let folder = rest.split_once('<').and_then(|(_, own)| own.split_once('>')).map(|own| own.0);
    Some(match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{}/{path}", folder.unwrap_or_default()),
    })
}

#[test]
fn a_check_writes_nowhere_but_into_the_state_folder() {
    let read = r#"7 openat(AT_FDCWD</a>, "etc/passwd", O_RDONLY|O_CLOEXEC) = 3</a/etc/passwd>"#;
    let written = r#"7 openat2(4</a>, "b", {flags=O_RDWR|O_CREAT, mode=0600}, 24) = 5</a/b>"#;
    let refused = r#"7 mkdir("/a/c", 0777) = -1 EEXIST (File exists)"#;
    assert_eq!([changed(read), changed(refused)], [None, None]);
    assert_eq!(changed(written), Some("/a/b".to_owned()));
    let world = World::with_vault(&["web"]);
    fs::create_dir_all(world.machine.path("image/etc")).unwrap();
    let state = world.machine.text("state");
    let trace = world.machine.path("trace");
    let mut calls = 0;
    for check in [
        "check host",
        "check guest",
        "check guest --root image",
        "check filesystems",
        "check schedule",
        "check network --storage-account account1",
        "check account account1 --for restore",
        "check vm web",
        "vm preflight web",
        "nsg suggest --vm web",
    ] {
        let typed = world.emulator.command(&world.machine, &words(check));
        let mut command = Command::new("/usr/bin/strace");
        command.args(["-f", "-qq", "-y", "-s", "4096", "-e", CHANGES, "-o"]).arg(&trace);
        command.arg(typed.get_program()).args(typed.get_args()).env_clear();
        command.current_dir(world.machine.path(""));
        for (name, value) in typed.get_envs() {
            command.env(name, value.unwrap());
        }
        let told = said(command.output().unwrap());
        assert!([0, 1].contains(&told.code), "{check}: {told:?}");
        let text = fs::read_to_string(&trace).unwrap();
        calls += text.lines().count();
        let is_elsewhere = |path: &String| !path.starts_with(&state) && !path.starts_with("/dev/");
        let wrong: Vec<String> = text.lines().filter_map(changed).filter(is_elsewhere).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{check}");
    }
    assert!(calls > 200, "{calls} calls: nothing was seen");
}
