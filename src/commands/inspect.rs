//! `inspect`: what is on a drive, for a person.

use super::call::Call;
use super::flags::keys;
use crate::cli::InspectArgs;
use crate::journey::inspect::look;
use crate::journey::verify::Opener;
use crate::outcome::Ended;

/// Runs `inspect`.
pub fn run(args: &InspectArgs, call: &Call<'_>) -> Ended {
    let opener = Opener {
        staging: args.staging.clone(),
        recovery_password_file: args.recovery_password_file.clone(),
        keys: keys(&args.keys),
    };
    Ok(Box::new(look(&args.drive, &opener, &call.desk())?))
}
