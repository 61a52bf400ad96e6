//! The way from an open repository into a restore.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustic_core::Progress;

use super::super::error::Error;
use super::super::repo::{Repository, Snapshot, library};
use super::options::{RestoreOptions, Whereto};
use super::preview::{Change, preview};
use super::reading::Reader;
use super::report::RestoreDone;
use super::selection::{Selection, Start, find};
use super::walk::restore;

/// A restore that is about to begin.
struct Begun {
    reader: Reader,
    start: Start,
    selection: Selection,
    target: PathBuf,
    kept: Vec<PathBuf>,
    progress: Progress,
}

impl Repository {
    /// Writes what a snapshot holds to its place. What is there already and equal is left alone.
    pub fn restore(
        self,
        snapshot: &Snapshot,
        place: Whereto<'_>,
        options: &RestoreOptions,
    ) -> Result<RestoreDone, Error> {
        let Begun { reader, start, selection, target, kept, progress } =
            self.begin(snapshot, place, options)?;
        let done = restore(&reader, &start, &target, &selection, options, kept, &progress);
        progress.finish();
        done
    }

    /// Looks what a restore would write, and writes nothing.
    pub fn preview(
        self,
        snapshot: &Snapshot,
        place: Whereto<'_>,
        options: &RestoreOptions,
    ) -> Result<(RestoreDone, Vec<Change>), Error> {
        let Begun { reader, start, selection, target, kept, progress } =
            self.begin(snapshot, place, options)?;
        let seen = preview(&reader, &start, (&target, &kept), &selection, options, &progress);
        progress.finish();
        seen
    }

    /// Reads the index.
    pub(super) fn reader(self) -> Result<Reader, Error> {
        let Repository { inner, store, ahead, .. } = self;
        let inner = library(store.as_ref(), "Reading the repository", || inner.to_indexed())?;
        Ok(Reader::new(inner, store, ahead))
    }

    fn begin(
        self,
        snapshot: &Snapshot,
        place: Whereto<'_>,
        options: &RestoreOptions,
    ) -> Result<Begun, Error> {
        // Understood before anything is fetched.
        let selection = Selection::new(&options.include, &options.exclude);
        let selection = selection.map_err(|source| Error::Pattern { source })?;
        let progress = self.inner.progress_bytes("restoring file contents...");
        let reader = self.reader()?;
        let below = options.below.as_deref().unwrap_or(Path::new("/"));
        let start = find(&reader, snapshot.root()?, below)?;
        let mut selection = selection.only(&start);
        selection.look(&reader, &start)?;
        if let Some(nothing) = selection.nothing(options) {
            return Err(nothing);
        }
        let is_whole = selection.is_all() && start.base == Path::new("/");
        if let Some(bytes) = snapshot.bytes.filter(|_| is_whole) {
            progress.set_length(bytes);
        }
        let (target, kept) = match place {
            Whereto::Folder(folder) => (folder.to_owned(), Vec::new()),
            Whereto::InPlace => (start.base.clone(), above(&snapshot.paths)),
        };
        Ok(Begun { reader, start, selection, target, kept, progress })
    }
}

/// The folders above what was backed up.
fn above(paths: &[PathBuf]) -> Vec<PathBuf> {
    let all = paths.iter().flat_map(|path| path.ancestors().skip(1));
    all.map(Path::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}
