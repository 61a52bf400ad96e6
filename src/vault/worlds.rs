//! Worlds of several machines with one vault, drawn from a seed: seeds on their way, increments,
//! ingest, retention, prune and all of a machine let go, while calls fail, machines die in the midst
//! or stand still until another one has taken the vault. After each step everything that is shown is
//! whole; at the end all of it is restored and compared.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use disk_prep::sys::hold::hold;
use jiff::Timestamp;
use uuid::Uuid;

use super::joining::joining;
use super::record::{SeedLink, Vault};
use crate::azure::faulty::{Act, Fault, Pause, Plan, busy};
use crate::azure::memory::Memory;
use crate::policy::Retention;
use crate::repository::{Choice, Overwrite, Owners, RestoreOptions, Whereto};

use office::{Files, Host, World, back_up, below, folder_store, quick_repository};

mod office;

/// A machine that may stand still while another one works.
type Hosted = Arc<Mutex<Host>>;

const PASSWORD: &str = "a password of many letters";
/// So many worlds are drawn when nothing is said.
const WORLDS: u64 = 100;

/// Numbers that a seed draws.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// Changes some files of a source.
fn change(host: &mut Host, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let name = format!("file-{}", dice.below(6));
        let path = host.source.join(&name);
        if dice.one_in(4) && host.files.len() > 1 {
            if host.files.remove(&name).is_some() {
                fs::remove_file(path).unwrap();
            }
            continue;
        }
        let (text, times) = (dice.next().to_le_bytes(), dice.below(2_000) as usize);
        // A part is what other machines may have too.
        let mut content = vec![7; dice.below(3) as usize * 1_000];
        content.extend(text.repeat(times));
        fs::write(path, &content).unwrap();
        host.files.insert(name, content);
    }
}

/// What goes wrong in a run.
fn life(world: &Arc<World>, others: &[Hosted], dice: &mut Dice) -> Arc<Plan> {
    const ACTS: [Act; 11] = [
        Act::List,
        Act::Look,
        Act::Read,
        Act::Write,
        Act::WriteNew,
        Act::Copy,
        Act::Remove,
        Act::Lease,
        Act::TakeOver,
        Act::Release,
        Act::Vouch,
    ];
    let mut faults = Vec::new();
    while dice.one_in(3) {
        let act = ACTS[dice.below(ACTS.len() as u64) as usize];
        let (after, is_done) = (dice.below(8) as usize, dice.one_in(2));
        faults.push(Fault { act, after, is_done, error: busy });
    }
    let dies_after = dice.one_in(4).then(|| dice.below(60) as usize);
    let pauses = dice.one_in(5) && !others.is_empty();
    let pause = pauses.then(|| {
        let other = Arc::clone(&others[dice.below(others.len() as u64) as usize]);
        let (world, at) = (Arc::clone(world), dice.below(50) as usize);
        let stands = move || {
            world.wait();
            // Whoever comes meanwhile works undisturbed.
            let _ = world.run(&mut hold(&other), &Plan::of(&[]));
            world.memory.take_written();
        };
        (at, Pause(Box::new(stands)))
    });
    Plan::of_life(&faults, dies_after, pause)
}

struct Told {
    runs: u64,
    failed: u64,
    let_go: u64,
    restored: u64,
}

impl Told {
    /// A run of a machine, in which something goes wrong.
    fn run(&mut self, world: &Arc<World>, host: &Hosted, others: &[Hosted], dice: &mut Dice) {
        change(&mut hold(host), dice);
        let plan = life(world, others, dice);
        self.runs += 1;
        self.failed += u64::from(world.run(&mut hold(host), &plan).is_err());
    }

    /// A machine that is let go, while something goes wrong: killed or refused, that leaves
    /// snapshots that are whole.
    fn let_go(&mut self, world: &Arc<World>, host: &Hosted, others: &[Hosted], dice: &mut Dice) {
        let plan = life(world, others, dice);
        self.let_go += u64::from(world.let_go(&mut hold(host), &plan).is_ok());
    }
}

/// Each machine runs twice, and nothing goes wrong.
fn undisturbed(world: &World, hosts: &[Hosted]) {
    for host in hosts.iter().chain(hosts) {
        world.wait();
        world.run(&mut hold(host), &Plan::of(&[])).unwrap();
        world.is_sound();
        nothing_is_gone(world, hosts);
    }
}

