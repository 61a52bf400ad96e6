//! What a volume says of itself without a password: its header and one metadata block, each
//! field checked (`bitlocker-volume` 3 to 6, 8). Pure parsing.

use uuid::Uuid;

use super::error::Error;
use super::protector::Protector;
use crate::limits::SECTOR_BYTES;
use crate::noun::Cipher;
use crate::volume::fields::{guid_at, u16_at, u32_at, u64_at};

/// Bytes of a metadata block.
pub(super) const BLOCK: u64 = 65_536;
/// Bytes of the volume's start that are kept encrypted elsewhere.
pub(super) const RELOCATED: u64 = 8_192;
const SIGNATURE: &[u8] = b"-FVE-FS-";
const WHOLE_VOLUME: Uuid = uuid::uuid!("4967d63b-2e29-4ad8-8399-f6a339e3d001");
const USED_SPACE: Uuid = uuid::uuid!("92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8");
/// The mark of BitLocker To Go, which old FAT file systems have too.
const TO_GO: &[u8] = b"MSWIN4.1";
/// Where a To Go volume has its identifier.
const TO_GO_KIND: usize = 424;
/// How the first version of BitLocker begins.
const VISTA: &[u8] = b"\xeb\x52\x90";
/// Recovery passwords that are tried, more than any volume has.
const MOST_PASSWORDS: usize = 8;
/// Datums looked at in one list, more than any volume has.
const MOST_DATUMS: usize = 256;

/// A volume's description of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeMetadata {
    /// How its sectors are encrypted.
    pub cipher: Cipher,
    /// Volume identifier.
    pub volume_id: Uuid,
    /// Identifier of the first recovery password, if there is one.
    pub protector_id: Option<Uuid>,
    /// All that unlocks it, in their order.
    pub protectors: Vec<Protector>,
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
    pub(super) passwords: Vec<PasswordBox>,
    pub(super) boxed_volume_key: Vec<u8>,
    pub(super) boxed_hash: Vec<u8>,
    pub(super) info: Vec<u8>,
}

/// What opens with a recovery password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PasswordBox {
    pub salt: [u8; 16],
    pub boxed_master_key: Vec<u8>,
}

/// The places of the three metadata blocks, out of the first sector.
pub(super) fn parse_header(sector: &[u8; 512]) -> Result<[u64; 3], Error> {
    let is_ours = |at| [WHOLE_VOLUME, USED_SPACE].contains(&guid_at(sector, at));
    if sector[3..11] == *TO_GO && (is_ours(TO_GO_KIND) || is_ours(160)) {
        return Err(Error::ToGo);
    }
    if sector[3..11] != *SIGNATURE {
        return Err(Error::NotBitLocker);
    }
    if sector.starts_with(VISTA) {
        return Err(Error::FirstVersion);
    }
    if sector[510..] != [0x55, 0xaa] {
        return Err(Error::Damaged { offset: 0, field: "boot signature" });
    }
    let actual = u64::from(u16_at(sector, 11));
    if actual != SECTOR_BYTES {
        return Err(Error::SectorSize { actual });
    }
    let kind = guid_at(sector, 160);
    if kind == USED_SPACE {
        return Err(Error::UsedSpaceOnly);
    }
    if kind != WHOLE_VOLUME {
        return Err(Error::Unsupported { field: "volume kind", actual: kind.as_u128() as u64 });
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
        protectors: Vec::new(),
        created_filetime: u64_at(info, 104),
        description: String::new(),
        volume_bytes,
        metadata,
        header_copy,
        passwords: Vec::new(),
        boxed_volume_key: Vec::new(),
        boxed_hash: Vec::new(),
        info: info.to_vec(),
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

/// Takes up a protector; of recovery passwords with what they open.
fn protector(body: &[u8], found: &mut VolumeMetadata) -> Option<()> {
    let (head, inner) = body.split_first_chunk::<28>()?;
    let kind = Protector::new(u16_at(head, 26));
    found.protectors.push(kind);
    if kind != Protector::RecoveryPassword || found.passwords.len() == MOST_PASSWORDS {
        return Some(());
    }
    let (mut salt, mut boxed_master_key) = (None, Vec::new());
    for datum in datums(inner)? {
        match datum.kind {
            3 => salt = Some(datum.body.get(4..20)?.try_into().ok()?),
            5 => boxed_master_key = datum.body.to_vec(),
            _ => {}
        }
    }
    found.protector_id.get_or_insert(guid_at(head, 0));
    found.passwords.push(PasswordBox { salt: salt?, boxed_master_key });
    Some(())
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    String::from_utf16_lossy(&units.take_while(|unit| *unit != 0).collect::<Vec<u16>>())
}
