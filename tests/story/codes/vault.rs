//! What a vault refuses on its way, by a seed that is shipped, docked and taken in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{is_refused, words};
use crate::support::emulator::Emulator;
use crate::support::program::{Machine, files_below};
use crate::support::seed::{run, shipped};

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = files_below(folder).into_iter();
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_vault_refuses_what_it_cannot_be_or_cannot_tell_apart_and_changes_nothing() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let seen =
        || (contents(&machine.path("state/vaults")), contents(&emulator.data().join("blobs")));
    let refuses = |exit: i32, code: &str, line: &str| {
        let before = seen();
        let told = emulator.run(&machine, &words(line));
        is_refused(&told, exit, code, line);
        assert!(seen() == before, "{line}");
        assert!(!machine.path("out").exists(), "{line}");
    };
    let create = "vault create --staging staging --vault";
    refuses(2, "vault-exists", &format!("{create} Office --keep-daily 3"));
    emulator.expect(&machine, 0, &words(&format!("{create} Second --vault-container second")));
    for line in ["vault status", "vault run", "vault restore --target out", "cleanup --yes"] {
        refuses(2, "vault-ambiguous", line);
    }

    // The import has lost a pack, and the staging path has a folder in its place.
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let packs = files_below(&emulator.blob("seed", "repo/data"));
    let lost = packs.first().unwrap();
    let below = lost.strip_prefix(emulator.blob("seed", "")).unwrap();
    let spare = machine.path("staging").join(below);
    fs::remove_file(lost).unwrap();
    let content = fs::read(&spare).unwrap();
    fs::remove_file(&spare).unwrap();
    fs::create_dir(&spare).unwrap();
    let said = run(&machine, &emulator, 6, &["--vault", "Office"]);
    assert_eq!(said["code"], "staging-read", "{said}");
    let snapshots = emulator.blob("azseed-office", "repo/snapshots");
    assert_eq!(files_below(&snapshots).len(), 0, "no snapshot without its data");
    fs::remove_dir(&spare).unwrap();
    fs::write(&spare, content).unwrap();
    run(&machine, &emulator, 0, &["--vault", "Office"]);
    assert_eq!(files_below(&snapshots).len(), 2);
    refuses(2, "snapshot-ambiguous", "vault restore --vault Office --target out --snapshot=");
}
