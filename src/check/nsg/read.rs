//! Groups as Azure and its command line write them: the rules that are in effect at an interface
//! (`az network nic list-effective-nsg`), or groups themselves (`az network nsg show`, `list`).

use serde::Deserialize;
use serde_json::Value;

use super::group::{Group, Rule};

/// Why a text has no groups.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NsgFault {
    /// It is not what Azure writes.
    #[error("it is no JSON of groups")]
    Json(#[from] serde_json::Error),
    /// A value of a rule is none.
    #[error("rule {rule} has {what} {value}")]
    Value {
        /// The rule.
        rule: String,
        /// What is wrong with it.
        what: &'static str,
        /// What stands there.
        value: String,
    },
    /// It cannot be read.
    #[error("it cannot be read")]
    Unread(#[from] std::io::Error),
    /// There is no group in it.
    #[error("there is no network security group in it")]
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRule {
    name: Option<String>,
    priority: u32,
    direction: String,
    access: String,
    protocol: String,
    source_address_prefix: Option<String>,
    #[serde(default)]
    source_address_prefixes: Vec<String>,
    destination_address_prefix: Option<String>,
    #[serde(default)]
    destination_address_prefixes: Vec<String>,
    source_port_range: Option<String>,
    #[serde(default)]
    source_port_ranges: Vec<String>,
    #[serde(default)]
    source_application_security_groups: Option<Vec<Value>>,
    #[serde(default)]
    destination_application_security_groups: Option<Vec<Value>>,
    destination_port_range: Option<String>,
    #[serde(default)]
    destination_port_ranges: Vec<String>,
}

/// Reads groups, in the order in which they stand: that of the interface before that of the subnet
/// where the text says which is which.
pub fn read_groups(text: &str) -> Result<Vec<Group>, NsgFault> {
    let all: Value = serde_json::from_str(text)?;
    let list = match &all {
        Value::Array(list) => list.clone(),
        Value::Object(own) => match own.get("value") {
            Some(Value::Array(list)) => list.clone(),
            _ => vec![all.clone()],
        },
        _ => return Err(NsgFault::None),
    };
    let mut found = Vec::new();
    for own in &list {
        let rules = rules_of(own);
        if rules.is_empty() {
            continue;
        }
        let rules = rules.into_iter().map(rule).collect::<Result<Vec<_>, _>>()?;
        let is_of_interface = !own["association"]["networkInterface"].is_null();
        let (name, home) = (name_of(own), home_of(own));
        found.push((!is_of_interface, Group { name, home, rules }));
    }
    found.sort_by_key(|own| own.0);
    if found.is_empty() {
        return Err(NsgFault::None);
    }
    Ok(found.into_iter().map(|own| own.1).collect())
}

fn id_of(own: &Value) -> Option<&str> {
    own["networkSecurityGroup"]["id"].as_str().or(own["id"].as_str())
}

/// The resource group that an id names.
fn home_of(own: &Value) -> Option<String> {
    let mut words = id_of(own)?.split('/');
    words.find(|word| word.eq_ignore_ascii_case("resourceGroups"))?;
    words.next().filter(|word| !word.is_empty()).map(str::to_owned)
}

fn name_of(own: &Value) -> String {
    let last = id_of(own).and_then(|own| own.rsplit('/').next());
    own["name"].as_str().or(last).unwrap_or("a group").to_owned()
}

/// Rules in any of the places where they stand.
fn rules_of(own: &Value) -> Vec<Value> {
    let places = [
        &own["effectiveSecurityRules"],
        &own["securityRules"],
        &own["defaultSecurityRules"],
        &own["properties"]["securityRules"],
        &own["properties"]["defaultSecurityRules"],
    ];
    places.into_iter().filter_map(Value::as_array).flatten().cloned().collect()
}

/// A rule, whose values stand beside its name or one level below.
fn rule(own: Value) -> Result<Rule, NsgFault> {
    let name = own["name"].as_str().map(str::to_owned);
    let inner = own.get("properties").filter(|own| own.is_object()).cloned();
    let wire: WireRule = serde_json::from_value(inner.unwrap_or(own))?;
    let name = name.or(wire.name).unwrap_or_else(|| format!("of priority {}", wire.priority));
    let fault =
        |what, value: &str| NsgFault::Value { rule: name.clone(), what, value: value.to_owned() };
    let either = |text: &str, one: &str, other: &str, what| match (
        text.eq_ignore_ascii_case(one),
        text.eq_ignore_ascii_case(other),
    ) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(fault(what, text)),
    };
    let joined = |one: Option<String>, more: Vec<String>| -> Vec<String> {
        one.into_iter().chain(more).filter(|own| !own.is_empty()).collect()
    };
    let all = |all: Vec<String>| -> Result<Vec<_>, NsgFault> {
        all.iter().map(|own| self::ports(own).ok_or_else(|| fault("the ports", own))).collect()
    };
    let own_ports = all(joined(wire.source_port_range, wire.source_port_ranges))?;
    let has = |members: Option<Vec<Value>>| members.is_some_and(|own| !own.is_empty());
    let members = wire.source_application_security_groups.unwrap_or_default();
    let is_from_members = !members.is_empty();
    let ids = members.iter().map(|own| own["id"].as_str().map(str::to_owned));
    let members: Vec<String> = ids.collect::<Option<_>>().unwrap_or_default();
    let sources = joined(wire.source_address_prefix, wire.source_address_prefixes);
    let is_for_all = sources.is_empty() && !is_from_members;
    let is_of = |word: &str| wire.protocol.eq_ignore_ascii_case(word);
    Ok(Rule {
        priority: wire.priority,
        is_outbound: either(&wire.direction, "Outbound", "Inbound", "the direction")?,
        allows: either(&wire.access, "Allow", "Deny", "the access")?,
        is_of_tcp: is_of("Tcp") || is_of("All") || is_of("*"),
        is_of_udp: is_of("Udp") || is_of("All") || is_of("*"),
        sources: if is_for_all { vec!["*".to_owned()] } else { sources },
        destinations: joined(wire.destination_address_prefix, wire.destination_address_prefixes),
        ports: all(joined(wire.destination_port_range, wire.destination_port_ranges))?,
        // Who says nothing of them means any.
        own_ports: if own_ports.is_empty() { vec![(0, u16::MAX)] } else { own_ports },
        is_from_members,
        members,
        is_to_members: has(wire.destination_application_security_groups),
        name,
    })
}

/// First and last of `*`, `443`, `80-443`.
pub fn ports(text: &str) -> Option<(u16, u16)> {
    if text == "*" {
        return Some((0, u16::MAX));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}
