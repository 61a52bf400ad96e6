//! Arguments of `vault policy`. What changes a record is named on the command line, so these flags
//! have no variable.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::noun::{KeepRule, Schedule, ZoneName};
use jiff::civil::Date;

use super::keep_counts::KeepCounts;
use super::moment::day;

/// `vault policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say which snapshots are kept, and how long
    #[command(after_help = "Examples:\n  \
        azseed vault policy set --template gfs-example --vault office\n  \
        azseed vault policy set --keep \"every day for 30 days\" \\\n    \
        --keep \"last Sunday of the month for 120 months\"\n\n\
        A rule says on which days a backup is kept and for how long: `every day`,\n\
        `every Sunday`, `mon, fri`, `first Sunday of January`, `last day of the\n\
        quarter`, `day 1, 15 of the month`, then `for 12 months`. What any rule or\n\
        count keeps is kept; of one day, the last.")]
    Set(PolicyArgs),
    /// Say in words which snapshots are kept, and how long
    Show {
        /// Also each snapshot, and why it is kept or let go
        #[arg(long)]
        snapshots: bool,
    },
    /// Show which backups would be kept in the end, and why
    #[command(after_help = "Example:\n  \
        azseed vault policy simulate --template gfs-example --years 100")]
    Simulate(SimulateArgs),
    /// Print a template as a file for `vault policy set --file`
    Template {
        /// Its name
        name: String,
    },
    /// List the templates
    Templates,
}

/// A policy.
#[derive(Debug, Clone, Default, Args)]
pub struct PolicyArgs {
    /// One that is known by a name; `vault policy templates` lists them
    #[arg(long, value_name = "NAME", conflicts_with_all = COUNTS, conflicts_with_all = ["file", "keep"])]
    pub template: Option<String>,
    /// A TOML file: the list `keep` of rules, and keep-daily to keep-yearly
    #[arg(long, value_name = "FILE", conflicts_with_all = COUNTS, conflicts_with = "keep")]
    pub file: Option<PathBuf>,
    /// A rule, such as "every Sunday for 104 weeks"; repeat for more
    #[arg(long, value_name = "RULE")]
    pub keep: Vec<KeepRule>,
    /// Counts.
    #[command(flatten)]
    pub counts: KeepCounts,
}

const COUNTS: [&str; 4] = ["keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"];

/// Arguments of `vault policy simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The policy; without it that of the vault.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// When backups are made; without it as the vault's are
    #[arg(long, value_name = "WHEN")]
    pub schedule: Option<Schedule>,
    /// The zone of days and times; without it that of the vault
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<ZoneName>,
    /// The first day; today if not said
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub from: Option<Date>,
    /// For so many years, 1 to 100
    #[arg(long, value_name = "COUNT", default_value = "10")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=100))]
    pub years: u8,
}
