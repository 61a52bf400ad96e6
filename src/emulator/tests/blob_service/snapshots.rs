//! Snapshots, and what changed between them.

use azseed_emulator::{AccountOrder, storage_account};
use reqwest::Method;

use super::azure::{Azure, told};
use super::pages::{PAGE, clear, content, create, list, listed, rig, snapshot, write};

async fn refused(azure: &Azure, path: &str) -> (u16, String) {
    let told = told(azure.raw(Method::GET, path)).await;
    (told.status, told.code)
}

#[tokio::test]
async fn a_snapshot_keeps_what_the_blob_was() {
    let azure = rig(4).await;
    write(&azure, "disk", 0, &[1; 2 * PAGE]).await;
    let mark = azure.raw(Method::PUT, "/box/disk?comp=metadata").header("x-ms-meta-of", "disk");
    let marked = told(mark).await;
    let plain = told(azure.raw(Method::PUT, "/box/disk?comp=snapshot")).await;
    assert_eq!(plain.header("etag"), marked.header("etag"), "without metadata it is the blob's");
    let own = azure.raw(Method::PUT, "/box/disk?comp=snapshot").header("x-ms-meta-bk_owner", "me");
    let own = told(own).await;
    assert_ne!(own.header("etag"), marked.header("etag"));
    let (first, second) = (plain.header("x-ms-snapshot"), own.header("x-ms-snapshot"));
    assert!(first < second && first.len() == 28, "{first} {second}");
    write(&azure, "disk", 0, &[2; PAGE]).await;
    for (id, of, owner) in [(first, "disk", ""), (second, "", "me")] {
        let path = format!("/box/disk?snapshot={id}");
        assert_eq!(content(&azure, &path).await[..2 * PAGE], [1; 2 * PAGE]);
        let head = told(azure.raw(Method::HEAD, &path)).await;
        assert_eq!((head.header("x-ms-meta-of"), head.header("x-ms-meta-bk_owner")), (of, owner));
        let change = told(azure.raw(Method::PUT, &format!("{path}&comp=metadata"))).await;
        assert_eq!(change.status, 400, "nobody changes a snapshot");
    }
    assert_eq!(content(&azure, "/box/disk").await[..PAGE], [2; PAGE]);
    let unmet = azure.raw(Method::PUT, "/box/disk?comp=snapshot").header("if-match", "\"0x1\"");
    assert_eq!(told(unmet).await.refusal(), (412, "ConditionNotMet"));

    let all =
        told(azure.raw(Method::GET, "/box?restype=container&comp=list&include=snapshots")).await;
    assert_eq!(all.tags("Snapshot"), [first, second]);
    let mut found = Vec::new();
    let mut marker = String::new();
    for _ in 0..3 {
        let path = format!(
            "/box?restype=container&comp=list&include=snapshots,metadata,copy&maxresults=1&marker={marker}"
        );
        let told = told(azure.raw(Method::GET, &path)).await;
        found.push((told.tags("Snapshot").first().cloned(), told.tags("bk_owner").len()));
        marker = told.tags("NextMarker")[0].replace("&#9;", "%09").replace('\t', "%09");
    }
    let expected = [(Some(first.to_owned()), 0), (Some(second.to_owned()), 1), (None, 0)];
    assert_eq!((found, marker.as_str()), (expected.to_vec(), ""));
}

#[tokio::test]
async fn a_blob_goes_with_its_snapshots_only_if_that_is_said() {
    let azure = rig(2).await;
    write(&azure, "disk", 0, &[1; PAGE]).await;
    let first = snapshot(&azure, "disk").await;
    let second = snapshot(&azure, "disk").await;
    let delete = |path: &str, word: Option<&str>| {
        let call = azure.raw(Method::DELETE, path);
        told(match word {
            Some(word) => call.header("x-ms-delete-snapshots", word),
            None => call,
        })
    };
    assert_eq!(delete("/box/disk", None).await.refusal(), (409, "SnapshotsPresent"));
    let one = format!("/box/disk?snapshot={first}");
    assert_eq!(delete(&one, Some("include")).await.refusal(), (400, "InvalidHeaderValue"));
    assert_eq!(delete(&one, None).await.status, 202);
    assert_eq!(delete(&one, None).await.refusal(), (404, "BlobNotFound"));
    assert_eq!(delete("/box/disk", Some("only")).await.status, 202);
    assert_eq!(refused(&azure, &format!("/box/disk?snapshot={second}")).await.0, 404);
    assert_eq!(content(&azure, "/box/disk").await[..PAGE], [1; PAGE]);
    snapshot(&azure, "disk").await;
    assert_eq!(delete("/box/disk", Some("include")).await.status, 202);
    assert_eq!(refused(&azure, "/box/disk").await.0, 404);
}

#[tokio::test]
async fn block_blobs_have_snapshots_too() {
    let (azure, container) = Azure::with_box().await;
    super::azure::put(&container, "text", b"before").await;
    let id = snapshot(&azure, "text").await;
    super::azure::put(&container, "text", b"after it").await;
    assert_eq!(content(&azure, &format!("/box/text?snapshot={id}")).await, b"before");
    assert_eq!(content(&azure, "/box/text").await, b"after it");
}

