//! The emulator's addresses: path-style on its own ports, or by the names of a cloud, and which of
//! them a call or a link means.

use url::Url;

/// The names of a cloud: those of its resource manager and its sign-in, and what the names of its
/// storage accounts end with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Address of the resource manager, without a slash at the end.
    pub arm: String,
    /// Address of the sign-in, without a slash at the end.
    pub authority: String,
    /// `core.windows.net` of `ACCOUNT.blob.core.windows.net`.
    pub suffix: String,
}

/// How addresses are told to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `https://127.0.0.1:PORT/ACCOUNT`.
    Path,
    /// `https://ACCOUNT.blob.SUFFIX`.
    Host,
}

/// Where blobs are reached.
#[derive(Debug)]
pub(super) struct Addresses {
    /// Where path-style addresses begin, as callers are told.
    first: String,
    /// All origins of path-style addresses.
    origins: Vec<String>,
    scheme: &'static str,
    port: u16,
    suffix: String,
    style: Style,
}

impl Addresses {
    /// Of a blob service at an origin of its own, which has one more name for each of `more`.
    pub fn new(
        (scheme, port): (&'static str, u16),
        first: String,
        more: &[&str],
        (suffix, style): (&str, Style),
    ) -> Self {
        let more = more.iter().map(|name| format!("{scheme}://{name}:{port}"));
        let origins = std::iter::once(first.clone()).chain(more).map(|own| plain(&own)).collect();
        Addresses { first, origins, scheme, port, suffix: suffix.to_lowercase(), style }
    }

    /// Where the blobs of all accounts are, path-style, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.first
    }

    /// Where an account is reached, as callers are told; without a slash at the end.
    pub fn of(&self, account: &str) -> String {
        match self.style {
            Style::Path => format!("{}/{account}", self.origin()),
            Style::Host => format!("{}://{account}.blob.{}", self.scheme, self.suffix),
        }
    }

    /// The account that a host names; `None` if it is none of the host-style names.
    pub fn account_of(&self, host: &str) -> Option<String> {
        let host = host.to_lowercase();
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        let account = name.strip_suffix(&self.suffix)?.strip_suffix(".blob.")?;
        let is_plain = account.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_plain && !account.is_empty()).then(|| account.to_owned())
    }

    /// Whether an address leads to this service, and with which account in its host's name.
    pub fn leads_here(&self, url: &Url) -> Option<Option<String>> {
        if self.origins.contains(&url.origin().ascii_serialization()) {
            return Some(None);
        }
        let is_here = url.scheme() == self.scheme
            && url.port_or_known_default().is_some_and(|port| port == self.port || port == 443);
        self.account_of(url.host_str().filter(|_| is_here)?).map(Some)
    }
}

/// As addresses are compared: `https://127.0.0.1:443` is `https://127.0.0.1`.
fn plain(origin: &str) -> String {
    Url::parse(origin).map_or_else(|_| origin.to_owned(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(port: u16, style: Style) -> Addresses {
        let first = format!("https://127.0.0.1:{port}");
        Addresses::new(("https", port), first, &["localhost"], ("core.windows.net", style))
    }

    #[test]
    fn an_account_is_told_in_the_style_that_was_asked_for() {
        assert_eq!(addresses(9, Style::Path).of("account1"), "https://127.0.0.1:9/account1");
        let of = addresses(443, Style::Host).of("account1");
        assert_eq!(of, "https://account1.blob.core.windows.net");
    }

    #[test]
    fn a_host_names_an_account_only_below_the_suffix() {
        let own = addresses(443, Style::Host);
        let named = |host: &str| own.account_of(host);
        assert_eq!(named("Account1.blob.core.windows.net:443").as_deref(), Some("account1"));
        for host in [
            "127.0.0.1",
            "blob.core.windows.net",
            ".blob.core.windows.net",
            "a.b.blob.core.windows.net",
            "account1.blob.core.windows.net.evil",
            "account1.file.core.windows.net",
        ] {
            assert_eq!(named(host), None, "{host}");
        }
    }

    #[test]
    fn an_address_leads_here_by_either_style_and_from_nowhere_else() {
        let own = addresses(443, Style::Path);
        let leads = |link: &str| own.leads_here(&Url::parse(link).unwrap());
        assert_eq!(leads("https://127.0.0.1/account1/c/b"), Some(None));
        assert_eq!(leads("https://localhost:443/account1/c/b"), Some(None));
        let named = Some(Some("account2".to_owned()));
        assert_eq!(leads("https://account2.blob.core.windows.net/c/b?sig=x"), named);
        for link in [
            "http://account2.blob.core.windows.net/c/b",
            "https://account2.blob.core.windows.net:444/c/b",
            "https://127.0.0.1:444/account1/c/b",
            "https://account2.blob.core.windows.net@evil/c/b",
        ] {
            assert_eq!(leads(link), None, "{link}");
        }
    }
}
