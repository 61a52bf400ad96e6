//! Who may import whom in the program and in the emulator; circles of files.

use crate::circles::circles;
use crate::guard::{guard, names, only_in};
use crate::sources::{PACKAGES, Source, product};

/// What each room of the program may import of the others. A room without a row fails; `lib` joins
/// all. Every arrow points down the picture of `docs/architecture.md`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("main", &[]),
    (
        "commands",
        &[
            "advice",
            "check",
            "cli",
            "config",
            "escrow",
            "import_job",
            "journey",
            "manual",
            "notify",
            "outcome",
            "policy",
            "report",
            "repository",
            "staging",
            "ui",
            "vm_backup",
        ],
    ),
    ("ui", &["cli", "outcome", "report"]),
    (
        "report",
        &[
            "advice",
            "check",
            "custody",
            "disk_backup",
            "import_job",
            "journey",
            "outcome",
            "policy",
            "repository",
            "schedule",
            "staging",
            "vault",
            "vm_backup",
        ],
    ),
    (
        "journey",
        &[
            "azure",
            "check",
            "config",
            "custody",
            "disk_backup",
            "escrow",
            "import_job",
            "notify",
            "outcome",
            "policy",
            "repository",
            "schedule",
            "staging",
            "state",
            "vault",
            "vm_backup",
        ],
    ),
    ("check", &["azure"]),
    ("disk_backup", &["azure", "policy", "schedule", "state"]),
    ("vm_backup", &["azure"]),
    ("staging", &["escrow", "repository", "state"]),
    ("vault", &["azure", "policy", "repository", "schedule", "state"]),
    ("import_job", &["azure"]),
    ("policy", &[]),
    ("notify", &[]),
    ("schedule", &[]),
    ("custody", &["state"]),
    ("repository", &["azure"]),
    ("azure", &[]),
    ("escrow", &["state"]),
    ("state", &[]),
    ("manual", &["config", "exit"]),
    ("outcome", &["exit"]),
    ("config", &[]),
    ("cli", &[]),
    ("advice", &[]),
    ("exit", &[]),
];
/// Crates and parts of packages that only these rooms may name.
const FEW_ROOMS: &[(&str, &[&str])] = &[
    ("rustic_core", &["repository"]),
    ("indicatif", &["ui"]),
    ("reqwest", &["azure"]),
    ("azure_core", &["azure"]),
    ("azure_identity", &["azure"]),
    ("azure_storage_blobs", &["azure"]),
    ("age", &["escrow"]),
    ("clap", &["cli", "commands", "config", "lib", "manual", "ui"]),
    ("azseed_emulator", &["commands", "journey", "report"]),
    ("schemars", &["report"]),
    ("zstd", &["repository"]),
];
/// What `ui` may name of `disk_prep`, and what `policy`, `schedule` and `azure` may.
const WORDS: &[(&str, &[&str])] = &[
    ("ui", &["disk_prep::monitor", "disk_prep::noun", "disk_prep::stop", "disk_prep::sys::hold"]),
    ("policy", &["disk_prep::noun"]),
    ("notify", &["disk_prep::noun", "disk_prep::sys::child", "disk_prep::sys::durable"]),
    // What an expression of systemd means, only systemd's own program says.
    ("schedule", &["disk_prep::noun", "disk_prep::sys::child"]),
    // The sign-in program of the user is started where programs are started.
    (
        "azure",
        &[
            "disk_prep::noun",
            "disk_prep::limits",
            "disk_prep::sys::child",
            "disk_prep::sys::given",
            "disk_prep::sys::hold",
        ],
    ),
];
/// What the emulator may name of `disk_prep`: the words, the device and the reading side.
const OF_THE_EMULATOR: &[&str] = &[
    "disk_prep::noun",
    "disk_prep::limits",
    "disk_prep::sys",
    "disk_prep::device",
    "disk_prep::volume",
];
fn crate_room(path: &str) -> Option<&str> {
    path.strip_prefix("crate::").map(|inner| inner.split("::").next().unwrap_or(inner))
}

/// Complains about every path that a file names and should not.
fn must_not_name(source: &Source, is_foreign: impl Fn(&str) -> bool) -> Vec<String> {
    let paths = source.paths().into_iter().filter(|path| is_foreign(path));
    paths.map(|path| format!("{} must not name {path}", source.path)).collect()
}

