//! What else the subscription has, as somebody declares it: storage accounts of other kinds and with
//! rules of their own, and resource groups that are locked or not there.

use serde::{Deserialize, Serialize};

use super::vm::is_name;
use crate::error::Error;

const SKUS: [&str; 8] = [
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
];
const KINDS: [&str; 5] = ["StorageV2", "Storage", "BlobStorage", "BlockBlobStorage", "FileStorage"];
const VERSIONS: [&str; 4] = ["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"];
const LOCKS: [&str; 3] = ["none", "CanNotDelete", "ReadOnly"];
const RULES: [&str; 12] = [
    "address",
    "container-soft-delete",
    "firewall",
    "folders",
    "keys",
    "lock",
    "nfs",
    "public",
    "services",
    "soft-delete",
    "tls",
    "versions",
];

/// How a storage account is other than a plain one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountFacts {
    pub name: String,
    /// `None`: where the emulator was told that accounts are.
    pub region: Option<String>,
    pub sku: String,
    pub kind: String,
    #[serde(default)]
    pub rules: AccountRules,
}

impl AccountFacts {
    /// A plain one of this name.
    pub fn plain(name: &str) -> Self {
        AccountFacts {
            name: name.to_owned(),
            region: None,
            sku: SKUS[0].to_owned(),
            kind: KINDS[0].to_owned(),
            rules: AccountRules::default(),
        }
    }

    /// Whether its page blobs are on premium storage.
    pub fn has_premium_pages(&self) -> bool {
        self.sku.starts_with("Premium") && self.kind.starts_with("Storage")
    }
}

/// Whom a storage account lets in, and what it holds on to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountRules {
    /// Whether the firewall keeps out whom no rule lets in.
    pub denies: bool,
    /// Whether Azure's own services pass it.
    pub trusts_services: bool,
    /// Addresses that pass it.
    pub addresses: Vec<String>,
    /// Whether it is reached from the Internet at all.
    pub is_public: bool,
    pub takes_keys: bool,
    pub least_tls: String,
    pub has_folders: bool,
    pub is_of_nfs: bool,
    /// Days that deleted blobs are kept.
    pub blob_days: Option<u32>,
    /// Days that deleted containers are kept.
    pub container_days: Option<u32>,
    pub keeps_versions: bool,
    /// The level of a lock.
    pub lock: Option<String>,
}

impl Default for AccountRules {
    fn default() -> Self {
        AccountRules {
            denies: false,
            trusts_services: true,
            addresses: Vec::new(),
            is_public: true,
            takes_keys: true,
            least_tls: VERSIONS[2].to_owned(),
            has_folders: false,
            is_of_nfs: false,
            blob_days: None,
            container_days: None,
            keeps_versions: false,
            lock: None,
        }
    }
}

impl AccountRules {
    /// Changes one rule, `NAME=VALUE`.
    fn change(&mut self, text: &str) -> Result<(), Error> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let days = || match value {
            "off" => Ok(None),
            days => days.parse().map(Some).map_err(|_| refused(value, &["off", "DAYS"])),
        };
        match name {
            "firewall" => self.denies = switch(value, ["allow", "deny"])?,
            "services" => self.trusts_services = on(value)?,
            "address" if value == "none" => self.addresses.clear(),
            "address" => self.addresses.push(value.to_owned()),
            "public" => self.is_public = on(value)?,
            "keys" => self.takes_keys = on(value)?,
            "tls" => self.least_tls = one_of(value, &VERSIONS)?,
            "folders" => self.has_folders = on(value)?,
            "nfs" => self.is_of_nfs = on(value)?,
            "soft-delete" => self.blob_days = days()?,
            "container-soft-delete" => self.container_days = days()?,
            "versions" => self.keeps_versions = on(value)?,
            "lock" => self.lock = lock(value)?,
            _ => return Err(refused(name, &RULES)),
        }
        Ok(())
    }
}

fn on(value: &str) -> Result<bool, Error> {
    switch(value, ["off", "on"])
}

