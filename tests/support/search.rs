//! Plants secrets and looks for them in every byte that the program writes: what it says, and
//! every file below a machine's folder but those that hold a secret by design, whose modes are
//! looked at instead. Tests of later parts join by adding rows.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

use super::program::{Said, said};

/// A search over all that was written.
#[derive(Debug, Default)]
pub struct Search {
    /// Name and one form of a secret.
    forms: Vec<(String, Vec<u8>)>,
    /// Places that hold secrets by design, below the folder that is searched.
    allowed: Vec<PathBuf>,
    /// Runs, files and bytes that were searched.
    pub counts: [u64; 3],
}

/// A run to be made, and the exit code it must have.
pub struct Row {
    pub name: String,
    pub command: Command,
    pub code: i32,
}

impl Search {
    /// Looks for this from now on, in the forms that it could have by mistake.
    pub fn plant(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 8, "{name} is too short to be told from other words");
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let reversed: String = secret.chars().rev().collect();
        let forms = [
            secret.to_owned(),
            secret.replace('-', ""),
            encoded,
            reversed,
            BASE64_STANDARD.encode(secret),
            BASE64_STANDARD_NO_PAD.encode(secret),
            secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ];
        for form in forms {
            self.plant_bytes(name, form.as_bytes());
        }
    }

    /// The same for bytes as they are.
    pub fn plant_bytes(&mut self, name: &str, secret: &[u8]) {
        self.forms.push((name.to_owned(), secret.to_vec()));
    }

    /// Lets secrets lie below this path, in private files.
    pub fn allow(&mut self, path: PathBuf) {
        self.allowed.push(path);
    }

    /// Names of secrets in `bytes`.
    fn found(&self, bytes: &[u8]) -> Vec<&str> {
        // By the first two bytes, since most positions begin nothing.
        let mut begins = vec![false; 1 << 16];
        let pair = |bytes: &[u8]| usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        self.forms.iter().for_each(|(_, form)| begins[pair(form)] = true);
        let mut found = Vec::new();
        for at in 0..bytes.len().saturating_sub(1) {
            if begins[pair(&bytes[at..])] {
                let here = self.forms.iter().filter(|(_, form)| bytes[at..].starts_with(form));
                found.extend(here.map(|(name, _)| name.as_str()));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Complains if a text holds a secret.
    #[track_caller]
    pub fn is_clean(&mut self, place: &str, bytes: &[u8]) {
        self.counts[2] += bytes.len() as u64;
        let found = self.found(bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(3000)]);
        assert!(found.is_empty(), "{place} holds {found:?}:\n{shown}");
    }

    /// Makes runs side by side, and searches what each says.
    #[track_caller]
    pub fn run(&mut self, rows: Vec<Row>) -> Vec<Said> {
        let started: Vec<_> = rows
            .into_iter()
            .map(|Row { name, mut command, code }| {
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                let child = command.spawn().expect("it starts");
                (name, code, std::thread::spawn(|| child.wait_with_output().unwrap()))
            })
            .collect();
        let mut all = Vec::new();
        for (name, code, thread) in started {
            let output = thread.join().unwrap();
            self.counts[0] += 1;
            self.is_clean(&format!("stdout of {name}"), &output.stdout);
            self.is_clean(&format!("stderr of {name}"), &output.stderr);
            let said = said(output);
            assert_eq!(said.code, code, "{name}\n{}\n{}", said.stdout, said.stderr);
            all.push(said);
        }
        all
    }

    /// Searches every file below a folder, names too. Where secrets may lie, only their owner may
    /// read.
    pub fn files(&mut self, folder: &Path) {
        for entry in walkdir::WalkDir::new(folder) {
            let entry = entry.unwrap();
            let path = entry.path();
            self.is_clean("a name", path.as_os_str().as_encoded_bytes());
            if !entry.file_type().is_file() {
                continue;
            }
            let bytes = std::fs::read(path).unwrap();
            self.counts[1] += 1;
            if self.allowed.iter().any(|place| path.starts_with(place)) {
                self.counts[2] += bytes.len() as u64;
                let is_open = entry.metadata().unwrap().permissions().mode() & 0o077 != 0;
                let found = if is_open { self.found(&bytes) } else { Vec::new() };
                assert!(found.is_empty(), "{} holds {found:?} for all to read", path.display());
            } else {
                self.is_clean(&path.display().to_string(), &bytes);
            }
        }
    }
}
