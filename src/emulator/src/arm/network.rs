//! Virtual networks as the resource manager shows them: those that machines are in.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::fault::Fault;
use super::version::check_any;
use crate::http::Answer;
use crate::recovery::World;

pub(super) const PROVIDER: &str = "microsoft.network";

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
        let (name, subnet) = vm.subnet.split_once('/').unwrap_or((&vm.subnet, "default"));
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
        let subscription = context.account.subscription.as_str();
        let Network { group, name, .. } = self;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}"
        )
    }

    fn body(&self, context: Context<'_>) -> Value {
        let id = self.id(context);
        let subnet = |name: &String| {
            json!({
                "id": format!("{id}/subnets/{name}"), "name": name,
                "type": "Microsoft.Network/virtualNetworks/subnets",
                "properties": { "provisioningState": "Succeeded" },
            })
        };
        json!({
            "id": id, "name": self.name, "type": "Microsoft.Network/virtualNetworks",
            "location": self.region,
            "properties": {
                "provisioningState": "Succeeded",
                "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
                "subnets": self.subnets.iter().map(subnet).collect::<Vec<_>>(),
            },
        })
    }
}

/// Answers a call of this provider.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    check_any(context)?;
    if context.call.method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."));
    }
    let mut all = networks(&context.world.read());
    if let Some(group) = &target.group {
        all.retain(|own| own.group.eq_ignore_ascii_case(group));
    }
    let kind = target.rest.first().map(String::as_str).unwrap_or_default();
    match target.rest.as_slice() {
        [_] if kind.eq_ignore_ascii_case("virtualNetworks") => {
            let value: Vec<Value> = all.iter().map(|own| own.body(context)).collect();
            Ok(Answer::json(200, &json!({ "value": value })))
        }
        [_, name] if kind.eq_ignore_ascii_case("virtualNetworks") && target.group.is_some() => {
            let own = all.iter().find(|own| own.name.eq_ignore_ascii_case(name));
            let own = own.ok_or_else(|| Fault::no_resource(&format!("The network '{name}'")))?;
            Ok(Answer::json(200, &own.body(context)))
        }
        _ => Err(Fault::no_resource("The resource")),
    }
}
