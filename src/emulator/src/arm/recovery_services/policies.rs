//! Policies of a vault.

use hyper::Method;
use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::names::At;
use super::operations;
use super::vaults::json_of;
use crate::http::Answer;
use crate::recovery::{Came, Plan, Policy, Vault};

pub(super) fn list(context: Context<'_>, at: At<'_>) -> Result<Answer, Fault> {
    let world = context.world.read();
    let vault = at.find(&world)?;
    let value: Vec<Value> =
        vault.policies.iter().map(|own| body(context, at, vault, own)).collect();
    Ok(Answer::json(200, &json!({ "value": value })))
}

fn absent(name: &str) -> Fault {
    Fault::new(404, "BMSUserErrorPolicyNotFound", format!("The policy {name} was not found."))
}

pub(super) fn one(context: Context<'_>, at: At<'_>, name: &str) -> Result<Answer, Fault> {
    match context.call.method {
        Method::GET => show(context, at, name),
        Method::PUT => put(context, at, name),
        Method::DELETE => delete(context, at, name),
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}

/// One look at what came of a change.
pub(super) fn result(
    context: Context<'_>,
    at: At<'_>,
    name: &str,
    id: &str,
) -> Result<Answer, Fault> {
    operations::result(context, id, |_| {
        show(context, at, name).unwrap_or_else(|_| Answer::empty(204))
    })
}

fn show(context: Context<'_>, at: At<'_>, name: &str) -> Result<Answer, Fault> {
    let world = context.world.read();
    let vault = at.find(&world)?;
    let own = vault.policy(name).ok_or_else(|| absent(name))?;
    Ok(Answer::json(200, &body(context, at, vault, own)))
}

/// Names are 3 to 150 letters, digits and hyphens, a letter first.
fn is_name(name: &str) -> bool {
    (3..=150).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn put(context: Context<'_>, at: At<'_>, name: &str) -> Result<Answer, Fault> {
    let asked = json_of(context)?;
    let properties = asked["properties"].clone();
    let invalid = |why: String| {
        let message = format!("Input for create or update policy is not in proper format: {why}.");
        Fault::new(400, "BMSUserErrorInvalidPolicyInput", message)
    };
    if !is_name(name) {
        return Err(invalid(format!("{name} is no name of a policy")));
    }
    let plan = Plan::of(&properties).map_err(invalid)?;
    let (id, policy) = context.world.change(|world| {
        let vault = at.find_mut(world)?;
        vault.policies.retain(|own| !own.name.eq_ignore_ascii_case(name));
        let policy = Policy { name: name.to_owned(), properties };
        vault.policies.push(policy.clone());
        vault.policies.sort_by_key(|own| own.name.to_lowercase());
        let is_of =
            |own: &Option<String>| own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
        let mut used = Vec::new();
        for item in vault.items.iter_mut().filter(|own| is_of(&own.policy)) {
            item.due = plan.next(context.now);
            used.push((item.group.clone(), item.vm.clone()));
        }
        let mut last = None;
        for (group, vm) in &used {
            last = Some(vault.note("ConfigureBackup", (group, vm), context.now));
        }
        let id = last.map(|job| world.begin(Came::Job(Some(job)), 1, context.now));
        Ok::<_, Fault>((id, policy))
    })?;
    match id {
        Some(id) => {
            let place = format!("{}/backupPolicies/{name}", at.id(context));
            Ok(operations::accepted(context, &place, ("operations", "operationResults"), &id))
        }
        None => {
            let world = context.world.read();
            Ok(Answer::json(200, &body(context, at, at.find(&world)?, &policy)))
        }
    }
}

fn delete(context: Context<'_>, at: At<'_>, name: &str) -> Result<Answer, Fault> {
    context.world.change(|world| {
        let vault = at.find_mut(world)?;
        if vault.policy(name).is_none() {
            return Ok(Answer::empty(204));
        }
        if users(vault, name) > 0 {
            let message = format!("The policy {name} is in use and cannot be deleted.");
            return Err(Fault::new(400, "BMSUserErrorPolicyInUse", message));
        }
        vault.policies.retain(|own| !own.name.eq_ignore_ascii_case(name));
        Ok(Answer::empty(200))
    })
}

fn users(vault: &Vault, name: &str) -> usize {
    let is_of =
        |own: &Option<String>| own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    vault.items.iter().filter(|own| is_of(&own.policy)).count()
}

fn body(context: Context<'_>, at: At<'_>, vault: &Vault, policy: &Policy) -> Value {
    let mut properties = policy.properties.clone();
    properties["protectedItemsCount"] = users(vault, &policy.name).into();
    json!({
        "id": format!("{}/backupPolicies/{}", at.id(context), policy.name), "name": policy.name,
        "type": "Microsoft.RecoveryServices/vaults/backupPolicies", "properties": properties,
    })
}
