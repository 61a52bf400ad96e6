//! The papers of the repository: every reference in a comment leads to a heading or a row that is
//! there, every dependency comes from where it may and under a licence that may be, and the
//! changelog is what its fragments say.
#![allow(clippy::disallowed_methods, reason = "a document is no state file")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod support {
    #[allow(dead_code, reason = "this test reads no imports")]
    pub mod sources;
}

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use support::sources::root;

/// The papers by the name that comments give them: those of `docs` and `docs/sources`.
fn papers() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for folder in ["docs", "docs/sources"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

/// Every file whose comments are read.
fn commented() -> Vec<PathBuf> {
    let mut found = vec![root().join("fixtures/INDEX.md")];
    for folder in ["src", "disk-prep", "tests"] {
        let below = walkdir::WalkDir::new(root().join(folder)).sort_by_file_name();
        let below = below.into_iter().filter_entry(|entry| entry.file_name() != "target");
        let paths = below.map(|entry| entry.unwrap().into_path());
        found.extend(paths.filter(|path| path.extension().is_some_and(|ending| ending == "rs")));
    }
    assert!(found.len() > 300, "the sources were not found");
    found
}

/// Comments of a source, each as one line of text with the number of its first line; other files
/// line by line.
fn comments(text: &str, is_source: bool) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut last = None;
    for (number, line) in text.lines().enumerate() {
        let text = match line.trim_start().strip_prefix("//") {
            Some(text) => text.trim_start_matches(['/', '!']).trim(),
            None if is_source => continue,
            None => line,
        };
        match found.last_mut() {
            Some((_, whole)) if is_source && last.is_some_and(|last| last + 1 == number) => {
                whole.push(' ');
                whole.push_str(text);
            }
            _ => found.push((number + 1, text.to_owned())),
        }
        last = Some(number);
    }
    found
}

/// A number of a section at the start of a text, such as `1A.4`, and what follows it.
fn section(text: &str) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '.';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    let is_number = number.starts_with(|c: char| c.is_ascii_digit());
    is_number.then(|| (number, &text[number.len()..]))
}

/// The sections and quoted titles that follow the name of a paper.
fn named_behind(mut text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut sections, mut titles) = (Vec::new(), Vec::new());
    loop {
        let joined = [", ", " and ", " to ", " "].iter().find_map(|join| text.strip_prefix(join));
        let Some(rest) = joined else { return (sections, titles) };
        if let Some((number, behind)) = section(rest) {
            sections.push(number);
            text = behind;
        } else if let Some((title, behind)) =
            rest.strip_prefix('"').and_then(|rest| rest.split_once('"'))
        {
            titles.push(title);
            text = behind;
        } else {
            return (sections, titles);
        }
    }
}

/// Papers that a comment names and that are not there, or have no such section.
fn lost_papers(comment: &str, papers: &BTreeMap<String, String>) -> Vec<String> {
    let mut lost = Vec::new();
    for (at, _) in comment.match_indices('`') {
        let Some((name, behind)) = comment[at + 1..].split_once('`') else { break };
        let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
        if name.is_empty() || !name.starts_with(char::is_alphabetic) || !name.chars().all(is_name) {
            continue;
        }
        let (sections, titles) = named_behind(behind);
        let Some(paper) = papers.get(name) else {
            let is_paper = name.contains('-') || name == "spec";
            if is_paper && !sections.is_empty() {
                lost.push(format!("there is no paper {name}"));
            }
            continue;
        };
        let headings = || paper.lines().filter(|line| line.starts_with('#'));
        let has = |number: &str| {
            headings()
                .any(|line| line.trim_start_matches('#').split_whitespace().next() == Some(number))
        };
        lost.extend(
            sections
                .iter()
                .filter(|own| !has(own))
                .map(|own| format!("{name} has no section {own}")),
        );
        lost.extend(
            titles
                .iter()
                .filter(|own| !paper.contains(**own))
                .map(|own| format!("{name} has no {own:?}")),
        );
    }
    lost
}

