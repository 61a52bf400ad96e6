//! Calls about page blobs that say no more than what they are for: lists of snapshots, copies that the
//! service makes by itself, and what it says of an account.

use std::sync::Arc;

use azure_storage_blobs::models::{
    BlobContainerClientListBlobsOptions, BlobServiceClientGetAccountInfoResultHeaders, HttpRange,
    ListBlobsIncludeItem, PageBlobClientUploadPagesFromUrlOptions,
};
use azure_storage_blobs::{BlobServiceClient, BlobServiceClientOptions};
use disk_prep::noun::Md5Digest;
use futures::TryStreamExt;
use url::Url;
use uuid::Uuid;

use super::clients::{Clients, SERVICE_VERSION, code, is_absent};
use super::copy_source::CopySource;
use super::error::Error;
use super::page_blob::{AccountFacts, CopiedFrom, SnapshotFacts};
use super::page_metadata::told;
use super::retry::Repeat;
use super::runtime::block_on;

/// The snapshot that an address of a copy's source names.
fn copied(address: &str) -> Option<CopiedFrom> {
    let mut url = Url::parse(address).ok()?;
    let snapshot = url.query_pairs().find(|(name, _)| name == "snapshot")?.1.into_owned();
    url.set_query(None);
    Some(CopiedFrom { address: url.to_string(), snapshot })
}

/// What the service answers where the same copy was begun before.
const BEGUN_BEFORE: [&str; 3] = [
    "PendingCopyOperation",
    "IncrementalCopyOfEarlierSnapshotNotAllowed",
    // The service has spelled it so.
    "IncrementalCopyOfEralierVersionSnapshotNotAllowed",
];

/// A lease that is held; the id of zeros is none.
pub(super) fn held(lease: Uuid) -> Option<String> {
    (!lease.is_nil()).then(|| lease.to_string())
}

/// The snapshots of all blobs of a container whose names begin so, the oldest first.
pub(super) fn snapshots(
    clients: &Clients,
    prefix: &str,
) -> Result<Vec<(String, SnapshotFacts)>, Error> {
    let include = Some(vec![
        ListBlobsIncludeItem::Snapshots,
        ListBlobsIncludeItem::Metadata,
        ListBlobsIncludeItem::Copy,
    ]);
    let options = BlobContainerClientListBlobsOptions {
        prefix: Some(prefix.to_owned()),
        include,
        ..Default::default()
    };
    let (client, book) = clients.container()?;
    let listed = block_on(async {
        let mut found = Vec::new();
        let mut items = client.list_blobs(Some(options))?;
        while let Some(item) = items.try_next().await? {
            let (Some(name), Some(id)) = (item.name, item.snapshot) else { continue };
            if !id.is_empty() {
                let metadata = item.metadata.and_then(|own| own.values);
                let metadata = told(metadata.unwrap_or_default());
                let own = item.properties;
                let copied = own.as_ref().and_then(|own| copied(own.copy_source.as_deref()?));
                let bytes = own.and_then(|own| own.content_length).unwrap_or(0);
                found.push((name, SnapshotFacts { id, metadata, bytes, copied }));
            }
        }
        Ok(found)
    });
    let mut found = match listed {
        Err(error) if is_absent(&error) => Vec::new(),
        other => other.map_err(|source| clients.failure(prefix, source, &book))?,
    };
    found.sort_by(|(_, one), (_, other)| one.id.cmp(&other.id));
    Ok(found)
}

/// Has the service write whole pages of a source at the same place.
pub(super) fn write_from(
    (clients, name): (&Arc<Clients>, &str),
    source: &CopySource,
    (start, end): (u64, u64),
    (md5, lease_id): (Option<Md5Digest>, Option<String>),
) -> Result<(), Error> {
    let (address, opener) = source.opened(clients);
    let mut client_options = clients.options.clone();
    client_options.per_try_policies.insert(0, opener);
    let options = PageBlobClientUploadPagesFromUrlOptions {
        lease_id,
        source_content_md5: md5.map(|own| own.bytes().to_vec()),
        ..Default::default()
    };
    let (blob, book) = clients.blob(name, client_options, Repeat::Harmless)?;
    // Both ranges are places in the whole blob.
    let place = || HttpRange::from(start..end);
    let client = blob.page_blob_client();
    let written = client.upload_pages_from_url(address, place(), 0, place(), Some(options));
    block_on(written).map(drop).map_err(|source| clients.failure(name, source, &book))
}

/// Has the service begin an incremental copy ("Incremental Copy Blob").
pub(super) fn copy_changes(
    (clients, name): (&Arc<Clients>, &str),
    source: &CopySource,
) -> Result<(), Error> {
    let (address, opener) = source.opened(clients);
    // The SDK keeps what stands in the address, and has no word for this call.
    let mut url = clients.blob_url(&clients.name, name);
    url.query_pairs_mut().append_pair("comp", "incrementalcopy");
    let mut client_options = clients.options.clone();
    client_options.per_try_policies.insert(0, opener);
    let (client, book) = clients.blob_at(url, name, client_options)?;
    match block_on(client.start_copy_from_url(address, None)) {
        Err(error) if !BEGUN_BEFORE.contains(&code(&error)) => {
            Err(clients.failure(name, error, &book))
        }
        _ => Ok(()),
    }
}

/// What the service says of an account; `None` if it says nothing to this caller.
pub(super) fn account(clients: &Clients) -> Option<AccountFacts> {
    let (client_options, _) = clients.retried(clients.options.clone(), Repeat::Harmless);
    let own = BlobServiceClientOptions { client_options, version: SERVICE_VERSION.to_owned() };
    let asked = BlobServiceClient::new(clients.base.clone(), None, Some(own));
    let told = asked.and_then(|client| {
        block_on(async {
            let told = client.get_account_info(None).await?;
            let sku = told.sku_name()?.map(|own| own.to_string()).unwrap_or_default();
            let has_folders = told.is_hierarchical_namespace_enabled()?.unwrap_or(false);
            Ok(AccountFacts { sku, has_folders })
        })
    });
    told.inspect_err(|error| tracing::info!(%error, "nothing is told of the account")).ok()
}
