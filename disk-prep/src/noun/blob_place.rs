//! A blob of a storage account, as one word: `ACCOUNT/CONTAINER/BLOB`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::blob_path::{BlobPath, ContainerName};
use super::invalid::InvalidNoun;
use super::names::AccountName;

const RULE: &str = "ACCOUNT/CONTAINER/BLOB, as the storage account names them";

/// A blob and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobPlace {
    account: AccountName,
    path: BlobPath,
}

impl BlobPlace {
    /// A blob of an account.
    pub fn new(account: AccountName, path: BlobPath) -> Self {
        BlobPlace { account, path }
    }

    /// Whose it is.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// The blob in the account.
    pub fn path(&self) -> &BlobPath {
        &self.path
    }

    /// The container.
    pub fn container(&self) -> &ContainerName {
        self.path.container()
    }

    /// The blob's name in its container.
    pub fn name(&self) -> &str {
        self.path.name()
    }
}

impl FromStr for BlobPlace {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let parts = || {
            let (account, path) = text.split_once('/')?;
            let (account, path) = (account.parse().ok()?, path.parse().ok()?);
            Some(BlobPlace { account, path })
        };
        parts().ok_or_else(|| InvalidNoun::new("place of a blob", text, RULE))
    }
}

impl TryFrom<String> for BlobPlace {
    type Error = InvalidNoun;

    fn try_from(text: String) -> Result<Self, InvalidNoun> {
        text.parse()
    }
}

impl From<BlobPlace> for String {
    fn from(place: BlobPlace) -> Self {
        place.to_string()
    }
}

impl fmt::Display for BlobPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_container_and_blob_are_one_word() {
        let place: BlobPlace = "account1/disks/folder/os.vhd".parse().unwrap();
        assert_eq!(place.account().as_str(), "account1");
        assert_eq!((place.container().as_str(), place.name()), ("disks", "folder/os.vhd"));
        assert_eq!(place.to_string(), "account1/disks/folder/os.vhd");
        for wrong in ["", "account1", "account1/disks", "account1/disks/", "A/disks/x", "a1/x/y"] {
            assert!(wrong.parse::<BlobPlace>().is_err(), "{wrong}");
        }
    }
}
