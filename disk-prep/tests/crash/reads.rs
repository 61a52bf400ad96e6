//! The rule of reads: one that fails as a share or a disk does that may come back is tried again;
//! what is left out all the same is taken up as long as the drive is not sealed; a drive without a
//! part that makes its repository readable is not sealed; and a source that became something else
//! is left out, at once, whatever it leads to.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use disk_prep::device::Device;
use disk_prep::journal::{CopyState, Journal};
use disk_prep::noun::{Diagnose, ErrorKind};
use sha2::{Digest, Sha256};

use super::failures::{Failing, Fault};
use super::stage::{Bad, Deed, Memory, Recorded, Stage};

const EIO: i32 = 5;
const ETIMEDOUT: i32 = 110;
const ESTALE: i32 = 116;
const EACCES: i32 = 13;
const ALWAYS: usize = usize::MAX;
/// Where the volume begins on a drive.
const VOLUME: u64 = 129 << 20;

fn files() -> Vec<(String, u32)> {
    [("a", 1), ("b/large", 14_000_000), ("c", 70_000), ("config", 300)]
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .to_vec()
}

fn bad(source: &'static str, from: u64, times: usize, error: i32) -> Bad {
    Bad { source, from, times, error }
}

/// The journal that a run on this drive has written, behind what it began with.
fn journal(stage: &Stage, memory: &Memory) -> Vec<u8> {
    let deeds = std::mem::take(&mut *memory.deeds.lock().unwrap());
    let appended = deeds.into_iter().filter_map(|deed| match deed {
        Deed::Append(bytes) => Some(bytes),
        _ => None,
    });
    [stage.begun.clone()].into_iter().chain(appended).collect::<Vec<_>>().concat()
}

/// What a run without a fault says, and the drive that it leaves.
fn whole(stage: &Stage) -> ((String, u64), [u8; 32]) {
    let memory = stage.memory();
    let said = stage.go_on(&memory, &stage.begun);
    stage.world.opened.lock().unwrap().clear();
    (said, memory.digest())
}

#[test]
fn a_read_that_fails_for_a_while_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None, &files(), 1, 1);
    let (said, digest) = whole(&stage);
    for (source, from) in [("c", 0), ("b/large", 9 << 20)] {
        for (error, times) in [(EIO, 3), (ETIMEDOUT, 1), (ESTALE, 2)] {
            *stage.world.bad.lock().unwrap() = vec![bad(source, from, times, error)];
            let memory = stage.memory();
            assert_eq!(stage.go_on(&memory, &stage.begun), said, "{source} {error}");
            assert_eq!(memory.digest(), digest, "{source} {error}");
            let waits: Vec<u128> =
                stage.world.waits.lock().unwrap().drain(..).map(|time| time.as_millis()).collect();
            assert_eq!(waits, [200, 1000, 4000][..times], "{source} {error}");
            let opened: Vec<_> = stage.world.opened.lock().unwrap().drain(..).collect();
            let count = opened.iter().filter(|path| *path == Path::new(source)).count();
            assert_eq!(count, 1 + times, "it is opened anew for each try: {opened:?}");
        }
    }
}

#[test]
fn a_read_that_fails_for_good_is_not_waited_for_and_one_that_goes_on_failing_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None, &files(), 1, 1);
    let ((_, count), _) = whole(&stage);
    *stage.world.bad.lock().unwrap() = vec![bad("c", 0, ALWAYS, EACCES)];
    assert_eq!(stage.go_on(&stage.memory(), &stage.begun).1, count - 1);
    assert_eq!(stage.world.waits.lock().unwrap().len(), 0);
    *stage.world.bad.lock().unwrap() = vec![bad("b/large", 5 << 20, ALWAYS, EIO)];
    assert_eq!(stage.go_on(&stage.memory(), &stage.begun).1, count - 1);
    let waits = stage.world.waits.lock().unwrap().len();
    assert_eq!(waits, 6, "the pass waits, and once more when all else is done");
}

