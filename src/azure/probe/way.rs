//! Straight to a host, or through a proxy: decided as the ordinary client decides it.

use hyper::header::HeaderValue;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::ExposeSecret;
use url::Url;

use crate::azure::network::Network;

/// How a host is reached.
pub(super) enum Way {
    Straight,
    Through(Proxy),
}

/// A proxy.
pub(super) struct Proxy {
    pub host: String,
    pub port: u16,
    /// Whether it is spoken to by TLS.
    pub is_encrypted: bool,
    pub authorization: Option<HeaderValue>,
}

impl Proxy {
    fn of(own: &Intercept) -> Option<Self> {
        let uri = own.uri();
        let is_encrypted = uri.scheme_str() == Some("https");
        Some(Proxy {
            host: uri.host()?.to_owned(),
            port: uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 }),
            is_encrypted,
            authorization: own.basic_auth().cloned(),
        })
    }

    /// Without whom it lets through.
    pub(super) fn told(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

pub(super) fn way(network: &Network, url: &Url) -> Way {
    let found = url.as_str().parse().ok().and_then(|uri| matcher(network).intercept(&uri));
    match found.as_ref().and_then(Proxy::of) {
        Some(proxy) => Way::Through(proxy),
        None => Way::Straight,
    }
}

/// The proxy that calls to an address go through, without user and password.
pub fn proxy_used(network: &Network, url: &Url) -> Option<String> {
    match way(network, url) {
        Way::Through(proxy) => Some(proxy.told()),
        Way::Straight => None,
    }
}

/// The proxy that was given holds for all, but for whom NO_PROXY names.
fn matcher(network: &Network) -> Matcher {
    let Some(given) = &network.proxy else { return Matcher::from_system() };
    let none = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy"));
    let mut url = given.url().clone();
    if let Some(user) = given.user() {
        // An address takes them encoded, and has a host.
        let _ = url.set_username(user.name.expose_secret());
        let _ = url.set_password(Some(user.password.expose_secret()));
    }
    Matcher::builder().all(String::from(url)).no(none.unwrap_or_default()).build()
}
