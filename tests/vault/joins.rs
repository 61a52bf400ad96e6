//! A seed that joins a vault which has a repository already: `stage --vault`.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::kept::{Vault, last};
use crate::support::program::{Machine, files_below};
use crate::support::seed::{put, run};
use crate::support::tree::{self, Dice};
use serde_json::Value;

/// Files that the vault and every later seed have in common, and one of one's own.
fn fill(root: &Path, own: &str) {
    for number in 0..3u64 {
        tree::write(root, &format!("common-{number}"), &Dice(number).bytes(1 << 20), &mut Dice(7));
    }
    fs::write(root.join("own"), own).unwrap();
}

/// A vault that was taken in, and the words of its stages.
struct Office(Vault);

impl Office {
    fn new() -> Self {
        let office = Office(Vault::of(|root| fill(root, "web1")));
        fs::copy(office.0.password(), office.machine().path("password")).unwrap();
        office
    }

    fn machine(&self) -> &Machine {
        &self.0.machine
    }

    /// Another machine that has attached it, with a source.
    fn host(&self, name: &str) -> Machine {
        let own = self.machine().on_host(name);
        fs::create_dir(self.source(name)).unwrap();
        fill(&self.source(name), name);
        let text = Dice(name.len() as u64 + 50).bytes(300_000);
        fs::write(self.source(name).join("new"), text).unwrap();
        let mut words = vec!["vault", "attach", "--vault", "Office", "--storage-account"];
        words.extend(["account1", "--container", "azseed-office", "--password-file", "password"]);
        self.0.emulator.expect(&own, 0, &words);
        own
    }

    fn source(&self, name: &str) -> PathBuf {
        self.machine().path(&format!("source-{name}"))
    }

    /// Stages what a host has into a staging path.
    fn stage(&self, own: &Machine, name: &str, code: i32, place: &str, more: &[&str]) -> Value {
        let source = self.source(name);
        let mut words = vec!["stage", "--json", "--source", source.to_str().unwrap()];
        words.extend(["--staging", place, "--job", "seed-2", "--storage-account", "account1"]);
        words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
        words.extend(["--resource-group", "rg", "--contact", "contact.toml"]);
        if !more.contains(&"--container") {
            words.extend(["--container", "seed-2"]);
        }
        words.extend(more);
        last(&self.0.emulator.expect(own, code, &words))
    }

    /// Fills a drive, makes the job and ships it.
    fn ship(&self, own: &Machine, place: &str) {
        let drive = "s2.img,serial=S2,size=210M";
        own.expect(0, &["prep", "--staging", place, "--offline", "--drive", drive]);
        let emulator = &self.0.emulator;
        emulator.expect(own, 0, &["job", "create", "--staging", place, "--location", "westus"]);
        let ship = ["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z2", "--staging"];
        emulator.expect(own, 0, &[&ship[..], &[place]].concat());
    }

    fn dock(&self) {
        self.0.emulator.dock(self.machine(), &["s2.img,serial=S2"]);
    }

    fn blobs(&self, below: &str) -> usize {
        files_below(&self.0.emulator.blob("azseed-office", below)).len()
    }

    /// restic finds nothing to remark, and what a host has is what its newest snapshot holds.
    fn is_whole(&self, hosts: &[&str]) {
        self.0.restic(&["check", "--read-data"]);
        for host in hosts {
            let target = self.machine().text(&format!("back-{host}"));
            self.0.restic(&["restore", "latest", "--host", host, "--target", &target]);
            let source = self.source(host);
            let back = Path::new(&target).join(source.strip_prefix("/").unwrap());
            let all = tree::expected(&back, "").differences(&tree::expected(&source, ""));
            assert_eq!(all, Vec::<String>::new(), "{host}");
        }
    }
}

/// The record of the vault on a machine, changed.
fn change(machine: &Machine, change: impl FnOnce(&mut Value)) {
    let record = machine.state().join("vaults/office.json");
    let mut vault: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    change(&mut vault);
    fs::write(&record, vault.to_string()).unwrap();
}

const JOIN: [&str; 2] = ["--vault", "Office"];

