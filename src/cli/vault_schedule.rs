//! Arguments of `vault schedule` and what a timer hands to a run.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use disk_prep::noun::{DayWindow, InvalidNoun, Rate, Schedule, ZoneName};

/// Arguments of `vault schedule`.
#[derive(Debug, Args)]
#[command(
    override_usage = "azseed vault schedule [WHEN] [OPTIONS]\n       azseed vault schedule remove"
)]
#[command(
    after_help = "Examples:\n  azseed vault schedule \"daily 23:30\" --vault office --install\n  \
    azseed vault schedule \"mon,wed,fri 22:00\" --time-zone Europe/Berlin\n  \
    azseed vault schedule \"every 4 hours\" --write-units /etc/systemd/system\n\n\
    Without WHEN the schedule stays as it is, and the next times are shown."
)]
pub struct ScheduleArgs {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<ScheduleCommand>,
    /// `daily 23:30`, `sun 03:00`, `mon,wed,fri 22:00`, `every 4 hours`, or an
    /// expression for OnCalendar of systemd
    #[arg(value_name = "WHEN")]
    pub when: Option<Schedule>,
    /// The zone of times and of the policy's days, such as Europe/Berlin, or local
    /// for that of the machine
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<ZoneChoice>,
    /// Write a timer and a service for systemd into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "install")]
    pub write_units: Option<PathBuf>,
    /// Write them where systemd finds them, and start the timer
    #[arg(long)]
    pub install: bool,
    /// How it runs.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `vault schedule` beside saying when.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Stop the timer and delete its units; runs by hand go on
    Remove {
        /// The folder that the units were written into, if they were not installed
        #[arg(long, value_name = "DIR")]
        units: Option<PathBuf>,
    },
}

/// How a run works; the units of `vault schedule` hand it on.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Send at most so much a second, such as 5M or 100Mbit
    #[arg(long, value_name = "RATE", env = "AZSEED_LIMIT")]
    pub limit: Option<Rate>,
    /// Work only between these times of day; what is left goes on in the next run
    #[arg(long, value_name = "HH:MM-HH:MM", env = "AZSEED_WINDOW")]
    pub window: Option<DayWindow>,
    /// Write what came of the run into this file, for Prometheus
    #[arg(long, value_name = "FILE", env = "AZSEED_METRICS_FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// A zone, or that of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneChoice {
    /// Whatever the machine has.
    Local,
    /// This one.
    Named(ZoneName),
}

impl FromStr for ZoneChoice {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        match text {
            "local" => Ok(ZoneChoice::Local),
            name => name.parse().map(ZoneChoice::Named),
        }
    }
}
