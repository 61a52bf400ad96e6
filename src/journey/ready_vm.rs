//! Whether a subscription has what Azure's own backup of VMs needs, or a restore. Asks only what reads;
//! what the answers mean is said in `check`.

use disk_prep::noun::{NamedAccount, ResourceGroup, SubscriptionId};

use super::answered::answer;
use super::connections::{AzureOptions, arm};
use super::ready::{Purpose, entrance};
use super::ready_limits::counts;
use super::ready_provider::{provider_at, registered};
use super::ready_rights::{assigned_at, rights_at};
use crate::check::azure::{Answer, Wanted, findings, one_subscription};
use crate::check::finding::Checked;
use crate::check::rights::{RESTORE, VM};
use crate::check::vault_limits;
use crate::outcome::{Attendant, Failure};

/// Vaults and backups; VMs and their disks; their network.
const PROVIDERS: [&str; 3] =
    ["Microsoft.RecoveryServices", "Microsoft.Compute", "Microsoft.Network"];

/// Looks at sign-in, subscription, providers, the group if one is named, and rights there.
pub fn check(
    purpose: Purpose,
    azure: &AzureOptions,
    (subscription, group): (&SubscriptionId, Option<&ResourceGroup>),
    account: Option<&NamedAccount>,
    attendant: &dyn Attendant,
) -> Result<Checked, Failure> {
    let arm = arm(azure, attendant)?;
    let wanted = Wanted {
        subscription: subscription.to_string(),
        group: group.map(ToString::to_string).unwrap_or_default(),
        provider: PROVIDERS[0],
        ..Wanted::default()
    };
    let mut view = entrance(&arm, subscription);
    let goes_on = matches!(view.subscription, Answer::Known(_) | Answer::Unknown(_));
    if let Some(group) = group.filter(|_| goes_on) {
        view.group = answer(arm.has_group(subscription, group).map(|found| found.then_some(())));
    }
    let mut found = findings(&wanted, &view);
    // By its name alone it is looked for in the same subscription.
    if let Some(NamedAccount::Id(id)) = account {
        let (own, other) = (subscription.to_string(), id.subscription.to_string());
        found.push(one_subscription(&own, &other).of("azure"));
    }
    if goes_on {
        for provider in PROVIDERS {
            found.extend(provider_at(&arm, subscription, provider));
        }
        let needed = if purpose == Purpose::Restore { RESTORE } else { VM };
        let scope = match group.filter(|_| view.group != Answer::Absent) {
            Some(group) => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
            None => format!("/subscriptions/{subscription}"),
        };
        found.extend(rights_at(&arm, &scope, needed));
        found.extend(assigned_at(&arm, &scope));
        let is_there = registered(&arm, subscription, PROVIDERS[0]).provider;
        if let Answer::Known((_, true)) = is_there {
            found.extend(vault_limits::look(&counts(&arm, subscription)));
        }
    }
    Ok(Checked(found))
}
