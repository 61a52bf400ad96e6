//! `rehearse`: the whole journey on this machine.

use super::call::Call;
use crate::cli::RehearseArgs;
use crate::journey::rehearse::{RehearseOptions, Rehearsed, rehearse};
use crate::outcome::Ended;

/// Runs `rehearse`.
pub fn run(args: &RehearseArgs, call: &Call<'_>) -> Ended {
    let options = RehearseOptions {
        sources: args.sources.clone(),
        drives: args.drives,
        drive_size: args.drive_size,
        dir: args.dir.clone(),
        keep: args.keep,
        password_file: args.password_file.clone(),
        weak_password: args.weak_password,
    };
    Ok(match rehearse(&options, &call.ui.unattended())? {
        Rehearsed::Whole(summary) => Box::new(summary),
        Rehearsed::Halted(halted) => Box::new(halted),
    })
}
