//! What a drive or a bridge answers to IDENTIFY DEVICE, twice: as it is, and with the checksum that
//! makes it whole, since chance seldom finds that. What is read of it keeps the rules.
#![no_main]

use disk_prep::drive::Identity;
use libfuzzer_sys::fuzz_target;

fn read(answer: &[u8; 512]) {
    let Some(own) = Identity::parse(answer) else { return };
    assert!(own.sectors > 0 && own.bytes() == own.sectors * own.logical_bytes);
    assert!(own.logical_bytes >= 512 && own.physical_bytes >= own.logical_bytes);
    let is_plain =
        |text: &String| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    assert!([&own.serial, &own.model].into_iter().flatten().all(is_plain));
    assert!(own.serial.is_none_or(|serial| !serial.contains(' ')));
}

fuzz_target!(|bytes: &[u8]| {
    let mut answer = [0; 512];
    let length = bytes.len().min(answer.len());
    answer[..length].copy_from_slice(&bytes[..length]);
    read(&answer);
    answer[510] = 0xa5;
    let sum = answer[..511].iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    answer[511] = sum.wrapping_neg();
    read(&answer);
});
