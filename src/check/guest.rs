//! Whether a machine, or a tree or mounted image of one, can be backed up as a VM of Azure
//! (`environment-checks` 5). Looks at files only.

use disk_prep::noun::visible_line;

use super::agent_version::{OLDEST_LINUX, OLDEST_WINDOWS, dotted, four};
use super::filesystems::mounts;
use super::finding::{Finding, good, problem, unknown, warning};
use super::network_files::{self, Addresses};
use super::pe_version::product_version;
use super::tree::{Seen, Tree, Unseen};

const AREA: &str = "guest";
/// What the agent keeps its own in, unless `Lib.Dir` says otherwise.
const AGENT: &str = "var/lib/waagent";
const CONF: &str = "etc/waagent.conf";
const UNITS: [&str; 2] = ["walinuxagent.service", "waagent.service"];
const UNIT_FOLDERS: [&str; 3] =
    ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
const WINDOWS_AGENT: &str = "WindowsAzure/Packages/WaAppAgent.exe";
/// A Windows agent has some hundred KiB.
const MOST_PROGRAM_BYTES: u64 = 16 << 20;
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
const CONTAINER_SYSTEMS: [&str; 4] = ["coreos", "rhcos", "fedora-coreos", "rancheros"];
/// Services of other products that take snapshots or freeze file systems.
const OTHER_BACKUPS: [(&str, &str); 6] = [
    ("veeamservice.service", "Veeam Agent"),
    ("acronis_mms.service", "Acronis Cyber Protect"),
    ("bacula-fd.service", "Bacula"),
    ("bareos-fd.service", "Bareos"),
    ("dsmcad.service", "IBM Storage Protect"),
    ("urbackupclientbackend.service", "UrBackup"),
];
const EXTENSION: &str = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux-";
const SITE_RECOVERY: &str = "Microsoft.Azure.RecoveryServices.SiteRecovery";
const VMBACKUP: &str = "etc/azure/vmbackup.conf";
const VMBACKUP_KEYS: [&str; 6] = [
    "fsfreeze",
    "mountstoskip",
    "seqsnapshot",
    "onlylocalfilesystems",
    "safefreezewaitinseconds",
    "isanysnapshotfailed",
];

/// Looks at all of a tree.
pub fn look(tree: &Tree) -> Vec<Finding> {
    let found = match is_of_windows(tree) {
        true => vec![windows_agent(tree)],
        false => linux(tree),
    };
    found.into_iter().map(|own| short(own).of(AREA)).collect()
}

/// What a file says of itself may be as long as the file.
fn short(own: Finding) -> Finding {
    const MOST: usize = 500;
    match own.facts.char_indices().nth(MOST) {
        Some((end, _)) => Finding { facts: format!("{}…", &own.facts[..end]), ..own },
        None => own,
    }
}

/// Whether it is a machine with Windows.
pub(super) fn is_of_windows(tree: &Tree) -> bool {
    tree.has("Windows") || tree.has("WindowsAzure")
}

fn linux(tree: &Tree) -> Vec<Finding> {
    let id = os_release(tree, "ID");
    let install = ENDORSED.iter().find(|own| own.0 == id).map(|own| own.1);
    let has_agent = unit(tree).is_some() || tree.has("usr/sbin/waagent");
    let mut found = vec![system(tree, &id), agent(tree, install)];
    if has_agent {
        found.extend([agent_on(tree), version(tree, install), conf(tree)]);
    }
    found.push(python(tree));
    found.extend(extension(tree));
    found.extend(vmbackup(tree));
    found.extend(other_products(tree));
    found.extend(selinux(tree));
    found.extend(apparmor(tree));
    found.extend(agent_folder(tree));
    found.push(dhcp(tree));
    found.extend(route(tree));
    found
}

fn os_release(tree: &Tree, key: &str) -> String {
    let text = ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .find_map(|path| tree.text(path).ok().flatten());
    let text = text.unwrap_or_default();
    let own = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    own.unwrap_or_default().trim().trim_matches('"').to_owned()
}

