//! Machines of files, each with one thing that a person should know.

use super::*;
use crate::check::finding::Grade;
use disk_prep::noun::ErrorKind;

fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let root = folder.path().to_owned();
    (folder, Host { root })
}

fn graded(files: &[(&str, &str)], look: impl Fn(&Host) -> Finding) -> (Grade, String) {
    let (_folder, host) = host(files);
    let finding = look(&host);
    assert_eq!(finding.grade == Grade::Good, finding.action.is_none(), "a fault says what to do");
    (finding.grade, finding.facts)
}

#[test]
fn rights_are_capabilities_not_the_name_root() {
    let of = |caps: &str, is_root| {
        let status = format!("Name:\tx\nCapEff:\t{caps}\n");
        graded(&[("proc/self/status", &status)], |host| host.rights(is_root))
    };
    assert_eq!(of("000001ffffffffff", true).0, Grade::Good);
    let (grade, facts) = of("00000000a80425fb", true);
    assert_eq!(grade, Grade::Problem(ErrorKind::Failed));
    assert!(facts.contains("CAP_SYS_RAWIO") && !facts.contains("DAC"), "{facts}");
    assert!(of("0000000000000000", false).1.starts_with("not root; missing"));
    assert_eq!(of("hostile", true).0, Grade::Problem(ErrorKind::Failed));
}

#[test]
fn a_laptop_on_battery_is_warned_of_and_a_mouse_is_not() {
    let power = |files: &[(&str, &str)]| graded(files, Host::power);
    let (bat, ac) = ("sys/class/power_supply/BAT0", "sys/class/power_supply/AC");
    let laptop = |online, status| {
        power(&[
            (&format!("{ac}/type"), "Mains\n"),
            (&format!("{ac}/online"), online),
            (&format!("{bat}/type"), "Battery\n"),
            (&format!("{bat}/capacity"), "81\n"),
            (&format!("{bat}/status"), status),
        ])
    };
    assert_eq!(laptop("1\n", "Charging\n"), (Grade::Good, "on mains, battery at 81 %".into()));
    assert_eq!(laptop("0\n", "Discharging\n"), (Grade::Warning, "on battery, 81 %".into()));
    let mouse = "sys/class/power_supply/hid-1/";
    let mouse = [("type", "Battery"), ("scope", "Device"), ("status", "Discharging")]
        .map(|(file, text)| (format!("{mouse}{file}"), text));
    let mouse: Vec<(&str, &str)> =
        mouse.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    assert_eq!(power(&mouse), (Grade::Good, "no battery".into()));
    assert_eq!(power(&[]).0, Grade::Good);
}

#[test]
fn what_sends_the_machine_to_sleep_is_named() {
    let state = ("sys/power/state", "freeze mem disk\n");
    let sleep = |files: &[(&str, &str)]| graded(&[&[state], files].concat(), Host::sleep);
    assert_eq!(sleep(&[]).0, Grade::Good);
    let lid = ("proc/acpi/button/lid/LID0/state", "open");
    assert!(sleep(&[lid]).1.contains("does `suspend` when its lid is closed"));
    let ignored =
        ("etc/systemd/logind.conf", "[Login]\n#HandleLidSwitch=x\nHandleLidSwitch=ignore\n");
    assert_eq!(sleep(&[lid, ignored]).0, Grade::Good);
    let later = ("etc/systemd/logind.conf.d/9.conf", "[Login]\nIdleAction = hibernate\n");
    assert!(sleep(&[ignored, later]).1.contains("`hibernate` when nobody"));
    assert_eq!(graded(&[lid], Host::sleep).0, Grade::Good, "it cannot sleep at all");
    let (folder, masked) = host(&[state, lid, ("etc/systemd/system/x", "")]);
    let link = folder.path().join("etc/systemd/system/sleep.target");
    std::os::unix::fs::symlink("/dev/null", link).unwrap();
    assert_eq!(masked.sleep().grade, Grade::Good);
}

#[test]
fn a_clock_that_nobody_keeps_or_that_is_off_is_warned_of() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let clock = |files: &[(&str, &str)]| graded(files, |host| host.clock(now));
    let kept = ("run/systemd/timesync/synchronized", "");
    assert_eq!(clock(&[]).0, Grade::Warning);
    assert_eq!(clock(&[kept]).0, Grade::Good);
    assert_eq!(clock(&[("run/chrony/chronyd.pid", "7")]).1, "kept by chronyd");
    let rtc = "sys/class/rtc/rtc0/since_epoch";
    assert_eq!(clock(&[kept, (rtc, "1799999990")]).0, Grade::Good);
    assert_eq!(clock(&[kept, (rtc, "1800003600")]).1, "the hardware clock is 3600 s off");
    assert_eq!(clock(&[kept, (rtc, "18446744073709551615")]).0, Grade::Good, "no such time");
}

#[test]
fn memory_randomness_and_instructions_are_read_from_the_kernel() {
    let memory = |text: &str| graded(&[("proc/meminfo", text)], Host::memory);
    let table = "MemTotal:       24684084 kB\nMemFree: 1 kB\nMemAvailable:   21869268 kB\n";
    assert_eq!(memory(table).0, Grade::Good);
    assert_eq!(memory("MemTotal: 900000 kB\nMemAvailable: 100000 kB\n").0, Grade::Warning);
    assert_eq!(memory("nonsense").0, Grade::Warning);
    let entropy = |text| graded(&[("proc/sys/kernel/random/entropy_avail", text)], Host::entropy).0;
    assert_eq!((entropy("256\n"), entropy("12\n")), (Grade::Good, Grade::Warning));
    let processor = |flags: &str| {
        graded(
            &[("proc/cpuinfo", &format!("model name\t: x\nflags\t\t: {flags}\n"))],
            Host::processor,
        )
    };
    assert_eq!(processor("fpu aes avx2 sha_ni").1, "has aes, sha_ni, avx2");
    assert!(processor("fpu aes").1.contains("no SHA"));
    assert!(processor("fpu aesni").1.contains("no AES"));
}

#[test]
fn a_virtual_machine_is_known_by_its_name_or_by_its_processor() {
    let machine = |files: &[(&str, &str)]| graded(files, Host::machine);
    let vendor = |name| ("sys/class/dmi/id/sys_vendor", name);
    assert_eq!(machine(&[vendor("Dell Inc.\n")]).1, "a physical machine (Dell Inc.)");
    assert!(machine(&[vendor("QEMU\n")]).1.starts_with("a virtual machine (QEMU)"));
    assert!(machine(&[("proc/cpuinfo", "flags : aes hypervisor\n")]).1.contains("virtual"));
    assert!(machine(&[("proc/sys/kernel/osrelease", "5.15-microsoft-standard")]).1.contains("WSL"));
    assert!(machine(&[(".dockerenv", "")]).1.contains("container"));
    assert_eq!(machine(&[vendor("\u{1b}[2JEvil")]).1, "a physical machine ([2JEvil)");
}
