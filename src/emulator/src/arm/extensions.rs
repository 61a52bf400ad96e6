//! The extension that the service brings into a machine to back it up, as the resource manager shows
//! it; it can be removed, and the next backup brings it anew.

use hyper::Method;
use serde_json::{Value, json};

use super::call::Context;
use super::fault::Fault;
use super::ids::id_of;
use crate::http::Answer;
use crate::recovery::Vm;

/// Name and kind of it in a machine of this system.
fn kind(vm: &Vm) -> &'static str {
    if vm.os == "windows" { "VMSnapshot" } else { "VMSnapshotLinux" }
}

/// The extensions of a machine.
fn all(context: Context<'_>, vm: &Vm) -> Vec<Value> {
    if vm.extension == "none" {
        return Vec::new();
    }
    let kind = kind(vm);
    let state = if vm.extension == "failed" { "Failed" } else { "Succeeded" };
    vec![json!({
        "id": format!("{}/extensions/{kind}", id_of(context, vm)), "name": kind,
        "type": "Microsoft.Compute/virtualMachines/extensions", "location": vm.region,
        "properties": {
            "publisher": "Microsoft.Azure.RecoveryServices", "type": kind,
            "typeHandlerVersion": "1.0", "autoUpgradeMinorVersion": true,
            "provisioningState": state,
        },
    })]
}

/// How a machine tells of them while it runs.
pub(super) fn seen(vm: &Vm) -> Vec<Value> {
    if vm.extension == "none" {
        return Vec::new();
    }
    let (code, text) = match vm.extension.as_str() {
        "failed" => ("ProvisioningState/failed/1", "Provisioning failed"),
        _ => ("ProvisioningState/succeeded", "Provisioning succeeded"),
    };
    vec![json!({
        "name": kind(vm), "typeHandlerVersion": "1.0.9206.0",
        "type": format!("Microsoft.Azure.RecoveryServices.{}", kind(vm)),
        "statuses": [{ "code": code, "level": "Info", "displayStatus": text }],
    })]
}

/// How the agent tells of what works of them.
pub(super) fn handlers(vm: &Vm) -> Vec<Value> {
    let each = seen(vm).into_iter().map(|own| {
        let mut status = own["statuses"][0].clone();
        if status["code"] == "ProvisioningState/succeeded" {
            status["displayStatus"] = "Ready".into();
        }
        let (kind, version) = (&own["type"], &own["typeHandlerVersion"]);
        json!({ "type": kind, "typeHandlerVersion": version, "status": status })
    });
    each.collect()
}

/// Answers a call about them.
pub(super) fn answer(context: Context<'_>, vm: &Vm, rest: &[&str]) -> Result<Answer, Fault> {
    let all = all(context, vm);
    let found = |name: &str| {
        let is =
            |own: &&Value| own["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name));
        all.iter().find(is).cloned().ok_or_else(|| Fault::no_resource("The extension"))
    };
    match (rest, &context.call.method) {
        ([], &Method::GET) => Ok(Answer::json(200, &json!({ "value": all }))),
        ([name], &Method::GET) => found(name).map(|own| Answer::json(200, &own)),
        ([name], &Method::DELETE) => match found(name) {
            Err(_) => Ok(Answer::empty(204)),
            Ok(_) => {
                context.world.change(|world| {
                    let own = world.vms.iter_mut().find(|own| own.is(&vm.group, &vm.name));
                    if let Some(own) = own {
                        "none".clone_into(&mut own.extension);
                    }
                    Ok::<_, Fault>(())
                })?;
                Ok(Answer::empty(200))
            }
        },
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}
