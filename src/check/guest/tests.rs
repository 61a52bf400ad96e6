//! A sound tree, and one change of it for each other verdict.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::*;

mod up;

const CONF: &str = "etc/waagent.conf";
const VMBACKUP: &str = "etc/azure/vmbackup.conf";
const SITE_RECOVERY: &str = "Microsoft.Azure.RecoveryServices.SiteRecovery";
const WINDOWS_AGENT: &str = "WindowsAzure/Packages/WaAppAgent.exe";
const LOGS: &str = "var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux";
const EXTENSION_FOLDER: &str =
    "var/lib/waagent/Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.9200.0";

fn write(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn write_text(root: &Path, path: &str, content: &str) {
    write(root, path, content.as_bytes());
}

/// As Debian 12 with its own agent lies on a disk.
fn sound(root: &Path) {
    let text = |path: &str, content: &str| write_text(root, path, content);
    text("usr/lib/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n");
    std::fs::create_dir_all(root.join("etc/systemd/system/multi-user.target.wants")).unwrap();
    symlink("../usr/lib/os-release", root.join("etc/os-release")).unwrap();
    write(root, "bin/sh", b"\x7fELF\x02\x01");
    text("lib/systemd/system/walinuxagent.service", "[Unit]\n");
    let unit = root.join("etc/systemd/system/multi-user.target.wants/walinuxagent.service");
    symlink("/lib/systemd/system/walinuxagent.service", unit).unwrap();
    text("usr/sbin/waagent", "#!/usr/bin/python3\n");
    text("usr/bin/python3", "");
    let version = "usr/lib/python3/dist-packages/azurelinuxagent/common/version.py";
    text(version, "AGENT_NAME = \"WALinuxAgent\"\nAGENT_VERSION = '2.7.3.0'\n");
    text(CONF, "# Is it on?\nExtensions.Enabled=y\n# Lib.Dir=/elsewhere\n");
    text(&format!("{EXTENSION_FOLDER}/config/HandlerState"), "Enabled");
    status(root, 1, "error");
    status(root, 12, "success");
    text("etc/network/interfaces", "auto lo\niface lo inet loopback\niface eth0 inet dhcp\n");
    text("proc/self/mountinfo", "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
    text("proc/net/route", "Iface\tDestination\tGateway\neth0\t00000000\t0100000A\n");
    text("etc/selinux/config", "SELINUX=permissive\n");
    text(VMBACKUP, "[SnapshotThread]\nfsfreeze: True\n");
    let timesyncd = "etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service";
    text(timesyncd, "");
    text("proc/loadavg", "0.90 0.80 0.70 1/100 1234\n");
    text("proc/stat", "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\n");
    text("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 800 kB\n");
    text(&format!("{LOGS}/1.0.9200.0/extension.log"), "2026-11-29 02:00:00 Thawing: /boot\n");
}

fn status(root: &Path, number: u32, word: &str) {
    let message = r#"{"lang":"en","message":"freeze failed"}"#;
    let said =
        format!(r#"[{{"status":{{"status":"{word}","code":204,"formattedMessage":{message}}}}}]"#);
    write_text(root, &format!("{EXTENSION_FOLDER}/status/{number}.status"), &said);
}

fn look_at(root: &Path) -> Vec<Finding> {
    look(&Tree::open(root).unwrap(), Whose::Another)
}

#[test]
fn a_sound_machine_has_nothing_to_mend() {
    let folder = tempfile::tempdir().unwrap();
    sound(folder.path());
    let found = look_at(folder.path());
    let bad: Vec<&Finding> = found.iter().filter(|own| own.grade.word() != "good").collect();
    assert!(bad.is_empty() && found.len() == 18, "{found:#?}");
    assert!(found.iter().all(|own| own.id().starts_with("guest-")));
}

/// One change, and what is found of it: id, verdict, and a word of what is said.
type Case = (fn(&Path), &'static str, &'static str, &'static str);

fn remove(root: &Path, path: &str) {
    let path: PathBuf = root.join(path);
    match path.symlink_metadata().unwrap().is_dir() {
        true => std::fs::remove_dir_all(path).unwrap(),
        false => std::fs::remove_file(path).unwrap(),
    }
}

const CASES: [Case; 48] = [
    (|root| write(root, "bin/sh", b"\x7fELF\x01\x01"), "os", "problem", "32 bits"),
    (|root| write_text(root, "usr/lib/os-release", "ID=coreos\n"), "os", "problem", "coreos"),
    (|root| write_text(root, "usr/lib/os-release", "ID=gentoo\n"), "os", "warning", "gentoo"),
    (|root| remove(root, "usr/lib/os-release"), "os", "unknown", "os-release"),
    (
        |root| {
            remove(root, "lib/systemd/system/walinuxagent.service");
            remove(root, "usr/sbin/waagent");
        },
        "agent",
        "problem",
        "apt install waagent",
    ),
    (|root| remove(root, "lib/systemd/system/walinuxagent.service"), "agent", "warning", "no unit"),
    (
        |root| remove(root, "etc/systemd/system/multi-user.target.wants/walinuxagent.service"),
        "agent-on",
        "problem",
        "systemctl enable --now walinuxagent.service",
    ),
    (
        |root| symlink("/dev/null", root.join("etc/systemd/system/walinuxagent.service")).unwrap(),
        "agent-on",
        "problem",
        "unmask",
    ),
    (
        |root| {
            let version = "usr/lib/python3/dist-packages/azurelinuxagent/common/version.py";
            write_text(root, version, "AGENT_VERSION = '2.2.45'\nAGENT_VERSION = \"2.2.52.9\"\n");
            write_text(root, "var/lib/waagent/WALinuxAgent-2.2.53.0/x", "");
        },
        "agent-version",
        "warning",
        "2.2.53.0",
    ),
    (|root| remove(root, "usr/lib/python3"), "agent-version", "unknown", "nothing"),
    (|root| write_text(root, CONF, "Extensions.Enabled=n\n"), "agent-conf", "problem", "=y"),
    (|root| write_text(root, CONF, "Lib.Dir=/opt/agent\n"), "agent-conf", "good", "/opt/agent"),
    (
        |root| {
            write_text(root, CONF, "Lib.Dir=/opt/agent\n");
            let moved = EXTENSION_FOLDER.replace("var/lib/waagent", "opt/agent");
            write_text(root, &format!("{moved}/config/HandlerState"), "FailedUpgrade");
        },
        "extension",
        "warning",
        "FailedUpgrade",
    ),
    (
        |root| {
            write_text(root, CONF, "AutoUpdate.Enabled=n\n");
            let version = "usr/lib/python3/dist-packages/azurelinuxagent/common/version.py";
            write_text(root, version, "AGENT_VERSION = '2.2.45'\n");
            write_text(root, "var/lib/waagent/WALinuxAgent-2.9.1.1/x", "");
        },
        "agent-version",
        "warning",
        "2.2.45.0",
    ),
    (
        |root| {
            remove(root, "usr/lib/python3");
            let of = "Package: bash\nVersion: 5\n\nPackage: waagent\nVersion: 2.2.46+dfsg-1\n";
            write_text(root, "var/lib/dpkg/status", of);
        },
        "agent-version",
        "warning",
        "2.2.46.0",
    ),
    (
        |root| {
            remove(root, "usr/lib/python3");
            write_text(root, "usr/sbin/waagent", "GuestAgentVersion = \"WALinuxAgent-2.0.18\"\n");
        },
        "agent-version",
        "warning",
        "2.0.18.0",
    ),
    (
        |root| {
            std::fs::create_dir_all(root.join("proc/1")).unwrap();
            write_text(root, "run/waagent.pid", "71\n");
        },
        "agent-on",
        "problem",
        "systemctl start walinuxagent.service",
    ),
    (
        |root| {
            std::fs::create_dir_all(root.join("proc/1")).unwrap();
            std::fs::create_dir_all(root.join("proc/71")).unwrap();
            write_text(root, "run/waagent.pid", "71\n");
        },
        "agent-on",
        "good",
        "and runs",
    ),
    (
        |root| {
            remove(root, "lib/systemd/system/walinuxagent.service");
            write_text(root, "etc/init.d/waagent", "#!/bin/sh\n");
        },
        "agent-on",
        "problem",
        "chkconfig waagent on",
    ),
    (
        |root| {
            remove(root, "lib/systemd/system/walinuxagent.service");
            write_text(root, "etc/init.d/waagent", "#!/bin/sh\n");
            symlink("/nowhere", root.join("etc/rc3.d")).unwrap();
            write_text(root, "etc/rc.d/rc3.d/S99waagent", "");
        },
        "agent-on",
        "good",
        "waagent",
    ),
    (|root| write(root, CONF, b"Extensions\0"), "agent-conf", "unknown", "no text"),
    (|root| remove(root, "usr/bin/python3"), "python", "problem", "Python"),
    (|root| status(root, 13, "error"), "extension", "warning", "204: freeze failed"),
    (
        |root| write_text(root, &format!("{EXTENSION_FOLDER}/status/14.status"), "{"),
        "extension",
        "unknown",
        "no JSON",
    ),
    (
        |root| write_text(root, &format!("{EXTENSION_FOLDER}/config/HandlerState"), "NotReady"),
        "extension",
        "warning",
        "NotReady",
    ),
    (
        |root| write_text(root, &format!("{EXTENSION_FOLDER}9/config/HandlerState"), "Enabled"),
        "extension",
        "warning",
        "2 versions",
    ),
    (
        |root| {
            write_text(root, VMBACKUP, "[SnapshotThread]\nisanysnapshotfailed = True\n");
            write_text(root, &format!("var/lib/waagent/{SITE_RECOVERY}.Linux-1.0.0/x"), "");
        },
        "vmbackup-conf",
        "problem",
        "Site Recovery",
    ),
    (
        |root| write_text(root, VMBACKUP, "isanysnapshotfailed = True\n"),
        "vmbackup-conf",
        "warning",
        "false",
    ),
    (
        |root| {
            let line = "02:00:00 Failed to FITHAW: /usr/sap\n02:00:00 Failed to FIFREEZE: /boot \
                        with error message: busy\nFailed to FITHAW: /boot\n";
            write_text(root, &format!("{LOGS}/1.0.9200.0/extension.log"), line);
        },
        "extension-log",
        "warning",
        "/usr/sap, /boot;",
    ),
    (
        |root| write_text(root, VMBACKUP, "[SnapshotThread]\nfsfreeze: False\n"),
        "vmbackup-conf",
        "warning",
        "crash-consistent",
    ),
    (
        |root| write_text(root, VMBACKUP, "MountsToSkip: /, /gone\n"),
        "vmbackup-conf",
        "warning",
        "/gone",
    ),
    (|root| write_text(root, VMBACKUP, "freeze = 1\n"), "vmbackup-conf", "warning", "freeze is no"),
    (
        |root| write_text(root, &format!("var/lib/waagent/{SITE_RECOVERY}.Linux-1.0.0/x"), ""),
        "site-recovery",
        "warning",
        "hours",
    ),
    (
        |root| write_text(root, "usr/lib/systemd/system/bacula-fd.service", ""),
        "other-backup",
        "warning",
        "Bacula",
    ),
    (
        |root| write_text(root, "etc/selinux/config", "SELINUX=enforcing\n"),
        "selinux",
        "warning",
        "restorecon",
    ),
    (|root| write_text(root, "sys/fs/selinux/enforce", "1"), "selinux", "warning", "semanage"),
    (
        |root| write_text(root, "proc/loadavg", "1.80 0 0 1/1 1\n"),
        "load",
        "warning",
        "busy to 90 %",
    ),
    (
        |root| write_text(root, "proc/meminfo", "MemTotal: 1000 kB\nMemFree: 90 kB\n"),
        "load",
        "warning",
        "used to 91 %",
    ),
    (|root| remove(root, "etc/systemd/system/sysinit.target.wants"), "clock", "warning", "ahead"),
    (
        |root| write_text(root, "usr/local/ASR/Vx/x", ""),
        "site-recovery",
        "warning",
        "check schedule",
    ),
    (
        |root| write_text(root, "etc/apparmor.d/usr.sbin.waagent", ""),
        "apparmor",
        "warning",
        "agent",
    ),
    (
        |root| {
            let line = "26 25 8:2 / /var rw,noexec - ext4 /dev/sda2 rw\n";
            write_text(root, "proc/self/mountinfo", line);
        },
        "noexec",
        "problem",
        "noexec",
    ),
    (
        |root| {
            let line =
                "26 25 8:2 / /var/lib ro - ext4 /dev/sda2 rw\n27 25 8:3 / /va rw - ext4 b rw\n";
            write_text(root, "proc/self/mountinfo", line);
        },
        "noexec",
        "problem",
        "read-only",
    ),
    (
        |root| write_text(root, "etc/network/interfaces", "iface eth0 inet static\n"),
        "dhcp",
        "problem",
        "never inside the guest",
    ),
    (|root| remove(root, "etc/network"), "dhcp", "unknown", "no file"),
    (
        |root| write_text(root, "proc/net/route", "Iface\neth0\t0000000A\n"),
        "route",
        "problem",
        "168.63.129.16",
    ),
    (|root| std::fs::create_dir(root.join("Windows")).unwrap(), "windows-agent", "problem", "MSI"),
    (
        |root| {
            std::fs::create_dir(root.join("Windows")).unwrap();
            let sql = "Program Files/Microsoft SQL Server/MSSQL15.MSSQLSERVER/x";
            write_text(root, sql, "");
            write_text(root, WINDOWS_AGENT, "MZ");
        },
        "sql",
        "warning",
        "--fix-script",
    ),
];

#[test]
fn each_fault_is_found_with_its_verdict_and_what_to_do() {
    for (number, (change, what, verdict, said)) in CASES.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        sound(folder.path());
        change(folder.path());
        let found = look_at(folder.path());
        let id = format!("guest-{what}");
        let own = found.iter().find(|own| own.id() == id && own.grade.word() == verdict);
        let own = own.unwrap_or_else(|| panic!("{number}: {id} {verdict}: {found:#?}"));
        let texts = [Some(&own.facts), own.action.as_ref(), own.command.as_ref()];
        let text = texts.into_iter().flatten().cloned().collect::<Vec<_>>().join("; ");
        assert!(text.contains(said), "{number}: {text}");
        let others = found.iter().filter(|other| other.id() != id);
        let bad: Vec<_> = others.filter(|own| own.grade.word() == "problem").collect();
        assert!(bad.is_empty() || what == "agent", "{number}: {bad:#?}");
        if let Some(code) = &own.explain {
            assert!(crate::advice::find(code).is_some(), "{code} is in the catalogue");
        }
    }
}

#[test]
fn a_windows_agent_is_judged_by_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let program = |version: [u32; 2]| {
        let mut program = b"MZ\0\0".to_vec();
        for word in [0xFEEF_04BD, 0x0001_0000, 0, 0, version[0], version[1]] {
            program.extend(u32::to_le_bytes(word));
        }
        write(folder.path(), WINDOWS_AGENT, &program);
        look_at(folder.path()).remove(0).grade.word()
    };
    assert_eq!(program([2 << 16 | 6, 1198 << 16 | 718]), "good");
    assert_eq!(program([2 << 16 | 6, 1198 << 16 | 717]), "problem");
    assert_eq!(program([1 << 16 | 9, 0]), "problem");
}

/// What somebody can put in the place of a file that is looked at.
fn hostile(root: &Path, path: &str, kind: usize) {
    let at = root.join(path);
    let held = std::fs::read(&at).unwrap_or_default();
    remove(root, path);
    match kind {
        0 => std::fs::File::create(&at).unwrap().set_len(100 << 20).unwrap(),
        1 => std::fs::write(&at, [&held[..held.len() / 2], b"\0\xff\xfe"].concat()).unwrap(),
        2 => std::fs::write(&at, &held[..held.len() / 2]).unwrap(),
        3 => symlink(OUTSIDE, &at).unwrap(),
        4 => symlink(at.file_name().unwrap(), &at).unwrap(),
        5 => {
            let fifo = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, &at, fifo, 0o600.into(), 0).unwrap();
        }
        6 => std::fs::create_dir(&at).unwrap(),
        _ => {
            let lines = (0..5000).map(|number| format!("a{number} = b\n= [\n]=,:;\t\n"));
            std::fs::write(&at, lines.collect::<String>()).unwrap();
        }
    }
}

const OUTSIDE: &str = "../../../../../../../../../../../../proc/self/environ";

/// All that lies in a tree, but folders.
fn files(root: &Path, below: &Path, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap().is_dir() {
            true => files(root, &path, all),
            false => all.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()),
        }
    }
}

