//! Blobs that are put together from blocks.

use std::collections::HashMap;
use std::num::NonZero;

use azure_core::http::request::RequestContent;
use azure_storage_blobs::BlockBlobClient;
use azure_storage_blobs::models::{
    BlobClientGetPropertiesResultHeaders, BlockBlobClientCommitBlockListOptions,
    BlockBlobClientStageBlockOptions, BlockBlobClientUploadOptions, BlockListType, BlockLookupList,
};
use reqwest::Method;

use super::azure::{Azure, base64, expect, md5, put, put_with, read, told};

async fn stage(blob: &BlockBlobClient, id: &str, content: &[u8]) {
    let body = RequestContent::from(content.to_vec());
    blob.stage_block(id.as_bytes(), content.len() as u64, body, None).await.unwrap();
}

fn ids(ids: &[&str]) -> Option<Vec<Vec<u8>>> {
    Some(ids.iter().map(|id| id.as_bytes().to_vec()).collect())
}

async fn commit(blob: &BlockBlobClient, list: BlockLookupList) -> azure_core::Result<()> {
    blob.commit_block_list(list.try_into()?, None).await.map(drop)
}

fn latest(own: &[&str]) -> BlockLookupList {
    BlockLookupList { latest: ids(own), ..Default::default() }
}

type Listed = Vec<(String, i64)>;

/// Committed and uncommitted blocks.
async fn listed(blob: &BlockBlobClient, which: BlockListType) -> (Listed, Listed) {
    let list = blob.get_block_list(which, None).await.unwrap().into_model().unwrap();
    let plain = |blocks: Option<Vec<azure_storage_blobs::models::Block>>| {
        let plain = |block: azure_storage_blobs::models::Block| {
            (String::from_utf8_lossy(&block.name.unwrap()).into_owned(), block.size.unwrap())
        };
        blocks.unwrap_or_default().into_iter().map(plain).collect()
    };
    (plain(list.committed_blocks), plain(list.uncommitted_blocks))
}

fn owned(pairs: &[(&str, i64)]) -> Listed {
    pairs.iter().map(|(id, bytes)| ((*id).to_owned(), *bytes)).collect()
}

#[tokio::test]
async fn a_blob_is_the_blocks_of_its_list_in_their_order() {
    let (_azure, container) = Azure::with_box().await;
    let whole = container.blob_client("dir/blob");
    let blob = whole.block_blob_client();
    // In base64 the last two have signs that a file name cannot hold or that a query changes.
    for (id, content) in
        [("one", "first "), ("two", "second "), ("\u{7ff}?", "third "), (">>>", "x")]
    {
        stage(&blob, id, content.as_bytes()).await;
    }
    stage(&blob, "two", b"SECOND ").await;
    assert!(!whole.exists().await.unwrap(), "blocks alone are no blob");
    let (committed, kept) = listed(&blob, BlockListType::All).await;
    assert!(committed.is_empty());
    assert_eq!(kept.len(), 4);
    assert!(kept.contains(&("two".to_owned(), 7)) && kept.contains(&(">>>".to_owned(), 1)));

    let options = BlockBlobClientCommitBlockListOptions {
        blob_content_type: Some("text/plain".to_owned()),
        blob_content_md5: Some(md5(b"whole")),
        metadata: Some(HashMap::from([("by".to_owned(), "blocks".to_owned())])),
        ..Default::default()
    };
    let list = latest(&["two", "\u{7ff}?", "one", "two"]).try_into().unwrap();
    blob.commit_block_list(list, Some(options)).await.unwrap();
    assert_eq!(read(&whole).await, b"SECOND third first SECOND ");
    let known = whole.get_properties(None).await.unwrap();
    assert_eq!(known.content_type().unwrap().as_deref(), Some("text/plain"));
    assert_eq!(known.content_md5().unwrap(), Some(md5(b"whole")), "kept as it was given");
    assert_eq!(known.metadata().unwrap()["by"], "blocks");
    let (committed, kept) = listed(&blob, BlockListType::All).await;
    assert_eq!(committed, owned(&[("two", 7), ("\u{7ff}?", 6), ("one", 6), ("two", 7)]));
    assert!(kept.is_empty(), "what was not used is dropped");
    assert_eq!(listed(&blob, BlockListType::Uncommitted).await, (vec![], vec![]));
}

#[tokio::test]
async fn blocks_of_a_blob_are_used_again_or_replaced() {
    let (_azure, container) = Azure::with_box().await;
    let whole = container.blob_client("blob");
    let blob = whole.block_blob_client();
    for id in ["a", "b", "c"] {
        stage(&blob, id, format!("{id}{id}").as_bytes()).await;
    }
    commit(&blob, latest(&["a", "b", "c"])).await.unwrap();
    stage(&blob, "b", b"BBB").await;
    assert_eq!(listed(&blob, BlockListType::Committed).await.0.len(), 3);
    assert_eq!(listed(&blob, BlockListType::Uncommitted).await, (vec![], owned(&[("b", 3)])));
    // The SDK writes committed ones first.
    let list =
        BlockLookupList { committed: ids(&["b", "a"]), uncommitted: ids(&["b"]), latest: None };
    commit(&blob, list).await.unwrap();
    assert_eq!(read(&whole).await, b"bbaaBBB");
    commit(&blob, latest(&["a"])).await.unwrap();
    assert_eq!(read(&whole).await, b"aa");
    commit(&blob, latest(&[])).await.unwrap();
    assert_eq!(read(&whole).await, b"");
}

