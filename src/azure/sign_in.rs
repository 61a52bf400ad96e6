//! How we get a token for the resource manager and for blobs: one that was given, that of a service
//! principal, a workload's or a machine's identity, or the Azure CLI's. Tokens live in memory only.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use azure_core::credentials::TokenCredential;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};
use disk_prep::noun::Address;
use disk_prep::sys::child;
use disk_prep::sys::hold::hold;
use secrecy::{ExposeSecret, SecretString};
use tracing::info;
use url::Url;

use super::error::Error;
use super::machine::machine;
use super::principal::{Proof, principal};

/// A token is renewed so long before it ends.
const MARGIN: Duration = Duration::from_secs(300);
/// No token is taken to last longer, whatever its giver says.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// What the program of the user's sign-in has no business with.
pub const OUR_SECRETS: &[&str] =
    &["AZSEED_TOKEN", "AZSEED_ACCOUNT_KEY", "AZSEED_SAS", "AZSEED_PROXY", "AZURE_CLIENT_SECRET"];
/// For the resource manager of the public cloud.
#[cfg(test)]
pub(super) const ARM_SCOPE: &str = "https://management.azure.com/.default";
/// For blobs.
pub(super) const STORAGE_SCOPE: &str = "https://storage.azure.com/.default";

/// What a token for the resource manager at an address is asked for with.
pub(super) fn scope(audience: &Address) -> String {
    format!("{}/.default", audience.url().as_str().trim_end_matches('/'))
}

/// How to sign in, where a person has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthKind {
    /// A service principal of the environment, by its secret or its certificate.
    Environment,
    /// The identity of whoever runs this as a workload.
    WorkloadIdentity,
    /// The identity that Azure gives a machine of its own.
    ManagedIdentity,
    /// Who is signed in with `az login`.
    AzureCli,
    /// A token that was given.
    Token,
}

impl AuthKind {
    /// Whether an application signs in with it, and not a person or a machine.
    pub fn is_of_application(self) -> bool {
        matches!(self, AuthKind::Environment | AuthKind::WorkloadIdentity)
    }

    /// As it is written behind `--auth`.
    pub fn word(self) -> &'static str {
        match self {
            AuthKind::Environment => "environment",
            AuthKind::WorkloadIdentity => "workload-identity",
            AuthKind::ManagedIdentity => "managed-identity",
            AuthKind::AzureCli => "azure-cli",
            AuthKind::Token => "token",
        }
    }
}

/// What a person says of how to sign in.
#[derive(Debug, Clone, Default)]
pub struct Auth {
    /// The kind that is to answer; without it, whatever there is.
    pub kind: Option<AuthKind>,
    /// A token to use.
    pub token: Option<SecretString>,
}

/// Where tokens come from.
pub(super) enum SignIn {
    /// `AZSEED_TOKEN`, or a file.
    Token(SecretString),
    /// `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, and what proves that it is they.
    Principal { url: Url, client: String, proof: Proof },
    /// This machine's, or one that it was given beside.
    Machine { client: Option<String> },
    /// `az login`.
    Cli,
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
    scope: String,
    is_chosen: bool,
    held: Mutex<Option<CachedToken>>,
}

impl Tokens {
    /// Tokens of this kind; none is asked for yet.
    pub fn new(sign_in: SignIn, http: reqwest::Client, scope: &str) -> Self {
        let scope = scope.to_owned();
        Tokens { sign_in, http, scope, is_chosen: false, held: Mutex::new(None) }
    }

    /// Of the kind that a person has chosen, or of what there is.
    pub fn choose(
        auth: &Auth,
        authority: &Url,
        http: reqwest::Client,
        scope: &str,
    ) -> Result<Self, Error> {
        let sign_in = SignIn::choose(auth.kind, auth.token.as_ref(), authority)?;
        let is_chosen = auth.kind.is_some();
        Ok(Tokens { is_chosen, ..Tokens::new(sign_in, http, scope) })
    }

