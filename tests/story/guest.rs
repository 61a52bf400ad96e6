//! `check guest` and `check filesystems` as somebody calls them: this machine, a folder, nothing.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;
use support::program::{Machine, files_below, said};

#[test]
fn a_folder_is_looked_at_and_nothing_in_it_is_changed() {
    let machine = Machine::new();
    let image = machine.path("image");
    for folder in ["etc", "proc/self", "dev"] {
        fs::create_dir_all(image.join(folder)).unwrap();
    }
    fs::write(image.join("etc/os-release"), "ID=debian\n").unwrap();
    let line = "25 1 8:1 / / ro - ext4 /dev/sda1 ro\n";
    fs::write(image.join("proc/self/mountinfo"), line).unwrap();
    fs::write(image.join("etc/fstab"), "/dev/sda1 / ext4 rw 0 1\n").unwrap();
    let state = || -> Vec<_> {
        let all = files_below(&image).into_iter();
        all.map(|path| (fs::metadata(&path).unwrap().modified().unwrap(), path)).collect()
    };
    let before = state();
    let said = machine.expect(1, &["check", "guest", "--root", "image", "--json"]).stdout;
    let found: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdict = |id: &str| found.iter().find(|own| own["id"] == id).map(|own| &own["verdict"]);
    assert_eq!(verdict("guest-agent"), Some(&"problem".into()), "{said}");
    assert_eq!(verdict("guest-os"), Some(&"good".into()), "{said}");
    assert_eq!(verdict("fs-readonly"), Some(&"problem".into()), "{said}");
    let text = machine.expect(1, &["check", "filesystems", "--root", "image"]).stdout;
    // What is typed here would be about the disk of this machine.
    let line = "on that machine: `umount /dev/sda1 && { fsck /dev/sda1 || [ $? -eq 1 ]; } && mount";
    assert!(text.contains(line) && !text.contains("next: "), "{text}");
    assert!(found.iter().all(|own| own["command"] == Value::Null), "{said}");
    assert_eq!(state(), before);
    fs::remove_file(image.join("etc/os-release")).unwrap();
    let owner = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, image.join("etc/os-release"), FileType::Fifo, owner, 0).unwrap();
    let said = machine.expect(1, &["check", "guest", "--root", "image"]).stdout;
    assert!(said.contains("/etc/os-release is no file"), "{said}");
    for root in ["none", "image/etc/fstab"] {
        let none = machine.expect(2, &["check", "guest", "--root", root, "--json"]).stdout;
        assert!(none.contains("tree-unreadable"), "{none}");
    }
}

#[test]
fn this_machine_is_looked_at_without_a_fault_of_the_program() {
    let machine = Machine::new();
    for what in ["guest", "filesystems"] {
        let said = machine.run(&["check", what]);
        assert!(said.code <= 1 && said.stdout.contains("Together: "), "{}", said.stderr);
    }
}

