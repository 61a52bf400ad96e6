//! Asks an ATA drive itself, past what the kernel or a USB bridge says of it: ATA PASS-THROUGH
//! (SCSI / ATA Translation - 5, 12.2) by the SG_IO call. Only the three commands here exist; none
//! changes a byte on the medium. What the answers mean is not this file's business.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::ioctl::{Updater, ioctl};

/// `SG_IO` of `<scsi/sg.h>`.
const SG_IO: u32 = 0x2285;
/// Time that a sleeping drive gets to answer, milliseconds.
const TIMEOUT_MS: u32 = 15_000;
const SENSE_BYTES: usize = 32;

const NO_DATA: i32 = -1;
const FROM_DEVICE: i32 = -3;
const CHECK_CONDITION: u8 = 2;
/// The kernel's word that there is sense data.
const DRIVER_SENSE: u16 = 8;

/// `struct sg_io_hdr` of `<scsi/sg.h>`.
#[repr(C)]
struct SgIoHeader {
    interface_id: i32,
    direction: i32,
    command_bytes: u8,
    sense_room: u8,
    iovec_count: u16,
    data_bytes: u32,
    data: *mut u8,
    command: *const u8,
    sense: *mut u8,
    timeout_ms: u32,
    flags: u32,
    pack_id: i32,
    user: *mut u8,
    status: u8,
    masked_status: u8,
    message_status: u8,
    sense_bytes: u8,
    host_status: u16,
    driver_status: u16,
    missing_bytes: i32,
    duration_ms: u32,
    info: u32,
}

/// The ATA registers that a command leaves behind, as far as they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Registers {
    status: u8,
    lba_mid: u8,
    lba_high: u8,
}

/// How a command ended.
struct Ended {
    status: u8,
    sense: [u8; SENSE_BYTES],
    missing_bytes: i32,
}

/// Opens a node for asking: nothing can be written through it, and it neither waits for a medium
/// nor wakes what watches for writers.
pub fn open(node: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(node)
}

/// IDENTIFY DEVICE. Bridges that do not know the command of 16 bytes get the one of 12.
pub fn identify(device: &File) -> io::Result<[u8; 512]> {
    // Protocol PIO data-in; data from the device, in blocks, as many as the sector count says.
    let long = [0x85, 4 << 1, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xec, 0];
    let short = [0xa1, 4 << 1, 0x0e, 0, 1, 0, 0, 0, 0, 0xec, 0, 0];
    identify_by(device, &long).or_else(|_| identify_by(device, &short))
}

fn identify_by(device: &File, command: &[u8]) -> io::Result<[u8; 512]> {
    let mut answer = [0; 512];
    let ended = send(device, command, Some(&mut answer))?;
    let failed = match ended.status {
        0 => false,
        // Some bridges hand over the registers though nobody asked; status bit 0 is an error.
        CHECK_CONDITION => registers(&ended.sense).is_none_or(|left| left.status & 1 == 1),
        _ => true,
    };
    if failed || ended.missing_bytes != 0 {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "no ATA drive answers"));
    }
    Ok(answer)
}

/// SMART RETURN STATUS: whether the drive calls itself healthy.
pub fn is_healthy(device: &File) -> io::Result<bool> {
    // Protocol non-data; the registers come back as sense data. B0h, DAh with C24Fh as its key.
    let long = [0x85, 3 << 1, 0x20, 0, 0xda, 0, 0, 0, 0, 0, 0x4f, 0, 0xc2, 0, 0xb0, 0];
    let short = [0xa1, 3 << 1, 0x20, 0xda, 0, 0, 0x4f, 0xc2, 0, 0xb0, 0, 0];
    let ask = |command: &[u8]| {
        let ended = send(device, command, None)?;
        health(&ended.sense)
            .ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "no health status"))
    };
    ask(&long).or_else(|_| ask(&short))
}

/// The drive leaves its key as it is when all is well and turns it round when a threshold was
/// crossed.
fn health(sense: &[u8; SENSE_BYTES]) -> Option<bool> {
    match registers(sense)? {
        Registers { lba_mid: 0x4f, lba_high: 0xc2, .. } => Some(true),
        Registers { lba_mid: 0xf4, lba_high: 0x2c, .. } => Some(false),
        _ => None,
    }
}

