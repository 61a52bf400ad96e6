//! Recorded machines of `fixtures/guests`: what each is, and its files below a folder.
#![allow(clippy::disallowed_methods, reason = "a recorded machine is plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A machine.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Its name.
    pub name: String,
    /// What it is, or what is wrong with it.
    pub about: String,
    /// The machine that it is but for that.
    pub of: Option<String>,
    /// Its lines, those of the other one first.
    lines: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/guests")
}

/// All of them: those that are sound, then those with a fault.
pub fn all() -> Vec<Guest> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".tree")?.to_owned()))
        .filter(|name| name != "faults")
        .collect();
    names.sort();
    let text = |name: &str| fs::read_to_string(folder().join(format!("{name}.tree"))).unwrap();
    let mut all: Vec<Guest> = names
        .into_iter()
        .map(|name| {
            let text = text(&name);
            let (about, lines) = text.split_once('\n').unwrap();
            let lines = lines.lines().map(str::to_owned).collect();
            Guest { about: about.trim_start_matches("# ").to_owned(), of: None, name, lines }
        })
        .collect();
    for part in text("faults").split("\n\n").skip(1) {
        let (head, lines) = part.split_once('\n').unwrap_or((part, ""));
        let (name, rest) = head.strip_prefix('[').unwrap().split_once("] of ").unwrap();
        let (of, about) = rest.split_once(": ").unwrap();
        let mut whole = all.iter().find(|own| own.name == of).unwrap().lines.clone();
        whole.extend(lines.lines().map(str::to_owned));
        all.push(Guest {
            name: name.to_owned(),
            about: about.to_owned(),
            of: Some(of.to_owned()),
            lines: whole,
        });
    }
    all
}

/// Rows of the table of verdicts: machine, check, verdict; in its order.
pub fn verdicts() -> Vec<[String; 3]> {
    let text = fs::read_to_string(folder().join("verdicts.csv")).unwrap();
    let row = |line: &str| -> [String; 3] {
        let words: Vec<String> = line.split(',').map(str::to_owned).collect();
        words.try_into().unwrap()
    };
    text.lines().skip(1).map(row).collect()
}

impl Guest {
    /// Puts its files below a folder.
    pub fn unpack(&self, root: &Path) {
        for line in &self.lines {
            if let Some(path) = line.strip_prefix("- ") {
                remove(&root.join(path.trim_start_matches('/')));
            } else if let Some((path, to)) = line.split_once(" -> ") {
                let path = ready(root, path);
                remove(&path);
                symlink(to, path).unwrap();
            } else {
                let (path, text) = line.split_once(" =").unwrap();
                let (path, offset) = path.split_once(" + ").unwrap_or((path, "0"));
                let path = ready(root, path);
                let zeros = vec![0; offset.parse().unwrap()];
                remove(&path);
                let mut file = fs::File::create(path).unwrap();
                file.write_all(&zeros).unwrap();
                file.write_all(&bytes(text.strip_prefix(' ').unwrap_or(text))).unwrap();
            }
        }
    }
}

/// The place of a file below a root, with the folders on the way to it.
fn ready(root: &Path, path: &str) -> PathBuf {
    let path = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    path
}

fn remove(path: &Path) {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// A text of the tree as bytes: `\n`, and `\xNN`.
fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split('\\');
    let mut all = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let rest = match part.strip_prefix('x') {
            Some(hex) => {
                all.push(u8::from_str_radix(&hex[..2], 16).unwrap());
                &hex[2..]
            }
            None => {
                all.push(b'\n');
                part.strip_prefix('n').unwrap()
            }
        };
        all.extend_from_slice(rest.as_bytes());
    }
    all
}
