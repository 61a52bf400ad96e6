//! The last step of every word that leaves the program: what a terminal would act on is made
//! visible, addresses are bare, and what must never be shown is not. Results are kept apart from
//! messages: a result may be a secret that was asked for, a message never is.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Mutex;

use disk_prep::noun::{bare_addresses, is_command, visible, visible_line};
use disk_prep::sys::hold::hold;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracing::error;

/// Shorter ones would take letters out of other words.
const SHORTEST: usize = 4;
/// Words behind which a secret stands, in connection strings, queries and headers.
const BEFORE_SECRETS: &[&str] = &[
    "accountkey=",
    "sharedaccesssignature=",
    "sig=",
    "bearer ",
    "age-secret-key-",
    "client_secret=",
    "client_assertion=",
    "\"bitlockerkey\":",
];
/// Groups of six digits in a recovery password.
const GROUPS: usize = 8;

/// A text that is never to be shown, and the words that stand for it.
struct Hidden {
    text: SecretString,
    name: String,
}

static HIDDEN: Mutex<Vec<Hidden>> = Mutex::new(Vec::new());

/// What messages of this process never repeat from now on. Of a shared access signature, the
/// signature by itself too.
pub(super) fn hide(text: SecretString, name: String) {
    let mut all = hold(&HIDDEN);
    let parts = text.expose_secret().trim_start_matches('?').split('&');
    for part in parts.filter_map(|pair| pair.strip_prefix("sig=")) {
        let decoded = percent_encoding::percent_decode_str(part).decode_utf8_lossy();
        for text in [part.to_owned(), decoded.into_owned()] {
            all.push(Hidden { text: text.into(), name: name.clone() });
        }
    }
    all.push(Hidden { text, name });
}

/// A message without what must not be shown.
fn hushed(text: &str) -> String {
    let mut text = without_keys(&bare_addresses(text));
    for Hidden { text: secret, name } in hold(&HIDDEN).iter().rev() {
        let secret = secret.expose_secret().trim();
        if secret.len() >= SHORTEST && text.contains(secret) {
            text = text.replace(secret, name);
        }
    }
    without_passwords(&text)
}

/// Cuts out what stands behind the words for secrets.
fn without_keys(text: &str) -> String {
    // Of the same length: only ASCII changes.
    let lower = text.to_ascii_lowercase();
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    let next = |from: usize| {
        let found = BEFORE_SECRETS.iter().filter_map(|word| {
            let start = from + lower[from..].find(word)?;
            Some((start, start + word.len()))
        });
        found.min()
    };
    while let Some((_, begin)) = next(at) {
        shown.push_str(&text[at..begin]);
        let rest = &text[begin..];
        let skipped = rest.len() - rest.trim_start_matches([' ', '"']).len();
        let ends = |c: char| c.is_whitespace() || "&;\"'<>`),".contains(c);
        let end = rest[skipped..].find(ends).map_or(rest.len(), |end| skipped + end);
        shown.push_str("***");
        at = begin + end;
    }
    shown.push_str(&text[at..]);
    shown
}

/// Cuts out recovery passwords, also those that lack a group or have digits of no password.
fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        shown.push_str(&rest[..start]);
        let run = &rest[start..];
        let end = run.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(run.len());
        let (digits, after) = run.split_at(end);
        let sixes = digits.split('-').filter(|group| group.len() == 6).count();
        let is_password = sixes >= GROUPS / 2 && sixes + 1 >= digits.split('-').count();
        shown.push_str(if is_password { "***" } else { digits });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// A JSON object in one line. What a terminal would act on stands as `\uXXXX`; outside of strings
/// JSON has no such character.
fn json_line(line: &Value) -> String {
    let text = line.to_string();
    if !text.contains(is_command) {
        return text + "\n";
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !is_command(c) => escaped.push(c),
            _ => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    escaped + "\n"
}

/// The same object with every text in it through `change`.
fn each_text(value: Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(&text)),
        Value::Array(items) => items.into_iter().map(|item| each_text(item, change)).collect(),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (name, each_text(value, change))).collect(),
        ),
        other => other,
    }
}

