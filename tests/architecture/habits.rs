//! What may stand where in product code.

use crate::guard::{guard, has_word, only_in};
use crate::sources::Source;

const MOST_LINES: usize = 500;

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

#[test]
fn what_drives_and_vaults_answer_is_not_thrown_away() {
    guard(
        |source| {
            let is_ours = ["disk-prep/src/drive/", "src/vault/"]
                .iter()
                .any(|room| source.path.starts_with(room));
            if is_ours { only_in(source, &["let _ ="], &[]) } else { Vec::new() }
        },
        &[("src/vault/lease.rs", "fn a() { let _ = renew(); }")],
    );
}

/// A type that leaves its file with a sentence where a program would have to decide by it.
fn sentences(source: &Source) -> Vec<String> {
    let lines = source.code.lines().enumerate();
    let is_sentence = |line: &str| {
        let line = line.trim();
        let is_public = line.starts_with("pub ");
        is_public && (line.contains(", String>") && line.contains("Result<"))
            || is_public && line.starts_with("pub reason: String")
            || line.starts_with("reason: String,") && !line.contains('(')
    };
    lines
        .filter(|(_, line)| is_sentence(line))
        .map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim()))
        .collect()
}

#[test]
fn no_public_type_says_its_reason_in_words_alone() {
    guard(
        sentences,
        &[
            ("src/vault/a.rs", "pub fn a(text: &str) -> Result<u64, String> {"),
            ("src/vault/a.rs", "pub struct A {\n    pub reason: String,\n}"),
            ("src/vault/a.rs", "pub enum A {\n    B {\n        reason: String,\n    },\n}"),
        ],
    );
}

/// Types whose name has one meaning, and the file that has it.
const ONE_MEANING: &[(&str, &[&str])] = &[
    ("Target", &["disk-prep/src/fill/target.rs"]),
    ("State", &["src/state/directory.rs"]),
    ("Draft", &["src/repository/restore/content.rs", "src/emulator/src/blobs/store.rs"]),
    ("Told", &["src/outcome.rs"]),
    ("Held", &[]),
];

fn other_meanings(source: &Source) -> Vec<String> {
    let lines = source.code.lines().enumerate();
    let is_other = |line: &str| {
        ["struct", "enum", "trait"].iter().any(|kind| {
            ONE_MEANING.iter().any(|(name, homes)| {
                has_word(line, &format!("{kind} {name}")) && !homes.contains(&source.path.as_str())
            })
        })
    };
    lines
        .filter(|(_, line)| is_other(line))
        .map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim()))
        .collect()
}

#[test]
fn a_reserved_word_names_one_type() {
    guard(other_meanings, &[("src/vault/a.rs", "pub struct Held {"), ("src/a.rs", "enum State {")]);
}

/// A number that the comment above it lays to Azure, restic or a source, outside the file of them.
/// What a format says of its own layout stands with the format.
fn world_numbers(source: &Source) -> Vec<String> {
    let homes = ["disk-prep/src/limits.rs", "disk-prep/src/volume/", "disk-prep/src/sys/"];
    if homes.iter().any(|home| source.path.starts_with(home)) {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let code = source.code.lines().enumerate();
    let is_number = |line: &str| {
        let value = line.split_once(" = ").map_or("", |(_, value)| value);
        line.contains("const ") && value.starts_with(|c: char| c.is_ascii_digit() || c == '(')
    };
    let is_worlds = |at: usize| {
        let above = lines[..at].iter().rev();
        let mut comment = above.take_while(|line| line.trim_start().starts_with("//"));
        comment.any(|line| {
            ["Azure", "restic", "Source:", "the service"].iter().any(|word| line.contains(word))
        })
    };
    code.filter(|(at, line)| is_number(line) && is_worlds(*at))
        .map(|(at, line)| {
            format!("{}:{}: {} belongs to limits.rs", source.path, at + 1, line.trim())
        })
        .collect()
}

#[test]
fn numbers_of_the_outside_world_stand_in_one_file() {
    guard(
        world_numbers,
        &[
            ("src/vault/a.rs", "/// Azure takes so many.\nconst MOST: usize = 50_000;"),
            ("src/import_job/a.rs", "/// Drives. Source: `x` 1.\npub const DRIVES: usize = 10;"),
        ],
    );
}

#[test]
fn no_record_refuses_what_another_version_adds() {
    guard(
        |source| only_in(source, &["deny_unknown_fields"], &[]),
        &[("src/vault/record.rs", "#[serde(deny_unknown_fields)]\nstruct Vault;")],
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
