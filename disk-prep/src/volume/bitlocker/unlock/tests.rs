//! Volumes as `write` makes them, opened by `unlock`, whole and damaged. That other readers open
//! them too is proven elsewhere; here it is the refusals that count.

use std::io::{Read, Seek, SeekFrom};

use proptest::prelude::*;

use super::*;
use crate::device::{Device, FileDevice};
use crate::noun::{Cipher, Diagnose, ErrorKind, RecoveryPassword};
use crate::volume::bitlocker::write::{
    Placement, VolumeForm, VolumeSecrets, encode_first_8k, encode_metadata, stretch,
};

const START: u64 = 1 << 20;
const BYTES: u64 = 64 << 20;

struct Made {
    device: FileDevice,
    secrets: VolumeSecrets,
    placement: Placement,
}

/// What the file system inside would hold at `offset`.
fn plain(offset: u64, length: usize) -> Vec<u8> {
    (offset..).take(length).map(|at| (at.wrapping_mul(2_654_435_761) >> 9) as u8).collect()
}

fn made(cipher: Cipher) -> Made {
    let file = tempfile::tempfile().unwrap();
    file.set_len(START + BYTES + 4096).unwrap();
    let device = FileDevice::new(file).unwrap();
    let mut seed = 1u32;
    let mut fill = |buffer: &mut [u8]| {
        for byte in buffer {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (seed >> 24) as u8;
        }
        Ok(())
    };
    let secrets = VolumeSecrets::draw(cipher, &mut fill).unwrap();
    let placement = Placement::plan(BYTES, 4096, 0).unwrap();
    let form = VolumeForm {
        placement,
        partition_start: START,
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        description: "SEED 1".to_owned(),
    };
    let stretched = stretch(secrets.password(), secrets.salt());
    let block = encode_metadata(&form, &secrets, &stretched).unwrap();
    let sector_cipher = secrets.volume_key().sector_cipher();
    let [first, ..] = placement.metadata();
    for (start, length) in [
        (8192, 1 << 20),
        (first - 65_536, 65_536),
        (placement.reserve(), 131_072),
        (BYTES - 65_536, 65_536),
    ] {
        let mut buffer = plain(start, length);
        sector_cipher.encrypt(start / 512, &mut buffer);
        device.write_at(&buffer, START + start).unwrap();
    }
    let mut head = plain(0, 8192);
    sector_cipher.encrypt(placement.header_copy() / 512, &mut head);
    device.write_at(&head, START + placement.header_copy()).unwrap();
    for place in placement.metadata() {
        device.write_at(&block[..], START + place).unwrap();
    }
    device.write_at(&encode_first_8k(&form, &secrets)[..], START).unwrap();
    Made { device, secrets, placement }
}

impl Made {
    fn open(&self) -> Result<UnlockedVolume<'_>, Error> {
        UnlockedVolume::open(&self.device, START, BYTES, self.secrets.password())
    }

    fn flip(&self, at: u64) {
        let mut byte = [0];
        self.device.read_at(&mut byte, START + at).unwrap();
        self.device.write_at(&[byte[0] ^ 0x40], START + at).unwrap();
    }

    /// Changes a byte of a metadata block and mends its checksum, as anybody could.
    fn forge(&self, place: u64, at: usize) {
        let mut block = vec![0; 65_536];
        self.device.read_at(&mut block, START + place).unwrap();
        let size = usize::from(u16::from_le_bytes([block[8], block[9]])) * 16;
        block[at] ^= 0x40;
        let checksum = crc32fast::hash(&block[..size]);
        block[size + 4..size + 8].copy_from_slice(&checksum.to_le_bytes());
        self.device.write_at(&block, START + place).unwrap();
    }
}

#[test]
fn every_cipher_opens_and_shows_what_was_put_in() {
    for cipher in Cipher::ALL {
        let made = made(cipher);
        let volume = made.open().unwrap();
        assert_eq!((volume.cipher(), volume.size(), volume.intact_copies()), (cipher, BYTES, 3));
        assert_eq!(volume.metadata().volume_id, made.secrets.volume_id());
        assert_eq!(volume.metadata().protector_id, Some(made.secrets.protector_id()));
        assert_eq!(volume.metadata().description, "SEED 1");
        let [first, ..] = made.placement.metadata();
        for (start, length) in [
            (0, 65_536),
            (3, 700),
            (8_190, 5),
            (first - 65_536, 65_536),
            (first + 65_536 + 8_192 + 100, 1),
            (BYTES - 1_000, 1_000),
        ] {
            let mut buffer = vec![0; length];
            volume.read_at(start, &mut buffer).unwrap();
            assert!(buffer == plain(start, length), "{cipher} {start}");
        }
        let mut hidden = vec![1; 65_536 + 8_192 + 512];
        volume.read_at(first, &mut hidden).unwrap();
        assert!(hidden[..65_536 + 8_192].iter().all(|byte| *byte == 0));
        assert!(hidden[65_536 + 8_192..] == plain(made.placement.reserve(), 512));
        let past = volume.read_at(BYTES - 1, &mut [0; 2]).unwrap_err();
        assert_eq!(past.code(), "volume-past-end");
    }
}

