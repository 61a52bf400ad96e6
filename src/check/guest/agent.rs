//! The VM agent of a Linux machine: whether it is there, starts, runs, is new enough, and takes
//! extensions.

use disk_prep::noun::visible_line;

use super::super::agent_units::{AGENT_UNITS, UNIT_FOLDERS};
use super::super::agent_version::{OLDEST_LINUX, Version, dotted, four, leading};
use super::super::finding::{Finding, good, problem, unknown, warning};
use super::super::tree::{Tree, Unseen};
use super::live::Asked;

const CONF: &str = "etc/waagent.conf";
const PROGRAM: &str = "usr/sbin/waagent";
/// What the agent keeps its own in, unless `Lib.Dir` says otherwise.
const LIB: &str = "var/lib/waagent";
/// The agent as systems start it that have no systemd, and where links start it.
const SCRIPTS: [&str; 2] = ["etc/init.d/waagent", "etc/init.d/walinuxagent"];
const LEVELS: [&str; 3] = ["etc/rc3.d", "etc/rc.d/rc3.d", "etc/init.d/rc3.d"];
/// What every VM of Azure has as the tag of its chassis:
/// <https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service>.
const CHASSIS: (&str, &str) =
    ("sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77");
/// The list of Debian's packages; it has some MiB.
const PACKAGES: (&str, u64) = ("var/lib/dpkg/status", 8 << 20);
/// Settings that are told, if they are not as they are of themselves.
const TOLD: [&str; 3] = ["Logs.Verbose", "AutoUpdate.Enabled", "OS.EnableFirewall"];

/// The agent by its settings.
pub(super) struct Agent {
    conf: Result<Option<String>, Unseen>,
    /// What it keeps its own in.
    pub(super) lib: String,
}

