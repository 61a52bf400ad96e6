//! Page blobs copied by the service: whole, page by page, by what changed; pending, failed, ended.

use reqwest::Method;

use super::azure::{Azure, Told, base64, md5, told};
use super::pages::{PAGE, at, clear, content, create, list, rig, snapshot, write, writing};

/// The address of a blob with what opens it.
fn source(azure: &Azure, name: &str, snapshot: Option<&str>) -> String {
    let id = snapshot.map(|id| format!("snapshot={id}&")).unwrap_or_default();
    format!("{}/box/{name}?{id}{}", azure.url(), azure.sas("r", "box", None))
}

async fn copy(azure: &Azure, from: &str, to: &str, mischief: &str) -> Told {
    let call = azure.raw(Method::PUT, &format!("/box/{to}")).header("x-ms-copy-source", from);
    told(call.header("x-emulator-mischief", mischief).header("content-length", "0")).await
}

async fn head(azure: &Azure, name: &str, mischief: &str) -> Told {
    let call = azure.raw(Method::HEAD, &format!("/box/{name}"));
    told(call.header("x-emulator-mischief", mischief)).await
}

#[tokio::test]
async fn a_copy_of_a_snapshot_has_its_pages_and_stands_alone() {
    let azure = rig(8).await;
    write(&azure, "disk", 1, &[1; PAGE]).await;
    write(&azure, "disk", 2, &[0; PAGE]).await;
    let id = snapshot(&azure, "disk").await;
    write(&azure, "disk", 5, &[2; PAGE]).await;
    let from = source(&azure, "disk", Some(&id));
    let told = copy(&azure, &from, "copy", "").await;
    assert_eq!((told.status, told.header("x-ms-copy-status")), (202, "success"));
    assert_eq!(list(&azure, "/box/copy?comp=pagelist").await, [(1, 3, false)]);
    let named = head(&azure, "copy", "").await;
    assert!(named.header("x-ms-copy-source").ends_with(&format!("?snapshot={id}")), "{named:?}");
    // Azurite's copies change their source; these do not.
    clear(&azure, "copy", 1, 1).await;
    assert_eq!(
        content(&azure, &format!("/box/disk?snapshot={id}")).await[PAGE..2 * PAGE],
        [1; PAGE]
    );
    let kept = snapshot(&azure, "copy").await;
    assert_eq!(copy(&azure, &source(&azure, "disk", None), "copy", "").await.status, 202);
    assert_eq!(list(&azure, "/box/copy?comp=pagelist").await, [(1, 3, false), (5, 6, false)]);
    let diff = format!("/box/copy?comp=pagelist&prevsnapshot={kept}");
    assert_eq!(told_of(&azure, &diff).await, (409, "BlobOverwritten".to_owned()));
    assert_eq!(content(&azure, &format!("/box/copy?snapshot={kept}")).await, [0; 8 * PAGE]);
}

async fn told_of(azure: &Azure, path: &str) -> (u16, String) {
    let told = told(azure.raw(Method::GET, path)).await;
    (told.status, told.code)
}

#[tokio::test]
async fn a_copy_stays_pending_and_lets_nobody_at_its_blob() {
    let azure = rig(8).await;
    write(&azure, "disk", 3, &[1; PAGE]).await;
    let id = snapshot(&azure, "disk").await;
    let from = source(&azure, "disk", Some(&id));
    let begun = copy(&azure, &from, "copy", "pending-copies").await;
    assert_eq!((begun.status, begun.header("x-ms-copy-status")), (202, "pending"));
    let seen = head(&azure, "copy", "pending-copies").await;
    assert_eq!(seen.header("x-ms-copy-status"), "pending");
    assert_eq!(seen.header("x-ms-copy-progress"), "2048/4096");
    let put = |path: &str| {
        let call = azure.raw(Method::PUT, path).header("x-emulator-mischief", "pending-copies");
        call.header("content-length", "0")
    };
    for call in [
        writing(&azure, "copy", 0, &[1; PAGE]).header("x-emulator-mischief", "pending-copies"),
        put("/box/copy?comp=snapshot"),
        put("/box/copy?comp=metadata"),
        put("/box/copy?comp=lease").header("x-ms-lease-action", "acquire"),
        azure.raw(Method::DELETE, "/box/copy").header("x-emulator-mischief", "pending-copies"),
    ] {
        assert_eq!(told(call).await.refusal(), (409, "PendingCopyOperation"));
    }
    let done = head(&azure, "copy", "").await;
    assert_eq!(done.header("x-ms-copy-status"), "success");
    assert_eq!(done.header("x-ms-copy-id"), begun.header("x-ms-copy-id"));
    assert_eq!(list(&azure, "/box/copy?comp=pagelist").await, [(3, 4, false)]);
}

#[tokio::test]
async fn a_copy_fails_on_its_way_by_a_change_of_its_source_or_with_time() {
    let azure = rig(8).await;
    write(&azure, "disk", 3, &[1; PAGE]).await;
    let id = snapshot(&azure, "disk").await;
    let from = source(&azure, "disk", Some(&id));
    let begun = copy(&azure, &from, "failed", "failed-copies").await;
    assert_eq!(begun.header("x-ms-copy-status"), "pending");
    let seen = head(&azure, "failed", "").await;
    assert_eq!((seen.header("x-ms-copy-status"), seen.header("content-length")), ("failed", "0"));
    assert!(seen.header("x-ms-copy-status-description").starts_with("500"), "{seen:?}");

    let live = source(&azure, "disk", None);
    assert_eq!(copy(&azure, &live, "live", "pending-copies").await.status, 202);
    write(&azure, "disk", 0, &[2; PAGE]).await;
    let seen = head(&azure, "live", "").await;
    assert_eq!(seen.header("x-ms-copy-status"), "failed", "a live disk is never copied");

    assert_eq!(copy(&azure, &from, "old", "pending-copies").await.status, 202);
    azure.emulator.forward("15d");
    let seen = head(&azure, "old", "pending-copies").await;
    assert_eq!(seen.header("x-ms-copy-status-description"), "500 OperationCancelled");
}

