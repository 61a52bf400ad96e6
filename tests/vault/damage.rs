//! Blobs that are deleted, cut short or changed behind our back: found, named, and brought back from
//! where there is a good copy; else it is said what is lost. Each kind of blob, each damage, each
//! place of a good copy; `tests/long damage` plays all of them and prints the table, the test command
//! a part.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::print_stderr, reason = "what came of each damage is shown")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::kept::{Vault, copy, last};
use support::program::files_below;
use support::tree::Dice;

const KINDS: [&str; 6] = ["pack of data", "pack of folders", "index", "snapshot", "key", "config"];
const RECORD: &str = "state/vaults/office.json";
const DAMAGES: [&str; 3] = ["deleted", "cut", "changed"];

/// Where a good copy of what is damaged is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Good {
    Staging,
    Source,
    Nowhere,
}

/// Content that is in no other place, and a file that is in two folders.
fn fill(root: &Path) {
    let mut dice = Dice(7);
    for number in 0..4 {
        let path = root.join(format!("folder-{number}"));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("file"), dice.bytes(300_000)).unwrap();
    }
}

/// A vault and its repository as it was whole.
struct Stage {
    vault: Vault,
    whole: PathBuf,
    /// What the machine knew of it then.
    record: Vec<u8>,
}

impl Stage {
    fn new() -> Self {
        let vault = Vault::of(fill);
        let whole = vault.machine.path("whole");
        copy(&vault.emulator.blob("azseed-office", "repo"), &whole);
        let record = fs::read(vault.machine.path(RECORD)).unwrap();
        Stage { vault, whole, record }
    }

    fn repository(&self) -> PathBuf {
        self.vault.emulator.blob("azseed-office", "repo")
    }

    /// As it was before anything happened.
    fn reset(&self) {
        let container = self.vault.emulator.blob("azseed-office", "");
        fs::remove_dir_all(&container).unwrap();
        copy(&self.whole, &self.repository());
        let machine = &self.vault.machine;
        fs::write(machine.path(RECORD), &self.record).unwrap();
        let _ = fs::rename(machine.path("away"), machine.path("staging/repo"));
    }

    /// A blob of a kind. Of the two packs the one with data is the larger.
    fn blob(&self, kind: &str) -> PathBuf {
        let below = |name: &str| files_below(&self.repository().join(name)).into_iter();
        let bytes = |path: &PathBuf| fs::metadata(path).unwrap().len();
        match kind {
            "pack of data" => below("data").max_by_key(bytes),
            "pack of folders" => below("data").min_by_key(bytes),
            "index" => below("index").next(),
            "snapshot" => below("snapshots").next(),
            "key" => below("keys").next(),
            _ => Some(self.repository().join("config")),
        }
        .unwrap()
    }

    fn call(&self, words: &[&str]) -> (i32, Value) {
        let said = self.vault.emulator.run(&self.vault.machine, words);
        assert!(!said.stderr.contains("panicked"), "{words:?}: {}", said.stderr);
        (said.code, last(&said))
    }

    /// Restores all and compares it.
    fn is_restored(&self) -> bool {
        let target = self.vault.machine.path("restored");
        let _ = fs::remove_dir_all(&target);
        let said = self.call(&Vault::words("restored", &[]));
        let of = |root: &Path| -> Vec<(PathBuf, Vec<u8>)> {
            let all = files_below(root).into_iter();
            all.map(|path| (path.strip_prefix(root).unwrap().to_owned(), fs::read(path).unwrap()))
                .collect()
        };
        said.0 == 0 && of(&self.vault.source()) == of(&self.vault.copy("restored", ""))
    }
}

fn spoil(path: &Path, damage: &str) {
    let mut content = fs::read(path).unwrap();
    match damage {
        "deleted" => return fs::remove_file(path).unwrap(),
        "cut" => content.truncate(content.len() / 2),
        _ => {
            let middle = content.len() / 2;
            content[middle] ^= 1;
        }
    }
    fs::write(path, content).unwrap();
}

