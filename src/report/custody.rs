//! The custody log in words and as records.

use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, count, visible_line};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::custody_words::{detail, who};
use super::record::{Record, line};
use crate::custody::{Fault, Link};
use crate::journey::custody::Logged;
use crate::journey::custody_look::Looked;
use crate::outcome::{Exit, Outcome, chain};

/// An entry of the custody log.
#[derive(Serialize, JsonSchema)]
pub(super) struct CustodyEntryRecord<'a> {
    /// Its line in the file.
    line: usize,
    /// Its number in the chain.
    number: u64,
    /// Its hash.
    hash: String,
    /// When it was written, by the clock of the machine that wrote it.
    at: Timestamp,
    /// The user that the program ran as.
    user: &'a str,
    /// The user that signed in on the machine; null where it is the same or nobody knows.
    login: Option<&'a str>,
    /// Name of the machine.
    host: &'a str,
    /// What was done: `sealed`, `prepared`, `verified`, `packed`, `shipped`, `received`, `ingested`,
    /// `repaired`, `revealed`, `proven`, `not-proven`, or `other` from a later program.
    deed: &'static str,
    /// The drives that it is about.
    drives: Vec<&'a str>,
    /// The rest of it in words; empty if there is nothing more to say.
    detail: String,
    /// The report that it names, below `reports/`; null if it names none.
    report: Option<&'a str>,
}

impl Record for CustodyEntryRecord<'_> {
    const TYPE: &'static str = "custody-entry";
}

/// What is wrong with a custody log.
#[derive(Serialize, JsonSchema)]
pub(super) struct CustodyFaultRecord {
    /// What it is; `azseed explain` knows it.
    code: &'static str,
    /// The same in words.
    message: String,
}

impl Record for CustodyFaultRecord {
    const TYPE: &'static str = "custody-fault";
}

/// A custody log was looked at.
#[derive(Serialize, JsonSchema)]
pub(super) struct CustodyRecord {
    /// Where it is.
    path: String,
    /// Entries in it.
    entries: usize,
    /// Whether nothing is wrong with it.
    whole: bool,
    /// Hash of its last entry; null if it has none. Kept elsewhere, it says later whether the log
    /// still has that entry.
    last_hash: Option<String>,
    /// Whether a line follows that a crash has torn, and that the next entry takes away.
    torn: bool,
    /// The page that was written; null if none was asked for.
    page: Option<String>,
}

impl Record for CustodyRecord {
    const TYPE: &'static str = "custody";
}

/// What was done is not in the custody log.
#[derive(Serialize, JsonSchema)]
pub(super) struct NotLoggedRecord {
    /// Why; `azseed explain` knows it.
    code: &'static str,
    /// What failed and why.
    message: String,
}

impl Record for NotLoggedRecord {
    const TYPE: &'static str = "custody-not-written";
}

impl Outcome for Logged {
    fn lines(&self) -> Vec<String> {
        let told = |failure: &crate::outcome::Failure| {
            let (why, code) = (chain(failure.0.as_ref()), failure.0.code());
            format!("Done, but it is not in the custody log: {why} (see `azseed explain {code}`)")
        };
        self.0.iter().map(told).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |failure: &crate::outcome::Failure| {
            line(&NotLoggedRecord { code: failure.0.code(), message: chain(failure.0.as_ref()) })
        };
        self.0.iter().map(record).collect()
    }

    fn exit(&self) -> Exit {
        Exit::of(self.0.iter().map(|failure| failure.0.kind()))
    }
}

/// A log that was verified.
#[derive(Debug)]
pub struct CustodyVerified(pub Looked);

/// A log that is shown.
#[derive(Debug)]
pub struct CustodyShown {
    /// The log.
    pub looked: Looked,
    /// The page that is written.
    pub page: Option<PathBuf>,
}

impl Outcome for CustodyVerified {
    fn lines(&self) -> Vec<String> {
        verdict(&self.0)
    }

    fn json(&self) -> Vec<Value> {
        let faults = self.0.chain.faults.iter().map(fault_record);
        faults.chain([record(&self.0, None)]).collect()
    }

    fn exit(&self) -> Exit {
        exit(&self.0)
    }
}

impl CustodyShown {
    /// The page for auditors.
    pub fn html(&self) -> String {
        super::custody_page::html(&self.looked)
    }
}

impl Outcome for CustodyShown {
    fn lines(&self) -> Vec<String> {
        let entry = |link: &Link| {
            let (at, deed) = (link.entry.at.strftime("%Y-%m-%d %H:%M:%SZ"), &link.entry.deed);
            let (number, who) = (link.entry.number, who(&link.entry.by));
            let (drives, detail) = (deed.drives().join(" "), detail(deed));
            let text = format!("{number:>4}  {at}  {:<10}  {drives}  {detail}  {who}", deed.word());
            visible_line(&text).to_string()
        };
        let mut lines: Vec<String> = self.looked.chain.links.iter().map(entry).collect();
        lines.extend(verdict(&self.looked));
        lines.extend(self.page.iter().map(|path| format!("Page         {}", path.display())));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let entries = self.looked.chain.links.iter().map(entry_record);
        let faults = self.looked.chain.faults.iter().map(fault_record);
        let page = self.page.as_ref().map(|path| path.display().to_string());
        entries.chain(faults).chain([record(&self.looked, page)]).collect()
    }

    fn exit(&self) -> Exit {
        exit(&self.looked)
    }
}

fn exit(looked: &Looked) -> Exit {
    let differs = !looked.chain.faults.is_empty();
    Exit::of(differs.then_some(ErrorKind::Difference))
}

/// What was found, in words.
fn verdict(looked: &Looked) -> Vec<String> {
    let (path, chain) = (looked.path.display(), &looked.chain);
    let fault = |fault: &Fault| format!("  {fault} (see `azseed explain {}`)", fault.code());
    let mut lines: Vec<String> = chain.faults.iter().map(fault).collect();
    let entries = match chain.links.len() {
        1 => "1 entry".to_owned(),
        several => format!("{several} entries"),
    };
    lines.push(match chain.faults.len() {
        0 => format!("The custody log {path} is whole: {entries}"),
        faults => {
            format!("The custody log {path} is not whole: {entries}, {}", count(faults, "fault"))
        }
    });
    lines.extend(chain.last().map(|link| format!("Its last entry has the hash {}", link.hash)));
    if chain.is_torn {
        lines.push("A crash has torn the line after it, which is no entry".to_owned());
    }
    lines
}

fn entry_record(link: &Link) -> Value {
    let (entry, deed) = (&link.entry, &link.entry.deed);
    line(&CustodyEntryRecord {
        line: link.line,
        number: entry.number,
        hash: link.hash.to_string(),
        at: entry.at,
        user: &entry.by.user,
        login: entry.by.login.as_deref(),
        host: &entry.by.host,
        deed: deed.word(),
        drives: deed.drives(),
        detail: detail(deed),
        report: entry.report.as_ref().map(|report| report.name.as_str()),
    })
}

fn fault_record(fault: &Fault) -> Value {
    line(&CustodyFaultRecord { code: fault.code(), message: fault.to_string() })
}

fn record(looked: &Looked, page: Option<String>) -> Value {
    line(&CustodyRecord {
        path: looked.path.display().to_string(),
        entries: looked.chain.links.len(),
        whole: looked.chain.faults.is_empty(),
        last_hash: looked.chain.last().map(|link| link.hash.to_string()),
        torn: looked.chain.is_torn,
        page,
    })
}
