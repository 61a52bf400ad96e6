//! Storage accounts as the resource manager shows them. Each is in every resource group that is asked,
//! and listed in the group `storage`; and in every region, unless the emulator was told of one. How
//! their blobs are kept is told too.

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
    let is = |own: &String, word: &str| own.eq_ignore_ascii_case(word);
    let (kind, name, part) = match target.rest.as_slice() {
        [kind, name] => (kind, name, Part::Whole),
        [kind, name, word] if is(word, "listKeys") => (kind, name, Part::Keys),
        [kind, name, word, own] if is(word, "blobServices") && is(own, "default") => {
            (kind, name, Part::Blobs)
        }
        _ => return None,
    };
    let group = target.group.as_ref()?;
    if target.provider != "microsoft.storage" || !kind.eq_ignore_ascii_case("storageAccounts") {
        return None;
    }
    let method = if part == Part::Keys { Method::POST } else { Method::GET };
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
    if part == Part::Keys {
        let key = json!({
            "keyName": "key1", "permissions": "FULL", "value": own.key_text().expose_secret(),
        });
        return Some(checked.map(|()| Answer::json(200, &json!({ "keys": [key] }))));
    }
    let facts = facts(context, &context.world.read(), own.name.as_str())?;
    let body = match part {
        Part::Blobs => blob_service(context, group, &facts),
        _ => body(context, group, &facts),
    };
    Some(checked.map(|()| Answer::json(200, &body)))
}

/// What of an account is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Keys,
    Blobs,
}

fn id_of(context: Context<'_>, group: &str, name: &str) -> String {
    let subscription = context.account.subscription.as_str();
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
    )
}

fn blob_service(context: Context<'_>, group: &str, own: &AccountFacts) -> Value {
    let kept = |days: Option<u32>| match days {
        Some(days) => json!({ "enabled": true, "days": days }),
        None => json!({ "enabled": false }),
    };
    let rules = &own.rules;
    json!({
        "id": format!("{}/blobServices/default", id_of(context, group, &own.name)),
        "name": "default", "type": "Microsoft.Storage/storageAccounts/blobServices",
        "properties": {
            "deleteRetentionPolicy": kept(rules.blob_days),
            "containerDeleteRetentionPolicy": kept(rules.container_days),
            "isVersioningEnabled": rules.keeps_versions,
        },
    })
}

fn body(context: Context<'_>, group: &str, own: &AccountFacts) -> Value {
    let AccountFacts { name, region, sku, kind, rules } = own;
    let addresses: Vec<Value> =
        rules.addresses.iter().map(|own| json!({ "value": own, "action": "Allow" })).collect();
    let tier = sku.split('_').next().unwrap_or_default();
    let mut body = json!({
        "id": id_of(context, group, name), "name": name, "type": "Microsoft.Storage/storageAccounts", "kind": kind,
        "sku": { "name": sku, "tier": tier },
        "properties": {
            "primaryEndpoints": { "blob": format!("{}/", context.addresses.of(name)) },
            "provisioningState": "Succeeded", "supportsHttpsTrafficOnly": true,
            "allowSharedKeyAccess": rules.takes_keys, "minimumTlsVersion": rules.least_tls,
            "publicNetworkAccess": if rules.is_public { "Enabled" } else { "Disabled" },
            "isHnsEnabled": rules.has_folders, "isNfsV3Enabled": rules.is_of_nfs,
            "networkAcls": {
                "defaultAction": if rules.denies { "Deny" } else { "Allow" },
                "bypass": if rules.trusts_services { "AzureServices" } else { "None" },
                "ipRules": addresses, "virtualNetworkRules": [],
            },
        },
    });
    if let Some(region) = region {
        body["location"] = region.as_str().into();
    }
    body
}
