//! Which providers the subscription may use. Those that the emulator was told to hold back are to be
//! registered first, and become so at the second look.

use std::collections::BTreeMap;
use std::sync::Mutex;

use disk_prep::sys::hold::hold;
use hyper::Method;
use serde_json::json;

use super::call::{Context, Path};
use super::fault::Fault;
use crate::http::Answer;

/// Versions in which these calls are known.
const VERSIONS: [&str; 3] = ["2020-06-01", "2021-04-01", "2022-09-01"];
/// What is registered unless it is held back.
const KNOWN: [&str; 4] = [
    "Microsoft.DataBox",
    "Microsoft.ImportExport",
    "Microsoft.RecoveryServices",
    "Microsoft.Storage",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Not,
    Under,
    Done,
}

/// The providers and how they stand.
#[derive(Debug)]
pub(crate) struct Registry(Mutex<BTreeMap<&'static str, Stand>>);

impl Registry {
    /// All, but for those that are held back.
    pub fn new(held_back: &[String]) -> Self {
        let stand = |name: &str| match held_back.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            true => Stand::Not,
            false => Stand::Done,
        };
        Registry(Mutex::new(KNOWN.into_iter().map(|name| (name, stand(name))).collect()))
    }

    /// Refuses calls of a provider that is not registered.
    pub(super) fn check(&self, provider: &str) -> Result<(), Fault> {
        let all = hold(&self.0);
        let own = all.iter().find(|(name, _)| name.eq_ignore_ascii_case(provider));
        match own {
            Some((name, Stand::Not | Stand::Under)) => {
                let message = format!(
                    "The subscription is not registered to use namespace '{name}'. Register it first."
                );
                Err(Fault::new(409, "MissingSubscriptionRegistration", message))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a call is about a provider and not about something of it.
pub(super) fn is_asked(target: &Path) -> bool {
    let word = target.rest.first().map(String::as_str);
    let is_register = word.is_some_and(|word| word.eq_ignore_ascii_case("register"));
    target.subscription.is_some()
        && target.group.is_none()
        && (target.rest.is_empty() || is_register && target.rest.len() == 1)
}

/// Answers a call about a provider.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    super::router::check_version(context, &VERSIONS)?;
    let mut all = hold(&context.registry.0);
    let own = all.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&target.provider));
    let Some((name, stand)) = own else {
        let message = format!("The resource namespace '{}' is invalid.", target.provider);
        return Err(Fault::new(404, "InvalidResourceNamespace", message));
    };
    let told = match (target.rest.is_empty(), &context.call.method) {
        (true, &Method::GET) => {
            let told = *stand;
            if told == Stand::Under {
                *stand = Stand::Done;
            }
            told
        }
        (false, &Method::POST) => {
            if *stand == Stand::Not {
                *stand = Stand::Under;
            }
            *stand
        }
        _ => return Err(Fault::new(405, "MethodNotAllowed", "The provider does not take this.")),
    };
    let word = match told {
        Stand::Not => "NotRegistered",
        Stand::Under => "Registering",
        Stand::Done => "Registered",
    };
    let subscription = context.account.subscription.as_str();
    Ok(Answer::json(
        200,
        &json!({
            "id": format!("/subscriptions/{subscription}/providers/{name}"), "namespace": name,
            "registrationPolicy": "RegistrationRequired", "resourceTypes": [],
            "registrationState": word,
        }),
    ))
}
