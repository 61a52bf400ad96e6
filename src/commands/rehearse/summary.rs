//! What a newcomer reads at the end: what was staged, which drive holds what, what the dock found,
//! what the vault protects, whether the restored copy is equal.

use std::path::{Path, PathBuf};

use disk_prep::noun::{ByteSize, ErrorKind, count};
use disk_prep::sys::durable::{self, Access};
use serde_json::{Value, json};

use super::compare::Comparison;
use super::place::Error;
use crate::commands::Outcome;
use crate::exit::Exit;

/// Differences that are shown; the rest is counted.
const SHOWN: usize = 20;

/// The end of a rehearsal.
#[derive(Debug, Default)]
pub struct Summary {
    staged: Vec<String>,
    drives: Vec<String>,
    dock: Vec<String>,
    vault: Vec<String>,
    comparison: Comparison,
    /// Where everything is, if it is still there.
    pub folder: Option<PathBuf>,
}

fn size(line: &Value, key: &str) -> ByteSize {
    ByteSize(line[key].as_u64().unwrap_or(0))
}

fn files(number: &Value) -> String {
    count(number.as_u64().unwrap_or(0), "file")
}

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().unwrap_or_default()
}

impl Summary {
    /// What `stage` said.
    pub fn staged(&mut self, lines: &[Value]) {
        let Some(seed) = lines.first() else { return };
        self.staged.push(format!(
            "{}, {}, of the source became {}, {}, to ship",
            files(&seed["source_files"]),
            size(seed, "source_bytes"),
            files(&seed["files"]),
            size(seed, "bytes"),
        ));
        if seed["unreadable_files"].as_u64().is_some_and(|number| number > 0) {
            self.staged.push(format!("{} could not be read", files(&seed["unreadable_files"])));
        }
    }

    /// What `prep` said.
    pub fn drives(&mut self, lines: &[Value]) {
        for line in lines.iter().filter(|line| line["type"] == "drive-sealed") {
            let (serial, files) = (text(line, "serial"), files(&line["files"]));
            self.drives.push(format!("{serial}: {files}, {}", size(line, "bytes")));
        }
    }

    /// What the dock said.
    pub fn docked(&mut self, lines: &[Value]) {
        for line in lines.iter().filter(|line| line["type"] == "docked-drive") {
            let (serial, status) = (text(line, "serial"), text(line, "status"));
            let bytes = size(line, "bytes_succeeded");
            self.dock.push(format!("{serial}: {status}, {bytes} became blobs"));
        }
    }

    /// What `vault run` said.
    pub fn vault(&mut self, lines: &[Value]) {
        let Some(run) = lines.first() else { return };
        self.vault.push(format!("{} is {}", text(run, "name"), text(run, "state")));
        if let Some(own) = run["increment"].as_object() {
            let (files, bytes) = (files(&own["files"]), size(&run["increment"], "bytes"));
            self.vault.push(format!("its newest snapshot has {files}, {bytes}"));
        }
    }

    /// What the comparison found.
    pub fn compared(&mut self, comparison: Comparison) {
        self.comparison = comparison;
    }

    fn sections(&self) -> Vec<(&'static str, Vec<String>)> {
        let Comparison { equal, bytes, differences } = &self.comparison;
        let mut copy = vec![format!("{equal} files and folders, {}, are equal", ByteSize(*bytes))];
        copy.extend(differences.iter().take(SHOWN).map(|text| format!("DIFFERENT: {text}")));
        if differences.len() > SHOWN {
            copy.push(format!("and {} more differences", differences.len() - SHOWN));
        }
        [
            ("Staged", self.staged.clone()),
            ("On the drives", self.drives.clone()),
            ("In the datacenter", self.dock.clone()),
            ("In the vault", self.vault.clone()),
            ("The restored copy", copy),
        ]
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .collect()
    }

    /// Writes the same as a page.
    pub fn write_report(&self, path: &Path) -> Result<(), Error> {
        let escape = |text: &str| quick_xml::escape::escape(text).into_owned();
        let section = |(title, lines): (&str, Vec<String>)| {
            let items: String =
                lines.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
            format!("<h2>{title}</h2><ul>{items}</ul>\n")
        };
        let body: String = self.sections().into_iter().map(section).collect();
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
             <title>Rehearsal</title>\n<h1>Rehearsal</h1>\n{body}</html>\n"
        );
        durable::write(path, page.as_bytes(), Access::Public)
            .map_err(|source| Error::Folder { path: path.to_owned(), source })
    }
}

impl Outcome for Summary {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![String::new(), "The rehearsal in short".to_owned()];
        for (title, entries) in self.sections() {
            for (index, entry) in entries.iter().enumerate() {
                let title = if index == 0 { title } else { "" };
                lines.push(format!("  {title:<18} {entry}"));
            }
        }
        if let Some(folder) = &self.folder {
            lines.push(format!("  {:<18} {}", "Kept in", folder.display()));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let Comparison { equal, bytes, differences } = &self.comparison;
        vec![json!({
            "type": "rehearsal", "version": 1, "equal": differences.is_empty(),
            "equal_entries": equal, "equal_bytes": bytes, "differences": differences,
            "staged": self.staged, "drives": self.drives, "dock": self.dock, "vault": self.vault,
            "folder": self.folder,
        })]
    }

    fn exit(&self) -> Exit {
        let differs = !self.comparison.differences.is_empty();
        Exit::of(differs.then_some(ErrorKind::Difference))
    }
}