#[test]
fn the_cursor_reads_and_seeks_like_a_file() {
    let made = made(Cipher::XtsAes128);
    let volume = made.open().unwrap();
    let mut cursor = volume.cursor();
    let mut buffer = vec![0; 200_000];
    cursor.seek(SeekFrom::Start(65_530)).unwrap();
    cursor.read_exact(&mut buffer).unwrap();
    assert!(buffer == plain(65_530, 200_000));
    cursor.seek(SeekFrom::End(-10)).unwrap();
    buffer.clear();
    cursor.read_to_end(&mut buffer).unwrap();
    assert_eq!(buffer, plain(BYTES - 10, 10));
    assert!(cursor.seek(SeekFrom::Current(-(BYTES as i64) - 1)).is_err());
    cursor.seek(SeekFrom::Start(u64::MAX)).unwrap();
    assert_eq!(cursor.read(&mut [0; 9]).unwrap(), 0);
}

#[test]
fn damaged_copies_give_way_to_the_intact_one() {
    let made = made(Cipher::XtsAes256);
    let [first, second, third] = made.placement.metadata();
    made.flip(first + 40);
    made.flip(second + 300);
    assert_eq!(made.open().unwrap().intact_copies(), 1);
    assert_eq!(VolumeMetadata::read(&made.device, START, BYTES).unwrap().description, "SEED 1");
    made.flip(third + 200);
    assert_eq!(made.open().unwrap_err().code(), "volume-metadata-damaged");
}

#[test]
fn a_change_with_a_mended_checksum_is_refused_by_the_sealed_hash() {
    let made = made(Cipher::CbcAes256);
    let places = made.placement.metadata();
    made.forge(places[0], 122);
    assert!(made.open().is_ok());
    made.forge(places[1], 122);
    made.forge(places[2], 122);
    let error = made.open().unwrap_err();
    assert!(matches!(error, Error::Damaged { field: "sealed hash", .. }), "{error}");
}

#[test]
fn a_wrong_password_is_its_own_error_even_beside_a_damaged_copy() {
    let made = made(Cipher::XtsAes256);
    made.flip(made.placement.metadata()[0] + 40);
    let wrong = RecoveryPassword::from_key([9; 16]);
    let error = UnlockedVolume::open(&made.device, START, BYTES, &wrong).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("volume-wrong-password", ErrorKind::NotAllowed));
}

#[test]
fn a_volume_with_its_key_in_the_clear_is_suspended() {
    let made = made(Cipher::XtsAes128);
    for place in made.placement.metadata() {
        let mut block = vec![0; 65_536];
        made.device.read_at(&mut block, START + place).unwrap();
        let word = |block: &[u8], at| usize::from(u16::from_le_bytes([block[at], block[at + 1]]));
        let mut at = 112;
        while (word(&block, at + 2), word(&block, at + 4)) != (2, 8) {
            at += word(&block, at);
        }
        block[at + 8 + 26..at + 8 + 28].fill(0);
        let size = word(&block, 8) * 16;
        let checksum = crc32fast::hash(&block[..size]);
        block[size + 4..size + 8].copy_from_slice(&checksum.to_le_bytes());
        made.device.write_at(&block, START + place).unwrap();
    }
    assert_eq!(made.open().unwrap_err().code(), "volume-suspended");
}

#[test]
fn what_is_no_volume_of_ours_is_refused() {
    let made = made(Cipher::XtsAes256);
    let read = |offset, bytes| VolumeMetadata::read(&made.device, offset, bytes).unwrap_err();
    for (offset, bytes) in [(START, u64::MAX), (u64::MAX, 512), (START, 0)] {
        assert_eq!(read(offset, bytes).code(), "volume-place", "{offset} {bytes}");
    }
    assert_eq!(read(START + 512, BYTES).code(), "volume-not-bitlocker");
    assert!(matches!(read(START, BYTES - 512), Error::Damaged { field: "volume size", .. }));
    made.flip(160);
    let kind = read(START, BYTES);
    assert_eq!(kind.code(), "volume-unsupported");
    assert!(matches!(kind, Error::Unsupported { field: "volume kind", .. }), "{kind}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn metadata_of_any_content_with_a_true_checksum_does_no_harm(
        changes in proptest::collection::vec((0usize..800, any::<u8>()), 1..12),
    ) {
        let text = include_str!("../../../../../fixtures/bitlocker/vectors.json");
        let file: serde_json::Value = serde_json::from_str(text).unwrap();
        let digits = file["cases"][1]["info_hex"].as_str().unwrap();
        let mut block = vec![0; 65_536];
        for (at, byte) in block[..digits.len() / 2].iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap();
        }
        for (at, byte) in changes {
            block[at] = byte;
        }
        let size = usize::from(u16::from_le_bytes([block[8], block[9]])) * 16;
        if size + 88 <= block.len() {
            let checksum = crc32fast::hash(&block[..size]);
            block[size + 4..size + 8].copy_from_slice(&checksum.to_le_bytes());
            block[size + 8..size + 10].copy_from_slice(&80u16.to_le_bytes());
        }
        let places = [33_554_432, 100_663_296, 167_772_160];
        // Accepted or refused, but never a panic.
        let _ = metadata::parse_block(&block, 0, places, 1 << 28);
    }
}

