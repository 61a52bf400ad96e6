//! What a verbose run tells of each call: method, path, status, request id, time. Never a query, a
//! header or a body, since those hold secrets.

use std::sync::Arc;
use std::time::Instant;

use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use tracing::info;
use url::Url;

/// Header in which Azure names an answer, for its support.
const REQUEST_ID: &str = "x-ms-request-id";

/// One attempt of a call, from its start on.
pub(super) struct Attempt {
    method: String,
    path: String,
    begun: Instant,
}

impl Attempt {
    /// An attempt that begins now.
    pub fn new(method: &impl AsRef<str>, url: &Url) -> Self {
        let (method, path) = (method.as_ref().to_owned(), url.path().to_owned());
        Attempt { method, path, begun: Instant::now() }
    }

    /// It was answered; the answer's headers are looked up by name.
    pub fn answered<'a>(self, status: u16, header: impl Fn(&'static str) -> Option<&'a str>) {
        let Attempt { method, path, begun } = self;
        let (id, ms) = (header(REQUEST_ID).unwrap_or("-"), millis(begun));
        info!(method, path, status, id, ms, "answered");
    }

    /// No answer came.
    pub fn unanswered(self) {
        let Attempt { method, path, begun } = self;
        info!(method, path, ms = millis(begun), "no answer");
    }
}

fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Tells of each attempt of the SDK's calls.
#[derive(Debug)]
pub(super) struct Trace;

#[async_trait::async_trait]
impl Policy for Trace {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let attempt = Attempt::new(&request.method(), request.url());
        let (first, rest) = next.split_first().expect("the transport comes last");
        let answer = first.send(ctx, request, rest).await;
        match &answer {
            Ok(answer) => attempt.answered(answer.status().into(), |name| {
                answer.headers().get_optional_str(&HeaderName::from_static(name))
            }),
            Err(_) => attempt.unanswered(),
        }
        answer
    }
}
