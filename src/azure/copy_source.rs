//! A blob that the service is to read for a copy. What opens it (a signature in its address, or a
//! token beside it) is asked for at each attempt, since a copy may be tried for longer than either
//! lasts; and once more if the service does not take the one that it was given.

use std::sync::Arc;

use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, StatusCode};
use disk_prep::noun::ContainerName;
use url::Url;

use super::clients::Clients;
use super::signer::Signer;

const ADDRESS: HeaderName = HeaderName::from_static("x-ms-copy-source");
const TOKEN: HeaderName = HeaderName::from_static("x-ms-copy-source-authorization");
const CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
/// "Put Blob From URL": the source could not be read with what the call brought for it.
const NOT_OPENED: &str = "CannotVerifyCopySource";

/// A blob that is copied from.
#[derive(Debug, Clone)]
pub struct CopySource {
    pub(super) container: ContainerName,
    pub(super) name: String,
    /// The snapshot that is copied; without it the blob itself.
    pub(super) snapshot: Option<String>,
    /// Of its account; that of the copy if there is none.
    pub(super) clients: Option<Arc<Clients>>,
}

impl CopySource {
    /// A blob of a container at the service.
    pub(super) fn at(clients: &Arc<Clients>, name: &str) -> Self {
        let (container, name) = (clients.name.clone(), name.to_owned());
        CopySource { container, name, snapshot: None, clients: Some(Arc::clone(clients)) }
    }

    /// A snapshot of a blob of a container at the service.
    pub(super) fn of_snapshot(clients: &Arc<Clients>, name: &str, snapshot: &str) -> Self {
        CopySource { snapshot: Some(snapshot.to_owned()), ..CopySource::at(clients, name) }
    }

    /// A blob of a container that is no service's.
    #[cfg(test)]
    pub fn played(container: &ContainerName, name: &str, snapshot: Option<&str>) -> Self {
        let (container, name) = (container.clone(), name.to_owned());
        CopySource { container, name, snapshot: snapshot.map(str::to_owned), clients: None }
    }

    /// The blob's name in its container.
    #[cfg(test)]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The snapshot of it.
    #[cfg(test)]
    pub fn snapshot(&self) -> Option<&str> {
        self.snapshot.as_deref()
    }

    /// Its plain address, and what opens it at each attempt.
    pub(super) fn opened(&self, own: &Arc<Clients>) -> (String, Arc<dyn Policy>) {
        let clients = Arc::clone(self.clients.as_ref().unwrap_or(own));
        let mut address = clients.blob_url(&self.container, &self.name);
        if let Some(id) = &self.snapshot {
            address.query_pairs_mut().append_pair("snapshot", id);
        }
        let plain = address.to_string();
        let container = self.container.clone();
        let signer = Arc::clone(&clients.signer);
        (plain, Arc::new(Opener { signer, address, container }))
    }
}

/// Opens the source for each attempt.
#[derive(Debug)]
struct Opener {
    signer: Arc<Signer>,
    address: Url,
    container: ContainerName,
}

impl Opener {
    async fn open(&self, request: &mut Request) -> azure_core::Result<()> {
        let mut address = self.address.clone();
        let token = self.signer.open_source(&mut address, &self.container).await?;
        request.insert_header(ADDRESS, address.to_string());
        if let Some(token) = token {
            request.insert_header(TOKEN, token);
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Policy for Opener {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let (first, rest) = next.split_first().expect("the transport comes last");
        self.open(request).await?;
        let answer = first.send(ctx, request, rest).await?;
        let is_closed = matches!(answer.status(), StatusCode::Unauthorized | StatusCode::Forbidden)
            && answer.headers().get_optional_str(&CODE) == Some(NOT_OPENED);
        // A token may end before its time; another is asked for once.
        if !(is_closed && self.signer.renew()) {
            return Ok(answer);
        }
        self.open(request).await?;
        first.send(ctx, request, rest).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use azure_core::http::headers::Headers;
    use azure_core::http::{AsyncRawResponse, Method};
    use disk_prep::sys::hold::hold;

    use super::*;
    use crate::azure::network::{Clear, Network};
    use crate::azure::played::{Answer, Played, answer};
    use crate::azure::principal::Proof;
    use crate::azure::runtime::block_on;
    use crate::azure::sign_in::{STORAGE_SCOPE, SignIn, Tokens};

    /// A service that takes no token but this one for a source; it keeps what it was brought.
    #[derive(Debug)]
    struct Takes(&'static str, Mutex<Vec<String>>);

    #[async_trait::async_trait]
    impl Policy for Takes {
        async fn send(
            &self,
            _: &Context,
            request: &mut Request,
            _: &[Arc<dyn Policy>],
        ) -> PolicyResult {
            let token = request.headers().get_optional_str(&TOKEN).unwrap_or_default().to_owned();
            let is_taken = token == format!("Bearer {}", self.0);
            hold(&self.1).push(token);
            let mut headers = Headers::new();
            if is_taken {
                return Ok(AsyncRawResponse::from_bytes(StatusCode::Created, headers, ""));
            }
            headers.insert(CODE, NOT_OPENED);
            Ok(AsyncRawResponse::from_bytes(StatusCode::Forbidden, headers, ""))
        }
    }

    fn token(word: &str) -> Answer {
        answer(200, "", &format!(r#"{{"access_token":"{word}","expires_in":3600}}"#))
    }

    #[test]
    fn a_token_for_the_source_that_runs_out_in_mid_copy_is_renewed_once() {
        for (takes, status) in [("two", StatusCode::Created), ("three", StatusCode::Forbidden)] {
            let played = Played::start(vec![token("one"), token("two"), token("three")]);
            let proof = Proof::Secret("secret".to_owned().into());
            let url = played.url("/token");
            let http = Network::default().client(&url, Clear::Loopback).unwrap();
            let sign_in = SignIn::Principal { url, client: "c".to_owned(), proof };
            let signer = Arc::new(Signer::of_tokens(Tokens::new(sign_in, http, STORAGE_SCOPE)));
            let address = Url::parse("https://h/seed/b").unwrap();
            let opener = Opener { signer, address, container: "seed".parse().unwrap() };
            let service = Arc::new(Takes(takes, Mutex::default()));
            let next: Vec<Arc<dyn Policy>> = vec![service.clone()];
            let mut request = Request::new(Url::parse("https://h/vault/b").unwrap(), Method::Put);
            let answer = block_on(opener.send(&Context::new(), &mut request, &next)).unwrap();
            assert_eq!(answer.status(), status);
            assert_eq!(*hold(&service.1), ["Bearer one", "Bearer two"]);
        }
    }
}
