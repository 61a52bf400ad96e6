//! Blobs in memory that are looked at and sent, with faults as planned; and what logs point at.

use std::fs;

use bytes::Bytes;
use disk_prep::dataset::{Listing, SideFile};
use disk_prep::monitor::RecordingMonitor;
use disk_prep::noun::{BlobType, Diagnose, ErrorKind, ImportDisposition, Md5Digest};
use disk_prep::sys::beneath::Folder;
use md5::{Digest, Md5};

use super::shipped::Sources;
use super::*;
use crate::azure::faulty::{Act, Fault as Planned, Plan, busy};
use crate::azure::memory::{Manners, Memory};
use crate::import_job::copy_log::{BlobEnd, CopyLog, Entry};

use ImportDisposition::{NoOverwrite, Overwrite};

fn md5(content: &[u8]) -> Md5Digest {
    Md5Digest::new(Md5::digest(content).into())
}

/// A folder of sources and an account.
struct World {
    folder: tempfile::TempDir,
    memory: Memory,
    plan: Arc<Plan>,
}

impl World {
    fn new() -> Self {
        World::with(Manners::default(), &[])
    }

    fn with(manners: Manners, faults: &[Planned]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        World { folder, memory: Memory::new(manners), plan: Plan::of(faults) }
    }

    /// A source file, and the item that a journal has of it.
    fn file(&self, name: &str, content: &[u8], disposition: ImportDisposition) -> Item {
        fs::write(self.folder.path().join(name), content).unwrap();
        Item {
            blob: format!("seed/{name}").parse().unwrap(),
            kind: BlobType::BlockBlob,
            disposition,
            bytes: content.len() as u64,
            md5: Some(md5(content)),
            file_path: format!("\\job\\{name}"),
            source: name.into(),
            listing: Listing::default(),
        }
    }

    fn sources(&self) -> Sources {
        Sources::Machine(Folder::open(self.folder.path()).unwrap())
    }

    fn run(&self, mode: Mode, item: &Item, reason: &Reason) -> Result<Deed, azure::Error> {
        let seed = self.plan.container(self.memory.container("seed"));
        let containers = [("seed".parse().unwrap(), seed.fenced(Arc::new(Open)))].into();
        Mender { sources: &self.sources(), containers, mode }.mend(item, reason)
    }

    fn mend(&self, item: &Item) -> Deed {
        self.run(Mode::Send, item, &Reason::plain(Fault::Missing)).unwrap()
    }

    fn content(&self, item: &Item) -> Option<Bytes> {
        self.memory.contents("seed").remove(item.blob.name())
    }
}

#[test]
fn a_missing_blob_is_sent_once_and_proven() {
    let world = World::new();
    let item = world.file("a", b"content", NoOverwrite);
    let look = world.run(Mode::Look, &item, &Reason::plain(Fault::Missing)).unwrap();
    assert_eq!((look, world.memory.take_written().len()), (Deed::WouldSend, 0));
    assert_eq!(world.mend(&item), Deed::Sent);
    assert_eq!(world.content(&item).unwrap(), &b"content"[..]);
    assert_eq!(world.mend(&item), Deed::There);
    assert_eq!(world.memory.take_written(), ["a"]);
}

#[test]
fn one_that_differs_is_replaced_only_where_it_may_be() {
    for (disposition, is_made, replaced) in [
        (Overwrite, false, true),
        (NoOverwrite, false, false),
        (ImportDisposition::Rename, false, false),
        (NoOverwrite, true, true),
    ] {
        let world = World::new();
        let item = world.file("a", b"content", disposition);
        world.memory.put("seed", "a", b"another");
        let reason = Reason { is_made, ..Reason::plain(Fault::Damaged) };
        let deed = world.run(Mode::Send, &item, &reason).unwrap();
        let expected = if replaced { Deed::Sent } else { Deed::Left(Left::OfOthers) };
        assert_eq!(deed, expected, "{disposition:?} {is_made}");
        let content = if replaced { &b"content"[..] } else { b"another" };
        assert_eq!(world.content(&item).unwrap(), content);
    }
}

#[test]
fn one_without_md5_is_read_before_it_is_believed() {
    let world = World::new();
    let item = world.file("a", b"content", NoOverwrite);
    world.memory.import("seed", "a", b"content");
    assert_eq!(world.mend(&item), Deed::There);
    world.memory.import("seed", "a", b"contenT");
    assert_eq!(world.mend(&item), Deed::Left(Left::OfOthers));
    // Of all blobs that are looked at only because all are, none is read.
    let listed = Reason::plain(Fault::Listed);
    assert_eq!(world.run(Mode::Send, &item, &listed).unwrap(), Deed::There);
    assert_eq!(world.plan.calls(Act::Read), 2);
    let item = Item { disposition: Overwrite, ..item };
    assert_eq!(world.mend(&item), Deed::Sent);
    assert_eq!(world.content(&item).unwrap(), &b"content"[..]);
}

