//! The list of mounts of a machine.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    azseed_fuzz::read_mounts(bytes);
});