/// The registers in sense data: the ATA Status Return descriptor, or the fixed form.
fn registers(sense: &[u8; SENSE_BYTES]) -> Option<Registers> {
    match sense[0] & 0x7f {
        0x72 => {
            let end = (8 + usize::from(sense[7])).min(SENSE_BYTES);
            let mut rest = &sense[8..end];
            while let [kind, length, ..] = *rest {
                let whole = 2 + usize::from(length);
                if kind == 0x09 && length == 12 && rest.len() >= whole {
                    let (lba_mid, lba_high, status) = (rest[9], rest[11], rest[13]);
                    return Some(Registers { status, lba_mid, lba_high });
                }
                rest = rest.get(whole..)?;
            }
            None
        }
        // "ATA pass-through information available" says that the fields are registers.
        0x70 if sense[12..14] == [0x00, 0x1d] => {
            Some(Registers { status: sense[4], lba_mid: sense[10], lba_high: sense[11] })
        }
        _ => None,
    }
}

#[expect(unsafe_code, reason = "the kernel has no other way to ask a drive")]
fn send(device: &File, command: &[u8], data: Option<&mut [u8; 512]>) -> io::Result<Ended> {
    let mut sense = [0; SENSE_BYTES];
    let mut header = SgIoHeader {
        interface_id: i32::from(b'S'),
        direction: if data.is_some() { FROM_DEVICE } else { NO_DATA },
        command_bytes: command.len() as u8,
        sense_room: SENSE_BYTES as u8,
        iovec_count: 0,
        data_bytes: data.as_ref().map_or(0, |data| data.len() as u32),
        data: data.map_or(std::ptr::null_mut(), |data| data.as_mut_ptr()),
        command: command.as_ptr(),
        sense: sense.as_mut_ptr(),
        timeout_ms: TIMEOUT_MS,
        flags: 0,
        pack_id: 0,
        user: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        message_status: 0,
        sense_bytes: 0,
        host_status: 0,
        driver_status: 0,
        missing_bytes: 0,
        duration_ms: 0,
        info: 0,
    };
    // SAFETY: SG_IO reads and writes one `sg_io_hdr`, which `SgIoHeader` is, field by field; the
    // three buffers that it points to outlive the call and are as long as it says.
    unsafe { ioctl(device, Updater::<SG_IO, SgIoHeader>::new(&mut header))? };
    if header.host_status != 0 || header.driver_status & !DRIVER_SENSE != 0 {
        return Err(io::Error::other("the drive's adapter did not deliver the question"));
    }
    Ok(Ended { status: header.status, sense, missing_bytes: header.missing_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sense(bytes: &[u8]) -> [u8; SENSE_BYTES] {
        let mut sense = [0; SENSE_BYTES];
        sense[..bytes.len()].copy_from_slice(bytes);
        sense
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_header_is_as_long_as_the_kernels() {
        assert_eq!(size_of::<SgIoHeader>(), 88);
        assert_eq!(std::mem::offset_of!(SgIoHeader, status), 64);
    }

    #[test]
    fn health_is_read_from_both_forms_of_sense_data() {
        let by_descriptor = |mid, high| {
            let head = [0x72, 1, 0, 0x1d, 0, 0, 0, 14];
            let body = [9, 12, 0, 0, 0, 0, 0, 0, 0, mid, 0, high, 0, 0x50];
            health(&sense(&[&head[..], &body].concat()))
        };
        assert_eq!(by_descriptor(0x4f, 0xc2), Some(true));
        assert_eq!(by_descriptor(0xf4, 0x2c), Some(false));
        assert_eq!(by_descriptor(0, 0), None);
        let fixed = [0x70, 0, 1, 0, 0x50, 0, 0, 10, 0, 0, 0xf4, 0x2c, 0, 0x1d];
        assert_eq!(health(&sense(&fixed)), Some(false));
    }

    #[test]
    fn sense_data_that_lies_about_its_lengths_is_none() {
        assert_eq!(registers(&[0; SENSE_BYTES]), None);
        assert_eq!(registers(&[0xff; SENSE_BYTES]), None);
        assert_eq!(registers(&sense(&[0x72, 0, 0, 0, 0, 0, 0, 0xff, 3, 0xff])), None);
        let mut cut = sense(&[0x72, 0, 0, 0, 0, 0, 0, 3, 9, 12]);
        assert_eq!(registers(&cut), None, "the descriptor ends before its registers");
        cut[7] = 0xff;
        cut[8..].fill(0);
        assert_eq!(registers(&cut), None);
    }

    #[test]
    fn what_is_no_drive_does_not_answer() {
        let file = tempfile::tempfile().unwrap();
        assert!(identify(&file).is_err() && is_healthy(&file).is_err());
        assert!(open(Path::new("/nonexistent")).is_err());
    }
}
