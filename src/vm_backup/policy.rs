//! A policy of the service in the words of the house, its file, and the rules that it must keep
//! before it is sent (`vault-and-vm-backup` 4).

use std::fmt;

use disk_prep::limits::{
    INSTANT_DAYS, POLICY_DAYS, POLICY_MOST_MONTHS, POLICY_MOST_WEEKS, POLICY_MOST_YEARS,
};
use disk_prep::noun::{KeepDays, KeepRule, KeepUnit, Schedule, Weekdays, ZoneName};
use jiff::civil::Time;
use serde::de::DeserializeOwned;

use super::zones;

/// The service's own where nothing is said.
const DEFAULT_INSTANT_DAYS: u8 = 2;

/// When backups are made, and how long their points are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmPolicy {
    /// When.
    pub schedule: Schedule,
    /// The zone of the schedule and of the rules' days.
    pub zone: ZoneName,
    /// How long.
    pub rules: Vec<KeepRule>,
    /// So many days snapshots stay beside the machine.
    pub instant_days: u8,
}

/// The fields of its file.
const FIELDS: [&str; 4] = ["schedule", "time-zone", "keep", "instant-days"];

/// A field of a file; a value of another kind is a fault, and keeps no other from being read.
fn field<T: DeserializeOwned>(
    file: &toml::Table,
    name: &'static str,
    faults: &mut Vec<PolicyFault>,
) -> Option<T> {
    let read = file.get(name)?.clone().try_into();
    read.map_err(|error: toml::de::Error| {
        faults.push(PolicyFault::Kind(name, error.message().to_owned()));
    })
    .ok()
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyFault {
    /// The file has no proper form.
    Form(String),
    /// A field that no policy has.
    Field(String),
    /// A field that is not of its kind.
    Kind(&'static str, String),
    /// There is no schedule.
    NoSchedule,
    /// The schedule cannot be read.
    Schedule(String),
    /// Backups on neither days nor days of the week.
    Frequency(Schedule),
    /// A time that is not at a full or half hour.
    Minutes(Time),
    /// A zone that this machine or the service does not know, and those that look like it.
    Zone(String, Vec<&'static str>),
    /// A rule that cannot be read.
    Rule(String, String),
    /// A rule that is of none of the four ranges.
    Range(KeepRule),
    /// Two rules of one range.
    Twice(&'static str),
    /// Daily backups without a rule for every day.
    NoDaily,
    /// Weekly backups with a rule for every day.
    Daily,
    /// Weekly backups whose weekly rule names other days, or is missing.
    OtherDays(Weekdays),
    /// A rule that names days without a backup.
    NoBackup(KeepRule),
    /// Days of instant points out of their bounds.
    Instant(i64),
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyFault::Form(why) => write!(f, "the file is no policy: {why}"),
            PolicyFault::Field(name) => write!(f, "{name}: no policy has this field"),
            PolicyFault::Kind(name, why) => write!(f, "{name}: {why}"),
            PolicyFault::NoSchedule => f.write_str("schedule: missing field"),
            PolicyFault::Schedule(why) => write!(f, "schedule: {why}"),
            PolicyFault::Frequency(schedule) => write!(
                f,
                "schedule: {schedule}; the standard policy makes backups daily or on days of the week"
            ),
            PolicyFault::Minutes(at) => {
                write!(f, "schedule: {}; only full and half hours are taken", at.strftime("%H:%M"))
            }
            PolicyFault::Zone(name, near) => {
                write!(f, "time-zone: {name} is not known; near it are {}", near.join(", "))
            }
            PolicyFault::Rule(rule, why) => write!(f, "keep: {rule:?}: {why}"),
            PolicyFault::Range(rule) => write!(
                f,
                "keep: \"{rule}\": the service keeps every day for days, days of the week for weeks, \
                 days of the month for months, days of named months for years"
            ),
            PolicyFault::Twice(range) => {
                write!(f, "keep: two {range} rules; the service takes one of each range")
            }
            PolicyFault::NoDaily => {
                f.write_str("keep: daily backups need a rule such as \"every day for 30 days\"")
            }
            PolicyFault::Daily => f.write_str("keep: weekly backups have no rule for every day"),
            PolicyFault::OtherDays(days) => write!(
                f,
                "keep: weekly backups need a rule such as \"every {days} for 12 weeks\", of the same days"
            ),
            PolicyFault::NoBackup(rule) => {
                write!(f, "keep: \"{rule}\" names days without a backup")
            }
            PolicyFault::Instant(days) => {
                let (first, last) = (INSTANT_DAYS.start(), INSTANT_DAYS.end());
                write!(f, "instant-days: {days}; from {first} to {last} are taken")
            }
        }
    }
}

/// The ranges of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Range {
    pub const ALL: [Range; 4] = [Range::Daily, Range::Weekly, Range::Monthly, Range::Yearly];

    /// The range that a rule is of.
    pub fn of(rule: &KeepRule) -> Option<Self> {
        let is_every_month = rule.months().len() == 12;
        match (rule.days(), rule.kept().1, is_every_month) {
            (KeepDays::Every, KeepUnit::Day, true) => Some(Range::Daily),
            (KeepDays::Week(_), KeepUnit::Week, true) => Some(Range::Weekly),
            (KeepDays::Nth(..) | KeepDays::Month(_), KeepUnit::Month, true) => Some(Range::Monthly),
            (KeepDays::Nth(..) | KeepDays::Month(_), KeepUnit::Year, _) => Some(Range::Yearly),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Range::Daily => "daily",
            Range::Weekly => "weekly",
            Range::Monthly => "monthly",
            Range::Yearly => "yearly",
        }
    }
}

impl VmPolicy {
    /// One of these rules with a backup a night.
    pub fn plain(rules: Vec<KeepRule>) -> Self {
        VmPolicy {
            schedule: Schedule::Day { at: jiff::civil::time(2, 0, 0, 0) },
            zone: "UTC".parse().expect("every machine knows it"),
            rules,
            instant_days: DEFAULT_INSTANT_DAYS,
        }
    }

    /// Reads a file; everything that is wrong with it is told at once.
    pub fn from_toml(text: &str) -> Result<Self, Vec<PolicyFault>> {
        let form = |error: toml::de::Error| vec![PolicyFault::Form(error.message().to_owned())];
        let file: toml::Table = text.parse().map_err(form)?;
        let unknown = file.keys().filter(|own| !FIELDS.contains(&own.as_str()));
        let faults = &mut unknown.cloned().map(PolicyFault::Field).collect();
        let mut rules = Vec::new();
        for text in field::<Vec<String>>(&file, "keep", faults).unwrap_or_default() {
            match text.parse::<KeepRule>() {
                Ok(rule) => rules.push(rule),
                Err(error) => faults.push(PolicyFault::Rule(text, error.rule.to_owned())),
            }
        }
        let instant = field(&file, "instant-days", faults);
        let instant = instant.unwrap_or_else(|| i64::from(DEFAULT_INSTANT_DAYS));
        let instant_days = u8::try_from(instant).ok().filter(|_| INSTANT_DAYS.contains(&instant));
        let mut policy = VmPolicy::plain(rules);
        match instant_days {
            Some(days) => policy.instant_days = days,
            None => faults.push(PolicyFault::Instant(instant)),
        }
        // What cannot be read keeps nothing else from being judged.
        if let Some(zone) = field::<String>(&file, "time-zone", faults) {
            match zone.parse::<ZoneName>() {
                Ok(zone) => policy.zone = zone,
                Err(_) => faults.push(PolicyFault::Zone(zone.clone(), zones::nearest(&zone))),
            }
        }
        if !file.contains_key("schedule") {
            faults.push(PolicyFault::NoSchedule);
        }
        let schedule = field::<String>(&file, "schedule", faults);
        match schedule.map(|own| own.parse::<Schedule>()) {
            Some(Ok(schedule)) => {
                policy.schedule = schedule;
                faults.extend(policy.faults());
            }
            unread => {
                let why = unread.and_then(Result::err).map(|error| error.rule.to_owned());
                faults.extend(why.map(PolicyFault::Schedule));
                faults.extend(policy.faults_at_any_time());
            }
        }
        if faults.is_empty() { Ok(policy) } else { Err(std::mem::take(faults)) }
    }

    /// The lines of a file that says the same.
    pub fn to_toml(&self) -> Vec<String> {
        let when = match &self.schedule {
            Schedule::Week { on, at } => {
                let days = Weekdays::of(vec![on.to_monday_one_offset()]);
                format!(
                    "{} {}",
                    days.map(|own| own.short()).unwrap_or_default(),
                    at.strftime("%H:%M")
                )
            }
            Schedule::Weekdays { on, at } => format!("{} {}", on.short(), at.strftime("%H:%M")),
            Schedule::Day { at } => format!("daily {}", at.strftime("%H:%M")),
            other => other.to_string(),
        };
        let mut lines = vec![
            format!("schedule = \"{}\"", when.to_lowercase()),
            format!("time-zone = \"{}\"", self.zone),
            format!("instant-days = {}", self.instant_days),
            "keep = [".to_owned(),
        ];
        lines.extend(self.rules.iter().map(|rule| format!("  \"{rule}\",")));
        lines.push("]".to_owned());
        lines
    }

    /// The time of day, and the days of the week unless it is every day.
    pub(super) fn runs(&self) -> Option<(Time, Option<Weekdays>)> {
        match &self.schedule {
            Schedule::Day { at } => Some((*at, None)),
            Schedule::Week { on, at } => {
                Some((*at, Some(Weekdays::of(vec![on.to_monday_one_offset()])?)))
            }
            Schedule::Weekdays { on, at } => Some((*at, Some(on.clone()))),
            Schedule::Hours { .. } | Schedule::Calendar { .. } => None,
        }
    }

    /// The rule of a range.
    pub(super) fn rule(&self, range: Range) -> Option<&KeepRule> {
        self.rules.iter().find(|rule| Range::of(rule) == Some(range))
    }

    /// What the service would refuse.
    pub fn faults(&self) -> Vec<PolicyFault> {
        let mut faults = self.faults_at_any_time();
        let Some((at, days)) = self.runs() else {
            faults.push(PolicyFault::Frequency(self.schedule.clone()));
            return faults;
        };
        if at.minute() % 30 != 0 || at.second() != 0 {
            faults.push(PolicyFault::Minutes(at));
        }
        match days {
            None if self.rule(Range::Daily).is_none() => faults.push(PolicyFault::NoDaily),
            None => {}
            Some(days) => faults.extend(self.weekly_faults(&days)),
        }
        faults
    }

    /// Rules that the service may refuse, a sentence each: their bounds are told by many and not by
    /// its documentation (`vault-and-vm-backup` 4).
    pub fn doubts(&self) -> Vec<String> {
        let doubt = |rule: &KeepRule| {
            let (count, unit) = rule.kept();
            let (least, most) = match unit {
                KeepUnit::Day => (*POLICY_DAYS.start(), *POLICY_DAYS.end()),
                KeepUnit::Week => (1, POLICY_MOST_WEEKS),
                KeepUnit::Month => (1, POLICY_MOST_MONTHS),
                KeepUnit::Year => (1, POLICY_MOST_YEARS),
            };
            (!(least..=most).contains(&count)).then(|| {
                format!(
                    "\"{rule}\" may be refused by Azure, which is said to keep {least} to {most}"
                )
            })
        };
        self.rules.iter().filter_map(doubt).collect()
    }

    /// What it would refuse whenever backups are made.
    fn faults_at_any_time(&self) -> Vec<PolicyFault> {
        let mut faults = Vec::new();
        if zones::windows(self.zone.as_str()).is_none() {
            let name = self.zone.as_str();
            faults.push(PolicyFault::Zone(name.to_owned(), zones::nearest(name)));
        }
        for rule in self.rules.iter().filter(|rule| Range::of(rule).is_none()) {
            faults.push(PolicyFault::Range(rule.clone()));
        }
        for range in Range::ALL {
            if self.rules.iter().filter(|rule| Range::of(rule) == Some(range)).count() > 1 {
                faults.push(PolicyFault::Twice(range.word()));
            }
        }
        faults
    }

    fn weekly_faults(&self, days: &Weekdays) -> Vec<PolicyFault> {
        let mut faults = Vec::new();
        if self.rule(Range::Daily).is_some() {
            faults.push(PolicyFault::Daily);
        }
        let weekly = self.rule(Range::Weekly).map(KeepRule::days);
        if !matches!(weekly, Some(KeepDays::Week(own)) if own == days) {
            faults.push(PolicyFault::OtherDays(days.clone()));
        }
        let is_run = |own: &Weekdays| own.numbers().iter().all(|day| days.numbers().contains(day));
        let of_month = [Range::Monthly, Range::Yearly].into_iter().filter_map(|own| self.rule(own));
        for rule in of_month {
            if !matches!(rule.days(), KeepDays::Nth(_, own) if is_run(own)) {
                faults.push(PolicyFault::NoBackup(rule.clone()));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GFS: &str = "schedule = \"daily 02:00\"\ntime-zone = \"UTC\"\ninstant-days = 2\nkeep = [\n  \
        \"every day for 30 days\",\n  \"every Sunday for 104 weeks\",\n  \
        \"last Sunday of the month for 120 months\",\n  \"first Sunday of January for 99 years\",\n]";

    #[test]
    fn a_file_becomes_a_policy_and_its_file_is_the_same() {
        let policy = VmPolicy::from_toml(GFS).unwrap();
        assert_eq!(policy.to_toml().join("\n"), GFS);
        let weekly = "schedule = \"sun 03:30\"\nkeep = [\"every Sunday for 12 weeks\"]";
        let policy = VmPolicy::from_toml(weekly).unwrap();
        assert_eq!(VmPolicy::from_toml(&policy.to_toml().join("\n")).unwrap(), policy);
        assert_eq!((policy.instant_days, policy.zone.as_str()), (2, "UTC"));
    }

    #[test]
    fn all_that_the_service_would_refuse_is_told_at_once_and_by_name() {
        let told = |text: &str| -> Vec<String> {
            let faults = VmPolicy::from_toml(text).unwrap_err();
            faults.iter().map(ToString::to_string).collect()
        };
        let all = told(
            "schedule = \"daily 02:10\"\ntime-zone = \"Europe/Berlim\"\ninstant-days = 9\nextra = 1\n\
             keep = [\"every Sunday for 3 days\", \"always\"]",
        );
        for word in
            ["extra:", "time-zone: Europe/Berlim", "Europe/Berlin", "\"always\"", "instant-days: 9"]
        {
            assert!(all.iter().any(|own| own.contains(word)), "{word}: {all:#?}");
        }
        // A zone or a schedule that cannot be read keeps nothing else from being told.
        for word in ["02:10", "\"every Sunday for 3 days\": the service", "daily backups need"] {
            assert!(all.iter().any(|own| own.contains(word)), "{word}: {all:#?}");
        }
        let all = told(
            "schedule = \"noon\"\ntime-zone = \"Europe/Berlim\"\nkeep = [\"every Sunday for 3 days\", \
             \"every day for 3 days\", \"every day for 9 days\", \"every day for 0 days\"]",
        );
        for word in ["schedule: ", "Europe/Berlin", "\"every Sunday", "two daily", "for 0 days"] {
            assert!(all.iter().any(|own| own.contains(word)), "{word}: {all:#?}");
        }
        let all = told("schedule = \"daily 02:10\"\nkeep = [\"every Sunday for 3 days\"]");
        for word in ["02:10", "every Sunday for 3 days", "daily backups need"] {
            assert!(all.iter().any(|own| own.contains(word)), "{word}: {all:#?}");
        }
        for (text, word) in [
            ("schedule = \"every 4 hours\"\nkeep = [\"every day for 3 days\"]", "daily or on days"),
            (
                "schedule = \"sun 02:00\"\nkeep = [\"every day for 3 days\"]",
                "no rule for every day",
            ),
            ("schedule = \"sun 02:00\"\nkeep = [\"every Monday for 3 weeks\"]", "of the same days"),
            (
                "schedule = \"sun 02:00\"\nkeep = [\"every Sunday for 3 weeks\", \
                 \"first Monday of the month for 3 months\"]",
                "without a backup",
            ),
            (
                "schedule = \"daily 02:00\"\nkeep = [\"every day for 3 days\", \"every day for 9 days\"]",
                "two daily rules",
            ),
            ("schedule = \"daily 02:00\"", "daily backups need"),
            ("schedule = \"noon\"\nkeep = []", "schedule:"),
            ("keep = []", "schedule: missing field"),
            ("keep = 5", "schedule: missing field"),
            ("schedule = 5\nkeep = 5", "schedule: invalid type: integer"),
            ("schedule = 5\nkeep = 5", "keep: invalid type: integer"),
            ("schedule = 5\nkeep = [true]", "keep: invalid type: boolean"),
            ("instant-days = \"2\"\ntime-zone = 5", "instant-days: invalid type"),
            ("instant-days = \"2\"\ntime-zone = 5", "time-zone: invalid type"),
            ("schedule = ", "the file is no policy"),
        ] {
            let all = told(text);
            assert!(all.iter().any(|own| own.contains(word)), "{word}: {all:#?}");
        }
    }

    #[test]
    fn a_rule_beyond_what_is_said_of_azure_is_doubted_and_not_refused() {
        let doubts = |rules: &str| {
            let text = format!("schedule = \"daily 02:00\"\nkeep = [{rules}]");
            VmPolicy::from_toml(&text).unwrap().doubts()
        };
        let fit = "\"every day for 7 days\", \"every Sunday for 5163 weeks\", \
                   \"first Sunday of the month for 1188 months\", \
                   \"first Sunday of January for 99 years\"";
        assert_eq!(doubts(fit), Vec::<String>::new());
        assert!(doubts("\"every day for 9999 days\"").is_empty());
        let beyond = "\"every day for 6 days\", \"every Sunday for 5164 weeks\", \
                      \"first Sunday of the month for 1189 months\", \
                      \"first Sunday of January for 100 years\"";
        let told = doubts(beyond);
        for (told, bound) in told.iter().zip(["7 to 9999", "1 to 5163", "1 to 1188", "1 to 99"]) {
            assert!(told.ends_with(bound), "{told}");
        }
        assert_eq!(told.len(), 4);
        assert_eq!(doubts("\"every day for 10000 days\"").len(), 1);
    }
}