    /// The token that is held, or a new one.
    pub async fn token(&self) -> Result<SecretString, Error> {
        let held = || hold(&self.held);
        let is_fresh = |held: &&CachedToken| Instant::now() + MARGIN < held.until;
        let fresh = held().as_ref().filter(is_fresh).map(|held| held.token.clone());
        if let Some(token) = fresh {
            return Ok(token);
        }
        let new = self.sign_in.token(&self.http, &self.scope).await;
        // Where nothing was chosen and nothing is there, the CLI is only what was left.
        let (token, lifetime) = new.map_err(|error| match error {
            Error::CliMissing if !self.is_chosen => Error::NotSignedIn,
            error => error,
        })?;
        // What no header takes would pass for a service that cannot be reached.
        if !token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(Error::TokenForm);
        }
        info!(from = self.sign_in.kind().word(), scope = self.scope, "signed in");
        *held() = Some(CachedToken::new(token.clone(), lifetime));
        Ok(token)
    }

    /// What answers, if it is asked.
    pub fn kind(&self) -> AuthKind {
        self.sign_in.kind()
    }

    /// Drops a token that a service does not take any more; whether there may be another.
    pub fn forget(&self) -> bool {
        *hold(&self.held) = None;
        !matches!(self.sign_in, SignIn::Token(_))
    }
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
    /// The kind that was chosen; else a token that was given, else the first of token, service
    /// principal and CLI that the environment offers.
    pub fn choose(
        kind: Option<AuthKind>,
        given: Option<&SecretString>,
        authority: &Url,
    ) -> Result<Self, Error> {
        let look = |name: &'static str| std::env::var_os(name);
        Environment { look: &look, authority }.choose(kind, given)
    }

    /// What it is, as one of the kinds that can be chosen.
    pub fn kind(&self) -> AuthKind {
        match self {
            SignIn::Token(_) => AuthKind::Token,
            SignIn::Principal { proof: Proof::TokenFile(_), .. } => AuthKind::WorkloadIdentity,
            SignIn::Principal { .. } => AuthKind::Environment,
            SignIn::Machine { .. } => AuthKind::ManagedIdentity,
            SignIn::Cli => AuthKind::AzureCli,
        }
    }

    /// Gets a token, and how long it can be used as far as its giver says it.
    async fn token(
        &self,
        http: &reqwest::Client,
        scope: &str,
    ) -> Result<(SecretString, Duration), Error> {
        match self {
            SignIn::Token(token) => Ok((token.clone(), Duration::from_secs(u32::MAX.into()))),
            SignIn::Principal { url, client, proof } => {
                principal(http, url, client, proof, scope).await
            }
            SignIn::Machine { client } => machine(client.clone(), scope).await,
            SignIn::Cli => {
                let executor: Option<Arc<dyn Executor>> = Some(Arc::new(WithoutSecrets));
                let options = AzureCliCredentialOptions { executor, ..Default::default() };
                let credential =
                    AzureCliCredential::new(Some(options)).map_err(|_| Error::NotSignedIn)?;
                let token = credential.get_token(&[scope], None).await.map_err(|error| {
                    // What else it says may be a part of a token.
                    match error.to_string().contains("not found") {
                        true => Error::CliMissing,
                        false => Error::CliSignedOut,
                    }
                })?;
                Ok((token.token.secret().to_owned().into(), Duration::from_secs(900)))
            }
        }
    }
}

/// What the environment offers to sign in with.
struct Environment<'a> {
    look: &'a dyn Fn(&'static str) -> Option<OsString>,
    authority: &'a Url,
}