#[tokio::test]
async fn a_pending_copy_is_ended_at_a_word_and_leaves_an_empty_blob() {
    let azure = rig(8).await;
    let begun = copy(&azure, &source(&azure, "disk", None), "copy", "pending-copies").await;
    let abort = |id: &str| {
        let call = azure.raw(Method::PUT, &format!("/box/copy?comp=copy&copyid={id}"));
        let call = call.header("x-ms-copy-action", "abort").header("content-length", "0");
        told(call.header("x-emulator-mischief", "pending-copies"))
    };
    assert_eq!(abort("other").await.refusal(), (409, "NoPendingCopyOperation"));
    assert_eq!(abort(begun.header("x-ms-copy-id")).await.status, 204);
    let seen = head(&azure, "copy", "").await;
    assert_eq!((seen.header("x-ms-copy-status"), seen.header("content-length")), ("aborted", "0"));
}

#[tokio::test]
async fn pages_are_put_from_another_blob_at_their_own_place() {
    let azure = rig(8).await;
    write(&azure, "disk", 0, &[1; 8 * PAGE]).await;
    write(&azure, "disk", 5, &[2; PAGE]).await;
    let id = snapshot(&azure, "disk").await;
    clear(&azure, "disk", 0, 8).await;
    assert_eq!(create(&azure, "copy", 8 * PAGE).await.status, 201);
    let from = |range: &str| {
        let call = azure.raw(Method::PUT, "/box/copy?comp=page").header("content-length", "0");
        let call = at(call, 3, 1).header("x-ms-page-write", "update");
        let call = call.header("x-ms-copy-source", source(&azure, "disk", Some(&id)));
        call.header("x-ms-source-range", range.to_owned())
    };
    let page = "bytes=2560-3071";
    let wrong = from(page).header("x-ms-source-content-md5", base64(&md5(b"else")));
    assert_eq!(told(wrong).await.refusal(), (400, "Md5Mismatch"));
    assert_eq!(told(from("bytes=0-1023")).await.refusal(), (400, "InvalidHeaderValue"));
    let right = from(page).header("x-ms-source-content-md5", base64(&md5(&[2; PAGE])));
    assert_eq!(told(right).await.status, 201);
    let mut expected = vec![0; 8 * PAGE];
    expected[3 * PAGE..4 * PAGE].fill(2);
    assert_eq!(content(&azure, "/box/copy").await, expected);
}

#[tokio::test]
async fn incremental_copies_bind_a_blob_and_give_it_a_snapshot_each() {
    let azure = rig(8).await;
    write(&azure, "disk", 1, &[1; 2 * PAGE]).await;
    let first = snapshot(&azure, "disk").await;
    write(&azure, "disk", 2, &[2; PAGE]).await;
    clear(&azure, "disk", 1, 1).await;
    let second = snapshot(&azure, "disk").await;
    let incremental = |to: &str, from: &str| {
        let call = azure.raw(Method::PUT, &format!("/box/{to}?comp=incrementalcopy"));
        told(call.header("x-ms-copy-source", from.to_owned()).header("content-length", "0"))
    };
    let of = |id: &str| source(&azure, "disk", Some(id));
    let base = incremental("copy", &source(&azure, "disk", None)).await;
    assert_eq!(base.refusal(), (409, "IncrementalCopySourceMustBeSnapshot"));
    let begun = incremental("copy", &of(&first)).await;
    assert_eq!((begun.status, begun.header("x-ms-copy-status")), (202, "pending"));
    let seen = head(&azure, "copy", "").await;
    assert_eq!(seen.header("x-ms-copy-status"), "success");
    assert_eq!(seen.header("x-ms-incremental-copy"), "true");
    let point = seen.header("x-ms-copy-destination-snapshot").to_owned();
    let again = incremental("copy", &of(&first)).await;
    assert_eq!(again.refusal(), (409, "IncrementalCopyOfEarlierSnapshotNotAllowed"));
    assert_eq!(incremental("copy", &of(&second)).await.status, 202);
    let seen = head(&azure, "copy", "").await;
    let later = seen.header("x-ms-copy-destination-snapshot").to_owned();
    assert!(point < later);
    for (own, theirs) in [(&point, &first), (&later, &second)] {
        let (own, theirs) =
            (format!("/box/copy?snapshot={own}"), format!("/box/disk?snapshot={theirs}"));
        assert_eq!(content(&azure, &own).await, content(&azure, &theirs).await);
    }
    let diff = format!("/box/copy?comp=pagelist&snapshot={later}&prevsnapshot={point}");
    assert_eq!(list(&azure, &diff).await, [(1, 2, true), (2, 3, false)]);
    let bound = "OperationNotAllowedOnIncrementalCopyBlob";
    assert_eq!(told_of(&azure, "/box/copy").await, (409, bound.to_owned()));
    assert_eq!(told(writing(&azure, "copy", 0, &[1; PAGE])).await.refusal(), (409, bound));
    assert_eq!(create(&azure, "other", 8 * PAGE).await.status, 201);
    let mismatch = incremental("other", &of(&second)).await;
    assert_eq!(mismatch.refusal(), (409, "IncrementalCopyBlobMismatch"));
}
