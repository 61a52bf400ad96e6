//! One writer at a time: a run that has lost its lease changes nothing more, whenever it loses it;
//! runs take turns; a record is changed and not replaced; what deletes asks first.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azseed::azure::{
    self, Auth, BlobContainer, BlobCredential, BlobHome, BlobOptions, Container, Fence, Lost,
    Network, Removed,
};
use azseed::escrow::{Weak, read_password};
use azseed::state::State;
use azseed::vault::{
    Asked, Home, Import, LOCK, Lease, SeedBlob, SeedList, Shelf, Taking, Timing, Vault, clear,
    increment, ingest, retain,
};
use disk_prep::monitor::{Monitor, VoidMonitor};
use disk_prep::noun::{Diagnose, ErrorKind, Md5Digest, Sha256Digest};
use jiff::Zoned;
use md5::{Digest, Md5};
use serde_json::Value;
use sha2::Sha256;
use support::emulator::Emulator;
use support::played::{Played, reply};
use support::program::Machine;
use support::seed::{is_equal, run, shipped, shipped_with};
use uuid::Uuid;

/// A container of the emulator, by its token.
fn container(emulator: &Emulator, name: &str) -> Arc<dyn Container> {
    let url = |fact: &str| emulator.fact(fact).parse().unwrap();
    let options = BlobOptions {
        account: emulator.fact("account").parse().unwrap(),
        home: BlobHome::Endpoint(url("blob")),
        authority: url("authority"),
        network: Network { ca_file: Some(emulator.fact("ca_file").into()), ..Network::default() },
        credential: BlobCredential::SignedIn(Auth {
            kind: None,
            token: Some(emulator.fact("token").into()),
        }),
        limit: None,
    };
    Arc::new(BlobContainer::open(&options, name.parse().unwrap()).unwrap())
}

/// Every file below a folder with its content.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    let files = files.filter(|entry| entry.file_type().is_file());
    files.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

/// A vault's container as files.
fn blobs(emulator: &Emulator) -> PathBuf {
    emulator.blob("azseed-office", "repo")
}

/// Allows so many changes; then the right is lost. Each change asks for its own, so there can be
/// no more of them than were allowed; some may be under way at the moment of the loss.
#[derive(Debug)]
struct Countdown {
    folder: PathBuf,
    before: BTreeMap<PathBuf, Vec<u8>>,
    allowed: usize,
    /// How many are left, and whether one more was asked for.
    state: Mutex<(usize, bool)>,
}

impl Countdown {
    fn new(folder: PathBuf, allowed: usize) -> Arc<Self> {
        let before = tree(&folder);
        Arc::new(Countdown { folder, before, allowed, state: Mutex::new((allowed, false)) })
    }

    /// Whether the right was lost; there are not more changes than were allowed before.
    #[track_caller]
    fn was_lost(&self) -> bool {
        let after = tree(&self.folder);
        let is_other = |(path, content): &(&PathBuf, &Vec<u8>)| after.get(*path) != Some(content);
        let gone = self.before.iter().filter(is_other).count();
        let made = after.keys().filter(|path| !self.before.contains_key(*path)).count();
        assert!(gone + made <= self.allowed, "{gone} gone, {made} made, of {}", self.allowed);
        self.state.lock().unwrap().1
    }
}

impl Fence for Countdown {
    fn check(&self) -> Result<(), azure::Error> {
        let mut state = self.state.lock().unwrap();
        if state.0 > 0 {
            state.0 -= 1;
            return Ok(());
        }
        state.1 = true;
        Err(azure::Error::LeaseLost { what: LOCK.to_owned(), why: Lost::Taken })
    }
}