/// What starts it.
enum Starter {
    Unit(&'static str),
    Script(&'static str),
}

impl Agent {
    /// The agent of a tree.
    pub(super) fn of(tree: &Tree) -> Self {
        let conf = tree.text(CONF);
        let text = conf.as_ref().ok().and_then(Option::as_deref).unwrap_or_default();
        let lib = setting(text, "Lib.Dir").map(|own| own.trim_matches('/'));
        let lib = lib.filter(|own| !own.is_empty()).unwrap_or(LIB).to_owned();
        Agent { conf, lib }
    }

    /// Whether this is a VM of Azure at all.
    pub(super) fn of_azure(&self, tree: &Tree) -> Finding {
        let tag = tree.text(CHASSIS.0).ok().flatten();
        match tag.as_deref().map(str::trim) {
            Some(tag) if tag == CHASSIS.1 => good("azure", "a VM of Azure"),
            _ if !tree.names(&self.lib).unwrap_or_default().is_empty() => {
                good("azure", format!("/{} is there, as on a VM of Azure", visible_line(&self.lib)))
            }
            _ => warning(
                "azure",
                "nothing says that this is a VM of Azure",
                "all else is checked as if it were",
            ),
        }
    }

    /// All that is to be said of it.
    pub(super) fn look(&self, tree: &Tree, asked: &Asked, install: Option<&str>) -> Vec<Finding> {
        let starter = starter(tree);
        let mut found = vec![presence(tree, starter.as_ref(), install)];
        if starter.is_some() || tree.has(PROGRAM) {
            found.extend([start(tree, starter, asked), self.version(tree, install), self.conf()]);
        }
        found
    }

    /// The version of the package, or that of the newest update that the agent has fetched itself
    /// and may run.
    fn version(&self, tree: &Tree, install: Option<&str>) -> Finding {
        let conf = self.conf.as_ref().ok().and_then(Option::as_deref).unwrap_or_default();
        let takes_updates =
            setting(conf, "AutoUpdate.Enabled").is_none_or(|own| own.eq_ignore_ascii_case("y"));
        let fetched = match takes_updates {
            true => tree.names(&self.lib).unwrap_or_default(),
            false => Vec::new(),
        };
        let fetched = fetched.iter().filter_map(|name| four(name.strip_prefix("WALinuxAgent-")?));
        let Some(newest) = installed(tree).into_iter().chain(fetched).max() else {
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

    fn conf(&self) -> Finding {
        let text = match &self.conf {
            Ok(Some(text)) => text,
            Ok(None) => return unknown("agent-conf", format!("there is no /{CONF}")),
            Err(why) => return unknown("agent-conf", why.to_string()),
        };
        if setting(text, "Extensions.Enabled").is_some_and(|own| !own.eq_ignore_ascii_case("y")) {
            let action = "without extensions no backup can be taken: set Extensions.Enabled=y";
            return problem("agent-conf", "the agent takes no extensions", action);
        }
        let told = TOLD.iter().filter_map(|key| Some(format!("{key}={}", setting(text, key)?)));
        let place = (self.lib != LIB).then(|| format!("it keeps its own in /{}", self.lib));
        let all = ["the agent takes extensions".to_owned()].into_iter().chain(place).chain(told);
        let all = all.collect::<Vec<_>>().join("; ");
        good("agent-conf", visible_line(&all))
    }
}

/// A setting of the agent's file.
fn setting<'a>(conf: &'a str, key: &str) -> Option<&'a str> {
    let of = |line: &'a str| line.split('#').next()?.trim().strip_prefix(key)?.strip_prefix('=');
    conf.lines().filter_map(of).next_back().map(str::trim)
}

/// What starts the agent: a unit, or a script.
fn starter(tree: &Tree) -> Option<Starter> {
    let all = AGENT_UNITS.iter().flat_map(|unit| UNIT_FOLDERS.iter().map(move |own| (*unit, *own)));
    let mut all = all.filter(|(unit, folder)| !is_masked(tree, folder, unit));
    let unit = all.find(|(unit, folder)| tree.has(&format!("{folder}/{unit}")));
    let script = || SCRIPTS.iter().find(|path| tree.has(path));
    let unit = unit.map(|(unit, _)| Starter::Unit(unit));
    unit.or_else(|| script().map(|path| Starter::Script(path)))
}

fn is_masked(tree: &Tree, folder: &str, unit: &str) -> bool {
    tree.link(&format!("{folder}/{unit}")).as_deref() == Some("/dev/null")
}

fn masked(tree: &Tree) -> Option<&'static str> {
    AGENT_UNITS.into_iter().find(|unit| is_masked(tree, UNIT_FOLDERS[0], unit))
}

fn presence(tree: &Tree, starter: Option<&Starter>, install: Option<&str>) -> Finding {
    match starter {
        Some(Starter::Unit(unit)) => good("agent", format!("the VM agent is installed as {unit}")),
        Some(Starter::Script(path)) => good("agent", format!("the VM agent starts by /{path}")),
        None if tree.has(PROGRAM) => {
            warning("agent", "the VM agent is there, and no unit starts it", "install its package")
        }
        None => {
            let action = "install it from the distribution, never from GitHub; a VM that came from \
                          elsewhere has none";
            let found = problem("agent", "there is no VM agent", action);
            with_next(found.explained("vm-agent-missing"), install)
        }
    }
}

fn with_next(found: Finding, line: Option<&str>) -> Finding {
    match line {
        Some(line) => found.next(line),
        None => found,
    }
}

/// Whether it starts with the system, and, on a machine that is up, whether it runs.
fn start(tree: &Tree, starter: Option<Starter>, asked: &Asked) -> Finding {
    if let Some(unit) = masked(tree) {
        let action = "let it start again";
        let next = format!("systemctl unmask {unit} && systemctl enable --now {unit}");
        return problem("agent-on", format!("{unit} is masked"), action).next(next);
    }
    let (name, is_on, lines) = match starter {
        None => return unknown("agent-on", "it has no unit"),
        Some(Starter::Unit(unit)) => {
            let mut wants = UNIT_FOLDERS.iter().map(|own| format!("{own}/multi-user.target.wants"));
            let is_on = wants.any(|folder| tree.has(&format!("{folder}/{unit}")));
            let lines =
                [format!("systemctl enable --now {unit}"), format!("systemctl start {unit}")];
            (unit, is_on, lines)
        }
        Some(Starter::Script(path)) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_own = |link: &String| link.starts_with('S') && link.ends_with(name);
            let mut levels = LEVELS.iter().map(|own| tree.names(own).unwrap_or_default());
            let is_on = levels.any(|names| names.iter().any(is_own));
            let lines = [format!("chkconfig {name} on"), format!("service {name} start")];
            (name, is_on, lines)
        }
    };
    let [enable, begin] = lines;
    if !is_on {
        let facts = format!("{name} does not start with the system");
        return problem("agent-on", facts, "enable it").next(enable);
    }
    if let Some(found) = as_systemd_says(name, asked, &begin) {
        return found;
    }
    match running(tree) {
        Some(false) => {
            let facts = format!("{name} starts with the system, and does not run");
            problem("agent-on", facts, "start it").next(begin)
        }
        Some(true) => good("agent-on", format!("{name} starts with the system, and runs")),
        None => good("agent-on", format!("{name} starts with the system")),
    }
}