#[test]
fn a_vm_is_brought_to_a_proxy_and_away_again_and_a_second_time_changes_nothing() {
    let machine = Machine::new();
    let etc = machine.path("image/etc");
    fs::create_dir_all(&etc).unwrap();
    fs::write(etc.join("waagent.conf"), "Extensions.Enabled=y\nHttpProxy.Host=old\n").unwrap();
    fs::write(etc.join("environment"), "http_proxy=http://u:SECRET-7@old:1\n").unwrap();
    let apply = |more: &[&'static str], code: i32| {
        let words = [&["proxy", "apply", "--root", "image", "--json"], more].concat();
        machine.expect(code, &words).stdout
    };
    let set = ["--proxy", "10.0.0.5:3128"];
    let verdict = || {
        let said = machine.run(&["check", "guest", "--root", "image", "--json"]).stdout;
        let found = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut pair = found.filter(|own| own["id"] == "proxy-agent-pair");
        pair.next().unwrap_or_else(|| panic!("{said}"))["verdict"].clone()
    };
    assert_eq!(verdict(), "problem");
    let before = files_below(&machine.path("image"));
    let dry = apply(&[&set[..], &["--dry-run"]].concat(), 0);
    assert!(dry.contains("\"dry_run\":true") && !dry.contains("SECRET"), "{dry}");
    assert_eq!(files_below(&machine.path("image")), before);
    let done = apply(&set, 0);
    assert!(done.contains("systemctl restart walinuxagent") && !done.contains("SECRET"), "{done}");
    assert_eq!(verdict(), "good");
    let text = |name: &str| fs::read_to_string(etc.join(name)).unwrap();
    assert_eq!(
        text("waagent.conf"),
        "Extensions.Enabled=y\nHttpProxy.Host=10.0.0.5\nHttpProxy.Port=3128\n"
    );
    let after = files_below(&machine.path("image"));
    assert_eq!(after.len(), before.len() + 2, "each has one copy: {after:?}");
    assert!(!apply(&set, 0).contains("\"is_changed\":true"));
    assert_eq!(files_below(&machine.path("image")), after);
    let both = apply(&["--remove", "--proxy", "px:1"], 2);
    assert!(both.contains("proxy-set-or-removed"), "{both}");
    apply(&["--remove"], 0);
    assert_eq!(text("waagent.conf"), "Extensions.Enabled=y\n");
    // The agent could not sign in to it.
    let user = apply(&["--proxy", "http://u:SECRET-6@p:1"], 2);
    assert!(user.contains("proxy-unfit") && !user.contains("SECRET"), "{user}");
    let held = files_below(&machine.path("image"));
    for unfit in ["h", "h:0", "$(id):1", "a_b:1", "https://p:1", "10.0.0.5:3128/x"] {
        let told = apply(&["--proxy", unfit], 2);
        assert!(told.contains("proxy-unfit"), "{unfit}: {told}");
        machine.expect(2, &["proxy", "plan", "--proxy", unfit]);
    }
    assert_eq!(files_below(&machine.path("image")), held);
    fs::write(etc.join("environment"), b"\xff").unwrap();
    assert!(apply(&set, 1).contains("proxy-file"));
    assert_eq!(text("waagent.conf"), "Extensions.Enabled=y\n", "both or neither");
    let lines = machine.expect(2, &["proxy", "plan", "--proxy", "a\nb:3128"]).stderr;
    assert!(lines.contains("it is not an address"), "{lines}");
    for words in [&["px:3128", "--proxy-ip", "fd00::5"][..], &["[fd00::5]:3128"]] {
        let plan = machine.expect(0, &[&["proxy", "plan", "--proxy"], words].concat()).stdout;
        assert!(plan.contains("--source-address-prefixes fd00::5/128 "), "{plan}");
    }
    let plan = machine
        .expect(0, &["proxy", "plan", "--proxy", "10.0.0.5:3128", "--app-vm", "web1"])
        .stdout;
    for line in [
        "On web1 with Windows",
        "netsh winhttp set proxy http://10.0.0.5:3128",
        "HttpProxy.Port=3128",
        "--source-address-prefixes 10.0.0.5/32",
    ] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
}

