//! What strict clients lean on: checksums both ways, keys of their own refused, nothing that XML
//! does not declare, a blob of the archive.

use azure_storage_blobs::models::BlockBlobClientUploadOptions;
use reqwest::Method;

use super::azure::{Azure, base64, etag, md5, put, put_with, read, told};

/// The published check value of the service's CRC64, "123456789", as it travels.
fn crc64() -> String {
    base64(&0xAE8B_1486_0A79_9888_u64.to_le_bytes())
}

#[tokio::test]
async fn content_with_a_wrong_crc64_is_not_taken() {
    let (azure, _) = Azure::with_box().await;
    let put = |path: &str| azure.raw(Method::PUT, path).header("x-ms-blob-type", "BlockBlob");
    for path in ["/box/blob", "/box/blob?comp=block&blockid=QUFB"] {
        let wrong = put(path).header("x-ms-content-crc64", base64(&[1; 8])).body("123456789");
        assert_eq!(told(wrong).await.refusal(), (400, "Crc64Mismatch"), "{path}");
        let both = put(path).header("content-md5", base64(&md5(b"123456789")));
        let both = both.header("x-ms-content-crc64", crc64()).body("123456789");
        assert_eq!(told(both).await.refusal(), (400, "BothCrc64AndMd5HeaderPresent"), "{path}");
    }
    assert_eq!(told(azure.raw(Method::GET, "/box/blob")).await.status, 404);
    let right = put("/box/blob").header("x-ms-content-crc64", crc64()).body("123456789");
    let said = told(right).await;
    assert_eq!((said.status, said.header("x-ms-content-crc64")), (201, crc64().as_str()));
    let list = "<BlockList/>";
    let wrong = azure.raw(Method::PUT, "/box/blob?comp=blocklist").body(list);
    let wrong = wrong.header("x-ms-content-crc64", crc64());
    assert_eq!(told(wrong).await.refusal(), (400, "Crc64Mismatch"));
}

#[tokio::test]
async fn metadata_that_no_header_carries_are_refused() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    for path in ["/box/blob", "/box/blob?comp=metadata", "/box/blob?comp=snapshot"] {
        let call = azure.raw(Method::PUT, path).header("x-ms-blob-type", "BlockBlob");
        let wrong = call.header("x-ms-meta-place", "größe").header("content-length", "0");
        assert_eq!(told(wrong).await.refusal(), (400, "InvalidMetadata"), "{path}");
    }
    assert_eq!(read(&container.blob_client("blob")).await, b"content");
}

#[tokio::test]
async fn the_checksum_of_a_stretch_is_given_when_it_is_asked_for() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"abc123456789xyz").await;
    let get = |range: &str, name: &str| {
        azure.raw(Method::GET, "/box/blob").header("x-ms-range", range).header(name, "true")
    };
    let said = told(get("bytes=3-11", "x-ms-range-get-content-md5")).await;
    assert_eq!((said.status, said.text.as_str()), (206, "123456789"));
    assert_eq!(said.header("content-md5"), base64(&md5(b"123456789")));
    let said = told(get("bytes=3-11", "x-ms-range-get-content-crc64")).await;
    assert_eq!(said.header("x-ms-content-crc64"), crc64());
    let whole = azure.raw(Method::GET, "/box/blob").header("x-ms-range-get-content-md5", "true");
    assert_eq!(told(whole).await.refusal(), (400, "InvalidHeaderValue"));
    put(&container, "blob", &vec![7; (4 << 20) + 1]).await;
    let long = told(get("bytes=0-", "x-ms-range-get-content-md5")).await;
    assert_eq!(long.refusal(), (400, "InvalidHeaderValue"), "4 MiB at most");
    let told = told(get("bytes=1-", "x-ms-range-get-content-md5")).await;
    assert_eq!(told.header("content-md5"), base64(&md5(&vec![7; 4 << 20])));
}

#[tokio::test]
async fn a_key_of_the_callers_own_is_refused_and_not_forgotten() {
    let (azure, container) = Azure::with_box().await;
    put(&container, "blob", b"content").await;
    for (method, path) in [(Method::PUT, "/box/new"), (Method::GET, "/box/blob")] {
        let call = azure.raw(method, path).header("x-ms-blob-type", "BlockBlob");
        let call = call.header("x-ms-encryption-key", base64(&[1; 32]));
        assert_eq!(told(call).await.refusal(), (501, "NotImplemented"), "{path}");
    }
    let scoped = azure.raw(Method::PUT, "/box/new").header("x-ms-encryption-scope", "own");
    let scoped = scoped.header("x-ms-blob-type", "BlockBlob");
    assert_eq!(told(scoped).await.refusal(), (501, "NotImplemented"));
    assert!(!container.blob_client("new").exists().await.unwrap());
}

