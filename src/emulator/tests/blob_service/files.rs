//! Blobs as plain files: put there by hand, changed by hand, and still there after a power cut.

use std::collections::HashMap;
use std::io::{Read, Write};

use azure_core::http::request::RequestContent;
use azure_storage_blobs::models::{
    BlobClientGetPropertiesResultHeaders, BlobClientSetMetadataOptions,
    BlobContainerClientGetPropertiesResultHeaders, BlockBlobClientUploadOptions, BlockListType,
    BlockLookupList,
};
use futures::TryStreamExt;

use super::azure::{Azure, etag, expect, md5, put, put_with, read};
use crate::support::emulator::{Emulator, Folder};

#[tokio::test]
async fn a_file_put_by_hand_is_a_blob() {
    let azure = Azure::start();
    let container = azure.container("by-hand");
    let path = azure.emulator.blob("by-hand", "dir/some file ü.txt");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"by hand").unwrap();
    assert!(container.exists().await.unwrap(), "its folder is a container");
    let names: Vec<_> = container.list_blobs(None).unwrap().try_collect().await.unwrap();
    let names: Vec<_> = names.into_iter().map(|item| item.name.unwrap()).collect();
    assert_eq!(names, ["dir/some file ü.txt"]);
    let blob = container.blob_client(&names[0]);
    assert_eq!(read(&blob).await, b"by hand");
    let seen = etag(&blob).await;
    assert_eq!(etag(&blob).await, seen, "what is not touched keeps its ETag");
    let of = HashMap::from([("of".to_owned(), "hand".to_owned())]);
    let bound = BlobClientSetMetadataOptions { if_match: Some(seen), ..Default::default() };
    blob.set_metadata(&of, Some(bound)).await.unwrap();
    assert_eq!(blob.get_properties(None).await.unwrap().metadata().unwrap(), of);
    blob.delete(None).await.unwrap();
    assert!(!path.exists());
    container.delete(None).await.unwrap();
}

#[tokio::test]
async fn a_file_changed_by_hand_is_another_blob() {
    let (azure, container) = Azure::with_box().await;
    let options = BlockBlobClientUploadOptions {
        blob_content_md5: Some(md5(b"content")),
        ..Default::default()
    };
    let before = put_with(&container, "blob", b"content", options).await.unwrap();
    std::fs::write(azure.emulator.blob("box", "blob"), b"CONTENT").unwrap();
    let blob = container.blob_client("blob");
    assert_eq!(read(&blob).await, b"CONTENT");
    let known = blob.get_properties(None).await.unwrap();
    assert_ne!(known.etag().unwrap(), Some(before));
    assert_eq!(known.content_md5().unwrap(), None, "the old digest is not believed");
    std::fs::remove_file(azure.emulator.blob("box", "blob")).unwrap();
    expect(blob.get_properties(None).await, 404, "BlobNotFound");
}

#[tokio::test]
async fn a_link_put_by_hand_leads_nowhere() {
    let (azure, container) = Azure::with_box().await;
    let secret = azure.folder.path("secret");
    std::fs::write(&secret, b"secret").unwrap();
    let outside = azure.folder.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&secret, azure.emulator.blob("box", "link")).unwrap();
    std::os::unix::fs::symlink(&outside, azure.emulator.blob("box", "dir")).unwrap();
    let names: Vec<_> = container.list_blobs(None).unwrap().try_collect().await.unwrap();
    assert!(names.is_empty());
    assert!(container.blob_client("link").download(None).await.is_err());
    let content = RequestContent::from(b"x".to_vec());
    let _ = container.blob_client("dir/file").upload(content, None).await;
    assert!(std::fs::read_dir(&outside).unwrap().next().is_none());
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
}