/// A deletion is repeated when its answer was lost; the service then says that the condition about the
/// blob is not met, as it does for one that somebody changed.
#[test]
fn a_blob_that_is_gone_was_not_changed_by_somebody() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let plain = container(&emulator, "seed");
    plain.make().unwrap();
    let fenced = Arc::clone(&plain).fenced(Countdown::new(machine.path("none"), 100));
    let write = |text: &'static str| {
        let md5 = Md5Digest::new(Md5::digest(text).into());
        fenced.write("blob", text.into(), md5).unwrap();
        plain.facts("blob").unwrap().unwrap().etag
    };
    let first = write("first");
    let second = write("second");
    assert_eq!(fenced.remove("blob", &first).unwrap(), Removed::Changed);
    assert_eq!(fenced.remove("blob", &second).unwrap(), Removed::Done);
    assert_eq!(fenced.remove("blob", &second).unwrap(), Removed::Absent);
}

fn record(machine: &Machine) -> Vault {
    State::open(Some(&machine.path("state"))).unwrap().vaults().unwrap().remove(0)
}

/// A copy of the state directory, as on a machine that was copied.
fn copy_state(machine: &Machine) {
    let (from, to) = (machine.path("state"), machine.path("copy"));
    let done = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(done.success());
}

fn quick() -> Timing {
    Timing { renew_every: Duration::from_millis(20), ..Timing::default() }
}

/// Waits until the lease has noticed.
fn loss(lease: &Lease) -> azure::Error {
    loop {
        if let Err(error) = lease.check() {
            return error;
        }
        std::thread::yield_now();
    }
}

#[test]
fn an_increment_that_loses_its_lease_at_any_step_changes_nothing_more() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped_with(&machine, &emulator, &["--keep-daily", "1"]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    let vault = record(&machine);
    let password = read_password(vault.password_file.as_ref().unwrap(), Weak::Accepted).unwrap();
    let plain = container(&emulator, "azseed-office");
    let monitor: Arc<dyn Monitor> = Arc::new(VoidMonitor);
    let mut ended = BTreeMap::new();
    // Every step at first, then fewer: each is a run of its own.
    for allowed in std::iter::successors(Some(0), |last| Some(last + 1 + last / 4)) {
        // Something to back up, and something that the retention lets go.
        fs::write(machine.path("source/folder/file-1"), format!("content {allowed}")).unwrap();
        let fence = Countdown::new(blobs(&emulator), allowed);
        let fenced = Arc::clone(&plain).fenced(fence.clone());
        let now = Zoned::now();
        let asked = Asked { now: &now, this_host: "here", allow_shrink: false };
        let made = increment(&vault, (&fenced, Home::Vault), &password, &asked, &monitor);
        let done = made.and_then(|(mut done, repository)| {
            let home = (&fenced, &repository);
            retain(&vault, home, &asked, &mut done, &|_| {}).map(|()| done)
        });
        let was_lost = fence.was_lost();
        match done {
            Ok(done) => {
                assert!(!was_lost, "it ended well without its lease");
                assert!(!done.forgotten.is_empty(), "the retention was part of it");
                break;
            }
            Err(error) => {
                assert!(was_lost, "{error}");
                assert_eq!((error.code(), error.kind()), ("lease-lost", ErrorKind::Busy));
                *ended.entry(error.to_string()).or_insert(0) += 1;
            }
        }
        assert!(allowed < 100, "it never ends");
    }
    let steps: i32 = ended.values().sum();
    assert!(steps >= 5, "{ended:?}");
    run(&machine, &emulator, 0, &["--now"]);
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}

/// The blobs of a seed, as they were imported.
fn imported_seed(imported: &Path, vault: &Vault) -> SeedList {
    let seed: Vec<SeedBlob> = tree(imported)
        .into_iter()
        .filter_map(|(path, content)| {
            let name = path.strip_prefix(imported).unwrap().to_str().unwrap();
            let path = name.strip_prefix(vault.seed.as_ref().unwrap().prefix.as_str())?;
            let md5 = Md5Digest::new(Md5::digest(&content).into());
            let sha256 = Sha256Digest::new(Sha256::digest(&content).into());
            Some(SeedBlob::new(path, content.len() as u64, md5, sha256).unwrap())
        })
        .collect();
    assert!(seed.len() > 8, "{}", seed.len());
    SeedList::new(seed).unwrap()
}

