//! `provider`: what the subscription may use.

use super::call::Call;
use super::flags::azure;
use crate::cli::{ProviderArgs, ProviderCommand};
use crate::journey::access::{Follow, providers, register};
use crate::outcome::{Ended, MissingFlags};

/// Runs `provider`.
pub fn run(args: &ProviderArgs, call: &Call<'_>) -> Ended {
    let azure = azure(&args.azure);
    let subscription = args.subscription.clone();
    let subscription = subscription.ok_or(MissingFlags::one("--subscription"))?;
    Ok(Box::new(match &args.command {
        ProviderCommand::List => providers(&azure, subscription, call.ui)?,
        ProviderCommand::Register { name, wait } => {
            let follow = if *wait { Follow::ToTheEnd } else { Follow::Ask };
            register(&azure, subscription, name.as_deref(), follow, call.ui)?
        }
    }))
}
