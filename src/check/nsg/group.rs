//! Groups and their rules, and what has to get past them.

use std::net::{IpAddr, Ipv4Addr};

use super::super::network::FABRIC;

/// A group, with the rules that it has of its own and those that each has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its resource group, if the answer tells it.
    pub home: Option<String>,
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
    /// Whether it is of UDP, or of everything.
    pub is_of_udp: bool,
    /// Whom it is for.
    pub sources: Vec<String>,
    /// Where to.
    pub destinations: Vec<String>,
    /// At which ports there; first and last.
    pub ports: Vec<(u16, u16)>,
    /// From which ports, likewise.
    pub own_ports: Vec<(u16, u16)>,
    /// Whether it is for members of application security groups, whom it does not name.
    pub is_from_members: bool,
    /// The groups of those members, by their resource ids; none if they are not told.
    pub members: Vec<String>,
    /// Whether it is about what goes to such members.
    pub is_to_members: bool,
}

impl Group {
    /// The same for a machine that is in these application security groups, by their resource ids:
    /// a rule for members is for it, or is not.
    pub fn as_for(mut self, memberships: &[String]) -> Self {
        for rule in self.rules.iter_mut().filter(|own| !own.members.is_empty()) {
            let is_in = |id: &String| memberships.iter().any(|own| own.eq_ignore_ascii_case(id));
            let is_for_it = rule.members.iter().any(is_in);
            rule.is_from_members = false;
            rule.sources.extend(is_for_it.then(|| "*".to_owned()));
        }
        self
    }
}

/// Ports that a system takes for what it sends: Linux from 32768, Windows and IANA from 49152.
/// <https://www.rfc-editor.org/rfc/rfc6335#section-6>
pub(super) const EPHEMERAL: (u16, u16) = (32_768, u16::MAX);

impl Rule {
    /// Whether it is of a protocol.
    pub fn is_of(&self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Tcp => self.is_of_tcp,
            Protocol::Udp => self.is_of_udp,
        }
    }
}

/// How a flow goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// By connections.
    Tcp,
    /// By single packets.
    Udp,
}

impl Protocol {
    /// As a rule names it.
    pub fn word(self) -> &'static str {
        match self {
            Protocol::Tcp => "Tcp",
            Protocol::Udp => "Udp",
        }
    }
}

/// What has to get out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// What it is called in findings.
    pub what: &'static str,
    /// How.
    pub protocol: Protocol,
    /// Where to.
    pub to: Destination,
    /// The port.
    pub port: u16,
}

/// Where a flow goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
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

impl Destination {
    /// As a rule names it.
    pub fn told(&self) -> String {
        match self {
            Destination::Tag { name, region: Some(region) } => format!("{name}.{region}"),
            Destination::Tag { name, region: None } => (*name).to_owned(),
            Destination::Address(own) => own.to_string(),
        }
    }
}

/// What a VM's backup has to reach, straight or by a proxy.
pub fn flows(region: Option<&str>, proxy: Option<(IpAddr, u16)>) -> Vec<Flow> {
    if let Some((address, port)) = proxy {
        let to = Destination::Address(address);
        return vec![Flow { what: "proxy", protocol: Protocol::Tcp, to, port }];
    }
    let tag = |what, name, region: Option<&str>| Flow {
        what,
        protocol: Protocol::Tcp,
        to: Destination::Tag { name, region: region.map(str::to_owned) },
        port: 443,
    };
    vec![
        tag("backup", "AzureBackup", None),
        tag("storage", "Storage", region),
        tag("signin", "AzureActiveDirectory", None),
    ]
}

/// What has to reach the name servers that a virtual network names. Those of Azure itself answer at an
/// address that no group stands before.
pub fn name_flows(servers: &[String]) -> Vec<Flow> {
    let own = servers.iter().filter(|own| own.as_str() != FABRIC);
    let addresses = own.filter_map(|own| own.parse::<Ipv4Addr>().ok());
    let flow = |own: Ipv4Addr| Flow {
        what: "dns",
        protocol: Protocol::Udp,
        to: Destination::Address(own.into()),
        port: 53,
    };
    addresses.map(flow).collect()
}
