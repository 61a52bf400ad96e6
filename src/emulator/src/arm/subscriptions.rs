//! What the resource manager itself knows: the subscription, its regions, and its resource groups, of
//! which every name is one.

use hyper::Method;
use serde_json::{Value, json};

use super::call::Context;
use super::fault::Fault;
use super::locations;
use crate::http::Answer;

/// Versions in which these calls are known.
const VERSIONS: [&str; 4] = ["2020-01-01", "2021-04-01", "2022-09-01", "2022-12-01"];

/// Answers a call about the subscription; `None` if it is about something in it.
pub(super) fn answer(context: Context<'_>, parts: &[String]) -> Option<Result<Answer, Fault>> {
    let words: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let body: fn(Context<'_>, &[String]) -> Value = match words.as_slice() {
        ["subscriptions"] => |context, _| json!({ "value": [subscription(context)] }),
        ["subscriptions", _] => |context, _| subscription(context),
        ["subscriptions", _, "locations"] => |context, _| regions(context),
        ["subscriptions", _, "resourcegroups", _] => group,
        _ => return None,
    };
    let is_own = |other: &&str| other.eq_ignore_ascii_case(context.account.subscription.as_str());
    Some(match (words.get(1), &context.call.method) {
        (Some(other), _) if !is_own(other) => {
            let message = format!("The subscription '{other}' could not be found.");
            Err(Fault::new(404, "SubscriptionNotFound", message))
        }
        (_, &Method::GET) => super::version::check_version(context, &VERSIONS)
            .and_then(|()| there(context, parts))
            .map(|()| Answer::json(200, &body(context, parts))),
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    })
}

/// Refuses calls about a group that is not there.
fn there(context: Context<'_>, parts: &[String]) -> Result<(), Fault> {
    let gone = context.world.read().gone_groups;
    match parts.get(3) {
        Some(name) if gone.iter().any(|own| own.eq_ignore_ascii_case(name)) => {
            let message = format!("Resource group '{name}' could not be found.");
            Err(Fault::new(404, "ResourceGroupNotFound", message))
        }
        _ => Ok(()),
    }
}

fn subscription(context: Context<'_>) -> Value {
    let id = context.account.subscription.as_str();
    json!({
        "id": format!("/subscriptions/{id}"), "subscriptionId": id,
        "tenantId": context.account.tenant(), "displayName": "Emulated", "state": "Enabled",
        "authorizationSource": "RoleBased",
    })
}

fn regions(context: Context<'_>) -> Value {
    let id = context.account.subscription.as_str();
    let region = |own: &locations::Location| {
        json!({
            "id": format!("/subscriptions/{id}/locations/{}", own.id),
            "name": own.id, "displayName": own.name, "type": "Region",
        })
    };
    json!({ "value": locations::all().map(region).collect::<Vec<_>>() })
}

fn group(context: Context<'_>, parts: &[String]) -> Value {
    let (id, name) = (context.account.subscription.as_str(), &parts[3]);
    json!({
        "id": format!("/subscriptions/{id}/resourceGroups/{name}"), "name": name,
        "type": "Microsoft.Resources/resourceGroups", "location": "westus",
        "properties": { "provisioningState": "Succeeded" },
    })
}
