//! One part of a list of page ranges, as the service gives it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    azseed_fuzz::read_page_list(bytes);
});
