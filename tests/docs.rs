//! The manual and the program name the same things: every command, flag, environment variable
//! and error code that one has, the other has too.
#![allow(clippy::disallowed_methods, reason = "a document is no state file")]

mod support {
    #[allow(dead_code, reason = "this test unpacks no machine")]
    pub mod guests;
    #[allow(dead_code, reason = "this test reads no imports")]
    pub mod sources;
}

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use azseed::advice::{Speaker, said_by};
use support::sources::{literals, product, root, tests};

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

fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const MANUAL: &[&str] = &[
    "README.md",
    "docs/guide.md",
    "docs/disks.md",
    "docs/machines.md",
    "docs/concepts.md",
    "docs/reference.md",
    "docs/configuration.md",
    "docs/formats.md",
];

/// Flags and variables of the program.
#[derive(Default)]
struct Program {
    flags: BTreeSet<String>,
    variables: BTreeSet<String>,
}

fn program() -> Program {
    fn collect(command: &clap::Command, program: &mut Program) {
        for argument in command.get_arguments() {
            program.flags.extend(argument.get_long().map(|long| format!("--{long}")));
            program
                .variables
                .extend(argument.get_env().map(|name| name.to_string_lossy().into_owned()));
        }
        command.get_subcommands().for_each(|inner| collect(inner, program));
    }
    let mut program = Program::default();
    collect(&whole_command(), &mut program);
    program
}

fn whole_command() -> clap::Command {
    let mut command = azseed::cli::command();
    command.build();
    command
}

/// Variables that the sources read by name, beside those that clap reads.
fn read_by_name() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in product() {
        for part in source.text.split('"').skip(1).step_by(2) {
            if part.len() > 7
                && part.starts_with("AZSEED_")
                && part.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
            {
                found.insert(part.to_owned());
            }
        }
    }
    found
}