/// What comes of it: what the check says, what the cure does, what is so in the end.
fn play(stage: &Stage, kind: &str, damage: &str, good: Good) -> [String; 3] {
    stage.reset();
    let machine = &stage.vault.machine;
    if good != Good::Staging {
        fs::rename(machine.path("staging/repo"), machine.path("away")).unwrap();
    }
    let blob = stage.blob(kind);
    let name = blob.file_name().unwrap().to_str().unwrap().to_owned();
    spoil(&blob, damage);
    let check = ["vault", "check", "--json", "--read-data"];
    let (code, found) = stage.call(&check);
    let what = format!("{kind} {damage}, copy {good:?}: {found}");
    // Without a single key no password is the right one.
    if code == 5 && found["code"] == "repository-no-key" {
        let code = found["code"].as_str().unwrap().to_owned();
        return [code, "-".to_owned(), "cannot be opened, which is said".to_owned()];
    }
    // No increment was made: of a snapshot that is gone nobody on this machine knows.
    if code == 0 && kind == "snapshot" && damage == "deleted" && good != Good::Staging {
        return ["not found".to_owned(), "-".to_owned(), "nobody knows of it".to_owned()];
    }
    assert_eq!(code, 5, "{what}");
    let damages = found["damages"].as_array().unwrap();
    let own = damages.iter().find(|own| own["path"].as_str().unwrap().ends_with(&name));
    // What nobody knows of is missed by what is missing in it.
    let is_unknown = good != Good::Staging && damage == "deleted";
    let touched = found["touched"].as_array().map_or(0, Vec::len);
    let told = match own {
        Some(own) => format!("named: {}", own["kind"].as_str().unwrap()),
        None if is_unknown && (touched > 0 || found["opened"] == false) => {
            "by what it touches".to_owned()
        }
        None => panic!("{what}"),
    };
    if kind.starts_with("pack") {
        let paths = found["touched"][0]["paths"].as_array().unwrap();
        assert!(!paths.is_empty() && found["touched"][0]["snapshot"].is_string(), "{what}");
    }

    let (code, mended) = stage.call(&[&check[..], &["--repair"]].concat());
    let cure = mended["damages"].as_array().unwrap().iter();
    let cure = cure.filter_map(|own| own["cure"].as_str()).next().unwrap_or("-").to_owned();
    let cure = format!("{cure} ({code})");
    if good == Good::Source {
        stage.call(&["vault", "run", "--json", "--now"]);
    }
    let end = match stage.call(&check) {
        (0, _) if good != Good::Nowhere => {
            assert!(stage.is_restored(), "{what}\n{mended}");
            "whole, restored equal".to_owned()
        }
        (0, _) => "whole".to_owned(),
        (5, left) if left["opened"] == false => "cannot be opened, which is said".to_owned(),
        (5, left) => {
            let touched = left["touched"].as_array().unwrap();
            assert!(!touched.is_empty(), "{what}\n{left}");
            format!("{} of {} snapshots lack what is named", touched.len(), left["snapshots"])
        }
        (code, left) => format!("{} ({code})", left["code"].as_str().unwrap_or_default()),
    };
    [told, cure, end]
}

