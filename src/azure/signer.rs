//! Authorizes calls to the blob service: by the account's key, by a shared access signature, by a
//! token. One policy for all three, at the end of the SDK's pipeline, so that each attempt is
//! signed anew.

use std::sync::Arc;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, StatusCode};
use disk_prep::noun::ContainerName;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::asked::Asked;
use super::credential::{BlobCredential, BlobOptions};
use super::error::Error;
use super::network::{Clear, https};
use super::shared_key::SharedKey;
use super::sign_in::{STORAGE_SCOPE, Tokens};

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

/// How far a clock may be off before nothing that is signed is taken.
const SLACK_MINUTES: i64 = 15;

/// When a signature ends, if it says so: a day, or a moment to the minute or the second.
fn end_of(query: &str) -> Option<Timestamp> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, end) = pairs.find(|(name, _)| name == "se")?;
    let plain = end.strip_suffix('Z').unwrap_or(&end);
    let at: civil::DateTime =
        plain.parse().ok().or_else(|| Some(plain.parse::<civil::Date>().ok()?.into()))?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Whether a signature says itself that nothing can be written with it: not added, created, written
/// or deleted. One that names a stored policy does not say.
fn is_read_only(sas: &str) -> bool {
    let mut pairs = url::form_urlencoded::parse(sas.trim_start_matches('?').as_bytes());
    let rights = pairs.find(|(name, _)| name == "sp");
    rights.is_some_and(|(_, rights)| !rights.contains(['a', 'c', 'w', 'd']))
}

/// Refuses what is no signature or one that is over, without saying it: a mistake in the file must not
/// look like a right that is missing.
fn check_sas(sas: &str, now: Timestamp) -> Result<(), Error> {
    let query = sas.trim_start_matches('?');
    let has = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.any(|(own, value)| own == name && !value.is_empty())
    };
    let rule = if query.is_empty() {
        "it is empty"
    } else if query.contains("://") {
        "it is a whole address"
    } else if query.chars().any(char::is_whitespace) {
        "it has blanks or lines in it"
    } else if !has("sig") || !has("sv") {
        "it lacks `sv=` or `sig=`"
    } else {
        return match end_of(query) {
            Some(ended) if now.duration_since(ended).as_mins() > SLACK_MINUTES => {
                Err(Error::SasOver { ended })
            }
            _ => Ok(()),
        };
    };
    Err(Error::Sas { rule })
}

impl Signer {
    /// For what opens the account.
    pub fn new(options: &BlobOptions, http: &reqwest::Client, clear: Clear) -> Result<Self, Error> {
        let credential = match &options.credential {
            BlobCredential::Key(key) => Signs::Key(SharedKey::new(options.account.clone(), key)?),
            BlobCredential::Sas(sas) => {
                check_sas(sas.expose_secret(), Timestamp::now())?;
                Signs::Sas(sas.clone())
            }
            BlobCredential::SignedIn(auth) => {
                let authority = https(&options.authority)?;
                Signs::Token(Tokens::choose(auth, &authority, http.clone(), STORAGE_SCOPE)?)
            }
        };
        let protocols = if clear == Clear::Loopback { "https,http" } else { "https" };
        Ok(Signer { credential, protocols })
    }

    /// By the signature of an address that opens a blob.
    pub fn of_link(query: SecretString) -> Result<Self, Error> {
        check_sas(query.expose_secret(), Timestamp::now())?;
        Ok(Signer { credential: Signs::Sas(query), protocols: "https" })
    }

    /// By these tokens.
    #[cfg(test)]
    pub fn of_tokens(tokens: Tokens) -> Self {
        Signer { credential: Signs::Token(tokens), protocols: "https" }
    }

