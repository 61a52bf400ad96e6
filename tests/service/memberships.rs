//! Rules of security groups that are for the members of application security groups: which of those a
//! machine is in is told by its network card, and decides.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::network::found;
use crate::support;

use serde_json::{Value, json};
use support::played::{Played, reply};
use support::program::{Machine, said};

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";

fn id(kind: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/{kind}/{name}")
}

/// A machine whose card is in these groups, and whose security group lets no member of `inner` out.
fn world(memberships: &[&str]) -> Vec<(String, Value)> {
    let group = |name: &str| id("Microsoft.Network/applicationSecurityGroups", name);
    let members: Vec<Value> = memberships.iter().map(|own| json!({"id": group(own)})).collect();
    let machine = id("Microsoft.Compute/virtualMachines", "web");
    let card = id("Microsoft.Network/networkInterfaces", "web-nic");
    let rules = id("Microsoft.Network/networkSecurityGroups", "web-nsg");
    let web = json!({"id": machine, "name": "web", "location": "westeurope", "properties": {
        "hardwareProfile": {"vmSize": "Standard_D2s_v3"},
        "networkProfile": {"networkInterfaces": [{"id": card}]}}});
    let rule = |name: &str, priority: u32, access: &str, source: Value| {
        let mut own = json!({"priority": priority, "direction": "Outbound", "access": access,
            "protocol": "*", "sourcePortRange": "*", "destinationAddressPrefix": "Internet",
            "destinationPortRange": "*"});
        own.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
        json!({"name": name, "properties": own})
    };
    let inner = json!({"sourceApplicationSecurityGroups": [{"id": group("inner")}]});
    let shut = rule("members", 200, "Deny", inner);
    let open = rule("out", 65_001, "Allow", json!({"sourceAddressPrefix": "*"}));
    let place = json!({"privateIPAddress": "10.0.0.4", "applicationSecurityGroups": members});
    vec![
        (machine, web.clone()),
        (
            card,
            json!({"properties": {"networkSecurityGroup": {"id": rules},
                "ipConfigurations": [{"properties": place}]}}),
        ),
        (
            rules.clone(),
            json!({"id": rules, "name": "web-nsg", "properties": {
                "securityRules": [shut], "defaultSecurityRules": [open]}}),
        ),
        (
            format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines"),
            json!({"value": [web]}),
        ),
    ]
}

#[test]
fn a_rule_for_members_is_decided_by_the_groups_that_the_machines_card_is_in() {
    for (memberships, code, verdict) in
        [(&["outer", "INNER"][..], 1, "problem"), (&["outer"], 0, "good"), (&[], 0, "good")]
    {
        let world = world(memberships);
        let played = Played::start(move |call, to| {
            let own = world.iter().find(|(path, _)| path.eq_ignore_ascii_case(&call.path));
            let none = json!({"error": {"code": "ResourceNotFound", "message": "none"}});
            let (status, body) = own.map_or((404, &none), |(_, body)| (200, body));
            let json = "content-type: application/json\r\n";
            reply(to, status, json, body.to_string().as_bytes())
        });
        let machine = Machine::new();
        let look = ["nsg", "suggest", "--vm=web", "--json", "--subscription", SUBSCRIPTION];
        let mut command = machine.command(&look);
        command.env("AZSEED_ARM_ENDPOINT", played.url("")).env("AZSEED_TOKEN", "token");
        command.env("AZSEED_CA_FILE", played.ca_file());
        let told = said(command.output().unwrap());
        assert_eq!(told.code, code, "{memberships:?}: {}", told.stdout);
        let flows = found(&told).into_iter().filter(|own| own.0.starts_with("nsg-"));
        let flows: Vec<String> = flows.map(|own| own.1).collect();
        assert_eq!(flows, [verdict; 3], "{memberships:?}: {}", told.stdout);
    }
}
