//! The crash rule: whatever prefix of the recorded writes, flushes and journal records reached the
//! medium, with and without what was not flushed, the next run ends with the same drive and says
//! the same of it.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files, say their seeds, and may fail anywhere"
)]

#[path = "../../../tests/support/chance.rs"]
mod chance;
mod failures;
mod order;
mod reads;
mod stage;

use std::path::Path;

use disk_prep::noun::Wipe;

use stage::{Deed, Memory, Stage};

/// One worker, a checkpoint after every batch.
fn small_stage(folder: &Path, wipe: Option<Wipe>) -> Stage {
    let files = [("a", 1), ("b/empty", 0), ("b/large", 14_000_000), ("c", 70_000)];
    Stage::new(folder, wipe, &files.map(|(name, bytes)| (name.to_owned(), bytes)), 1, 1)
}

/// The drive and the journal after the first `count` deeds. What is written but not flushed is
/// lost if `lost`; of the deed after them a half arrives if `torn`, of a write in whole sectors.
fn after(stage: &Stage, deeds: &[Deed], count: usize, lost: bool, torn: bool) -> (Memory, Vec<u8>) {
    let memory = stage.memory();
    let mut journal = stage.begun.clone();
    let flushed = deeds[..count].iter().rposition(|deed| matches!(deed, Deed::Flush)).unwrap_or(0);
    for (at, deed) in deeds[..count].iter().enumerate() {
        match deed {
            Deed::Write(offset, bytes) if at < flushed || !lost => memory.put(bytes, *offset),
            Deed::Discard(range) if at < flushed || !lost => memory.drop_pages(range),
            Deed::Append(bytes) => journal.extend(bytes),
            Deed::Discard(_) | Deed::Write(..) | Deed::Flush => {}
        }
    }
    match deeds.get(count) {
        Some(Deed::Write(offset, bytes)) if torn => {
            memory.put(&bytes[..bytes.len() / 2 / 512 * 512], *offset);
        }
        Some(Deed::Discard(range)) if torn => {
            memory.drop_pages(&(range.start..range.start + (range.end - range.start) / 2));
        }
        Some(Deed::Append(bytes)) if torn => journal.extend(&bytes[..bytes.len() / 2]),
        _ => {}
    }
    (memory, journal)
}

/// Tries every `step`th prefix in four ways and returns how many were tried.
fn prefixes(wipe: Option<Wipe>, step: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let stage = small_stage(folder.path(), wipe);
    let whole = stage.memory();
    let said = stage.go_on(&whole, &stage.begun);
    let digest = whole.digest();
    let deeds = std::mem::take(&mut *whole.deeds.lock().unwrap());
    let mut tried = 0;
    for count in (0..=deeds.len()).step_by(step) {
        for (lost, torn) in [(false, false), (true, false), (false, true), (true, true)] {
            let (memory, journal) = after(&stage, &deeds, count, lost, torn);
            let again = stage.go_on(&memory, &journal);
            assert_eq!(again, said, "{count} of {} deeds, {lost} {torn}", deeds.len());
            assert_eq!(memory.digest(), digest, "{count} of {} deeds, {lost} {torn}", deeds.len());
            tried += 1;
        }
    }
    tried
}

#[test]
fn every_prefix_of_a_run_on_a_blank_drive_ends_the_same() {
    assert!(prefixes(None, 1) > 100);
}

#[test]
fn a_run_over_old_data_ends_the_same_too() {
    assert!(prefixes(Some(Wipe::None), 7) > 20);
    assert!(prefixes(Some(Wipe::Zero), 11) > 20);
    assert!(prefixes(Some(Wipe::Discard), 2) > 20);
}

#[test]
fn a_drive_that_cannot_discard_after_all_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let stage = small_stage(folder.path(), Some(Wipe::Discard));
    let result = |is_deaf| {
        let mut memory = stage.memory();
        memory.is_deaf = is_deaf;
        let said = stage.go_on(&memory, &stage.begun);
        let is_discarded =
            memory.deeds.lock().unwrap().iter().any(|deed| matches!(deed, Deed::Discard(_)));
        assert_eq!(is_discarded, !is_deaf);
        (said, memory.digest())
    };
    assert_eq!(result(true), result(false));
}

/// After a checkpoint nothing that it confirmed is written again, inside a large file too.
#[test]
fn nothing_before_a_checkpoint_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let stage = small_stage(folder.path(), None);
    let whole = stage.memory();
    stage.go_on(&whole, &stage.begun);
    let deeds = std::mem::take(&mut *whole.deeds.lock().unwrap());
    let written = |deeds: &[Deed]| -> u64 {
        deeds
            .iter()
            .map(|deed| if let Deed::Write(_, bytes) = deed { bytes.len() as u64 } else { 0 })
            .sum()
    };
    let appends: Vec<usize> =
        (0..deeds.len()).filter(|&at| matches!(deeds[at], Deed::Append(_))).collect();
    assert!(appends.len() > 6, "several checkpoints: {}", appends.len());
    for at in appends {
        let (memory, journal) = after(&stage, &deeds, at + 1, true, false);
        stage.go_on(&memory, &journal);
        let again = std::mem::take(&mut *memory.deeds.lock().unwrap());
        assert_eq!(written(&again), written(&deeds[at + 1..]), "after deed {at}");
    }
}
