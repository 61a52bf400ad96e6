//! A vault's policy and schedule, here and in its container.

use std::sync::Arc;

use jiff::Timestamp;

use super::desk::Desk;
use super::vault::open_container;
use super::vault_meant::VaultOptions;
use super::vault_writer::Writer;
use crate::azure::{Container, Fenced};
use crate::outcome::{Failure, chain};
use crate::policy::Policy;
use crate::vault::{Error, Newer, Settings, Vault};

/// Makes this machine and the container say the same: the policy that was set last holds, on
/// whichever machine that was. What cannot be read there is told, and stops no run.
pub fn agree(
    writer: &mut Writer<'_>,
    container: &Arc<dyn Container>,
    fenced: &Arc<dyn Fenced>,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let theirs = match Settings::read(container.as_ref()) {
        Ok(theirs) => theirs,
        Err(error @ Error::Control { .. }) => {
            desk.attendant.warn(&chain(&error));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    match Settings::newer(theirs.as_ref(), &writer.vault) {
        Newer::Neither => Ok(()),
        Newer::Ours => Ok(Settings::of(&writer.vault).write(fenced)?),
        Newer::Theirs(policy, at) => {
            let told =
                format!("another machine has set the policy of this vault: it keeps {policy}");
            desk.attendant.warn(&told);
            writer.record(|own| keep(own, policy, at))?;
            Ok(Settings::of(&writer.vault).write(fenced)?)
        }
    }
}

/// Puts a policy into the record.
fn keep(vault: &mut Vault, policy: Policy, at: Option<Timestamp>) {
    vault.retention = policy.counts;
    vault.keep = policy.rules;
    vault.policy_at = at;
}

/// Changes a vault's record and writes what the other machines should know into its container, as
/// soon as it has a lease. A container that cannot be reached now gets it with the next run.
pub fn change(
    vault: &Vault,
    options: &VaultOptions,
    desk: &Desk<'_>,
    change: impl FnOnce(&mut Vault),
) -> Result<Vault, Failure> {
    let state = desk.state()?;
    let mut writer = Writer::hold(vault, &state)?;
    let before = Settings::of(&writer.vault);
    writer.record(change)?;
    if before != Settings::of(&writer.vault)
        && let Err(error) = share(&writer, options, desk)
    {
        let why = chain(error.0.as_ref());
        desk.attendant.warn(&format!("the vault's container gets this with the next run: {why}"));
    }
    Ok(writer.vault)
}

/// Changes a vault's policy.
pub fn set_policy(
    vault: &Vault,
    policy: Policy,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Vault, Failure> {
    change(vault, options, desk, |own| keep(own, policy, Some(Timestamp::now())))
}

fn share(writer: &Writer<'_>, options: &VaultOptions, desk: &Desk<'_>) -> Result<(), Failure> {
    let container = open_container(&writer.vault, options, desk)?;
    let lease = writer.lease(&container)?;
    Ok(Settings::of(&writer.vault).write(&lease.guard(container))?)
}
