//! Leases of blobs.

use azure_storage_blobs::BlobClient;
use azure_storage_blobs::models::{
    BlobClientAcquireLeaseOptions, BlobClientAcquireLeaseResultHeaders,
    BlobClientBreakLeaseOptions, BlobClientBreakLeaseResultHeaders, BlobClientDeleteOptions,
    BlobClientGetPropertiesResultHeaders, BlobClientSetMetadataOptions,
    BlockBlobClientUploadOptions, LeaseState, LeaseStatus,
};

use super::azure::{Azure, etag, expect, put, put_with, read};

const ONE: &str = "11111111-2222-4333-8444-555555555555";
const TWO: &str = "66666666-7777-4888-9999-aaaaaaaaaaaa";

async fn acquire(blob: &BlobClient, id: &str, secs: i32) -> azure_core::Result<String> {
    let options = BlobClientAcquireLeaseOptions {
        proposed_lease_id: Some(id.to_owned()),
        ..Default::default()
    };
    let lease = blob.acquire_lease(secs, Some(options)).await?;
    Ok(lease.lease_id()?.expect("a lease has an id"))
}

async fn state(blob: &BlobClient) -> (LeaseState, LeaseStatus) {
    let known = blob.get_properties(None).await.unwrap();
    (known.lease_state().unwrap().unwrap(), known.lease_status().unwrap().unwrap())
}

#[tokio::test]
async fn a_leased_blob_is_changed_only_by_its_holder() {
    let (_azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    let blob = container.blob_client("blob");
    let before = etag(&blob).await;
    assert_eq!(acquire(&blob, ONE, 60).await.unwrap(), ONE);
    assert_eq!(etag(&blob).await, before, "a lease is no change of the blob");
    assert_eq!(state(&blob).await, (LeaseState::Leased, LeaseStatus::Locked));
    assert_eq!(read(&blob).await, b"content", "anybody may read");

    let with = |id: Option<&str>| BlockBlobClientUploadOptions {
        lease_id: id.map(str::to_owned),
        ..Default::default()
    };
    let metadata = |id: Option<&str>| {
        Some(BlobClientSetMetadataOptions { lease_id: id.map(str::to_owned), ..Default::default() })
    };
    let delete = |id: Option<&str>| {
        Some(BlobClientDeleteOptions { lease_id: id.map(str::to_owned), ..Default::default() })
    };
    let none = Default::default();
    let (missing, other) = ("LeaseIdMissing", "LeaseIdMismatchWithBlobOperation");
    expect(put_with(&container, "blob", b"x", with(None)).await, 412, missing);
    expect(put_with(&container, "blob", b"x", with(Some(TWO))).await, 412, other);
    expect(blob.set_metadata(&none, metadata(None)).await, 412, missing);
    expect(blob.set_metadata(&none, metadata(Some(TWO))).await, 412, other);
    expect(blob.delete(delete(None)).await, 412, missing);
    expect(blob.delete(delete(Some(TWO))).await, 412, other);
    let block = blob.block_blob_client();
    let body = azure_core::http::request::RequestContent::from(b"x".to_vec());
    expect(block.stage_block(b"id", 1, body, None).await, 412, missing);
    let list = azure_storage_blobs::models::BlockLookupList::default().try_into().unwrap();
    expect(block.commit_block_list(list, None).await, 412, missing);
    assert_eq!(read(&blob).await, b"content");

    put_with(&container, "blob", b"by its holder", with(Some(ONE))).await.unwrap();
    assert_eq!(state(&blob).await.0, LeaseState::Leased, "a write keeps the lease");
    blob.set_metadata(&none, metadata(Some(ONE))).await.unwrap();
    blob.delete(delete(Some(ONE))).await.unwrap();
    put(&container, "blob", b"new").await;
    assert_eq!(state(&blob).await.0, LeaseState::Available);
    let stray = put_with(&container, "blob", b"x", with(Some(ONE))).await;
    expect(stray, 412, "LeaseNotPresentWithBlobOperation");
}

#[tokio::test]
async fn a_lease_is_acquired_once_renewed_changed_and_released() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    let blob = container.blob_client("blob");
    expect(acquire(&container.blob_client("none"), ONE, 60).await, 404, "BlobNotFound");
    for secs in [0, 14, 61] {
        expect(acquire(&blob, ONE, secs).await, 400, "InvalidHeaderValue");
    }
    let given = blob.acquire_lease(15, None).await.unwrap().lease_id().unwrap().unwrap();
    blob.release_lease(given, None).await.unwrap();
    acquire(&blob, ONE, 60).await.unwrap();
    expect(acquire(&blob, TWO, 60).await, 409, "LeaseAlreadyPresent");
    assert_eq!(acquire(&blob, ONE, 60).await.unwrap(), ONE, "its holder may ask again");

    let mismatch = "LeaseIdMismatchWithLeaseOperation";
    expect(blob.renew_lease(TWO.to_owned(), None).await, 409, mismatch);
    expect(blob.release_lease(TWO.to_owned(), None).await, 409, mismatch);
    azure.emulator.forward("+40s");
    blob.renew_lease(ONE.to_owned(), None).await.unwrap();
    azure.emulator.forward("+40s");
    assert_eq!(state(&blob).await.0, LeaseState::Leased, "it was renewed");
    blob.change_lease(ONE.to_owned(), TWO.to_owned(), None).await.unwrap();
    expect(blob.release_lease(ONE.to_owned(), None).await, 409, mismatch);
    blob.release_lease(TWO.to_owned(), None).await.unwrap();
    assert_eq!(state(&blob).await, (LeaseState::Available, LeaseStatus::Unlocked));
    put(&container, "blob", b"free").await;
}

