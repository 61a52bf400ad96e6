//! Lists of blobs, and the names in them.

use std::collections::HashMap;

use azure_storage_blobs::BlobContainerClient;
use azure_storage_blobs::models::{
    BlobContainerClientListBlobsOptions, BlobType, BlockBlobClientUploadOptions,
    ListBlobsIncludeItem,
};
use futures::TryStreamExt;
use reqwest::Method;

use super::azure::{Azure, etag, expect, md5, put, put_with, read, told};

async fn pages(container: &BlobContainerClient, prefix: &str, most: i32) -> Vec<Vec<String>> {
    let options = BlobContainerClientListBlobsOptions {
        prefix: Some(prefix.to_owned()),
        maxresults: Some(most),
        ..Default::default()
    };
    let pages = container.list_blobs(Some(options)).unwrap().into_pages();
    let pages: Vec<_> = pages.try_collect().await.unwrap();
    let names = |items: Vec<azure_storage_blobs::models::BlobItem>| {
        items.into_iter().map(|item| item.name.unwrap()).collect()
    };
    pages.into_iter().map(|page| names(page.into_model().unwrap().blob_items)).collect()
}

#[tokio::test]
async fn every_name_is_kept_as_it_is() {
    let (azure, container) = Azure::with_box().await;
    let long = "ü".repeat(1024);
    let names = [
        "a",
        "a/b",
        "a/b/c",
        "a//b",
        "a/",
        "/a",
        "../x",
        "x/../../y",
        "with space",
        "two  spaces",
        "100%",
        "%41",
        "%2F",
        "a%d",
        "a%f",
        "plus+and&amp;<tag>\"'",
        "query?x=1#y",
        "ünïcødé/日本",
        "😀",
        "back\\slash",
        "colon:*|",
        "UPPER",
        "upper",
        "~",
        "a.",
        &long,
    ];
    for name in names {
        put(&container, name, name.as_bytes()).await;
    }
    for name in names {
        assert_eq!(read(&container.blob_client(name)).await, name.as_bytes(), "{name}");
    }
    for name in ["bell\u{7}", "c1\u{81}", "mac\u{f022}", "odd\u{fffe}", "lost\u{fffd}"] {
        let put = put_with(&container, name, b"x", Default::default()).await;
        expect(put, 400, "InvalidUri");
    }
    let mut sorted = names.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(pages(&container, "", 5000).await, [sorted.clone()]);
    let small = pages(&container, "", 4).await;
    assert!(small.iter().all(|page| page.len() <= 4));
    assert_eq!(small.concat(), sorted);
    for prefix in ["a", "a/", "%", "ünï", "with ", "plus+and&"] {
        let own: Vec<String> =
            sorted.iter().filter(|name| name.starts_with(prefix)).cloned().collect();
        assert_eq!(pages(&container, prefix, 2).await.concat(), own, "{prefix}");
    }
    assert!(!azure.folder.path("azure/blobs/account1/x").exists());
    assert!(!azure.folder.path("azure/blobs/y").exists());
    for (count, name) in names.iter().enumerate() {
        container.blob_client(name).delete(None).await.unwrap();
        let left = pages(&container, "", 5000).await.concat();
        assert_eq!(left.len(), names.len() - count - 1, "{name}");
    }
}

#[tokio::test]
async fn a_list_tells_what_is_known_of_each_blob() {
    let (_azure, container) = Azure::with_box().await;
    let options = BlockBlobClientUploadOptions {
        blob_content_type: Some("text/<plain>&".to_owned()),
        blob_content_md5: Some(md5(b"content")),
        metadata: Some(HashMap::from([("of".to_owned(), "<me> & you".to_owned())])),
        ..Default::default()
    };
    put_with(&container, "with", b"content", options).await.unwrap();
    put(&container, "without", b"").await;
    let options = BlobContainerClientListBlobsOptions {
        include: Some(vec![ListBlobsIncludeItem::Metadata]),
        ..Default::default()
    };
    let items: Vec<_> = container.list_blobs(Some(options)).unwrap().try_collect().await.unwrap();
    let own = items[0].properties.as_ref().unwrap();
    assert_eq!(own.content_length, Some(7));
    assert_eq!(own.content_type.as_deref(), Some("text/<plain>&"));
    assert_eq!(own.content_md5, Some(md5(b"content")));
    assert_eq!(own.blob_type, Some(BlobType::BlockBlob));
    assert!(own.last_modified.is_some() && own.creation_time.is_some());
    let quoted = format!("\"{}\"", own.etag.as_ref().unwrap().to_string().trim_matches('"'));
    assert_eq!(quoted, etag(&container.blob_client("with")).await.to_string());
    let metadata = items[0].metadata.as_ref().unwrap();
    assert_eq!(metadata.values.as_ref().unwrap()["of"], "<me> & you");
    let bare = items[1].properties.as_ref().unwrap();
    assert_eq!(
        (bare.content_length, bare.content_md5.as_deref().unwrap_or_default()),
        (Some(0), &[][..])
    );
    let plain: Vec<_> = container.list_blobs(None).unwrap().try_collect().await.unwrap();
    assert!(plain[0].metadata.is_none(), "only when it is asked for");
}

