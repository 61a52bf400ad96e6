//! Virtual networks as the resource manager shows them, with cards, security groups and routes: those
//! that machines are in.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::fault::Fault;
use super::ids::{network_id, subnet_of};
use super::version::check_any;
use super::{interfaces, security};
use crate::http::Answer;
use crate::recovery::{Vm, World};

pub(super) const PROVIDER: &str = "microsoft.network";

/// The name server of a network whose machine was declared to ask its owner's.
const NAME_SERVER: &str = "10.0.0.53";

/// A network: group and name as compared, region, and subnets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Network {
    pub group: String,
    pub name: String,
    pub region: String,
    pub subnets: Vec<String>,
}

/// All of them.
pub(super) fn networks(world: &World) -> Vec<Network> {
    let mut all: BTreeMap<(String, String), Network> = BTreeMap::new();
    for vm in world.vms.iter().filter(|own| !own.is_classic) {
        let (name, subnet) = subnet_of(vm);
        let key = (vm.group.to_lowercase(), name.to_lowercase());
        let own = all.entry(key).or_insert_with(|| Network {
            group: vm.group.clone(),
            name: name.to_owned(),
            region: vm.region.clone(),
            subnets: Vec::new(),
        });
        if own.subnets.iter().all(|own| !own.eq_ignore_ascii_case(subnet)) {
            own.subnets.push(subnet.to_owned());
        }
    }
    all.into_values().collect()
}

impl Network {
    /// Its resource id.
    pub fn id(&self, context: Context<'_>) -> String {
        network_id(context, &self.group, &self.name)
    }

    /// One of its subnets, with what stands at it.
    fn subnet(&self, context: Context<'_>, world: &World, name: &str) -> Value {
        let (id, place) = (self.id(context), format!("{}/{name}", self.name));
        let mut body = json!({
            "id": format!("{id}/subnets/{name}"), "name": name,
            "type": "Microsoft.Network/virtualNetworks/subnets",
            "properties": { "provisioningState": "Succeeded" },
        });
        if let Some(own) = security::at_subnet(context, world, (&self.group, &place)) {
            body["properties"]["networkSecurityGroup"] = json!({ "id": own });
        }
        let is_led_away =
            |own: &Vm| own.is_odd("appliance") && own.subnet.eq_ignore_ascii_case(&place);
        if world.vms.iter().any(is_led_away) {
            let id = id.replace("virtualNetworks", "routeTables");
            body["properties"]["routeTable"] = json!({ "id": format!("{id}-{name}-routes") });
        }
        body
    }

    fn body(&self, context: Context<'_>, world: &World) -> Value {
        let id = self.id(context);
        let subnet = |name: &String| self.subnet(context, world, name);
        let is_in = |own: &&Vm| {
            own.group.eq_ignore_ascii_case(&self.group)
                && subnet_of(own).0.eq_ignore_ascii_case(&self.name)
        };
        // Without this a network asks Azure's own.
        let mut names = world.vms.iter().filter(is_in).filter(|own| own.is_odd("dns"));
        let servers: Vec<&str> = names.next().map(|_| NAME_SERVER).into_iter().collect();
        json!({
            "id": id, "name": self.name, "type": "Microsoft.Network/virtualNetworks",
            "location": self.region,
            "properties": {
                "provisioningState": "Succeeded",
                "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
                "dhcpOptions": { "dnsServers": servers },
                "subnets": self.subnets.iter().map(subnet).collect::<Vec<_>>(),
            },
        })
    }
}

/// A table of routes that leads everything to a machine that looks at it.
fn routes(name: &str) -> Value {
    json!({
        "name": name, "type": "Microsoft.Network/routeTables",
        "location": "westus",
        "properties": {
            "provisioningState": "Succeeded",
            "routes": [{
                "name": "everything",
                "properties": {
                    "addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance",
                    "nextHopIpAddress": "10.0.255.4",
                },
            }],
        },
    })
}

/// Answers a call of this provider.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    check_any(context)?;
    if let Some(answer) = security::answer(context, target) {
        return answer;
    }
    if context.call.method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."));
    }
    let world = context.world.read();
    let mut all = networks(&world);
    if let Some(group) = &target.group {
        all.retain(|own| own.group.eq_ignore_ascii_case(group));
    }
    let kind = target.rest.first().map(String::as_str).unwrap_or_default();
    let is = |word: &str| kind.eq_ignore_ascii_case(word);
    let find = |name: &str| {
        let own = all.iter().find(|own| own.name.eq_ignore_ascii_case(name));
        own.ok_or_else(|| Fault::no_resource(&format!("The network '{name}'")))
    };
    match (target.rest.as_slice(), &target.group) {
        ([_], _) if is("virtualNetworks") => {
            let value: Vec<Value> = all.iter().map(|own| own.body(context, &world)).collect();
            Ok(Answer::json(200, &json!({ "value": value })))
        }
        ([_, name], Some(_)) if is("virtualNetworks") => {
            Ok(Answer::json(200, &find(name)?.body(context, &world)))
        }
        ([_, name, word, subnet], Some(_))
            if is("virtualNetworks") && word.eq_ignore_ascii_case("subnets") =>
        {
            let own = find(name)?;
            let known = own.subnets.iter().find(|own| own.eq_ignore_ascii_case(subnet));
            let known = known.ok_or_else(|| Fault::no_resource("The subnet"))?;
            Ok(Answer::json(200, &own.subnet(context, &world, known)))
        }
        ([_, name], Some(group)) if is("networkInterfaces") => {
            let own = interfaces::find(context, &world, (group, name));
            own.map(|own| Answer::json(200, &own))
                .ok_or_else(|| Fault::no_resource(&format!("The network interface '{name}'")))
        }
        ([_, name], Some(_)) if is("routeTables") => Ok(Answer::json(200, &routes(name))),
        _ => Err(Fault::no_resource("The resource")),
    }
}