#[test]
fn an_ingest_that_loses_its_lease_at_any_step_changes_nothing_more() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let vault = record(&machine);
    let imported = emulator.blob("seed", "");
    let seed = imported_seed(&imported, &vault);
    let plain = container(&emulator, "azseed-office");
    let import = container(&emulator, "seed");
    let taking = Taking {
        spare: &|_| Ok(None),
        repair_limit: None,
        tell: &|_| (),
        prove: None,
        versions: None,
    };
    let mut runs = 0;
    for allowed in [0, 1, 2, 5, 1_000] {
        let fence = Countdown::new(blobs(&emulator), allowed);
        let shelf = Shelf {
            vault: Arc::clone(&plain).fenced(fence.clone()),
            vault_prefix: vault.prefix.clone(),
            import: Import::Container(
                Arc::clone(&import),
                vault.seed.as_ref().unwrap().prefix.clone(),
            ),
        };
        let done = ingest(&seed, &shelf, taking, &VoidMonitor);
        let was_lost = fence.was_lost();
        let Err(error) = done else {
            assert!(!was_lost, "it ended well without its lease");
            break;
        };
        assert!(was_lost && error.code() == "lease-lost", "{error}");
        runs += 1;
    }
    assert_eq!(runs, 4);
    assert_eq!(run(&machine, &emulator, 0, &[])["ingested"]["copied"], 0, "all were taken in");
}

#[test]
fn a_lease_that_is_taken_ended_or_late_is_lost_before_the_next_change() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let plain = container(&emulator, "vault");
    plain.make().unwrap();
    let content = || bytes::Bytes::from_static(b"content");
    let md5 = Md5Digest::new(Md5::digest(content()).into());
    let blob = emulator.blob("vault", "repo/blob");
    let refused = |lease: &Lease, kind: ErrorKind| {
        let before = tree(emulator.data());
        let fenced = lease.guard(Arc::clone(&plain));
        for error in [
            fenced.write("repo/blob", content(), md5).unwrap_err(),
            fenced.remove_any("repo/blob").unwrap_err(),
            fenced.remove("repo/blob", "etag").unwrap_err(),
            fenced.copy_from(&plain.source("repo/blob"), "repo/copy", md5).unwrap_err(),
        ] {
            assert_eq!((error.code(), error.kind()), ("lease-lost", kind), "{error}");
        }
        assert!(tree(emulator.data()) == before, "something was sent");
    };
    let take = |id, former: &[Uuid], timing| Lease::take(&plain, id, former, timing);
    let ids: Vec<Uuid> = (0..6).map(|_| Uuid::new_v4()).collect();

    // Held by one; a run of the same machine is followed, and the one before it has lost it.
    let first = take(ids[0], &[], quick()).unwrap();
    first.guard(Arc::clone(&plain)).write("repo/blob", content(), md5).unwrap();
    assert_eq!(fs::read(&blob).unwrap(), b"content");
    let error = take(ids[1], &[ids[5]], quick()).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("vault-locked", ErrorKind::Busy));
    let second = take(ids[1], &[ids[5], ids[0]], quick()).unwrap();
    assert_eq!(loss(&first).kind(), ErrorKind::Busy);
    refused(&first, ErrorKind::Busy);
    second.guard(Arc::clone(&plain)).write("repo/blob", content(), md5).unwrap();

    // Its blob is deleted by its holder's id, as somebody who clears up would.
    drop(first);
    plain.change_lease(LOCK, ids[1], ids[2]).unwrap();
    assert_eq!(loss(&second).kind(), ErrorKind::Busy);
    refused(&second, ErrorKind::Busy);
    drop(second);
    plain.release_lease(LOCK, ids[2]).unwrap();

    // The machine slept: nothing was asked of the service since.
    let now = Arc::new(Mutex::new(Duration::from_secs(1_000)));
    let own = Arc::clone(&now);
    let clock: azseed::vault::Clock = Arc::new(move || *own.lock().unwrap());
    let slow = Timing { clock, ..Timing::default() };
    let third = take(ids[3], &[], slow.clone()).unwrap();
    *now.lock().unwrap() += Duration::from_secs(39);
    assert!(third.check().is_ok());
    *now.lock().unwrap() += Duration::from_secs(1);
    refused(&third, ErrorKind::Resumable);
    drop(third);

    // The lease ended at the service by its clock, and another run has it.
    let fourth =
        take(ids[4], &[], Timing { renew_every: Duration::from_secs(3_600), ..slow }).unwrap();
    emulator.forward(&machine, "+61s");
    let fifth = take(ids[5], &[], quick()).unwrap();
    assert!(fifth.check().is_ok());
    assert!(fourth.check().is_ok(), "it cannot know yet");
    *now.lock().unwrap() += Duration::from_secs(40);
    refused(&fourth, ErrorKind::Resumable);
}

