//! The storage account as the resource manager shows it. It is in every resource group; and in every
//! region, unless the emulator was told of one.

use hyper::Method;
use secrecy::ExposeSecret;
use serde_json::json;

use super::call::{Context, Path};
use super::fault::Fault;
use crate::http::Answer;

/// Versions in which these calls are known.
const VERSIONS: [&str; 3] = ["2022-09-01", "2023-01-01", "2023-05-01"];

/// Answers a call about an account; `None` if it is about something else.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Option<Result<Answer, Fault>> {
    let (kind, name, is_keys) = match target.rest.as_slice() {
        [kind, name] => (kind, name, false),
        [kind, name, word] if word.eq_ignore_ascii_case("listKeys") => (kind, name, true),
        _ => return None,
    };
    let group = target.group.as_ref()?;
    if target.provider != "microsoft.storage" || !kind.eq_ignore_ascii_case("storageAccounts") {
        return None;
    }
    let method = if is_keys { Method::POST } else { Method::GET };
    if context.call.method != method {
        let message = "The resource does not take this method.";
        return Some(Err(Fault::new(405, "MethodNotAllowed", message)));
    }
    let account = context.account;
    let Some(own) = account.storage(&name.to_lowercase()) else {
        let what = format!("The storage account '{name}' in resource group '{group}'");
        return Some(Err(Fault::no_resource(&what)));
    };
    let checked = super::version::check_version(context, &VERSIONS);
    if is_keys {
        let key = json!({
            "keyName": "key1", "permissions": "FULL", "value": own.key_text().expose_secret(),
        });
        return Some(checked.map(|()| Answer::json(200, &json!({ "keys": [key] }))));
    }
    let subscription = account.subscription.as_str();
    let mut body = json!({
        "id": format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
        ),
        "name": name, "type": "Microsoft.Storage/storageAccounts", "kind": "StorageV2",
        "sku": { "name": "Standard_LRS", "tier": "Standard" },
        "properties": {
            "primaryEndpoints": { "blob": format!("{}/", context.addresses.of(own.name.as_str())) },
            "provisioningState": "Succeeded", "supportsHttpsTrafficOnly": true,
            "networkAcls": { "defaultAction": "Allow", "bypass": "AzureServices" },
        },
    });
    if let Some(region) = &account.location {
        body["location"] = region.as_str().into();
    }
    Some(checked.map(|()| Answer::json(200, &body)))
}