#[test]
fn a_source_that_is_not_what_was_copied_is_not_sent() {
    let world = World::new();
    let item = world.file("a", b"content", Overwrite);
    for (content, left) in [
        (Some(&b"contenT"[..]), Left::SourceChanged),
        (Some(b"longer content"), Left::SourceChanged),
        (None, Left::SourceUnreadable(String::new())),
    ] {
        let path = world.folder.path().join("a");
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let Deed::Left(own) = world.mend(&item) else { panic!("{left:?}") };
        assert_eq!(own.name(), left.name());
    }
    let item = world.file("disk.vhd", &[1; 513], Overwrite);
    let item = Item { kind: BlobType::PageBlob, ..item };
    assert_eq!(world.mend(&item), Deed::Left(Left::SourceChanged));
    std::os::unix::fs::symlink("/etc/hostname", world.folder.path().join("link")).unwrap();
    let item = Item { source: "link".into(), ..item };
    assert!(matches!(world.mend(&item), Deed::Left(Left::SourceUnreadable(_))));
    let item = Item { source: "../a".into(), ..item };
    assert!(matches!(world.mend(&item), Deed::Left(Left::SourceUnreadable(_))));
    assert!(world.memory.contents("seed").is_empty());
}

#[test]
fn what_a_drive_left_out_is_sent_as_it_is_now() {
    let world = World::new();
    let item = Item { md5: None, ..world.file("a", b"first", NoOverwrite) };
    fs::write(world.folder.path().join("a"), b"as it is now").unwrap();
    assert_eq!(world.mend(&item), Deed::Sent);
    assert_eq!(world.content(&item).unwrap(), &b"as it is now"[..]);
    assert_eq!(world.mend(&item), Deed::There);
    fs::remove_file(world.folder.path().join("a")).unwrap();
    assert!(matches!(world.mend(&item), Deed::Left(Left::SourceUnreadable(_))));
}

#[test]
fn after_a_fault_the_next_call_sends_what_is_missing_and_nothing_twice() {
    for (act, is_done) in [(Act::Look, false), (Act::Send, false), (Act::Send, true)] {
        let fault = Planned { act, after: 0, is_done, error: busy };
        let world = World::with(Manners::default(), &[fault]);
        let item = world.file("a", b"content", NoOverwrite);
        let first = world.run(Mode::Send, &item, &Reason::plain(Fault::Missing));
        assert_eq!(first.unwrap_err().code(), "azure-failing");
        let expected = if is_done { Deed::There } else { Deed::Sent };
        assert_eq!(world.mend(&item), expected, "{act:?} {is_done}");
        assert_eq!(world.memory.take_written(), ["a"]);
    }
}

#[test]
fn what_the_service_stores_otherwise_is_not_called_sent() {
    let world = World::with(Manners { shortens: true, ..Manners::default() }, &[]);
    let item = world.file("a", b"content", NoOverwrite);
    assert_eq!(world.mend(&item), Deed::Left(Left::NotProven));
}

#[test]
fn metadata_properties_and_kind_go_with_the_blob() {
    let world = World::new();
    let text = b"<Metadata><Album>Sea</Album></Metadata>";
    world.file("m.xml", text, Overwrite);
    let side = SideFile {
        source: "m.xml".into(),
        path: "\\job\\_metadata\\m.xml".parse().unwrap(),
        bytes: text.len() as u64,
        modified_ns: 0,
        md5: md5(text),
    };
    let listing =
        Listing::Blob { metadata: Some(Box::new(side)), properties: None, content_md5: None };
    let item = world.file("disk.vhd", &[7; 1024], NoOverwrite);
    let item = Item { kind: BlobType::PageBlob, listing, ..item };
    assert_eq!(world.mend(&item), Deed::Sent);
    let (kind, labels) = world.memory.about("seed", "disk.vhd");
    assert_eq!(kind, BlobType::PageBlob);
    assert_eq!(labels.metadata, [("Album".to_owned(), "Sea".to_owned())]);
    world.memory.lose("seed", "disk.vhd");
    fs::write(world.folder.path().join("m.xml"), "<Metadata/>").unwrap();
    assert!(matches!(world.mend(&item), Deed::Left(Left::LabelsUnreadable(_))));
    assert_eq!(world.content(&item), None);
}

