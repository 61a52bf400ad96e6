//! Guards the house: who may import whom, what may stand where. Each rule is a function from
//! sources to complaints; each is run on the real sources and, to prove that it can fail, on a
//! line that breaks it.

mod support {
    #[allow(dead_code, reason = "this test reads no tests")]
    pub mod sources;
}

use std::collections::BTreeSet;

use support::sources::{Source, product, root};

const PORCH: &[&str] = &["cli", "commands", "ui"];
/// Rooms of `src` and what each must not name: rooms as `crate::room`, crates by name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("azure", &["crate::*"]),
    (
        "repository",
        &[
            "clap",
            "indicatif",
            "crate::staging",
            "crate::vault",
            "crate::import_job",
            "crate::emulator",
        ],
    ),
    ("staging", &["crate::import_job", "crate::vault", "crate::emulator", "clap", "indicatif"]),
    ("import_job", &["crate::staging", "crate::vault", "crate::emulator", "clap", "indicatif"]),
    ("vault", &["crate::staging", "crate::import_job", "crate::emulator", "clap", "indicatif"]),
    ("escrow", &["crate::import_job", "crate::vault", "crate::emulator", "clap", "indicatif"]),
    (
        "emulator",
        &[
            "crate::escrow",
            "crate::azure",
            "crate::import_job",
            "crate::vault",
            "crate::staging",
            "crate::repository",
            "disk_prep::manifest",
            "disk_prep::journal",
        ],
    ),
    ("commands", &["indicatif"]),
    (
        "ui",
        &[
            "reqwest",
            "hyper",
            "azure_core",
            "azure_storage_blobs",
            "disk_prep::device",
            "disk_prep::sys",
        ],
    ),
    ("cli", &["crate::commands", "crate::ui"]),
];
/// Crates that only these rooms may name.
const FEW_ROOMS: &[(&str, &[&str])] = &[
    ("rustic_core", &["repository"]),
    ("indicatif", &["ui"]),
    ("reqwest", &["azure"]),
    // The dock may write to a blob service outside of the emulator.
    ("azure_core", &["azure", "emulator"]),
    ("azure_identity", &["azure"]),
    ("azure_storage_blobs", &["azure", "emulator"]),
    ("age", &["escrow"]),
];
/// The floors of `disk-prep`, from the ground up.
const FLOORS: &[&[&str]] = &[
    &["sys", "noun", "limits"],
    &["drive", "device"],
    &["volume", "hash", "kernels"],
    &["plan", "fill", "journal", "manifest", "dataset", "drive_layout", "label", "seal"],
    &["prepare", "verify", "inspect", "pool", "release"],
];
const MOST_LINES: usize = 500;

type Rule = fn(&Source) -> Vec<String>;

