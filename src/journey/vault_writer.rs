//! One writer at a time (`design` 7): whoever changes a vault has its lock on this machine and its
//! lease at the service.

use std::sync::Arc;

use uuid::Uuid;

use crate::azure::Container;
use crate::outcome::Failure;
use crate::state::{Lock, State};
use crate::vault::{Error, Lease, Timing, Vault};

/// Ids of leases that a record remembers at most.
const MOST_LEASES: usize = 8;

/// A vault that no other run of this machine works on.
#[derive(Debug)]
pub struct Writer<'a> {
    /// Its record, as it was when the lock was taken.
    pub vault: Vault,
    lock: Lock,
    state: &'a State,
}

impl<'a> Writer<'a> {
    /// Takes the lock. Another run may have gone on since the record was read, so it is read anew.
    pub fn hold(vault: &Vault, state: &'a State) -> Result<Self, Failure> {
        let locked = || Error::Locked { container: vault.container.clone() };
        let lock = state.lock_vault(&vault.name)?.ok_or_else(locked)?;
        let vault = state.change_vault(vault, |_| ())?;
        Ok(Writer { vault, lock, state })
    }

    /// Takes the lease, under an id of this run. The ids that this machine's runs had before are
    /// known from the record, so that one that was killed is followed at once; a copy of the state
    /// directory knows them too and is no such machine.
    pub fn lease(&self, container: &Arc<dyn Container>) -> Result<Lease, Failure> {
        let (id, holder) = (Uuid::new_v4(), self.lock.holder());
        let mut former = Vec::new();
        // Written down before it is asked for: whatever is killed, the next run knows it.
        self.state.change_vault(&self.vault, |own| {
            if holder.is_none() || own.lease_holder != holder {
                own.leases.clear();
            }
            own.lease_holder = holder;
            own.leases.drain(..own.leases.len().saturating_sub(MOST_LEASES - 1));
            former.clone_from(&own.leases);
            own.leases.push(id);
        })?;
        let timing = Timing { patience: container.patience(), ..Timing::default() };
        let lease = Lease::take(container, id, &former, timing)?;
        self.state.change_vault(&self.vault, |own| own.leases = vec![id])?;
        Ok(lease)
    }

    /// Changes the vault's record.
    pub fn record(&mut self, change: impl FnOnce(&mut Vault)) -> Result<(), Failure> {
        self.vault = self.state.change_vault(&self.vault, change)?;
        Ok(())
    }
}