impl Environment<'_> {
    fn choose(
        &self,
        kind: Option<AuthKind>,
        given: Option<&SecretString>,
    ) -> Result<SignIn, Error> {
        let token = match (given, kind) {
            (Some(_), Some(kind)) if kind != AuthKind::Token => {
                return Err(Error::AuthContradicted { kind: kind.word() });
            }
            (Some(token), _) => Some(token.clone()),
            (None, None | Some(AuthKind::Token)) => self.text("AZSEED_TOKEN")?.map(Into::into),
            (None, Some(_)) => None,
        };
        let lacks =
            |kind: AuthKind, missing| Error::SignInIncomplete { kind: kind.word(), missing };
        match (kind, token) {
            (_, Some(token)) => Ok(SignIn::Token(token)),
            (Some(kind @ AuthKind::Token), None) => {
                Err(lacks(kind, "`--token-file` or AZSEED_TOKEN"))
            }
            (Some(kind @ AuthKind::Environment), None) => {
                let missing = "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH";
                let proof = self.own_proof()?.ok_or_else(|| lacks(kind, missing))?;
                self.principal(proof)?.map_err(|missing| lacks(kind, missing))
            }
            (Some(kind @ AuthKind::WorkloadIdentity), None) => {
                let path = self.token_path().ok_or(lacks(kind, "AZURE_FEDERATED_TOKEN_FILE"))?;
                self.principal(Proof::TokenFile(path))?.map_err(|missing| lacks(kind, missing))
            }
            (Some(AuthKind::ManagedIdentity), None) => {
                Ok(SignIn::Machine { client: self.text("AZURE_CLIENT_ID")? })
            }
            (Some(AuthKind::AzureCli), None) => Ok(SignIn::Cli),
            (None, None) => {
                // A variable that is no text is told even if nothing comes of the others.
                let _ = (self.text("AZURE_TENANT_ID")?, self.text("AZURE_CLIENT_ID")?);
                let proof = self.own_proof()?.or_else(|| self.token_path().map(Proof::TokenFile));
                let principal = proof.map(|proof| self.principal(proof)).transpose()?;
                Ok(principal.and_then(Result::ok).unwrap_or(SignIn::Cli))
            }
        }
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, Error> {
        text(name, (self.look)(name))
    }

    fn path(&self, name: &'static str) -> Option<PathBuf> {
        (self.look)(name).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    fn token_path(&self) -> Option<PathBuf> {
        self.path("AZURE_FEDERATED_TOKEN_FILE")
    }

    fn own_proof(&self) -> Result<Option<Proof>, Error> {
        if let Some(secret) = self.text("AZURE_CLIENT_SECRET")? {
            return Ok(Some(Proof::Secret(secret.into())));
        }
        Ok(self.path("AZURE_CLIENT_CERTIFICATE_PATH").map(Proof::Certificate))
    }

    /// Who proves itself so; else the variable that is missing.
    fn principal(&self, proof: Proof) -> Result<Result<SignIn, &'static str>, Error> {
        let Some(tenant) = self.text("AZURE_TENANT_ID")? else { return Ok(Err("AZURE_TENANT_ID")) };
        let Some(client) = self.text("AZURE_CLIENT_ID")? else { return Ok(Err("AZURE_CLIENT_ID")) };
        let url = self.authority.join(&format!("{tenant}/oauth2/v2.0/token")).map_err(|_| {
            Error::Endpoint { endpoint: tenant, rule: "the tenant is a name or a GUID" }
        })?;
        Ok(Ok(SignIn::Principal { url, client, proof }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::network::{Clear, Network};
    use disk_prep::noun::Diagnose;
    use std::os::unix::ffi::OsStringExt;

    const PRINCIPAL: [(&str, &str); 2] =
        [("AZURE_TENANT_ID", "tenant"), ("AZURE_CLIENT_ID", "client")];

    fn chosen(
        kind: Option<AuthKind>,
        given: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<SignIn, Error> {
        let given = given.map(SecretString::from);
        let authority = Url::parse("https://login/").unwrap();
        let look = |name| {
            let (_, value) = variables.iter().find(|(own, _)| *own == name)?;
            Some(value.into())
        };
        Environment { look: &look, authority: &authority }.choose(kind, given.as_ref())
    }

    fn choose(given: Option<&str>, variables: &[(&str, &str)]) -> Result<SignIn, Error> {
        chosen(None, given, variables)
    }

    #[test]
    fn a_given_token_goes_before_all_and_the_cli_is_what_is_left() {
        let token = ("AZSEED_TOKEN", "t");
        let secret = ("AZURE_CLIENT_SECRET", "s");
        let file = ("AZURE_FEDERATED_TOKEN_FILE", "/run/t");
        let [tenant, client] = PRINCIPAL;
        let certificate = ("AZURE_CLIENT_CERTIFICATE_PATH", "/etc/c.pem");
        use AuthKind::{AzureCli, Environment, Token, WorkloadIdentity};
        for (given, variables, expected) in [
            (Some("given"), vec![token, tenant, client, secret], Token),
            (None, vec![token, tenant, client, secret], Token),
            (None, vec![tenant, client, secret, file], Environment),
            (None, vec![tenant, client, certificate, file], Environment),
            (None, vec![tenant, client, file], WorkloadIdentity),
            (None, vec![tenant, client, ("AZURE_CLIENT_SECRET", ""), file], WorkloadIdentity),
            (None, vec![("AZSEED_TOKEN", ""), tenant, secret], AzureCli),
            (None, vec![tenant, client], AzureCli),
            (None, vec![], AzureCli),
        ] {
            assert_eq!(choose(given, &variables).unwrap().kind(), expected, "{variables:?}");
        }
        let SignIn::Principal { url, .. } = choose(None, &[tenant, client, secret]).unwrap() else {
            panic!()
        };
        assert_eq!(url.as_str(), "https://login/tenant/oauth2/v2.0/token");
    }

    #[test]
    fn the_kind_that_was_chosen_answers_or_says_what_it_lacks() {
        use AuthKind::{AzureCli, Environment, ManagedIdentity, Token, WorkloadIdentity};
        let [tenant, client] = PRINCIPAL;
        let token = ("AZSEED_TOKEN", "t");
        let secret = ("AZURE_CLIENT_SECRET", "s");
        let file = ("AZURE_FEDERATED_TOKEN_FILE", "/run/t");
        let all = [token, tenant, client, secret, file];
        for kind in [Environment, WorkloadIdentity, ManagedIdentity, AzureCli, Token] {
            assert_eq!(chosen(Some(kind), None, &all).unwrap().kind(), kind);
        }
        let lacking = [
            (Token, vec![tenant, client, secret], "AZSEED_TOKEN"),
            (Environment, vec![token, tenant, client, file], "AZURE_CLIENT_SECRET"),
            (Environment, vec![client, secret], "AZURE_TENANT_ID"),
            (Environment, vec![tenant, secret], "AZURE_CLIENT_ID"),
            (WorkloadIdentity, vec![tenant, client, secret], "AZURE_FEDERATED_TOKEN_FILE"),
        ];
        for (kind, variables, missing) in lacking {
            let error = chosen(Some(kind), None, &variables).err().unwrap();
            assert_eq!(error.code(), "sign-in-incomplete");
            assert!(error.to_string().contains(missing), "{error}");
        }
        let error = chosen(Some(AzureCli), Some("given"), &[]).err().unwrap();
        assert_eq!(error.code(), "auth-contradicted");
        assert_eq!(chosen(Some(Token), Some("given"), &[]).unwrap().kind(), Token);
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused() {
        let none = Some(OsString::from_vec(vec![0xff]));
        assert_eq!(text("AZSEED_TOKEN", none).unwrap_err().code(), "variable-not-text");
        assert_eq!(text("AZSEED_TOKEN", Some(OsString::new())).unwrap(), None);
        assert_eq!(text("AZSEED_TOKEN", None).unwrap(), None);
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
