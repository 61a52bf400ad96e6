//! A virtual machine as Azure sees it: its model and how it is now, its extensions, what sizes are
//! like. <https://learn.microsoft.com/rest/api/compute/virtual-machines/get>

use serde::Deserialize;

use super::arm::Arm;
use super::error::Error;

const COMPUTE: &str = "2024-07-01";

/// A machine, as far as it matters for its backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineFacts {
    /// Its region.
    pub region: String,
    /// Its size.
    pub size: String,
    /// `Linux` or `Windows`.
    pub system: String,
    /// Publisher, offer and kind of the image that it was made of.
    pub image: Option<[String; 3]>,
    /// `Succeeded`, `Updating`, `Failed`.
    pub provisioning: String,
    /// Codes such as `PowerState/running`; none if they are not told.
    pub states: Vec<String>,
    /// Its agent, if it answers.
    pub agent: Option<AgentFacts>,
    /// Whether it was made with an agent, if that is told.
    pub has_agent: Option<bool>,
    /// Whether extensions may be put into it, if that is told.
    pub takes_extensions: Option<bool>,
    /// What was put into it.
    pub extensions: Vec<ExtensionFacts>,
    /// Its disks.
    pub disks: DiskCounts,
    /// Resource ids of its network cards.
    pub cards: Vec<String>,
}

/// The agent of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFacts {
    /// Its version.
    pub version: String,
    /// How it is, as Azure shows it: `Ready`.
    pub state: String,
}

/// An extension of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionFacts {
    /// Its name.
    pub name: String,
    /// Publisher and kind, `Microsoft.Azure.RecoveryServices.VMSnapshotLinux`.
    pub kind: String,
    /// Its version.
    pub version: String,
    /// `succeeded`, `failed`, `transitioning`.
    pub state: String,
}

impl ExtensionFacts {
    /// Whether it is the one that the backup service brings along.
    pub fn is_of_backup(&self) -> bool {
        self.kind.to_ascii_lowercase().starts_with("microsoft.azure.recoveryservices.")
    }

    /// Whether it could not be put in, or does not work.
    pub fn is_failed(&self) -> bool {
        self.state.eq_ignore_ascii_case("failed")
    }
}

/// How many disks a machine has, and of what kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskCounts {
    /// Data disks.
    pub data: usize,
    /// Disks that are blobs of an account, the system's among them.
    pub unmanaged: usize,
    /// Data disks that are written through an accelerator.
    pub accelerated: usize,
    /// Ultra disks.
    pub ultra: usize,
    /// Whether the system's disk is gone when the machine is.
    pub is_ephemeral: bool,
}

