//! Which blocks of a copy were written since the point that it holds, `STATE/disk-backups/NAME.run`: a
//! line for the point, then a line a block, on the disk before the block is sent. By it a round that
//! was killed is gone on with: these blocks are written again, whatever the image holds by then.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use disk_prep::sys::durable::{self, Access};

use super::error::Error;

const HEAD: &str = "azseed-run 1 ";

/// The log of the rounds since one point.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    file: File,
    known: BTreeSet<usize>,
}

fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::RunLog { path: path.clone(), source }
}

/// The blocks that a log names, if it is of this point. A torn last line was never acted upon.
fn parse(text: &str, base: &str) -> Option<BTreeSet<usize>> {
    let whole = text.get(..=text.rfind('\n')?)?;
    let mut lines = whole.lines();
    if lines.next()?.strip_prefix(HEAD)? != base {
        return None;
    }
    lines.map(|line| line.parse().ok()).collect()
}

impl RunLog {
    /// Begins a new one, in the place of any before.
    pub fn begin(path: &Path, base: &str) -> Result<Self, Error> {
        RunLog::written(path, base, BTreeSet::new())
    }

    /// One with these blocks, there whole or not at all.
    fn written(path: &Path, base: &str, known: BTreeSet<usize>) -> Result<Self, Error> {
        let blocks: String = known.iter().map(|block| format!("{block}\n")).collect();
        durable::write(path, format!("{HEAD}{base}\n{blocks}").as_bytes(), Access::Public)
            .map_err(at(path))?;
        let file = File::options().append(true).open(path).map_err(at(path))?;
        Ok(RunLog { path: path.to_owned(), file, known })
    }

    /// The one that a run before has left, if it is of this point.
    pub fn resume(path: &Path, base: &str) -> Result<Option<Self>, Error> {
        let text = match durable::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(at(path))?,
        };
        let Some(known) = std::str::from_utf8(&text).ok().and_then(|text| parse(text, base)) else {
            return Ok(None);
        };
        // Written anew, so that no torn line stands before the next.
        RunLog::written(path, base, known).map(Some)
    }

    /// Whether a block was written since the point.
    pub fn has(&self, block: usize) -> bool {
        self.known.contains(&block)
    }

    /// Says that these are going to be written.
    pub fn note(&mut self, blocks: &[usize]) -> Result<(), Error> {
        let new: Vec<usize> = blocks.iter().copied().filter(|own| !self.has(*own)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let text: String = new.iter().map(|block| format!("{block}\n")).collect();
        self.file.write_all(text.as_bytes()).map_err(at(&self.path))?;
        self.file.sync_data().map_err(at(&self.path))?;
        self.known.extend(new);
        Ok(())
    }

    /// Deletes it: a new point holds all.
    pub fn end(self) -> Result<(), Error> {
        std::fs::remove_file(&self.path).map_err(at(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("os.run");
        assert!(RunLog::resume(&path, "T1").unwrap().is_none());
        let mut log = RunLog::begin(&path, "T1").unwrap();
        log.note(&[3, 12]).unwrap();
        log.note(&[12, 7]).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"99").unwrap();
        let log = RunLog::resume(&path, "T1").unwrap().unwrap();
        assert_eq!(log.known, BTreeSet::from([3, 7, 12]));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "azseed-run 1 T1\n3\n7\n12\n");
        assert!(RunLog::resume(&path, "T2").unwrap().is_none(), "it is of another point");
        std::fs::write(&path, "azseed-run 1 T1\nthree\n").unwrap();
        assert!(RunLog::resume(&path, "T1").unwrap().is_none(), "nobody knows what it names");
        std::fs::write(&path, "azseed-run 1 T1").unwrap();
        assert!(RunLog::resume(&path, "T1").unwrap().is_none());
    }
}
