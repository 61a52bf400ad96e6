//! What a call is about, and what a shared access signature must give for it.

use hyper::Method;

use super::call::Path3;
use crate::http::Call;

/// What a call is about, in the words of an account's SAS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Service,
    Container,
    Object,
}

/// What a SAS must give for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    /// One of these letters.
    pub letters: &'static str,
    /// None: a SAS for any kind of resource does.
    pub kind: Option<Kind>,
    /// Whether a SAS for one container or blob can give it.
    pub is_inside: bool,
}

/// What the source of a copy needs.
pub(super) const READ: Need = Need { letters: "r", kind: Some(Kind::Object), is_inside: true };

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub container: &'a str,
    pub blob: Option<&'a str>,
}

impl Need {
    /// Of a call to a path.
    pub fn of(call: &Call, path: &Path3) -> Self {
        let need = |letters, kind, is_inside| Need { letters, kind: Some(kind), is_inside };
        // Each call of a batch is looked at by itself.
        let any = Need { letters: "rwdlacupt", kind: None, is_inside: true };
        let (restype, comp) = call.operation();
        if path.container.is_none() {
            return match (&call.method, restype, comp) {
                (&Method::GET, None, Some("list")) => need("l", Kind::Service, false),
                _ => any,
            };
        }
        if path.blob.is_none() {
            return match (&call.method, restype, comp) {
                (&Method::GET, _, Some("list")) => need("l", Kind::Container, true),
                (&Method::POST, _, Some("batch")) => any,
                (&Method::GET | &Method::HEAD, ..) => need("r", Kind::Container, false),
                (&Method::DELETE, ..) => need("d", Kind::Container, false),
                (&Method::PUT, _, None) => need("cw", Kind::Container, false),
                (_, _, Some("lease")) => need("wd", Kind::Container, false),
                _ => need("w", Kind::Container, false),
            };
        }
        match (&call.method, comp) {
            (&Method::GET | &Method::HEAD, _) => READ,
            (&Method::DELETE, _) => need("d", Kind::Object, true),
            // Create alone is enough where there is nothing yet.
            (&Method::PUT, None | Some("block" | "blocklist")) => need("wc", Kind::Object, true),
            _ => need("w", Kind::Object, true),
        }
    }
}
