//! `prep`: drives formatted and filled.

use disk_prep::manifest::Profile;
use disk_prep::noun::Wipe;

use super::call::Call;
use super::flags::{azure, keys, work};
use crate::cli::{PrepArgs, ProfileChoice};
use crate::journey::prepare::{NamedDrives, PrepOptions, prepare};
use crate::outcome::Ended;

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
        escrow_identity: args.escrow_identity.clone(),
        keys: keys(&args.keys),
    };
    Ok(Box::new(prepare(options, &call.desk())?))
}