/// One world, from its first seed to the restore of all that is shown.
fn world(seed: u64, sample: Option<&Path>) -> Told {
    let mut dice = Dice(seed);
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let secs = Arc::new(AtomicU64::new(1_000));
    let world = Arc::new(World { memory, secs, seeds: Mutex::default() });
    let staged = folder.path().join("staged");
    quick_repository(&staged);
    let id = Uuid::new_v4();
    let mut hosts = Vec::new();
    for number in 0..2 + dice.below(4) {
        let name = format!("web{number}");
        let source = folder.path().join(&name);
        fs::create_dir(&source).unwrap();
        let link = SeedLink {
            id,
            job: "job-1".parse().unwrap(),
            storage_account: None,
            container: "first".parse().unwrap(),
            prefix: "repo/".to_owned(),
            staging: staged.clone(),
            host: Some(name.clone()),
            sources: vec![source.clone()],
            choice: Choice::default(),
        };
        let place = ("office".parse().unwrap(), "account1".parse().unwrap());
        let vault = Vault {
            seed: Some(link),
            retention: Retention { daily: Some(1), ..Retention::default() },
            ..Vault::at(place.0, place.1, "vault".parse().unwrap(), "repo/".to_owned())
        };
        let (files, past, leases) = (Files::new(), Vec::new(), Vec::new());
        let mut host = Host { name, source, files, past, vault, leases, shown: None, waits: None };
        change(&mut host, &mut dice);
        change(&mut host, &mut dice);
        back_up(Arc::new(folder_store(&staged)), &mut host);
        hosts.push(Arc::new(Mutex::new(host)));
    }
    let first = world.ship(id, &staged, "first");
    hold(&world.seeds).push(Arc::clone(&first));
    let mut told = Told { runs: 0, failed: 0, let_go: 0, restored: 0 };
    for step in 0..6 + dice.below(7) {
        let index = dice.below(hosts.len() as u64) as usize;
        let mut others = hosts.clone();
        let host = others.remove(index);
        match dice.below(11) {
            0 if step > 2 => world.arrive(&first, &mut dice),
            1 => world.wait(),
            2 if hold(&host).vault.ingested_at.is_some() => {
                // The cleanup: from now on the retention lets go.
                let waiting = |own: &Arc<Mutex<Host>>| hold(own).vault.awaits_seed();
                if !hosts.iter().any(waiting) {
                    hosts.iter().for_each(|own| {
                        hold(own).vault.cleaned_at = Some(Timestamp::now());
                    });
                }
            }
            3 if hold(&world.seeds).len() == 1 => {
                let mut host = hold(&host);
                if host.vault.ingested_at.is_some() {
                    change(&mut host, &mut dice);
                    let place = folder.path().join("second");
                    // Somebody else may have the lease; it is asked for again another time.
                    let _ = world.stage_joining(&mut host, &place);
                }
            }
            4 => {
                let second = hold(&world.seeds).get(1).cloned();
                second.into_iter().for_each(|seed| world.arrive(&seed, &mut dice));
            }
            _ => told.run(&world, &host, &others, &mut dice),
        }
        world.is_sound();
        nothing_is_gone(&world, &hosts);
    }
    // At last everything arrives and each machine runs undisturbed.
    for seed in hold(&world.seeds).iter() {
        world.arrive(seed, &mut Dice(seed.list.len() as u64));
    }
    undisturbed(&world, &hosts);
    // Cleared: from now on the retention lets go, and a machine may be let go.
    hosts.iter().for_each(|own| hold(own).vault.cleaned_at = Some(Timestamp::now()));
    for _ in 0..4 {
        let mut others = hosts.clone();
        let host = others.remove(dice.below(hosts.len() as u64) as usize);
        match dice.below(3) {
            0 => told.let_go(&world, &host, &others, &mut dice),
            _ => told.run(&world, &host, &others, &mut dice),
        }
        world.is_sound();
        nothing_is_gone(&world, &hosts);
    }
    undisturbed(&world, &hosts);
    assert_eq!(joining(world.vault().as_ref()).unwrap(), Vec::<String>::new());
    let asides = world.memory.contents("vault");
    assert!(!asides.keys().any(|name| name.starts_with("azseed/aside/")), "all are shown");
    told.restored = restored(&world, &hosts, folder.path());
    if let Some(path) = sample {
        for (name, content) in world.memory.contents("vault") {
            if let Some(below) = name.strip_prefix("repo/") {
                let file = path.join(below);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, content).unwrap();
            }
        }
    }
    told
}

