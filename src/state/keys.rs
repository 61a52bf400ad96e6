//! Clear copies of the recovery passwords that journals hold only sealed, one private file each.
//! Its name is the drive and a digest of the sealed form: a drive that is prepared again gets a
//! new password, and the one before stays for the journal that has it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use disk_prep::noun::{RecoveryPassword, Serial};
use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::private;
use sha2::{Digest, Sha256};

use super::directory::State;
use super::error::StateError;
use super::error::io_at;

impl State {
    fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    fn key_path(&self, serial: &Serial, sealed: &str) -> PathBuf {
        let digest = Sha256::digest(sealed);
        let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        self.keys().join(format!("{}-{digest}", serial.file_stem()))
    }

    /// Keeps the password of a drive, durably.
    pub fn keep_key(
        &self,
        serial: &Serial,
        sealed: &str,
        password: &RecoveryPassword,
    ) -> Result<(), StateError> {
        let (folder, path) = (self.keys(), self.key_path(serial, sealed));
        self.make_folder(&folder, Access::Private)?;
        let mode = fs::metadata(&folder).map_err(io_at(&folder))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(StateError::Open { path: folder });
        }
        durable::write(&path, password.reveal().as_bytes(), Access::Private)
            .map_err(io_at(&path))?;
        durable::sync_folder(&self.0).map_err(io_at(&self.0))
    }

    /// The password of a drive that was sealed here so.
    pub fn key(
        &self,
        serial: &Serial,
        sealed: &str,
    ) -> Result<Option<RecoveryPassword>, StateError> {
        let path = self.key_path(serial, sealed);
        let text = match private::read_text(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(io_at(&path))?,
        };
        let password = text.parse();
        password.map(Some).map_err(|error| io_at(&path)(io::Error::other(error)))
    }
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::Diagnose;

    use super::*;

    #[test]
    fn a_drive_prepared_twice_has_two_keys_and_only_the_owner_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(&folder.path().join("state"))).unwrap();
        let serial = Serial::new("S1").unwrap();
        let password = |byte| RecoveryPassword::from_key([byte; 16]);
        assert!(state.key(&serial, "sealed").unwrap().is_none());
        for (byte, sealed) in [(1, "sealed"), (2, "sealed again")] {
            state.keep_key(&serial, sealed, &password(byte)).unwrap();
        }
        assert_eq!(state.key(&serial, "sealed").unwrap(), Some(password(1)));
        assert_eq!(state.key(&serial, "sealed again").unwrap(), Some(password(2)));
        assert!(state.key(&Serial::new("S2").unwrap(), "sealed").unwrap().is_none());
        let path = state.key_path(&serial, "sealed");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        fs::write(&path, "half").unwrap();
        let error = state.key(&serial, "sealed").unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        // One that was opened to others and is ours is closed; somebody else's is not trusted.
        fs::set_permissions(state.keys(), fs::Permissions::from_mode(0o755)).unwrap();
        state.keep_key(&serial, "third", &password(3)).unwrap();
        assert_eq!(fs::metadata(state.keys()).unwrap().permissions().mode() & 0o777, 0o700);
        fs::set_permissions(state.keys(), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(state.keys(), Some(65_534), None).unwrap();
        let error = state.keep_key(&serial, "fourth", &password(4)).unwrap_err();
        assert_eq!(error.code(), "state-open");
        assert!(state.key(&serial, "fourth").unwrap().is_none(), "nothing was written");
    }
}
