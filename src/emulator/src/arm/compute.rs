//! Virtual machines as the resource manager shows them: in the way of today, and those of the way
//! that is no more.

use hyper::Method;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::disks;
use super::fault::Fault;
use super::ids::{id_of, system_of};
use super::version::check_any;
use super::{extensions, interfaces};

use crate::http::Answer;
use crate::recovery::{SIZES, Vm, World};

pub(super) const PROVIDER: &str = "microsoft.compute";
pub(super) const CLASSIC: &str = "microsoft.classiccompute";

/// Answers a call of either provider.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    check_any(context)?;
    if target.provider != CLASSIC && disks::is_meant(target) {
        return disks::answer(context, target);
    }
    let is_of_extension =
        target.rest.get(2).is_some_and(|word| word.eq_ignore_ascii_case("extensions"));
    if context.call.method != Method::GET && !is_of_extension {
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
            let value: Vec<Value> =
                all.filter(in_group).map(|vm| body(context, &world, vm)).collect();
            Ok(Answer::json(200, &json!({ "value": value })))
        }
        ([word, _, list], None)
            if word.eq_ignore_ascii_case("locations") && list.eq_ignore_ascii_case("vmSizes") =>
        {
            Ok(Answer::json(200, &sizes()))
        }
        ([_, name, more @ ..], Some(group)) if is_kind => {
            let Some(vm) = all.find(|own| own.is(group, name)) else {
                let message = format!(
                    "The Resource 'Microsoft.Compute/virtualMachines/{name}' under resource group \
                     '{group}' was not found."
                );
                return Err(Fault::new(404, "ResourceNotFound", message));
            };
            if let ([_, rest @ ..], true) = (more, is_of_extension) {
                return extensions::answer(context, vm, rest);
            }
            match more {
                [] => {
                    let mut body = body(context, &world, vm);
                    let expand = context.call.parameter("$expand").unwrap_or_default();
                    if expand.eq_ignore_ascii_case("instanceView") {
                        body["properties"]["instanceView"] = view(vm);
                    }
                    Ok(Answer::json(200, &body))
                }
                [word] if word.eq_ignore_ascii_case("instanceView") => {
                    Ok(Answer::json(200, &view(vm)))
                }
                _ => Err(Fault::no_resource("The resource")),
            }
        }
        _ => Err(Fault::no_resource("The resource")),
    }
}

/// What machines can be like.
fn sizes() -> Value {
    let size = |(name, cores, memory): &(&str, u32, u32)| {
        json!({
            "name": name, "numberOfCores": cores, "memoryInMB": memory,
            "maxDataDiskCount": 2 * cores, "osDiskSizeInMB": 1_047_552, "resourceDiskSizeInMB": 0,
        })
    };
    json!({ "value": SIZES.iter().map(size).collect::<Vec<_>>() })
}

fn body(context: Context<'_>, world: &World, vm: &Vm) -> Value {
    let id = id_of(context, vm);
    if vm.is_classic {
        return json!({
            "id": id, "name": vm.name, "type": "Microsoft.ClassicCompute/virtualMachines",
            "location": vm.region, "properties": { "provisioningState": "Succeeded" },
        });
    }
    let configuration = match vm.os.as_str() {
        "windows" => "windowsConfiguration",
        _ => "linuxConfiguration",
    };
    let state = match vm.power.as_str() {
        "failed" => "Failed",
        "transient" => "Updating",
        _ => "Succeeded",
    };
    let place = |disk: &mut Value, lun: Option<u32>| {
        let place = lun.map_or("os".to_owned(), |lun| lun.to_string());
        let name = format!("{}-{place}", vm.name);
        disk["name"] = name.clone().into();
        match world.disk_of(vm, lun) {
            Some(own) => {
                disk["name"] = own.name.clone().into();
                let id = disks::id_by_machine(context, own);
                disk["managedDisk"] = json!({ "id": id, "storageAccountType": own.sku });
            }
            None if vm.is_odd("unmanaged") => {
                let uri = format!("https://disks.example/{name}.vhd");
                disk["vhd"] = json!({ "uri": uri });
            }
            // One that lives and dies with its host.
            None => disk["managedDisk"] = json!({ "storageAccountType": "Standard_LRS" }),
        }
    };
    let disk = |lun: u32| {
        let is_accelerated = vm.is_odd("accelerated");
        let mut body = json!({
            "lun": lun, "createOption": "Attach", "writeAcceleratorEnabled": is_accelerated,
        });
        place(&mut body, Some(lun));
        body
    };
    let mut system_disk = json!({ "osType": system_of(vm), "createOption": "FromImage" });
    place(&mut system_disk, None);
    if vm.is_odd("ephemeral") {
        system_disk["diffDiskSettings"] = json!({ "option": "Local" });
    }
    let (publisher, offer, sku) = match (vm.os.as_str(), vm.is_odd("client")) {
        (_, true) => ("MicrosoftWindowsDesktop", "windows-11", "win11-23h2-pro"),
        ("windows", _) => ("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter"),
        _ => ("Debian", "debian-12", "12-gen2"),
    };
    let disks: Vec<Value> = vm.disks.iter().filter_map(|own| own.lun).map(disk).collect();
    json!({
        "id": id, "name": vm.name, "type": "Microsoft.Compute/virtualMachines",
        "location": vm.region,
        "properties": {
            "vmId": vm.id, "provisioningState": state,
            "hardwareProfile": { "vmSize": vm.size },
            "networkProfile": { "networkInterfaces": interfaces::named(context, vm) },
            "osProfile": {
                "computerName": vm.name,
                "allowExtensionOperations": !vm.is_odd("no-extensions"),
                configuration: {
                    "provisionVMAgent": vm.agent != "absent" && !vm.is_odd("no-agent-flag"),
                },
            },
            "storageProfile": {
                "imageReference": {
                    "publisher": publisher, "offer": offer, "sku": sku, "version": "latest",
                },
                "osDisk": system_disk,
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
        view["extensions"] = extensions::seen(vm).into();
        view["vmAgent"] = json!({
            "vmAgentVersion": version, "statuses": [ready],
            "extensionHandlers": extensions::handlers(vm),
        });
    }
    view
}
