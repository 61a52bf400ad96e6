//! Whether this machine can fill drives unattended. Looks at files of the kernel and of the system
//! below a root folder that tests replace; changes nothing.

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use disk_prep::drive::{Kernel, find_all};
use disk_prep::noun::ByteSize;

use super::finding::{Checked, Finding, good, problem, warning};

/// Memory that should be free: queues of ten drives, and the plan of millions of files.
const MEMORY_BYTES: u64 = 1 << 30;
/// Free space for journals and records: some hundred bytes for each file of a data set.
const STATE_BYTES: u64 = 1 << 30;
/// Bits that the kernel's random source gives once it is set up.
const ENTROPY_BITS: u64 = 256;
/// How far the clock may be off the one that runs without power.
pub(super) const CLOCK_SECS: u64 = 120;
/// What is there while a service keeps the time, and its name.
pub(super) const CLOCK_SERVICES: [(&str, &str); 5] = [
    ("run/systemd/timesync/synchronized", "systemd-timesyncd"),
    ("run/chrony/chronyd.pid", "chronyd"),
    ("run/chronyd.pid", "chronyd"),
    ("run/ntpd.pid", "ntpd"),
    ("run/openntpd.pid", "openntpd"),
];
/// Capabilities of `<linux/capability.h>` that the work needs, with what each is for.
const CAPABILITIES: &[(u32, &str, &str)] = &[
    (1, "CAP_DAC_OVERRIDE", "read every file of the source and open drives"),
    (17, "CAP_SYS_RAWIO", "ask drives themselves for their serial and health"),
    (21, "CAP_SYS_ADMIN", "hold drives and flush them"),
];

/// Where records would lie.
#[derive(Debug)]
pub enum Records<'a> {
    /// In this folder, which need not be there yet.
    In(&'a Path),
    /// Nowhere.
    Nowhere {
        /// Why.
        why: String,
    },
}

/// Looks at all of this machine.
pub fn check(records: Records<'_>) -> Checked {
    let host = Host { root: PathBuf::from("/") };
    Checked(vec![
        host.rights(rustix::process::geteuid().is_root()),
        drives(),
        host.power(),
        host.sleep(),
        host.clock(SystemTime::now()),
        host.entropy(),
        host.memory(),
        host.processor(),
        match records {
            Records::In(folder) => space(folder),
            Records::Nowhere { why } => nowhere(why),
        },
        host.machine(),
    ])
}

/// Why this machine is none that drives are filled on, if that is so.
pub fn no_copy_machine() -> Option<String> {
    let Finding { facts, action, .. } = Host { root: PathBuf::from("/") }.machine();
    action.map(|action| format!("this is {facts}; {action}"))
}

/// The drives that the kernel knows.
fn drives() -> Finding {
    let found = match find_all(&Kernel::here()) {
        Ok(found) => found,
        Err(error) => {
            let cause = error.source().map_or(String::new(), |cause| format!(": {cause}"));
            return problem("drives", format!("{error}{cause}"), "mount `/proc` and `/sys`");
        }
    };
    let is_fit = |drive: &disk_prep::drive::Drive| drive.faults().is_empty();
    let fit = found.iter().filter(|(_, drive)| drive.as_ref().is_ok_and(is_fit)).count();
    let facts = format!("{fit} of {} drives will do", found.len());
    match fit {
        0 => warning(
            "drives",
            facts,
            "plug in SATA drives; `azseed drive list` says why one will not do",
        ),
        _ => good("drives", facts),
    }
}

/// Nothing that needs them can run.
fn nowhere(why: String) -> Finding {
    problem("space", why, "name a folder for records with `--state`")
}

/// Room in the state directory, or in the folder that it will be made in.
fn space(folder: &Path) -> Finding {
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let name = folder.display();
    match rustix::fs::statvfs(there) {
        Ok(room) => {
            let bytes = room.f_bavail.saturating_mul(room.f_frsize);
            let facts = format!("{} free for {name}", ByteSize(bytes));
            match bytes {
                STATE_BYTES.. => good("space", facts),
                _ => warning("space", facts, "free space, or name another folder with `--state`"),
            }
        }
        Err(error) => problem(
            "space",
            format!("{name} cannot be looked at: {error}"),
            "check its permissions, or name another folder with `--state`",
        ),
    }
}

/// A machine by its files.
struct Host {
    root: PathBuf,
}

