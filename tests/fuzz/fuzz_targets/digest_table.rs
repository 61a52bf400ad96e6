//! The digest table of a point, twice: with the bytes as they are, and behind a header that is theirs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    azseed_fuzz::read_table(bytes);
    azseed_fuzz::read_table(&azseed_fuzz::seal_table(bytes));
});