/// The service refuses everything for longer than the lease lives: nothing is changed meanwhile, and
/// after it the run goes on, unless another one has had the vault.
#[test]
fn a_lease_that_ends_in_a_storm_is_renewed_unless_another_run_has_had_it() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let plain = container(&emulator, "vault");
    plain.make().unwrap();
    let content = || bytes::Bytes::from_static(b"content");
    let md5 = Md5Digest::new(Md5::digest(content()).into());
    for (name, is_taken) in [("repo/one", false), ("repo/two", true)] {
        // Long enough for the other run to come in between.
        let pause = Duration::from_millis(if is_taken { 4_000 } else { 20 });
        let (late_after, patience) = (Duration::from_millis(300), Duration::from_secs(60));
        let timing = Timing { late_after, patience, pause, ..quick() };
        let lease = Lease::take(&plain, Uuid::new_v4(), &[], timing).unwrap();
        let fenced = lease.guard(Arc::clone(&plain));
        emulator.mischief(&machine, &["burst-503:1000000"]);
        std::thread::sleep(late_after * 2);
        emulator.forward(&machine, "+61s");
        let blob = emulator.blob("vault", name);
        let written = std::thread::spawn(move || {
            let done = fenced.write(name, content(), md5);
            (done, fenced.check())
        });
        std::thread::sleep(late_after);
        assert!(!written.is_finished() && !blob.exists(), "it waits");
        let on = emulator.mischief(&machine, &[]);
        let struck = on.iter().find(|own| own["what"] == "burst-503").unwrap()["struck"].as_u64();
        let struck = struck.unwrap();
        assert!(struck >= if is_taken { 1 } else { 5 }, "only renewals were sent: {struck}");
        emulator.mischief(&machine, &["--clear"]);
        let other = is_taken.then(|| Lease::take(&plain, Uuid::new_v4(), &[], quick()).unwrap());
        let (done, held) = written.join().unwrap();
        if is_taken {
            for error in [done.unwrap_err(), held.unwrap_err()] {
                assert_eq!((error.code(), error.kind()), ("lease-lost", ErrorKind::Busy));
            }
            assert!(!blob.exists() && other.unwrap().check().is_ok());
        } else {
            done.and(held).unwrap();
            assert_eq!(fs::read(&blob).unwrap(), b"content");
            assert!(lease.check().is_ok());
        }
    }
}

