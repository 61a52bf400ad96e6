//! `vm`: which subscription, which vault and which machines a person means. What may be several is
//! asked back with the list of them.

use disk_prep::noun::{ResourceGroup, SubscriptionId, VaultName};

use super::connections::{AzureOptions, arm};
use crate::azure::{Arm, Subscription};
use crate::outcome::{Attendant, Failure};
use crate::vm_backup::{
    Error, Machine, MachineWord, RecoveryVault, VaultId, classic_machines, machines, vaults,
};

/// What every command of `vm` is told.
#[derive(Debug, Clone)]
pub struct VmOptions {
    /// Where Azure is.
    pub azure: AzureOptions,
    /// The subscription; without it the only one that the sign-in reaches.
    pub subscription: Option<SubscriptionId>,
    /// The resource group of vaults.
    pub group: Option<ResourceGroup>,
    /// The vault; without it the only one that there is.
    pub vault: Option<VaultName>,
}

impl VmOptions {
    /// The same about a vault that was found.
    pub fn at(&self, vault: &VaultId) -> Self {
        let (group, name) = (Some(vault.group.clone()), Some(vault.name.clone()));
        VmOptions { group, vault: name, ..self.clone() }
    }

    /// Whether a vault may be meant.
    pub(super) fn is_about(&self, vault: &VaultId) -> bool {
        let is_of = |group: &ResourceGroup| is_same(group.as_str(), vault.group.as_str());
        self.group.as_ref().is_none_or(is_of) && self.is_named(vault)
    }

    fn is_named(&self, vault: &VaultId) -> bool {
        self.vault.as_ref().is_none_or(|name| is_same(name.as_str(), vault.name.as_str()))
    }

    /// Those of all vaults that may be meant. To look at none of those that are there would be told as
    /// if there were none.
    pub(super) fn of(&self, all: Vec<RecoveryVault>) -> Result<Vec<RecoveryVault>, Error> {
        let (meant, rest): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|own| self.is_about(&own.id));
        if !meant.is_empty() {
            return Ok(meant);
        }
        let elsewhere: Vec<String> = rest
            .iter()
            .filter(|own| self.is_named(&own.id))
            .map(|own| format!("{}/{}", own.id.group, own.id.name))
            .collect();
        match (&self.group, &self.vault) {
            (Some(group), _) if !elsewhere.is_empty() => {
                Err(Error::NoVaultIn { group: group.clone(), elsewhere })
            }
            (_, Some(name)) => Err(Error::NoVault { name: name.clone() }),
            _ => Ok(meant),
        }
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A connection, and the subscription that it is about.
#[derive(Debug)]
pub struct Office {
    pub(super) arm: Arm,
    pub(super) subscription: SubscriptionId,
}

impl Office {
    /// Signs in when the first call is made, unless the subscription is to be found out.
    pub fn open(options: &VmOptions, attendant: &dyn Attendant) -> Result<Self, Failure> {
        let arm = arm(&options.azure, attendant)?;
        if let Some(subscription) = &options.subscription {
            return Ok(Office { arm, subscription: subscription.clone() });
        }
        let subscription = only(&arm.subscriptions()?)?;
        Ok(Office { arm, subscription })
    }

    /// All vaults of the subscription.
    pub(super) fn all_vaults(&self) -> Result<Vec<RecoveryVault>, Failure> {
        Ok(vaults(&self.arm, &self.subscription)?)
    }

    /// The vaults that the call is about; one that is named, or a group, has some.
    pub(super) fn vaults(&self, options: &VmOptions) -> Result<Vec<RecoveryVault>, Failure> {
        Ok(options.of(self.all_vaults()?)?)
    }