/// Runs a rule on the real sources, and first on `(path, text)` pairs that must each draw a
/// complaint.
fn guard(rule: Rule, breaches: &[(&str, &str)]) {
    for (path, text) in breaches {
        let complaints = rule(&Source::new(path, text));
        assert!(!complaints.is_empty(), "the rule lets pass: {path}: {text}");
    }
    let complaints: Vec<String> = product().iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn names(path: &str, forbidden: &str) -> bool {
    path.strip_prefix(forbidden).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn imports_of_rooms(source: &Source) -> Vec<String> {
    if source.package() != "azseed" {
        return Vec::new();
    }
    let room = source.room();
    let mut complaints = Vec::new();
    for path in source.paths() {
        let listed = FORBIDDEN.iter().filter(|(name, _)| *name == room).flat_map(|(_, list)| *list);
        let forbidden = listed.into_iter().any(|item| match *item {
            "crate::*" => path.starts_with("crate::") && !names(&path, &format!("crate::{room}")),
            item => names(&path, item),
        });
        let upward = !matches!(room, "main" | "lib" | "exit" | "config")
            && !PORCH.contains(&room)
            && PORCH.iter().any(|porch| names(&path, &format!("crate::{porch}")));
        let owned =
            FEW_ROOMS.iter().any(|(name, owners)| !owners.contains(&room) && names(&path, name));
        if forbidden || upward || owned {
            complaints.push(format!("{} must not name {path}", source.path));
        }
    }
    complaints
}

#[test]
fn rooms_of_the_program_import_only_what_they_may() {
    guard(
        imports_of_rooms,
        &[
            ("src/azure/arm.rs", "use crate::state::Job;"),
            ("src/staging/mod.rs", "use super::vault::Vault;"),
            ("src/vault/a/b.rs", "use super::super::super::import_job;"),
            ("src/import_job/mod.rs", "use crate::{advice, staging::Seed};"),
            ("src/emulator/dock/read.rs", "use disk_prep::{noun, manifest};"),
            ("src/emulator/arm.rs", "fn a() { crate::import_job::body() }"),
            ("src/commands/a.rs", "use indicatif::ProgressBar;"),
            ("src/staging/mod.rs", "fn a(x: rustic_core::Repository) {}"),
            ("src/cli/mod.rs", "use crate::ui;"),
            ("src/state/mod.rs", "use crate::{\n    advice,\n    commands::Outcome,\n};"),
            ("src/vault/mod.rs", "use reqwest::Client;"),
            ("src/emulator/mod.rs", "use azure_identity::AzureCliCredential;"),
        ],
    );
}

fn azure_knows_only_words(source: &Source) -> Vec<String> {
    if source.package() != "azseed" || source.room() != "azure" {
        return Vec::new();
    }
    // The sign-in program of the user is started where programs are started.
    let ground = ["disk_prep::noun", "disk_prep::limits", "disk_prep::sys::child"];
    let paths = source.paths();
    let foreign = paths.iter().filter(|path| names(path, "disk_prep"));
    foreign
        .filter(|path| !ground.iter().any(|word| names(path, word)))
        .map(|path| format!("{} names {path}; only nouns, limits and child may be", source.path))
        .collect()
}

#[test]
fn the_network_client_knows_only_the_words_of_disk_prep() {
    guard(
        azure_knows_only_words,
        &[
            ("src/azure/mod.rs", "use disk_prep::{noun::Serial, journal};"),
            ("src/azure/mod.rs", "use disk_prep::sys::durable;"),
        ],
    );
}

fn floors(source: &Source) -> Vec<String> {
    if source.package() != "disk-prep" {
        return Vec::new();
    }
    let level = |room: &str| FLOORS.iter().position(|floor| floor.contains(&room));
    let Some(own) = level(source.room()) else {
        return Vec::new();
    };
    let paths = source.paths();
    let inner = paths.iter().filter_map(|path| path.strip_prefix("crate::"));
    inner
        .map(|path| path.split("::").next().unwrap_or(path))
        .filter(|room| level(room).is_some_and(|other| other > own))
        .map(|room| format!("{} stands below {room} and must not name it", source.path))
        .collect()
}

#[test]
fn a_floor_of_disk_prep_uses_only_the_floors_below() {
    guard(
        floors,
        &[
            ("disk-prep/src/noun/mod.rs", "use crate::journal::Record;"),
            ("disk-prep/src/volume/ntfs/mod.rs", "use crate::{noun::Serial, fill};"),
            ("disk-prep/src/journal/mod.rs", "use super::prepare::Options;"),
        ],
    );
    let rooms: BTreeSet<String> = product()
        .iter()
        .filter(|source| source.package() == "disk-prep")
        .map(|source| source.room().to_owned())
        .collect();
    // Beside the floors stand what all of them speak through.
    let beside = ["lib", "error", "monitor", "stop", "world"];
    let placed: BTreeSet<&str> =
        FLOORS.iter().flat_map(|floor| *floor).copied().chain(beside).collect();
    let stray: Vec<_> = rooms.iter().filter(|room| !placed.contains(room.as_str())).collect();
    assert!(stray.is_empty(), "rooms of disk-prep on no floor: {stray:?}");
}

/// Complains about every line of product code that has `word`, outside `homes`.
fn only_in(source: &Source, words: &[&str], homes: &[&str]) -> Vec<String> {
    if homes.iter().any(|home| source.path.starts_with(home)) {
        return Vec::new();
    }
    let lines = source.code.lines().enumerate();
    lines
        .filter(|(_, line)| words.iter().any(|word| has_word(line, word)))
        .map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim()))
        .collect()
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let before =
            word.starts_with(char::is_alphabetic) && joined(line[..at].chars().next_back());
        let after = &line[at + word.len()..];
        let behind = word.ends_with(char::is_alphabetic) && joined(after.chars().next());
        !before && !behind
    })
}

#[test]
fn no_product_code_unwraps_or_is_left_undone() {
    guard(
        |source| {
            only_in(
                source,
                &[".unwrap()", "todo!", "unimplemented!", "dbg!", "anyhow", "#[ignore"],
                &[],
            )
        },
        &[
            ("src/state/mod.rs", "fn a() { b().unwrap(); }\n#[cfg(test)]\nmod tests {\n}"),
            ("src/state/mod.rs", "fn a() { todo!() }"),
        ],
    );
}

#[test]
fn only_the_screen_prints() {
    guard(
        |source| only_in(source, &["println!", "eprintln!", "print!", "eprint!"], &["src/ui/"]),
        &[("src/vault/mod.rs", "fn a() { eprintln!(\"\"); }")],
    );
}

#[test]
fn only_the_exit_code_table_ends_the_process() {
    guard(
        |source| only_in(source, &["process::exit"], &["src/exit.rs"]),
        &[("src/main.rs", "fn main() { std::process::exit(1) }")],
    );
}

#[test]
fn programs_are_started_by_sys_only() {
    guard(
        |source| only_in(source, &["process::Command", "Command::new"], &["disk-prep/src/sys/"]),
        &[("src/commands/a.rs", "use std::process::Command;")],
    );
}

#[test]
fn state_files_are_written_durably() {
    guard(
        |source| only_in(source, &["fs::write"], &["disk-prep/src/sys/"]),
        &[("src/state/mod.rs", "fn a() { std::fs::write(a, b) }")],
    );
}

