//! Whether a provider of a subscription can be used. Asks only what reads.

use disk_prep::noun::SubscriptionId;

use super::answered::{answer, map};
use crate::azure::Arm;
use crate::check::azure::{View, Wanted, findings};
use crate::check::finding::Finding;

/// Whether a provider can be used.
pub(super) fn provider_at(
    arm: &Arm,
    subscription: &SubscriptionId,
    provider: &'static str,
) -> Vec<Finding> {
    let wanted = Wanted { subscription: subscription.to_string(), provider, ..Wanted::default() };
    findings(&wanted, &registered(arm, subscription, provider))
}

/// What is told of a provider, and nothing else.
pub(super) fn registered(arm: &Arm, subscription: &SubscriptionId, provider: &str) -> View {
    let provider = answer(arm.provider(subscription, provider));
    let provider = map(provider, |own| (own.state.clone(), own.is_registered()));
    View { provider, ..View::default() }
}