#[tokio::test]
async fn a_list_with_an_unknown_block_changes_nothing() {
    let (azure, container) = Azure::with_box().await;
    let blob = container.blob_client("blob").block_blob_client();
    put(&container, "blob", b"before").await;
    stage(&blob, "one", b"1").await;
    for list in [
        latest(&["one", "two"]),
        BlockLookupList { committed: ids(&["one"]), ..Default::default() },
        BlockLookupList { uncommitted: ids(&["two"]), ..Default::default() },
    ] {
        expect(commit(&blob, list).await, 400, "InvalidBlockList");
    }
    let whole = format!("<BlockList><Latest>{}</Latest></BlockList>", base64(b"one"));
    for end in [0, 5, 11, 20, whole.len() - 13, whole.len() - 12, whole.len() - 1] {
        let put = azure.raw(Method::PUT, "/box/blob?comp=blocklist").body(whole[..end].to_owned());
        assert_eq!(told(put).await.status, 400, "{}", &whole[..end]);
    }
    assert_eq!(read(&container.blob_client("blob")).await, b"before");
    assert_eq!(listed(&blob, BlockListType::All).await.1, owned(&[("one", 1)]));
    commit(&blob, latest(&["one"])).await.unwrap();
    assert_eq!(read(&container.blob_client("blob")).await, b"1");
}

#[tokio::test]
async fn ids_of_a_blobs_blocks_have_one_length() {
    let (azure, container) = Azure::with_box().await;
    let blob = container.blob_client("blob").block_blob_client();
    stage(&blob, "one", b"1").await;
    let body = RequestContent::from(b"x".to_vec());
    expect(blob.stage_block(b"three", 1, body, None).await, 400, "InvalidBlobOrBlock");
    for id in ["", "%25%25", &base64(&[0; 65])] {
        let put = azure.raw(Method::PUT, &format!("/box/other?comp=block&blockid={id}")).body("x");
        assert_eq!(told(put).await.status, 400, "{id}");
    }
    let full =
        url::form_urlencoded::byte_serialize(base64(&[255; 64]).as_bytes()).collect::<String>();
    let put = azure.raw(Method::PUT, &format!("/box/other?comp=block&blockid={full}")).body("x");
    assert_eq!(told(put).await.status, 201, "64 bytes are allowed");
}

#[tokio::test]
async fn a_block_or_a_list_with_a_wrong_md5_is_refused() {
    let (_azure, container) = Azure::with_box().await;
    let blob = container.blob_client("blob").block_blob_client();
    let stage = |digest: Vec<u8>| {
        let options = BlockBlobClientStageBlockOptions {
            transactional_content_md5: Some(digest),
            ..Default::default()
        };
        blob.stage_block(b"id", 5, RequestContent::from(b"block".to_vec()), Some(options))
    };
    expect(stage(md5(b"other")).await, 400, "Md5Mismatch");
    expect(blob.get_block_list(BlockListType::All, None).await, 404, "BlobNotFound");
    stage(md5(b"block")).await.unwrap();
    let options = BlockBlobClientCommitBlockListOptions {
        transactional_content_md5: Some(md5(b"other")),
        ..Default::default()
    };
    let list = latest(&["id"]).try_into().unwrap();
    expect(blob.commit_block_list(list, Some(options)).await, 400, "Md5Mismatch");
    assert!(!container.blob_client("blob").exists().await.unwrap());
    commit(&blob, latest(&["id"])).await.unwrap();
    let known = container.blob_client("blob").get_properties(None).await.unwrap();
    assert_eq!(known.content_md5().unwrap(), None, "the service does not compute it");
}

#[tokio::test]
async fn a_large_blob_is_written_in_many_blocks_at_once() {
    let (azure, container) = Azure::with_box().await;
    let content: Vec<u8> = (0..5_000_000u32).map(|at| (at ^ (at >> 9)) as u8).collect();
    for service in [azure.by_token(), azure.by_key()] {
        let options = BlockBlobClientUploadOptions {
            partition_size: NonZero::new(300_007),
            parallel: NonZero::new(4),
            ..Default::default()
        };
        let own = service.blob_container_client("box");
        put_with(&own, "large", &content, options).await.unwrap();
        assert_eq!(read(&own.blob_client("large")).await, content);
        let blob = container.blob_client("large").block_blob_client();
        assert_eq!(listed(&blob, BlockListType::All).await.0.len(), 17);
        own.blob_client("large").delete(None).await.unwrap();
    }
}

#[tokio::test]
async fn deleting_a_blob_drops_its_blocks() {
    let (_azure, container) = Azure::with_box().await;
    let blob = container.blob_client("blob").block_blob_client();
    stage(&blob, "one", b"1").await;
    commit(&blob, latest(&["one"])).await.unwrap();
    stage(&blob, "two", b"2").await;
    container.blob_client("blob").delete(None).await.unwrap();
    expect(blob.get_block_list(BlockListType::All, None).await, 404, "BlobNotFound");
    expect(commit(&blob, latest(&["two"])).await, 400, "InvalidBlockList");
}
