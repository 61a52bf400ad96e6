//! Loop devices: block devices that the kernel makes of files, or of other block devices. Which
//! there are, and what each is made of; in both directions, since a file and the device over it
//! are two names of one medium.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::file_id::FileId;
use super::kernel::Kernel;
use super::reading::{bytes, children, is_absent, unreadable};
use super::tables::{path_of, unescape};
use crate::sys::loops::{Backing, backing};

/// What the kernel adds to the name of a file that was removed.
const DELETED: &[u8] = b" (deleted)";

/// A loop device that something is attached to.
pub(super) struct Loop {
    /// Kernel name.
    pub name: String,
    /// Its folder in `/sys/block`.
    pub folder: PathBuf,
    /// What the kernel calls the file that it is made of.
    path: Vec<u8>,
    /// The numbers of that file, for who may ask.
    backing: Option<Backing>,
}

/// All that are attached.
pub(super) fn attached(kernel: &Kernel) -> Result<Vec<Loop>, Error> {
    let mut loops = Vec::new();
    for folder in children(&kernel.root().join("sys/block"))? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = folder.join("loop/backing_file");
        if !name.starts_with("loop") {
            continue;
        }
        let (text, backing) = match (bytes(&path), ask(kernel, &name)?) {
            (Ok(None), None) => continue,
            (Ok(Some(text)), backing) => (text, backing),
            // It tells by its numbers what it is made of.
            (Ok(None) | Err(_), Some(backing)) => (Vec::new(), Some(backing)),
            (Err(error), None) => return Err(error),
        };
        let path = text.strip_suffix(b"\n").unwrap_or(&text).to_owned();
        // Both are empty while it is being detached.
        if !path.is_empty() || backing.is_some() {
            loops.push(Loop { name, folder, path, backing });
        }
    }
    Ok(loops)
}

/// The device's own word; `None` for who may not ask.
fn ask(kernel: &Kernel, name: &str) -> Result<Option<Backing>, Error> {
    if kernel.is_recorded() {
        return Ok(None);
    }
    let node = Path::new("/dev").join(name);
    match backing(&node) {
        Ok(backing) => Ok(Some(backing)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(unreadable(&node, error)),
    }
}

impl Loop {
    /// Whether it is made of this block device.
    pub fn is_on(&self, kernel: &Kernel, name: &str, number: Option<&str>) -> bool {
        let is_number = |(major, minor)| number == Some(format!("{major}:{minor}").as_str());
        let by_node = self.backing.filter(|own| own.node != 0).is_some_and(|own| {
            is_number((rustix::fs::major(own.node), rustix::fs::minor(own.node)))
        });
        by_node
            || self.paths().iter().any(|path| {
                path.strip_prefix("/dev").is_ok_and(|own| own == Path::new(name))
                    // What leads nowhere here is told by its name alone.
                    || kernel.numbers(path).ok().flatten().is_some_and(is_number)
            })
    }

    /// Whether it is made of this file, which lies at `path`.
    pub fn is_of(&self, file: FileId, path: &Path) -> bool {
        if self.backing.is_some_and(|own| FileId::of_backing(own) == file) {
            return true;
        }
        // Of a name that leads nowhere the text counts, where nothing better is to be had.
        let is_text = |own: &PathBuf| self.backing.is_none() && own == path;
        let is_it =
            |own: &PathBuf| FileId::at(own).map_or_else(|_| is_text(own), |own| own == file);
        // What lies under the name of a removed file is another one.
        let was_it = |own: &PathBuf| FileId::at(own).is_err() && is_text(own);
        self.paths().iter().any(is_it) || self.old_paths().iter().any(was_it)
    }

    /// The plain file that it is made of, and where it lies or once lay.
    pub fn file(&self) -> Option<(PathBuf, FileId)> {
        let is_it = |file: FileId| self.backing.is_none_or(|own| FileId::of_backing(own) == file);
        let mut paths = self.paths();
        let reached = paths.iter().find_map(|path| {
            let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
            Some((path.clone(), FileId::of(&about))).filter(|(_, file)| is_it(*file))
        });
        // It may have no name here any more.
        let by_number = self.backing.filter(|own| own.node == 0).map(FileId::of_backing);
        reached.or_else(|| Some((paths.pop().unwrap_or_default(), by_number?)))
    }

    /// The block device that it is but another name of.
    pub fn node(&self, kernel: &Kernel) -> Option<PathBuf> {
        let is_node = |path: &PathBuf| kernel.numbers(path).is_ok_and(|number| number.is_some());
        let by_number = self.backing.is_some_and(|own| own.node != 0);
        let mut paths = self.paths();
        let found = paths.iter().position(is_node);
        found
            .or(by_number.then_some(0))
            .filter(|at| *at < paths.len())
            .map(|at| paths.swap_remove(at))
    }

    /// The names that the kernel's word may stand for: as it is, and with escapes undone.
    fn paths(&self) -> Vec<PathBuf> {
        let mut names = vec![self.path.clone(), unescape(&self.path)];
        names.dedup();
        names.retain(|name| name.starts_with(b"/"));
        names.iter().map(|name| path_of(name).to_owned()).collect()
    }

    /// The same without the mark of a removed file, if it has it.
    fn old_paths(&self) -> Vec<PathBuf> {
        let bytes = self.paths().into_iter().map(|path| path.into_os_string().into_vec());
        let old = bytes.filter_map(|name| name.strip_suffix(DELETED).map(<[u8]>::to_vec));
        old.map(|name| path_of(&name).to_owned()).collect()
    }
}
