//! The library's progress as events.

use std::fmt;
use std::sync::{Arc, Mutex};

use disk_prep::monitor::{Event, Monitor};
use disk_prep::sys::hold::hold;
use rustic_core::{Progress, ProgressBars, ProgressType, RusticProgress};

/// Hands the library's bars to a monitor; only those that count bytes.
#[derive(Clone)]
pub(super) struct Bars(pub Arc<dyn Monitor>);

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bars")
    }
}

impl ProgressBars for Bars {
    fn progress(&self, kind: ProgressType, prefix: &str) -> Progress {
        match kind {
            ProgressType::Bytes => Progress::new(Bar::begun(Arc::clone(&self.0), prefix)),
            _ => Progress::new(rustic_core::HiddenProgress),
        }
    }
}

/// One piece of work.
struct Bar {
    monitor: Arc<dyn Monitor>,
    count: Mutex<Count>,
}

struct Count {
    task: String,
    done_bytes: u64,
    total_bytes: u64,
}

impl Bar {
    fn begun(monitor: Arc<dyn Monitor>, task: &str) -> Self {
        monitor.event(&Event::TaskStarted { task });
        let count = Count { task: task.to_owned(), done_bytes: 0, total_bytes: 0 };
        Bar { monitor, count: Mutex::new(count) }
    }

    fn with(&self, change: impl FnOnce(&mut Count)) {
        change(&mut hold(&self.count));
    }
}

impl fmt::Debug for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bar")
    }
}

impl RusticProgress for Bar {
    fn is_hidden(&self) -> bool {
        false
    }

    fn set_length(&self, bytes: u64) {
        self.with(|count| count.total_bytes = bytes);
    }

    fn set_title(&self, title: &str) {
        self.with(|count| {
            *count = Count { task: title.to_owned(), done_bytes: 0, total_bytes: 0 };
            self.monitor.event(&Event::TaskStarted { task: &count.task });
        });
    }

    fn inc(&self, bytes: u64) {
        self.with(|count| {
            count.done_bytes = count.done_bytes.saturating_add(bytes);
            let Count { task, done_bytes, total_bytes } = &*count;
            let (done_bytes, total_bytes) = (*done_bytes, *total_bytes);
            self.monitor.event(&Event::TaskBytes { task, done_bytes, total_bytes });
        });
    }

    fn finish(&self) {
        self.with(|count| self.monitor.event(&Event::TaskFinished { task: &count.task }));
    }
}
