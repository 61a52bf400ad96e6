//! The system of a Linux machine: its name, its programs, and what keeps programs of others from
//! running in it.

use disk_prep::noun::visible_line;

use super::super::finding::{Finding, good, problem, unknown, warning};
use super::super::tree::{Seen, Tree};

/// Distributions that Azure endorses, by the ID of os-release, with the agent's package:
/// <https://learn.microsoft.com/azure/virtual-machines/linux/endorsed-distros>, 2026.
const ENDORSED: [(&str, &str); 11] = [
    ("debian", "apt install waagent"),
    ("ubuntu", "apt install walinuxagent"),
    ("rhel", "dnf install WALinuxAgent"),
    ("centos", "dnf install WALinuxAgent"),
    ("rocky", "dnf install WALinuxAgent"),
    ("almalinux", "dnf install WALinuxAgent"),
    ("ol", "dnf install WALinuxAgent"),
    ("sles", "zypper install python-azure-agent"),
    ("opensuse-leap", "zypper install python-azure-agent"),
    ("azurelinux", "tdnf install WALinuxAgent"),
    ("mariner", "tdnf install WALinuxAgent"),
];
/// Systems for containers only, by ID or VARIANT_ID.
const CONTAINER_SYSTEMS: [&str; 5] = ["coreos", "rhcos", "fedora-coreos", "flatcar", "rancheros"];
/// Where a system says its name that is older than os-release.
const OLD_RELEASES: [&str; 2] = ["etc/redhat-release", "etc/SuSE-release"];

/// The ID of os-release; empty if there is none.
pub(super) fn id(tree: &Tree) -> String {
    os_release(tree, "ID")
}

/// The line that installs the agent, if the distribution is known.
pub(super) fn install(id: &str) -> Option<&'static str> {
    ENDORSED.iter().find(|own| own.0 == id).map(|own| own.1)
}

/// The text of os-release; of two places that cannot be read why the first cannot.
fn release(tree: &Tree) -> Seen<String> {
    let mut fault = None;
    for path in ["etc/os-release", "usr/lib/os-release"] {
        match tree.text(path) {
            Ok(Some(text)) => return Ok(Some(text)),
            Ok(None) => {}
            Err(why) => fault = fault.or(Some(why)),
        }
    }
    fault.map_or(Ok(None), Err)
}

fn os_release(tree: &Tree, key: &str) -> String {
    let text = release(tree).ok().flatten().unwrap_or_default();
    let own = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    own.unwrap_or_default().trim().trim_matches(['"', '\'']).to_owned()
}

/// Whether such a system can be backed up.
pub(super) fn look(tree: &Tree, id: &str) -> Finding {
    let name = match os_release(tree, "PRETTY_NAME") {
        name if !name.is_empty() => visible_line(&name).into_owned(),
        _ if !id.is_empty() => visible_line(id).into_owned(),
        _ => match OLD_RELEASES.iter().find_map(|path| tree.text(path).ok().flatten()) {
            Some(text) => visible_line(text.lines().next().unwrap_or_default()).into_owned(),
            None => {
                let why = release(tree).err().map(|why| why.to_string());
                return unknown("os", why.unwrap_or("there is no os-release".to_owned()));
            }
        },
    };
    let is_32_bit = ["bin/sh", "usr/bin/sh"].iter().any(|path| {
        let head = tree.bytes(path, 0, 5).ok().flatten().unwrap_or_default();
        head.starts_with(b"\x7fELF\x01")
    });
    let (what, code) = ("os", "basic-os-unsupported");
    if is_32_bit {
        let action = "VM backup takes 64-bit systems only";
        return problem(what, format!("{name} has programs of 32 bits"), action).explained(code);
    }
    let variant = os_release(tree, "VARIANT_ID");
    if [id, variant.as_str()].iter().any(|own| CONTAINER_SYSTEMS.contains(own)) {
        let action = "VM backup takes no system that is for containers only";
        return problem(what, name, action).explained(code);
    }
    match install(id) {
        Some(_) => good(what, name),
        None => {
            let action = "it may do, where the agent and Python run";
            warning(what, format!("{name} is not endorsed by Azure"), action).explained(code)
        }
    }
}

/// What the agent runs in.
pub(super) fn python(tree: &Tree) -> Finding {
    let places = ["usr/bin/python3", "usr/bin/python", "usr/libexec/platform-python"];
    match places.iter().find(|path| tree.has(path)) {
        Some(path) => good("python", format!("/{path}")),
        None => problem("python", "there is no Python", "install python3: the agent runs in it"),
    }
}

/// SELinux and AppArmor.
pub(super) fn guards(tree: &Tree) -> Vec<Finding> {
    [selinux(tree), apparmor(tree)].into_iter().flatten().collect()
}

/// Whether it would keep extensions from running: as the system is started, or as it is now.
fn selinux(tree: &Tree) -> Option<Finding> {
    let text = tree.text("etc/selinux/config").ok().flatten();
    let text = text.as_deref().unwrap_or_default();
    let mode = text.lines().find_map(|line| line.trim().strip_prefix("SELINUX=")).map(str::trim);
    let now = tree.text("sys/fs/selinux/enforce").ok().flatten();
    let now = now.as_deref().map(str::trim);
    if mode.is_none() && now.is_none() {
        return None;
    }
    if mode != Some("enforcing") && now != Some("1") {
        let mode = visible_line(mode.unwrap_or("permissive"));
        return Some(good("selinux", format!("SELinux is {mode}")));
    }
    let local = "etc/selinux/targeted/contexts/files/file_contexts.local";
    let local = tree.text(local).ok().flatten().unwrap_or_default();
    Some(match local.contains("/var/lib/waagent") {
        true => good("selinux", "SELinux knows /var/lib/waagent"),
        false => warning(
            "selinux",
            "SELinux is enforcing, and has no rule for /var/lib/waagent",
            "exempt the folder; the type is the site's choice, bin_t lets extensions run",
        )
        .next("semanage fcontext -a -t bin_t '/var/lib/waagent(/.*)?' && restorecon -R /var/lib/waagent")
        .explained("UserErrorVmNotInDesirableState"),
    })
}

fn apparmor(tree: &Tree) -> Option<Finding> {
    let names = tree.names("etc/apparmor.d").ok()?;
    let own = names.iter().find(|name| name.contains("waagent"))?;
    let facts = format!("/etc/apparmor.d/{} holds the agent", visible_line(own));
    let action = "see that it lets the agent and its extensions run";
    Some(warning("apparmor", facts, action))
}
