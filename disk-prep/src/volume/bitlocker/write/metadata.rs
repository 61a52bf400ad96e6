//! The metadata block and the first 8 KiB of a volume as bytes (`bitlocker-volume` 3 to 8).
//!
//! | at | bytes | block |
//! |---|---|---|
//! | 0 | N, a multiple of 16 | `info`: header 64, dataset header 48, datums, zeros |
//! | N | 88 | validation: size, version, CRC-32, box with the SHA-256 of `info` |
//! | N + 88 | rest of 65536 | zeros |

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::boxes::{NONCE_BYTES, datum, kind, method, seal};
use super::error::Error;
use super::keys::{StretchedKey, VolumeSecrets};
use super::placement::{FIRST_BYTES, METADATA_BYTES, Placement};
use crate::limits::SECTOR_BYTES;

const SIGNATURE: &[u8; 8] = b"-FVE-FS-";
const ENCRYPTED: u16 = 4;
const DATASET_HEADER: usize = 48;
const RECOVERY_PASSWORD: u16 = 0x0800;
const LONGEST_DESCRIPTION: usize = 100;
/// Seconds from 1601-01-01 to 1970-01-01.
const FILETIME_EPOCH_SECS: i128 = 11_644_473_600;
/// The identifier of a volume that is encrypted whole, as stored.
const WHOLE_VOLUME: [u8; 16] = [
    0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01,
];

/// The counters of the nonces, each used once with the master key or the stretched key.
mod counter {
    pub const RECOVERY_KEY: u32 = 2;
    pub const STRETCHED_KEY: u32 = 3;
    pub const MASTER_KEY: u32 = 4;
    pub const VOLUME_KEY: u32 = 5;
    pub const VALIDATION: u32 = 6;
    pub const NEXT: u32 = 7;
}

/// What a volume is, apart from its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeForm {
    /// Where its own blocks lie, and its size.
    pub placement: Placement,
    /// First byte of the partition on the drive.
    pub partition_start: u64,
    /// When it was made.
    pub created: Timestamp,
    /// What Windows shows as its description, at most 100 characters.
    pub description: String,
}

/// Little-endian fields, one after the other.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
    fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
    fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// The metadata block, equal in all three places, for `secrets` whose password was stretched
/// with their salt. Errors: a description too long, a time before 1601.
pub fn encode_metadata(
    form: &VolumeForm,
    secrets: &VolumeSecrets,
    stretched: &StretchedKey,
) -> Result<Box<[u8; METADATA_BYTES]>, Error> {
    let time = filetime(form.created)?;
    let datums = [
        datum(7, kind::TEXT, 1, &description(&form.description)?),
        protector(time, secrets, stretched),
        seal(
            &secrets.master_key,
            &nonce(time, counter::VOLUME_KEY),
            3,
            secrets.volume_key.cipher().method(),
            &secrets.volume_key.bytes,
        ),
        virtualisation(&form.placement),
    ]
    .concat();
    let info = info(form, time, secrets, &datums);
    let size = info.len();
    let validation = Fields::default()
        .u16((METADATA_BYTES - size) as u16)
        .u16(2)
        .u32(crc32fast::hash(&info))
        .bytes(&seal(
            &secrets.master_key,
            &nonce(time, counter::VALIDATION),
            0,
            method::INFO_HASH,
            &Sha256::digest(&info),
        ));
    let mut block = Box::new([0; METADATA_BYTES]);
    block[..size].copy_from_slice(&info);
    block[size..][..validation.0.len()].copy_from_slice(&validation.0);
    Ok(block)
}

/// The plain header and the filler after it: what the first 8 KiB of the partition hold.
pub fn encode_first_8k(form: &VolumeForm, secrets: &VolumeSecrets) -> Box<[u8; FIRST_BYTES]> {
    let [first, second, third] = form.placement.metadata;
    let sectors_per_cluster = (form.placement.cluster_bytes / SECTOR_BYTES) as u8;
    let hidden_sectors = u32::try_from(form.partition_start / SECTOR_BYTES).unwrap_or(0);
    let start = Fields::default()
        .bytes(&[0xeb, 0x58, 0x90])
        .bytes(SIGNATURE)
        .u16(SECTOR_BYTES as u16)
        .bytes(&[sectors_per_cluster, 0, 0, 0, 0, 0, 0, 0, 0xf8, 0, 0])
        .u16(63)
        .u16(255)
        .u32(hidden_sectors)
        .u32(0)
        .u32(0x1fe0)
        .u64(0)
        .u16(1)
        .u16(6)
        .bytes(&[0; 12])
        .bytes(&[0x80, 0, 0x29, 0, 0, 0, 0])
        .bytes(b"NO NAME    FAT32   ")
        // A boot attempt goes on to the next device, and stops if there is none.
        .bytes(&[0xcd, 0x18, 0xeb, 0xfc]);
    let places = Fields::default().bytes(&WHOLE_VOLUME).u64(first).u64(second).u64(third);
    let mut bytes = Box::new([0; FIRST_BYTES]);
    bytes[..start.0.len()].copy_from_slice(&start.0);
    bytes[160..][..places.0.len()].copy_from_slice(&places.0);
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    bytes[512..].copy_from_slice(secrets.filler.as_slice());
    bytes
}

