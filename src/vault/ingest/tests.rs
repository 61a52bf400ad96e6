//! An import and a vault in memory, whose calls fail as planned.

use disk_prep::monitor::VoidMonitor;

use super::*;
use crate::azure::faulty::{Act, Fault, Plan, busy};
use crate::azure::memory::{Manners, Memory};
use crate::azure::{self, Container, Fence, Lost};
use crate::repository::Place;
use crate::vault::seed_list::SeedBlob;
use crate::vault::shelf::Import;
use bytes::Bytes;
use disk_prep::noun::{Diagnose, ErrorKind, Md5Digest, Sha256Digest};
use disk_prep::sys::hold::hold;
use md5::{Digest, Md5};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

fn md5(content: &[u8]) -> Md5Digest {
    Md5Digest::new(Md5::digest(content).into())
}

/// Allows so many changes.
#[derive(Debug)]
struct Allows(Mutex<usize>);

impl Fence for Allows {
    fn check(&self) -> Result<(), azure::Error> {
        let mut left = hold(&self.0);
        let lost = azure::Error::LeaseLost { what: "lock".to_owned(), why: Lost::Taken };
        *left = left.checked_sub(1).ok_or(lost)?;
        Ok(())
    }
}

/// The containers of an account, both by a plan, to be changed so often.
fn planned(memory: &Memory, plan: &Arc<Plan>, changes: usize) -> Shelf {
    let container = |name| plan.container(memory.container(name));
    let vault: Arc<dyn Container> = container("vault");
    Shelf {
        vault: vault.fenced(Arc::new(Allows(Mutex::new(changes)))),
        vault_prefix: "repo/".to_owned(),
        import: Import::Container(container("import"), "seed/".to_owned()),
    }
}

fn shelf(memory: &Memory) -> Shelf {
    planned(memory, &Plan::of(&[]), usize::MAX)
}

fn take(seed: &SeedList, shelf: &Shelf, spare: Spare<'_>) -> Result<Ingested, Error> {
    ingest(
        seed,
        shelf,
        Taking { spare, repair_limit: None, tell: &|_| (), prove: None, versions: None },
        &VoidMonitor,
    )
}

fn run(memory: &Memory) -> Result<Ingested, Error> {
    take(&seed(), &shelf(memory), &nothing)
}

/// What a container holds below its prefix.
fn below(memory: &Memory, container: &str) -> BTreeMap<String, Bytes> {
    let below = |name: String| name.split_once('/').unwrap().1.to_owned();
    let all = memory.contents(container).into_iter();
    all.map(|(name, content)| (below(name), content)).collect()
}

fn has_snapshot(memory: &Memory) -> bool {
    below(memory, "vault").keys().any(|path| path.starts_with("snapshots/"))
}

/// The path of a blob below a folder: all but the configuration are named by their SHA-256.
fn path(folder: &str, content: &str) -> String {
    let id = Sha256Digest::new(Sha256::digest(content.as_bytes()).into()).to_string();
    match folder {
        "data" => format!("data/{}/{id}", &id[..2]),
        _ => format!("{folder}/{id}"),
    }
}

/// Snapshot first, so that the order of writing is not that of the list.
fn contents() -> BTreeMap<String, Bytes> {
    [
        (path("snapshots", "snapshot"), "snapshot"),
        (path("keys", "key"), "key"),
        ("config".to_owned(), "config"),
        (path("index", "index"), "index"),
        (path("data", "pack one"), "pack one"),
        (path("data", "pack two"), "pack two"),
    ]
    .map(|(path, content)| (path, Bytes::from_static(content.as_bytes())))
    .into()
}

fn sha256(content: &[u8]) -> Sha256Digest {
    Sha256Digest::new(Sha256::digest(content).into())
}

fn blob(path: &str, content: &[u8]) -> Result<SeedBlob, Error> {
    SeedBlob::new(path, content.len() as u64, md5(content), sha256(content))
}

fn seed_of(contents: BTreeMap<String, Bytes>) -> SeedList {
    let blobs = contents.iter().rev().map(|(path, content)| blob(path, content).unwrap());
    SeedList::new(blobs.collect()).unwrap()
}

fn seed() -> SeedList {
    seed_of(contents())
}

fn nothing(_: &str) -> io::Result<Option<Bytes>> {
    Ok(None)
}

fn staging(path: &str) -> io::Result<Option<Bytes>> {
    Ok(contents().get(path).cloned())
}

