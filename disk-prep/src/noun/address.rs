//! Addresses as they are given to us. What is secret about one is apart from it from the start:
//! nothing that is shown, logged or compared can have it.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

/// An address of an endpoint or a proxy.
#[derive(Clone)]
pub struct Address {
    /// Without user info, query and fragment.
    url: Url,
    user: Option<User>,
    /// Whether there was a query or a fragment, which no endpoint has.
    had_query: bool,
}

/// Whom a proxy lets through.
#[derive(Debug, Clone)]
pub struct User {
    /// The name.
    pub name: SecretString,
    /// The password.
    pub password: SecretString,
}

/// A text that is no address. It is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not an address such as https://host:8443")]
pub struct InvalidAddress;

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        // The standard leaves line breaks and tabs out, which makes another host of two lines.
        if text.contains(|own: char| own.is_control() || own.is_whitespace()) {
            return Err(InvalidAddress);
        }
        let mut url = Url::parse(text).map_err(|_| InvalidAddress)?;
        if !url.has_host() {
            return Err(InvalidAddress);
        }
        let decoded = |text: &str| -> SecretString {
            percent_decode_str(text).decode_utf8_lossy().into_owned().into()
        };
        let is_user = !url.username().is_empty() || url.password().is_some();
        let user = is_user.then(|| User {
            name: decoded(url.username()),
            password: decoded(url.password().unwrap_or_default()),
        });
        let had_query = url.query().is_some() || url.fragment().is_some();
        url.set_username("").map_err(|()| InvalidAddress)?;
        url.set_password(None).map_err(|()| InvalidAddress)?;
        url.set_query(None);
        url.set_fragment(None);
        Ok(Address { url, user, had_query })
    }
}

impl Address {
    /// Host and path.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whom a proxy lets through.
    pub fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// Whether it had nothing but host and path.
    pub fn is_bare(&self) -> bool {
        self.user.is_none() && !self.had_query
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}{})", if self.is_bare() { "" } else { "***@" }, self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn what_is_secret_is_kept_apart() {
        let address: Address = "http://a%40b:p%2Fw@proxy:3128/x?sig=s#f".parse().unwrap();
        assert_eq!(address.to_string(), "http://proxy:3128/x");
        assert_eq!(format!("{address:?}"), "Address(***@http://proxy:3128/x)");
        let user = address.user().unwrap();
        assert_eq!((user.name.expose_secret(), user.password.expose_secret()), ("a@b", "p/w"));
        assert!(!address.is_bare());
        assert!("https://host/".parse::<Address>().unwrap().is_bare());
    }

    #[test]
    fn what_is_no_address_is_not_repeated() {
        for text in ["", "proxy", "http://user:SECRET@h:port", "mailto:SECRET", "http://"] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