#[test]
fn a_killed_run_is_followed_at_once_on_its_machine_and_a_copy_of_its_state_waits() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    let last = record(&machine).leases;
    assert_eq!(last.len(), 1);
    copy_state(&machine);
    // What a killed run leaves behind.
    let plain = container(&emulator, "azseed-office");
    plain.lease(LOCK, last[0], 60).unwrap();
    let copy = machine.text("copy");
    let before = tree(&blobs(&emulator));
    let said = run(&machine, &emulator, 11, &["--now", "--state", &copy]);
    assert_eq!(said["code"], "vault-locked", "{said}");
    assert!(tree(&blobs(&emulator)) == before, "nothing was changed");
    run(&machine, &emulator, 0, &["--now"]);
    let own = record(&machine).leases;
    assert!(own.len() == 1 && own != last, "each run has an id of its own: {own:?}");
    run(&machine, &emulator, 0, &["--now", "--state", &copy]);

    // A stranger's lease stops everything that changes a vault, and nothing is changed.
    let stranger = Uuid::new_v4();
    plain.lease(LOCK, stranger, 60).unwrap();
    let refused = plain.lease(LOCK, Uuid::new_v4(), 60).unwrap_err();
    assert_eq!((refused.code(), refused.kind()), ("blob-leased", ErrorKind::Busy));
    let (staging, imported) = (machine.path("staging"), emulator.blob("seed", ""));
    let before = (tree(&staging), tree(&imported), tree(&blobs(&emulator)));
    assert_eq!(run(&machine, &emulator, 11, &["--now"])["code"], "vault-locked");
    let said = emulator.expect(&machine, 11, &["cleanup", "--yes"]);
    assert!(said.stderr.contains("vault-locked"), "{}", said.stderr);
    assert!((tree(&staging), tree(&imported), tree(&blobs(&emulator))) == before);
    assert!(record(&machine).cleaned_at.is_none());
    plain.release_lease(LOCK, stranger).unwrap();
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    assert!(record(&machine).cleaned_at.is_some());
}