#[test]
fn what_is_damaged_is_named_and_brought_back_from_where_a_good_copy_is() {
    let is_all = std::env::var_os("AZSEED_TEST_DAMAGE").is_some();
    let stage = Stage::new();
    if is_all {
        eprintln!("| blob | damage | good copy | found | cure (exit code) | in the end |");
        eprintln!("|---|---|---|---|---|---|");
    }
    for (number, kind) in KINDS.iter().enumerate() {
        for (turn, good) in [Good::Staging, Good::Source, Good::Nowhere].into_iter().enumerate() {
            for (other, damage) in DAMAGES.iter().enumerate() {
                let is_file = *kind == "snapshot" || *kind == "key" || *kind == "config";
                let is_played = (number + turn) % 3 == other
                    && (good == Good::Staging || (good == Good::Nowhere) == is_file);
                if !is_all && !is_played {
                    continue;
                }
                let [told, cure, end] = play(&stage, kind, damage, good);
                if is_all {
                    eprintln!("| {kind} | {damage} | {good:?} | {told} | {cure} | {end} |");
                }
                match good {
                    Good::Staging => {
                        assert_eq!(
                            (&cure[..], &end[..]),
                            ("sent (0)", "whole, restored equal"),
                            "{kind} {damage}"
                        );
                    }
                    // What the sources do not hold cannot come from them.
                    Good::Source if !is_file => {
                        assert_eq!(end, "whole, restored equal", "{kind} {damage}: {cure}");
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn a_run_tells_of_packs_that_are_gone_before_it_sends_what_is_left_of_them() {
    let stage = Stage::new();
    let Vault { machine, emulator, .. } = &stage.vault;
    fs::remove_file(stage.blob("pack of data")).unwrap();
    fs::remove_dir_all(machine.path("source/folder-0")).unwrap();
    fs::rename(machine.path("staging/repo"), machine.path("away")).unwrap();
    let said = support::seed::run(machine, emulator, 3, &["--now", "--allow-shrink"]);
    let remarks = said["increment"]["remarks"].to_string();
    assert!(remarks.contains("vault-packs-lost") && remarks.contains("1 pack "), "{said}");
    let again = support::seed::run(machine, emulator, 0, &["--now"]);
    assert!(!again["increment"]["remarks"].to_string().contains("vault-packs-lost"), "{again}");
    // What nobody has any more is told in our words, and with what is left to do.
    let (code, _) = stage.call(&["vault", "check", "--json"]);
    assert_eq!(code, 5);
    let words = ["vault", "check", "--repair", "--yes"];
    let told = emulator.expect(machine, 5, &words).stdout;
    for word in ["rustic", "Backtrace", "Next: `azseed vault check --repair"] {
        assert!(!told.contains(word), "{word}: {told}");
    }
    assert!(told.contains("Nothing that is here mends the rest"), "{told}");
}

/// What only the content tells is mended by a line that reads it again.
#[test]
fn the_line_that_mends_what_was_read_reads_it_again() {
    let stage = Stage::new();
    let Vault { machine, emulator, .. } = &stage.vault;
    spoil(&stage.blob("pack of data"), "changed");
    let staging = machine.text("staging");
    let told = emulator.expect(machine, 5, &["vault", "check", "--read-data"]).stdout;
    let line = told.split('`').find(|part| part.contains("--repair")).unwrap();
    let mut words: Vec<&str> = line.split(' ').skip(1).collect();
    words.extend(["--staging", &staging, "--yes"]);
    emulator.expect(machine, 0, &words);
    emulator.expect(machine, 0, &["vault", "check", "--read-data"]);
}

#[test]
fn a_command_that_meets_a_changed_blob_names_it() {
    let stage = Stage::new();
    for (kind, words) in [
        ("index", &["vault", "run", "--json", "--now"][..]),
        ("snapshot", &["vault", "snapshots", "--json"]),
        ("key", &["vault", "ls", "latest", "--json"]),
    ] {
        stage.reset();
        let blob = stage.blob(kind);
        spoil(&blob, "changed");
        let (code, said) = stage.call(words);
        let text = said.to_string();
        assert!(code == 5 && text.contains("repository-blob-changed"), "{kind}: {code} {said}");
        assert!(text.contains(blob.file_name().unwrap().to_str().unwrap()), "{kind}: {said}");
    }
}

#[test]
fn the_newest_snapshot_of_a_source_is_missed_when_somebody_has_deleted_it() {
    let stage = Stage::new();
    let made = stage.call(&["vault", "run", "--now", "--json"]).1;
    let id = made["increment"]["snapshot"].as_str().unwrap();
    // Whoever changes its tags gives it another id, which is no damage.
    stage.vault.restic(&["tag", "--add", "mine", id]);
    assert_eq!(stage.call(&["vault", "check", "--json"]).0, 0);
    let snapshots = stage.repository().join("snapshots");
    let newest = files_below(&snapshots)
        .into_iter()
        .max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    fs::remove_file(newest.unwrap()).unwrap();
    let (code, found) = stage.call(&["vault", "check", "--json"]);
    assert_eq!((code, &found["damages"][0]["kind"]), (5, &"missing".into()), "{found}");
    assert_eq!(found["damages"][0]["path"], format!("snapshots/{id}"));
    assert_eq!(stage.call(&["vault", "run", "--now", "--json"]).0, 0);
    assert_eq!(stage.call(&["vault", "check", "--json"]).0, 0);
}
