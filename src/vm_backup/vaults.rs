//! Recovery Services vaults: list, create, and the redundancy that is chosen before anything is
//! protected.

use disk_prep::noun::SubscriptionId;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::vault_id::VaultId;
use super::words::RECOVERY;
use crate::azure::Arm;

/// How many copies of the points there are, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redundancy {
    /// In two regions.
    Geo,
    /// In one datacenter.
    Local,
    /// In several datacenters of one region.
    Zone,
}

impl Redundancy {
    /// The service's word.
    pub fn word(self) -> &'static str {
        match self {
            Redundancy::Geo => "GeoRedundant",
            Redundancy::Local => "LocallyRedundant",
            Redundancy::Zone => "ZoneRedundant",
        }
    }
}

/// A vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryVault {
    /// Which.
    pub id: VaultId,
    /// Its region, in small letters without blanks.
    pub region: String,
    /// How far it is made: `Succeeded` when it can be used.
    pub state: String,
    /// Its redundancy in the service's word, if that is told.
    pub redundancy: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    location: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    provisioning_state: String,
    redundancy_settings: Option<Settings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(default)]
    standard_tier_storage_redundancy: Option<String>,
}

/// A region's name as the service compares it.
pub(super) fn region(text: &str) -> String {
    text.to_lowercase().replace(' ', "")
}

impl Wire {
    fn vault(self) -> Option<RecoveryVault> {
        let id = VaultId::parse(&self.id)?;
        let Properties { provisioning_state, redundancy_settings } = self.properties;
        let redundancy = redundancy_settings.and_then(|own| own.standard_tier_storage_redundancy);
        Some(RecoveryVault {
            id,
            region: region(&self.location),
            state: provisioning_state,
            redundancy,
        })
    }
}

/// The vaults of a subscription, by name.
pub fn vaults(arm: &Arm, subscription: &SubscriptionId) -> Result<Vec<RecoveryVault>, Error> {
    let path = format!("subscriptions/{subscription}/providers/Microsoft.RecoveryServices/vaults");
    let all: Vec<Wire> = arm.list(&path, RECOVERY)?;
    let mut all: Vec<RecoveryVault> = all.into_iter().filter_map(Wire::vault).collect();
    all.sort_by_key(|own| own.id.name.as_str().to_lowercase());
    Ok(all)
}

#[derive(Serialize)]
struct Asked<'a> {
    location: &'a str,
    sku: Sku,
    properties: AskedProperties,
}

#[derive(Serialize)]
struct Sku {
    name: &'static str,
    tier: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedProperties {
    public_network_access: &'static str,
    redundancy_settings: AskedSettings,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedSettings {
    standard_tier_storage_redundancy: &'static str,
    cross_region_restore: &'static str,
}

/// Makes a vault, its redundancy chosen at once.
pub fn create(
    arm: &Arm,
    id: &VaultId,
    at: &str,
    redundancy: Redundancy,
) -> Result<RecoveryVault, Error> {
    let body = Asked {
        location: at,
        sku: Sku { name: "RS0", tier: "Standard" },
        properties: AskedProperties {
            public_network_access: "Enabled",
            redundancy_settings: AskedSettings {
                standard_tier_storage_redundancy: redundancy.word(),
                cross_region_restore: "Disabled",
            },
        },
    };
    let made: Wire = arm.put(&id.path(""), RECOVERY, &body)?;
    let (state, own) = (made.properties.provisioning_state.clone(), id.clone());
    let fallback = RecoveryVault { id: own, region: region(at), state, redundancy: None };
    Ok(made.vault().unwrap_or(fallback))
}

/// Whether the policy is there that every new vault has.
pub fn has_default_policy(arm: &Arm, id: &VaultId) -> Result<bool, Error> {
    #[derive(Deserialize)]
    struct There {}
    let path = id.path("backupPolicies/DefaultPolicy");
    Ok(arm.get::<There>(&path, RECOVERY)?.is_some())
}

/// How many copies a vault keeps, and whether that can still be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// In the service's word.
    pub redundancy: String,
    /// It cannot be changed any more.
    pub is_locked: bool,
}

#[derive(Deserialize)]
struct StorageWire {
    properties: StorageProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StorageProperties {
    #[serde(default)]
    storage_model_type: Option<String>,
    #[serde(default)]
    storage_type: Option<String>,
    #[serde(default)]
    storage_type_state: Option<String>,
}

impl StorageWire {
    fn storage(self) -> Storage {
        let own = self.properties;
        let state = own.storage_type_state.unwrap_or_default();
        Storage {
            redundancy: own.storage_model_type.or(own.storage_type).unwrap_or_default(),
            is_locked: state.eq_ignore_ascii_case("Locked"),
        }
    }
}

const STORAGE: &str = "backupstorageconfig/vaultstorageconfig";

/// How many copies a vault keeps.
pub fn storage(arm: &Arm, id: &VaultId) -> Result<Storage, Error> {
    let found: Option<StorageWire> = arm.get(&id.path(STORAGE), RECOVERY)?;
    let none = || Error::NoVault { name: id.name.clone() };
    Ok(found.ok_or_else(none)?.storage())
}

#[derive(Serialize)]
struct StorageBody {
    properties: StorageAsked,
}

/// Published examples name it in two ways; both are sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StorageAsked {
    storage_model_type: &'static str,
    storage_type: &'static str,
}

/// Has a vault keep as many copies.
pub fn set_storage(arm: &Arm, id: &VaultId, own: Redundancy) -> Result<Storage, Error> {
    let word = own.word();
    let properties = StorageAsked { storage_model_type: word, storage_type: word };
    let made: StorageWire = arm.put(&id.path(STORAGE), RECOVERY, &StorageBody { properties })?;
    Ok(made.storage())
}

/// Deletes a vault that holds nothing.
pub fn delete_vault(arm: &Arm, id: &VaultId) -> Result<(), Error> {
    Ok(arm.delete_job(&id.path(""), RECOVERY).map(drop)?)
}
