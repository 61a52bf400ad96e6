//! What the agent of a Linux machine needs of it at work: a folder to write and run in, addresses, a way to
//! Azure's host, room to breathe, and the right time.

use std::time::{Duration, SystemTime};

use disk_prep::noun::{ByteSize, visible_line};

use super::super::filesystems::mounts;
use super::super::finding::{Finding, good, problem, unknown, warning};
use super::super::host::{CLOCK_SECS, CLOCK_SERVICES};
use super::super::network_files::{self, Addresses};
use super::super::tree::Tree;

/// An extension is some MiB large, and writes logs and status.
const ROOM_BYTES: u64 = 16 << 20;
/// Above so much a snapshot may wait for too long (`explain snapshot-high-cpu-memory`).
const BUSY_PERCENT: u64 = 90;
/// Units that keep the time, where they are started from.
const CLOCK_UNITS: [&str; 7] = [
    "systemd-timesyncd.service",
    "chronyd.service",
    "chrony.service",
    "ntpd.service",
    "ntp.service",
    "ntpsec.service",
    "openntpd.service",
];
const WANTS: [&str; 2] =
    ["etc/systemd/system/sysinit.target.wants", "etc/systemd/system/multi-user.target.wants"];
/// The same for systems without systemd.
const LEVELS: [&str; 2] = ["etc/rc3.d", "etc/rc.d/rc3.d"];

/// All that is to be said of it. The time, and how busy it is right now, is only known of the machine
/// that this runs on.
pub(super) fn look(
    tree: &Tree,
    lib: &str,
    (now, busy): (Option<SystemTime>, Option<u64>),
) -> Vec<Finding> {
    let mut found: Vec<Finding> = agent_folder(tree, lib).into_iter().collect();
    found.push(dhcp(tree));
    found.extend(route(tree));
    found.extend(load(tree, busy));
    found.push(clock(tree, now));
    found
}

/// The file system of the agent's folder lets programs run and files be written.
fn agent_folder(tree: &Tree, lib: &str) -> Option<Finding> {
    let mounts = mounts(&tree.text("proc/self/mountinfo").ok()??);
    let folder = format!("/{lib}/");
    let holds = |point: &str| point == "/" || folder.starts_with(&format!("{point}/"));
    let own = mounts.iter().filter(|own| holds(&own.point)).max_by_key(|own| own.point.len())?;
    let told = |fault: &str| {
        let facts = format!("/{lib} lies on {}, mounted {fault}", own.point);
        let action = "mount it otherwise: extensions are written and run there";
        problem("noexec", visible_line(&facts), action)
    };
    if own.options.iter().any(|own| own == "noexec") {
        return Some(told("noexec"));
    }
    if own.is_read_only() {
        return Some(told("read-only"));
    }
    Some(room(lib, tree.free_bytes(lib)))
}

/// Whether the folder is full. What is mounted for reading only has no room and need not have.
fn room(lib: &str, free: Option<u64>) -> Finding {
    match free {
        Some(free) if free < ROOM_BYTES => {
            let facts = format!("/{lib} has {} left", ByteSize(free));
            problem("noexec", visible_line(&facts), "free space: extensions are written there")
        }
        _ => good("noexec", visible_line(&format!("programs in /{lib} can run"))),
    }
}