fn system(tree: &Tree, id: &str) -> Finding {
    let name = match os_release(tree, "PRETTY_NAME") {
        name if name.is_empty() => id.to_owned(),
        name => visible_line(&name).into_owned(),
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
    if CONTAINER_SYSTEMS.contains(&id) {
        let action = "VM backup takes no system that is for containers only";
        return problem(what, name, action).explained(code);
    }
    if id.is_empty() {
        return unknown(what, "there is no os-release");
    }
    match ENDORSED.iter().any(|own| own.0 == id) {
        true => good(what, name),
        false => {
            let action = "it may do, where the agent and Python run";
            warning(what, format!("{name} is not endorsed by Azure"), action).explained(code)
        }
    }
}

/// The agent's unit, and the folder that it lies in.
fn unit(tree: &Tree) -> Option<(&'static str, &'static str)> {
    let all = UNITS.iter().flat_map(|unit| UNIT_FOLDERS.iter().map(move |own| (*unit, *own)));
    let mut all = all.filter(|(unit, folder)| !is_masked(tree, folder, unit));
    all.find(|(unit, folder)| tree.has(&format!("{folder}/{unit}")))
}

fn is_masked(tree: &Tree, folder: &str, unit: &str) -> bool {
    tree.link(&format!("{folder}/{unit}")).as_deref() == Some("/dev/null")
}

fn agent(tree: &Tree, install: Option<&str>) -> Finding {
    match unit(tree) {
        Some((unit, _)) => good("agent", format!("the VM agent is installed as {unit}")),
        None if tree.has("usr/sbin/waagent") => {
            warning("agent", "the VM agent is there, and no unit starts it", "install its package")
        }
        None => {
            let action = "install it from the distribution, never from GitHub; a VM that came from \
                          elsewhere has none";
            let found = problem("agent", "there is no VM agent", action);
            let found = found.explained("vm-agent-missing");
            with_next(found, install)
        }
    }
}

fn with_next(found: Finding, line: Option<&str>) -> Finding {
    match line {
        Some(line) => found.next(line),
        None => found,
    }
}

fn agent_on(tree: &Tree) -> Finding {
    let masked = UNITS.iter().find(|unit| is_masked(tree, UNIT_FOLDERS[0], unit));
    if let Some(unit) = masked {
        let action = "let it start again";
        let next = format!("systemctl unmask {unit} && systemctl enable --now {unit}");
        return problem("agent-on", format!("{unit} is masked"), action).next(next);
    }
    let Some((unit, _)) = unit(tree) else { return unknown("agent-on", "it has no unit") };
    let wants = format!("etc/systemd/system/multi-user.target.wants/{unit}");
    match tree.has(&wants) {
        true => good("agent-on", format!("{unit} starts with the system")),
        false => problem("agent-on", format!("{unit} does not start with the system"), "enable it")
            .next(format!("systemctl enable --now {unit}")),
    }
}

/// The version of the package, or that of the newest update that the agent has fetched itself.
fn version(tree: &Tree, install: Option<&str>) -> Finding {
    let packages = tree.names("usr/lib").unwrap_or_default();
    let pythons = packages.iter().filter(|name| name.starts_with("python3"));
    let places = pythons
        .flat_map(|own| ["dist", "site"].map(|kind| format!("usr/lib/{own}/{kind}-packages")));
    let written = places.filter_map(|own| {
        let text = tree.text(&format!("{own}/azurelinuxagent/common/version.py")).ok()??;
        let line = text.lines().find_map(|line| line.strip_prefix("AGENT_VERSION = "))?;
        four(line.trim().trim_matches(['\'', '"']))
    });
    let fetched = tree.names(AGENT).unwrap_or_default();
    let fetched = fetched.iter().filter_map(|name| four(name.strip_prefix("WALinuxAgent-")?));
    let Some(newest) = written.chain(fetched).max() else {
        return unknown("agent-version", "nothing says the version of the agent");
    };
    if newest >= OLDEST_LINUX {
        return good("agent-version", format!("agent {}", dotted(newest)));
    }
    let facts = format!("agent {} is older than {}", dotted(newest), dotted(OLDEST_LINUX));
    let action = "update it from the distribution, while no backup runs";
    let found = warning("agent-version", facts, action).explained("agent-update-needed");
    with_next(found, install)
}

/// A setting of the agent's file.
fn setting<'a>(conf: &'a str, key: &str) -> Option<&'a str> {
    let of = |line: &'a str| line.split('#').next()?.trim().strip_prefix(key)?.strip_prefix('=');
    conf.lines().filter_map(of).next_back().map(str::trim)
}