/// A size of machines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SizeFacts {
    /// Its name.
    pub name: String,
    /// Its cores.
    #[serde(rename = "numberOfCores", default)]
    pub cores: u64,
    /// Its memory, MiB.
    #[serde(rename = "memoryInMB", default)]
    pub memory_mib: u64,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    location: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    provisioning_state: String,
    hardware_profile: Hardware,
    os_profile: Profile,
    storage_profile: Storage,
    network_profile: Network,
    instance_view: View,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Hardware {
    vm_size: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Profile {
    allow_extension_operations: Option<bool>,
    linux_configuration: Configuration,
    windows_configuration: Configuration,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    #[serde(rename = "provisionVMAgent")]
    provision_vm_agent: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Storage {
    image_reference: Option<Image>,
    os_disk: Disk,
    data_disks: Vec<Disk>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Image {
    publisher: String,
    offer: String,
    sku: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Disk {
    os_type: String,
    vhd: Option<Vhd>,
    managed_disk: Option<Managed>,
    diff_disk_settings: Option<Difference>,
    write_accelerator_enabled: Option<bool>,
}

#[derive(Deserialize)]
struct Vhd {}

#[derive(Deserialize)]
struct Difference {}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Managed {
    storage_account_type: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Network {
    network_interfaces: Vec<Card>,
}

#[derive(Deserialize)]
struct Card {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct View {
    statuses: Vec<Status>,
    vm_agent: Option<AgentWire>,
    extensions: Vec<ExtensionWire>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    code: String,
    display_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentWire {
    #[serde(default)]
    vm_agent_version: String,
    #[serde(default)]
    statuses: Vec<Status>,
    #[serde(default)]
    extension_handlers: Vec<HandlerWire>,
}

/// What of an extension works inside the machine, as its agent tells.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HandlerWire {
    #[serde(rename = "type")]
    kind: String,
    type_handler_version: String,
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ExtensionWire {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    type_handler_version: String,
    statuses: Vec<Status>,
}

/// An extension as a resource of its own, which is told of machines that are off, too.
#[derive(Deserialize)]
struct ExtensionResource {
    name: String,
    #[serde(default)]
    properties: ExtensionProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ExtensionProperties {
    publisher: String,
    #[serde(rename = "type")]
    kind: String,
    type_handler_version: String,
    provisioning_state: String,
}

/// The word behind the slash of a code such as `ProvisioningState/failed/1`.
fn state_of(statuses: &[Status]) -> String {
    let mut words = statuses.iter().filter_map(|own| own.code.split('/').nth(1));
    words.next_back().unwrap_or_default().to_owned()
}

impl Storage {
    fn counts(&self) -> DiskCounts {
        let all = || std::iter::once(&self.os_disk).chain(&self.data_disks);
        let is_ultra = |own: &&Disk| {
            let managed = own.managed_disk.as_ref();
            managed.is_some_and(|own| own.storage_account_type.starts_with("Ultra"))
        };
        DiskCounts {
            data: self.data_disks.len(),
            unmanaged: all().filter(|own| own.vhd.is_some() && own.managed_disk.is_none()).count(),
            accelerated: all().filter(|own| own.write_accelerator_enabled == Some(true)).count(),
            ultra: all().filter(is_ultra).count(),
            is_ephemeral: self.os_disk.diff_disk_settings.is_some(),
        }
    }
}

impl AgentWire {
    /// The agent, and what it runs.
    fn facts(self) -> (AgentFacts, Vec<ExtensionFacts>) {
        let state = self.statuses.last().map(|own| own.display_status.clone());
        let handler = |own: HandlerWire| ExtensionFacts {
            name: own.kind.rsplit('.').next().unwrap_or_default().to_owned(),
            state: state_of(&[own.status]),
            kind: own.kind,
            version: own.type_handler_version,
        };
        let handlers = self.extension_handlers.into_iter().map(handler).collect();
        let (version, state) = (self.vm_agent_version, state.unwrap_or_default());
        (AgentFacts { version, state }, handlers)
    }
}

impl Wire {
    fn facts(self) -> MachineFacts {
        let own = self.properties;
        let profile = own.os_profile;
        let (agent, handlers) = own.instance_view.vm_agent.map(AgentWire::facts).unzip();
        let extension = |own: ExtensionWire| ExtensionFacts {
            state: state_of(&own.statuses),
            name: own.name,
            kind: own.kind,
            version: own.type_handler_version,
        };
        MachineFacts {
            region: self.location.to_lowercase().replace(' ', ""),
            size: own.hardware_profile.vm_size,
            system: own.storage_profile.os_disk.os_type.clone(),
            disks: own.storage_profile.counts(),
            image: own
                .storage_profile
                .image_reference
                .map(|own| [own.publisher, own.offer, own.sku]),
            provisioning: own.provisioning_state,
            states: own.instance_view.statuses.into_iter().map(|own| own.code).collect(),
            agent,
            has_agent: profile
                .linux_configuration
                .provision_vm_agent
                .or(profile.windows_configuration.provision_vm_agent),
            takes_extensions: profile.allow_extension_operations,
            extensions: own
                .instance_view
                .extensions
                .into_iter()
                .map(extension)
                .chain(handlers.unwrap_or_default())
                .collect(),
            cards: own.network_profile.network_interfaces.into_iter().map(|own| own.id).collect(),
        }
    }
}

impl Arm {
    /// A machine by its resource id, and how it is now; `None` if there is none.
    pub fn machine(&self, id: &str) -> Result<Option<MachineFacts>, Error> {
        let found: Option<Wire> = self.get(&format!("{id}?$expand=instanceView"), COMPUTE)?;
        Ok(found.map(Wire::facts))
    }

    /// The extensions of a machine.
    pub fn machine_extensions(&self, id: &str) -> Result<Vec<ExtensionFacts>, Error> {
        let all: Vec<ExtensionResource> = self.list(&format!("{id}/extensions"), COMPUTE)?;
        let facts = |own: ExtensionResource| ExtensionFacts {
            name: own.name,
            kind: format!("{}.{}", own.properties.publisher, own.properties.kind),
            version: own.properties.type_handler_version,
            state: own.properties.provisioning_state.to_lowercase(),
        };
        Ok(all.into_iter().map(facts).collect())
    }

    /// Takes an extension out of a machine.
    pub fn remove_machine_extension(&self, id: &str, name: &str) -> Result<(), Error> {
        self.delete(&format!("{id}/extensions/{name}"), COMPUTE)
    }

    /// What sizes of machines a region has.
    pub fn machine_sizes(&self, subscription: &str, region: &str) -> Result<Vec<SizeFacts>, Error> {
        let path = format!(
            "subscriptions/{subscription}/providers/Microsoft.Compute/locations/{region}/vmSizes"
        );
        self.list(&path, COMPUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_read_as_it_is_shown_and_what_is_left_out_is_not_known() {
        let text = r#"{"location":"West US","properties":{"provisioningState":"Succeeded",
          "hardwareProfile":{"vmSize":"Standard_D2s_v5"},
          "osProfile":{"linuxConfiguration":{"provisionVMAgent":true}},
          "storageProfile":{"osDisk":{"osType":"Linux","managedDisk":{},"diffDiskSettings":{"option":"Local"}},
            "dataDisks":[{"vhd":{"uri":"u"}},{"managedDisk":{"storageAccountType":"UltraSSD_LRS"},
            "writeAcceleratorEnabled":true}]},
          "networkProfile":{"networkInterfaces":[{"id":"/n"}]},
          "instanceView":{"statuses":[{"code":"PowerState/running"}],
            "vmAgent":{"vmAgentVersion":"2.9","statuses":[{"displayStatus":"Ready"}],"extensionHandlers":[
              {"type":"Microsoft.Azure.RecoveryServices.VMSnapshotLinux","typeHandlerVersion":"1.0.9",
               "status":{"code":"ProvisioningState/failed","displayStatus":"Not Ready"}}]},
            "extensions":[{"name":"x","type":"Microsoft.Azure.RecoveryServices.VMSnapshotLinux",
              "statuses":[{"code":"ProvisioningState/failed/1"}]}]}}}"#;
        let own = serde_json::from_str::<Wire>(text).unwrap().facts();
        assert_eq!((own.region.as_str(), own.system.as_str()), ("westus", "Linux"));
        assert_eq!((own.has_agent, own.takes_extensions), (Some(true), None));
        let disks =
            DiskCounts { data: 2, unmanaged: 1, accelerated: 1, ultra: 1, is_ephemeral: true };
        assert_eq!(own.disks, disks);
        assert_eq!(own.extensions.len(), 2, "as a resource, and as it works");
        assert!(own.extensions.iter().all(|own| own.is_of_backup() && own.is_failed()));
        let handler = &own.extensions[1];
        assert_eq!((handler.name.as_str(), handler.version.as_str()), ("VMSnapshotLinux", "1.0.9"));
        assert_eq!(own.agent.unwrap().state, "Ready");
        assert_eq!(serde_json::from_str::<Wire>("{}").unwrap().facts(), MachineFacts::default());
    }
}