#[test]
fn the_group_that_blocks_a_backup_is_named_with_the_rules_that_are_missing() {
    let machine = Machine::new();
    let rules = r#"{"name":"web-nsg","securityRules":[{"name":"no-internet","priority":200,
        "direction":"Outbound","access":"Deny","protocol":"*","sourceAddressPrefix":"*",
        "destinationAddressPrefix":"Internet","destinationPortRange":"*"}]}"#;
    fs::write(machine.path("rules.json"), rules).unwrap();
    let suggest = ["nsg", "suggest", "--rules", "rules.json", "--location", "West Europe"];
    let text = machine.expect(1, &suggest).stdout;
    assert!(text.contains("blocked by no-internet of web-nsg"), "{text}");
    for line in ["Storage.westeurope", "AzureBackup", "--priority 199", "--priority 197"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let tags = r#"{"values":[{"name":"Storage.westeurope","properties":{"addressPrefixes":["20.0.0.0/24"]}}]}"#;
    fs::write(machine.path("tags.json"), tags).unwrap();
    let other =
        rules.replace(r#""sourceAddressPrefix":"*""#, r#""sourceAddressPrefix":"10.0.9.0/24""#);
    let open = r#"{"name":"out","priority":300,"direction":"Outbound","access":"Allow","protocol":"Tcp",
        "sourceAddressPrefix":"*","destinationAddressPrefix":"20.0.0.0/16","destinationPortRange":"443"}"#;
    fs::write(machine.path("rules.json"), other.replace("}]}", &format!("}},{open}]}}"))).unwrap();
    let listed = [&suggest[..], &["--vm-ip", "10.0.0.4", "--ranges", "tags.json"]].concat();
    let listed = machine.expect(0, &listed).stdout;
    assert!(listed.contains("TCP 443 to Storage.westeurope is allowed by out"), "{listed}");
    fs::write(machine.path("rules.json"), rules).unwrap();
    let proxied = machine.expect(1, &[&suggest[..], &["--proxy", "10.0.0.5:3128"]].concat());
    assert!(proxied.stdout.contains("TCP 3128 to 10.0.0.5"), "{}", proxied.stdout);
    for unfit in ["p:1", "10.0.0.5", "10.0.0.5:0"] {
        let named = machine.expect(2, &[&suggest[..], &["--proxy", unfit, "--json"]].concat());
        assert!(named.stdout.contains("proxy-named"), "{unfit}: {}", named.stdout);
    }
    // Name servers are reached by UDP, and those of Azure need no rule; with a proxy, too.
    let no_names = rules.replace("\"Internet\"", "\"10.0.0.53\"");
    fs::write(machine.path("rules.json"), no_names).unwrap();
    machine.expect(0, &suggest);
    let servers = ["--dns-server", "10.0.0.53", "--dns-server", "168.63.129.16"];
    let named = machine.expect(1, &[&suggest[..], &servers].concat()).stdout;
    assert!(named.contains("UDP 53 to 10.0.0.53 is blocked by no-internet of web-nsg"), "{named}");
    assert!(named.contains("--protocol Udp") && !named.contains("168.63.129.16"), "{named}");
    let proxied = [&suggest[..], &servers, &["--proxy", "10.0.0.5:3128", "--json"]].concat();
    let proxied = machine.expect(1, &proxied).stdout;
    assert!(proxied.contains("\"nsg-dns\"") && proxied.contains("\"nsg-proxy\""), "{proxied}");
    machine.expect(2, &[&suggest[..], &["--dns-server", "ns.example"]].concat());
    let first = rules.replace("\"priority\":200", "\"priority\":100");
    fs::write(machine.path("rules.json"), first).unwrap();
    let full = machine.expect(1, &suggest).stdout;
    assert!(full.contains("--priority PRIORITY") && full.contains("No priority is free"), "{full}");
    let members = r#""sourceApplicationSecurityGroups":[{"id":"a"}]"#;
    let some = rules.replace(r#""sourceAddressPrefix":"*""#, members);
    let out = open.replace("20.0.0.0/16", "*");
    let some = some.replace("}]}", &format!("}},{out}]}}"));
    fs::write(machine.path("rules.json"), some).unwrap();
    let some = machine.expect(0, &suggest).stdout;
    assert!(
        some.contains("unknown") && some.contains("no-internet of web-nsg: it is for"),
        "{some}"
    );
    fs::write(machine.path("rules.json"), "{").unwrap();
    let none = machine.expect(2, &[&suggest[..], &["--json"]].concat()).stdout;
    assert!(none.contains("nsg-file"), "{none}");
    let rule = ["nsg", "rule", "--proxy-ip", "10.0.0.5", "--name", "allow-proxy", "--priority"];
    let made = machine.expect(0, &[&rule[..], &["200", "--json"]].concat()).stdout;
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["rule"]["properties"]["destinationPortRange"], "80-443");
    machine.expect(2, &[&rule[..], &["99"]].concat());
    machine.expect(2, &[&rule[..], &["200", "--ports", "443-80"]].concat());
}

#[test]
fn a_vault_that_nothing_starts_is_told_and_strict_makes_it_a_failure() {
    let machine = Machine::new();
    let none = machine.expect(0, &["check", "schedule", "--strict"]).stdout;
    assert!(none.contains("nothing is scheduled"), "{none}");
}

/// Its own view of a machine that systemd has started and that has the agent, with a program in the
/// place of systemd's that writes down that it was called and answers as it is told.
const WITH_SYSTEMD: &str = r#"
set -e
folder=$1 && shift
mount -t tmpfs none /run && mkdir -p /run/systemd/system
mount -t tmpfs none /etc/systemd/system && mkdir /etc/systemd/system/multi-user.target.wants
touch /etc/systemd/system/walinuxagent.service
ln -s /etc/systemd/system/walinuxagent.service /etc/systemd/system/multi-user.target.wants/
mount --bind "$folder/systemctl" /usr/bin/systemctl
exec "$@"
"#;

