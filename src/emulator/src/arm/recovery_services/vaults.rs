//! Vaults, and how they store what they hold.

use hyper::Method;
use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::super::locations;
use super::names::At;
use super::operations;
use crate::http::Answer;
use crate::recovery::{Came, DEFAULT_POLICY, Policy, Vault, default_properties};

const REDUNDANCIES: [&str; 4] =
    ["GeoRedundant", "LocallyRedundant", "ZoneRedundant", "ReadAccessGeoZoneRedundant"];

pub(super) fn json_of(context: Context<'_>) -> Result<Value, Fault> {
    serde_json::from_slice(&context.call.body)
        .map_err(|error| Fault::new(400, "InvalidRequestContent", error.to_string()))
}

/// Lists those of a group, or all.
pub(super) fn list(context: Context<'_>, group: Option<&str>) -> Answer {
    let world = context.world.read();
    let is_own = |own: &&Vault| group.is_none_or(|group| own.group.eq_ignore_ascii_case(group));
    let value: Vec<Value> =
        world.vaults.iter().filter(is_own).map(|own| body(context, own)).collect();
    Answer::json(200, &json!({ "value": value }))
}

/// Calls about one vault.
pub(super) fn one(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    match context.call.method {
        Method::GET => Ok(Answer::json(200, &body(context, at.find(&context.world.read())?))),
        Method::PUT => put(context, at),
        Method::PATCH => patch(context, at),
        Method::DELETE => delete(context, at),
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}

/// Names are 2 to 50 letters, digits and hyphens, a letter first, no hyphen last.
fn is_name(name: &str) -> bool {
    (2..=50).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with('-')
}

fn put(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let asked = json_of(context)?;
    if !is_name(at.vault) {
        let message = format!("{} is no name of a vault.", at.vault);
        return Err(Fault::new(400, "InvalidResourceName", message));
    }
    let location = asked["location"].as_str().unwrap_or_default();
    let location = location.to_lowercase().replace(' ', "");
    if !locations::all().any(|own| own.id == location) {
        let message = format!("The provided location '{location}' is not available.");
        return Err(Fault::new(400, "LocationNotAvailableForResourceType", message));
    }
    if !["RS0", "Standard"].contains(&asked["sku"]["name"].as_str().unwrap_or_default()) {
        return Err(Fault::new(400, "InvalidRequestContent", "sku.name is missing or not known."));
    }
    let settings = &asked["properties"]["redundancySettings"];
    let redundancy = settings["standardTierStorageRedundancy"].as_str();
    if let Some(other) = redundancy.filter(|own| !REDUNDANCIES.contains(own)) {
        let message = format!("{other} is no redundancy.");
        return Err(Fault::new(400, "InvalidRequestContent", message));
    }
    let (is_new, vault) = context.world.change(|world| {
        let is_new = world.vault(at.group, at.vault).is_none();
        if is_new {
            world.vaults.push(Vault {
                group: at.group.to_owned(),
                name: at.vault.to_owned(),
                location: location.clone(),
                tags: json!({}),
                redundancy: REDUNDANCIES[0].to_owned(),
                cross_region: false,
                found: Vec::new(),
                policies: vec![Policy {
                    name: DEFAULT_POLICY.to_owned(),
                    properties: default_properties(),
                }],
                items: Vec::new(),
                jobs: Vec::new(),
            });
        }
        let own = at.find_mut(world)?;
        if own.location != location {
            let message = format!("The vault is in {} and cannot be moved.", own.location);
            return Err(Fault::new(409, "InvalidResourceLocation", message));
        }
        if let Some(redundancy) = redundancy {
            change(own, redundancy)?;
        }
        if asked["tags"].is_object() {
            own.tags = asked["tags"].clone();
        }
        Ok((is_new, own.clone()))
    })?;
    Ok(Answer::json(if is_new { 201 } else { 200 }, &body(context, &vault)))
}

fn patch(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let asked = json_of(context)?;
    let vault = context.world.change(|world| {
        let own = at.find_mut(world)?;
        if asked["tags"].is_object() {
            own.tags = asked["tags"].clone();
        }
        Ok::<_, Fault>(own.clone())
    })?;
    Ok(Answer::json(200, &body(context, &vault)))
}

fn delete(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let id = context.world.change(|world| {
        let Some(own) = world.vault(at.group, at.vault) else { return Ok(None) };
        if !own.items.is_empty() {
            let message = "Vault cannot be deleted as there are existing resources within the vault, \
                           soft-deleted ones among them.";
            return Err(Fault::new(400, "ServiceResourceNotEmptyWithBackendMessage", message));
        }
        world.vaults.retain(|own| {
            !(own.group.eq_ignore_ascii_case(at.group) && own.name.eq_ignore_ascii_case(at.vault))
        });
        Ok(Some(world.begin(Came::Job(None), 1, context.now)))
    })?;
    let Some(id) = id else { return Ok(Answer::empty(204)) };
    let subscription = context.account.subscription.as_str();
    let place =
        format!("/subscriptions/{subscription}/providers/Microsoft.RecoveryServices/locations/all");
    Ok(operations::accepted(context, &place, ("operationStatus", "operationResults"), &id))
}

fn change(vault: &mut Vault, redundancy: &str) -> Result<(), Fault> {
    if vault.redundancy == redundancy {
        return Ok(());
    }
    if vault.is_locked() {
        let message = "The storage redundancy cannot be changed once an item is protected.";
        return Err(Fault::new(400, "BMSUserErrorStorageConfigLocked", message));
    }
    redundancy.clone_into(&mut vault.redundancy);
    Ok(())
}

/// Calls about the redundancy on its own.
pub(super) fn storage(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    if context.call.method == Method::GET {
        return Ok(Answer::json(200, &storage_body(context, at, at.find(&context.world.read())?)));
    }
    let asked = json_of(context)?;
    let own = &asked["properties"];
    let word = own["storageModelType"].as_str().or(own["storageType"].as_str());
    let word = word.filter(|own| REDUNDANCIES.contains(own)).ok_or_else(|| {
        Fault::new(400, "BMSUserErrorInvalidInput", "storageModelType is missing or not known.")
    })?;
    let vault = context.world.change(|world| {
        let vault = at.find_mut(world)?;
        change(vault, word)?;
        Ok::<_, Fault>(vault.clone())
    })?;
    match context.call.method {
        Method::PUT => Ok(Answer::json(200, &storage_body(context, at, &vault))),
        Method::PATCH => Ok(Answer::empty(204)),
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}

fn storage_body(context: Context<'_>, at: At<'_>, vault: &Vault) -> Value {
    json!({
        "id": format!("{}/backupstorageconfig/vaultstorageconfig", at.id(context)),
        "name": "vaultstorageconfig",
        "type": "Microsoft.RecoveryServices/vaults/backupstorageconfig",
        "properties": {
            "storageModelType": vault.redundancy, "storageType": vault.redundancy,
            "storageTypeState": if vault.is_locked() { "Locked" } else { "Unlocked" },
            "crossRegionRestoreFlag": vault.cross_region,
            "dedupState": "Disabled", "xcoolState": "Disabled",
        },
    })
}

/// Whether what is deleted can be had back, which here it can for 14 days.
pub(super) fn configuration(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    at.find(&context.world.read())?;
    Ok(Answer::json(
        200,
        &json!({
            "id": format!("{}/backupconfig/vaultconfig", at.id(context)), "name": "vaultconfig",
            "type": "Microsoft.RecoveryServices/vaults/backupconfig",
            "properties": {
                "softDeleteFeatureState": "Enabled", "enhancedSecurityState": "Enabled",
                "softDeleteRetentionPeriodInDays": 14,
            },
        }),
    ))
}

/// Whether a name is free in the subscription.
pub(super) fn check_name(context: Context<'_>) -> Result<Answer, Fault> {
    let asked = json_of(context)?;
    let name = asked["name"].as_str().unwrap_or_default();
    let world = context.world.read();
    let is_taken = world.vaults.iter().any(|own| own.name.eq_ignore_ascii_case(name));
    Ok(Answer::json(
        200,
        &match is_taken {
            true => json!({
                "nameAvailable": false, "reason": "AlreadyExists",
                "message": format!("A vault named {name} exists in the subscription."),
            }),
            false => json!({ "nameAvailable": true }),
        },
    ))
}

fn body(context: Context<'_>, vault: &Vault) -> Value {
    let at = At { group: &vault.group, vault: &vault.name };
    json!({
        "id": at.id(context), "name": vault.name, "type": "Microsoft.RecoveryServices/vaults",
        "location": vault.location, "tags": vault.tags,
        "sku": { "name": "RS0", "tier": "Standard" },
        "properties": {
            "provisioningState": "Succeeded", "publicNetworkAccess": "Enabled",
            "redundancySettings": {
                "standardTierStorageRedundancy": vault.redundancy,
                "crossRegionRestore": if vault.cross_region { "Enabled" } else { "Disabled" },
            },
        },
    })
}
