//! Durable files: write, fsync, rename, fsync directory. Every state file is written here, so a
//! power cut leaves the old file or the new one, never a half.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

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
}

/// Replaces `path` with `content`, whole or not at all.
pub fn write(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let folder = parent(path);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let draft = folder.join(name);
    let result = write_draft(&draft, content, access)
        .and_then(|()| fs::rename(&draft, path))
        .and_then(|()| sync_folder(folder));
    if result.is_err() {
        let _ = fs::remove_file(&draft);
    }
    result
}

/// Creates `path`, which must not exist, and returns it open; the name is durable.
pub fn create_new(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(access.mode()).open(path)?;
    file.sync_all()?;
    sync_folder(parent(path))?;
    Ok(file)
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
    }
}
