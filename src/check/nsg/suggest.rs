//! The fewest rules that let a VM's backup out, at priorities that are free and come before what
//! blocks it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use disk_prep::noun::shell_word;

use super::group::{Flow, Group, Protocol};
use super::judge::{Said, blocker, judge};
use super::tags::TagList;

/// Priorities that a person may give:
/// <https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview#security-rules>.
const PRIORITIES: std::ops::RangeInclusive<u32> = 100..=4096;

/// A rule to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    /// The group that it belongs into, if it is known.
    pub group: Option<String>,
    /// Its name.
    pub name: String,
    /// Its priority, if one is free before what blocks.
    pub priority: Option<u32>,
    /// How.
    pub protocol: Protocol,
    /// Whom it is for.
    pub source: String,
    /// Where to.
    pub destination: String,
    /// At which ports there.
    pub ports: String,
}

/// A rule for each flow that a group does not let out.
pub fn suggest(
    groups: &[Group],
    from: Option<Ipv4Addr>,
    flows: &[Flow],
    tags: Option<&TagList>,
) -> Vec<NewRule> {
    let mut all = Vec::new();
    for group in groups {
        let outbound = group.rules.iter().filter(|own| own.is_outbound);
        let mut taken: BTreeSet<u32> = outbound.map(|own| own.priority).collect();
        // One of its name that is there would be written over.
        let mut names: BTreeSet<String> =
            group.rules.iter().map(|own| own.name.to_lowercase()).collect();
        for flow in flows {
            if let Said::Allowed(_) = judge(group, from, flow, tags) {
                continue;
            }
            let before = blocker(group, from, flow, tags).unwrap_or(PRIORITIES.end() + 1);
            let free = PRIORITIES.rev().find(|own| *own < before && !taken.contains(own));
            taken.extend(free);
            // There may be several name servers, and a group has no two rules of one name.
            let name = |count: usize| match count {
                1 => format!("allow-{}", flow.what),
                count => format!("allow-{}-{count}", flow.what),
            };
            let name = (1..).map(name).find(|own| names.insert(own.clone()));
            all.push(NewRule {
                group: Some(match &group.home {
                    Some(home) => format!("{home}/{}", group.name),
                    None => group.name.clone(),
                }),
                name: name.unwrap_or_default(),
                priority: free,
                protocol: flow.protocol,
                source: "*".to_owned(),
                destination: flow.to.told(),
                ports: flow.port.to_string(),
            });
        }
    }
    all
}

impl NewRule {
    /// The one that lets a proxy out to the Internet.
    pub fn of_proxy(name: String, proxy: IpAddr, priority: u32, ports: String) -> Self {
        let length = if proxy.is_ipv4() { 32 } else { 128 };
        let (source, destination) = (format!("{proxy}/{length}"), "Internet".to_owned());
        let (priority, protocol) = (Some(priority), Protocol::Tcp);
        NewRule { group: None, name, priority, protocol, source, destination, ports }
    }

    /// What it opens, in words.
    pub fn opens(&self) -> String {
        let NewRule { protocol, source, destination, ports, .. } = self;
        let who = if source == "*" { "everything" } else { source };
        format!("{who} out to {destination} at {} {ports}", protocol.word().to_uppercase())
    }

    /// The line for Azure's command line; capitals stand for what is not known.
    pub fn line(&self) -> String {
        let priority = self.priority.map_or("PRIORITY".to_owned(), |own| own.to_string());
        // One that was found in the subscription is known with its resource group.
        let held = self.group.as_deref().unwrap_or("NSG");
        let (group, held) = held.split_once('/').unwrap_or(("GROUP", held));
        let NewRule { name, protocol, source, destination, ports, .. } = self;
        let protocol = protocol.word();
        let [group, held, name, destination, ports] =
            [group, held, name, destination, ports].map(|own| shell_word(own));
        format!(
            "az network nsg rule create -g {group} --nsg-name {held} -n {name} --priority {priority} \
             --direction Outbound --access Allow --protocol {protocol} --source-address-prefixes '{source}' \
             --source-port-ranges '*' --destination-address-prefixes {destination} \
             --destination-port-ranges {ports}"
        )
    }
}
