//! Network security groups of Azure: whether they let a VM's backup out, which rule of which group
//! decides, and the fewest rules that would. Pure over saved answers (`environment-checks` 7).
//!
//! What leaves a VM passes the group of its interface, then that of its subnet, and both must allow
//! it. In a group the rules of a direction are looked at by rising priority, and the first that
//! matches decides: <https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works>.

mod group;
mod judge;
mod read;
mod suggest;
mod tags;

pub use group::{Flow, Group, Protocol, flows, name_flows};
pub use judge::{Doubt, Said, judge};
pub use read::{NsgFault, ports, read_groups};
pub use suggest::{NewRule, suggest};
pub use tags::{TagList, read_tags};

use std::net::Ipv4Addr;

use super::finding::{Finding, good, problem, unknown, warning};

const AREA: &str = "nsg";

/// What is so for each flow: the first group that blocks it is told.
pub fn look(
    groups: &[Group],
    from: Option<Ipv4Addr>,
    flows: &[Flow],
    tags: Option<&TagList>,
) -> Vec<Finding> {
    let found = flows.iter().flat_map(|flow| of_flow(groups, from, flow, tags));
    found.map(|own| own.of(AREA)).collect()
}

fn of_flow(
    groups: &[Group],
    from: Option<Ipv4Addr>,
    flow: &Flow,
    tags: Option<&TagList>,
) -> Vec<Finding> {
    let protocol = flow.protocol.word().to_uppercase();
    let place = format!("{protocol} {} to {}", flow.port, flow.to.told());
    let explained = match flow.protocol {
        Protocol::Tcp => "snapshot-storage-blocked-by-nsg",
        Protocol::Udp => "net-no-public-access",
    };
    let mut last = None;
    for group in groups {
        let name = &group.name;
        match judge(group, from, flow, tags) {
            Said::Allowed(rule) => last = Some((group, rule)),
            Said::Blocked { by, in_part } => {
                let part = if in_part { "partly blocked" } else { "blocked" };
                let by = by.map_or("the end of its rules", |own| own.name.as_str());
                let facts = format!("{place} is {part} by {by} of {name}");
                let action = "add the rules below, before it";
                let found = match in_part {
                    true => warning(flow.what, facts, action),
                    false => problem(flow.what, facts, action),
                };
                return vec![found.explained(explained)];
            }
            Said::Unknown(rule, doubt) => {
                let told = doubt.told();
                let facts = format!("{place} may be meant by {} of {name}: {told}", rule.name);
                return vec![unknown(flow.what, facts)];
            }
        }
    }
    let Some((group, rule)) = last else {
        return vec![good(flow.what, format!("{place} is allowed: there is no group"))];
    };
    let is_wide = |own: &String| own == "*" || own.eq_ignore_ascii_case("Internet");
    let wide = match rule.destinations.iter().any(is_wide) {
        true => ", which opens more than it needs: service tags would do",
        false => "",
    };
    vec![good(flow.what, format!("{place} is allowed by {} of {}{wide}", rule.name, group.name))]
}

#[cfg(test)]
mod tests;
