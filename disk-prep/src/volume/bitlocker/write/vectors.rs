//! Known answers: four whole volumes with fixed secrets, and one that Windows 10 made
//! (`fixtures/bitlocker/vectors.json`, described in `fixtures/INDEX.md`).

use std::io;

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::boxes::{method, open, seal};
use super::keys::FILLER_BYTES;
use super::*;
use crate::noun::{Cipher, Diagnose, ErrorKind, RecoveryPassword};

/// One known volume, and the block that we make of its inputs.
pub(super) struct Case {
    pub secrets: VolumeSecrets,
    pub form: VolumeForm,
    pub stretched: StretchedKey,
    pub block: Box<[u8; METADATA_BYTES]>,
    pub known: Value,
}

fn file() -> Value {
    let text = include_str!("../../../../../fixtures/bitlocker/vectors.json");
    serde_json::from_str(text).unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    unhex(value).try_into().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let case = |known: &Value| {
        let number = |value: &Value| value.as_u64().unwrap();
        let cipher = Cipher::from_method(number(&known["method"]) as u16).unwrap();
        let secrets = VolumeSecrets {
            password: known["recovery"].as_str().unwrap().parse().unwrap(),
            salt: array(&known["salt"]),
            master_key: Zeroizing::new(array(&known["vmk"])),
            volume_key: VolumeKey::new(cipher, Zeroizing::new(unhex(&known["fvek"]))).unwrap(),
            volume_id: Uuid::from_bytes_le(array(&known["dataset_id"])),
            protector_id: Uuid::from_bytes_le(array(&known["protector_id"])),
            filler: Box::new([0x5a; FILLER_BYTES]),
        };
        let placement = Placement {
            volume_bytes: number(&known["volsize"]),
            cluster_bytes: 4096,
            metadata: std::array::from_fn(|at| number(&known["meta"][at])),
        };
        let form = VolumeForm {
            placement,
            partition_start: 1 << 20,
            created: "2025-11-21T00:00:00Z".parse().unwrap(),
            description: known["description"].as_str().unwrap().to_owned(),
        };
        let stretched = StretchedKey(array(&known["stretched_key"]));
        let block = encode_metadata(&form, &secrets, &stretched).unwrap();
        Case { secrets, form, stretched, block, known: known.clone() }
    };
    file()["cases"].as_array().unwrap().iter().map(case).collect()
}

#[test]
fn stretching_gives_the_known_keys_windows_own_among_them() {
    let Case { secrets, stretched, .. } = cases().remove(0);
    assert!(stretch(&secrets.password, &secrets.salt) == stretched);
    let windows = &file()["windows_made"];
    let password = windows["recovery"].as_str().unwrap().parse().unwrap();
    let key = stretch(&password, &array(&windows["salt"]));
    assert_eq!(hex(&key.0), windows["stretched_key"].as_str().unwrap());
}

#[test]
fn the_metadata_blocks_of_all_four_ciphers_come_out_to_the_byte() {
    for Case { block, known, .. } in cases() {
        if let Some(info) = known["info_hex"].as_str() {
            assert_eq!(hex(&block[..info.len() / 2]), info);
        }
        let size = known["info_size"].as_u64().unwrap() as usize;
        assert_eq!(hex(&block[size..size + 88]), known["validation_first_88"].as_str().unwrap());
        assert_eq!(hex(&Sha256::digest(&block[..])), known["block_sha256"].as_str().unwrap());
    }
}

#[test]
fn the_header_comes_out_to_the_byte_and_the_filler_follows() {
    let known: Vec<Case> =
        cases().into_iter().filter(|case| case.known.get("boot_sector").is_some()).collect();
    assert_eq!(known.len(), 2);
    for Case { secrets, form, known, .. } in known {
        let first = encode_first_8k(&form, &secrets);
        assert_eq!(hex(&first[..512]), known["boot_sector"].as_str().unwrap());
        assert!(first[512..].iter().all(|byte| *byte == 0x5a));
    }
}

#[test]
fn boxes_that_windows_made_open_and_come_out_the_same_when_sealed_again() {
    let windows = &file()["windows_made"];
    let stretched = array(&windows["stretched_key"]);
    let master = array(&windows["vmk"]);
    for (name, key, role, method, secret) in [
        ("datum_box12", master, 0x12, method::RECOVERY_KEY, "recovery_key"),
        ("datum_box13", master, 0x13, method::STRETCHED_KEY, "stretched_key"),
        ("datum_box_vmk", stretched, 0, method::MASTER_KEY, "vmk"),
        ("datum_box_fvek", master, 3, Cipher::XtsAes128.method(), "fvek"),
        ("datum_box_hash", master, 0, method::INFO_HASH, "info_sha256"),
    ] {
        let datum = unhex(&windows[name]);
        let secret = unhex(&windows[secret]);
        let (found, opened) = open(&key, &datum[8..]).unwrap();
        assert_eq!((found, opened.as_slice()), (method, secret.as_slice()), "{name}");
        let nonce = datum[8..20].try_into().unwrap();
        assert_eq!(hex(&seal(&key, &nonce, role, method, &secret)), hex(&datum), "{name}");
    }
}

#[test]
fn a_description_or_time_that_the_format_cannot_hold_is_refused() {
    let Case { secrets, mut form, stretched, .. } = cases().remove(0);
    form.description = "x".repeat(101);
    let error = encode_metadata(&form, &secrets, &stretched).unwrap_err();
    assert_eq!(error.code(), "volume-description");
    form.description.clear();
    form.created = "1600-12-31T23:59:59Z".parse().unwrap();
    let error = encode_metadata(&form, &secrets, &stretched).unwrap_err();
    assert_eq!(error.code(), "volume-time");
}

#[test]
fn what_makes_no_key_has_a_code() {
    let no_entropy = |_: &mut [u8]| Err(io::Error::other("no entropy"));
    let error = VolumeSecrets::draw(Cipher::CbcAes128, &mut { no_entropy }).unwrap_err();
    assert_eq!(error.code(), "volume-randomness");
    let short = VolumeKey::new(Cipher::XtsAes256, Zeroizing::new(vec![1; 32])).unwrap_err();
    assert_eq!(short.code(), "volume-key");
    let Case { secrets, mut block, .. } = cases().remove(0);
    let wrong = RecoveryPassword::from_key([7; 16]);
    let error = regain(&block, |salt| stretch(&wrong, salt)).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("kept-metadata-password", ErrorKind::NotAllowed));
    block[300] ^= 0x81;
    let error = regain(&block, |salt| stretch(&secrets.password, salt)).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("kept-metadata-damaged", ErrorKind::Failed));
}
