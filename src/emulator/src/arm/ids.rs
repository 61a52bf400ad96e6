//! Resource ids of machines and of the networks that they are in.

use super::call::Context;
use crate::recovery::Vm;

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

/// The word for its system.
pub(super) fn system_of(vm: &Vm) -> &'static str {
    if vm.os == "windows" { "Windows" } else { "Linux" }
}

/// Network and subnet of a machine.
pub(super) fn subnet_of(vm: &Vm) -> (&str, &str) {
    vm.subnet.split_once('/').unwrap_or((&vm.subnet, "default"))
}

/// The resource id of a network.
pub(super) fn network_id(context: Context<'_>, group: &str, name: &str) -> String {
    let subscription = context.account.subscription.as_str();
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}"
    )
}
