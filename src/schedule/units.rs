//! A timer and a service of systemd that run a vault, or all disks' backups. The service is closed as far as a run allows:
//! it reads everything, writes to few folders, and no mount of its own lies over a source, since a
//! run takes a source below another mount point for one that is not there.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use disk_prep::noun::{Schedule, VaultName, ZoneName};
use jiff::civil::Time;
use jiff::{ToSpan, Zoned};

use super::turns::turns;

/// How our units begin, so that nobody else's is replaced or deleted.
const HEADER: &str = "# Written by azseed";
/// Where files of variables for services stand.
const VARIABLES: &str = "/etc/azseed";
/// Clocks are changed twice a year, by rules that are known for so many years at least.
const KNOWN_YEARS: i64 = 2;

/// How a vault's or the disks' units are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitForm {
    /// As a timer and a service of their own.
    Whole,
    /// As what differs from the package's units.
    DropIn,
}

/// Whose units they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitOf {
    /// A vault's.
    Vault(VaultName),
    /// Those of all disks that this machine backs up.
    Disks,
}

/// What a service runs.
#[derive(Debug, Clone)]
pub struct Service {
    /// Whose it is.
    pub of: UnitOf,
    /// This program, by its whole path.
    pub program: PathBuf,
    /// The arguments of its call.
    pub call: Vec<String>,
    /// Files and folders that it writes to.
    pub writes: Vec<PathBuf>,
    /// Programs that it calls.
    pub hooks: Hooked,
}

/// Whether a run calls programs of the user, which may need more than the run itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hooked {
    /// It calls some.
    Some,
    /// It calls none.
    None,
}

/// A word that no unit can hold.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} has a character that cannot stand in a unit of systemd")]
pub struct UnfitWord {
    word: String,
}

impl UnitOf {
    /// The forms in which its units may stand.
    pub fn forms(&self) -> &'static [UnitForm] {
        match self {
            UnitOf::Vault(_) => &[UnitForm::Whole, UnitForm::DropIn],
            // The package has none for disks.
            UnitOf::Disks => &[UnitForm::Whole],
        }
    }

    /// The name of the units of a form, without its ending.
    pub fn name(&self, form: UnitForm) -> String {
        let UnitOf::Vault(vault) = self else { return "azseed-disks".to_owned() };
        let vault = vault.as_str().to_lowercase();
        match form {
            UnitForm::Whole => format!("azseed-vault-{vault}"),
            UnitForm::DropIn => format!("azseed-vault@{vault}"),
        }
    }

    /// Where the variables stand that its service gets beside its own: what signs it in, for one. The
    /// package's units read the same.
    pub fn variables(&self) -> PathBuf {
        let name = match self {
            UnitOf::Vault(vault) => vault.as_str().to_lowercase(),
            UnitOf::Disks => "disks".to_owned(),
        };
        PathBuf::from(format!("{VARIABLES}/{name}.env"))
    }

    /// Whether a unit was written for it.
    pub fn is_of(&self, text: &str) -> bool {
        let first = text.lines().next().unwrap_or_default();
        first.eq_ignore_ascii_case(&self.header())
    }

    fn header(&self) -> String {
        let command = match self {
            UnitOf::Vault(_) => "`azseed vault schedule`",
            UnitOf::Disks => "`azseed disk-backup schedule`",
        };
        format!("{HEADER} for {self}; {command} writes it anew")
    }
}

impl fmt::Display for UnitOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnitOf::Vault(vault) => write!(f, "vault {vault}"),
            UnitOf::Disks => f.write_str("disks"),
        }
    }
}

/// When the timer of all disks calls: as often as a disk may have a point; a call for which nothing is
/// due asks nothing of anybody.
pub fn disk_times() -> Vec<String> {
    vec!["OnCalendar=*:0/10".to_owned()]
}

/// The timer.
pub fn timer(of: &UnitOf, times: &[String], form: UnitForm) -> String {
    let (header, times) = (of.header(), times.join("\n"));
    match form {
        UnitForm::Whole => format!(
            "{header}\n[Unit]\nDescription=When azseed runs for {of}\n\n[Timer]\n{times}\n\
             Persistent=true\nAccuracySec=1min\n\n[Install]\nWantedBy=timers.target\n"
        ),
        // The empty one takes the package's times away.
        UnitForm::DropIn => {
            format!("{header}\n[Timer]\nOnCalendar=\n{times}\nRandomizedDelaySec=0\n")
        }
    }
}