fn conf(tree: &Tree) -> Finding {
    let text = match tree.text(CONF) {
        Ok(Some(text)) => text,
        Ok(None) => return unknown("agent-conf", format!("there is no /{CONF}")),
        Err(why) => return unknown("agent-conf", why.to_string()),
    };
    if setting(&text, "Extensions.Enabled").is_some_and(|own| !own.eq_ignore_ascii_case("y")) {
        let action = "without extensions no backup can be taken: set Extensions.Enabled=y";
        return problem("agent-conf", "the agent takes no extensions", action);
    }
    match setting(&text, "Lib.Dir") {
        Some(folder) if folder.trim_matches('/') != AGENT => {
            let facts = format!("the agent keeps its own in {}", visible_line(folder));
            warning("agent-conf", facts, "look there for extensions: this look does not")
        }
        _ => good("agent-conf", "the agent takes extensions"),
    }
}

fn python(tree: &Tree) -> Finding {
    let places = ["usr/bin/python3", "usr/bin/python", "usr/libexec/platform-python"];
    match places.iter().find(|path| tree.has(path)) {
        Some(path) => good("python", format!("/{path}")),
        None => problem("python", "there is no Python", "install python3: the agent runs in it"),
    }
}

/// The backup extension: its state and what it said last.
fn extension(tree: &Tree) -> Vec<Finding> {
    let names = match tree.names(AGENT) {
        Ok(names) => names,
        Err(why) => return vec![unknown("extension", why.to_string())],
    };
    let own: Vec<&String> = names.iter().filter(|name| name.starts_with(EXTENSION)).collect();
    let Some(newest) = own.last() else {
        let facts = "the backup extension is not installed yet; the first backup does it";
        return vec![good("extension", facts)];
    };
    let stuck = |facts: String, code: &str| {
        let action = "remove the extension in Azure; the next backup installs it anew";
        warning("extension", facts, action).explained(code)
    };
    let mut found = Vec::new();
    if own.len() > 1 {
        let facts = format!("{} versions of the extension lie side by side", own.len());
        found.push(stuck(facts, "basic-snapshot-extension-stuck"));
    }
    let state = tree.text(&format!("{AGENT}/{newest}/config/HandlerState"));
    found.push(match state {
        Ok(Some(state)) if state.trim() == "Enabled" => match failure(tree, newest) {
            Ok(None) => good("extension", format!("{newest} is enabled")),
            Ok(Some(said)) => stuck(said, "basic-snapshot-extension-stuck"),
            Err(why) => unknown("extension", why.to_string()),
        },
        Ok(Some(state)) => {
            let facts = format!("{newest} is {}", visible_line(state.trim()));
            stuck(facts, "ExtensionStuckInDeletionState")
        }
        Ok(None) => unknown("extension", format!("{newest} has no state")),
        Err(why) => unknown("extension", why.to_string()),
    });
    found
}

