//! `verify`: sealed drives read back.

use super::call::Call;
use super::flags::keys;
use crate::cli::VerifyArgs;
use crate::journey::verify::{Opener, read_back};
use crate::outcome::Ended;

/// Runs `verify`.
pub fn run(args: &VerifyArgs, call: &Call<'_>) -> Ended {
    let opener = Opener {
        staging: args.staging.clone(),
        recovery_password_file: args.recovery_password_file.clone(),
        keys: keys(&args.keys),
    };
    Ok(Box::new(read_back(&args.drives, &opener, &call.desk())?))
}
