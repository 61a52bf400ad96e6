//! Which providers the subscription may use. Those that the emulator was told to hold back are to be
//! registered first, and become so at the second look.

use std::collections::BTreeMap;
use std::sync::Mutex;

use disk_prep::sys::hold::hold;

use super::fault::Fault;

/// What is registered unless it is held back.
const KNOWN: [&str; 7] = [
    "Microsoft.ClassicCompute",
    "Microsoft.Compute",
    "Microsoft.DataBox",
    "Microsoft.ImportExport",
    "Microsoft.Network",
    "Microsoft.RecoveryServices",
    "Microsoft.Storage",
];

/// A provider as the service writes it.
pub(super) fn full_name(provider: &str) -> &str {
    KNOWN.into_iter().find(|own| own.eq_ignore_ascii_case(provider)).unwrap_or(provider)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    Not,
    Under,
    Done,
}

/// The providers and how they stand.
#[derive(Debug)]
pub(crate) struct Registry(Mutex<BTreeMap<&'static str, Stand>>);

impl Registry {
    /// All, but for those that are held back.
    pub fn new(held_back: &[String]) -> Self {
        let stand = |name: &str| match held_back.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            true => Stand::Not,
            false => Stand::Done,
        };
        Registry(Mutex::new(KNOWN.into_iter().map(|name| (name, stand(name))).collect()))
    }

    /// Refuses calls of a provider that is not registered.
    pub(super) fn check(&self, provider: &str) -> Result<(), Fault> {
        let all = hold(&self.0);
        let own = all.iter().find(|(name, _)| name.eq_ignore_ascii_case(provider));
        match own {
            Some((name, Stand::Not | Stand::Under)) => {
                let message = format!(
                    "The subscription is not registered to use namespace '{name}'. Register it first."
                );
                Err(Fault::new(409, "MissingSubscriptionRegistration", message))
            }
            _ => Ok(()),
        }
    }

    /// Changes how a provider stands, found in any case; `None` if there is none of that name.
    pub(super) fn change(
        &self,
        provider: &str,
        change: impl FnOnce(&mut Stand) -> Option<Stand>,
    ) -> Option<(&'static str, Option<Stand>)> {
        let mut all = hold(&self.0);
        let own = all.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(provider));
        own.map(|(name, stand)| (*name, change(stand)))
    }
}
