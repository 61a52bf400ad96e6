//! The version of a program of Windows, twice: as it is, and as a program.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    azseed_fuzz::read_program(bytes);
    azseed_fuzz::read_program(&[b"MZ\0\0", bytes].concat());
});
