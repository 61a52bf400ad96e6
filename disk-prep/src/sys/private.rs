//! Files with secrets: a password, a key, a token, an identity. One that others can read, or that
//! somebody else can change, is refused. The file is opened once, and what is looked at is what
//! was opened: a path can lead elsewhere a moment later.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;
use zeroize::Zeroizing;

/// Bytes of such a file, at most.
const MOST_BYTES: u64 = 1 << 20;

/// Why a file is not taken for a secret; it travels inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotPrivate {
    /// Its mode lets others in.
    #[error("others than its owner can read it")]
    Open,
    /// It belongs to another user, and not to root.
    #[error("it belongs to somebody else")]
    Foreign,
    /// A folder, a FIFO, a device.
    #[error("it is no plain file")]
    Kind,
    /// No such secret is so long.
    #[error("it is larger than {most} bytes")]
    Large {
        /// How long one may be.
        most: u64,
    },
}

impl NotPrivate {
    /// The reason inside an error, if it is one.
    pub fn of(error: &io::Error) -> Option<NotPrivate> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// Whether others are let in, so that closing the file to them mends it.
    pub fn is_open(self) -> bool {
        matches!(self, NotPrivate::Open | NotPrivate::Foreign)
    }
}

impl From<NotPrivate> for io::Error {
    fn from(refusal: NotPrivate) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, refusal)
    }
}

/// Reads a file with a secret. It belongs to whoever runs this or to root, and its mode gives
/// nothing to others.
pub fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    read_up_to(path, MOST_BYTES)
}

/// The same for a file that may be longer.
pub fn read_up_to(path: &Path, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // A FIFO would keep us waiting.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(NotPrivate::Kind.into());
    }
    if about.mode() & 0o077 != 0 {
        return Err(NotPrivate::Open.into());
    }
    if about.uid() != geteuid().as_raw() && about.uid() != 0 {
        return Err(NotPrivate::Foreign.into());
    }
    if about.len() > most {
        return Err(NotPrivate::Large { most }.into());
    }
    // Made once, so that no part of the secret is left behind in a smaller buffer.
    let mut content = Zeroizing::new(Vec::with_capacity(about.len() as usize + 1));
    file.by_ref().take(about.len()).read_to_end(&mut content)?;
    Ok(content)
}

/// Reads a file with a secret that is a text.
pub fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut content = read(path)?;
    match String::from_utf8(std::mem::take(&mut *content)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(io::Error::new(io::ErrorKind::InvalidData, "it does not hold a text"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use rustix::fs::{CWD, FileType, Mode};

    use super::*;

    #[test]
    fn only_a_plain_file_of_ours_that_is_closed_to_others_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "secret\n").unwrap();
        let refusal = |path: &Path| NotPrivate::of(&read(path).unwrap_err());
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(refusal(&path), Some(NotPrivate::Open), "{mode:o}");
        }
        for mode in [0o600, 0o400] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_text(&path).unwrap().as_str(), "secret\n", "{mode:o}");
        }
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(refusal(&fifo), Some(NotPrivate::Kind));
        assert_eq!(refusal(folder.path()), Some(NotPrivate::Kind));
        assert!(geteuid().is_root(), "this test gives a file away, which only root can");
        rustix::fs::chown(&path, Some(rustix::fs::Uid::from_raw(65_534)), None).unwrap();
        assert_eq!(refusal(&path), Some(NotPrivate::Foreign));
        let large = folder.path().join("large");
        fs::write(&large, vec![0; MOST_BYTES as usize + 1]).unwrap();
        fs::set_permissions(&large, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(refusal(&large), Some(NotPrivate::Large { most: MOST_BYTES }));
        fs::write(&large, [0xFF, 0xFE]).unwrap();
        assert!(read_text(&large).is_err(), "no text");
    }
}
