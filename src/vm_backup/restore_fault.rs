//! What speaks against a restore, each with its entry of the catalogue.

use std::fmt;

/// What the service would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreFault {
    /// The point's data is not where it can be read.
    Point(String),
    /// No such storage account in the subscription.
    NoAccount(String),
    /// The account is in another region than the vault.
    AccountRegion(String, String, String),
    /// The account's storage is of a kind that restores do not take.
    AccountKind(String, String),
    /// No such resource group.
    NoGroup(String),
    /// A machine of the new one's name is there.
    NameTaken(String),
    /// Azure takes no machine of this name.
    Name(String, &'static str),
    /// No such network, and those that there are in the region.
    NoNetwork(String, Vec<String>),
    /// The network is in another region than the vault.
    NetworkRegion(String, String, String),
    /// The network has no such subnet, and those that it has.
    NoSubnet(String, String, Vec<String>),
    /// The machine whose disks are to be replaced is gone.
    Gone(String),
    /// The machine has no data disk at this place, and those that it has.
    NoDisk(u32, Vec<u32>),
    /// Rights that are missing where it would be made, and the smallest roles that have them.
    Rights(String, Vec<String>, Vec<String>),
    /// The service's own words, when it was asked whether it would.
    Said(String, String),
}

impl RestoreFault {
    /// The entry of the catalogue about it.
    pub fn entry(&self) -> Option<&str> {
        match self {
            RestoreFault::AccountRegion(..) => Some("restore-region-mismatch"),
            RestoreFault::AccountKind(..) => Some("restore-storage-account-unsupported"),
            RestoreFault::NoNetwork(..) | RestoreFault::NetworkRegion(..) => {
                Some("restore-vnet-incorrect")
            }
            RestoreFault::NoSubnet(..) => Some("restore-subnet-missing"),
            RestoreFault::Gone(_) => Some("BCMV2VMNotFound"),
            RestoreFault::Rights(..) => Some("restore-no-access-to-subscription"),
            RestoreFault::Said(code, _) => Some(code),
            RestoreFault::Point(_)
            | RestoreFault::NoAccount(_)
            | RestoreFault::NoGroup(_)
            | RestoreFault::NameTaken(_)
            | RestoreFault::Name(..)
            | RestoreFault::NoDisk(..) => None,
        }
    }
}

fn some(all: &[String]) -> String {
    if all.is_empty() { "there is none".to_owned() } else { format!("there is {}", all.join(", ")) }
}

impl fmt::Display for RestoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreFault::Point(tiers) => write!(
                f,
                "the point's data is {tiers}; bring it back from the archive in the portal first"
            ),
            RestoreFault::NoAccount(name) => {
                write!(f, "the subscription has no storage account {name}")
            }
            RestoreFault::AccountRegion(name, region, own) => write!(
                f,
                "the storage account {name} is in {region} and the vault in {own}; both must be in \
                 one region"
            ),
            RestoreFault::AccountKind(name, sku) => write!(
                f,
                "the storage account {name} is {sku}; Standard with locally or geo-redundant storage \
                 is taken"
            ),
            RestoreFault::NoGroup(name) => write!(f, "there is no resource group {name}"),
            RestoreFault::NameTaken(name) => write!(
                f,
                "a virtual machine {name} is there; take another name, or `vm restore replace`"
            ),
            RestoreFault::Name(name, rule) => write!(f, "{name:?} is no name of a machine: {rule}"),
            RestoreFault::NoNetwork(name, all) => {
                write!(f, "there is no virtual network {name}; in the vault's region {}", some(all))
            }
            RestoreFault::NetworkRegion(name, region, own) => {
                write!(f, "the virtual network {name} is in {region} and the vault in {own}")
            }
            RestoreFault::NoSubnet(network, name, all) => {
                write!(f, "the network {network} has no subnet {name}; {}", some(all))
            }
            RestoreFault::Gone(name) => write!(
                f,
                "the virtual machine {name} is gone, so it has no disks to replace; `vm restore new` \
                 makes one"
            ),
            RestoreFault::NoDisk(lun, all) => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                write!(f, "the machine has no data disk {lun}; {}", some(&all))
            }
            RestoreFault::Rights(scope, missing, roles) => {
                write!(
                    f,
                    "whoever is signed in may not do this at {scope}: {}",
                    missing.join(", ")
                )?;
                match roles.as_slice() {
                    [] => Ok(()),
                    roles => {
                        write!(f, "; the smallest role that has it is {}", roles.join(" with "))
                    }
                }
            }
            RestoreFault::Said(code, message) => write!(f, "{message} ({code})"),
        }
    }
}
