//! What the emulator's rooms get and give: a call with its whole body, an answer that may be a
//! stretch of a file. Knows no meaning of either.

use std::fs::File;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value;

/// The most that one call may carry; the largest packs and blocks are far below.
pub(super) const LARGEST_BODY: usize = 320 << 20;

/// A time as headers carry it.
pub(super) fn http_date(time: Timestamp) -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .unwrap_or_default()
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// What is asked for.
    pub method: Method,
    /// Path as it was sent, still encoded.
    pub path: String,
    /// The query's pairs, decoded.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Call {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The host that is called.
    pub fn host(&self) -> &str {
        self.header("host").unwrap_or_default()
    }

    /// What the query asks for with `comp=` and `restype=`.
    pub fn operation(&self) -> (Option<&str>, Option<&str>) {
        (self.parameter("restype"), self.parameter("comp"))
    }
}

/// What goes back.
#[derive(Debug)]
pub(super) enum Body {
    /// All of it.
    Whole(Bytes),
    /// A stretch of a file.
    Stretch {
        /// The file.
        file: File,
        /// Its first byte.
        start: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// Nothing, though the headers speak of so many bytes.
    Head(u64),
}

/// How an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Manner {
    #[default]
    Well,
    /// In drops.
    Slow,
    /// The connection ends in the middle of it.
    Half,
    /// The connection ends in its place.
    Reset,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// How it goes out.
    pub manner: Manner,
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Body,
}

impl Answer {
    /// A status with a body.
    pub fn of(status: u16, body: Body) -> Self {
        Answer { status, headers: Vec::new(), body, manner: Manner::Well }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Answer::of(status, Body::Whole(Bytes::new()))
    }

    /// A JSON body.
    pub fn json(status: u16, value: &Value) -> Self {
        Answer::of(status, Body::Whole(value.to_string().into()))
            .with("content-type", "application/json; charset=utf-8")
    }

    /// An XML body.
    pub fn xml(status: u16, text: String) -> Self {
        Answer::of(status, Body::Whole(text.into())).with("content-type", "application/xml")
    }

    /// With one more header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