/// When a vault's timer calls.
pub fn times(schedule: &Schedule, zone: Option<&ZoneName>, now: &Zoned) -> Vec<String> {
    let line = |calendar: String| {
        let is_expression = matches!(schedule, Schedule::Calendar { .. });
        let zone = zone.filter(|_| !is_expression).map(|zone| format!(" {zone}"));
        format!("OnCalendar={calendar}{}", zone.unwrap_or_default())
    };
    calendars(schedule, now).into_iter().map(line).collect()
}

/// The times as systemd writes them (systemd.time(7)). It leaves a time out on the day on which a
/// change of clocks skips it; the moment after the gap then calls once more, and on all other days
/// finds that nothing is due.
fn calendars(schedule: &Schedule, now: &Zoned) -> Vec<String> {
    let clock = |time: &Time| time.strftime("%H:%M:%S").to_string();
    let (first, times) = match schedule {
        Schedule::Day { at } => (format!("*-*-* {}", clock(at)), vec![*at]),
        Schedule::Week { on, at } => {
            let day = format!("{on:?}");
            let day = day.get(..3).unwrap_or(&day).to_owned();
            (format!("{day} *-*-* {}", clock(at)), vec![*at])
        }
        Schedule::Weekdays { on, at } => (format!("{} *-*-* {}", on.short(), clock(at)), vec![*at]),
        Schedule::Hours { count } => {
            let hours = (0..24).step_by(count.hours().unsigned_abs().into());
            let times = hours.map(|hour| Time::constant(hour, 0, 0, 0)).collect();
            (format!("*-*-* 00/{}:00:00", count.hours()), times)
        }
        Schedule::Calendar { expression } => return vec![expression.as_str().to_owned()],
    };
    let end = now.checked_add(KNOWN_YEARS.years()).unwrap_or_else(|_| now.clone());
    let known = turns(schedule, now).take_while(|turn| *turn < end).map(|turn| turn.time());
    let moved: BTreeSet<Time> = known.filter(|time| !times.contains(time)).collect();
    let more = moved.iter().map(|time| format!("*-*-* {}", clock(time)));
    std::iter::once(first).chain(more).collect()
}

/// The service.
pub fn service(own: &Service, form: UnitForm) -> Result<String, UnfitWord> {
    let program = quoted(&shown(&own.program)?)?;
    let words: Result<Vec<String>, _> = own.call.iter().map(|word| quoted(word)).collect();
    let command = format!("{program} {}", words?.join(" ")).replace('$', "$$");
    let (command, header) = (format!("ExecStart={command}"), own.of.header());
    let mut writes = Vec::new();
    for path in &own.writes {
        // What is not there yet, or no longer, keeps nothing from beginning.
        writes.push(format!("ReadWritePaths={}\n", quoted(&format!("-{}", shown(path)?))?));
    }
    let (writes, name) = (writes.concat(), own.of.name(form));
    if form == UnitForm::DropIn {
        let system = if own.hooks == Hooked::Some { OPENED } else { writes.as_str() };
        return Ok(format!("{header}\n[Service]\nExecStart=\n{command}\n{system}"));
    }
    let system = match own.hooks {
        Hooked::Some => "ProtectSystem=full\n".to_owned(),
        Hooked::None => format!("ProtectSystem=strict\n{writes}{CLOSED}"),
    };
    let what = match &own.of {
        UnitOf::Vault(vault) => format!("takes the seed in and backs up for vault {vault}"),
        UnitOf::Disks => "backs disks up".to_owned(),
    };
    let variables = own.of.variables();
    let variables = variables.display();
    // Images that are backed up may be block devices.
    let devices = match &own.of {
        UnitOf::Vault(_) => "",
        UnitOf::Disks => "DeviceAllow=block-* r\n",
    };
    Ok(format!(
        "{header}\n[Unit]\nDescription=azseed {what}\n\
         Wants=network-online.target\nAfter=network-online.target\nStartLimitIntervalSec=6h\n\
         StartLimitBurst=5\n\n[Service]\nType=oneshot\nEnvironmentFile=-{variables}\n{command}\n\
         NotifyAccess=main\nWatchdogSec=10min\n\
         Restart=on-failure\nRestartPreventExitStatus=1 2 3 4 5 10 12 13\nSuccessExitStatus=130\nRestartSec=15min\n\
         RuntimeDirectory={name}\nEnvironment=TMPDIR=%t/{name}\nUMask=0077\nNice=10\n\
         IOSchedulingClass=best-effort\nIOSchedulingPriority=7\n{system}{ALWAYS_CLOSED}{devices}"
    ))
}

