//! README and guide are followed as a reader would: every command that stands in them, in order, as
//! it is written there, on a machine whose folders (`/srv`, `/mnt`, `/root`, `/tmp`, `/var/lib`) are
//! new, against the emulator that the guide starts. What needs a real drive, a service manager or
//! Azure itself is marked in the text, where no reader sees it, and counted.
#![allow(clippy::disallowed_methods, reason = "a reader has shells and files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::print_stdout, reason = "how many lines were followed is a result")]

mod packages;
mod pages;
mod reader;

use std::collections::BTreeMap;

use pages::{Block, Kind, blocks};
use reader::Reader;

/// Follows the pages one after the other; what was followed, and what was passed over and why.
fn follow(pages: &[&str]) -> (usize, BTreeMap<String, usize>) {
    let mut reader = Reader::new();
    let (mut followed, mut passed) = (0, BTreeMap::new());
    for page in pages {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        for Block { line, kind, lines } in blocks(&std::fs::read_to_string(path).unwrap()) {
            let place = format!("{page}:{line}");
            match kind {
                Kind::Shown => {}
                Kind::Needs(what) => *passed.entry(what).or_insert(0) += lines.len(),
                Kind::File(name) => reader.write(&name, &lines.join("\n")),
                Kind::Typed { where_to } => {
                    for text in lines {
                        reader.types(&text, &where_to, &place);
                        followed += 1;
                    }
                }
            }
        }
    }
    (followed, passed)
}

#[test]
fn every_command_of_readme_and_guide_does_what_the_page_says() {
    let (followed, passed) = follow(&["README.md", "docs/guide.md"]);
    println!("{followed} lines followed");
    for (what, count) in &passed {
        println!("{count} lines need {what}");
    }
    let known = ["a real drive", "a service manager", "Azure", "the sources"];
    let other = passed.keys().find(|what| !known.contains(&what.as_str()));
    assert_eq!(other, None, "a line is passed over for one of {known:?} only");
    assert!(followed >= 60, "only {followed} lines were found");
    assert!(passed.values().sum::<usize>() <= 24, "too much is passed over: {passed:?}");
}
