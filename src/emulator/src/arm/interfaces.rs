//! Network cards of machines as the resource manager shows them: `MACHINE-nic`, `MACHINE-nic2`, …

use serde_json::{Value, json};

use super::call::Context;
use super::ids::{network_id, subnet_of};
use super::security;
use crate::recovery::{Vm, World};

/// The name of a card of a machine.
fn name_of(vm: &Vm, at: u32) -> String {
    if at == 0 { format!("{}-nic", vm.name) } else { format!("{}-nic{}", vm.name, at + 1) }
}

fn path(context: Context<'_>, group: &str, kind: &str, name: &str) -> String {
    let subscription = context.account.subscription.as_str();
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/{kind}/{name}"
    )
}

/// How a machine names its cards.
pub(super) fn named(context: Context<'_>, vm: &Vm) -> Vec<Value> {
    let card = |at: u32| {
        json!({
            "id": path(context, &vm.group, "networkInterfaces", &name_of(vm, at)),
            "properties": { "primary": at == 0 },
        })
    };
    (0..vm.nics).map(card).collect()
}

/// The card of this name.
pub(super) fn find(
    context: Context<'_>,
    world: &World,
    (group, name): (&str, &str),
) -> Option<Value> {
    let mut all = world
        .vms
        .iter()
        .enumerate()
        .filter(|(_, own)| !own.is_classic && own.group.eq_ignore_ascii_case(group));
    all.find_map(|(place, vm)| {
        let at = (0..vm.nics).find(|at| name_of(vm, *at).eq_ignore_ascii_case(name))?;
        Some(body(context, world, vm, (place, at)))
    })
}

fn body(context: Context<'_>, world: &World, vm: &Vm, (place, at): (usize, u32)) -> Value {
    let name = name_of(vm, at);
    let id = path(context, &vm.group, "networkInterfaces", &name);
    let (network, subnet) = subnet_of(vm);
    let mut address = json!({
        "privateIPAddress": format!("10.0.{at}.{}", 4 + place), "primary": true,
        "privateIPAllocationMethod": "Dynamic",
        "subnet": {
            "id": format!("{}/subnets/{subnet}", network_id(context, &vm.group, network)),
        },
    });
    if vm.is_balanced {
        let balancer = path(context, &vm.group, "loadBalancers", "balancer");
        address["loadBalancerBackendAddressPools"] =
            json!([{ "id": format!("{balancer}/backendAddressPools/pool") }]);
    }
    if vm.is_odd("public") {
        let public = path(context, &vm.group, "publicIPAddresses", &format!("{}-ip", vm.name));
        address["publicIPAddress"] = json!({ "id": public });
    }
    let mut body = json!({
        "id": id, "name": name, "type": "Microsoft.Network/networkInterfaces",
        "location": vm.region,
        "properties": {
            "provisioningState": "Succeeded", "primary": at == 0,
            "ipConfigurations": [{ "name": "ipconfig1", "properties": address }],
        },
    });
    if let Some(own) = security::at_machine(context, world, vm) {
        body["properties"]["networkSecurityGroup"] = json!({ "id": own });
    }
    body
}