/// What systemd says of the unit that starts with the system; `None` if it says nothing of it.
fn as_systemd_says(name: &str, asked: &Asked, begin: &str) -> Option<Finding> {
    let states = match asked {
        Asked::Unasked => return None,
        Asked::Silent(patience) => {
            let facts =
                format!("systemd does not say within {} s whether {name} runs", patience.as_secs());
            return Some(unknown("agent-on", facts));
        }
        Asked::Told(states) => states,
    };
    let (_, state) = AGENT_UNITS.iter().zip(states).find(|(unit, _)| **unit == name)?;
    let facts = |is: &str| format!("{name} starts with the system, and {is}");
    Some(match state.as_str() {
        "active" | "reloading" | "refreshing" => good("agent-on", facts("runs")),
        // One that fails and is started again and again is that most of the time.
        "activating" => unknown("agent-on", facts("is being started: look again in a minute")),
        other => {
            let facts = facts(&visible_line(&format!("is {other} now")));
            problem("agent-on", facts, "start it").next(begin)
        }
    })
}

/// Whether the agent runs, by the process that it wrote down; `None` of a machine that is not up.
fn running(tree: &Tree) -> Option<bool> {
    if !tree.has("proc/1") {
        return None;
    }
    let number = ["run/waagent.pid", "var/run/waagent.pid"]
        .iter()
        .find_map(|path| tree.text(path).ok()??.trim().parse::<u32>().ok());
    Some(number.is_some_and(|number| tree.has(&format!("proc/{number}"))))
}

/// The versions that files of its package say.
fn installed(tree: &Tree) -> Vec<Version> {
    let folders = ["usr/lib", "usr/lib64"].iter().flat_map(|lib| {
        let pythons = tree.names(lib).unwrap_or_default().into_iter();
        let pythons = pythons.filter(|name| name.starts_with("python"));
        pythons.map(move |own| format!("{lib}/{own}")).collect::<Vec<_>>()
    });
    let places =
        folders.flat_map(|own| ["dist", "site"].map(|kind| format!("{own}/{kind}-packages")));
    let of_line = |line: &str| {
        let own = line.strip_prefix("AGENT_VERSION = ")?;
        four(own.trim().trim_matches(['\'', '"']))
    };
    let mut found: Vec<Version> = places
        .filter_map(|own| tree.text(&format!("{own}/azurelinuxagent/common/version.py")).ok()?)
        .filter_map(|text| text.lines().find_map(of_line))
        .collect();
    found.extend(old_program(tree));
    found.extend(of_package(tree));
    found
}

/// The version of an agent of the time when it was one file.
fn old_program(tree: &Tree) -> Option<Version> {
    let text = tree.text(PROGRAM).ok()??;
    let line = text.lines().find_map(|line| line.strip_prefix("GuestAgentVersion"))?;
    let own = line.split_once("WALinuxAgent-")?.1;
    four(own.trim_end().trim_end_matches(['"', '\'']))
}

/// The version of Debian's package.
fn of_package(tree: &Tree) -> Option<Version> {
    let list = tree.bytes(PACKAGES.0, 0, PACKAGES.1).ok()??;
    let list = String::from_utf8_lossy(&list);
    let mut is_own = false;
    for line in list.lines() {
        match line.split_once(": ") {
            Some(("Package", name)) => is_own = ["waagent", "walinuxagent"].contains(&name.trim()),
            Some(("Version", version)) if is_own => return leading(version),
            _ => {}
        }
    }
    None
}
