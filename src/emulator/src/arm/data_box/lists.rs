//! Jobs page by page.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::wire;
use crate::http::Answer;
use crate::jobs::job::Job;
use crate::jobs::key::{JobKey, Service};

/// Jobs on a page. The service's own number is not published; this one is small, so that callers
/// turn pages in a rehearsal too.
const PAGE: usize = 20;

/// A page of jobs; the next one begins behind the last name of this one.
pub(super) fn list(
    context: Context<'_>,
    is_meant: impl Fn(&JobKey) -> bool,
) -> Result<Answer, Fault> {
    let Context { book, call, origin, .. } = context;
    let place = |job: &Job| (job.key.group.to_string(), job.key.name.to_lowercase());
    let mut jobs = book.all();
    jobs.retain(|job| job.key.service == Service::DataBox && is_meant(&job.key));
    jobs.sort_by_key(place);
    if let Some(token) = call.parameter("$skiptoken") {
        let last = read(token).ok_or_else(|| {
            Fault::input("The $skipToken is none that was given out.").at("$skipToken")
        })?;
        jobs.retain(|job| place(job) > last);
    }
    let page: Vec<Value> =
        jobs.iter().take(PAGE).map(|job| wire::body(job, wire::Depth::Short)).collect();
    let mut body = json!({ "value": page });
    if jobs.len() > PAGE {
        let (group, name) = place(&jobs[PAGE - 1]);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("api-version", call.parameter("api-version").unwrap_or_default());
        query.append_pair("$skipToken", &BASE64.encode(format!("{group}/{name}")));
        body["nextLink"] = format!("{origin}{}?{}", call.path, query.finish()).into();
    }
    Ok(Answer::json(200, &body))
}

fn read(token: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
    text.split_once('/').map(|(group, name)| (group.to_owned(), name.to_owned()))
}
