//! What the library tells of its progress, for whoever watches.

use std::sync::Arc;

use rustic_core::{Progress, ProgressBars, ProgressType, RusticProgress};

/// Watches a long piece of work.
pub trait Watcher: Send + Sync + std::fmt::Debug {
    /// A piece of work begins; it counts bytes if `total` is ever told.
    fn begin(&self, title: &str);
    /// How many bytes there are.
    fn total(&self, bytes: u64);
    /// So many more bytes are done.
    fn more(&self, bytes: u64);
    /// The piece of work has ended.
    fn end(&self);
}

/// Hands the library's bars to a watcher; only those that count bytes.
#[derive(Debug, Clone)]
pub(super) struct Bars(pub Arc<dyn Watcher>);

impl ProgressBars for Bars {
    fn progress(&self, kind: ProgressType, prefix: &str) -> Progress {
        match kind {
            ProgressType::Bytes => {
                self.0.begin(prefix);
                Progress::new(Bar(self.0.clone()))
            }
            _ => Progress::new(rustic_core::HiddenProgress),
        }
    }
}

#[derive(Debug)]
struct Bar(Arc<dyn Watcher>);

impl RusticProgress for Bar {
    fn is_hidden(&self) -> bool {
        false
    }
    fn set_length(&self, bytes: u64) {
        self.0.total(bytes);
    }
    fn set_title(&self, title: &str) {
        self.0.begin(title);
    }
    fn inc(&self, bytes: u64) {
        self.0.more(bytes);
    }
    fn finish(&self) {
        self.0.end();
    }
}