/// What a run said is shown stays so until a later snapshot of that machine is.
fn nothing_is_gone(world: &World, hosts: &[Hosted]) {
    let shown = world.snapshots();
    let mut open = None;
    for host in hosts {
        let host = hold(host);
        let Some(id) = host.shown.as_ref().filter(|id| !shown.contains(*id)) else { continue };
        let all = open.get_or_insert_with(|| world.open().snapshots().unwrap());
        // A run that failed after its snapshot may have let the one before go.
        assert!(all.iter().any(|own| own.host == host.name), "{} of {} is gone", id, host.name);
    }
}

/// Restores all that is shown: each is what its machine had at some time, the newest what it has.
fn restored(world: &World, hosts: &[Hosted], folder: &Path) -> u64 {
    let all = world.open().snapshots().unwrap();
    for (number, snapshot) in all.iter().enumerate() {
        let target = folder.join(format!("back-{number}"));
        let options = RestoreOptions {
            overwrite: Overwrite::Nothing,
            owners: Owners::Kept,
            ..RestoreOptions::default()
        };
        let done = world.open().restore(snapshot, Whereto::Folder(&target), &options).unwrap();
        assert!(done.left_out.is_empty(), "{done:?}");
        let host = hosts.iter().find(|own| hold(own).name == snapshot.host).unwrap();
        let host = hold(host);
        let back = below(&target.join(host.source.strip_prefix("/").unwrap()));
        assert!(host.past.contains(&back), "{} is nothing that {} had", snapshot.id, host.name);
        let newest = all.iter().rev().find(|own| own.host == host.name).unwrap();
        assert!(newest.id != snapshot.id || host.files == back, "{}", snapshot.id);
    }
    all.len() as u64
}

const NAME: &str =
    "vault::worlds::whatever_happens_to_the_machines_of_a_vault_what_it_shows_is_whole";
/// Set for the process that has the worlds.
const WITHIN: &str = "AZSEED_TEST_WITHIN";

/// In a process of its own with threads enough: one that stands still keeps one of the library's.
#[test]
fn whatever_happens_to_the_machines_of_a_vault_what_it_shows_is_whole() {
    if std::env::var_os(WITHIN).is_some() {
        return worlds();
    }
    #[expect(clippy::disallowed_methods, reason = "the test has a process of its own")]
    let mut own = Command::new(std::env::current_exe().unwrap());
    own.args(["--exact", NAME, "--nocapture"]).env(WITHIN, "1").env("RAYON_NUM_THREADS", "16");
    let said = own.output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let remarks = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success(), "{text}{remarks}");
    text.lines().filter(|line| line.contains("worlds")).for_each(|line| println!("{line}"));
}

fn worlds() {
    let of = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (first, count) =
        (of("AZSEED_TEST_SEED").unwrap_or(1), of("AZSEED_TEST_WORLDS").unwrap_or(WORLDS));
    println!("worlds {first} to {}", first + count - 1);
    let next = AtomicU64::new(first);
    let sum = Mutex::new([0u64; 5]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count {
                        return;
                    }
                    let sample = seed.is_multiple_of(25).then(|| tempfile::tempdir().unwrap());
                    let lived = std::panic::AssertUnwindSafe(|| {
                        world(seed, sample.as_ref().map(tempfile::TempDir::path))
                    });
                    let told = std::panic::catch_unwind(lived).unwrap_or_else(|panic| {
                        println!("world {seed} failed");
                        std::panic::resume_unwind(panic)
                    });
                    let checked = sample.map_or(0, |path| checked(path.path()));
                    let mut sum = hold(&sum);
                    let all = [told.runs, told.failed, told.let_go, told.restored, checked];
                    sum.iter_mut().zip(all).for_each(|(sum, one)| *sum += one);
                }
            });
        }
    });
    let [runs, failed, let_go, restored, checked] = *hold(&sum);
    println!(
        "{count} worlds, {runs} runs, {failed} of them failed, {let_go} machines let go, {restored} snapshots restored, {checked} checked by restic"
    );
    assert!(failed > 0 && failed < runs && let_go > 0);
}

/// restic finds nothing to remark.
fn checked(folder: &Path) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "tests run other people's readers")]
    let said = Command::new("restic")
        .args(["--no-cache", "--no-lock", "check", "--read-data", "-r"])
        .arg(folder)
        .env("RESTIC_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let remarks = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && text.contains("no errors were found"), "{text}{remarks}");
    1
}