#[test]
fn a_file_that_was_left_out_is_taken_up_before_the_seal_and_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None, &files(), 1, 1);
    let (said, digest) = whole(&stage);
    // Four tries in the pass; the second look of the same run can read it.
    for source in ["a", "b/large"] {
        *stage.world.bad.lock().unwrap() = vec![bad(source, 0, 4, EIO)];
        let memory = stage.memory();
        assert_eq!(stage.go_on(&memory, &stage.begun), said, "{source}");
        assert_eq!(memory.digest(), digest, "{source}");
    }
    // The drive fails later on in the pass, at any of its writes; the next run can read it.
    let writes = {
        let memory = stage.memory();
        stage.go_on(&memory, &stage.begun);
        let deeds = memory.deeds.lock().unwrap();
        deeds.iter().filter(|deed| matches!(deed, Deed::Write(..))).count()
    };
    let mut filled = 0;
    for (source, from) in [("a", 0), ("b/large", 9 << 20)] {
        for write in 0..writes {
            *stage.world.bad.lock().unwrap() = vec![bad(source, from, ALWAYS, EIO)];
            let memory = stage.memory();
            let drive = Failing::new(&memory, Fault::Write(write));
            let failed = stage.run(&drive, &memory.deeds, &stage.begun);
            stage.world.bad.lock().unwrap().clear();
            let Err(error) = failed else { continue };
            assert_eq!(error.code(), "drive-write-failed");
            let journal = journal(&stage, &memory);
            if state(&journal) == CopyState::Begun {
                continue;
            }
            filled += usize::from(state(&journal) == CopyState::Filled);
            assert_eq!(stage.go_on(&memory, &journal), said, "{source}, write {write}");
            assert_eq!(memory.digest(), digest, "{source}, write {write}");
        }
    }
    assert!(filled >= 5, "each write of the seal: {filled}");
}

/// A drive that was filled without a file and may be a volume already is filled with it: at no
/// moment of that is it a volume, and it can be cut off at each.
#[test]
fn a_filled_drive_that_takes_up_a_file_is_no_volume_while_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None, &files(), 1, 1);
    let (said, digest) = whole(&stage);
    *stage.world.bad.lock().unwrap() = vec![bad("b/large", 9 << 20, ALWAYS, EIO)];
    let sealed = stage.memory();
    stage.go_on(&sealed, &stage.begun);
    stage.world.bad.lock().unwrap().clear();
    // All of the seal is on the drive, and not a word of it in the journal.
    let whole_journal = journal(&stage, &sealed);
    let lines: Vec<&[u8]> = whole_journal.split_inclusive(|&byte| byte == b'\n').collect();
    let journal = lines[..lines.len() - 1].concat();
    assert_eq!((state(&whole_journal), state(&journal)), (CopyState::Sealed, CopyState::Filled));
    let first = |memory: &Memory| {
        let mut sector = [0; 512];
        memory.read_at(&mut sector, VOLUME).unwrap();
        sector
    };
    assert_ne!(first(&sealed), [0; 512], "it is a volume");
    let again = sealed.again();
    assert_eq!(stage.go_on(&again, &journal), said);
    assert_eq!(again.digest(), digest);
    let deeds = std::mem::take(&mut *again.deeds.lock().unwrap());
    let is_first = |deed: &Deed| matches!(deed, Deed::Write(at, _) if *at == VOLUME);
    let firsts: Vec<usize> = (0..deeds.len()).filter(|&at| is_first(&deeds[at])).collect();
    assert_eq!((firsts[0], firsts.len()), (0, 2), "it is unmade first, and made last");
    assert!(matches!(deeds[1], Deed::Flush), "before anything else is written");
    for count in 0..=deeds.len() {
        let memory = sealed.again();
        let mut kept = journal.clone();
        for deed in &deeds[..count] {
            match deed {
                Deed::Write(at, bytes) => memory.put(bytes, *at),
                Deed::Append(bytes) => kept.extend(bytes),
                Deed::Discard(_) | Deed::Flush => {}
            }
        }
        let is_volume = first(&memory) != [0; 512];
        assert_eq!(is_volume, count == 0 || count > firsts[1], "after {count} deeds");
        assert_eq!(stage.go_on(&memory, &kept), said, "after {count} deeds");
        assert_eq!(memory.digest(), digest, "after {count} deeds");
    }
}

fn state(journal: &[u8]) -> CopyState {
    let ledger = Box::new(Recorded::new(Arc::new(Mutex::default())));
    let (journal, _) = Journal::go_on(Path::new("journal"), journal, ledger).unwrap();
    journal.unwrap().history().state
}

