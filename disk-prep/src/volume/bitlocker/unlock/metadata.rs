//! What a volume says of itself without a password: its header and one metadata block, each
//! field checked (`bitlocker-volume` 3 to 6, 8). Pure parsing.

use uuid::Uuid;

use super::Error;
use crate::limits::SECTOR_BYTES;
use crate::noun::Cipher;

/// Bytes of a metadata block.
pub(super) const BLOCK: u64 = 65_536;
/// Bytes of the volume's start that are kept encrypted elsewhere.
pub(super) const RELOCATED: u64 = 8_192;
const SIGNATURE: &[u8] = b"-FVE-FS-";
const WHOLE_VOLUME: Uuid = uuid::uuid!("4967d63b-2e29-4ad8-8399-f6a339e3d001");
/// Datums looked at in one list, more than any volume has.
const MOST_DATUMS: usize = 256;

/// A volume's description of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeMetadata {
    /// How its sectors are encrypted.
    pub cipher: Cipher,
    /// Volume identifier.
    pub volume_id: Uuid,
    /// Identifier of the recovery password, if that is a protector.
    pub protector_id: Option<Uuid>,
    /// When it was made: hundreds of nanoseconds since 1601.
    pub created_filetime: u64,
    /// What Windows shows of it.
    pub description: String,
    /// Size, bytes.
    pub volume_bytes: u64,
    /// Where the three metadata blocks begin, bytes.
    pub metadata: [u64; 3],
    /// Where the encrypted copy of the first 8 KiB begins, bytes.
    pub header_copy: u64,
    pub(super) salt: Option<[u8; 16]>,
    pub(super) boxed_master_key: Vec<u8>,
    pub(super) boxed_volume_key: Vec<u8>,
    pub(super) boxed_hash: Vec<u8>,
    pub(super) info: Vec<u8>,
    pub(super) has_clear_key: bool,
}

/// The places of the three metadata blocks, out of the first sector.
pub(super) fn parse_header(sector: &[u8; 512]) -> Result<[u64; 3], Error> {
    if sector[3..11] != *SIGNATURE || sector[510..] != [0x55, 0xaa] {
        return Err(Error::NotBitLocker);
    }
    let sector_bytes = u64::from(u16_at(sector, 11));
    if sector_bytes != SECTOR_BYTES {
        return Err(Error::Unsupported { field: "sector size", actual: sector_bytes });
    }
    let kind = u128::from_le_bytes(sector[160..176].try_into().expect("the range is 16 bytes"));
    if kind.to_le_bytes() != WHOLE_VOLUME.to_bytes_le() {
        return Err(Error::Unsupported { field: "volume kind", actual: kind as u64 });
    }
    Ok([u64_at(sector, 176), u64_at(sector, 184), u64_at(sector, 192)])
}

