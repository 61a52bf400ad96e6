//! The machine contract: `docs/schemas` is what the types of the records make (`UPDATE_DOCS=1`
//! writes it), and every line of JSON in the transcripts is as its schema says.
#![allow(clippy::disallowed_methods, reason = "a document is no state file")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

#[allow(dead_code, reason = "this test reads whole lines")]
#[path = "support/schema.rs"]
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use azseed::schemas::{Described, all};
use schema::faults;
use serde_json::{Value, json};

fn below_root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The page that lists all types.
fn page(all: &[Described]) -> String {
    let mut page = String::from(
        "# The objects that a script reads\n\n\
         With `--json`, standard output is one JSON object a line. Each has `type` and `version`, \
         and its type has a schema here. Within a version fields are added and none is renamed or \
         taken away, so a reader passes over fields that it does not know; what a schema calls \
         required is always there. A schema names all fields of the version of the program that \
         it came with. This page and the schemas are made from the types of the \
         program.\n\n\
         | type | version | what it is | printed by |\n|---|---|---|---|\n",
    );
    for own in all {
        let about = own.schema["description"].as_str().expect("every record says what it is");
        let (kind, version, printed_by) = (own.kind, own.version, own.printed_by);
        page += &format!("| [`{kind}`]({kind}.json) | {version} | {about} | {printed_by} |\n");
    }
    page
}

/// What the types make, by file.
fn made() -> BTreeMap<String, String> {
    let all = all();
    let file = |own: &Described| {
        let text = serde_json::to_string_pretty(&own.schema).unwrap();
        (format!("{}.json", own.kind), text + "\n")
    };
    let mut made: BTreeMap<_, _> = all.iter().map(file).collect();
    assert_eq!(made.len(), all.len(), "two records have one type");
    made.insert("README.md".to_owned(), page(&all));
    made
}

#[test]
fn the_schemas_in_the_manual_are_those_of_the_records() {
    let folder = below_root("docs/schemas");
    let held = || -> BTreeMap<String, String> {
        let entries = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap());
        let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
        entries.map(|own| (name(&own), fs::read_to_string(own.path()).unwrap())).collect()
    };
    let made = made();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for name in held().keys().filter(|name| !made.contains_key(*name)) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        made.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    }
    let held = held();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&held), names(&made), "UPDATE_DOCS=1 writes them anew");
    for (name, text) in &made {
        assert!(&held[name] == text, "docs/schemas/{name} is stale: UPDATE_DOCS=1 writes it anew");
    }
}

#[test]
fn every_field_of_every_record_is_explained() {
    fn unexplained(schema: &Value, place: &str, found: &mut Vec<String>) {
        for (name, own) in schema["properties"].as_object().into_iter().flatten() {
            if !own["description"].is_string() {
                found.push(format!("{place}.{name}"));
            }
        }
        for (name, own) in schema["$defs"].as_object().into_iter().flatten() {
            unexplained(own, name, found);
        }
    }
    let mut found = Vec::new();
    unexplained(&json!({"properties": {"a": {}}}), "this", &mut found);
    assert_eq!(found, ["this.a"], "the check cannot fail");
    found.clear();
    all().iter().for_each(|own| unexplained(&own.schema, own.kind, &mut found));
    assert_eq!(found, [""; 0]);
}

/// Whether there is such a command, `drive list` for one.
fn is_command(words: &str) -> bool {
    let whole = azseed::cli::command();
    let mut words = words.split(' ').take_while(|word| !word.starts_with("--"));
    words.try_fold(&whole, |command, word| command.find_subcommand(word)).is_some()
}

#[test]
fn every_command_that_is_said_to_print_a_record_exists() {
    for own in all() {
        let mut named = own.printed_by.split('`').skip(1).step_by(2).peekable();
        assert!(named.peek().is_some() || own.printed_by == "every command", "{}", own.kind);
        let missing: Vec<&str> = named.filter(|words| !is_command(words)).collect();
        assert_eq!(missing, [""; 0], "{}", own.kind);
    }
    assert!(!is_command("drive lists") && !is_command("none"), "the check cannot fail");
}

/// Every line of JSON in the transcripts.
fn lines() -> Vec<Value> {
    let entries = fs::read_dir(below_root("tests/cli")).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let texts: Vec<String> = texts.collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    // Where a transcript leaves words out, the line is no whole object.
    lines.filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
}

#[test]
fn every_line_of_the_transcripts_is_as_its_schema_says() {
    let lines = lines();
    assert!(lines.len() > 30, "only {} lines were found", lines.len());
    for line in &lines {
        assert_eq!(faults(line), [""; 0], "{line}");
    }
}

#[test]
fn a_line_with_a_field_less_or_more_or_of_no_type_is_refused() {
    for line in lines() {
        let fields = line.as_object().unwrap();
        let mut more = fields.clone();
        more.insert("surplus".to_owned(), json!(1));
        assert!(!faults(&Value::Object(more)).is_empty(), "{line}");
        // `version` is in every line and in no line to be missed.
        let mut less = fields.clone();
        less.shift_remove("version");
        assert!(!faults(&Value::Object(less)).is_empty(), "{line}");
    }
    let warning = json!({"type": "warning", "version": 1, "message": "a"});
    assert_eq!(faults(&warning), [""; 0]);
    for (name, value) in [("message", json!(1)), ("version", json!(2)), ("type", json!("none"))] {
        let mut wrong = warning.clone();
        wrong[name] = value;
        assert!(!faults(&wrong).is_empty(), "{wrong}");
    }
    let nested = json!({"type": "drive-count", "version": 1, "files": -1, "bytes": 0,
                        "drive_bytes": 0, "drives": 0, "placed_files": 0});
    assert_eq!(faults(&nested).len(), 1);
    let lacking = json!({"type": "drive-key", "version": 1, "serial": "A"});
    assert_eq!(faults(&lacking), ["drive-key: recovery_password is missing"]);
}