/// Standards and pages that a comment names and `standards.md` does not.
fn lost_standards(comment: &str, standards: &str) -> Vec<String> {
    let mut named = BTreeSet::new();
    let words: Vec<&str> = comment
        .split(|c: char| c.is_whitespace() || "(),;`".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    for pair in words.windows(2) {
        let number = pair[1].trim_end_matches(['.', ':']);
        let is_number = number.starts_with(|c: char| c.is_ascii_digit());
        if ["RFC", "FIPS", "IEEE", "ISO", "UAX", "UEFI", "ECMA", "SP"].contains(&pair[0])
            && is_number
        {
            named.insert(format!("{} {number}", pair[0]));
        }
    }
    let protocols = words.iter().filter(|word| word.starts_with("MS-"));
    named.extend(protocols.map(|word| word.trim_end_matches(['.', ':']).to_owned()));
    for lead in ["(\"", "Source: \"", "Microsoft, \""] {
        for (at, _) in comment.match_indices(lead) {
            let mut rest = &comment[at + lead.len()..];
            while let Some((title, behind)) = rest.split_once('"') {
                if title.starts_with(|c: char| c.is_uppercase()) && title.contains(' ') {
                    named.insert(format!("\"{title}\""));
                }
                let Some(next) = behind.strip_prefix(", \"") else { break };
                rest = next;
            }
        }
    }
    let is_lost = |name: &String| !standards.contains(&format!("| {name} |"));
    named.into_iter().filter(is_lost).map(|name| format!("standards.md has no {name}")).collect()
}

/// Files of `docs` that a text names and that are not there.
fn lost_files(text: &str) -> Vec<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    let mut lost = Vec::new();
    for (at, _) in text.match_indices("docs/") {
        if text[..at].ends_with(is_path) {
            continue;
        }
        let path = &text[at..];
        let path = path[..path.find(|c| !is_path(c)).unwrap_or(path.len())].trim_end_matches('.');
        if !root().join(path).exists() && !root().join(format!("{path}.md")).exists() {
            lost.push(format!("there is no {path}"));
        }
    }
    lost
}

