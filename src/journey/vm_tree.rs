//! `vm vault tree` and `vm policy stagger`: what a subscription has of vaults, policies and machines as
//! one picture, and how start times would be spread. Changes nothing.

use super::desk::Desk;
use super::vm::{Office, VmOptions};
use crate::outcome::Failure;
use crate::vm_backup::{
    Item, PolicyFacts, RecoveryVault, Spreading, VaultId, items, policies, spread,
};

/// A vault with its policies, each with its machines.
#[derive(Debug)]
pub struct VaultBranch {
    /// The vault.
    pub vault: RecoveryVault,
    /// Its policies.
    pub policies: Vec<PolicyBranch>,
    /// Machines of which it has points, and that no policy protects any more.
    pub loose: Vec<Item>,
}

/// A policy with its machines.
#[derive(Debug)]
pub struct PolicyBranch {
    /// The policy.
    pub policy: PolicyFacts,
    /// The machines that have it.
    pub machines: Vec<Item>,
}

/// A subscription with its vaults.
#[derive(Debug)]
pub struct VaultTree {
    /// The subscription.
    pub subscription: String,
    /// Its vaults.
    pub vaults: Vec<VaultBranch>,
}

/// Looks at all of it, or at one vault.
pub fn tree(options: &VmOptions, desk: &Desk<'_>) -> Result<VaultTree, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let named = match &options.vault {
        Some(_) => vec![office.vault(options, None)?],
        None => office.vaults(options)?,
    };
    let mut vaults = Vec::new();
    for vault in named {
        let mut loose = items(&office.arm, &vault.id)?;
        let branch = |policy: PolicyFacts| {
            let is_of = |own: &Item| {
                own.policy.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&policy.name))
            };
            let (machines, rest) = std::mem::take(&mut loose).into_iter().partition(is_of);
            loose = rest;
            PolicyBranch { policy, machines }
        };
        let policies = policies(&office.arm, &vault.id)?.into_iter().map(branch).collect();
        vaults.push(VaultBranch { vault, policies, loose });
    }
    Ok(VaultTree { subscription: office.subscription.to_string(), vaults })
}

/// How start times would be spread.
#[derive(Debug)]
pub struct Stagger {
    /// The vault.
    pub vault: VaultId,
    /// The policies as they should be.
    pub spreading: Spreading,
}

/// Proposes policies and times for the machines of a vault.
pub fn stagger(options: &VmOptions, desk: &Desk<'_>) -> Result<Stagger, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let policies = policies(&office.arm, &vault)?;
    let spreading = spread(&policies, &items(&office.arm, &vault)?, office.arm.now());
    Ok(Stagger { vault, spreading })
}
