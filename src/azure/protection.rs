//! What keeps the blobs of a container from being changed, or deleted ones from being gone: asked of
//! the blob service itself, which tells it to whoever may read there.
//! <https://learn.microsoft.com/rest/api/storageservices/get-container-properties>,
//! <https://learn.microsoft.com/rest/api/storageservices/get-blob-service-properties>

use azure_storage_blobs::models::{
    BlobContainerClientGetPropertiesResultHeaders, BlobServiceProperties,
};
use azure_storage_blobs::{BlobServiceClient, BlobServiceClientOptions};
use disk_prep::noun::{Diagnose, ErrorKind};

use super::clients::{Clients, SERVICE_VERSION, is_absent};
use super::error::Error;
use super::retry::Repeat;
use super::runtime::block_on;

/// How blobs are kept, as far as the service tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Protection {
    /// Why blobs cannot be changed or deleted, if they cannot.
    pub held: Option<&'static str>,
    /// What becomes of deleted blobs; `None` if the service does not tell us.
    pub deleted: Option<Deleted>,
}

/// What becomes of deleted blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// They go at once.
    Gone,
    /// They are kept for so many days.
    Kept(u32),
}

/// Asks the service.
pub(super) fn protection(clients: &Clients) -> Result<Protection, Error> {
    let held = held(clients)?;
    match deleted(clients) {
        Ok(deleted) => Ok(Protection { held, deleted: Some(deleted) }),
        // A signature for one container does not open the account.
        Err(error) if matches!(error.kind(), ErrorKind::NotAllowed | ErrorKind::Refused) => {
            Ok(Protection { held, deleted: None })
        }
        Err(error) => Err(error),
    }
}

fn held(clients: &Clients) -> Result<Option<&'static str>, Error> {
    let (client, book) = clients.container()?;
    let about = match block_on(client.get_properties(None)) {
        Ok(about) => about,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(source) => return Err(clients.failure("", source, &book)),
    };
    // A header that is no word of truth says nothing.
    let is = |told: azure_core::Result<Option<bool>>| told.ok().flatten() == Some(true);
    Ok(if is(about.has_legal_hold()) {
        Some("a legal hold")
    } else if is(about.has_immutability_policy()) {
        Some("an immutability policy")
    } else {
        None
    })
}

fn deleted(clients: &Clients) -> Result<Deleted, Error> {
    let (client_options, book) = clients.retried(clients.options.clone(), Repeat::Harmless);
    let own = BlobServiceClientOptions { client_options, version: SERVICE_VERSION.to_owned() };
    let client = BlobServiceClient::new(clients.base.clone(), None, Some(own));
    let client = client.map_err(|source| clients.failure("", source, &book))?;
    let asked = block_on(async { client.get_properties(None).await?.into_model() });
    let told: BlobServiceProperties = asked.map_err(|source| clients.failure("", source, &book))?;
    let policy = told.delete_retention_policy.filter(|own| own.enabled == Some(true));
    let days = policy.map(|own| u32::try_from(own.days.unwrap_or(0)).unwrap_or(0));
    Ok(days.map_or(Deleted::Gone, Deleted::Kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::played::{Answer, Played, answer};
    use crate::azure::{BlobContainer, BlobCredential, BlobHome, BlobOptions, Container, Network};

    fn asked(answers: Vec<Answer>) -> Result<Protection, Error> {
        let played = Played::start(answers);
        let options = BlobOptions {
            account: "account1".parse().unwrap(),
            home: BlobHome::Endpoint(played.url("/").as_str().parse().unwrap()),
            authority: played.url("/").as_str().parse().unwrap(),
            network: Network::default(),
            credential: BlobCredential::Key("a2V5".to_owned().into()),
            limit: None,
        };
        BlobContainer::open(&options, "office".parse().unwrap()).unwrap().protection()
    }

    fn service(policy: &str) -> Answer {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><StorageServiceProperties>\
             <DeleteRetentionPolicy>{policy}</DeleteRetentionPolicy></StorageServiceProperties>"
        );
        answer(200, "x-ms-request-id: 1\r\ncontent-type: application/xml", &text)
    }

    #[test]
    fn what_holds_blobs_and_keeps_deleted_ones_is_told_as_far_as_we_may_know() {
        let container =
            |headers: &str| answer(200, &format!("x-ms-request-id: 1\r\n{headers}"), "");
        let (kept, gone) = ("<Enabled>true</Enabled><Days>7</Days>", "<Enabled>false</Enabled>");
        let told = |headers: &str, next| asked(vec![container(headers), next]).unwrap();
        assert_eq!(
            told("x-ms-has-legal-hold: true\r\nx-ms-has-immutability-policy: false", service(kept)),
            Protection { held: Some("a legal hold"), deleted: Some(Deleted::Kept(7)) }
        );
        assert_eq!(
            told("x-ms-has-immutability-policy: true", service(gone)),
            Protection { held: Some("an immutability policy"), deleted: Some(Deleted::Gone) }
        );
        let refused = "x-ms-error-code: AuthorizationFailure";
        assert_eq!(
            told("x-ms-has-legal-hold: no", answer(403, refused, "")),
            Protection::default()
        );
        let none = asked(vec![answer(403, refused, "")]).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotAllowed);
    }
}
