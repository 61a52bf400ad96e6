//! A file that says how a machine gets its addresses.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    azseed_fuzz::read_network_file(bytes);
});
