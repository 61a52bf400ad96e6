//! Pages: written, cleared, listed, resized, and all that is refused on the way.

use std::os::unix::fs::MetadataExt;

use reqwest::{Method, RequestBuilder};

use super::azure::{Azure, Told, base64, md5, told};
use crate::support;

pub const PAGE: usize = 512;

/// A service with a container `box` and an empty page blob `disk` of so many pages.
pub async fn rig(pages: usize) -> Azure {
    let (azure, _) = Azure::with_box().await;
    assert_eq!(create(&azure, "disk", pages * PAGE).await.status, 201);
    azure
}

pub async fn create(azure: &Azure, name: &str, bytes: usize) -> Told {
    let call = azure.raw(Method::PUT, &format!("/box/{name}"));
    let call = call.header("x-ms-blob-type", "PageBlob");
    told(call.header("x-ms-blob-content-length", bytes.to_string())).await
}

pub fn at(call: RequestBuilder, page: usize, pages: usize) -> RequestBuilder {
    call.header("x-ms-range", format!("bytes={}-{}", page * PAGE, (page + pages) * PAGE - 1))
}

pub fn writing(azure: &Azure, name: &str, page: usize, content: &[u8]) -> RequestBuilder {
    let call = azure.raw(Method::PUT, &format!("/box/{name}?comp=page"));
    let call = at(call, page, content.len() / PAGE).header("x-ms-page-write", "update");
    call.body(content.to_vec())
}

pub fn clearing(azure: &Azure, name: &str, page: usize, pages: usize) -> RequestBuilder {
    let call = azure.raw(Method::PUT, &format!("/box/{name}?comp=page"));
    at(call, page, pages).header("x-ms-page-write", "clear").header("content-length", "0")
}

pub async fn write(azure: &Azure, name: &str, page: usize, content: &[u8]) {
    let told = told(writing(azure, name, page, content)).await;
    assert_eq!(told.status, 201, "{told:?}");
}

pub async fn clear(azure: &Azure, name: &str, page: usize, pages: usize) {
    assert_eq!(told(clearing(azure, name, page, pages)).await.status, 201);
}

pub async fn snapshot(azure: &Azure, name: &str) -> String {
    let told = told(azure.raw(Method::PUT, &format!("/box/{name}?comp=snapshot"))).await;
    assert_eq!(told.status, 201, "{told:?}");
    told.header("x-ms-snapshot").to_owned()
}

