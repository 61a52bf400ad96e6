//! What of the sources is left out: as restic takes the same words, kept for every increment, and
//! changed by `vault set`. Extended attributes and access control lists are carried.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::fs::{XattrFlags, getxattr, setxattr};
use support::kept::{Vault, last};

const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# of a program\n";

fn fill(root: &Path) {
    let file = |path: &str, content: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    file("kept", "kept");
    file("kept.tmp", "left out by a pattern");
    file("Photo.JPEG", "left out in any case");
    file("photo.jpegs", "another ending");
    file("by file.bak", "left out by a file of patterns");
    file("keep me.bak", "taken back by it");
    file("cache/CACHEDIR.TAG", SIGNATURE);
    file("cache/a", "left out");
    file("cache/below/b", "left out");
    file("no cache/CACHEDIR.TAG", "Signature: of something else");
    file("no cache/a", "kept");
    file("marked/.nobackup", "");
    file("marked/a", "left out");
    file("marked/below/b", "left out");
    file("headed/.skip", "yes, please");
    file("headed/a", "left out");
    file("not headed/.skip", "no");
    file("not headed/a", "kept");
    file("size/exactly", &"x".repeat(5000));
    file("size/larger", &"x".repeat(5001));
}

const WORDS: [&str; 13] = [
    "--exclude=*.tmp",
    "--iexclude=*.jPeG",
    "--exclude-file=patterns",
    "--exclude-if-present=.nobackup",
    "--exclude-if-present=.skip:yes",
    "--exclude-caches",
    "--one-file-system",
    "--exclude=never-there-1",
    "--exclude=never-there-2",
    "--iexclude=NEVER-there",
    "--exclude=!taken-back",
    "--exclude-if-present=.never",
    "--exclude=**/never/**",
];

/// The paths that a program of theirs backs up with the same words.
fn of_restic(vault: &Vault, words: &[&str]) -> BTreeSet<String> {
    let restic = |words: &[&str]| {
        let mut command = Command::new("restic");
        command.args(["--no-cache", "-q", "-r"]).arg(vault.machine.path("theirs"));
        command.arg("--password-file").arg(vault.password()).args(words);
        let said = command.current_dir(vault.machine.path("")).output().unwrap();
        assert!(said.status.success(), "{words:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    };
    if !vault.machine.path("theirs").exists() {
        restic(&["init"]);
    }
    let source = vault.source();
    restic(&[&["backup", source.to_str().unwrap()], words].concat());
    below(vault, restic(&["ls", "latest"]).lines().map(str::to_owned))
}

/// The paths of the newest snapshot of a vault.
fn of_vault(vault: &Vault) -> BTreeSet<String> {
    let said = vault.emulator.expect(
        &vault.machine,
        0,
        &["vault", "ls", "latest", "--json", "--recursive"],
    );
    let lines =
        said.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    below(vault, lines.filter_map(|line| Some(line["path"].as_str()?.to_owned())))
}

fn below(vault: &Vault, paths: impl Iterator<Item = String>) -> BTreeSet<String> {
    let source = format!("{}/", vault.source().display());
    paths.filter_map(|path| Some(path.strip_prefix(&source)?.to_owned())).collect()
}

#[test]
fn what_is_left_out_is_what_restic_leaves_out_in_the_seed_and_in_every_increment() {
    let patterns = |root: &Path| {
        fill(root);
        let text = "# what is not needed\n*.bak\n\n!keep*.bak\n";
        fs::write(root.parent().unwrap().join("patterns"), text).unwrap();
    };
    let larger = [&WORDS[..], &["--exclude-larger-than=5000"]].concat();
    let vault = Vault::with(patterns, &larger);
    let expected = of_restic(&vault, &larger);
    assert_eq!(of_vault(&vault), expected);
    for (path, is_kept) in [
        ("kept", true),
        ("kept.tmp", false),
        ("Photo.JPEG", false),
        ("photo.jpegs", true),
        ("by file.bak", false),
        ("keep me.bak", true),
        ("cache/CACHEDIR.TAG", true),
        ("cache/below/b", false),
        ("no cache/a", true),
        ("marked", true),
        ("marked/below", false),
        ("headed/a", false),
        ("not headed/a", true),
        ("size/exactly", true),
        ("size/larger", false),
    ] {
        assert_eq!(expected.contains(path), is_kept, "{path}: {expected:?}");
    }

    // The record holds it for what comes after; a file of patterns is not read again.
    fs::remove_file(vault.machine.path("patterns")).unwrap();
    let source = vault.source();
    for name in ["new.tmp", "new.bak", "NEW.jpeg", "marked/new", "new"] {
        fs::write(source.join(name), "new").unwrap();
    }
    fs::write(source.join("new large"), "x".repeat(6000)).unwrap();
    // With access control and attributes of its own.
    let acl = [
        2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 1, 0, 0, 0, 4, 0, 4, 0, 255, 255,
        255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
    ];
    let attributes = [("user.azseed", &b"a value"[..]), ("system.posix_acl_access", &acl[..])];
    for (name, value) in attributes {
        setxattr(source.join("new"), name, value, XattrFlags::empty()).unwrap();
    }
    vault.emulator.expect(&vault.machine, 0, &["vault", "run", "--now"]);
    let now = of_vault(&vault);
    assert_eq!(now.difference(&expected).collect::<Vec<_>>(), ["new"]);
    vault.restore(0, "restored", &[]);
    for (name, value) in attributes {
        let mut buffer = [0; 100];
        let length = getxattr(vault.copy("restored", "new"), name, &mut buffer[..]).unwrap();
        assert_eq!(&buffer[..length], value, "{name}");
    }

    // Said anew, all of it; then nothing.
    let set = |words: &[&str]| {
        let all = [&["vault", "set", "--json", "--vault", "Office"], words].concat();
        last(&vault.emulator.expect(&vault.machine, 0, &all))
    };
    let words = ["--exclude=*.jpegs", "--exclude-caches"];
    let done = set(&words);
    let told = done["differences"][0].as_str().unwrap();
    assert!(
        told.contains("*.jpegs; what lies in cache folders, it was what matches *.tmp"),
        "{told}"
    );
    assert_eq!(set(&words)["changed"], false);
    vault.emulator.expect(&vault.machine, 0, &["vault", "run", "--now"]);
    assert_eq!(of_vault(&vault), of_restic(&vault, &words));
    set(&["--exclude-nothing"]);
    vault.emulator.expect(&vault.machine, 0, &["vault", "run", "--now"]);
    assert_eq!(of_vault(&vault), of_restic(&vault, &[]));
    let refused = ["vault", "set", "--vault", "Office", "--json", "--exclude=[a"];
    let said = vault.emulator.expect(&vault.machine, 2, &refused);
    assert_eq!(last(&said)["code"], "exclude-invalid");
}