impl Host {
    fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.root.join(path)).is_ok()
    }

    fn folders(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(path)) else { return Vec::new() };
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.flatten().map(name).collect();
        names.sort();
        names
    }

    fn rights(&self, is_root: bool) -> Finding {
        let status = self.text("proc/self/status").unwrap_or_default();
        let hex = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let held = hex.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
        let missing: Vec<String> = CAPABILITIES
            .iter()
            .filter(|(bit, ..)| held >> bit & 1 == 0)
            .map(|(_, name, use_of)| format!("{name} to {use_of}"))
            .collect();
        let who = if is_root { "root" } else { "not root" };
        if missing.is_empty() {
            return good("rights", format!("{who}, with all that is needed"));
        }
        let facts = format!("{who}; missing: {}", missing.join("; "));
        let action = if is_root {
            "run it outside the container or unit that takes these rights away"
        } else {
            "run it as root; image files need no rights"
        };
        problem("rights", facts, action)
    }

    fn power(&self) -> Finding {
        let mut is_mains_off = false;
        let mut batteries = Vec::new();
        for name in self.folders("sys/class/power_supply") {
            let of = |file: &str| self.text(&format!("sys/class/power_supply/{name}/{file}"));
            match of("type").as_deref() {
                Some("Mains" | "USB") => {
                    is_mains_off |= of("type").as_deref() == Some("Mains")
                        && of("online").as_deref() == Some("0");
                }
                // A mouse has a battery too.
                Some("Battery") if of("scope").as_deref() != Some("Device") => {
                    let percent = of("capacity").unwrap_or("?".to_owned());
                    batteries.push((percent, of("status").as_deref() == Some("Discharging")));
                }
                _ => {}
            }
        }
        let Some((percent, _)) = batteries.first() else {
            return good("power", "no battery");
        };
        if is_mains_off || batteries.iter().any(|(_, discharging)| *discharging) {
            let facts = format!("on battery, {percent} %");
            return warning("power", facts, "plug in the mains: filling drives takes hours");
        }
        good("power", format!("on mains, battery at {percent} %"))
    }

    /// Settings of systemd's login manager, as the last word in its files.
    fn login_setting(&self, key: &str) -> Option<String> {
        let folder = "etc/systemd/logind.conf.d";
        let extra = self.folders(folder).into_iter().map(|name| format!("{folder}/{name}"));
        let files = ["usr/lib/systemd/logind.conf", "etc/systemd/logind.conf"].map(str::to_owned);
        files
            .into_iter()
            .chain(extra)
            .filter_map(|file| setting(&self.text(&file)?, key))
            .next_back()
    }

    fn sleep(&self) -> Finding {
        let is_masked = ["sleep.target", "suspend.target"].iter().any(|unit| {
            let link = fs::read_link(self.root.join("etc/systemd/system").join(unit));
            link.is_ok_and(|to| to == Path::new("/dev/null"))
        });
        let states = self.text("sys/power/state").unwrap_or_default();
        if is_masked || !(states.contains("mem") || states.contains("disk")) {
            return good("sleep", "this machine does not go to sleep");
        }
        let mut reasons = Vec::new();
        let idle = self.login_setting("IdleAction").unwrap_or_default();
        if !matches!(idle.as_str(), "" | "ignore" | "lock") {
            reasons.push(format!("does `{idle}` when nobody is there"));
        }
        let lid = self.login_setting("HandleLidSwitch").unwrap_or("suspend".to_owned());
        let has_lid = !self.folders("proc/acpi/button/lid").is_empty();
        if has_lid && !matches!(lid.as_str(), "ignore" | "lock") {
            reasons.push(format!("does `{lid}` when its lid is closed"));
        }
        if reasons.is_empty() {
            return good("sleep", "nothing sends this machine to sleep by itself");
        }
        warning(
            "sleep",
            format!("this machine {}", reasons.join(" and ")),
            "run `systemd-inhibit --what=sleep:idle:handle-lid-switch azseed prep …`",
        )
    }

    fn clock(&self, now: SystemTime) -> Finding {
        let hardware = self.text("sys/class/rtc/rtc0/since_epoch");
        let hardware = hardware.and_then(|secs| secs.parse::<u64>().ok());
        let apart = hardware.and_then(|secs| {
            let other = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(secs))?;
            now.duration_since(other).or_else(|error| Ok::<_, ()>(error.duration())).ok()
        });
        let action = "set it with a time service, for example `timedatectl set-ntp true`: sign-in \
                      and deadlines go by the clock";
        if let Some(apart) = apart.filter(|apart| apart.as_secs() > CLOCK_SECS) {
            let facts = format!("the hardware clock is {} s off", apart.as_secs());
            return warning("clock", facts, action);
        }
        match CLOCK_SERVICES.iter().find(|(path, _)| self.exists(path)) {
            Some((_, name)) => good("clock", format!("kept by {name}")),
            None => warning("clock", "nothing says that it is synchronised", action),
        }
    }

    fn entropy(&self) -> Finding {
        let bits = self.text("proc/sys/kernel/random/entropy_avail");
        let bits = bits.and_then(|bits| bits.parse::<u64>().ok()).unwrap_or(0);
        let facts = format!("{bits} bits of randomness");
        match bits {
            ENTROPY_BITS.. => good("entropy", facts),
            // Kernels before 5.18 count what they give away; the source is set up all the same.
            _ => warning("entropy", facts, "wait a minute after the start; keys are made of it"),
        }
    }

    fn memory(&self) -> Finding {
        let table = self.text("proc/meminfo").unwrap_or_default();
        let bytes = |key: &str| {
            let line = table.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib << 10)
        };
        let (total, free) = (bytes("MemTotal").unwrap_or(0), bytes("MemAvailable").unwrap_or(0));
        let facts = format!("{} of {} are free", ByteSize(free), ByteSize(total));
        match free {
            MEMORY_BYTES.. => good("memory", facts),
            _ => warning("memory", facts, "end other programs, or fill fewer drives at once"),
        }
    }

    fn processor(&self) -> Finding {
        let table = self.text("proc/cpuinfo").unwrap_or_default();
        let flags = table.lines().find_map(|line| {
            let (key, flags) = line.split_once(':')?;
            matches!(key.trim(), "flags" | "Features").then_some(flags)
        });
        let flags: Vec<&str> = flags.unwrap_or_default().split_whitespace().collect();
        let known = ["aes", "sha_ni", "sha2", "avx2", "avx512f"];
        let found: Vec<&str> = known.into_iter().filter(|flag| flags.contains(flag)).collect();
        let has_sha = found.contains(&"sha_ni") || found.contains(&"sha2");
        let facts =
            format!("has {}", if found.is_empty() { "none".into() } else { found.join(", ") });
        if !found.contains(&"aes") {
            let action = "it works, but encrypting will be slower than the drives";
            return warning("processor", format!("{facts}; no AES instructions"), action);
        }
        if !has_sha {
            let action = "it works; with several drives hashing may be slower than they are";
            return warning("processor", format!("{facts}; no SHA instructions"), action);
        }
        good("processor", facts)
    }

    fn machine(&self) -> Finding {
        let dmi = |file: &str| self.text(&format!("sys/class/dmi/id/{file}"));
        let name = [dmi("sys_vendor"), dmi("product_name")];
        let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let plain: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
        let processor = self.text("proc/cpuinfo").unwrap_or_default();
        let is_guest = processor.split_whitespace().any(|word| word == "hypervisor")
            || self.exists("sys/hypervisor/type")
            || GUESTS.iter().any(|guest| plain.contains(guest));
        let kernel = self.text("proc/sys/kernel/osrelease").unwrap_or_default();
        if kernel.to_lowercase().contains("microsoft") {
            return warning(
                "machine",
                "Linux on Windows (WSL), which passes no drives on",
                "fill drives on another machine that has the staging path",
            );
        }
        if self.exists("run/.containerenv") || self.exists(".dockerenv") {
            return warning(
                "machine",
                "a container, which may not see drives that are plugged in later",
                "run it on the machine itself",
            );
        }
        let shown = if plain.is_empty() { "no name".to_owned() } else { plain };
        if is_guest {
            return warning(
                "machine",
                format!("a virtual machine ({shown}); its disks are no drives that can be shipped"),
                "stage here, and run `prep` on a physical machine that has the staging path, or \
                 pass the drives' controller through",
            );
        }
        good("machine", format!("a physical machine ({shown})"))
    }
}

/// Names that hypervisors give their guests.
const GUESTS: &[&str] =
    &["QEMU", "KVM", "VMware", "VirtualBox", "Virtual Machine", "Xen", "Bochs", "Parallels"];

/// The last value of a key in a file of `[Section]` and `Key=value` lines.
fn setting(text: &str, key: &str) -> Option<String> {
    let value = |line: &str| {
        Some(line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim().to_owned())
    };
    text.lines().filter_map(value).next_back()
}

#[cfg(test)]
mod tests;
