//! What a vault could protect: found by a look of the service, told page by page.

use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::super::ids::id_of;
use super::names::{At, container};
use super::operations;
use super::vaults::json_of;
use crate::http::Answer;
use crate::recovery::{Came, Protection, Vault, Vm, World};

/// So many a page.
const PAGE: usize = 200;

/// Looks for machines.
pub(super) fn refresh(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let id = context.world.change(|world| {
        at.find(world)?;
        let all = world.vms.iter().filter(|own| !own.is_classic).map(|own| own.id.clone());
        let found = all.collect();
        at.find_mut(world)?.found = found;
        Ok::<_, Fault>(world.begin(Came::Job(None), 2, context.now))
    })?;
    let place = format!("{}/backupFabrics/Azure", at.id(context));
    Ok(operations::accepted(context, &place, ("", "operationResults"), &id))
}

/// A machine that no vault protects, in the vault's region.
fn is_free(world: &World, vault: &Vault, vm: &Vm) -> bool {
    vault.found.contains(&vm.id)
        && vm.region == vault.location
        && world.vaults.iter().all(|own| own.item(&vm.group, &vm.name).is_none())
}

pub(super) fn protectable(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let world = context.world.read();
    let vault = at.find(&world)?;
    let body = |vm: &Vm| {
        let name = container(&vm.group, &vm.name);
        json!({
            "id": format!(
                "{}/backupFabrics/Azure/protectionContainers/IaasVMContainer;{name}/protectableItems/{name}",
                at.id(context)
            ),
            "name": name,
            "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectableItems",
            "properties": {
                "virtualMachineId": id_of(context, vm), "virtualMachineVersion": "Compute",
                "resourceGroup": vm.group, "backupManagementType": "AzureIaasVM",
                "protectableItemType": "Microsoft.Compute/virtualMachines",
                "friendlyName": vm.name, "protectionState": "NotProtected",
            },
        })
    };
    let free = world.vms.iter().filter(|own| is_free(&world, vault, own));
    let all: Vec<Value> = free.map(body).collect();
    let skip = context.call.parameter("$skipToken").and_then(|text| text.parse().ok()).unwrap_or(0);
    let page: Vec<&Value> = all.iter().skip(skip).take(PAGE).collect();
    let mut answer = json!({ "value": page });
    if skip + PAGE < all.len() {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(context.call.query.iter().filter(|(name, _)| name != "$skipToken"))
            .append_pair("$skipToken", &(skip + PAGE).to_string())
            .finish();
        answer["nextLink"] = format!("{}{}?{query}", context.origin, context.call.path).into();
    }
    Ok(Answer::json(200, &answer))
}

/// Containers that are registered: those of all items.
pub(super) fn containers(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let world = context.world.read();
    let vault = at.find(&world)?;
    let value: Vec<Value> = vault
        .items
        .iter()
        .map(|own| {
            let name = container(&own.group, &own.vm);
            json!({
                "id": format!(
                    "{}/backupFabrics/Azure/protectionContainers/IaasVMContainer;{name}",
                    at.id(context)
                ),
                "name": format!("IaasVMContainer;{name}"),
                "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers",
                "properties": {
                    "containerType": "Microsoft.Compute/virtualMachines",
                    "virtualMachineId": own.source, "virtualMachineVersion": "Compute",
                    "resourceGroup": own.group, "friendlyName": own.vm,
                    "backupManagementType": "AzureIaasVM", "registrationStatus": "Registered",
                    "healthStatus": "Healthy",
                },
            })
        })
        .collect();
    Ok(Answer::json(200, &json!({ "value": value })))
}

/// Which vault protects a machine.
pub(super) fn status(context: Context<'_>) -> Result<Answer, Fault> {
    let asked = json_of(context)?;
    let id = asked["resourceId"].as_str().unwrap_or_default();
    let world = context.world.read();
    let holds = |vault: &Vault| {
        let own = vault.items.iter().find(|own| own.source.eq_ignore_ascii_case(id));
        own.filter(|own| own.state != Protection::Stopped).is_some()
    };
    let vault = world.vaults.iter().find(|own| holds(own));
    let mut body = json!({
        "protectionStatus": if vault.is_some() { "Protected" } else { "NotProtected" },
        "fabricName": "Azure",
    });
    if let Some(vault) = vault {
        body["vaultId"] = At { group: &vault.group, vault: &vault.name }.id(context).into();
    }
    Ok(Answer::json(200, &body))
}