/// An account with the import of these.
fn with(contents: &BTreeMap<String, Bytes>, manners: Manners) -> Memory {
    let memory = Memory::new(manners);
    for (path, content) in contents {
        memory.put("import", &format!("seed/{path}"), content);
    }
    memory
}

fn imported() -> Memory {
    with(&contents(), Manners::default())
}

#[test]
fn packs_come_first_and_snapshots_last_and_a_second_call_writes_nothing() {
    let memory = imported();
    assert_eq!(run(&memory).unwrap(), Ingested { copied: 6, ..Ingested::default() });
    let kind = |name: &String| name["repo/".len()..][..4].to_owned();
    let kinds: Vec<_> = memory.take_written().iter().map(kind).collect();
    assert_eq!(kinds, ["data", "data", "inde", "keys", "conf", "snap"]);
    assert_eq!(run(&memory).unwrap(), Ingested { unchanged: 6, ..Ingested::default() });
    assert!(memory.take_written().is_empty());
    assert_eq!(below(&memory, "vault"), contents());
}

#[test]
fn a_fault_at_any_call_accepts_nothing_that_is_not_there_and_the_next_call_goes_on() {
    // Each kind of call, each one of it, with its effect and without.
    let mut faults = 0;
    for cannot_copy in [false, true] {
        for act in [Act::List, Act::Copy, Act::Read, Act::Write] {
            let manners = Manners { cannot_copy, ..Manners::default() };
            let counted = Plan::of(&[]);
            let memory = with(&contents(), manners.clone());
            let whole = planned(&memory, &counted, usize::MAX);
            take(&seed(), &whole, &nothing).unwrap();
            for after in 0..counted.calls(act) {
                for is_done in [false, true] {
                    let memory = with(&contents(), manners.clone());
                    let plan = Plan::of(&[Fault { act, after, is_done, error: busy }]);
                    let faulty = planned(&memory, &plan, usize::MAX);
                    let error = take(&seed(), &faulty, &nothing).unwrap_err();
                    let what = format!("{act:?} {after} {is_done}: {error}");
                    assert_eq!(error.code(), "azure-failing", "{what}");
                    assert_eq!(error.kind(), ErrorKind::Unreachable, "{what}");
                    let there = below(&memory, "vault");
                    let whole = there.len() == contents().len();
                    assert!(whole || !has_snapshot(&memory), "{what}");
                    let done = run(&memory).unwrap();
                    assert_eq!(done.unchanged, there.len() as u64, "{what}");
                    assert_eq!(below(&memory, "vault"), contents(), "{what}");
                    faults += 1;
                }
            }
        }
    }
    // Three lists, six copies; where they are not to be had six reads and six writes more.
    assert_eq!(faults, 2 * (3 + 6 + 3 + 6 + 6 + 6));
}

#[test]
fn a_right_that_is_lost_after_any_change_lets_no_other_come() {
    for changes in 0..6 {
        let memory = imported();
        let shelf = planned(&memory, &Plan::of(&[]), changes);
        let error = take(&seed(), &shelf, &nothing).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("lease-lost", ErrorKind::Busy));
        assert_eq!(memory.take_written().len(), changes);
        assert!(!has_snapshot(&memory));
        let done = run(&memory).unwrap();
        assert_eq!((done.unchanged, done.copied), (changes as u64, 6 - changes as u64));
    }
}

/// A seed of many packs.
fn many() -> BTreeMap<String, Bytes> {
    let mut all = contents();
    for number in 0..30 {
        let content = format!("pack {number}");
        all.insert(path("data", &content), Bytes::from(content));
    }
    all
}

#[test]
fn thirty_two_copies_are_under_way_at_once_and_no_more() {
    // Every kind of blob has as many as are waited for, or it would wait for ever.
    let packs: BTreeMap<String, Bytes> =
        many().into_iter().filter(|(path, _)| path.starts_with("data/")).collect();
    let memory = with(&packs, Manners::default());
    let plan = Plan::together(Act::Copy, 32);
    let shelf = planned(&memory, &plan, usize::MAX);
    let done = take(&seed_of(packs.clone()), &shelf, &nothing).unwrap();
    assert_eq!((done.copied, plan.most_of(Act::Copy)), (32, 32));
    assert_eq!(below(&memory, "vault"), packs);
}

