//! Names and addresses of what a vault has.

use super::super::call::Context;
use super::super::fault::Fault;
use crate::recovery::{Vault, World};

pub(in crate::arm) const PROVIDER: &str = "microsoft.recoveryservices";

/// A vault that a call is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub group: &'a str,
    pub vault: &'a str,
}

impl At<'_> {
    pub fn id(&self, context: Context<'_>) -> String {
        let subscription = context.account.subscription.as_str();
        format!(
            "/subscriptions/{subscription}/resourceGroups/{}/providers/Microsoft.RecoveryServices/vaults/{}",
            self.group, self.vault
        )
    }

    fn absent(&self) -> Fault {
        let At { group, vault } = self;
        Fault::no_resource(&format!(
            "The Resource 'Microsoft.RecoveryServices/vaults/{vault}' under resource group '{group}'"
        ))
    }

    pub fn find<'w>(&self, world: &'w World) -> Result<&'w Vault, Fault> {
        world.vault(self.group, self.vault).ok_or_else(|| self.absent())
    }

    pub fn find_mut<'w>(&self, world: &'w mut World) -> Result<&'w mut Vault, Fault> {
        world.vault_mut(self.group, self.vault).ok_or_else(|| self.absent())
    }
}

/// What a machine is called in its container.
pub(super) fn container(group: &str, vm: &str) -> String {
    format!("iaasvmcontainerv2;{};{vm}", group.to_lowercase())
}

/// Group and machine of a container's or an item's name, whatever stands before them.
pub(super) fn machine(name: &str) -> Option<(&str, &str)> {
    let mut parts = name.rsplit(';');
    let (vm, group) = (parts.next()?, parts.next()?);
    let kind = parts.next()?;
    kind.eq_ignore_ascii_case("iaasvmcontainerv2").then_some((group, vm))
}

/// The path of an item below its vault.
pub(super) fn item_path(group: &str, vm: &str) -> String {
    let name = container(group, vm);
    format!(
        "/backupFabrics/Azure/protectionContainers/IaasVMContainer;{name}/protectedItems/VM;{name}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_named_by_group_and_name_whatever_stands_before() {
        for name in [
            "VM;iaasvmcontainerv2;rg;web",
            "IaasVMContainer;iaasvmcontainerv2;rg;web",
            "iaasvmcontainerv2;rg;web",
            "vm;IAASVMCONTAINERV2;rg;web",
        ] {
            assert_eq!(machine(name), Some(("rg", "web")), "{name}");
        }
        for name in ["VM;iaasvmcontainer;rg;web", "rg;web", "web", ""] {
            assert_eq!(machine(name), None, "{name}");
        }
    }
}
