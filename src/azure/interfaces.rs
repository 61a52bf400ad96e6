//! Network cards of machines, the subnets that they are in, and the security groups and routes that
//! stand at both. <https://learn.microsoft.com/rest/api/virtualnetwork/network-interfaces/get>

use serde::Deserialize;
use serde_json::{Value, json};

use super::arm::Arm;
use super::error::Error;

const NETWORK: &str = "2024-05-01";

/// A network card.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardFacts {
    /// Its addresses in its own network.
    pub addresses: Vec<String>,
    /// Resource ids of its subnets.
    pub subnets: Vec<String>,
    /// Resource id of the security group at it.
    pub group: Option<String>,
    /// Resource ids of the application security groups that it is in.
    pub memberships: Vec<String>,
    /// How many public addresses it has.
    pub public_addresses: usize,
    /// Whether a load balancer or a gateway leads to it.
    pub is_balanced: bool,
    /// The name servers that are named at it; none: those of its network.
    pub name_servers: Vec<String>,
}

/// A subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubnetFacts {
    /// Resource id of the security group at it.
    pub group: Option<String>,
    /// Resource id of the table of its routes.
    pub routes: Option<String>,
}

/// A rule of a security group that lets TCP out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboundRule<'a> {
    /// Its name.
    pub name: &'a str,
    /// A lower one comes first.
    pub priority: u32,
    /// Whom it is for.
    pub source: &'a str,
    /// Where to.
    pub destination: &'a str,
    /// At which ports there.
    pub ports: &'a str,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Card {
    properties: CardProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CardProperties {
    network_security_group: Option<Named>,
    ip_configurations: Vec<Place>,
    dns_settings: NameServers,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NameServers {
    dns_servers: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Network {
    properties: NetworkProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NetworkProperties {
    dhcp_options: NameServers,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Place {
    properties: PlaceProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PlaceProperties {
    #[serde(rename = "privateIPAddress")]
    address: Option<String>,
    subnet: Option<Named>,
    #[serde(rename = "publicIPAddress")]
    public_address: Option<Named>,
    load_balancer_backend_address_pools: Vec<Named>,
    application_gateway_backend_address_pools: Vec<Named>,
    application_security_groups: Vec<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Subnet {
    properties: SubnetProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SubnetProperties {
    network_security_group: Option<Named>,
    route_table: Option<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Table {
    properties: TableProperties,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TableProperties {
    routes: Vec<Route>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Route {
    properties: RouteProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RouteProperties {
    address_prefix: String,
    next_hop_type: String,
}

impl Card {
    fn facts(self) -> CardFacts {
        let CardProperties { network_security_group, ip_configurations, dns_settings } =
            self.properties;
        let all: Vec<PlaceProperties> =
            ip_configurations.into_iter().map(|own| own.properties).collect();
        let is_balanced = |own: &PlaceProperties| {
            let pools = &own.load_balancer_backend_address_pools;
            !pools.is_empty() || !own.application_gateway_backend_address_pools.is_empty()
        };
        let members = |own: &PlaceProperties| {
            own.application_security_groups.iter().map(|own| own.id.clone()).collect::<Vec<_>>()
        };
        CardFacts {
            group: network_security_group.map(|own| own.id),
            memberships: all.iter().flat_map(members).collect(),
            public_addresses: all.iter().filter(|own| own.public_address.is_some()).count(),
            is_balanced: all.iter().any(is_balanced),
            name_servers: dns_settings.dns_servers,
            addresses: all.iter().filter_map(|own| own.address.clone()).collect(),
            subnets: all.into_iter().filter_map(|own| own.subnet.map(|own| own.id)).collect(),
        }
    }
}

impl Arm {
    /// A network card by its resource id; `None` if there is none.
    pub fn card(&self, id: &str) -> Result<Option<CardFacts>, Error> {
        Ok(self.get::<Card>(id, NETWORK)?.map(Card::facts))
    }

    /// A subnet by its resource id; `None` if there is none.
    pub fn subnet(&self, id: &str) -> Result<Option<SubnetFacts>, Error> {
        let id_of = |own: Option<Named>| own.map(|own| own.id);
        let found: Option<Subnet> = self.get(id, NETWORK)?;
        Ok(found.map(|own| SubnetFacts {
            group: id_of(own.properties.network_security_group),
            routes: id_of(own.properties.route_table),
        }))
    }

    /// The name servers that a virtual network names, by the resource id of one of its subnets; none:
    /// those of Azure. <https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/get>
    pub fn name_servers(&self, subnet: &str) -> Result<Vec<String>, Error> {
        let network = subnet.rsplit_once("/subnets/").map_or(subnet, |(network, _)| network);
        let found: Option<Network> = self.get(network, NETWORK)?;
        Ok(found.unwrap_or_default().properties.dhcp_options.dns_servers)
    }

    /// Whether a table of routes leads everything to a machine that looks at it.
    pub fn leads_away(&self, table: &str) -> Result<bool, Error> {
        let found: Option<Table> = self.get(table, NETWORK)?;
        let is_away = |own: Route| {
            own.properties.address_prefix == "0.0.0.0/0"
                && own.properties.next_hop_type.eq_ignore_ascii_case("VirtualAppliance")
        };
        Ok(found.is_some_and(|own| own.properties.routes.into_iter().any(is_away)))
    }

    /// A security group with its rules, as the service writes it; `None` if there is none.
    pub fn security_group(&self, id: &str) -> Result<Option<String>, Error> {
        Ok(self.get::<Value>(id, NETWORK)?.map(|own| own.to_string()))
    }

    /// All security groups of a subscription, by their resource ids.
    pub fn security_groups(&self, subscription: &str) -> Result<Vec<String>, Error> {
        let path = format!(
            "subscriptions/{subscription}/providers/Microsoft.Network/networkSecurityGroups"
        );
        let all: Vec<Named> = self.list(&path, NETWORK)?;
        Ok(all.into_iter().map(|own| own.id).collect())
    }

    /// Writes a rule into a security group that lets TCP out.
    pub fn write_security_rule(&self, group: &str, rule: &OutboundRule<'_>) -> Result<(), Error> {
        let OutboundRule { name, priority, source, destination, ports } = rule;
        let path = format!("{group}/securityRules/{name}");
        let body = json!({ "properties": {
            "access": "Allow", "direction": "Outbound", "protocol": "Tcp", "priority": priority,
            "sourceAddressPrefix": source, "sourcePortRange": "*",
            "destinationAddressPrefix": destination, "destinationPortRange": ports,
        } });
        self.put::<Value>(&path, NETWORK, &body).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_says_where_it_is_and_what_stands_before_it() {
        let text = r#"{"properties":{"networkSecurityGroup":{"id":"/g"},
          "dnsSettings":{"dnsServers":["10.0.0.53"],"appliedDnsServers":[]},"ipConfigurations":[
          {"properties":{"privateIPAddress":"10.0.0.4","subnet":{"id":"/s"},"publicIPAddress":{"id":"/p"}}},
          {"properties":{"loadBalancerBackendAddressPools":[{"id":"/b"}],"applicationSecurityGroups":[{"id":"/a"}]}}]}}"#;
        let own = serde_json::from_str::<Card>(text).unwrap().facts();
        let expected = CardFacts {
            addresses: vec!["10.0.0.4".to_owned()],
            subnets: vec!["/s".to_owned()],
            group: Some("/g".to_owned()),
            memberships: vec!["/a".to_owned()],
            public_addresses: 1,
            is_balanced: true,
            name_servers: vec!["10.0.0.53".to_owned()],
        };
        assert_eq!(own, expected);
        assert_eq!(serde_json::from_str::<Card>("{}").unwrap().facts(), CardFacts::default());
    }
}
