//! Every event as one JSON object a line.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use disk_prep::monitor::{Event, Monitor};
use disk_prep::sys::hold::hold;

use super::screen::tell_json;
use crate::report::event;

const EVERY: Duration = Duration::from_secs(1);

/// How far something is, is told at most once a second for each drive and task.
#[derive(Debug, Default)]
pub struct JsonLines(Mutex<HashMap<String, Instant>>);

impl JsonLines {
    /// Nothing told yet.
    pub fn new() -> Self {
        JsonLines::default()
    }

    fn is_due(&self, subject: &str) -> bool {
        let mut told = hold(&self.0);
        let is_due = told.get(subject).is_none_or(|last| last.elapsed() >= EVERY);
        if is_due {
            told.insert(subject.to_owned(), Instant::now());
        }
        is_due
    }
}

impl Monitor for JsonLines {
    fn event(&self, event: &Event<'_>) {
        let is_due = match event {
            Event::BytesDone { drive, .. } => self.is_due(drive.as_str()),
            Event::TaskBytes { task, .. } => self.is_due(task),
            _ => true,
        };
        if let Some(line) = event::value(event).filter(|_| is_due) {
            tell_json(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_something_is_is_told_once_a_second_for_each_of_them() {
        let lines = JsonLines::new();
        assert!(lines.is_due("S1") && !lines.is_due("S1"), "told just now");
        assert!(lines.is_due("S2"), "another drive has its own second");
        let before = Instant::now().checked_sub(EVERY).unwrap();
        hold(&lines.0).insert("S1".to_owned(), before);
        assert!(lines.is_due("S1"), "a second is over");
    }
}