/// What the extension's newest status says, if it says that something failed.
fn failure(tree: &Tree, extension: &str) -> Seen<String> {
    let folder = format!("{AGENT}/{extension}/status");
    let number = |name: &String| name.strip_suffix(".status")?.parse::<u64>().ok();
    let Some(newest) = tree.names(&folder)?.iter().filter_map(number).max() else {
        return Ok(None);
    };
    let Some(text) = tree.text(&format!("{folder}/{newest}.status"))? else { return Ok(None) };
    let no_json = |_| Unseen::NoJson { path: format!("{folder}/{newest}.status") };
    let said: serde_json::Value = serde_json::from_str(&text).map_err(no_json)?;
    let status = &said[0]["status"];
    if status["status"].as_str() != Some("error") {
        return Ok(None);
    }
    let message = status["formattedMessage"]["message"].as_str().unwrap_or("no message");
    let code = &status["code"];
    Ok(Some(visible_line(&format!("its last run failed with {code}: {message}")).into_owned()))
}

/// The first few names of a file that somebody else wrote, each once and cut short.
fn some<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    const MOST: usize = 10;
    const MOST_CHARACTERS: usize = 100;
    let mut told: Vec<String> = Vec::new();
    for name in names {
        let own: String = visible_line(name).chars().take(MOST_CHARACTERS).collect();
        if told.len() < MOST && !told.contains(&own) {
            told.push(own);
        }
    }
    told
}

/// The file that steers how file systems are frozen.
fn vmbackup(tree: &Tree) -> Vec<Finding> {
    let text = match tree.text(VMBACKUP) {
        Ok(Some(text)) => text,
        Ok(None) => return Vec::new(),
        Err(why) => return vec![unknown("vmbackup-conf", why.to_string())],
    };
    let lines =
        text.lines().filter_map(|line| line.split(['#', ';']).next()?.split_once(['=', ':']));
    let settings: Vec<(String, &str)> =
        lines.map(|(key, value)| (key.trim().to_lowercase(), value.trim())).collect();
    let is = |key: &str, word: &str| {
        settings.iter().any(|own| own.0 == key && own.1.eq_ignore_ascii_case(word))
    };
    let told = |facts: String, action: &str| warning("vmbackup-conf", facts, action);
    let mut found = Vec::new();
    if is("isanysnapshotfailed", "true") {
        let action = "set it to false, and keep Site Recovery and the backup at different hours";
        let finding = problem("vmbackup-conf", "isanysnapshotfailed is true", action);
        found.push(finding.explained("ExtensionFailedSnapshotLimitReachedError"));
    }
    if is("fsfreeze", "false") {
        let action = "file systems are not frozen, so points are crash-consistent";
        found.push(told("fsfreeze is false".to_owned(), action));
    }
    let known = mounts(&tree.text("proc/self/mountinfo").ok().flatten().unwrap_or_default());
    let skipped = settings.iter().filter(|own| own.0 == "mountstoskip");
    let is_gone = |point: &&str| {
        !point.is_empty() && !known.is_empty() && known.iter().all(|own| own.point != *point)
    };
    let skipped = skipped.flat_map(|own| own.1.split(',')).map(str::trim).filter(is_gone);
    for point in some(skipped) {
        let facts = format!("MountsToSkip names {point}, which is not mounted");
        found.push(told(facts, "correct the name, or take it out"));
    }
    let keys = settings.iter().map(|own| own.0.as_str());
    for key in some(keys.filter(|own| !VMBACKUP_KEYS.contains(own))) {
        found.push(told(format!("{key} is no setting of it"), "correct its name"));
    }
    if found.is_empty() {
        found.push(good("vmbackup-conf", format!("/{VMBACKUP} is sound")));
    }
    found
}

/// Other products that want the same snapshots.
fn other_products(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    if tree.names(AGENT).unwrap_or_default().iter().any(|own| own.starts_with(SITE_RECOVERY)) {
        let action = "keep it and the backup at different hours";
        found.push(warning("site-recovery", "Site Recovery is installed", action));
    }
    let is_there = |unit: &str| UNIT_FOLDERS.iter().any(|own| tree.has(&format!("{own}/{unit}")));
    for (_, product) in OTHER_BACKUPS.iter().filter(|own| is_there(own.0)) {
        let facts = format!("{product} is installed");
        let action = "let only one of the two run at a time";
        let finding = warning("other-backup", facts, action);
        found.push(finding.explained("basic-other-backup-running"));
    }
    found
}

