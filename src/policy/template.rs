//! Policies that are known by a name, and the file that a policy is written in.

use disk_prep::noun::{KeepRule, unknown_fields};
use serde::{Deserialize, Serialize};

use super::rules::Policy;
use super::spans::Retention;

/// A policy that is known by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    rules: &'static [&'static str],
}

/// Those that there are.
pub const TEMPLATES: [Template; 3] = [
    Template {
        name: "default",
        about: "as Azure Backup keeps where nothing else is said",
        rules: &["every day for 30 days"],
    },
    Template {
        name: "gfs-example",
        about: "days, weeks, months and years, each kept longer than the one before",
        rules: &[
            "every day for 30 days",
            "every Sunday for 104 weeks",
            "last Sunday of the month for 120 months",
            "first Sunday of January for 99 years",
        ],
    },
    Template {
        name: "quarter-end-audit",
        about: "days for operations, the end of each quarter for auditors",
        rules: &[
            "every day for 90 days",
            "last day of March, June, September, December for 7 years",
        ],
    },
];

impl Template {
    /// The one of this name.
    pub fn find(name: &str) -> Option<Self> {
        TEMPLATES.into_iter().find(|own| own.name.eq_ignore_ascii_case(name))
    }

    /// What it keeps.
    pub fn policy(&self) -> Policy {
        let rule = |text: &&str| text.parse().expect("a test reads every template");
        Policy { rules: self.rules.iter().map(rule).collect(), ..Policy::default() }
    }
}

/// Why a file is no policy.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It is no TOML, or a value is none that a policy has.
    #[error("{}", .0.message())]
    Form(#[from] toml::de::Error),
    /// It has fields that no policy has.
    #[error("it has fields that no policy has: {}", fields.join(", "))]
    Fields {
        /// The fields.
        fields: Vec<String>,
    },
}

/// A policy as a file has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    keep: Vec<KeepRule>,
    keep_daily: Option<u16>,
    keep_weekly: Option<u16>,
    keep_monthly: Option<u16>,
    keep_yearly: Option<u16>,
}

impl Policy {
    /// Reads a file: the list `keep` of rules, and the counts `keep-daily`, `keep-weekly`,
    /// `keep-monthly` and `keep-yearly`.
    pub fn from_toml(text: &str) -> Result<Self, FileFault> {
        let file: File = toml::from_str(text)?;
        let fields = unknown_fields::<File>(&toml::from_str(text)?);
        if !fields.is_empty() {
            return Err(FileFault::Fields { fields });
        }
        let counts = Retention {
            daily: file.keep_daily,
            weekly: file.keep_weekly,
            monthly: file.keep_monthly,
            yearly: file.keep_yearly,
        };
        Ok(Policy { counts, rules: file.keep })
    }

    /// The lines of a file that says the same.
    pub fn to_toml(&self) -> Vec<String> {
        let mut lines = vec!["keep = [".to_owned()];
        lines.extend(self.rules.iter().map(|rule| format!("  \"{rule}\",")));
        lines.push("]".to_owned());
        let counts = self.counts.counts().into_iter().zip(["daily", "weekly", "monthly", "yearly"]);
        lines.extend(counts.filter_map(|(count, span)| Some(format!("keep-{span} = {}", count?))));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_a_policy_and_its_file_says_the_same() {
        for template in TEMPLATES {
            let policy = template.policy();
            assert_eq!(policy.sentences(), template.rules, "{}", template.name);
            assert!(!policy.keeps_all() && !policy.keeps_nothing());
            assert_eq!(Policy::from_toml(&policy.to_toml().join("\n")).unwrap(), policy);
        }
        let both = Policy {
            counts: Retention { weekly: Some(4), yearly: Some(0), ..Retention::default() },
            ..TEMPLATES[0].policy()
        };
        assert_eq!(Policy::from_toml(&both.to_toml().join("\n")).unwrap(), both);
        assert_eq!(Template::find("GFS-Example"), Some(TEMPLATES[1]));
        assert_eq!(Template::find("gfs"), None);
    }

    #[test]
    fn a_file_with_something_else_in_it_is_refused() {
        for wrong in [
            "keep = \"every day for 30 days\"",
            "keep = [\"always\"]",
            "keep-hourly = 3",
            "keep-daily = -1",
            "keep-daily = 70000",
        ] {
            assert!(Policy::from_toml(wrong).is_err(), "{wrong}");
        }
    }
}