fn imports_of_rooms(source: &Source) -> Vec<String> {
    if source.package() != "azseed" || source.room() == "lib" {
        return Vec::new();
    }
    let room = source.room();
    let Some((_, row)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: the room {room} has no row", source.path)];
    };
    let is_foreign = |path: &str| {
        let is_room = crate_room(path).is_some_and(|other| other != room && !row.contains(&other));
        let is_owned =
            FEW_ROOMS.iter().any(|(name, few)| names(path, name) && !few.contains(&room));
        let words = WORDS.iter().find(|(name, _)| *name == room);
        let is_no_word = names(path, "disk_prep")
            && words.is_some_and(|(_, all)| !all.iter().any(|word| names(path, word)));
        is_room || is_owned || is_no_word
    };
    must_not_name(source, is_foreign)
}

#[test]
fn rooms_of_the_program_import_only_what_they_may() {
    guard(
        imports_of_rooms,
        &[
            ("src/parcels/mod.rs", "//! A room without a row."),
            ("src/azure/arm.rs", "use crate::state::Job;"),
            ("src/azure/mod.rs", "use disk_prep::{noun::Serial, journal};"),
            ("src/staging/mod.rs", "use super::vault::Vault;"),
            ("src/vault/a/b.rs", "use super::super::super::import_job;"),
            ("src/import_job/mod.rs", "use crate::{advice, staging::Seed};"),
            ("src/journey/mod.rs", "use crate::cli::PrepArgs;"),
            ("src/journey/mod.rs", "fn a() { crate::ui::Ui::new() }"),
            ("src/journey/mod.rs", "use clap::ArgMatches;"),
            ("src/vault/mod.rs", "use azseed_emulator::start;"),
            ("src/commands/a.rs", "use indicatif::ProgressBar;"),
            ("src/staging/mod.rs", "fn a(x: rustic_core::Repository) {}"),
            ("src/cli/mod.rs", "use crate::azure::Arm;"),
            ("src/ui/mod.rs", "use crate::repository::Snapshot;"),
            ("src/ui/mod.rs", "use disk_prep::device::Device;"),
            ("src/policy/mod.rs", "use disk_prep::journal::History;"),
            ("src/state/mod.rs", "use crate::{\n    advice,\n    commands::Outcome,\n};"),
            ("src/vault/mod.rs", "use reqwest::Client;"),
            ("src/journey/mod.rs", "use schemars::JsonSchema;"),
        ],
    );
}

fn imports_of_the_emulator(source: &Source) -> Vec<String> {
    if source.package() != "azseed-emulator" {
        return Vec::new();
    }
    let is_outside = source.room() == "other_service";
    let is_foreign = |path: &str| {
        (names(path, "disk_prep") && !OF_THE_EMULATOR.iter().any(|word| names(path, word)))
            || names(path, "azseed")
            || (names(path, "azure_core") || names(path, "azure_storage_blobs")) && !is_outside
            || names(path, "reqwest")
    };
    must_not_name(source, is_foreign)
}

#[test]
fn the_emulator_shares_the_words_and_the_reading_side_only() {
    guard(
        imports_of_the_emulator,
        &[
            ("src/emulator/src/dock/read.rs", "use disk_prep::{noun, manifest};"),
            ("src/emulator/src/arm.rs", "use azseed::import_job::Job;"),
            ("src/emulator/src/blobs/a.rs", "use azure_storage_blobs::BlobClient;"),
        ],
    );
}

#[test]
fn no_package_has_a_circle_of_files() {
    let file = |path: &str, text: &str| Source::new(path, text);
    let circle = [
        file("src/vault/a.rs", "use super::b::B;"),
        file("src/vault/b.rs", "fn f() { crate::vault::c::g() }"),
        file("src/vault/c.rs", "use super::{a::A, d};"),
        file("src/vault/d.rs", ""),
    ];
    let three = ["src/vault/a.rs", "src/vault/b.rs", "src/vault/c.rs"].map(str::to_owned);
    assert_eq!(circles(&circle), [three.to_vec()], "the rule cannot fail");
    for (package, _) in PACKAGES {
        let all = product();
        let own: Vec<Source> = all.into_iter().filter(|own| own.package() == package).collect();
        assert!(own.len() > 30, "{package}");
        let found = circles(&own);
        assert!(found.is_empty(), "circles of files in {package}: {found:#?}");
    }
}

