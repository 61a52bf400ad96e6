//! A program that signs in as itself: by a secret, by a token of whoever runs it, or by a certificate.

use disk_prep::sys::given::read_text;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use url::Url;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::assertion::assertion;
use super::bounds::{self, Bounds, Failing, Meter};
use super::call::Call;
use super::error::{Error, Why};
use super::reason::Reason;
use super::stranger;
use super::transport::target;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a program proves itself with.
pub(super) enum Proof {
    /// `AZURE_CLIENT_SECRET`.
    Secret(SecretString),
    /// `AZURE_FEDERATED_TOKEN_FILE`: written anew by whoever runs the workload, so read each time.
    TokenFile(PathBuf),
    /// `AZURE_CLIENT_CERTIFICATE_PATH`: a certificate and its key.
    Certificate(PathBuf),
}

/// What the token endpoint answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(default, deserialize_with = "token")]
    access_token: Option<SecretString>,
    #[serde(default)]
    expires_in: u64,
    error_description: Option<String>,
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// A token for a program that signs in as itself.
pub(super) async fn principal(
    http: &reqwest::Client,
    url: &Url,
    client: &str,
    proof: &Proof,
    scope: &str,
) -> Result<(SecretString, Duration), Error> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let form = form(client, proof, scope, url)?;
    let begun = Instant::now();
    let call = || Call::new("POST", url, 1, begun.elapsed());
    let sent = http
        .post(url.clone())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_owner(form))
        .send()
        .await;
    let unreachable = |source: reqwest::Error| Error::Unreachable {
        host: host.clone(),
        call: Box::new(call().because(Reason::of(&source))),
    };
    let answer = sent.map_err(unreachable)?;
    let status = answer.status();
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        let call = Some(Box::new(call()));
        return Err(Error::Failing { host, status: status.as_u16(), call });
    }
    if status.is_redirection() {
        let location = answer.headers().get("location").and_then(|own| own.to_str().ok());
        return Err(Error::Redirected { to: target(location, url), host });
    }
    let header = |name| answer.headers().get(name).and_then(|own| own.to_str().ok());
    if let Some(fault) = stranger::of_calls(status.as_u16(), header) {
        return Err(Error::Stranger { host, fault, call: Some(Box::new(call())) });
    }
    let bounds = Bounds::default();
    let meter = Meter::new(&host, bounds.fault_bytes, bounds);
    let bytes = bounds::body(answer, meter).await.map_err(|failing| match failing {
        Failing::Network(source) => unreachable(source),
        Failing::Bound(error) => error.of_call(call()),
    })?;
    let refused = |message: String| Error::SignInRefused { why: Why::of(&message), message };
    let Ok(answer) = serde_json::from_slice::<Answer>(&bytes) else {
        return Err(refused(format!("{host} answered {status} without a reason")));
    };
    match answer.access_token {
        Some(token) => Ok((token, Duration::from_secs(answer.expires_in))),
        None => {
            let message = answer.error_description;
            Err(refused(message.unwrap_or_else(|| "no reason given".to_owned())))
        }
    }
}

/// What is sent to sign in, in a buffer that is cleared on drop.
fn form(client: &str, proof: &Proof, scope: &str, url: &Url) -> Result<Zeroizing<Vec<u8>>, Error> {
    let given;
    let mut pairs =
        vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", scope)];
    match proof {
        Proof::Secret(secret) => pairs.push(("client_secret", secret.expose_secret())),
        Proof::TokenFile(path) => {
            let unreadable = |source| Error::SecretUnreadable { path: path.clone(), source };
            given = read_text(path).map(Zeroizing::new).map_err(unreadable)?;
            pairs.push(("client_assertion_type", ASSERTION_TYPE));
            pairs.push(("client_assertion", given.trim()));
        }
        Proof::Certificate(path) => {
            given = Zeroizing::new(assertion(path, client, url)?);
            pairs.push(("client_assertion_type", ASSERTION_TYPE));
            pairs.push(("client_assertion", given.as_str()));
        }
    }
    // A byte becomes three at most.
    let room = pairs.iter().map(|(key, value)| 3 * (key.len() + value.len()) + 2).sum();
    let mut form = Zeroizing::new(Vec::with_capacity(room));
    for (key, value) in pairs {
        if !form.is_empty() {
            form.push(b'&');
        }
        form.extend_from_slice(key.as_bytes());
        form.push(b'=');
        for piece in byte_serialize(value.as_bytes()) {
            form.extend_from_slice(piece.as_bytes());
        }
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::Diagnose;

    use super::*;

    const SCOPE: &str = "https://storage.azure.com/.default";

    #[test]
    fn what_is_sent_to_sign_in_is_encoded() {
        let url = Url::parse("https://login/t/oauth2/v2.0/token").unwrap();
        let secret = Proof::Secret("a&b=c d".to_owned().into());
        let sent = form("client", &secret, SCOPE, &url).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&sent),
            "grant_type=client_credentials&client_id=client\
             &scope=https%3A%2F%2Fstorage.azure.com%2F.default&client_secret=a%26b%3Dc+d"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "x.y.z\n").unwrap();
        let sent = form("client", &Proof::TokenFile(path.clone()), SCOPE, &url).unwrap();
        assert!(String::from_utf8_lossy(&sent).ends_with("&client_assertion=x.y.z"));
        std::fs::remove_file(&path).unwrap();
        let error = form("client", &Proof::TokenFile(path), SCOPE, &url).unwrap_err();
        assert_eq!(error.code(), "secret-file-unreadable");
    }
}
