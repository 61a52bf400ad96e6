//! The master key of a repository, by its password. The library can find it too, but it takes any
//! numbers from a key file, which anybody who can write to the store can write: a file that no
//! program would have written is passed over here.

use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Key};
use rustic_core::repofile::{KeyFile, KeyId, MasterKey};
use rustic_core::{FileType, ReadBackend, RusticResult};
use scrypt::Params;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::ahead::Ahead;
use super::crypt::decrypt;

/// The most memory that a key's derivation may take. The programs that write this format choose
/// N = 32768 and r = 8, which is 32 MiB.
const MOST_DERIVATION_BYTES: u64 = 1 << 30;
/// The most rounds of a derivation, as the parameter p counts them; those programs choose one to
/// a few.
const MOST_ROUNDS: u32 = 64;

/// A key file that can be tried without harm, if this is one:
/// <https://restic.readthedocs.io/en/stable/100_references.html>.
pub(super) fn sane_key(content: &[u8]) -> Option<KeyFile> {
    let file: KeyFile = serde_json::from_slice(content).ok()?;
    let (n, r) = (u64::from(file.n), u64::from(file.r));
    let memory = n.checked_mul(r).and_then(|product| product.checked_mul(128))?;
    let is_sane = n.is_power_of_two()
        && n > 1
        && (1..=MOST_ROUNDS).contains(&file.p)
        && r > 0
        && memory <= MOST_DERIVATION_BYTES;
    is_sane.then_some(file)
}

/// What became of the keys of a store.
pub(super) enum Unlocked {
    /// One opened it: the master key, and the id of its file.
    By(MasterKey, KeyId),
    /// None of them did.
    ByNone,
    /// There is none that could be tried.
    Keyless,
}

/// Tries the key files of a store one after another.
pub(super) fn unlock(ahead: &Ahead, password: &SecretString) -> RusticResult<Unlocked> {
    let mut unlocked = Unlocked::Keyless;
    for (id, _) in ahead.list_with_size(FileType::Key)? {
        let Some(file) = sane_key(&ahead.read_full(FileType::Key, &id)?) else { continue };
        if let Some(master) = open(&file, password) {
            return Ok(Unlocked::By(master, id.into()));
        }
        unlocked = Unlocked::ByNone;
    }
    Ok(unlocked)
}

/// The master key in a file, if the password opens it: what the password derives encrypts it, as
/// the format encrypts everything.
fn open(file: &KeyFile, password: &SecretString) -> Option<MasterKey> {
    let cost = u8::try_from(file.n.trailing_zeros()).ok()?;
    let mut derived = Key::default();
    let params = Params::new(cost, file.r, file.p).ok()?;
    scrypt::scrypt(password.expose_secret().as_bytes(), &file.salt, &params, &mut derived).ok()?;
    let mut plain = Zeroizing::new(Vec::new());
    decrypt(&Aes256CtrPoly1305Aes::new(&derived), &file.data, &mut plain)?;
    serde_json::from_slice(&plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: &str, r: &str, p: &str) -> String {
        format!(r#"{{"kdf":"scrypt","N":{n},"r":{r},"p":{p},"data":"","salt":""}}"#)
    }

    #[test]
    fn a_key_file_whose_numbers_would_take_all_memory_or_stop_the_library_is_not_tried() {
        let is_sane = |n, r, p| sane_key(key(n, r, p).as_bytes()).is_some();
        assert!(is_sane("32768", "8", "1") && is_sane("65536", "8", "5"));
        for (n, r, p) in [
            ("0", "8", "1"),
            ("1", "8", "1"),
            ("32767", "8", "1"),
            ("32768", "0", "1"),
            ("32768", "8", "0"),
            ("32768", "8", "1000000"),
            ("2147483648", "8", "1"),
            ("32768", "4294967295", "1"),
            ("18446744073709551615", "2", "1"),
            ("-1", "8", "1"),
        ] {
            assert!(!is_sane(n, r, p), "N {n}, r {r}, p {p}");
        }
        for content in [&b""[..], b"{}", b"\xff"] {
            assert!(sane_key(content).is_none());
        }
    }
}