#[test]
fn systemd_is_asked_on_this_machine_and_never_for_a_tree() {
    let machine = Machine::new();
    let called = machine.text("called");
    let check = |root: Option<&str>, says: &str| -> (Value, bool) {
        let script = format!("#!/bin/sh\necho \"$*\" >>{called}\nprintf '{says}'\nexit 3\n");
        fs::write(machine.path("systemctl"), script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(machine.path("systemctl"), mode).unwrap();
        let _ = fs::remove_file(&called);
        let mut words = vec!["check", "guest", "--json"];
        words.extend(root.map(|_| "--root").into_iter().chain(root));
        let inner = machine.command(&words);
        let mut outer = machine.other(std::path::Path::new("/usr/bin/unshare"));
        outer.args(["--mount", "--propagation", "private", "sh", "-c", WITH_SYSTEMD, "sh"]);
        outer.arg(machine.path("")).arg(inner.get_program()).args(inner.get_args());
        let said = said(outer.output().unwrap());
        let all = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let own = all.rev().find(|own| own["id"] == "guest-agent-on");
        (own.unwrap_or_else(|| panic!("{said:?}")), fs::metadata(&called).is_ok())
    };
    let (found, is_asked) = check(None, "active\\ninactive\\n");
    assert_eq!((&found["verdict"], is_asked), (&"good".into(), true), "{found}");
    let words = "is-active walinuxagent.service waagent.service\n";
    assert_eq!(fs::read_to_string(&called).unwrap(), words, "it is asked this, and once");
    let (found, _) = check(None, "failed\\ninactive\\n");
    assert_eq!(found["verdict"], "problem", "{found}");
    assert_eq!(found["command"], "systemctl start walinuxagent.service");
    // A tree that has the very same files.
    let image = machine.path("image");
    let wants = image.join("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wants).unwrap();
    for folder in ["proc/1", "run/systemd/system", "usr/bin"] {
        fs::create_dir_all(image.join(folder)).unwrap();
    }
    fs::write(image.join("etc/systemd/system/walinuxagent.service"), "").unwrap();
    fs::write(wants.join("walinuxagent.service"), "").unwrap();
    fs::copy(machine.path("systemctl"), image.join("usr/bin/systemctl")).unwrap();
    let (found, is_asked) = check(Some("image"), "active\\nactive\\n");
    assert!(!is_asked, "nothing is run for a tree");
    assert_eq!(found["verdict"], "problem", "its files say that it does not run: {found}");
}

/// Makes a file system of a kind in an image, sets its state, mounts it twice, and writes down what the
/// kernel, the device and `tune2fs` say then. A device of its own name stands for the loop.
const MOUNTED_TWICE: &str = r#"
set -e
folder=$1 kind=$2 state=$3
cd "$folder" && rm -rf image tree && mkdir -p one two tree/proc/self tree/dev
truncate -s 16M image && mke2fs -q -F -t "$kind" image
debugfs -w -R "set_super_value state $state" image 2>/dev/null
mount -o loop image one && device=$(findmnt -n -o SOURCE one) && mount "$device" two
sync && sed "s#$device #/dev/sdz1 #" /proc/self/mountinfo >tree/proc/self/mountinfo
dd if="$device" of=tree/dev/sdz1 bs=1M status=none
tune2fs -l "$device" | sed -n 's/^Filesystem state: *//p'
umount one two
"#;

#[test]
fn a_file_system_that_is_mounted_twice_is_told_with_its_state_in_the_words_of_tune2fs() {
    let machine = Machine::new();
    let mut all = Vec::new();
    for (kind, state) in [("ext4", "1"), ("ext4", "2"), ("ext4", "3"), ("ext3", "1"), ("ext2", "1")]
    {
        let mut script = machine.other(std::path::Path::new("/usr/bin/unshare"));
        script.args(["--mount", "--propagation", "private", "sh", "-c", MOUNTED_TWICE, "sh"]);
        let made = script.arg(machine.path("")).args([kind, state]).output().unwrap();
        assert!(made.status.success(), "{kind}: {}", String::from_utf8_lossy(&made.stderr));
        let theirs = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let said = machine.run(&["check", "filesystems", "--root", "tree", "--json"]).stdout;
        let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let place = machine.text("one");
        let own: Vec<Value> =
            lines.filter(|own| own["facts"].as_str().unwrap().contains(&place)).collect();
        let told: Vec<_> = own.iter().map(|own| own["id"].as_str().unwrap()).collect();
        assert_eq!(told, ["fs-state", "fs-twice"], "{kind} {state}: {said}");
        let facts = own[0]["facts"].as_str().unwrap();
        assert_eq!(facts, format!("/dev/sdz1 on {place}: {theirs}"), "{kind} {state}");
        assert_eq!(own[0]["verdict"] == "good", theirs == "clean", "{kind} {state}: {theirs}");
        assert_eq!(own[1]["verdict"], "problem");
        all.push(theirs);
    }
    all.sort();
    all.dedup();
    assert!(all.len() >= 3, "one word for all proves nothing: {all:?}");
}
