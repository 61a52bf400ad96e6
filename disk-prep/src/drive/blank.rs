//! Whether a drive reads blank, and if not, what was found on it (`design` 3).

use std::io;

use crate::device::Device;
use crate::limits::DATA_PARTITION_START;
use crate::sys::aligned::AlignedBuffer;

const EDGE_BYTES: u64 = 16 << 20;
const SAMPLES: u64 = 1024;
const SAMPLE_BYTES: u64 = 4096;
const CHUNK_BYTES: usize = 1 << 20;

/// `None` if the first and last 16 MiB and 1,024 evenly spaced samples are zero; else what is
/// there, as a person reads it.
pub fn find_content(device: &dyn Device) -> io::Result<Option<String>> {
    let size = device.size();
    let edge = EDGE_BYTES.min(size);
    let mut chunk = AlignedBuffer::zeroed(CHUNK_BYTES);
    for start in [0, size - edge] {
        let mut offset = start;
        while offset < start + edge {
            let length = (start + edge - offset).min(CHUNK_BYTES as u64) as usize;
            device.read_at(&mut chunk[..length], offset)?;
            if let Some(at) = first_content(&chunk[..length]) {
                return Ok(Some(name(device, offset + at as u64)?));
            }
            offset += length as u64;
        }
    }
    let sample = SAMPLE_BYTES.min(size) as usize;
    for index in 0..SAMPLES {
        let spread = u128::from(size - sample as u64) * u128::from(index) / u128::from(SAMPLES - 1);
        let offset = spread as u64 / SAMPLE_BYTES * SAMPLE_BYTES;
        device.read_at(&mut chunk[..sample], offset)?;
        if let Some(at) = first_content(&chunk[..sample]) {
            return Ok(Some(name(device, offset + at as u64)?));
        }
    }
    Ok(None)
}

fn first_content(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte != 0)
}

/// Marks by which a person knows what was on a drive: where, what, and the word for it.
const MARKS: &[(u64, &[u8], &str)] = &[
    (DATA_PARTITION_START + 3, b"-FVE-FS-", "a BitLocker volume in a GPT partition"),
    (512, b"EFI PART", "a GPT partition table"),
    (3, b"-FVE-FS-", "a BitLocker volume"),
    (3, b"NTFS    ", "an NTFS file system"),
    (0, b"LUKS\xba\xbe", "an encrypted LUKS volume"),
    (0, b"XFSB", "an XFS file system"),
    (512, b"LABELONE", "an LVM physical volume"),
    (4096, b"\xfc\x4e\x2b\xa9", "a member of a Linux software array"),
    (1080, b"\x53\xef", "an ext file system"),
    (65600, b"_BHRfS_M", "a Btrfs file system"),
    (510, b"\x55\xaa", "an MBR partition table"),
];

fn name(device: &dyn Device, at: u64) -> io::Result<String> {
    for &(offset, mark, what) in MARKS {
        let mut found = vec![0; mark.len()];
        if offset + mark.len() as u64 <= device.size() {
            device.read_at(&mut found, offset)?;
            if found == mark {
                return Ok(format!("it holds {what}"));
            }
        }
    }
    Ok(format!("it is not zero at {at:#x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::FileDevice;
    use std::os::unix::fs::FileExt;

    fn found(marks: &[(u64, &[u8])]) -> Option<String> {
        let file = tempfile::tempfile().unwrap();
        file.set_len(300 << 20).unwrap();
        for (offset, bytes) in marks {
            file.write_all_at(bytes, *offset).unwrap();
        }
        find_content(&FileDevice::new(file).unwrap()).unwrap()
    }

    #[test]
    fn only_zeros_are_blank_and_what_is_there_is_named() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[(5, b"x")]).unwrap(), "it is not zero at 0x5");
        assert_eq!(found(&[((300 << 20) - 1, b"x")]).unwrap(), "it is not zero at 0x12bfffff");
        assert_eq!(found(&[(512, b"EFI PART")]).unwrap(), "it holds a GPT partition table");
        assert!(
            found(&[(510, b"\x55\xaa"), (129 << 20 | 3, b"-FVE-FS-")])
                .unwrap()
                .contains("BitLocker")
        );
        let spot = ((300u64 << 20) - 4096) * 512 / 1023 / 4096 * 4096;
        assert!(found(&[(spot + 17, b"x")]).is_some(), "a sample in the middle");
    }
}
