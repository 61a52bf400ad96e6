//! One call of the resource manager: signed, tried again as the policy says, answered with bounds.
//! Knows what an answer is, not what it means.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use disk_prep::noun::{Diagnose, ErrorKind};
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::asked::Asked;
use super::bounds::{self, Bounds, Failing, Meter};
use super::call::Call;
use super::error::Error;
use super::reason::Reason;
use super::retry::{Came, Next, Pace, Repeat, ServiceClock, Tries, asked_pause};
use super::sign_in::Tokens;
use super::stranger;
use super::trace::Attempt;
use super::transport::target;

/// What is sent.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub method: Method,
    pub url: Url,
    pub body: Option<Bytes>,
    pub repeat: Repeat,
}

/// An answer that says that all is well.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Cleared on drop: some hold keys.
    pub body: Zeroizing<Vec<u8>>,
    /// What it answers.
    pub call: Call,
}

impl Reply {
    /// A header that is text.
    pub fn header(&self, name: &'static str) -> Option<&str> {
        text(&self.headers, name)
    }

    /// How long the service asks to wait before the next look.
    pub fn pause(&self) -> Option<Duration> {
        asked_pause(|name| self.header(name), Timestamp::now())
    }
}

/// Sends calls.
pub(super) struct Exchange {
    pub http: Client,
    pub tokens: Tokens,
    pub bounds: Bounds,
    pub pace: Arc<dyn Pace>,
    pub clock: ServiceClock,
}

/// What came of a try that did not end well.
enum Failed {
    /// No token was to be had.
    Token(Error),
    /// No answer, or not all of one.
    Network(reqwest::Error, Option<Duration>),
    /// An answer that is not taken.
    Bound(Error),
    /// An answer that says so.
    Status { status: StatusCode, asked: Option<Duration>, body: Zeroizing<Vec<u8>> },
}

impl Failed {
    /// What came and the pause that was asked for, if it may be tried again.
    fn came(&self) -> (Option<Came>, Option<Duration>) {
        match self {
            Failed::Token(Error::Unreachable { .. } | Error::Failing { .. }) => {
                (Some(Came::Unsent), None)
            }
            Failed::Network(source, asked) if source.is_connect() => (Some(Came::Unsent), *asked),
            Failed::Network(_, asked) => (Some(Came::Unanswered), *asked),
            Failed::Status { status, asked, .. } => (Some(Came::Status(status.as_u16())), *asked),
            Failed::Token(_) | Failed::Bound(_) => (None, None),
        }
    }

    fn error(self, url: &Url, call: Call) -> Error {
        let host = host(url);
        match self {
            Failed::Token(error) if error.kind() == ErrorKind::Unreachable => error.of_call(call),
            Failed::Token(error) => error,
            Failed::Bound(error) => error.of_call(call),
            Failed::Network(source, _) => {
                Error::Unreachable { host, call: Box::new(call.because(Reason::of(&source))) }
            }
            Failed::Status { status, body, .. } => {
                let is_failing = status == StatusCode::TOO_MANY_REQUESTS
                    || status == StatusCode::REQUEST_TIMEOUT
                    || status.is_server_error();
                let error = match is_failing {
                    true => Error::Failing { host, status: status.as_u16(), call: None },
                    false => refusal(status, url.path(), &body),
                };
                error.of_call(call)
            }
        }
    }
}

impl Exchange {
    /// Sends until there is an answer that stands.
    pub async fn send(&self, ask: &Ask) -> Result<Reply, Error> {
        let mut tries = Tries::new(&self.pace, ask.repeat);
        let mut is_renewed = false;
        loop {
            tries.begin();
            let failed = match self.try_once(ask).await {
                Ok((status, headers, body)) => {
                    let call = tries.call(ask.method.as_str(), &ask.url);
                    return Ok(Reply { status, headers, body, call });
                }
                Err(failed) => failed,
            };
            // A token may end before its time; another is asked for once.
            let is_expired = matches!(&failed, Failed::Status { status, .. }
                if *status == StatusCode::UNAUTHORIZED);
            if is_expired && !is_renewed && self.tokens.forget() {
                is_renewed = true;
                continue;
            }
            let next = match failed.came() {
                (Some(came), asked) => tries.next(came, asked, &ask.url).await,
                (None, _) => Next::Stands,
            };
            let call = tries.call(ask.method.as_str(), &ask.url);
            match next {
                Next::Again => {}
                Next::Stands => return Err(failed.error(&ask.url, call)),
                Next::TooLong(wait) => {
                    let (host, wait_secs) = (host(&ask.url), wait.as_secs());
                    let call = Some(Box::new(call));
                    return Err(Error::AskedToWait { host, wait_secs, call });
                }
            }
        }
    }

