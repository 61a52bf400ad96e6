//! How we get a token for the resource manager and for blobs: one that was given, that of a
//! service principal or workload identity, or the Azure CLI's. Tokens live in memory only.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use azure_core::credentials::TokenCredential;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};
use bytes::Bytes;
use disk_prep::sys::child;
use disk_prep::sys::hold::hold;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use tracing::info;
use url::Url;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::bounds::{self, Bounds, Failing, Meter};
use super::call::Call;
use super::error::Error;
use super::reason::Reason;
use super::transport::target;

/// A token is renewed so long before it ends.
const MARGIN: Duration = Duration::from_secs(300);
/// No token is taken to last longer, whatever its giver says.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// What the program of the user's sign-in has no business with.
const OUR_SECRETS: &[&str] =
    &["AZSEED_TOKEN", "AZSEED_ACCOUNT_KEY", "AZSEED_SAS", "AZSEED_PROXY", "AZURE_CLIENT_SECRET"];
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// For the resource manager.
pub(super) const ARM_SCOPE: &str = "https://management.azure.com/.default";
/// For blobs.
pub(super) const STORAGE_SCOPE: &str = "https://storage.azure.com/.default";

/// Where tokens come from.
pub(super) enum SignIn {
    /// `AZSEED_TOKEN`.
    Token(SecretString),
    /// `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, and what proves that it is they.
    Principal { url: Url, client: String, proof: Proof },
    /// `az login`.
    Cli,
}

/// What a program proves itself with.
pub(super) enum Proof {
    /// `AZURE_CLIENT_SECRET`.
    Secret(SecretString),
    /// `AZURE_FEDERATED_TOKEN_FILE`: written anew by whoever runs the workload, so read each time.
    TokenFile(PathBuf),
}

/// A token and how long it can be used.
struct CachedToken {
    token: SecretString,
    until: Instant,
}

impl CachedToken {
    fn new(token: SecretString, lifetime: Duration) -> Self {
        CachedToken { token, until: Instant::now() + lifetime.min(LONGEST_LIFETIME) }
    }
}

/// Tokens of one sign-in for one service; each is used until it is about to end.
pub(super) struct Tokens {
    sign_in: SignIn,
    http: reqwest::Client,
    scope: &'static str,
    held: Mutex<Option<CachedToken>>,
}

impl Tokens {
    /// Tokens of this kind; none is asked for yet.
    pub fn new(sign_in: SignIn, http: reqwest::Client, scope: &'static str) -> Self {
        Tokens { sign_in, http, scope, held: Mutex::new(None) }
    }

    /// The token that is held, or a new one.
    pub async fn token(&self) -> Result<SecretString, Error> {
        let held = || hold(&self.held);
        let is_fresh = |held: &&CachedToken| Instant::now() + MARGIN < held.until;
        let fresh = held().as_ref().filter(is_fresh).map(|held| held.token.clone());
        if let Some(token) = fresh {
            return Ok(token);
        }
        let new = self.sign_in.token(&self.http, self.scope).await?;
        info!(from = self.sign_in.name(), scope = self.scope, "signed in");
        let token = new.token.clone();
        *held() = Some(new);
        Ok(token)
    }

    /// Drops a token that a service does not take any more; whether there may be another.
    pub fn forget(&self) -> bool {
        *hold(&self.held) = None;
        !matches!(self.sign_in, SignIn::Token(_))
    }
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

/// What a variable of the environment says; an empty one says nothing. One that is no text is
/// refused: whoever set it wants it to be used.
pub fn variable(name: &'static str) -> Result<Option<String>, Error> {
    text(name, std::env::var_os(name))
}

fn text(name: &'static str, value: Option<OsString>) -> Result<Option<String>, Error> {
    let value = value.filter(|value| !value.is_empty()).map(OsString::into_string);
    value.transpose().map_err(|_| Error::Variable { name })
}

/// Runs the Azure CLI without our own secrets in its environment.
#[derive(Debug)]
struct WithoutSecrets;

#[async_trait::async_trait]
impl Executor for WithoutSecrets {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let own = |text: &OsStr| text.to_owned();
        let (program, args) = (own(program), args.iter().map(|arg| own(arg)).collect::<Vec<_>>());
        let run = move || {
            let args: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
            child::run_without(OUR_SECRETS, &program, &args)
        };
        tokio::task::spawn_blocking(run).await.map_err(io::Error::other)?
    }
}

