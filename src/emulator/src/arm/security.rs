//! Network security groups as the resource manager shows them, and rules that are written into them.

use hyper::Method;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::fault::Fault;
use crate::http::Answer;
use crate::recovery::{PRIORITIES, SecurityGroup, SecurityRule, Vm, World};

/// Answers a call about groups; `None` if it is about something else.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Option<Result<Answer, Fault>> {
    let [kind, rest @ ..] = target.rest.as_slice() else { return None };
    if !kind.eq_ignore_ascii_case("networkSecurityGroups") {
        return None;
    }
    let is_get = context.call.method == Method::GET;
    let world = context.world.read();
    let find = |name: &str| {
        let group = target.group.as_deref().unwrap_or_default();
        let own = world.security.iter().find(|own| own.is(group, name));
        own.ok_or_else(|| Fault::no_resource(&format!("The network security group '{name}'")))
    };
    let rule = |own: &SecurityGroup, name: &str| {
        let found = own.rules.iter().find(|own| own.name.eq_ignore_ascii_case(name));
        let none = || Fault::no_resource(&format!("The rule '{name}'"));
        found.map(|rule| rule_body(context, own, rule)).ok_or_else(none)
    };
    Some(match rest {
        [] if is_get => {
            let is_meant = |own: &&SecurityGroup| {
                target.group.as_ref().is_none_or(|group| own.group.eq_ignore_ascii_case(group))
            };
            let all: Vec<Value> =
                world.security.iter().filter(is_meant).map(|own| body(context, own)).collect();
            Ok(Answer::json(200, &json!({ "value": all })))
        }
        [name] if is_get => find(name).map(|own| Answer::json(200, &body(context, own))),
        [name, word, own] if word.eq_ignore_ascii_case("securityRules") => {
            match context.call.method {
                Method::GET => {
                    find(name).and_then(|group| rule(group, own)).map(|own| Answer::json(200, &own))
                }
                Method::PUT => {
                    write(context, (target.group.as_deref().unwrap_or_default(), name), own)
                }
                _ => Err(not_taken()),
            }
        }
        _ => Err(not_taken()),
    })
}

fn not_taken() -> Fault {
    Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")
}

/// Writes a rule: of one priority and direction there is one.
fn write(context: Context<'_>, (group, nsg): (&str, &str), name: &str) -> Result<Answer, Fault> {
    let sent: Value = serde_json::from_slice(&context.call.body)
        .map_err(|error| Fault::new(400, "InvalidRequestContent", error.to_string()))?;
    let new = SecurityRule { name: name.to_owned(), properties: sent["properties"].clone() };
    for field in ["access", "direction", "protocol", "sourcePortRange", "destinationPortRange"] {
        if !new.properties[field].is_string() {
            let message = format!("Security rule {name} has no value for {field}.");
            return Err(Fault::new(400, "SecurityRuleParameterMissing", message));
        }
    }
    let (priority, _) = new.place();
    if !u32::try_from(priority).is_ok_and(|own| PRIORITIES.contains(&own)) {
        let message = format!("Security rule {name} has the invalid priority {priority}.");
        return Err(Fault::new(400, "SecurityRuleInvalidPriority", message));
    }
    let (answer, is_new) = context.world.change(|world| {
        let own = world.security.iter_mut().find(|own| own.is(group, nsg));
        let own = own.ok_or_else(|| Fault::no_resource("The network security group"))?;
        let is_named = |own: &SecurityRule| own.name.eq_ignore_ascii_case(name);
        let taken = own.rules.iter().find(|own| !is_named(own) && own.place() == new.place());
        if let Some(taken) = taken {
            let message = format!(
                "Security rule {name} conflicts with rule {}. Rules cannot have the same Priority \
                 and Direction.",
                taken.name
            );
            return Err(Fault::new(400, "SecurityRuleConflict", message));
        }
        let is_new = !own.rules.iter().any(is_named);
        own.rules.retain(|own| !is_named(own));
        own.rules.push(new.clone());
        Ok((rule_body(context, own, &new), is_new))
    })?;
    Ok(Answer::json(if is_new { 201 } else { 200 }, &answer))
}

fn id_of(context: Context<'_>, own: &SecurityGroup) -> String {
    let subscription = context.account.subscription.as_str();
    let SecurityGroup { group, name, .. } = own;
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/networkSecurityGroups/{name}"
    )
}

/// The group at the cards of a machine.
pub(super) fn at_machine(context: Context<'_>, world: &World, vm: &Vm) -> Option<String> {
    let is_here = |own: &&SecurityGroup| {
        own.group.eq_ignore_ascii_case(&vm.group)
            && own.machines.iter().any(|own| own.eq_ignore_ascii_case(&vm.name))
    };
    world.security.iter().find(is_here).map(|own| id_of(context, own))
}

/// The group at a subnet, `NETWORK/SUBNET`.
pub(super) fn at_subnet(
    context: Context<'_>,
    world: &World,
    (group, subnet): (&str, &str),
) -> Option<String> {
    let is_here = |own: &&SecurityGroup| {
        own.group.eq_ignore_ascii_case(group)
            && own.subnets.iter().any(|own| own.eq_ignore_ascii_case(subnet))
    };
    world.security.iter().find(is_here).map(|own| id_of(context, own))
}

fn rule_body(context: Context<'_>, group: &SecurityGroup, own: &SecurityRule) -> Value {
    let mut properties = own.properties.clone();
    properties["provisioningState"] = "Succeeded".into();
    json!({
        "id": format!("{}/securityRules/{}", id_of(context, group), own.name), "name": own.name,
        "type": "Microsoft.Network/networkSecurityGroups/securityRules", "properties": properties,
    })
}

fn body(context: Context<'_>, own: &SecurityGroup) -> Value {
    let rules: Vec<Value> = own.rules.iter().map(|rule| rule_body(context, own, rule)).collect();
    let end = |name: &str,
               (priority, direction, access): (u32, &str, &str),
               from: &str,
               to: &str| {
        json!({
            "name": name, "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "priority": priority, "direction": direction, "access": access, "protocol": "*",
                "sourceAddressPrefix": from, "destinationAddressPrefix": to,
                "sourcePortRange": "*", "destinationPortRange": "*",
            },
        })
    };
    let own_network = "VirtualNetwork";
    json!({
        "id": id_of(context, own), "name": own.name, "location": own.region,
        "type": "Microsoft.Network/networkSecurityGroups",
        "properties": {
            "provisioningState": "Succeeded", "securityRules": rules,
            "defaultSecurityRules": [
                end("AllowVnetInBound", (65_000, "Inbound", "Allow"), own_network, own_network),
                end("AllowAzureLoadBalancerInBound", (65_001, "Inbound", "Allow"), "AzureLoadBalancer", "*"),
                end("DenyAllInBound", (65_500, "Inbound", "Deny"), "*", "*"),
                end("AllowVnetOutBound", (65_000, "Outbound", "Allow"), own_network, own_network),
                end("AllowInternetOutBound", (65_001, "Outbound", "Allow"), "*", "Internet"),
                end("DenyAllOutBound", (65_500, "Outbound", "Deny"), "*", "*"),
            ],
        },
    })
}
