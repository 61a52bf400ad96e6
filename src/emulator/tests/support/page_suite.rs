//! What azseed asks of page blobs of any blob service, by the official client: one suite for the
//! emulator and for Azurite. What Azurite lacks (a difference between snapshots, parts of a list,
//! its own checks of sizes and checksums) is not in it.

use std::collections::HashMap;

use azure_core::http::request::RequestContent;
use azure_storage_blobs::models::{
    BlobClientCreateSnapshotOptions, BlobClientCreateSnapshotResultHeaders,
    BlobClientDeleteOptions, BlobClientDownloadOptions, BlobClientGetPropertiesResultHeaders,
    BlobContainerClientListBlobsOptions, DeleteSnapshotsOptionType, HttpRange,
    ListBlobsIncludeItem, PageBlobClientCreateOptions,
};
use azure_storage_blobs::{BlobClient, BlobContainerClient};
use futures::TryStreamExt;

const PAGE: usize = 512;

/// Makes the container and goes through all of it.
pub async fn all(container: &BlobContainerClient) {
    container.create(None).await.unwrap();
    pages(container).await;
    snapshots(container).await;
}

async fn pages(container: &BlobContainerClient) {
    let blob = container.blob_client("disk");
    let disk = blob.page_blob_client();
    disk.create(8 * PAGE as u64, None).await.unwrap();
    assert_eq!(read(&blob).await, [0; 8 * PAGE]);
    assert_eq!(ranges(&blob).await, []);
    write(&blob, 1, &[1; 2 * PAGE]).await;
    write(&blob, 3, &[0; PAGE]).await;
    // A page of zeros that was written is there; one that was cleared is not.
    assert_eq!(merged(ranges(&blob).await), [(512, 2048)]);
    disk.clear_pages(range(2, 1), None).await.unwrap();
    assert_eq!(merged(ranges(&blob).await), [(512, 1024), (1536, 2048)]);
    let content = read(&blob).await;
    assert_eq!(content[PAGE..2 * PAGE], [1; PAGE]);
    assert_eq!(content[2 * PAGE..3 * PAGE], [0; PAGE]);
    disk.resize(4 * PAGE as u64, None).await.unwrap();
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(known.content_length().unwrap(), Some(4 * PAGE as u64));
    let outside =
        disk.upload_pages(RequestContent::from(vec![1; PAGE]), PAGE as u64, range(4, 1), None);
    assert!(outside.await.is_err(), "beyond the end");
    let options = PageBlobClientCreateOptions::default().if_not_exists();
    assert!(disk.create(512, Some(options)).await.is_err(), "it is there");
}

async fn snapshots(container: &BlobContainerClient) {
    let blob = container.blob_client("kept");
    blob.page_blob_client().create(4 * PAGE as u64, None).await.unwrap();
    write(&blob, 0, &[1; PAGE]).await;
    let metadata = Some(HashMap::from([("bk_owner".to_owned(), "me".to_owned())]));
    let options = BlobClientCreateSnapshotOptions { metadata, ..Default::default() };
    let first = blob.create_snapshot(Some(options)).await.unwrap().snapshot().unwrap().unwrap();
    write(&blob, 0, &[2; PAGE]).await;
    write(&blob, 3, &[3; PAGE]).await;
    let older = blob.with_snapshot(&first).unwrap();
    assert_eq!(read(&older).await[..PAGE], [1; PAGE]);
    assert_eq!(merged(ranges(&older).await), [(0, 512)]);
    assert_eq!(read(&blob).await[..PAGE], [2; PAGE]);
    let include = Some(vec![ListBlobsIncludeItem::Snapshots, ListBlobsIncludeItem::Metadata]);
    let options = BlobContainerClientListBlobsOptions {
        include,
        prefix: Some("kept".to_owned()),
        ..Default::default()
    };
    let found: Vec<_> = container.list_blobs(Some(options)).unwrap().try_collect().await.unwrap();
    let of = |at: usize| found[at].snapshot.clone();
    assert_eq!(found.len(), 2);
    assert_eq!(of(0).as_deref(), Some(first.as_str()), "snapshots come before their blob");
    assert_eq!(of(1), None);
    assert!(blob.delete(None).await.is_err(), "it has a snapshot");
    older.delete(None).await.unwrap();
    assert!(older.get_properties(None).await.is_err());
    blob.create_snapshot(None).await.unwrap();
    let include = BlobClientDeleteOptions {
        delete_snapshots: Some(DeleteSnapshotsOptionType::Include),
        ..Default::default()
    };
    blob.delete(Some(include)).await.unwrap();
    assert!(!blob.exists().await.unwrap());
}

fn range(page: usize, pages: usize) -> HttpRange {
    HttpRange::from(page * PAGE..(page + pages) * PAGE)
}

async fn write(blob: &BlobClient, page: usize, content: &[u8]) {
    let body = RequestContent::from(content.to_vec());
    let at = range(page, content.len() / PAGE);
    blob.page_blob_client().upload_pages(body, content.len() as u64, at, None).await.unwrap();
}

async fn read(blob: &BlobClient) -> Vec<u8> {
    let options = BlobClientDownloadOptions::default();
    blob.download(Some(options)).await.unwrap().body.collect().await.unwrap().to_vec()
}

/// First bytes and ends of the pages that are written.
async fn ranges(blob: &BlobClient) -> Vec<(i64, i64)> {
    let disk = blob.page_blob_client();
    let pages: Vec<_> = disk.list_page_ranges(None).unwrap().try_collect().await.unwrap();
    let mut found = Vec::new();
    for page in pages {
        for own in page.into_model().unwrap().page_ranges {
            found.push((own.start.unwrap(), own.end.unwrap() + 1));
        }
    }
    found
}

/// Neighbours as one: services differ in how finely they split.
fn merged(ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    let mut found: Vec<(i64, i64)> = Vec::new();
    for (start, end) in ranges {
        match found.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => found.push((start, end)),
        }
    }
    found
}
