//! `packing-slip`: what goes into a parcel, and its labels.

use super::call::Call;
use super::flags;
use crate::cli::PackingSlipArgs;
use crate::journey::job::{MeantJob, slips};
use crate::journey::paper;
use crate::outcome::Ended;
use crate::report::slip::SlipsShown;

/// Runs `packing-slip`.
pub fn run(args: &PackingSlipArgs, call: &Call<'_>) -> Ended {
    let (options, desk) = (flags::job(&args.target, call)?, call.desk());
    let slips = slips(&MeantJob::new(&options, &desk)?, args.html.as_deref(), &desk)?;
    let shown = SlipsShown { slips, page: args.html.clone() };
    if let Some(path) = &shown.page {
        paper::write(path, &shown.html())?;
    }
    Ok(Box::new(shown))
}
