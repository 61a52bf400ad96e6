//! The name of a vault in the resource manager, and in lines to type.

use std::fmt;
use std::str::FromStr;

use disk_prep::noun::{ResourceGroup, SubscriptionId, VaultName, typed};

/// The provider of vaults and what is in them.
const RECOVERY: &str = "Microsoft.RecoveryServices";

/// A vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultId {
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// Its resource group.
    pub group: ResourceGroup,
    /// Its name.
    pub name: VaultName,
}

impl VaultId {
    /// By its resource id.
    pub fn parse(id: &str) -> Option<Self> {
        let [subscription, group, _, _, name] = parts(id)?;
        Some(VaultId {
            subscription: SubscriptionId::from_str(&subscription.to_lowercase()).ok()?,
            group: ResourceGroup::from_str(group).ok()?,
            name: VaultName::from_str(name).ok()?,
        })
    }

    /// A line of `azseed vm` that means it, and not another of its name in another group.
    pub fn line<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> String {
        let own = ["--vault", self.name.as_str(), "--resource-group", self.group.as_str()];
        let words: Vec<&str> = words.into_iter().collect();
        typed(["azseed", "vm"].into_iter().chain(words).chain(own))
    }

    /// The path of something in it.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("{self}/{rest}").trim_matches('/').to_owned()
    }
}

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VaultId { subscription, group, name } = self;
        write!(
            f,
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/{RECOVERY}/vaults/{name}"
        )
    }
}

/// The parts of a resource id: subscription, group, provider, kind and name.
pub(super) fn parts(id: &str) -> Option<[&str; 5]> {
    let words: Vec<&str> = id.trim_matches('/').split('/').collect();
    let is = |word: &str, own: &str| word.eq_ignore_ascii_case(own);
    match words.as_slice() {
        [s, subscription, g, group, p, provider, kind, name, ..]
            if is(s, "subscriptions") && is(g, "resourceGroups") && is(p, "providers") =>
        {
            Some([*subscription, *group, *provider, *kind, *name])
        }
        _ => None,
    }
}
