//! What a person sees before the serial of a drive is asked for: all that can be known was looked at,
//! and this is the plan.

use disk_prep::noun::{ByteSize, count, visible_line};
use disk_prep::pool::{Foreseen, PrepareRun};

use super::shortage::Shortage;
use crate::outcome::{Attendant, Failure};

/// Refuses what the run would refuse, and shows what it will do.
pub(super) fn foresee(run: &PrepareRun<'_>, attendant: &dyn Attendant) -> Result<(), Failure> {
    let Foreseen { drives, unplaced } = run.foresee()?;
    for own in drives {
        let path = run.drives.iter().find(|named| named.drive.serial == own.serial);
        let path =
            path.map_or(String::new(), |named| format!(" at {}", named.drive.path.display()));
        let (files, bytes) = (count(own.files, "file"), ByteSize(own.bytes));
        let text = format!("Drive {}{path} gets {files}, {bytes}.", own.serial);
        attendant.say(&visible_line(&text));
    }
    if !unplaced.is_empty() {
        attendant.say(&format!("{}.", Shortage::of(&unplaced, run.drives, false).text()));
    }
    Ok(())
}
