//! Whether an answer comes from Azure at all. A network may put a page of its own in its place, such
//! as one to log in at, with a status that would say something if the service had given it.

use std::sync::Arc;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};

use super::error::Error;

/// What an answer of the blob service has one of, whatever it says
/// (<https://learn.microsoft.com/rest/api/storageservices/common-rest-api-response-headers>).
const SIGNS: [&str; 2] = ["x-ms-request-id", "x-ms-error-code"];
const PAGE: &str = "it answers with a page for people";

/// Whether a failure passes by, and is tried again whoever tells it.
fn passes(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..)
}

/// Why an answer is none of the blob service; headers are looked up by name. A blob may be a page.
pub(super) fn of_blobs<'a>(
    status: u16,
    header: impl Fn(&'static str) -> Option<&'a str>,
) -> Option<&'static str> {
    if passes(status) || SIGNS.iter().any(|name| header(name).is_some()) {
        return None;
    }
    Some(if is_page(&header) { PAGE } else { "its answer has no request id" })
}

/// Why an answer is none of the resource manager or the sign-in, which say what they say in JSON.
pub(super) fn of_calls<'a>(
    status: u16,
    header: impl Fn(&'static str) -> Option<&'a str>,
) -> Option<&'static str> {
    (!passes(status) && is_page(&header)).then_some(PAGE)
}

fn is_page<'a>(header: &impl Fn(&'static str) -> Option<&'a str>) -> bool {
    header("content-type").is_some_and(|own| own.trim_start().starts_with("text/html"))
}

/// Takes the answers of each attempt of the SDK's calls from the blob service only. It stands around
/// what signs and tells of an attempt.
#[derive(Debug)]
pub(super) struct OfBlobs;

#[async_trait::async_trait]
impl Policy for OfBlobs {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let (first, rest) = next.split_first().expect("the transport comes last");
        let answer = first.send(ctx, request, rest).await?;
        let header = |name| answer.headers().get_optional_str(&HeaderName::from_static(name));
        let Some(fault) = of_blobs(answer.status().into(), header) else { return Ok(answer) };
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let error = Error::Stranger { host, fault, call: None };
        let text = "the answer was not taken";
        Err(azure_core::Error::with_error(CoreKind::Other, error, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_a_sign_of_the_service_is_none_of_it() {
        let asked = |status, own: &'static [(&str, &str)]| {
            let header =
                |name: &str| own.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
            (of_blobs(status, header).is_some(), of_calls(status, header).is_some())
        };
        let page = &[("content-type", "text/html; charset=utf-8")][..];
        for status in [200, 201, 204, 400, 401, 403, 404, 409, 412] {
            assert_eq!(asked(status, page), (true, true), "{status}");
            assert_eq!(asked(status, &[("content-type", "text/plain")]), (true, false), "{status}");
            assert_eq!(asked(status, &[("x-ms-request-id", "1")]), (false, false), "{status}");
            assert_eq!(asked(status, &[("x-ms-error-code", "Word")]), (false, false), "{status}");
        }
        for status in [408, 429, 500, 502, 503] {
            assert_eq!(asked(status, page), (false, false), "{status}");
        }
        let blob = &[("x-ms-request-id", "1"), ("content-type", "text/html")][..];
        assert!(!asked(200, blob).0, "a blob may be a page");
    }
}
