//! How a backup goes on: a bar, a plain line every ten seconds, or JSON Lines.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use disk_prep::noun::ByteSize;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::screen::{self, eprint, tell_json};
use crate::repository::Watcher;

/// One bar.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// An empty bar.
    pub fn new() -> Self {
        let style = ProgressStyle::with_template(
            "{msg:<24} {bar:24} {bytes:>10}/{total_bytes:<10} {bytes_per_sec:>12} {eta:>6}",
        );
        Bar(ProgressBar::new(0).with_style(style.expect("the template is right")))
    }
}

impl Watcher for Bar {
    fn begin(&self, title: &str) {
        self.0.reset();
        self.0.set_message(screen::line(title).into_owned());
    }
    fn total(&self, bytes: u64) {
        self.0.set_length(bytes);
    }
    fn more(&self, bytes: u64) {
        self.0.inc(bytes);
    }
    fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// Lines from time to time.
#[derive(Debug)]
pub struct Ticker {
    form: Form,
    every: Duration,
    count: Mutex<Count>,
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a person.
    Plain,
    /// For a script.
    Json,
}

#[derive(Debug)]
struct Count {
    title: String,
    total: u64,
    done: u64,
    told: Instant,
}

impl Ticker {
    /// Nothing told yet.
    pub fn new(form: Form) -> Self {
        let every = Duration::from_secs(if form == Form::Plain { 10 } else { 1 });
        let count = Count { title: String::new(), total: 0, done: 0, told: Instant::now() };
        Ticker { form, every, count: Mutex::new(count) }
    }

    fn with(&self, change: impl FnOnce(&mut Count)) {
        change(&mut self.count.lock().expect("no holder of this lock can panic"));
    }
}

impl Watcher for Ticker {
    fn begin(&self, title: &str) {
        self.with(|count| {
            *count = Count { title: title.to_owned(), total: 0, done: 0, told: Instant::now() };
        });
    }

    fn total(&self, bytes: u64) {
        self.with(|count| count.total = bytes);
    }

    fn more(&self, bytes: u64) {
        self.with(|count| {
            count.done += bytes;
            if count.told.elapsed() < self.every {
                return;
            }
            count.told = Instant::now();
            let Count { title, total, done, .. } = &count;
            match self.form {
                Form::Plain => {
                    eprint(&format!("{title} {} of {}\n", ByteSize(*done), ByteSize(*total)));
                }
                Form::Json => tell_json(json!({
                    "type": "stage-progress", "version": 1, "step": title,
                    "done_bytes": done, "total_bytes": total,
                })),
            }
        });
    }

    fn end(&self) {}
}

/// Shows nothing.
#[derive(Debug)]
pub struct Silent;

impl Watcher for Silent {
    fn begin(&self, _title: &str) {}
    fn total(&self, _bytes: u64) {}
    fn more(&self, _bytes: u64) {}
    fn end(&self) {}
}