#[test]
fn a_second_seed_brings_what_the_vault_lacks_and_is_taken_in_beside_what_is_there() {
    let office = Office::new();
    let emulator = &office.0.emulator;
    let (web2, web3) = (office.host("web2"), office.host("web3"));
    let staged = office.stage(&web2, "web2", 0, "second", &JOIN);
    assert!(staged["bytes"].as_u64().unwrap() < 1 << 20, "only what is new: {staged}");
    let seed: Value =
        serde_json::from_slice(&fs::read(office.machine().path("second/seed.json")).unwrap())
            .unwrap();
    assert_eq!((&seed["vault"], &seed["state"]), (&"Office".into(), &"finished".into()));
    let config = |path: PathBuf| fs::read(path).unwrap();
    assert_eq!(
        config(office.machine().path("second/repo/config")),
        config(emulator.blob("azseed-office", "repo/config"))
    );
    // Another machine finds the vault in the seed's record; asked twice, nothing is left to do.
    office.stage(&web3, "web3", 0, "second", &[]);
    let again = office.stage(&web2, "web2", 0, "second", &JOIN);
    assert_eq!(again["snapshot"], Value::Null, "{again}");
    assert_eq!(office.blobs("azseed/joining"), 2);

    // Increments go on from the moment that it is staged, and before it nothing of them is shown.
    let shown = office.blobs("repo/snapshots");
    let early = run(&web2, emulator, 0, &["--now"]);
    assert_eq!((&early["state"], &early["kept_aside"]), (&"awaiting-seed".into(), &1.into()));
    office.ship(&web2, "second");
    fs::write(office.source("web2").join("later"), "since it was shipped").unwrap();
    let travels = run(&web2, emulator, 0, &["--now"]);
    assert_eq!(
        (&travels["state"], &travels["kept_aside"]),
        (&"seed-in-transit".into(), &2.into()),
        "{travels}"
    );
    assert_eq!(office.blobs("repo/snapshots"), shown);

    // Whoever prunes meanwhile waits for it, and says so.
    change(office.machine(), |own| own["cleaned_at"] = "2026-01-01T00:00:00Z".into());
    let words = ["vault", "policy", "set", "--keep-last", "1", "--yes"];
    emulator.run(office.machine(), &words);
    change(office.machine(), |own| own["retention"]["daily"] = 1.into());
    run(office.machine(), emulator, 0, &["--now"]);
    let other = run(office.machine(), emulator, 0, &["--now"]);
    let remarks = other["increment"]["remarks"].to_string();
    assert!(remarks.contains("vault-seed-joins"), "{other}");
    let source = office.0.source();
    let mut forget = vec!["vault", "forget", "--source", source.to_str().unwrap(), "--all"];
    forget.extend(["--yes", "--json"]);
    assert_eq!(last(&emulator.expect(office.machine(), 4, &forget))["code"], "vault-seed-joins");

    // A key that is changed meanwhile does not come back with the seed.
    let keys = || files_below(&emulator.blob("azseed-office", "repo/keys"));
    let before = keys();
    fs::write(office.machine().path("rotated"), "another password of many letters").unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(office.machine().path("rotated"), private).unwrap();
    let rotate = ["vault", "key", "rotate", "--new-password-file", "rotated", "--yes"];
    emulator.expect(&web3, 0, &rotate);
    assert!(keys().is_disjoint(&before));
    for own in [&web2, office.machine()] {
        change(own, |vault| vault["password_file"] = office.machine().text("rotated").into());
    }

    office.dock();
    let taken = run(&web2, emulator, 0, &["--now"]);
    assert_eq!((&taken["state"], &taken["kept_aside"]), (&"protected".into(), &0.into()));
    assert!(taken["ingested"]["copied"].as_u64().unwrap() > 2, "{taken}");
    assert!(keys().is_disjoint(&before), "the key that was taken away is not there again");
    let followed = run(&web3, emulator, 0, &["--now"]);
    assert_eq!((&followed["state"], &followed["ingested"]), (&"protected".into(), &Value::Null));
    assert_eq!(office.blobs("azseed/aside"), 0);
    emulator.expect(&web2, 0, &["cleanup", "--yes"]);
    assert!(files_below(&emulator.blob("seed-2", "repo")).is_empty(), "the keys are gone too");

    // Now the retention goes on.
    let pruned = run(office.machine(), emulator, 0, &["--now"]);
    let forgotten = pruned["increment"]["forgotten"].as_array().unwrap().len();
    assert!(forgotten > 0, "{pruned}");
    let password = office.0.password();
    fs::copy(office.machine().path("rotated"), password).unwrap();
    office.is_whole(&["web2", "web3"]);
    let out = ["vault", "restore", "--host", "web3", "--target", "by-azseed"];
    emulator.expect(&web2, 0, &out);
    let out = office.machine().path("by-azseed");
    let out = out.join(office.source("web3").strip_prefix("/").unwrap());
    let expected = tree::expected(&office.source("web3"), "");
    assert_eq!(tree::expected(&out, "").differences(&expected), Vec::<String>::new());
}