/// A file of `commands` is short and calls nobody beside it; a file of `journey` prints nothing and
/// stays readable.
fn porch(source: &Source) -> Vec<String> {
    let (path, lines) = (&source.path, source.text.lines().count());
    let mut complaints = Vec::new();
    match (source.package(), source.room()) {
        ("azseed", "commands") if path != "src/commands/mod.rs" => {
            let shared = [
                "call",
                "check_words",
                "disk_words",
                "filter_words",
                "flags",
                "unit_words",
                "vm_words",
            ];
            for other in source.paths() {
                let named = other.strip_prefix("crate::commands::").unwrap_or_default();
                let named = named.split("::").next().unwrap_or_default();
                if !named.is_empty() && !shared.contains(&named) {
                    complaints.push(format!("{path} names the command {named}"));
                }
            }
            let barred = ["json!", "SystemTime", "Instant::now", "Zoned::now"];
            complaints.extend(only_in(source, &barred, &[]));
            if lines > 150 {
                complaints.push(format!("{path} has {lines} lines, at most 150"));
            }
        }
        ("azseed", "journey") => {
            for (name, lines) in functions(&source.code) {
                if lines > 60 {
                    complaints.push(format!("{path}: {name} has {lines} lines, at most 60"));
                }
            }
        }
        _ => {}
    }
    complaints
}

/// The functions of a text with their lines.
fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = code.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some((before, name)) = line.split_once("fn ") else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_function = before.trim().split(' ').all(|word| {
            word.is_empty() || word.starts_with("pub") || ["async", "const"].contains(&word)
        });
        if !is_function || line.trim_end().ends_with(';') {
            continue;
        }
        let close = format!("{indent}}}");
        let length = lines[at..].iter().position(|line| *line == close).unwrap_or(0);
        let name = name.split(['(', '<']).next().unwrap_or(name);
        found.push((name.to_owned(), length + 1));
    }
    found
}

#[test]
fn commands_are_thin_and_journeys_readable() {
    let long = format!("//! A\nfn a() {{\n{}}}\n", "    b();\n".repeat(60));
    let lines = format!("//! A\n{}", "\n".repeat(150));
    guard(
        porch,
        &[
            ("src/commands/plan.rs", "use super::prep::Drives;"),
            ("src/commands/plan.rs", "fn a() { json!({}) }"),
            ("src/commands/plan.rs", "fn a() { jiff::Zoned::now() }"),
            ("src/commands/plan.rs", &lines),
            ("src/journey/plan.rs", &long),
        ],
    );
}

#[test]
fn paths_stand_in_records_as_text() {
    guard(
        |source| match source.path.starts_with("src/report/") {
            true => {
                let words = ["&'a Path", "&'a [PathBuf]"];
                only_in(source, &words, &["src/report/path_text.rs"])
            }
            false => Vec::new(),
        },
        &[("src/report/plan.rs", "struct A<'a> {\n    path: &'a Path,\n}")],
    );
}

#[test]
fn records_are_types_and_nothing_is_put_together_by_hand() {
    guard(
        |source| {
            let homes = ["src/azure/", "src/import_job/", "src/emulator/"];
            only_in(source, &["json!"], &homes)
        },
        &[
            ("src/vault/mod.rs", "fn a() { json!(1) }"),
            ("src/report/plan.rs", "fn a() { json!(1) }"),
        ],
    );
}

/// Words of the classic service.
const STATES: &[&str] = &[
    "Creating",
    "Shipping",
    "Received",
    "Transferring",
    "Packaging",
    "Closed",
    "Specified",
    "NeverReceived",
    "CompletedMoreInfo",
    "ShippedBack",
];

fn words_of_the_service(source: &Source) -> Vec<String> {
    let homes = ["state.rs", "import_export/", "data_box/"];
    let is_home =
        homes.iter().any(|home| source.path.starts_with(&format!("src/import_job/{home}")));
    if source.package() != "azseed" || is_home {
        return Vec::new();
    }
    // The insides of literals are blank in `code`.
    let product = source.text.lines().take(source.code.lines().count()).enumerate();
    product
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(|(_, line)| STATES.iter().any(|state| line.contains(&format!("\"{state}\""))))
        .map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim()))
        .collect()
}

#[test]
fn states_of_jobs_and_drives_are_words_of_their_service_only() {
    guard(words_of_the_service, &[("src/journey/a.rs", "fn a() { b == \"Creating\" }\n")]);
}

#[test]
fn which_service_takes_the_drives_is_chosen_in_one_place() {
    guard(
        |source| {
            let homes = ["src/import_job/", "src/journey/connections.rs", "src/emulator/"];
            only_in(source, &["ImportExport::new", "DataBox::new"], &homes)
        },
        &[("src/journey/prepare/mod.rs", "fn a() { ImportExport::new(arm) }")],
    );
}