/// What no run and no hook needs.
const ALWAYS_CLOSED: &str = "NoNewPrivileges=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
DevicePolicy=closed
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
";

/// What a run by itself does not need: it reads all files, and writes those of others in its staging
/// path.
const CLOSED: &str = "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
KeyringMode=private
";

/// What opens the package's unit, in which all of [`CLOSED`] stands, for what hooks may need.
const OPENED: &str = "ProtectSystem=full
CapabilityBoundingSet=~
RestrictAddressFamilies=
RestrictNamespaces=no
SystemCallFilter=
";

fn shown(path: &Path) -> Result<String, UnfitWord> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| UnfitWord { word: path.to_string_lossy().into_owned() })
}

/// A word in the quotes of systemd.syntax(7), with its `%` as they are meant.
fn quoted(word: &str) -> Result<String, UnfitWord> {
    if word.chars().any(char::is_control) {
        return Err(UnfitWord { word: word.to_owned() });
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./,:=@+-".contains(c);
    let word = if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
    };
    Ok(word.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(schedule: &str, now: &str) -> Vec<String> {
        calendars(&schedule.parse().unwrap(), &now.parse().unwrap())
    }

    #[test]
    fn a_schedule_is_said_as_systemd_does_and_a_skipped_time_has_the_one_after_the_gap() {
        let (utc, berlin) = ("2026-11-20T10:00[UTC]", "2026-11-20T10:00[Europe/Berlin]");
        assert_eq!(lines("daily 02:30", utc), ["*-*-* 02:30:00"]);
        assert_eq!(lines("daily 02:30", berlin), ["*-*-* 02:30:00", "*-*-* 03:30:00"]);
        assert_eq!(lines("daily 23:30", berlin), ["*-*-* 23:30:00"]);
        assert_eq!(lines("sun 02:00", berlin), ["Sun *-*-* 02:00:00", "*-*-* 03:00:00"]);
        assert_eq!(lines("mon,fri 02:00", berlin), ["Mon,Fri *-*-* 02:00:00"]);
        assert_eq!(lines("every 4 hours", berlin), ["*-*-* 00/4:00:00"]);
        assert_eq!(lines("every 2 hours", berlin), ["*-*-* 00/2:00:00", "*-*-* 03:00:00"]);
        assert_eq!(lines("Mon..Fri *-*-* 1:2", berlin), ["Mon..Fri *-*-* 1:2"]);
    }

    #[test]
    fn words_of_a_service_are_taken_as_they_are_and_end_no_line() {
        let own = |words: &[&str]| Service {
            of: UnitOf::Vault("Office".parse().unwrap()),
            program: "/opt/a b/azseed".into(),
            call: words.iter().map(|word| (*word).to_owned()).collect(),
            writes: vec!["/var/lib/azseed".into(), "/srv/100% \"x\"".into()],
            hooks: Hooked::None,
        };
        let text = service(&own(&["--state", "/a$b", "c\\d"]), UnitForm::Whole).unwrap();
        let has = |line: &str| assert!(text.lines().any(|own| own == line), "{line}\n{text}");
        has("ExecStart=\"/opt/a b/azseed\" --state \"/a$$b\" \"c\\\\d\"");
        has("ReadWritePaths=-/var/lib/azseed");
        has("ReadWritePaths=\"-/srv/100%% \\\"x\\\"\"");
        has("ProtectSystem=strict");
        has("NotifyAccess=main");
        has("EnvironmentFile=-/etc/azseed/office.env");
        has("WatchdogSec=10min");
        assert!(UnitOf::Vault("office".parse().unwrap()).is_of(&text));
        assert!(!UnitOf::Vault("other".parse().unwrap()).is_of(&text));
        assert!(!UnitOf::Disks.is_of(&text));
        assert!(service(&own(&["a\nUser=x"]), UnitForm::Whole).is_err());
        let hooked = Service { hooks: Hooked::Some, ..own(&[]) };
        let text = service(&hooked, UnitForm::Whole).unwrap();
        assert!(text.contains("ProtectSystem=full\n") && !text.contains("CapabilityBounding"));
    }

    #[test]
    fn a_drop_in_says_what_differs_from_the_package_and_takes_away_what_it_replaces() {
        let own = Service {
            of: UnitOf::Vault("Office".parse().unwrap()),
            program: "/usr/bin/azseed".into(),
            call: vec!["vault".to_owned(), "run".to_owned()],
            writes: vec!["/mnt/staging".into()],
            hooks: Hooked::None,
        };
        let header =
            "# Written by azseed for vault Office; `azseed vault schedule` writes it anew\n";
        assert_eq!(
            service(&own, UnitForm::DropIn).unwrap(),
            format!(
                "{header}[Service]\nExecStart=\nExecStart=/usr/bin/azseed vault run\n\
                 ReadWritePaths=-/mnt/staging\n"
            )
        );
        let hooked = Service { hooks: Hooked::Some, ..own.clone() };
        let text = service(&hooked, UnitForm::DropIn).unwrap();
        assert!(text.ends_with(OPENED) && !text.contains("ReadWrite"), "{text}");
        // Each thing that the package's unit closes is opened again, in the words of systemd.
        for line in CLOSED.lines().filter(|line| !line.starts_with("KeyringMode")) {
            let (name, _) = line.split_once('=').unwrap();
            let is_of_filter = name == "SystemCallErrorNumber";
            assert!(is_of_filter || OPENED.contains(&format!("{name}=")), "{name}");
        }
        assert_eq!(
            timer(&own.of, &["OnCalendar=*-*-* 23:30:00".to_owned()], UnitForm::DropIn),
            format!(
                "{header}[Timer]\nOnCalendar=\nOnCalendar=*-*-* 23:30:00\nRandomizedDelaySec=0\n"
            )
        );
    }

    #[test]
    fn disks_have_one_timer_and_one_service() {
        let timer = timer(&UnitOf::Disks, &disk_times(), UnitForm::Whole);
        assert!(timer.contains("\nOnCalendar=*:0/10\nPersistent=true\n"), "{timer}");
        assert!(UnitOf::Disks.is_of(&timer));
        let own = Service {
            of: UnitOf::Disks,
            program: "/usr/bin/azseed".into(),
            call: ["disk-backup", "run", "--prune"].map(str::to_owned).to_vec(),
            writes: vec!["/var/lib/azseed".into()],
            hooks: Hooked::None,
        };
        let text = service(&own, UnitForm::Whole).unwrap();
        assert!(text.contains("\nExecStart=/usr/bin/azseed disk-backup run --prune\n"), "{text}");
        assert!(text.contains("\nEnvironmentFile=-/etc/azseed/disks.env\n"), "{text}");
        assert!(text.contains("RuntimeDirectory=azseed-disks\n"), "{text}");
    }

    #[test]
    fn a_timer_names_its_zone_and_catches_up() {
        let vault = UnitOf::Vault("Office".parse().unwrap());
        let zone = "Europe/Berlin".parse().unwrap();
        let now = "2026-11-20T10:00[Europe/Berlin]".parse().unwrap();
        let of = |schedule: &str, zone| {
            timer(&vault, &times(&schedule.parse().unwrap(), zone, &now), UnitForm::Whole)
        };
        let text = of("daily 23:30", Some(&zone));
        assert!(text.contains("\nOnCalendar=*-*-* 23:30:00 Europe/Berlin\nPersistent=true\n"));
        assert!(of("*-*-* 2:00 UTC", Some(&zone)).contains("\nOnCalendar=*-*-* 2:00 UTC\n"));
        assert!(of("daily 23:30", None).contains("\nOnCalendar=*-*-* 23:30:00\n"));
    }
}
