//! The rule of failures: what a failed write covered, and what a failed flush should have kept, is
//! never taken for done, though the drive calls every later flush good, as Linux tells an error
//! once only. The next run ends with the same drive as one without a failure.

use std::io;
use std::sync::Mutex;

use disk_prep::device::Device;
use disk_prep::noun::Diagnose;

use super::stage::{Deed, Memory, Stage};

/// What fails, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This write, counted from 0; a half of its sectors arrives.
    Write(usize),
    /// This flush; nothing arrives of what was written since the one before.
    Flush(usize),
}

/// A drive that fails once and then calls everything good.
#[derive(Debug)]
pub struct Failing<'a> {
    memory: &'a Memory,
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    writes: usize,
    flushes: usize,
    /// What lay where it was written since the last good flush.
    before: Vec<(u64, Vec<u8>)>,
    /// How many deeds there were when it failed.
    failed_at: Option<usize>,
}

impl<'a> Failing<'a> {
    /// A drive with this fault.
    pub fn new(memory: &'a Memory, fault: Fault) -> Self {
        Failing { memory, fault, state: Mutex::default() }
    }
}

impl Failing<'_> {
    fn fail(&self, state: &mut State) -> io::Result<()> {
        state.failed_at = Some(self.memory.deeds.lock().unwrap().len());
        Err(io::Error::from_raw_os_error(5))
    }
}

impl Device for Failing<'_> {
    fn size(&self) -> u64 {
        self.memory.size()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.memory.read_at(buffer, offset)
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.writes += 1;
        if self.fault == Fault::Write(state.writes - 1) {
            self.memory.put(&buffer[..buffer.len() / 2 / 512 * 512], offset);
            return self.fail(&mut state);
        }
        let mut before = vec![0; buffer.len()];
        self.memory.read_at(&mut before, offset)?;
        state.before.push((offset, before));
        self.memory.write_at(buffer, offset)
    }
    fn flush(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.flushes += 1;
        let before = std::mem::take(&mut state.before);
        if self.fault == Fault::Flush(state.flushes - 1) {
            for (offset, bytes) in before.iter().rev() {
                self.memory.put(bytes, *offset);
            }
            return self.fail(&mut state);
        }
        self.memory.flush()
    }
}

/// Lets every `step`th write and every flush of a run fail; returns how many did.
fn failures(workers: usize, files: &[(String, u32)], step: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None, files, workers, 3);
    let whole = stage.memory();
    let said = stage.go_on(&whole, &stage.begun);
    let digest = whole.digest();
    let deeds = std::mem::take(&mut *whole.deeds.lock().unwrap());
    let count = |is: fn(&Deed) -> bool| deeds.iter().filter(|deed| is(deed)).count();
    let writes = count(|deed| matches!(deed, Deed::Write(..)));
    // The order of writes and the places of checkpoints are chance with many workers, their number
    // is not.
    let flushes = count(|deed| matches!(deed, Deed::Flush));
    let faults: Vec<Fault> =
        (0..writes).step_by(step).map(Fault::Write).chain((0..flushes).map(Fault::Flush)).collect();
    for &fault in &faults {
        let memory = stage.memory();
        let drive = Failing { memory: &memory, fault, state: Mutex::default() };
        let error = stage.run(&drive, &memory.deeds, &stage.begun).unwrap_err();
        let code = match fault {
            Fault::Write(_) => "drive-write-failed",
            Fault::Flush(_) => "drive-flush-failed",
        };
        assert_eq!(error.code(), code, "{fault:?}");
        assert!(error.is_of_the_drive());
        let failed_at = drive.state.into_inner().unwrap().failed_at.unwrap();
        let deeds = std::mem::take(&mut *memory.deeds.lock().unwrap());
        let mut journal = stage.begun.clone();
        for (at, deed) in deeds.iter().enumerate() {
            if let Deed::Append(bytes) = deed {
                assert!(at < failed_at, "{fault:?}: something was called done after it");
                journal.extend(bytes);
            }
        }
        assert_eq!(stage.go_on(&memory, &journal), said, "{fault:?}");
        assert_eq!(memory.digest(), digest, "{fault:?}");
    }
    faults.len()
}

#[test]
fn nothing_that_one_worker_failed_to_write_or_flush_is_called_done() {
    let files = [("a", 1), ("b/empty", 0), ("b/large", 30_000_000), ("c", 70_000)];
    assert!(failures(1, &files.map(|(name, bytes)| (name.to_owned(), bytes)), 1) > 25);
}

#[test]
fn nothing_that_sixteen_workers_failed_to_write_or_flush_is_called_done() {
    let files: Vec<(String, u32)> =
        (0..20).map(|number| (format!("file {number}"), 4_200_000 + number * 1000)).collect();
    assert!(failures(16, &files, 5) > 15);
}
