//! `auth`: who is signed in.

use super::call::Call;
use super::flags::azure;
use crate::cli::{AuthArgs, AuthCommand};
use crate::journey::access::status;
use crate::outcome::Ended;

/// Runs `auth`.
pub fn run(args: &AuthArgs, call: &Call<'_>) -> Ended {
    match args.command {
        AuthCommand::Status => Ok(Box::new(status(&azure(&args.azure), call.ui)?)),
    }
}
