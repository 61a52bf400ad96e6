//! Who is signed in, and what of Azure that sign-in reaches: subscriptions, and the providers that
//! they may use.

use disk_prep::noun::{Diagnose, ErrorKind, Hint, SubscriptionId};

use super::connections::{AzureOptions, arm};
use crate::azure::{Arm, Error, SignedIn};
use crate::outcome::{Attendant, Failure};

pub use crate::azure::{Provider, Subscription};

/// Providers that this program uses.
pub const PROVIDERS: [&str; 3] =
    ["Microsoft.DataBox", "Microsoft.ImportExport", "Microsoft.Storage"];
/// Those that a job needs of which nothing else is said.
const NEEDED: [&str; 2] = ["Microsoft.DataBox", "Microsoft.Storage"];

/// Who signed in.
#[derive(Debug)]
pub struct Access(pub SignedIn);

/// Signs in, and says who that is.
pub fn status(azure: &AzureOptions, attendant: &dyn Attendant) -> Result<Access, Failure> {
    Ok(Access(arm(azure, attendant)?.who()?))
}

/// The subscriptions that the sign-in reaches.
#[derive(Debug)]
pub struct Subscriptions(pub Vec<Subscription>);

/// Lists them.
pub fn subscriptions(
    azure: &AzureOptions,
    attendant: &dyn Attendant,
) -> Result<Subscriptions, Failure> {
    let mut all = arm(azure, attendant)?.subscriptions()?;
    all.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok(Subscriptions(all))
}

/// Providers as a subscription has them.
#[derive(Debug)]
pub struct Providers {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The providers.
    pub all: Vec<Provider>,
    /// Whether they were to be registered.
    pub is_asked_for: bool,
}

/// How long a registration is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// It is asked for.
    Ask,
    /// It is followed to its end.
    ToTheEnd,
}

/// How the providers that this program uses stand.
pub fn providers(
    azure: &AzureOptions,
    subscription: SubscriptionId,
    attendant: &dyn Attendant,
) -> Result<Providers, Failure> {
    let arm = arm(azure, attendant)?;
    let look = |name: &&str| look(&arm, &subscription, name);
    let all = PROVIDERS.iter().map(look).collect::<Result<Vec<_>, _>>()?;
    Ok(Providers { subscription, all, is_asked_for: false })
}

fn look(arm: &Arm, subscription: &SubscriptionId, name: &str) -> Result<Provider, Failure> {
    let found = arm.provider(subscription, name)?;
    Ok(found.ok_or_else(|| UnknownProvider { name: name.to_owned() })?)
}

/// Registers one provider, or all that a job needs; what is registered already is left alone.
pub fn register(
    azure: &AzureOptions,
    subscription: SubscriptionId,
    name: Option<&str>,
    follow: Follow,
    attendant: &dyn Attendant,
) -> Result<Providers, Failure> {
    let arm = arm(azure, attendant)?;
    let names = name.map_or(NEEDED.to_vec(), |name| vec![name]);
    let register = |name: &str| -> Result<Provider, Failure> {
        match arm.provider(&subscription, name) {
            Ok(None) => Err(UnknownProvider { name: name.to_owned() }.into()),
            Ok(Some(found)) if found.is_registered() => Ok(found),
            // Who may not look is told what registering takes.
            Ok(Some(_)) | Err(Error::NotAllowed { .. }) => Ok(arm.register(&subscription, name)?),
            Err(error) => Err(error.into()),
        }
    };
    let mut all = names.into_iter().map(register).collect::<Result<Vec<_>, _>>()?;
    if follow == Follow::ToTheEnd {
        let end = |provider| arm.follow_registration(&subscription, provider);
        all = all.into_iter().map(end).collect::<Result<Vec<_>, Error>>()?;
    }
    Ok(Providers { subscription, all, is_asked_for: true })
}

/// No provider has this name.
#[derive(Debug, thiserror::Error)]
#[error("Azure has no provider {name}")]
struct UnknownProvider {
    name: String,
}

impl Diagnose for UnknownProvider {
    fn code(&self) -> &'static str {
        "provider-unknown"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(format!("this program uses {}", PROVIDERS.join(", "))))
    }
}
