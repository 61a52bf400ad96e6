//! Which call of the provider goes to which answer.

use hyper::Method;

use super::super::call::{Context, Path};
use super::super::fault::Fault;
use super::super::version::check_any;
use super::items::{self, Asked};
use super::names::{At, machine};
use super::{discovery, jobs, operations, points, policies, restore, vaults};
use crate::http::Answer;

/// Answers a call of this provider.
pub(in crate::arm) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    check_any(context)?;
    let words: Vec<String> = target.rest.iter().map(|part| part.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let method = &context.call.method;
    match (words.as_slice(), &target.group) {
        (["vaults"], group) => {
            only(method, &Method::GET).map(|()| vaults::list(context, group.as_deref()))
        }
        (["locations", _, "checknameavailability"], Some(_)) => {
            only(method, &Method::POST).and_then(|()| vaults::check_name(context))
        }
        (["locations", _, "backupstatus"], None) => {
            only(method, &Method::POST).and_then(|()| discovery::status(context))
        }
        (["locations", _, "operationstatus", id], None) => operations::status(context, id),
        (["locations", _, "operationresults", id], None) => {
            operations::result(context, id, |_| Answer::empty(204))
        }
        (["vaults", _, rest @ ..], Some(group)) => {
            let at = At { group, vault: &target.rest[1] };
            of_vault(context, at, rest, &target.rest[2..])
        }
        _ => Err(Fault::no_resource("The resource")),
    }
}

fn only(method: &Method, own: &Method) -> Result<(), Fault> {
    if method == own {
        return Ok(());
    }
    Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."))
}

/// Below a vault: `words` in small letters, `rest` as it was sent.
fn of_vault(
    context: Context<'_>,
    at: At<'_>,
    words: &[&str],
    rest: &[String],
) -> Result<Answer, Fault> {
    let method = &context.call.method;
    let get = || only(method, &Method::GET);
    let post = || only(method, &Method::POST);
    match words {
        [] => vaults::one(context, at),
        ["backupstorageconfig", "vaultstorageconfig"] => vaults::storage(context, at),
        ["backupconfig", "vaultconfig"] => get().and_then(|()| vaults::configuration(context, at)),
        ["backuppolicies"] => get().and_then(|()| policies::list(context, at)),
        ["backuppolicies", _] => policies::one(context, at, &rest[1]),
        ["backuppolicies", _, "operations", id] => operations::status(context, id),
        ["backuppolicies", _, "operationresults", id] => {
            policies::result(context, at, &rest[1], id)
        }
        ["backupfabrics", "azure", "refreshcontainers"] => {
            post().and_then(|()| discovery::refresh(context, at))
        }
        ["backupfabrics", "azure", "operationresults", id] => {
            operations::result(context, id, |_| Answer::empty(204))
        }
        ["backupprotectableitems"] => get().and_then(|()| discovery::protectable(context, at)),
        ["backupprotectioncontainers"] => get().and_then(|()| discovery::containers(context, at)),
        ["backupprotecteditems"] => get().and_then(|()| items::list(context, at)),
        ["backupoperations", id] => operations::status(context, id),
        ["backupoperationresults", id] => operations::result(context, id, |_| Answer::empty(204)),
        ["backuptriggervalidateoperation"] => post().and_then(|()| restore::validate(context, at)),
        ["backupvalidateoperationsstatuses", id] => operations::status(context, id),
        ["backupvalidateoperationresults", id] => {
            operations::result(context, id, |_| Answer::empty(204))
        }
        ["backupjobs"] => get().and_then(|()| jobs::list(context, at)),
        ["backupjobs", _] => jobs::one(context, at, &rest[1]),
        ["backupjobs", _, "cancel"] => post().and_then(|()| jobs::cancel(context, at, &rest[1])),
        ["backupjobs", _, "operationresults", id] => {
            operations::result(context, id, |_| Answer::empty(204))
        }
        [
            "backupfabrics",
            "azure",
            "protectioncontainers",
            container,
            "protecteditems",
            _,
            more @ ..,
        ] => {
            let named = machine(&rest[5]);
            let (group, vm) = named.filter(|_| machine(&rest[3]) == named).ok_or_else(|| {
                let message = format!("{container} is no container of a machine.");
                Fault::new(400, "BMSUserErrorInvalidInput", message)
            })?;
            let asked = Asked { at, group, vm };
            match more {
                [] => items::one(context, asked),
                ["backup"] => post().and_then(|()| items::trigger(context, asked)),
                ["operationsstatus", id] => operations::status(context, id),
                ["operationresults", id] => items::result(context, asked, id),
                ["recoverypoints"] => get().and_then(|()| points::list(context, asked)),
                ["recoverypoints", id] => get().and_then(|()| points::one(context, asked, id)),
                ["recoverypoints", id, "restore"] => {
                    post().and_then(|()| restore::trigger(context, asked, id))
                }
                _ => Err(Fault::no_resource("The resource")),
            }
        }
        _ => Err(Fault::no_resource("The resource")),
    }
}
