//! `drive`: which drives will do, which come and go, and which are given up.

use std::time::Duration;

use disk_prep::drive::Kernel;

use super::call::Call;
use crate::check::drive::Watch;
use crate::cli::{DriveArgs, DriveCommand};
use crate::journey::desk::Desk;
use crate::journey::drives::{held_here, list, take_out};
use crate::journey::release::give_up;
use crate::outcome::{Attendant, Ended, Told};

/// Time between two looks at what is plugged in.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs `drive`.
pub fn run(args: &DriveArgs, call: &Call<'_>) -> Ended {
    match &args.command {
        DriveCommand::Eject { drive } => Ok(Box::new(take_out(drive, &call.desk())?)),
        DriveCommand::Release { serial, staging, .. } => {
            Ok(Box::new(give_up(serial, staging.as_deref(), &call.desk())?))
        }
        DriveCommand::List { drives, watch: false } => Ok(Box::new(list(drives, &call.desk())?)),
        DriveCommand::List { watch: true, .. } => Ok(Box::new(watch(call.ui, &call.desk()))),
    }
}

/// Shows every drive there is, then every change, until somebody stops it or stops reading.
fn watch(attendant: &dyn Attendant, desk: &Desk<'_>) -> Told {
    let mut watch = Watch::new(Kernel::here());
    while attendant.is_read() {
        // A record that cannot be read keeps nobody from seeing what is plugged in.
        for change in watch.look(|| held_here(desk).unwrap_or_default()) {
            attendant.show(&change);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Told
}