/// A flag that no test names may as well do nothing.
#[test]
fn every_flag_is_met_by_a_test() {
    fn flags(command: &clap::Command, path: &str, found: &mut BTreeMap<String, String>) {
        for argument in command.get_arguments().filter(|own| !own.is_hide_set()) {
            let Some(long) = argument.get_long() else { continue };
            let short = argument.get_short().map_or(String::new(), |own| format!("\"-{own}\""));
            found.entry(format!("--{long}")).or_insert(short);
        }
        for inner in command.get_subcommands() {
            flags(inner, &format!("{path} {}", inner.get_name()), found);
        }
    }
    let mut found = BTreeMap::new();
    flags(&whole_command(), "azseed", &mut found);
    let mut texts = tests();
    for entry in fs::read_dir(root().join("tests/cli")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|own| own == "transcript")
            || path.ends_with("refusals.trycmd")
        {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    for entry in walkdir::WalkDir::new(root().join("src/emulator/tests")) {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|own| own == "rs") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    let is_met = |flag: &str| {
        let at_end = |text: &String| {
            text.match_indices(flag).any(|(at, _)| is_end(&text[at + flag.len()..]))
        };
        !flag.is_empty() && texts.iter().any(at_end)
    };
    let own = ["--help", "--version"];
    let missing: Vec<&String> = found
        .iter()
        .filter(|(flag, short)| !own.contains(&flag.as_str()) && !is_met(flag) && !is_met(short))
        .map(|(flag, _)| flag)
        .collect();
    assert!(found.len() > 80 && missing.is_empty(), "no test names {missing:?}");
}

/// One line of a table; a bar inside a cell would end it.
fn row(cells: &[&str]) -> String {
    let cells: Vec<_> =
        cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Each command with what it is for and its arguments.
fn commands_block() -> String {
    fn describe(command: &clap::Command, path: &str, global: &BTreeSet<String>, out: &mut String) {
        let shown = |inner: &&clap::Command| !inner.is_hide_set() && inner.get_name() != "help";
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        if command.get_subcommands().filter(shown).count() == 0 {
            out.push_str(&format!("### `azseed {path}`\n\n{about}.\n\n"));
            arguments(command, global, out);
        }
        for inner in command.get_subcommands().filter(shown) {
            describe(inner, format!("{path} {}", inner.get_name()).trim(), global, out);
        }
    }
    let whole = whole_command();
    let mut out = String::from("### Everywhere\n\n");
    arguments(&whole, &BTreeSet::new(), &mut out);
    let names = whole.get_arguments().map(|argument| argument.get_id().to_string());
    describe(&whole, "", &names.collect(), &mut out);
    out
}

/// The table of a command's arguments, without those of every command.
fn arguments(command: &clap::Command, global: &BTreeSet<String>, out: &mut String) {
    let own = command.get_arguments().filter(|argument| {
        let id = argument.get_id().to_string();
        !global.contains(&id)
            && !["help", "version"].contains(&id.as_str())
            && !argument.is_hide_set()
    });
    let mut rows = String::new();
    for argument in own {
        let values = argument.get_action().takes_values();
        let value = argument.get_value_names().unwrap_or_default().join(" ");
        let name = match argument.get_long() {
            Some(long) if values => format!("`--{long} {value}`"),
            Some(long) => format!("`--{long}`"),
            None => format!("`{value}`"),
        };
        let mut help = argument
            .get_long_help()
            .or(argument.get_help())
            .map(ToString::to_string)
            .unwrap_or_default();
        if let [default] =
            argument.get_default_values().iter().filter(|_| values).collect::<Vec<_>>()[..]
        {
            help.push_str(&format!(" (default {})", default.to_string_lossy()));
        }
        let variable = argument.get_env().filter(|_| values);
        let variable =
            variable.map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
        rows.push_str(&row(&[&name, &help, &variable]));
    }
    if !rows.is_empty() {
        out.push_str(&format!("| argument | meaning | variable |\n|---|---|---|\n{rows}\n"));
    }
}

/// Variables that no flag stands for.
/// Variables without a flag, and what each is for.
const WITHOUT_FLAG: [(&str, &str); 7] = [
    (
        "AZSEED_ACCOUNT_KEY",
        "the storage account's key itself; a file of `AZSEED_ACCOUNT_KEY_FILE` keeps it out of the environment",
    ),
    ("AZSEED_CONFIG", "the configuration file to read in the place of the system's and the user's"),
    ("AZSEED_EVENT", "set for a hook, which finds the event's name in it; read by nobody else"),
    (
        "AZSEED_KERNELS",
        "the code that hashes and encrypts: `avx512`, `avx2` or `portable`; for comparing them, since without it the fastest that the CPU has is taken",
    ),
    (
        "AZSEED_SAS",
        "a shared access signature itself; a file of `AZSEED_SAS_FILE` keeps it out of the environment",
    ),
    ("AZSEED_SEED_SAS", "the same for the container of the seed"),
    (
        "AZSEED_TOKEN",
        "a token for the resource manager itself; a file of `AZSEED_TOKEN_FILE` keeps it out of the environment",
    ),
];

fn variables_block() -> String {
    let only: Vec<_> = read_by_name().difference(&program().variables).cloned().collect();
    let told: Vec<_> = WITHOUT_FLAG.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(only, told, "each variable without a flag is explained");
    WITHOUT_FLAG.iter().map(|(name, what)| format!("- `{name}`: {what}\n")).collect()
}

/// Every code that a `fn code` of the product gives.
fn codes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in product() {
        // Literals are blanked in the product's part; the whole text has them, at the same lines.
        let lines = source.code.lines().count();
        let text = source.text.lines().take(lines).collect::<Vec<_>>().join("\n");
        for (at, _) in text.match_indices("fn code(&self)") {
            let end = text[at..].find("\n    }").map_or(text.len(), |end| at + end);
            for code in text[at..end].split('"').skip(1).step_by(2) {
                let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                assert!(code.bytes().all(kebab), "{}: {code:?} is no code", source.path);
                found.insert(code.to_owned());
            }
        }
    }
    assert!(found.len() > 20, "the codes were not found");
    found
}

fn codes_block() -> String {
    let group = |speaker: Speaker| {
        let rows: String = said_by(speaker)
            .map(|entry| row(&[&format!("`{}`", entry.code), &entry.meaning, &entry.action]))
            .collect();
        let name = speaker.name();
        format!("### Of {name}\n\n| code | what happened | what to do |\n|---|---|---|\n{rows}")
    };
    Speaker::ALL.map(group).join("\n")
}

/// Compares a generated block of the reference with what the program says of itself, or with
/// `UPDATE_DOCS` set writes it.
fn fresh(path: &str, name: &str, block: &str) {
    let text = document(path);
    let open = format!("<!-- generated: {name} -->\n");
    let start = text.find(&open).unwrap_or_else(|| panic!("{path} has no {open}")) + open.len();
    let end = start + text[start..].find("<!-- end -->").expect("the block ends");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{}{block}{}", &text[..start], &text[end..]);
        std::fs::write(root().join(path), text).expect("the document can be written");
        return;
    }
    let now = &text[start..end];
    let changed = now
        .lines()
        .find(|line| !block.contains(line))
        .or(block.lines().find(|line| !now.contains(line)));
    assert!(
        now == block,
        "{path} is stale at {changed:?}: run `UPDATE_DOCS=1 cargo test --release --test docs`"
    );
}