#[test]
fn two_runs_at_once_take_turns_and_a_record_that_is_changed_meanwhile_stays_changed() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    copy_state(&machine);
    let before = record(&machine);
    let start = |state: &str| {
        let words = ["vault", "run", "--now", "--json", "--state", state];
        let mut command = emulator.command(&machine, &words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (own, copy) = (machine.text("state"), machine.text("copy"));
    let runs = [start(&own), start(&copy)];
    // A policy is set while the run goes on, or before it has read the record, or after.
    let state = State::open(Some(&machine.path("state"))).unwrap();
    state.change_vault(&before, |own| own.retention.daily = Some(7)).unwrap();
    let codes = runs.map(|run| {
        let said = run.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let code = said.status.code();
        assert!(code == Some(0) || text.contains("vault-locked"), "{code:?} {text}");
        code
    });
    assert!(codes.contains(&Some(0)), "{codes:?}");
    for (code, state) in codes.iter().zip([&own, &copy]) {
        if *code != Some(0) {
            assert_eq!(*code, Some(11));
            run(&machine, &emulator, 0, &["--now", "--state", state]);
        }
    }
    let after = record(&machine);
    assert_eq!(after.retention.daily, Some(7));
    assert!(after.incremented_at > before.incremented_at);
    let listed = emulator.expect(&machine, 0, &["vault", "snapshots", "--json"]).stdout;
    assert_eq!(listed.lines().count(), 4, "{listed}");

    // While a run of this machine goes on, another one of it waits for its turn.
    let lock = state.lock_vault(&after.name).unwrap().unwrap();
    assert_eq!(run(&machine, &emulator, 11, &["--now"])["code"], "vault-locked");
    emulator.expect(&machine, 11, &["cleanup", "--yes"]);
    drop(lock);
}

#[test]
fn of_two_vaults_that_want_one_container_at_once_one_gets_it() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let staging = machine.text("staging");
    let start = |name: &str| {
        let words = ["vault", "create", "--vault", name, "--staging", &staging, "--json"];
        let mut command = emulator.command(&machine, &words);
        command.args(["--vault-container", "wanted"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let names = ["one", "two"];
    let said = names.map(start).map(|run| {
        let said = run.wait_with_output().unwrap();
        (said.status.code(), String::from_utf8_lossy(&said.stdout).into_owned())
    });
    let mut codes = said.each_ref().map(|(code, _)| *code);
    codes.sort();
    assert_eq!(codes, [Some(0), Some(2)], "{said:?}");
    let winner = names[usize::from(said[0].0 != Some(0))];
    let loser = &said[usize::from(said[0].0 == Some(0))].1;
    assert!(loser.contains("vault-container-taken"), "{loser}");
    let claim = fs::read(emulator.blob("wanted", "azseed/vault.json")).unwrap();
    let claim: Value = serde_json::from_slice(&claim).unwrap();
    assert_eq!(claim["vault"], winner);
    let state = State::open(Some(&machine.path("state"))).unwrap();
    let known: Vec<String> =
        state.vaults().unwrap().iter().map(|vault| vault.name.to_string()).collect();
    assert_eq!(known.iter().filter(|name| names.contains(&name.as_str())).count(), 1, "{known:?}");
}

#[test]
fn a_policy_that_keeps_nothing_is_refused_and_a_forged_one_is_not_carried_out() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = shipped(&machine, &emulator);
    let nothing =
        ["vault", "create", "--vault", "other", "--staging", &staging, "--keep-daily", "0"];
    let said = emulator.expect(&machine, 2, &nothing);
    assert!(said.stderr.contains("vault-keeps-nothing"), "{}", said.stderr);
    assert!(!emulator.blob("azseed-other", "").exists());
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    let state = State::open(Some(&machine.path("state"))).unwrap();
    let vault = record(&machine);
    state.change_vault(&vault, |own| own.retention.daily = Some(0)).unwrap();
    let said = run(&machine, &emulator, 3, &["--now"]);
    let made = &said["increment"];
    assert_eq!(
        (&made["policy_refused"], &made["forgotten"]),
        (&true.into(), &Value::Array(vec![]))
    );
    let listed = emulator.expect(&machine, 0, &["vault", "snapshots", "--json"]).stdout;
    assert_eq!(listed.lines().count(), 3, "{listed}");
}

#[test]
fn what_is_cleared_and_what_is_restored_is_named_and_said_yes_to() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    let before = (tree(emulator.data()), tree(&machine.path("staging")));
    let script = emulator.expect(&machine, 2, &["cleanup"]).stderr;
    assert!(script.contains("needs-yes") && script.contains("Would delete"), "{script}");
    assert!((tree(emulator.data()), tree(&machine.path("staging"))) == before, "nothing was sent");

    let call = |words: &[&str], variables: &[(&str, &str)]| {
        let output = emulator.command(&machine, words).envs(variables.iter().copied()).output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), text)
    };
    let (elsewhere, nobody) = (("AZSEED_TARGET", "elsewhere"), ("AZSEED_SNAPSHOT", "nobody"));
    let (code, said) = call(&["vault", "restore"], &[elsewhere]);
    assert!(code == 2 && !machine.path("elsewhere").exists(), "{code} {said}");
    assert!(said.contains("AZSEED_TARGET is not used: name it with `--target`"), "{said}");
    let restore = ["vault", "restore", "--target", "restored"];
    let (code, said) = call(&restore, &[elsewhere, nobody, ("AZSEED_VAULT", "another")]);
    assert!(code == 0 && !machine.path("elsewhere").exists(), "{code} {said}");
    for flag in ["vault", "snapshot"] {
        assert!(said.contains(&format!("is not used: name it with `--{flag}`")), "{said}");
    }
    assert!(is_equal(&machine, "restored"));
    assert_eq!(call(&["vault", "show"], &[("AZSEED_VAULT", "another")]).0, 10, "a setting there");

    // Another vault's staging path, and a file of settings with a name in it.
    let settings = machine.path(".config/azseed/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "vault = \"another\"\ntracking-number = \"1Z0\"\n").unwrap();
    let (code, said) = call(&["cleanup"], &[("AZSEED_VAULT", "another")]);
    assert!(code == 2 && said.contains("needs-yes"), "{code} {said}");
    assert!(said.contains("The key vault is not used: name it with `--vault`"), "{said}");
    let (code, said) = call(&["job", "ship", "--carrier", "UPS", "--staging", &staging], &[]);
    // The carrier alone is another parcel, too late; the number of the settings is no number.
    assert!(code == 13 && said.contains("The key tracking-number is not used"), "{code} {said}");
    fs::remove_file(settings).unwrap();
    assert_eq!(call(&["cleanup", "-y"], &[]).0, 0);
    assert!(!machine.path("staging/repo").exists());
}

