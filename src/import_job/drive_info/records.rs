//! The records of text: `[BeginUpdateRecord]`, lines of a name and a value, `[EndUpdateRecord]`. A
//! later record of a drive takes the place of an earlier one; one without its end was torn and is
//! none (`azure-import-export` 5.1, 5.2).

use super::element;
use super::model::{Fault, Found, MOST_DRIVES};

const BEGIN: &str = "[BeginUpdateRecord]";
const END: &str = "[EndUpdateRecord]";
const BEGIN_VALUE: &str = "[BeginValue]";
const END_VALUE: &str = "[EndValue]";

/// Whether a text has records; one of XML alone has none.
pub(super) fn is_record(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with(BEGIN))
}

/// What is kept of a record.
#[derive(Default)]
struct Record<'t> {
    is_of_drive: bool,
    /// The markup of the drive: where its lines begin and end in the text.
    drive: Option<&'t str>,
    is_finished: bool,
}

/// The drives of all whole records, each as its last finished one has it.
pub(super) fn parse(text: &str) -> Result<Vec<Found>, Fault> {
    let (mut finished, mut begun): (Vec<Found>, Vec<String>) = (Vec::new(), Vec::new());
    let mut record: Option<Record<'_>> = None;
    // Where the value of several lines that is being read begins.
    let mut value: Option<(&str, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (from, own) = (at, line.trim());
        at += line.len();
        if own.starts_with(BEGIN) {
            // The one before was torn.
            (record, value) = (Some(Record::default()), None);
            continue;
        }
        let Some(current) = record.as_mut() else { continue };
        if let Some((name, start)) = value {
            if own == END_VALUE {
                current.take(name, &text[start..from]);
                value = None;
            }
            continue;
        }
        if own == END {
            let done = record.take().unwrap_or_default();
            let Some(drive) = done.drive.filter(|_| done.is_of_drive) else { continue };
            for found in element::drives(drive)? {
                match done.is_finished {
                    true => replace(&mut finished, found),
                    false => begun.push(found.called()),
                }
            }
            if finished.len() > MOST_DRIVES || begun.len() > text.len() {
                return Err(Fault::ManyDrives);
            }
            continue;
        }
        let Some((name, rest)) = own.split_once(':') else { continue };
        match rest.trim() {
            BEGIN_VALUE => value = Some((name.trim(), at)),
            rest => current.take(name.trim(), rest),
        }
    }
    let is_missing = |serial: &&String| finished.iter().all(|own| own.called() != **serial);
    match begun.iter().find(is_missing) {
        Some(serial) => Err(Fault::Unfinished { serial: serial.clone() }),
        None => Ok(finished),
    }
}

impl<'t> Record<'t> {
    fn take(&mut self, name: &str, value: &'t str) {
        let is = |own: &str| name.eq_ignore_ascii_case(own);
        if is("ActivityId") {
            self.is_of_drive = value.eq_ignore_ascii_case("DriveInfo");
        } else if is("DriveState") {
            self.drive = Some(value);
        } else if is("SaveCommandOutput") {
            self.is_finished = value.eq_ignore_ascii_case("Completed");
        }
    }
}

fn replace(all: &mut Vec<Found>, found: Found) {
    match all.iter_mut().find(|own| own.called() == found.called()) {
        Some(own) => *own = found,
        None => all.push(found),
    }
}