    /// The vault that is meant: the one that is named, or the only one; of several the only one in
    /// a region.
    pub(super) fn vault(
        &self,
        options: &VmOptions,
        region: Option<&str>,
    ) -> Result<RecoveryVault, Failure> {
        let mut all = self.vaults(options)?;
        if all.len() > 1
            && let Some(region) = region
            && all.iter().any(|own| own.region == region)
        {
            all.retain(|own| own.region == region);
        }
        let line =
            |own: &RecoveryVault| format!("{}/{}  {}", own.id.group, own.id.name, own.region);
        match all.len() {
            1 => Ok(all.remove(0)),
            0 => Err(Error::NoVaults.into()),
            _ => Err(Error::SeveralVaults { all: all.iter().map(line).collect() }.into()),
        }
    }

    /// The machines that are named, each once; what cannot be meant is told together.
    pub(super) fn named(&self, words: &[String]) -> Result<Vec<Machine>, Failure> {
        let (mut found, mut faults) = (Vec::<Machine>::new(), Vec::new());
        for own in self.each_named(words)? {
            match own {
                Ok(machine) if found.iter().any(|own| own.id == machine.id) => {}
                Ok(machine) => found.push(machine),
                Err(fault) => faults.push(fault),
            }
        }
        Error::of_all(faults)?;
        Ok(found)
    }

    /// The machine of each word, or why there is none.
    pub(super) fn each_named(
        &self,
        words: &[String],
    ) -> Result<Vec<Result<Machine, Error>>, Failure> {
        let words: Vec<Result<MachineWord, Error>> =
            words.iter().map(|word| word.parse()).collect();
        // Of words that can name no machine nobody is asked.
        let all = match words.iter().any(Result::is_ok) {
            true => machines(&self.arm, &self.subscription)?,
            false => Vec::new(),
        };
        Ok(words.into_iter().map(|word| self.one(&word?, &all)).collect())
    }

    fn one(&self, word: &MachineWord, all: &[Machine]) -> Result<Machine, Error> {
        let meant: Vec<&Machine> = all.iter().filter(|own| word.is(&own.id)).collect();
        match meant.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                let name = match word {
                    MachineWord::Name(name) | MachineWord::InGroup(_, name) => name.as_str(),
                    MachineWord::Id(id) => &id.name,
                };
                let classic = classic_machines(&self.arm, &self.subscription);
                match classic.into_iter().find(|own| own.eq_ignore_ascii_case(name)) {
                    Some(name) => Err(Error::Classic { name }),
                    None => Err(Error::NoMachine { word: word.to_string() }),
                }
            }
            several => Err(Error::Ambiguous {
                word: word.to_string(),
                all: several.iter().map(|own| own.id.to_string()).collect(),
            }),
        }
    }
}

/// The only subscription in which anything can be done.
fn only(all: &[Subscription]) -> Result<SubscriptionId, Error> {
    let usable: Vec<&Subscription> = all.iter().filter(|own| own.is_usable()).collect();
    match usable.as_slice() {
        [] => Err(Error::NoSubscription),
        [one] => one.id.parse().map_err(|_| Error::NoSubscription),
        several => {
            let all = several.iter().map(|own| format!("{}  {}", own.id, own.name)).collect();
            Err(Error::SeveralSubscriptions { all })
        }
    }
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::Diagnose;

    use super::*;

    #[test]
    fn the_only_subscription_is_meant_and_several_are_asked_back_by_name() {
        let own = |number: u8, state: &str| Subscription {
            id: format!("0000000{number}-0000-4000-8000-000000000000"),
            name: format!("number {number}"),
            state: state.to_owned(),
        };
        let one = only(&[own(1, "Enabled"), own(2, "Disabled")]).unwrap();
        assert!(one.as_str().starts_with("00000001"));
        let several = only(&[own(1, "Enabled"), own(2, "PastDue")]).unwrap_err();
        assert_eq!(several.code(), "subscription-ambiguous");
        assert!(several.to_string().contains("number 2"), "{several}");
        assert_eq!(only(&[own(1, "Disabled")]).unwrap_err().code(), "subscription-none");
    }
}
