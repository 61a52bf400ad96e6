//! Durable files: write, fsync, rename, fsync directory. Every state file is written here, so a
//! power cut leaves the old file or the new one, never a half.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The owner only (0600).
    Private,
    /// Everybody (0644).
    Public,
}

impl Access {
    /// The permission bits.
    pub(crate) fn mode(self) -> u32 {
        match self {
            Access::Private => 0o600,
            Access::Public => 0o644,
        }
    }

    /// The permission bits of a folder of such files.
    fn folder_mode(self) -> u32 {
        match self {
            Access::Private => 0o700,
            Access::Public => 0o755,
        }
    }
}

/// What the name of a file ends with until it is whole, after the id of the process that writes it.
const DRAFT: &str = ".new";

/// Replaces `path` with `content`, whole or not at all.
pub fn write(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let folder = parent(path);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}{DRAFT}", std::process::id()));
    let draft = folder.join(name);
    let result = write_draft(&draft, content, access)
        .and_then(|()| fs::rename(&draft, path))
        .and_then(|()| sync_folder(folder));
    if result.is_err() {
        let _ = fs::remove_file(&draft);
    }
    result
}

/// Deletes a file with the drafts that killed runs have left of it.
pub fn remove(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let is_draft = |own: &OsStr| {
        let own = own.as_bytes().strip_prefix(name).and_then(|own| own.strip_prefix(b"."));
        let id = own.and_then(|own| own.strip_suffix(DRAFT.as_bytes()));
        id.is_some_and(|id| !id.is_empty() && id.iter().all(u8::is_ascii_digit))
    };
    fs::remove_file(path)?;
    for entry in fs::read_dir(parent(path))? {
        let entry = entry?;
        if is_draft(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a plain file is at `path`, or nothing: what else is there is not replaced by a file that
/// somebody names.
pub fn may_replace(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(about) => Ok(about.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.file_name().is_some()),
        Err(error) => Err(error),
    }
}

/// Opens a file that this program keeps; what else has its name is no such file, and a pipe is not
/// waited for.
pub fn open_kept(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "it is no plain file")),
    }
}

/// Reads a file that this program keeps.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open_kept(path)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Creates `path`, which must not exist, and returns it open; the name is durable.
pub fn create_new(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(access.mode()).open(path)?;
    set_mode(&file, access.mode())?;
    file.sync_all()?;
    sync_folder(parent(path))?;
    Ok(file)
}

/// Makes a folder if there is none, and what is missing above it, with its mode whatever the
/// umask. A private one that is there, is ours and can be opened by others is closed to them;
/// where modes are not kept, it stays as it is.
pub fn make_folder(path: &Path, access: Access) -> io::Result<()> {
    let above = parent(path);
    if !above.exists() {
        fs::create_dir_all(above)?;
    }
    let mode = access.folder_mode();
    match fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {
            set_mode(&File::open(path)?, mode)?;
            sync_folder(above)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // A pipe of that name would keep us waiting.
            let flags = (OFlags::DIRECTORY | OFlags::NONBLOCK).bits().cast_signed();
            let folder = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
            if access == Access::Private { close_to_others(&folder) } else { Ok(()) }
        }
        Err(error) => Err(error),
    }
}

/// Opens a file that is only locked, and makes it if need be; only its owner can open it.
pub fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(Access::Private.mode());
    // A FIFO would keep us waiting, and a link would lead elsewhere.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits() as i32).open(path)?;
    close_to_others(&file)?;
    Ok(file)
}

/// Takes from others what they may do with a file or folder of ours.
fn close_to_others(file: &File) -> io::Result<()> {
    let about = file.metadata()?;
    if about.mode() & 0o077 == 0 || about.uid() != geteuid().as_raw() {
        return Ok(());
    }
    set_mode(file, about.mode() & 0o7700)
}

/// Sets the mode whatever the umask; a file system that keeps no modes may refuse.
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    if file.metadata()?.mode() & 0o7777 == mode {
        return Ok(());
    }
    match file.set_permissions(Permissions::from_mode(mode)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) if error.raw_os_error() == Some(Errno::OPNOTSUPP.raw_os_error()) => Ok(()),
        set => set,
    }
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn write_draft(draft: &Path, content: &[u8], access: Access) -> io::Result<()> {
    // A draft of a killed run with our process id may lie there, with any mode.
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(access.mode()).open(draft)?;
    set_mode(&file, access.mode())?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_whole_with_the_asked_mode_and_no_draft_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.json");
        write(&path, b"one", Access::Public).unwrap();
        write(&path, b"two", Access::Private).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(create_new(&path, Access::Private).is_err());
        assert_eq!(read(&path).unwrap(), b"two");
    }

    #[test]
    fn what_is_no_file_or_no_folder_of_ours_is_told_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let owner = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, owner, 0).unwrap();
        for path in [pipe.as_path(), folder.path()] {
            assert_eq!(read(path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        assert_eq!(read(&pipe.with_extension("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        for access in [Access::Private, Access::Public] {
            let made = make_folder(&pipe, access).unwrap_err();
            assert_eq!(made.kind(), io::ErrorKind::NotADirectory);
        }
    }

    #[test]
    fn a_file_goes_with_the_drafts_of_killed_runs_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.json");
        let others = ["job.json.new", "job.json.a1.new", "job.json.7.old", "job.jsonx.7.new"];
        for name in ["job.json", "job.json.7.new", "job.json.4711.new"].iter().chain(&others) {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        remove(&path).unwrap();
        let left = fs::read_dir(folder.path()).unwrap();
        let mut left: Vec<_> = left.map(|own| own.unwrap().file_name()).collect();
        left.sort();
        let mut others = others;
        others.sort_unstable();
        assert_eq!(left, others);
    }
}