#[test]
fn a_cleanup_that_loses_its_lease_between_two_deletes_deletes_nothing_more() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let vault = record(&machine);
    let imported = emulator.blob("seed", "");
    let seed = imported_seed(&imported, &vault);
    let import = container(&emulator, "seed");
    let mut deleted = 0;
    for allowed in [0, 1, 3, 1_000] {
        let fence = Countdown::new(imported.clone(), allowed);
        let before = tree(&imported).len();
        let fenced = Arc::clone(&import).fenced(fence.clone());
        let done =
            clear(fenced.as_ref(), &vault.seed.as_ref().unwrap().prefix, &seed, &|_, _| true);
        let was_lost = fence.was_lost();
        let gone = before - tree(&imported).len();
        deleted += gone;
        match done {
            Ok(done) => {
                assert!(!was_lost && done.left.is_empty(), "{done:?}");
                assert_eq!(done.deleted, gone as u64);
            }
            Err(error) => {
                assert!(was_lost && allowed < 1_000, "{error}");
                assert_eq!((error.code(), error.kind()), ("lease-lost", ErrorKind::Busy));
                assert!(gone <= allowed, "{gone} of {allowed}");
            }
        }
    }
    assert_eq!(deleted, seed.len(), "the last one had its lease to the end");
}

/// A service that gives a lease and then does not let it be renewed.
fn lease_answered(renewal: u16) -> Played {
    Played::start(move |call, to| {
        let action = call.headers.get("x-ms-lease-action").map(String::as_str);
        match action {
            Some("renew") => reply(to, renewal, "x-ms-error-code: Played\r\n", b""),
            Some("acquire") => reply(to, 201, "etag: \"1\"\r\nx-ms-request-id: 1\r\n", b""),
            _ => reply(to, 200, "etag: \"1\"\r\nx-ms-request-id: 1\r\n", b""),
        }
    })
}

#[test]
fn a_renewal_that_is_refused_ends_with_the_exit_code_of_its_reason() {
    for (status, kind, text) in [
        (401, ErrorKind::NotAllowed, "does not allow"),
        (403, ErrorKind::NotAllowed, "does not allow"),
        (400, ErrorKind::Resumable, "refused to renew"),
        (404, ErrorKind::Busy, "another run has it"),
        (409, ErrorKind::Busy, "another run has it"),
    ] {
        let played = lease_answered(status);
        let options = BlobOptions {
            account: "account1".parse().unwrap(),
            home: BlobHome::Endpoint(played.url("").parse().unwrap()),
            authority: played.url("").parse().unwrap(),
            network: Network { ca_file: Some(played.ca_file()), ..Network::default() },
            credential: BlobCredential::SignedIn(Auth {
                kind: None,
                token: Some("token".to_owned().into()),
            }),
            limit: None,
        };
        let plain = BlobContainer::open(&options, "vault".parse().unwrap()).unwrap();
        let plain: Arc<dyn Container> = Arc::new(plain);
        let lease = Lease::take(&plain, Uuid::new_v4(), &[], quick()).unwrap();
        let lost = loss(&lease);
        assert_eq!((lost.code(), lost.kind()), ("lease-lost", kind), "{status}: {lost}");
        assert!(lost.to_string().contains(text), "{status}: {lost}");
        let before = played.calls().len();
        assert!(lease.guard(plain).remove_any("repo/blob").is_err());
        assert_eq!(played.calls().len(), before, "nothing is sent after that");
    }
    assert_eq!(azseed::exit::Exit::Failed(ErrorKind::NotAllowed).code(), 12);
}
