//! Blobs that are written in one call: content, properties, metadata, digests.

use std::collections::HashMap;
use std::num::NonZero;

use azure_core::time::OffsetDateTime;
use azure_storage_blobs::models::{
    AccessTier, BlobClientDownloadOptions, BlobClientGetPropertiesResultHeaders,
    BlobClientSetPropertiesOptions, BlobType, BlockBlobClientUploadOptions, HttpRange,
};
use reqwest::Method;

use super::azure::{Azure, base64, etag, expect, md5, put, put_with, read, told};

fn pairs(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_blob_is_read_as_it_was_written() {
    let (azure, container) = Azure::with_box().await;
    let metadata = pairs(&[("source", "nas 1"), ("empty", "x")]);
    let options = BlockBlobClientUploadOptions {
        blob_content_type: Some("text/plain; charset=utf-8".to_owned()),
        blob_content_language: Some("de".to_owned()),
        blob_content_disposition: Some("inline".to_owned()),
        blob_cache_control: Some("no-cache".to_owned()),
        metadata: Some(metadata.clone()),
        ..Default::default()
    };
    let written = put_with(&container, "blob", b"content", options).await.unwrap();
    let blob = container.blob_client("blob");
    assert_eq!(read(&blob).await, b"content");
    assert_eq!(std::fs::read(azure.emulator.blob("box", "blob")).unwrap(), b"content");
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(known.etag().unwrap(), Some(written));
    assert_eq!(known.content_length().unwrap(), Some(7));
    assert_eq!(known.content_type().unwrap().as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!(known.content_language().unwrap().as_deref(), Some("de"));
    assert_eq!(known.content_disposition().unwrap().as_deref(), Some("inline"));
    assert_eq!(known.cache_control().unwrap().as_deref(), Some("no-cache"));
    assert_eq!(known.content_md5().unwrap(), None, "only if it was given");
    assert_eq!(known.blob_type().unwrap(), Some(BlobType::BlockBlob));
    assert_eq!(known.metadata().unwrap(), metadata);
    for time in [known.last_modified(), known.creation_time()] {
        let age = OffsetDateTime::now_utc() - time.unwrap().unwrap();
        assert!((0..60).contains(&age.whole_seconds()), "{age}");
    }
    let got = blob.download(None).await.unwrap();
    assert_eq!(got.properties.metadata, metadata);
    assert_eq!(got.properties.content_type.as_deref(), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn writing_again_replaces_content_and_properties_but_not_the_birthday() {
    let (_azure, container) = Azure::with_box().await;
    let options = BlockBlobClientUploadOptions {
        metadata: Some(pairs(&[("old", "1")])),
        blob_content_type: Some("text/plain".to_owned()),
        ..Default::default()
    };
    let before = put_with(&container, "blob", b"a long first content", options).await.unwrap();
    let blob = container.blob_client("blob");
    let born = blob.get_properties(None).await.unwrap().creation_time().unwrap();
    let after = put(&container, "blob", b"short").await;
    assert_ne!(before, after);
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(read(&blob).await, b"short");
    assert!(known.metadata().unwrap().is_empty());
    assert_eq!(known.content_type().unwrap().as_deref(), Some("application/octet-stream"));
    assert_eq!(known.creation_time().unwrap(), born);
}

#[tokio::test]
async fn any_stretch_of_a_blob_can_be_read() {
    let (azure, container) = Azure::with_box().await;
    let content: Vec<u8> = (0..3_000_000u32).map(|at| (at ^ (at >> 8)) as u8).collect();
    put(&container, "blob", &content).await;
    let blob = container.blob_client("blob");
    let end = content.len();
    for (start, stop) in
        [(0, 1), (1, 2), (0, end), (end - 1, end), (1 << 20, (1 << 20) + 7), (99, 2_500_001)]
    {
        let range = HttpRange::from(start..stop);
        let options = BlobClientDownloadOptions { range: Some(range), ..Default::default() };
        let got = blob.download(Some(options)).await.unwrap().body.collect().await.unwrap();
        assert_eq!(got, content[start..stop], "{start}..{stop}");
    }
    let options = BlobClientDownloadOptions {
        partition_size: NonZero::new(700_001),
        parallel: NonZero::new(3),
        ..Default::default()
    };
    let got = blob.download(Some(options)).await.unwrap().body.collect().await.unwrap();
    assert_eq!(got, content, "in parts at once");

    let ask =
        |name: &str, range: &str| told(azure.raw(Method::GET, "/box/blob").header(name, range));
    let got = ask("range", "bytes=2999998-").await;
    assert_eq!((got.status, got.header("content-range")), (206, "bytes 2999998-2999999/3000000"));
    let got = ask("x-ms-range", "bytes=2999999-9999999").await;
    assert_eq!((got.status, got.header("content-range")), (206, "bytes 2999999-2999999/3000000"));
    assert_eq!(got.header("content-length"), "1");
    for range in ["bytes=3000000-", "bytes=3000000-3000001", "bytes=5-4"] {
        assert_eq!(ask("range", range).await.refusal(), (416, "InvalidRange"), "{range}");
    }
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let (_azure, container) = Azure::with_box().await;
    put(&container, "empty", b"").await;
    let blob = container.blob_client("empty");
    assert_eq!(read(&blob).await, b"");
    assert_eq!(blob.get_properties(None).await.unwrap().content_length().unwrap(), Some(0));
}

#[tokio::test]
async fn properties_are_set_all_at_once_and_metadata_apart_from_them() {
    let (_azure, container) = Azure::with_box().await;
    let options = BlockBlobClientUploadOptions {
        blob_content_language: Some("de".to_owned()),
        metadata: Some(pairs(&[("old", "1")])),
        ..Default::default()
    };
    let written = put_with(&container, "blob", b"content", options).await.unwrap();
    let blob = container.blob_client("blob");
    let options = BlobClientSetPropertiesOptions {
        blob_content_type: Some("image/png".to_owned()),
        blob_content_encoding: Some("br".to_owned()),
        blob_content_md5: Some(md5(b"content")),
        ..Default::default()
    };
    blob.set_properties(Some(options)).await.unwrap();
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(known.content_type().unwrap().as_deref(), Some("image/png"));
    assert_eq!(known.content_encoding().unwrap().as_deref(), Some("br"));
    assert_eq!(known.content_language().unwrap(), None, "what was not sent is gone");
    assert_eq!(known.content_md5().unwrap(), Some(md5(b"content")));
    assert_eq!(known.metadata().unwrap(), pairs(&[("old", "1")]));
    assert_ne!(known.etag().unwrap(), Some(written));

    let before = etag(&blob).await;
    blob.set_metadata(&pairs(&[("new", "2"), ("more", "a b")]), None).await.unwrap();
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(known.metadata().unwrap(), pairs(&[("new", "2"), ("more", "a b")]));
    assert_eq!(known.content_type().unwrap().as_deref(), Some("image/png"));
    assert_ne!(known.etag().unwrap(), Some(before));
    blob.set_metadata(&HashMap::new(), None).await.unwrap();
    assert!(blob.get_properties(None).await.unwrap().metadata().unwrap().is_empty());
    assert_eq!(read(&blob).await, b"content");
}

#[tokio::test]
async fn a_tier_is_kept_and_changes_no_etag() {
    let (_azure, container) = Azure::with_box().await;
    let before = put(&container, "blob", b"content").await;
    let blob = container.blob_client("blob");
    blob.set_tier(AccessTier::Cool, None).await.unwrap();
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(known.access_tier().unwrap().as_deref(), Some("Cool"));
    assert_eq!(known.etag().unwrap(), Some(before));
}

#[tokio::test]
async fn a_deleted_blob_is_gone() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "dir/blob", b"content").await;
    let blob = container.blob_client("dir/blob");
    assert!(blob.exists().await.unwrap());
    blob.delete(None).await.unwrap();
    assert!(!blob.exists().await.unwrap());
    expect(blob.delete(None).await, 404, "BlobNotFound");
    expect(blob.download(None).await, 404, "BlobNotFound");
    expect(blob.set_metadata(&HashMap::new(), None).await, 404, "BlobNotFound");
    assert!(!azure.emulator.blob("box", "dir").exists());
    put(&container, "dir/blob", b"again").await;
    assert!(blob.get_properties(None).await.unwrap().metadata().unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_md5_is_refused_and_a_right_one_is_kept() {
    let (azure, container) = Azure::with_box().await;
    let with = |digest: Vec<u8>| BlockBlobClientUploadOptions {
        blob_content_md5: Some(digest),
        ..Default::default()
    };
    let wrong = put_with(&container, "blob", b"content", with(md5(b"else"))).await;
    expect(wrong, 400, "Md5Mismatch");
    assert!(!container.blob_client("blob").exists().await.unwrap());
    put_with(&container, "blob", b"content", with(md5(b"content"))).await.unwrap();
    let known = container.blob_client("blob").get_properties(None).await.unwrap();
    assert_eq!(known.content_md5().unwrap(), Some(md5(b"content")));

    let transported = |digest: Vec<u8>| {
        let put = azure.raw(Method::PUT, "/box/other").header("x-ms-blob-type", "BlockBlob");
        told(put.header("content-md5", base64(&digest)).body("content"))
    };
    assert_eq!(transported(md5(b"else")).await.refusal(), (400, "Md5Mismatch"));
    let answer = transported(md5(b"content")).await;
    assert_eq!((answer.status, answer.header("content-md5")), (201, &*base64(&md5(b"content"))));
    let head = told(azure.raw(Method::HEAD, "/box/other")).await;
    assert_eq!(head.header("content-md5"), base64(&md5(b"content")));
    let part = told(azure.raw(Method::GET, "/box/other").header("range", "bytes=0-2")).await;
    assert_eq!(part.header("x-ms-blob-content-md5"), base64(&md5(b"content")));
    assert_eq!(part.header("content-md5"), "", "it is not that of the stretch");
}

#[tokio::test]
async fn what_the_emulator_cannot_do_is_refused_and_changes_nothing() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    let calls = [
        azure.raw(Method::GET, "/box/blob?versionid=2026-01-01T00:00:00.0000000Z"),
        azure.raw(Method::PUT, "/box/blob?comp=tags"),
        azure.raw(Method::PUT, "/box/log").header("x-ms-blob-type", "AppendBlob"),
        azure.raw(Method::POST, "/box/blob"),
        azure.raw(Method::PUT, "?restype=service&comp=properties"),
    ];
    for call in calls {
        let told = told(call).await;
        assert_eq!(told.refusal(), (501, "NotImplemented"), "{told:?}");
    }
    assert_eq!(read(&container.blob_client("blob")).await, b"content");
    let answer = told(azure.raw(Method::PUT, "/box/x").body("x")).await;
    assert_eq!(answer.refusal(), (400, "MissingRequiredHeader"));
    let long = format!("/box/{}", "n".repeat(1025));
    let put = azure.raw(Method::PUT, &long).header("x-ms-blob-type", "BlockBlob").body("x");
    assert_eq!(told(put).await.refusal(), (400, "InvalidUri"));
}

#[tokio::test]
async fn an_error_is_told_in_header_and_body_but_without_a_body_to_head() {
    let (azure, _) = Azure::with_box().await;
    let get =
        told(azure.raw(Method::GET, "/box/none").header("x-ms-client-request-id", "me")).await;
    assert_eq!(get.refusal(), (404, "BlobNotFound"));
    assert_eq!(get.tags("Code"), ["BlobNotFound"]);
    assert_eq!(get.header("x-ms-client-request-id"), "me");
    assert_eq!(get.header("x-ms-version"), "2024-11-04");
    assert!(!get.header("x-ms-request-id").is_empty());
    let head = told(azure.raw(Method::HEAD, "/box/none")).await;
    assert_eq!((head.refusal(), head.text.as_str()), ((404, "BlobNotFound"), ""));
}
