//! Conditional headers.

use azure_core::http::Etag;
use azure_core::time::OffsetDateTime;
use azure_storage_blobs::models::{
    BlobClientDeleteOptions, BlobClientDownloadOptions, BlobClientGetPropertiesOptions,
    BlobClientSetMetadataOptions, BlockBlobClientUploadOptions,
};
use reqwest::Method;

use super::azure::{Azure, etag, expect, put, put_with, read, refused, told};

#[tokio::test]
async fn a_blob_that_must_be_new_is_written_once() {
    let (_azure, container) = Azure::with_box().await;
    let new = || BlockBlobClientUploadOptions::default().if_not_exists();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..8u8 {
        let container = container.blob_client("blob");
        writers.spawn(async move {
            let body = azure_core::http::request::RequestContent::from(vec![number]);
            container.upload(body, Some(new())).await.map(|_| number)
        });
    }
    let mut winners = Vec::new();
    while let Some(written) = writers.join_next().await {
        match written.unwrap() {
            Ok(number) => winners.push(number),
            other => expect(other, 409, "BlobAlreadyExists"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(read(&container.blob_client("blob")).await, winners);
    container.blob_client("blob").delete(None).await.unwrap();
    put_with(&container, "blob", b"new", new()).await.unwrap();
}

#[tokio::test]
async fn a_write_is_bound_to_the_etag_that_was_seen() {
    let (_azure, container) = Azure::with_box().await;
    let old = put(&container, "blob", b"old").await;
    let new = put(&container, "blob", b"new").await;
    let bound = |etag: &Etag| BlockBlobClientUploadOptions {
        if_match: Some(etag.clone()),
        ..Default::default()
    };
    let stale = put_with(&container, "blob", b"lost", bound(&old)).await;
    expect(stale, 412, "ConditionNotMet");
    assert_eq!(read(&container.blob_client("blob")).await, b"new");
    let newer = put_with(&container, "blob", b"newer", bound(&new)).await.unwrap();
    let any = Etag::from("*");
    put_with(&container, "blob", b"newest", bound(&any)).await.unwrap();
    expect(put_with(&container, "none", b"x", bound(&any)).await, 412, "ConditionNotMet");
    expect(put_with(&container, "none", b"x", bound(&newer)).await, 412, "ConditionNotMet");

    let blob = container.blob_client("blob");
    let options = |etag: &Etag| {
        Some(BlobClientSetMetadataOptions { if_match: Some(etag.clone()), ..Default::default() })
    };
    let none = Default::default();
    expect(blob.set_metadata(&none, options(&newer)).await, 412, "ConditionNotMet");
    blob.set_metadata(&none, options(&etag(&blob).await)).await.unwrap();
}

#[tokio::test]
async fn a_delete_is_bound_to_the_etag_that_was_seen() {
    let (_azure, container) = Azure::with_box().await;
    let old = put(&container, "blob", b"content").await;
    let new = put(&container, "blob", b"content").await;
    let blob = container.blob_client("blob");
    let bound =
        |etag: Etag| Some(BlobClientDeleteOptions { if_match: Some(etag), ..Default::default() });
    expect(blob.delete(bound(old)).await, 412, "ConditionNotMet");
    assert_eq!(read(&blob).await, b"content");
    blob.delete(bound(new.clone())).await.unwrap();
    expect(blob.delete(bound(new)).await, 412, "ConditionNotMet");
    expect(blob.delete(None).await, 404, "BlobNotFound");
}

#[tokio::test]
async fn a_read_is_bound_to_the_etag_that_was_seen() {
    let (azure, container) = Azure::with_box().await;
    let old = put(&container, "blob", b"old").await;
    let new = put(&container, "blob", b"new").await;
    let blob = container.blob_client("blob");
    let read = |if_match: Option<&Etag>, if_none_match: Option<&Etag>| {
        blob.download(Some(BlobClientDownloadOptions {
            if_match: if_match.cloned(),
            if_none_match: if_none_match.cloned(),
            ..Default::default()
        }))
    };
    expect(read(Some(&old), None).await, 412, "ConditionNotMet");
    read(Some(&new), None).await.unwrap();
    assert_eq!(refused(read(None, Some(&new)).await).0, 304);
    read(None, Some(&old)).await.unwrap();
    let options =
        BlobClientGetPropertiesOptions { if_none_match: Some(new.clone()), ..Default::default() };
    assert_eq!(refused(blob.get_properties(Some(options)).await).0, 304);

    let list = format!("{old}, {new}");
    let get =
        |name: &str, value: &str| told(azure.raw(Method::GET, "/box/blob").header(name, value));
    let same = get("if-none-match", &list).await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    assert_eq!(get("if-match", &list).await.status, 200);
}

#[tokio::test]
async fn times_bind_as_etags_do() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    let blob = container.blob_client("blob");
    let hour = std::time::Duration::from_secs(3600);
    let (past, future) = (OffsetDateTime::now_utc() - hour, OffsetDateTime::now_utc() + hour);
    let read = |modified: Option<OffsetDateTime>, unmodified: Option<OffsetDateTime>| {
        blob.download(Some(BlobClientDownloadOptions {
            if_modified_since: modified,
            if_unmodified_since: unmodified,
            ..Default::default()
        }))
    };
    read(Some(past), None).await.unwrap();
    assert_eq!(refused(read(Some(future), None).await).0, 304);
    read(None, Some(future)).await.unwrap();
    expect(read(None, Some(past)).await, 412, "ConditionNotMet");
    let delete = |modified: Option<OffsetDateTime>, unmodified: Option<OffsetDateTime>| {
        blob.delete(Some(BlobClientDeleteOptions {
            if_modified_since: modified,
            if_unmodified_since: unmodified,
            ..Default::default()
        }))
    };
    expect(delete(Some(future), None).await, 412, "ConditionNotMet");
    expect(delete(None, Some(past)).await, 412, "ConditionNotMet");
    // The time that the service itself gave means this very blob.
    let own = told(azure.raw(Method::HEAD, "/box/blob")).await;
    let since = azure.raw(Method::GET, "/box/blob");
    let since = since.header("if-modified-since", own.header("last-modified"));
    assert_eq!(told(since).await.status, 304);
    let since = azure.raw(Method::GET, "/box/blob");
    let since = since.header("if-unmodified-since", own.header("last-modified"));
    assert_eq!(told(since).await.status, 200);
    let bad = azure.raw(Method::GET, "/box/blob").header("if-modified-since", "yesterday");
    assert_eq!(told(bad).await.refusal(), (400, "InvalidHeaderValue"));
    delete(None, Some(future)).await.unwrap();
}
