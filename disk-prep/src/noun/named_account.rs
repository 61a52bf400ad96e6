//! A storage account as it is named: by its name alone, or by its resource id, which says where it
//! is too. An account need not lie in the group of the job that it is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::invalid::InvalidNoun;
use super::names::{AccountName, ResourceGroup, SubscriptionId};

const RULE: &str = "/subscriptions/ID/resourceGroups/NAME/providers/Microsoft.Storage/\
                    storageAccounts/NAME";

/// The resource id of a storage account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountId {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub resource_group: ResourceGroup,
    /// Its name.
    pub account: AccountName,
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AccountId { subscription, resource_group, account } = self;
        write!(
            f,
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/\
             Microsoft.Storage/storageAccounts/{account}"
        )
    }
}

impl FromStr for AccountId {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let invalid = || InvalidNoun::new("storage account id", text, RULE);
        let parts: Vec<&str> = text.split('/').collect();
        let &["", first, subscription, second, group, third, provider, fourth, account] =
            &parts[..]
        else {
            return Err(invalid());
        };
        let words = [first, second, third, provider, fourth];
        let right = [
            "subscriptions",
            "resourceGroups",
            "providers",
            "Microsoft.Storage",
            "storageAccounts",
        ];
        let mut pairs = words.iter().zip(right);
        if !pairs.all(|(word, right)| word.eq_ignore_ascii_case(right)) {
            return Err(invalid());
        }
        Ok(AccountId {
            subscription: subscription.parse()?,
            resource_group: group.parse()?,
            // Names of accounts have small letters; ids come in any.
            account: account.to_ascii_lowercase().parse()?,
        })
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What stands behind `--storage-account`. Shown by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedAccount {
    /// A name; where the account is, something else says.
    Name(AccountName),
    /// A resource id.
    Id(AccountId),
}

impl NamedAccount {
    /// Its name.
    pub fn name(&self) -> &AccountName {
        match self {
            NamedAccount::Name(name) => name,
            NamedAccount::Id(id) => &id.account,
        }
    }

    /// Its id, if it was named by that.
    pub fn id(&self) -> Option<&AccountId> {
        match self {
            NamedAccount::Name(_) => None,
            NamedAccount::Id(id) => Some(id),
        }
    }

    /// Its id; one that was named by its name lies in this group.
    pub fn in_group(&self, subscription: &SubscriptionId, group: &ResourceGroup) -> AccountId {
        match self {
            NamedAccount::Id(id) => id.clone(),
            NamedAccount::Name(name) => AccountId {
                subscription: subscription.clone(),
                resource_group: group.clone(),
                account: name.clone(),
            },
        }
    }
}

impl fmt::Display for NamedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

impl FromStr for NamedAccount {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        if text.starts_with('/') {
            text.parse().map(NamedAccount::Id)
        } else {
            text.parse().map(NamedAccount::Name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/data/\
                      providers/Microsoft.Storage/storageAccounts/account1";

    #[test]
    fn an_id_says_where_an_account_is_in_any_case_and_a_name_lies_in_the_jobs_group() {
        let id: NamedAccount = ID.to_uppercase().parse().unwrap();
        assert_eq!((id.name().as_str(), id.to_string().as_str()), ("account1", "account1"));
        assert_eq!(id.id().unwrap().resource_group.as_str(), "DATA");
        let subscription: SubscriptionId = "00000000-0000-0000-0000-000000000002".parse().unwrap();
        let group: ResourceGroup = "rg".parse().unwrap();
        let own: NamedAccount = ID.parse().unwrap();
        assert_eq!(own.in_group(&subscription, &group).to_string(), ID);
        let name: NamedAccount = "account1".parse().unwrap();
        let right = ID.replace("000000000001", "000000000002").replace("/data/", "/rg/");
        assert_eq!(name.in_group(&subscription, &group).to_string(), right);
        assert_eq!(name.id(), None);
        let kept = serde_json::to_string(own.id().unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<AccountId>(&kept).unwrap().to_string(), ID);
    }

    #[test]
    fn what_is_no_id_of_an_account_is_refused() {
        for bad in [
            "/",
            &ID.replace("Microsoft.Storage", "Microsoft.DataBox"),
            &ID.replace("storageAccounts", "jobs"),
            &format!("{ID}/blobServices/default"),
            &ID.replace("account1", "no_account"),
            &ID[1..],
        ] {
            assert!(bad.parse::<NamedAccount>().is_err(), "{bad}");
        }
    }
}