#[test]
fn a_fault_in_the_middle_stops_the_rest_and_the_next_call_goes_on() {
    let memory = with(&many(), Manners::default());
    let plan = Plan::of(&[Fault { act: Act::Copy, after: 10, is_done: false, error: busy }]);
    let faulty = planned(&memory, &plan, usize::MAX);
    take(&seed_of(many()), &faulty, &nothing).unwrap_err();
    // Those that were under way at the fault are ended; no index was begun.
    let there = below(&memory, "vault");
    assert!(there.len() >= 10 && there.keys().all(|path| path.starts_with("data/")));
    let done = take(&seed_of(many()), &shelf(&memory), &nothing).unwrap();
    assert_eq!((done.unchanged, done.copied), (there.len() as u64, 36 - there.len() as u64));
    assert_eq!(below(&memory, "vault"), many());
}

#[test]
fn where_the_service_cannot_copy_the_content_is_streamed_and_hashed() {
    let memory = with(&contents(), Manners { cannot_copy: true, ..Manners::default() });
    assert_eq!(run(&memory).unwrap(), Ingested { streamed: 6, ..Ingested::default() });
    assert_eq!(below(&memory, "vault"), contents());
}

#[test]
fn what_the_import_lost_or_damaged_comes_from_staging_by_either_way() {
    for cannot_copy in [false, true] {
        let memory = with(&contents(), Manners { cannot_copy, ..Manners::default() });
        memory.lose("import", "seed/config");
        // Of the right length, so that only the digest can tell.
        memory.put("import", &format!("seed/{}", path("data", "pack one")), b"pack 0ne");
        let done = take(&seed(), &shelf(&memory), &staging).unwrap();
        assert_eq!((done.repaired, done.copied + done.streamed), (2, 4));
        assert_eq!(below(&memory, "vault"), contents());
    }
}

#[test]
fn what_is_nowhere_to_be_had_is_named_and_no_snapshot_is_written() {
    let pack = path("data", "pack two");
    let memory = imported();
    memory.lose("import", &format!("seed/{pack}"));
    let wrong = |_: &str| Ok(Some(Bytes::from_static(b"pack 2wo")));
    for spare in [&nothing as Spare<'_>, &wrong] {
        let done = take(&seed(), &shelf(&memory), spare);
        let Err(Error::Missing { paths }) = done else { panic!() };
        assert_eq!(paths, [pack.as_str()]);
        assert!(!has_snapshot(&memory));
    }
}

#[test]
fn a_blob_is_never_accepted_by_its_length_alone() {
    let key: &'static str = path("keys", "key").leak();
    let memory = with(&contents(), Manners { without_md5: Some(key), ..Manners::default() });
    memory.put("vault", &format!("repo/{key}"), b"k3y");
    let refused = run(&memory).unwrap_err();
    // It is taken again, and since the service still cannot say what it holds, not believed.
    assert_eq!(below(&memory, "vault")[key], contents()[key]);
    assert_eq!((refused.code(), refused.kind()), ("vault-blobs-differ", ErrorKind::Difference));
    assert!(matches!(refused, Error::NotHeld { paths } if paths == [key]));
}

#[test]
fn a_vault_that_holds_something_else_than_was_written_is_found_out() {
    let memory = with(&contents(), Manners { shortens: true, ..Manners::default() });
    let Err(Error::NotHeld { paths }) = run(&memory) else { panic!() };
    assert_eq!(paths.len(), 6);
}

#[test]
fn what_is_no_blob_of_a_seed_is_refused_before_anything_is_written() {
    let other_folder = format!("data/aa/{}", sha256(b"x"));
    let upper = format!("index/{}", "F".repeat(64));
    for path in ["", "../config", "locks/x", "data/ff/é", "config/", &other_folder, &upper] {
        assert_eq!(blob(path, b"x").unwrap_err().code(), "seed-foreign-blob", "{path}");
    }
    let one = blob("config", b"one").unwrap();
    assert_eq!(SeedList::new(vec![one, one]).unwrap().len(), 1);
    let twice = SeedList::new(vec![one, blob("config", b"two").unwrap()]).unwrap_err();
    assert_eq!(twice.code(), "seed-listed-twice");
    // Its MD5 would be that of the journal for ever.
    let broken = blob(&path("data", "pack one"), b"pack 0ne").unwrap_err();
    assert_eq!((broken.code(), broken.kind()), ("seed-blob-misnamed", ErrorKind::Difference));
}