impl SignIn {
    /// A token that was given, else the first of token, service principal and CLI that the
    /// environment offers.
    pub fn choose(given: Option<&SecretString>, authority: &Url) -> Result<Self, Error> {
        Self::choose_of(given, authority, &|name| std::env::var_os(name))
    }

    fn choose_of(
        given: Option<&SecretString>,
        authority: &Url,
        look: &dyn Fn(&'static str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let variable = |name| text(name, look(name));
        if let Some(token) = given {
            return Ok(SignIn::Token(token.clone()));
        }
        if let Some(token) = variable("AZSEED_TOKEN")? {
            return Ok(SignIn::Token(token.into()));
        }
        let secret = variable("AZURE_CLIENT_SECRET")?.map(|text| Proof::Secret(text.into()));
        let path = look("AZURE_FEDERATED_TOKEN_FILE").filter(|path| !path.is_empty());
        let proof = secret.or_else(|| path.map(|path| Proof::TokenFile(path.into())));
        let (Some(tenant), Some(client), Some(proof)) =
            (variable("AZURE_TENANT_ID")?, variable("AZURE_CLIENT_ID")?, proof)
        else {
            return Ok(SignIn::Cli);
        };
        let url = authority.join(&format!("{tenant}/oauth2/v2.0/token")).map_err(|_| {
            Error::Endpoint { endpoint: tenant, rule: "the tenant is a name or a GUID" }
        })?;
        Ok(SignIn::Principal { url, client, proof })
    }

    /// What a verbose run calls it.
    fn name(&self) -> &'static str {
        match self {
            SignIn::Token(_) => "a given token",
            SignIn::Principal { proof: Proof::Secret(_), .. } => "a service principal",
            SignIn::Principal { proof: Proof::TokenFile(_), .. } => "a workload identity",
            SignIn::Cli => "the Azure CLI",
        }
    }

    /// Gets a token.
    async fn token(&self, http: &reqwest::Client, scope: &str) -> Result<CachedToken, Error> {
        match self {
            SignIn::Token(token) => {
                Ok(CachedToken::new(token.clone(), Duration::from_secs(u32::MAX.into())))
            }
            SignIn::Principal { url, client, proof } => {
                principal(http, url, client, proof, scope).await
            }
            SignIn::Cli => {
                let executor: Option<Arc<dyn Executor>> = Some(Arc::new(WithoutSecrets));
                let options = AzureCliCredentialOptions { executor, ..Default::default() };
                let credential =
                    AzureCliCredential::new(Some(options)).map_err(|_| Error::NotSignedIn)?;
                let token = credential.get_token(&[scope], None).await;
                let token = token.map_err(|_| Error::NotSignedIn)?;
                Ok(CachedToken::new(
                    token.token.secret().to_owned().into(),
                    Duration::from_secs(900),
                ))
            }
        }
    }
}

async fn principal(
    http: &reqwest::Client,
    url: &Url,
    client: &str,
    proof: &Proof,
    scope: &str,
) -> Result<CachedToken, Error> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let form = form(client, proof, scope)?;
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
    let bounds = Bounds::default();
    let meter = Meter::new(&host, bounds.fault_bytes, bounds);
    let bytes = bounds::body(answer, meter).await.map_err(|failing| match failing {
        Failing::Network(source) => unreachable(source),
        Failing::Bound(error) => error.of_call(call()),
    })?;
    let refused = |message: String| Error::SignInRefused { message };
    let Ok(answer) = serde_json::from_slice::<Answer>(&bytes) else {
        return Err(refused(format!("{host} answered {status} without a reason")));
    };
    match answer.access_token {
        Some(token) => Ok(CachedToken::new(token, Duration::from_secs(answer.expires_in))),
        None => {
            let message = answer.error_description;
            Err(refused(message.unwrap_or_else(|| "no reason given".to_owned())))
        }
    }
}