#[tokio::test]
async fn a_lease_ends_by_itself_unless_it_is_endless() {
    let (azure, container) = Azure::with_box().await;
    for name in ["short", "endless"] {
        put(&container, name, b"content").await;
    }
    let (short, endless) = (container.blob_client("short"), container.blob_client("endless"));
    acquire(&short, ONE, 15).await.unwrap();
    acquire(&endless, ONE, -1).await.unwrap();
    azure.emulator.forward("+16s");
    assert_eq!(state(&short).await, (LeaseState::Expired, LeaseStatus::Unlocked));
    assert_eq!(state(&endless).await, (LeaseState::Leased, LeaseStatus::Locked));
    acquire(&short, TWO, 15).await.unwrap();
    azure.emulator.forward("+1d");
    put(&container, "short", b"free").await;
    expect(acquire(&endless, TWO, 15).await, 409, "LeaseAlreadyPresent");
}

#[tokio::test]
async fn anybody_may_break_a_lease() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    let blob = container.blob_client("blob");
    let broken = async |period: Option<i32>| {
        let options = BlobClientBreakLeaseOptions { break_period: period, ..Default::default() };
        let answer = blob.break_lease(Some(options)).await?;
        Ok::<_, azure_core::Error>(answer.lease_time()?.expect("the service says how long"))
    };
    expect(broken(None).await, 409, "LeaseNotPresentWithLeaseOperation");
    acquire(&blob, ONE, -1).await.unwrap();
    assert_eq!(broken(None).await.unwrap(), 0, "an endless one ends at once");
    assert_eq!(state(&blob).await, (LeaseState::Broken, LeaseStatus::Unlocked));
    put(&container, "blob", b"free").await;

    acquire(&blob, ONE, -1).await.unwrap();
    assert_eq!(broken(Some(30)).await.unwrap(), 30);
    assert_eq!(state(&blob).await, (LeaseState::Breaking, LeaseStatus::Locked));
    expect(acquire(&blob, TWO, 15).await, 409, "LeaseAlreadyPresent");
    assert_eq!(
        blob.renew_lease(ONE.to_owned(), None).await.unwrap_err().http_status().unwrap(),
        409
    );
    assert!(broken(Some(60)).await.unwrap() <= 30, "breaking again makes it no longer");
    assert_eq!(broken(Some(5)).await.unwrap(), 5);
    azure.emulator.forward("+6s");
    acquire(&blob, TWO, 20).await.unwrap();
    let left = broken(Some(60)).await.unwrap();
    assert!((15..=20).contains(&left), "no longer than the lease itself: {left}");
    blob.release_lease(TWO.to_owned(), None).await.unwrap();
    acquire(&blob, ONE, 60).await.unwrap();
    let left = broken(None).await.unwrap();
    assert!((50..=60).contains(&left), "what is left of it: {left}");
}
