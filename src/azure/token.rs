//! What a token says of whoever signed in. Its signature is the service's to check; here it is only
//! read, and nothing is decided by it but when to ask for another.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

/// Claims that are told (<https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>).
/// None of them is a secret.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    /// The tenant.
    #[serde(default)]
    pub tid: Option<String>,
    /// The principal.
    #[serde(default)]
    pub oid: Option<String>,
    /// The application, in tokens of the first version and of the second.
    #[serde(default, alias = "azp")]
    pub appid: Option<String>,
    /// The person, in tokens of the first version and of the second.
    #[serde(default, alias = "preferred_username")]
    pub upn: Option<String>,
    /// When it ends, in seconds of the epoch.
    #[serde(default)]
    exp: Option<i64>,
}

impl Claims {
    /// What a token says; nothing, if it is none of those that can be read.
    pub fn of(token: &str) -> Self {
        let payload = token.split('.').nth(1).unwrap_or_default();
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
        let Ok(bytes) = decoded.map(Zeroizing::new) else { return Claims::default() };
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// When it ends.
    pub fn until(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.exp?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_tells_who_and_until_when_and_one_that_cannot_be_read_tells_nothing() {
        let own = Claims::of(&token(r#"{"tid":"t","oid":"o","azp":"a","exp":1800000000,"x":[]}"#));
        assert_eq!((own.tid.as_deref(), own.oid.as_deref()), (Some("t"), Some("o")));
        assert_eq!(own.appid.as_deref(), Some("a"));
        assert_eq!(own.until().unwrap().to_string(), "2027-01-15T08:00:00Z");
        let own = Claims::of(&token(r#"{"upn":"ops@example.com","appid":"cli"}"#));
        assert_eq!((own.upn.as_deref(), own.until()), (Some("ops@example.com"), None));
        for odd in ["", "a", "a.b.c", "..", "a.!!.c", &token("[]"), &token("{\"exp\":\"soon\"}")] {
            assert_eq!(Claims::of(odd), Claims::default(), "{odd}");
        }
    }
}
