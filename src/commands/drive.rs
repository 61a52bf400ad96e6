//! `drive`: which drives will do, which come and go, and which are given up.

use std::time::Duration;

use disk_prep::drive::{Kernel, eject};

use super::call::Call;
use crate::check::drive::{DriveList, Watch};
use crate::cli::{DriveArgs, DriveCommand};
use crate::journey::release::give_up;
use crate::outcome::{Attendant, Ended, Told};

/// Time between two looks at what is plugged in.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs `drive`.
pub fn run(args: &DriveArgs, call: &Call<'_>) -> Ended {
    match &args.command {
        DriveCommand::Eject { drive } => Ok(Box::new(eject(drive)?)),
        DriveCommand::Release { serial, staging, .. } => {
            Ok(Box::new(give_up(serial, staging.as_deref(), &call.desk())?))
        }
        DriveCommand::List { drives, watch: false } if !drives.is_empty() => {
            Ok(Box::new(DriveList::of_named(drives)?))
        }
        DriveCommand::List { watch: false, .. } => Ok(Box::new(DriveList::of(&Kernel::here())?)),
        DriveCommand::List { watch: true, .. } => Ok(Box::new(watch(call.ui))),
    }
}

/// Shows every drive there is, then every change, until somebody stops it or stops reading.
fn watch(attendant: &dyn Attendant) -> Told {
    let mut watch = Watch::new(Kernel::here());
    while attendant.is_read() {
        for change in watch.look() {
            attendant.show(&change);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Told
}
