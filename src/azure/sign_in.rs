//! How we get a token for the resource manager and for blobs: one that was given, a service principal, or the
//! Azure CLI's. Tokens live in memory only.

use std::time::{Duration, Instant};

use azure_core::credentials::TokenCredential;
use azure_identity::AzureCliCredential;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::Error;

/// A token is renewed so long before it ends.
const MARGIN: Duration = Duration::from_secs(300);
/// For the resource manager.
pub(super) const ARM_SCOPE: &str = "https://management.azure.com/.default";
/// For blobs.
pub(super) const STORAGE_SCOPE: &str = "https://storage.azure.com/.default";

/// Where tokens come from.
pub(super) enum SignIn {
    /// `AZSEED_TOKEN`.
    Token(SecretString),
    /// `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`.
    Principal { url: Url, client: String, secret: SecretString },
    /// `az login`.
    Cli,
}

/// A token and how long it can be used.
pub(super) struct Held {
    pub token: SecretString,
    until: Instant,
}

impl Held {
    /// Whether it can still be used.
    pub fn is_fresh(&self) -> bool {
        Instant::now() + MARGIN < self.until
    }

    fn new(token: SecretString, lifetime: Duration) -> Self {
        Held { token, until: Instant::now() + lifetime }
    }
}

/// What the token endpoint answers.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    #[serde(default)]
    expires_in: u64,
    error_description: Option<String>,
}

impl SignIn {
    /// A token that was given, else the first of token, service principal and CLI that the
    /// environment offers.
    pub fn choose(given: Option<&SecretString>, authority: &Url) -> Result<Self, Error> {
        if let Some(token) = given {
            return Ok(SignIn::Token(token.clone()));
        }
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(token) = variable("AZSEED_TOKEN") {
            return Ok(SignIn::Token(token.into()));
        }
        let principal = (
            variable("AZURE_TENANT_ID"),
            variable("AZURE_CLIENT_ID"),
            variable("AZURE_CLIENT_SECRET"),
        );
        let (Some(tenant), Some(client), Some(secret)) = principal else { return Ok(SignIn::Cli) };
        let url = authority.join(&format!("{tenant}/oauth2/v2.0/token")).map_err(|_| {
            Error::Endpoint { endpoint: tenant, rule: "the tenant is a name or a GUID" }
        })?;
        Ok(SignIn::Principal { url, client, secret: secret.into() })
    }

    /// Gets a token.
    pub async fn token(&self, http: &reqwest::Client, scope: &str) -> Result<Held, Error> {
        match self {
            SignIn::Token(token) => {
                Ok(Held::new(token.clone(), Duration::from_secs(u32::MAX.into())))
            }
            SignIn::Principal { url, client, secret } => {
                principal(http, url, client, secret, scope).await
            }
            SignIn::Cli => {
                let credential = AzureCliCredential::new(None).map_err(|_| Error::NotSignedIn)?;
                let token = credential.get_token(&[scope], None).await;
                let token = token.map_err(|_| Error::NotSignedIn)?;
                Ok(Held::new(token.token.secret().to_owned().into(), Duration::from_secs(900)))
            }
        }
    }
}

async fn principal(
    http: &reqwest::Client,
    url: &Url,
    client: &str,
    secret: &SecretString,
    scope: &str,
) -> Result<Held, Error> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client)
        .append_pair("client_secret", secret.expose_secret())
        .append_pair("scope", scope)
        .finish();
    let sent = http
        .post(url.clone())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await;
    let unreachable =
        |source: reqwest::Error| Error::Unreachable { host: host.clone(), source: source.into() };
    let bytes = sent.map_err(unreachable)?.bytes().await.map_err(unreachable)?;
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|error| Error::Answer { host: host.clone(), fault: error.to_string() })?;
    match answer.access_token {
        Some(token) => Ok(Held::new(token.into(), Duration::from_secs(answer.expires_in))),
        None => {
            let message = answer.error_description.unwrap_or_else(|| "no reason given".to_owned());
            Err(Error::SignInRefused { message })
        }
    }
}
