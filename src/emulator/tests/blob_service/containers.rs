//! Containers.

use std::collections::HashMap;

use azure_core::time::OffsetDateTime;
use azure_storage_blobs::models::{
    BlobContainerClientAcquireLeaseResultHeaders, BlobContainerClientCreateOptions,
    BlobContainerClientDeleteOptions, BlobContainerClientGetPropertiesResultHeaders,
    BlobServiceClientListContainersOptions, LeaseState,
};
use futures::TryStreamExt;
use reqwest::Method;

use super::azure::{Azure, expect, put, told};

fn pairs(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_container_is_made_once_described_changed_and_deleted() {
    let azure = Azure::start();
    let container = azure.container("box");
    assert!(!container.exists().await.unwrap());
    let metadata = pairs(&[("origin", "nas"), ("note", "two words")]);
    let options = || BlobContainerClientCreateOptions {
        metadata: Some(metadata.clone()),
        ..Default::default()
    };
    container.create(Some(options())).await.unwrap();
    expect(container.create(None).await, 409, "ContainerAlreadyExists");
    let made = container.get_properties(None).await.unwrap();
    assert_eq!(made.metadata().unwrap(), metadata);
    assert_eq!(made.lease_state().unwrap(), Some(LeaseState::Available));
    let age = OffsetDateTime::now_utc() - made.last_modified().unwrap().unwrap();
    assert!((0..60).contains(&age.whole_seconds()), "{age}");

    let other = pairs(&[("origin", "tape")]);
    container.set_metadata(&other, None).await.unwrap();
    let changed = container.get_properties(None).await.unwrap();
    assert_eq!(changed.metadata().unwrap(), other, "the new metadata replaces the old");
    assert_ne!(changed.etag().unwrap(), made.etag().unwrap());

    container.delete(None).await.unwrap();
    assert!(!container.exists().await.unwrap());
    expect(container.delete(None).await, 404, "ContainerNotFound");
    expect(container.set_metadata(&other, None).await, 404, "ContainerNotFound");
    expect(container.blob_client("x").get_properties(None).await, 404, "ContainerNotFound");
    let listed: Result<Vec<_>, _> = container.list_blobs(None).unwrap().try_collect().await;
    expect(listed, 404, "ContainerNotFound");
    let write = azure.raw(Method::PUT, "/box/x").header("x-ms-blob-type", "BlockBlob").body("x");
    assert_eq!(told(write).await.refusal(), (404, "ContainerNotFound"));
    assert!(!container.exists().await.unwrap(), "a write makes no container");
}

#[tokio::test]
async fn containers_are_listed_by_prefix_in_pages() {
    let azure = Azure::start();
    let service = azure.by_token();
    let none: Vec<_> = service.list_containers(None).unwrap().try_collect().await.unwrap();
    assert!(none.is_empty());
    for name in ["backup-3", "backup-1", "archive", "backup-2", "zoo"] {
        let options = BlobContainerClientCreateOptions {
            metadata: Some(pairs(&[("of", name)])),
            ..Default::default()
        };
        service.blob_container_client(name).create(Some(options)).await.unwrap();
    }
    let options = BlobServiceClientListContainersOptions {
        prefix: Some("backup-".to_owned()),
        maxresults: Some(2),
        ..Default::default()
    };
    let pages = service.list_containers(Some(options)).unwrap().into_pages();
    let pages: Vec<_> = pages.try_collect().await.unwrap();
    let pages: Vec<Vec<String>> = pages
        .into_iter()
        .map(|page| page.into_model().unwrap().container_items)
        .map(|items| items.into_iter().map(|item| item.name.unwrap()).collect())
        .collect();
    assert_eq!(pages, [vec!["backup-1", "backup-2"], vec!["backup-3"]]);
    let all: Vec<_> = service.list_containers(None).unwrap().try_collect().await.unwrap();
    assert_eq!(all.len(), 5);
    assert_eq!(all[0].metadata, Some(pairs(&[("of", "archive")])));
}

#[tokio::test]
async fn a_container_goes_with_all_that_is_in_it() {
    let (azure, container) = Azure::with_box().await;
    for name in ["a", "a/b", "deep/er/blob"] {
        put(&container, name, b"x").await;
    }
    let block = azure.raw(Method::PUT, "/box/half?comp=block&blockid=AAAA").body("half");
    assert_eq!(told(block).await.status, 201);
    std::fs::create_dir_all(azure.emulator.blob("box", "empty/folder")).unwrap();
    let elsewhere = azure.folder.path("elsewhere");
    std::fs::write(&elsewhere, b"kept").unwrap();
    std::os::unix::fs::symlink(&elsewhere, azure.emulator.blob("box", "link")).unwrap();
    container.delete(None).await.unwrap();
    assert!(!container.exists().await.unwrap());
    assert_eq!(std::fs::read(&elsewhere).unwrap(), b"kept");
    container.create(None).await.unwrap();
    let left: Vec<_> = container.list_blobs(None).unwrap().try_collect().await.unwrap();
    assert!(left.is_empty());
    let blocks = azure.raw(Method::GET, "/box/half?comp=blocklist&blocklisttype=all");
    assert_eq!(told(blocks).await.refusal(), (404, "BlobNotFound"));
}

#[tokio::test]
async fn a_leased_container_is_deleted_only_by_its_holder() {
    let (_azure, container) = Azure::with_box().await;
    let lease = container.acquire_lease(-1, None).await.unwrap().lease_id().unwrap();
    let lease = lease.expect("a lease has an id");
    expect(container.delete(None).await, 412, "LeaseIdMissing");
    expect(container.acquire_lease(-1, None).await, 409, "LeaseAlreadyPresent");
    let with = |lease: String| {
        Some(BlobContainerClientDeleteOptions { lease_id: Some(lease), ..Default::default() })
    };
    let other = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".to_owned();
    assert_eq!(container.delete(with(other)).await.unwrap_err().http_status().unwrap(), 412);
    container.delete(with(lease)).await.unwrap();
}

#[tokio::test]
async fn a_container_that_changed_since_is_not_deleted() {
    let (_azure, container) = Azure::with_box().await;
    let hour = std::time::Duration::from_secs(3600);
    let before = |time| {
        Some(BlobContainerClientDeleteOptions {
            if_unmodified_since: Some(time),
            ..Default::default()
        })
    };
    let now = OffsetDateTime::now_utc();
    expect(container.delete(before(now - hour)).await, 412, "ConditionNotMet");
    container.delete(before(now + hour)).await.unwrap();
}

#[tokio::test]
async fn a_name_that_no_container_may_have_is_refused() {
    let azure = Azure::start();
    let long = "a".repeat(64);
    for name in ["Upper", "a--b", "-a-b", "under_score", "ab", &long, "%2e%2e%2fx"] {
        let told = told(azure.raw(Method::PUT, &format!("/{name}?restype=container"))).await;
        assert_eq!(told.refusal(), (400, "InvalidResourceName"), "{name}");
    }
    assert_eq!(told(azure.raw(Method::PUT, "/$root?restype=container")).await.status, 201);
}

#[tokio::test]
async fn what_every_blob_service_does_this_one_does() {
    let azure = Azure::start();
    crate::support::suite::all(&azure.by_key().blob_container_client("suite")).await;
}
