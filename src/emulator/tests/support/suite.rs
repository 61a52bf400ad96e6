//! What azseed asks of any blob service, by the official client: one suite for the emulator, for
//! Azurite, and for a service behind the emulator.

use std::collections::HashMap;

use azure_core::error::ErrorKind;
use azure_core::http::Etag;
use azure_core::http::request::RequestContent;
use azure_storage_blobs::models::{
    BlobClientAcquireLeaseResultHeaders, BlobClientDeleteOptions, BlobClientDownloadOptions,
    BlobClientGetPropertiesResultHeaders, BlobContainerClientListBlobsOptions,
    BlockBlobClientUploadOptions, BlockListType, BlockLookupList, HttpRange, LeaseState,
};
use azure_storage_blobs::{BlobClient, BlobContainerClient};
use futures::TryStreamExt;
use md5::{Digest, Md5};

/// Makes the container and goes through all of it.
pub async fn all(container: &BlobContainerClient) {
    container.create(None).await.unwrap();
    expect(container.create(None).await, 409, "ContainerAlreadyExists");
    content_and_properties(container).await;
    blocks(container).await;
    conditions(container).await;
    lease(container).await;
    lists(container).await;
}

async fn content_and_properties(container: &BlobContainerClient) {
    let blob = container.blob_client("dir/file ü +.txt");
    let metadata = HashMap::from([("of".to_owned(), "a test".to_owned())]);
    let with_md5 = |content: &[u8]| BlockBlobClientUploadOptions {
        blob_content_md5: Some(Md5::digest(content).to_vec()),
        blob_content_type: Some("text/plain".to_owned()),
        metadata: Some(metadata.clone()),
        ..Default::default()
    };
    put(&blob, b"0123456789", with_md5(b"0123456789")).await.unwrap();
    assert_eq!(read(&blob, None).await, b"0123456789");
    assert_eq!(read(&blob, Some((3, 4))).await, b"3456");
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(known.content_length().unwrap(), Some(10));
    assert_eq!(known.content_type().unwrap().as_deref(), Some("text/plain"));
    assert_eq!(known.content_md5().unwrap(), Some(Md5::digest(b"0123456789").to_vec()));
    assert_eq!(known.metadata().unwrap(), metadata);
    let missing = container.blob_client("dir/none");
    expect(missing.download(None).await, 404, "BlobNotFound");
}

async fn blocks(container: &BlobContainerClient) {
    let whole = container.blob_client("blocks");
    let blob = whole.block_blob_client();
    for (id, content) in [(b"b", b"second "), (b"a", b"first  ")] {
        let body = RequestContent::from(content.to_vec());
        blob.stage_block(id, content.len() as u64, body, None).await.unwrap();
    }
    expect(whole.get_properties(None).await.map(drop), 404, "");
    let kept = blob.get_block_list(BlockListType::Uncommitted, None).await.unwrap();
    assert_eq!(kept.into_model().unwrap().uncommitted_blocks.unwrap().len(), 2);
    let commit = async |ids: &[&[u8]]| {
        let latest = Some(ids.iter().map(|id| id.to_vec()).collect());
        let list = BlockLookupList { latest, ..Default::default() };
        blob.commit_block_list(list.try_into().unwrap(), None).await.map(drop)
    };
    expect(commit(&[b"a", b"x"]).await, 400, "InvalidBlockList");
    commit(&[b"a", b"b"]).await.unwrap();
    assert_eq!(read(&whole, None).await, b"first  second ");
}

