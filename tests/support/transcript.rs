//! Commands and what they print, as one text that is the same in every run: what differs by
//! nature (times, ids, digests, passwords, ports, folders) is replaced here and nowhere else.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use super::emulator::Emulator;
use super::program::Machine;

/// A transcript that grows.
#[derive(Debug)]
pub struct Transcript<'a> {
    machine: &'a Machine,
    emulator: Option<&'a Emulator>,
    text: String,
    /// The drives that were named so far, and the commands that were told and typed.
    drives: Vec<String>,
    typed: std::collections::BTreeSet<String>,
}

impl<'a> Transcript<'a> {
    /// An empty one; what it is about stands at its top.
    pub fn new(machine: &'a Machine, emulator: Option<&'a Emulator>, about: &str) -> Self {
        let text = format!("{about}\n");
        Transcript { machine, emulator, text, drives: Vec::new(), typed: Default::default() }
    }

    /// What follows is run on another machine, whose name then stands before each command.
    pub fn on(&mut self, machine: &'a Machine) -> &mut Self {
        self.machine = machine;
        self
    }

    /// Runs a command, words parted by blanks, and writes down what it printed, both streams as
    /// a terminal shows them.
    pub fn run(&mut self, words: &str) -> &mut Self {
        self.run_with(words, |line| Some(line.to_owned()))
    }

    /// The same for output that differs by machine: each line is put into a fixed form, or left
    /// out.
    pub fn run_with(&mut self, words: &str, form: impl Fn(&str) -> Option<String>) -> &mut Self {
        let all: Vec<&str> = words.split_whitespace().collect();
        let mut command = match self.emulator {
            Some(emulator) => emulator.command(self.machine, &all),
            None => self.machine.command(&all),
        };
        let (mut printed, end) = std::io::pipe().expect("a pipe can be made");
        command.stdout(end.try_clone().expect("it can be cloned")).stderr(end);
        let mut child = command.spawn().expect("azseed starts");
        // The command holds the other ends of the pipe.
        drop(command);
        let mut text = String::new();
        printed.read_to_string(&mut text).expect("azseed prints UTF-8");
        let code = child.wait().expect("azseed ends").code().unwrap_or(137);
        let folder = self.machine.text("");
        let folder = folder.trim_end_matches('/');
        let host = self.machine.host().unwrap_or_default();
        let shown = words.replace(folder, "/here");
        let _ = writeln!(self.text, "\n{host}$ azseed {shown}");
        if code != 0 {
            let _ = writeln!(self.text, "? {code}");
        }
        super::schema::check_lines(&text);
        for line in text.lines() {
            assert!(line.starts_with('{') || !has_fraction(line), "a part of a second: {line}");
        }
        for pair in all.windows(2).filter(|pair| pair[0] == "--drive") {
            let drive = pair[1].split(",size=").next().unwrap_or_default().to_owned();
            if !self.drives.contains(&drive) {
                self.drives.push(drive);
            }
        }
        let is_json = all.contains(&"--json");
        for line in plain(&text, folder).lines() {
            assert!(!is_json || is_typed(line), "azseed {words}: {line}");
            // How often a step tells how far it is depends on the machine.
            let progress = ["{\"type\":\"progress\"", "{\"type\":\"stage-progress\""];
            let is_progress = progress.iter().any(|start| line.starts_with(start));
            if let Some(line) = form(line).filter(|_| !is_progress) {
                let _ = writeln!(self.text, "{line}");
            }
        }
        for command in super::told::told(if is_json { "" } else { &text }) {
            if self.typed.insert(command.clone()) {
                super::told::try_told(self.machine, &command, &self.drives);
            }
        }
        self
    }

    /// Compares with the file, or writes it when `UPDATE_TRANSCRIPTS` is set.
    pub fn compare(&self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(name);
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            std::fs::write(&path, &self.text).expect("the sources can be written");
        }
        let held = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = held.lines().zip(self.text.lines()).find(|(held, now)| held != now);
        assert!(
            held == self.text,
            "{name} is not what is printed now (UPDATE_TRANSCRIPTS=1 writes it); first: {differs:?}\n{}",
            self.text
        );
    }
}