/// A stored box: a key datum of this method and secret, sealed with `key`.
fn boxed(key: &[u8; 32], method: u16, secret: &[u8]) -> Vec<u8> {
    use ccm::aead::consts::{U12, U16};
    use ccm::{AeadInOut, Ccm, KeyInit};
    let size = 12 + secret.len() as u16;
    let mut text: Vec<u8> =
        [size, 0, 1, 0, method, 0].into_iter().flat_map(u16::to_le_bytes).collect();
    text.extend_from_slice(secret);
    let nonce = [7; 12];
    let mac = Ccm::<aes::Aes256, U16, U12>::new(key.into())
        .encrypt_inout_detached((&nonce).into(), &[], text.as_mut_slice().into())
        .unwrap();
    [nonce.as_slice(), mac.as_slice(), text.as_slice()].concat()
}

/// As Windows adds protectors: another recovery password, and a TPM, before ours.
#[test]
fn each_of_several_recovery_passwords_opens_and_other_protectors_stand_beside() {
    use super::keys::{stretched, unbox};
    use sha2::{Digest, Sha256};
    let made = made(Cipher::XtsAes256);
    let first = made.placement.metadata()[0];
    let mut block = vec![0; 65_536];
    made.device.read_at(&mut block, START + first).unwrap();
    let word =
        |bytes: &[u8], at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let own = VolumeMetadata::read(&made.device, START, BYTES).unwrap();
    let ours = stretched(made.secrets.password(), &own.passwords[0].salt);
    let (_, master) = unbox(&ours, &own.passwords[0].boxed_master_key).unwrap();
    let master: [u8; 32] = master.as_slice().try_into().unwrap();

    let mut at = 112;
    while (word(&block, at + 2), word(&block, at + 4)) != (2, 8) {
        at += word(&block, at);
    }
    let size = word(&block, at);
    let mut second = block[at..at + size].to_vec();
    second[8..24].fill(9);
    let salt = [5; 16];
    let other = RecoveryPassword::from_key([3; 16]);
    let stretched = stretched(&other, &salt);
    let mut inner = 8 + 28;
    while inner < size {
        match word(&second, inner + 4) {
            3 => second[inner + 12..inner + 28].copy_from_slice(&salt),
            5 => {
                let length = word(&second, inner);
                second[inner + 8..inner + length]
                    .copy_from_slice(&boxed(&stretched, 0x2003, &master));
            }
            _ => {}
        }
        inner += word(&second, inner);
    }
    let mut tpm = block[at..at + 8 + 28].to_vec();
    tpm[..2].copy_from_slice(&36u16.to_le_bytes());
    tpm[8 + 26..].copy_from_slice(&0x0100u16.to_le_bytes());

    let info_bytes = word(&block, 8) * 16;
    let dataset_bytes = word(&block, 64);
    let mut info = block[..64 + dataset_bytes].to_vec();
    info.splice(at..at, [tpm, second].concat());
    let dataset_bytes = (info.len() - 64) as u32;
    info[64..68].copy_from_slice(&dataset_bytes.to_le_bytes());
    info.resize(info.len().next_multiple_of(16), 0);
    let units = (info.len() / 16) as u16;
    info[8..10].copy_from_slice(&units.to_le_bytes());
    let mut validation = block[info_bytes..info_bytes + 88].to_vec();
    validation[4..8].copy_from_slice(&crc32fast::hash(&info).to_le_bytes());
    validation[16..88].copy_from_slice(&boxed(&master, 0x2005, &Sha256::digest(&info)));
    let mut whole = [info, validation].concat();
    whole.resize(65_536, 0);
    for place in made.placement.metadata() {
        made.device.write_at(&whole, START + place).unwrap();
    }
    let found = VolumeMetadata::read(&made.device, START, BYTES).unwrap();
    let kinds = [Protector::Tpm, Protector::RecoveryPassword, Protector::RecoveryPassword];
    assert_eq!(found.protectors, kinds);
    for password in [made.secrets.password(), &other] {
        let volume = UnlockedVolume::open(&made.device, START, BYTES, password).unwrap();
        let mut bytes = [0; 512];
        volume.read_at(BYTES - 512, &mut bytes).unwrap();
        assert!(bytes[..] == plain(BYTES - 512, 512));
    }
    let wrong = RecoveryPassword::from_key([4; 16]);
    let error = UnlockedVolume::open(&made.device, START, BYTES, &wrong).unwrap_err();
    assert!(matches!(error, Error::WrongPassword));
}