#[test]
fn what_cannot_join_is_refused_with_its_code_and_nothing_is_made() {
    let office = Office::new();
    let emulator = &office.0.emulator;
    let web2 = office.host("web2");
    let nobody = office.machine().on_host("web9");
    let refused = |own: &Machine, code: i32, word: &str, more: &[&str]| {
        let said = office.stage(own, "web2", code, "second", more);
        assert_eq!(said["code"], word, "{said}");
        assert!(!office.machine().path("second").exists(), "{word}");
        assert_eq!(office.blobs("azseed/joining"), 0, "{word}");
    };
    refused(&nobody, 10, "vault-missing", &JOIN);
    refused(office.machine(), 2, "vault-seed-not-cleared", &JOIN);
    change(office.machine(), |own| own["cleaned_at"] = "2026-01-01T00:00:00Z".into());
    let other = ["--vault", "Office", "--exclude", "*.tmp"];
    refused(office.machine(), 2, "vault-other-choice", &other);
    refused(&web2, 2, "repository-settled", &["--vault", "Office", "--pack-size", "2Mi"]);
    let shared = ["--vault", "Office", "--container", "azseed-office"];
    refused(&web2, 2, "vault-container-shared", &shared);
    let password = office.machine().path("password");
    let right = fs::read(&password).unwrap();
    fs::write(&password, "another password of many letters").unwrap();
    refused(&web2, 12, "repository-password", &JOIN);
    fs::write(&password, &right).unwrap();
    let config = emulator.blob("azseed-office", "repo/config");
    let (own, aside) = (fs::read(&config).unwrap(), office.machine().path("config"));
    fs::rename(&config, &aside).unwrap();
    refused(&web2, 10, "repository-missing", &JOIN);
    fs::write(&config, own).unwrap();

    // A vault that awaits its seed; a variable that names it is about the seed that it begins with.
    let first = ["--vault-container", "another", "--staging", "first"];
    let mut command = emulator.command(&nobody, &[]);
    command.env("AZSEED_VAULT", "Cellar").arg("stage").arg("--source").arg(office.source("web2"));
    command.args(["--staging", "first", "--job", "seed-9", "--storage-account", "account1"]);
    command.args([
        "--container",
        "seed-9",
        "--resource-group",
        "rg",
        "--password-file",
        "password",
    ]);
    command.args(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    let said = command.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(String::from_utf8_lossy(&said.stderr).contains("AZSEED_VAULT is not used"));
    let create = [&["vault", "create", "--vault", "Cellar"], &first[..]].concat();
    emulator.expect(&nobody, 0, &create);
    refused(&nobody, 2, "vault-awaits-seed", &["--vault", "Cellar"]);

    // A seed that joins nothing is no other by being asked for again; nor the other way.
    let stage =
        |code: i32, place: &str, more: &[&str]| office.stage(&web2, "web2", code, place, more);
    stage(0, "plain", &["--password-file", "password"]);
    assert_eq!(stage(2, "plain", &JOIN)["code"], "staging-other-vault");
    stage(0, "second", &JOIN);
    assert_eq!(stage(2, "second", &["--vault", "Attic"])["code"], "staging-other-vault");
    assert_eq!(stage(2, "third", &JOIN)["code"], "vault-joins-already");
    assert!(!office.machine().path("third").exists());

    // Any other seed for it.
    let other = ["--json", "--staging", "plain", "--password-file", "password"];
    let create = |name, more: &[&'static str]| {
        let words = [&["vault", "create", "--vault", name], &other[..], more].concat();
        last(&emulator.expect(&nobody, 2, &words))
    };
    assert_eq!(create("Office", &[])["code"], "vault-container-taken");
    let foreign = ["--vault-container", "by-restic"];
    let container = crate::support::key::container(emulator, "by-restic");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(container.create(None)).unwrap();
    put(emulator, "by-restic", "repo/config", b"somebody's");
    assert_eq!(create("Attic", &foreign)["code"], "vault-has-repository");
    assert_eq!(fs::read(emulator.blob("by-restic", "repo/config")).unwrap(), b"somebody's");
    let joined = ["vault", "create", "--vault", "Attic", "--staging", "second", "--json"];
    assert_eq!(last(&emulator.expect(&nobody, 2, &joined))["code"], "vault-has-repository");
}

#[test]
fn a_vault_that_was_changed_meanwhile_shows_no_snapshot_that_is_not_whole() {
    let office = Office::new();
    let emulator = &office.0.emulator;
    let web2 = office.host("web2");
    let staged = office.stage(&web2, "web2", 0, "second", &JOIN);
    let seed = staged["id"].as_str().unwrap().to_owned();
    office.ship(&web2, "second");
    run(&web2, emulator, 0, &["--now"]);
    office.dock();

    // A client that knows nothing of the seed lets all go that it shares.
    let all = files_below(&emulator.blob("azseed-office", "repo/snapshots"));
    let ids: Vec<_> = all.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    office.0.restic(&[&["forget", "--prune"], &ids[..]].concat());
    let gone = run(&web2, emulator, 5, &["--now"]);
    assert_eq!(gone["code"], "seed-base-gone", "{gone}");
    assert_eq!(office.blobs("repo/snapshots"), 0, "nothing is shown");
    assert_eq!(run(&web2, emulator, 5, &["--now"])["code"], "seed-base-gone");

    let forget = |code, id: &str, more: &[&str]| {
        let words = [&["vault", "forget", "--json", "--seed", id], more].concat();
        last(&emulator.expect(&web2, code, &words))
    };
    let other = "11111111-2222-4333-8444-555555555555";
    assert_eq!(forget(10, other, &["--yes"])["code"], "vault-seed-unknown");
    assert_eq!(forget(2, &seed, &[])["code"], "needs-yes");
    let given_up = forget(0, &seed, &["--yes"]);
    assert_eq!(
        (&given_up["type"], &given_up["dropped"]),
        (&"vault-seed-given-up".into(), &1.into())
    );
    assert_eq!((office.blobs("azseed/joining"), office.blobs("azseed/aside")), (0, 0));
    let sent = run(&web2, emulator, 0, &["--now"]);
    assert_eq!((&sent["state"], &sent["ingested"]), (&"protected".into(), &Value::Null));
    office.is_whole(&["web2"]);

    // Another repository in the same place.
    let web3 = office.host("web3");
    office.stage(&web3, "web3", 0, "third", &JOIN);
    let config = emulator.blob("azseed-office", "repo/config");
    fs::remove_file(&config).unwrap();
    put(emulator, "azseed-office", "repo/config", b"of another repository");
    let said = office.stage(&web3, "web3", 1, "third", &JOIN);
    assert_ne!(said["code"], Value::Null);
    let early = run(&web3, emulator, 4, &["--now", "--without-seed"]);
    assert_eq!(early["code"], "vault-other-repository", "{early}");
}

/// What the vault has already needs no drive, and that is what is said of it.
#[test]
fn a_seed_of_what_the_vault_has_already_is_told_as_that_and_given_up() {
    let office = Office::new();
    let emulator = &office.0.emulator;
    let web2 = office.host("web2");
    let source = office.source("web2");
    emulator.expect(&web2, 0, &["vault", "source", "add", source.to_str().unwrap()]);
    run(&web2, emulator, 0, &["--now"]);
    office.stage(&web2, "web2", 0, "second", &JOIN);
    let drive = "s2.img,serial=S2,size=210M";
    let prep = ["prep", "--staging", "second", "--offline", "--drive", drive];
    let said = web2.expect(4, &prep).stderr;
    assert!(said.contains("code: seed-brings-nothing"), "{said}");
    let line = said.split('`').find(|part| part.starts_with("azseed vault forget")).unwrap();
    let words: Vec<&str> = line.split(' ').skip(1).chain(["--yes"]).collect();
    emulator.expect(&web2, 0, &words);
    let ran = run(&web2, emulator, 0, &["--now"]);
    assert_eq!(ran["state"], "protected", "{ran}");
}
