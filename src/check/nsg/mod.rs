//! Network security groups of Azure: whether they let a VM's backup out, which rule of which group
//! decides, and the fewest rules that would. Pure over saved answers (`environment-checks` 7).
//!
//! What leaves a VM passes the group of its interface, then that of its subnet, and both must allow
//! it. In a group the rules of a direction are looked at by rising priority, and the first that
//! matches decides: <https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works>.

mod read;
mod suggest;
mod tags;

pub use read::{NsgFault, read_groups};
pub use suggest::{NewRule, suggest};
pub use tags::{TagList, read_tags};

use std::net::{IpAddr, Ipv4Addr};

use super::finding::{Finding, good, problem, unknown, warning};

const AREA: &str = "nsg";

/// A group, with the rules that it has of its own and those that each has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its rules, in any order.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// A lower one comes first.
    pub priority: u32,
    /// Whether it is of what leaves.
    pub is_outbound: bool,
    /// Whether it allows.
    pub allows: bool,
    /// Whether it is of TCP, or of everything.
    pub is_of_tcp: bool,
    /// Whom it is for.
    pub sources: Vec<String>,
    /// Where to.
    pub destinations: Vec<String>,
    /// At which ports there; first and last.
    pub ports: Vec<(u16, u16)>,
}

/// What has to get out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// What it is called in findings.
    pub what: &'static str,
    /// Where to.
    pub to: Target,
    /// The port.
    pub port: u16,
}

/// Where a flow goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Addresses of a service.
    Tag {
        /// The service.
        name: &'static str,
        /// In one region.
        region: Option<String>,
    },
    /// One address.
    Address(IpAddr),
}

impl Target {
    /// As a rule names it.
    pub fn told(&self) -> String {
        match self {
            Target::Tag { name, region: Some(region) } => format!("{name}.{region}"),
            Target::Tag { name, region: None } => (*name).to_owned(),
            Target::Address(own) => own.to_string(),
        }
    }
}

/// What a VM's backup has to reach, straight or by a proxy.
pub fn flows(region: Option<&str>, proxy: Option<(IpAddr, u16)>) -> Vec<Flow> {
    if let Some((address, port)) = proxy {
        return vec![Flow { what: "proxy", to: Target::Address(address), port }];
    }
    let tag = |what, name, region: Option<&str>| Flow {
        what,
        to: Target::Tag { name, region: region.map(str::to_owned) },
        port: 443,
    };
    vec![
        tag("backup", "AzureBackup", None),
        tag("storage", "Storage", region),
        tag("signin", "AzureActiveDirectory", None),
    ]
}

/// What a group says of a flow.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// All of it is allowed, by this rule at last.
    Allowed(&'a Rule),
    /// It is not, or a part of it is not.
    Blocked {
        /// The first rule that blocks; none if no rule is of it.
        by: Option<&'a Rule>,
        /// Whether another part gets through.
        in_part: bool,
    },
    /// This rule may be of it, and comes first.
    Unknown(&'a Rule),
}

/// What becomes of each address of a flow: the first rule that is of it decides.
pub fn judge<'a>(
    group: &'a Group,
    from: Option<Ipv4Addr>,
    flow: &Flow,
    tags: Option<&TagList>,
) -> Said<'a> {
    let is_meant = |own: &&Rule| {
        let has_port = own.ports.iter().any(|(first, last)| (*first..=*last).contains(&flow.port));
        own.is_outbound && own.is_of_tcp && has_port && tags::is_source(&own.sources, from)
    };
    let mut rules: Vec<&Rule> = group.rules.iter().filter(is_meant).collect();
    rules.sort_by_key(|own| own.priority);
    let mut open = tags::of_target(&flow.to, tags);
    let (mut allowed, mut blocked) = (None, None);
    for rule in rules {
        let each = rule.destinations.iter().map(|own| tags::of_prefix(own, &flow.to, tags));
        let each: Vec<Option<Vec<_>>> = each.collect();
        let known: Vec<_> = each.iter().flatten().flatten().copied().collect();
        let met = tags::common(&open, &known);
        if !met.is_empty() {
            match rule.allows {
                true => allowed = Some(rule),
                false => blocked = blocked.or(Some(rule)),
            }
            open = tags::without(&open, &known);
        }
        if open.is_empty() {
            break;
        }
        if each.contains(&None) && blocked.is_none() {
            return Said::Unknown(rule);
        }
    }
    match (allowed, blocked) {
        (Some(rule), None) if open.is_empty() => Said::Allowed(rule),
        (allowed, by) => Said::Blocked { by, in_part: allowed.is_some() },
    }
}

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
    let place = format!("TCP {} to {}", flow.port, flow.to.told());
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
                return vec![found.explained("snapshot-storage-blocked-by-nsg")];
            }
            Said::Unknown(rule) => {
                let facts = format!(
                    "{place} may be meant by {} of {name}: name a list of Azure's addresses with \
                     --ranges",
                    rule.name
                );
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
