//! A policy in the service's form, there and back.

use disk_prep::noun::{KeepDays, KeepRule, Schedule, Weekdays};
use jiff::civil::{DateTime, Time};
use serde::{Deserialize, Serialize};

use super::policy::{Range, VmPolicy};
use super::zones;

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WEEKS: [&str; 4] = ["First", "Second", "Third", "Fourth"];
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
/// The day that stands before times of which only the time counts.
const DAY: &str = "2026-01-01";

/// The properties of a policy.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Properties {
    backup_management_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instant_rp_retention_range_in_days: Option<u8>,
    schedule_policy: SchedulePolicy,
    retention_policy: RetentionPolicy,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchedulePolicy {
    schedule_policy_type: String,
    #[serde(default)]
    schedule_run_frequency: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule_run_days: Option<Vec<String>>,
    #[serde(default)]
    schedule_run_times: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetentionPolicy {
    retention_policy_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_schedule: Option<Kept>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weekly_schedule: Option<Kept>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monthly_schedule: Option<Kept>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    yearly_schedule: Option<Kept>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    days_of_the_week: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    months_of_year: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retention_schedule_format_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retention_schedule_weekly: Option<Weekly>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retention_schedule_daily: Option<Daily>,
    #[serde(default)]
    retention_times: Vec<String>,
    retention_duration: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Weekly {
    days_of_the_week: Vec<String>,
    weeks_of_the_month: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Daily {
    days_of_the_month: Vec<Day>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    date: i8,
    is_last: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Duration {
    count: u16,
    duration_type: String,
}

fn days(own: &Weekdays) -> Vec<String> {
    let name = |day: &i8| DAYS[usize::try_from(day - 1).unwrap_or_default()].to_owned();
    own.numbers().iter().map(name).collect()
}

/// The service's form of a policy that keeps the service's rules.
pub(super) fn properties(policy: &VmPolicy) -> Option<Properties> {
    let (at, run_days) = policy.runs()?;
    let times = vec![format!("{DAY}T{}Z", at.strftime("%H:%M:%S"))];
    let kept = |range: Range| policy.rule(range).map(|rule| kept(range, rule, &times));
    Some(Properties {
        backup_management_type: "AzureIaasVM".to_owned(),
        time_zone: Some(zones::windows(policy.zone.as_str())?.to_owned()),
        policy_type: Some("V1".to_owned()),
        instant_rp_retention_range_in_days: Some(policy.instant_days),
        schedule_policy: SchedulePolicy {
            schedule_policy_type: "SimpleSchedulePolicy".to_owned(),
            schedule_run_frequency: if run_days.is_some() { "Weekly" } else { "Daily" }.to_owned(),
            schedule_run_days: run_days.as_ref().map(days),
            schedule_run_times: times.clone(),
        },
        retention_policy: RetentionPolicy {
            retention_policy_type: "LongTermRetentionPolicy".to_owned(),
            daily_schedule: kept(Range::Daily),
            weekly_schedule: kept(Range::Weekly),
            monthly_schedule: kept(Range::Monthly),
            yearly_schedule: kept(Range::Yearly),
        },
    })
}

fn kept(range: Range, rule: &KeepRule, times: &[String]) -> Kept {
    let unit = match range {
        Range::Daily => "Days",
        Range::Weekly => "Weeks",
        Range::Monthly => "Months",
        Range::Yearly => "Years",
    };
    let month = |number: &i8| MONTHS[usize::try_from(number - 1).unwrap_or_default()].to_owned();
    let mut own = Kept {
        days_of_the_week: None,
        months_of_year: None,
        retention_schedule_format_type: None,
        retention_schedule_weekly: None,
        retention_schedule_daily: None,
        retention_times: times.to_vec(),
        retention_duration: Duration { count: rule.kept().0, duration_type: unit.to_owned() },
    };
    if range == Range::Yearly {
        own.months_of_year = Some(rule.months().iter().map(month).collect());
    }
    match rule.days() {
        KeepDays::Every => {}
        KeepDays::Week(all) => own.days_of_the_week = Some(days(all)),
        KeepDays::Nth(places, all) => {
            let week = |place: &i8| match usize::try_from(*place) {
                Ok(place) => WEEKS[place - 1].to_owned(),
                Err(_) => "Last".to_owned(),
            };
            own.retention_schedule_format_type = Some("Weekly".to_owned());
            own.retention_schedule_weekly = Some(Weekly {
                days_of_the_week: days(all),
                weeks_of_the_month: places.iter().map(week).collect(),
            });
        }
        KeepDays::Month(all) => {
            let day = |day: &i8| Day { date: (*day).max(0), is_last: *day < 0 };
            own.retention_schedule_format_type = Some("Daily".to_owned());
            own.retention_schedule_daily =
                Some(Daily { days_of_the_month: all.iter().map(day).collect() });
        }
    }
    own
}

/// Whether two policies are the same to the service, however they are said.
pub(super) fn is_same(one: &VmPolicy, other: &VmPolicy) -> bool {
    let form = |own: &VmPolicy| serde_json::to_value(properties(own)?).ok();
    form(one).is_some_and(|own| Some(own) == form(other))
}

/// A policy of the service in the words of the house; `None` if it says what those cannot.
pub(super) fn policy(own: &Properties) -> Option<VmPolicy> {
    let schedule = &own.schedule_policy;
    if schedule.schedule_policy_type != "SimpleSchedulePolicy" {
        return None;
    }
    let zone = zones::iana(own.time_zone.as_deref().unwrap_or("UTC"))?.parse().ok()?;
    let at = time(schedule.schedule_run_times.first()?)?;
    let schedule = match schedule.schedule_run_frequency.as_str() {
        "Daily" => Schedule::Day { at },
        "Weekly" => Schedule::Weekdays { on: weekdays(schedule.schedule_run_days.as_ref()?)?, at },
        _ => return None,
    };
    let RetentionPolicy {
        daily_schedule, weekly_schedule, monthly_schedule, yearly_schedule, ..
    } = &own.retention_policy;
    let ranges = [daily_schedule, weekly_schedule, monthly_schedule, yearly_schedule];
    let rules: Option<Vec<KeepRule>> = ranges.into_iter().flatten().map(sentence).collect();
    let instant_days = own.instant_rp_retention_range_in_days.unwrap_or(2);
    Some(VmPolicy { schedule, zone, rules: rules?, instant_days })
}

fn time(text: &str) -> Option<Time> {
    let bare = text.trim_end_matches('Z').trim_end_matches("+00:00");
    bare.parse::<DateTime>().ok().map(DateTime::time)
}

fn weekdays(names: &[String]) -> Option<Weekdays> {
    let number = |name: &String| {
        let at = DAYS.iter().position(|own| own.eq_ignore_ascii_case(name))?;
        i8::try_from(at + 1).ok()
    };
    Weekdays::of(names.iter().map(number).collect::<Option<_>>()?)
}

/// A rule as its sentence, which is read like any other.
fn sentence(own: &Kept) -> Option<KeepRule> {
    let Duration { count, duration_type } = &own.retention_duration;
    let months = match &own.months_of_year {
        Some(all) if all.len() < 12 => all.join(", "),
        _ => "the month".to_owned(),
    };
    let days = match (&own.days_of_the_week, &own.retention_schedule_weekly) {
        (Some(days), None) => format!("every {}", days.join(", ")),
        (_, Some(weekly)) => {
            let weeks = weekly.weeks_of_the_month.join(", ");
            format!("{weeks} {} of {months}", weekly.days_of_the_week.join(", "))
        }
        (None, None) => match &own.retention_schedule_daily {
            Some(daily) => {
                let day = |own: &Day| match own.is_last {
                    true => "last".to_owned(),
                    false => own.date.to_string(),
                };
                let all: Vec<String> = daily.days_of_the_month.iter().map(day).collect();
                format!("day {} of {months}", all.join(", "))
            }
            None => "every day".to_owned(),
        },
    };
    format!("{days} for {count} {duration_type}").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The example of seed 001 as the service's own examples write it (`vault-and-vm-backup` 4).
    fn gfs() -> Value {
        let times = json!(["2026-01-01T02:00:00Z"]);
        let long = |count: u32, unit: &str| json!({"count": count, "durationType": unit});
        json!({
            "backupManagementType": "AzureIaasVM", "timeZone": "UTC", "policyType": "V1",
            "instantRpRetentionRangeInDays": 2,
            "schedulePolicy": {
                "schedulePolicyType": "SimpleSchedulePolicy", "scheduleRunFrequency": "Daily",
                "scheduleRunTimes": times,
            },
            "retentionPolicy": {
                "retentionPolicyType": "LongTermRetentionPolicy",
                "dailySchedule": {"retentionTimes": times, "retentionDuration": long(30, "Days")},
                "weeklySchedule": {
                    "daysOfTheWeek": ["Sunday"], "retentionTimes": times,
                    "retentionDuration": long(104, "Weeks"),
                },
                "monthlySchedule": {
                    "retentionScheduleFormatType": "Weekly", "retentionScheduleWeekly": {
                        "daysOfTheWeek": ["Sunday"], "weeksOfTheMonth": ["Last"],
                    },
                    "retentionTimes": times, "retentionDuration": long(120, "Months"),
                },
                "yearlySchedule": {
                    "retentionScheduleFormatType": "Weekly", "monthsOfYear": ["January"],
                    "retentionScheduleWeekly": {
                        "daysOfTheWeek": ["Sunday"], "weeksOfTheMonth": ["First"],
                    },
                    "retentionTimes": times, "retentionDuration": long(99, "Years"),
                },
            },
        })
    }

    #[test]
    fn the_example_of_generations_is_sent_as_the_service_writes_it() {
        let text = "schedule = \"daily 02:00\"\nkeep = [\"every day for 30 days\", \
                    \"every Sunday for 104 weeks\", \"last Sunday of the month for 120 months\", \
                    \"first Sunday of January for 99 years\"]";
        let own = VmPolicy::from_toml(text).unwrap();
        assert_eq!(serde_json::to_value(properties(&own).unwrap()).unwrap(), gfs());
        let back: Properties = serde_json::from_value(gfs()).unwrap();
        assert_eq!(policy(&back), Some(own));
    }

    #[test]
    fn every_kind_of_rule_comes_back_as_it_went() {
        for text in [
            "schedule = \"sun,wed 23:30\"\ntime-zone = \"Europe/Berlin\"\ninstant-days = 5\n\
             keep = [\"every Wednesday, Sunday for 12 weeks\", \
             \"first, third Sunday of the month for 6 months\"]",
            "schedule = \"daily 00:00\"\nkeep = [\"every day for 90 days\", \
             \"day 1, 15, last of the month for 12 months\", \
             \"last day of March, June, September, December for 7 years\"]",
        ] {
            let own = VmPolicy::from_toml(text).unwrap();
            let sent = serde_json::to_value(properties(&own).unwrap()).unwrap();
            let back: Properties = serde_json::from_value(sent).unwrap();
            assert_eq!(policy(&back), Some(own), "{text}");
        }
    }

    #[test]
    fn policies_are_compared_as_the_service_has_them() {
        let own = |text: &str| VmPolicy::from_toml(text).unwrap();
        let one = own(
            "schedule = \"sun 02:00\"\ntime-zone = \"Asia/Kolkata\"\nkeep = [\"last Sunday of the month for 3 months\", \"every Sunday for 9 weeks\"]",
        );
        let sent = serde_json::to_value(properties(&one).unwrap()).unwrap();
        let back = policy(&serde_json::from_value(sent).unwrap()).unwrap();
        assert!(one != back && is_same(&one, &back), "{back:?}");
        let other = own("schedule = \"sun 02:30\"\nkeep = [\"every Sunday for 9 weeks\"]");
        assert!(!is_same(&one, &other));
    }

    #[test]
    fn a_policy_that_the_words_cannot_say_is_none() {
        let mut own = gfs();
        own["schedulePolicy"]["schedulePolicyType"] = "SimpleSchedulePolicyV2".into();
        assert_eq!(policy(&serde_json::from_value(own).unwrap()), None);
    }
}
