//! What whoever signs in may do at a scope: a subscription, a group or a resource; everywhere the
//! same. What was not declared is refused in the words of the service
//! ("Troubleshoot Azure RBAC").

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::Method;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::fault::Fault;
use super::registry::full_name;
use super::version::check_any;
use crate::http::Answer;
use crate::rights::RightsOrder;

/// Whether a call asks for it.
pub(super) fn is_asked(target: &Path) -> bool {
    let words: Vec<String> = target.rest.iter().map(|part| part.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["permissions" | "roleassignments"] | ["roledefinitions", _] => {
            target.provider == "microsoft.authorization"
        }
        [.., "providers", "microsoft.authorization", "permissions" | "roleassignments"] => true,
        _ => false,
    }
}

/// The one role that there is: what was declared, or everything.
const OWNER: (&str, &str) = ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner");
const DECLARED: (&str, &str) = ("11111111-aaaa-4bbb-8ccc-000000000001", "Declared");

/// Refuses a call whose action is not among what was declared.
pub(super) fn check(context: Context<'_>, target: &Path) -> Result<(), Fault> {
    let Some(own) = context.world.rights() else { return Ok(()) };
    match action(&context.call.method, target) {
        Some(action) if !own.lets(&action) => Err(refused(context, &action)),
        _ => Ok(()),
    }
}

/// Where it is looked how far a call has come: whoever could make the call may look.
const LOOKS: [&str; 7] = [
    "backupoperationresults",
    "backupoperations",
    "operationresults",
    "operations",
    "operationsstatus",
    "operationstatus",
    "operationstatuses",
];

/// The action that a call is: the kinds of what it is about, and what is done with it.
fn action(method: &Method, target: &Path) -> Option<String> {
    let words: Vec<&str> = target.rest.iter().map(String::as_str).collect();
    let inner = words.windows(2).rposition(|two| two[0].eq_ignore_ascii_case("providers"));
    let (provider, words) = match inner {
        Some(at) => (words[at + 1].to_lowercase(), &words[at + 2..]),
        None => (target.provider.clone(), &words[..]),
    };
    let kinds: Vec<&str> = words.iter().step_by(2).copied().collect();
    if LOOKS.contains(&kinds.last()?.to_lowercase().as_str()) {
        return None;
    }
    let verb = match *method {
        Method::GET | Method::HEAD => "read",
        Method::PUT | Method::PATCH => "write",
        Method::DELETE => "delete",
        _ => "action",
    };
    Some(format!("{}/{}/{verb}", full_name(&provider), kinds.join("/")))
}

fn refused(context: Context<'_>, action: &str) -> Fault {
    let call = context.call;
    let who = who(call.header("authorization").unwrap_or_default());
    let message = format!(
        "The client '{who}' with object id '{who}' does not have authorization to perform action \
         '{action}' over scope '{}' or the scope is invalid. If access was recently granted, please \
         refresh your credentials.",
        call.path.trim_end_matches('/')
    );
    Fault::new(403, "AuthorizationFailed", message)
}

/// The object id in a token.
fn who(header: &str) -> String {
    let payload = header.split('.').nth(1).and_then(|own| BASE64_URL_SAFE_NO_PAD.decode(own).ok());
    let token = payload.and_then(|own| serde_json::from_slice::<Value>(&own).ok());
    let own = token.and_then(|own| own["oid"].as_str().map(str::to_owned));
    own.unwrap_or_default()
}

/// Answers such a call.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    check_any(context)?;
    if context.call.method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."));
    }
    let own = context.world.rights().unwrap_or_else(RightsOrder::whole);
    let kinds = target.rest.iter().rev().map(|own| own.to_lowercase());
    let kinds: Vec<String> = kinds.take(2).collect();
    let is = |at: usize, word: &str| kinds.get(at).is_some_and(|own| own == word);
    if own.is_hidden {
        let kind = if is(0, "permissions") { "permissions" } else { "roleAssignments" };
        return Err(refused(context, &format!("Microsoft.Authorization/{kind}/read")));
    }
    let (role, name) = if own == RightsOrder::whole() { OWNER } else { DECLARED };
    let subscription = format!("/subscriptions/{}", context.account.subscription.as_str());
    let role_id =
        format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}");
    if is(0, "roleassignments") {
        let id = format!("{subscription}/providers/Microsoft.Authorization/roleAssignments/{role}");
        let who = who(context.call.header("authorization").unwrap_or_default());
        let properties = json!({
            "roleDefinitionId": role_id, "principalId": who, "principalType": "ServicePrincipal",
            "scope": subscription,
        });
        let one = json!({
            "id": id, "name": role, "type": "Microsoft.Authorization/roleAssignments",
            "properties": properties,
        });
        return Ok(Answer::json(200, &json!({ "value": [one], "nextLink": null })));
    }
    if is(1, "roledefinitions") {
        if !is(0, role) {
            return Err(Fault::new(404, "RoleDefinitionDoesNotExist", "There is no such role."));
        }
        return Ok(Answer::json(
            200,
            &json!({
                "id": role_id, "name": role, "type": "Microsoft.Authorization/roleDefinitions",
                "properties": {
                    "roleName": name, "type": if name == OWNER.1 { "BuiltInRole" } else { "CustomRole" },
                    "assignableScopes": [subscription],
                },
            }),
        ));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_the_action_that_roles_name() {
        let of = |method: Method, path: &str| {
            let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
            action(&method, &Path::of(&parts).unwrap()).unwrap_or_default()
        };
        let at = |rest: &str| format!("subscriptions/s/resourceGroups/g/providers/{rest}");
        let vault = |rest: &str| at(&format!("microsoft.recoveryservices/vaults/v{rest}"));
        let item = "/backupFabrics/Azure/protectionContainers/c/protectedItems/i";
        for (method, path, expected) in [
            (Method::GET, vault(""), "Microsoft.RecoveryServices/vaults/read"),
            (Method::PUT, vault(""), "Microsoft.RecoveryServices/vaults/write"),
            (Method::DELETE, at("Microsoft.DataBox/jobs/j"), "Microsoft.DataBox/jobs/delete"),
            (
                Method::POST,
                vault(&format!("{item}/backup")),
                "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/\
                 protectedItems/backup/action",
            ),
            (
                Method::GET,
                at("Microsoft.Compute/virtualMachines"),
                "Microsoft.Compute/virtualMachines/read",
            ),
            (
                Method::GET,
                at("Microsoft.Storage/storageAccounts/a/providers/Microsoft.Authorization/locks"),
                "microsoft.authorization/locks/read",
            ),
            (Method::GET, vault(&format!("{item}/operationResults/1")), ""),
            (Method::GET, at("Microsoft.DataBox/locations/l/operationResults/1"), ""),
        ] {
            assert_eq!(of(method, &path), expected, "{path}");
        }
    }
}
