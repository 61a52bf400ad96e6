//! Shared access signatures of an account and of a user delegation, and what an account's key opens.

use std::sync::Arc;

use azure_storage_blobs::BlobServiceClient;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;

use super::azure::{Azure, Key, Sas, Told, expect, put, read, told};

const VERSION: &str = "2024-11-04";

fn moment(hours: i64) -> String {
    let moment = Timestamp::now() + SignedDuration::from_hours(hours);
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn by(azure: &Azure, query: String) -> BlobServiceClient {
    azure.service(Arc::new(Sas(query)))
}

#[tokio::test]
async fn an_account_sas_opens_what_it_names_and_nothing_else() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    let key = azure.key();
    let all = by(&azure, key.account_sas("bf", "sco", "rwdlac", 1));
    let listed: Vec<_> = all.list_containers(None).unwrap().try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
    all.blob_container_client("new").create(None).await.unwrap();
    put(&all.blob_container_client("new"), "blob", b"new").await;
    assert_eq!(read(&all.blob_container_client("new").blob_client("blob")).await, b"new");
    all.blob_container_client("new").delete(None).await.unwrap();

    let reads = by(&azure, key.account_sas("b", "o", "r", 1));
    let blob = reads.blob_container_client("box").blob_client("blob");
    assert_eq!(read(&blob).await, b"content");
    expect(blob.delete(None).await, 403, "AuthorizationPermissionMismatch");
    let made = reads.blob_container_client("other").create(None).await;
    expect(made, 403, "AuthorizationResourceTypeMismatch");
    for (services, hours, code) in
        [("f", 1, "AuthorizationServiceMismatch"), ("b", -1, "AuthenticationFailed")]
    {
        let other = by(&azure, key.account_sas(services, "sco", "rwdlac", hours));
        let read = other.blob_container_client("box").blob_client("blob").download(None).await;
        expect(read, 403, code);
    }
    let query = key.account_sas("b", "o", "r", 1).replace("sp=r", "sp=rd");
    let forged = by(&azure, query).blob_container_client("box").blob_client("blob");
    expect(forged.delete(None).await, 403, "AuthenticationFailed");
}

#[tokio::test]
async fn to_create_is_not_to_overwrite() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    let write = |name: &str, rights: &str| {
        let query = azure.sas(rights, "box", None);
        let call = azure.bare(Method::PUT, &format!("/box/{name}?{query}"));
        call.header("x-ms-blob-type", "BlockBlob").body("new")
    };
    let refused = (403, "AuthorizationPermissionMismatch");
    assert_eq!(told(write("blob", "c")).await.refusal(), refused);
    assert_eq!(read(&container.blob_client("blob")).await, b"content");
    assert_eq!(told(write("new", "c")).await.status, 201);
    assert_eq!(told(write("blob", "w")).await.status, 201);
    assert_eq!(told(write("newer", "rl")).await.refusal(), refused);
}

/// A user delegation key as the service gives it.
async fn delegation(azure: &Azure, end: &str, token: &str) -> Told {
    let call = azure.bare(Method::POST, "?restype=service&comp=userdelegationkey");
    let body = format!("<KeyInfo><Start>{}</Start><Expiry>{end}</Expiry></KeyInfo>", moment(-1));
    told(call.bearer_auth(token).body(body)).await
}

/// Query of a SAS for the container `box` that such a key signs ("Create a user delegation SAS").
fn delegated(account: &str, key: &Told, rights: &str) -> String {
    let of = |tag: &str| key.tags(tag).remove(0);
    let (user, tenant) = (of("SignedOid"), of("SignedTid"));
    let (start, end, end_sas) = (of("SignedStart"), of("SignedExpiry"), moment(1));
    let resource = format!("/blob/{account}/box");
    let version = of("SignedVersion");
    let fields = [
        rights, "", &end_sas, &resource, &user, &tenant, &start, &end, "b", &version, "", "", "",
        "", "https", VERSION, "c", "", "", "", "", "", "", "",
    ];
    let own =
        Key { account: account.to_owned(), key: BASE64_STANDARD.decode(of("Value")).unwrap() };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([("sv", VERSION), ("sr", "c"), ("sp", rights), ("se", &end_sas)]);
    query.extend_pairs([("skoid", &user), ("sktid", &tenant), ("skt", &start), ("ske", &end)]);
    query.extend_pairs([("sks", "b"), ("skv", version.as_str()), ("spr", "https")]);
    query.append_pair("sig", &own.sign(&fields.join("\n")));
    query.finish()
}

