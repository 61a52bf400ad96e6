//! `pack`: what is in a parcel.

use super::call::Call;
use super::flags;
use crate::cli::{PackArgs, PackCommand};
use crate::journey::job::{MeantJob, check_pack};
use crate::outcome::Ended;

/// Runs `pack`.
pub fn run(args: &PackArgs, call: &Call<'_>) -> Ended {
    let (options, desk) = (flags::job(&args.target, call)?, call.desk());
    let PackCommand::Check { serials } = &args.command;
    Ok(Box::new(check_pack(&MeantJob::new(&options, &desk)?, serials, &desk)?))
}