#[test]
fn several_are_sent_at_once_and_told_in_their_order() {
    let world = World::new();
    let plan = Plan::together(Act::Send, AT_ONCE);
    let seed = plan.container(world.memory.container("seed"));
    let containers = [("seed".parse().unwrap(), seed.fenced(Arc::new(Open)))].into();
    let sources = world.sources();
    let mender = Mender { sources: &sources, containers, mode: Mode::Send };
    let wanted = |number: usize| {
        let item = world.file(&format!("file-{number}"), &[number as u8; 10], NoOverwrite);
        (item, "S1".into(), Reason::plain(Fault::Missing))
    };
    let monitor = RecordingMonitor::default();
    let all: Vec<Wanted> = (0..AT_ONCE * 2).map(wanted).collect();
    let mended = mend_all(&mender, all, &monitor).unwrap();
    assert_eq!(plan.most_of(Act::Send), AT_ONCE);
    for (number, own) in mended.iter().enumerate() {
        assert_eq!(own.item.blob.name(), format!("file-{number}"));
        assert_eq!(own.deed, Deed::Sent);
    }
    assert_eq!(world.memory.contents("seed").len(), AT_ONCE * 2);
}

fn entry(container: &str, name: Option<&str>, file_path: Option<&str>, end: BlobEnd) -> Entry {
    let owned = |text: &str| text.to_owned();
    Entry {
        container: owned(container),
        name: name.map(owned),
        file_path: file_path.map(owned),
        end,
        is_made: false,
    }
}

fn missing() -> BlobEnd {
    BlobEnd::Missing { code: "2".to_owned() }
}

fn log(entries: Vec<Entry>) -> CopyLog {
    CopyLog { status: Some("CompletedWithErrors".to_owned()), entries, ..CopyLog::default() }
}

#[test]
fn a_log_points_at_blobs_by_their_place_on_the_drive_by_name_or_by_container() {
    let world = World::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| world.file(name, b"x", Overwrite));
    let renamed = BlobEnd::Renamed { to: Some("seed/a (2)".to_owned()) };
    let mut own = Pointers::of(&log(vec![
        entry("seed", Some("a (2)"), Some("\\job\\a"), renamed),
        entry("seed", Some("b"), None, missing()),
        entry("seed", Some("c"), Some("\\job\\c"), BlobEnd::Arrived),
    ]));
    let reason = own.meet(&a).unwrap();
    assert_eq!((reason.fault, reason.detail.as_str()), (Fault::Renamed, "seed/a (2)"));
    assert_eq!(own.meet(&b).map(|reason| reason.fault), Some(Fault::Missing));
    assert_eq!((own.meet(&c), own.unmet()), (None, 0));
    let container = BlobEnd::Renamed { to: Some("DataBox-1".to_owned()) };
    let mut own = Pointers::of(&log(vec![entry("seed", None, None, container)]));
    assert!(own.meet(&a).is_some() && own.meet(&c).is_some() && own.unmet() == 0);
}

#[test]
fn names_that_no_journal_has_point_at_nothing_and_are_counted() {
    let world = World::new();
    let a = world.file("a", b"x", Overwrite);
    let names = ["../../x", "/etc/passwd", "a/../a", "A", "a ", "%61", ""];
    let hostile = names.map(|name| entry("seed", Some(name), None, missing()));
    let others = [
        entry("other", Some("a"), None, missing()),
        entry("..", Some("a"), None, missing()),
        entry("seed/a", None, None, missing()),
        entry("seed", Some("a"), Some("\\job\\..\\a"), missing()),
    ];
    let mut own = Pointers::of(&log(hostile.into_iter().chain(others).collect()));
    assert_eq!(own.meet(&a), None);
    assert_eq!(own.unmet(), names.len() + 4);
}

#[test]
fn of_a_drive_that_was_not_read_all_is_meant() {
    let world = World::new();
    let a = world.file("a", b"x", Overwrite);
    let status = Some("BitLockerKeyInvalid".to_owned());
    let mut own = Pointers::of(&CopyLog { status, ..CopyLog::default() });
    assert_eq!(own.meet(&a), Some(Reason::plain(Fault::NotRead)));
    let remark = Remark::NotOurs { serial: "S1".to_owned(), count: 2 };
    assert!(remark.to_string().contains("names 2 that no journal has"));
}

#[test]
fn job_and_seed_must_be_for_the_same_account() {
    let name: JobName = "seed-1".parse().unwrap();
    let (one, other): (AccountName, AccountName) =
        ("account1".parse().unwrap(), "account2".parse().unwrap());
    let of = |told, seed| agreed(told, seed, &name);
    assert_eq!(of(Some("Account1"), Some(&one)).unwrap(), one);
    assert_eq!(of(None, Some(&one)).unwrap(), one);
    assert_eq!(of(Some("Account2"), None).unwrap(), other);
    for (told, seed, code, kind) in [
        (Some("account1"), Some(&other), "job-other-account", ErrorKind::Guard),
        (None, None, "job-without-account", ErrorKind::Refused),
        (Some("../x"), None, "job-without-account", ErrorKind::Refused),
    ] {
        let refused = of(told, seed).unwrap_err();
        assert_eq!((refused.code(), refused.kind()), (code, kind));
    }
}
