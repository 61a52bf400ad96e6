//! Names of things in Azure and the small closed vocabularies of a data set. Rules:
//! `azure-import-export` 2.4 and Azure's resource naming pages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::drive_path::is_device;
use super::invalid::InvalidNoun;
use crate::limits::{
    ACCOUNT_NAME_CHARACTERS, GROUP_NAME_CHARACTERS, JOB_NAME_CHARACTERS, VAULT_NAME_CHARACTERS,
};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $noun:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the name against its rule.
            pub fn new(text: &str) -> Result<Self, InvalidNoun> {
                let check: fn(&str) -> bool = $check;
                check(text)
                    .then(|| $name(text.to_owned()))
                    .ok_or_else(|| InvalidNoun::new($noun, text, $rule))
            }
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidNoun;
            fn from_str(text: &str) -> Result<Self, InvalidNoun> {
                $name::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidNoun;
            fn try_from(text: String) -> Result<Self, InvalidNoun> {
                $name::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}
pub(super) use name;

name!(
    /// Name of an import job that one of the services takes; each has its own rule within this one.
    JobName,
    "job name",
    "2 to 64 letters, digits and inner hyphens; the folder on the drive is named so, hence no \
     device of Windows such as con or com1",
    |text| JOB_NAME_CHARACTERS.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !is_device(text)
);
name!(
    /// Name of a storage account.
    AccountName,
    "storage account name",
    "3 to 24 lower-case letters and digits",
    |text| ACCOUNT_NAME_CHARACTERS.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
);
name!(
    /// Id of a subscription, a GUID.
    SubscriptionId,
    "subscription id",
    "a GUID such as 00000000-0000-0000-0000-000000000001",
    |text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
);
name!(
    /// Name of a resource group.
    ResourceGroup,
    "resource group name",
    "1 to 90 letters, digits, `-`, `_`, `.`, `(`, `)`, no dot at the end",
    |text| GROUP_NAME_CHARACTERS.contains(&text.chars().count())
        && text.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c))
        && !text.ends_with('.')
);
name!(
    /// Name of a vault, and of a disk's backup.
    VaultName,
    "name",
    "2 to 50 letters, digits and hyphens, a letter first, no hyphen at the end",
    |text| VAULT_NAME_CHARACTERS.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.as_bytes()[0].is_ascii_alphabetic()
        && !text.ends_with('-')
);

/// What happens when the blob is there already; the service's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportDisposition {
    /// Replace it.
    Overwrite,
    /// Leave it.
    NoOverwrite,
    /// Import under a new name.
    Rename,
}

impl ImportDisposition {
    /// The word in manifest and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            ImportDisposition::Overwrite => "overwrite",
            ImportDisposition::NoOverwrite => "no-overwrite",
            ImportDisposition::Rename => "rename",
        }
    }
}

/// The kind of blob a file becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlobType {
    /// A block blob.
    #[default]
    BlockBlob,
    /// A page blob; its length is a multiple of 512.
    PageBlob,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_azure() {
        assert!(JobName::new("seed-2026").is_ok());
        for bad in ["s", "-seed", "se ed", "seed_1", "", "con", "COM1"] {
            assert!(JobName::new(bad).is_err(), "{bad}");
        }
        assert!(VaultName::new("Vault-1").is_ok());
        for bad in ["v", "1v", "v-", "v_1"] {
            assert!(VaultName::new(bad).is_err(), "{bad}");
        }
        assert!(AccountName::new("seedaccount").is_ok());
        assert!(AccountName::new("Seed").is_err());
        assert!(SubscriptionId::new("00000000-0000-0000-0000-000000000001").is_ok());
        assert!(SubscriptionId::new("000000000000000000000000000000000001").is_err());
        assert!(ResourceGroup::new("rg.").is_err());
    }
}