#[tokio::test]
async fn who_signed_in_gets_a_key_to_sign_for_others() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    let token = azure.emulator.fact("token").to_owned();
    let key = delegation(&azure, &moment(2), &token).await;
    assert_eq!(key.status, 200, "{}", key.text);
    let query = delegated("account1", &key, "r");
    let own = by(&azure, query.clone()).blob_container_client("box").blob_client("blob");
    assert_eq!(read(&own).await, b"content");
    expect(own.delete(None).await, 403, "AuthorizationPermissionMismatch");
    for (from, to) in [("sp=r", "sp=rd"), ("sr=c&sp=r", "sr=c&sp=d"), ("skoid=", "skoid=x")] {
        let forged = by(&azure, query.replace(from, to)).blob_container_client("box");
        expect(forged.blob_client("blob").delete(None).await, 403, "AuthenticationFailed");
    }
    let wrong = delegation(&azure, &moment(2), &format!("{token}x")).await;
    assert_eq!(wrong.refusal(), (403, "AuthenticationFailed"));
    assert_eq!(delegation(&azure, &moment(8 * 24), &token).await.refusal(), (400, "InvalidInput"));
    assert_eq!(delegation(&azure, &moment(-1), &token).await.refusal(), (400, "InvalidInput"));
    let keyed = azure.bare(Method::POST, "?restype=service&comp=userdelegationkey");
    assert_eq!(told(keyed).await.refusal(), (403, "NoAuthenticationInformation"));
}

#[tokio::test]
async fn a_copy_inside_an_account_needs_no_more_than_its_key() {
    let azure = Azure::with_two_accounts();
    let own = azure.by_key().blob_container_client("box");
    own.create(None).await.unwrap();
    put(&own, "blob", b"content").await;
    let source = own.blob_client("blob").url().to_string();
    let copy = own.blob_client("copy");
    copy.start_copy_from_url(source.clone(), None).await.unwrap();
    assert_eq!(read(&copy).await, b"content");
    // To put the content of a URL, that URL must open it; and a token is no key.
    let put = copy.block_blob_client().upload_blob_from_url(source.clone(), None).await;
    expect(put, 403, "CannotVerifyCopySource");
    let by_token = azure.container("box").blob_client("copy");
    let started = by_token.start_copy_from_url(source, None).await;
    expect(started, 403, "CannotVerifyCopySource");

    let other = azure.url().to_string().replace("account1", "account2");
    let sas = azure.key().account_sas("b", "sco", "r", 1);
    let foreign = format!("{other}/box/blob?{sas}");
    let refused = copy.start_copy_from_url(foreign, None).await;
    expect(refused, 403, "CannotVerifyCopySource");
}

#[tokio::test]
async fn a_block_can_be_a_stretch_of_another_blob() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "source", b"abc123456789xyz").await;
    let query = azure.sas("r", "box", Some("source"));
    let source = format!("{}?{query}", container.blob_client("source").url());
    let block = |source: &str, range: &str| {
        azure
            .raw(Method::PUT, "/box/blob?comp=block&blockid=QUFB")
            .header("x-ms-copy-source", source)
            .header("x-ms-source-range", range)
    };
    let plain = source.split('?').next().unwrap();
    let closed = told(block(plain, "bytes=3-11")).await;
    assert_eq!(closed.refusal(), (403, "CannotVerifyCopySource"));
    let wrong = block(&source, "bytes=3-11").header("x-ms-source-content-md5", "AAAA");
    assert_eq!(told(wrong).await.refusal(), (400, "Md5Mismatch"));
    let outside = told(block(&source, "bytes=99-")).await;
    assert_eq!(outside.refusal(), (416, "InvalidRange"));
    assert_eq!(told(block(&source, "bytes=3-11")).await.status, 201);
    let list = "<BlockList><Uncommitted>QUFB</Uncommitted></BlockList>";
    let made = told(azure.raw(Method::PUT, "/box/blob?comp=blocklist").body(list)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(read(&container.blob_client("blob")).await, b"123456789");
}
