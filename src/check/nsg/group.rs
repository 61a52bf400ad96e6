//! Groups and their rules, and what has to get past them.

use std::net::IpAddr;

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
        return vec![Flow { what: "proxy", to: Destination::Address(address), port }];
    }
    let tag = |what, name, region: Option<&str>| Flow {
        what,
        to: Destination::Tag { name, region: region.map(str::to_owned) },
        port: 443,
    };
    vec![
        tag("backup", "AzureBackup", None),
        tag("storage", "Storage", region),
        tag("signin", "AzureActiveDirectory", None),
    ]
}
