//! What this machine saw last of staging paths that others can write to, one private file for
//! each seed; and beside it, one line for each thing that this machine is about to write there,
//! so that what a killed run has written is known again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use disk_prep::journal::{Intent, Witness};
use disk_prep::sys::durable::{self, Access};
use rustix::fs::{FlockOperation, flock};
use uuid::Uuid;

use super::door::Memory;
use super::pin::{Intended, Pin, SeedPin};
use super::seed::Seed;
use crate::state::{State, StateError, io_at};

/// The pin of one seed, held against other runs of this machine.
#[derive(Debug)]
pub struct PinBook {
    path: PathBuf,
    log: File,
    log_path: PathBuf,
}

impl State {
    fn pins(&self) -> PathBuf {
        self.folder().join("pins")
    }

    fn pin_path(&self, id: Uuid) -> PathBuf {
        self.pins().join(format!("{id}.json"))
    }

    /// Whether a seed was pinned here.
    pub fn has_pin(&self, id: Uuid) -> Result<bool, StateError> {
        let path = self.pin_path(id);
        path.try_exists().map_err(io_at(&path))
    }

    /// The pin of a seed, until the value is dropped.
    pub fn pin(&self, id: Uuid) -> Result<PinBook, StateError> {
        let path = self.pin_path(id);
        let log_path = path.with_extension("log");
        self.make_folder(&self.pins(), Access::Private)?;
        let log = open_log(&log_path).map_err(io_at(&log_path))?;
        Ok(PinBook { path, log, log_path })
    }

    /// The pins of other seeds at a staging path.
    pub fn pins_at(&self, staging: &Path, own: Option<Uuid>) -> Result<Vec<Pin>, StateError> {
        let mut pins = Vec::new();
        for path in self.records_in(&self.pins())? {
            if let Some(pin) = read(&path)?
                && pin.staging == staging
                && Some(pin.seed.id) != own
            {
                pins.push(pin);
            }
        }
        Ok(pins)
    }

