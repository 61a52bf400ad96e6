//! What a service principal with a certificate proves itself by: a statement of its own, signed with
//! the certificate's key.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use disk_prep::sys::given;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use rustls::SignatureScheme;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::error::Error;

/// How long a statement can be used; it is used at once.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// The statement of this application for the one who gives tokens.
pub(super) fn assertion(path: &Path, client: &str, audience: &Url) -> Result<String, Error> {
    let path = PathBuf::from(path);
    let unreadable = |source| Error::SecretUnreadable { path: path.clone(), source };
    let pem = given::read(&path, given::MOST_BYTES).map(Zeroizing::new).map_err(unreadable)?;
    let claims = claims(client, audience, Timestamp::now());
    signed(&pem, &claims).map_err(|rule| Error::ClientCertificate { path, rule })
}

fn claims(client: &str, audience: &Url, now: Timestamp) -> Value {
    let until = now.saturating_add(LIFETIME).unwrap_or(now).as_second();
    let now = now.as_second();
    json!({
        "aud": audience.as_str(), "iss": client, "sub": client, "jti": Uuid::new_v4().to_string(),
        "iat": now, "nbf": now, "exp": until,
    })
}

/// Claims in the form of a signed token.
fn signed(pem: &[u8], claims: &Value) -> Result<String, &'static str> {
    let certificate = CertificateDer::pem_slice_iter(pem).next();
    let certificate = certificate.and_then(Result::ok).ok_or("it has no certificate in PEM")?;
    let key = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| "it has no private key in PEM that is not locked by a password")?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key)
        .map_err(|_| "its private key is of a kind that cannot be used")?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]);
    let signer = signer.ok_or("its private key is none of RSA, and Azure takes no other")?;
    let header = json!({
        "alg": "PS256", "typ": "JWT",
        "x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)),
    });
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&header), part(claims));
    let signature = signer.sign(text.as_bytes()).map_err(|_| "its private key does not sign")?;
    Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_is_for_one_audience_and_a_few_minutes() {
        let audience = Url::parse("https://login/t/oauth2/v2.0/token").unwrap();
        let own = claims("client", &audience, Timestamp::from_second(1000).unwrap());
        assert_eq!((&own["aud"], &own["sub"]), (&audience.as_str().into(), &"client".into()));
        assert_eq!(
            (&own["iss"], &own["nbf"], &own["exp"]),
            (&"client".into(), &1000.into(), &1600.into())
        );
        let other = claims("client", &audience, Timestamp::from_second(1000).unwrap());
        assert_ne!(own["jti"], other["jti"]);
    }

    #[test]
    fn a_file_that_cannot_sign_is_refused_with_the_reason() {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let (cert, key) = (cert.pem(), signing_key.serialize_pem());
        let refused = |pem: &str| signed(pem.as_bytes(), &json!({})).unwrap_err();
        assert_eq!(refused(""), "it has no certificate in PEM");
        assert!(refused(&cert).starts_with("it has no private key"));
        // The key is one of an elliptic curve.
        assert!(refused(&format!("{cert}{key}")).contains("none of RSA"));
    }
}
