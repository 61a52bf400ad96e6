//! The manifest reader: the bytes may come from a hostile drive. What is read keeps the rules.
#![no_main]

use disk_prep::manifest::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(manifest) = parse(bytes) else { return };
    for blob in &manifest.blobs {
        let mut end = 0;
        for range in &blob.ranges {
            assert!(range.offset >= end && range.bytes > 0);
            end = range.offset + range.bytes;
        }
        assert!(end <= blob.bytes);
        let sides = blob.metadata.iter().chain(&blob.properties);
        assert!(sides.into_iter().all(|path| manifest.side_files.contains_key(path)));
    }
});