    /// Forgets the pin of a seed that is there no more.
    pub fn forget_pin(&self, id: Uuid) -> Result<(), StateError> {
        for path in [self.pin_path(id), self.pin_path(id).with_extension("log")] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_at(&path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl PinBook {
    /// What was pinned.
    pub fn pin(&self) -> Result<Option<Pin>, StateError> {
        read(&self.path)
    }

    /// What this machine has meant to write since.
    pub fn intended(&mut self) -> Result<Vec<Intended>, StateError> {
        let mut text = String::new();
        self.log
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.log.read_to_string(&mut text))
            .map_err(io_at(&self.log_path))?;
        // A line that a kill tore was never followed by what it tells.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Pins anew; what was meant to be written and is not there yet stands in the pin by now.
    pub fn keep(&self, pin: &Pin) -> Result<(), StateError> {
        let text = serde_json::to_vec_pretty(pin).map_err(io::Error::from);
        text.and_then(|text| durable::write(&self.path, &text, Access::Private))
            .map_err(io_at(&self.path))?;
        self.log.set_len(0).and_then(|()| self.log.sync_all()).map_err(io_at(&self.log_path))
    }
}

fn read(path: &Path) -> Result<Option<Pin>, StateError> {
    let at = |source| StateError::Pin { path: path.to_owned(), source };
    let text = match durable::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(at)?,
    };
    let pin: Pin = serde_json::from_slice(&text).map_err(|error| at(error.into()))?;
    if !pin.is_known() {
        let version = pin.version;
        return Err(at(io::Error::other(format!("it has version {version}, of a newer azseed"))));
    }
    Ok(Some(pin))
}

/// Opens the list of what is about to be written; nobody else has it until it is closed.
fn open_log(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let log = options.read(true).append(true).create(true).mode(0o600).open(path)?;
    flock(&log, FlockOperation::LockExclusive)?;
    Ok(log)
}

/// Notes what this machine writes into a staging path, before it does.
#[derive(Debug)]
pub struct PinWriter {
    state: State,
    staging: PathBuf,
    seed: OnceLock<Uuid>,
}

impl PinWriter {
    /// For the staging path at this place, and its seed if it has one already.
    pub fn new(state: State, staging: PathBuf, seed: Option<Uuid>) -> Self {
        let own = OnceLock::new();
        if let Some(id) = seed {
            own.get_or_init(|| id);
        }
        PinWriter { state, staging, seed: own }
    }

    fn note(&self, id: Uuid, intended: &Intended) -> io::Result<()> {
        let path = self.state.pin_path(id).with_extension("log");
        let at =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut line = serde_json::to_vec(intended)?;
        line.push(b'\n');
        let mut log = open_log(&path).map_err(at)?;
        // After a line that a kill tore.
        let mut last = [b'\n'];
        if log.seek(SeekFrom::End(0)).map_err(at)? > 0 {
            log.seek(SeekFrom::End(-1)).and_then(|_| log.read_exact(&mut last)).map_err(at)?;
        }
        if last != [b'\n'] {
            line.insert(0, b'\n');
        }
        log.write_all(&line).and_then(|()| log.sync_data()).map_err(at)
    }
}

impl Witness for PinWriter {
    fn tell(&self, intent: &Intent<'_>) -> io::Result<()> {
        let Some(&id) = self.seed.get() else { return Ok(()) };
        let intended = match *intent {
            Intent::Record { first, bytes, mark } => {
                Intended::Record { first: first.to_owned(), bytes, mark: mark.to_owned() }
            }
            Intent::Plan { name, sha256 } => {
                Intended::Plan { name: name.to_owned(), sha256: *sha256 }
            }
            Intent::Retire { first } => Intended::Retire { first: first.to_owned() },
        };
        self.note(id, &intended)
    }
}

impl Memory for PinWriter {
    fn seed(&self, seed: &Seed) -> io::Result<()> {
        let id = *self.seed.get_or_init(|| seed.id);
        let other = |error: StateError| io::Error::other(error);
        if self.state.has_pin(id).map_err(other)? {
            return self.note(id, &Intended::Seed(Box::new(SeedPin::of(seed))));
        }
        let book = self.state.pin(id).map_err(other)?;
        book.keep(&Pin::begin(self.staging.clone(), seed)).map_err(other)
    }
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::{Diagnose, ErrorKind};

    use super::*;

    fn seed() -> Seed {
        let text = serde_json::json!({
            "version": 1, "id": Uuid::nil(), "origin": "written", "kind": "repository",
            "state": "finished", "data": "repo", "job": "job-1", "storage_account": "seedaccount",
            "container": "seed", "prefix": "", "resource_group": "backup",
            "subscription": "00000000-0000-0000-0000-000000000000",
            "begun_at": "1970-01-01T00:00:00Z",
        });
        Seed::parse(Path::new("seed.json"), text.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_is_meant_is_kept_before_it_is_done_and_a_torn_line_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(&folder.path().join("state"))).unwrap();
        let writer = PinWriter::new(state.clone(), "/s".into(), None);
        let record = |bytes| Intent::Record { first: "aa", bytes, mark: "bb" };
        writer.tell(&record(1)).unwrap();
        assert!(!state.pins().exists(), "before the seed there is nothing to know");
        writer.seed(&seed()).unwrap();
        assert!(state.has_pin(Uuid::nil()).unwrap());
        writer.tell(&record(10)).unwrap();
        let log = state.pin_path(Uuid::nil()).with_extension("log");
        OpenOptions::new()
            .append(true)
            .open(&log)
            .unwrap()
            .write_all(b"{\"intent\":\"rec")
            .unwrap();
        writer.tell(&record(20)).unwrap();
        writer.seed(&seed()).unwrap();
        let mut book = state.pin(Uuid::nil()).unwrap();
        let intended = book.intended().unwrap();
        let ends: Vec<u64> = intended
            .iter()
            .filter_map(|one| match one {
                Intended::Record { bytes, .. } => Some(*bytes),
                _ => None,
            })
            .collect();
        assert_eq!((ends, intended.len()), (vec![10, 20], 3));
        let pin = book.pin().unwrap().unwrap();
        book.keep(&pin).unwrap();
        assert!(book.intended().unwrap().is_empty());
        assert_eq!(state.pins_at(Path::new("/s"), None).unwrap().len(), 1);
        assert!(state.pins_at(Path::new("/s"), Some(Uuid::nil())).unwrap().is_empty());

        fs::write(state.pin_path(Uuid::nil()), "{").unwrap();
        let error = book.pin().unwrap_err();
        assert_eq!((error.code(), error.kind()), ("state-pin", ErrorKind::Guard));
        drop(book);
        state.forget_pin(Uuid::nil()).unwrap();
        assert!(!state.has_pin(Uuid::nil()).unwrap());
    }
}
