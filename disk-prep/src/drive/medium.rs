//! An image file as a medium: by its numbers, whatever names lead to it, and who uses it under
//! any of them. Opens nothing.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::file_id::FileId;
use super::holder;
use super::kernel::Kernel;
use super::loops;
use super::reading::{plain, plain_bytes};
use super::tables::path_of;

/// What a drive's bytes lie on; two names of one medium have one in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Medium {
    /// A file.
    File(FileId),
    /// A file that is yet to be made, by its folder and its name there.
    NewFile(FileId, std::ffi::OsString),
    /// A block device, by its number.
    Node(u64),
}

/// What the drive at a path lies on; below a loop device its file too.
pub(super) fn media(kernel: &Kernel, path: &Path) -> Result<Vec<Medium>, Error> {
    let open = |source| Error::Open { path: path.to_owned(), source };
    let about = match fs::metadata(kernel.place(path)) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = FileId::at(folder_of(path)).map_err(open)?;
            let name = path.file_name().unwrap_or_default().to_owned();
            return Ok(vec![Medium::NewFile(folder, name)]);
        }
        Err(error) => return Err(open(error)),
    };
    if about.is_file() {
        return Ok(vec![Medium::File(FileId::of(&about))]);
    }
    let file = file_below(kernel, path)?.map(|(_, file)| Medium::File(file));
    Ok([Medium::Node(about.rdev())].into_iter().chain(file).collect())
}

/// The file that the loop device at a path is made of.
pub(super) fn file_below(kernel: &Kernel, path: &Path) -> Result<Option<(PathBuf, FileId)>, Error> {
    let open = |source| Error::Open { path: path.to_owned(), source };
    let Some((major, minor)) = kernel.numbers(path).map_err(open)? else { return Ok(None) };
    let number = format!("{major}:{minor}");
    for one in loops::attached(kernel)? {
        if super::reading::text(&one.folder.join("dev"))?.as_deref() == Some(&number) {
            return Ok(one.file());
        }
    }
    Ok(None)
}

/// The folder that a path lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// One who uses an image file under any of its names, as a person reads it: a loop device other
/// than `own`, swap, or a mount that names it.
pub(super) fn user(
    kernel: &Kernel,
    path: &Path,
    file: FileId,
    own: Option<&str>,
) -> Result<Option<String>, Error> {
    // The kernel's own names are absolute.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for one in loops::attached(kernel)? {
        if own == Some(one.name.as_str()) || !one.is_of(file, &absolute) {
            continue;
        }
        let name = plain(&one.name);
        return Ok(Some(match holder::find(kernel, &one.folder)? {
            Some(user) => format!("{user}, by way of /dev/{name}, which is made of it"),
            None => {
                format!("/dev/{name}, which is made of it (`losetup -d /dev/{name}` ends that)")
            }
        }));
    }
    let is_it = |name: &[u8]| {
        let named = path_of(name);
        // What leads nowhere here is told by its name alone.
        let same = FileId::at(named).map_or_else(|_| named == absolute, |found| found == file);
        name.starts_with(b"/") && !name.starts_with(b"/dev/") && same
    };
    if holder::swaps(kernel)?.iter().any(|name| is_it(name)) {
        return Ok(Some("swap".to_owned()));
    }
    let mounts = holder::mounts(kernel)?;
    let mount = mounts.iter().find(|mount| is_it(&mount.source));
    Ok(mount.map(|mount| format!("the mount at {}", plain_bytes(&mount.place))))
}
