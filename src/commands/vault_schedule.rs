//! `vault schedule`: when a vault is run, and the timer that does it.

use std::path::Path;

use super::call::Call;
use super::flags::{run_options, vault};
use crate::cli::{
    AzureArgs, BlobArgs, ScheduleArgs, ScheduleCommand, VaultTarget, ZoneChoice, is_named,
};
use crate::journey::vault_schedule::{Place, ScheduleOptions, ZoneWish, remove, schedule};
use crate::outcome::{Attendant, Ended, IdleWord};

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

/// Runs `vault schedule`.
pub fn run(args: &ScheduleArgs, target: &VaultTarget, call: &Call<'_>) -> Ended {
    let (options, desk) = (&vault(target, None, call), &call.desk());
    if let Some(ScheduleCommand::Remove { units }) = &args.command {
        let idle = BESIDE_REMOVE.into_iter().find(|(id, _)| is_named(call.matches, id));
        if let Some((_, word)) = idle {
            return Err(IdleWord { word }.into());
        }
        return Ok(Box::new(remove(units.as_deref(), options, desk)?));
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

/// Flags of this call that a run by a timer needs too, since it has neither this command line nor
/// this environment. Values that may hold a secret stay out.
fn words(target: &VaultTarget, call: &Call<'_>) -> Vec<(&'static str, String)> {
    let AzureArgs { cloud, arm_endpoint, authority, auth: _, token_file, ca_file, proxy } =
        &target.azure;
    let BlobArgs { blob_endpoint, account_key_file, sas_file } = &target.blobs;
    let path = |path: &Path| {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        whole.display().to_string()
    };
    let mut words = Vec::new();
    let files = [
        ("--state", &call.global.state),
        ("--staging", &target.staging),
        ("--token-file", token_file),
        ("--ca-file", ca_file),
        ("--account-key-file", account_key_file),
        ("--sas-file", sas_file),
    ];
    for (flag, file) in files {
        words.extend(file.as_deref().map(|file| (flag, path(file))));
    }
    let addresses = [
        ("--arm-endpoint", arm_endpoint),
        ("--authority", authority),
        ("--blob-endpoint", blob_endpoint),
        ("--proxy", proxy),
    ];
    for (flag, address) in addresses {
        match address {
            Some(own) if own.is_bare() => words.push((flag, own.to_string())),
            Some(_) => call.ui.warn(&format!(
                "the value of {flag} may hold a secret and does not go into a unit: set it in the \
                 configuration"
            )),
            None => {}
        }
    }
    let auth = target.azure.auth.and_then(|own| clap::ValueEnum::to_possible_value(&own));
    words.extend(auth.map(|own| ("--auth", own.get_name().to_owned())));
    let is_file = cloud.cloud.exists();
    let cloud = if is_file { path(&cloud.cloud) } else { cloud.cloud.display().to_string() };
    words.extend((cloud != "AzureCloud").then_some(("--cloud", cloud)));
    words
}