#[test]
fn whatever_stands_in_the_place_of_a_file_it_is_a_finding_and_neither_hangs_nor_leads_out() {
    use crate::check::{filesystems, proxy};
    let whole = |root: &Path| {
        sound(root);
        write_text(root, "etc/environment", "http_proxy=http://10.0.0.5:3128\n");
        write_text(root, "etc/fstab", "/dev/sda1 / ext4 rw 0 1\n");
        write_text(
            root,
            "etc/netplan/50.yaml",
            "network:\n  ethernets:\n    eth0: {dhcp4: true}\n",
        );
        write_text(root, "proc/loadavg", "0.1 0.1 0.1 1/100 1\n");
        let mut device = vec![0; 4096];
        device[1080..1084].copy_from_slice(&[0x53, 0xEF, 1, 0]);
        write(root, "dev/sda1", &device);
    };
    let windows = |root: &Path| {
        std::fs::create_dir_all(root.join("Windows")).unwrap();
        write(root, WINDOWS_AGENT, b"MZ\0\0\xBD\x04\xEF\xFE\0\0\x01\0");
    };
    for kind in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        windows(folder.path());
        hostile(folder.path(), WINDOWS_AGENT, kind);
        let found = look_at(folder.path());
        assert!(["unknown", "problem"].contains(&found[0].grade.word()), "{kind}: {found:?}");
    }
    let mut all = Vec::new();
    let example = tempfile::tempdir().unwrap();
    whole(example.path());
    files(example.path(), example.path(), &mut all);
    let begun = std::time::Instant::now();
    let mut changed = 0;
    let usual = look_at(example.path());
    for path in &all {
        for kind in 0..8 {
            let folder = tempfile::tempdir().unwrap();
            whole(folder.path());
            hostile(folder.path(), path, kind);
            let tree = Tree::open(folder.path()).unwrap();
            let mut found = look(&tree, Whose::Another);
            changed += usize::from(found != usual);
            found.extend(proxy::look(&tree));
            found.extend(filesystems::look(&tree));
            assert!(found.len() > 10, "{path}, {kind}: {found:#?}");
            // The environment of this process is outside the tree.
            let told = format!("{found:?}");
            assert!(!told.contains("CARGO_") && told.len() < 20_000, "{path}, {kind}: {told}");
        }
    }
    assert!(all.len() > 20 && changed > all.len(), "{changed} of {}", all.len());
    assert!(begun.elapsed().as_secs() < 120, "it hangs");
}