/// One metadata block of a volume of `volume_bytes` whose header names `places`; `offset` is
/// where the block was read, for messages.
pub(super) fn parse_block(
    block: &[u8],
    offset: u64,
    places: [u64; 3],
    volume_bytes: u64,
) -> Result<VolumeMetadata, Error> {
    let damaged = |field| Error::Damaged { offset, field };
    let sure = |right: bool, field| if right { Ok(()) } else { Err(damaged(field)) };
    sure(block.len() as u64 == BLOCK && block.starts_with(SIGNATURE), "signature")?;
    let info_bytes = usize::from(u16_at(block, 8)) * 16;
    sure((112..=BLOCK as usize - 88).contains(&info_bytes), "size")?;
    let (info, validation) = block.split_at(info_bytes);
    sure(crc32fast::hash(info) == u32_at(validation, 4), "checksum")?;
    for (field, at, expected) in [("version", 10, 2), ("state", 12, 4), ("next state", 14, 4)] {
        let actual = u64::from(u16_at(info, at));
        if actual != expected {
            return Err(Error::Unsupported { field, actual });
        }
    }
    sure(u32_at(info, 24) == 0, "conversion")?;
    sure(u64_at(info, 16) == volume_bytes, "volume size")?;
    sure(u64::from(u32_at(info, 28)) == RELOCATED / SECTOR_BYTES, "relocated sectors")?;
    let metadata = [u64_at(info, 32), u64_at(info, 40), u64_at(info, 48)];
    sure(metadata == places, "metadata places")?;
    let header_copy = u64_at(info, 56);
    sure(apart(metadata, header_copy, volume_bytes), "places")?;
    let dataset_bytes = u32_at(info, 64) as usize;
    sure((48..=info_bytes - 64).contains(&dataset_bytes), "dataset size")?;
    sure(u32_at(info, 72) == 48, "dataset header")?;
    let method = u16_at(info, 100);
    let cipher = Cipher::from_method(method)
        .ok_or(Error::Unsupported { field: "cipher", actual: method.into() })?;

    let mut found = VolumeMetadata {
        cipher,
        volume_id: guid_at(info, 80),
        protector_id: None,
        created_filetime: u64_at(info, 104),
        description: String::new(),
        volume_bytes,
        metadata,
        header_copy,
        salt: None,
        boxed_master_key: Vec::new(),
        boxed_volume_key: Vec::new(),
        boxed_hash: Vec::new(),
        info: info.to_vec(),
        has_clear_key: false,
    };
    for datum in datums(&info[112..64 + dataset_bytes]).ok_or(damaged("datums"))? {
        match (datum.role, datum.kind) {
            (2, 8) => protector(datum.body, &mut found).ok_or(damaged("protector"))?,
            (3, 5) => found.boxed_volume_key = datum.body.to_vec(),
            (7, 2) => found.description = utf16(datum.body),
            _ => {}
        }
    }
    let sealed = datums(&validation[8..88]).ok_or(damaged("validation"))?;
    found.boxed_hash = sealed.first().map(|datum| datum.body.to_vec()).unwrap_or_default();
    Ok(found)
}

/// Whether all own places are whole sectors on the volume and none touches another.
fn apart(metadata: [u64; 3], header_copy: u64, volume_bytes: u64) -> bool {
    let mut runs = [
        (0, RELOCATED),
        (metadata[0], BLOCK),
        (metadata[1], BLOCK),
        (metadata[2], BLOCK),
        (header_copy, RELOCATED),
    ];
    runs.sort_unstable();
    let end = |run: (u64, u64)| run.0.checked_add(run.1);
    runs.iter().all(|run| run.0.is_multiple_of(SECTOR_BYTES))
        && runs.windows(2).all(|pair| end(pair[0]).is_some_and(|end| end <= pair[1].0))
        && end(runs[4]).is_some_and(|end| end <= volume_bytes)
}

struct Datum<'b> {
    role: u16,
    kind: u16,
    body: &'b [u8],
}

/// The datums that fill `bytes`, or nothing if a size does not fit.
fn datums(mut bytes: &[u8]) -> Option<Vec<Datum<'_>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() && found.len() < MOST_DATUMS {
        let head = bytes.first_chunk::<8>()?;
        let (datum, rest) = bytes.split_at_checked(usize::from(u16_at(head, 0)))?;
        let body = datum.get(8..)?;
        found.push(Datum { role: u16_at(head, 2), kind: u16_at(head, 4), body });
        bytes = rest;
    }
    Some(found)
}

/// Takes up a protector if it is a recovery password; the first one counts.
fn protector(body: &[u8], found: &mut VolumeMetadata) -> Option<()> {
    let (head, inner) = body.split_first_chunk::<28>()?;
    match u16_at(head, 26) {
        0x0000 => found.has_clear_key = true,
        0x0800 if found.protector_id.is_none() => {
            for datum in datums(inner)? {
                match datum.kind {
                    3 => found.salt = Some(datum.body.get(4..20)?.try_into().ok()?),
                    5 => found.boxed_master_key = datum.body.to_vec(),
                    _ => {}
                }
            }
            found.protector_id = Some(guid_at(head, 0));
        }
        _ => {}
    }
    Some(())
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    String::from_utf16_lossy(&units.take_while(|unit| *unit != 0).collect::<Vec<u16>>())
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the slice has N bytes")
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, at))
}

fn guid_at(bytes: &[u8], at: usize) -> Uuid {
    Uuid::from_bytes_le(bytes_at(bytes, at))
}
