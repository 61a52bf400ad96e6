//! Storage accounts as the resource manager shows them. Each is in every resource group that is asked,
//! and in the list of all in the group `storage`; and in every region, unless the emulator was told of
//! one. How their blobs are kept is told too.

use hyper::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::containers;
use super::fault::Fault;
use super::version::check_any;
use crate::http::Answer;
use crate::recovery::{AccountFacts, World};

/// The group that accounts are listed in, unless it is asked for those of another.
const GROUP: &str = "storage";

/// An account as it was declared; `None` if there is none of that name.
pub(super) fn facts(context: Context<'_>, world: &World, name: &str) -> Option<AccountFacts> {
    context.account.storage(name)?;
    let declared = world.accounts.iter().find(|own| own.name == name).cloned();
    let mut own = declared.unwrap_or_else(|| AccountFacts::plain(name));
    own.region = own.region.or_else(|| context.account.location.clone());
    Some(own)
}

fn list(context: Context<'_>, group: &str) -> Answer {
    let world = context.world.read();
    let names = context.account.names();
    let all = names.filter_map(|name| Some(body(context, group, &facts(context, &world, name)?)));
    Answer::json(200, &json!({ "value": all.collect::<Vec<_>>() }))
}

/// Answers a call about accounts; `None` if it is about something else.
pub(super) fn answer(context: Context<'_>, target: &Path) -> Option<Result<Answer, Fault>> {
    let is = |own: &String, word: &str| own.eq_ignore_ascii_case(word);
    let (kind, name, part) = match target.rest.as_slice() {
        [kind] => (kind, "", Part::List),
        [kind, name] => (kind, name.as_str(), Part::Whole),
        [kind, name, word] if is(word, "listKeys") => (kind, name.as_str(), Part::Keys),
        [kind, name, word, own, rest @ ..] if is(word, "blobServices") && is(own, "default") => {
            match rest {
                [] => (kind, name.as_str(), Part::Blobs),
                [word] if is(word, "containers") => (kind, name.as_str(), Part::Containers(None)),
                [word, one] if is(word, "containers") => {
                    (kind, name.as_str(), Part::Containers(Some(one)))
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    if target.provider != "microsoft.storage" || !is(kind, "storageAccounts") {
        return None;
    }
    // All but the list of a subscription is in a group.
    let group = match (&target.group, part) {
        (Some(group), _) => group,
        (None, Part::List) => GROUP,
        (None, _) => return None,
    };
    Some(told(context, (group, &name.to_lowercase()), part))
}

fn told(
    context: Context<'_>,
    (group, name): (&str, &str),
    part: Part<'_>,
) -> Result<Answer, Fault> {
    let method = if part == Part::Keys { Method::POST } else { Method::GET };
    if context.call.method != method {
        let message = "The resource does not take this method.";
        return Err(Fault::new(405, "MethodNotAllowed", message));
    }
    check_any(context)?;
    if part == Part::List {
        return Ok(list(context, group));
    }
    let absent = || {
        let what = format!("The storage account '{name}' in resource group '{group}'");
        Fault::no_resource(&what)
    };
    let own = context.account.storage(name).ok_or_else(absent)?;
    let facts = facts(context, &context.world.read(), name).ok_or_else(absent)?;
    let body = match part {
        Part::Containers(one) => {
            return containers::answer(context, (name, &id_of(context, group, name)), one);
        }
        Part::Keys => {
            let value = own.key_text();
            let key = json!({
                "keyName": "key1", "permissions": "FULL", "value": value.expose_secret(),
            });
            json!({ "keys": [key] })
        }
        Part::Blobs => blob_service(context, group, &facts),
        Part::List | Part::Whole => body(context, group, &facts),
    };
    Ok(Answer::json(200, &body))
}

/// What of an account is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    List,
    Whole,
    Keys,
    Blobs,
    /// All of them, or one.
    Containers(Option<&'a str>),
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
