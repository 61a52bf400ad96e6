//! `check`: whether everything is in place.

use super::call::Call;
use crate::check::host;
use crate::cli::{CheckArgs, CheckCommand};
use crate::outcome::Ended;

/// Runs `check`.
pub fn run(args: &CheckArgs, call: &Call<'_>) -> Ended {
    match args.command {
        CheckCommand::Host => Ok(Box::new(host::check(call.desk().state()?.folder()))),
    }
}
