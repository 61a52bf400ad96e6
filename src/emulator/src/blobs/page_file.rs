//! The files that keep page maps, `….pages`: a line for each change is added before the content
//! changes, and the whole is written anew when a map is first looked at. Without such a file the
//! pages are those that hold data on disk.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use disk_prep::limits::PAGE_BYTES;
use disk_prep::sys::durable::{self, Access};
use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::pages::{PageMap, PageState, Stretch, cut_line, line};

/// The maps that were looked at.
#[derive(Debug, Default)]
pub(super) struct Maps(HashMap<PathBuf, PageMap>);

impl Maps {
    /// The map of a content.
    pub fn map(&mut self, path: &Path, content: &File) -> io::Result<&mut PageMap> {
        if !self.0.contains_key(path) {
            let map = match fs::read_to_string(path) {
                Ok(text) => PageMap::parse(&text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => on_disk(content)?,
                Err(error) => return Err(error),
            };
            self.keep(path, map)?;
        }
        Ok(self.0.entry(path.to_owned()).or_default())
    }

    /// Begins a map with written pages.
    pub fn begin(&mut self, path: &Path, pages: &[(u64, u64)], epoch: u64) -> io::Result<()> {
        let mut map = PageMap::default();
        for (start, end) in pages {
            let (start, end) = (start - start % PAGE_BYTES, end.next_multiple_of(PAGE_BYTES));
            map.set(Stretch { start, end, state: PageState::Written }, epoch);
        }
        self.keep(path, map)
    }

    /// Keeps a whole map.
    pub fn keep(&mut self, path: &Path, map: PageMap) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        durable::write(path, map.text().as_bytes(), Access::Private)?;
        self.0.insert(path.to_owned(), map);
        Ok(())
    }

    /// Notes a change of pages.
    pub fn set(
        &mut self,
        path: &Path,
        content: &File,
        stretch: Stretch,
        epoch: u64,
    ) -> io::Result<()> {
        let map = self.map(path, content)?;
        add(path, &line(stretch, epoch))?;
        map.set(stretch, epoch);
        Ok(())
    }

    /// Notes that a content became shorter.
    pub fn cut(&mut self, path: &Path, content: &File, bytes: u64) -> io::Result<()> {
        let map = self.map(path, content)?;
        add(path, &cut_line(bytes))?;
        map.cut(bytes);
        Ok(())
    }

    /// Removes a map.
    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.0.remove(path);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Forgets what was looked at below a folder that goes away.
    pub fn forget_below(&mut self, folder: &Path) {
        self.0.retain(|path, _| !path.starts_with(folder));
    }
}

fn add(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// The stretches of a file that hold data, in whole pages.
fn on_disk(content: &File) -> io::Result<PageMap> {
    let mut map = PageMap::default();
    let mut at = 0;
    loop {
        let start = match seek(content, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(Errno::NXIO) => return Ok(map),
            Err(error) => return Err(error.into()),
        };
        at = seek(content, SeekFrom::Hole(start))?;
        let (start, end) = (start - start % PAGE_BYTES, at.next_multiple_of(PAGE_BYTES));
        map.set(Stretch { start, end, state: PageState::Written }, 0);
    }
}