    /// What it opens, and how: what a refusal means.
    pub fn asked(&self) -> Asked {
        match &self.credential {
            Signs::Key(_) => Asked::BlobsByKey,
            Signs::Sas(sas) if is_read_only(sas.expose_secret()) => Asked::BlobsByReadOnlySas,
            Signs::Sas(_) => Asked::BlobsBySas,
            Signs::Token(_) => Asked::Blobs,
        }
    }

    /// Drops what opened a source and was not taken; whether there may be another. A signature of
    /// ours is made anew each time, and one that was given is the only one.
    pub fn renew(&self) -> bool {
        match &self.credential {
            Signs::Token(tokens) => tokens.forget(),
            Signs::Key(_) | Signs::Sas(_) => false,
        }
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
        let answer = first.send(ctx, request, rest).await?;
        // A token may end before its time; another is asked for once.
        match &self.credential {
            Signs::Token(tokens)
                if answer.status() == StatusCode::Unauthorized && tokens.forget() =>
            {
                request.insert_header("authorization", header(tokens).await?);
                request.body_mut().reset().await?;
                first.send(ctx, request, rest).await
            }
            _ => Ok(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::cloud::BlobHome;
    use crate::azure::network::Network;
    use crate::azure::runtime::block_on;
    use crate::azure::sign_in::Auth;
    use azure_core::http::headers::Headers;
    use azure_core::http::{AsyncRawResponse, Method};
    use disk_prep::noun::{Diagnose, ErrorKind};

    fn signer(credential: BlobCredential, clear: Clear) -> Signer {
        let options = BlobOptions {
            limit: None,
            account: "account1".parse().unwrap(),
            home: BlobHome::Endpoint("https://h".parse().unwrap()),
            authority: "https://login".parse().unwrap(),
            network: Network::default(),
            credential,
        };
        let url = Url::parse("https://h/").unwrap();
        let http = options.network.client(&url, Clear::Refused).unwrap();
        Signer::new(&options, &http, clear).unwrap()
    }

    fn signed_in() -> BlobCredential {
        let token = Some("T".to_owned().into());
        BlobCredential::SignedIn(Auth { kind: None, token })
    }

    #[test]
    fn a_signature_that_is_over_says_so_itself_and_a_clock_may_be_off_a_little() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        for (end, is_over) in [
            ("2026-11-29T11:44:59Z", false),
            ("2026-11-29T11:43:00Z", true),
            ("2026-11-29T11%3A43Z", true),
            ("2026-11-29T13:00Z", false),
            ("2026-11-29", true),
            ("2026-11-30", false),
            ("tomorrow", false),
        ] {
            let checked = check_sas(&format!("sv=1&se={end}&sig=S"), now);
            assert_eq!(checked.is_err(), is_over, "{end}");
            let Err(error) = checked else { continue };
            assert_eq!((error.code(), error.kind()), ("sas-over", ErrorKind::NotAllowed));
            assert!(error.to_string().contains("2026-11-29T"), "{error}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_signature_for_reading_is_known_by_its_own_rights() {
        for (sas, reads) in [
            ("sv=1&sp=rl&sig=S", true),
            ("?sp=r&sv=1&sig=S", true),
            ("sv=1&sp=racwdl&sig=S", false),
            ("sv=1&sp=rl%77&sig=S", false),
            ("sv=1&si=policy&sig=S", false),
        ] {
            assert_eq!(is_read_only(sas), reads, "{sas}");
        }
        let sas = BlobCredential::Sas("sv=1&sp=rl&sig=S".to_owned().into());
        assert_eq!(signer(sas, Clear::Refused).asked(), Asked::BlobsByReadOnlySas);
    }

    #[test]
    fn what_is_no_signature_is_refused_before_anything_is_sent() {
        for sas in ["sv=1&sig=S", "?sv=1&se=2026-01-01T00%3A00%3A00Z&sig=a%2Bb%3D"] {
            assert!(check_sas(sas, Timestamp::UNIX_EPOCH).is_ok(), "{sas}");
        }
        let refused = |sas| check_sas(sas, Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        for (sas, rule) in [
            ("", "empty"),
            ("?", "empty"),
            ("https://x.blob.core.windows.net/c?sv=1&sig=S", "whole address"),
            ("sv=1&sig=S\nsv=1&sig=S", "blanks or lines"),
            ("sv=1&sig=", "`sig=`"),
            ("a key", "blanks"),
            ("a2V5", "`sig=`"),
        ] {
            assert!(refused(sas).ends_with(rule) || refused(sas).contains(rule), "{sas}");
            assert!(sas.is_empty() || sas == "?" || !refused(sas).contains(sas));
        }
    }

    /// What stands behind the signer.
    #[derive(Debug)]
    struct End;

    #[async_trait::async_trait]
    impl Policy for End {
        async fn send(&self, _: &Context, _: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
            Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), ""))
        }
    }

    /// A request as it leaves, after so many tries.
    fn sent(credential: BlobCredential, tries: usize) -> (String, Option<String>) {
        let signer = signer(credential, Clear::Refused);
        let url = Url::parse("https://h/c/b?comp=list").unwrap();
        let mut request = Request::new(url, Method::Get);
        let next: Vec<Arc<dyn Policy>> = vec![Arc::new(End)];
        for _ in 0..tries {
            block_on(signer.send(&Context::new(), &mut request, &next)).unwrap();
        }
        let mut own = request.headers().iter();
        let header = own.find(|(name, _)| name.as_str() == "authorization");
        (request.url().to_string(), header.map(|(_, value)| value.as_str().to_owned()))
    }

    #[test]
    fn each_try_is_signed_once_by_what_opens_the_account() {
        let sas = || BlobCredential::Sas("?sv=1&sig=S".to_owned().into());
        for tries in [1, 3] {
            let (url, header) = sent(sas(), tries);
            assert_eq!((url.as_str(), header), ("https://h/c/b?comp=list&sv=1&sig=S", None));
            let token = signed_in();
            let (url, header) = sent(token, tries);
            assert_eq!(
                (url.as_str(), header.as_deref()),
                ("https://h/c/b?comp=list", Some("Bearer T"))
            );
            let (_, header) = sent(BlobCredential::Key("a2V5".to_owned().into()), tries);
            assert!(header.unwrap().starts_with("SharedKey account1:"));
        }
    }

    #[test]
    fn a_source_is_opened_by_what_reads_it_and_no_more() {
        let opened = |credential, clear| {
            let mut address = Url::parse("https://h/seed/b").unwrap();
            let container = "seed".parse().unwrap();
            let signer = signer(credential, clear);
            let header = block_on(signer.open_source(&mut address, &container)).unwrap();
            (address.query().unwrap_or_default().to_owned(), header)
        };
        let key = || BlobCredential::Key("a2V5".to_owned().into());
        for (clear, protocols) in
            [(Clear::Refused, "&spr=https&"), (Clear::Loopback, "&spr=https%2Chttp&")]
        {
            let (query, header) = opened(key(), clear);
            assert!(query.contains("sr=c&sp=r&") && query.contains(protocols), "{query}");
            assert_eq!(header, None);
        }
        let sas = BlobCredential::Sas("?sv=1&sig=S".to_owned().into());
        assert_eq!(opened(sas, Clear::Refused), ("sv=1&sig=S".to_owned(), None));
        let token = signed_in();
        assert_eq!(opened(token, Clear::Refused), (String::new(), Some("Bearer T".to_owned())));
    }

    #[test]
    fn no_secret_is_shown() {
        for credential in [
            BlobCredential::Key("a2V5".to_owned().into()),
            BlobCredential::Sas("sv=1&sig=S".to_owned().into()),
            signed_in(),
        ] {
            let shown = format!("{:?}", signer(credential, Clear::Refused));
            assert!(shown.contains("(***)") && !shown.contains("sig=S"), "{shown}");
        }
    }
}
