//! What stands twice, or is the same on every volume: the boot sector, the first records of the
//! file table, `$LogFile`, `$AttrDef` and `$UpCase`.

use sha2::{Digest, Sha256};

use super::super::parts::DATA;
use super::super::records::{RecordFault, fixed_up, sure};
use super::site::{
    ATTR_DEF, BOOT, LOG_FILE, MFT, MFT_MIRROR, PIECE_BYTES, Site, SystemFile, UP_CASE,
};
use crate::limits::SECTOR_BYTES;
use crate::noun::hex_upper;
use crate::volume::fields::{u16_at, u32_at, u64_at};

/// What the boot sector is the first sector of.
const BOOT_AREA: usize = 8192;
/// Records that are mirrored, at least and at most.
const MIRRORED: std::ops::RangeInclusive<u64> = 4..=64;
/// A page of the log.
const PAGE: usize = 4096;
/// The table of attributes of NTFS 3.0 and later, as `mkntfs` (`attrdef.c`) and Windows write it.
const ATTRIBUTES: (u64, &str) =
    (2560, "D7DE5B1B2F79F45F235CEB1ADBC46908ED64EAE174EB90ED66AEFE5F25165DA3");
/// The table of upper-case letters of Windows 8 and later, as `mkntfs` (`unistr.c`) writes it.
const LETTERS: (u64, &str) =
    (131_072, "41C26BC7A12BDAEB26025C93118697C7E3EF81EE048B00FE5CCE2A472E0E0742");
/// CRC-64 of that table, in `$UpCase:$Info`.
const LETTERS_CRC: u64 = 0xdadc_7e77_6b1b_690c;

/// Compares all of them.
pub(super) fn check(site: &mut Site<'_>) {
    boot(site);
    mirror(site);
    log(site);
    table(site, ATTR_DEF, ATTRIBUTES);
    table(site, UP_CASE, LETTERS);
    let Some(info) = site.stream(UP_CASE, DATA, "$Info").and_then(|info| info.resident) else {
        return;
    };
    let mut expected = [0; 32];
    expected[0] = 32;
    expected[8..16].copy_from_slice(&LETTERS_CRC.to_le_bytes());
    if info != expected {
        site.tell(UP_CASE, "what $Info says of the table is not true");
    }
}

fn boot(site: &mut Site<'_>) {
    let mut area = vec![0; BOOT_AREA];
    let sector = SECTOR_BYTES as usize;
    if site.read_volume(BOOT, 0, &mut area) && area[sector..].iter().any(|&byte| byte != 0) {
        site.tell(BOOT, "there are bytes behind the boot sector");
    }
    let (sectors, size) = (u64_at(&site.boot, 40), site.volume_bytes());
    let last = size.saturating_sub(SECTOR_BYTES);
    if sectors * SECTOR_BYTES != last {
        return site.tell(BOOT, "its number of sectors is not that of the volume");
    }
    let mut copy = [0; SECTOR_BYTES as usize];
    if site.read_volume(BOOT, last, &mut copy) && copy != site.boot {
        site.tell(BOOT, "the copy in the last sector of the volume is not the boot sector");
    }
    if site.table.first_byte() != site.geometry.table {
        site.tell(MFT, "it does not begin where the boot sector says");
    }
}

/// `$MFTMirr`: the first records once more.
fn mirror(site: &mut Site<'_>) {
    let Some(mirror) = site.stream(MFT_MIRROR, DATA, "") else { return };
    let place = u64_at(&site.boot, 56).checked_mul(site.geometry.cluster_bytes);
    if place != Some(mirror.first_byte()) {
        site.tell(MFT_MIRROR, "it does not begin where the boot sector says");
    }
    let record_bytes = site.geometry.record_bytes;
    let count = mirror.bytes / record_bytes as u64;
    if !MIRRORED.contains(&count) {
        return site.tell(MFT_MIRROR, "its size is not that of a mirror");
    }
    for number in 0..count {
        let mut copy = vec![0; record_bytes];
        let at = number * record_bytes as u64;
        if !site.read(MFT_MIRROR, &mirror, at, &mut copy) {
            return;
        }
        // What is wrong with the record itself is told by whoever goes through the table.
        let own = site.raw_record(number).and_then(|own| plain(&own).ok());
        match plain(&copy) {
            Err(fault) => site.tell(MFT_MIRROR, format!("record {number}: {fault}")),
            Ok(copy) if own.is_some_and(|own| own != copy) => {
                site.tell(MFT_MIRROR, format!("record {number} is not the one in $MFT"));
            }
            Ok(_) => {}
        }
    }
}

/// A record without the number of its last write.
fn plain(raw: &[u8]) -> Result<Vec<u8>, RecordFault> {
    sure(raw[..4] == *b"FILE", "signature")?;
    let mut bytes = fixed_up(raw, 42)?;
    let at = usize::from(u16_at(raw, 4));
    bytes[at..at + 2].fill(0);
    Ok(bytes)
}

/// `$LogFile`: empty, which is all ones, or begun by a system that used the volume.
fn log(site: &mut Site<'_>) {
    let Some(log) = site.stream(LOG_FILE, DATA, "") else { return };
    if log.bytes < 2 * PAGE as u64 {
        return site.tell(LOG_FILE, "it is too short for a log");
    }
    let (mut at, mut piece) = (0, vec![0; PIECE_BYTES]);
    while at < log.bytes {
        let length = (log.bytes - at).min(PIECE_BYTES as u64) as usize;
        let piece = &mut piece[..length];
        if site.is_stopped() || !site.read(LOG_FILE, &log, at, piece) {
            return;
        }
        if at == 0 && piece.chunks_exact(PAGE).take(2).any(is_restart) {
            return;
        }
        if let Some(inside) = piece.iter().position(|&byte| byte != 0xff) {
            let at = at + inside as u64;
            let fault = format!("it is neither empty nor a log, from its byte {at} on");
            return site.tell(LOG_FILE, fault);
        }
        at += length as u64;
    }
}

/// Whether a page of the log says where to begin.
fn is_restart(page: &[u8]) -> bool {
    page[..4] == *b"RSTR" && u32_at(page, 16) as usize == PAGE && fixed_up(page, 30).is_ok()
}

/// A table that is the same on every volume.
fn table(site: &mut Site<'_>, file: SystemFile, (length, digest): (u64, &str)) {
    let Some(table) = site.stream(file, DATA, "") else { return };
    if table.bytes != length {
        return site.tell(file, format!("it has {} bytes, the table has {length}", table.bytes));
    }
    let mut bytes = vec![0; length as usize];
    if site.read(file, &table, 0, &mut bytes) && hex_upper(&Sha256::digest(&bytes)) != digest {
        site.tell(file, "it is not the table that every volume has");
    }
}
