//! What else the subscription has, as somebody declares it: storage accounts of other kinds, and
//! resource groups that are not there.

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

/// How a storage account is other than a plain one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountFacts {
    pub name: String,
    /// `None`: where the emulator was told that accounts are.
    pub region: Option<String>,
    pub sku: String,
    pub kind: String,
}

impl AccountFacts {
    /// A plain one of this name.
    pub fn plain(name: &str) -> Self {
        AccountFacts {
            name: name.to_owned(),
            region: None,
            sku: SKUS[0].to_owned(),
            kind: KINDS[0].to_owned(),
        }
    }
}

impl AccountFacts {
    /// Whether its page blobs are on premium storage.
    pub fn has_premium_pages(&self) -> bool {
        self.sku.starts_with("Premium") && self.kind.starts_with("Storage")
    }
}

/// What a storage account is to be; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the words of the command")]
pub struct AccountOrder {
    pub name: String,
    pub region: Option<String>,
    pub sku: Option<String>,
    pub kind: Option<String>,
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
        Ok(())
    }
}

/// A resource group that is to be there or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOrder {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub is_there: bool,
}

impl GroupOrder {
    /// Notes groups that are not there: without that every name is one.
    pub(super) fn change(&self, gone: &mut Vec<String>) -> Result<(), Error> {
        if !is_name(&self.name) {
            let message = format!("{} is no name of a resource group", self.name);
            return Err(Error::Refused { message });
        }
        gone.retain(|own| !own.eq_ignore_ascii_case(&self.name));
        if !self.is_there {
            gone.push(self.name.clone());
        }
        Ok(())
    }
}

fn one_of(word: &str, known: &[&str]) -> Result<String, Error> {
    let found = known.iter().find(|own| own.eq_ignore_ascii_case(word));
    let message = || format!("{word} is none of {}", known.join(", "));
    found.map(|own| (*own).to_owned()).ok_or_else(|| Error::Refused { message: message() })
}
