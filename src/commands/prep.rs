//! `prep`: drives formatted and filled.

use std::path::PathBuf;

use disk_prep::manifest::Profile;
use disk_prep::noun::Wipe;

use super::call::Call;
use super::flags::{azure, keys, work};
use crate::cli::{PrepArgs, ProfileChoice};
use crate::journey::prepare::{NamedDrives, PrepOptions, prepare};
use crate::outcome::{Attendant, Ended, Failure, IdleWord};

/// Runs `prep`.
pub fn run(args: &PrepArgs, call: &Call<'_>) -> Ended {
    let options = PrepOptions {
        work: work(&args.source, call)?,
        drives: match &args.driveset {
            Some(csv) => NamedDrives::Rows(csv.clone()),
            None => NamedDrives::These(args.drives.clone()),
        },
        erase: args.erase.clone(),
        wipe: call.given("wipe", args.wipe.map(Wipe::from)),
        azure: (!args.offline).then(|| azure(&args.azure)),
        location: call.given("location", args.location.clone()),
        contact: call.given("contact", args.contact.clone()),
        verify: args.verify,
        strict: args.strict,
        content_md5: args.content_md5,
        cipher: call.said("cipher", args.cipher),
        profile: call.said("profile", args.profile).map(|own| match own {
            ProfileChoice::Legacy => Profile::Legacy,
            ProfileChoice::Modern => Profile::Modern,
        }),
        omit_zeros: call.said("omit_zeros", args.omit_zeros),
        hold_keys: args.hold_keys,
        recipient: call.given("encrypt_keys_for", args.encrypt_keys_for.clone()),
        escrow_identity: escrow_identity(args, call)?,
        keys: keys(&args.keys),
    };
    Ok(Box::new(prepare(options, &call.desk())?))
}

/// The identity of the recipient; without one that is set for all calls has nothing to open.
fn escrow_identity(args: &PrepArgs, call: &Call<'_>) -> Result<Option<PathBuf>, Failure> {
    let Some(given) = call.given("escrow_identity", args.escrow_identity.clone()) else {
        return Ok(None);
    };
    if args.encrypt_keys_for.is_some() {
        return Ok(Some(given.value));
    }
    if given.is_typed() {
        return Err(IdleWord { word: "without `--encrypt-keys-for`, `--escrow-identity`" }.into());
    }
    let text = format!("{} is not used: the keys are sealed for no recipient", given.name);
    call.ui.tell_unused(&text);
    Ok(None)
}
