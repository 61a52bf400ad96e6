//! What the resource manager itself knows: subscriptions, providers, groups, storage accounts.

use std::time::Duration;

use disk_prep::noun::{AccountId, ContainerName, ResourceGroup, SubscriptionId};
use serde::Deserialize;

use super::arm::Arm;
use super::error::Error;

const SUBSCRIPTIONS: &str = "2022-12-01";
const PROVIDERS: &str = "2021-04-01";
const GROUPS: &str = "2021-04-01";
const ACCOUNTS: &str = "2023-01-01";

/// The pause before the first look at a registration; each later one is half as long again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A registration takes minutes; it is followed so long, and goes on all the same.
const FOLLOWED_FOR: Duration = Duration::from_secs(1800);

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Subscription {
    /// Its id.
    #[serde(rename = "subscriptionId")]
    pub id: String,
    /// Its name.
    #[serde(rename = "displayName", default)]
    pub name: String,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled`, `Deleted`.
    pub state: String,
}

impl Subscription {
    /// Whether anything can be made in it.
    pub fn is_usable(&self) -> bool {
        ["Enabled", "Warned", "PastDue"].contains(&self.state.as_str())
    }
}

/// A provider of resources, and whether a subscription may use it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Provider {
    /// Its name.
    pub namespace: String,
    /// `Registered`, `Registering`, `NotRegistered`, `Unregistering`.
    #[serde(rename = "registrationState", default)]
    pub state: String,
}

impl Provider {
    /// Whether the subscription may use it.
    pub fn is_registered(&self) -> bool {
        self.state.eq_ignore_ascii_case("Registered")
    }
}

/// A storage account, as far as it matters for drives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StorageAccount {
    /// Its region.
    #[serde(default)]
    pub location: Option<String>,
    /// `StorageV2`, `Storage`, `BlobStorage`, `BlockBlobStorage`, `FileStorage`.
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    sku: Sku,
    #[serde(default)]
    properties: Properties,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Sku {
    #[serde(default)]
    name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    is_nfs_v3_enabled: bool,
    #[serde(default)]
    is_hns_enabled: bool,
    #[serde(default)]
    allow_shared_key_access: Option<bool>,
    #[serde(default)]
    minimum_tls_version: Option<String>,
    #[serde(default)]
    public_network_access: Option<String>,
    #[serde(default)]
    network_acls: Option<NetworkRules>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkRules {
    #[serde(default)]
    default_action: String,
    #[serde(default)]
    bypass: String,
    #[serde(default)]
    ip_rules: Vec<AddressRule>,
    #[serde(default)]
    virtual_network_rules: Vec<NetworkRule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct AddressRule {
    value: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct NetworkRule {
    id: String,
}

impl StorageAccount {
    /// The kind of its storage: `Standard_LRS`, `Premium_LRS`.
    pub fn sku(&self) -> &str {
        &self.sku.name
    }

    /// Whether it is served over NFS.
    pub fn is_of_nfs(&self) -> bool {
        self.properties.is_nfs_v3_enabled
    }

    /// Whether its firewall keeps Azure's own services out.
    pub fn bars_services(&self) -> bool {
        self.properties.network_acls.as_ref().is_some_and(|rules| {
            rules.denies() && !rules.bypass.to_ascii_lowercase().contains("azureservices")
        })
    }

    /// Whether it has folders, which page blobs do not go with.
    pub fn has_folders(&self) -> bool {
        self.properties.is_hns_enabled
    }

    /// Whether a key of it opens it, or a signature of a key; it does unless that is forbidden.
    pub fn takes_keys(&self) -> bool {
        self.properties.allow_shared_key_access != Some(false)
    }

    /// The oldest form of TLS that it takes, such as `TLS1_2`; `None` if that is not told.
    pub fn least_tls(&self) -> Option<&str> {
        self.properties.minimum_tls_version.as_deref()
    }

    /// Whether it can be reached from the Internet at all.
    pub fn is_public(&self) -> bool {
        let own = self.properties.public_network_access.as_deref();
        !own.is_some_and(|own| own.eq_ignore_ascii_case("Disabled"))
    }

    /// Addresses and networks that its firewall lets in; `None` if it lets everybody in.
    pub fn let_in(&self) -> Option<Vec<&str>> {
        let rules = self.properties.network_acls.as_ref().filter(|own| own.denies())?;
        let addresses = rules.ip_rules.iter().map(|own| own.value.as_str());
        Some(
            addresses
                .chain(rules.virtual_network_rules.iter().map(|own| own.id.as_str()))
                .collect(),
        )
    }
}

impl NetworkRules {
    fn denies(&self) -> bool {
        self.default_action.eq_ignore_ascii_case("Deny")
    }
}

/// How blobs of an account are kept after they were deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct BlobService {
    #[serde(default)]
    properties: BlobServiceProperties,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BlobServiceProperties {
    delete_retention_policy: Option<RetentionPolicy>,
    container_delete_retention_policy: Option<RetentionPolicy>,
    is_versioning_enabled: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct RetentionPolicy {
    enabled: bool,
    days: Option<u32>,
}

impl RetentionPolicy {
    fn days(&self) -> Option<u32> {
        self.enabled.then(|| self.days.unwrap_or(0))
    }
}

impl BlobService {
    /// Days that a deleted blob is kept and paid for; `None` if it goes at once.
    pub fn kept_days(&self) -> Option<u32> {
        self.properties.delete_retention_policy.as_ref()?.days()
    }

    /// The same of a deleted container.
    pub fn kept_container_days(&self) -> Option<u32> {
        self.properties.container_delete_retention_policy.as_ref()?.days()
    }

    /// Whether what is overwritten or deleted stays as a version.
    pub fn keeps_versions(&self) -> bool {
        self.properties.is_versioning_enabled == Some(true)
    }
}

/// A container, as far as it holds on to its blobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct HeldContainer {
    #[serde(default)]
    properties: HeldProperties,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HeldProperties {
    has_immutability_policy: bool,
    has_legal_hold: bool,
}

impl HeldContainer {
    /// Why blobs in it cannot be changed or deleted, if they cannot.
    pub fn holds(&self) -> Option<&'static str> {
        let HeldProperties { has_immutability_policy, has_legal_hold } = self.properties;
        match (has_legal_hold, has_immutability_policy) {
            (true, _) => Some("a legal hold"),
            (_, true) => Some("an immutability policy"),
            _ => None,
        }
    }
}

/// A storage account of a list.
#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(flatten)]
    facts: StorageAccount,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Something of which only matters that it is there.
#[derive(Deserialize)]
struct Ignored {}

impl Arm {
    /// The subscriptions that whoever is signed in can see.
    pub fn subscriptions(&self) -> Result<Vec<Subscription>, Error> {
        self.list("subscriptions", SUBSCRIPTIONS)
    }

    /// One of them; `None` if it is not there for whoever is signed in.
    pub fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Error> {
        match self.get(&format!("subscriptions/{id}"), SUBSCRIPTIONS) {
            Err(Error::NoSubscription { .. }) => Ok(None),
            found => found,
        }
    }

    /// The regions of a subscription, in small letters without blanks.
    pub fn regions(&self, id: &SubscriptionId) -> Result<Vec<String>, Error> {
        let all: Vec<Named> = self.list(&format!("subscriptions/{id}/locations"), SUBSCRIPTIONS)?;
        Ok(all.into_iter().map(|own| own.name.to_ascii_lowercase()).collect())
    }

    /// Whether a resource group is there.
    pub fn has_group(&self, id: &SubscriptionId, group: &ResourceGroup) -> Result<bool, Error> {
        let path = format!("subscriptions/{id}/resourceGroups/{group}");
        Ok(self.get::<Ignored>(&path, GROUPS)?.is_some())
    }

    /// A storage account.
    pub fn storage_account(&self, account: &AccountId) -> Result<Option<StorageAccount>, Error> {
        self.get(&account.to_string(), ACCOUNTS)
    }

    /// The storage accounts of a subscription.
    pub fn storage_accounts(
        &self,
        id: &SubscriptionId,
    ) -> Result<Vec<(AccountId, StorageAccount)>, Error> {
        let path = format!("subscriptions/{id}/providers/Microsoft.Storage/storageAccounts");
        let all: Vec<Listed> = self.list(&path, ACCOUNTS)?;
        Ok(all.into_iter().filter_map(|own| Some((own.id.parse().ok()?, own.facts))).collect())
    }

    /// How blobs of an account are kept after they were deleted; `None` if that is not told.
    pub fn blob_service(&self, account: &AccountId) -> Result<Option<BlobService>, Error> {
        self.get(&format!("{account}/blobServices/default"), ACCOUNTS)
    }

    /// A container of an account; `None` if it is not there.
    pub fn blob_container(
        &self,
        account: &AccountId,
        name: &ContainerName,
    ) -> Result<Option<HeldContainer>, Error> {
        self.get(&format!("{account}/blobServices/default/containers/{name}"), ACCOUNTS)
    }

    /// A provider as a subscription has it; `None` if there is none of that name.
    pub fn provider(&self, id: &SubscriptionId, name: &str) -> Result<Option<Provider>, Error> {
        self.get(&format!("subscriptions/{id}/providers/{name}"), PROVIDERS)
    }

    /// Has a subscription use a provider; this goes on after it was asked for.
    pub fn register(&self, id: &SubscriptionId, name: &str) -> Result<Provider, Error> {
        self.fetch(&format!("subscriptions/{id}/providers/{name}/register"), PROVIDERS)
    }

    /// Looks at a registration until it is done.
    pub fn follow_registration(
        &self,
        id: &SubscriptionId,
        mut provider: Provider,
    ) -> Result<Provider, Error> {
        let (mut pause, mut followed) = (FIRST_PAUSE, Duration::ZERO);
        while !provider.is_registered() {
            if followed > FOLLOWED_FOR {
                let (what, followed_secs) = (provider.namespace, followed.as_secs());
                return Err(Error::OperationGoesOn { what, followed_secs, call: None });
            }
            self.wait(pause);
            followed += pause;
            pause = pause.mul_f64(1.5).min(LONGEST_PAUSE);
            let name = provider.namespace.clone();
            provider = self.provider(id, &name)?.unwrap_or(provider);
        }
        Ok(provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_and_its_account_say_what_they_hold_on_to() {
        let service = |text: &str| {
            let own: BlobService = serde_json::from_str(text).unwrap();
            (own.kept_days(), own.keeps_versions())
        };
        assert_eq!(service("{}"), (None, false));
        let off = r#"{"properties":{"deleteRetentionPolicy":{"enabled":false,"days":7}}}"#;
        assert_eq!(service(off), (None, false));
        let on = r#"{"properties":{"deleteRetentionPolicy":{"enabled":true,"days":7},
                     "isVersioningEnabled":true}}"#;
        assert_eq!(service(on), (Some(7), true));
        let container = |text: &str| serde_json::from_str::<HeldContainer>(text).unwrap().holds();
        assert_eq!(container("{}"), None);
        let held = r#"{"properties":{"hasImmutabilityPolicy":true,"hasLegalHold":false}}"#;
        assert_eq!(container(held), Some("an immutability policy"));
        assert_eq!(container(r#"{"properties":{"hasLegalHold":true}}"#), Some("a legal hold"));
    }

    #[test]
    fn an_account_says_what_keeps_drives_from_it() {
        let account = |text: &str| serde_json::from_str::<StorageAccount>(text).unwrap();
        let plain =
            account(r#"{"kind":"StorageV2","sku":{"name":"Standard_LRS"},"location":"westus"}"#);
        assert_eq!((plain.sku(), plain.is_of_nfs()), ("Standard_LRS", false));
        assert!(!plain.bars_services());
        for (rules, is_barred) in [
            (r#"{"defaultAction":"Deny","bypass":"None"}"#, true),
            (r#"{"defaultAction":"Deny","bypass":"Logging, AzureServices"}"#, false),
            (r#"{"defaultAction":"Allow","bypass":"None"}"#, false),
        ] {
            let own = account(&format!("{{\"properties\":{{\"networkAcls\":{rules}}}}}"));
            assert_eq!(own.bars_services(), is_barred, "{rules}");
        }
        assert!(account(r#"{"properties":{"isNfsV3Enabled":true}}"#).is_of_nfs());
        assert!(plain.takes_keys() && plain.is_public() && plain.let_in().is_none());
        let closed = account(
            r#"{"properties":{"allowSharedKeyAccess":false,"publicNetworkAccess":"Disabled",
                "minimumTlsVersion":"TLS1_2","isHnsEnabled":true,"networkAcls":{"defaultAction":"Deny",
                "ipRules":[{"value":"203.0.113.7"}],"virtualNetworkRules":[{"id":"/s"}]}}}"#,
        );
        assert!(!closed.takes_keys() && !closed.is_public() && closed.has_folders());
        assert_eq!(closed.let_in(), Some(vec!["203.0.113.7", "/s"]));
        assert_eq!(closed.least_tls(), Some("TLS1_2"));
    }
}