pub async fn content(azure: &Azure, path: &str) -> Vec<u8> {
    let answer = azure.raw(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.bytes().await.unwrap().to_vec()
}

/// The ranges of a list in its own order, in pages, `true` if they are cleared.
pub fn listed(told: &Told) -> Vec<(usize, usize, bool)> {
    assert_eq!(told.status, 200, "{told:?}");
    let number = |part: &str, tag: &str| -> usize {
        let text = part.split_once(&format!("<{tag}>")).unwrap().1;
        text.split_once('<').unwrap().0.parse().unwrap()
    };
    let parts = told.text.split("Range><Start>").skip(1);
    let kinds = told.text.split("Range><Start>").map(|part| part.ends_with("<Clear"));
    parts
        .zip(kinds)
        .map(|(part, is_clear)| {
            let part = format!("<Start>{part}");
            (number(&part, "Start") / PAGE, (number(&part, "End") + 1) / PAGE, is_clear)
        })
        .collect()
}

pub async fn list(azure: &Azure, path: &str) -> Vec<(usize, usize, bool)> {
    listed(&told(azure.raw(Method::GET, path)).await)
}

#[tokio::test]
async fn what_every_service_does_with_page_blobs_this_one_does_too() {
    let azure = Azure::start();
    support::page_suite::all(&azure.container("suite")).await;
}

#[tokio::test]
async fn an_8_tib_blob_is_a_plain_file_that_costs_what_was_written() {
    let (azure, _) = Azure::with_box().await;
    assert_eq!(create(&azure, "disk", 8 << 40).await.status, 201);
    let last = (8_usize << 40) / PAGE - 1;
    write(&azure, "disk", last, &[7; PAGE]).await;
    write(&azure, "disk", 4, &[8; PAGE]).await;
    let id = snapshot(&azure, "disk").await;
    let file = azure.emulator.blob("box", "disk");
    let about = file.metadata().unwrap();
    assert_eq!(about.len(), 8 << 40);
    assert!(about.blocks() * 512 < 1 << 20, "{}", about.blocks());
    let pages = [(4, 5, false), (last, last + 1, false)];
    assert_eq!(list(&azure, "/box/disk?comp=pagelist").await, pages);
    assert_eq!(list(&azure, &format!("/box/disk?comp=pagelist&snapshot={id}")).await, pages);
    let read = azure.raw(Method::GET, "/box/disk").header("x-ms-range", "bytes=2048-2559");
    assert_eq!(told(read).await.text.as_bytes(), [8; PAGE]);
}

#[tokio::test]
async fn what_is_no_page_is_refused_and_changes_nothing() {
    let azure = rig(4).await;
    write(&azure, "disk", 0, &[1; 4 * PAGE]).await;
    let range = |range: &str| {
        let call =
            azure.raw(Method::PUT, "/box/disk?comp=page").header("x-ms-page-write", "update");
        call.header("x-ms-range", range.to_owned()).body(vec![2; PAGE])
    };
    for wrong in [
        "bytes=0-510",
        "bytes=1-512",
        "bytes=0-",
        "bytes=-512",
        "0-511",
        "bytes=1024-511",
        "bytes=1536-2559",
        "bytes=2048-2559",
        "bytes=18446744073709551104-18446744073709551615",
    ] {
        assert_eq!(told(range(wrong)).await.refusal(), (416, "InvalidPageRange"), "{wrong}");
    }
    assert_eq!(told(range("bytes=0-1023")).await.refusal(), (400, "InvalidHeaderValue"));
    let update = || writing(&azure, "disk", 0, &[2; PAGE]);
    let cases = [
        (update().header("content-md5", base64(&md5(b"else"))), 400, "Md5Mismatch"),
        (update().header("x-ms-content-crc64", "AAAAAAAAAAA="), 400, "Crc64Mismatch"),
        (update().header("x-ms-lease-id", LEASE), 412, "LeaseNotPresentWithBlobOperation"),
        (update().header("if-match", "\"0x1\""), 412, "ConditionNotMet"),
        (
            clearing(&azure, "disk", 0, 1).header("content-md5", base64(&md5(b""))),
            400,
            "InvalidHeaderValue",
        ),
        (
            azure.raw(Method::PUT, "/box/disk?comp=page").header("x-ms-page-write", "burn"),
            400,
            "InvalidHeaderValue",
        ),
        (writing(&azure, "none", 0, &[2; PAGE]), 404, "BlobNotFound"),
    ];
    for (call, status, code) in cases {
        assert_eq!(told(call).await.refusal(), (status, code));
    }
    assert_eq!(content(&azure, "/box/disk").await, [1; 4 * PAGE]);

    assert_eq!(create(&azure, "odd", 511).await.refusal(), (400, "InvalidHeaderValue"));
    let large = (8 << 40) + PAGE;
    assert_eq!(create(&azure, "large", large).await.refusal(), (400, "InvalidHeaderValue"));
    let block = azure.raw(Method::PUT, "/box/block").header("x-ms-blob-type", "BlockBlob");
    assert_eq!(told(block.body(vec![1; PAGE])).await.status, 201);
    let told_of_block = told(writing(&azure, "block", 0, &[2; PAGE])).await;
    assert_eq!(told_of_block.refusal(), (409, "InvalidBlobType"));
    let list = told(azure.raw(Method::GET, "/box/block?comp=pagelist")).await;
    assert_eq!(list.refusal(), (409, "InvalidBlobType"));
}

const LEASE: &str = "11111111-2222-3333-4444-555555555555";

#[tokio::test]
async fn one_call_writes_4_mib_and_no_more_but_clears_all() {
    let pages = (4 << 20) / PAGE;
    let azure = rig(2 * pages).await;
    write(&azure, "disk", 1, &vec![1; 4 << 20]).await;
    let large = told(writing(&azure, "disk", 0, &vec![2; (4 << 20) + PAGE])).await;
    assert_eq!(large.refusal(), (413, "RequestBodyTooLarge"));
    assert_eq!(list(&azure, "/box/disk?comp=pagelist").await, [(1, pages + 1, false)]);
    clear(&azure, "disk", 0, 2 * pages).await;
    assert_eq!(list(&azure, "/box/disk?comp=pagelist").await, []);
    assert_eq!(content(&azure, "/box/disk").await, vec![0; 8 << 20]);
}

#[tokio::test]
async fn a_writer_must_hold_the_lease_and_know_the_number() {
    let azure = rig(4).await;
    let lease =
        azure.raw(Method::PUT, "/box/disk?comp=lease").header("x-ms-lease-action", "acquire");
    let lease = lease.header("x-ms-lease-duration", "60").header("x-ms-proposed-lease-id", LEASE);
    assert_eq!(told(lease).await.status, 201);
    let update = || writing(&azure, "disk", 0, &[2; PAGE]);
    assert_eq!(told(update()).await.refusal(), (412, "LeaseIdMissing"));
    let clear = clearing(&azure, "disk", 0, 1);
    assert_eq!(told(clear).await.refusal(), (412, "LeaseIdMissing"));
    let own = || update().header("x-ms-lease-id", LEASE);
    assert_eq!(told(own()).await.status, 201);

    let raise = azure.raw(Method::PUT, "/box/disk?comp=properties").header("x-ms-lease-id", LEASE);
    let raised = told(raise.header("x-ms-sequence-number-action", "increment")).await;
    assert_eq!(raised.header("x-ms-blob-sequence-number"), "1");
    for (name, value, is_met) in [
        ("le", "0", false),
        ("le", "1", true),
        ("lt", "1", false),
        ("lt", "2", true),
        ("eq", "0", false),
        ("eq", "1", true),
    ] {
        let call = own().header(format!("x-ms-if-sequence-number-{name}"), value);
        let told = told(call).await;
        let met = if is_met { (201, "") } else { (412, "SequenceNumberConditionNotMet") };
        assert_eq!(told.refusal(), met, "{name} {value}");
    }
    let id = told(azure.raw(Method::PUT, "/box/disk?comp=snapshot")).await;
    assert_eq!(id.status, 201, "a lease keeps nobody from a snapshot");
}

#[tokio::test]
async fn a_list_comes_in_parts_and_for_a_window() {
    let azure = rig(64).await;
    for page in 0..12 {
        write(&azure, "disk", page * 4, &[1; 2 * PAGE]).await;
    }
    let all: Vec<_> = (0..12).map(|page| (page * 4, page * 4 + 2, false)).collect();
    assert_eq!(list(&azure, "/box/disk?comp=pagelist").await, all);
    let (mut found, mut marker, mut parts) = (Vec::new(), String::new(), 0);
    loop {
        let path = format!("/box/disk?comp=pagelist&maxresults=5&marker={marker}");
        let told = told(azure.raw(Method::GET, &path)).await;
        assert_eq!(told.header("x-ms-blob-content-length"), (64 * PAGE).to_string());
        found.extend(listed(&told));
        parts += 1;
        match told.tags("NextMarker").first() {
            Some(next) => marker.clone_from(next),
            None => break,
        }
    }
    assert_eq!((found, parts), (all, 3));
    let window = at(azure.raw(Method::GET, "/box/disk?comp=pagelist"), 5, 4);
    assert_eq!(listed(&told(window).await), [(5, 6, false), (8, 9, false)]);
    for (path, status) in [("maxresults=0", 400), ("maxresults=x", 400), ("marker=x", 400)] {
        let told = told(azure.raw(Method::GET, &format!("/box/disk?comp=pagelist&{path}"))).await;
        assert_eq!(told.status, status, "{path}");
    }
    let beyond = at(azure.raw(Method::GET, "/box/disk?comp=pagelist"), 64, 1);
    assert_eq!(told(beyond).await.refusal(), (416, "InvalidPageRange"));
}

#[tokio::test]
async fn a_length_is_set_and_what_was_cut_off_is_gone() {
    let azure = rig(8).await;
    write(&azure, "disk", 0, &[1; 8 * PAGE]).await;
    let resize = async |bytes: usize| {
        let call = azure.raw(Method::PUT, "/box/disk?comp=properties");
        told(call.header("x-ms-blob-content-length", bytes.to_string())).await
    };
    assert_eq!(resize(4 * PAGE).await.status, 200);
    assert_eq!(resize(6 * PAGE).await.status, 200);
    assert_eq!(resize(6 * PAGE + 1).await.refusal(), (400, "InvalidHeaderValue"));
    let mut expected = vec![1; 4 * PAGE];
    expected.resize(6 * PAGE, 0);
    assert_eq!(content(&azure, "/box/disk").await, expected);
    assert_eq!(list(&azure, "/box/disk?comp=pagelist").await, [(0, 4, false)]);
}

#[tokio::test]
async fn pages_and_snapshots_are_there_after_a_new_start() {
    let azure = rig(8).await;
    write(&azure, "disk", 1, &[0; PAGE]).await;
    let id = snapshot(&azure, "disk").await;
    write(&azure, "disk", 5, &[1; PAGE]).await;
    clear(&azure, "disk", 1, 1).await;
    let azure = azure.restart();
    assert_eq!(list(&azure, "/box/disk?comp=pagelist").await, [(5, 6, false)]);
    let diff = format!("/box/disk?comp=pagelist&prevsnapshot={id}");
    assert_eq!(list(&azure, &diff).await, [(1, 2, true), (5, 6, false)]);
}
