//! Calls about the providers of the subscription.

use hyper::Method;
use serde_json::json;

use super::call::{Context, Path};
use super::fault::Fault;
use super::registry::Stand;
use super::version::check_version;
use crate::http::Answer;

/// Versions in which these calls are known.
const VERSIONS: [&str; 3] = ["2020-06-01", "2021-04-01", "2022-09-01"];

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
    check_version(context, &VERSIONS)?;
    let (is_read, method) = (target.rest.is_empty(), &context.call.method);
    let step = |stand: &mut Stand| match (is_read, method) {
        (true, &Method::GET) => {
            let told = *stand;
            if told == Stand::Under {
                *stand = Stand::Done;
            }
            Some(told)
        }
        (false, &Method::POST) => {
            if *stand == Stand::Not {
                *stand = Stand::Under;
            }
            Some(*stand)
        }
        _ => None,
    };
    let Some((name, told)) = context.registry.change(&target.provider, step) else {
        let message = format!("The resource namespace '{}' is invalid.", target.provider);
        return Err(Fault::new(404, "InvalidResourceNamespace", message));
    };
    let refused = || Fault::new(405, "MethodNotAllowed", "The provider does not take this.");
    let told = told.ok_or_else(refused)?;
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
