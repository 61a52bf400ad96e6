//! `disk-backup schedule`: the timer that backs all disks up.

use super::call::Call;
use super::disk_words::options;
use super::unit_words::unit_words;
use crate::cli::{DiskBackupArgs, DiskScheduleArgs, DiskScheduleCommand, is_named};
use crate::journey::disk_schedule::{remove, schedule};
use crate::journey::units::Place;
use crate::outcome::{Ended, IdleWord, MissingFlags};

/// Runs `disk-backup schedule`.
pub fn run(args: &DiskScheduleArgs, all: &DiskBackupArgs, call: &Call<'_>) -> Ended {
    let typed = [("write_units", "--write-units"), ("install", "--install")];
    if let Some(DiskScheduleCommand::Remove { units }) = &args.command {
        let idle = typed.into_iter().find(|(id, _)| is_named(call.matches, id));
        if let Some((_, word)) = idle {
            return Err(IdleWord { word }.into());
        }
        return Ok(Box::new(remove(units.as_deref())?));
    }
    let place = match (&args.write_units, args.install) {
        (Some(folder), _) => Place::Folder(folder.clone()),
        (None, true) => Place::System,
        (None, false) => return Err(MissingFlags::one("--write-units or --install").into()),
    };
    let files = [
        ("--state", &call.global.state),
        ("--source-account-key-file", &all.source.source_account_key_file),
        ("--source-sas-file", &all.source.source_sas_file),
    ];
    let words = unit_words(&files, (&all.azure, &all.blobs), call);
    let words: Vec<String> =
        words.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect();
    Ok(Box::new(schedule(&place, &words, &options(all, call)?, &call.desk())?))
}
