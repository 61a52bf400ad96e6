//! Who is let in, and who is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use azure_storage_blobs::BlobServiceClient;
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use url::Url;

use super::azure::{Azure, Key, Nobody, Sas, Token, date, expect, put, read, refused, told};

async fn names(service: &BlobServiceClient) -> Vec<String> {
    let listed = service.blob_container_client("box").list_blobs(None).unwrap();
    let items: Vec<_> = listed.try_collect().await.unwrap();
    items.into_iter().map(|item| item.name.unwrap()).collect()
}

#[tokio::test]
async fn the_accounts_key_opens_everything() {
    let azure = Azure::start();
    let service = azure.by_key();
    let container = service.blob_container_client("box");
    container.create(None).await.unwrap();
    for name in ["plain", "with space", "per%cent", "ünïcode/ß", "a+b&c=d?e#f"] {
        put(&container, name, name.as_bytes()).await;
        assert_eq!(read(&container.blob_client(name)).await, name.as_bytes());
    }
    put(&container, "empty", b"").await;
    assert_eq!(names(&service).await.len(), 6);
    let containers: Vec<_> = service.list_containers(None).unwrap().try_collect().await.unwrap();
    assert_eq!(containers[0].name.as_deref(), Some("box"));
    container.blob_client("plain").delete(None).await.unwrap();
    container.delete(None).await.unwrap();
}

#[tokio::test]
async fn nobody_comes_in_without_authentication() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"private").await;
    let service = azure.service(Arc::new(Nobody));
    let container = service.blob_container_client("box");
    let blob = container.blob_client("blob");
    let code = "NoAuthenticationInformation";
    expect(blob.download(None).await, 403, code);
    expect(blob.get_properties(None).await, 403, code);
    expect(blob.delete(None).await, 403, code);
    expect(container.get_properties(None).await, 403, code);
    expect(service.blob_container_client("new").create(None).await, 403, code);
    expect(service.blob_container_client("none").blob_client("x").delete(None).await, 403, code);
    let listed: Result<Vec<_>, _> = container.list_blobs(None).unwrap().try_collect().await;
    expect(listed, 403, code);
    let listed: Result<Vec<_>, _> = service.list_containers(None).unwrap().try_collect().await;
    expect(listed, 403, code);
    assert_eq!(names(&azure.by_token()).await, ["blob"]);
}

#[tokio::test]
async fn a_wrong_key_token_or_account_is_refused() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"private").await;
    let right = azure.key();
    let mut key = right.key.clone();
    key[0] ^= 1;
    let token = azure.emulator.fact("token").to_owned();
    let expired = "emulator.1000000000.AAAA".to_owned();
    let policies: [Arc<dyn azure_core::http::policies::Policy>; 6] = [
        Arc::new(Key { account: right.account.clone(), key }),
        Arc::new(Key { account: "account2".to_owned(), key: right.key.clone() }),
        Arc::new(Token(format!("{token}x"))),
        Arc::new(Token(token[1..].to_owned())),
        Arc::new(Token(expired)),
        Arc::new(Token(String::new())),
    ];
    for policy in policies {
        let blob = azure.service(policy.clone()).blob_client("box", "blob");
        let (status, code) = refused(blob.download(None).await);
        assert_eq!((status, code.as_str()), (403, "AuthenticationFailed"), "{policy:?}");
        expect(blob.delete(None).await, 403, "AuthenticationFailed");
    }
    assert_eq!(read(&container.blob_client("blob")).await, b"private");
}

/// Headers of a signed PUT of a blob.
fn signed(azure: &Azure, path: &str, at: Timestamp, body: &[u8]) -> BTreeMap<String, String> {
    let url = Url::parse(&format!("{}{path}", azure.url())).unwrap();
    let headers = [
        ("content-length", body.len().to_string()),
        ("x-ms-blob-type", "BlockBlob".to_owned()),
        ("x-ms-date", date(at)),
        ("x-ms-meta-of", "  me ".trim().to_owned()),
        ("x-ms-version", "2024-11-04".to_owned()),
    ];
    let mut headers: BTreeMap<String, String> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let authorization = azure.key().authorization("PUT", &url, &headers);
    headers.insert("authorization".to_owned(), authorization);
    headers
}

async fn send(azure: &Azure, path: &str, headers: &BTreeMap<String, String>) -> (u16, String) {
    let mut request = azure.http.put(format!("{}{path}", azure.url())).body("content");
    for (name, value) in headers.iter().filter(|(name, _)| *name != "content-length") {
        request = request.header(name, value);
    }
    let told = told(request).await;
    (told.status, told.code)
}