/// Names and folders of all pages of a list with a delimiter.
async fn walk(azure: &Azure, query: &str) -> (usize, Vec<String>, Vec<String>) {
    let (mut count, mut names, mut folders) = (0, Vec::new(), Vec::new());
    let mut marker = String::new();
    loop {
        let marker_query: String =
            url::form_urlencoded::byte_serialize(marker.as_bytes()).collect();
        let path = format!("/box?restype=container&comp=list&marker={marker_query}&{query}");
        let page = told(azure.raw(Method::GET, &path)).await;
        assert_eq!(page.status, 200, "{page:?}");
        count += 1;
        for folder in page.tags("BlobPrefix") {
            folders.push(folder.replace("<Name>", "").replace("</Name>", ""));
        }
        for blob in page.tags("Blob") {
            let name = blob.split_once("</Name>").unwrap().0.replace("<Name>", "");
            names.push(name);
        }
        match page.tags("NextMarker").into_iter().next().unwrap_or_default() {
            next if next.is_empty() => return (count, names, folders),
            next => marker = next,
        }
    }
}

#[tokio::test]
async fn a_delimiter_shows_folders_once_over_all_pages() {
    let (azure, container) = Azure::with_box().await;
    let names = ["a", "a/1", "a/2", "a/3/x", "b", "c/1", "c/2", "c-1", "c0", "d/e/f", "d/e/g"];
    for name in names {
        put(&container, name, b"x").await;
    }
    for most in 1..=9usize {
        let (count, blobs, folders) = walk(&azure, &format!("delimiter=/&maxresults={most}")).await;
        assert_eq!(blobs, ["a", "b", "c-1", "c0"], "pages of {most}");
        assert_eq!(folders, ["a/", "c/", "d/"], "pages of {most}");
        assert_eq!(count, 7usize.div_ceil(most), "pages of {most}");
        let own = walk(&azure, &format!("delimiter=/&prefix=a/&maxresults={most}")).await;
        assert_eq!((own.1, own.2), (vec!["a/1".into(), "a/2".into()], vec!["a/3/".into()]));
    }
    let (_, blobs, folders) = walk(&azure, "delimiter=/&prefix=d").await;
    assert_eq!((blobs.len(), folders), (0, vec!["d/".to_owned()]));
    let (_, blobs, folders) = walk(&azure, "delimiter=/e/").await;
    assert_eq!((blobs.len(), folders), (9, vec!["d/e/".to_owned()]));
    let (_, blobs, _) = walk(&azure, "prefix=nothing").await;
    assert!(blobs.is_empty());
}

#[tokio::test]
async fn a_page_that_starts_at_a_deleted_name_goes_on_behind_it() {
    let (azure, container) = Azure::with_box().await;
    for name in ["a", "b", "c", "d"] {
        put(&container, name, b"x").await;
    }
    let list = "/box?restype=container&comp=list&maxresults=2";
    let first = told(azure.raw(Method::GET, list)).await;
    let marker = first.tags("NextMarker").remove(0);
    container.blob_client("c").delete(None).await.unwrap();
    let second = told(azure.raw(Method::GET, &format!("{list}&marker={marker}"))).await;
    assert_eq!(second.tags("Name"), ["d"]);
    for wrong in ["0", "-1", "many"] {
        let path = format!("/box?restype=container&comp=list&maxresults={wrong}");
        assert_eq!(told(azure.raw(Method::GET, &path)).await.status, 400, "{wrong}");
    }
}
