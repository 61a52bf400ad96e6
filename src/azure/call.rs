//! A call as errors tell of it: what was asked of whom, how often, for how long, and why no answer
//! came if none did. Never a query, which may be a signature.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use url::Url;

use super::reason::Reason;

/// What was asked of whom, and how often.
#[derive(Debug, Clone)]
pub struct Call {
    method: String,
    address: String,
    tries: u32,
    elapsed: Duration,
    reason: Option<Reason>,
}

impl Call {
    /// So many tries of a call, which took so long together.
    pub(super) fn new(method: impl Into<String>, url: &Url, tries: u32, elapsed: Duration) -> Self {
        Call { method: method.into(), address: bare(url), tries, elapsed, reason: None }
    }

    /// The same, with why no answer came.
    pub(super) fn because(self, reason: Reason) -> Self {
        Call { reason: Some(reason), ..self }
    }

    /// The same, when it is part of another call that was tried so often.
    pub(super) fn within(self, whole: &Call) -> Self {
        Call { tries: whole.tries, elapsed: whole.elapsed, ..self }
    }
}

/// How long it took is told only where it was tried again: it is the pauses that take time.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { method, address, tries, elapsed, .. } = self;
        match tries {
            0 => write!(f, "{method} {address}, not sent"),
            1 => write!(f, "{method} {address}"),
            _ => write!(f, "{method} {address}, {tries} tries in {} s", elapsed.as_secs()),
        }
    }
}

impl Error for Call {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.as_ref().map(|reason| reason as &(dyn Error + 'static))
    }
}

fn bare(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_without_its_query_and_with_its_time_only_if_it_was_tried_again() {
        let url = Url::parse("https://user:S@h:8443/a%20b?sig=S#S").unwrap();
        let told = |tries| Call::new("GET", &url, tries, Duration::from_millis(31_900)).to_string();
        assert_eq!(told(1), "GET https://h:8443/a%20b");
        assert_eq!(told(5), "GET https://h:8443/a%20b, 5 tries in 31 s");
        assert_eq!(told(0), "GET https://h:8443/a%20b, not sent");
        let reason = Reason::of(&std::io::Error::other("reset"));
        let inner = Call::new("POST", &url, 1, Duration::ZERO).because(reason);
        let whole = Call::new("GET", &url, 3, Duration::from_secs(2));
        let told = inner.within(&whole);
        assert_eq!(told.to_string(), "POST https://h:8443/a%20b, 3 tries in 2 s");
        assert_eq!(told.source().unwrap().to_string(), "reset");
    }
}
