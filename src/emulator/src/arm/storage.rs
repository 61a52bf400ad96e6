//! Storage accounts as the resource manager shows them. Each is in every resource group that is asked,
//! and listed in the group `storage`; and in every region, unless the emulator was told of one.

use hyper::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::fault::Fault;
use crate::http::Answer;
use crate::recovery::{AccountFacts, World};

/// Versions in which these calls are known.
const VERSIONS: [&str; 3] = ["2022-09-01", "2023-01-01", "2023-05-01"];

/// The group that accounts are listed in.
const GROUP: &str = "storage";

/// An account as it was declared; `None` if there is none of that name.
pub(super) fn facts(context: Context<'_>, world: &World, name: &str) -> Option<AccountFacts> {
    context.account.storage(name)?;
    let declared = world.accounts.iter().find(|own| own.name == name).cloned();
    let mut own = declared.unwrap_or_else(|| AccountFacts::plain(name));
    own.region = own.region.or_else(|| context.account.location.clone());
    Some(own)
}

fn list(context: Context<'_>) -> Result<Answer, Fault> {
    super::version::check_version(context, &VERSIONS)?;
    let world = context.world.read();
    let names = context.account.names();
    let all = names.filter_map(|name| Some(body(context, GROUP, &facts(context, &world, name)?)));
    Ok(Answer::json(200, &json!({ "value": all.collect::<Vec<_>>() })))
}

/// Answers a call about an account; `None` if it is about something else.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Option<Result<Answer, Fault>> {
    if let ("microsoft.storage", [kind], None) =
        (target.provider.as_str(), target.rest.as_slice(), &target.group)
        && kind.eq_ignore_ascii_case("storageAccounts")
        && context.call.method == Method::GET
    {
        return Some(list(context));
    }
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
    let facts = facts(context, &context.world.read(), own.name.as_str())?;
    Some(checked.map(|()| Answer::json(200, &body(context, group, &facts))))
}

fn body(context: Context<'_>, group: &str, own: &AccountFacts) -> Value {
    let subscription = context.account.subscription.as_str();
    let AccountFacts { name, region, sku, kind } = own;
    let tier = sku.split('_').next().unwrap_or_default();
    let mut body = json!({
        "id": format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
        ),
        "name": name, "type": "Microsoft.Storage/storageAccounts", "kind": kind,
        "sku": { "name": sku, "tier": tier },
        "properties": {
            "primaryEndpoints": { "blob": format!("{}/", context.addresses.of(name)) },
            "provisioningState": "Succeeded", "supportsHttpsTrafficOnly": true,
            "networkAcls": { "defaultAction": "Allow", "bypass": "AzureServices" },
        },
    });
    if let Some(region) = region {
        body["location"] = region.as_str().into();
    }
    body
}
