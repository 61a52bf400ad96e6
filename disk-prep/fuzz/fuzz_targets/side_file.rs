//! Metadata and properties files: any bytes give names and values that a header can hold, or a
//! reason.
#![no_main]

use disk_prep::dataset::{SideKind, parse_side_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for kind in [SideKind::Metadata, SideKind::Properties] {
        if let Ok(entries) = parse_side_file(kind, bytes) {
            let is_plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            assert!(entries.iter().all(|(name, value)| is_plain(name) && is_plain(value)));
        }
    }
});
