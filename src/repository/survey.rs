//! A look at the sources before anything is written: what they hold, and what the patterns do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::account::SourceTotals;
use super::backup::BackupPlan;
use super::error::Error;
use super::filter::{Choice, Filter};

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What each source holds of what is taken.
    pub sources: Vec<SourceTotals>,
    /// Patterns that leave nothing out.
    pub idle_patterns: Vec<String>,
    /// Sources that hold files, and nothing is left of them.
    pub emptied: Vec<PathBuf>,
}

/// Walks the sources of a plan and reads no file. What cannot be read counts as not there; the
/// backup itself tells it.
pub fn survey(plan: &BackupPlan) -> Result<Survey, Error> {
    plan.check_names()?;
    let filter = Arc::new(Filter::new(&plan.choice, &plan.never)?);
    let unfiltered = Arc::new(Filter::new(&Choice::default(), &plan.never)?);
    let mut seen = Survey { sources: Vec::new(), idle_patterns: Vec::new(), emptied: Vec::new() };
    for path in &plan.sources {
        let totals = totals_of(path, &filter);
        if totals.files == 0 && has_file(path, &unfiltered) {
            seen.emptied.push(path.clone());
        }
        seen.sources.push(totals);
    }
    seen.idle_patterns = filter.unmatched();
    Ok(seen)
}

fn totals_of(path: &Path, filter: &Arc<Filter>) -> SourceTotals {
    let mut totals = SourceTotals { path: path.to_owned(), files: 0, bytes: 0 };
    if !filter.takes(path, path.is_dir()) {
        return totals;
    }
    for entry in filter.walk(path).flatten() {
        let Some(kind) = entry.file_type().filter(holds_data) else { continue };
        totals.files += 1;
        if kind.is_file() {
            totals.bytes = totals.bytes.saturating_add(entry.metadata().map_or(0, |own| own.len()));
        }
    }
    totals
}

fn has_file(path: &Path, filter: &Arc<Filter>) -> bool {
    filter.walk(path).flatten().any(|entry| entry.file_type().as_ref().is_some_and(holds_data))
}

/// Of a device, a FIFO or a socket only the name is backed up.
fn holds_data(kind: &std::fs::FileType) -> bool {
    kind.is_file() || kind.is_symlink()
}
