//! `cleanup`: what the vault holds is cleared elsewhere.

use super::call::Call;
use super::flags::vault;
use crate::cli::CleanupArgs;
use crate::journey::cleanup::clear;
use crate::outcome::Ended;

/// Runs `cleanup`.
pub fn run(args: &CleanupArgs, call: &Call<'_>) -> Ended {
    Ok(Box::new(clear(&vault(&args.target), &call.desk())?))
}