    async fn try_once(
        &self,
        ask: &Ask,
    ) -> Result<(StatusCode, HeaderMap, Zeroizing<Vec<u8>>), Failed> {
        let token = self.tokens.token().await.map_err(Failed::Token)?;
        let request = self.http.request(ask.method.clone(), ask.url.clone());
        let request = request.bearer_auth(token.expose_secret());
        let request = match ask.body.clone() {
            Some(body) => request.header("content-type", "application/json").body(body),
            None => request.header("content-length", "0"),
        };
        let attempt = Attempt::new(&ask.method, &ask.url);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(source) => {
                attempt.unanswered();
                return Err(Failed::Network(source, None));
            }
        };
        let (status, headers) = (answer.status(), answer.headers().clone());
        attempt.answered(status.as_u16(), |name| text(&headers, name));
        self.clock.hear(text(&headers, "date"), self.pace.now());
        if status.is_redirection() {
            let to = target(text(&headers, "location"), &ask.url);
            return Err(Failed::Bound(Error::Redirected { host: host(&ask.url), to }));
        }
        let fault = stranger::of_calls(status.as_u16(), |name| text(&headers, name));
        if let Some(fault) = fault {
            let host = host(&ask.url);
            return Err(Failed::Bound(Error::Stranger { host, fault, call: None }));
        }
        let asked = asked_pause(|name| text(&headers, name), Timestamp::now());
        let Bounds { answer_bytes, fault_bytes, .. } = self.bounds;
        let most_bytes = if status.is_success() { answer_bytes } else { fault_bytes };
        let meter = Meter::new(&host(&ask.url), most_bytes, self.bounds);
        let body = bounds::body(answer, meter).await.map_err(|failing| match failing {
            Failing::Network(source) => Failed::Network(source, asked),
            Failing::Bound(error) => Failed::Bound(error),
        })?;
        match status.is_success() {
            true => Ok((status, headers, body)),
            false => Err(Failed::Status { status, asked, body }),
        }
    }
}

/// Whom an address is of.
pub(super) fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What went wrong, in the resource manager's form.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Fault {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub message: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: Fault,
}

fn refusal(status: StatusCode, path: &str, bytes: &[u8]) -> Error {
    let Fault { code, message } = serde_json::from_slice::<Refusal>(bytes).map_or_else(
        |_| Fault { code: status.as_str().to_owned(), message: "no reason given".to_owned() },
        |refusal| refusal.error,
    );
    let call = None;
    match status {
        StatusCode::UNAUTHORIZED => Error::NotTaken { code, message, call },
        StatusCode::FORBIDDEN => {
            Error::NotAllowed { asked: Asked::of_path(path), code, message, call }
        }
        StatusCode::NOT_FOUND if code == "SubscriptionNotFound" => {
            Error::NoSubscription { message, call }
        }
        StatusCode::NOT_FOUND => Error::NotFound { what: path.to_owned(), message, call },
        _ => Error::Refused { code, message, call },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_services_words_as_far_as_there_are_any() {
        let none = br#"{"error": {"code": "SubscriptionNotFound", "message": "a rule"}}"#;
        let said = br#"{"error": {"code": "Word", "message": "a rule", "details": []}}"#;
        for (status, bytes, code, text) in [
            (
                401,
                &said[..],
                "azure-token-refused",
                "Azure does not take the sign-in: Word: a rule",
            ),
            (403, said, "azure-not-allowed", "Azure does not allow this: Word: a rule"),
            (404, said, "azure-not-found", "Azure does not know /a/b: a rule"),
            (404, none, "azure-no-subscription", "Azure knows no such subscription: a rule"),
            (409, said, "azure-refused", "Azure refused the request: Word: a rule"),
            (412, b"", "azure-refused", "Azure refused the request: 412: no reason given"),
            (
                400,
                b"{\"error\": 7}",
                "azure-refused",
                "Azure refused the request: 400: no reason given",
            ),
            (400, b"{\"error\": {}}", "azure-refused", "Azure refused the request: : "),
            (404, b"<html>", "azure-not-found", "Azure does not know /a/b: no reason given"),
        ] {
            let error = refusal(StatusCode::from_u16(status).unwrap(), "/a/b", bytes);
            assert_eq!((error.code(), error.to_string().as_str()), (code, text));
        }
    }
}
