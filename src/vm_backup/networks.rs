//! Virtual networks of a subscription, as far as a new machine needs one.

use disk_prep::noun::SubscriptionId;
use serde::Deserialize;

use super::error::Error;
use super::vault_id::parts;
use super::vaults::region;
use super::words::NETWORK;
use crate::azure::Arm;

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its resource id.
    pub id: String,
    /// Its resource group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Names of its subnets, with their resource ids.
    pub subnets: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties {
    subnets: Vec<Subnet>,
}

#[derive(Deserialize)]
struct Subnet {
    id: String,
    #[serde(default)]
    name: String,
}

impl Network {
    /// Whether a word names it: NAME, GROUP/NAME or its resource id.
    pub fn is(&self, word: &str) -> bool {
        let is = |own: &str| own.eq_ignore_ascii_case(word);
        is(&self.name) || is(&format!("{}/{}", self.group, self.name)) || is(&self.id)
    }
}

/// The networks of a subscription.
pub fn networks(arm: &Arm, subscription: &SubscriptionId) -> Result<Vec<Network>, Error> {
    let path = format!("subscriptions/{subscription}/providers/Microsoft.Network/virtualNetworks");
    let all: Vec<Wire> = arm.list(&path, NETWORK)?;
    let network = |own: Wire| {
        let [_, group, _, _, name] = parts(&own.id)?.map(str::to_owned);
        let subnets = own.properties.subnets.into_iter().map(|own| (own.name, own.id)).collect();
        Some(Network { id: own.id, group, name, region: region(&own.location), subnets })
    };
    Ok(all.into_iter().filter_map(network).collect())
}
