//! Which call about import jobs goes to which answer.

use disk_prep::limits::JOBS_PER_PAGE;
use disk_prep::noun::{JobName, ResourceGroup};
use hyper::Method;
use serde_json::{Value, json};

use super::super::call::{Context, Path};
use super::super::fault::Fault;
use super::super::locations;
use super::{requests, wire};
use crate::http::Answer;
use crate::jobs::job::Job;
use crate::jobs::key::{JobKey, Service};

/// The provider's name in small letters.
pub(crate) const PROVIDER: &str = "microsoft.importexport";
/// The versions that the service has published.
pub(crate) const VERSIONS: [&str; 3] = ["2016-11-01", "2020-08-01", "2021-01-01"];

/// Answers a call of this provider.
pub(crate) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    let no_resource = || Fault::no_resource("The resource");
    let is_get = context.call.method == Method::GET;
    // Fixed words are compared without regard to case.
    let words: Vec<String> = target.rest.iter().map(|part| part.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if target.subscription.is_none() {
        return match words.as_slice() {
            ["operations"] if is_get => Ok(operations()),
            ["locations"] if is_get => {
                let all: Vec<Value> = locations::all().map(wire::region).collect();
                Ok(Answer::json(200, &json!({ "value": all })))
            }
            ["locations", _] if is_get => locations::find(&target.rest[1])
                .map(|location| Answer::json(200, &wire::region(location)))
                .ok_or_else(|| Fault::no_resource("The location")),
            _ => Err(no_resource()),
        };
    }
    let subscription = context.account.subscription.clone();
    let Some(group) = &target.group else {
        return match words.as_slice() {
            ["jobs"] if is_get => list(context, |key| key.in_subscription(&subscription)),
            _ => Err(no_resource()),
        };
    };
    let group = ResourceGroup::new(group).map_err(|_| Fault::no_resource("The resource group"))?;
    match words.as_slice() {
        ["jobs"] if is_get => list(context, |key| key.in_group(&subscription, &group)),
        ["jobs", _] | ["jobs", _, "listbitlockerkeys"] => {
            let name = JobName::new(&target.rest[1])
                .map_err(|error| Fault::new(400, "InvalidResourceName", error.to_string()))?
                .to_string();
            let key = JobKey { service: Service::ImportExport, subscription, group, name };
            one(context, &key, words.len() == 3)
        }
        _ => Err(no_resource()),
    }
}

fn operations() -> Answer {
    let words = [
        ("register/action", "Registers the subscription"),
        ("locations/read", "Gets the locations"),
        ("jobs/write", "Creates or changes a job"),
        ("jobs/read", "Gets a job"),
        ("jobs/delete", "Deletes a job"),
        ("jobs/listBitLockerKeys/action", "Gets the keys of a job's drives"),
    ];
    let value: Vec<Value> = words
        .iter()
        .map(|(name, text)| {
            json!({
                "name": format!("Microsoft.ImportExport/{name}"),
                "display": {"provider": "Microsoft Import/Export", "resource": "Job",
                            "operation": text, "description": text},
            })
        })
        .collect();
    Answer::json(200, &json!({ "value": value }))
}

/// A page of jobs; the next one begins behind the last name of this one.
fn list(context: Context<'_>, is_meant: impl Fn(&JobKey) -> bool) -> Result<Answer, Fault> {
    let Context { book, call, origin, .. } = context;
    let most = match call.parameter("$top") {
        None => JOBS_PER_PAGE,
        Some(top) => top
            .parse()
            .ok()
            .filter(|top| (1..=JOBS_PER_PAGE).contains(top))
            .ok_or_else(|| Fault::input("$top is a number from 1 to 100."))?,
    };
    let place = |job: &Job| (job.key.group.to_string(), job.key.name.to_string());
    let mut jobs = book.all();
    jobs.retain(|job| job.key.service == Service::ImportExport && is_meant(&job.key));
    jobs.sort_by_key(place);
    if let Some((group, name)) =
        call.parameter("$skiptoken").and_then(|token| token.split_once('/'))
    {
        jobs.retain(|job| place(job) > (group.to_owned(), name.to_owned()));
    }
    let page: Vec<Value> = jobs.iter().take(most).map(wire::body).collect();
    let last = (jobs.len() > most).then(|| place(&jobs[most - 1]));
    let next = last.map(|(group, name)| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("api-version", call.parameter("api-version").unwrap_or_default());
        query.append_pair("$top", &most.to_string());
        query.append_pair("$skiptoken", &format!("{group}/{name}"));
        format!("{origin}{}?{}", call.path, query.finish())
    });
    Ok(Answer::json(200, &json!({"value": page, "nextLink": next})))
}

fn one(context: Context<'_>, key: &JobKey, is_about_keys: bool) -> Result<Answer, Fault> {
    let Context { book, now, call, .. } = context;
    let absent = || Fault::no_job(key);
    match (&call.method, is_about_keys) {
        (&Method::POST, true) => {
            let job = book.find(key).ok_or_else(absent)?;
            Ok(Answer::json(200, &wire::keys(&job)))
        }
        (&Method::GET, false) => {
            Ok(Answer::json(200, &wire::body(&book.find(key).ok_or_else(absent)?)))
        }
        (&Method::PUT, false) => requests::put(book, now, key, &call.body),
        (&Method::PATCH, false) => {
            let job = requests::patch(book, now, key, &call.body)?;
            Ok(Answer::json(200, &wire::body(&job)))
        }
        (&Method::DELETE, false) => {
            requests::delete(book, key)?.ok_or_else(absent)?;
            Ok(Answer::empty(200))
        }
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}
