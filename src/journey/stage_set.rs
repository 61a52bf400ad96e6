//! A seed that shall go elsewhere, or whose drives shall go back to somebody else: where it goes is
//! changed until a drive of it is begun, since drives and jobs are made for one place; whom its
//! drives go back to, also later, for the jobs that are made then.

use std::path::{Path, PathBuf};

use disk_prep::noun::{
    Contact, ContainerName, Diagnose, ErrorKind, Hint, NamedAccount, ResourceGroup, Serial,
    Service, SubscriptionId, VaultName,
};

use super::desk::Desk;
use super::share::meant;
use crate::import_job::check_name;
use crate::outcome::Failure;
use crate::staging::{Destination, Seed, SeedState, Staging, drives_of};
use crate::vault::Vault;

/// What shall be another.
#[derive(Debug, Clone, Default)]
pub struct SeedChanges {
    /// The storage account.
    pub storage_account: Option<NamedAccount>,
    /// The container.
    pub container: Option<ContainerName>,
    /// The subscription.
    pub subscription: Option<SubscriptionId>,
    /// The resource group.
    pub resource_group: Option<ResourceGroup>,
    /// The region of the account.
    pub location: Option<String>,
    /// The service of the job.
    pub service: Option<Service>,
    /// Whom the drives go back to.
    pub contact: Option<Contact>,
}

/// A value that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What it is of.
    pub what: &'static str,
    /// As it was.
    pub before: Option<String>,
    /// As it is.
    pub now: String,
}

/// What was changed of a seed, and what that touches.
#[derive(Debug)]
pub struct SeedSet {
    /// The staging path.
    pub staging: PathBuf,
    /// The changes; none if all was so already.
    pub changed: Vec<Changed>,
    /// Drives that are begun, for which only the contact could be changed.
    pub drives: Vec<Serial>,
    /// Vaults of this machine that wait for it, and know now where it goes.
    pub vaults: Vec<VaultName>,
}

/// A seed that goes where it goes.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    #[error("Nothing is said that shall be another")]
    Nothing,
    #[error(
        "The seed in {path} goes where it was to go, since {} begun: {} cannot be changed",
        begun(drives),
        what.join(", ")
    )]
    Begun { path: PathBuf, drives: Vec<Serial>, what: Vec<&'static str> },
    #[error("The data of {path} was cleared, since it is where it was sent to")]
    Cleared { path: PathBuf },
}

fn begun(drives: &[Serial]) -> String {
    match drives {
        [one] => format!("drive {one} is"),
        many => {
            let names: Vec<_> = many.iter().map(Serial::to_string).collect();
            format!("the drives {} are", names.join(", "))
        }
    }
}

impl Diagnose for SetError {
    fn code(&self) -> &'static str {
        match self {
            SetError::Nothing => "seed-set-nothing",
            SetError::Begun { .. } => "seed-begun",
            SetError::Cleared { .. } => "staging-cleared",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            SetError::Nothing | SetError::Begun { .. } => ErrorKind::Usage,
            SetError::Cleared { .. } => ErrorKind::NotFound,
        }
    }
    fn hint(&self) -> Option<Hint> {
        let text = match self {
            SetError::Nothing => {
                "name one of --storage-account, --container, --subscription, --resource-group, \
                 --location, --service and --contact"
            }
            SetError::Begun { .. } => {
                "make a seed for the new place: the same `azseed stage` with another `--staging` and \
                 `--job`"
            }
            SetError::Cleared { .. } => return None,
        };
        Some(Hint::new(text))
    }
}

/// Changes a seed.
pub fn change(path: &Path, changes: SeedChanges, desk: &Desk<'_>) -> Result<SeedSet, Failure> {
    if changes.is_empty() {
        return Err(SetError::Nothing.into());
    }
    let path = &meant(path, desk)?;
    let staging = desk.enter(path)?;
    let seed = Seed::open(&staging)?;
    let mut found = Err(SetError::Cleared { path: path.to_owned() });
    let target = changes.made(&seed.target);
    check_name(target.service(), &target.job)?;
    let drives = drives_of(&staging.journals())?;
    // The record is read anew while nobody else changes it.
    Seed::change(&staging, |own| {
        found = checked(own, &changes, &staging, &drives);
        if found.is_ok() {
            own.target = changes.made(&own.target);
        }
    })?;
    let changed = found?;
    let is_moved = changed.iter().any(|own| own.what != CONTACT);
    let vaults = if is_moved { follow(&Seed::open(&staging)?, desk)? } else { Vec::new() };
    Ok(SeedSet { staging: staging.path().to_owned(), changed, drives, vaults })
}

