//! From the recovery password to the volume key, link by link (`bitlocker-volume` 7).

use aes::Aes256;
use ccm::aead::consts::{U12, U16};
use ccm::{AeadInOut, Ccm, KeyInit};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::noun::RecoveryPassword;

/// The key behind a recovery password: SHA-256 chained 2^20 times.
pub(super) fn stretched(password: &RecoveryPassword, salt: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    let first = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(password.key())));
    let mut last = Zeroizing::new([0u8; 32]);
    for count in 0u64..1 << 20 {
        let mut hash = Sha256::new();
        hash.update(*last);
        hash.update(*first);
        hash.update(salt);
        hash.update(count.to_le_bytes());
        hash.finalize_into((&mut *last).into());
    }
    last
}

/// Opens a box: 12 bytes of nonce, 16 of MAC, cipher text; yields the method and the key of the
/// key datum inside, or nothing if the key is wrong or the content is no key datum.
pub(super) fn unbox(key: &[u8; 32], sealed: &[u8]) -> Option<(u16, Zeroizing<Vec<u8>>)> {
    let (nonce, rest) = sealed.split_first_chunk::<12>()?;
    let (mac, text) = rest.split_first_chunk::<16>()?;
    let mut plain = Zeroizing::new(text.to_vec());
    Ccm::<Aes256, U16, U12>::new(key.into())
        .decrypt_inout_detached(nonce.into(), &[], plain.as_mut_slice().into(), mac.into())
        .ok()?;
    let word = |at: usize| Some(u16::from_le_bytes([*plain.get(at)?, *plain.get(at + 1)?]));
    let is_key = usize::from(word(0)?) == plain.len() && word(4)? == 1;
    let secret = Zeroizing::new(plain.get(12..)?.to_vec());
    is_key.then_some((word(8)?, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex<const N: usize>(digits: &str) -> [u8; N] {
        std::array::from_fn(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap())
    }

    #[test]
    fn the_chain_of_a_volume_that_windows_made_opens_link_by_link() {
        let text = include_str!("../../../../../fixtures/bitlocker/vectors.json");
        let file: serde_json::Value = serde_json::from_str(text).unwrap();
        let known = |name: &str| file["windows_made"][name].as_str().unwrap().to_owned();
        let password = known("recovery").parse().unwrap();
        let key = stretched(&password, &unhex(&known("salt")));
        assert_eq!(*key, unhex::<32>(&known("stretched_key")));
        let (method, master) = unbox(&key, &unhex::<80>(&known("datum_box_vmk"))[8..]).unwrap();
        assert_eq!((method, master.as_slice()), (0x2003, &unhex::<32>(&known("vmk"))[..]));
        let master = master.as_slice().try_into().unwrap();
        let (method, volume) = unbox(&master, &unhex::<80>(&known("datum_box_fvek"))[8..]).unwrap();
        assert_eq!((method, volume.as_slice()), (0x8004, &unhex::<32>(&known("fvek"))[..]));
        assert!(unbox(&[0; 32], &unhex::<80>(&known("datum_box_vmk"))[8..]).is_none());
    }
}
