//! `job repair` and `job reconcile`: the blobs that a job's drives brought.

use super::call::Call;
use super::flags::{blobs, job};
use crate::cli::{JobTarget, MendCommand};
use crate::journey::job::MeantJob;
use crate::journey::reconcile::reconcile;
use crate::journey::repair::{Mode, RepairOptions, Scope, repair};
use crate::outcome::Ended;

/// Runs `job repair` or `job reconcile`.
pub fn run(command: &MendCommand, named: &JobTarget, call: &Call<'_>) -> Ended {
    let (flags, desk) = (&job(named, call)?, &call.desk());
    let target = MeantJob::new(flags, desk)?;
    match command {
        MendCommand::Repair(args) => {
            let options = RepairOptions {
                azure: &flags.azure,
                blobs: blobs(&args.blobs, call)?,
                scope: if args.all { Scope::All } else { Scope::Named },
                mode: if args.dry_run { Mode::Look } else { Mode::Send },
            };
            Ok(Box::new(repair(&target, &options, desk)?))
        }
        MendCommand::Reconcile { blobs: own } => {
            let job = flags.job.as_ref();
            Ok(Box::new(reconcile(&target, &flags.azure, &blobs(own, call)?, job, desk)?))
        }
    }
}