fn dhcp(tree: &Tree) -> Finding {
    let files = match network_files::look(tree) {
        Ok(files) => files,
        Err(why) => return unknown("dhcp", why.to_string()),
    };
    let Some((path, of)) = network_files::first(&files) else {
        return unknown("dhcp", "no file says how addresses are got");
    };
    match of {
        Addresses::Dhcp => {
            let lease = match network_files::names_host(tree) {
                true => ", and a lease names Azure's host",
                false => "",
            };
            good("dhcp", format!("/{} asks for addresses{lease}", visible_line(path)))
        }
        Addresses::Fixed => problem(
            "dhcp",
            format!("/{} sets addresses by itself", visible_line(path)),
            &network_files::mend(path),
        )
        .explained("net-dhcp-disabled"),
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

/// How busy processors were between two looks at `proc/stat`: its first line has what they did since
/// the start, and the fourth and fifth number of it are idling, the fifth while a disk was waited for.
/// <https://docs.kernel.org/filesystems/proc.html#miscellaneous-kernel-statistics-in-proc-stat>
pub fn busy_percent(before: &str, after: &str) -> Option<u64> {
    let spent = |text: &str| -> Option<(u64, u64)> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let all: Vec<u64> =
            line.split_whitespace().take(8).map_while(|own| own.parse().ok()).collect();
        let idle = all.get(3)?.saturating_add(all.get(4).copied().unwrap_or_default());
        Some((all.iter().fold(0_u64, |sum, own| sum.saturating_add(*own)), idle))
    };
    let ((first, first_idle), (last, last_idle)) = (spent(before)?, spent(after)?);
    let total = last.checked_sub(first).filter(|own| *own > 0)?;
    let busy = total.saturating_sub(last_idle.saturating_sub(first_idle));
    u64::try_from(u128::from(busy) * 100 / u128::from(total)).ok()
}

/// Processors and memory, as the last minute had them and as they are now; `None` of a machine that is
/// not up. What is measured decides: in the average also those are counted who wait for a disk.
fn load(tree: &Tree, now: Option<u64>) -> Option<Finding> {
    let averages = tree.text("proc/loadavg").ok()??;
    let stat = tree.text("proc/stat").ok()??;
    let memory = tree.text("proc/meminfo").ok()??;
    let is_one = |line: &&str| {
        let own = line.strip_prefix("cpu").unwrap_or_default();
        own.starts_with(|first: char| first.is_ascii_digit())
    };
    let processors = stat.lines().filter(is_one).count().max(1) as f64;
    let average: f64 = averages.split(' ').next()?.parse().ok()?;
    let kib = |key: &str| -> Option<u64> {
        let own = memory.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        own.trim().split(' ').next()?.parse().ok()
    };
    let total = kib("MemTotal").filter(|own| *own > 0)?;
    // Kernels before 3.14 do not say what is available.
    let free = kib("MemAvailable")
        .or_else(|| Some(kib("MemFree")?.saturating_add(kib("Cached").unwrap_or_default())))?;
    let busy = (average / processors * 100.0).clamp(0.0, 10_000.0) as u64;
    let used = 100 - u128::from(free.min(total)) * 100 / u128::from(total);
    let moment = now.map_or(String::new(), |now| format!("{now} % now, in the last minute to "));
    let facts = format!("processors are busy to {moment}{busy} %, memory is used to {used} %");
    Some(match now.unwrap_or(busy) >= BUSY_PERCENT || used >= u128::from(BUSY_PERCENT) {
        false => good("load", facts),
        true => {
            let action = "choose another hour in the policy, or back up by hand with \
                          `azseed vm backup` when it is quiet";
            warning("load", facts, action).explained("snapshot-high-cpu-memory")
        }
    })
}

/// Whether the time is kept; on the machine that this runs on also against its hardware clock.
fn clock(tree: &Tree, now: Option<SystemTime>) -> Finding {
    let told = |facts: String| {
        let action = "set it with a time service: of a clock that was moved ahead after protection \
                      began, successful backups are not guaranteed";
        warning("clock", facts, action).next("timedatectl set-ntp true")
    };
    let hardware = tree.text("sys/class/rtc/rtc0/since_epoch").ok().flatten();
    let hardware = hardware.and_then(|own| own.trim().parse::<u64>().ok());
    let apart = now.zip(hardware).and_then(|(now, secs)| {
        let other = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(secs))?;
        now.duration_since(other).or_else(|error| Ok::<_, ()>(error.duration())).ok()
    });
    if let Some(apart) = apart.filter(|apart| apart.as_secs() > CLOCK_SECS) {
        return told(format!("the hardware clock is {} s off", apart.as_secs()));
    }
    let running = CLOCK_SERVICES.iter().find(|(path, _)| tree.has(path)).map(|(_, name)| *name);
    let unit = CLOCK_UNITS
        .iter()
        .find(|unit| WANTS.iter().any(|folder| tree.has(&format!("{folder}/{unit}"))));
    let is_script = |link: &String| link.starts_with('S') && link.ends_with("ntpd");
    let script = || {
        let mut levels = LEVELS.iter().map(|own| tree.names(own).unwrap_or_default());
        levels.any(|names| names.iter().any(is_script)).then_some("ntpd")
    };
    match running.or(unit.copied()).or_else(script) {
        Some(name) => good("clock", format!("kept by {name}")),
        None => told("nothing says that the time is kept".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_room_for_no_extension_is_a_problem() {
        let of = |free| room("var/lib/waagent", free).grade.word();
        assert_eq!([of(Some(0)), of(Some(ROOM_BYTES - 1))], ["problem"; 2]);
        assert_eq!([of(Some(ROOM_BYTES)), of(None)], ["good"; 2]);
        assert!(room("x", Some(0)).facts.contains("/x has 0 B left"));
    }

    #[test]
    fn what_processors_do_at_the_moment_is_measured_between_two_looks() {
        let stat = |numbers: &str| format!("cpu  {numbers}\ncpu0 {numbers}\nintr 1\n");
        let begun = stat("100 0 50 1000 50 0 0 0 0 0");
        for (after, busy) in [
            ("100 0 50 1200 50 0 0 0 0 0", Some(0)),
            ("280 0 50 1020 50 0 0 0 0 0", Some(90)),
            // Waiting for a disk is no work, what a host takes away is; guests are counted as users.
            ("100 0 50 1000 250 0 0 0 0 0", Some(0)),
            ("200 0 50 1000 50 0 0 100 200 0", Some(100)),
            ("100 0 50 1000 50 0 0 0 0 0", None),
            ("0 0 0 0 0", None),
            ("18446744073709551615 0 50 18446744073709551615 50", Some(0)),
            ("x", None),
        ] {
            assert_eq!(busy_percent(&begun, &stat(after)), busy, "{after}");
        }
        assert_eq!(busy_percent("", &begun), None);
    }

    #[test]
    fn a_clock_that_is_off_is_told_only_where_the_time_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let rtc = folder.path().join("sys/class/rtc/rtc0");
        std::fs::create_dir_all(&rtc).unwrap();
        std::fs::write(rtc.join("since_epoch"), "1000000\n").unwrap();
        std::fs::create_dir_all(folder.path().join("run/chrony")).unwrap();
        std::fs::write(folder.path().join("run/chrony/chronyd.pid"), "1\n").unwrap();
        let tree = Tree::open(folder.path()).unwrap();
        let at = |secs: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(secs));
        let of = |now| clock(&tree, now).grade.word();
        assert_eq!([of(None), of(at(1_000_120)), of(at(999_880))], ["good"; 3]);
        assert_eq!([of(at(1_000_121)), of(at(999_879))], ["warning"; 2]);
        std::fs::remove_dir_all(folder.path().join("run")).unwrap();
        assert_eq!(of(None), "warning");
    }
}