#[test]
fn a_blob_whose_md5_is_right_and_whose_name_is_not_its_sha_256_is_not_taken() {
    // Only a collision could be so; here the journal is what lies.
    let place = Place::of(&path("data", "pack one")).unwrap();
    let seed = SeedList::new(vec![SeedBlob { place, bytes: 8, md5: md5(b"pack 0ne") }]).unwrap();
    let memory = Memory::new(Manners { cannot_copy: true, ..Manners::default() });
    memory.put("import", &format!("seed/{}", place.path()), b"pack 0ne");
    let refused = take(&seed, &shelf(&memory), &nothing).unwrap_err();
    assert_eq!(refused.code(), "seed-blobs-missing");
    assert!(memory.take_written().is_empty());
}

#[test]
fn a_machine_that_slept_writes_nothing_after_its_lease_while_another_takes_the_seed_in() {
    use crate::vault::lease::{Clock, Lease, Timing};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    for slept_after in 0..6 {
        let memory = imported();
        let secs = Arc::new(AtomicU64::new(100));
        let own = Arc::clone(&secs);
        let clock: Clock = Arc::new(move || Duration::from_secs(own.load(Ordering::SeqCst)));
        let timing = Timing { renew_every: Duration::from_secs(3_600), clock, ..Timing::default() };
        let (first, second) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let container = memory.container("vault");
        let lease = Lease::take(&container, first, &[], timing.clone()).unwrap();
        let shelf = |lease: &Lease| Shelf {
            vault: lease.guard(memory.container("vault")),
            vault_prefix: "repo/".to_owned(),
            import: Import::Container(memory.container("import"), "seed/".to_owned()),
        };
        // Asleep before the look at the staging path for one blob, which the import lacks.
        let number = AtomicU64::new(0);
        for path in contents().keys() {
            memory.lose("import", &format!("seed/{path}"));
        }
        let other = Mutex::new(None);
        let sleeps = |path: &str| {
            if number.fetch_add(1, Ordering::SeqCst) == slept_after {
                memory.take_written();
                secs.fetch_add(600, Ordering::SeqCst);
                // The service has let the lease run out; another machine has it by now.
                container.release_lease(crate::vault::lease::LOCK, first).unwrap();
                let lease = Lease::take(&container, second, &[], timing.clone()).unwrap();
                take(&seed(), &shelf(&lease), &staging).unwrap();
                *hold(&other) = Some((lease, memory.take_written().len()));
            }
            staging(path)
        };
        let late = take(&seed(), &shelf(&lease), &sleeps).unwrap_err();
        assert_eq!(late.code(), "lease-lost");
        let (_lease, written) = hold(&other).take().unwrap();
        assert!(written >= 1, "the other one had something to do");
        assert!(memory.take_written().is_empty(), "the late one wrote after {slept_after}");
        assert_eq!(below(&memory, "vault").len(), 7, "the seed's six blobs, and the lock");
    }
}

#[test]
fn a_vault_with_another_repository_is_left_as_it_is() {
    let memory = imported();
    // As long as the seed's, or not; with an MD5 that says it, or without one.
    for content in [&b"of another"[..], b"c0nfig"] {
        for is_told in [true, false] {
            match is_told {
                true => memory.put("vault", "repo/config", content),
                false => memory.import("vault", "repo/config", content),
            }
            let refused = run(&memory).unwrap_err();
            let told = (refused.code(), refused.kind());
            assert_eq!(told, ("vault-other-repository", ErrorKind::Guard));
            assert!(memory.take_written().is_empty());
        }
    }
    memory.import("vault", "repo/config", b"config");
    assert_eq!(run(&memory).unwrap().copied, 6, "its own, of which the service knows no MD5");
}

#[test]
fn what_it_will_cost_is_told_before_and_a_limit_of_repairs_is_kept() {
    let memory = imported();
    memory.lose("import", "seed/config");
    let told = Mutex::new(Vec::new());
    let tell = |estimate: &Estimate| {
        assert!(below(&memory, "vault").is_empty(), "before anything is written");
        hold(&told).push(*estimate);
    };
    let run = |limit| {
        let taking = Taking {
            spare: &staging,
            repair_limit: limit,
            tell: &tell,
            prove: None,
            versions: None,
        };
        ingest(&seed(), &shelf(&memory), taking, &VoidMonitor)
    };
    let refused = run(Some(5)).unwrap_err();
    assert_eq!((refused.code(), refused.kind()), ("ingest-repair-limit", ErrorKind::Resumable));
    assert!(memory.take_written().is_empty() && hold(&told).is_empty());
    assert_eq!(run(Some(6)).unwrap().repaired, 1);
    let expected = Estimate {
        blobs: 6,
        copies: 5,
        copy_bytes: 8 + 3 + 5 + 8 + 8,
        from_staging: 1,
        staging_bytes: 6,
        lists: 3,
        ..Estimate::default()
    };
    assert_eq!(*hold(&told), [expected]);
}

