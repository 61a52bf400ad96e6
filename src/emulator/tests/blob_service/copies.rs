//! Copies that the service makes.

use std::collections::HashMap;

use azure_storage_blobs::BlobContainerClient;
use azure_storage_blobs::models::{
    BlobClientGetPropertiesResultHeaders, BlobClientStartCopyFromUrlOptions,
    BlobClientStartCopyFromUrlResultHeaders, BlockBlobClientUploadBlobFromUrlOptions,
    BlockBlobClientUploadOptions, CopyStatus,
};
use reqwest::Method;

use super::azure::{Azure, etag, expect, md5, put, put_with, read, refused, told};

type Options = BlockBlobClientUploadBlobFromUrlOptions<'static>;

/// A service with a blob `so urce/ä%` of some properties, and the blob's address.
async fn rig() -> (Azure, BlobContainerClient, String) {
    let (azure, container) = Azure::with_box().await;
    let options = BlockBlobClientUploadOptions {
        blob_content_type: Some("text/plain".to_owned()),
        metadata: Some(HashMap::from([("of".to_owned(), "source".to_owned())])),
        ..Default::default()
    };
    put_with(&container, NAME, b"content", options).await.unwrap();
    let address = container.blob_client(NAME).url().to_string();
    (azure, container, address)
}

const NAME: &str = "so urce/ä%";

async fn from_url(
    container: &BlobContainerClient,
    source: &str,
    options: Options,
) -> azure_core::Result<()> {
    let blob = container.blob_client("copy").block_blob_client();
    blob.upload_blob_from_url(source.to_owned(), Some(options)).await.map(drop)
}

#[tokio::test]
async fn a_blob_is_copied_by_the_service() {
    let (azure, container, address) = rig().await;
    let source = format!("{address}?{}", azure.sas("r", "box", Some(NAME)));
    let copy = container.blob_client("copy");
    let started = copy.start_copy_from_url(source.clone(), None).await.unwrap();
    let id = started.copy_id().unwrap().expect("a copy has an id");
    assert_eq!(started.copy_status().unwrap(), Some(CopyStatus::Success));
    assert_eq!(read(&copy).await, b"content");
    let known = copy.get_properties(None).await.unwrap();
    assert_eq!(known.copy_id().unwrap(), Some(id));
    assert_eq!(known.copy_status().unwrap(), Some(CopyStatus::Success));
    assert_eq!(known.content_type().unwrap().as_deref(), Some("text/plain"));
    assert_eq!(known.metadata().unwrap()["of"], "source");
    let named = known.copy_source().unwrap().unwrap();
    assert!(!named.contains("sig="), "the signature is not kept: {named}");

    let options = BlobClientStartCopyFromUrlOptions {
        metadata: Some(HashMap::from([("of".to_owned(), "copy".to_owned())])),
        ..Default::default()
    };
    copy.start_copy_from_url(source, Some(options)).await.unwrap();
    assert_eq!(copy.get_properties(None).await.unwrap().metadata().unwrap()["of"], "copy");
    put(&container, "copy", b"by hand").await;
    assert_eq!(copy.get_properties(None).await.unwrap().copy_id().unwrap(), None);
}

#[tokio::test]
async fn a_copy_from_a_url_is_compared_with_the_md5_of_the_source() {
    let (azure, container, address) = rig().await;
    let source = format!("{address}?{}", azure.sas("r", "box", None));
    let expected = |digest: Vec<u8>| Options {
        source_content_md5: Some(digest.clone()),
        blob_content_md5: Some(digest),
        copy_source_blob_properties: Some(false),
        blob_content_type: Some("image/png".to_owned()),
        ..Default::default()
    };
    expect(from_url(&container, &source, expected(md5(b"else"))).await, 400, "Md5Mismatch");
    let only = Options { source_content_md5: Some(md5(b"else")), ..Default::default() };
    expect(from_url(&container, &source, only).await, 400, "Md5Mismatch");
    let copy = container.blob_client("copy");
    assert!(!copy.exists().await.unwrap());
    from_url(&container, &source, expected(md5(b"content"))).await.unwrap();
    assert_eq!(read(&copy).await, b"content");
    let known = copy.get_properties(None).await.unwrap();
    assert_eq!(known.content_md5().unwrap(), Some(md5(b"content")));
    assert_eq!(known.content_type().unwrap().as_deref(), Some("image/png"));
    assert!(known.metadata().unwrap().is_empty());
    from_url(&container, &source, Options::default()).await.unwrap();
    let known = copy.get_properties(None).await.unwrap();
    assert_eq!(known.content_type().unwrap().as_deref(), Some("text/plain"), "the source's own");
}

