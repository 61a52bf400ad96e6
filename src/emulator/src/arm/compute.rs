//! Virtual machines as the resource manager shows them: in the way of today, and those of the way
//! that is no more.

use hyper::Method;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::disks;
use super::fault::Fault;
use super::version::check_any;
use crate::http::Answer;
use crate::recovery::Vm;

pub(super) const PROVIDER: &str = "microsoft.compute";
pub(super) const CLASSIC: &str = "microsoft.classiccompute";

/// Answers a call of either provider.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    check_any(context)?;
    if target.provider != CLASSIC && disks::is_meant(target) {
        return disks::answer(context, target);
    }
    if context.call.method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."));
    }
    let is_classic = target.provider == CLASSIC;
    let world = context.world.read();
    let mut all = world.vms.iter().filter(|own| own.is_classic == is_classic);
    let words: Vec<&str> = target.rest.iter().map(String::as_str).collect();
    let is_kind = words.first().is_some_and(|word| word.eq_ignore_ascii_case("virtualMachines"));
    let in_group =
        |own: &&Vm| target.group.as_ref().is_none_or(|group| own.group.eq_ignore_ascii_case(group));
    match (words.as_slice(), &target.group) {
        ([_], _) if is_kind => {
            let value: Vec<Value> = all.filter(in_group).map(|vm| body(context, vm)).collect();
            Ok(Answer::json(200, &json!({ "value": value })))
        }
        ([_, name] | [_, name, _], Some(group)) if is_kind => {
            let Some(vm) = all.find(|own| own.is(group, name)) else {
                let message = format!(
                    "The Resource 'Microsoft.Compute/virtualMachines/{name}' under resource group \
                     '{group}' was not found."
                );
                return Err(Fault::new(404, "ResourceNotFound", message));
            };
            match words.get(2) {
                None => {
                    let mut body = body(context, vm);
                    let expand = context.call.parameter("$expand").unwrap_or_default();
                    if expand.eq_ignore_ascii_case("instanceView") {
                        body["properties"]["instanceView"] = view(vm);
                    }
                    Ok(Answer::json(200, &body))
                }
                Some(word) if word.eq_ignore_ascii_case("instanceView") => {
                    Ok(Answer::json(200, &view(vm)))
                }
                Some(_) => Err(Fault::no_resource("The resource")),
            }
        }
        _ => Err(Fault::no_resource("The resource")),
    }
}

/// The resource id of a machine.
pub(super) fn id_of(context: Context<'_>, vm: &Vm) -> String {
    let subscription = context.account.subscription.as_str();
    let provider = if vm.is_classic { "Microsoft.ClassicCompute" } else { "Microsoft.Compute" };
    // The service writes groups in capitals here, and compares them without regard to case.
    let group = if vm.is_classic { vm.group.clone() } else { vm.group.to_uppercase() };
    let name = &vm.name;
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}/virtualMachines/{name}"
    )
}

fn body(context: Context<'_>, vm: &Vm) -> Value {
    let id = id_of(context, vm);
    if vm.is_classic {
        return json!({
            "id": id, "name": vm.name, "type": "Microsoft.ClassicCompute/virtualMachines",
            "location": vm.region, "properties": { "provisioningState": "Succeeded" },
        });
    }
    let system = if vm.os == "windows" { "Windows" } else { "Linux" };
    let configuration = match vm.os.as_str() {
        "windows" => "windowsConfiguration",
        _ => "linuxConfiguration",
    };
    let state = match vm.power.as_str() {
        "failed" => "Failed",
        "transient" => "Updating",
        _ => "Succeeded",
    };
    let disk = |lun: u32| {
        json!({
            "lun": lun, "name": format!("{}-{lun}", vm.name), "createOption": "Attach",
            "managedDisk": { "storageAccountType": "Premium_LRS" },
        })
    };
    let disks: Vec<Value> = vm.disks.iter().filter_map(|own| own.lun).map(disk).collect();
    json!({
        "id": id, "name": vm.name, "type": "Microsoft.Compute/virtualMachines",
        "location": vm.region,
        "properties": {
            "vmId": vm.id, "provisioningState": state,
            "hardwareProfile": { "vmSize": "Standard_D2s_v5" },
            "osProfile": {
                "computerName": vm.name,
                configuration: { "provisionVMAgent": vm.agent != "absent" },
            },
            "storageProfile": {
                "osDisk": {
                    "osType": system, "name": format!("{}-os", vm.name),
                    "createOption": "FromImage", "managedDisk": {
                        "storageAccountType": "Premium_LRS",
                    },
                },
                "dataDisks": disks,
            },
        },
    })
}

/// How it is now.
fn view(vm: &Vm) -> Value {
    let status =
        |code: &str, text: &str| json!({"code": code, "level": "Info", "displayStatus": text});
    let (state, power) = match vm.power.as_str() {
        "stopped" => (
            status("ProvisioningState/succeeded", "Provisioning succeeded"),
            status("PowerState/stopped", "VM stopped"),
        ),
        "deallocated" => (
            status("ProvisioningState/succeeded", "Provisioning succeeded"),
            status("PowerState/deallocated", "VM deallocated"),
        ),
        "failed" => (
            status("ProvisioningState/failed", "Provisioning failed"),
            status("PowerState/running", "VM running"),
        ),
        "transient" => (
            status("ProvisioningState/updating", "Updating"),
            status("PowerState/starting", "VM starting"),
        ),
        _ => (
            status("ProvisioningState/succeeded", "Provisioning succeeded"),
            status("PowerState/running", "VM running"),
        ),
    };
    let version = match (vm.agent.as_str(), vm.os.as_str()) {
        ("old", "windows") => "2.6.1100.0",
        ("old", _) => "2.0.0.0",
        (_, "windows") => "2.7.41491.1172",
        _ => "2.14.0.1",
    };
    let mut view = json!({ "statuses": [state, power] });
    if vm.is_running() && vm.agent != "absent" {
        let ready = match vm.agent.as_str() {
            "stopped" => status("ProvisioningState/Unavailable", "Not Ready"),
            _ => status("ProvisioningState/succeeded", "Ready"),
        };
        view["vmAgent"] = json!({ "vmAgentVersion": version, "statuses": [ready] });
    }
    view
}