/// Whether a line tells a time to a part of a second, which nobody reads.
fn has_fraction(line: &str) -> bool {
    let shape: String = line.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    shape.contains("99:99:99.9")
}

/// Whether a line is a JSON object with its type and version.
fn is_typed(line: &str) -> bool {
    let object: Result<serde_json::Value, _> = serde_json::from_str(line);
    object.is_ok_and(|own| own["type"].is_string() && own["version"] == 1)
}

/// Text with all that differs between runs replaced.
fn plain(text: &str, folder: &str) -> String {
    let text: String =
        text.replace(folder, "/here").split_inclusive('\n').map(undescribed).collect();
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '+');
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_of_word) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        // All digits of an id may happen to be decimal ones.
        let is_led = out.is_empty() || out.ends_with(['\n']) || out.ends_with("Snapshot ");
        let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let (word, dots) = split_dots(&rest[..end]);
        out.push_str(&stand_in(word, is_led));
        out.push_str(dots);
        rest = &rest[end..];
    }
    out.push_str(rest);
    // A day of a deadline ends while the test goes on.
    for (late, early) in [("13 days left", "14 days left"), ("89 days left", "90 days left")] {
        out = out.replace(late, early);
    }
    out.replace("\"days_left\":13", "\"days_left\":14").replace("1        13\n", "1        14\n")
}

/// A line without machine and day of a volume's description, at its end.
fn undescribed(line: &str) -> String {
    let (text, end) = line.split_at(line.trim_end().len());
    let described = text.rsplit_once(" azseed ").filter(|(_, day)| {
        let shape: String = day.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        shape == "99/99/9999"
    });
    match described.and_then(|(before, _)| before.rsplit_once(' ')) {
        Some((before, _)) => format!("{before} <machine> azseed <day>{end}"),
        None => line.to_owned(),
    }
}

/// Stops and colons that end a sentence are no part of a word.
fn split_dots(word: &str) -> (&str, &str) {
    word.split_at(word.trim_end_matches(['.', ':']).len())
}

/// What stands for a word in every run.
fn stand_in(word: &str, is_led: bool) -> String {
    let shape: String = word
        .chars()
        .map(|c| match c {
            '0'..='9' => '9',
            'a'..='f' | 'A'..='F' => 'h',
            other => other,
        })
        .collect();
    let is_hex =
        |length: usize| word.len() == length && shape.chars().all(|c| c == '9' || c == 'h');
    let is_guid = {
        let parts: Vec<usize> = shape.split('-').map(str::len).collect();
        parts == [8, 4, 4, 4, 12] && shape.chars().all(|c| matches!(c, '9' | 'h' | '-'))
    };
    let known = if is_guid {
        "<guid>"
    } else if shape.starts_with("9999-99-99T99:99:99") {
        "<time>"
    } else if shape == "9999-99-99" {
        "<day>"
    } else if shape == "99:99:99" || shape == "99:99" {
        "<clock>"
    } else if shape == ["999999"; 8].join("-") {
        "<recovery password>"
    } else if is_hex(64) {
        "<sha256>"
    } else if is_hex(32) {
        "<md5>"
    } else if is_hex(16) {
        "<number>"
    } else if is_hex(8) && (is_led || shape.contains('9') && shape.contains('h')) {
        "<id>"
    } else if let Some(port) = word.strip_prefix("127.0.0.1:") {
        assert!(port.parse::<u16>().is_ok(), "{word} is no address");
        "127.0.0.1:<port>"
    } else {
        word
    };
    known.to_owned()
}

#[test]
fn only_what_differs_between_runs_is_replaced() {
    let text = "Snapshot 1a2b3c4d at 2026-11-21T10:00:00.5Z: 12345678 bytes, /tmp/x/staging, \
                https://127.0.0.1:4711/arm, 6 files.";
    assert_eq!(
        plain(text, "/tmp/x"),
        "Snapshot <id> at <time>: 12345678 bytes, /here/staging, \
         https://127.0.0.1:<port>/arm, 6 files."
    );
    let described = plain("BitLocker    xts, COPY-1 azseed 11/28/2026\n  azseed 1/2\n", "/tmp/x");
    assert_eq!(described, "BitLocker    xts, <machine> azseed <day>\n  azseed 1/2\n");
}
