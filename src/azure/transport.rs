//! What carries the SDK's calls: the same client as ours, which bounds what comes back and follows
//! no redirect.

use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::response::PinnedStream;
use azure_core::http::{AsyncRawResponse, HttpClient, Method, Request, StatusCode};
use futures::TryStreamExt;
use tokio::time::timeout;
use url::Url;

use super::bounds::{Bounds, Meter};
use super::error::Error;
use disk_prep::noun::Address;

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

    /// How long an answer is awaited; what is sent before it must get through first.
    fn patience(&self, request: &Request) -> Duration {
        let sent = request.body().len().unwrap_or(self.bounds.blob_bytes);
        self.bounds.silent_for + Duration::from_secs(sent / self.bounds.least_upload_speed.max(1))
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

/// Nothing came; the call may be tried again.
fn silence<T>() -> azure_core::Result<T> {
    Err(azure_core::Error::with_message(CoreKind::Io, "nothing was heard for too long"))
}

/// Our own error stays inside, for whoever tells of it.
fn wrapped(error: Error) -> azure_core::Error {
    azure_core::Error::with_error(CoreKind::Other, error, "the answer was not taken")
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
        let answer = self.http.execute_request(request);
        let answer = timeout(self.patience(request), answer).await.unwrap_or_else(|_| silence());
        let (status, headers, body) = answer?.deconstruct();
        let code = u16::from(status);
        if (300..400).contains(&code) && code != 304 {
            let location = headers.get_optional_str(&HeaderName::from_static("location"));
            let to = target(location, request.url());
            return Err(wrapped(Error::Redirected { host, to }));
        }
        let mut meter = Meter::new(&host, self.most_bytes(request, status), self.bounds);
        let silent_for = self.bounds.silent_for;
        let heard = futures::stream::try_unfold(body, move |mut body| async move {
            let piece = timeout(silent_for, body.try_next()).await.unwrap_or_else(|_| silence())?;
            Ok(piece.map(|piece| (piece, body)))
        });
        let counted = heard.and_then(move |piece| {
            let taken = meter.take(piece.len()).map_err(wrapped);
            std::future::ready(taken.map(|()| piece))
        });
        let stream: PinnedStream = Box::pin(counted);
        Ok(AsyncRawResponse::new(status, headers, stream))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use disk_prep::noun::Diagnose;

    use super::*;
    use crate::azure::bounds::{self, Failing};
    use crate::azure::network::{Clear, Network};

    fn client() -> reqwest::Client {
        let endpoint = Url::parse("https://h/").unwrap();
        Network::default().client(&endpoint, Clear::Refused).unwrap()
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
    fn an_answer_is_awaited_as_long_as_what_was_sent_takes_on_a_thin_line() {
        let bounded = Bounded::new(client(), Bounds::default());
        let url = || Url::parse("https://h/c/b").unwrap();
        let mut upload = Request::new(url(), Method::Put);
        assert_eq!(bounded.patience(&upload), Duration::from_secs(60));
        upload.set_body(vec![0; 1 << 20]);
        assert_eq!(bounded.patience(&upload), Duration::from_secs(60 + 64));
    }

    #[test]
    fn a_service_that_says_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/c/b", listener.local_addr().unwrap());
        let url = Url::parse(&url).unwrap();
        let bounds = Bounds { silent_for: Duration::from_millis(50), ..Bounds::default() };
        let http = Network::default().carrier(&url, Clear::Loopback).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(async {
            let request = Request::new(url, Method::Get);
            Bounded::new(http, bounds).execute_request(&request).await.unwrap_err()
        });
        assert!(error.to_string().contains("nothing was heard"), "{error}");
        drop(listener);
    }

    #[test]
    fn a_redirect_is_told_without_its_query() {
        let base = Url::parse("https://h/a").unwrap();
        assert_eq!(target(Some("http://x:S@o/b?sig=S"), &base), "http://o/b");
        assert_eq!(target(Some("/b?sig=S"), &base), "https://h/b");
        assert_eq!(target(None, &base), "nowhere");
    }

    /// A service that begins an answer, sends a byte of it, and keeps the connection open as long
    /// as somebody listens.
    fn dripping() -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/c/b", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let mut call = Vec::new();
            while !call.ends_with(b"\r\n\r\n") {
                let count = stream.read(&mut asked).unwrap();
                call.extend_from_slice(&asked[..count]);
            }
            let begun = "HTTP/1.1 200 As played\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n";
            stream.write_all(begun.as_bytes()).unwrap();
            while stream.read(&mut asked).is_ok_and(|count| count > 0) {}
        });
        Url::parse(&url).unwrap()
    }

    #[test]
    fn a_body_that_drips_over_a_connection_without_an_end_is_given_up() {
        let bounds =
            Bounds { body_within: Duration::ZERO, least_speed: u64::MAX, ..Bounds::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let open = |url: &Url| Network::default().client(url, Clear::Loopback).unwrap();
        // As the SDK is served.
        let url = dripping();
        let bounded = Bounded::new(open(&url), bounds);
        let error = runtime.block_on(async {
            let request = Request::new(url, Method::Get);
            let answer = bounded.execute_request(&request).await.unwrap();
            answer.into_body().collect().await.unwrap_err()
        });
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        let mut own = None;
        while let Some(cause) = next {
            own = own.or(cause.downcast_ref::<Error>().map(Diagnose::code));
            next = cause.source();
        }
        assert_eq!(own, Some("azure-answer-too-slow"), "{error}");
        // As the resource manager and the sign-in are asked.
        let url = dripping();
        let error = runtime.block_on(async {
            let answer = open(&url).get(url).send().await.unwrap();
            bounds::body(answer, Meter::new("h", 1 << 20, bounds)).await.unwrap_err()
        });
        let Failing::Bound(error) = error else { panic!("{error:?}") };
        assert_eq!(error.code(), "azure-answer-too-slow");
    }
}
