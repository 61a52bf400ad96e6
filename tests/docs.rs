//! The manual and the program name the same things: every command, flag, environment variable,
//! error code and exit code that one has, the other has too.

mod support {
    pub mod sources;
}

use std::collections::BTreeSet;

use support::sources::{product, root};

/// Everything in backquotes of a document, code blocks left out.
fn quoted(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// The lines of a document's `## name` section.
fn section<'a>(text: &'a str, name: &str) -> &'a str {
    let start = text.find(&format!("\n## {name}\n")).unwrap_or_else(|| panic!("no section {name}"));
    let rest = &text[start + 4 + name.len()..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

/// The first cell of every row of the section's tables, without backquotes.
fn rows(section: &str) -> BTreeSet<String> {
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `"));
    cells.filter_map(|rest| rest.split('`').next()).map(str::to_owned).collect()
}

fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const MANUAL: &[&str] = &["README.md", "docs/guide.md", "docs/concepts.md", "docs/reference.md", "docs/formats.md"];

/// Every command of the program by its path, `job ship`; and all flags and variables.
struct Program {
    commands: BTreeSet<String>,
    flags: BTreeSet<String>,
    variables: BTreeSet<String>,
}

fn program() -> Program {
    let mut command = azseed::cli::command();
    command.build();
    let mut program =
        Program { commands: BTreeSet::new(), flags: BTreeSet::new(), variables: BTreeSet::new() };
    collect(&command, "", &mut program);
    program
}

fn collect(command: &clap::Command, path: &str, program: &mut Program) {
    for argument in command.get_arguments() {
        if let Some(long) = argument.get_long() {
            program.flags.insert(format!("--{long}"));
        }
        if let Some(variable) = argument.get_env() {
            program.variables.insert(variable.to_string_lossy().into_owned());
        }
    }
    let visible = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    for inner in visible.filter(|inner| inner.get_name() != "help") {
        let path = format!("{path} {}", inner.get_name());
        program.commands.insert(path.trim().to_owned());
        collect(inner, &path, program);
    }
}

#[test]
fn the_reference_lists_every_command_and_no_other() {
    let reference = document("docs/reference.md");
    let listed = rows(section(&reference, "Commands"));
    let differences: Vec<_> = program().commands.symmetric_difference(&listed).cloned().collect();
    assert!(differences.is_empty(), "in the program or in the reference, not in both: {differences:?}");
}

#[test]
fn the_reference_lists_every_flag_and_no_other() {
    let reference = document("docs/reference.md");
    let listed = rows(section(&reference, "Flags"));
    let differences: Vec<_> = program().flags.symmetric_difference(&listed).cloned().collect();
    assert!(differences.is_empty(), "in the program or in the reference, not in both: {differences:?}");
}

/// Variables that the sources read by name, beside those that clap reads.
fn read_by_name() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in product() {
        for part in source.text.split('"').skip(1).step_by(2) {
            if part.starts_with("AZSEED_") && part.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
                found.insert(part.to_owned());
            }
        }
    }
    found
}

#[test]
fn the_reference_lists_every_variable_and_no_other() {
    let reference = document("docs/reference.md");
    let listed: BTreeSet<_> = rows(section(&reference, "Environment"))
        .into_iter()
        .filter(|name| name.starts_with("AZSEED_"))
        .collect();
    let known = &program().variables | &read_by_name();
    let differences: Vec<_> = known.symmetric_difference(&listed).cloned().collect();
    assert!(differences.is_empty(), "in the program or in the reference, not in both: {differences:?}");
}

/// Every code that a `fn code` of the product gives.
fn codes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in product() {
        for (at, _) in source.text[..source.code.len().min(source.text.len())].match_indices("fn code(&self)") {
            let body = &source.text[at..];
            let end = body.find("\n    }").unwrap_or(body.len());
            for part in body[..end].split('"').skip(1).step_by(2) {
                let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                assert!(part.bytes().all(kebab), "{}: {part:?} is no code", source.path);
                found.insert(part.to_owned());
            }
        }
    }
    assert!(found.len() > 20, "the codes were not found");
    found
}

#[test]
fn the_reference_explains_every_error_code_and_no_other() {
    let reference = document("docs/reference.md");
    let listed = rows(section(&reference, "Error codes"));
    let differences: Vec<_> = codes().symmetric_difference(&listed).cloned().collect();
    assert!(differences.is_empty(), "in the program or in the reference, not in both: {differences:#?}");
}

#[test]
fn the_manual_names_only_flags_and_variables_that_exist() {
    let program = program();
    let variables = &program.variables | &read_by_name();
    for name in MANUAL {
        for text in quoted(&document(name)) {
            for word in text.split([' ', '=', '[', ']', '|', ',', ';']) {
                let flag = word.starts_with("--") && word.len() > 2;
                // Of cargo, restic and cryptsetup, which the manual quotes too.
                let foreign = ["--release", "--read-data", "--workspace", "--setup", "--type"].contains(&word);
                assert!(!flag || foreign || program.flags.contains(word), "{name} names {word} in `{text}`");
                assert!(!word.starts_with("AZSEED_") || variables.contains(word), "{name} names {word}");
            }
        }
    }
}

/// Every `azseed …` line of the manual's code blocks, continued lines joined.
fn examples(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let blocks = joined.split("```").skip(1).step_by(2);
    blocks
        .flat_map(str::lines)
        .map(|line| line.trim().trim_start_matches("sudo ").to_owned())
        .filter(|line| line.starts_with("azseed "))
        .collect()
}

#[test]
fn every_example_of_the_manual_is_a_command_line_that_the_program_takes() {
    let mut count = 0;
    for name in MANUAL {
        for example in examples(&document(name)) {
            let line = example.split(['|', '>', '#']).next().unwrap_or_default();
            let words = line.split_whitespace().map(|word| word.trim_matches('"'));
            let outcome = azseed::cli::command().try_get_matches_from(words);
            if let Err(error) = outcome {
                panic!("{name}: {example}\n{error}");
            }
            count += 1;
        }
    }
    assert!(count > 5, "only {count} examples were found");
    let wrong = azseed::cli::command().try_get_matches_from(["azseed", "prep", "--no-such-flag"]);
    assert!(wrong.is_err(), "the check cannot fail");
}
