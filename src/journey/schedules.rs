//! What is scheduled on this machine: each vault's next turns, and the units that start them. What it
//! means is said in `check`.

use disk_prep::noun::{Schedule, VaultName};
use jiff::{SignedDuration, Timestamp};

use super::desk::Desk;
use super::vault_zone;
use crate::check::finding::Checked;
use crate::check::schedule::{Planned, look};
use crate::check::tree::Tree;
use crate::outcome::Failure;
use crate::schedule::{Elapse, UnitOf, elapse, turns};
use crate::vault::Vault;

/// So far ahead turns are looked at.
const AHEAD: SignedDuration = SignedDuration::from_hours(14 * 24);
/// An expression of systemd is asked for so many turns: each is a call of its program.
const MOST_ASKED: usize = 30;

/// Looks at all vaults that this machine knows.
pub fn check(tree: &Tree, desk: &Desk<'_>) -> Result<Checked, Failure> {
    let vaults = desk.state()?.vaults()?;
    let planned: Vec<Planned> = vaults.iter().map(planned).collect();
    Ok(Checked(look(tree, &planned)))
}

fn planned(vault: &Vault) -> Planned {
    let name = &vault.name;
    Planned {
        name: format!("vault {name}"),
        when: vault.schedule.to_string(),
        turns: ahead(vault),
        timers: timers(name),
        install: format!("azseed vault schedule --vault {name} --install"),
    }
}

/// Timers that start a vault's runs; an administrator may have written its name as it is.
fn timers(name: &VaultName) -> Vec<String> {
    let of = UnitOf::Vault(name.clone());
    let ours = of.forms().iter().map(|form| of.name(*form));
    ours.chain([format!("azseed-vault@{name}")]).map(|unit| format!("{unit}.timer")).collect()
}

/// The turns of two weeks.
fn ahead(vault: &Vault) -> Vec<Timestamp> {
    let now = vault_zone::now(vault);
    let end = now.timestamp() + AHEAD;
    let Schedule::Calendar { expression } = &vault.schedule else {
        let all = turns(&vault.schedule, &now).map(|turn| turn.timestamp());
        return all.take_while(|turn| *turn < end).collect();
    };
    let following =
        |turn: &Timestamp| match elapse(expression, &turn.to_zoned(now.time_zone().clone())) {
            Elapse::At(next) => Some(next),
            _ => None,
        };
    let all = std::iter::successors(following(&now.timestamp()), following);
    all.take(MOST_ASKED).take_while(|turn| *turn < end).collect()
}
