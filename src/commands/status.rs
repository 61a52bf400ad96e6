//! `status`: all on one page.

use super::call::Call;
use super::flags::azure;
use crate::cli::StatusArgs;
use crate::journey::overview::{OverviewOptions, Reach, overview};
use crate::outcome::Ended;

/// Runs `status`.
pub fn run(args: &StatusArgs, call: &Call<'_>) -> Ended {
    let options = OverviewOptions {
        staging: args.staging.clone(),
        reach: if args.offline { Reach::Here } else { Reach::Azure },
        azure: azure(&args.azure),
    };
    Ok(Box::new(overview(&options, &call.desk())?))
}
