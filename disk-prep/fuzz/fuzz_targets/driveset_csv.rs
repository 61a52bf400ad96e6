//! `driveset.csv`: any bytes give rows or faults, each fault with a line of the file.
#![no_main]

use disk_prep::dataset::driveset_csv::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.iter().filter(|&&byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
    match parse(bytes) {
        Ok(rows) => assert!(!rows.is_empty() && rows.iter().all(|row| row.line <= lines)),
        Err(faults) => assert!(
            !faults.is_empty() && faults.iter().all(|fault| (1..=lines).contains(&fault.line))
        ),
    }
});
