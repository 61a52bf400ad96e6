//! How much is kept, by counts of days, weeks, months and years.

use clap::Args;

/// The last of each span, of so many spans that have one.
#[derive(Debug, Clone, Default, Args)]
pub struct KeepCounts {
    /// The last of a day, of so many days that have one
    #[arg(long, value_name = "COUNT")]
    pub keep_daily: Option<u16>,
    /// The last of a week, of so many weeks that have one
    #[arg(long, value_name = "COUNT")]
    pub keep_weekly: Option<u16>,
    /// The last of a month, of so many months that have one
    #[arg(long, value_name = "COUNT")]
    pub keep_monthly: Option<u16>,
    /// The last of a year, of so many years that have one
    #[arg(long, value_name = "COUNT")]
    pub keep_yearly: Option<u16>,
}
