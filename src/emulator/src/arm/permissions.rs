//! What whoever signs in may do at a scope: a subscription, a group or a resource; everywhere the
//! same.

use hyper::Method;
use serde_json::json;

use super::call::{Context, Path};
use super::fault::Fault;
use super::version::check_any;
use crate::http::Answer;
use crate::recovery::RightsOrder;

/// Whether a call asks for it.
pub(super) fn is_asked(target: &Path) -> bool {
    let words: Vec<String> = target.rest.iter().map(|part| part.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["permissions"] => target.provider == "microsoft.authorization",
        [.., "providers", "microsoft.authorization", "permissions"] => true,
        _ => false,
    }
}

/// Answers such a call.
pub(super) fn answer(context: Context<'_>) -> Result<Answer, Fault> {
    check_any(context)?;
    if context.call.method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."));
    }
    let own = context.world.read().rights.unwrap_or_else(RightsOrder::whole);
    if own.is_hidden {
        let message = "The client does not have authorization to perform action \
                       'Microsoft.Authorization/permissions/read'.";
        return Err(Fault::new(403, "AuthorizationFailed", message));
    }
    let RightsOrder { actions, not_actions, data_actions, not_data_actions, .. } = own;
    Ok(Answer::json(
        200,
        &json!({
            "value": [{
                "actions": actions, "notActions": not_actions,
                "dataActions": data_actions, "notDataActions": not_data_actions,
            }],
            "nextLink": null,
        }),
    ))
}
