//! An import and a vault in memory, whose calls fail as planned.

use disk_prep::monitor::VoidMonitor;

use super::*;
use crate::azure::faulty::{Act, Fault, Plan, busy};
use crate::azure::memory::{Manners, Memory};
use crate::azure::{self, Container, Fence, Lost};
use disk_prep::noun::{Diagnose, ErrorKind, Md5Digest};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

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
        import: container("import"),
        import_prefix: "seed/".to_owned(),
    }
}

fn shelf(memory: &Memory) -> Shelf {
    planned(memory, &Plan::of(&[]), usize::MAX)
}

fn run(memory: &Memory) -> Result<Ingested, Error> {
    ingest(&seed(), &shelf(memory), &nothing, &VoidMonitor)
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

fn id(digit: char) -> String {
    digit.to_string().repeat(64)
}

/// Snapshot first, so that the order of writing is not that of the list.
fn contents() -> BTreeMap<String, Bytes> {
    [
        (format!("snapshots/{}", id('a')), "snapshot"),
        (format!("keys/{}", id('b')), "key"),
        ("config".to_owned(), "config"),
        (format!("index/{}", id('c')), "index"),
        (format!("data/dd/{}", id('d')), "pack one"),
        (format!("data/ee/{}", id('e')), "pack two"),
    ]
    .map(|(path, content)| (path, Bytes::from_static(content.as_bytes())))
    .into()
}

fn seed_of(contents: BTreeMap<String, Bytes>) -> Vec<SeedBlob> {
    let blob = |(path, content): (String, Bytes)| SeedBlob {
        path,
        bytes: content.len() as u64,
        md5: md5(&content),
    };
    contents.into_iter().rev().map(blob).collect()
}

fn seed() -> Vec<SeedBlob> {
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
            ingest(&seed(), &whole, &nothing, &VoidMonitor).unwrap();
            for after in 0..counted.calls(act) {
                for is_done in [false, true] {
                    let memory = with(&contents(), manners.clone());
                    let plan = Plan::of(&[Fault { act, after, is_done, error: busy }]);
                    let faulty = planned(&memory, &plan, usize::MAX);
                    let error = ingest(&seed(), &faulty, &nothing, &VoidMonitor).unwrap_err();
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
    // Two lists, six copies; where they are not to be had six reads and six writes more.
    assert_eq!(faults, 2 * (2 + 6 + 2 + 6 + 6 + 6));
}

#[test]
fn a_right_that_is_lost_after_any_change_lets_no_other_come() {
    for changes in 0..6 {
        let memory = imported();
        let shelf = planned(&memory, &Plan::of(&[]), changes);
        let error = ingest(&seed(), &shelf, &nothing, &VoidMonitor).unwrap_err();
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
        let id = format!("{number:02x}{}", "0".repeat(62));
        all.insert(format!("data/{}/{id}", &id[..2]), Bytes::from(id));
    }
    all
}

#[test]
fn eight_copies_are_under_way_at_once_and_no_more() {
    // Every kind of blob has as many as are waited for, or it would wait for ever.
    let packs: BTreeMap<String, Bytes> =
        many().into_iter().filter(|(path, _)| path.starts_with("data/")).collect();
    let memory = with(&packs, Manners::default());
    let plan = Plan::together(Act::Copy, COPIES_AT_ONCE);
    let shelf = planned(&memory, &plan, usize::MAX);
    let done = ingest(&seed_of(packs.clone()), &shelf, &nothing, &VoidMonitor).unwrap();
    assert_eq!((done.copied, plan.most_of(Act::Copy)), (32, COPIES_AT_ONCE));
    assert_eq!(below(&memory, "vault"), packs);
}

#[test]
fn a_fault_in_the_middle_stops_the_rest_and_the_next_call_goes_on() {
    let memory = with(&many(), Manners::default());
    let plan = Plan::of(&[Fault { act: Act::Copy, after: 10, is_done: false, error: busy }]);
    let faulty = planned(&memory, &plan, usize::MAX);
    ingest(&seed_of(many()), &faulty, &nothing, &VoidMonitor).unwrap_err();
    // Those that were under way at the fault are ended; no index was begun.
    let there = below(&memory, "vault");
    assert!(there.len() >= 10 && there.keys().all(|path| path.starts_with("data/")));
    let done = ingest(&seed_of(many()), &shelf(&memory), &nothing, &VoidMonitor).unwrap();
    assert_eq!((done.unchanged, done.copied), (there.len() as u64, 36 - there.len() as u64));
    assert_eq!(below(&memory, "vault"), many());
}

#[test]
fn what_goes_through_memory_does_so_one_by_one() {
    let memory = with(&many(), Manners { cannot_copy: true, ..Manners::default() });
    // The import has nothing, so that all comes from the staging path.
    for path in many().keys() {
        memory.lose("import", &format!("seed/{path}"));
    }
    let all = many();
    let spare = |path: &str| Ok(all.get(path).cloned());
    let plan = Plan::of(&[]);
    let shelf = planned(&memory, &plan, usize::MAX);
    let done = ingest(&seed_of(many()), &shelf, &spare, &VoidMonitor).unwrap();
    assert_eq!(done.repaired, 36);
    assert_eq!((plan.calls(Act::Write), plan.most_of(Act::Write)), (36, 1));
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
        memory.put("import", &format!("seed/data/dd/{}", id('d')), b"pack 0ne");
        let done = ingest(&seed(), &shelf(&memory), &staging, &VoidMonitor).unwrap();
        assert_eq!((done.repaired, done.copied + done.streamed), (2, 4));
        assert_eq!(below(&memory, "vault"), contents());
    }
}

#[test]
fn what_is_nowhere_to_be_had_is_named_and_no_snapshot_is_written() {
    let pack = format!("data/ee/{}", id('e'));
    let memory = imported();
    memory.lose("import", &format!("seed/{pack}"));
    let wrong = |_: &str| Ok(Some(Bytes::from_static(b"pack 2wo")));
    for spare in [&nothing as Spare<'_>, &wrong] {
        let done = ingest(&seed(), &shelf(&memory), spare, &VoidMonitor);
        let Err(Error::Missing { paths }) = done else { panic!() };
        assert_eq!(paths, [pack.as_str()]);
        assert!(!has_snapshot(&memory));
    }
}

#[test]
fn a_blob_is_never_accepted_by_its_length_alone() {
    let memory = with(&contents(), Manners { without_md5: Some("config"), ..Manners::default() });
    memory.put("vault", "repo/config", b"c0nfig");
    let refused = run(&memory).unwrap_err();
    // It is taken again, and since the service still cannot say what it holds, not believed.
    assert_eq!(below(&memory, "vault")["config"], contents()["config"]);
    assert_eq!((refused.code(), refused.kind()), ("vault-blobs-differ", ErrorKind::Difference));
    assert!(matches!(refused, Error::NotHeld { paths } if paths == ["config"]));
}

#[test]
fn a_vault_that_holds_something_else_than_was_written_is_found_out() {
    let memory = with(&contents(), Manners { shortens: true, ..Manners::default() });
    let Err(Error::NotHeld { paths }) = run(&memory) else { panic!() };
    assert_eq!(paths.len(), 6);
}

#[test]
fn a_path_outside_the_layout_or_listed_twice_is_refused_before_anything_is_written() {
    let memory = imported();
    let shelf = shelf(&memory);
    let long = id('f');
    let other_folder = format!("data/aa/{long}");
    let upper = format!("index/{}", "F".repeat(64));
    for path in ["", "../config", "locks/x", "data/ff/é", "config/", &other_folder, &upper] {
        let mut seed = seed();
        seed[0].path = path.to_owned();
        let refused = ingest(&seed, &shelf, &nothing, &VoidMonitor).unwrap_err();
        assert_eq!(refused.code(), "seed-foreign-blob", "{path}");
    }
    let mut twice = seed();
    twice.push(twice[0].clone());
    let refused = ingest(&twice, &shelf, &nothing, &VoidMonitor).unwrap_err();
    assert_eq!(refused.code(), "seed-listed-twice");
    assert!(memory.take_written().is_empty());
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
    ingest(&seed_of(files(&import)), &shelf(&memory), &nothing, &VoidMonitor).unwrap();
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