fn selinux(tree: &Tree) -> Option<Finding> {
    let text = tree.text("etc/selinux/config").ok()??;
    let mode = text.lines().find_map(|line| line.trim().strip_prefix("SELINUX="))?.trim();
    if mode != "enforcing" {
        return Some(good("selinux", format!("SELinux is {}", visible_line(mode))));
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

/// The file system of the agent's folder lets programs run and files be written.
fn agent_folder(tree: &Tree) -> Option<Finding> {
    let mounts = mounts(&tree.text("proc/self/mountinfo").ok()??);
    let holds =
        |point: &str| point == "/" || format!("/{AGENT}/").starts_with(&format!("{point}/"));
    let own = mounts.iter().filter(|own| holds(&own.point)).max_by_key(|own| own.point.len())?;
    let told = |fault: &str| {
        let facts = format!("/{AGENT} lies on {}, mounted {fault}", visible_line(&own.point));
        problem("noexec", facts, "mount it otherwise: extensions are written and run there")
    };
    Some(match own.options.iter().any(|own| own == "noexec") {
        true => told("noexec"),
        false if own.is_read_only() => told("read-only"),
        false => good("noexec", format!("programs in /{AGENT} can run")),
    })
}

fn dhcp(tree: &Tree) -> Finding {
    let files = match network_files::look(tree) {
        Ok(files) => files,
        Err(why) => return unknown("dhcp", why.to_string()),
    };
    let named = |wanted: Addresses| files.iter().find(|(_, own)| *own == wanted);
    match (named(Addresses::Dhcp), named(Addresses::Fixed)) {
        (Some((path, _)), _) => good("dhcp", format!("/{} asks for addresses", visible_line(path))),
        (None, Some((path, _))) => problem(
            "dhcp",
            format!("/{} sets addresses by itself", visible_line(path)),
            "turn DHCP on, and set a fixed private address in Azure, never inside the guest",
        )
        .explained("net-dhcp-disabled"),
        (None, None) => unknown("dhcp", "no file says how addresses are got"),
    }
}

/// A route to the host's address, or one to everywhere; the table has addresses back to front.
fn route(tree: &Tree) -> Option<Finding> {
    let text = tree.text("proc/net/route").ok()??;
    let targets: Vec<&str> =
        text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    let is_way = |own: &&str| *own == "00000000" || *own == "10813FA8";
    Some(match targets.iter().any(is_way) {
        true => good("route", "there is a way to 168.63.129.16"),
        false => problem(
            "route",
            "there is no way to 168.63.129.16, the address of Azure's host",
            "give the machine a default route",
        ),
    })
}

fn windows_agent(tree: &Tree) -> Finding {
    let program = match tree.bytes(WINDOWS_AGENT, 0, MOST_PROGRAM_BYTES) {
        Ok(Some(program)) => program,
        Ok(None) => {
            let action = "install the agent's MSI as administrator";
            let finding = problem("windows-agent", "there is no VM agent", action);
            return finding.explained("vm-agent-missing");
        }
        Err(why) => return unknown("windows-agent", why.to_string()),
    };
    match product_version(&program) {
        None => unknown("windows-agent", format!("{WINDOWS_AGENT} says no version")),
        Some(own) if own >= OLDEST_WINDOWS => {
            good("windows-agent", format!("agent {}", dotted(own)))
        }
        Some(own) => problem(
            "windows-agent",
            format!("agent {} is older than {}", dotted(own), dotted(OLDEST_WINDOWS)),
            "install the agent's MSI as administrator, while no backup runs",
        )
        .explained("agent-version-too-old"),
    }
}

#[cfg(test)]
mod tests;