#[test]
fn a_drive_without_what_makes_its_repository_readable_is_not_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::repository(folder.path(), &files(), &["config", "b"]);
    let (said, digest) = whole(&stage);
    for (source, from) in [("config", 0), ("b/large", 9 << 20)] {
        *stage.world.bad.lock().unwrap() = vec![bad(source, from, ALWAYS, EIO)];
        let memory = stage.memory();
        let error = stage.run(&memory, &memory.deeds, &stage.begun).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("repository-incomplete", ErrorKind::Resumable));
        let named = format!("\\job-1\\{}: it cannot be read", source.replace('/', "\\"));
        assert!(error.to_string().contains(&named), "{error}");
        let journal = journal(&stage, &memory);
        assert_eq!(state(&journal), CopyState::Labelled);
        // Still unreadable: still not sealed. Then it can be read.
        assert!(stage.run(&memory, &Arc::default(), &journal).is_err());
        stage.world.bad.lock().unwrap().clear();
        assert_eq!(stage.go_on(&memory, &journal), said, "{source}");
        assert_eq!(memory.digest(), digest, "{source}");
    }
    // A pack is no such part: the drive is sealed, and says one file less.
    *stage.world.bad.lock().unwrap() = vec![bad("c", 0, ALWAYS, EIO)];
    assert_eq!(stage.go_on(&stage.memory(), &stage.begun).1, said.1 - 1);
}

#[test]
fn a_source_that_became_something_else_is_left_out_without_a_wait() {
    for kind in ["link", "fifo", "folder", "folder-link", "replaced"] {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage::new(folder.path(), None, &files(), 1, 1);
        let (source, outside) = (folder.path().join("source"), folder.path().join("outside"));
        fs::create_dir(&outside).unwrap();
        // The same length and time: only the way to it tells that it is another.
        let twin = outside.join("large");
        let planned = source.join("b/large");
        fs::write(&twin, vec![b'S'; 14_000_000]).unwrap();
        let times =
            fs::FileTimes::new().set_modified(fs::metadata(&planned).unwrap().modified().unwrap());
        fs::File::options().write(true).open(&twin).unwrap().set_times(times).unwrap();
        match kind {
            "folder-link" => {
                fs::rename(source.join("b"), folder.path().join("away")).unwrap();
                symlink(&outside, source.join("b")).unwrap();
            }
            "replaced" => fs::write(&planned, vec![b'S'; 14_000_000]).unwrap(),
            _ => {
                fs::remove_file(&planned).unwrap();
                match kind {
                    "link" => symlink(&twin, &planned).unwrap(),
                    "fifo" => fifo(&planned),
                    _ => fs::create_dir(&planned).unwrap(),
                }
            }
        }
        let memory = stage.memory();
        assert_eq!(stage.go_on(&memory, &stage.begun).1, 3, "{kind}");
        assert_eq!(stage.world.waits.lock().unwrap().len(), 0, "{kind}");
        let said = String::from_utf8(journal(&stage, &memory)).unwrap();
        let reason = match kind {
            "link" => "it is a symbolic link, not a file",
            "fifo" => "it is a FIFO, a socket or a device, not a file",
            "folder" => "it is a folder, not a file",
            "folder-link" => "it is a symbolic link, not a folder",
            _ => "it was modified after it was planned",
        };
        let code = if kind == "replaced" { "file-modified" } else { "file-not-regular" };
        assert!(said.contains(reason) && said.contains(code), "{kind}: {said}");
    }
}

/// A drive of which one read goes wrong, the first after so many writes: it fails, or a bit is
/// another.
#[derive(Debug)]
struct Misread<'a> {
    memory: &'a Memory,
    writes_left: AtomicUsize,
    fails: bool,
    reads_left: AtomicUsize,
}

impl Device for Misread<'_> {
    fn size(&self) -> u64 {
        self.memory.size()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.memory.read_at(buffer, offset)?;
        if self.writes_left.load(Ordering::Relaxed) == 0
            && self.reads_left.swap(0, Ordering::Relaxed) > 0
        {
            if self.fails {
                return Err(io::Error::from_raw_os_error(EIO));
            }
            buffer[0] ^= 1;
        }
        Ok(())
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        self.writes_left.fetch_sub(1, Ordering::Relaxed);
        self.memory.write_at(buffer, offset)
    }
    fn flush(&self) -> io::Result<()> {
        self.memory.flush()
    }
}