async fn conditions(container: &BlobContainerClient) {
    let blob = container.blob_client("once");
    let new = || BlockBlobClientUploadOptions::default().if_not_exists();
    let first = put(&blob, b"one", new()).await.unwrap();
    expect(put(&blob, b"two", new()).await, 409, "BlobAlreadyExists");
    let bound = |etag: &Etag| BlockBlobClientUploadOptions {
        if_match: Some(etag.clone()),
        ..Default::default()
    };
    let second = put(&blob, b"two", bound(&first)).await.unwrap();
    expect(put(&blob, b"three", bound(&first)).await, 412, "ConditionNotMet");
    let delete =
        |etag: Etag| BlobClientDeleteOptions { if_match: Some(etag), ..Default::default() };
    expect(blob.delete(Some(delete(first))).await, 412, "ConditionNotMet");
    assert_eq!(read(&blob, None).await, b"two");
    blob.delete(Some(delete(second))).await.unwrap();
    expect(blob.delete(None).await, 404, "BlobNotFound");
    // Whoever repeats a deletion whose answer was lost is told so, too.
    let gone = put(&blob, b"four", new()).await.unwrap();
    blob.delete(Some(delete(gone.clone()))).await.unwrap();
    expect(blob.delete(Some(delete(gone))).await, 412, "ConditionNotMet");
}

async fn lease(container: &BlobContainerClient) {
    let blob = container.blob_client("leased");
    let plain = BlockBlobClientUploadOptions::default;
    put(&blob, b"mine", plain()).await.unwrap();
    let lease = blob.acquire_lease(60, None).await.unwrap().lease_id().unwrap().unwrap();
    expect(put(&blob, b"yours", plain()).await, 412, "LeaseIdMissing");
    expect(blob.acquire_lease(60, None).await.map(drop), 409, "LeaseAlreadyPresent");
    let held = BlockBlobClientUploadOptions { lease_id: Some(lease.clone()), ..plain() };
    put(&blob, b"still mine", held).await.unwrap();
    blob.renew_lease(lease.clone(), None).await.unwrap();
    blob.release_lease(lease, None).await.unwrap();
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(known.lease_state().unwrap(), Some(LeaseState::Available));
    blob.delete(None).await.unwrap();
}

async fn lists(container: &BlobContainerClient) {
    let names: Vec<String> = (0..7).map(|number| format!("list/{number}")).collect();
    for name in &names {
        let blob = container.blob_client(name);
        put(&blob, name.as_bytes(), BlockBlobClientUploadOptions::default()).await.unwrap();
    }
    let options = BlobContainerClientListBlobsOptions {
        prefix: Some("list/".to_owned()),
        maxresults: Some(3),
        ..Default::default()
    };
    let found: Vec<_> = container.list_blobs(Some(options)).unwrap().try_collect().await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|item| (item.name.unwrap(), item.properties.unwrap().content_length.unwrap()))
        .collect();
    assert_eq!(found, names.into_iter().map(|name| (name, 6)).collect::<Vec<_>>());
}

async fn put(
    blob: &BlobClient,
    content: &[u8],
    options: BlockBlobClientUploadOptions<'_>,
) -> azure_core::Result<Etag> {
    let written = blob.upload(RequestContent::from(content.to_vec()), Some(options)).await?;
    Ok(written.etag.expect("a written blob has an ETag"))
}

/// A blob, or a stretch of it by offset and length.
pub async fn read(blob: &BlobClient, range: Option<(usize, usize)>) -> Vec<u8> {
    let range = range.map(|(start, bytes)| HttpRange::from(start..start + bytes));
    let options = BlobClientDownloadOptions { range, ..Default::default() };
    blob.download(Some(options)).await.unwrap().body.collect().await.unwrap().to_vec()
}

/// Expects a refusal with this status; an answer to HEAD has no body, so some have no code.
#[track_caller]
fn expect<T>(answer: azure_core::Result<T>, status: u16, code: &str) {
    let Err(error) = answer else { panic!("it was not refused") };
    let ErrorKind::HttpResponse { status: got, error_code, .. } = error.kind() else {
        panic!("no answer came: {error:?}")
    };
    let is_code = code.is_empty() || error_code.as_deref() == Some(code);
    assert!(u16::from(*got) == status && is_code, "{error:?}");
}
