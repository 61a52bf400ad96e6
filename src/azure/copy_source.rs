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
    /// Of its account; that of the copy if there is none.
    pub(super) clients: Option<Arc<Clients>>,
}

impl CopySource {
    /// A blob of a container at the service.
    pub(super) fn at(clients: &Arc<Clients>, name: &str) -> Self {
        let (container, name) = (clients.name.clone(), name.to_owned());
        CopySource { container, name, clients: Some(Arc::clone(clients)) }
    }

    /// A blob of a container that is no service's.
    #[cfg(test)]
    pub fn played(container: &ContainerName, name: &str) -> Self {
        CopySource { container: container.clone(), name: name.to_owned(), clients: None }
    }

    /// The blob's name in its container.
    #[cfg(test)]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its plain address, and what opens it at each attempt.
    pub(super) fn opened(&self, own: &Arc<Clients>) -> (String, Arc<dyn Policy>) {
        let clients = Arc::clone(self.clients.as_ref().unwrap_or(own));
        let address = clients.blob_url(&self.container, &self.name);
        let plain = address.to_string();
        let container = self.container.clone();
        (plain, Arc::new(Opener { clients, address, container }))
    }
}

/// Opens the source for each attempt.
#[derive(Debug)]
struct Opener {
    clients: Arc<Clients>,
    address: Url,
    container: ContainerName,
}

impl Opener {
    async fn open(&self, request: &mut Request) -> azure_core::Result<()> {
        let mut address = self.address.clone();
        let token = self.clients.signer.open_source(&mut address, &self.container).await?;
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
        if !(is_closed && self.clients.signer.renew()) {
            return Ok(answer);
        }
        self.open(request).await?;
        first.send(ctx, request, rest).await
    }
}