#[tokio::test]
async fn a_signature_holds_for_its_own_call_only() {
    let (azure, _) = Azure::with_box().await;
    let now = Timestamp::now();
    let refusal = (403, "AuthenticationFailed".to_owned());
    let good = signed(&azure, "/box/blob", now, b"content");
    assert_eq!(send(&azure, "/box/blob", &good).await, (201, String::new()));
    assert_eq!(send(&azure, "/box/other", &good).await, refusal, "another blob");
    assert_eq!(send(&azure, "/box/blob?comp=metadata", &good).await, refusal, "another operation");
    for (name, value) in
        [("x-ms-meta-of", "you"), ("content-type", "text/plain"), ("range", "bytes=0-1")]
    {
        let mut changed = good.clone();
        changed.insert(name.to_owned(), value.to_owned());
        assert_eq!(send(&azure, "/box/blob", &changed).await, refusal, "{name}");
    }
    let longer = signed(&azure, "/box/blob", now, b"other content");
    assert_eq!(send(&azure, "/box/blob", &longer).await, refusal, "another length");
    for minutes in [-16, 16] {
        let at = now + SignedDuration::from_mins(minutes);
        let stale = signed(&azure, "/box/blob", at, b"content");
        assert_eq!(send(&azure, "/box/blob", &stale).await, refusal, "{minutes} minutes off");
    }
    let mut undated = good.clone();
    undated.remove("x-ms-date");
    assert_eq!(send(&azure, "/box/blob", &undated).await, refusal, "no date");
}

#[tokio::test]
async fn a_sas_gives_the_rights_that_it_names() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "dir/ä b%", b"content").await;
    let open = |query: String| azure.service(Arc::new(Sas(query)));
    let one = open(azure.sas("r", "box", Some("dir/ä b%"))).blob_client("box", "dir/ä b%");
    assert_eq!(read(&one).await, b"content");
    let whole = open(azure.sas("rwdl", "box", None));
    assert_eq!(read(&whole.blob_client("box", "dir/ä b%")).await, b"content");
    put(&whole.blob_container_client("box"), "new", b"new").await;
    assert_eq!(names(&whole).await, ["dir/ä b%", "new"]);
    whole.blob_client("box", "new").delete(None).await.unwrap();

    let permission = "AuthorizationPermissionMismatch";
    expect(one.delete(None).await, 403, permission);
    for (rights, has) in [("r", "read"), ("w", "write"), ("d", "delete"), ("l", "list")] {
        let own = open(azure.sas(rights, "box", None));
        let container = own.blob_container_client("box");
        let blob = container.blob_client("dir/ä b%");
        if has != "read" {
            expect(blob.download(None).await, 403, permission);
            expect(blob.get_properties(None).await.map(drop), 403, permission);
        }
        if has != "write" {
            expect(blob.set_metadata(&Default::default(), None).await, 403, permission);
        }
        if has != "delete" {
            expect(blob.delete(None).await, 403, permission);
        }
        if has != "list" {
            let all: Result<Vec<_>, _> = container.list_blobs(None).unwrap().try_collect().await;
            expect(all, 403, permission);
        }
        assert_eq!(refused(container.delete(None).await).0, 403, "{rights} is about blobs");
        assert_eq!(refused(container.get_properties(None).await).0, 403);
    }
}

#[tokio::test]
async fn a_sas_that_is_over_forged_or_of_another_place_is_refused() {
    let (azure, container) = Azure::with_box().await;
    azure.container("other").create(None).await.unwrap();
    put(&container, "blob", b"private").await;
    put(&container, "twin", b"private").await;
    let hour = SignedDuration::from_hours(1);
    let right = azure.sas("r", "box", None);
    let past = azure.sas_until("r", "box", None, Timestamp::now() - hour);
    let cases = [
        ("over", past.clone()),
        ("of another container", azure.sas("r", "other", None)),
        ("of another blob", azure.sas("r", "box", Some("twin"))),
        ("widened", right.replace("sp=r", "sp=rw")),
        ("made longer", past.replacen("se=2", "se=3", 1)),
        ("of another kind", right.replace("sr=c", "sr=b")),
        ("of a kind that is none", right.replace("sr=c", "sr=s")),
        ("signed by nobody", right.replace("sig=", "sig=AAAA")),
    ];
    for (what, query) in cases {
        let told = told(azure.bare(Method::GET, &format!("/box/blob?{query}"))).await;
        assert_eq!(told.refusal(), (403, "AuthenticationFailed"), "{what}");
    }
    let unsigned = right.split("&sig=").next().unwrap();
    let answer = told(azure.bare(Method::GET, &format!("/box/blob?{unsigned}"))).await;
    assert_eq!(answer.refusal(), (403, "NoAuthenticationInformation"));
    let answer = told(azure.bare(Method::GET, &format!("/box/blob?{right}"))).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "private"));
}

#[tokio::test]
async fn another_account_does_not_exist() {
    let (azure, _) = Azure::with_box().await;
    let url = azure.url().to_string().replace("account1", "account2");
    let request = azure.http.get(format!("{url}/box/blob"));
    let told = told(request.bearer_auth(azure.emulator.fact("token"))).await;
    assert_eq!(told.refusal(), (404, "ResourceNotFound"));
}