#[tokio::test]
async fn everything_is_still_there_after_a_kill() {
    let (azure, container) = Azure::with_box().await;
    let of = HashMap::from([("of".to_owned(), "before".to_owned())]);
    container.set_metadata(&of, None).await.unwrap();
    let options = BlockBlobClientUploadOptions {
        blob_content_type: Some("text/plain".to_owned()),
        blob_content_md5: Some(md5(b"content")),
        metadata: Some(of.clone()),
        ..Default::default()
    };
    let seen = put_with(&container, "a", b"content", options).await.unwrap();
    put(&container, "a/b", b"beside").await;
    put(&container, "leased", b"mine").await;
    let lease = container.blob_client("leased").acquire_lease(-1, None).await.unwrap();
    drop(lease);
    let half = container.blob_client("half").block_blob_client();
    half.stage_block(b"id", 4, RequestContent::from(b"half".to_vec()), None).await.unwrap();
    put(&container, "gone", b"gone").await;
    container.blob_client("gone").delete(None).await.unwrap();
    let key = azure.emulator.fact("account_key").to_owned();

    let azure = azure.restart();
    assert_eq!(azure.emulator.fact("account_key"), key);
    let container = azure.by_key().blob_container_client("box");
    assert_eq!(container.get_properties(None).await.unwrap().metadata().unwrap(), of);
    let names: Vec<_> = container.list_blobs(None).unwrap().try_collect().await.unwrap();
    let names: Vec<_> = names.into_iter().map(|item| item.name.unwrap()).collect();
    assert_eq!(names, ["a", "a/b", "leased"]);
    let blob = container.blob_client("a");
    assert_eq!(read(&blob).await, b"content");
    let known = blob.get_properties(None).await.unwrap();
    assert_eq!(known.etag().unwrap(), Some(seen));
    assert_eq!(known.content_type().unwrap().as_deref(), Some("text/plain"));
    assert_eq!(known.content_md5().unwrap(), Some(md5(b"content")));
    assert_eq!(known.metadata().unwrap(), of);
    assert_eq!(read(&container.blob_client("a/b")).await, b"beside");
    expect(container.blob_client("leased").delete(None).await, 412, "LeaseIdMissing");
    let half = container.blob_client("half").block_blob_client();
    let kept = half.get_block_list(BlockListType::Uncommitted, None).await.unwrap();
    assert_eq!(kept.into_model().unwrap().uncommitted_blocks.unwrap().len(), 1);
    let list = BlockLookupList { latest: Some(vec![b"id".to_vec()]), ..Default::default() };
    half.commit_block_list(list.try_into().unwrap(), None).await.unwrap();
    assert_eq!(read(&container.blob_client("half")).await, b"half");
    expect(container.create(None).await, 409, "ContainerAlreadyExists");
}

/// Sends a request as it stands and takes the first line of the answer. Other clients tidy a path
/// before they send it.
fn spoken(emulator: &Emulator, method: &str, path: &str, more: &str) -> String {
    let host = emulator.fact("blob").strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let token = emulator.fact("token");
    let head = format!(
        "{method} /account1{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\n{more}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn dots_in_a_path_stay_inside_their_container() {
    let folder = Folder::new();
    let emulator = Emulator::start_plain(&folder);
    let put = "x-ms-blob-type: BlockBlob\r\ncontent-length: 4\r\n\r\ndots";
    let made = spoken(&emulator, "PUT", "/box?restype=container", "content-length: 0\r\n\r\n");
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    let names = ["..", ".", "../../escape", "%2e%2e", "a/../../../b", "%2e%2e/%2E%2E/c", "./d"];
    for name in names {
        let answer = spoken(&emulator, "PUT", &format!("/box/{name}"), put);
        assert!(answer.starts_with("HTTP/1.1 201"), "{name}: {answer}");
        let answer = spoken(&emulator, "GET", &format!("/box/{name}"), "\r\n");
        assert!(answer.ends_with("\r\n\r\ndots"), "{name}: {answer}");
    }
    let list = spoken(&emulator, "GET", "/box?restype=container&comp=list", "\r\n");
    assert_eq!(list.matches("<Blob>").count(), 6, "an encoded dot is a dot: {list}");
    let mut found = Vec::new();
    let mut folders = vec![folder.path("azure/blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|path| path.starts_with(folder.path("azure/blobs/account1/box"))));
    for container in ["..", "%2e%2e", "."] {
        let answer = spoken(&emulator, "PUT", &format!("/{container}/x"), put);
        assert!(answer.starts_with("HTTP/1.1 400"), "{container}: {answer}");
    }
}
