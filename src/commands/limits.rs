//! `limits`: what the service sets bounds to.

use disk_prep::limits::of_the_service;

use crate::cli::{LimitsArgs, LimitsCommand};
use crate::outcome::Ended;
use crate::report::limits::Limits;

/// Runs `limits`.
pub fn run(args: &LimitsArgs) -> Ended {
    match args.command {
        LimitsCommand::Show => Ok(Box::new(Limits(of_the_service()))),
    }
}
