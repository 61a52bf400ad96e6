//! Which call about jobs of `Microsoft.DataBox` goes to which answer.

use disk_prep::noun::ResourceGroup;
use hyper::Method;
use serde_json::{Value, json};

use super::super::call::{Context, Path};
use super::super::fault::Fault;
use super::{changes, create, findings, lists, operations, places, wire};
use crate::http::Answer;
use crate::jobs::key::{JobKey, Service};

/// Answers a call of this provider; refusals have this service's form.
pub(crate) fn answer(context: Context<'_>, target: &Path) -> Answer {
    route(context, target).unwrap_or_else(|fault| findings::refused(&fault))
}

fn route(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    let no_resource = || Fault::no_resource("The resource");
    let method = &context.call.method;
    // Fixed words are compared without regard to case.
    let words: Vec<String> = target.rest.iter().map(|part| part.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if target.subscription.is_none() {
        return match words.as_slice() {
            ["operations"] if *method == Method::GET => Ok(provider_operations()),
            _ => Err(no_resource()),
        };
    }
    let subscription = context.account.subscription.clone();
    let Some(group) = &target.group else {
        return match words.as_slice() {
            ["jobs"] => {
                only(method, &Method::GET)?;
                lists::list(context, |key| key.in_subscription(&subscription))
            }
            ["locations", _, "operationresults", _] => {
                only(method, &Method::GET)?;
                operations::follow(context)
            }
            ["locations", _, question] => place(context, &target.rest[1], question),
            _ => Err(no_resource()),
        };
    };
    let group = ResourceGroup::new(group).map_err(|_| Fault::no_resource("The resource group"))?;
    match words.as_slice() {
        ["jobs"] => {
            only(method, &Method::GET)?;
            lists::list(context, |key| key.in_group(&subscription, &group))
        }
        ["jobs", _] | ["jobs", _, _] => {
            let name = job_name(&target.rest[1])?;
            let key = JobKey { service: Service::DataBox, subscription, group, name };
            match words.get(2) {
                None => one(context, &key),
                Some(action) => act(context, &key, action),
            }
        }
        ["locations", _, question] => place(context, &target.rest[1], question),
        _ => Err(no_resource()),
    }
}

/// The portal's rule, which is the narrower one of the two that are published.
fn job_name(text: &str) -> Result<String, Fault> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let fits = (3..=24).contains(&text.len())
        && text.bytes().all(is_inner)
        && !text.starts_with('-')
        && !text.ends_with('-');
    fits.then(|| text.to_owned()).ok_or_else(|| {
        let rule = "3 to 24 letters, digits and inner hyphens";
        Fault::new(400, "InvalidResourceName", format!("{text} is no job name: {rule}."))
    })
}

fn only(method: &Method, own: &Method) -> Result<(), Fault> {
    if method == own {
        return Ok(());
    }
    Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."))
}

fn place(context: Context<'_>, location: &str, question: &str) -> Result<Answer, Fault> {
    only(&context.call.method, &Method::POST)?;
    match question {
        "regionconfiguration" => places::region(context, location),
        "availableskus" => places::skus(context, location),
        "validateinputs" => places::validate(context, location),
        _ => Err(Fault::no_resource("The resource")),
    }
}

fn one(context: Context<'_>, key: &JobKey) -> Result<Answer, Fault> {
    match context.call.method {
        Method::GET => {
            let expand = context.call.parameter("$expand").unwrap_or_default();
            let is_whole = expand.split(',').any(|word| word.eq_ignore_ascii_case("details"));
            let job = context.book.find(key).ok_or_else(|| Fault::no_job(key))?;
            Ok(wire::answer(&job, if is_whole { wire::Depth::Whole } else { wire::Depth::Short }))
        }
        Method::PUT => create::create(context, key),
        Method::PATCH => changes::patch(context, key),
        Method::DELETE => changes::delete(context, key),
        _ => only(&context.call.method, &Method::GET).map(|()| Answer::empty(405)),
    }
}

fn act(context: Context<'_>, key: &JobKey, action: &str) -> Result<Answer, Fault> {
    only(&context.call.method, &Method::POST)?;
    match action {
        "cancel" => changes::cancel(context, key),
        "markdevicesshipped" => changes::ship(context, key),
        "mitigate" => changes::mitigate(context, key),
        "listcredentials" => {
            let job = context.book.find(key).ok_or_else(|| Fault::no_job(key))?;
            Ok(Answer::json(200, &wire::credentials(&job)))
        }
        _ => Err(Fault::no_resource("The resource")),
    }
}

fn provider_operations() -> Answer {
    let words = [
        ("register/action", "Registers the subscription"),
        ("unregister/action", "Takes the subscription's registration back"),
        ("jobs/read", "Gets a job"),
        ("jobs/write", "Creates or changes a job"),
        ("jobs/delete", "Deletes a job"),
        ("jobs/cancel/action", "Cancels a job"),
        ("jobs/markDevicesShipped/action", "Tells that the drives are on their way"),
        ("jobs/mitigate/action", "Tells how a job that waits goes on"),
        ("jobs/listCredentials/action", "Gets the keys of a job's drives"),
        ("locations/regionConfiguration/action", "Gets where drives are sent"),
        ("locations/availableSkus/action", "Gets the devices of a region"),
        ("locations/validateInputs/action", "Tells whether an order would be taken"),
        ("locations/operationResults/read", "Gets how far an operation is"),
        ("operations/read", "Gets the operations"),
    ];
    let value: Vec<Value> = words
        .iter()
        .map(|(name, text)| {
            json!({
                "name": format!("Microsoft.DataBox/{name}"), "isDataAction": false, "origin": "user",
                "display": {"provider": "Microsoft Data Box", "resource": "Jobs",
                            "operation": text, "description": text},
            })
        })
        .collect();
    Answer::json(200, &json!({ "value": value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_name_keeps_the_portals_rule() {
        for name in ["abc", "Seed-2026", "1a2", "aaaaaaaaaaaaaaaaaaaaaaaa", "a--b"] {
            assert!(job_name(name).is_ok(), "{name}");
        }
        for name in ["", "ab", "-ab", "ab-", "a_b", "a.b", "aaaaaaaaaaaaaaaaaaaaaaaaa", "äbc"] {
            assert_eq!(job_name(name).unwrap_err().code, "InvalidResourceName", "{name}");
        }
    }
}
