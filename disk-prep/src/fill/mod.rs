//! The one pass: source files are read once, hashed, encrypted and written once, at their final
//! place. Workers prepare batches in memory; one writer per drive puts them on the device and
//! keeps the journal. Memory is a fixed number of buffers, whatever the drive's size.

mod batch;
mod batch_load;
mod fault;
mod hall;
mod options;
mod pass;
mod sink;
mod source;
mod stream;
mod target;
mod worker;
mod writer;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::thread::{self, Builder};

pub use fault::Fault;
pub use options::{CHECKPOINT_BYTES, FillOptions, Hall};
pub use pass::{BOOT_BYTES, Pass, place_in_runs};
pub use sink::FileSink;
pub use target::Target;

use crate::journal::{History, Journal};
use crate::monitor::{Event, Monitor, Step};
use crate::world::World;
use batch_load::Ahead;
use source::{Root, Source};
use worker::{Queue, Worker};
use writer::{Pending, Writer};

/// Whether files were left out that can be read now, so that [`fill`] would take them up.
pub fn can_retake(
    root: &Path,
    target: &Target<'_>,
    journal: &Journal,
    options: &FillOptions,
    world: &dyn World,
) -> bool {
    let root = &Root::new(root, world, &options.stop);
    !retaken(root, target.pass, journal.history()).is_empty()
}

/// The segments of files that were left out and are as they were planned now.
fn retaken<'a>(root: &'a Root<'a>, pass: &'a Pass<'a>, history: &History) -> BTreeSet<u64> {
    let is_left_out = |segment: u64, index: usize| {
        let stream = history.streams.get(&segment);
        history.files.is_left_out(index) || stream.is_some_and(|stream| stream.left_out.is_some())
    };
    (0..pass.len())
        .filter_map(|number| Some((number as u64, pass.file(number)?)))
        .filter(|(segment, (index, _))| is_left_out(*segment, *index))
        .filter(|(_, (_, file))| Source::open(root, &file.unpack()).is_ok())
        .map(|(segment, _)| segment)
        .collect()
}

/// Fills the volume with everything of the pass that the journal does not know to be there. Files
/// that were left out and can be read now are taken up.
pub fn fill(
    root: &Path,
    target: &Target<'_>,
    journal: &mut Journal,
    options: &FillOptions,
    world: &dyn World,
    monitor: &dyn Monitor,
) -> Result<(), Fault> {
    let pass = target.pass;
    let root = &Root::new(root, world, &options.stop);
    let retaken = retaken(root, pass, journal.history());
    let finished = journal.history().finished.clone();
    let is_done = |segment: u64| finished.contains(segment) && !retaken.contains(&segment);
    let mut begun = journal.history().streams.clone();
    // A stream of a file that was left out begins anew if it is taken up.
    begun.retain(|segment, stream| {
        !is_done(*segment) && (stream.left_out.is_none() || !retaken.contains(segment))
    });
    let done = (0..pass.len()).filter(|&number| is_done(number as u64));
    let left = (0..pass.len()).filter(|&number| !is_done(number as u64));
    let done_bytes = done.map(|number| pass.bytes(number)).sum::<u64>()
        + begun.values().map(|stream| stream.done_bytes).sum::<u64>();
    let (drive, total_bytes) = (target.serial, pass.total_bytes());
    monitor.event(&Event::StepStarted { drive, step: Step::Fill, done_bytes, total_bytes });
    let (queue, abort) = (Queue::new(left), AtomicBool::new(false));
    thread::scope(|scope| {
        let made = |source| {
            abort.store(true, Ordering::Relaxed);
            Fault::Thread { source }
        };
        let (full_in, full) = sync_channel(options.workers * options.batches_per_worker);
        let (mut empty, ahead) = (Vec::new(), Ahead::default());
        // All are waited for from the beginning, also those whose thread comes last.
        let members: Vec<_> = (0..options.workers).map(|_| options.hall.join()).collect();
        for (number, member) in members.into_iter().enumerate() {
            let (back, own) = channel();
            empty.push(back);
            let (begun, queue, abort, full) = (&begun, &queue, &abort, full_in.clone());
            let worker = Worker {
                number,
                made: Cell::new(0),
                pass,
                root,
                target,
                options,
                begun,
                queue,
                abort,
                empty: own,
                full,
                member,
                ahead: ahead.clone(),
            };
            Builder::new().spawn_scoped(scope, move || worker.run()).map_err(made)?;
        }
        drop(full_in);
        let pending = Pending::default();
        let writer = Writer {
            target,
            options,
            journal,
            monitor,
            empty,
            ahead,
            done_bytes,
            total_bytes,
            pending,
        };
        let written = writer.run(&full, || abort.store(true, Ordering::Relaxed));
        // Workers that wait to hand something over must hear that nobody takes it any more.
        drop(full);
        written
    })?;
    monitor.event(&Event::StepFinished { drive, step: Step::Fill });
    Ok(())
}
