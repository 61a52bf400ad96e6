//! `plan`: how many drives are needed, and what goes where; or, before anything is staged, what a
//! seed would be.

use super::call::Call;
use super::filter_words::choice;
use super::flags::work;
use crate::cli::{AHEAD_FLAGS, PlanArgs, STAGED_FLAGS};
use crate::journey::estimate::{EstimateOptions, estimate};
use crate::journey::plan::{count, place};
use crate::outcome::{Ended, IdleWord};

/// Runs `plan`.
pub fn run(args: &PlanArgs, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    let is_staged = args.source.staging.is_some() || args.source.dataset.is_some();
    if call.is_typed("sources") || !is_staged {
        expect_unsaid(&STAGED_FLAGS, call)?;
        let options = EstimateOptions {
            sources: args.ahead.sources.clone(),
            choice: choice(&args.ahead.filters)?,
            uplink: args.ahead.uplink,
            drives: args.with.named.clone(),
            size: args.with.size,
        };
        return Ok(Box::new(estimate(options, desk)?));
    }
    expect_unsaid(&AHEAD_FLAGS, call)?;
    let options = work(&args.source, call)?;
    match args.with.size {
        Some(size) => Ok(Box::new(count(&options, size, desk)?)),
        None => Ok(Box::new(place(&options, &args.with.named, desk)?)),
    }
}

/// Refuses the first of these flags that was typed.
fn expect_unsaid(flags: &[(&str, &'static str)], call: &Call<'_>) -> Result<(), IdleWord> {
    match flags.iter().find(|(id, _)| call.is_typed(id)) {
        Some((_, word)) => Err(IdleWord { word }),
        None => Ok(()),
    }
}
