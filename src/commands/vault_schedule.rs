//! `vault schedule`: when a vault is run, and the timer that does it.

use super::call::Call;
use super::flags::{run_options, vault};
use super::unit_words::unit_words;
use crate::cli::{ScheduleArgs, ScheduleCommand, VaultTarget, ZoneChoice, is_named};
use crate::journey::units::Place;
use crate::journey::vault_schedule::{ScheduleOptions, ZoneWish, remove, schedule};
use crate::outcome::{Ended, IdleWord};

/// What says how a timer is to be, by its id and as it is typed.
const BESIDE_REMOVE: [(&str, &str); 7] = [
    ("when", "WHEN"),
    ("time_zone", "--time-zone"),
    ("write_units", "--write-units"),
    ("install", "--install"),
    ("limit", "--limit"),
    ("window", "--window"),
    ("metrics_file", "--metrics-file"),
];

/// What stands in the units and nowhere else.
const OF_UNITS: [(&str, &str); 3] =
    [("limit", "--limit"), ("window", "--window"), ("metrics_file", "--metrics-file")];

/// Runs `vault schedule`.
pub fn run(args: &ScheduleArgs, target: &VaultTarget, call: &Call<'_>) -> Ended {
    let (options, desk) = (&vault(target, None, call)?, &call.desk());
    if let Some(ScheduleCommand::Remove { units }) = &args.command {
        let idle = BESIDE_REMOVE.into_iter().find(|(id, _)| is_named(call.matches, id));
        if let Some((_, word)) = idle {
            return Err(IdleWord { word }.into());
        }
        return Ok(Box::new(remove(units.as_deref(), options, desk)?));
    }
    let has_units = args.write_units.is_some() || args.install;
    let idle = OF_UNITS.into_iter().find(|(id, _)| !has_units && is_named(call.matches, id));
    if let Some((_, word)) = idle {
        return Err(IdleWord { word }.into());
    }
    let asked = ScheduleOptions {
        when: args.when.clone(),
        zone: args.time_zone.clone().map(|zone| match zone {
            ZoneChoice::Local => ZoneWish::Local,
            ZoneChoice::Named(name) => ZoneWish::Named(name),
        }),
        place: match (&args.write_units, args.install) {
            (Some(folder), _) => Some(Place::Folder(folder.clone())),
            (None, true) => Some(Place::System),
            (None, false) => None,
        },
        words: words(target, call),
        run: run_options(&args.run),
    };
    Ok(Box::new(schedule(&asked, options, desk)?))
}

/// Flags of this call that a run by a timer needs too.
fn words(target: &VaultTarget, call: &Call<'_>) -> Vec<(&'static str, String)> {
    let files = [("--state", &call.global.state), ("--staging", &target.staging)];
    unit_words(&files, (&target.azure, &target.blobs), call)
}