/// Prints a result for a person, in these lines and no others, whatever names are in them.
pub(super) fn print(lines: &[String]) {
    let shown = lines.iter().map(|line| format!("{}\n", visible_line(&bare_addresses(line))));
    out(&shown.collect::<String>());
}

/// Prints a result for a script.
pub(super) fn print_json(line: Value) {
    out(&json_line(&each_text(line, &|text| bare_addresses(text).into_owned())));
}

/// Prints a message for a script.
pub(super) fn tell_json(line: Value) {
    out(&json_line(&each_text(line, &hushed)));
}

/// What kept results from being written, if anything did.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes to standard output. A reader that has gone away does not end work that goes on; who only
/// reports asks `Ui::is_read`.
fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    note(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// Remembers that a result was not written. A reader that has gone away wants no more of it.
pub(super) fn note(done: io::Result<()>) {
    if let Err(error) = done
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        hold(&LOST).get_or_insert(error);
    }
}

/// Whether something was not written that nobody has been told of.
pub(super) fn is_lost() -> bool {
    hold(&LOST).is_some()
}

/// What kept results from being written; it is told once.
pub(super) fn lost() -> Option<io::Error> {
    hold(&LOST).take()
}

/// Prints a message for a person.
pub(super) fn eprint(text: &str) {
    let text = message(text);
    super::drawn::beside(|| {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    });
}

/// A fault of the program itself is told once, by whoever catches it; where in the sources it lies is
/// for whoever reads the log.
pub(super) fn on_panic(fault: &std::panic::PanicHookInfo<'_>) {
    let place = fault.location().map(ToString::to_string).unwrap_or_default();
    error!(place, "the program has a fault: {}", fault.payload_as_str().unwrap_or("unknown"));
}

/// A message as it may be shown.
pub(super) fn message(text: &str) -> String {
    visible(&hushed(text)).into_owned()
}

/// A part of a message that stands in one line.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    visible_line(text)
}

/// A line that the program logs as it may be shown and kept.
pub(super) fn logged(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let own = text.strip_suffix('\n').unwrap_or(&text);
    format!("{}\n", visible_line(&hushed(own)))
}

/// Lines that the program logs, one event each.
#[derive(Debug, Default)]
pub(super) struct LogLines;

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(logged(bytes).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_never_holds_what_sounds_secret() {
        for text in [
            "at https://h/c?sv=1&sig=SECRET1 now",
            "proxy http://user:SECRET1@h:1/",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=SECRET1;EndpointSuffix=x",
            "BlobEndpoint=https://a/;SharedAccessSignature=sv=1&sig=SECRET1",
            "sv=1&sr=c&sig=SECRET1%3D&se=2",
            "authorization: Bearer SECRET1",
            "AGE-SECRET-KEY-1SECRET1",
            "{\"driveId\":\"S\",\"bitLockerKey\":\"SECRET1\"}",
        ] {
            let shown = message(text);
            assert!(!shown.contains("SECRET1") && shown.contains(['*', ':']), "{shown}");
        }
        let password = ["123456"; 8].join("-");
        for text in [password.as_str(), &password[..48], &format!("{password}-123456")] {
            assert!(!message(text).contains("123456-"), "{text}");
        }
        for text in ["2026-11-28 05:41:33", "id 00000000-0000-0000-0000-000000000001", "assign=1"] {
            assert_eq!(message(text), text);
        }
    }

    #[test]
    fn json_holds_no_character_that_a_terminal_acts_on() {
        let name = "a\x1b[2J\u{7f}\u{9b}\u{202e}\n\"\\b";
        let line = json_line(&json!({"name": name}));
        assert!(!line.trim_end().contains(is_command), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["name"], name);
        let told = each_text(json!({"a": [{"b": "https://h/?sig=SECRET"}]}), &hushed);
        assert_eq!(told, json!({"a": [{"b": "https://h/"}]}));
    }
}
