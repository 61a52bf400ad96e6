//! Where the blobs are: on a port of their own, and under the names of a cloud.

use reqwest::Method;

use super::azure::{Azure, put, told};

#[tokio::test]
async fn blobs_have_a_port_of_their_own_and_the_old_path_names_it() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "dir/blob", b"content").await;
    let (arm, blob) = (azure.emulator.fact("arm"), azure.emulator.fact("blob"));
    assert_ne!(arm, blob);
    assert_eq!(azure.url().path(), "/account1");
    for path in ["/blob/account1/box/dir/blob", "/blob/account1/box?restype=container", "/blob"] {
        let token = azure.emulator.fact("token");
        let old = told(azure.http.get(format!("{arm}{path}")).bearer_auth(token)).await;
        assert_eq!(old.refusal(), (410, "ResourceMoved"), "{path}");
        let sentence = format!("at {blob}/account1/CONTAINER/BLOB, on a port of their own");
        assert!(old.text.contains(&sentence), "{}", old.text);
    }
    let there = told(azure.raw(Method::GET, "/box/dir/blob")).await;
    assert_eq!((there.status, there.text.as_str()), (200, "content"));
}

#[tokio::test]
async fn a_hosts_name_says_which_account_is_meant() {
    let azure = Azure::with_two_accounts();
    let origin = azure.emulator.fact("blob").to_owned();
    let call = |method: Method, host: &str, path: &str| {
        let call = azure.http.request(method, format!("{origin}{path}")).header("host", host);
        call.bearer_auth(azure.emulator.fact("token")).header("x-ms-version", "2024-11-04")
    };
    let second = "account2.blob.core.windows.net";
    let made = told(call(Method::PUT, second, "/box?restype=container")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let put = call(Method::PUT, second, "/box/dir/blob").header("x-ms-blob-type", "BlockBlob");
    assert_eq!(told(put.body("second")).await.status, 201);
    let kept = azure.emulator.data().join("blobs/account2/box/dir/blob");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "second");
    let read = told(call(Method::GET, &second.to_uppercase(), "/box/dir/blob")).await;
    assert_eq!((read.status, read.text.as_str()), (200, "second"));
    let by_path = told(call(Method::GET, "127.0.0.1", "/account2/box/dir/blob")).await;
    assert_eq!((by_path.status, by_path.text.as_str()), (200, "second"));
    let first = told(call(Method::GET, "account1.blob.core.windows.net", "/box/dir/blob")).await;
    assert_eq!(first.refusal(), (404, "ContainerNotFound"));
    let none = told(call(Method::GET, "account3.blob.core.windows.net", "/box/dir/blob")).await;
    assert_eq!(none.refusal(), (404, "ResourceNotFound"));
}
