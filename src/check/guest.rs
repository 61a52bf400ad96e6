//! Whether a machine, or a tree or mounted image of one, can be backed up as a VM of Azure
//! (`environment-checks` 5). Looks at files, and at what a machine that is up was asked; what each row
//! means is said in the rooms below.

mod agent;
mod backups;
mod extension;
mod live;
mod running;
mod system;
mod windows;

use std::time::SystemTime;

use super::finding::Finding;
use super::tree::Tree;
use agent::Agent;

pub use super::agent_units::AGENT_UNITS;
pub use live::{Asked, Live};
pub use running::busy_percent;
pub(super) use windows::is_of_windows;

const AREA: &str = "guest";

/// Whose files they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of the machine that this runs on, whose time is known, and what it says.
    ThisMachine(Live),
    /// Those of another one, which is asked nothing.
    Another,
}

/// Looks at all of a tree.
pub fn look(tree: &Tree, whose: Whose) -> Vec<Finding> {
    let found = match is_of_windows(tree) {
        true => windows::look(tree),
        false => linux(tree, &whose),
    };
    found.into_iter().map(|own| short(own).of(AREA)).collect()
}

fn linux(tree: &Tree, whose: &Whose) -> Vec<Finding> {
    let (now, asked, busy) = match whose {
        Whose::ThisMachine(live) => (Some(SystemTime::now()), &live.agent, live.busy_percent),
        Whose::Another => (None, &Asked::Unasked, None),
    };
    let agent = Agent::of(tree);
    let id = system::id(tree);
    let mut found = vec![agent.of_azure(tree), system::look(tree, &id)];
    found.extend(agent.look(tree, asked, system::install(&id)));
    found.push(system::python(tree));
    found.extend(extension::look(tree, &agent.lib));
    found.extend(backups::look(tree, &agent.lib));
    found.extend(system::guards(tree));
    found.extend(running::look(tree, &agent.lib, (now, busy)));
    found
}

/// What a file says of itself may be as long as the file.
fn short(own: Finding) -> Finding {
    const MOST: usize = 500;
    match own.facts.char_indices().nth(MOST) {
        Some((end, _)) => Finding { facts: format!("{}…", &own.facts[..end]), ..own },
        None => own,
    }
}

#[cfg(test)]
mod tests;
