//! A policy as the service reads it: when the next backup is, and how long its point is kept.
//! Knows the standard policy of virtual machines; what is not in proper form is refused, with why.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::Value;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Sunday", Weekday::Sunday),
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
];
const WEEKS: [&str; 5] = ["First", "Second", "Third", "Fourth", "Last"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What is kept of one of the four ranges.
#[derive(Debug)]
struct Range {
    name: &'static str,
    days: Days,
    months: Vec<i8>,
    kept: Span,
}

#[derive(Debug)]
enum Days {
    All,
    Week(Vec<Weekday>),
    /// Days of the week in weeks of the month, 4 for the last.
    Nth(Vec<usize>, Vec<Weekday>),
    /// Days of the month, 0 for the last.
    Month(Vec<i8>),
}

/// A policy that was understood.
#[derive(Debug)]
pub(crate) struct Plan {
    zone: TimeZone,
    at: Time,
    run_days: Option<Vec<Weekday>>,
    ranges: Vec<Range>,
    pub instant_days: i64,
}

/// What is wrong with a policy.
type Wrong = String;

impl Plan {
    /// Reads the properties of a policy.
    pub fn of(properties: &Value) -> Result<Self, Wrong> {
        if properties["backupManagementType"] != "AzureIaasVM" {
            return Err("backupManagementType is not AzureIaasVM".to_owned());
        }
        let schedule = &properties["schedulePolicy"];
        if schedule["schedulePolicyType"] != "SimpleSchedulePolicy" {
            return Err("schedulePolicyType is not SimpleSchedulePolicy".to_owned());
        }
        let retention = &properties["retentionPolicy"];
        if retention["retentionPolicyType"] != "LongTermRetentionPolicy" {
            return Err("retentionPolicyType is not LongTermRetentionPolicy".to_owned());
        }
        let zone = properties["timeZone"].as_str().unwrap_or("UTC");
        let zone = zone_of(zone).ok_or_else(|| format!("timeZone {zone} is not known"))?;
        let at = time(&schedule["scheduleRunTimes"], "scheduleRunTimes")?;
        if at.minute() % 30 != 0 || at.second() != 0 {
            return Err("scheduleRunTimes is not at a full or half hour".to_owned());
        }
        let run_days = match schedule["scheduleRunFrequency"].as_str() {
            Some("Daily") => None,
            Some("Weekly") => Some(days_of(&schedule["scheduleRunDays"], "scheduleRunDays")?),
            other => return Err(format!("scheduleRunFrequency {other:?} is not known")),
        };
        let named = ["dailySchedule", "weeklySchedule", "monthlySchedule", "yearlySchedule"];
        let there = named.into_iter().filter(|name| retention[*name].is_object());
        let ranges: Vec<Range> =
            there.map(|name| range(name, &retention[name], at)).collect::<Result<_, _>>()?;
        let instant_days = properties["instantRpRetentionRangeInDays"].as_i64().unwrap_or(2);
        if !(1..=5).contains(&instant_days) {
            return Err("instantRpRetentionRangeInDays is not from 1 to 5".to_owned());
        }
        let plan = Plan { zone, at, run_days, ranges, instant_days };
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> Result<(), Wrong> {
        let has = |name: &str| self.ranges.iter().find(|own| own.name == name);
        match &self.run_days {
            None => {
                has("dailySchedule").ok_or("a daily schedule without dailySchedule")?;
            }
            Some(run) => {
                if has("dailySchedule").is_some() {
                    return Err("a weekly schedule with dailySchedule".to_owned());
                }
                let weekly =
                    has("weeklySchedule").ok_or("a weekly schedule without weeklySchedule")?;
                let is_same = matches!(&weekly.days, Days::Week(days)
                    if days.iter().all(|day| run.contains(day)) && days.len() == run.len());
                if !is_same {
                    return Err("daysOfTheWeek differ from scheduleRunDays".to_owned());
                }
                let is_run = |days: &[Weekday]| days.iter().all(|day| run.contains(day));
                let stray = self.ranges.iter().find(|own| {
                    matches!(&own.days, Days::Nth(_, days) if !is_run(days))
                        || matches!(own.days, Days::Month(_))
                });
                if let Some(own) = stray {
                    return Err(format!("{} has days without a backup", own.name));
                }
            }
        }
        Ok(())
    }

    /// The first backup after a moment.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let first = after.to_zoned(self.zone.clone()).date();
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(9);
        let is_run =
            |day: &Date| self.run_days.as_ref().is_none_or(|days| days.contains(&day.weekday()));
        let moment = |day: Date| day.to_datetime(self.at).to_zoned(self.zone.clone()).ok();
        let mut all = days.filter(is_run).filter_map(moment).map(|own| own.timestamp());
        all.find(|moment| *moment > after)
    }

    /// Until when a scheduled point of this moment is kept.
    pub fn expiry(&self, time: Timestamp) -> Timestamp {
        let made = time.to_zoned(self.zone.clone());
        let of = |own: &&Range| own.is_on(made.date());
        let ends = self.ranges.iter().filter(of).filter_map(|own| made.checked_add(own.kept).ok());
        ends.map(|end| end.timestamp()).max().unwrap_or(time)
    }
}

impl Range {
    fn is_on(&self, date: Date) -> bool {
        let day = usize::try_from(date.day()).unwrap_or_default();
        let last = usize::try_from(date.days_in_month()).unwrap_or_default();
        let is_last_week = day + 7 > last;
        self.months.contains(&date.month())
            && match &self.days {
                Days::All => true,
                Days::Week(days) => days.contains(&date.weekday()),
                Days::Nth(weeks, days) => {
                    let is_week = weeks.contains(&((day - 1) / 7)) && (day - 1) / 7 < 4
                        || weeks.contains(&4) && is_last_week;
                    is_week && days.contains(&date.weekday())
                }
                Days::Month(days) => days.contains(&date.day()) || days.contains(&0) && day == last,
            }
    }
}

fn range(name: &'static str, own: &Value, at: Time) -> Result<Range, Wrong> {
    if time(&own["retentionTimes"], name)? != at {
        return Err(format!("retentionTimes of {name} differ from scheduleRunTimes"));
    }
    let count = own["retentionDuration"]["count"].as_i64().unwrap_or(0);
    if count < 1 {
        return Err(format!("retentionDuration of {name} is less than 1"));
    }
    let (unit, kept) = match name {
        "dailySchedule" => ("Days", Span::new().try_days(count)),
        "weeklySchedule" => ("Weeks", Span::new().try_weeks(count)),
        "monthlySchedule" => ("Months", Span::new().try_months(count)),
        _ => ("Years", Span::new().try_years(count)),
    };
    let kept = kept.map_err(|error| format!("retentionDuration of {name}: {error}"))?;
    if own["retentionDuration"]["durationType"] != unit {
        return Err(format!("durationType of {name} is not {unit}"));
    }
    let days = match name {
        "dailySchedule" => Days::All,
        "weeklySchedule" => Days::Week(days_of(&own["daysOfTheWeek"], name)?),
        _ => month_days(name, own)?,
    };
    let all = (1..=12).collect();
    let months = if name == "yearlySchedule" { months_of(&own["monthsOfYear"])? } else { all };
    Ok(Range { name, days, months, kept })
}

fn month_days(name: &str, own: &Value) -> Result<Days, Wrong> {
    match own["retentionScheduleFormatType"].as_str() {
        Some("Weekly") => {
            let form = &own["retentionScheduleWeekly"];
            let weeks = words(&form["weeksOfTheMonth"], &WEEKS, name)?;
            Ok(Days::Nth(weeks, days_of(&form["daysOfTheWeek"], name)?))
        }
        Some("Daily") => {
            let form = &own["retentionScheduleDaily"]["daysOfTheMonth"];
            let day = |own: &Value| {
                let date = own["date"].as_i64().and_then(|date| i8::try_from(date).ok());
                if own["isLast"] == true {
                    Some(0)
                } else {
                    date.filter(|day| (1..=28).contains(day))
                }
            };
            let days: Option<Vec<i8>> =
                form.as_array().and_then(|all| all.iter().map(day).collect());
            let days = days.filter(|days| !days.is_empty());
            days.map(Days::Month).ok_or_else(|| format!("daysOfTheMonth of {name} is wrong"))
        }
        _ => Err(format!("retentionScheduleFormatType of {name} is neither Weekly nor Daily")),
    }
}

fn days_of(own: &Value, name: &str) -> Result<Vec<Weekday>, Wrong> {
    let names = WEEKDAYS.map(|(name, _)| name);
    Ok(words(own, &names, name)?.into_iter().map(|at| WEEKDAYS[at].1).collect())
}

fn months_of(own: &Value) -> Result<Vec<i8>, Wrong> {
    let all = words(own, &MONTHS, "monthsOfYear")?;
    Ok(all.into_iter().filter_map(|at| i8::try_from(at + 1).ok()).collect())
}

/// Places of words in a list; one at least.
fn words(own: &Value, known: &[&str], name: &str) -> Result<Vec<usize>, Wrong> {
    let place = |word: &Value| known.iter().position(|own| Some(*own) == word.as_str());
    let all: Option<Vec<usize>> = own.as_array().and_then(|all| all.iter().map(place).collect());
    all.filter(|all| !all.is_empty()).ok_or_else(|| format!("{name} has a word that is not known"))
}

/// The time of day of a list's only date-time.
fn time(own: &Value, name: &str) -> Result<Time, Wrong> {
    let text = own.as_array().filter(|all| all.len() == 1).and_then(|all| all[0].as_str());
    let text = text.ok_or_else(|| format!("{name} is not one time"))?;
    let bare = text.trim_end_matches('Z').trim_end_matches("+00:00");
    let is_whole = bare.contains('T');
    let whole = bare.parse::<DateTime>().ok().filter(|_| is_whole);
    whole.map(DateTime::time).ok_or_else(|| format!("{text} of {name} is no date-time"))
}

fn zone_of(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("UTC") {
        return Some(TimeZone::UTC);
    }
    let line = include_str!("zones.txt").lines().find_map(|line| {
        let (windows, iana) = line.split_once('|')?;
        windows.eq_ignore_ascii_case(name).then_some(iana)
    })?;
    TimeZone::get(line).ok()
}

/// The policy that every vault begins with: daily, kept 30 days.
pub(crate) fn default_properties() -> Value {
    let time = "2026-01-01T02:00:00Z";
    serde_json::json!({
        "backupManagementType": "AzureIaasVM", "timeZone": "UTC", "policyType": "V1",
        "instantRpRetentionRangeInDays": 2,
        "schedulePolicy": {
            "schedulePolicyType": "SimpleSchedulePolicy", "scheduleRunFrequency": "Daily",
            "scheduleRunTimes": [time], "scheduleWeeklyFrequency": 0,
        },
        "retentionPolicy": {
            "retentionPolicyType": "LongTermRetentionPolicy",
            "dailySchedule": {
                "retentionTimes": [time],
                "retentionDuration": { "count": 30, "durationType": "Days" },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_backup_is_at_the_policys_time_in_its_zone() {
        let plan = Plan::of(&default_properties()).unwrap();
        assert_eq!(plan.next(at("2026-11-20T01:59:00Z")), Some(at("2026-11-20T02:00:00Z")));
        assert_eq!(plan.next(at("2026-11-20T02:00:00Z")), Some(at("2026-11-21T02:00:00Z")));
        assert_eq!(plan.expiry(at("2026-11-20T02:00:00Z")), at("2026-12-20T02:00:00Z"));
        let mut there = default_properties();
        there["timeZone"] = "Pacific Standard Time".into();
        let plan = Plan::of(&there).unwrap();
        assert_eq!(plan.next(at("2026-11-20T02:00:00Z")), Some(at("2026-11-20T10:00:00Z")));
        there["timeZone"] = "America/Los_Angeles".into();
        assert!(Plan::of(&there).unwrap_err().contains("timeZone"));
    }

    #[test]
    fn a_point_is_kept_by_the_longest_of_its_ranges() {
        let mut own = default_properties();
        let times = own["schedulePolicy"]["scheduleRunTimes"].clone();
        let duration = |count: u32, unit: &str| json!({"count": count, "durationType": unit});
        own["retentionPolicy"]["yearlySchedule"] = json!({
            "retentionTimes": times, "retentionDuration": duration(99, "Years"),
            "retentionScheduleFormatType": "Weekly", "monthsOfYear": ["January"],
            "retentionScheduleWeekly": {"daysOfTheWeek": ["Sunday"], "weeksOfTheMonth": ["First"]},
        });
        own["retentionPolicy"]["monthlySchedule"] = json!({
            "retentionTimes": times, "retentionDuration": duration(2, "Months"),
            "retentionScheduleFormatType": "Daily",
            "retentionScheduleDaily": {"daysOfTheMonth": [{"date": 0, "isLast": true}]},
        });
        let plan = Plan::of(&own).unwrap();
        let days = |text: &str| {
            let span = plan.expiry(at(text)).duration_since(at(text));
            span.as_hours() / 24
        };
        assert_eq!(days("2027-01-02T02:00:00Z"), 30);
        assert_eq!(days("2027-01-03T02:00:00Z"), 36_159);
        assert_eq!(days("2027-01-31T02:00:00Z"), 59, "to the last of March");
    }

    #[test]
    fn what_is_not_in_proper_form_is_refused_with_why() {
        let wrong = |change: &dyn Fn(&mut Value)| {
            let mut own = default_properties();
            change(&mut own);
            Plan::of(&own).unwrap_err()
        };
        let time = |text: &str| json!([text]);
        for (why, change) in [
            (
                "full or half",
                &(|own: &mut Value| {
                    own["schedulePolicy"]["scheduleRunTimes"] = time("2026-01-01T02:10:00Z");
                }) as &dyn Fn(&mut Value),
            ),
            ("no date-time", &|own| {
                own["schedulePolicy"]["scheduleRunTimes"] = time("02:00");
            }),
            ("differ from", &|own| {
                own["retentionPolicy"]["dailySchedule"]["retentionTimes"] =
                    time("2026-01-01T03:00:00Z");
            }),
            ("less than 1", &|own| {
                own["retentionPolicy"]["dailySchedule"]["retentionDuration"]["count"] = 0.into();
            }),
            ("without dailySchedule", &|own| {
                own["retentionPolicy"]["dailySchedule"] = Value::Null;
            }),
            ("with dailySchedule", &|own| {
                own["schedulePolicy"]["scheduleRunFrequency"] = "Weekly".into();
                own["schedulePolicy"]["scheduleRunDays"] = json!(["Sunday"]);
            }),
            ("from 1 to 5", &|own| own["instantRpRetentionRangeInDays"] = 6.into()),
        ] {
            let said = wrong(change);
            assert!(said.contains(why), "{why}: {said}");
        }
    }
}