#[test]
fn every_reference_in_a_comment_leads_somewhere() {
    let papers = papers();
    let standards = &papers["standards"];
    for (comment, complaints) in [
        ("as in `house-style` 2.3", 1),
        ("(`azure-import-export` 99)", 1),
        ("(`azure-import-export` 1A.4, 2.1, 99)", 1),
        ("(`bitlocker-volume` 3 to 66)", 1),
        ("`design` 7, \"What nobody wrote\"", 1),
        ("(`design` 7, \"What a run never does\"), `ntfs-write-once` 3 and 4.", 0),
    ] {
        assert_eq!(lost_papers(comment, &papers).len(), complaints, "{comment}");
    }
    for (comment, complaints) in [
        ("RFC 9999, 3.3", 1),
        ("see MS-FSCC.", 1),
        ("(\"Invent Blob\", \"Lease Blob\")", 1),
        ("Source: \"Invent Blob\"", 1),
        ("(RFC 1321; UEFI 2.10, 5.3; \"a saying\") (\"Lease Blob\")", 0),
    ] {
        assert_eq!(lost_standards(comment, standards).len(), complaints, "{comment}");
    }
    assert_eq!(
        lost_files("`docs/formats/journal.md` or docs/decisions."),
        ["there is no docs/formats/journal.md"]
    );

    let mut lost = Vec::new();
    for path in commented() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if name == "tests/papers.rs" {
            continue;
        }
        for (line, comment) in comments(&text, !name.ends_with(".md")) {
            let complaints = lost_papers(&comment, &papers)
                .into_iter()
                .chain(lost_standards(&comment, standards))
                .chain(lost_files(&comment));
            lost.extend(complaints.map(|complaint| format!("{name}:{line}: {complaint}")));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn every_paper_of_the_outside_world_says_where_it_can_be_read() {
    for entry in fs::read_dir(root().join("docs/sources")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("<https://"), "{} names no public address", path.display());
    }
}

#[test]
fn links_between_papers_lead_to_files() {
    let mut lost = Vec::new();
    let is_here = |path: &Path| path.extension().is_some_and(|ending| ending == "md");
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let docs = walkdir::WalkDir::new(root().join("docs")).into_iter();
    let docs = docs.map(|entry| entry.unwrap().into_path());
    for path in top.chain(docs).filter(|path| is_here(path)) {
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#']).next().unwrap();
            let is_file = !target.is_empty() && !target.contains("://");
            if is_file && !path.parent().unwrap().join(target).exists() {
                lost.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn every_fixture_has_its_row_and_is_as_it_was() {
    let index = fs::read_to_string(root().join("fixtures/INDEX.md")).unwrap();
    let mut rows = BTreeMap::new();
    for line in index.lines().filter(|line| line.starts_with("| `")) {
        let words: Vec<&str> = line.split('`').collect();
        rows.insert(words[1].to_owned(), words[words.len() - 2].to_owned());
    }
    let mut complaints = Vec::new();
    for entry in walkdir::WalkDir::new(root().join("fixtures")) {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(root().join("fixtures")).unwrap();
        let name = name.to_str().unwrap().to_owned();
        let is_maker = name.contains(".gen.") || name.contains("__pycache__");
        if !entry.file_type().is_file() || name == "INDEX.md" || is_maker {
            continue;
        }
        let digest = Sha256::digest(fs::read(entry.path()).unwrap());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        match rows.remove(&name) {
            Some(told) if told == digest => {}
            told => complaints.push(format!("{name}: {digest}, the index has {told:?}")),
        }
    }
    complaints.extend(rows.into_keys().map(|name| format!("{name} is in the index only")));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The dependencies of a build as cargo resolves them, without the network.
fn resolved() -> cargo_metadata::Metadata {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(vec!["--offline".to_owned(), "--filter-platform".to_owned(), target])
        .exec()
        .expect("cargo knows what it builds with")
}

/// What `deny.toml` says.
struct Rules {
    licences: BTreeSet<String>,
    /// Licences of single crates.
    exceptions: BTreeSet<(String, String)>,
    banned: BTreeSet<String>,
    registries: BTreeSet<String>,
}

impl Rules {
    fn read() -> Self {
        let text = fs::read_to_string(root().join("deny.toml")).unwrap();
        let rules: toml::Table = toml::from_str(&text).unwrap();
        let list = |table: &str, field: &str| rules[table][field].as_array().unwrap().clone();
        let word = |value: &toml::Value| value.as_str().unwrap().to_owned();
        let words = |table, field| list(table, field).iter().map(word).collect::<BTreeSet<_>>();
        let exceptions = list("licenses", "exceptions").into_iter().flat_map(|one| {
            let of = |licence: &toml::Value| (word(&one["crate"]), word(licence));
            one["allow"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
        });
        Rules {
            licences: words("licenses", "allow"),
            exceptions: exceptions.collect(),
            banned: list("bans", "deny").iter().map(|one| word(&one["crate"])).collect(),
            registries: words("sources", "allow-registry"),
        }
    }

    /// What is wrong with a package.
    fn complaints(&self, name: &str, licence: Option<&str>, source: Option<&str>) -> Vec<String> {
        let is_one = |one: &str| {
            self.licences.contains(one)
                || self.exceptions.contains(&(name.to_owned(), one.to_owned()))
        };
        let mut complaints = Vec::new();
        let expression = licence.unwrap_or("none").replace('/', " OR ");
        if !is_met(&expression, &is_one) {
            complaints.push(format!("{name} is under {expression}"));
        }
        if self.banned.contains(name) {
            complaints.push(format!("{name} is banned"));
        }
        let is_known = source.is_none_or(|source| {
            let registry = source.strip_prefix("registry+");
            registry.is_some_and(|address| self.registries.contains(address))
        });
        if !is_known {
            complaints.push(format!("{name} comes from {}", source.unwrap_or_default()));
        }
        complaints
    }
}

/// Whether licences that are allowed meet an expression of SPDX: `AND` binds closer than `OR`.
fn is_met(expression: &str, is_one: &impl Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let split = |at: &str, words: &[&str]| {
        let (mut depth, mut parts) = (0, vec![Vec::new()]);
        for &word in words {
            depth += i32::from(word == "(") - i32::from(word == ")");
            if depth == 0 && word == at {
                parts.push(Vec::new());
            } else {
                parts.last_mut().unwrap().push(word.to_owned());
            }
        }
        parts.into_iter().map(|part| part.join(" ")).collect::<Vec<_>>()
    };
    for (operator, is_all) in [("OR", false), ("AND", true)] {
        let parts = split(operator, &words);
        if parts.len() > 1 {
            let mut met = parts.iter().map(|part| is_met(part, is_one));
            return if is_all { met.all(|met| met) } else { met.any(|met| met) };
        }
    }
    match &words[..] {
        ["(", inner @ .., ")"] => is_met(&inner.join(" "), is_one),
        [one] => is_one(one),
        // With an exception, which allows more than the licence alone.
        [one, "WITH", _] => is_one(one),
        _ => false,
    }
}

#[test]
fn dependencies_come_from_where_they_may_under_licences_that_may_be() {
    let rules = Rules::read();
    let crates_io = Some("registry+https://github.com/rust-lang/crates.io-index");
    for (name, licence, source, complaints) in [
        ("good", Some("MIT/Apache-2.0"), crates_io, 0),
        ("good", Some("(MIT OR GPL-2.0-only) AND Unicode-3.0"), None, 0),
        ("good", Some("GPL-3.0 OR Apache-2.0 WITH LLVM-exception"), crates_io, 0),
        ("option-ext", Some("MPL-2.0"), crates_io, 0),
        ("other", Some("MPL-2.0"), crates_io, 1),
        ("other", Some("MIT AND GPL-2.0-only"), crates_io, 1),
        ("other", None, crates_io, 1),
        ("openssl", Some("Apache-2.0"), crates_io, 1),
        ("good", Some("MIT"), Some("git+https://example.com/good"), 1),
        ("good", Some("MIT"), Some("registry+https://example.com/index"), 1),
    ] {
        let found = rules.complaints(name, licence, source);
        assert_eq!(found.len(), complaints, "{name}: {licence:?}: {source:?}: {found:?}");
    }
    let packages = resolved().packages;
    assert!(packages.len() > 200, "cargo resolved nothing");
    let complaints = packages.iter().flat_map(|package| {
        let source = package.source.as_ref().map(|source| source.repr.as_str());
        rules.complaints(&package.name, package.license.as_deref(), source)
    });
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_dependency_asks_for_a_newer_rust_than_the_promised_one() {
    let metadata = resolved();
    let own = metadata.root_package().unwrap().rust_version.clone().expect("it is promised");
    let too_new = |version: &cargo_metadata::semver::Version| *version > own;
    assert!(too_new(&cargo_metadata::semver::Version::new(own.major, own.minor + 1, 0)));
    let asked = metadata.packages.iter().filter_map(|package| {
        let version = package.rust_version.as_ref().filter(|version| too_new(version))?;
        Some(format!("{} {} asks for Rust {version}", package.name, package.version))
    });
    let asked: Vec<String> = asked.collect();
    assert!(asked.is_empty(), "more than {own}:\n{}", asked.join("\n"));
    // Calls of the standard library are looked at by clippy.
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("incompatible_msrv = \"deny\""));
}

#[test]
fn fragments_of_changes_become_the_changelog() {
    let assemble = root().join("docs/changes/assemble");
    let said = std::process::Command::new("python3").arg(&assemble).output().unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let shown: BTreeSet<&str> = text.lines().collect();
    for entry in fs::read_dir(root().join("docs/changes/unreleased")).unwrap() {
        let path = entry.unwrap().path();
        let fragment = fs::read_to_string(&path).unwrap();
        let line = format!("- {}", fragment.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(shown.contains(line.as_str()), "{} is not in the changelog", path.display());
    }

    // A release, in a copy of what it needs.
    let copy = tempfile::tempdir().unwrap();
    let folder = copy.path().join("docs/changes/unreleased");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(&assemble, copy.path().join("docs/changes/assemble")).unwrap();
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new("python3");
        command.arg(copy.path().join("docs/changes/assemble")).args(words).output().unwrap()
    };
    fs::write(copy.path().join("CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n- Add: one.\n")
        .unwrap();
    fs::write(folder.join("b.md"), "Fix: two was so.\nNow it is not.\n").unwrap();
    assert!(run(&["0.1.0", "2026-12-01"]).status.success());
    fs::write(folder.join("a.md"), "Add: three.\n").unwrap();
    assert!(run(&["0.2.0", "2026-12-02"]).status.success());
    let whole = fs::read_to_string(copy.path().join("CHANGELOG.md")).unwrap();
    let expected = "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-12-02)\n\n- Add: three.\n\n\
                    ## 0.1.0 (2026-12-01)\n\n- Add: one.\n- Fix: two was so. Now it is not.\n";
    assert_eq!(whole, expected);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::write(folder.join("c.md"), "New: four.\n").unwrap();
    let said = run(&[]);
    assert!(!said.status.success() && String::from_utf8_lossy(&said.stderr).contains("c.md"));
}