/// `info` (`bitlocker-volume` 5), padded to a multiple of 16.
fn info(form: &VolumeForm, time: u64, secrets: &VolumeSecrets, datums: &[u8]) -> Vec<u8> {
    let placement = &form.placement;
    let [first, second, third] = placement.metadata;
    let dataset_bytes = (DATASET_HEADER + datums.len()) as u32;
    let size = (64 + DATASET_HEADER + datums.len()).next_multiple_of(16);
    let mut info = Fields::default()
        .bytes(SIGNATURE)
        .u16((size / 16) as u16)
        .u16(2)
        .u16(ENCRYPTED)
        .u16(ENCRYPTED)
        .u64(placement.volume_bytes)
        .u32(0)
        .u32((FIRST_BYTES as u64 / SECTOR_BYTES) as u32)
        .u64(first)
        .u64(second)
        .u64(third)
        .u64(placement.header_copy())
        .u32(dataset_bytes)
        .u32(1)
        .u32(DATASET_HEADER as u32)
        .u32(dataset_bytes)
        .bytes(&secrets.volume_id.to_bytes_le())
        .u32(counter::NEXT)
        .u16(secrets.volume_key.cipher().method())
        .u16(0)
        .u64(time)
        .bytes(datums)
        .0;
    info.resize(size, 0);
    info
}

/// The datum that lets the recovery password open the master key.
fn protector(time: u64, secrets: &VolumeSecrets, stretched: &StretchedKey) -> Vec<u8> {
    let boxed = |role, count, method, secret: &[u8]| {
        seal(&secrets.master_key, &nonce(time, count), role, method, secret)
    };
    let key = secrets.password.key();
    let stretch_key = Fields::default()
        .u16(method::RECOVERY_KEY)
        .u16(0)
        .bytes(&secrets.salt)
        .bytes(&boxed(0x12, counter::RECOVERY_KEY, method::RECOVERY_KEY, key))
        .bytes(&boxed(0x13, counter::STRETCHED_KEY, method::STRETCHED_KEY, &stretched.0));
    let master_nonce = nonce(time, counter::MASTER_KEY);
    let body = Fields::default()
        .bytes(&secrets.protector_id.to_bytes_le())
        .u64(time)
        .u16(0)
        .u16(RECOVERY_PASSWORD)
        .bytes(&datum(0, kind::TEXT, 1, &text("DiskPassword")))
        .bytes(&datum(0, kind::STRETCH_KEY, 1, &stretch_key.0))
        .bytes(&seal(&stretched.0, &master_nonce, 0, method::MASTER_KEY, &*secrets.master_key));
    datum(2, kind::PROTECTOR, 1, &body.0)
}

/// The datum that says where the copy of the first 8 KiB lies, and who wrote the volume.
fn virtualisation(placement: &Placement) -> Vec<u8> {
    let sector_bytes = SECTOR_BYTES as u32;
    let body = Fields::default()
        .u64(placement.header_copy())
        .u64(FIRST_BYTES as u64)
        .u16(5)
        .u16(76)
        .u32(0)
        .u64(0x0a)
        .u64(0)
        .u32(0)
        .u32(sector_bytes)
        .u32(sector_bytes)
        // The system that wrote it: 10.0, build 19041, platform 2.
        .u32(10)
        .u32(0)
        .u32(19_041)
        .u32(2)
        .u32(0)
        .u16(0x0110)
        .bytes(&[1, 2])
        .u64(placement.reserve())
        .u32(METADATA_BYTES as u32)
        .u32(0);
    datum(15, kind::VIRTUALISATION, 1, &body.0)
}

fn text(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn description(description: &str) -> Result<Vec<u8>, Error> {
    let characters = description.encode_utf16().count();
    if characters > LONGEST_DESCRIPTION {
        return Err(Error::DescriptionTooLong { characters });
    }
    Ok(text(description))
}

/// Hundreds of nanoseconds since 1601.
fn filetime(created: Timestamp) -> Result<u64, Error> {
    let ticks = created.as_nanosecond().div_euclid(100) + FILETIME_EPOCH_SECS * 10_000_000;
    u64::try_from(ticks).map_err(|_| Error::Time { created })
}

fn nonce(time: u64, counter: u32) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..8].copy_from_slice(&time.to_le_bytes());
    nonce[8..].copy_from_slice(&counter.to_le_bytes());
    nonce
}