#[test]
fn the_reference_lists_what_the_program_has_and_nothing_else() {
    fresh("docs/reference.md", "commands", &commands_block());
    fresh("docs/reference.md", "variables", &variables_block());
    fresh("docs/reference.md", "codes", &codes_block());
    fresh("docs/reference.md", "exits", &exits_block());
}

#[test]
fn the_page_of_the_configuration_has_every_key() {
    let example = azseed::example(&azseed::cli::command());
    fresh("docs/configuration.md", "example", &format!("```toml\n{example}```\n"));
}

/// The recorded machines, and what each check says of which.
#[test]
fn the_page_of_checks_has_every_recorded_machine() {
    let machine = |own: &support::guests::Guest| {
        let of = own.of.as_deref().unwrap_or_default();
        row(&[&format!("`{}`", own.name), of, &own.about])
    };
    let machines: String = support::guests::all().iter().map(machine).collect();
    let machines = format!("| machine | but for this it is | what |\n|---|---|---|\n{machines}");
    fresh("docs/reference/guest-checks.md", "machines", &machines);
    let mut table: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for [tree, check, verdict] in support::guests::verdicts() {
        let trees = table.entry(check).or_default().entry(verdict).or_default();
        if !trees.contains(&tree) {
            trees.push(tree);
        }
    }
    let mut rows =
        String::from("| check | good | warning | problem | unknown |\n|---|---|---|---|---|\n");
    for (check, verdicts) in &table {
        let of = |verdict: &str| match verdicts.get(verdict).map(Vec::as_slice) {
            None => String::new(),
            Some(trees) if trees.len() > 10 => format!("{} machines", trees.len()),
            Some(trees) => trees.join(", "),
        };
        let all = ["good", "warning", "problem", "unknown"].map(of);
        rows.push_str(&row(&[&format!("`{check}`"), &all[0], &all[1], &all[2], &all[3]]));
    }
    fresh("docs/reference/guest-checks.md", "verdicts", &rows);
}

/// The exit codes as the man pages have them, with what a script should do.
fn exits_block() -> String {
    let advice = |code| match code {
        0 => "go on",
        1 => "stop, read the message",
        2 => "fix the call",
        3 => "read the report",
        4 => "ask a person",
        5 => "set the drive aside",
        6 => "call again, with more drives if it says so",
        10 => "check the name",
        11 => "wait",
        12 => "renew the sign-in, check the password",
        13 => "read the hint",
        14 => "call again later",
        130 => "call again",
        other => panic!("{other} has no advice"),
    };
    let row = |(code, meaning)| format!("| {code} | {meaning} | {} |\n", advice(code));
    let rows: String = azseed::exit::MEANINGS.into_iter().map(row).collect();
    format!("| code | meaning | a script should |\n|---|---|---|\n{rows}")
}

#[test]
fn explain_knows_every_code_of_the_program_and_none_that_it_never_gives() {
    let known: BTreeSet<_> = said_by(Speaker::Azseed).map(|entry| entry.code.clone()).collect();
    let differences: Vec<_> = codes().symmetric_difference(&known).cloned().collect();
    assert!(differences.is_empty(), "given or explained, not both: {differences:#?}");
}

/// Whether a code stands in a text by itself, not as a part of a longer word.
fn has_word(text: &str, code: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    text.match_indices(code).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + code.len()..].starts_with(is_part)
    })
}

/// Those of the codes that stand in no string of a test and in no transcript.
fn unmet(codes: &[&str]) -> Vec<String> {
    let mut texts: Vec<String> =
        tests().iter().flat_map(|text| literals(text)).map(str::to_owned).collect();
    for entry in std::fs::read_dir(root().join("tests/cli")).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_some_and(|ending| ending == "transcript" || ending == "trycmd") {
            texts.push(std::fs::read_to_string(path).expect("transcripts are UTF-8"));
        }
    }
    let is_met = |code: &str| texts.iter().any(|text| has_word(text, code));
    codes.iter().filter(|code| !is_met(code)).map(|code| (*code).to_owned()).collect()
}