#[tokio::test]
async fn a_block_list_stands_for_what_it_says_and_nothing_else() {
    let (azure, container) = Azure::with_box().await;
    let commit =
        |body: &str| azure.raw(Method::PUT, "/box/blob?comp=blocklist").body(body.to_owned());
    for body in [
        "<BlockList><Latest>QU&block;FB</Latest></BlockList>",
        "<!DOCTYPE b [<!ENTITY block \"\">]><BlockList><Latest>QU&block;FB</Latest></BlockList>",
        "<!DOCTYPE BlockList><BlockList><Latest>QUFB</Latest></BlockList>",
        "<BlockList>QUFB<Latest>QUFB</Latest></BlockList>",
        "<BlockList><Latest><![CDATA[QUFB]]></Latest></BlockList>",
    ] {
        let block = azure.raw(Method::PUT, "/box/blob?comp=block&blockid=QUFB").body("content");
        assert_eq!(told(block).await.status, 201);
        assert_eq!(told(commit(body)).await.refusal(), (400, "InvalidXmlDocument"), "{body}");
    }
    let said = told(commit("<BlockList><Latest>QU&#70;B</Latest></BlockList>")).await;
    assert_eq!(said.status, 201, "{}", said.text);
    assert_eq!(read(&container.blob_client("blob")).await, b"content");
}

#[tokio::test]
async fn a_blob_of_the_archive_is_read_only_hours_after_it_was_asked_back() {
    let (azure, container) = Azure::with_box().await;
    let before = put(&container, "blob", b"content").await;
    let blob = container.blob_client("blob");
    let tier =
        |tier: &str| azure.raw(Method::PUT, "/box/blob?comp=tier").header("x-ms-access-tier", tier);
    assert_eq!(told(tier("Lukewarm")).await.refusal(), (400, "InvalidHeaderValue"));
    assert_eq!(told(tier("Archive")).await.status, 200);
    let get = || azure.raw(Method::GET, "/box/blob");
    assert_eq!(told(get()).await.refusal(), (409, "BlobArchived"));
    let source = blob.url().to_string();
    let copy = azure.raw(Method::PUT, "/box/copy").header("x-ms-copy-source", source);
    let token = format!("Bearer {}", azure.emulator.fact("token"));
    let copy = copy.header("x-ms-copy-source-authorization", token);
    assert_eq!(told(copy).await.refusal(), (409, "BlobArchived"));
    assert_eq!(etag(&blob).await, before, "what it is can be asked");

    assert_eq!(told(tier("Hot")).await.status, 202);
    assert_eq!(told(tier("Cool")).await.refusal(), (409, "BlobBeingRehydrated"));
    let head = told(azure.raw(Method::HEAD, "/box/blob")).await;
    assert_eq!(head.header("x-ms-access-tier"), "Archive");
    assert_eq!(head.header("x-ms-archive-status"), "rehydrate-pending-to-hot");
    azure.emulator.forward("+14h");
    assert_eq!(told(get()).await.refusal(), (409, "BlobArchived"));
    azure.emulator.forward("+1h");
    let said = told(get()).await;
    assert_eq!((said.text.as_str(), said.header("x-ms-access-tier")), ("content", "Hot"));
    let options = BlockBlobClientUploadOptions::default();
    put_with(&container, "blob", b"new", options).await.unwrap();
    assert_eq!(read(&blob).await, b"new");
}

#[tokio::test]
async fn a_batch_deletes_and_says_of_each_what_became_of_it() {
    let (azure, container) = Azure::with_box().await;
    for name in ["one", "two words"] {
        put(&container, name, b"content").await;
    }
    azure.container("other").create(None).await.unwrap();
    put(&azure.container("other"), "kept", b"content").await;
    let token = azure.emulator.fact("token");
    let part = |id: usize, path: &str| {
        format!(
            "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {id}\r\n\r\nDELETE {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
    };
    let paths = [
        "/account1/box/one",
        "/box/two%20words",
        "/account1/box/gone",
        "/account1/other/kept",
        "/account2/box/one",
    ];
    let body: String = paths.iter().enumerate().map(|(id, path)| part(id, path)).collect();
    let send = |path: &str, body: String| {
        let call = azure.raw(Method::POST, path).body(body);
        call.header("content-type", "multipart/mixed; boundary=b")
    };
    let said = told(send("/box?restype=container&comp=batch", format!("{body}--b--\r\n"))).await;
    assert_eq!(said.status, 202, "{}", said.text);
    let answers: Vec<&str> = said.text.split("HTTP/1.1 ").skip(1).map(|own| &own[..3]).collect();
    assert_eq!(answers, ["202", "202", "404", "404", "404"], "{}", said.text);
    assert!(said.text.contains("Content-ID: 4\r\n") && said.text.contains("BlobNotFound"));
    assert!(azure.container("other").blob_client("kept").exists().await.unwrap());
    for name in ["one", "two words"] {
        assert!(!container.blob_client(name).exists().await.unwrap(), "{name}");
    }

    let unsigned = part(0, "/account1/other/kept").replace("Authorization", "X-Other");
    let said = told(send("?comp=batch", format!("{unsigned}--b--\r\n"))).await;
    assert!(said.text.contains("HTTP/1.1 403 "), "{}", said.text);
    let cut = told(send("?comp=batch", part(0, "/account1/other/kept"))).await;
    assert_eq!(cut.refusal(), (400, "InvalidInput"));
    let get = part(0, "/account1/other/kept").replace("DELETE", "GET");
    let said = told(send("?comp=batch", format!("{get}--b--\r\n"))).await;
    assert!(said.text.contains("HTTP/1.1 400 "), "{}", said.text);
    assert!(azure.container("other").blob_client("kept").exists().await.unwrap());
}
