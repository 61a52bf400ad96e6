//! Staging paths as strangers leave them: forged records, links, FIFOs, devices, files with two
//! names, sparse giants. Every command refuses them in the same words, waits for nothing, and
//! touches nothing beside them. Needs root.
#![allow(clippy::type_complexity, reason = "rows of tables")]
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::seed::{run, shipped};
use support::tree::{self, Dice};

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";
/// Where the seed goes, as a script says it.
const NAMED: [&str; 7] = [
    "--shared-staging",
    "--storage-account",
    "account1",
    "--container",
    "seed",
    "--subscription",
    SUBSCRIPTION,
];

/// A machine with a drive that is sealed for a staging path, and a folder that nobody may touch.
struct Stage {
    machine: Machine,
}

impl Stage {
    /// A folder taken as it stands, on the drive S1.
    fn new() -> Self {
        let machine = Machine::new();
        for number in 0..2u64 {
            let mut dice = Dice(number);
            let content = dice.bytes(100_000);
            tree::write(&machine.path("source"), &format!("file-{number}"), &content, &mut dice);
        }
        let staging = machine.adopt(&machine.path("source"), "job-1");
        machine.expect(0, &words(&prep(&staging)));
        let decoy = machine.path("decoy");
        fs::create_dir_all(decoy.join("journals")).unwrap();
        for name in ["secret", "seed.json", "journals/S1.journal", "data"] {
            fs::copy(machine.path("staging/seed.json"), decoy.join(name)).unwrap();
            fs::set_permissions(decoy.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::set_permissions(&decoy, fs::Permissions::from_mode(0o700)).unwrap();
        Stage { machine }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.machine.path(&format!("staging/{name}"))
    }

    /// Names, modes, owners, times and contents of what lies beside the staging path.
    fn beside(&self) -> BTreeMap<PathBuf, (u32, u32, i64, i64, u64, Vec<u8>)> {
        let mut found = BTreeMap::new();
        for root in ["decoy", "source"] {
            for entry in walkdir::WalkDir::new(self.machine.path(root)) {
                let path = entry.unwrap().into_path();
                let own = fs::symlink_metadata(&path).unwrap();
                let content = if own.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                let facts = (own.mode(), own.uid(), own.mtime(), own.mtime_nsec(), own.nlink());
                let (mode, uid, seconds, nanoseconds, links) = facts;
                found.insert(path, (mode, uid, seconds, nanoseconds, links, content));
            }
        }
        found
    }

    /// Runs a command that may not take longer than a minute.
    fn run(&self, line: &[String]) -> Said {
        let command = self.machine.command(line);
        let mut timed = Command::new("timeout");
        timed.args(["--kill-after", "1", "60"]).arg(command.get_program());
        timed.args(command.get_args()).env_clear().current_dir(self.machine.path("."));
        timed.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", self.machine.path("."));
        said(timed.output().unwrap())
    }

    /// Every command of these refuses what lies there with this code, and touches nothing else.
    fn refuses(&self, what: &str, commands: &[Vec<String>], code: &str) {
        self.refuses_with(what, commands, 4, code);
    }

    /// The same with this exit code.
    fn refuses_with(&self, what: &str, commands: &[Vec<String>], exit: i32, code: &str) {
        let before = self.beside();
        for line in commands {
            let said = self.run(&[line.clone(), vec!["--json".to_owned()]].concat());
            let line = line.join(" ");
            assert_eq!(said.code, exit, "{what}: {line}\n{}\n{}", said.stdout, said.stderr);
            let last: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
            assert_eq!(last["code"], code, "{what}: {line}\n{last}");
            assert!(!said.stdout.contains('\u{1b}'), "{what}: {line}: {}", said.stdout);
            assert!(!self.machine.path("s2.img").exists(), "{what}: {line}: a drive was begun");
        }
        assert_eq!(self.beside(), before, "{what}");
    }

    /// The seed with these fields changed.
    fn forge(&self, changes: &[(&str, Value)]) {
        let path = self.at("seed.json");
        let mut seed: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for (field, value) in changes {
            seed[*field] = value.clone();
        }
        fs::write(&path, serde_json::to_vec(&seed).unwrap()).unwrap();
    }

    /// Does something to the staging path, has it looked at, and undoes it.
    fn with(&self, act: impl FnOnce(&Path), look: impl FnOnce()) {
        let (staging, aside) = (self.machine.path("staging"), self.machine.path("aside"));
        copy(&staging, &aside);
        act(&staging);
        look();
        fs::remove_dir_all(&staging).unwrap();
        fs::rename(&aside, &staging).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(done.success());
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn prep(staging: &str) -> String {
    format!("prep --staging {staging} --offline --drive s1.img,serial=S1,size=210M")
}

/// What reads `seed.json`.
fn readers_of_seed() -> Vec<Vec<String>> {
    let stage = "--staging staging --job job-1 --storage-account account1 --container seed \
                 --resource-group rg --subscription 11111111-2222-4333-8444-555555555555";
    let mut all: Vec<String> = [
        "stage status --staging staging",
        "plan --staging staging --drive-size 1T",
        "prep --staging staging --offline --drive s2.img,serial=S2,size=210M",
        "job list --staging staging",
        "job status --staging staging",
        "job ship --staging staging --carrier FedEx --tracking-number 1",
        "job create --staging staging --location westus",
        "job keys --staging staging --reveal",
        "verify --staging staging s1.img,serial=S1",
        "inspect --staging staging s1.img,serial=S1",
        "drive release S1 --staging staging",
        "vault create --vault office --staging staging",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push(format!("stage --source source {stage}"));
    all.push(format!("stage adopt --source source {stage}"));
    all.iter().map(|line| words(line)).collect()
}

/// What reads journals.
fn readers_of_journals() -> Vec<Vec<String>> {
    [
        "prep --staging staging --offline --drive s2.img,serial=S2,size=210M",
        "verify --staging staging s1.img,serial=S1",
        "job keys --staging staging",
        "drive release S1 --staging staging",
    ]
    .map(words)
    .to_vec()
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from(0o600), 0).unwrap();
}

/// What may stand where a plain file must be, each with the code of its refusal.
fn intruders(decoy: &Path, name: &str) -> Vec<(&'static str, &'static str, Box<dyn Fn(&Path)>)> {
    let target = decoy.join(name);
    let linked = target.clone();
    let relative = PathBuf::from("../../decoy").join(name);
    vec![
        ("a link", "foreign-kind", Box::new(move |path| symlink(&target, path).unwrap())),
        ("a link by a relative path", "foreign-kind", {
            Box::new(move |path| symlink(&relative, path).unwrap())
        }),
        ("a link to nowhere", "foreign-kind", {
            Box::new(|path| symlink("/nowhere/at/all", path).unwrap())
        }),
        ("a FIFO", "foreign-kind", Box::new(fifo)),
        ("a folder", "foreign-kind", Box::new(|path| fs::create_dir(path).unwrap())),
        ("a device", "foreign-kind", {
            // Reads as endless zeros.
            let zero = rustix::fs::makedev(1, 5);
            Box::new(move |path| {
                mknodat(CWD, path, FileType::CharacterDevice, Mode::from(0o600), zero).unwrap();
            })
        }),
        ("a second name", "foreign-links", {
            Box::new(move |path| fs::hard_link(&linked, path).unwrap())
        }),
    ]
}

fn replace(path: &Path, make: &dyn Fn(&Path)) {
    fs::remove_file(path).unwrap();
    make(path);
}

fn giant(path: &Path) {
    fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
}

#[test]
fn what_is_no_plain_file_stops_every_command_and_nothing_beside_it_is_touched() {
    let stage = Stage::new();
    let decoy = stage.machine.path("decoy");
    for (what, code, make) in intruders(&decoy, "seed.json") {
        let act = |staging: &Path| replace(&staging.join("seed.json"), &make);
        stage.with(act, || stage.refuses(what, &readers_of_seed(), code));
    }
    for (what, code, make) in intruders(&decoy, "journals/S1.journal") {
        let act = |staging: &Path| replace(&staging.join("journals/S1.journal"), &make);
        stage.with(act, || stage.refuses(what, &readers_of_journals(), code));
    }
    let prep = &readers_of_journals()[..1];
    for name in ["S2.claim", ".planning.claim", "S2.journal"] {
        for (what, code, make) in intruders(&decoy, "secret") {
            let act = |staging: &Path| make(&staging.join("journals").join(name));
            stage.with(act, || stage.refuses(&format!("{what}, {name}"), prep, code));
        }
    }
    for (what, code, make) in intruders(&decoy, "secret") {
        let verify = &readers_of_journals()[1..2];
        let act = |staging: &Path| replace(&staging.join("journals/S1.plan"), &make);
        stage.with(act, || stage.refuses(&format!("{what}, plan"), verify, code));
    }
    let links = |name: &'static str| {
        let decoy = decoy.clone();
        move |staging: &Path| {
            if staging.join(name).exists() {
                fs::remove_dir_all(staging.join(name)).unwrap();
            }
            symlink(decoy.join(name), staging.join(name)).unwrap();
        }
    };
    stage.with(links("journals"), || {
        stage.refuses("journals", &readers_of_journals(), "foreign-kind");
    });
    stage.with(
        |staging| giant(&staging.join("seed.json")),
        || stage.refuses("a giant", &readers_of_seed(), "foreign-size"),
    );
    stage.with(
        |staging| giant(&staging.join("journals/S1.journal")),
        || stage.refuses("a giant", &readers_of_journals(), "foreign-size"),
    );
}

#[test]
fn a_forged_seed_leads_nowhere() {
    let stage = Stage::new();
    let decoy = stage.machine.text("decoy");
    let esc = "\u{1b}[2J\u{1b}]0;owned\u{7}";
    for data in ["../decoy", "repo/../../decoy", decoy.as_str(), "", "/", "journals"] {
        let changes =
            [("origin", json!("written")), ("kind", json!("repository")), ("data", json!(data))];
        let forge = |_: &Path| stage.forge(&changes);
        stage.with(forge, || stage.refuses(data, &readers_of_seed(), "seed-data-place"));
    }
    for data in ["..", "../decoy", "a/../../decoy", ""] {
        let forge = |_: &Path| stage.forge(&[("data", json!(data))]);
        stage.with(forge, || stage.refuses(data, &readers_of_seed(), "seed-data-place"));
    }
    for (field, value) in [
        ("prefix", json!("../../")),
        ("prefix", json!("azseed/")),
        ("location", json!(esc)),
        ("location", json!("w".repeat(1 << 20))),
        ("sources", json!(["../../etc"])),
    ] {
        let forge = |_: &Path| stage.forge(&[(field, value)]);
        stage.with(forge, || stage.refuses(field, &readers_of_seed(), "seed-invalid"));
    }
    // The folder of the data is a link, or the way to it leads over one.
    let planners = &readers_of_seed()[1..3];
    for (data, link) in [("below", "below"), ("a/below", "a")] {
        let act = |staging: &Path| {
            stage.forge(&[("data", json!(data))]);
            symlink(&decoy, staging.join(link)).unwrap();
        };
        stage.with(act, || stage.refuses(data, planners, "foreign-kind"));
    }
    // What cannot be read at all is told without the letters that a terminal obeys.
    stage.with(
        |_| stage.forge(&[("job", json!(esc))]),
        || {
            let said = stage.run(&words("stage status --staging staging --json"));
            assert_eq!(said.code, 1, "{}", said.stdout);
            assert!(said.stdout.contains("seed-damaged") && !said.stdout.contains('\u{1b}'));
        },
    );
}

#[test]
fn a_backup_goes_neither_through_links_nor_into_the_files_of_others() {
    let stage = Stage::new();
    let decoy = stage.machine.path("decoy");
    let line = words(
        "stage --source source --staging other --job job-2 --storage-account account1 --container \
         seed --resource-group rg --subscription 11111111-2222-4333-8444-555555555555",
    );
    let (other, lines) = (stage.machine.path("other"), [line.clone()]);
    // A seed that is begun, as a kill leaves it.
    let said = stage.run(&line);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let seed = fs::read_to_string(other.join("seed.json")).unwrap();
    let begun = seed.replace("\"finished\"", "\"unfinished\"");
    let anew = || {
        fs::remove_dir_all(&other).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("seed.json"), &begun).unwrap();
    };
    anew();
    symlink(&decoy, other.join("repo")).unwrap();
    stage.refuses("repo", &lines, "foreign-kind");
    for name in ["data", "keys"] {
        anew();
        fs::create_dir(other.join("repo")).unwrap();
        symlink(&decoy, other.join("repo").join(name)).unwrap();
        stage.refuses(name, &lines, "foreign-kind");
    }
    for (what, code, make) in intruders(&decoy, "secret") {
        anew();
        make(&other.join(".record.claim"));
        stage.refuses(what, &lines, code);
    }
    anew();
    assert_eq!(stage.run(&line).code, 0, "what was begun goes on");
}

#[test]
fn root_needs_consent_where_others_can_write_and_makes_nothing_without() {
    let stage = Stage::new();
    let staging = stage.machine.path("staging");
    let stranger = Some(65_533);
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let cases: [(&str, &dyn Fn(&Path)); 5] = [
        ("the folder is another's", &|staging| chown(staging, stranger, stranger).unwrap()),
        ("a group writes", &|staging| mode(staging, 0o775)),
        ("sticky does not help inside", &|staging| mode(staging, 0o1777)),
        ("journals are another's", &|staging| {
            chown(staging.join("journals"), stranger, stranger).unwrap();
        }),
        ("repo can be written", &|staging| {
            fs::create_dir(staging.join("repo")).unwrap();
            mode(&staging.join("repo"), 0o777);
        }),
    ];
    for (what, act) in cases {
        stage.with(act, || stage.refuses(what, &readers_of_seed(), "staging-shared"));
    }
    // A folder above.
    let above = stage.machine.path("above");
    fs::create_dir(&above).unwrap();
    fs::rename(&staging, above.join("staging")).unwrap();
    let plan = words("plan --staging above/staging --drive-size 1T");
    for (owner, bits, code) in
        [(0, 0o755, 0), (0, 0o777, 4), (0, 0o1777, 0), (65_533, 0o755, 4), (65_533, 0o1777, 4)]
    {
        chown(&above, Some(owner), None).unwrap();
        mode(&above, bits);
        let said = stage.run(&plan);
        assert_eq!(said.code, code, "{owner} {bits:o}: {}", said.stderr);
    }
    // Nor is one begun there.
    let adopt = words(
        "stage adopt --source source --staging above/new/er --job job-1 --storage-account account1 \
         --container seed --resource-group rg --subscription 11111111-2222-4333-8444-555555555555",
    );
    stage.refuses("a new one", &[adopt], "staging-shared");
    assert!(!above.join("new").exists());
    // Neither a variable nor a key is consent.
    let said = stage.machine.command(&plan).env("AZSEED_SHARED_STAGING", "true").output().unwrap();
    assert_eq!(said.status.code(), Some(4));
}

/// The words of a command with consent, as a script gives it.
fn shared(line: &str) -> Vec<String> {
    words(line).into_iter().chain(NAMED.map(str::to_owned)).collect()
}

#[test]
fn what_was_consented_to_is_pinned_and_a_difference_is_told_with_both_values() {
    let stage = Stage::new();
    let staging = stage.machine.path("staging");
    chown(&staging, Some(65_533), None).unwrap();
    let plan = "plan --staging staging --drive-size 1T";
    let run = |line: &[String], code: i32, text: &str| {
        let said = stage.run(line);
        let all = format!("{}{}", said.stdout, said.stderr);
        assert_eq!(said.code, code, "{line:?}: {all}");
        assert!(all.contains(text), "{line:?}: no {text:?} in {all}");
        all
    };
    run(&words(&format!("{plan} --shared-staging")), 4, "staging-shared-unnamed");
    // A variable is not the command line.
    let half = words(&format!("{plan} --shared-staging --storage-account account1"));
    let mut by_variable = stage.machine.command(&half);
    by_variable.env("AZSEED_CONTAINER", "seed").env("AZSEED_SUBSCRIPTION", SUBSCRIPTION);
    assert_eq!(by_variable.output().unwrap().status.code(), Some(4));
    let other = shared(plan).into_iter().map(|word| word.replace("account1", "account2"));
    let all = run(&other.collect::<Vec<_>>(), 4, "seed-contradicted");
    assert!(all.contains("account1") && all.contains("account2"), "{all}");
    assert!(!stage.machine.path("state/pins").exists() || pins(&stage).is_empty());

    let all = run(&shared(plan), 0, "pinned for this machine");
    for shown in ["account1", "S1.journal", "S1.plan", "job-1", SUBSCRIPTION] {
        assert!(all.contains(shown), "{shown} is not shown: {all}");
    }
    let pin = pins(&stage);
    assert_eq!(pin.len(), 1);
    assert_eq!(fs::metadata(&pin[0]).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(stage.machine.path("state/pins")).unwrap().mode() & 0o777, 0o700);
    assert!(!run(&words(plan), 0, "").contains("pinned"), "consent is given once");
    run(&words(&format!("{plan} --container other")), 2, "seed-contradicted");

    // What this machine writes moves its own pin.
    run(&words("drive release S1 --staging staging"), 0, "");
    run(&words("prep --staging staging --offline --drive s2.img,serial=S2,size=210M"), 0, "");
    run(&words("verify --staging staging s2.img,serial=S2"), 0, "");

    let forged = |what: &str, act: &dyn Fn(&Path), both: [&str; 2]| {
        stage.with(act, || {
            for line in [words(plan), words("job keys --staging staging --reveal")] {
                let all = run(&line, 4, "staging-changed");
                assert!(both.iter().all(|value| all.contains(value)), "{what}: {both:?}: {all}");
            }
        });
    };
    forged(
        "account",
        &|_| stage.forge(&[("storage_account", json!("evil1"))]),
        ["account1", "evil1"],
    );
    forged("group", &|_| stage.forge(&[("resource_group", json!("evil"))]), ["rg", "evil"]);
    let decoy = stage.machine.text("decoy");
    let source = fs::canonicalize(stage.machine.path("source")).unwrap();
    let source = source.to_str().unwrap();
    forged("data", &|_| stage.forge(&[("data", json!(decoy))]), [source, &decoy]);
    forged("sources", &|_| stage.forge(&[("sources", json!(["/etc"]))]), ["none", "/etc"]);
    let (id, other) = (seed_id(&staging), "11111111-1111-4111-8111-111111111111");
    forged("id", &|_| stage.forge(&[("id", json!(other))]), [&id, other]);
    let journal = fs::read(stage.at("journals/S2.journal")).unwrap();
    let whole = format!("{} bytes", journal.len());
    let lines: Vec<&[u8]> = journal.split_inclusive(|&byte| byte == b'\n').collect();
    let shorter = lines[..lines.len() - 1].concat();
    let short = format!("{} bytes", shorter.len());
    let cut = |staging: &Path| fs::write(staging.join("journals/S2.journal"), &shorter).unwrap();
    forged("a journal cut short", &cut, [&whole, &short]);
    let gone = |staging: &Path| fs::remove_file(staging.join("journals/S2.journal")).unwrap();
    forged("a journal gone", &gone, [&whole, "none"]);
    let plan_file = |staging: &Path| {
        let path = staging.join("journals/S2.plan");
        let text = fs::read_to_string(&path).unwrap().replace("file-0", "file-9");
        fs::write(path, text).unwrap();
    };
    forged("a plan", &plan_file, ["S2.plan was", "and is"]);
    let added = |staging: &Path| {
        // A record that nobody on this machine wrote, with its mark as it must be.
        let text = "{\"record\":\"released\"}";
        append(&staging.join("journals/S2.journal"), text);
    };
    forged("a record", &added, [&whole, "bytes to"]);

    // What cannot be an addition is refused with the flag too.
    stage.with(
        |_| stage.forge(&[("data", json!(decoy))]),
        || drop(run(&shared(plan), 4, "staging-changed")),
    );
    stage.with(cut, || drop(run(&shared(plan), 4, "staging-changed")));
    stage.with(
        |_| stage.forge(&[("id", json!(other))]),
        || drop(run(&shared(plan), 4, "staging-changed")),
    );
    run(&words(plan), 0, "");
}

fn seed_id(staging: &Path) -> String {
    let seed: Value =
        serde_json::from_slice(&fs::read(staging.join("seed.json")).unwrap()).unwrap();
    seed["id"].as_str().unwrap().to_owned()
}

fn pins(stage: &Stage) -> Vec<PathBuf> {
    let entries = fs::read_dir(stage.machine.path("state/pins")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect()
}

/// Appends a record with its mark, as whoever knows the form can.
fn append(path: &Path, text: &str) {
    use sha2::{Digest, Sha256};
    let journal = fs::read_to_string(path).unwrap();
    let mut chain = [0u8; 32];
    let texts = journal.lines().map(|line| &line[17..]).chain([text]);
    for text in texts {
        chain = Sha256::new().chain_update(chain).chain_update(text).finalize().into();
    }
    let mark: String = chain[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(path, format!("{journal}{mark} {text}\n")).unwrap();
}

#[test]
fn cleanup_clears_what_it_proved_and_stays_inside() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    let (staging, decoy) = (machine.path("staging"), machine.path("decoy"));
    copy(&staging.join("repo"), &decoy);
    let files = |root: &Path| {
        let entries = walkdir::WalkDir::new(root).into_iter();
        entries.map(|entry| entry.unwrap().into_path()).collect::<Vec<_>>()
    };
    let before = files(&decoy);
    let seed = fs::read_to_string(staging.join("seed.json")).unwrap();
    let refused = |code: &str| {
        let said = emulator.expect(&machine, 4, &["cleanup", "--json", "--yes"]);
        assert!(said.stdout.contains(code), "{code}: {}", said.stdout);
        assert_eq!(files(&decoy), before);
    };
    for data in ["../decoy", decoy.to_str().unwrap()] {
        let forged = seed.replace("\"data\": \"repo\"", &format!("\"data\": \"{data}\""));
        assert_ne!(forged, seed);
        fs::write(staging.join("seed.json"), forged).unwrap();
        refused("seed-data-place");
    }
    let other = seed.replace(&seed_id(&staging), "11111111-1111-4111-8111-111111111111");
    fs::write(staging.join("seed.json"), other).unwrap();
    refused("staging-other-seed");
    fs::write(staging.join("seed.json"), &seed).unwrap();
    fs::rename(staging.join("repo"), machine.path("aside")).unwrap();
    symlink("../decoy", staging.join("repo")).unwrap();
    refused("foreign-kind");
    fs::remove_file(staging.join("repo")).unwrap();
    fs::rename(machine.path("aside"), staging.join("repo")).unwrap();

    fs::create_dir_all(staging.join("repo/data/notes")).unwrap();
    for name in ["repo/notes", "repo/data/notes/mine", "notes"] {
        fs::write(staging.join(name), "mine").unwrap();
    }
    fs::create_dir_all(staging.join("reports")).unwrap();
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    let left = files(&staging.join("repo"));
    let left: Vec<_> = left.iter().map(|path| path.strip_prefix(&staging).unwrap()).collect();
    let mine = ["repo", "repo/data", "repo/data/notes", "repo/data/notes/mine", "repo/notes"];
    for name in mine {
        assert!(left.contains(&Path::new(name)), "{name} is gone: {left:?}");
    }
    assert_eq!(left.len(), mine.len(), "{left:?}");
    for name in ["seed.json", "journals/S1.journal", "reports", "notes"] {
        assert!(staging.join(name).exists(), "{name} is gone");
    }
    assert_eq!(files(&decoy), before);
}

/// A journal that was copied or moved under the name of another drive would count a drive twice, or
/// give its keys away as those of another.
#[test]
fn a_journal_under_the_name_of_another_drive_stops_whoever_reads_it_and_nothing_is_written() {
    let stage = Stage::new();
    let records = || {
        let names = fs::read_dir(stage.at("journals")).unwrap();
        let paths = names.map(|entry| entry.unwrap().path());
        let is_record = |path: &PathBuf| path.extension().is_some_and(|own| own != "claim");
        let read = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
        paths.filter(is_record).map(read).collect::<BTreeMap<_, _>>()
    };
    let image = fs::read(stage.machine.path("s1.img")).unwrap();
    for is_moved in [false, true] {
        let act = |staging: &Path| {
            let own = staging.join("journals/S1.journal");
            let other = staging.join("journals/S2.journal");
            if is_moved { fs::rename(own, other) } else { fs::copy(own, other).map(drop) }.unwrap();
        };
        stage.with(act, || {
            let before = records();
            let commands = [
                "prep --staging staging --offline --drive s2.img,serial=S2,size=210M",
                "prep --staging staging --offline --drive s1.img,serial=S2",
                "job keys --staging staging --reveal",
                "verify --staging staging s1.img,serial=S2",
                "drive release S2 --staging staging",
            ];
            stage.refuses_with("another's name", &commands.map(words), 1, "journal-damaged");
            assert!(records() == before, "a record was changed");
        });
    }
    assert!(fs::read(stage.machine.path("s1.img")).unwrap() == image, "a byte was changed");
    // One of another seed, as where two staging paths were copied into one.
    let act = |staging: &Path| {
        let seed = fs::read_to_string(staging.join("seed.json")).unwrap();
        let other = seed.replace("\"job-1\"", "\"job-2\"");
        assert_ne!(seed, other);
        fs::write(staging.join("seed.json"), other).unwrap();
    };
    stage.with(act, || {
        let commands = [
            "prep --staging staging --offline --drive s2.img,serial=S2,size=210M",
            "job create --staging staging",
            "verify --staging staging s1.img",
            "stage status --staging staging",
            "drive release S1 --staging staging",
        ];
        stage.refuses_with("another seed's", &commands.map(words), 4, "journal-other-job");
    });
    assert!(!stage.machine.path("s2.img").exists());
}