#[test]
fn a_limit_of_repairs_counts_what_only_a_copy_finds_out() {
    let memory = imported();
    memory.import("import", &format!("seed/{}", path("data", "pack one")), b"pack 0ne");
    for (limit, ends) in [(7, Some("ingest-repair-limit")), (8, None)] {
        let taking = Taking {
            spare: &staging,
            repair_limit: Some(limit),
            tell: &|_| (),
            prove: None,
            versions: None,
        };
        let came = ingest(&seed(), &shelf(&memory), taking, &VoidMonitor);
        assert_eq!(came.err().map(|error| error.code()), ends);
        assert_eq!(has_snapshot(&memory), ends.is_none());
    }
}

#[test]
fn in_place_each_blob_is_read_once_and_its_md5_is_set() {
    let memory = Memory::default();
    for (path, content) in contents() {
        // As drives bring them, without an MD5.
        memory.import("vault", &format!("repo/{path}"), &content);
    }
    let broken = format!("repo/{}", path("data", "pack one"));
    memory.import("vault", &broken, b"pack 0ne");
    let plan = Plan::of(&[]);
    let shelf = Shelf { import: Import::InPlace, ..planned(&memory, &plan, usize::MAX) };
    let done = take(&seed(), &shelf, &staging).unwrap();
    assert_eq!(done, Ingested { streamed: 5, repaired: 1, ..Ingested::default() });
    assert_eq!(memory.take_written(), [broken]);
    assert_eq!((plan.calls(Act::Vouch), plan.calls(Act::Copy)), (5, 0));
    let again = take(&seed(), &shelf, &nothing).unwrap();
    assert_eq!(again, Ingested { unchanged: 6, ..Ingested::default() });
}

#[test]
fn without_the_import_all_comes_from_staging_and_nothing_twice() {
    let memory = Memory::default();
    let shelf =
        |changes| Shelf { import: Import::Lost, ..planned(&memory, &Plan::of(&[]), changes) };
    // What was sent before the run was killed.
    take(&seed(), &shelf(2), &staging).unwrap_err();
    assert_eq!(memory.take_written().len(), 2);
    let done = take(&seed(), &shelf(usize::MAX), &staging).unwrap();
    assert_eq!(done, Ingested { unchanged: 2, repaired: 4, ..Ingested::default() });
    assert_eq!((memory.take_written().len(), below(&memory, "vault")), (4, contents()));
}

fn files(root: &Path) -> BTreeMap<String, Bytes> {
    let paths = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.unwrap().into_path());
    paths
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap().into())
        })
        .collect()
}

fn restic(repository: &Path, args: &[&str]) -> String {
    #[expect(clippy::disallowed_methods, reason = "tests run other people's readers")]
    let output = Command::new("restic")
        .args(["--no-cache", "-r"])
        .arg(repository)
        .args(args)
        .env("RESTIC_PASSWORD", "a password of many letters")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn restic_opens_and_restores_what_was_taken_in_from_a_repository_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let import = at("import");
    fs::create_dir(at("source")).unwrap();
    fs::write(at("source/file"), vec![7; 2_000_000]).unwrap();
    restic(&import, &["init"]);
    restic(&import, &["backup", at("source").to_str().unwrap()]);
    let memory = with(&files(&import), Manners::default());
    take(&seed_of(files(&import)), &shelf(&memory), &nothing).unwrap();
    for (path, content) in below(&memory, "vault") {
        let path = at("vault").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::remove_dir_all(at("import")).unwrap();
    let check = restic(&at("vault"), &["check", "--read-data"]);
    assert!(check.contains("no errors were found"), "{check}");
    let target = at("restored");
    restic(&at("vault"), &["restore", "latest", "--target", target.to_str().unwrap()]);
    let restored = target.join(at("source/file").strip_prefix("/").unwrap());
    assert_eq!(fs::read(restored).unwrap(), vec![7; 2_000_000]);
}