#[test]
fn every_code_of_the_program_is_met_by_a_test() {
    let codes: Vec<&str> = said_by(Speaker::Azseed).map(|entry| entry.code.as_str()).collect();
    assert_eq!(unmet(&codes), [""; 0], "no test draws these and names them");
    // The check can fail: this one is put together here, and named whole in a comment only: by-none
    let none = ["by", "none"].join("-");
    assert_eq!(unmet(&[&none]), [none.as_str()]);
    assert!(has_word("code: a-b (", "a-b") && !has_word("c-a-b a-bc a-b-c", "a-b"));
    assert_eq!(
        literals("f(\"a\"); // \"b\"\n/* \"c\" */ r#\"d\"#").collect::<Vec<_>>(),
        ["\"a\"", "r#\"d\"#"]
    );
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
                let foreign = ["--release", "--read-data", "--workspace", "--setup", "--type"]
                    .contains(&word);
                assert!(
                    !flag || foreign || program.flags.contains(word),
                    "{name} names {word} in `{text}`"
                );
                assert!(
                    !word.starts_with("AZSEED_") || variables.contains(word),
                    "{name} names {word}"
                );
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

/// Every command in backquotes of a message, a hint or an explanation, with something in the place
/// of what the program fills in.
fn spoken_commands() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut take = |place: &str, text: &str| {
        // A literal goes on in the next line, without the blanks before it.
        let mut lines = text.trim_matches('"').split("\\\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let text = lines.fold(first, |text, line| text + line.trim_start());
        let commands = text.split('`').skip(1).step_by(2).filter(|own| own.starts_with("azseed "));
        found.extend(commands.map(|command| (place.to_owned(), command.to_owned())));
    };
    for source in product() {
        let lines = source.text.split_inclusive('\n').take(source.code.lines().count());
        literals(&lines.collect::<String>()).for_each(|text| take(&source.path, text));
    }
    for table in ["src/advice/codes.csv", "src/advice/outside.csv"] {
        take(table, &document(table));
    }
    found
}

/// Why the program does not take a command, if it does not know a word of it. A hint may leave out
/// what a person knows, and names what he fills in by a word.
fn unknown_word(command: &str) -> Option<String> {
    use clap::error::ErrorKind::{InvalidSubcommand, UnknownArgument};
    let parse = |is_left_out: fn(&str) -> bool| {
        let words = command.split_whitespace().filter(|word| *word != "..." && !is_left_out(word));
        let error = azseed::cli::command().try_get_matches_from(words).err()?;
        matches!(error.kind(), InvalidSubcommand | UnknownArgument).then(|| error.to_string())
    };
    // What is filled in is a value, or flags.
    parse(|_| false).and_then(|_| parse(|word| word.starts_with('{')))
}

/// A command that a message names with more than its verb, and that cannot be typed as it stands, since a
/// flag or a name is missing that it cannot do without.
fn is_unfinished(command: &str) -> bool {
    use clap::error::{ContextKind, ErrorKind};
    // A beginning of a longer call, of which the reader knows the rest.
    const BEGINNINGS: [&str; 3] = ["azseed stage", "azseed prep", "azseed check vm"];
    if BEGINNINGS.iter().any(|own| command.starts_with(own)) {
        // But for a flag without its value.
        let last = command.split(' ').next_back().unwrap_or_default();
        return ["--vault", "--job", "--staging", "--container"].contains(&last);
    }
    let words = command.split_whitespace().map(|word| match word {
        own if own.starts_with('{') => "own",
        "ID" => "11111111-2222-4333-8444-555555555555",
        "TIME" => "2026-01-01T00:00:00Z",
        own => own,
    });
    let Err(error) = azseed::cli::command().try_get_matches_from(words) else { return false };
    let is_verb = !command.contains(" --") && !command.contains(|c: char| c.is_uppercase());
    match error.kind() {
        // A verb alone is talked about, not told to be typed.
        ErrorKind::MissingRequiredArgument => !is_verb,
        ErrorKind::InvalidValue => error.get(ContextKind::InvalidValue).is_some_and(
            |value| matches!(value, clap::error::ContextValue::String(text) if text.is_empty()),
        ),
        _ => false,
    }
}

#[test]
fn every_command_that_a_message_names_can_be_typed_with_its_capitals_filled_in() {
    let wrong: Vec<_> =
        spoken_commands().into_iter().filter(|(_, command)| is_unfinished(command)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for command in [
        "azseed vault forget --seed",
        "azseed disk-backup restore --to image:PATH",
        "azseed cleanup --job",
        "azseed stage --vault",
    ] {
        assert!(is_unfinished(command), "the check cannot fail: {command}");
    }
}

#[test]
fn every_command_that_a_message_names_is_one_that_the_program_has() {
    let spoken = spoken_commands();
    assert!(spoken.len() > 50, "only {} were found", spoken.len());
    let wrong: Vec<String> = spoken
        .iter()
        .filter_map(|(path, command)| {
            unknown_word(command).map(|error| format!("{path}: `{command}`\n{error}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for command in ["azseed job sihp", "azseed prep --no-such-flag", "azseed job status parcel"] {
        assert!(unknown_word(command).is_some(), "the check cannot fail: {command}");
    }
}
