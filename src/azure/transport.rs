//! What carries the SDK's calls: the same client as ours, which bounds what comes back, waits no
//! longer than we do, and follows no redirect.

use std::sync::Arc;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::response::PinnedStream;
use azure_core::http::{AsyncRawResponse, HttpClient, Method, Request, StatusCode};
use futures::TryStreamExt;
use url::Url;

use super::bounds::{Bounds, LONGEST_PAUSE, Meter, pause};
use super::error::Error;
use disk_prep::noun::Address;

/// Names of the headers that the SDK's retries honour, and how many of their units make a second.
const WAITS: [(&str, Option<u64>); 3] =
    [("retry-after", None), ("retry-after-ms", Some(1000)), ("x-ms-retry-after-ms", Some(1000))];

/// The client with its bounds.
#[derive(Debug)]
pub(super) struct Bounded {
    http: reqwest::Client,
    bounds: Bounds,
}

impl Bounded {
    /// Carries calls by this client.
    pub fn new(http: reqwest::Client, bounds: Bounds) -> Arc<Self> {
        Arc::new(Bounded { http, bounds })
    }

    /// How much of an answer is taken.
    fn most_bytes(&self, request: &Request, status: StatusCode) -> u64 {
        let is_list =
            || request.url().query_pairs().any(|pair| pair == ("comp".into(), "list".into()));
        match request.method() {
            _ if !status.is_success() => self.bounds.fault_bytes,
            Method::Get if is_list() => self.bounds.page_bytes,
            Method::Get => asked_bytes(request.headers()).unwrap_or(self.bounds.blob_bytes),
            _ => self.bounds.answer_bytes,
        }
    }
}

/// Bytes of the range that was asked for.
fn asked_bytes(headers: &Headers) -> Option<u64> {
    let range = |name| headers.get_optional_str(&HeaderName::from_static(name));
    let text = range("x-ms-range").or_else(|| range("range"))?;
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    last.checked_sub(first)?.checked_add(1)
}

/// Our own error stays inside, for whoever tells of it.
fn wrapped(error: Error) -> azure_core::Error {
    azure_core::Error::with_error(CoreKind::Other, error, "the answer was not taken")
}

/// Waits that are longer than our patience become as long as that; what is no wait goes.
fn hurry(headers: &mut Headers) {
    for (name, unit) in WAITS {
        let name = HeaderName::from_static(name);
        let Some(text) = headers.get_optional_str(&name).map(str::to_owned) else { continue };
        let wait = match unit {
            None => pause(&text).map(|wait| wait.as_secs()),
            Some(unit) => {
                text.trim().parse().ok().map(|own: u64| own.min(LONGEST_PAUSE.as_secs() * unit))
            }
        };
        match wait {
            Some(wait) => headers.insert(name, wait.to_string()),
            None => {
                headers.remove(name);
            }
        }
    }
}

/// Where a redirect would lead, as it may be told.
pub(super) fn target(location: Option<&str>, base: &Url) -> String {
    let joined = location.and_then(|text| base.join(text).ok());
    let address = joined.and_then(|url| url.as_str().parse::<Address>().ok());
    address.map_or("nowhere".to_owned(), |address| address.to_string())
}

#[async_trait::async_trait]
impl HttpClient for Bounded {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let (status, mut headers, body) = self.http.execute_request(request).await?.deconstruct();
        let code = u16::from(status);
        if (300..400).contains(&code) && code != 304 {
            let location = headers.get_optional_str(&HeaderName::from_static("location"));
            let to = target(location, request.url());
            return Err(wrapped(Error::Redirected { host, to }));
        }
        hurry(&mut headers);
        let mut meter = Meter::new(&host, self.most_bytes(request, status), self.bounds);
        let counted = body.and_then(move |piece| {
            let taken = meter.take(piece.len()).map_err(wrapped);
            std::future::ready(taken.map(|()| piece))
        });
        let stream: PinnedStream = Box::pin(counted);
        Ok(AsyncRawResponse::new(status, headers, stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::network::{Clear, Network};

    fn client() -> reqwest::Client {
        let endpoint = Url::parse("https://h/").unwrap();
        Network::default().client(&endpoint, Clear::Refused).unwrap()
    }

    #[test]
    fn no_wait_of_a_service_outlasts_our_patience() {
        let mut headers = Headers::new();
        headers.insert("retry-after", "31536000");
        headers.insert("retry-after-ms", "99999999999");
        headers.insert("x-ms-retry-after-ms", "-5");
        hurry(&mut headers);
        let get = |name| headers.get_optional_str(&HeaderName::from_static(name));
        assert_eq!(get("retry-after"), Some("60"));
        assert_eq!(get("retry-after-ms"), Some("60000"));
        assert_eq!(get("x-ms-retry-after-ms"), None);
    }

    #[test]
    fn an_answer_is_bounded_by_what_was_asked_for() {
        let bounded = Bounded::new(client(), Bounds::default());
        let bounds = Bounds::default();
        let url = |text: &str| Url::parse(text).unwrap();
        let ok = StatusCode::Ok;
        let list = Request::new(url("https://h/c?restype=container&comp=list"), Method::Get);
        assert_eq!(bounded.most_bytes(&list, ok), bounds.page_bytes);
        assert_eq!(bounded.most_bytes(&list, StatusCode::NotFound), bounds.fault_bytes);
        let mut part = Request::new(url("https://h/c/b"), Method::Get);
        assert_eq!(bounded.most_bytes(&part, ok), bounds.blob_bytes);
        part.insert_header("range", "bytes=10-19");
        assert_eq!(bounded.most_bytes(&part, ok), 10);
        part.insert_header("range", "bytes=19-10");
        assert_eq!(bounded.most_bytes(&part, ok), bounds.blob_bytes);
    }

    #[test]
    fn a_redirect_is_told_without_its_query() {
        let base = Url::parse("https://h/a").unwrap();
        assert_eq!(target(Some("http://x:S@o/b?sig=S"), &base), "http://o/b");
        assert_eq!(target(Some("/b?sig=S"), &base), "https://h/b");
        assert_eq!(target(None, &base), "nowhere");
    }
}
