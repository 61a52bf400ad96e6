//! `subscriptions`: what the sign-in reaches.

use super::call::Call;
use super::flags::azure;
use crate::cli::{SubscriptionsArgs, SubscriptionsCommand};
use crate::journey::access::subscriptions;
use crate::outcome::Ended;

/// Runs `subscriptions`.
pub fn run(args: &SubscriptionsArgs, call: &Call<'_>) -> Ended {
    match args.command {
        SubscriptionsCommand::List => Ok(Box::new(subscriptions(&azure(&args.azure), call.ui)?)),
    }
}