/// Tells the vaults of this machine that wait for the seed where it goes.
fn follow(seed: &Seed, desk: &Desk<'_>) -> Result<Vec<VaultName>, Failure> {
    let state = desk.state()?;
    let is_linked = |own: &Vault| own.seed.as_ref().is_some_and(|link| link.id == seed.id);
    let mut told = Vec::new();
    for vault in state.vaults()?.iter().filter(|own| is_linked(own)) {
        state.change_vault(vault, |own| {
            let account = seed.target.storage_account.clone();
            let account = (account != own.storage_account).then_some(account);
            if let Some(link) = own.seed.as_mut() {
                link.container = seed.target.container.clone();
                link.storage_account = account;
            }
        })?;
        told.push(vault.name.clone());
    }
    Ok(told)
}

/// The name of the one change that a drive which is begun does not forbid.
const CONTACT: &str = "contact";

/// What would change; refused if it cannot any more.
fn checked(
    seed: &Seed,
    changes: &SeedChanges,
    staging: &Staging,
    drives: &[Serial],
) -> Result<Vec<Changed>, SetError> {
    let path = staging.path().to_owned();
    let changed = differences(&seed.target, &changes.made(&seed.target));
    let fixed: Vec<_> = changed.iter().map(|own| own.what).filter(|own| *own != CONTACT).collect();
    if !drives.is_empty() && !fixed.is_empty() {
        return Err(SetError::Begun { path, drives: drives.to_vec(), what: fixed });
    }
    match seed.state {
        SeedState::Cleared => Err(SetError::Cleared { path }),
        SeedState::Unfinished | SeedState::Finished => Ok(changed),
    }
}

impl SeedChanges {
    fn is_empty(&self) -> bool {
        let SeedChanges { storage_account, container, subscription, .. } = self;
        let SeedChanges { resource_group, location, service, contact, .. } = self;
        storage_account.is_none()
            && container.is_none()
            && subscription.is_none()
            && resource_group.is_none()
            && location.is_none()
            && service.is_none()
            && contact.is_none()
    }

    /// A destination with these changes. An account that is named by its name alone lies in the
    /// group of the job again.
    fn made(&self, old: &Destination) -> Destination {
        let own = self.clone();
        let (account, id) = match own.storage_account {
            Some(named) => (named.name().clone(), named.id().cloned()),
            None => (old.storage_account.clone(), old.storage_account_id.clone()),
        };
        let old = old.clone();
        Destination {
            storage_account: account,
            storage_account_id: id,
            container: own.container.unwrap_or(old.container),
            subscription: own.subscription.unwrap_or(old.subscription),
            resource_group: own.resource_group.unwrap_or(old.resource_group),
            location: own.location.or(old.location),
            service: own.service.or(old.service),
            contact: own.contact.or(old.contact),
            ..old
        }
    }
}

/// What is another in the second one.
fn differences(old: &Destination, new: &Destination) -> Vec<Changed> {
    let text = |own: &dyn ToString| Some(own.to_string());
    let account = |own: &Destination| match &own.storage_account_id {
        Some(id) => id.to_string(),
        None => own.storage_account.to_string(),
    };
    let contact = |own: &Destination| {
        let contact = own.contact.as_ref()?;
        let address = &contact.return_address;
        Some(format!("{}, {}, {}", address.recipient_name, address.street_address_1, address.city))
    };
    let is_contact = old.contact != new.contact;
    let rows = [
        ("storage account", Some(account(old)), Some(account(new))),
        ("container", text(&old.container), text(&new.container)),
        ("subscription", text(&old.subscription), text(&new.subscription)),
        ("resource group", text(&old.resource_group), text(&new.resource_group)),
        ("region", old.location.clone(), new.location.clone()),
        ("service", text(&old.service()), text(&new.service())),
        (CONTACT, contact(old), contact(new)),
    ];
    let is_other = |(what, before, now): &(&str, Option<String>, Option<String>)| match *what {
        CONTACT => is_contact,
        _ => before != now,
    };
    let changed = rows.into_iter().filter(is_other);
    changed.filter_map(|(what, before, now)| Some(Changed { what, before, now: now? })).collect()
}
