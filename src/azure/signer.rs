//! Authorizes calls to the blob service: by the account's key, by a shared access signature, by a
//! token. One policy for all three, at the end of the SDK's pipeline, so that each attempt is
//! signed anew.

use std::sync::Arc;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use disk_prep::noun::ContainerName;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::credential::{BlobCredential, BlobOptions};
use super::error::Error;
use super::network::{Clear, https};
use super::shared_key::SharedKey;
use super::sign_in::{STORAGE_SCOPE, SignIn, Tokens};

/// Authorizes each attempt of a call.
#[derive(Debug)]
pub(super) struct Signer {
    credential: Signs,
    /// What a SAS of ours may be used over.
    protocols: &'static str,
}

enum Signs {
    Key(SharedKey),
    Sas(SecretString),
    Token(Tokens),
}

impl std::fmt::Debug for Signs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Signs::Key(_) => "Key(***)",
            Signs::Sas(_) => "Sas(***)",
            Signs::Token(_) => "Token(***)",
        })
    }
}

/// Our own error stays inside, for whoever tells of it.
async fn header(tokens: &Tokens) -> azure_core::Result<String> {
    let token = tokens.token().await.map_err(|error| {
        azure_core::Error::with_error(CoreKind::Credential, error, "signing in failed")
    })?;
    Ok(format!("Bearer {}", token.expose_secret()))
}

fn add_query(url: &mut Url, query: &str) {
    let joined = match url.query() {
        Some(own) if !own.is_empty() => format!("{own}&{query}"),
        _ => query.to_owned(),
    };
    url.set_query(Some(&joined));
}

impl Signer {
    /// For what opens the account.
    pub fn new(options: &BlobOptions, http: &reqwest::Client, clear: Clear) -> Result<Self, Error> {
        let credential = match &options.credential {
            BlobCredential::Key(key) => Signs::Key(SharedKey::new(options.account.clone(), key)?),
            BlobCredential::Sas(sas) => Signs::Sas(sas.clone()),
            BlobCredential::SignedIn(token) => {
                let sign_in = SignIn::choose(token.as_ref(), &https(&options.authority)?)?;
                Signs::Token(Tokens::new(sign_in, http.clone(), STORAGE_SCOPE))
            }
        };
        let protocols = if clear == Clear::Loopback { "https,http" } else { "https" };
        Ok(Signer { credential, protocols })
    }

    /// Makes a source readable for the service: by its address, which then is a secret, or by
    /// the header that is returned.
    pub async fn open_source(
        &self,
        address: &mut Url,
        container: &ContainerName,
    ) -> azure_core::Result<Option<String>> {
        match &self.credential {
            Signs::Key(key) => {
                add_query(address, &key.read_sas(container, self.protocols, Timestamp::now()));
                Ok(None)
            }
            Signs::Sas(sas) => {
                add_query(address, sas.expose_secret().trim_start_matches('?'));
                Ok(None)
            }
            Signs::Token(tokens) => Ok(Some(header(tokens).await?)),
        }
    }
}

#[async_trait::async_trait]
impl Policy for Signer {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        match &self.credential {
            Signs::Key(key) => key.authorize(request, Timestamp::now()),
            Signs::Sas(sas) => {
                let sas = sas.expose_secret().trim_start_matches('?').to_owned();
                // An attempt before this one has added it already.
                if !request.url().query().unwrap_or_default().contains(&sas) {
                    add_query(request.url_mut(), &sas);
                }
            }
            Signs::Token(tokens) => {
                let header = header(tokens).await?;
                request.insert_header("authorization", header);
            }
        }
        let (first, rest) = next.split_first().expect("the transport comes last");
        first.send(ctx, request, rest).await
    }
}