#[tokio::test]
async fn a_private_source_must_be_opened_by_its_own_right() {
    let (azure, container, address) = rig().await;
    azure.container("other").create(None).await.unwrap();
    let copy = container.blob_client("copy");
    let code = "CannotVerifyCopySource";
    let closed = [
        address.clone(),
        format!("{address}?{}", azure.sas("wdl", "box", None)),
        format!("{address}?{}", azure.sas("r", "other", None)),
        format!("{address}?{}", azure.sas("r", "box", Some("copy"))),
        format!(
            "{address}?{}",
            azure.sas_until("r", "box", None, "2020-01-01T00:00:00Z".parse().unwrap())
        ),
    ];
    for source in closed {
        expect(from_url(&container, &source, Options::default()).await, 403, code);
        expect(copy.start_copy_from_url(source, None).await, 403, code);
    }
    let by_token = |token: String| Options {
        copy_source_authorization: Some(format!("Bearer {token}")),
        ..Default::default()
    };
    let token = azure.emulator.fact("token").to_owned();
    let wrong = from_url(&container, &address, by_token(format!("{token}x"))).await;
    expect(wrong, 403, code);
    assert!(!copy.exists().await.unwrap());
    from_url(&container, &address, by_token(token)).await.unwrap();
    assert_eq!(read(&copy).await, b"content");
    copy.delete(None).await.unwrap();
    let sas = format!("{address}?{}", azure.sas("r", "box", Some(NAME)));
    from_url(&container, &sas, Options::default()).await.unwrap();
    assert_eq!(read(&copy).await, b"content");
}

#[tokio::test]
async fn the_right_to_read_the_source_is_no_right_to_write_the_copy() {
    let (azure, _, address) = rig().await;
    let sas = azure.sas("r", "box", None);
    let put = azure.bare(Method::PUT, &format!("/box/copy?{sas}"));
    let put = put.header("x-ms-copy-source", format!("{address}?{sas}"));
    assert_eq!(told(put).await.refusal(), (403, "AuthorizationPermissionMismatch"));
}

#[tokio::test]
async fn a_source_that_is_elsewhere_or_nowhere_is_refused() {
    let (azure, container, address) = rig().await;
    let sas = azure.sas("r", "box", None);
    let code = "CannotVerifyCopySource";
    let port = azure.url().port().unwrap();
    for other in
        ["https://example.invalid", "http://127.0.0.1:1", &format!("http://127.0.0.1:{port}")]
    {
        let source = format!("{other}{}?{sas}", url::Url::parse(&address).unwrap().path());
        expect(from_url(&container, &source, Options::default()).await, 403, code);
    }
    let none = format!("{}/box/none?{sas}", azure.url());
    expect(from_url(&container, &none, Options::default()).await, 404, code);
    let account = none.replace("account1", "account2");
    assert_eq!(refused(from_url(&container, &account, Options::default()).await).0, 404);
    let put = azure.raw(Method::PUT, "/box/copy").header("x-ms-copy-source", "no address");
    assert_eq!(told(put).await.refusal(), (400, "InvalidHeaderValue"));
    assert!(!container.blob_client("copy").exists().await.unwrap());
    let local = address.replace("127.0.0.1", "localhost");
    from_url(&container, &format!("{local}?{sas}"), Options::default()).await.unwrap();
}

#[tokio::test]
async fn a_copy_may_depend_on_source_and_destination() {
    let (azure, container, address) = rig().await;
    let source = format!("{address}?{}", azure.sas("r", "box", None));
    let seen = etag(&container.blob_client(NAME)).await;
    let old = put(&container, "copy", b"there").await;
    let new = Options::default().if_not_exists();
    expect(from_url(&container, &source, new).await, 409, "BlobAlreadyExists");
    let other = Options { source_if_match: Some(old.clone()), ..Default::default() };
    expect(from_url(&container, &source, other).await, 412, "SourceConditionNotMet");
    let same = Options { source_if_none_match: Some(seen.clone()), ..Default::default() };
    expect(from_url(&container, &source, same).await, 412, "SourceConditionNotMet");
    let stale = Options { if_match: Some(seen.clone()), ..Default::default() };
    expect(from_url(&container, &source, stale).await, 412, "ConditionNotMet");
    assert_eq!(read(&container.blob_client("copy")).await, b"there");
    let right = Options {
        source_if_match: Some(seen),
        source_if_none_match: Some(old.clone()),
        if_match: Some(old),
        ..Default::default()
    };
    from_url(&container, &source, right).await.unwrap();
    assert_eq!(read(&container.blob_client("copy")).await, b"content");
    let leased = container.blob_client("copy");
    leased.acquire_lease(-1, None).await.unwrap();
    expect(from_url(&container, &source, Options::default()).await, 412, "LeaseIdMissing");
    expect(leased.start_copy_from_url(source, None).await, 412, "LeaseIdMissing");
}

#[tokio::test]
async fn a_blob_copied_over_itself_stays_what_it_is() {
    let (azure, container, address) = rig().await;
    let source = format!("{address}?{}", azure.sas("r", "box", None));
    let blob = container.blob_client(NAME);
    blob.start_copy_from_url(source, None).await.unwrap();
    assert_eq!(read(&blob).await, b"content");
}