/// What is sent to sign in, in a buffer that is cleared on drop.
fn form(client: &str, proof: &Proof, scope: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let given;
    let mut pairs =
        vec![("grant_type", "client_credentials"), ("client_id", client), ("scope", scope)];
    match proof {
        Proof::Secret(secret) => pairs.push(("client_secret", secret.expose_secret())),
        Proof::TokenFile(path) => {
            let unreadable = |source| Error::SecretUnreadable { path: path.clone(), source };
            given = std::fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable)?;
            pairs.push(("client_assertion_type", ASSERTION_TYPE));
            pairs.push(("client_assertion", given.trim()));
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
    use super::*;
    use crate::azure::network::{Clear, Network};
    use disk_prep::noun::Diagnose;
    use std::os::unix::ffi::OsStringExt;

    const PRINCIPAL: [(&str, &str); 2] =
        [("AZURE_TENANT_ID", "tenant"), ("AZURE_CLIENT_ID", "client")];

    fn choose(given: Option<&str>, variables: &[(&str, &str)]) -> Result<SignIn, Error> {
        let given = given.map(SecretString::from);
        let authority = Url::parse("https://login/").unwrap();
        SignIn::choose_of(given.as_ref(), &authority, &|name| {
            let (_, value) = variables.iter().find(|(own, _)| *own == name)?;
            Some(value.into())
        })
    }

    #[test]
    fn a_given_token_goes_before_all_and_the_cli_is_what_is_left() {
        let token = ("AZSEED_TOKEN", "t");
        let secret = ("AZURE_CLIENT_SECRET", "s");
        let file = ("AZURE_FEDERATED_TOKEN_FILE", "/run/t");
        let [tenant, client] = PRINCIPAL;
        for (given, variables, expected) in [
            (Some("given"), vec![token, tenant, client, secret], "a given token"),
            (None, vec![token, tenant, client, secret], "a given token"),
            (None, vec![tenant, client, secret, file], "a service principal"),
            (None, vec![tenant, client, file], "a workload identity"),
            (None, vec![tenant, client, ("AZURE_CLIENT_SECRET", ""), file], "a workload identity"),
            (None, vec![("AZSEED_TOKEN", ""), tenant, secret], "the Azure CLI"),
            (None, vec![tenant, client], "the Azure CLI"),
            (None, vec![], "the Azure CLI"),
        ] {
            assert_eq!(choose(given, &variables).unwrap().name(), expected, "{variables:?}");
        }
        let SignIn::Principal { url, .. } = choose(None, &[tenant, client, secret]).unwrap() else {
            panic!()
        };
        assert_eq!(url.as_str(), "https://login/tenant/oauth2/v2.0/token");
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused() {
        let none = Some(OsString::from_vec(vec![0xff]));
        assert_eq!(text("AZSEED_TOKEN", none).unwrap_err().code(), "variable-not-text");
        assert_eq!(text("AZSEED_TOKEN", Some(OsString::new())).unwrap(), None);
        assert_eq!(text("AZSEED_TOKEN", None).unwrap(), None);
    }

    #[test]
    fn what_is_sent_to_sign_in_is_encoded() {
        let secret = Proof::Secret("a&b=c d".to_owned().into());
        let sent = form("client", &secret, STORAGE_SCOPE).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&sent),
            "grant_type=client_credentials&client_id=client\
             &scope=https%3A%2F%2Fstorage.azure.com%2F.default&client_secret=a%26b%3Dc+d"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "x.y.z\n").unwrap();
        let sent = form("client", &Proof::TokenFile(path.clone()), ARM_SCOPE).unwrap();
        assert!(String::from_utf8_lossy(&sent).ends_with("&client_assertion=x.y.z"));
        std::fs::remove_file(&path).unwrap();
        let error = form("client", &Proof::TokenFile(path), ARM_SCOPE).unwrap_err();
        assert_eq!(error.code(), "secret-file-unreadable");
    }

    #[test]
    fn a_token_that_was_given_cannot_be_replaced() {
        let url = Url::parse("https://h/").unwrap();
        let http = Network::default().client(&url, Clear::Refused).unwrap();
        let tokens = |sign_in| Tokens::new(sign_in, http.clone(), ARM_SCOPE);
        assert!(!tokens(SignIn::Token("t".to_owned().into())).forget());
        assert!(tokens(SignIn::Cli).forget());
    }
}
