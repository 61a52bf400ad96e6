//! Recorded machines with one file of each changed: whatever it says, each check has something short to say
//! of the machine, in bounds.

use std::fs;
use std::path::{Path, PathBuf};

use azseed::check::guest::Whose;
use azseed::check::tree::Tree;
use azseed::check::{filesystems, guest, proxy};

use crate::guests::all;
use crate::{run, unsealed};

/// Changes of each file; `tests/long guests` says more.
fn rounds() -> usize {
    let own = std::env::var("AZSEED_TEST_INPUTS").ok();
    own.map_or(24, |text| text.parse().expect("AZSEED_TEST_INPUTS is a number"))
}

/// Plain files below a folder.
fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap();
        match kind.is_dir() {
            true => files(&path, all),
            false => all.extend(kind.is_file().then_some(path)),
        }
    }
}

#[test]
fn files_of_machines() {
    let folder = tempfile::tempdir().unwrap();
    for machine in all().iter().filter(|own| own.of.is_none()) {
        let root = folder.path().join(&machine.name);
        machine.unpack(&root);
        let mut places = Vec::new();
        files(&root, &mut places);
        places.sort();
        let texts: Vec<Vec<u8>> = places.iter().map(|path| fs::read(path).unwrap()).collect();
        for (place, text) in places.iter().zip(&texts) {
            let what =
                format!("{}: {}", machine.name, place.strip_prefix(&root).unwrap().display());
            // Parts of another file come in between.
            let other = texts.iter().max_by_key(|own| own.len()).unwrap();
            run(&what, &[text.clone(), other.clone()], rounds(), unsealed, |bytes| {
                fs::write(place, bytes).unwrap();
                let tree = Tree::open(&root).unwrap();
                let mut found = guest::look(&tree, Whose::Another);
                found.extend(proxy::look(&tree));
                found.extend(filesystems::look(&tree));
                assert!(!found.is_empty());
                for own in &found {
                    assert!(own.facts.chars().count() < 4_000, "{}", own.facts);
                    assert!(!own.facts.contains('\n') && !own.facts.contains('\x1b'), "{own:?}");
                }
            });
            fs::write(place, text).unwrap();
        }
    }
}
