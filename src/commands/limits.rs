//! `limits`: what the service sets bounds to.

use crate::cli::{LimitsArgs, LimitsCommand};
use crate::journey::limits::limits;
use crate::outcome::Ended;

/// Runs `limits`.
pub fn run(args: &LimitsArgs) -> Ended {
    match &args.command {
        LimitsCommand::Show { limits: file } => Ok(Box::new(limits(file.as_deref())?)),
    }
}