fn unsafe_code(source: &Source) -> Vec<String> {
    let mut complaints =
        only_in(source, &["unsafe"], &["disk-prep/src/sys/", "disk-prep/src/kernels/"]);
    let lines: Vec<&str> = source.text.lines().collect();
    for (at, line) in source.code.lines().enumerate() {
        let explained =
            || lines[at.saturating_sub(4)..=at].iter().any(|line| line.contains("SAFETY:"));
        if has_word(line, "unsafe") && line.contains('{') && !explained() {
            complaints.push(format!("{}:{}: unsafe without a SAFETY line", source.path, at + 1));
        }
    }
    complaints
}

#[test]
fn unsafe_stands_only_where_it_may_and_says_why() {
    guard(
        unsafe_code,
        &[
            ("src/azure/a.rs", "// SAFETY: none\nfn a() { unsafe { b() } }"),
            ("disk-prep/src/sys/a.rs", "fn a() { unsafe { b() } }"),
        ],
    );
}

fn purity(source: &Source) -> Vec<String> {
    let pure = [
        "disk-prep/src/volume/",
        "disk-prep/src/hash/",
        "disk-prep/src/kernels/",
        "disk-prep/src/plan",
    ];
    if !pure.iter().any(|room| source.path.starts_with(room)) {
        return Vec::new();
    }
    only_in(source, &["SystemTime", "Timestamp::now", "Instant", "std::fs", "File::open"], &[])
}

#[test]
fn formats_and_plans_know_no_clock_and_no_file_system() {
    guard(
        purity,
        &[
            ("disk-prep/src/volume/a.rs", "use std::time::SystemTime;"),
            ("disk-prep/src/plan/mod.rs", "fn a() { std::fs::read(b) }"),
        ],
    );
}

fn shape(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    if !source.text.starts_with("//! ") {
        complaints.push(format!("{} does not open with `//!`", source.path));
    }
    let lines = source.text.lines().count();
    let most = if source.path == "src/main.rs" { 60 } else { MOST_LINES };
    if lines > most {
        complaints.push(format!("{} has {lines} lines, at most {most}", source.path));
    }
    let names = ["utils", "util", "helpers", "helper", "common", "manager", "misc"];
    if source.path.split(['/', '.']).any(|part| names.contains(&part)) {
        complaints.push(format!("{} has a name that says nothing", source.path));
    }
    for line in source.code.lines().filter(|line| line.contains("::*")) {
        complaints.push(format!("{}: glob import: {}", source.path, line.trim()));
    }
    complaints
}

#[test]
fn every_file_is_short_says_what_it_is_for_and_names_its_imports() {
    let long = format!("//! A\n{}", "\n".repeat(MOST_LINES));
    guard(
        shape,
        &[
            ("src/a.rs", "use b::c;"),
            ("src/a.rs", &long),
            ("src/utils.rs", "//! A"),
            ("src/a.rs", "//! A\nuse b::*;"),
        ],
    );
}

#[test]
fn the_top_level_has_no_other_folders() {
    let allowed = ["src", "disk-prep", "fixtures", "tests", "docs", "packaging"];
    // Made by builds and by hand, and not part of the repository.
    let ignored = std::fs::read_to_string(root().join(".gitignore")).unwrap_or_default();
    let entries = std::fs::read_dir(root()).expect("the root can be listed");
    let stray: Vec<String> = entries
        .map(|entry| entry.expect("it can be listed"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str()))
        .filter(|name| !ignored.lines().any(|line| line.trim_matches('/') == name))
        .collect();
    assert!(stray.is_empty(), "folders that the house does not have: {stray:?}");
}

/// Direct dependencies of both packages that no row of the table in `docs/decisions.md` names,
/// and rows that no package uses.
fn dependency_faults(used: &BTreeSet<String>, decisions: &str) -> Vec<String> {
    let section = decisions.split("## Dependencies").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let listed: BTreeSet<String> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| {
            let first = line.split('|').nth(1).unwrap_or_default();
            first
                .split(',')
                .map(|name| name.trim().trim_matches('`').to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    used.symmetric_difference(&listed)
        .map(|name| format!("{name} is used or listed, not both"))
        .collect()
}

#[test]
fn every_dependency_has_its_reason_and_disk_prep_has_none_of_the_network() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .expect("cargo can read the manifests");
    let decisions = std::fs::read_to_string(root().join("docs/decisions.md")).expect("it is there");
    let mut used = BTreeSet::new();
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|one| one.name != "disk-prep") {
            used.insert(dependency.name.clone());
            let network = ["clap", "indicatif", "tokio", "reqwest", "hyper", "rustic_core"];
            let barred =
                network.contains(&dependency.name.as_str()) || dependency.name.starts_with("azure");
            assert!(
                package.name.as_str() != "disk-prep" || !barred,
                "disk-prep must not use {}",
                dependency.name
            );
        }
    }
    let with_one_more = used.iter().cloned().chain(["new-crate".to_owned()]).collect();
    assert!(!dependency_faults(&with_one_more, &decisions).is_empty(), "the rule cannot fail");
    let faults = dependency_faults(&used, &decisions);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