#[tokio::test]
async fn a_difference_is_of_writes_and_not_of_bytes() {
    let azure = rig(16).await;
    write(&azure, "disk", 0, &[1; 8 * PAGE]).await;
    let first = snapshot(&azure, "disk").await;
    write(&azure, "disk", 2, &[1; PAGE]).await;
    clear(&azure, "disk", 3, 2).await;
    write(&azure, "disk", 4, &[0; PAGE]).await;
    write(&azure, "disk", 12, &[5; PAGE]).await;
    let second = snapshot(&azure, "disk").await;
    clear(&azure, "disk", 12, 1).await;
    let diff = async |more: &str| list(&azure, &format!("/box/disk?comp=pagelist&{more}")).await;
    // Written with the same bytes, cleared, cleared and written with zeros, written: mixed in order.
    let between = [(2, 3, false), (3, 4, true), (4, 5, false), (12, 13, false)];
    assert_eq!(diff(&format!("snapshot={second}&prevsnapshot={first}")).await, between);
    let to_base = [(2, 3, false), (3, 4, true), (4, 5, false), (12, 13, true)];
    assert_eq!(diff(&format!("prevsnapshot={first}")).await, to_base);
    assert_eq!(diff(&format!("prevsnapshot={second}")).await, [(12, 13, true)]);
    let url = format!("{}/box/disk?snapshot={second}", azure.url());
    let by_url = azure.raw(Method::GET, "/box/disk?comp=pagelist");
    let by_url = told(by_url.header("x-ms-previous-snapshot-url", url)).await;
    assert_eq!(listed(&by_url), [(12, 13, true)]);
    let part =
        told(azure.raw(
            Method::GET,
            &format!("/box/disk?comp=pagelist&prevsnapshot={first}&maxresults=2"),
        ));
    let part = part.await;
    assert_eq!(listed(&part), to_base[..2]);
    let next = &part.tags("NextMarker")[0];
    assert_eq!(diff(&format!("prevsnapshot={first}&marker={next}")).await, to_base[2..]);
}

#[tokio::test]
async fn a_difference_that_cannot_be_told_is_refused_by_name() {
    let azure = rig(4).await;
    let first = snapshot(&azure, "disk").await;
    write(&azure, "disk", 0, &[1; PAGE]).await;
    let second = snapshot(&azure, "disk").await;
    let diff = async |more: &str| refused(&azure, &format!("/box/disk?comp=pagelist&{more}")).await;
    let gone = "2020-01-01T00:00:00.0000000Z";
    let refusal = |status, code: &str| (status, code.to_owned());
    assert_eq!(
        diff(&format!("prevsnapshot={gone}")).await,
        refusal(409, "PreviousSnapshotNotFound")
    );
    assert_eq!(
        diff(&format!("snapshot={first}&prevsnapshot={second}")).await,
        refusal(400, "PreviousSnapshotCannotBeNewer")
    );
    assert_eq!(create(&azure, "disk", 4 * PAGE).await.status, 201);
    let overwritten = refusal(409, "BlobOverwritten");
    assert_eq!(diff(&format!("prevsnapshot={second}")).await, overwritten);
    let before = format!("/box/disk?comp=pagelist&snapshot={second}&prevsnapshot={first}");
    assert_eq!(list(&azure, &before).await, [(0, 1, false)], "what was before is still told");
    let third = snapshot(&azure, "disk").await;
    assert_eq!(list(&azure, &format!("/box/disk?comp=pagelist&prevsnapshot={third}")).await, []);
    let misled = azure.raw(Method::GET, &format!("/box/disk?comp=pagelist&prevsnapshot={third}"));
    let misled = told(misled.header("x-emulator-mischief", "refused-diff")).await;
    assert_eq!(misled.refusal(), (409, "BlobOverwritten"));
}

#[tokio::test]
async fn differences_one_after_another_make_the_same_disk_as_its_last_snapshot() {
    let mut seed = 1_u64;
    let mut draw = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let pages = 24;
    let azure = rig(pages).await;
    let mut model = vec![0; pages * PAGE];
    let mut copy = vec![0; pages * PAGE];
    let mut last = snapshot(&azure, "disk").await;
    for round in 0..8_u8 {
        for step in 0..6_u8 {
            let page = draw(pages);
            let count = 1 + draw((pages - page).min(5));
            if draw(3) == 0 {
                clear(&azure, "disk", page, count).await;
                model[page * PAGE..(page + count) * PAGE].fill(0);
            } else {
                write(&azure, "disk", page, &vec![round * 8 + step; count * PAGE]).await;
                model[page * PAGE..(page + count) * PAGE].fill(round * 8 + step);
            }
        }
        let next = snapshot(&azure, "disk").await;
        let whole = content(&azure, &format!("/box/disk?snapshot={next}")).await;
        assert_eq!(whole, model);
        let path = format!("/box/disk?comp=pagelist&snapshot={next}&prevsnapshot={last}");
        for (start, end, is_clear) in list(&azure, &path).await {
            let range = start * PAGE..end * PAGE;
            if is_clear {
                copy[range].fill(0);
            } else {
                copy[range.clone()].copy_from_slice(&whole[range]);
            }
        }
        assert_eq!(copy, model, "round {round}");
        last = next;
    }
}

#[tokio::test]
async fn a_premium_account_gives_a_blob_one_snapshot_in_ten_minutes_and_a_hundred_in_all() {
    let azure = rig(2).await;
    let data = azure.emulator.data().to_owned();
    let sku = Some("Premium_LRS".to_owned());
    let order = AccountOrder { name: "account1".to_owned(), sku, ..AccountOrder::default() };
    tokio::task::spawn_blocking(move || storage_account(&data, order)).await.unwrap().unwrap();
    let take = || told(azure.raw(Method::PUT, "/box/disk?comp=snapshot"));
    for number in 0..100 {
        assert_eq!(take().await.status, 201, "{number}");
        if number == 0 {
            assert_eq!(take().await.refusal(), (409, "SnapshotOperationRateExceeded"));
            azure.emulator.forward("PT9M");
            assert_eq!(take().await.status, 409);
            azure.emulator.forward("PT1M");
        } else {
            azure.emulator.forward("PT10M");
        }
    }
    assert_eq!(take().await.refusal(), (409, "SnapshotCountExceeded"));
}