#[test]
fn a_drive_that_cannot_be_read_back_or_reads_back_another_bit_is_not_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None, &files(), 1, 1);
    let memory = stage.memory();
    let said = stage.go_on(&memory, &stage.begun);
    let digest = memory.digest();
    let deeds = memory.deeds.lock().unwrap();
    let writes = deeds.iter().filter(|deed| matches!(deed, Deed::Write(..))).count();
    for (fails, code) in [(true, "drive-read-failed"), (false, "drive-read-back")] {
        let memory = stage.memory();
        let (writes_left, reads_left) = (AtomicUsize::new(writes), AtomicUsize::new(1));
        let drive = Misread { memory: &memory, writes_left, fails, reads_left };
        let error = stage.run(&drive, &memory.deeds, &stage.begun).unwrap_err();
        assert_eq!((error.code(), error.kind()), (code, ErrorKind::Resumable));
        assert!(error.is_of_the_drive());
        let journal = journal(&stage, &memory);
        assert_ne!(state(&journal), CopyState::Sealed);
        assert_eq!(stage.go_on(&memory, &journal), said, "{code}");
        assert_eq!(memory.digest(), digest, "{code}");
    }
}

/// The records of a journal after `change`, each line with the mark that the format asks for.
fn forged(journal: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut chain = [0; 32];
    let line = |line: &str| {
        let record = change(line.split_once(' ').unwrap().1);
        chain = Sha256::new().chain_update(chain).chain_update(&record).finalize().into();
        let mark: String = chain[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{mark} {record}\n").into_bytes()
    };
    std::str::from_utf8(journal).unwrap().lines().flat_map(line).collect()
}

#[test]
fn a_manifest_that_would_not_say_what_was_planned_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None, &files(), 1, 1);
    let memory = stage.memory();
    stage.go_on(&memory, &stage.begun);
    let whole = journal(&stage, &memory);
    let is_of_the_pass = |line: &&[u8]| {
        ["begun", "labelled", "progress"].iter().any(|name| {
            let name = format!("\"record\":\"{name}\"");
            line.windows(name.len()).any(|word| word == name.as_bytes())
        })
    };
    let lines = whole.split_inclusive(|byte| *byte == b'\n').filter(is_of_the_pass);
    let unsealed = lines.collect::<Vec<_>>().concat();
    assert_eq!(state(&unsealed), CopyState::Labelled);
    assert_eq!(forged(&unsealed, str::to_owned), unsealed, "the marks are as the format says");
    // Of a file of four blocks the digest of none: its one digest would stand for the first.
    let lost = forged(&unsealed, |record| {
        let mut parts = record.split(",\"blocks\":\"");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |text, part| text + part.split_once('"').unwrap().1)
    });
    assert_ne!(lost, unsealed);
    let drive = memory.again();
    let error = stage.run(&drive, &drive.deeds, &lost).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("manifest-unreadable", ErrorKind::Difference));
    assert!(drive.digest() == memory.digest(), "nothing was written");
}

fn fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn a_drive_whose_sources_are_no_longer_one_whole_is_not_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), None, &files(), 1, 1);
    let (said, digest) = whole(&stage);
    *stage.world.changed.lock().unwrap() = Some("it had 2 packs, and has 1".to_owned());
    let memory = stage.memory();
    let error = stage.run(&memory, &memory.deeds, &stage.begun).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("repository-changed", ErrorKind::Guard));
    assert!(error.to_string().contains("it had 2 packs"), "{error}");
    let mut sector = [0; 512];
    memory.read_at(&mut sector, VOLUME).unwrap();
    assert_eq!(sector, [0; 512], "it is no volume");
    let journal = journal(&stage, &memory);
    assert_eq!(state(&journal), CopyState::Filled);
    assert!(stage.run(&memory, &Arc::default(), &journal).is_err(), "nor is it by the next run");
    *stage.world.changed.lock().unwrap() = None;
    assert_eq!(stage.go_on(&memory, &journal), said);
    assert_eq!(memory.digest(), digest);
}