/// Whether the second of two words was said.
fn switch(value: &str, words: [&str; 2]) -> Result<bool, Error> {
    Ok(one_of(value, &words)? == words[1])
}

/// The level of a lock, or none.
fn lock(value: &str) -> Result<Option<String>, Error> {
    Ok(Some(one_of(value, &LOCKS)?).filter(|own| own != "none"))
}

/// What a storage account is to be; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the words of the command")]
pub struct AccountOrder {
    pub name: String,
    pub region: Option<String>,
    pub sku: Option<String>,
    pub kind: Option<String>,
    /// Each `NAME=VALUE`.
    pub rules: Vec<String>,
}

impl AccountOrder {
    /// Changes an account as ordered.
    pub(super) fn change(&self, own: &mut AccountFacts) -> Result<(), Error> {
        if let Some(region) = &self.region {
            own.region = Some(region.to_lowercase().replace(' ', ""));
        }
        if let Some(sku) = &self.sku {
            own.sku = one_of(sku, &SKUS)?;
        }
        if let Some(kind) = &self.kind {
            own.kind = one_of(kind, &KINDS)?;
        }
        self.rules.iter().try_for_each(|text| own.rules.change(text))
    }
}

/// A resource group that is to be there or not, or is to be locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOrder {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub is_there: bool,
    /// The level of a lock on it, or `none`.
    pub lock: Option<String>,
}

/// A lock on a resource group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupLock {
    pub group: String,
    pub level: String,
}

impl GroupOrder {
    /// Notes groups that are not there: without that every name is one.
    pub(super) fn change(
        &self,
        gone: &mut Vec<String>,
        locks: &mut Vec<GroupLock>,
    ) -> Result<(), Error> {
        if !is_name(&self.name) {
            let message = format!("{} is no name of a resource group", self.name);
            return Err(Error::Refused { message });
        }
        gone.retain(|own| !own.eq_ignore_ascii_case(&self.name));
        if !self.is_there {
            gone.push(self.name.clone());
        }
        if let Some(word) = &self.lock {
            locks.retain(|own| !own.group.eq_ignore_ascii_case(&self.name));
            let level = lock(word)?;
            locks.extend(level.map(|level| GroupLock { group: self.name.clone(), level }));
        }
        Ok(())
    }
}

fn one_of(word: &str, known: &[&str]) -> Result<String, Error> {
    let found = known.iter().find(|own| own.eq_ignore_ascii_case(word));
    found.map(|own| (*own).to_owned()).ok_or_else(|| refused(word, known))
}

fn refused(word: &str, known: &[&str]) -> Error {
    Error::Refused { message: format!("{word} is none of {}", known.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_an_account_are_said_word_by_word_and_a_wrong_word_changes_nothing() {
        let mut own = AccountFacts::plain("account1");
        let order = |rules: &[&str]| AccountOrder {
            rules: rules.iter().map(|own| (*own).to_owned()).collect(),
            ..AccountOrder::default()
        };
        let all = ["firewall=deny", "services=off", "address=203.0.113.7", "lock=ReadOnly"];
        order(&all).change(&mut own).unwrap();
        order(&["soft-delete=7", "keys=off", "tls=TLS1_0"]).change(&mut own).unwrap();
        let rules = &own.rules;
        assert!(rules.denies && !rules.trusts_services && !rules.takes_keys);
        assert_eq!((rules.blob_days, rules.lock.as_deref()), (Some(7), Some("ReadOnly")));
        assert_eq!((rules.addresses.len(), rules.least_tls.as_str()), (1, "TLS1_0"));
        order(&["address=none", "lock=none", "soft-delete=off"]).change(&mut own).unwrap();
        assert_eq!((own.rules.blob_days, own.rules.lock.as_ref()), (None, None));
        assert!(own.rules.addresses.is_empty());
        for wrong in ["firewall", "firewall=on", "tls=1.2", "colour=red", "soft-delete=long"] {
            assert!(order(&[wrong]).change(&mut own).is_err(), "{wrong}");
        }
    }
}
