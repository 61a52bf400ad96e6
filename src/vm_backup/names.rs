//! Names of machines in the resource manager, and how a person names one.

use std::fmt;
use std::str::FromStr;

use super::error::Error;
use super::vault_id::{VaultId, parts};

/// A virtual machine. The service tells groups and names in any case.
#[derive(Debug, Clone)]
pub struct MachineId {
    /// Its subscription.
    pub subscription: String,
    /// Its resource group.
    pub group: String,
    /// Its name.
    pub name: String,
}

impl MachineId {
    /// By its resource id.
    pub fn parse(id: &str) -> Option<Self> {
        let [subscription, group, provider, kind, name] = parts(id)?;
        let is_machine = provider.eq_ignore_ascii_case("Microsoft.Compute")
            && kind.eq_ignore_ascii_case("virtualMachines");
        is_machine.then(|| MachineId {
            subscription: subscription.to_owned(),
            group: group.to_owned(),
            name: name.to_owned(),
        })
    }

    /// What it is called in its container.
    pub(super) fn container(&self) -> String {
        format!("iaasvmcontainerv2;{};{}", self.group.to_lowercase(), self.name.to_lowercase())
    }

    /// The path of it as a protected item.
    pub(super) fn item(&self, vault: &VaultId, rest: &str) -> String {
        let name = self.container();
        vault.path(&format!(
            "backupFabrics/Azure/protectionContainers/IaasVMContainer;{name}/protectedItems/VM;{name}{rest}"
        ))
    }

    /// Group and name as a person writes them.
    pub fn short(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}

impl PartialEq for MachineId {
    fn eq(&self, other: &Self) -> bool {
        self.to_string().eq_ignore_ascii_case(&other.to_string())
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MachineId { subscription, group, name } = self;
        write!(
            f,
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}"
        )
    }
}

/// A machine as it was typed: NAME, GROUP/NAME or its resource id.
#[derive(Debug, Clone, PartialEq)]
pub enum MachineWord {
    /// Its name.
    Name(String),
    /// Its group and its name.
    InGroup(String, String),
    /// Its id.
    Id(MachineId),
}

impl FromStr for MachineWord {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::MachineWord { word: text.to_owned() };
        let is_name = |part: &str| {
            let is_fit = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
            (1..=90).contains(&part.chars().count()) && part.chars().all(is_fit)
        };
        if let Some([_, _, provider, _, name]) = parts(text) {
            if provider.eq_ignore_ascii_case("Microsoft.ClassicCompute") {
                return Err(Error::Classic { name: name.to_owned() });
            }
            return MachineId::parse(text).map(MachineWord::Id).ok_or_else(wrong);
        }
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [name] if is_name(name) => Ok(MachineWord::Name((*name).to_owned())),
            [group, name] if is_name(group) && is_name(name) => {
                Ok(MachineWord::InGroup((*group).to_owned(), (*name).to_owned()))
            }
            _ => Err(wrong()),
        }
    }
}

impl MachineWord {
    /// Whether a machine is the one that was meant.
    pub fn is(&self, id: &MachineId) -> bool {
        match self {
            MachineWord::Name(name) => id.name.eq_ignore_ascii_case(name),
            MachineWord::InGroup(group, name) => {
                id.group.eq_ignore_ascii_case(group) && id.name.eq_ignore_ascii_case(name)
            }
            MachineWord::Id(own) => own == id,
        }
    }
}

impl fmt::Display for MachineWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MachineWord::Name(name) => f.write_str(name),
            MachineWord::InGroup(group, name) => write!(f, "{group}/{name}"),
            MachineWord::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::Diagnose;

    use super::*;

    #[test]
    fn a_machine_is_named_by_name_group_or_id_in_any_case() {
        let id =
            "/Subscriptions/S/resourcegroups/RG/providers/microsoft.compute/virtualmachines/Web";
        let own = MachineId::parse(id).unwrap();
        for word in [
            "web",
            "rg/WEB",
            "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web",
        ] {
            assert!(word.parse::<MachineWord>().unwrap().is(&own), "{word}");
        }
        assert!(!"other/web".parse::<MachineWord>().unwrap().is(&own));
        for (word, code) in [
            ("", "vm-word"),
            ("a b", "vm-word"),
            ("a/b/c", "vm-word"),
            ("web;rg", "vm-word"),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/x",
                "vm-word",
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.ClassicCompute/virtualMachines/old",
                "vm-classic",
            ),
        ] {
            assert_eq!(word.parse::<MachineWord>().unwrap_err().code(), code, "{word}");
        }
        assert_eq!(own.container(), "iaasvmcontainerv2;rg;web");
    }
}
