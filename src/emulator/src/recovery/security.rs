//! Network security groups as somebody declares them, and where they stand: at the card of a
//! machine, or at a subnet.

use serde::{Deserialize, Serialize};

use super::vm::is_name;
use crate::error::Error;

/// Priorities that a rule of somebody's own may have.
pub(crate) const PRIORITIES: std::ops::RangeInclusive<u32> = 100..=4096;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecurityGroup {
    pub group: String,
    pub name: String,
    pub region: String,
    pub rules: Vec<SecurityRule>,
    /// Machines of its resource group at whose cards it stands.
    pub machines: Vec<String>,
    /// Subnets of its resource group, `NETWORK/SUBNET`.
    pub subnets: Vec<String>,
}

/// A rule, as it was sent or declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecurityRule {
    pub name: String,
    pub properties: serde_json::Value,
}

impl SecurityRule {
    /// Priority and direction, by which it is one of a kind in its group.
    pub fn place(&self) -> (u64, String) {
        let of = |name: &str| self.properties[name].as_str().unwrap_or_default().to_lowercase();
        (self.properties["priority"].as_u64().unwrap_or_default(), of("direction"))
    }
}

/// What a group is to be; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the words of the command")]
pub struct SecurityOrder {
    pub name: String,
    pub group: Option<String>,
    pub region: Option<String>,
    /// Each `NAME,PRIORITY,allow|deny,DESTINATION[,PORTS]`.
    pub rules: Vec<String>,
    pub machines: Vec<String>,
    pub subnets: Vec<String>,
}

impl SecurityGroup {
    pub fn is(&self, group: &str, name: &str) -> bool {
        self.group.eq_ignore_ascii_case(group) && self.name.eq_ignore_ascii_case(name)
    }

    /// A group without rules of its own.
    pub fn new(order: &SecurityOrder) -> Self {
        SecurityGroup {
            group: order.group.clone().unwrap_or_else(|| "rg".to_owned()),
            name: order.name.clone(),
            region: "westus".to_owned(),
            rules: Vec::new(),
            machines: Vec::new(),
            subnets: Vec::new(),
        }
    }

    /// Changes it as ordered.
    pub fn change(&mut self, order: &SecurityOrder) -> Result<(), Error> {
        if ![&self.group, &self.name].into_iter().all(|own| is_name(own)) {
            let message = format!("{} is no name of a network security group", self.name);
            return Err(Error::Refused { message });
        }
        if let Some(region) = &order.region {
            self.region = region.to_lowercase().replace(' ', "");
        }
        for text in &order.rules {
            let rule = rule(text)?;
            self.rules.retain(|own| !own.name.eq_ignore_ascii_case(&rule.name));
            self.rules.push(rule);
        }
        let more = |own: &mut Vec<String>, asked: &[String]| {
            own.extend(asked.iter().filter(|new| !own.contains(new)).cloned().collect::<Vec<_>>());
        };
        more(&mut self.machines, &order.machines);
        more(&mut self.subnets, &order.subnets);
        Ok(())
    }
}

fn rule(text: &str) -> Result<SecurityRule, Error> {
    let wrong = || Error::Refused {
        message: format!("{text} is no rule NAME,PRIORITY,allow|deny,DESTINATION[,PORTS]"),
    };
    let parts: Vec<&str> = text.split(',').collect();
    let (name, priority, access, to, ports) = match parts.as_slice() {
        [name, priority, access, to] => (*name, *priority, *access, *to, "*"),
        [name, priority, access, to, ports] => (*name, *priority, *access, *to, *ports),
        _ => return Err(wrong()),
    };
    let priority: u32 = priority.parse().map_err(|_| wrong())?;
    let access = match access {
        "allow" => "Allow",
        "deny" => "Deny",
        _ => return Err(wrong()),
    };
    if !is_name(name) || !PRIORITIES.contains(&priority) {
        return Err(wrong());
    }
    let properties = serde_json::json!({
        "priority": priority, "access": access, "direction": "Outbound", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": to,
        "destinationPortRange": ports,
    });
    Ok(SecurityRule { name: name.to_owned(), properties })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_declared_rule_by_rule_and_a_wrong_rule_is_none() {
        let order = SecurityOrder { name: "web-nsg".to_owned(), ..SecurityOrder::default() };
        let mut own = SecurityGroup::new(&order);
        let rules = |text: &str| SecurityOrder { rules: vec![text.to_owned()], ..order.clone() };
        own.change(&rules("deny-all,200,deny,Internet")).unwrap();
        own.change(&rules("deny-all,300,deny,10.0.0.0/8,80-443")).unwrap();
        assert_eq!(own.rules.len(), 1, "of one name there is one");
        assert_eq!(own.rules[0].place(), (300, "outbound".to_owned()));
        for wrong in ["x", "x,99,deny,*", "x,100,perhaps,*", "x/y,100,deny,*", "x,100,deny,*,1,2"] {
            assert!(own.change(&rules(wrong)).is_err(), "{wrong}");
        }
    }
}
