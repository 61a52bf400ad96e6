//! `check account`: whether a storage account is as a purpose needs it. Asks only what reads; what the
//! answers mean is said in `check`.

use disk_prep::noun::{AccountId, ContainerName, NamedAccount, RepositoryPrefix};

use super::answered::answer;
use super::connections::{BlobAccess, container, is_by_sign_in};
use super::desk::Desk;
use super::ready::Purpose;
use super::ready_rights::{of_account, rights_at};
use super::vm::{Office, VmOptions};
use crate::azure::{Arm, Container, Error, Lock, StorageAccount};
use crate::check::account::{Content, OpenedBy, View, Wanted, findings};
use crate::check::azure::Answer;
use crate::check::finding::Checked;
use crate::outcome::Failure;

/// What is to be looked at.
#[derive(Debug)]
pub struct AccountCheck {
    /// The account.
    pub account: NamedAccount,
    /// What for.
    pub purpose: Purpose,
    /// A container of it.
    pub container: Option<ContainerName>,
    /// Below what in it.
    pub prefix: RepositoryPrefix,
    /// What opens its blobs.
    pub blobs: BlobAccess,
}

/// Looks at the account, and tells what is so.
pub fn check(
    asked: &AccountCheck,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<Checked, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let (azure, attendant) = (&options.azure, desk.attendant);
    let is_signed_in = is_by_sign_in(azure, &asked.blobs, attendant)?;
    let found = found(&office, &asked.account);
    let id = match &found {
        Ok(Some((id, _))) => Some(id.clone()),
        _ => None,
    };
    let wanted = Wanted {
        name: asked.account.name().to_string(),
        group: id.as_ref().map(|own| own.resource_group.to_string()).unwrap_or_default(),
        purpose: asked.purpose,
        opened_by: if is_signed_in { OpenedBy::SignIn } else { OpenedBy::Key },
        container: asked.container.as_ref().map(ToString::to_string),
        prefix: asked.prefix.as_str().to_owned(),
    };
    let mut view = View {
        account: answer(found.map(|own| own.map(|(_, facts)| facts))),
        blobs: Answer::Unasked,
        locks: Answer::Unasked,
        content: Answer::Unasked,
    };
    let mut rights = Vec::new();
    if let Some(id) = &id {
        view.blobs = answer(office.arm.blob_service(id));
        view.locks = answer(locks(&office.arm, id).map(Some));
        let needed = of_account(asked.purpose, azure, &asked.blobs, attendant);
        rights = rights_at(&office.arm, &id.to_string(), &needed);
    }
    if let (Some(id), Some(name)) = (&id, &asked.container) {
        let opened = container(azure, &asked.blobs, &id.account, name, attendant);
        view.content =
            answer(opened.and_then(|own| content(&*own, asked.prefix.as_str())).map(Some));
    }
    let mut all = findings(&wanted, &view);
    all.extend(rights);
    Ok(Checked(all))
}

/// The account by its id, or the one of that name in the subscription.
fn found(
    office: &Office,
    asked: &NamedAccount,
) -> Result<Option<(AccountId, StorageAccount)>, Error> {
    if let NamedAccount::Id(id) = asked {
        return Ok(office.arm.storage_account(id)?.map(|facts| (id.clone(), facts)));
    }
    let all = office.arm.storage_accounts(&office.subscription)?;
    Ok(all.into_iter().find(|(id, _)| id.account == *asked.name()))
}

/// Locks on the account itself, and on its group.
fn locks(arm: &Arm, id: &AccountId) -> Result<Vec<Lock>, Error> {
    let group = format!("/subscriptions/{}/resourceGroups/{}", id.subscription, id.resource_group);
    let mut all = arm.locks(&id.to_string())?;
    all.extend(of_group(arm.locks(&group)?, &group));
    Ok(all)
}

/// Of the locks of a group and of what is in it, those on the group itself.
pub(super) fn of_group(all: Vec<Lock>, group: &str) -> Vec<Lock> {
    let own = format!("{group}/providers/Microsoft.Authorization/locks/").to_lowercase();
    all.into_iter().filter(|lock| lock.id.to_lowercase().starts_with(&own)).collect()
}

/// What is in a container, as far as one blob shows it.
fn content(container: &dyn Container, prefix: &str) -> Result<Content, Error> {
    if container.facts(&format!("{prefix}config"))?.is_some() {
        return Ok(Content::Ours);
    }
    let mut first = None;
    // The list is given up after its first name, which is all that is wanted of it.
    let listed = container.walk(prefix, &mut |name, _| {
        first.get_or_insert(name);
        false
    });
    match first {
        Some(name) => Ok(Content::Foreign(name)),
        None => listed.map(|()| Content::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_on_something_in_a_group_is_none_on_the_group() {
        let lock = |id: &str| Lock {
            id: format!("{id}/providers/Microsoft.Authorization/locks/l"),
            name: "l".to_owned(),
            level: "ReadOnly".to_owned(),
        };
        let group = "/subscriptions/s/resourceGroups/RG";
        let other = format!("{group}/providers/Microsoft.Storage/storageAccounts/a");
        let own = of_group(vec![lock("/subscriptions/s/resourcegroups/rg"), lock(&other)], group);
        assert_eq!(own.len(), 1);
    }
}
