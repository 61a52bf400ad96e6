//! `plan`: how many drives are needed, and what goes where.

use super::call::Call;
use super::flags::work;
use crate::cli::PlanArgs;
use crate::journey::plan::{count, place};
use crate::outcome::Ended;

/// Runs `plan`.
pub fn run(args: &PlanArgs, call: &Call<'_>) -> Ended {
    let (options, desk) = (work(&args.source, call), &call.desk());
    match args.with.size {
        Some(size) => Ok(Box::new(count(&options, size, desk)?)),
        None => Ok(Box::new(place(&options, &args.with.named, desk)?)),
    }
}
