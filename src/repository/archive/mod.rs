//! The writing side of a repository: what a walk finds, as blobs, trees and a snapshot. The library
//! of this format has one too, which makes tables anew for each file, wakes threads for each entry,
//! and copies what could stay. What it writes, and where it cuts, is the same: <https://restic.readthedocs.io/en/stable/100_references.html>.

mod cutter;
mod files;
mod former;
mod known;
mod packs;
mod sealer;
mod steps;
#[cfg(test)]
mod tests;
mod trees;

use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::thread;

use jiff::{Unit, Zoned};
use rustic_core::repofile::{BlobType, SnapshotFile, SnapshotSummary};
use rustic_core::{FileType, OpenStatus, TreeId, WriteBackend};

use super::repo::Library;
use super::source::Sources;
use cutter::Cutter;
use files::Files;
use former::{Former, Was};
use known::Known;
use packs::{Added, Packs, Writer};
use sealer::Sealer;
use steps::{Step, Steps};
use trees::Trees;

/// Steps that are taken together, at most, and bytes of the files among them.
const BURST_STEPS: usize = 2048;
const BURST_BYTES: u64 = 64 << 20;

/// Backs up what the sources hold, into the snapshot that is returned. Of its parents nothing is read
/// again that has not changed.
pub(super) fn archive(
    inner: &rustic_core::Repository<OpenStatus>,
    (store, packs_at_once): (&dyn WriteBackend, usize),
    sources: &Sources,
    parents: &[SnapshotFile],
    mut snapshot: SnapshotFile,
) -> Library<SnapshotFile> {
    let begun = Zoned::now();
    // What it says of the command.
    let summary = snapshot.summary.take().unwrap_or_default();
    snapshot.parent = parents.first().map(|own| own.id);
    snapshot.parents = parents.iter().map(|own| own.id).collect();
    let roots: Vec<TreeId> = parents.iter().map(|own| own.tree).collect();
    let config = inner.config();
    let (cutter, sealer) = (Cutter::of(config)?, Sealer::of(&inner.key(), config)?);
    let known = Known::read(inner)?;
    let progress = inner.progress_bytes("backing up...");
    progress.set_length(sources.bytes);
    let former = Former::new(&roots, |id| known.tree(store, &sealer, id));
    let (sender, receiver) = sync_channel(1);
    let writer = Writer::new(store, &sealer, receiver);
    let work = || -> Library<_> {
        let pack = |kind, held_bytes| {
            Packs::new(kind, config, held_bytes, (sender.clone(), packs_at_once))
        };
        let data_packs = pack(BlobType::Data, known.data.bytes);
        let tree_packs = pack(BlobType::Tree, known.trees.bytes);
        drop(sender);
        let files = Files {
            cutter: &cutter,
            sealer: &sealer,
            held: &known.data,
            packs: &data_packs,
            progress: &progress,
            rooms: Mutex::default(),
        };
        let mut trees = Trees::new(&sealer, &known.trees, &tree_packs, summary);
        walk(Steps::new(sources.entries(), former, &known.data), &files, &mut trees)?;
        let was = roots.first().map_or(Was::New, |root| Was::Same(*root));
        let root = trees.finish(was)?;
        let mut summary = trees.summary;
        count(&mut summary, data_packs.finish()?, tree_packs.finish()?);
        Ok((root, summary))
    };
    let (worked, written) = thread::scope(|scope| {
        let written = scope.spawn(|| writer.run(packs_at_once));
        let worked = work();
        (worked, written.join())
    });
    // If a pack could not be written, that is why no more was done.
    written.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let (root, mut summary) = worked?;
    time(&mut summary, begun, &snapshot.time);
    (snapshot.tree, snapshot.summary) = (root, Some(summary));
    snapshot.id = packs::save(store, &sealer, FileType::Snapshot, &snapshot)?.into();
    progress.finish();
    Ok(snapshot)
}

/// Takes all steps: while what was found is read, the walk goes on.
fn walk(mut steps: Steps<'_>, files: &Files<'_>, trees: &mut Trees<'_>) -> Library<()> {
    let mut burst = take(&mut steps);
    while !burst.is_empty() {
        let (filled, next) = rayon::join(|| files.fill(&mut burst), || take(&mut steps));
        filled?;
        burst.into_iter().try_for_each(|step| trees.take(step))?;
        burst = next;
    }
    Ok(())
}

/// The next steps.
fn take(steps: &mut Steps<'_>) -> Vec<Step> {
    let (mut burst, mut bytes) = (Vec::new(), 0);
    while burst.len() < BURST_STEPS && bytes < BURST_BYTES {
        let Some(step) = steps.next() else { break };
        if let Step::Pass(_, Some(open), _) = &step {
            bytes += open.bytes();
        }
        burst.push(step);
    }
    burst
}

fn count(summary: &mut SnapshotSummary, data: Added, trees: Added) {
    summary.data_blobs = data.blobs;
    summary.data_added_files = data.bytes;
    summary.data_added_files_packed = data.packed_bytes;
    summary.tree_blobs = trees.blobs;
    summary.data_added_trees = trees.bytes;
    summary.data_added_trees_packed = trees.packed_bytes;
    summary.data_added = data.bytes + trees.bytes;
    summary.data_added_packed = data.packed_bytes + trees.packed_bytes;
}

/// Says how long it took until now.
fn time(summary: &mut SnapshotSummary, begun: Zoned, of_snapshot: &Zoned) {
    let end = Zoned::now();
    let seconds = |from: &Zoned| end.since(from).and_then(|span| span.total(Unit::Second));
    summary.backup_duration = seconds(&begun).unwrap_or_default();
    summary.total_duration = seconds(of_snapshot).unwrap_or_default();
    (summary.backup_start, summary.backup_end) = (begun, end);
}
